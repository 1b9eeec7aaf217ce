/* The words of an alert: names both ways, and texts that hold whatever is put into them. */
#include "base/cleanup.h"
#include "base/text.h"
#include "core/alert.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT   INT64_C(1795420800000000) /* 2026-11-23T08:00:00Z */
#define TEXT 4096

static const struct alert_message plain = {
    .alert =
        {
            .kind = ALERT_SMSD_DOWN,
            .severity = SEVERITY_CRITICAL,
            .key = "smsd-down",
            .modem = "GSM1",
            .cause = "crash",
            .summary = "smsd crashed (exit code 1)",
            .evidence = "write_to_modem: error 5",
            .next_action = "run `smswarden restart`",
            .count = 1,
            .since_realtime = AT - 120000000,
        },
    .id = "boot-7",
    .sequence = 7,
    .at = AT,
    .host = "gw1",
};

static void test_kinds(void **state)
{
        (void)state;
        for (unsigned i = 0; i < ALERT_KIND_MAX; i++) {
                enum alert_kind kind = ALERT_KIND_MAX;
                const char *name = alert_kind_to_string((enum alert_kind)i);
                assert_true(text_only(name, "abcdefghijklmnopqrstuvwxyz-", 24));
                assert_int_equal(alert_kind_from_string(name, &kind), 0);
                assert_int_equal(kind, i);
        }
        assert_string_equal(alert_kind_to_string(ALERT_KIND_MAX), "?");
        enum alert_kind kind = ALERT_TEST;
        assert_int_equal(alert_kind_from_string("Hold", &kind), -EINVAL);
        assert_int_equal(alert_kind_from_string("", &kind), -EINVAL);
        assert_int_equal(kind, ALERT_TEST);
}

static void test_states(void **state)
{
        enum alert_state value = ALERT_FIRING;
        (void)state;

        assert_int_equal(alert_state_from_string("resolved", &value), 0);
        assert_int_equal(value, ALERT_RESOLVED);
        assert_int_equal(alert_state_from_string("firing", &value), 0);
        assert_int_equal(value, ALERT_FIRING);
        assert_int_equal(alert_state_from_string("over", &value), -EINVAL);
        assert_string_equal(alert_state_to_string(ALERT_RESOLVED), "resolved");
        assert_string_equal(alert_state_to_string((enum alert_state)7), "?");
}

static void test_title(void **state)
{
        static const struct {
                enum alert_kind kind;
                enum alert_state state;
                enum severity severity;
                unsigned count;
                const char *host, *summary, *title;
        } cases[] = {
            {ALERT_SMSD_DOWN, ALERT_FIRING, SEVERITY_CRITICAL, 1, "gw1", "smsd crashed (exit code 1)",
             "CRITICAL gw1: smsd crashed (exit code 1)"},
            {ALERT_MODEM_LOST, ALERT_RESOLVED, SEVERITY_CRITICAL, 3, "gw1", "it left",
             "RESOLVED gw1: it left (3 times)"},
            {ALERT_HOLD, ALERT_FIRING, SEVERITY_WARNING, 1, "", "held", "WARNING: held"},
            {ALERT_TEST, ALERT_FIRING, SEVERITY_INFO, 1, "gw1", "a test", "TEST gw1: a test"},
            {ALERT_HOLD, ALERT_FIRING, SEVERITY_INFO, 0, "gw1", "", "INFO gw1: smsd-down"},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct alert_message message = plain;
                char title[256];
                message.alert.kind = cases[i].kind;
                message.alert.state = cases[i].state;
                message.alert.severity = cases[i].severity;
                message.alert.count = cases[i].count;
                (void)text_copy(message.host, sizeof(message.host), cases[i].host);
                (void)text_copy(message.alert.summary, sizeof(message.alert.summary), cases[i].summary);
                alert_title(&message, title, sizeof(title));
                assert_string_equal(title, cases[i].title);
        }
}

