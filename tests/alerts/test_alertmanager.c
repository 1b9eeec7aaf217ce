/*
 * The real Prometheus Alertmanager on loopback, with a webhook of the test's own behind it: what fires there,
 * what ends, and what people would be told. Notifications are judged by what Alertmanager sends on, the
 * alerts themselves by its API.
 */
#include "http_server.h"
#include "messages.h"
#include "notifier.h"
#include "server.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <curl/curl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#define GROUP_INTERVAL_MS 1000
#define LIMIT             (30 * USEC_PER_SEC)

struct fixture {
        struct notifier notifier;
        struct server server;
        struct http_server *people; /* who is told in the end */
};

/* Each alert is a group of its own, told at once. */
static void write_config(const struct fixture *f, const char *path)
{
        char text[512];

        assert_int_equal(text_format(text, sizeof(text),
                                     "route: {receiver: hook, group_by: ['...'], group_wait: 0s, "
                                     "group_interval: 1s, repeat_interval: 1h}\n"
                                     "receivers:\n"
                                     "- name: hook\n"
                                     "  webhook_configs:\n"
                                     "  - {url: 'http://127.0.0.1:%u/', send_resolved: true}\n",
                                     http_server_port(f->people)),
                         0);
        assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
}

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        char config[160], storage[192], log[160];

        assert_non_null(f);
        *state = f;
        notifier_init(&f->notifier);
        f->people = http_server_new(NULL);
        http_server_listen(f->people);
        (void)text_format(config, sizeof(config), "%s/alertmanager.yml", f->notifier.folder);
        (void)text_format(log, sizeof(log), "%s/alertmanager.log", f->notifier.folder);
        (void)text_format(storage, sizeof(storage), "--storage.path=%s/alertmanager", f->notifier.folder);
        write_config(f, config);
        char file[192];
        (void)text_format(file, sizeof(file), "--config.file=%s", config);
        const char *const argv[] = {"prometheus-alertmanager",
                                    file,
                                    storage,
                                    "--cluster.listen-address=",
                                    "--web.listen-address=127.0.0.1:0",
                                    "--log.level=warn",
                                    NULL};
        f->server = server_start(argv, log);
        notifier_configure(&f->notifier,
                           "[notify fleet]\ntype = alertmanager\nurl = http://127.0.0.1:%u\n"
                           "min_severity = info\n",
                           f->server.port);
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        server_stop(&f->server);
        http_server_free(f->people);
        notifier_done(&f->notifier);
        free(f);
        return 0;
}

/* --- what Alertmanager's API says --- */

static size_t keep(char *data, size_t size, size_t count, void *userdata)
{
        return fwrite(data, size, count, userdata) * size;
}

/* The alerts that fire there now. */
static json_t *api_alerts(const struct fixture *f)
{
        _cleanup_free_ char *text = NULL;
        char url[96];
        size_t length;
        FILE *output = open_memstream(&text, &length);
        CURL *easy = curl_easy_init();

        assert_non_null(output);
        assert_non_null(easy);
        (void)text_format(url, sizeof(url), "http://127.0.0.1:%u/api/v2/alerts", f->server.port);
        assert_int_equal(curl_easy_setopt(easy, CURLOPT_URL, url), CURLE_OK);
        assert_int_equal(curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"), CURLE_OK);
        assert_int_equal(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep), CURLE_OK);
        assert_int_equal(curl_easy_setopt(easy, CURLOPT_WRITEDATA, output), CURLE_OK);
        assert_int_equal(curl_easy_perform(easy), CURLE_OK);
        curl_easy_cleanup(easy);
        assert_int_equal(fclose(output), 0);
        json_t *list = json_loads(text, 0, NULL);
        assert_true(json_is_array(list));
        return list;
}

static const char *string_at(const json_t *object, const char *group, const char *key)
{
        const char *text = json_string_value(json_object_get(json_object_get(object, group), key));

        return text ? text : "";
}

/* True when exactly this one fires. */
static bool fires_alone(const struct fixture *f, const char *kind, const char *severity)
{
        json_t *list = api_alerts(f), *alert = json_array_get(list, 0);
        bool alone = json_array_size(list) == 1 &&
                     text_equal(string_at(alert, "labels", "alertname"), kind) &&
                     text_equal(string_at(alert, "labels", "severity"), severity);

        json_decref(list);
        return alone;
}

/* --- what people would be told --- */

/* One line for each alert of each notification, in order: "firing smsd-down critical\n". */
static void told(const struct fixture *f, char *target, size_t size)
{
        target[0] = '\0';
        for (unsigned i = 0; i < http_server_count(f->people); i++) {
                const struct http_request *request = http_server_request(f->people, i);
                json_t *alert;
                size_t k;
                json_t *json = json_loadb(request->body, request->length, 0, NULL);
                assert_non_null(json);
                json_array_foreach(json_object_get(json, "alerts"), k, alert)
                    assert_int_equal(text_append(target, size, "%s %s %s\n",
                                                 json_string_value(json_object_get(alert, "status")),
                                                 string_at(alert, "labels", "alertname"),
                                                 string_at(alert, "labels", "severity")),
                                     0);
                json_decref(json);
        }
}

/* Waits until so many notifications have come; then they are exactly `wanted`. */
static void expect_told(const struct fixture *f, unsigned n, const char *wanted)
{
        char text[4096];

        (void)http_server_wait(f->people, n, LIMIT);
        told(f, text, sizeof(text));
        assert_string_equal(text, wanted);
}

/* --- the tests --- */

