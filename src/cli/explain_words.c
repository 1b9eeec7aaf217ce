/*
 * The explanations, the most telling first: an incident in which the SIM refused its PIN is about the PIN,
 * whatever else happened in it. The texts say the same as the journal's catalog (systemd/smswarden.catalog),
 * shorter.
 */
#include "explain_words.h"

#include "base/cleanup.h"
#include "base/text.h"

#define STOP_PROPERLY                                                                                        \
        "to stop it on purpose: `smswarden stop --for 30min --reason WHY`, which nobody can forget"
#define START_NOW "`smswarden start` ends the hold now"

static const struct {
        enum record_kind kind;
        struct explanation explanation;
} table[] = {
    {RECORD_SIM_GUARDED,
     {"The SIM refused the PIN, or asks for its PUK. Each start of smsd would have cost one of its last "
      "attempts, so there was none until a person acted.",
      "nothing, if `pin` in smsd.conf is right now",
      "correct `pin` in smsd.conf, then `smswarden start`; a PUK: unlock the card in a phone first"}},
    {RECORD_MODEM_REFUSED,
     {"The modem's firmware crashed, or it waits for a download: software cannot help it.",
      "if it happens again: look at its power supply and temperature, then replace it",
      "cut the modem's power for ten seconds (a USB reset is not enough)"}},
    {RECORD_CRASH_LOOP,
     {"smsd failed again and again; restarts were slowed down.",
      "look for what made it fail: `journalctl -u smstools -u smswardend`, and the oldest file in smsd's "
      "`checked` folder",
      "`journalctl -u smstools -u smswardend`; a message that crashes the modem is a known cause: move the "
      "oldest file of smsd's `checked` folder away and see"}},
    {RECORD_START_FAILED,
     {"smsd could not be started; the lines below say at which step.",
      "nothing, unless it happens again: then `journalctl -u smstools -u smswardend`",
      "`smswarden status`, then `journalctl -u smstools -n 50`, then `systemctl restart smstools`"}},
    {RECORD_MODEM_UNUSABLE,
     {"The modem was plugged in and could not be used: silent, without a ready SIM, or held by another "
      "program. The lines below say which.",
      "if it happens again: `smswarden modems`, and reseat SIM card and cable",
      "`smswarden status` says what the modem waits for; power it off and on if it is silent"}},
    {RECORD_MODEM_LEFT,
     {"The modem left the USB bus: unplugged, reset by itself, or without power. smsd let go of its port and "
      "was started again when the modem was back.",
      "nothing, if somebody unplugged it; else look at cable, hub and power supply: `journalctl -k | grep "
      "-iE \"voltage|usb .*disconnect\"`",
      "plug the modem in; smsd is started as soon as it is ready"}},
    {RECORD_SMSD_UNVERIFIED,
     {"smsd ran and its modem did not answer it.",
      "if it happens again: replace the modem's cable or the modem", "power the modem off and on"}},
    {RECORD_HANDLER_LOST,
     {"The process of smsd that serves the modem ended while smsd ran on; smsd itself never starts it again, "
      "so smsd was restarted.",
      "if it happens again: smsd's log says why the handler gave up", "`smswarden restart`"}},
    {RECORD_SMSD_DIED,
     {"smsd ended by a signal or an error, and nobody had asked for it. It was started again; messages in "
      "the "
      "spool folders are kept.",
      "if it happens again: look for the message that it was sending, in smsd's `checked` folder",
      "`smswarden start`"}},
    {RECORD_HOLD_EXPIRED,
     {"Somebody stopped smsd on purpose and nobody ended that hold: smswarden did, when its time was over.",
      "nothing; if the work is not done: `smswarden stop --for 1h --reason WHY`", START_NOW}},
    {RECORD_HOLD_BROKEN,
     {"Somebody stopped smsd on purpose, and somebody started it again around the controller: the hold was "
      "ended, for a hold never stands beside a running smsd.",
      STOP_PROPERLY, START_NOW}},
    {RECORD_HOLD_BEGUN,
     {"Somebody stopped smsd on purpose. Nothing restarts it during a hold, and it is started by itself at "
      "the hold's end.",
      "nothing", START_NOW}},
    {RECORD_HOLD_CONTINUED,
     {"Somebody had stopped smsd on purpose before the controller was started.", "nothing", START_NOW}},
    {RECORD_HOLD_REMINDER,
     {"Somebody stopped smsd on purpose, and perhaps forgot it.", "nothing", START_NOW}},
    {RECORD_SMSD_ENDED,
     {"Somebody told smsd to end and did not say for how long: it was started again.", STOP_PROPERLY,
      "`smswarden start`"}},
};

const struct explanation *explanation_of(const char *event, unsigned *ret_rank)
{
        for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
                if (text_equal(event, record_kind_to_string(table[i].kind))) {
                        *ret_rank = i;
                        return &table[i].explanation;
                }
        return NULL;
}