static void assert_has(const char *text, const char *part)
{
        if (!strstr(text, part))
                fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static void test_text(void **state)
{
        struct alert_message message = plain;
        char text[TEXT];
        (void)state;

        alert_text(&message, text, sizeof(text));
        assert_has(text, "CRITICAL gw1: smsd crashed (exit code 1)\n\n");
        assert_has(text, "Host: gw1\n");
        assert_has(text, "Modem: GSM1\n");
        assert_has(text, "Cause: crash\n");
        assert_has(text, "Evidence: write_to_modem: error 5\n");
        assert_has(text, "Since: 2026-11-23T07:58:00Z (for 2min)\n");
        assert_has(text, "What to do: run `smswarden restart`\n");
        assert_has(text, "Id: boot-7\n");
        assert_null(strstr(text, "Until"));
        assert_null(strstr(text, "Ended"));

        message.alert.kind = ALERT_HOLD;
        message.alert.until_realtime = AT + 60000000;
        message.alert.told = 2;
        alert_text(&message, text, sizeof(text));
        assert_has(text, "Until: 2026-11-23T08:01:00Z (in 1min)\n");
        assert_has(text, "Told before: 2 times\n");

        message.alert.state = ALERT_RESOLVED;
        message.alert.ended_realtime = AT;
        alert_text(&message, text, sizeof(text));
        assert_has(text, "Ended: 2026-11-23T08:00:00Z (after 2min)\n");
        assert_has(text, "Since: 2026-11-23T07:58:00Z\n");
}

/* No clock was known, or it was set back. */
static void test_times_that_are_unknown(void **state)
{
        static const int64_t times[] = {0, -1, INT64_MIN, INT64_MAX, AT + 1};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
                struct alert_message message = plain;
                char text[TEXT];
                message.alert.since_realtime = message.alert.until_realtime = times[i];
                message.alert.ended_realtime = times[i];
                message.alert.state = ALERT_RESOLVED;
                alert_text(&message, text, sizeof(text));
                assert_has(text, "Since: ");
                assert_null(strstr(text, "(for"));
        }
}

static void fill(char *target, size_t size, const char *with)
{
        target[0] = '\0';
        while (text_append(target, size, "%s", with) == 0)
                ;
}

/* What was escaped badly, or not at all, is made harmless here; everything stays bounded. */
static void test_hostile_text(void **state)
{
        static const char *const bad[] = {"\n\r\t\x1b[31m", "\"'`$(reboot)",    "\xff\xfe",
                                          "\xe2\x80\xae",   "\xf0\x9f\x93\xa1", "%s%n%1000d"};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct alert_message message = plain;
                char text[TEXT], small[16];
                fill(message.alert.summary, sizeof(message.alert.summary), bad[i]);
                fill(message.alert.evidence, sizeof(message.alert.evidence), bad[i]);
                fill(message.alert.next_action, sizeof(message.alert.next_action), bad[i]);
                fill(message.alert.key, sizeof(message.alert.key), bad[i]);
                fill(message.alert.cause, sizeof(message.alert.cause), bad[i]);
                fill(message.alert.modem, sizeof(message.alert.modem), bad[i]);
                fill(message.host, sizeof(message.host), bad[i]);
                fill(message.id, sizeof(message.id), bad[i]);
                alert_title(&message, text, sizeof(text));
                for (const char *c = text; *c; c++)
                        assert_false(iscntrl((unsigned char)*c));
                alert_text(&message, text, sizeof(text));
                assert_true(strlen(text) < TEXT - 1); /* nothing was cut off */
                assert_has(text, "\nId: ");
                for (const char *c = text; *c; c++)
                        assert_true(*c == '\n' || !iscntrl((unsigned char)*c));
                assert_null(strstr(text, "\xe2\x80\xae"));
                alert_text(&message, small, sizeof(small));
                assert_true(strlen(small) < sizeof(small));
                alert_short_text(&message, text, sizeof(text));
                assert_in_range(strlen(text), 1, 150);
                for (const char *c = text; *c; c++)
                        assert_true(*c >= 0x20 && *c < 0x7f && !strchr("`[]{}\\^~|", *c));
        }
}

static void test_short_text(void **state)
{
        struct alert_message message = plain;
        char text[200];
        (void)state;

        alert_short_text(&message, text, sizeof(text));
        assert_string_equal(text, "CRITICAL gw1: smsd crashed (exit code 1). run 'smswarden restart'");
        (void)text_copy(message.alert.summary, sizeof(message.alert.summary),
                        "gew\xc3\xb6hnlich {x} \xf0\x9f\x93\xa1");
        message.alert.next_action[0] = '\0';
        alert_short_text(&message, text, sizeof(text));
        assert_string_equal(text, "CRITICAL gw1: gew?hnlich (x) ?");
        fill(message.alert.summary, sizeof(message.alert.summary), "word ");
        alert_short_text(&message, text, sizeof(text));
        assert_int_equal(strlen(text), 150);
        alert_short_text(&message, text, 10);
        assert_string_equal(text, "CRITICAL ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_kinds),
            cmocka_unit_test(test_states),
            cmocka_unit_test(test_title),
            cmocka_unit_test(test_text),
            cmocka_unit_test(test_times_that_are_unknown),
            cmocka_unit_test(test_hostile_text),
            cmocka_unit_test(test_short_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
