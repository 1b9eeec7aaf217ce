/*
 * Each type of receiver: what an alert becomes, and that nothing in an alert's text can leave its place: a
 * body is always valid JSON with the text inside, a header is one line, a mail has our headers and no others.
 */
#include "messages.h"
#include "requests.h"

#include "adapters/config_file.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef-7"

static bool has_header(const struct request *request, const char *line)
{
        for (size_t i = 0; i < REQUEST_HEADERS_MAX; i++)
                if (text_equal(request->headers[i], line))
                        return true;
        return false;
}

/* --- all of them --- */

static void every_type_has_a_row(void **state)
{
        static const struct {
                const char *name;
                enum receiver_transport transport;
        } types[] = {
            {"webhook", TRANSPORT_HTTP},      {"vps-message", TRANSPORT_HTTP}, {"vps-status", TRANSPORT_HTTP},
            {"alertmanager", TRANSPORT_HTTP}, {"ntfy", TRANSPORT_HTTP},        {"smtp", TRANSPORT_SMTP},
            {"exec", TRANSPORT_EXEC},         {"sms", TRANSPORT_NONE},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                const struct receiver_type *type = receiver_type_find(types[i].name);
                assert_non_null(type);
                assert_string_equal(type->name, types[i].name);
                assert_int_equal(type->transport, types[i].transport);
                assert_non_null(type->format);
        }
        assert_null(receiver_type_find("telegram"));
        assert_null(receiver_type_find(""));
}

static void http_requests_carry_id_and_token(void **state)
{
        static const char *const types[] = {"webhook", "vps-message", "vps-status", "alertmanager", "ntfy"};
        struct secrets secrets = {.token = "tk_secret.~+/="};
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                struct receiver_config config = config_of(types[i], "https://vps.example/topic");
                struct request request = {0};
                char problem[256];
                assert_int_equal(receiver_type_find(types[i])->format(&config, &secrets, &message, &request,
                                                                      problem, sizeof(problem)),
                                 0);
                assert_string_equal(request.method, "POST");
                assert_true(has_header(&request, "Content-Type: application/json"));
                assert_true(has_header(&request, "Idempotency-Key: " ID));
                assert_true(has_header(&request, "Authorization: Bearer tk_secret.~+/="));
                request_free(&request);
                assert_null(request.body);
        }
}

static void a_token_with_a_line_end_is_refused(void **state)
{
        static const char *const tokens[] = {"a\r\nX: y", "a\nb", "tab\t", "\xc3\xa4"};
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        struct receiver_config config = config_of("webhook", "https://vps.example/hook");

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
                struct secrets secrets = {0};
                struct request request = {.length = 42};
                char problem[256] = "";
                (void)text_copy(secrets.token, sizeof(secrets.token), tokens[i]);
                assert_int_equal(receiver_type_find("webhook")->format(&config, &secrets, &message, &request,
                                                                       problem, sizeof(problem)),
                                 -EINVAL);
                assert_non_null(strstr(problem, "token"));
                assert_null(strstr(problem, tokens[i])); /* a secret is never shown */
                assert_int_equal(request.length, 42);    /* untouched */
        }
}

static void the_secret_address_is_the_one(void **state)
{
        struct secrets secrets = {.url = "https://vps.example/secret/topic"};
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        struct receiver_config config = config_of("webhook", "");
        struct request request = {0};
        char problem[256];

        (void)state;
        assert_int_equal(receiver_type_find("webhook")->format(&config, &secrets, &message, &request, problem,
                                                               sizeof(problem)),
                         0);
        assert_string_equal(request.url, "https://vps.example/secret/topic");
        request_free(&request);
}

static void sms_is_not_ours(void **state)
{
        struct receiver_config config = config_of("sms", "37060000000");
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        struct request request = {0};
        char problem[256];

        (void)state;
        assert_int_equal(make_request(&config, &message, &request, problem), 1);
}

