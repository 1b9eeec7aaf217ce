/*
 * The life of a machine in a test, see machine.h. qemu dies with the test program by itself
 * (PR_SET_PDEATHSIG); the undertaker, a child that waits for the end of a pipe, removes the folder then.
 */
#include "machine.h"

#include "base/text.h"
#include "machine_private.h"
#include "temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define BOOT_LIMIT 240000 /* 10 s on a quiet host */

const char *const machine_state_names[] = {[MACHINE_INSTALLED] = "installed",
                                           [MACHINE_WORKING] = "working",
                                           [MACHINE_BARE] = "bare",
                                           [MACHINE_NEW] = "new"};

static unsigned random_state;

int64_t machine_now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_nightly(void)
{
        const char *nightly = getenv("NIGHTLY");

        return nightly && nightly[0];
}

unsigned machine_rounds(unsigned check, unsigned nightly)
{
        return is_nightly() ? nightly : check;
}

unsigned machine_random(unsigned below)
{
        return (unsigned)rand_r(&random_state) % below;
}

static const char *path_below(const char *folder, const char *name)
{
        static char paths[8][PATH_MAX];
        static unsigned next;
        char *path = paths[next++ % ARRAY_SIZE(paths)];

        assert_int_equal(text_format(path, sizeof(paths[0]), "%s/%s", folder, name), 0);
        return path;
}

const char *machine_path(const struct machine *m, const char *name)
{
        return path_below(m->folder, name);
}

const char *machine_file(const struct machine *m, const char *name)
{
        return path_below(m->system, name);
}

/* --- power --- */

/* Once in some hundred boots the emulated timer stops before the kernel has found its disk; it says so
 * itself. */
static bool timer_stands(struct machine *m)
{
        _cleanup_close_ int fd = open(machine_path(m, "console"), O_RDONLY | O_CLOEXEC);
        char console[16384];
        ssize_t n = fd < 0 ? -1 : read(fd, console, sizeof(console) - 1);

        console[n > 0 ? n : 0] = '\0';
        return strstr(console, "kthread timer wakeup didn't happen") != NULL;
}

/* False: it is to be switched on once more. */
static bool boots(struct machine *m)
{
        machine_spawn(m, false);
        int r = -ETIMEDOUT;
        for (int64_t end = machine_now() + BOOT_LIMIT; r == -ETIMEDOUT && machine_now() < end;) {
                r = machine_sync(m, 30000);
                if (r == -ETIMEDOUT && timer_stands(m))
                        return false;
        }
        if (r != 0)
                fail_msg("the machine does not answer (%s)", strerror(-r));
        return true;
}

void machine_boot(struct machine *m)
{
        int64_t start = machine_now();

        for (int tries = 1; !boots(m); tries++) {
                (void)printf("# the emulated timer stopped in the boot: once more\n");
                machine_power_cut(m);
                assert_true(tries < 3);
        }
        (void)printf("# booted to the agent in %lld ms\n", (long long)(machine_now() - start));
}

static void restore(struct machine *m)
{
        int64_t start = machine_now();

        machine_spawn(m, true);
        if (machine_sync(m, 60000) != 0)
                fail_msg("the state '%s' does not go on", machine_state_names[m->options->state]);
        (void)printf("# continued the state '%s' in %lld ms\n", machine_state_names[m->options->state],
                     (long long)(machine_now() - start));
}

const char *machine_booted(struct machine *m)
{
        const char *output;
        int64_t start = machine_now();

        (void)machine_run(
            m, BOOT_LIMIT, &output,
            "systemctl is-system-running --wait || true; systemctl --failed --no-legend --plain");
        (void)printf("# systemd was done %lld ms later: %s", (long long)(machine_now() - start), output);
        return output;
}

void machine_power_cut(struct machine *m)
{
        assert_true(m->qemu > 0);
        assert_int_equal(kill(m->qemu, SIGKILL), 0);
        if (!machine_reap(m, 30000))
                fail_msg("qemu does not go away");
}

void machine_wait_off(struct machine *m, int64_t limit)
{
        if (!machine_reap(m, limit))
                fail_msg("the machine did not switch itself off within %lld ms", (long long)limit);
}

/* --- a test's frame --- */

/* build/tests/system/test_x -> build/system */
static void find_files(struct machine *m)
{
        char program[PATH_MAX];
        ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

        assert_true(length > 0);
        program[length] = '\0';
        for (int i = 0; i < 3; i++)
                *strrchr(program, '/') = '\0';
        assert_int_equal(text_format(m->system, sizeof(m->system), "%s/system", program), 0);
}

