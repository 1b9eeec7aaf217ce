/*
 * smswarden-notify delivers: the real program, an HTTP server that fails in every way. Whatever happens on
 * the way, each alert arrives, in order, and not twice; what is refused for good is kept with the reason; a
 * server that is not the one that was meant is told nothing.
 */
#include "certificates.h"
#include "http_server.h"
#include "messages.h"
#include "notifier.h"

#include "base/file.h"
#include "base/text.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>

#include <cmocka.h>

struct world {
        struct notifier notifier;
        struct authority authority;
        struct http_server *servers[3];
};

static struct world *world_new(void)
{
        struct world *world = calloc(1, sizeof(*world));

        assert_non_null(world);
        notifier_init(&world->notifier);
        return world;
}

static int setup(void **state)
{
        *state = world_new();
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;

        notifier_done(&world->notifier);
        for (size_t i = 0; i < ARRAY_SIZE(world->servers); i++)
                http_server_free(world->servers[i]);
        if (world->authority.key)
                authority_done(&world->authority);
        free(world);
        return 0;
}

/* A server and the receiver NAME at it. */
static struct http_server *add_server(struct world *world, unsigned i, const char *name)
{
        world->servers[i] = http_server_new(NULL);
        notifier_configure(&world->notifier, "[notify %s]\ntype = webhook\nurl = http://127.0.0.1:%u/hook\n",
                           name, http_server_port(world->servers[i]));
        return world->servers[i];
}

static void assert_id(struct http_server *server, unsigned n, uint64_t sequence)
{
        char id[128], wanted[128];

        (void)text_format(wanted, sizeof(wanted), "0123456789abcdef0123456789abcdef-%llu",
                          (unsigned long long)sequence);
        http_request_header(http_server_request(server, n), "Idempotency-Key", id, sizeof(id));
        assert_string_equal(id, wanted);
}

static void assert_delivered(const struct world *world, const char *name, uint64_t n)
{
        struct delivery_receiver state = notifier_state(&world->notifier, name);

        assert_int_equal(state.position, n);
        assert_int_equal(state.delivered, n);
        assert_int_equal(state.parked, 0);
        assert_int_equal(state.failing_since, 0);
        assert_int_equal(state.attempts, 0);
        assert_string_equal(state.problem, "");
        assert_string_equal(state.spool, MESSAGE_SPOOL);
}

/* --- all is well --- */

static void test_in_order_and_once(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        char agent[64];

        http_server_listen(server);
        for (uint64_t n = 1; n <= 50; n++)
                notifier_put_number(&world->notifier, n);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 50);
        for (unsigned i = 0; i < 50; i++)
                assert_id(server, i, i + 1);
        assert_delivered(world, "a", 50);
        http_request_header(http_server_request(server, 0), "User-Agent", agent, sizeof(agent));
        assert_true(text_starts_with(agent, "smswarden/"));
        assert_string_equal(http_server_request(server, 0)->method, "POST");
        assert_non_null(strstr(http_server_request(server, 0)->body, "smsd crashed"));
        /* The connection is kept from alert to alert. */
        assert_int_equal(http_server_connections(server), 1);
        /* Nothing is left. */
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 50);
}

