/*
 * Commands about the module and the network: who it is, how well it hears, how it is set up. Nothing here
 * knows the SIM's state machine (model_sim.c) or messages (model_sms.c).
 */
#include "ec25/model_internal.h"

#include <string.h>

void settings_default(struct ec25 *modem)
{
        modem->settings = (struct volatile_settings){.cfun = 1, .cscs = "GSM"};
}

enum ec25_registration registration_now(const struct ec25 *modem)
{
        bool reachable = modem->registration == EC25_REG_HOME || modem->registration == EC25_REG_ROAMING;

        if (!sim_is_ready(modem) || modem->settings.cfun != 1)
                return EC25_REG_NONE;
        return reachable && !modem->attached ? EC25_REG_SEARCHING : modem->registration;
}

static bool registered(const struct ec25 *modem)
{
        enum ec25_registration registration = registration_now(modem);

        return registration == EC25_REG_HOME || registration == EC25_REG_ROAMING;
}

static bool hears(const struct ec25 *modem)
{
        return registered(modem) && modem->signal <= 31;
}

void registration_tell(struct ec25 *modem, usec_t now)
{
        const struct {
                const char *name;
                unsigned mode;
        } domains[] = {{"CREG", modem->settings.creg},
                       {"CGREG", modem->settings.cgreg},
                       {"CEREG", modem->settings.cereg}};

        for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
                if (domains[i].mode == 1 || (domains[i].mode == 2 && !registered(modem)))
                        urc_format(modem, now, "+%s: %u", domains[i].name, registration_now(modem));
                else if (domains[i].mode == 2)
                        urc_format(modem, now, "+%s: %u,\"D509\",\"80D413D\",7", domains[i].name,
                                   registration_now(modem));
        }
}

static int plain(struct ec25 *modem, const struct at_call *call)
{
        (void)modem; /* accepted and without effect */
        (void)call;
        return AT_OK;
}

static int tell_identity(struct ec25 *modem, const struct at_call *call, size_t which, const char *prefix)
{
        if (call->kind == AT_EXECUTE)
                answer_bytes(modem, call, prefix, modem->identity[which].data, modem->identity[which].length);
        return call->kind == AT_EXECUTE || call->kind == AT_TEST ? AT_OK : AT_ERROR;
}

static int cgmi(struct ec25 *modem, const struct at_call *call)
{
        return tell_identity(modem, call, ID_MANUFACTURER, "");
}

static int cgmm(struct ec25 *modem, const struct at_call *call)
{
        return tell_identity(modem, call, ID_MODEL, "");
}

static int cgmr(struct ec25 *modem, const struct at_call *call)
{
        return tell_identity(modem, call, ID_REVISION, "");
}

static int cgsn(struct ec25 *modem, const struct at_call *call)
{
        return tell_identity(modem, call, ID_IMEI, "");
}

static int cmee(struct ec25 *modem, const struct at_call *call)
{
        struct port *port = &modem->ports[call->port];

        if (call->kind == AT_READ)
                answer_line(modem, call, "+CMEE: %u", port->cmee);
        if (call->kind == AT_TEST)
                answer_line(modem, call, "+CMEE: (0-2)");
        return call->kind != AT_SET || argument_number(call->argument, 0, 2, &port->cmee) ? AT_OK : AT_ERROR;
}

static void radio_off(struct ec25 *modem, unsigned cfun, usec_t now)
{
        bool was = registered(modem);

        modem->settings.cfun = cfun;
        modem->attached = false;
        deed_at(modem, DEED_REGISTER, USEC_INFINITY);
        if (was)
                registration_tell(modem, now);
}

static int cfun_set(struct ec25 *modem, const struct at_call *call)
{
        unsigned level, reset = 0, before = modem->settings.cfun;

        if (!argument_number(call->argument, 0, 7, &level) || (level > 1 && level != 4 && level != 5))
                return AT_CME(50);
        (void)argument_number(call->argument, 1, 1, &reset); /* without it: no reset */
        if (reset) {
                modem->wish = EC25_WISH_RESET;
                return AT_OK;
        }
        if (level != 1) {
                radio_off(modem, level, call->now);
                if (level == 0) {
                        modem->ready = false;
                        modem->inistat = 0;
                        modem->dip = modem->sim == EC25_SIM_DIP;
                        modem->pin_wanted = modem->sim == EC25_SIM_PIN;
                }
                return AT_OK;
        }
        modem->settings.cfun = 1;
        if (before == 0)
                sim_start(modem, call->now);
        else if (before >= 4 && sim_is_ready(modem))
                deed_at(modem, DEED_REGISTER, usec_add(call->now, modem->boot / 2));
        return AT_OK;
}

static int cfun(struct ec25 *modem, const struct at_call *call)
{
        if (call->kind == AT_SET)
                return cfun_set(modem, call);
        if (call->kind == AT_READ)
                answer_line(modem, call, "+CFUN: %u", modem->settings.cfun);
        if (call->kind == AT_TEST)
                answer_line(modem, call, "+CFUN: (0,1,4,5),(0,1)");
        return call->kind == AT_EXECUTE ? AT_ERROR : AT_OK;
}

