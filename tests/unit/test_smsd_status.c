/*
 * stats/status as a real smsd 3.1.21 wrote it.
 */
#include "core/smsd_status.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HEAD(letters)                                                                                        \
        "Status:\t26-11-23 01:57:43,\t" letters                                                              \
        "---------------------------------------------------------------\n"

static const struct {
        const char *text;
        enum handler_state state;
        const char *since;
        int signal;
} cases[] = {
    {HEAD("i") "GSM1:\t26-11-23 01:57:41,\tIdle,\t\t1,\t0,\t1,\tssi: -73 dBm (Excellent), ber: ??\n",
     HANDLER_IDLE, "26-11-23 01:57:41", -73},
    {HEAD("b") "GSM1:\t26-11-23 01:58:06,\tBlocked,\t0,\t3,\t0,\tssi: -73 dBm (Excellent), ber: ??\n",
     HANDLER_BLOCKED, "26-11-23 01:58:06", -73},
    {HEAD("b") "GSM1:\t-,\tBlocked,\t0,\t0,\t0\n", HANDLER_BLOCKED, "-", 0},
    {HEAD("-") "GSM1:\t-,\tUnknown,\t0,\t0,\t0\n", HANDLER_UNKNOWN, "-", 0},
    {HEAD("r") "GSM1:\t26-11-23 01:57:34,\tReceiving,\t0,\t0,\t0\n", HANDLER_RECEIVING, "26-11-23 01:57:34",
     0},
    {HEAD("t") "GSM1:\t26-11-23 01:57:34,\tTrouble,\tssi: ??, ber: ??\n", HANDLER_TROUBLE,
     "26-11-23 01:57:34", 0},
    {HEAD("s") "GSM1:\t26-11-23 01:57:34,\tSending\n", HANDLER_SENDING, "26-11-23 01:57:34", 0},
    {"GSM1:\t\t26-11-23 01:57:34,\tSending", HANDLER_SENDING, "26-11-23 01:57:34", 0},
};

static void test_real_files(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct smsd_status status;
                assert_int_equal(smsd_status_parse(cases[i].text, strlen(cases[i].text), &status), 1);
                const struct smsd_status_modem *modem = smsd_status_find(&status, "GSM1");
                assert_non_null(modem);
                assert_int_equal(modem->state, cases[i].state);
                assert_string_equal(modem->since_text, cases[i].since);
                assert_int_equal(modem->signal_dbm, cases[i].signal);
                assert_null(smsd_status_find(&status, "GSM2"));
        }
}

static void test_several_modems_and_uptime(void **state)
{
        static const char text[] =
            HEAD("ir") "GSM1:\t26-11-23 "
                       "01:57:41,\tIdle,\t\t1,\t0,\t1\nEC25-of-the-roof:\t-,\tUnknown,\t0,\t0,\t0\n"
                       "\nStart:\t\t26-11-23 01:50:00,\tup 7 min\n";
        struct smsd_status status;

        (void)state;
        assert_int_equal(smsd_status_parse(text, sizeof(text) - 1, &status), 2);
        assert_int_equal(smsd_status_find(&status, "EC25-of-the-roof")->state, HANDLER_UNKNOWN);
        assert_null(smsd_status_find(&status, "Start"));
        assert_null(smsd_status_find(&status, "Status"));
}

static int64_t since(const char *time_text)
{
        struct smsd_status status;
        char text[128];

        int n = snprintf(text, sizeof(text), "GSM1:\t%s,\tIdle\n", time_text);
        assert_int_equal(smsd_status_parse(text, (size_t)n, &status), 1);
        return status.modems[0].since_realtime;
}

static void test_time(void **state)
{
        (void)state;
        assert_int_equal(setenv("TZ", "UTC0", 1), 0);
        tzset();
        assert_int_equal(since("26-11-23 01:57:41"), 1795399061);
        assert_int_equal(since("2026-11-23 01:57:41"), 1795399061);
        assert_int_equal(setenv("TZ", "CET-1", 1), 0);
        tzset();
        assert_int_equal(since("26-11-23 01:57:41"), 1795399061 - 3600);
        static const char *const bad[] = {"-",
                                          "",
                                          "26-13-23 01:57:41",
                                          "26-00-23 01:57:41",
                                          "26-11-32 01:57:41",
                                          "26-11-23 24:57:41",
                                          "26-11-23 01:60:41",
                                          "26/11/23 01:57:41",
                                          "26-11-23T01:57:41",
                                          "xx-11-23 01:57:41"};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(since(bad[i]), -1);
}

static void test_hostile_lines_are_passed_over(void **state)
{
        static const char *const lines[] = {
            "",
            "\n\n\n",
            "GSM1",
            "GSM1:",
            "GSM1:\t",
            "GSM1:\t-",
            "GSM1:\t-,",
            "GSM1:\t-,\t",
            "GSM1:\t-,\tIdl\n",
            "GSM1:\t-,\tIdleness\n",
            ":\t-,\tIdle\n",
            "GS M1:\t-,\tIdle\n",
            "\033[2J:\t-,\tIdle\n",
            "abcdefghijabcdefghijabcdefghijab:\t-,\tIdle\n",
            "GSM1:\tabcdefghijabcdefghijabcdefghijab,\tIdle\n",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                struct smsd_status status;
                assert_int_equal(smsd_status_parse(lines[i], strlen(lines[i]), &status), 0);
        }
}

static void test_never_more_than_fit(void **state)
{
        struct smsd_status status;
        char text[4096] = "";

        (void)state;
        for (unsigned i = 0; i < SMSD_MODEMS_MAX + 5; i++)
                assert_true(
                    snprintf(text + strlen(text), sizeof(text) - strlen(text), "M%u:\t-,\tIdle\n", i) > 0);
        assert_int_equal(smsd_status_parse(text, strlen(text), &status), SMSD_MODEMS_MAX);
}

static void test_states_both_ways(void **state)
{
        (void)state;
        for (int i = HANDLER_UNKNOWN; i <= HANDLER_TROUBLE; i++) {
                struct smsd_status status;
                char text[64];
                int n = snprintf(text, sizeof(text), "GSM1:\t-,\t%s\n",
                                 handler_state_to_string((enum handler_state)i));
                assert_int_equal(smsd_status_parse(text, (size_t)n, &status), 1);
                assert_int_equal(status.modems[0].state, i);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_real_files),
            cmocka_unit_test(test_several_modems_and_uptime),
            cmocka_unit_test(test_time),
            cmocka_unit_test(test_hostile_lines_are_passed_over),
            cmocka_unit_test(test_never_more_than_fit),
            cmocka_unit_test(test_states_both_ways),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
