/*
 * The settings that can be provisioned: what may be asked for, and the AT commands of each. Everything that
 * ends up in a command passes the checks of this file; everything a modem answers is copied as bounded
 * printable text.
 */
#include "provision_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define DIGITS     "0123456789"
#define LETTERS    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define USBNET_MAX 3
#define IMS_MAX    2
#define SCAN_MAX   8

static const char *const memories[] = {"SM", "ME", "MT"};

void provision_config_init(struct provision_config *config)
{
        *config = (struct provision_config){.usbnet = -1, .ims = -1, .nwscanmode = -1};
}

bool provision_config_is_empty(const struct provision_config *config)
{
        return config->usbnet < 0 && config->ims < 0 && config->nwscanmode < 0 &&
               config->apn_mode == PROVISION_APN_NONE && config->cnmi[0] == '\0' &&
               config->cpms[0][0] == '\0';
}

/* Labels of letters, digits and inner hyphens, joined by single dots. */
static bool is_labels(const char *text)
{
        const char *p = text;

        for (;;) {
                size_t length = strspn(p, LETTERS DIGITS "-");
                if (length == 0 || p[0] == '-' || p[length - 1] == '-')
                        return false;
                p += length;
                if (*p == '\0')
                        return true;
                if (*p++ != '.')
                        return false;
        }
}

bool provision_apn_is_valid(const char *apn)
{
        static const char *const reserved[] = {"rac", "lac", "sgsn", "rnc"};
        size_t length = strnlen(apn, PROVISION_APN_MAX);

        if (length >= PROVISION_APN_MAX || !is_labels(apn))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
                if (strncasecmp(apn, reserved[i], strlen(reserved[i])) == 0)
                        return false;
        const char *last = strrchr(apn, '.');
        return !text_equal_nocase(last ? last + 1 : apn, "gprs");
}

bool provision_cnmi_is_valid(const char *cnmi)
{
        /* mt 2 and 3 and ds 1 hand a message to the port at once instead of storing it: smsd, which reads the
         * storage, would never see it. */
        static const char *const allowed[] = {"0123", "01", "0123", "02", "01"};

        for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
                if (*cnmi == '\0' || !strchr(allowed[i], *cnmi))
                        return false;
                cnmi++;
                if (*cnmi != (i + 1 < ARRAY_SIZE(allowed) ? ',' : '\0'))
                        return false;
                cnmi++;
        }
        return true;
}

static bool is_memory(const char *text)
{
        for (size_t i = 0; i < ARRAY_SIZE(memories); i++)
                if (strncmp(text, memories[i], 3) == 0)
                        return true;
        return false;
}

int provision_cpms_parse(const char *text, char ret_cpms[3][3])
{
        char cpms[3][3] = {"", "", ""};
        size_t length = strnlen(text, 9);

        if (length != 2 && length != 8)
                return -EINVAL;
        for (size_t i = 0; i < 3; i++) {
                const char *name = length == 2 ? text : text + 3 * i;
                memcpy(cpms[i], name, 2);
                if (!is_memory(cpms[i]) || (length == 8 && i < 2 && name[2] != ','))
                        return -EINVAL;
        }
        memcpy(ret_cpms, cpms, sizeof(cpms));
        return 0;
}

static bool is_cpms(const struct provision_config *config)
{
        for (size_t i = 0; i < 3; i++)
                if (!is_memory(config->cpms[i]))
                        return false;
        return true;
}

static const char *objection(const struct provision_config *config)
{
        if (config->usbnet < -1 || config->usbnet > USBNET_MAX)
                return "usbnet is 0 (RmNet), 1 (ECM), 2 (MBIM) or 3 (RNDIS)";
        if (config->ims < -1 || config->ims > IMS_MAX)
                return "ims is 0 (as the operator wants it), 1 (on) or 2 (off)";
        if (config->nwscanmode < -1 || config->nwscanmode > SCAN_MAX)
                return "nwscanmode is 0 (automatic) to 8";
        if (config->apn_mode == PROVISION_APN_TEXT && !provision_apn_is_valid(config->apn))
                return "apn is no access point name: letters, digits and hyphens between dots, at most 62";
        if (config->cnmi[0] && !provision_cnmi_is_valid(config->cnmi))
                return "cnmi is five numbers like 2,1,0,0,0 that leave messages and reports in the storage";
        if (config->cpms[0][0] && !is_cpms(config))
                return "cpms is SM, ME or MT, once or three times";
        return NULL;
}