static void test_without_anything(void **state)
{
        struct world *world = *state;

        assert_int_equal(notifier_run(&world->notifier), 0); /* no receiver */
        notifier_put_number(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        (void)add_server(world, 0, "a");
        (void)text_append(world->notifier.spool, sizeof(world->notifier.spool), "/none");
        assert_int_equal(notifier_run(&world->notifier), 0); /* no spool */
}

static bool has_failed(const struct delivery_receiver *state)
{
        return state->attempts > 0;
}

/* An alert that comes while it waits for another receiver is taken at once. */
static void test_new_alert_while_running(void **state)
{
        struct world *world = *state;
        struct http_server *dead = add_server(world, 0, "dead"), *living = add_server(world, 1, "living");

        http_server_listen(living);
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        assert_int_equal(http_server_wait(living, 1, NOTIFIER_LIMIT), 1);
        notifier_wait_state(&world->notifier, "dead", has_failed);
        for (uint64_t n = 2; n <= 4; n++) {
                notifier_put_number(&world->notifier, n);
                assert_int_equal(http_server_wait(living, (unsigned)n, 2 * USEC_PER_SEC), n);
        }
        http_server_listen(dead);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_delivered(world, "living", 4);
        assert_delivered(world, "dead", 4);
        assert_int_equal(http_server_count(dead), 4);
}

/* min_severity, match and `only` decide; the position passes over what is not wanted. */
static void test_wanted_only(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        struct alert_message test = message_make(4, ALERT_TEST), other = message_make(5, ALERT_TEST),
                             info = message_make(6, ALERT_SMSD_DOWN);

        notifier_configure(&world->notifier, "match = modem-*\n");
        http_server_listen(server);
        notifier_put_number(&world->notifier, 1);
        notifier_put(&world->notifier, &(struct alert_message[]){message_make(2, ALERT_MODEM_LOST)}[0]);
        notifier_put_number(&world->notifier, 3);
        test.alert.severity = SEVERITY_INFO;
        (void)text_copy(test.alert.only, sizeof(test.alert.only), "a");
        notifier_put(&world->notifier, &test);
        (void)text_copy(other.alert.only, sizeof(other.alert.only), "b");
        notifier_put(&world->notifier, &other);
        info.alert.severity = SEVERITY_INFO;
        notifier_put(&world->notifier, &info);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 2);
        assert_id(server, 0, 2);
        assert_id(server, 1, 4);
        struct delivery_receiver a = notifier_state(&world->notifier, "a");
        assert_int_equal(a.position, 6);
        assert_int_equal(a.delivered, 2);
        assert_string_equal(a.test, test.id);
        assert_true(a.test_delivered);
}

/* A new spool begins anew, whatever its numbers; the same one goes on. */
static void test_another_spool(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        char path[512];

        http_server_listen(server);
        for (uint64_t n = 1; n <= 5; n++)
                notifier_put_number(&world->notifier, n);
        assert_int_equal(notifier_run(&world->notifier), 0);
        for (uint64_t n = 1; n <= 5; n++) {
                (void)text_format(path, sizeof(path), "%s/%020llu-critical.json", world->notifier.spool,
                                  (unsigned long long)n);
                assert_int_equal(unlink(path), 0);
        }
        for (uint64_t n = 2; n <= 3; n++) {
                struct alert_message message = message_make(n, ALERT_SMSD_DOWN);
                (void)text_copy(message.spool, sizeof(message.spool), "99999999-0000-0000-0000-000000000000");
                notifier_put(&world->notifier, &message);
        }
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 7);
        assert_id(server, 5, 2);
        assert_id(server, 6, 3);
        struct delivery_receiver a = notifier_state(&world->notifier, "a");
        assert_int_equal(a.position, 3);
        assert_string_equal(a.spool, "99999999-0000-0000-0000-000000000000");
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 7);
}

/* --- faults --- */

/* Each of them once, then it works: the alert arrives with the same id, and the next one after it. */
static void test_faults(void **state)
{
        static const struct {
                struct http_answer answer;
                const char *problem; /* a part of it */
        } faults[] = {
            {{.fault = HTTP_RESET_HEAD}, "broke the connection"},
            {{.fault = HTTP_RESET}, "broke the connection"},
            {{.fault = HTTP_CLOSE}, "without an answer"},
            {{.fault = HTTP_GARBAGE}, "127.0.0.1"},
            {{.status = 500, .body = "so\nsorry\x1b"}, "answers 500: so\\nsorry\\x1b"},
            {{.status = 503}, "answers 503"},
            {{.status = 408}, "answers 408"},
            {{.status = 429, .headers = "Retry-After: 2\r\n"}, "answers 429"},
        };
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        unsigned seen = 0;

        http_server_listen(server);
        for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
                struct http_answer script[2] = {faults[i].answer, {0}};
                http_server_script(server, script, 2);
                notifier_put_number(&world->notifier, i + 1);
                assert_int_equal(notifier_run(&world->notifier), 0);
                assert_int_equal(http_server_count(server), seen + 2);
                assert_id(server, seen, i + 1);
                assert_id(server, seen + 1, i + 1);
                usec_t pause =
                    http_server_request(server, seen + 1)->at - http_server_request(server, seen)->at;
                assert_in_range(pause, (script[0].headers ? 2000 : 750) * USEC_PER_MSEC, 8 * USEC_PER_SEC);
                seen += 2;
                _cleanup_free_ char *log = notifier_log(&world->notifier);
                if (!strstr(log, faults[i].problem))
                        fail_msg("%u: no \"%s\" in: %s", i, faults[i].problem, log);
        }
        assert_delivered(world, "a", ARRAY_SIZE(faults));
}

