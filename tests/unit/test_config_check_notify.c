/*
 * core/config for alerts, the whole: which keys fit which type, where an alert may go - and that no message
 * repeats a secret.
 */
#include "core/config.h"

#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct assignment {
        const char *key, *value;
};

/* Keys of [notify v], or of the section that stands before a blank in the key. */
static const struct {
        struct assignment set[8];
        const char *message; /* NULL: fine; "": refused, whatever it says */
} wholes[] = {
    {{{"url", "https://x"}}, "[notify v] type: is missing; write one like type = webhook"},
    {{{"type", "ntfy"}, {"url", "https://ntfy.example/t"}, {"token_file", "ntfy"}, {"ca_file", "/ca"}}, NULL},
    {{{"type", "webhook"}},
     "[notify v] url: is missing; type webhook wants https://... (or http://... with plain_http = yes)"},
    {{{"type", "webhook"}, {"url_file", "/x"}}, NULL},
    {{{"type", "webhook"}, {"url_file", "/x"}, {"url", "https://x"}},
     "[notify v] url_file: there is a url too; remove one of the two"},
    {{{"type", "webhook"}, {"url", "http://vps.example/x"}},
     "[notify v] url: is http:// without TLS: everybody on the way can read and change it; write https://, "
     "or "
     "plain_http = yes when the way is safe (a VPN)"},
    {{{"type", "webhook"}, {"url", "http://vps.example/x"}, {"plain_http", "yes"}}, NULL},
    {{{"type", "vps-status"},
      {"url", "http://10.8.0.1/webhook/sms/status"},
      {"plain_http", "yes"},
      {"interface", "wg1"}},
     NULL},
    {{{"type", "webhook"}, {"url", "http://127.0.0.1:8080/x"}}, NULL},
    {{{"type", "webhook"}, {"url", "http://[::1]:8080"}}, NULL},
    {{{"type", "webhook"}, {"url", "http://LOCALHOST?x"}}, NULL},
    {{{"type", "webhook"}, {"url", "http://127.0.0.1.evil.example/"}}, ""},
    {{{"type", "webhook"}, {"url", "http://localhost.evil.example/"}}, ""},
    {{{"type", "webhook"}, {"url", "http://evil.example/?127.0.0.1"}}, ""},
    {{{"type", "webhook"}, {"url", "http://evil.example#@127.0.0.1"}}, ""},
    {{{"type", "webhook"}, {"url", "http://[::1].evil.example/"}}, ""},
    {{{"type", "webhook"}, {"url", "http://127.0.0.1@evil.example/"}, {"plain_http", "yes"}}, ""},
    {{{"type", "webhook"}, {"url", "https://me:SECRET@vps.example/x"}},
     "[notify v] url: holds a user or password; put the whole address into a file that only smswarden-notify "
     "may read, and name that with url_file"},
    {{{"type", "smtp"}, {"url", "smtps://me:SECRET@mail.example"}, {"to", "a@b"}}, ""},
    {{{"type", "webhook"}, {"url", "https://vps.example/a@b?c@d"}}, NULL},
    {{{"type", "webhook"}, {"url", "https:///x"}}, "[notify v] url: names no host"},
    {{{"type", "webhook"}, {"url", "https://:443/x"}}, "[notify v] url: names no host"},
    {{{"type", "webhook"}, {"url", "https://x:/"}},
     "[notify v] url: has no port from 1 to 65535 behind the host's ':'"},
    {{{"type", "webhook"}, {"url", "https://x:99999/"}}, ""},
    {{{"type", "webhook"}, {"url", "https://x:8443"}}, NULL},
    {{{"type", "webhook"}, {"url", "ftp://x"}}, ""},
    {{{"type", "ntfy"}, {"url", "https://ntfy.example"}},
     "[notify v] url: type ntfy wants the topic at its end (letters, digits, - and _), like "
     "https://ntfy.sh/TOPIC"},
    {{{"type", "ntfy"}, {"url", "https://ntfy.example/"}}, ""},
    {{{"type", "ntfy"}, {"url", "https://ntfy.example/a.b"}}, ""},
    {{{"type", "ntfy"}, {"url", "https://ntfy.example/?topic"}}, ""},
    {{{"type", "ntfy"}, {"url", "https://ntfy.example/base/My_topic-1/?x"}}, NULL},
    {{{"type", "alertmanager"}, {"url", "vps.example:9093"}},
     "[notify v] url: type alertmanager wants https://... (or http://... with plain_http = yes)"},
    {{{"type", "webhook"}, {"url", "https://x"}, {"template", "{}"}, {"template_file", "/t"}},
     "[notify v] template_file: there is a template too; remove one of the two"},
    {{{"type", "webhook"}, {"url", "https://x"}, {"user", "me"}},
     "[notify v] user: there is no password_file to it; add it, or remove user"},
    {{{"type", "webhook"}, {"url", "https://x"}, {"password_file", "p"}},
     "[notify v] password_file: there is no user to it; add it"},
    {{{"type", "webhook"}, {"url", "https://x"}, {"user", "me"}, {"password_file", "p"}}, NULL},
    {{{"type", "webhook"}, {"url", "https://x"}, {"user", "me"}, {"password_file", "p"}, {"token_file", "t"}},
     "[notify v] token_file: there is a user with a password too; remove one of the two"},
    {{{"type", "smtp"}, {"url", "smtp://mail.example:587"}},
     "[notify v] to: is missing; type smtp wants who gets the mail, like to = admin@example.org"},
    {{{"type", "smtp"},
      {"url", "smtp://mail.example:587"},
      {"to", "a@b"},
      {"from", "c@d"},
      {"user", "u"},
      {"password_file", "p"}},
     NULL},
    {{{"type", "smtp"}, {"url", "https://x"}, {"to", "a@b"}},
     "[notify v] url: type smtp wants smtps://... or smtp://..."},
    {{{"type", "smtp"}, {"url", "smtps://x"}, {"to", "a@b"}, {"template", "{}"}},
     "[notify v] template: means nothing to type smtp, only to webhook; remove it"},
    {{{"type", "smtp"}, {"url", "smtps://x"}, {"to", "a@b"}, {"token_file", "t"}},
     "[notify v] token_file: means nothing to type smtp, only to webhook, vps-message, vps-status, "
     "alertmanager, ntfy; remove it"},
    {{{"type", "ntfy"}, {"url", "https://x"}, {"to", "a@b"}},
     "[notify v] to: means nothing to type ntfy, only to smtp; remove it"},
    {{{"type", "ntfy"}, {"url", "https://x"}, {"interface", "wg1"}}, ""},
    {{{"type", "ntfy"}, {"url", "https://x"}, {"budget", "1"}}, ""},
    {{{"type", "exec"}, {"url", "/usr/bin/true"}}, NULL},
    {{{"type", "exec"}, {"url", "true"}}, "[notify v] url: type exec wants the absolute path of a program"},
    {{{"type", "exec"}, {"url", "/usr/../bin/true"}}, ""},
    {{{"type", "exec"}, {"url", "/usr/bin/"}}, ""},
    {{{"type", "exec"}, {"url", "/usr/bin/true"}, {"plain_http", "yes"}}, ""},
    {{{"type", "exec"}, {"url_file", "/x"}}, ""},
    {{{"type", "sms"}, {"url", "+37060000000"}, {"budget", "3"}}, NULL},
    {{{"type", "sms"}}, "[notify v] url: is missing; type sms wants a number like +37060000000"},
    {{{"type", "sms"}, {"url", "37060000000"}}, "[notify v] url: type sms wants a number like +37060000000"},
    {{{"type", "sms"}, {"url", "+3706"}}, ""},
    {{{"type", "sms"}, {"url", "+3706000000000000"}}, ""},
    {{{"type", "sms"}, {"url", "+370600000x"}}, ""},
    {{{"type", "sms"}, {"url", "+37060000000"}, {"ca_file", "/x"}}, ""},
    {{{"type", "exec"}, {"url", "/x"}, {"match", "smsd-dwon hold"}},
     "[notify v] match: smsd-dwon is no kind of alert; did you mean smsd-down?"},
    {{{"type", "exec"}, {"url", "/x"}, {"match", "hold battery"}},
     "[notify v] match: battery is no kind of alert; allowed: hold, smsd-down, crash-loop, modem-lost, "
     "modem-unusable, modem-network, modem-stuck, modem-changed, modem-timeouts, config-refused, "
     "message-failed, message-quarantined, incoming-unread, provision-failed, modem-power, modem-reset, "
     "modem-storage, port-held, "
     "reset-ahead, recovery-failed, test"},
    {{{"type", "exec"}, {"url", "/x"}, {"match", "modem"}}, ""},
    {{{"type", "exec"}, {"url", "/x"}, {"match", "modems-*"}}, ""},
    {{{"type", "exec"}, {"url", "/x"}, {"match", "modem-lost2/GSM1"}}, ""},
    {{{"type", "exec"}, {"url", "/x"}, {"match", "/GSM1"}}, ""},
    {{{"type", "exec"}, {"url", "/x"}, {"match", "modem-* hold? */GSM1 modem-lost/* smsd-down ?old"}}, NULL},
    {{{"type", "webhook"}, {"url", "https://x"}, {"template", "{\"a\": \"{sumary}\"}"}},
     "[notify v] template: {sumary} is no placeholder; did you mean {summary}?"},
    {{{"type", "webhook"}, {"url", "https://x"}, {"template", "{\"a\": \"{battery}\"}"}},
     "[notify v] template: {battery} is no placeholder; allowed: title, text, summary, severity, state, "
     "kind, "
     "key, host, modem, cause, count, since, until, id, ended, next_action, evidence"},
    {{{"type", "webhook"}, {"url", "https://x"}, {"template", "{\"a\": {count}}"}},
     "[notify v] template: a {placeholder} stands inside a string, like \"{count}\""},
    {{{"type", "webhook"}, {"url", "https://x"}, {"template", "{\"a\": \"{\"}"}},
     "[notify v] template: a { in a string begins a {placeholder}; write {{ where a brace is meant"},
    {{{"type", "webhook"}, {"url", "https://x"}, {"template", "{\"a\": \"{Title}\"}"}}, ""},
    {{{"type", "webhook"},
      {"url", "https://x"},
      {"template", "{ \"{x}\" : [\"{{x}} \\\"{text}\\\" {count}\", {}, 1, null] }"}},
     NULL},
    {{{"alerts state_dir", "/var/lib/smswarden/notify"}},
     "[alerts] state_dir: must not be in [gateway] state_dir: it belongs to smswarden-notify, which may not "
     "write there"},
    {{{"alerts state_dir", "/run/smswarden"}}, ""},
    {{{"alerts state_dir", "/var/lib/smswarden2"}}, NULL},
    {{{"heartbeat every", "1min"}},
     "[heartbeat] url: is missing; without url or url_file no heartbeat is sent"},
    {{{"heartbeat method", "get"}}, ""},
    {{{"heartbeat token_file", "t"}}, ""},
    {{{"heartbeat url", "https://hc.example/ping"}, {"heartbeat method", "get"}}, NULL},
    {{{"heartbeat url_file", "hc"}, {"heartbeat every", "1min"}}, NULL},
    {{{"heartbeat url_file", "hc"}, {"heartbeat url", "https://x"}},
     "[heartbeat] url_file: there is a url too; remove one of the two"},
    {{{"heartbeat url", "http://hc.example/ping"}}, ""},
    {{{"heartbeat url", "http://hc.example/ping"}, {"heartbeat plain_http", "yes"}}, NULL},
    {{{"heartbeat url", "hc.example"}},
     "[heartbeat] url: heartbeat wants https://... (or http://... with plain_http = yes)"},
    {{{"heartbeat url", "https://SECRET@hc.example"}}, ""},
};

