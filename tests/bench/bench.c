/*
 * `make bench`: measures the figures one after another, each with its reference in turn, and prints them as a
 * table. The idle minute is shared by seven gateways, for a minute each would take too long; what they
 * measure does not depend on the processor. What goes on is said on stderr, the table alone on stdout. Exit 0
 * when every figure is reached, 1 otherwise. An argument picks rows (with * and ?).
 */
#include "bench/bench.h"

#include "bench/transcript.h"

#include <fnmatch.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct results *results;

/* --- rows --- */

static const char *wanted = "*";

static int measure(const struct gateway_test *test)
{
        char name[] = "bench";
        char *argv[] = {name, NULL};

        if (fnmatch(wanted, test->name, 0) != 0)
                return 0;
        return gateway_main(test, 1, 1, argv);
}

/*
 * The modem's node is a pty here, so the daemon watches the folder of all ptys: those of other programs must
 * not wake it while its wake-ups are counted.
 */
static bool take_own_ptys(void)
{
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("devpts", "/dev/pts", "devpts", 0, "newinstance,mode=620,ptmxmode=666") == 0 &&
               mount("/dev/pts/ptmx", "/dev/ptmx", NULL, MS_BIND, NULL) == 0;
}

/*
 * The package makes the group that reads alerts. Where a search finds no such group the C library has loaded
 * all that it can search in, a megabyte that no installed daemon carries.
 */
static bool have_group(void)
{
        _cleanup_free_ char *groups = gateway_read("/etc/group");
        char path[] = "/tmp/smswarden-bench.XXXXXX";
        _cleanup_close_ int fd = mkstemp(path);

        if (fd < 0)
                return false;
        bool ok = dprintf(fd, "%s\nsmswarden-notify:x:61234:\n", groups) > 0 && fchmod(fd, 0644) == 0 &&
                  mount(path, "/etc/group", NULL, MS_BIND, NULL) == 0;
        (void)unlink(path); /* the mount keeps it */
        return ok;
}

/* Seven gateways idle at the same time, a process each. Returns the number that failed. */
static int begin_idle(pid_t pids[RUNS])
{
        static const struct gateway_test test = GATEWAY_TEST(
            row_idle, .plain = true, .smsd_global = "delaytime = 10\ndelaytime_mainprocess = 10\n");

        for (int i = 0; i < RUNS; i++) {
                pids[i] = fork();
                if (pids[i] == 0)
                        _exit(take_own_ptys() && have_group() ? measure(&test) : EXIT_FAILURE);
                if (pids[i] < 0)
                        return 1;
        }
        return 0;
}

static int end_idle(const pid_t pids[RUNS])
{
        int failed = 0, status;

        for (int i = 0; i < RUNS; i++)
                failed += waitpid(pids[i], &status, 0) != pids[i] || status != 0;
        return failed;
}

/* In a process of its own: a failure outside of a test ends it. */
static int measure_events(void)
{
        int status = -1;
        pid_t pid = fork();

        if (pid == 0) {
                if (fnmatch(wanted, "row_events", 0) == 0)
                        row_events();
                _exit(EXIT_SUCCESS);
        }
        return pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
}

static int measure_idle(void)
{
        pid_t pids[RUNS] = {0};
        int failed = begin_idle(pids);

        failed += measure_events();
        return failed + end_idle(pids);
}

static int measure_many(void)
{
        static const struct gateway_test one = GATEWAY_TEST(row_one_modem),
                                         many = GATEWAY_TEST(row_many_modems, .modems = 16);
        int failed = 0;

        for (int i = 0; i < RUNS; i++)
                failed += measure(&one) + measure(&many);
        return failed;
}

static int measure_all(void)
{
        static const struct gateway_test tests[] = {
            GATEWAY_TEST(row_plug, .no_daemon = true),
            GATEWAY_TEST(row_crash, .plain = true, .no_daemon = true),
            GATEWAY_TEST(row_flood, .plain = true, .no_daemon = true,
                         .warden = "[alerts]\nspool_files = 20000\n"),
            GATEWAY_TEST(row_status, .plain = true),
            GATEWAY_TEST(row_throughput, .plain = true, .smsd_global = "trust_outgoing = yes"),
            GATEWAY_TEST(row_storm, .warden = "[modem GSM1]\nmatch = imei=490154203237518\n"),
        };
        int failed = 0;

        for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
                failed += measure(&tests[i]);
        failed += measure_many();
        return failed + measure_idle();
}

