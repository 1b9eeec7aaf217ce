/*
 * smsd's log lines. Every line of the table was written by a real smsd 3.1.21 (with its modem's answers
 * staged).
 */
#include "core/smsd_log.h"

#include "base/cleanup.h"
#include "log_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT "2026-11-23 01:57:34"

static const struct {
        const char *line;
        enum smsd_log_kind kind;
        int level;
        const char *source;
        const char *modem;
        pid_t pid;
        int detail;
} cases[] = {
    {AT ",2, smsd: Smsd v3.1.21 started.", SMSD_LOG_MAIN_STARTED, 2, "smsd", "", 0, 0},
    {AT ",2, smsd: Running as root:root (0:0).", SMSD_LOG_OTHER, 2, "smsd", "", 0, 0},
    {AT ",4, smsd: File mode creation mask: 022 (0644, rw-r--r--).", SMSD_LOG_OTHER, 4, "smsd", "", 0, 0},
    {AT ",5, smsd: Outgoing file checker has started. PID: 7137.", SMSD_LOG_MAIN_READY, 5, "smsd", "", 7137,
     0},
    {AT ",5, GSM1: Modem handler 0 has started. PID: 7164.", SMSD_LOG_HANDLER_STARTED, 5, "GSM1", "GSM1",
     7164, 0},
    {AT ",5, GSM1: IMEI: 867424030000016", SMSD_LOG_IDENTIFIED, 5, "GSM1", "GSM1", 0, 0},
    {AT ",5, GSM1: IMSI: 246010000000000", SMSD_LOG_INITIALISED, 5, "GSM1", "GSM1", 0, 0},
    {AT ",5, GSM1: IMSI: ", SMSD_LOG_OTHER, 5, "GSM1", "GSM1", 0, 0},
    {AT ",5, GSM1: SMS received, From: 31641600986", SMSD_LOG_RECEIVED, 5, "GSM1", "GSM1", 0, 0},
    {AT ",5, smsd: SMS To: 491721234567. Moved file /tmp/o/m1 to /tmp/c", SMSD_LOG_OTHER, 5, "smsd", "", 0,
     0},
    {AT ",5, GSM1: SMS sent, Message_id: 7, To: 491721234567, sending time 1 sec.", SMSD_LOG_SENT, 5, "GSM1",
     "GSM1", 0, 0},
    {AT ",2, GSM1: Modem handler 0 terminated. PID: 7164, was started 26-11-23 01:57:34, up 0 min.",
     SMSD_LOG_OTHER, 2, "GSM1", "GSM1", 0, 0},
    {AT ",2, smsd: Smsd mainprocess is awaiting the termination of all modem handlers. PID: 7137.",
     SMSD_LOG_MAIN_STOPPING, 2, "smsd", "", 7137, 0},
    {AT ",2, smsd: Smsd mainprocess terminated. PID: 7137, was started 26-11-23 01:57:34, up 0 min.",
     SMSD_LOG_MAIN_TERMINATED, 2, "smsd", "", 7137, 0},
    {AT ",5, GSM1: Modem needs PIN, but it's not defined for this modem", SMSD_LOG_PIN_MISSING, 5, "GSM1",
     "GSM1", 0, 0},
    {AT ",5, GSM1: Modem needs PIN, entering PIN...", SMSD_LOG_OTHER, 5, "GSM1", "GSM1", 0, 0},
    {AT ",3, GSM1: Modem did not accept this PIN", SMSD_LOG_PIN_REFUSED, 3, "GSM1", "GSM1", 0, 0},
    {AT ",2, GSM1: Your SIM is locked. Unlock it manually", SMSD_LOG_SIM_LOCKED, 2, "GSM1", "GSM1", 0, 0},
    {AT ",2, GSM1: PIN handling: expected READY or OK, modem answered +CME ERROR: 10  (SIM not inserted), "
        "SIM not inserted",
     SMSD_LOG_SIM_ERROR, 2, "GSM1", "GSM1", 0, 10},
    {AT ",2, GSM1: PIN handling: expected READY or OK, modem answered ERROR", SMSD_LOG_SIM_ERROR, 2, "GSM1",
     "GSM1", 0, -1},
    {AT
     ",2, GSM1: Modem handler 0 terminated abnormally. PID: 7163, was started 26-11-23 01:57:34, up 0 min.",
     SMSD_LOG_OTHER, 2, "GSM1", "GSM1", 0, 0},
    {AT ",2, smsd: Modem handler 0 (GSM1) terminated while mainprocess is still running. Exited, status 1.",
     SMSD_LOG_HANDLER_TERMINATED, 2, "smsd", "GSM1", 0, 1},
    {AT ",2, smsd: Modem handler 0 (GSM1) terminated while mainprocess is still running. Exited, status 127.",
     SMSD_LOG_HANDLER_TERMINATED, 2, "smsd", "GSM1", 0, 127},
    {AT ",2, smsd: Modem handler 0 (GSM1) terminated while mainprocess is still running. Killed by signal 9.",
     SMSD_LOG_HANDLER_TERMINATED, 2, "smsd", "GSM1", 0, -9},
    {AT ",3, smsd: FATAL ERROR: Looks like another smsd (7347) is running. I (7174) quit now.",
     SMSD_LOG_OTHER_SMSD_RUNNING, 3, "smsd", "", 7347, 0},
    {AT
     ",2, smsd: Smsd mainprocess terminated abnormally. PID: 7174, was started 26-11-23 01:57:34, up 0 min.",
     SMSD_LOG_MAIN_ABORTED, 2, "smsd", "", 0, 0},
    {AT
     ",3, GSM1: Couldn't open serial port /dev/ttyNOSUCH, error: No such file or directory, waiting 30 sec.",
     SMSD_LOG_CANNOT_OPEN, 3, "GSM1", "GSM1", 0, 0},
    {AT ",3, GSM1: Cannot open serial port /dev/ttyNOSUCH, error: No such file or directory",
     SMSD_LOG_CANNOT_OPEN, 3, "GSM1", "GSM1", 0, 0},
    {AT ",3, GSM1: write_to_modem: error 5: Input/output error", SMSD_LOG_WRITE_ERROR, 3, "GSM1", "GSM1", 0,
     5},
    {AT ",3, GSM1: Error: Unexpected answer from Modem after +CREG?, waiting 1 sec. before retrying",
     SMSD_LOG_UNEXPECTED_ANSWER, 3, "GSM1", "GSM1", 0, 0},
    {AT ",3, GSM1: Modem is not ready to answer commands (Timeouts: 22)", SMSD_LOG_TIMEOUT, 3, "GSM1", "GSM1",
     0, 22},
    {AT ",5, GSM1: MODEM IS NOT REGISTERED, WAITING 1 SEC. BEFORE RETRYING 100. TIME",
     SMSD_LOG_NOT_REGISTERED, 5, "GSM1", "GSM1", 0, 0},
    {AT ",3, GSM1: Error: Modem is not registered to the network", SMSD_LOG_NOT_REGISTERED, 3, "GSM1", "GSM1",
     0, 0},
    {AT ",3, GSM1: Error: registration is denied.", SMSD_LOG_REGISTRATION_DENIED, 3, "GSM1", "GSM1", 0, 0},
    {AT ",6, GSM1: Modem said: registration denied. Retrying.", SMSD_LOG_REGISTRATION_DENIED, 6, "GSM1",
     "GSM1", 0, 0},
    {AT ",6, GSM1: Modem is registered to the network", SMSD_LOG_REGISTERED, 6, "GSM1", "GSM1", 0, 0},
    {AT ",6, GSM1: Modem is registered to a roaming partner network", SMSD_LOG_REGISTERED, 6, "GSM1", "GSM1",
     0, 0},
    {AT ",3, GSM1: The modem answer was not OK: +CMS ERROR: 50 (Requested facility not subscribed)",
     SMSD_LOG_OTHER, 3, "GSM1", "GSM1", 0, 0},
    {AT ",4, GSM1: Sending SMS to 491721234567 failed, trying time 4 sec. Retries: 2.", SMSD_LOG_SEND_FAILED,
     4, "GSM1", "GSM1", 0, 0},
    {AT ",6, GSM1: Sending SMS from  to 491721234567", SMSD_LOG_OTHER, 6, "GSM1", "GSM1", 0, 0},
    {AT ",2, GSM1: Fatal error: sending failed 3 times. Blocking 3600 sec.", SMSD_LOG_SENDING_BLOCKED, 2,
     "GSM1", "GSM1", 0, 3600},
    {AT ",2, smsd: There was 1 error while reading the config file:", SMSD_LOG_CONFIG_REFUSED, 2, "smsd", "",
     0, 0},
    {AT ",2, smsd: - Unknown setting for modem GSM1: incoming2", SMSD_LOG_CONFIG_REFUSED, 2, "smsd", "", 0,
     0},
    {AT ",2, smsd: - Invalid report value: perhaps", SMSD_LOG_CONFIG_REFUSED, 2, "smsd", "", 0, 0},
    {AT ",2, smsd: There was 1 major problem found.", SMSD_LOG_CONFIG_REFUSED, 2, "smsd", "", 0, 0},
    {AT ",2, smsd: Smsd mainprocess terminated.", SMSD_LOG_MAIN_ABORTED, 2, "smsd", "", 0, 0},
    {AT ",7, GSM1: <- +CPIN: READY OK", SMSD_LOG_OTHER, 7, "GSM1", "GSM1", 0, 0},
    /* From the formats in the program; not staged. */
    {AT ",5, GSM1: SMS received (part 1/2), From: 31641600986", SMSD_LOG_RECEIVED, 5, "GSM1", "GSM1", 0, 0},
    {AT ",5, GSM1: SMS received (report, Message_id: 7, Status: 0), From: 31641600986",
     SMSD_LOG_REPORT_RECEIVED, 5, "GSM1", "GSM1", 0, 0},
    {AT ",5, GSM1: SMS sent (part 1/2), Message_id: 7, To: 491, sending time 1 sec.", SMSD_LOG_SENT, 5,
     "GSM1", "GSM1", 0, 0},
    /* Another logtime_format. */
    {"Nov 23, 01:57,2, smsd: Smsd v3.1.21 started.", SMSD_LOG_MAIN_STARTED, 2, "smsd", "", 0, 0},
};