int provision_config_check(const struct provision_config *config, const char **ret_why)
{
        const char *why = objection(config);

        if (!why)
                return 0;
        *ret_why = why;
        return -EINVAL;
}

/* --- answers --- */

/* What stands behind `prefix` and blanks, NULL when the line is another. */
static const char *after(const char *text, const char *prefix)
{
        if (!text_starts_with(text, prefix))
                return NULL;
        text += strlen(prefix);
        return text + strspn(text, " ");
}

/* Takes the field at *text, quotes removed, and leaves *text behind its comma, or at the end. */
static void next_field(const char **text, char *target, size_t size)
{
        const char *p = *text + strspn(*text, " ");
        bool quoted = *p == '"';
        size_t length = quoted ? strcspn(++p, "\"") : strcspn(p, ",");

        text_sanitize(target, size, p, length);
        p += length;
        p += strcspn(p, ",");
        *text = *p == ',' ? p + 1 : p;
}

/* +QCFG: "KEY",VALUE[,...] */
static bool take_qcfg(struct provision_dialogue *dialogue, const char *text, const char *key)
{
        const char *p = after(text, "+QCFG:");
        char field[24];
        unsigned value;

        if (!p)
                return false;
        next_field(&p, field, sizeof(field));
        if (!text_equal_nocase(field, key))
                return false;
        next_field(&p, field, sizeof(field));
        if (parse_unsigned(field, 0, 999, &value) < 0)
                return false;
        return text_format(dialogue->value, sizeof(dialogue->value), "%u", value) == 0;
}

static bool take_usbnet(struct provision_dialogue *dialogue, const char *text)
{
        return take_qcfg(dialogue, text, "usbnet");
}

static bool take_ims(struct provision_dialogue *dialogue, const char *text)
{
        return take_qcfg(dialogue, text, "ims");
}

static bool take_nwscanmode(struct provision_dialogue *dialogue, const char *text)
{
        return take_qcfg(dialogue, text, "nwscanmode");
}

static bool take_cnmi(struct provision_dialogue *dialogue, const char *text)
{
        const char *p = after(text, "+CNMI:");

        if (!p || !text_only(p, DIGITS ", ", PROVISION_CNMI_MAX))
                return false;
        size_t n = 0;
        for (; *p; p++)
                if (*p != ' ')
                        dialogue->value[n++] = *p; /* at most PROVISION_CNMI_MAX */
        dialogue->value[n] = '\0';
        return true;
}

/* +CPMS: "ME",0,255,"ME",0,255,"ME",0,255; the answer to a write has numbers only. */
static bool take_cpms(struct provision_dialogue *dialogue, const char *text)
{
        const char *p = after(text, "+CPMS:");
        char name[3][8], number[12];

        if (!p)
                return false;
        for (size_t i = 0; i < 3; i++) {
                p += strspn(p, " ");
                if (*p != '"')
                        return false;
                next_field(&p, name[i], sizeof(name[i]));
                next_field(&p, number, sizeof(number));
                next_field(&p, number, sizeof(number));
        }
        return text_format(dialogue->value, sizeof(dialogue->value), "%s,%s,%s", name[0], name[1], name[2]) ==
               0;
}

/* +CGDCONT: 1,"IPV4V6","internet",...: a line per context; the first is the one that LTE attaches with. */
static bool take_apn(struct provision_dialogue *dialogue, const char *text)
{
        const char *p = after(text, "+CGDCONT:");
        char cid[8];

        if (!p)
                return false;
        next_field(&p, cid, sizeof(cid));
        if (!text_equal(cid, "1"))
                return false;
        next_field(&p, dialogue->pdp_type, sizeof(dialogue->pdp_type));
        next_field(&p, dialogue->value, sizeof(dialogue->value));
        return true;
}

/* --- what is asked for, and how it is written --- */

static void want_number(int value, char *target, size_t size)
{
        target[0] = '\0';
        if (value >= 0)
                (void)text_format(target, size, "%d", value); /* fits */
}

static void want_usbnet(const struct provision_job *job, char *target, size_t size)
{
        want_number(job->config.usbnet, target, size);
}

