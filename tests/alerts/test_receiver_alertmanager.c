/*
 * What Alertmanager is asked for: where, under which labels, and from when to when, whatever the clocks say.
 * What it makes of that is test_alertmanager.c.
 */
#include "messages.h"
#include "requests.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef-7"

static int64_t time_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));
        struct tm parts = {0};

        if (!text)
                return 0;
        const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        assert_true(rest && *rest == '\0');
        return (int64_t)timegm(&parts);
}

static void alertmanager_addresses(void **state)
{
        static const struct {
                const char *url, *wanted; /* NULL: refused */
        } cases[] = {
            {"http://am:9093", "http://am:9093/api/v2/alerts"},
            {"http://am:9093/", "http://am:9093/api/v2/alerts"},
            {"https://user:pw@am/base/", "https://user:pw@am/base/api/v2/alerts"},
            {"https://am/api/v2", "https://am/api/v2/alerts"},
            {"https://am/api/v2/", "https://am/api/v2/alerts"},
            {"https://am/base/api/v2/alerts", "https://am/base/api/v2/alerts"},
            {"https://am/api/v2/alerts/?tenant=1", "https://am/api/v2/alerts?tenant=1"},
            {"http://[::1]:9093", "http://[::1]:9093/api/v2/alerts"},
            {"am:9093:1", NULL},
            {"", NULL},
        };
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct receiver_config config = config_of("alertmanager", cases[i].url);
                struct request request = {0};
                char problem[256];
                int r = make_request(&config, &message, &request, problem);
                assert_int_equal(r, cases[i].wanted ? 0 : -EINVAL);
                if (cases[i].wanted)
                        assert_string_equal(request.url, cases[i].wanted);
                else
                        assert_int_equal(strncmp(problem, "url: ", 5), 0);
                request_free(&request);
        }
}

static void alertmanager_is_told_of_the_alert(void **state)
{
        struct receiver_config config = config_of("alertmanager", "http://am:9093");
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        int64_t now = (int64_t)time(NULL);

        (void)state;
        json_t *list = body_of(&config, &message);
        assert_int_equal(json_array_size(list), 1);
        json_t *alert = json_array_get(list, 0), *labels = json_object_get(alert, "labels");
        json_t *annotations = json_object_get(alert, "annotations");
        assert_string_equal(string_of(labels, "alertname"), "smsd-down");
        assert_string_equal(string_of(labels, "job"), "smswarden");
        assert_string_equal(string_of(labels, "severity"), "critical");
        assert_string_equal(string_of(labels, "instance"), "gw1");
        assert_string_equal(string_of(labels, "key"), "smsd-down");
        assert_string_equal(string_of(labels, "modem"), "GSM1");
        assert_int_equal(json_object_size(labels), 6);
        assert_string_equal(string_of(annotations, "summary"), "smsd crashed (exit code 1)");
        assert_string_equal(string_of(annotations, "evidence"), message.alert.evidence);
        assert_string_equal(string_of(annotations, "next_action"), message.alert.next_action);
        assert_string_equal(string_of(annotations, "id"), ID);
        assert_non_null(strstr(string_of(annotations, "description"), "CRITICAL gw1"));
        assert_int_equal(time_of(alert, "startsAt"), message.alert.since_realtime / 1000000);
        assert_true(time_of(alert, "endsAt") > now + 30 * 86400);
        json_decref(list);
        message_resolve(&message);
        list = body_of(&config, &message);
        assert_int_equal(json_array_size(list), 1);
        alert = json_array_get(list, 0);
        assert_int_equal(time_of(alert, "startsAt"), message.alert.since_realtime / 1000000);
        assert_int_equal(time_of(alert, "endsAt"), message.alert.ended_realtime / 1000000);
        json_decref(list);
}

/* Wall clocks that were never set, or were set in between: nothing that fires may be over, what is over must
 * be, and no end lies before its begin. */
static void alertmanager_survives_wrong_clocks(void **state)
{
        static const int64_t clocks[] = {0, INT64_C(86400000000), INT64_C(1600000000000000),
                                         INT64_C(2500000000000000), INT64_C(1767225600000000)};
        struct receiver_config config = config_of("alertmanager", "http://am:9093");

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(clocks) * ARRAY_SIZE(clocks) * 2; i++) {
                struct alert_message message = message_make(7, ALERT_MODEM_LOST);
                bool over = i % 2;
                message.alert.since_realtime = clocks[i / 2 / ARRAY_SIZE(clocks)];
                message.at = clocks[i / 2 % ARRAY_SIZE(clocks)];
                message.alert.state = over ? ALERT_RESOLVED : ALERT_FIRING;
                message.alert.ended_realtime = over ? message.at : 0;
                json_t *list = body_of(&config, &message);
                json_t *alert = json_array_get(list, 0);
                /* time() may be a tick behind. */
                int64_t now = clock_realtime() / 1000000, start = time_of(alert, "startsAt");
                int64_t end = time_of(alert, "endsAt");
                assert_true(start > INT64_C(1735689600) && start <= end && start <= now);
                assert_true(over ? end <= now : end > now + 86400);
                json_decref(list);
        }
}

