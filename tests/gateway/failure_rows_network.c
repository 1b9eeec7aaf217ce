/*
 * The rows of failures of network, sending and storage, see failure_rows.h.
 */
#include "failure_rows.h"

#include "base/text.h"

static void fails_to_send(struct gateway *g)
{
        static const char *const names[] = {"one", "two", "three"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                gateway_send(g, names[i], "Not sent");
}

static void is_restarted(struct gateway *g)
{
        assert_int_equal(gateway_person(g, COMMAND_RESTART, false, NULL), 0);
}

static void one_place(struct gateway *g)
{
        gateway_modem(g, "capacity 0 1");
        failure_prepare_doubted(g);
}

static void ten_places(struct gateway *g)
{
        gateway_modem(g, "capacity 0 10");
        failure_prepare_doubted(g);
}

static void nine_come(struct gateway *g)
{
        for (unsigned i = 1; i <= 9; i++)
                gateway_modem(g, "receive 0 +37060000001 never seen %u", i);
}

static void a_person_deletes(struct gateway *g)
{
        gateway_say(g, "modem", "AT+CMGD=1,4");
}

static const struct failure_row rows[] = {
    /* The long ones first. */
    {"no-signal", "the signal goes, +CREG: 0,1 stays", "+QCSQ: \"NOSERVICE\"", VERDICT_DOWN,
     "waits 20 min, then radio and SIM", "antenna", .prepare = failure_prepare_doubted,
     .fail = FAILURE_FOUND "signal 0 99", .mend = "signal 0 28"},
    {"storage-full", "one place, and smsd takes nothing (incoming = no)", "storage full: 1 of 1",
     VERDICT_DEGRADED, "no reset helps", "delete read messages", .prepare = one_place,
     .fail = FAILURE_FOUND "receive 0 +37060000001 never seen", .repair = a_person_deletes,
     .options = {.smsd_modem = "incoming = no\n"}},
    {"storage-nearly-full", "nine of ten places, and smsd takes nothing", "storage nearly full: 9 of 10",
     VERDICT_WORKING, "none", .prepare = ten_places, .fail = FAILURE_FOUND, .produce = nine_come,
     .repair = a_person_deletes, .options = {.smsd_modem = "incoming = no\n"}},
    {"denied", "+CREG: 0,3", "+CREG: 0,3 (denied)", VERDICT_DOWN, "waits 10 min, then giving up",
     "ask the operator", .fail = "reg 0 denied", .mend = "reg 0 home"},
    {"no-signal", "no signal, registered nowhere", "+CSQ: 99,99, +QCSQ: \"NOSERVICE\"", VERDICT_DOWN,
     "waits 20 min, then radio and SIM", "antenna", .fail = "reg 0 searching", .mend = "reg 0 home"},
    {"ims", "LTE only (+CREG: 0,0, +CEREG: 0,1), and IMS off", "LTE only, and IMS off", VERDICT_DOWN,
     "no reset helps", "ims",
     .fail = "answer 0 AT+CREG? +CREG: 0,0\\r\\n\\r\\nOK\nanswer 0 AT+QCFG=\"ims\" +QCFG: "
             "\"ims\",2,0\\r\\n\\r\\nOK",
     .mend = "answer 0 AT+CREG?"},
    {"unregistered", "it searches, and hears a cell", "+CREG: 0,2 (searching)", VERDICT_DOWN,
     "waits 20 min, then radio and SIM", "antenna",
     .fail = "answer 0 AT+CSQ +CSQ: 20,99\\r\\n\\r\\nOK\nreg 0 searching", .mend = "reg 0 home"},
    {"sending-blocked", "the network refuses three messages (+CMS ERROR: 38)", "smsd blocks sending",
     VERDICT_DEGRADED, "waits 5 min, then radio and SIM", "lifts the block", .fail = "cmgs 0 error 38",
     .produce = fails_to_send, .mend = "cmgs 0 ok", .repair = is_restarted,
     .options = {.smsd_global = "errorsleeptime = 1\n"}},
    {"well", "nothing ails it", "", VERDICT_WORKING, "none", .advice = "nothing"},
};

const struct failure_group failures_of_network = {rows, ARRAY_SIZE(rows)};
