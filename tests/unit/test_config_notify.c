/*
 * core/config for alerts: every key of [notify NAME], [alerts] and [heartbeat] with its limits, which keys
 * fit which type, where an alert may go - and that no message repeats a secret.
 */
#include "core/config.h"

#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A text of `length` characters, of which the first is `first`. */
static const char *long_text(char first, size_t length)
{
        static char text[1024];

        memset(text, 'x', sizeof(text));
        text[0] = first;
        text[length] = '\0';
        return text;
}

/* --- values and where they go --- */

#define TEXT(field)   offsetof(struct config, field), 't'
#define BOOL(field)   offsetof(struct config, field), 'b'
#define NUMBER(field) offsetof(struct config, field), 'u'
#define WIDE(field)   offsetof(struct config, field), 'w'

static const struct {
        const char *section, *key, *value;
        size_t offset;
        char type;
        const char *text; /* NULL: as `value` */
        uint64_t number;
} good[] = {
    {"notify v", "type", "webhook", TEXT(receivers[0].type), NULL, 0},
    {"notify v", "type", "vps-message", TEXT(receivers[0].type), NULL, 0},
    {"notify v", "type", "vps-status", TEXT(receivers[0].type), NULL, 0},
    {"notify v", "type", "alertmanager", TEXT(receivers[0].type), NULL, 0},
    {"notify v", "type", "ntfy", TEXT(receivers[0].type), NULL, 0},
    {"notify v", "type", "smtp", TEXT(receivers[0].type), NULL, 0},
    {"notify v", "type", "exec", TEXT(receivers[0].type), NULL, 0},
    {"notify v", "type", "sms", TEXT(receivers[0].type), NULL, 0},
    {"notify v", "url", "https://x/?a;b#c", TEXT(receivers[0].url), NULL, 0},
    {"notify v", "min_severity", "critical", NUMBER(receivers[0].min_severity), NULL, SEVERITY_CRITICAL},
    {"notify v", "match", "", TEXT(receivers[0].match), NULL, 0},
    {"notify v", "match", "*", TEXT(receivers[0].match), "", 0},
    {"notify v", "match", "  smsd-down \t modem-*  ", TEXT(receivers[0].match), "smsd-down modem-*", 0},
    {"notify v", "match", "hold, smsd-down,", TEXT(receivers[0].match), "hold smsd-down", 0},
    {"notify v", "match", "modem-lost/GSM? hold", TEXT(receivers[0].match), NULL, 0},
    {"notify v", "plain_http", "yes", BOOL(receivers[0].plain_http), NULL, true},
    {"notify v", "plain_http", "ON", BOOL(receivers[0].plain_http), NULL, true},
    {"notify v", "plain_http", "no", BOOL(receivers[0].plain_http), NULL, false},
    {"notify v", "ca_file", "/etc/ssl/own.pem", TEXT(receivers[0].ca_file), NULL, 0},
    {"notify v", "ca_file", "none", TEXT(receivers[0].ca_file), "", 0},
    {"notify v", "url_file", "/etc/smswarden/vps.url", TEXT(receivers[0].url_file), NULL, 0},
    {"notify v", "url_file", "vps-url", TEXT(receivers[0].url_file), NULL, 0},
    {"notify v", "url_file", "none", TEXT(receivers[0].url_file), "", 0},
    {"notify v", "user", "žinutės@example", TEXT(receivers[0].user), NULL, 0},
    {"notify v", "user", "", TEXT(receivers[0].user), NULL, 0},
    {"notify v", "password_file", "mail.password_1", TEXT(receivers[0].password_file), NULL, 0},
    {"notify v", "token_file", "", TEXT(receivers[0].token_file), NULL, 0},
    {"notify v", "template", "", TEXT(receivers[0].template_text), NULL, 0},
    {"notify v", "template", "{\"text\":\"{summary}\"}", TEXT(receivers[0].template_text), NULL, 0},
    {"notify v", "template", "[{\"a\": {count}, \"b\": \"\\\"}]\"}]", TEXT(receivers[0].template_text), NULL,
     0},
    {"notify v", "template_file", "/etc/smswarden/t.json", TEXT(receivers[0].template_file), NULL, 0},
    {"notify v", "interface", "wg-home.1", TEXT(receivers[0].interface), NULL, 0},
    {"notify v", "interface", "abcdefghijklmno", TEXT(receivers[0].interface), NULL, 0},
    {"notify v", "from", "sms.gateway+gw1@mail.example.org", TEXT(receivers[0].from), NULL, 0},
    {"notify v", "from", "", TEXT(receivers[0].from), NULL, 0},
    {"notify v", "to", "a@b", TEXT(receivers[0].to), NULL, 0},
    {"notify v", "to", "a@example.org, b@example.org\tc@x-y.lt,", TEXT(receivers[0].to),
     "a@example.org,b@example.org,c@x-y.lt", 0},
    {"notify v", "to", "", TEXT(receivers[0].to), NULL, 0},
    {"notify v", "budget", "1", NUMBER(receivers[0].budget), NULL, 1},
    {"notify v", "budget", "1000", NUMBER(receivers[0].budget), NULL, 1000},
    {"alerts", "spool_files", "16", NUMBER(alerts.spool_files), NULL, 16},
    {"alerts", "spool_files", "100000", NUMBER(alerts.spool_files), NULL, 100000},
    {"alerts", "spool_size", "262144", WIDE(alerts.spool_bytes), NULL, 262144},
    {"alerts", "spool_size", "256K", WIDE(alerts.spool_bytes), NULL, 262144},
    {"alerts", "spool_size", "8m", WIDE(alerts.spool_bytes), NULL, 8388608},
    {"alerts", "spool_size", "1G", WIDE(alerts.spool_bytes), NULL, 1073741824},
    {"queue", "retry_failed", "0", NUMBER(retry_failed), NULL, 0},
    {"queue", "retry_failed", "3", NUMBER(retry_failed), NULL, 3},
    {"alerts", "incoming_unread", "0", NUMBER(alerts.incoming_unread), NULL, 0},
    {"alerts", "incoming_unread", "9999", NUMBER(alerts.incoming_unread), NULL, 9999},
    {"alerts", "modem_timeouts", "0", NUMBER(alerts.modem_timeouts), NULL, 0},
    {"alerts", "modem_timeouts", "9999", NUMBER(alerts.modem_timeouts), NULL, 9999},
    {"alerts", "sms_after", "1s", WIDE(alerts.sms_after), NULL, USEC_PER_SEC},
    {"alerts", "sms_after", "1d", WIDE(alerts.sms_after), NULL, USEC_PER_DAY},
    {"alerts", "state_dir", "/srv/notify", TEXT(alerts.state_dir), NULL, 0},
    {"heartbeat", "url", "https://hc.example/ping", TEXT(heartbeat.url), NULL, 0},
    {"heartbeat", "url_file", "heartbeat", TEXT(heartbeat.url_file), NULL, 0},
    {"heartbeat", "every", "1s", WIDE(heartbeat.every), NULL, USEC_PER_SEC},
    {"heartbeat", "every", "24h", WIDE(heartbeat.every), NULL, USEC_PER_DAY},
    {"heartbeat", "method", "get", BOOL(heartbeat.get), NULL, true},
    {"heartbeat", "method", "post", BOOL(heartbeat.get), NULL, false},
    {"heartbeat", "plain_http", "true", BOOL(heartbeat.plain_http), NULL, true},
    {"heartbeat", "ca_file", "/ca", TEXT(heartbeat.ca_file), NULL, 0},
    {"heartbeat", "token_file", "/t", TEXT(heartbeat.token_file), NULL, 0},
};

