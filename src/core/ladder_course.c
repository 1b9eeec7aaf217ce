/*
 * The ladder's knowledge, and nothing else: which steps help against which failure, in which order, how long
 * a modem needs afterwards, and what a step consists of. The rules are in ladder.c.
 *
 * Sources: "Known failures and the recovery ladder" and "Timing" of the EC25 facts; that is, Quectel's manual
 * and what helped users. Where nothing is known to help, the row is empty and says what a person can do.
 */
#include "ladder_private.h"

#include "base/text.h"

#define S   *USEC_PER_SEC
#define MIN *USEC_PER_MIN

/* clang-format off */
static const struct ladder_course courses[] = {
    [FAILURE_NONE] = {.name = "none", .what = "", .advice = ""},

    /* AT silent, tty there: AT x3, CFUN=1,1, authorized 0/1, VBUS. */
    [FAILURE_SILENT] = {
        .name = "silent", .what = "the modem does not answer", .advice = "unplug the modem for 10 s; if that does not help, replace it",
        .rungs = {{LADDER_STEP_AT, 30 S}, {LADDER_STEP_RESET, 60 S}, {LADDER_STEP_USB, 60 S}, {LADDER_STEP_POWER, 60 S}}},
    /* The modem answers: smsd is what hangs. Its first poll can take a minute. */
    [FAILURE_STUCK] = {
        .name = "stuck", .what = "smsd is stuck", .advice = "look at smsd's log and at the oldest file of its queue",
        .rungs = {{LADDER_STEP_SMSD, 2 MIN}, {LADDER_STEP_RESET, 2 MIN}, {LADDER_STEP_USB, 2 MIN}}},
    /* Somebody's session ended with smsd's port as its terminal: smsd keeps the dead descriptor for good. */
    [FAILURE_HUNG_UP] = {
        .name = "hung-up", .what = "smsd's port was hung up", .advice = "find out who opens smsd's port; `smswarden restart` opens it anew",
        .rungs = {{LADDER_STEP_SMSD, 2 MIN}, {LADDER_STEP_RESET, 2 MIN}, {LADDER_STEP_USB, 2 MIN}}},
    /* Often no fault of the modem (credit, SMSC, number): little is tried, slowly. */
    [FAILURE_SENDING_BLOCKED] = {
        .name = "sending-blocked", .what = "smsd does not send after failures",
        .advice = "check the SIM's credit and the number of its message centre (AT+CSCA?)",
        .patience = 5 MIN, .rungs = {{LADDER_STEP_CFUN, 5 MIN}, {LADDER_STEP_RESET, 10 MIN}}},

    /* CME 13, SIM not found after a dip: CFUN=0, 1; then hands. Never a reset. */
    [FAILURE_SIM_FAILURE] = {
        .name = "sim-failure", .what = "the SIM cannot be read (CME 13)", .advice = "reseat the SIM card, clean its contacts",
        .patience = 20 S, .rungs = {{LADDER_STEP_CFUN, 60 S}}},
    [FAILURE_SIM_ABSENT] = {
        .name = "sim-absent", .what = "no SIM is found (CME 10)", .advice = "insert or reseat the SIM card",
        .patience = 20 S, .rungs = {{LADDER_STEP_CFUN, 60 S}}},
    [FAILURE_SIM_BUSY] = {
        .name = "sim-busy", .what = "the SIM stays busy (CME 14)", .advice = "reseat the SIM card; try another one",
        .patience = 2 MIN, .rungs = {{LADDER_STEP_CFUN, 2 MIN}}},
    [FAILURE_SIM_PIN] = {
        .name = "sim-pin", .what = "the SIM wants its PIN", .advice = "set `pin` in smsd.conf, then run `smswarden start`"},
    [FAILURE_SIM_PUK] = {
        .name = "sim-puk", .what = "the SIM is locked and wants its PUK", .advice = "unlock the SIM with its PUK, in a phone"},

    [FAILURE_RADIO_OFF] = {
        .name = "radio-off", .what = "the radio is off (CFUN)", .advice = "find out who sends AT+CFUN=0 or 5",
        .patience = 1 MIN, .rungs = {{LADDER_STEP_CFUN, 60 S}, {LADDER_STEP_RESET, 2 MIN}}},
    /* After a cell loss: 5 of 10 modems came back in < 1 min, 3 in 3-10 min, 2 in 20-50 min. An early reset
     * only begins the search anew. */
    [FAILURE_UNREGISTERED] = {
        .name = "unregistered", .what = "the modem is not registered in a network",
        .advice = "check antenna, operator and the SIM's contract",
        .patience = 20 MIN, .network = true, .rungs = {{LADDER_STEP_CFUN, 10 MIN}, {LADDER_STEP_RESET, 20 MIN}}},
    [FAILURE_NO_SIGNAL] = {
        .name = "no-signal", .what = "the modem has no signal", .advice = "check the antenna and its cable",
        .patience = 20 MIN, .network = true, .rungs = {{LADDER_STEP_CFUN, 10 MIN}, {LADDER_STEP_RESET, 20 MIN}}},
    /* Asking again does not make the network more willing; some bar a modem that does. */
    [FAILURE_DENIED] = {
        .name = "denied", .what = "the network refuses the SIM or the modem",
        .advice = "ask the operator whether the SIM is active, and allowed in this modem and country",
        .patience = 10 MIN, .network = true},
    [FAILURE_IMS] = {
        .name = "ims", .what = "no SMS because of the modem's IMS setting", .advice = "set AT+QCFG=\"ims\" (see [provision])"},
    [FAILURE_STORAGE_FULL] = {
        .name = "storage-full", .what = "the modem's message memory is full: nothing more is received",
        .advice = "delete read messages, or set [storage] cleanup = yes"},

    /* The ttys come one by one, within a second. */
    [FAILURE_PORTS_MISSING] = {
        .name = "ports-missing", .what = "only some of the modem's ports are there", .advice = "check cable and hub; unplug the modem for 10 s",
        .patience = 30 S, .rungs = {{LADDER_STEP_USB, 60 S}, {LADDER_STEP_POWER, 60 S}}},
    /* -71/-110 loops: supply or cable; a reset does not help, and loads the supply anew. */
    [FAILURE_BROWN_OUT] = {
        .name = "brown-out", .what = "the modem is not fed well (USB errors -71, -110 or undervoltage)",
        .advice = "replace the power supply or the cable, or use a powered hub"},
    /* QHSUSB__BULK: only a power cut helps. */
    [FAILURE_CRASHED] = {
        .name = "crashed", .what = "the modem's firmware has crashed (QHSUSB__BULK)", .advice = "unplug the modem for 10 s",
        .patience = 30 S, .rungs = {{LADDER_STEP_POWER, 60 S}}},
    [FAILURE_DOWNLOAD_MODE] = {
        .name = "download-mode", .what = "the modem is in emergency download mode (05c6:9008)",
        .advice = "its firmware must be flashed anew, or the modem replaced"},
    /* It may be in somebody's hand; or somebody left it unauthorised. */
    [FAILURE_GONE] = {
        .name = "gone", .what = "the modem is not on the USB bus", .advice = "plug the modem in; check cable, hub and supply",
        .patience = 5 MIN, .rungs = {{LADDER_STEP_USB, 60 S}, {LADDER_STEP_POWER, 60 S}}},
};