static void exec_is_given_the_json(void **state)
{
        struct receiver_config config = config_of("exec", "/usr/local/bin/hook");
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        struct request request = {0};
        char problem[256];

        (void)state;
        assert_int_equal(make_request(&config, &message, &request, problem), 0);
        json_t *json = json_loadb(request.body, request.length, 0, NULL);
        assert_non_null(json);
        assert_string_equal(string_of(json, "id"), ID);
        assert_string_equal(request.url, "/usr/local/bin/hook");
        json_decref(json);
        request_free(&request);
}

/* --- hostile text --- */

/* Every text of every body is valid UTF-8 (jansson has checked that) without control characters but \n. */
static void check_texts(const json_t *node)
{
        const char *key;
        json_t *child;
        size_t i;

        for (const char *p = json_is_string(node) ? json_string_value(node) : ""; *p; p++)
                assert_true((unsigned char)*p >= 0x20 || *p == '\n');
        json_object_foreach((json_t *)node, key, child) check_texts(child);
        json_array_foreach((json_t *)node, i, child) check_texts(child);
}

static void check_hostile(struct receiver_config *config, const struct alert_message *message)
{
        struct request request = {0};
        char problem[256];

        int r = make_request(config, message, &request, problem);
        if (r != 0)
                fail_msg("%s: %d: %s (%s)", config->type, r, problem, message->alert.summary);
        for (size_t i = 0; i < REQUEST_HEADERS_MAX; i++)
                assert_null(strpbrk(request.headers[i], "\r\n"));
        if (!text_equal(config->type, "smtp")) {
                json_t *json = json_loadb(request.body, request.length, JSON_REJECT_DUPLICATES, NULL);
                assert_non_null(json);
                check_texts(json);
                json_decref(json);
        }
        request_free(&request);
}

static struct receiver_config hostile_configs[] = {
    {.type = "webhook", .url = "https://vps.example/hook"},
    {.type = "webhook",
     .url = "https://vps.example/hook",
     .template_text =
         "{\"a\": [\"{summary}\", {\"b\": \"x {evidence} {text} y\"}], \"t\": \"{title}{key}{host}"
         "{modem}{cause}{next_action}\"}"},
    {.type = "vps-message", .url = "https://vps.example/api/send", .interface = "lo"},
    {.type = "vps-status", .url = "https://vps.example/webhook/sms/status", .interface = "lo"},
    {.type = "alertmanager", .url = "http://localhost:9093"},
    {.type = "ntfy", .url = "https://ntfy.sh/topic"},
    {.type = "smtp", .url = "smtp://localhost", .to = "admin@example.org"},
    {.type = "exec", .url = "/bin/true"},
};

static void hostile_text_stays_in_its_place(void **state)
{
        static char huge[100 * 1024];

        (void)state;
        for (size_t c = 0; c < ARRAY_SIZE(hostile_configs); c++) {
                struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
                for (size_t i = 0; i < hostile_texts_n; i++) {
                        message_fill(&message, hostile_texts[i], strlen(hostile_texts[i]));
                        check_hostile(&hostile_configs[c], &message);
                        message.alert.state = (enum alert_state)(i % 2);
                }
                for (size_t k = 0; k < 4; k++) { /* an emoji's end on every place of the cut */
                        for (size_t i = 0; i < sizeof(huge); i++)
                                huge[i] = i < k ? 'x' : "\xf0\x9f\x94\xa5"[(i - k) % 4];
                        message_fill(&message, huge, sizeof(huge));
                        check_hostile(&hostile_configs[c], &message);
                }
        }
}