static void momentary_alerts_end_by_themselves(void **state)
{
        static const enum alert_kind kinds[] = {ALERT_MESSAGE_FAILED, ALERT_MODEM_CHANGED,
                                                ALERT_PROVISION_FAILED, ALERT_TEST};
        struct receiver_config config = config_of("alertmanager", "http://am:9093");

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                struct alert_message message = message_make(7, kinds[i]);
                message.at -= (int64_t)(7 * USEC_PER_DAY); /* the network was away: it fires all the same */
                message.alert.since_realtime = message.at;
                json_t *list = body_of(&config, &message);
                int64_t end = time_of(json_array_get(list, 0), "endsAt"), now = (int64_t)time(NULL);
                assert_true(end > now + 60 && end <= now + 6 * 3600);
                json_decref(list);
        }
}

/* The severity is a label: under the old one it is another alert, which has to end. */
static void a_new_severity_ends_the_old_one(void **state)
{
        static const struct {
                enum alert_kind kind;
                enum alert_state state;
                unsigned told;
                enum severity now, min;
                size_t n;
        } cases[] = {
            {ALERT_HOLD, ALERT_FIRING, 0, SEVERITY_WARNING, SEVERITY_WARNING, 1},
            {ALERT_HOLD, ALERT_FIRING, 3, SEVERITY_WARNING, SEVERITY_WARNING, 1},  /* it never falls */
            {ALERT_HOLD, ALERT_FIRING, 0, SEVERITY_CRITICAL, SEVERITY_WARNING, 1}, /* the first */
            {ALERT_HOLD, ALERT_FIRING, 1, SEVERITY_CRITICAL, SEVERITY_WARNING, 2},
            {ALERT_HOLD, ALERT_FIRING, 1, SEVERITY_CRITICAL, SEVERITY_INFO, 2}, /* an info is never told */
            {ALERT_HOLD, ALERT_FIRING, 1, SEVERITY_CRITICAL, SEVERITY_CRITICAL, 1}, /* nor a warning here */
            {ALERT_HOLD, ALERT_RESOLVED, 1, SEVERITY_WARNING, SEVERITY_WARNING, 1},
            {ALERT_HOLD, ALERT_RESOLVED, 1, SEVERITY_CRITICAL, SEVERITY_WARNING, 2}, /* rose at its end */
            {ALERT_MODEM_NETWORK, ALERT_RESOLVED, 2, SEVERITY_CRITICAL, SEVERITY_WARNING, 2},
            {ALERT_MODEM_LOST, ALERT_FIRING, 2, SEVERITY_CRITICAL, SEVERITY_WARNING, 1},
            {ALERT_SMSD_DOWN, ALERT_FIRING, 2, SEVERITY_CRITICAL, SEVERITY_WARNING, 1}, /* always critical */
            {ALERT_TEST, ALERT_FIRING, 0, SEVERITY_WARNING, SEVERITY_INFO, 1},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct receiver_config config = config_of("alertmanager", "http://am:9093");
                struct alert_message message = message_make(7, cases[i].kind);
                config.min_severity = cases[i].min;
                message.alert.severity = cases[i].now;
                message.alert.state = cases[i].state;
                message.alert.told = cases[i].told;
                json_t *list = body_of(&config, &message);
                assert_int_equal(json_array_size(list), cases[i].n);
                json_t *first = json_object_get(json_array_get(list, 0), "labels");
                assert_string_equal(string_of(first, "severity"), severity_to_string(cases[i].now));
                if (cases[i].n == 2) {
                        json_t *other = json_array_get(list, 1);
                        assert_string_not_equal(string_of(json_object_get(other, "labels"), "severity"),
                                                severity_to_string(cases[i].now));
                        assert_true(time_of(other, "endsAt") <= (int64_t)time(NULL));
                }
                json_decref(list);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(alertmanager_addresses),
            cmocka_unit_test(alertmanager_is_told_of_the_alert),
            cmocka_unit_test(alertmanager_survives_wrong_clocks),
            cmocka_unit_test(momentary_alerts_end_by_themselves),
            cmocka_unit_test(a_new_severity_ends_the_old_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