/* The status is the answer: no repeat, whatever becomes of the rest. */
static void test_broken_after_the_answer(void **state)
{
        static const struct http_answer answers[] = {
            {.fault = HTTP_RESET_ANSWER, .body = "half"}, {.fault = HTTP_HUGE}, {.body = "\xff\xfe garbage"}};
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");

        http_server_listen(server);
        http_server_script(server, answers, ARRAY_SIZE(answers));
        for (uint64_t n = 1; n <= 3; n++)
                notifier_put_number(&world->notifier, n);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 3);
        assert_delivered(world, "a", 3);
}

static bool is_refused(const struct delivery_receiver *state)
{
        return strstr(state->problem, "Connection refused") && state->failing_since > 0;
}

static void test_refused(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");

        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, "a", is_refused);
        http_server_listen(server);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_delivered(world, "a", 1);
}

static bool has_all_20(const struct delivery_receiver *state)
{
        return state->position == 20;
}

/* Silent, and slower than slow: the others do not notice. */
static void test_slow_delays_nobody(void **state)
{
        static const struct http_answer silent = {.fault = HTTP_SILENT}, loris = {.fault = HTTP_LORIS};
        struct world *world = *state;
        struct http_server *servers[] = {add_server(world, 0, "silent"), add_server(world, 1, "loris"),
                                         add_server(world, 2, "quick")};

        for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
                http_server_listen(servers[i]);
        http_server_script(servers[0], &silent, 1);
        http_server_script(servers[1], &loris, 1);
        for (uint64_t n = 1; n <= 20; n++)
                notifier_put_number(&world->notifier, n);
        notifier_start(&world->notifier);
        assert_int_equal(http_server_wait(servers[2], 20, 5 * USEC_PER_SEC), 20);
        assert_int_equal(http_server_count(servers[0]), 1);
        assert_in_range(http_server_count(servers[1]), 1, 2);
        notifier_wait_state(&world->notifier, "quick", has_all_20);
        /* TERM ends it at once, in the middle of two transfers; nothing is lost. */
        assert_int_equal(kill(world->notifier.pid, SIGTERM), 0);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_delivered(world, "quick", 20);
        http_server_script(servers[0], NULL, 0);
        http_server_script(servers[1], NULL, 0);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_delivered(world, "silent", 20);
        assert_delivered(world, "loris", 20);
        assert_int_equal(http_server_count(servers[2]), 20);
        assert_id(servers[0], 0, 1);
        assert_id(servers[0], 1, 1);
}

/* --- refused for good --- */

static void assert_parked(const struct world *world, const char *name, uint64_t sequence, const char *reason)
{
        char path[512], text[8192];
        size_t length;

        (void)text_format(path, sizeof(path), "%s/parked/%s/%020llu.json", world->notifier.state, name,
                          (unsigned long long)sequence);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        assert_non_null(strstr(text, "smsd crashed"));
        memcpy(strstr(path, ".json"), ".reason", sizeof(".reason"));
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        if (!strstr(text, reason))
                fail_msg("no \"%s\" in %s", reason, text);
}

static void test_parked(void **state)
{
        static const struct http_answer answers[] = {
            {.status = 400,
             .headers = "Content-Type: text/plain\r\n",
             .body = "no such field: \"count\"\r\n"},
            {.status = 404, .headers = "Content-Type: text/html\r\n", .body = "<html>a page</html>"},
            {.status = 301, .headers = "Location: https://user:word@other.example/secret/path\r\n"},
            {.status = 302, .headers = "Location: http://127.0.0.1:1/away\r\n"},
            {.status = 200}};
        static const char *const reasons[] = {"127.0.0.1 answers 400: no such field: \"count\"",
                                              "127.0.0.1 answers 404", "answers with a redirect (301)",
                                              "redirect (302) to http://127.0.0.1:1, which"};
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");

        http_server_listen(server);
        http_server_script(server, answers, ARRAY_SIZE(answers));
        for (uint64_t n = 1; n <= 5; n++)
                notifier_put_number(&world->notifier, n);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 5);
        struct delivery_receiver a = notifier_state(&world->notifier, "a");
        assert_int_equal(a.position, 5);
        assert_int_equal(a.delivered, 1);
        assert_int_equal(a.parked, 4);
        assert_int_equal(a.parked_last, 4);
        for (unsigned i = 0; i < ARRAY_SIZE(reasons); i++)
                assert_parked(world, "a", i + 1, reasons[i]);
        _cleanup_free_ char *log = notifier_log(&world->notifier);
        assert_null(strstr(log, "secret/path"));
        assert_null(strstr(log, "word@"));
        assert_null(strstr(log, "<html>"));
        assert_null(strstr(log, "404:")); /* a page is no reason */
}

