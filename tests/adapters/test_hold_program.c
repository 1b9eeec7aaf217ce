/*
 * The program smswarden-hold itself, on folders of this test and a systemd that says what the test wants:
 * what it removes, starts and leaves alone, what it says of it, and that it delays nobody.
 */
#include "adapters/hold_store.h"
#include "base/file.h"

#include "fake_manager.h"
#include "temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#define STRANGER 65534

struct fixture {
        char folder[64], runtime[96], config[96], flag[96], hold[112], program[PATH_MAX];
        struct fake_manager fake;
        char said[8192];
};

static usec_t read_clock(clockid_t clock)
{
        struct timespec now = {0};

        (void)clock_gettime(clock, &now);
        return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

static void put(const char *path, const char *text)
{
        assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
}

/* `more` goes into [gateway]. */
static void write_config(const struct fixture *f, const char *more)
{
        char text[1024];

        (void)text_format(text, sizeof(text),
                          "[gateway]\nruntime_dir = %s\nstate_dir = %s/state\n%s\n[hold]\nlegacy_flag = %s\n",
                          f->runtime, f->folder, more, f->flag);
        put(f->config, text);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        char build[PATH_MAX] = "";

        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/test_hold_program.XXXXXX");
        if (readlink("/proc/self/exe", build, sizeof(build) - 1) < 0 || !mkdtemp(f->folder))
                return -1;
        (void)text_format(f->program, sizeof(f->program), "%s/smswarden-hold",
                          dirname(dirname(dirname(build))));
        (void)text_format(f->runtime, sizeof(f->runtime), "%s/run", f->folder);
        (void)text_format(f->config, sizeof(f->config), "%s/smswarden.conf", f->folder);
        (void)text_format(f->flag, sizeof(f->flag), "%s/flag", f->folder);
        (void)text_format(f->hold, sizeof(f->hold), "%s/hold", f->runtime);
        if (mkdir(f->runtime, 0755) < 0)
                return -1;
        write_config(f, "");
        fake_manager_start(&f->fake, f->folder, true);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        fake_manager_stop(&f->fake);
        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

/* --- running it --- */

static pid_t start(const struct fixture *f, const char *verb, int *ret_error)
{
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)dup2(ends[1], STDERR_FILENO);
                (void)execl(f->program, f->program, "--config", f->config, "--manager", f->fake.address, verb,
                            (char *)NULL);
                _exit(127);
        }
        (void)close(ends[1]);
        *ret_error = ends[0];
        return pid;
}