static void an_outage_fires_and_ends(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_SMSD_DOWN);

        notifier_deliver(&f->notifier, &message);
        assert_true(fires_alone(f, "smsd-down", "critical"));
        json_t *list = api_alerts(f), *alert = json_array_get(list, 0);
        assert_string_equal(string_at(alert, "labels", "instance"), "gw1");
        assert_string_equal(string_at(alert, "labels", "job"), "smswarden");
        assert_string_equal(string_at(alert, "annotations", "summary"), message.alert.summary);
        assert_string_equal(string_at(alert, "annotations", "id"), message.id);
        json_decref(list);
        expect_told(f, 1, "firing smsd-down critical\n");
        message = message_make(2, ALERT_SMSD_DOWN);
        message_resolve(&message);
        notifier_deliver(&f->notifier, &message);
        assert_true(json_array_size(list = api_alerts(f)) == 0);
        json_decref(list);
        expect_told(f, 2, "firing smsd-down critical\nresolved smsd-down critical\n");
}

static void a_repeat_does_not_double(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_SMSD_DOWN);

        notifier_deliver(&f->notifier, &message);
        expect_told(f, 1, "firing smsd-down critical\n");
        for (unsigned i = 2; i < 5; i++) { /* our clock may have been set in between */
                message = message_make(i, ALERT_SMSD_DOWN);
                message.alert.told = i - 1;
                message.alert.since_realtime -= (int64_t)(i * USEC_PER_HOUR);
                notifier_deliver(&f->notifier, &message);
                assert_true(fires_alone(f, "smsd-down", "critical"));
        }
        pause_ms(2L * GROUP_INTERVAL_MS); /* nothing may come: there is no event to wait for */
        message = message_make(5, ALERT_SMSD_DOWN);
        message_resolve(&message);
        notifier_deliver(&f->notifier, &message);
        expect_told(f, 2, "firing smsd-down critical\nresolved smsd-down critical\n");
}

/* A firing alert that is not sent again stays: its end is far ahead, not Alertmanager's resolve_timeout. */
static void it_fires_until_its_end(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_MODEM_LOST);
        int64_t now = (int64_t)time(NULL);

        notifier_deliver(&f->notifier, &message);
        json_t *list = api_alerts(f);
        const char *end = json_string_value(json_object_get(json_array_get(list, 0), "endsAt"));
        struct tm parts = {0};
        assert_non_null(end);
        assert_non_null(strptime(end, "%Y-%m-%dT%H:%M:%S", &parts));
        assert_true((int64_t)timegm(&parts) > now + 30 * 86400);
        json_decref(list);
}

static void a_hold_that_escalates_is_one(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_HOLD);

        message.alert.severity = SEVERITY_WARNING;
        notifier_deliver(&f->notifier, &message);
        assert_true(fires_alone(f, "hold", "warning"));
        expect_told(f, 1, "firing hold warning\n");
        message = message_make(2, ALERT_HOLD);
        message.alert.told = 1;
        notifier_deliver(&f->notifier, &message);
        assert_true(fires_alone(f, "hold", "critical"));
        expect_told(f, 3, "firing hold warning\nfiring hold critical\nresolved hold warning\n");
        message = message_make(3, ALERT_HOLD);
        message.alert.told = 1;
        message_resolve(&message);
        notifier_deliver(&f->notifier, &message);
        json_t *list = api_alerts(f);
        assert_int_equal(json_array_size(list), 0);
        json_decref(list);
}

/* The network was away for a week: what was momentary then is told all the same. */
static void a_late_message_still_fires(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_MESSAGE_FAILED);

        message.at -= (int64_t)(7 * USEC_PER_DAY);
        message.alert.since_realtime = message.at;
        notifier_deliver(&f->notifier, &message);
        assert_true(fires_alone(f, "message-failed", "critical"));
        expect_told(f, 1, "firing message-failed critical\n");
}

static void two_modems_are_two_alerts(void **state)
{
        struct fixture *f = *state;

        for (unsigned i = 1; i <= 2; i++) {
                struct alert_message message = message_make(i, ALERT_MODEM_LOST);
                (void)text_format(message.alert.key, sizeof(message.alert.key), "modem-lost/GSM%u", i);
                (void)text_format(message.alert.modem, sizeof(message.alert.modem), "GSM%u", i);
                notifier_put(&f->notifier, &message);
        }
        notifier_run_well(&f->notifier);
        json_t *list = api_alerts(f);
        assert_int_equal(json_array_size(list), 2);
        json_decref(list);
        expect_told(f, 2, "firing modem-lost critical\nfiring modem-lost critical\n");
}

static void hostile_text_is_taken(void **state)
{
        struct fixture *f = *state;
        static char huge[100 * 1024];

        memset(huge, '"', sizeof(huge));
        for (size_t i = 0; i <= hostile_texts_n; i++) {
                const char *text = i < hostile_texts_n ? hostile_texts[i] : huge;
                struct alert_message message = message_make(i + 1, ALERT_MODEM_STUCK);
                message_fill(&message, text, i < hostile_texts_n ? strlen(text) : sizeof(huge));
                notifier_put(&f->notifier, &message);
        }
        notifier_run_well(&f->notifier);
        json_t *list = api_alerts(f);
        assert_int_equal(json_array_size(list), hostile_texts_n + 1);
        json_decref(list);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(an_outage_fires_and_ends, set_up, tear_down),
            cmocka_unit_test_setup_teardown(a_repeat_does_not_double, set_up, tear_down),
            cmocka_unit_test_setup_teardown(it_fires_until_its_end, set_up, tear_down),
            cmocka_unit_test_setup_teardown(a_hold_that_escalates_is_one, set_up, tear_down),
            cmocka_unit_test_setup_teardown(a_late_message_still_fires, set_up, tear_down),
            cmocka_unit_test_setup_teardown(two_modems_are_two_alerts, set_up, tear_down),
            cmocka_unit_test_setup_teardown(hostile_text_is_taken, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