/* What was never escaped is not valid as a message, and does no harm where it is taken all the same. */
static void raw_text_does_no_harm(void **state)
{
        (void)state;
        for (size_t c = 0; c < ARRAY_SIZE(hostile_configs); c++)
                for (size_t i = 0; i < hostile_texts_n; i++) {
                        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
                        struct request request = {0};
                        char problem[256];
                        message_fill_raw(&message, hostile_texts[i]);
                        int r = make_request(&hostile_configs[c], &message, &request, problem);
                        assert_true(r == 0 || r == -EINVAL);
                        if (r == 0 && !text_equal(hostile_configs[c].type, "smtp")) {
                                json_t *json = json_loadb(request.body, request.length, 0, NULL);
                                assert_non_null(json);
                                json_decref(json);
                        }
                        request_free(&request);
                }
}

/* --- webhook --- */

static void a_template_is_filled_in(void **state)
{
        struct receiver_config config = config_of("webhook", "https://vps.example/hook");
        struct alert_message message = message_make(7, ALERT_HOLD);

        (void)state;
        message.alert.since_realtime = INT64_C(1795420800000000); /* 2026-11-23T08:00:00Z */
        message.alert.count = 3;
        (void)text_copy(message.alert.evidence, sizeof(message.alert.evidence), "said \"no\" \\n {host}");
        (void)text_copy(
            config.template_text, sizeof(config.template_text),
            "{\"a\": \"{severity}/{state}/{kind}/{key}\", \"b\": {\"c\": [1, true, null, \"{count} "
            "x\"]}, \"{host}\": \"{{{host}}} {modem} {cause}\", \"e\": \"{evidence}\", \"s\": "
            "\"{since}|{until}|{ended}\", \"n\": \"{next_action} {id}\", \"j\": \"{summary}\"}");
        json_t *json = body_of(&config, &message);
        assert_string_equal(string_of(json, "a"), "critical/firing/hold/hold");
        json_t *list = json_object_get(json_object_get(json, "b"), "c");
        assert_int_equal(json_integer_value(json_array_get(list, 0)), 1);
        assert_true(json_is_true(json_array_get(list, 1)));
        assert_string_equal(json_string_value(json_array_get(list, 3)), "3 x");
        assert_string_equal(string_of(json, "{host}"), "{gw1} GSM1 crash");
        assert_string_equal(string_of(json, "e"), "said \"no\" \\n {host}"); /* not filled in again */
        assert_string_equal(string_of(json, "s"), "2026-11-23T08:00:00Z||");
        assert_string_equal(string_of(json, "n"), "nothing: smsd was started again " ID);
        assert_string_equal(string_of(json, "j"), "smsd crashed (exit code 1)");
        json_decref(json);
}

static void a_broken_template_says_where(void **state)
{
        static const struct {
                const char *text, *problem;
        } cases[] = {
            {"{\"a\": \"{nothing}\"}", "{nothing} is no placeholder"},
            {"{\"a\": [\"{host} {Host}\"]}", "written {{"},
            {"{\"a\": \"{\"}", "written {{"},
            {"{\"a\": \"{host\"}", "written {{"},
            {"{\"a\": \"x\"", "no valid JSON in line 1"},
            {"{\"a\": 1,\n \"b\": {summary}}", "no valid JSON in line 2"},
            {"{\"a\": 1, \"a\": 2}", "no valid JSON"},
            {"text", "no valid JSON"},
            {"{\"\\u001b[31m\": nonsense}", "no valid JSON"},
        };
        struct alert_message message = message_make(7, ALERT_HOLD);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct receiver_config config = config_of("webhook", "https://vps.example/hook");
                struct request request = {0};
                char problem[256];
                (void)text_copy(config.template_text, sizeof(config.template_text), cases[i].text);
                assert_int_equal(make_request(&config, &message, &request, problem), -EINVAL);
                if (!strstr(problem, cases[i].problem))
                        fail_msg("`%s`: %s", cases[i].text, problem);
                assert_null(strpbrk(problem, "\n\x1b"));
        }
}