/* --- secrets --- */

/* What the server says back of our secrets is not shown. */
static void test_secrets_are_not_shown(void **state)
{
        static const struct http_answer answer = {
            .status = 403,
            .body =
                "Cannot POST /services/T000/verysecretpart?key=anothersecret, token my-token-1234 is bad"};
        struct world *world = *state;
        char url[256], path[256], token[256], text[256];

        world->servers[0] = http_server_new(NULL);
        http_server_listen(world->servers[0]);
        http_server_script(world->servers[0], &answer, 1);
        (void)text_format(url, sizeof(url),
                          "http://127.0.0.1:%u/services/T000/verysecretpart?key=anothersecret\n",
                          http_server_port(world->servers[0]));
        notifier_configure(&world->notifier, "[notify a]\ntype = webhook\nurl_file = %s\ntoken_file = %s\n",
                           notifier_file(&world->notifier, "url", url, 0600, path),
                           notifier_file(&world->notifier, "token", "my-token-1234\n", 0600, token));
        notifier_put_number(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        http_request_header(http_server_request(world->servers[0], 0), "Authorization", text, sizeof(text));
        assert_string_equal(text, "Bearer my-token-1234");
        assert_string_equal(http_server_request(world->servers[0], 0)->target,
                            "/services/T000/verysecretpart?key=anothersecret");
        struct delivery_receiver a = notifier_state(&world->notifier, "a");
        _cleanup_free_ char *log = notifier_log(&world->notifier);
        assert_non_null(strstr(a.problem, "answers 403: Cannot POST *****"));
        assert_null(strstr(a.problem, "secret"));
        assert_null(strstr(a.problem, "my-token"));
        assert_null(strstr(log, "secret"));
        assert_null(strstr(log, "my-token"));
}

static bool cannot_read_token(const struct delivery_receiver *state)
{
        return strstr(state->problem, "token_file = ") && strstr(state->problem, "No such file");
}

/* A secret that is not there yet: said, and read as soon as it is. */
static void test_secret_comes_later(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        char path[256];

        notifier_configure(&world->notifier, "token_file = %s/token\n", world->notifier.folder);
        http_server_listen(server);
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, "a", cannot_read_token);
        (void)notifier_file(&world->notifier, "token", "word", 0600, path);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_delivered(world, "a", 1);
}

/* --- TLS --- */

