/*
 * What [provision] and pin_imei may say: the kinds of their values, and what must fit together. Whether a
 * value may be sent to a modem is core/provision's to judge; here it is asked, so that a mistake is told
 * when it is written and not when a modem comes.
 */
#include "config_private.h"

#include "base/text.h"
#include "core/sim_identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

static bool is_none(const char *value)
{
        return value[0] == '\0' || text_equal(value, "none");
}

static int read_choice(const struct config_key *key, const char *value, void *object)
{
        for (int i = 0; key->words[i]; i++)
                if (text_equal(key->words[i], value)) {
                        int number = i - 1;
                        memcpy(config_field(key, object), &number, sizeof(number));
                        return 0;
                }
        return -EINVAL;
}

static void explain_choice(const struct config_key *key, char *target, size_t size)
{
        config_kind_word.explain(key, target, size);
}

static int read_apn(const struct config_key *key, const char *value, void *object)
{
        struct provision_config *provision = &((struct config *)object)->provision.config;
        bool found = text_equal(value, "auto");

        (void)key; /* two fields: the mode as well */
        if (!is_none(value) && !found && !provision_apn_is_valid(value))
                return -EINVAL;
        memset(provision->apn, 0, sizeof(provision->apn));
        provision->apn_mode = is_none(value) ? PROVISION_APN_NONE
                              : found        ? PROVISION_APN_AUTO
                                             : PROVISION_APN_TEXT;
        return provision->apn_mode == PROVISION_APN_TEXT
                   ? text_copy(provision->apn, sizeof(provision->apn), value)
                   : 0;
}

static void explain_apn(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size,
                          "is no access point name (letters, digits, '-' and '.', %zu at most); write one, "
                          "auto (by the SIM), or none",
                          key->size - 1);
}

static int read_cnmi(const struct config_key *key, const char *value, void *object)
{
        if (is_none(value))
                return config_keep_text(key, "", object);
        return provision_cnmi_is_valid(value) ? config_keep_text(key, value, object) : -EINVAL;
}

static void explain_cnmi(const struct config_key *key, char *target, size_t size)
{
        (void)key;
        (void)text_copy(target, size,
                        "is no setting of AT+CNMI that leaves messages in the memory where smsd looks for "
                        "them; write 2,1,0,0,0, or none");
}

static int read_cpms(const struct config_key *key, const char *value, void *object)
{
        char cpms[3][3] = {{0}};
        int r = is_none(value) ? 0 : provision_cpms_parse(value, cpms);

        if (r >= 0)
                memcpy(config_field(key, object), cpms, sizeof(cpms));
        return r;
}

static void explain_cpms(const struct config_key *key, char *target, size_t size)
{
        (void)key;
        (void)text_copy(target, size,
                        "is no memory for messages; write ME, SM, MT, three of them like "
                        "ME,ME,ME, or none");
}

static int read_imei(const struct config_key *key, const char *value, void *object)
{
        if (is_none(value))
                return config_keep_text(key, "", object);
        return identity_pin_is_valid(value) ? config_keep_text(key, value, object) : -EINVAL;
}

static void explain_imei(const struct config_key *key, char *target, size_t size)
{
        (void)key;
        (void)text_copy(target, size, "is no IMEI; write its 15 digits, or none");
}

const struct config_kind config_kind_choice = {.read = read_choice, .explain = explain_choice};
const struct config_kind config_kind_apn = {.read = read_apn, .explain = explain_apn};
const struct config_kind config_kind_cnmi = {.read = read_cnmi, .explain = explain_cnmi};
const struct config_kind config_kind_cpms = {.read = read_cpms, .explain = explain_cpms};
const struct config_kind config_kind_imei = {.read = read_imei, .explain = explain_imei};

static int check_pin(const struct config *config, unsigned i, struct config_error *ret_error)
{
        const struct modem_config *modem = &config->modems[i];

        if (modem->pin_imei[0] == '\0')
                return 0;
        if (modem->match == MATCH_IMEI && !text_equal(modem->match_value, modem->pin_imei))
                return config_fail(
                    ret_error, -EINVAL,
                    "[modem %s] pin_imei: is another than that of match; remove one of the two", modem->name);
        for (unsigned j = 0; j < i; j++)
                if (text_equal(config->modems[j].pin_imei, modem->pin_imei))
                        return config_fail(
                            ret_error, -EINVAL,
                            "[modem %s] pin_imei: is the same as that of [modem %s]; one modem "
                            "feeds one section",
                            modem->name, config->modems[j].name);
        return 0;
}

int config_check_identity(const struct config *config, struct config_error *ret_error)
{
        const char *why = "";

        for (unsigned i = 0; i < config->n_modems; i++) {
                int r = check_pin(config, i, ret_error);
                if (r < 0)
                        return r;
        }
        if (provision_config_check(&config->provision.config, &why) < 0)
                return config_fail(ret_error, -EINVAL, "[provision] %s", why);
        return 0;
}

uint64_t config_provision_hash(const struct provision_config *config)
{
        char text[256];

        if (provision_config_is_empty(config))
                return 0;
        (void)text_format(text, sizeof(text), "%d %d %s %d %d %s %s,%s,%s", config->usbnet,
                          (int)config->apn_mode, config->apn, config->ims, config->nwscanmode, config->cnmi,
                          config->cpms[0], config->cpms[1], config->cpms[2]);
        uint64_t hash = text_hash(text, strlen(text));
        return hash ? hash : 1;
}