static void a_template_file_is_read(void **state)
{
        char folder[] = "/tmp/smswarden-receivers-XXXXXX", path[64];
        struct receiver_config config = config_of("webhook", "https://vps.example/hook");
        struct alert_message message = message_make(7, ALERT_HOLD);
        struct request request = {0};
        char problem[256];

        (void)state;
        assert_non_null(mkdtemp(folder));
        (void)text_format(path, sizeof(path), "%s/template.json", folder);
        (void)text_copy(config.template_file, sizeof(config.template_file), path);
        assert_int_equal(make_request(&config, &message, &request, problem), -EAGAIN); /* not there yet */
        assert_non_null(strstr(problem, path));
        assert_int_equal(file_replace(path, "[\"{kind}\"]\n", 11, 0600), 0);
        json_t *json = body_of(&config, &message);
        assert_string_equal(json_string_value(json_array_get(json, 0)), "hold");
        json_decref(json);
        temp_folder_remove(folder);
}

static void a_template_cannot_fill_the_memory(void **state)
{
        char folder[] = "/tmp/smswarden-receivers-XXXXXX", path[64];
        struct receiver_config config = config_of("webhook", "https://vps.example/hook");
        struct alert_message message = message_make(7, ALERT_HOLD);
        static char text[60000];
        size_t length = 2;
        struct request request = {0};
        char problem[256];

        (void)state;
        assert_non_null(mkdtemp(folder));
        (void)text_format(path, sizeof(path), "%s/template.json", folder);
        (void)text_copy(config.template_file, sizeof(config.template_file), path);
        memcpy(text, "[\"", 2);
        while (length < sizeof(text) - 8) {
                memcpy(text + length, "{text}", 6);
                length += 6;
        }
        memcpy(text + length, "\"]", 2);
        assert_int_equal(file_replace(path, text, length + 2, 0600), 0);
        assert_int_equal(make_request(&config, &message, &request, problem), -EINVAL);
        assert_non_null(strstr(problem, "1 MiB"));
        temp_folder_remove(folder);
}

/* --- the forms of the old scripts' server --- */

static void vps_message_is_the_old_form(void **state)
{
        struct receiver_config config = config_of("vps-message", "http://10.8.0.1:5000/api/send");
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);

        (void)state;
        (void)text_copy(message.alert.evidence, sizeof(message.alert.evidence), "``` out of the fence ```");
        json_t *json = body_of(&config, &message);
        assert_int_equal(json_object_size(json), 4);
        assert_string_equal(string_of(json, "hostname"), "gw1 [127.0.0.1]");
        assert_string_equal(string_of(json, "service"), "smstools");
        assert_string_equal(string_of(json, "severity"), "critical");
        const char *text = string_of(json, "message");
        assert_int_equal(strncmp(text, "```\nCRITICAL gw1: smsd crashed (exit code 1)\n", 45), 0);
        assert_string_equal(strchr(text + 3, '`'), "```"); /* the fence ends where the text does */
        json_decref(json);
        message_resolve(&message);
        json = body_of(&config, &message);
        assert_string_equal(string_of(json, "severity"), "info");
        json_decref(json);
}

