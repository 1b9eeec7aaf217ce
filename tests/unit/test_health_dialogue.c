/*
 * The read-only look against scripted modems in virtual time: a table of request and reply over a healthy
 * EC25, in pieces of any size. Every command that goes out is checked against the few that may.
 */
#include "core/health_dialogue.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ANSWER_TIME (55 * USEC_PER_MSEC)
#define SILENCE     ""

struct exchange {
        const char *command, *reply;
};

static const struct exchange healthy[] = {
    {"ATE0", "\r\nOK\r\n"},
    {"AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"},
    {"AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"},
    {"AT+CEREG?", "\r\n+CEREG: 0,1\r\n\r\nOK\r\n"},
    {"AT+COPS?", "\r\n+COPS: 0,0,\"Telia LT\",7\r\n\r\nOK\r\n"},
    {"AT+CSQ", "\r\n+CSQ: 28,99\r\n\r\nOK\r\n"},
    {"AT+QCSQ", "\r\n+QCSQ: \"LTE\",-66,-94,142,-9\r\n\r\nOK\r\n"},
    {"AT+CPMS?", "\r\n+CPMS: \"ME\",0,255,\"ME\",0,255,\"ME\",3,255\r\n\r\nOK\r\n"},
    {"AT+QINISTAT", "\r\n+QINISTAT: 7\r\n\r\nOK\r\n"},
    {"AT+CFUN?", "\r\n+CFUN: 1\r\n\r\nOK\r\n"},
    {"AT+QCFG=\"ims\"", "\r\n+QCFG: \"ims\",1,1\r\n\r\nOK\r\n"},
    {"AT+QTEMP", "\r\n+QTEMP: 37,34,35\r\n\r\nOK\r\n"},
    {"AT+CGSN", "\r\n867424030000016\r\n\r\nOK\r\n"},
    {"AT+CIMI", "\r\n246010000000000\r\n\r\nOK\r\n"},
};

#define SCRIPT_MAX 6

struct rig {
        struct health_dialogue dialogue;
        const struct exchange *script; /* over the healthy ones, ended by a NULL command */
        const char *unasked;           /* comes once, in front of the reply to `before` */
        const char *before;
        bool cleanup;      /* is allowed */
        bool identity;     /* is wanted */
        const char *after; /* what AT+CPMS? says once AT+CMGD was answered with OK */
        size_t piece;      /* 0: all at once */
        usec_t now;
        unsigned commands;
        char asked[512];
};

static const char *reply_to(const struct rig *rig, const char *command)
{
        const char *reply = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(healthy); i++)
                if (text_equal(healthy[i].command, command))
                        reply = healthy[i].reply;
        if (rig->cleanup && text_equal(command, "AT+CMGD=1,1"))
                reply = "\r\nOK\r\n";
        assert_non_null(reply); /* nothing else may be sent, ever */
        for (const struct exchange *e = rig->script; e && e->command; e++)
                if (text_equal(e->command, command) || text_equal(e->command, "*"))
                        reply = e->reply;
        if (rig->after && text_equal(command, "AT+CPMS?") && strstr(rig->asked, "AT+CMGD"))
                reply = rig->after;
        return reply;
}

static void hand_over(struct rig *rig, const char *data, size_t size)
{
        while (size > 0) {
                size_t n = rig->piece > 0 && rig->piece < size ? rig->piece : size;
                health_dialogue_receive(&rig->dialogue, data, n, rig->now);
                data += n;
                size -= n;
        }
}

/* One command out, its reply in; or, without one, time passes. */
static void turn(struct rig *rig)
{
        char output[AT_OUTPUT_MAX + 1];
        size_t n = health_dialogue_output(&rig->dialogue, output, AT_OUTPUT_MAX);
        const char *reply = SILENCE;

        output[n] = '\0';
        if (n > 0) {
                const char *command = output[0] == '\x1b' ? output + 1 : output;
                assert_int_equal(output[n - 1], '\r');
                output[n - 1] = '\0';
                rig->commands++;
                (void)text_append(rig->asked, sizeof(rig->asked), "%s ", command);
                reply = reply_to(rig, command);
                if (rig->unasked && text_equal(command, rig->before)) {
                        rig->now += ANSWER_TIME;
                        const char *unasked = rig->unasked;
                        rig->unasked = NULL;
                        hand_over(rig, unasked, strlen(unasked));
                }
        }
        if (*reply) {
                rig->now += ANSWER_TIME;
                hand_over(rig, reply, strlen(reply));
        } else {
                usec_t next = health_dialogue_deadline(&rig->dialogue);
                rig->now = next > rig->now ? next : rig->now;
                health_dialogue_tick(&rig->dialogue, rig->now);
        }
}

