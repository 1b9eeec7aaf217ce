/*
 * smswarden-notify killed before each of its system calls, from its first touch of its folder to its end, and
 * started again: every alert is there, in order; only the one that was under way comes twice, with the same
 * id; what was refused for good is kept. No luck is involved: the program is traced and stops before every
 * call.
 */
#include "http_server.h"
#include "messages.h"
#include "notifier.h"

#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ALERTS    2
#define CALLS_MAX 4000

struct world {
        struct notifier notifier;
        struct http_server *takes, *refuses;
};

static int setup(void **state)
{
        static const struct http_answer no = {.status = 400, .body = "no"};
        struct world *world = calloc(1, sizeof(*world));

        assert_non_null(world);
        notifier_init(&world->notifier);
        world->takes = http_server_new(NULL);
        world->refuses = http_server_new(NULL);
        http_server_listen(world->takes);
        http_server_listen(world->refuses);
        http_server_script(world->refuses, &no, 1);
        notifier_configure(&world->notifier,
                           "[notify takes]\ntype = webhook\nurl = http://127.0.0.1:%u/\n"
                           "[notify refuses]\ntype = webhook\nurl = http://127.0.0.1:%u/\n",
                           http_server_port(world->takes), http_server_port(world->refuses));
        for (uint64_t n = 1; n <= ALERTS; n++)
                notifier_put_number(&world->notifier, n);
        *state = world;
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;

        notifier_done(&world->notifier);
        http_server_free(world->takes);
        http_server_free(world->refuses);
        free(world);
        return 0;
}

/* --- the tracing --- */

/* The number of the system call that it stands before, -1: it stands behind one. */
static int64_t call_at(pid_t pid)
{
        struct __ptrace_syscall_info info = {0};

        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
            info.op != PTRACE_SYSCALL_INFO_ENTRY)
                return -1;
        return (int64_t)info.entry.nr;
}

static pid_t start_traced(const struct notifier *notifier)
{
        pid_t pid = fork();

        if (pid == 0) {
                /* A leak checker traces, too, and cannot do it beside us. */
                if (setenv("ASAN_OPTIONS", "detect_leaks=0", 1) < 0 ||
                    ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
                        _exit(126);
                notifier_exec(notifier);
        }
        traced_begin(pid);
        return pid;
}

/* Kills it before its n-th call. False: it came to its end before that. */
static bool run_killed(const struct notifier *notifier, unsigned n)
{
        pid_t pid = start_traced(notifier);
        bool begun = false;
        unsigned calls = 0;
        int status;

        while (traced_next_stop(pid, &status)) {
                int64_t call = call_at(pid);
                begun = begun || call == SYS_flock; /* before, it has only looked */
                if (!begun || call < 0)
                        continue;
                assert_true(++calls < CALLS_MAX);
                if (calls == n)
                        assert_int_equal(kill(pid, SIGKILL), 0);
        }
        if (WIFEXITED(status))
                assert_int_equal(WEXITSTATUS(status), 0);
        return WIFSIGNALED(status);
}

/* --- what must be true then --- */

/* 1..ALERTS in order, at most one of them twice. Returns whether one was. */
static bool check_told(struct http_server *server, unsigned from, unsigned call)
{
        unsigned last = 0, repeats = 0, count = http_server_count(server);
        char id[128], wanted[ALERT_ID_MAX];

        for (unsigned i = from; i < count; i++) {
                http_request_header(http_server_request(server, i), "Idempotency-Key", id, sizeof(id));
                message_id(last, wanted);
                if (text_equal(id, wanted)) {
                        repeats++;
                        continue;
                }
                last++;
                message_id(last, wanted);
                assert_string_equal(id, wanted);
        }
        if (last != ALERTS || repeats > 1)
                fail_msg("killed before call %u: %u alerts, %u repeats", call, last, repeats);
        return repeats > 0;
}

static void check_parked(const struct notifier *notifier)
{
        char path[512], text[4096];
        size_t length;

        for (unsigned n = 1; n <= ALERTS; n++) {
                (void)text_format(path, sizeof(path), "%s/parked/refuses/%020u.json", notifier->state, n);
                assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
                (void)text_format(path, sizeof(path), "%s/parked/refuses/%020u.reason", notifier->state, n);
                assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
                assert_string_equal(text, "127.0.0.1 answers 400: no\n");
        }
}

static void check_states(const struct notifier *notifier)
{
        struct delivery_receiver takes = notifier_state(notifier, "takes");
        struct delivery_receiver refuses = notifier_state(notifier, "refuses");

        assert_int_equal(takes.position, ALERTS);
        assert_int_equal(takes.delivered, ALERTS);
        assert_int_equal(refuses.position, ALERTS);
        assert_int_equal(refuses.parked, ALERTS);
        assert_int_equal(refuses.delivered, 0);
}

static void test_killed_before_every_call(void **state)
{
        struct world *world = *state;
        unsigned n = 1, repeats = 0;
        bool killed = true;

        for (; killed; n++) {
                unsigned taken = http_server_count(world->takes), refused = http_server_count(world->refuses);
                temp_folder_remove(world->notifier.state);
                killed = run_killed(&world->notifier, n);
                /* What it left is whole, if there is any. */
                (void)notifier_state(&world->notifier, "takes");
                (void)notifier_state(&world->notifier, "refuses");
                if (killed)
                        assert_int_equal(notifier_run(&world->notifier), 0);
                repeats += check_told(world->takes, taken, n);
                (void)check_told(world->refuses, refused, n);
                check_states(&world->notifier);
                check_parked(&world->notifier);
        }
        print_message("%u system calls, %u of them before a repeat\n", n, repeats);
        /* The time between an answer and the note of it was met, and is short. */
        assert_true(n > 100 && repeats > 0 && repeats < n / 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_killed_before_every_call, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