static void vps_status_has_few_words(void **state)
{
        static const struct {
                enum alert_kind kind;
                enum severity severity;
                enum alert_state state;
                unsigned told;
                const char *word; /* NULL: nothing to say */
                bool error;
        } cases[] = {
            {ALERT_HOLD, SEVERITY_WARNING, ALERT_FIRING, 0, "manually_stopped", false},
            {ALERT_HOLD, SEVERITY_WARNING, ALERT_FIRING, 3, "manually_stopped", false},
            {ALERT_HOLD, SEVERITY_CRITICAL, ALERT_FIRING, 1, "manually_stopped", false},
            {ALERT_HOLD, SEVERITY_WARNING, ALERT_RESOLVED, 1, "running", false},
            {ALERT_SMSD_DOWN, SEVERITY_CRITICAL, ALERT_FIRING, 0, "down", true},
            {ALERT_SMSD_DOWN, SEVERITY_CRITICAL, ALERT_FIRING, 1, "failed", true},
            {ALERT_SMSD_DOWN, SEVERITY_CRITICAL, ALERT_RESOLVED, 1, "recovered", false},
            {ALERT_CRASH_LOOP, SEVERITY_CRITICAL, ALERT_FIRING, 0, "failed", true},
            {ALERT_CRASH_LOOP, SEVERITY_CRITICAL, ALERT_RESOLVED, 1, "recovered", false},
            {ALERT_TEST, SEVERITY_INFO, ALERT_FIRING, 0, "test", false},
            {ALERT_MODEM_LOST, SEVERITY_CRITICAL, ALERT_FIRING, 0, NULL, false},
            {ALERT_MODEM_UNUSABLE, SEVERITY_CRITICAL, ALERT_FIRING, 0, NULL, false},
            {ALERT_MODEM_NETWORK, SEVERITY_WARNING, ALERT_FIRING, 0, NULL, false},
            {ALERT_MODEM_STUCK, SEVERITY_CRITICAL, ALERT_FIRING, 0, NULL, false},
            {ALERT_MODEM_CHANGED, SEVERITY_WARNING, ALERT_FIRING, 0, NULL, false},
            {ALERT_MODEM_TIMEOUTS, SEVERITY_WARNING, ALERT_FIRING, 0, NULL, false},
            {ALERT_CONFIG_REFUSED, SEVERITY_CRITICAL, ALERT_RESOLVED, 1, NULL, false},
            {ALERT_MESSAGE_FAILED, SEVERITY_WARNING, ALERT_FIRING, 0, NULL, false},
            {ALERT_INCOMING_UNREAD, SEVERITY_WARNING, ALERT_FIRING, 0, NULL, false},
            {ALERT_PROVISION_FAILED, SEVERITY_WARNING, ALERT_FIRING, 0, NULL, false},
        };
        struct receiver_config config = config_of("vps-status", "http://10.8.0.1:5000/webhook/sms/status");

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct alert_message message = message_make(7, cases[i].kind);
                struct request request = {0};
                char problem[256];
                message.alert.severity = cases[i].severity;
                message.alert.state = cases[i].state;
                message.alert.told = cases[i].told;
                message.at = INT64_C(1795420800000000);
                if (!cases[i].word) {
                        assert_int_equal(make_request(&config, &message, &request, problem), 1);
                        continue;
                }
                json_t *json = body_of(&config, &message);
                assert_int_equal(json_object_size(json), 6);
                assert_string_equal(string_of(json, "gateway_ip"), "127.0.0.1");
                assert_string_equal(string_of(json, "service"), "smstools");
                assert_string_equal(string_of(json, "status"), cases[i].word);
                assert_string_equal(string_of(json, "error"), cases[i].error ? message.alert.evidence : "");
                assert_true(string_of(json, "info")[0] != '\0');
                assert_string_equal(string_of(json, "timestamp"), "2026-11-23T08:00:00Z");
                json_decref(json);
        }
}

static void without_an_address_it_waits(void **state)
{
        static const char *const types[] = {"vps-message", "vps-status"};
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                struct receiver_config config = config_of(types[i], "http://10.8.0.1/x");
                struct request request = {.length = 42};
                char problem[256];
                (void)text_copy(config.interface, sizeof(config.interface), "nosuch0");
                assert_int_equal(make_request(&config, &message, &request, problem), -EAGAIN);
                assert_string_equal(problem, "the interface nosuch0 has no address yet");
                assert_int_equal(request.length, 42);
        }
}

/* --- ntfy --- */