static int set_one(struct config *config, const struct assignment *a, struct config_error *ret_error)
{
        char section[32];
        const char *blank = strchr(a->key, ' ');

        if (!blank)
                return config_set(config, "notify v", a->key, a->value, ret_error);
        (void)text_copy_n(section, sizeof(section), a->key, (size_t)(blank - a->key));
        return config_set(config, section, blank + 1, a->value, ret_error);
}

static void test_the_whole_is_checked(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wholes); i++) {
                const char *message = wholes[i].message;
                struct config config;
                struct config_error error = {""};
                config_init(&config);
                for (const struct assignment *a = wholes[i].set; a->key; a++)
                        if (set_one(&config, a, &error) != 0)
                                fail_msg("%zu: %s", i, error.message);
                int r = config_check(&config, &error);
                if (r != (message ? -EINVAL : 0))
                        fail_msg("%zu: %d %s", i, r, error.message);
                if (message ? *message != '\0' : true)
                        assert_string_equal(error.message, message ? message : "");
                assert_null(strstr(error.message, "SECRET"));
                assert_true(strlen(error.message) < sizeof(error.message) - 1);
        }
}

/* What is read from a url_file may hold a password, and is told no louder than one of the configuration. */
static void test_an_address_from_a_file(void **state)
{
        static const struct {
                const char *type, *url;
                bool plain;
                int result;
        } rows[] = {
            {"webhook", "https://me:SECRET@vps.example/x", false, 0},
            {"webhook", "http://me:SECRET@vps.example/x", false, -EINVAL},
            {"webhook", "http://me:SECRET@vps.example/x", true, 0},
            {"webhook", "http://me:SECRET@127.0.0.1/x", false, 0},
            {"webhook", "http://127.0.0.1:SECRET@vps.example/x", false, -EINVAL},
            {"webhook", "SECRET", true, -EINVAL},
            {"webhook", "", true, -EINVAL},
            {"heartbeat", "https://hc.example/SECRET", false, 0},
            {"nothing", "https://hc.example/SECRET", false, -EINVAL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char problem[256] = "";
                int r = config_address_check(rows[i].type, rows[i].url, rows[i].plain, true, problem,
                                             sizeof(problem));
                if (r != rows[i].result)
                        fail_msg("%s: %d %s", rows[i].url, r, problem);
                assert_int_equal(problem[0] != '\0', r < 0);
                assert_null(strstr(problem, "SECRET"));
        }
}

static void test_addresses_of_this_box(void **state)
{
        static const struct {
                const char *url;
                bool local;
        } rows[] = {
            {"smtp://127.0.0.1:25", true},
            {"http://[::1]/", true},
            {"https://LocalHost", true},
            {"http://a:b@localhost:1/", true},
            {"http://localhost@evil/", false},
            {"http://127.0.0.2/", false},
            {"http://127.0.0.1.evil/", false},
            {"http://evil/localhost", false},
            {"localhost", false},
            {"http://x?://localhost/", false},
            {"", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (config_address_is_local(rows[i].url) != rows[i].local)
                        fail_msg("%s", rows[i].url);
}

/* [notify heartbeat] would keep its state in the heartbeat's file. */
static void test_a_name_that_is_taken(void **state)
{
        struct config config;
        struct config_error error;

        (void)state;
        config_init(&config);
        assert_int_equal(config_set(&config, "notify heartbeat", "type", "exec", &error), 0);
        assert_int_equal(config_set(&config, "notify heartbeat", "url", "/bin/true", &error), 0);
        assert_int_equal(config_check(&config, &error), -EINVAL);
        assert_string_equal(error.message,
                            "[notify heartbeat] the name is taken by [heartbeat]; write another one");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_whole_is_checked),
            cmocka_unit_test(test_an_address_from_a_file),
            cmocka_unit_test(test_addresses_of_this_box),
            cmocka_unit_test(test_a_name_that_is_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
