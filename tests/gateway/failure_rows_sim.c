/*
 * The rows of failures of SIM and radio, see failure_rows.h.
 */
#include "failure_rows.h"

#include "base/text.h"

static void is_put_in(struct gateway *g)
{
        gateway_modem(g, "pin 0 1234");
        gateway_plug(g, "");
}

static void radio_goes_off(struct gateway *g)
{
        gateway_say(g, "modem", "AT+CFUN=5");
}

static void modem_goes_off(struct gateway *g)
{
        gateway_say(g, "modem", "AT+CFUN=0");
}

static void nothing(struct gateway *g)
{
        (void)g;
}

static void is_configured(struct gateway *g)
{
        _cleanup_free_ char *text = gateway_read(g->conf);
        _cleanup_free_ char *edited =
            gateway_replaced(text, "incoming = yes\n", "incoming = yes\npin = 1234\n");

        gateway_write(g->conf, edited);
        gateway_start(g);
}

static const struct failure_row rows[] = {
    {"radio-off", "another program says AT+CFUN=5", "+CFUN: 5", VERDICT_DOWN,
     "radio and SIM off and on (AT+CFUN=0, 1)", "AT+CFUN", .produce = radio_goes_off},
    {"radio-off", "another program says AT+CFUN=0", "+CFUN: 0", VERDICT_DOWN,
     "radio and SIM off and on (AT+CFUN=0, 1)", "AT+CFUN", .produce = modem_goes_off},
    {"sim-puk", "a locked SIM is in it", "+CPIN: SIM PUK", VERDICT_DOWN, "no reset helps", "PUK",
     .prepare = nothing, .fail = "sim 0 puk\nplug 0", .mend = "unplug 0\nsim 0 ready\nplug 0"},
    {"sim-pin-entered", "somebody starts smsd, and its AT+CPIN=... takes 15 s", "+CPIN: SIM PIN",
     VERDICT_DEGRADED, "", .prepare = failure_prepare_held, .fail = "pin 0 1234\ndelay 0 AT+CPIN= 15000",
     .produce = failure_start_smsd, .options = {.smsd_modem = "pin = 1234\n"}},
    {"sim-pin", "a SIM with a PIN, and no `pin` in smsd.conf", "SIM PIN", VERDICT_DOWN, "no reset helps",
     "pin", .prepare = nothing, .produce = is_put_in, .repair = is_configured},
    {"sim-absent", "the card is pulled out", "+CME ERROR: 10", VERDICT_DOWN,
     "radio and SIM off and on (AT+CFUN=0, 1)", "SIM", .fail = "sim 0 absent", .mend = "sim 0 ready"},
    {"sim-failure", "the card fails until it is switched off and on", "+CME ERROR: 13", VERDICT_DOWN,
     "radio and SIM off and on (AT+CFUN=0, 1)", "SIM", .fail = "sim 0 dip"},
    {"sim-failure", "the card fails for good", "+CME ERROR: 13", VERDICT_DOWN,
     "radio and SIM off and on (AT+CFUN=0, 1)", "SIM", .fail = "sim 0 failure", .mend = "sim 0 ready"},
    {"sim-busy", "the card stays busy", "+CME ERROR: 14", VERDICT_DOWN, "waits 2 min, then radio and SIM",
     "SIM", .fail = "sim 0 busy", .mend = "sim 0 ready"},
};

const struct failure_group failures_of_sim = {rows, ARRAY_SIZE(rows)};