static void check_field(const struct config *config, size_t i)
{
        const char *field = (const char *)config + good[i].offset;
        uint64_t number = 0;

        if (good[i].type == 't') {
                assert_string_equal(field, good[i].text ? good[i].text : good[i].value);
                return;
        }
        /* Little and big endian: by the field's own type. */
        if (good[i].type == 'b')
                number = *(const bool *)field;
        else if (good[i].type == 'u')
                number = *(const unsigned *)(const void *)field;
        else
                number = *(const uint64_t *)(const void *)field;
        if (number != good[i].number)
                fail_msg("[%s] %s = %s gave %llu", good[i].section, good[i].key, good[i].value,
                         (unsigned long long)number);
}

/* The values are set one behind the other into one configuration: each replaces the one before it wholly. */
static void test_values_reach_their_fields(void **state)
{
        struct config config;
        struct config_error error = {""};

        (void)state;
        config_init(&config);
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                if (config_set(&config, good[i].section, good[i].key, good[i].value, &error) != 0)
                        fail_msg("%s=%s: %s", good[i].key, good[i].value, error.message);
                check_field(&config, i);
        }
        assert_int_equal(config.n_receivers, 1);
}

static void test_defaults(void **state)
{
        struct config config;
        struct config_error error;

        (void)state;
        config_init(&config);
        assert_int_equal(config.alerts.spool_files, 2000);
        assert_int_equal(config.alerts.spool_bytes, 8 << 20);
        assert_int_equal(config.alerts.incoming_unread, 10);
        assert_int_equal(config.retry_failed, 0);
        assert_int_equal(config.alerts.modem_timeouts, 10);
        assert_int_equal(config.alerts.sms_after, 5 * USEC_PER_MIN);
        assert_string_equal(config.alerts.state_dir, "/var/lib/smswarden-notify");
        assert_int_equal(config.heartbeat.every, 5 * USEC_PER_MIN);
        assert_false(config.heartbeat.get);
        assert_int_equal(config_open_section(&config, "notify v", &error), 0);
        assert_int_equal(config.receivers[0].min_severity, SEVERITY_WARNING);
        assert_string_equal(config.receivers[0].interface, "wg0");
        assert_int_equal(config.receivers[0].budget, 5);
        assert_false(config.receivers[0].plain_http);
}