static void test_tls(void **state)
{
        struct world *world = *state;
        char ca[256];

        authority_init(&world->authority);
        world->servers[0] = http_server_new(authority_server(&world->authority, CERTIFICATE_GOOD));
        http_server_listen(world->servers[0]);
        (void)text_format(ca, sizeof(ca), "%s/ca.pem", world->notifier.folder);
        authority_write(&world->authority, ca);
        notifier_configure(&world->notifier,
                           "[notify a]\ntype = webhook\nurl = https://127.0.0.1:%u/\nca_file = %s\n"
                           "[notify b]\ntype = webhook\nurl = https://localhost:%u/\nca_file = %s\n",
                           http_server_port(world->servers[0]), ca, http_server_port(world->servers[0]), ca);
        notifier_put_number(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_delivered(world, "a", 1);
        assert_delivered(world, "b", 1);
}

static const char *tls_problem;

static bool has_tls_problem(const struct delivery_receiver *state)
{
        return state->attempts > 0 && strstr(state->problem, tls_problem);
}

/* The server is told nothing, the alert is neither delivered nor given up. */
static void check_tls_fault(struct world *world, enum certificate kind, const char *ca, const char *problem)
{
        authority_init(&world->authority);
        world->servers[0] = http_server_new(authority_server(&world->authority, kind));
        http_server_listen(world->servers[0]);
        notifier_configure(&world->notifier, "[notify a]\ntype = webhook\nurl = https://127.0.0.1:%u/\n",
                           http_server_port(world->servers[0]));
        if (ca) {
                authority_write(&world->authority, ca);
                notifier_configure(&world->notifier, "ca_file = %s\n", ca);
        }
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        tls_problem = problem;
        notifier_wait_state(&world->notifier, "a", has_tls_problem);
        assert_int_equal(kill(world->notifier.pid, SIGTERM), 0);
        assert_int_equal(notifier_end(&world->notifier), 0);
        struct delivery_receiver a = notifier_state(&world->notifier, "a");
        assert_int_equal(a.position, 0);
        assert_int_equal(a.delivered + a.parked, 0);
        assert_true(http_server_connections(world->servers[0]) > 0);
        assert_int_equal(http_server_count(world->servers[0]), 0);
}

static void test_tls_faults(void **state)
{
        static const struct {
                enum certificate kind;
                bool own_ca;
                const char *problem;
        } faults[] = {
            {CERTIFICATE_WRONG_NAME, true, "127.0.0.1 is not trusted: SSL: "},
            {CERTIFICATE_EXPIRED, true,
             "127.0.0.1 is not trusted: SSL certificate problem: certificate has expired"},
            {CERTIFICATE_NOT_YET, true, "certificate is not yet valid; the clock here says 2"},
            {CERTIFICATE_SELF_SIGNED, true, "127.0.0.1 is not trusted: SSL certificate problem: self"},
            {CERTIFICATE_GOOD, false, "127.0.0.1 is not trusted: SSL certificate problem: unable"},
        };
        char ca[256];

        (void)teardown(state);
        for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
                struct world *world = world_new();
                *state = world;
                (void)text_format(ca, sizeof(ca), "%s/ca.pem", world->notifier.folder);
                check_tls_fault(world, faults[i].kind, faults[i].own_ca ? ca : NULL, faults[i].problem);
                (void)teardown(state);
        }
        (void)setup(state);
}

/* --- programs --- */

static const char *add_program(struct world *world, const char *name, const char *text)
{
        static char path[256];

        (void)notifier_file(&world->notifier, name, text, 0755, path);
        notifier_configure(&world->notifier, "[notify %s]\ntype = exec\nurl = %s\n", name, path);
        return path;
}

static bool is_75(const struct delivery_receiver *state)
{
        return strstr(state->problem, "exit code 75: later") != NULL;
}

static void test_programs(void **state)
{
        struct world *world = *state;
        char text[1024], path[512];
        size_t length;

        (void)text_format(
            text, sizeof(text),
            "#!/bin/sh\ncat >> %s/got\nenv >> %s/env\necho noise\nsleep 100 > /dev/null 2>&1 &\n",
            world->notifier.folder, world->notifier.folder);
        (void)add_program(world, "good", text);
        (void)add_program(world, "bad",
                          "#!/bin/sh\necho first >&2\nprintf 'no \\033 good\\n\\n' >&2\nexit 3\n");
        (void)text_format(text, sizeof(text),
                          "#!/bin/sh\ntest -e %s/now && exit 0\necho later >&2\nexit 75\n",
                          world->notifier.folder);
        (void)add_program(world, "later", text);
        assert_int_equal(setenv("SECRET_OF_OURS", "1", 1), 0);
        notifier_put_number(&world->notifier, 1);
        notifier_put_number(&world->notifier, 2);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, "later", is_75);
        (void)notifier_file(&world->notifier, "now", "", 0600, path);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_delivered(world, "good", 2);
        assert_delivered(world, "later", 2);
        struct delivery_receiver bad = notifier_state(&world->notifier, "bad");
        assert_int_equal(bad.parked, 2);
        assert_string_equal(bad.problem, "the program ended with exit code 3: no \\x1b good");
        assert_parked(world, "bad", 2, "exit code 3");
        (void)text_format(path, sizeof(path), "%s/got", world->notifier.folder);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        assert_non_null(strstr(text, "\"sequence\":1,"));
        assert_non_null(strstr(text, "\"sequence\":2,"));
        (void)text_format(path, sizeof(path), "%s/env", world->notifier.folder);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        assert_null(strstr(text, "SECRET_OF_OURS"));
        assert_non_null(strstr(text, "PATH="));
}