static int csq(struct ec25 *modem, const struct at_call *call)
{
        if (call->kind == AT_EXECUTE)
                answer_line(modem, call, "+CSQ: %u,99", hears(modem) ? modem->signal : 99);
        return AT_OK;
}

static int qcsq(struct ec25 *modem, const struct at_call *call)
{
        int rssi = 2 * (int)modem->signal - 113;

        if (call->kind == AT_TEST)
                return AT_OK;
        if (hears(modem))
                answer_line(modem, call, "+QCSQ: \"LTE\",%d,%d,142,-9", rssi, rssi - 28);
        else
                answer_line(modem, call, "+QCSQ: \"NOSERVICE\"");
        return AT_OK;
}

static int domain(struct ec25 *modem, const struct at_call *call, const char *name, unsigned *mode)
{
        if (call->kind == AT_SET)
                return argument_number(call->argument, 0, 2, mode) ? AT_OK : AT_ERROR;
        if (call->kind == AT_TEST)
                answer_line(modem, call, "+%s: (0-2)", name);
        else if (*mode == 2 && registered(modem))
                answer_line(modem, call, "+%s: 2,%u,\"D509\",\"80D413D\",7", name, registration_now(modem));
        else
                answer_line(modem, call, "+%s: %u,%u", name, *mode, registration_now(modem));
        return AT_OK;
}

static int creg(struct ec25 *modem, const struct at_call *call)
{
        return domain(modem, call, "CREG", &modem->settings.creg);
}

static int cgreg(struct ec25 *modem, const struct at_call *call)
{
        return domain(modem, call, "CGREG", &modem->settings.cgreg);
}

static int cereg(struct ec25 *modem, const struct at_call *call)
{
        return domain(modem, call, "CEREG", &modem->settings.cereg);
}

static int cops(struct ec25 *modem, const struct at_call *call)
{
        if (call->kind == AT_SET || call->kind == AT_EXECUTE)
                return AT_OK;
        if (!registered(modem)) {
                answer_line(modem, call, "+COPS: 0");
                return AT_OK;
        }
        struct bytes text = {0};
        bytes_append(&text, modem->identity[ID_OPERATOR].data, modem->identity[ID_OPERATOR].length);
        bytes_append(&text, "\",7", 3);
        answer_bytes(modem, call, call->kind == AT_READ ? "+COPS: 0,0,\"" : "+COPS: 2,\"", text.data,
                     text.length);
        bytes_free(&text);
        return AT_OK;
}

static int qnwinfo(struct ec25 *modem, const struct at_call *call)
{
        answer_line(modem, call,
                    registered(modem) ? "+QNWINFO: \"FDD LTE\",\"24603\",\"LTE BAND 3\",1650"
                                      : "+QNWINFO: No Service");
        return AT_OK;
}

static int qinistat(struct ec25 *modem, const struct at_call *call)
{
        answer_line(modem, call, call->kind == AT_TEST ? "+QINISTAT: (0-7)" : "+QINISTAT: %u",
                    modem->inistat);
        return AT_OK;
}

static int qurccfg(struct ec25 *modem, const struct at_call *call)
{
        char key[16], value[16];

        if (call->kind != AT_SET || !argument_text(call->argument, 0, key, sizeof(key)) ||
            !text_equal(key, "urcport"))
                return AT_ERROR;
        if (!argument_text(call->argument, 1, value, sizeof(value))) {
                answer_line(modem, call, "+QURCCFG: \"urcport\",\"%s\"", modem->stored.urcport);
                return AT_OK;
        }
        if (!text_equal(value, "usbat") && !text_equal(value, "usbmodem") && !text_equal(value, "uart1"))
                return AT_ERROR;
        return text_copy(modem->stored.urcport, sizeof(modem->stored.urcport), value) < 0 ? AT_ERROR : AT_OK;
}

static int qcfg(struct ec25 *modem, const struct at_call *call)
{
        struct stored_settings *stored = &modem->stored;
        const struct {
                const char *key;
                unsigned *value, maximum;
        } settings[] = {
            {"usbnet", &stored->usbnet, 3}, {"ims", &stored->ims, 2}, {"nwscanmode", &stored->nwscanmode, 8}};
        char key[24], value[8];
        size_t i = 0;

        if (call->kind == AT_TEST)
                return AT_OK;
        if (call->kind != AT_SET || !argument_text(call->argument, 0, key, sizeof(key)))
                return AT_ERROR;
        while (i < ARRAY_SIZE(settings) && !text_equal(key, settings[i].key))
                i++;
        if (i == ARRAY_SIZE(settings))
                return AT_ERROR;
        if (argument_text(call->argument, 1, value, sizeof(value)))
                return argument_number(call->argument, 1, settings[i].maximum, settings[i].value) ? AT_OK
                                                                                                  : AT_ERROR;
        if (text_equal(key, "ims"))
                answer_line(modem, call, "+QCFG: \"ims\",%u,%u", stored->ims, stored->ims == 1);
        else
                answer_line(modem, call, "+QCFG: \"%s\",%u", key, *settings[i].value);
        return AT_OK;
}