/* Answer times by the manual: CFUN 15 s. CFUN=1,1: its answer may be lost (EIO) although it was accepted; USB
 * leaves within 20 s then. */
static const struct ladder_script scripts[] = {
    [LADDER_STEP_NONE] = {.name = "none", .words = "giving up"},
    [LADDER_STEP_AT] = {
        .name = "at", .words = "asking it again (AT)", .wait = 20 S, .n_parts = 1,
        .parts = {{ORDER_AT, "AT", .timeout = 500 * USEC_PER_MSEC, .tries = 3}}},
    [LADDER_STEP_SMSD] = {.name = "smsd", .words = "a restart of smsd", .wait = 2 MIN},
    [LADDER_STEP_CFUN] = {
        .name = "cfun", .words = "radio and SIM off and on (AT+CFUN=0, 1)", .cuts_network = true, .wait = 60 S, .n_parts = 2,
        .parts = {{ORDER_AT, "AT+CFUN=0", .timeout = 15 S, .tries = 1, .pause = 1 S},
                  {ORDER_AT, "AT+CFUN=1", .timeout = 15 S, .tries = 2, .again = 1 S}}},
    [LADDER_STEP_RESET] = {
        .name = "reset", .words = "a restart of the modem (AT+CFUN=1,1)", .reset = true, .cuts_network = true,
        .wait = 60 S, .doubt = 20 S, .n_parts = 1,
        .parts = {{ORDER_AT, "AT+CFUN=1,1", .timeout = 15 S, .tries = 1}}},
    [LADDER_STEP_USB] = {
        .name = "usb", .words = "USB off and on", .reset = true, .cuts_network = true, .wait = 60 S, .n_parts = 2,
        .parts = {{ORDER_USB_OFF, .timeout = 10 S, .tries = 1, .pause = 3 S},
                  {ORDER_USB_ON, .timeout = 10 S, .tries = 3, .again = 5 S}}},
    /* The user's command may take 30 s. 5 s in the dark empty the capacitors. */
    [LADDER_STEP_POWER] = {
        .name = "power", .words = "its power off and on", .reset = true, .cuts_network = true, .wait = 60 S, .n_parts = 2,
        .parts = {{ORDER_POWER_OFF, .timeout = 35 S, .tries = 1, .pause = 5 S},
                  {ORDER_POWER_ON, .timeout = 35 S, .tries = 3, .again = 5 S}}},
};
/* clang-format on */

const struct ladder_course *ladder_course(enum failure_kind kind)
{
        return &courses[kind < FAILURE_KIND_MAX ? kind : FAILURE_NONE];
}

const struct ladder_script *ladder_script(enum ladder_step step)
{
        return &scripts[step < LADDER_STEP_MAX ? step : LADDER_STEP_NONE];
}

const char *failure_kind_to_string(enum failure_kind kind)
{
        return ladder_course(kind)->name;
}

const char *failure_describe(enum failure_kind kind)
{
        return ladder_course(kind)->what;
}

const char *failure_advice(enum failure_kind kind)
{
        return ladder_course(kind)->advice;
}

const char *ladder_step_to_string(enum ladder_step step)
{
        return ladder_script(step)->name;
}

int ladder_step_from_string(const char *text, enum ladder_step *ret_step)
{
        for (size_t i = LADDER_STEP_NONE + 1; i < ARRAY_SIZE(scripts); i++)
                if (text_equal(text, scripts[i].name)) {
                        *ret_step = (enum ladder_step)i;
                        return 0;
                }
        return -EINVAL;
}