/* --- values that are refused --- */

static const struct {
        const char *section, *key, *value, *message; /* message NULL: any */
} bad[] = {
    {"notify v", "match", "smsd-down; hold",
     "[notify v] match: \"smsd-down; hold\" is not a list of patterns separated by blanks (255 bytes at "
     "most); write one like smsd-down modem-*"},
    {"notify v", "match", "žinutės", NULL},
    {"notify v", "match", "!hold", NULL},
    {"notify v", "match", "a\nb", NULL},
    {"notify v", "plain_http", "maybe", "[notify v] plain_http: \"maybe\" is not known; allowed: yes, no"},
    {"notify v", "plain_http", "", NULL},
    {"notify v", "ca_file", "own.pem",
     "[notify v] ca_file: \"own.pem\" is not an absolute path (no .., at most 255 bytes); write one, or "
     "none"},
    {"notify v", "url_file", "https://me:SECRET@x/",
     "[notify v] url_file: the value is neither an absolute path nor the name of a systemd credential; the "
     "secret itself goes into that file"},
    {"notify v", "password_file", "SECRET+word!", NULL},
    {"notify v", "password_file", "secrets/SECRET", NULL},
    {"notify v", "password_file", "/etc/../SECRET", NULL},
    {"notify v", "password_file", "..", NULL},
    {"notify v", "token_file", "a b", NULL},
    {"notify v", "token_file", "a\nb", NULL},
    {"notify v", "password", "SECRET",
     "[notify v] password: no such key; a secret lies in a file of its own, named with password_file"},
    {"notify v", "token", "SECRET",
     "[notify v] token: no such key; a secret lies in a file of its own, named with token_file"},
    {"notify v", "ca", "/x", "[notify v] ca: no such key; did you mean ca_file?"},
    {"notify v", "user", "a\nb",
     "[notify v] user: \"a\\nb\" is too long or holds a control character; at most 127 bytes fit"},
    {"notify v", "template", "{\"token\": \"SECRET",
     "[notify v] template: the value is not whole JSON of at most 511 bytes (a ; behind a blank begins a "
     "comment); a long one goes into a file: template_file"},
    {"notify v", "template", "{\"token\": \"SECRET\"", NULL},
    {"notify v", "template", "{\"a\": [1}]", NULL},
    {"notify v", "template", "{}}", NULL},
    {"notify v", "template", "}{", NULL},
    {"notify v", "template", "text {summary}", NULL},
    {"notify v", "template", "{\"a\":\"\t\"}", NULL},
    {"notify v", "template", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", NULL},
    {"notify v", "template_file", "t.json", NULL},
    {"notify v", "interface", "wg/0",
     "[notify v] interface: \"wg/0\" is not a network interface; write one like wg0 (15 bytes at most)"},
    {"notify v", "interface", "abcdefghijklmnop", NULL},
    {"notify v", "interface", "", NULL},
    {"notify v", "interface", "..", NULL},
    {"notify v", "from", "Gateway <sms@example.org>",
     "[notify v] from: \"Gateway <sms@example.org>\" is not a mail address; write just one, like "
     "sms@example.org (127 bytes at most)"},
    {"notify v", "from", "a@b c@d", NULL},
    {"notify v", "from", "root", NULL},
    {"notify v", "from", "@example.org", NULL},
    {"notify v", "from", "a@", NULL},
    {"notify v", "from", "a..b@example.org", NULL},
    {"notify v", "from", "a@example..org", NULL},
    {"notify v", "from", "a@example.org.", NULL},
    {"notify v", "from", "a@b@c", NULL},
    {"notify v", "from", "a@-x", NULL},
    {"notify v", "from", "a@b\r\nRCPT TO:<c@d>", NULL},
    {"notify v", "to", "a@example.org; b@example.org",
     "[notify v] to: \"a@example.org; b@example.org\" is not a list of mail addresses (255 bytes at most); "
     "write one like a@example.org b@example.org"},
    {"notify v", "budget", "0", "[notify v] budget: \"0\" is not a number from 1 to 1000"},
    {"notify v", "budget", "1001", NULL},
    {"notify v", "budget", "-1", NULL},
    {"notify v", "budget", "many", NULL},
    {"notify v", "url", "https://x/\\@y", NULL},
    {"notify v", "tpye", "sms", "[notify v] tpye: no such key; did you mean type?"},
    {"notify v", "severity", "info", "[notify v] severity: no such key; did you mean min_severity?"},
    {"notify v", "file", "x", NULL},
    {"notify v", "_file", "x", NULL},
    {"alerts", "after", "5min", "[alerts] after: no such key; did you mean sms_after?"},
    {"notify-v", "type", "sms", "[notify-v]: no such section; did you mean [notify NAME]?"},
    {"notify v", "every", "5min", "[notify v] every: no such key; it belongs to [heartbeat]"},
    {"notify v", "sms_after", "5min", "[notify v] sms_after: no such key; it belongs to [alerts]"},
    {"heartbeat", "budget", "5", "[heartbeat] budget: no such key; it belongs to [notify NAME]"},
    {"notify v", "zzzzzz", "1",
     "[notify v] zzzzzz: no such key; allowed: type, url, min_severity, match, plain_http, ca_file, "
     "url_file, "
     "user, password_file, token_file, template, template_file, interface, from, to, budget"},
    {"alerts", "spool_files", "15", "[alerts] spool_files: \"15\" is not a number from 16 to 100000"},
    {"alerts", "spool_files", "100001", NULL},
    {"alerts", "spool_size", "8MB",
     "[alerts] spool_size: \"8MB\" is not a size from 256K to 1024M; write one like 512K or 8M"},
    {"alerts", "spool_size", "8T", NULL},
    {"alerts", "spool_size", "", NULL},
    {"alerts", "spool_size", "M", NULL},
    {"alerts", "spool_size", "-8M", NULL},
    {"alerts", "spool_size", "255K", NULL},
    {"alerts", "spool_size", "1025M", NULL},
    {"alerts", "spool_size", "99999999999999999G", NULL}, /* more than 64 bits hold */
    {"alerts", "spool_size", "999999999999999999999999999999", NULL},
    {"queue", "retry_failed", "11", "[queue] retry_failed: \"11\" is not a number from 0 to 10"},
    {"alerts", "incoming_unread", "10000",
     "[alerts] incoming_unread: \"10000\" is not a number from 0 to 9999"},
    {"alerts", "modem_timeouts", "10min", NULL},
    {"alerts", "sms_after", "0",
     "[alerts] sms_after: \"0\" is not a duration from 1s to 1d; write one like 90s, 30min or 1h30min"},
    {"alerts", "sms_after", "infinity", NULL},
    {"alerts", "state_dir", "none", NULL},
    {"alert", "state_dir", "/x", "[alert]: no such section; did you mean [alerts]?"},
    {"alerts x", "state_dir", "/x", "[alerts x]: write just [alerts]"},
    {"hartbeat", "url", "x", "[hartbeat]: no such section; did you mean [heartbeat]?"},
    {"heartbeat", "every", "2d", NULL},
    {"heartbeat", "method", "put", "[heartbeat] method: \"put\" is not known; allowed: post, get"},
    {"heartbeat", "method", "GET", NULL},
};

static void test_bad_values_are_refused_whole_with_a_message(void **state)
{
        struct config before, config;

        (void)state;
        config_init(&before);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct config_error error = {""};
                config = before;
                int r = config_set(&config, bad[i].section, bad[i].key, bad[i].value, &error);
                if (r != -EINVAL && r != -E2BIG)
                        fail_msg("[%s] %s = %s gave %d", bad[i].section, bad[i].key, bad[i].value, r);
                if (bad[i].message)
                        assert_string_equal(error.message, bad[i].message);
                assert_null(strstr(error.message, "SECRET"));
                assert_true(strlen(error.message) < sizeof(error.message) - 1);
                assert_memory_equal(&config, &before, sizeof(config));
        }
}