static int set_up(void **state)
{
        const struct machine_test *test = *state;
        struct machine *m = calloc(1, sizeof(*m));

        assert_non_null(m);
        m->options = &test->options;
        m->agent = m->monitor = -1;
        find_files(m);
        (void)text_copy(m->folder, sizeof(m->folder), "/tmp/smswarden-machine-XXXXXX");
        assert_non_null(mkdtemp(m->folder));
        undertaker_hire(&m->undertaker, temp_folder_remove, m->folder);
        *state = m;
        return 0;
}

static void run(void **state)
{
        struct machine *m = *state;
        const struct machine_test *test =
            (const struct machine_test *)(const void *)((const char *)m->options -
                                                        offsetof(struct machine_test, options));

        if (m->options->nightly && !is_nightly())
                skip();
        int64_t began = machine_now();
        machine_make_disk(m);
        if (!m->options->off) {
                if (m->options->boot)
                        machine_boot(m);
                else
                        restore(m);
        }
        test->run(m);
        (void)printf("# in all %.1f s\n", (double)(machine_now() - began) / 1000);
        m->passed = true; /* a failure does not come back here */
}

static void print_file(const char *title, const char *path, off_t most)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
        char buffer[4096];
        ssize_t n;

        if (size <= 0)
                return;
        (void)printf("--- %s\n", title);
        (void)lseek(fd, size > most ? size - most : 0, SEEK_SET);
        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
                (void)fwrite(buffer, 1, (size_t)n, stdout);
        (void)printf("\n");
}

/* What a person would look at first. The machine may be dead: then its console is all. */
static void tell_failure(struct machine *m)
{
        static const char questions[] =
            "exec 2>&1; set +e\n"
            "uptime; ps -eo pid,ppid,user,stat,etimes,unit,args | grep -vE '\\[.*\\]$'\n"
            "ls -l /dev/ttyUSB* /dev/smswarden 2> /dev/null; systemctl --failed --no-legend --plain\n"
            "echo '--- smsd.conf'; grep -vE '^(#|$)' /etc/smsd.conf\n"
            "echo '--- smsd'; tail -n 40 /var/log/smstools/smsd.log\n"
            "echo '--- kernel'; dmesg | tail -n 30\n"
            "echo '--- journal'\n"
            "journalctl -b -n 150 -o short-monotonic --no-pager _PID=1 + _SYSTEMD_UNIT=smstools.service"
            " + _SYSTEMD_UNIT=smswardend.service + _SYSTEMD_UNIT=softec25.service + "
            "_SYSTEMD_UNIT=systemd-udevd.service\n"
            "journalctl --list-boots --no-pager | tail -n 5\n";

        if (m->qemu > 0 && m->agent >= 0 && machine_try(m, 60000, questions) >= 0)
                (void)printf("--- the machine\n%s\n", m->output);
        else
                (void)printf("--- the machine gives no answer\n");
        print_file("console", machine_path(m, "console"), 6000);
        print_file("qemu", machine_path(m, "qemu.log"), 4000);
}

static int tear_down(void **state)
{
        struct machine *m = *state;

        if (!m->passed && !(m->options->nightly && !is_nightly()))
                tell_failure(m);
        if (m->qemu > 0) {
                (void)kill(m->qemu, SIGKILL);
                (void)machine_reap(m, 30000);
        }
        undertaker_call(&m->undertaker);
        free(m->output);
        free(m->answer);
        free(m);
        return 0;
}

static void seed(void)
{
        const char *text = getenv("SEED");

        random_state =
            text ? (unsigned)strtoul(text, NULL, 10) : (unsigned)time(NULL) ^ (unsigned)getpid() << 16;
        (void)printf("# SEED=%u\n", random_state);
}

int machine_main(const struct machine_test *tests, size_t n, int argc, char **argv)
{
        struct CMUnitTest units[64];

        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        seed();
        assert_true(n <= ARRAY_SIZE(units));
        for (size_t i = 0; i < n; i++)
                units[i] = (struct CMUnitTest){.name = tests[i].name,
                                               .test_func = run,
                                               .setup_func = set_up,
                                               .teardown_func = tear_down,
                                               .initial_state = (void *)(uintptr_t)&tests[i]};
        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return _cmocka_run_group_tests(argv[0], units, n, NULL, NULL);
}