static int qindcfg(struct ec25 *modem, const struct at_call *call)
{
        char key[16];
        unsigned value;

        if (call->kind != AT_SET || !argument_text(call->argument, 0, key, sizeof(key)))
                return call->kind == AT_TEST ? AT_OK : AT_ERROR;
        if (!text_equal(key, "smsfull"))
                return text_only(key, "abcdefghijklmnopqrstuvwxyz", sizeof(key)) ? AT_OK : AT_ERROR;
        if (argument_number(call->argument, 1, 1, &value))
                modem->stored.smsfull = value;
        else
                answer_line(modem, call, "+QINDCFG: \"smsfull\",%u", modem->stored.smsfull);
        return AT_OK;
}

static int qpowd(struct ec25 *modem, const struct at_call *call)
{
        at_finish(modem, call->port, AT_OK, call->now);
        urc_format(modem, call->now, "POWERED DOWN");
        modem->wish = EC25_WISH_OFF;
        return AT_PENDING;
}

static int qtemp(struct ec25 *modem, const struct at_call *call)
{
        answer_line(modem, call, "+QTEMP: 37,34,35");
        return AT_OK;
}

static int cscs(struct ec25 *modem, const struct at_call *call)
{
        char value[sizeof(modem->settings.cscs)];

        if (call->kind == AT_READ)
                answer_line(modem, call, "+CSCS: \"%s\"", modem->settings.cscs);
        if (call->kind != AT_SET)
                return AT_OK;
        if (!argument_text(call->argument, 0, value, sizeof(value)) ||
            !text_only(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 8))
                return AT_ERROR;
        return text_copy(modem->settings.cscs, sizeof(modem->settings.cscs), value) < 0 ? AT_ERROR : AT_OK;
}

static int cgdcont(struct ec25 *modem, const struct at_call *call)
{
        struct stored_settings *stored = &modem->stored;
        char type[sizeof(stored->pdp_type)], apn[sizeof(stored->apn)];
        unsigned context;

        if (call->kind == AT_READ)
                answer_line(modem, call, "+CGDCONT: 1,\"%s\",\"%s\",\"0.0.0.0\",0,0,0,0", stored->pdp_type,
                            stored->apn);
        if (call->kind != AT_SET)
                return AT_OK;
        if (!argument_number(call->argument, 0, 16, &context) || context != 1 ||
            !argument_text(call->argument, 1, type, sizeof(type)) ||
            !argument_text(call->argument, 2, apn, sizeof(apn)))
                return AT_ERROR;
        (void)text_copy(stored->pdp_type, sizeof(stored->pdp_type), type);
        (void)text_copy(stored->apn, sizeof(stored->apn), apn);
        return AT_OK;
}

static int cgatt(struct ec25 *modem, const struct at_call *call)
{
        if (call->kind == AT_READ)
                answer_line(modem, call, "+CGATT: %d", registered(modem));
        return AT_OK;
}

static int cclk(struct ec25 *modem, const struct at_call *call)
{
        if (call->kind == AT_READ)
                answer_line(modem, call, "+CCLK: \"80/01/06,00:00:00+00\"");
        return AT_OK;
}

const struct at_command general_commands[] = {
    {"+CGMI", cgmi},       {"+GMI", cgmi},        {"+CGMM", cgmm},
    {"+GMM", cgmm},        {"+CGMR", cgmr},       {"+GMR", cgmr},
    {"+CGSN", cgsn},       {"+GSN", cgsn},        {"+CMEE", cmee},
    {"+CFUN", cfun},       {"+CSQ", csq},         {"+QCSQ", qcsq},
    {"+CREG", creg},       {"+CGREG", cgreg},     {"+CEREG", cereg},
    {"+COPS", cops},       {"+QNWINFO", qnwinfo}, {"+QINISTAT", qinistat},
    {"+QURCCFG", qurccfg}, {"+QCFG", qcfg},       {"+QINDCFG", qindcfg},
    {"+QPOWD", qpowd},     {"+QTEMP", qtemp},     {"+CSCS", cscs},
    {"+CGDCONT", cgdcont}, {"+CGATT", cgatt},     {"+CCLK", cclk},
    {"+IPR", plain},       {"+IFC", plain},       {"+ICF", plain},
    {"+CTZU", plain},      {"+CTZR", plain},      {"+CLIP", plain},
    {"+CRC", plain},       {"+QSCLK", plain},     {"+QSIMDET", plain},
    {"+CGEREP", plain},    {NULL, NULL},
};