static void run(struct rig *rig, bool thorough)
{
        rig->now = 7 * USEC_PER_SEC;
        health_dialogue_start(&rig->dialogue, thorough, rig->now, rig->now + HEALTH_DIALOGUE_LENGTH);
        if (rig->cleanup)
                health_dialogue_allow_cleanup(&rig->dialogue);
        if (rig->identity)
                health_dialogue_ask_identity(&rig->dialogue);
        for (unsigned turns = 0; rig->dialogue.outcome == HEALTH_RUNNING; turns++) {
                assert_true(turns < 200);
                turn(rig);
        }
        assert_true(rig->now <= 7 * USEC_PER_SEC + HEALTH_DIALOGUE_LENGTH);
        assert_int_equal(health_dialogue_deadline(&rig->dialogue), USEC_INFINITY);
}

static const size_t pieces[] = {0, 1, 2, 3, 7, 16};

static void test_well_costs_five_commands(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                struct rig rig = {.piece = pieces[i]};
                run(&rig, false);
                assert_int_equal(rig.dialogue.outcome, HEALTH_COMPLETE);
                assert_string_equal(rig.asked, "ATE0 AT+CPIN? AT+CREG? AT+CSQ AT+CPMS? ");
                assert_int_equal(rig.dialogue.answers.facts.sim, SIM_READY);
                assert_int_equal(rig.dialogue.answers.circuit, REGISTRATION_HOME);
                assert_int_equal(rig.dialogue.answers.facts.signal_dbm, -57);
                assert_int_equal(rig.dialogue.answers.facts.storage_used, 3);
                assert_string_equal(rig.dialogue.answers.said[HEALTH_ASK_CREG].text, "+CREG: 0,1");
                assert_int_equal(rig.dialogue.answers.said[HEALTH_ASK_CEREG].reply, HEALTH_UNASKED);
        }
}

/* The numbers are in the facts, and in nothing that is shown. */
static void test_who_it_is(void **state)
{
        static const struct exchange no_sim[] = {{"AT+CIMI", "\r\n+CME ERROR: 10\r\n"}, {NULL, NULL}};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                struct rig rig = {.piece = pieces[i], .identity = true};
                run(&rig, false);
                assert_string_equal(rig.asked, "ATE0 AT+CPIN? AT+CGSN AT+CIMI AT+CREG? AT+CSQ AT+CPMS? ");
                assert_string_equal(rig.dialogue.answers.facts.imei, "867424030000016");
                assert_string_equal(rig.dialogue.answers.facts.imsi, "246010000000000");
                assert_string_equal(rig.dialogue.answers.said[HEALTH_ASK_IMEI].text, "");
                assert_string_equal(rig.dialogue.answers.said[HEALTH_ASK_IMSI].text, "");
        }
        struct rig rig = {.identity = true, .script = no_sim};
        run(&rig, false);
        assert_int_equal(rig.dialogue.outcome, HEALTH_COMPLETE);
        assert_string_equal(rig.dialogue.answers.facts.imsi, "");
}

static void test_thorough_asks_all(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                struct rig rig = {.piece = pieces[i]};
                run(&rig, true);
                const struct health_answers *answers = &rig.dialogue.answers;
                assert_int_equal(rig.dialogue.outcome, HEALTH_COMPLETE);
                assert_int_equal(rig.commands, HEALTH_ASK_CLEANUP - 2);
                for (unsigned k = 0; k < HEALTH_ASK_CLEANUP; k++)
                        assert_int_equal(answers->said[k].reply, k == HEALTH_ASK_IMEI || k == HEALTH_ASK_IMSI
                                                                     ? HEALTH_UNASKED
                                                                     : HEALTH_ANSWERED);
                assert_int_equal(answers->packet, REGISTRATION_HOME);
                assert_string_equal(answers->facts.operator_name, "Telia LT");
                assert_false(answers->no_service);
                assert_int_equal(answers->ims, IMS_ON);
                assert_int_equal(answers->ims_active, 1);
                assert_true(answers->temperature_known);
                assert_int_equal(answers->temperature, 37);
                assert_int_equal(answers->facts.functionality, 1);
                assert_int_equal(answers->facts.init_status, 7);
        }
}