static void want_ims(const struct provision_job *job, char *target, size_t size)
{
        want_number(job->config.ims, target, size);
}

static void want_nwscanmode(const struct provision_job *job, char *target, size_t size)
{
        want_number(job->config.nwscanmode, target, size);
}

static void want_cnmi(const struct provision_job *job, char *target, size_t size)
{
        (void)text_copy(target, size, job->config.cnmi); /* fits */
}

static void want_cpms(const struct provision_job *job, char *target, size_t size)
{
        const struct provision_config *config = &job->config;

        target[0] = '\0';
        if (config->cpms[0][0])
                (void)text_format(target, size, "%s,%s,%s", config->cpms[0], config->cpms[1],
                                  config->cpms[2]); /* fits */
}

static void want_apn(const struct provision_job *job, char *target, size_t size)
{
        const char *apn = "";

        switch (job->config.apn_mode) {
        case PROVISION_APN_NONE:
                break;
        case PROVISION_APN_AUTO:
                apn = job->apn;
                break;
        case PROVISION_APN_TEXT:
                apn = job->config.apn;
                break;
        }
        (void)text_copy(target, size, apn); /* fits */
}

static int write_usbnet(const struct provision_dialogue *dialogue, const char *value, char *target,
                        size_t size)
{
        (void)dialogue;
        return text_format(target, size, "AT+QCFG=\"usbnet\",%s", value);
}

static int write_ims(const struct provision_dialogue *dialogue, const char *value, char *target, size_t size)
{
        (void)dialogue;
        return text_format(target, size, "AT+QCFG=\"ims\",%s", value);
}

/* The second number lets it take effect at once. */
static int write_nwscanmode(const struct provision_dialogue *dialogue, const char *value, char *target,
                            size_t size)
{
        (void)dialogue;
        return text_format(target, size, "AT+QCFG=\"nwscanmode\",%s,1", value);
}

static int write_cnmi(const struct provision_dialogue *dialogue, const char *value, char *target, size_t size)
{
        (void)dialogue;
        return text_format(target, size, "AT+CNMI=%s", value);
}

static int write_cpms(const struct provision_dialogue *dialogue, const char *value, char *target, size_t size)
{
        (void)dialogue;
        return text_format(target, size, "AT+CPMS=\"%.2s\",\"%.2s\",\"%.2s\"", value, value + 3, value + 6);
}

/* The kind of connection stays what it is: only the name is the operator's. */
static int write_apn(const struct provision_dialogue *dialogue, const char *value, char *target, size_t size)
{
        static const char *const known[] = {"IP", "IPV6", "IPV4V6"};
        const char *type = "IPV4V6";

        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (text_equal(dialogue->pdp_type, known[i]))
                        type = known[i];
        return text_format(target, size, "AT+CGDCONT=1,\"%s\",\"%s\"", type, value);
}

#define SCOPE_BOTH (PROVISION_SCOPE_MODEM | PROVISION_SCOPE_SIM)

const struct provision_rule provision_rules[PROVISION_SETTINGS] = {
    [PROVISION_CNMI] = {"cnmi", "CNMI", "AT+CNMI?", PROVISION_SCOPE_MODEM, false, false, false, want_cnmi,
                        take_cnmi, write_cnmi},
    [PROVISION_CPMS] = {"cpms", "CPMS", "AT+CPMS?", PROVISION_SCOPE_MODEM, false, false, false, want_cpms,
                        take_cpms, write_cpms},
    [PROVISION_APN] = {"apn", "APN", "AT+CGDCONT?", SCOPE_BOTH, false, true, true, want_apn, take_apn,
                       write_apn},
    [PROVISION_NWSCANMODE] = {"nwscanmode", "nwscanmode", "AT+QCFG=\"nwscanmode\"", SCOPE_BOTH, false, false,
                              false, want_nwscanmode, take_nwscanmode, write_nwscanmode},
    [PROVISION_IMS] = {"ims", "ims", "AT+QCFG=\"ims\"", SCOPE_BOTH, true, false, false, want_ims, take_ims,
                       write_ims},
    [PROVISION_USBNET] = {"usbnet", "usbnet", "AT+QCFG=\"usbnet\"", PROVISION_SCOPE_MODEM, true, false, false,
                          want_usbnet, take_usbnet, write_usbnet},
};