static void ntfy_publishes_as_json(void **state)
{
        static const struct {
                enum severity severity;
                enum alert_state state;
                int priority;
                const char *tag;
        } cases[] = {
            {SEVERITY_INFO, ALERT_FIRING, 2, "information_source"},
            {SEVERITY_WARNING, ALERT_FIRING, 4, "warning"},
            {SEVERITY_CRITICAL, ALERT_FIRING, 5, "rotating_light"},
            {SEVERITY_CRITICAL, ALERT_RESOLVED, 3, "white_check_mark"},
        };
        struct receiver_config config = config_of("ntfy", "https://ntfy.sh/my_gateway-1");

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct alert_message message = message_make(7, ALERT_HOLD);
                message.alert.severity = cases[i].severity;
                message.alert.state = cases[i].state;
                json_t *json = body_of(&config, &message);
                char title[768];
                alert_title(&message, title, sizeof(title));
                assert_string_equal(string_of(json, "topic"), "my_gateway-1");
                assert_string_equal(string_of(json, "title"), title);
                assert_non_null(strstr(string_of(json, "message"), message.alert.evidence));
                assert_int_equal(json_integer_value(json_object_get(json, "priority")), cases[i].priority);
                json_t *tags = json_object_get(json, "tags");
                assert_string_equal(json_string_value(json_array_get(tags, 0)), cases[i].tag);
                assert_string_equal(json_string_value(json_array_get(tags, 1)), "hold");
                json_decref(json);
        }
}

static void ntfy_addresses(void **state)
{
        static const struct {
                const char *url, *root; /* NULL: refused */
        } cases[] = {
            {"https://ntfy.sh/topic", "https://ntfy.sh/"},
            {"https://ntfy.sh/topic/", "https://ntfy.sh/"},
            {"https://home.example:8443/ntfy/topic", "https://home.example:8443/ntfy/"},
            {"https://ntfy.sh", NULL},
            {"https://ntfy.sh/", NULL},
            {"https://ntfy.sh/a%20b", NULL},
            {"https://ntfy.sh/a\"b", NULL},
            {"", NULL},
        };
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct receiver_config config = config_of("ntfy", cases[i].url);
                struct request request = {0};
                char problem[256];
                assert_int_equal(make_request(&config, &message, &request, problem),
                                 cases[i].root ? 0 : -EINVAL);
                if (cases[i].root)
                        assert_string_equal(request.url, cases[i].root);
                else
                        assert_non_null(strstr(problem, "topic"));
                request_free(&request);
        }
}

/* --- the page --- */

/* The text of all blocks of this language in `section` of docs/alerts.md, one behind the other. */
static void read_blocks(const char *section, const char *language, char *target, size_t size)
{
        _cleanup_free_ char *text = NULL;
        char fence[16];
        size_t length;
        bool inside = false, wanted = false;

        target[0] = '\0';
        (void)text_format(fence, sizeof(fence), "```%s", language);
        assert_int_equal(file_read("docs/alerts.md", 0, (size_t)1024 * 1024, &text, &length), 0);
        char *rest = strstr(text, section);
        assert_non_null(rest);
        for (char *line = strsep(&rest, "\n"); (line = strsep(&rest, "\n"));) {
                if (!inside && text_starts_with(line, "## "))
                        return;
                if (text_starts_with(line, "```")) {
                        inside = !inside;
                        wanted = inside && text_equal(line, fence);
                } else if (wanted) {
                        assert_int_equal(text_append(target, size, "%s\n", line), 0);
                }
        }
}

