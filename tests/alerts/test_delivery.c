/*
 * smswarden-notify delivers: the real program, an HTTP server that fails in every way. Whatever happens on
 * the way, each alert arrives, in order, and not twice; what is refused for good is kept with the reason; a
 * server that is not the one that was meant is told nothing.
 */
#include "delivery_world.h"

#include <signal.h>

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

/* An alert that comes while it waits for another receiver is taken at once. */
static void test_new_alert_while_running(void **state)
{
        struct world *world = *state;
        struct http_server *dead = add_server(world, 0, "dead"), *living = add_server(world, 1, "living");

        http_server_listen(living);
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        assert_int_equal(http_server_wait(living, 1, NOTIFIER_LIMIT), 1);
        notifier_wait_state(&world->notifier, "dead", notifier_has_failed);
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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