static void test_real_lines(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct smsd_log_line line;
                smsd_log_parse(cases[i].line, strlen(cases[i].line), &line);
                if (line.kind != cases[i].kind)
                        fail_msg("%s: %s", cases[i].line, log_kind_name(line.kind));
                assert_int_equal(line.level, cases[i].level);
                assert_string_equal(line.source, cases[i].source);
                assert_string_equal(line.modem, cases[i].modem);
                assert_int_equal(line.pid, cases[i].pid);
                assert_int_equal(line.detail, cases[i].detail);
        }
}

static void test_numbers_are_digits_only(void **state)
{
        static const struct {
                const char *line, *digits;
        } numbers[] = {
            {AT ",5, GSM1: IMEI: 867424030000016", "867424030000016"},
            {AT ",5, GSM1: IMEI: 86742403000001", "86742403000001"},
            {AT ",5, GSM1: IMEI: 8674240300000", ""},
            {AT ",5, GSM1: IMEI: 8674240300000161", ""},
            {AT ",5, GSM1: IMEI: 867424030000016 ", ""},
            {AT ",5, GSM1: IMEI: ERROR", ""},
            {AT ",5, smsd: IMEI: 867424030000016", ""},
            {AT ",5, GSM1: IMSI: 246010000000000", "246010000000000"},
            {AT ",5, GSM1: IMSI: 2460100000000000", ""},
            {AT ",5, GSM1: IMSI: 24601", ""},
            {AT ",5, GSM1: IMSI: ERROR", ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                struct smsd_log_line line;
                smsd_log_parse(numbers[i].line, strlen(numbers[i].line), &line);
                assert_string_equal(line.digits, numbers[i].digits);
                bool imsi = strstr(numbers[i].line, "IMSI") != NULL;
                assert_int_equal(line.kind == (imsi ? SMSD_LOG_INITIALISED : SMSD_LOG_IDENTIFIED),
                                 imsi || numbers[i].digits[0] != '\0');
        }
}

/* Lines that only look like one: the wrong speaker, the words not at the beginning, no head. */
static void test_forged_lines(void **state)
{
        static const char *const lines[] = {
            AT ",2, GSM1: Smsd mainprocess terminated. PID: 1, was started",
            AT ",2, GSM1: - Unknown global setting: x",
            AT ",2, GSM1: Modem handler 0 (GSM1) terminated while mainprocess is still running.",
            AT ",3, smsd: Modem did not accept this PIN",
            AT ",2, smsd: Your SIM is locked. Unlock it manually",
            AT ",5, GSM1: PIN entering: modem answered Your SIM is locked. Unlock it manually",
            AT ",7, GSM1: <- Modem did not accept this PIN",
            "Your SIM is locked. Unlock it manually",
            AT ",9, GSM1: Your SIM is locked. Unlock it manually",
            AT ",2, GS M1: Your SIM is locked. Unlock it manually",
            AT ",2, abcdefghijabcdefghijabcdefghijab: Your SIM is locked. Unlock it manually",
            AT ",2, : Your SIM is locked.",
            "",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                struct smsd_log_line line;
                smsd_log_parse(lines[i], strlen(lines[i]), &line);
                if (line.kind != SMSD_LOG_OTHER)
                        fail_msg("%s: %s", lines[i], log_kind_name(line.kind));
        }
}

static void test_numbers_that_do_not_fit(void **state)
{
        static const char text[] = AT ",5, GSM1: Modem handler 0 has started. PID: 99999999999.";
        static const char none[] = AT ",3, GSM1: Modem is not ready to answer commands";
        struct smsd_log_line line;

        (void)state;
        smsd_log_parse(text, sizeof(text) - 1, &line);
        assert_int_equal(line.kind, SMSD_LOG_HANDLER_STARTED);
        assert_int_equal(line.pid, 0);
        smsd_log_parse(none, sizeof(none) - 1, &line);
        assert_int_equal(line.kind, SMSD_LOG_TIMEOUT);
        assert_int_equal(line.detail, -1);
}

static void test_length_is_respected(void **state)
{
        static const char text[] = AT ",2, GSM1: Your SIM is locked. Unlock";
        struct smsd_log_line line;

        (void)state;
        for (size_t length = 0; length < sizeof(text) - 1; length++) {
                char *exact = malloc(length ? length : 1);
                assert_non_null(exact);
                memcpy(exact, text, length);
                smsd_log_parse(exact, length, &line);
                assert_true((line.kind == SMSD_LOG_SIM_LOCKED) ==
                            (length >= strlen(AT ",2, GSM1: Your SIM is locked.")));
                free(exact);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_real_lines),          cmocka_unit_test(test_numbers_are_digits_only),
            cmocka_unit_test(test_forged_lines),        cmocka_unit_test(test_numbers_that_do_not_fit),
            cmocka_unit_test(test_length_is_respected),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