static int finish(struct fixture *f, pid_t pid, int error)
{
        size_t length = 0;
        ssize_t n;
        int status;

        while ((n = read(error, f->said + length, sizeof(f->said) - 1 - length)) > 0)
                length += (size_t)n;
        f->said[length] = '\0';
        (void)close(error);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int run(struct fixture *f, const char *verb)
{
        int error;
        pid_t pid = start(f, verb, &error);

        return finish(f, pid, error);
}

static bool is_there(const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0;
}

/* One that began ten seconds ago and ends in `left`. */
static void hold_for(const struct fixture *f, int64_t left)
{
        usec_t now = read_clock(CLOCK_BOOTTIME);
        struct hold_record record = {.source = HOLD_SOURCE_CLI,
                                     .by = "pi",
                                     .reason = "cable \x1b[31m change",
                                     .since = now - 10 * USEC_PER_SEC,
                                     .until = (usec_t)((int64_t)now + left)};

        assert_int_equal(hold_store_write(f->runtime, &record), 0);
}

static bool says(const struct fixture *f, const char *text)
{
        return strstr(f->said, text);
}

static unsigned lines(const struct fixture *f)
{
        unsigned n = 0;

        for (const char *p = f->said; *p; p++)
                n += *p == '\n';
        return n;
}

/* --- clear --- */

static void test_clear_nothing(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(run(f, "clear"), 0);
        assert_string_equal(f->said, "");
        assert_int_equal(f->fake.script->connections, 0);
}

static void test_clear_all(void **state)
{
        struct fixture *f = *state;

        hold_for(f, 90 * (int64_t)USEC_PER_SEC);
        put(f->flag, "");
        assert_int_equal(run(f, "clear"), 0);
        assert_false(is_there(f->hold));
        assert_false(is_there(f->flag));
        assert_int_equal(f->fake.script->stops, 1); /* the timer */
        assert_int_equal(f->fake.script->restarts, 0);
        assert_true(says(f, "hold of pi (cli; cable \\x1b[31m change)"));
        assert_true(says(f, "the flag"));
        assert_int_equal(lines(f), 2);
}

static void test_clear_is_quick_when_systemd_is_silent(void **state)
{
        struct fixture *f = *state;

        (void)text_copy(f->fake.script->silent, sizeof(f->fake.script->silent), "Get");
        hold_for(f, 90 * (int64_t)USEC_PER_SEC);
        usec_t begun = read_clock(CLOCK_MONOTONIC);
        assert_int_equal(run(f, "clear"), 0);
        assert_true(read_clock(CLOCK_MONOTONIC) - begun < USEC_PER_SEC);
        assert_false(is_there(f->hold));
}

static void test_clear_without_systemd(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(kill(f->fake.pid, SIGKILL), 0);
        hold_for(f, 90 * (int64_t)USEC_PER_SEC);
        assert_int_equal(run(f, "clear"), 0);
        assert_false(is_there(f->hold));
}

static void test_clear_what_is_no_hold(void **state)
{
        struct fixture *f = *state;

        put(f->hold, "stopped by hand\n");
        assert_int_equal(run(f, "clear"), 0);
        assert_false(is_there(f->hold));
        assert_true(says(f, "no hold of this boot"));
        assert_int_equal(mkdir(f->hold, 0755), 0);
        assert_int_equal(run(f, "clear"), 0);
        assert_true(says(f, "cannot be removed"));
}

/* Whatever a stranger puts there: smsd starts, and it stays. */
static void test_clear_hostile_flags(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(mkdir(f->flag, 0777), 0);
        assert_int_equal(run(f, "clear"), 0);
        assert_true(says(f, "is a folder") && is_there(f->flag));
        assert_int_equal(rmdir(f->flag), 0);

        assert_int_equal(symlink(f->config, f->flag), 0);
        assert_int_equal(run(f, "clear"), 0);
        assert_true(says(f, "is a symbolic link") && is_there(f->flag) && is_there(f->config));
        assert_int_equal(unlink(f->flag), 0);

        put(f->flag, "");
        assert_int_equal(chown(f->flag, STRANGER, STRANGER), 0);
        assert_int_equal(run(f, "clear"), 0);
        assert_true(says(f, "belongs to a stranger") && is_there(f->flag));
}

static void test_clear_in_observe_mode(void **state)
{
        struct fixture *f = *state;

        write_config(f, "mode = observe");
        hold_for(f, 90 * (int64_t)USEC_PER_SEC);
        put(f->flag, "");
        assert_int_equal(run(f, "clear"), 0);
        assert_false(is_there(f->hold));
        assert_true(is_there(f->flag)); /* the old scripts' affair */
}

static void test_clear_with_the_last_good_config(void **state)
{
        struct fixture *f = *state;
        char good[128], text[512];

        (void)text_format(good, sizeof(good), "%s/state", f->folder);
        assert_int_equal(mkdir(good, 0700), 0);
        (void)text_format(good, sizeof(good), "%s/state/smswarden.conf.good", f->folder);
        (void)text_format(text, sizeof(text), "[gateway]\nruntime_dir = %s\n[hold]\nlegacy_flag = none\n",
                          f->runtime);
        put(good, text);
        write_config(f, "mode = sleep");
        hold_for(f, 90 * (int64_t)USEC_PER_SEC);
        assert_int_equal(run(f, "clear"), 0);
        assert_false(is_there(f->hold));
        assert_true(says(f, "last good configuration"));
}

/* No configuration at all: the defaults, in a /run and a /tmp of its own. */
static void test_clear_with_the_defaults(void **state)
{
        struct fixture *f = *state;
        int status;

        assert_int_equal(unlink(f->config), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                    mount("none", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/smswarden", 0755) < 0)
                        _exit(101);
                (void)text_copy(f->runtime, sizeof(f->runtime), "/run/smswarden");
                hold_for(f, 90 * (int64_t)USEC_PER_SEC);
                int code = is_there("/run/smswarden/hold") ? run(f, "clear") : 102;
                _exit(code == 0 && is_there("/run/smswarden/hold") ? 103 : code);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- end --- */

static void expect_untouched(struct fixture *f)
{
        assert_int_equal(run(f, "end"), 0);
        assert_int_equal(f->fake.script->restarts, 0);
}

static void test_end_without_a_hold(void **state)
{
        struct fixture *f = *state;

        expect_untouched(f);
        assert_string_equal(f->said, "");
        put(f->hold, "stopped by hand\n");
        expect_untouched(f);
        put(f->hold, "source=cli\nby=pi\nreason=\nsince=1\nuntil=2\nsince_realtime=0\n"
                     "boot_id=00000000000000000000000000000001\n");
        expect_untouched(f);
        assert_true(is_there(f->hold));
}

static void test_end_starts_smsd(void **state)
{
        struct fixture *f = *state;

        hold_for(f, -1);
        assert_int_equal(run(f, "end"), 0);
        assert_int_equal(f->fake.script->restarts, 1);
        assert_false(is_there(f->hold));
        assert_true(says(f, "the hold of pi is over"));
}

static void test_end_in_observe_mode(void **state)
{
        struct fixture *f = *state;

        write_config(f, "mode = observe");
        hold_for(f, -1);
        expect_untouched(f);
        assert_true(is_there(f->hold));
}

static void test_end_at_shutdown(void **state)
{
        struct fixture *f = *state;

        (void)text_copy(f->fake.script->system_state, sizeof(f->fake.script->system_state), "stopping");
        hold_for(f, -1);
        expect_untouched(f);
}

static void test_end_is_loud_when_it_fails(void **state)
{
        struct fixture *f = *state;

        (void)text_copy(f->fake.script->error, sizeof(f->fake.script->error), "UnitMasked");
        hold_for(f, -1);
        assert_int_equal(run(f, "end"), 1);
        assert_true(says(f, "DOWN") && says(f, "systemctl unmask smstools.service"));
        assert_true(is_there(f->hold)); /* for the next try */
        f->fake.script->error[0] = '\0';
        (void)text_copy(f->fake.script->job_result, sizeof(f->fake.script->job_result), "failed");
        assert_int_equal(run(f, "end"), 1);
        assert_true(says(f, "the unit failed"));
        assert_int_equal(kill(f->fake.pid, SIGKILL), 0);
        assert_int_equal(run(f, "end"), 1);
        assert_true(says(f, "systemd cannot be reached"));
}

static void test_end_of_a_newer_hold(void **state)
{
        struct fixture *f = *state;

        hold_for(f, 90 * (int64_t)USEC_PER_SEC);
        expect_untouched(f); /* its timer is waiting */
        assert_true(is_there(f->hold));
}

/* The timer that has started it is no timer for the new hold: it waits itself. */
static void test_end_waits_for_a_hold_without_a_timer(void **state)
{
        struct fixture *f = *state;

        (void)text_copy(f->fake.script->sub_state, sizeof(f->fake.script->sub_state), "running");
        usec_t until = read_clock(CLOCK_BOOTTIME) + USEC_PER_SEC;
        hold_for(f, (int64_t)USEC_PER_SEC);
        assert_int_equal(run(f, "end"), 0);
        assert_true(read_clock(CLOCK_BOOTTIME) >= until);
        assert_int_equal(f->fake.script->restarts, 1);
}

static int listen_as_daemon(const struct fixture *f)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void)text_format(address.sun_path, sizeof(address.sun_path), "%s/bus", f->runtime);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static void wait_for_a_connection(int fd)
{
        int peer = -1;

        for (unsigned i = 0; i < 1000 && peer < 0; i++) {
                peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                if (peer < 0)
                        (void)usleep(10000);
        }
        assert_true(peer >= 0);
        (void)close(peer);
}

static void test_end_leaves_it_to_a_daemon_that_lives(void **state)
{
        struct fixture *f = *state;
        int daemon = listen_as_daemon(f), error;

        hold_for(f, -1);
        pid_t pid = start(f, "end", &error);
        wait_for_a_connection(daemon);
        assert_int_equal(hold_store_remove(f->runtime), 0); /* what the daemon does */
        assert_int_equal(finish(f, pid, error), 0);
        assert_int_equal(f->fake.script->restarts, 0);
        (void)close(daemon);
}

static void test_end_after_a_daemon_that_died_meanwhile(void **state)
{
        struct fixture *f = *state;
        int daemon = listen_as_daemon(f), error;

        hold_for(f, -1);
        pid_t pid = start(f, "end", &error);
        wait_for_a_connection(daemon);
        assert_int_equal(close(daemon), 0);
        assert_int_equal(finish(f, pid, error), 0);
        assert_int_equal(f->fake.script->restarts, 1);
}

/* --- the rest --- */

static void test_usage(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(run(f, "begin"), 64);
        assert_true(says(f, "no such verb"));
        assert_int_equal(run(f, "--nonsense"), 64);
        assert_int_equal(run(f, "--version"), 0);
        assert_int_equal(run(f, "--help"), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_clear_nothing),
            TEST(test_clear_all),
            TEST(test_clear_is_quick_when_systemd_is_silent),
            TEST(test_clear_without_systemd),
            TEST(test_clear_what_is_no_hold),
            TEST(test_clear_hostile_flags),
            TEST(test_clear_in_observe_mode),
            TEST(test_clear_with_the_last_good_config),
            TEST(test_clear_with_the_defaults),
            TEST(test_end_without_a_hold),
            TEST(test_end_starts_smsd),
            TEST(test_end_in_observe_mode),
            TEST(test_end_at_shutdown),
            TEST(test_end_is_loud_when_it_fails),
            TEST(test_end_of_a_newer_hold),
            TEST(test_end_waits_for_a_hold_without_a_timer),
            TEST(test_end_leaves_it_to_a_daemon_that_lives),
            TEST(test_end_after_a_daemon_that_died_meanwhile),
            TEST(test_usage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