/* Each receiver on the page is taken as it stands there, and says something. */
static void the_examples_of_the_page_work(void **state)
{
        static struct config config;
        static char text[16384];
        char folder[] = "/tmp/smswarden-receivers-XXXXXX", path[64], template[64], problem[256];
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        const struct secrets secrets = {.url = "https://vps.example/topic"}, none = {0};
        struct config_file_error error;
        unsigned seen = 0;

        (void)state;
        assert_non_null(mkdtemp(folder));
        (void)text_format(path, sizeof(path), "%s/smswarden.conf", folder);
        (void)text_format(template, sizeof(template), "%s/template.json", folder);
        read_blocks("## Receivers\n", "json", text, sizeof(text));
        assert_int_equal(file_replace(template, text, strlen(text), 0600), 0);
        read_blocks("## Receivers\n", "ini", text, sizeof(text));
        assert_int_equal(file_replace(path, text, strlen(text), 0600), 0);
        if (config_file_load(path, &config, &error) < 0)
                fail_msg("%s", error.message);
        for (unsigned i = 0; i < config.n_receivers; i++) {
                struct receiver_config *receiver = &config.receivers[i];
                const struct receiver_type *type = receiver_type_find(receiver->type);
                struct request request = {0};
                (void)text_copy(receiver->interface, sizeof(receiver->interface), "lo");
                if (receiver->template_file[0])
                        (void)text_copy(receiver->template_file, sizeof(receiver->template_file), template);
                int r = type->format(receiver, receiver->url_file[0] ? &secrets : &none, &message, &request,
                                     problem, sizeof(problem));
                if (r != 0)
                        fail_msg("%s: %s", receiver->name, problem);
                request_free(&request);
                for (unsigned k = 0; k < 7; k++)
                        if (text_equal(receiver->type,
                                       (const char *const[]){"webhook", "vps-message", "vps-status",
                                                             "alertmanager", "ntfy", "smtp", "exec"}[k]))
                                seen |= 1U << k;
        }
        assert_int_equal(seen, 0x7f); /* each type has one */
        temp_folder_remove(folder);
}

/* --- heartbeat --- */

static void the_heartbeat_tells_how_it_is(void **state)
{
        struct heartbeat heartbeat = {42, "working", "said \"ok\"\n", "gw1", INT64_C(1795420800000000)};
        struct heartbeat_config config = {.url = "https://hc.example/ping/abc"};
        struct secrets secrets = {.token = "tk"};
        struct request request = {0};

        (void)state;
        assert_int_equal(heartbeat_format(&config, &secrets, &heartbeat, &request), 0);
        assert_string_equal(request.method, "POST");
        assert_string_equal(request.url, "https://hc.example/ping/abc");
        assert_true(has_header(&request, "Authorization: Bearer tk"));
        json_t *json = json_loadb(request.body, request.length, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(json, "number")), 42);
        assert_string_equal(string_of(json, "verdict"), "working");
        assert_string_equal(string_of(json, "reason"), "said \"ok\"\n");
        assert_string_equal(string_of(json, "host"), "gw1");
        assert_string_equal(string_of(json, "at"), "2026-11-23T08:00:00Z");
        json_decref(json);
        request_free(&request);
        config.get = true;
        assert_int_equal(heartbeat_format(&config, &secrets, &heartbeat, &request), 0);
        assert_string_equal(request.method, "GET");
        assert_null(request.body);
        assert_true(has_header(&request, "Authorization: Bearer tk"));
        request_free(&request);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_type_has_a_row),
            cmocka_unit_test(http_requests_carry_id_and_token),
            cmocka_unit_test(a_token_with_a_line_end_is_refused),
            cmocka_unit_test(the_secret_address_is_the_one),
            cmocka_unit_test(sms_is_not_ours),
            cmocka_unit_test(exec_is_given_the_json),
            cmocka_unit_test(hostile_text_stays_in_its_place),
            cmocka_unit_test(raw_text_does_no_harm),
            cmocka_unit_test(a_template_is_filled_in),
            cmocka_unit_test(a_broken_template_says_where),
            cmocka_unit_test(a_template_file_is_read),
            cmocka_unit_test(a_template_cannot_fill_the_memory),
            cmocka_unit_test(vps_message_is_the_old_form),
            cmocka_unit_test(vps_status_has_few_words),
            cmocka_unit_test(without_an_address_it_waits),
            cmocka_unit_test(ntfy_publishes_as_json),
            cmocka_unit_test(ntfy_addresses),
            cmocka_unit_test(the_examples_of_the_page_work),
            cmocka_unit_test(the_heartbeat_tells_how_it_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