/* A program that hangs is ended with its children when we are. */
static void test_program_is_ended(void **state)
{
        struct world *world = *state;
        char text[512], path[512];
        size_t length = 0;

        (void)text_format(text, sizeof(text),
                          "#!/bin/sh\nsleep 1000 &\necho $! > %s/pid.new\nmv %s/pid.new %s/pid\nwait\n",
                          world->notifier.folder, world->notifier.folder, world->notifier.folder);
        (void)add_program(world, "hangs", text);
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        (void)text_format(path, sizeof(path), "%s/pid", world->notifier.folder);
        for (unsigned i = 0; i < 2000 && file_read_into(path, 0, text, sizeof(text), &length) < 0; i++)
                (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        assert_true(length > 0);
        assert_int_equal(kill(world->notifier.pid, SIGTERM), 0);
        assert_int_equal(notifier_end(&world->notifier), 0);
        pid_t child = (pid_t)strtol(text, NULL, 10);
        for (unsigned i = 0; i < 2000 && kill(child, 0) == 0; i++)
                (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        assert_int_equal(kill(child, 0), -1);
}

/* --- the heartbeat --- */

static void test_heartbeat(void **state)
{
        static const struct http_answer answers[] = {{.status = 500}, {0}};
        struct world *world = *state;

        world->servers[0] = http_server_new(NULL);
        http_server_listen(world->servers[0]);
        http_server_script(world->servers[0], answers, 2);
        notifier_configure(&world->notifier, "[heartbeat]\nurl = http://127.0.0.1:%u/beat\n",
                           http_server_port(world->servers[0]));
        assert_int_equal(notifier_run(&world->notifier), 0);
        notifier_put_heartbeat(&world->notifier, 7);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(world->servers[0]), 2);
        assert_int_equal(notifier_state(&world->notifier, DELIVERY_HEARTBEAT).position, 7);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(world->servers[0]), 2);
}

/* An old one is worth nothing: the newest goes out in its place. */
static void test_heartbeat_is_replaced(void **state)
{
        struct world *world = *state;

        world->servers[0] = http_server_new(NULL);
        notifier_configure(&world->notifier, "[heartbeat]\nurl = http://127.0.0.1:%u/beat\n",
                           http_server_port(world->servers[0]));
        notifier_put_heartbeat(&world->notifier, 1);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, DELIVERY_HEARTBEAT, is_refused);
        http_server_listen(world->servers[0]);
        notifier_put_heartbeat(&world->notifier, 2);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_int_equal(http_server_count(world->servers[0]), 1);
        assert_non_null(strstr(http_server_request(world->servers[0], 0)->body, "2"));
        assert_int_equal(notifier_state(&world->notifier, DELIVERY_HEARTBEAT).position, 2);
        assert_string_equal(notifier_state(&world->notifier, DELIVERY_HEARTBEAT).problem, "");
}

/* Nobody is there, and its time is over: the end, not the next attempt for ever. */
static void test_heartbeat_is_given_up(void **state)
{
        struct world *world = *state;

        world->servers[0] = http_server_new(NULL);
        notifier_configure(&world->notifier, "[heartbeat]\nurl = http://127.0.0.1:%u/beat\nevery = 2s\n",
                           http_server_port(world->servers[0]));
        notifier_put_heartbeat(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(notifier_state(&world->notifier, DELIVERY_HEARTBEAT).position, 0);
        assert_true(
            is_refused((struct delivery_receiver[]){notifier_state(&world->notifier, DELIVERY_HEARTBEAT)}));
}

/* --- life --- */

static void test_reload(void **state)
{
        struct world *world = *state;
        struct http_server *dead = add_server(world, 0, "a"), *living;

        (void)dead;
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, "a", is_refused);
        assert_int_equal(truncate(world->notifier.config, 0), 0);
        living = add_server(world, 1, "a");
        http_server_listen(living);
        assert_int_equal(kill(world->notifier.pid, SIGHUP), 0);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_int_equal(http_server_count(living), 1);
        assert_delivered(world, "a", 1);
}

