/*
 * A program of ours as a child: its end is told once, it has no rights that were not meant for it, and it
 * ends with us.
 */
#include "adapters/helper_child.h"

#include "base/text.h"
#include "smsd_fixture.h"

#include <stdbool.h>
#include <stdlib.h>

struct world {
        sd_event *event;
        struct helper_child *child;
        char folder[64], output[96];
        unsigned ended;
        int status;
};

static void on_ended(void *userdata, int status)
{
        struct world *w = userdata;

        w->ended++;
        w->status = status;
        assert_int_equal(helper_child_pid(w->child), 0);
        w->child = helper_child_free(w->child);
}

static int setup(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        sigset_t child;

        assert_non_null(w);
        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        assert_int_equal(sigprocmask(SIG_BLOCK, &child, NULL), 0);
        (void)strcpy(w->folder, "/tmp/smswarden-test-XXXXXX");
        assert_non_null(mkdtemp(w->folder));
        assert_int_equal(chmod(w->folder, 0777), 0);
        (void)text_format(w->output, sizeof(w->output), "%s/output", w->folder);
        assert_true(sd_event_new(&w->event) >= 0);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        struct world *w = *state;

        w->child = helper_child_free(w->child);
        (void)sd_event_unref(w->event);
        remove_tree(w->folder);
        free(w);
        return 0;
}

static int start(struct world *w, const char *account, const char *script)
{
        const char *const arguments[] = {"/bin/sh", "-c", script, w->output, NULL};
        const struct helper_child_options options = {.arguments = arguments, .account = account};

        return helper_child_new(&w->child, w->event, &options, on_ended, w);
}

static void wait_for_end(struct world *w)
{
        for (int64_t end = now_usec() + PATIENCE_USEC; w->ended == 0;) {
                assert_true(now_usec() < end);
                assert_true(sd_event_run(w->event, 100000) >= 0);
        }
}

static void test_ends(void **state)
{
        static const struct {
                const char *script;
                int status;
        } table[] = {{"exit 0", 0}, {"exit 75", 75}, {"kill -9 $$", -9}, {"kill -15 $$", -15}};
        struct world *w = *state;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                w->ended = 0;
                assert_int_equal(start(w, NULL, table[i].script), 0);
                assert_true(helper_child_pid(w->child) > 0);
                wait_for_end(w);
                assert_int_equal(w->status, table[i].status);
                assert_int_equal(w->ended, 1);
        }
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left to be reaped */
}

static void test_rights(void **state)
{
        struct world *w = *state;
        char buffer[512];

        assert_int_equal(start(w, "nobody",
                               "{ id -un; id -Gn; grep -c . /proc/self/environ; "
                               "grep -E '^(NoNewPrivs|CapEff|SigBlk|SigIgn)' /proc/self/status; "
                               "ls /proc/$$/fd; pwd; } > \"$0\" 2>&1"),
                         0);
        wait_for_end(w);
        assert_int_equal(w->status, 0);
        FILE *file = fopen(w->output, "re");
        assert_non_null(file);
        buffer[fread(buffer, 1, sizeof(buffer) - 1, file)] = '\0';
        (void)fclose(file);
        assert_non_null(strstr(buffer, "nobody\nnogroup\n"));
        assert_non_null(strstr(buffer, "NoNewPrivs:\t1"));
        assert_non_null(strstr(buffer, "CapEff:\t0000000000000000"));
        assert_non_null(strstr(buffer, "SigBlk:\t0000000000000000"));
}

/* It speaks to systemd for itself, if at all: what it says must not be taken for ours. */
static void test_environment(void **state)
{
        struct world *w = *state;

        assert_int_equal(setenv("NOTIFY_SOCKET", "/run/nobody", 1), 0);
        assert_int_equal(setenv("WATCHDOG_USEC", "1000000", 1), 0);
        assert_int_equal(setenv("SMSWARDEN_TEST", "kept", 1), 0);
        assert_int_equal(
            start(w, NULL, "test -z \"$NOTIFY_SOCKET$WATCHDOG_USEC\" -a \"$SMSWARDEN_TEST\" = kept"), 0);
        wait_for_end(w);
        assert_int_equal(w->status, 0);
        assert_string_equal(getenv("NOTIFY_SOCKET"), "/run/nobody"); /* ours is as it was */
        (void)unsetenv("NOTIFY_SOCKET");
        (void)unsetenv("WATCHDOG_USEC");
        (void)unsetenv("SMSWARDEN_TEST");
}

static void test_what_cannot_be_started(void **state)
{
        static const char *const missing[] = {"/nonexistent/program", NULL};
        static const char *const folder[] = {"/tmp", NULL};
        struct world *w = *state;
        const struct helper_child_options no_program = {.arguments = missing},
                                          a_folder = {.arguments = folder};

        assert_int_equal(helper_child_new(&w->child, w->event, &no_program, on_ended, w), -ENOENT);
        assert_int_equal(helper_child_new(&w->child, w->event, &a_folder, on_ended, w), -EACCES);
        assert_int_equal(start(w, "no-such-account", "exit 0"), -ESRCH);
        assert_null(w->child);
        assert_int_equal(w->ended, 0);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_ends_with_its_owner(void **state)
{
        struct world *w = *state;

        assert_int_equal(start(w, NULL, "exec sleep 1000"), 0);
        pid_t pid = helper_child_pid(w->child);
        w->child = helper_child_free(w->child);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
        assert_int_equal(w->ended, 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
            cmocka_unit_test_setup_teardown(test_rights, setup, teardown),
            cmocka_unit_test_setup_teardown(test_environment, setup, teardown),
            cmocka_unit_test_setup_teardown(test_what_cannot_be_started, setup, teardown),
            cmocka_unit_test_setup_teardown(test_ends_with_its_owner, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