/* Each text is taken up to its field's size, and not a byte more. */
static void test_long_values(void **state)
{
        static const struct {
                const char *section, *key;
                char first;
                size_t max;
        } rows[] = {
            {"notify v", "url", 'h', 511},           {"notify v", "match", 'x', 255},
            {"notify v", "ca_file", '/', 255},       {"notify v", "url_file", '/', 255},
            {"notify v", "password_file", 'x', 255}, {"notify v", "token_file", 'x', 255},
            {"notify v", "user", 'x', 127},          {"notify v", "template_file", '/', 255},
            {"alerts", "state_dir", '/', 255},       {"heartbeat", "url", 'h', 511},
            {"heartbeat", "url_file", '/', 255},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct config config;
                struct config_error error = {""};
                config_init(&config);
                if (config_set(&config, rows[i].section, rows[i].key, long_text(rows[i].first, rows[i].max),
                               &error) < 0)
                        fail_msg("%s", error.message);
                assert_int_equal(config_set(&config, rows[i].section, rows[i].key,
                                            long_text(rows[i].first, rows[i].max + 1), &error),
                                 -E2BIG);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_values_reach_their_fields),
            cmocka_unit_test(test_defaults),
            cmocka_unit_test(test_bad_values_are_refused_whole_with_a_message),
            cmocka_unit_test(test_long_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