/* systemd's side of the notification socket. */
static int open_notify_socket(const struct world *world)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        (void)text_format(address.sun_path, sizeof(address.sun_path), "%.80s/notify", world->notifier.folder);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
        return fd;
}

/* The next message; returns the descriptor that came with it, -1 none. */
static int next_notification(int fd, char *text, size_t size)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec part = {.iov_base = text, .iov_len = size - 1};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int passed = -1;

        assert_int_equal(poll(&wait, 1, (int)(NOTIFIER_LIMIT / USEC_PER_MSEC)), 1);
        ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        assert_true(n > 0);
        text[n] = '\0';
        const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header)
                memcpy(&passed, CMSG_DATA(header), sizeof(passed));
        return passed;
}

/* Up to the barrier: returns what keeps it up. */
static int wait_for_barrier(int fd)
{
        char text[256];

        assert_int_equal(next_notification(fd, text, sizeof(text)), -1);
        assert_string_equal(text, "READY=1");
        assert_int_equal(next_notification(fd, text, sizeof(text)), -1);
        assert_string_equal(text, "STOPPING=1");
        int barrier = next_notification(fd, text, sizeof(text));
        assert_string_equal(text, "BARRIER=1");
        assert_true(barrier >= 0);
        return barrier;
}

/* An alert that comes in its last moment, before systemd has heard that it stops: its start was lost. */
static void test_last_look(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        int fd = open_notify_socket(world);

        http_server_listen(server);
        for (unsigned late = 0; late < 2; late++) {
                notifier_put_number(&world->notifier, 2 * late + 1);
                notifier_start(&world->notifier);
                int barrier = wait_for_barrier(fd);
                if (late)
                        notifier_put_number(&world->notifier, 4);
                (void)close(barrier);
                assert_int_equal(notifier_end(&world->notifier), late ? EX_TEMPFAIL : 0);
        }
        assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
        (void)close(fd);
        assert_int_equal(http_server_count(server), 2);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_id(server, 2, 4);
}

/* That the configuration is refused is a thing to tell people. */
static void test_refused_configuration(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");

        http_server_listen(server);
        notifier_put_number(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        notifier_configure(&world->notifier, "[nonsense]\n");
        notifier_put_number(&world->notifier, 2);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_delivered(world, "a", 2);
}

static void test_refused_configuration_at_first(void **state)
{
        struct world *world = *state;

        notifier_configure(&world->notifier, "[nonsense]\n");
        assert_int_equal(notifier_run(&world->notifier), EX_CONFIG);
}

/* Two would tell everything twice. */
static void test_only_one(void **state)
{
        struct world *world = *state;
        struct notifier second;

        (void)add_server(world, 0, "a");
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, "a", has_failed);
        second = world->notifier;
        second.pid = 0;
        assert_int_equal(notifier_run(&second), EX_TEMPFAIL);
}

/* A damaged state is begun anew: a repeat is better than a loss. */
static void test_damaged_state(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        char path[256];

        http_server_listen(server);
        notifier_put_number(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        (void)notifier_file(&world->notifier, "state/a.state", "position = many\n", 0640, path);
        notifier_put_number(&world->notifier, 2);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 3);
        assert_id(server, 1, 1);
        assert_id(server, 2, 2);
}

#define world_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            world_test(test_in_order_and_once),
            world_test(test_without_anything),
            world_test(test_new_alert_while_running),
            world_test(test_wanted_only),
            world_test(test_another_spool),
            world_test(test_faults),
            world_test(test_broken_after_the_answer),
            world_test(test_refused),
            world_test(test_slow_delays_nobody),
            world_test(test_parked),
            world_test(test_secrets_are_not_shown),
            world_test(test_secret_comes_later),
            world_test(test_tls),
            world_test(test_tls_faults),
            world_test(test_programs),
            world_test(test_program_is_ended),
            world_test(test_heartbeat),
            world_test(test_heartbeat_is_replaced),
            world_test(test_heartbeat_is_given_up),
            world_test(test_reload),
            world_test(test_last_look),
            world_test(test_refused_configuration),
            world_test(test_refused_configuration_at_first),
            world_test(test_only_one),
            world_test(test_damaged_state),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