/* --- the table --- */

static double reference_of(enum figure_name name)
{
        return samples_median(&results->reference[name]);
}

static bool print_figures(void)
{
        struct figure figures[FIGURES] = {
            [FIGURE_PLUG] = {"plug (last tty) to smsd's first poll done", "ms", 0,
                             .reach = "<= a script that knows the port + 500 ms",
                             .limit = reference_of(FIGURE_PLUG) + 500},
            [FIGURE_CRASH] = {"kill -9 of smsd to first poll done", "ms", 0,
                              .reach = "<= 1.1 x started by hand", .limit = 1.1 * reference_of(FIGURE_CRASH)},
            [FIGURE_SUCCESSOR] = {"exit of smsd to the start of its successor", "ms", 1, .reach = "<= 20 ms",
                                  .limit = 20},
            [FIGURE_FLOOD] = {"the same while 1,000 alerts come in a second", "ms", 1,
                              .reach = "<= 1.5 x without alerts", .limit = 1.5 * reference_of(FIGURE_FLOOD)},
            [FIGURE_STATUS] = {"status --json", "ms", 2, .reach = "<= true + 5 ms",
                               .limit = reference_of(FIGURE_STATUS) + 5},
            [FIGURE_RESIDENT] = {"daemon, healthy and idle: resident", "kB", 0,
                                 .reach = "<= 5120 kB (reference: an empty program)", .limit = 5120},
            [FIGURE_DIRTY] = {"daemon, healthy and idle: private dirty", "kB", 0, .reach = "<= 1024 kB",
                              .limit = 1024},
            [FIGURE_WAKEUPS] = {"daemon, healthy and idle: wake-ups in a minute", "", 0, .reach = "<= 2",
                                .limit = 2},
            [FIGURE_EVENTS] = {"core and queue: heap grown over 1,000,000 events", "bytes", 0, .reach = "0",
                               .limit = 0},
            [FIGURE_STORM] = {"daemon: resident grown over 290 snapshots, 29 plugs", "kB", 0, .reach = "0",
                              .limit = 0},
            [FIGURE_MANY] = {"16 modems plugged at once: all polled", "ms", 0, .reach = "<= 1.2 x one modem",
                             .limit = 1.2 * reference_of(FIGURE_MANY)},
            [FIGURE_THROUGHPUT] = {"SMS through smsd in a minute, one modem", "", 1, .more = true,
                                   .reach = ">= 0.98 x without the daemon",
                                   .limit = 0.98 * reference_of(FIGURE_THROUGHPUT)},
            [FIGURE_SMS] = {"daemon: processor time for an SMS (reference: smsd's time)", "ms", 2,
                            .reach = "<= 2 % of the time that it takes",
                            .limit = 0.02 * reference_of(FIGURE_SMS)},
        };
        bool reached = true;

        for (size_t i = 0; i < FIGURES; i++) {
                figures[i].reference = results->reference[i];
                figures[i].measured = results->measured[i];
                reached &= figure_reached(&figures[i]);
        }
        table_print(figures, FIGURES);
        return reached;
}

int main(int argc, char **argv)
{
        usec_t begun = bench_now();
        int out = dup(STDOUT_FILENO);

        if (argc > 1)
                wanted = argv[1];
        results = mmap(NULL, sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (results == MAP_FAILED || out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
                return EXIT_FAILURE;
        int failed = measure_all();
        (void)fflush(stdout);
        if (dup2(out, STDOUT_FILENO) < 0)
                return EXIT_FAILURE;
        (void)fprintf(stderr, "%.0f s\n", bench_ms(begun, bench_now()) / 1000);
        bool reached = print_figures();
        return failed == 0 && reached ? EXIT_SUCCESS : EXIT_FAILURE;
}