/* clang-format off */
static const struct {
        const char *name;
        struct exchange script[SCRIPT_MAX];
        const char *unasked, *before;
        enum health_outcome outcome;
        enum sim_state sim;
        enum registration circuit, packet;
        bool full, lost, booted;
        unsigned resets;
        enum health_question said;
        const char *text;
} cases[] = {
    {"SIM absent", {{"AT+CPIN?", "\r\n+CME ERROR: 10\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_ABSENT, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_SIM, "+CME ERROR: 10"},
    {"SIM absent in words", {{"AT+CPIN?", "\r\n+CME ERROR: SIM not inserted\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_ABSENT, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_SIM, "+CME ERROR: SIM not inserted"},
    {"SIM plain error", {{"AT+CPIN?", "\r\nERROR\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_UNKNOWN, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_SIM, "ERROR"},
    {"SIM failure", {{"AT+CPIN?", "\r\n+CME ERROR: 13\r\n"}, {"AT+CFUN?", "\r\n+CFUN: 0\r\n\r\nOK\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_FAILURE, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_FUNCTIONALITY, "+CFUN: 0"},
    {"SIM not ready", {{"AT+CPIN?", "\r\n+CPIN: NOT READY\r\n\r\nOK\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_BUSY, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_SIM, "+CPIN: NOT READY"},
    {"PUK", {{"AT+CPIN?", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_PUK, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_SIM, "+CPIN: SIM PUK"},
    {"denied", {{"AT+CREG?", "\r\n+CREG: 0,3\r\n\r\nOK\r\n"}, {"AT+CEREG?", "\r\n+CEREG: 0,2\r\n\r\nOK\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_READY, REGISTRATION_DENIED, REGISTRATION_SEARCHING, false, false, false, 0, HEALTH_ASK_CREG, "+CREG: 0,3"},
    {"LTE only", {{"AT+CREG?", "\r\n+CREG: 0,0\r\n\r\nOK\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_READY, REGISTRATION_NONE, REGISTRATION_HOME, false, false, false, 0, HEALTH_ASK_IMS, "+QCFG: \"ims\",1,1"},
    {"no signal", {{"AT+CSQ", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n"}, {"AT+QCSQ", "\r\n+QCSQ: \"NOSERVICE\"\r\n\r\nOK\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_READY, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_SERVICE, "+QCSQ: \"NOSERVICE\""},
    {"storage URC", {{0}}, "\r\n+QIND: \"smsfull\",\"ME\"\r\n", "AT+CSQ", HEALTH_COMPLETE, SIM_READY, REGISTRATION_HOME, REGISTRATION_UNKNOWN, true, false, false, 0, HEALTH_ASK_CREG, "+CREG: 0,1"},
    {"SIM pulled", {{0}}, "\r\n+QSIMSTAT : 1,0\r\n\r\n+CPIN: NOT READY\r\n", "AT+CSQ", HEALTH_COMPLETE, SIM_READY, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, true, false, 0, HEALTH_ASK_CREG, "+CREG: 0,1"},
    {"SIM pulled, other words", {{0}}, "\r\n+CPIN: NOT INSERTED\r\n", "AT+CSQ", HEALTH_COMPLETE, SIM_READY, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, true, false, 0, HEALTH_ASK_CREG, "+CREG: 0,1"},
    {"self-reset", {{0}}, "\r\nRDY\r\n", "AT+CSQ", HEALTH_COMPLETE, SIM_READY, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 1, HEALTH_ASK_CREG, "+CREG: 0,1"},
    {"booted before", {{0}}, "\r\nRDY\r\n", "ATE0", HEALTH_COMPLETE, SIM_READY, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, true, 0, HEALTH_ASK_CREG, "+CREG: 0,1"},
    {"one unanswered", {{"AT+CSQ", SILENCE}, {"AT+QCSQ", "\r\nERROR\r\n"}}, NULL, NULL, HEALTH_COMPLETE, SIM_READY, REGISTRATION_HOME, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_SIGNAL, ""},
    {"hangs in the middle", {{"AT+CREG?", SILENCE}, {"AT+CEREG?", SILENCE}, {"AT+CSQ", SILENCE}}, NULL, NULL, HEALTH_PARTIAL, SIM_READY, REGISTRATION_UNKNOWN, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_CREG, ""},
    {"silent", {{"*", SILENCE}}, NULL, NULL, HEALTH_SILENT, SIM_UNKNOWN, REGISTRATION_UNKNOWN, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_PROOF, ""},
    {"NMEA", {{"*", "$GPGGA,1,2*00\r\n"}}, NULL, NULL, HEALTH_NOT_AT, SIM_UNKNOWN, REGISTRATION_UNKNOWN, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_PROOF, ""},
    {"DIAG", {{"*", "\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02~"}}, NULL, NULL, HEALTH_NOT_AT, SIM_UNKNOWN, REGISTRATION_UNKNOWN, REGISTRATION_UNKNOWN, false, false, false, 0, HEALTH_ASK_PROOF, ""},
};
/* clang-format on */

static void check_case(size_t i, size_t piece)
{
        struct rig rig = {.script = cases[i].script,
                          .unasked = cases[i].unasked,
                          .before = cases[i].before,
                          .piece = piece};
        const struct health_answers *answers = &rig.dialogue.answers;

        run(&rig, false);
        assert_int_equal(rig.dialogue.outcome, cases[i].outcome);
        assert_int_equal(answers->facts.sim, cases[i].sim);
        assert_int_equal(answers->circuit, cases[i].circuit);
        assert_int_equal(answers->packet, cases[i].packet);
        assert_int_equal(answers->storage_full, cases[i].full);
        assert_int_equal(answers->sim_lost, cases[i].lost);
        assert_int_equal(answers->booted, cases[i].booted);
        assert_int_equal(answers->resets, cases[i].resets);
        assert_string_equal(answers->said[cases[i].said].text, cases[i].text);
}

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                print_message("   %s\n", cases[i].name);
                for (size_t k = 0; k < ARRAY_SIZE(pieces); k++)
                        check_case(i, pieces[k]);
        }
}

#define CPMS(used, third) "\r\n+CPMS: \"ME\",0,255,\"ME\",0,255,\"" third "\"," used ",255\r\n\r\nOK\r\n"

/* Read messages are deleted only where that is allowed, needed, and hits the storage that is full. */
static void test_cleanup(void **state)
{
        static const struct {
                const char *before, *deletion, *after;
                bool allowed, asked;
                enum health_reply reply;
                int used;
        } rows[] = {
            {CPMS("230", "ME"), NULL, CPMS("2", "ME"), true, true, HEALTH_ANSWERED, 2},
            {CPMS("255", "ME"), NULL, CPMS("255", "ME"), true, true, HEALTH_ANSWERED, 255},
            {CPMS("255", "ME"), "\r\n+CMS ERROR: 320\r\n", NULL, true, true, HEALTH_REFUSED, 255},
            {CPMS("255", "ME"), "\r\nERROR\r\n", NULL, true, true, HEALTH_REFUSED, 255},
            {CPMS("255", "ME"), SILENCE, NULL, true, true, HEALTH_UNANSWERED, 255},
            {CPMS("255", "ME"), NULL, NULL, false, false, HEALTH_UNASKED, 255},
            {CPMS("229", "ME"), NULL, NULL, true, false, HEALTH_UNASKED, 229},
            {CPMS("255", "SM"), NULL, NULL, true, false, HEALTH_UNASKED, 255},
            {"\r\nERROR\r\n", NULL, NULL, true, false, HEALTH_UNASKED, -1},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                for (int thorough = 0; thorough < 2; thorough++) {
                        const struct exchange script[] = {
                            {"AT+CPMS?", rows[i].before},
                            {rows[i].deletion ? "AT+CMGD=1,1" : "-", rows[i].deletion},
                            {NULL, NULL}};
                        struct rig rig = {
                            .script = script, .cleanup = rows[i].allowed, .after = rows[i].after};
                        run(&rig, thorough);
                        assert_int_equal(strstr(rig.asked, "AT+CMGD=1,1 ") != NULL, rows[i].asked);
                        assert_int_equal(rig.dialogue.answers.said[HEALTH_ASK_CLEANUP].reply, rows[i].reply);
                        assert_int_equal(rig.dialogue.answers.facts.storage_used, rows[i].used);
                        assert_int_equal(rig.dialogue.outcome, HEALTH_COMPLETE);
                }
}

/* It is on when the modem has restarted since an earlier look has switched it off. */
static void test_echo(void **state)
{
        static const struct exchange script[] = {{"ATE0", "ATE0\r\r\nOK\r\n"}, {NULL, NULL}};
        struct rig on = {.script = script}, off = {0};

        (void)state;
        run(&on, false);
        assert_true(on.dialogue.answers.echoed);
        assert_int_equal(on.dialogue.outcome, HEALTH_COMPLETE);
        run(&off, false);
        assert_false(off.dialogue.answers.echoed);
}

/* A late answer to a command that was repeated is not taken for the next one's. */
static void test_late_answer(void **state)
{
        struct health_dialogue dialogue;
        char output[AT_OUTPUT_MAX];

        (void)state;
        health_dialogue_start(&dialogue, false, 0, HEALTH_DIALOGUE_LENGTH);
        (void)health_dialogue_output(&dialogue, output, sizeof(output));
        health_dialogue_tick(&dialogue, 500 * USEC_PER_MSEC); /* ATE0 again */
        (void)health_dialogue_output(&dialogue, output, sizeof(output));
        health_dialogue_receive(&dialogue, "\r\nOK\r\n\r\nOK\r\n", 12, USEC_PER_SEC);
        assert_int_equal(dialogue.question, HEALTH_ASK_SIM);
        health_dialogue_receive(&dialogue, "\r\n+CPIN: READY\r\n\r\nOK\r\n", 22, USEC_PER_SEC);
        assert_int_equal(dialogue.question, HEALTH_ASK_CREG);
        assert_int_equal(dialogue.answers.facts.sim, SIM_READY);
}

/* A modem that resets itself for ever, or sends RDY for ever, ends it, and makes us write little. */
static void test_flood_of_rdy(void **state)
{
        struct health_dialogue dialogue;
        unsigned written = 0;

        (void)state;
        health_dialogue_start(&dialogue, true, 0, HEALTH_DIALOGUE_LENGTH);
        for (usec_t now = 0; now <= HEALTH_DIALOGUE_LENGTH; now += USEC_PER_MSEC) {
                char output[AT_OUTPUT_MAX];
                health_dialogue_receive(&dialogue, "OK\rRDY\r", 7, now);
                health_dialogue_tick(&dialogue, now);
                written += health_dialogue_output(&dialogue, output, sizeof(output)) > 0;
        }
        assert_int_equal(dialogue.outcome, HEALTH_PARTIAL);
        assert_true(written < 20);
        assert_true(dialogue.answers.resets > 0);
}

/* Any bytes: only allowed commands go out (reply_to asserts it), the words stay printable, it ends. */
static void test_hostile_bytes(void **state)
{
        static const char *const words[] = {"+CPIN: ", "+CREG: 0,",   "OK\r",
                                            "RDY\r",   "\xff\x1b]0;", "ERROR\r",
                                            "+CPMS: ", "99999999999", "\"",
                                            ",",       "\r\n",        "+QCFG: \"ims\",",
                                            "3"};
        uint32_t seed = 12345;

        (void)state;
        for (unsigned round = 0; round < 3000; round++) {
                struct rig rig = {.now = 0};
                health_dialogue_start(&rig.dialogue, round & 1, 0, HEALTH_DIALOGUE_LENGTH);
                for (unsigned i = 0; i < 60 && rig.dialogue.outcome == HEALTH_RUNNING; i++) {
                        seed = seed * 1664525 + 1013904223;
                        const char *word = words[(seed >> 16) % ARRAY_SIZE(words)];
                        char byte = (char)(seed >> 8);
                        hand_over(&rig, word, strlen(word));
                        if ((seed & 0x70) == 0)
                                hand_over(&rig, &byte, 1);
                        char output[AT_OUTPUT_MAX + 1];
                        size_t n = health_dialogue_output(&rig.dialogue, output, AT_OUTPUT_MAX);
                        if (n == 0)
                                continue;
                        output[n - 1] = '\0';
                        (void)reply_to(&rig, output[0] == '\x1b' ? output + 1 : output);
                }
                for (unsigned k = 0; k < HEALTH_QUESTIONS; k++)
                        for (const char *p = rig.dialogue.answers.said[k].text; *p; p++)
                                assert_true(*p >= 0x20 && *p <= 0x7e);
                health_dialogue_tick(&rig.dialogue, HEALTH_DIALOGUE_LENGTH);
                assert_int_not_equal(rig.dialogue.outcome, HEALTH_RUNNING);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_well_costs_five_commands),
            cmocka_unit_test(test_who_it_is),
            cmocka_unit_test(test_thorough_asks_all),
            cmocka_unit_test(test_cases),
            cmocka_unit_test(test_cleanup),
            cmocka_unit_test(test_echo),
            cmocka_unit_test(test_late_answer),
            cmocka_unit_test(test_flood_of_rdy),
            cmocka_unit_test(test_hostile_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
