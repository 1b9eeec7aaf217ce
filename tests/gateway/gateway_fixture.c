/*
 * The life of a gateway for tests, see gateway_fixture.h. The undertaker is a child that waits for the end of
 * a pipe: whatever ends the test program, it ends every process that runs a binary of the folder (by pidfd,
 * looked at again first) and removes the folder. The daemon and softec25 die with us by themselves.
 */
#include "gateway_fixture.h"

#include "base/text.h"
#include "ec25/client.h"
#include "gateway_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char build[PATH_MAX]; /* the build folder that we were made in: build/tests/gateway/test_x */

static void find_build(void)
{
        ssize_t length = readlink("/proc/self/exe", build, sizeof(build) - 1);

        assert_true(length > 0);
        build[length] = '\0';
        for (int i = 0; i < 3; i++)
                *strrchr(build, '/') = '\0';
}

/* --- the undertaker --- */

static int remove_file(const char *path, const struct stat *stat, int type, struct FTW *where)
{
        (void)stat;
        (void)type;
        (void)where;
        (void)remove(path); /* what cannot go shows as a folder left in /tmp */
        return 0;
}

static bool kill_exact(const char *folder, pid_t pid)
{
        _cleanup_close_ int fd = pidfd_open(pid, 0);

        if (fd < 0 || !process_runs_from(folder, pid))
                return false;
        (void)pidfd_send_signal(fd, SIGKILL, NULL, 0); /* it may have just ended */
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        (void)poll(&wait, 1, 5000);
        return true;
}

static bool kill_once(const char *folder)
{
        DIR *stream = opendir("/proc");
        bool found = false;

        if (!stream)
                return false;
        for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
                pid_t pid = (pid_t)atoi(entry->d_name);
                if (pid > 0 && process_runs_from(folder, pid))
                        found |= kill_exact(folder, pid);
        }
        (void)closedir(stream);
        return found;
}

static void bury(const char *folder)
{
        /* smsd forks while we look: until a look finds nothing. */
        for (int i = 0; i < 50 && kill_once(folder); i++)
                ;
        release_folder(folder);
        (void)nftw(folder, remove_file, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the folder --- */

static void copy_smsd(const char *to)
{
        _cleanup_close_ int in = open("/usr/sbin/smsd", O_RDONLY | O_CLOEXEC);
        _cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
        char buffer[65536];
        ssize_t n;

        assert_true(in >= 0 && out >= 0);
        while ((n = read(in, buffer, sizeof(buffer))) > 0)
                assert_int_equal(write(out, buffer, (size_t)n), n);
        assert_int_equal(n, 0);
}

static void path_in(const struct gateway *g, char target[96], const char *name)
{
        assert_int_equal(text_format(target, 96, "%s/%s", g->folder, name), 0);
}

static void make_folder(struct gateway *g)
{
        static const char *const folders[] = {"modem",
                                              "run",
                                              "state",
                                              "stats",
                                              "spool",
                                              "spool/outgoing",
                                              "spool/checked",
                                              "spool/incoming",
                                              "spool/failed",
                                              "spool/sent",
                                              "tmp"};
        char path[96];

        (void)text_copy(g->folder, sizeof(g->folder), "/tmp/smswarden-gateway-XXXXXX");
        assert_non_null(mkdtemp(g->folder));
        assert_int_equal(chmod(g->folder, 0755), 0);
        undertaker_hire(&g->undertaker, bury, g->folder);
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                path_in(g, path, folders[i]);
                assert_int_equal(mkdir(path, 0755), 0);
        }
        path_in(g, g->smsd, "smsd");
        path_in(g, g->conf, "smsd.conf");
        path_in(g, g->warden_conf, "smswarden.conf");
        path_in(g, g->flag, "tmp/smsd_manual_stop");
        path_in(g, g->smsd_log, "smsd.log");
        path_in(g, g->daemon_log, "smswardend.log");
        path_in(g, g->run, "run");
        path_in(g, g->state, "state");
        copy_smsd(g->smsd);
}

/* Adds the text with every %s in it replaced by the folder. */
static void add_template(char *text, size_t size, const char *template, const char *folder)
{
        for (const char *end; (end = strstr(template, "%s")); template = end + 2)
                assert_int_equal(text_append(text, size, "%.*s%s", (int)(end - template), template, folder),
                                 0);
        assert_int_equal(text_append(text, size, "%s\n", template), 0);
}

static void write_smsd_conf(const struct gateway *g, unsigned slots)
{
        static const char usual[] = "outgoing = %s/spool/outgoing\nchecked = %s/spool/checked\n"
                                    "incoming = %s/spool/incoming\nfailed = %s/spool/failed\n"
                                    "sent = %s/spool/sent\nstats = %s/stats\nlogfile = %s/smsd.log\n"
                                    "pidfile = %s/run/smsd.pid\ninfofile = %s/run/smsd.working\n"
                                    "loglevel = 5\ndelaytime = 1\ndelaytime_mainprocess = 1\n"
                                    "receive_before_send = no\n";
        const struct gateway_options *options = g->options;
        char text[16384] = "# A comment of the user's own.\ndevices = GSM1";

        for (unsigned i = 1; i < slots; i++)
                assert_int_equal(text_append(text, sizeof(text), ",GSM%u", i + 1), 0);
        assert_int_equal(text_append(text, sizeof(text), "\n"), 0);
        add_template(text, sizeof(text), usual, g->folder);
        add_template(text, sizeof(text), options->smsd_global ? options->smsd_global : "", g->folder);
        for (unsigned i = 0; i < slots; i++)
                assert_int_equal(text_append(text, sizeof(text),
                                             "[GSM%u]\ndevice = /dev/ttyUSB9%u\nincoming = yes\n"
                                             "baudrate = 115200\nmemory_start = 0\n%s\n",
                                             i + 1, i, options->smsd_modem ? options->smsd_modem : ""),
                                 0);
        if (options->smsd_conf) {
                text[0] = '\0';
                add_template(text, sizeof(text), options->smsd_conf, g->folder);
        }
        gateway_write(g->conf, text);
}

/* The AT port is the third of a modem's four ttys. */
static void add_fixed_nodes(const struct gateway *g, char *text, size_t size)
{
        const char *nodes = ec25_client_environment(g->modem, "EC25_NODES");

        for (unsigned i = 0; i < (g->options->modems ? g->options->modems : 1); i++)
                assert_int_equal(text_append(text, size, "[modem GSM%u]\nmatch = device=%s/ttyUSB%u\n", i + 1,
                                             nodes, 4 * i + 2),
                                 0);
}

static void write_warden_conf(const struct gateway *g)
{
        static const char usual[] = "control = direct\nsystem_bus = off\nsmsd = %s/smsd\n"
                                    "smsd_conf = %s/smsd.conf\nsmsd_user =\nruntime_dir = %s/run\n"
                                    "state_dir = %s/state\n[alerts]\nstate_dir = "
                                    "%s/notify\n[hold]\nlegacy_flag = %s/tmp/smsd_manual_stop\n";
        char text[8192] = "[gateway]\n";

        add_template(text, sizeof(text), g->options->plain ? "" : "hotplug = udev", g->folder);
        add_template(text, sizeof(text), usual, g->folder);
        add_template(text, sizeof(text), g->options->warden ? g->options->warden : "", g->folder);
        if (g->options->plain)
                add_fixed_nodes(g, text, sizeof(text));
        gateway_write(g->warden_conf, text);
}

/* --- the daemon --- */

static void use_environment(const struct gateway *g)
{
        static const char *const names[] = {"UMOCKDEV_DIR", "EC25_NODES", "LD_PRELOAD"};
        char options[512];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (ec25_client_environment(g->modem, names[i]))
                        (void)setenv(names[i], ec25_client_environment(g->modem, names[i]), 1);
        /* A sanitized daemon: smsd inherits LD_PRELOAD and is not ours to sanitize, so umockdev is all that
         * is preloaded, and the order of libraries no error. */
        (void)text_format(options, sizeof(options), "%s%sverify_asan_link_order=0",
                          getenv("ASAN_OPTIONS") ? getenv("ASAN_OPTIONS") : "",
                          getenv("ASAN_OPTIONS") ? ":" : "");
        (void)setenv("ASAN_OPTIONS", options, 1);
}

static pid_t spawn_daemon(const struct gateway *g, const char *output)
{
        char program[PATH_MAX + 16];
        pid_t parent = getpid(), pid;

        assert_int_equal(text_format(program, sizeof(program), "%s/smswardend", build), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        int fd = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && dup2(fd, STDOUT_FILENO) >= 0 &&
            dup2(fd, STDERR_FILENO) >= 0) {
                use_environment(g);
                (void)execl(program, "smswardend", "--config", g->warden_conf, "--verbose", (char *)NULL);
        }
        _exit(127);
}

static bool daemon_answers(struct gateway *g, const void *userdata)
{
        char path[128];

        (void)userdata;
        int status;
        if (waitpid(g->daemon, &status, WNOHANG) == g->daemon) {
                g->daemon = 0;
                fail_msg("the daemon ended with status %x", status);
        }
        (void)text_format(path, sizeof(path), "%s/bus", g->run);
        return control_client_connect(&g->client, path, 5 * USEC_PER_SEC) >= 0;
}

void gateway_start_daemon(struct gateway *g)
{
        assert_int_equal(g->daemon, 0);
        g->daemon = spawn_daemon(g, g->daemon_log);
        gateway_wait(g, 10000, "the daemon answers", daemon_answers, NULL);
}

static int reap_daemon(struct gateway *g, int64_t patience)
{
        int status = -1;

        g->client = control_client_free(g->client);
        gateway_wait_exit(g->daemon, patience);
        assert_int_equal(waitpid(g->daemon, &status, 0), g->daemon);
        g->daemon = 0;
        return status;
}

void gateway_end_daemon(struct gateway *g)
{
        gateway_signal(g->daemon, SIGTERM);
        assert_int_equal(reap_daemon(g, 10000), 0);
}

void gateway_kill_daemon(struct gateway *g)
{
        gateway_signal(g->daemon, SIGKILL);
        (void)reap_daemon(g, 10000); /* by the signal, of course */
}

int gateway_run_daemon(struct gateway *g, char *ret_output, size_t size)
{
        char path[96];
        int status;

        path_in(g, path, "second.log");
        pid_t pid = spawn_daemon(g, path);
        gateway_wait_exit(pid, 10000);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        _cleanup_free_ char *text = gateway_read(path);
        (void)text_copy(ret_output, size, text);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- a test's frame --- */

static int set_up(void **state)
{
        const struct gateway_test *test = *state;
        struct gateway *g = calloc(1, sizeof(*g));
        char program[PATH_MAX + 16], folder[96], modems[16];

        assert_non_null(g);
        g->options = &test->options;
        unsigned n = test->options.modems ? test->options.modems : 1;
        make_folder(g);
        write_smsd_conf(g, g->options->slots ? g->options->slots : n);
        (void)text_format(program, sizeof(program), "%s/softec25", build);
        (void)text_format(modems, sizeof(modems), "%u", n);
        path_in(g, folder, "modem");
        const char *const arguments[] = {"--modems", modems, g->options->plain ? NULL : "--umockdev", NULL};
        assert_int_equal(ec25_client_start(program, folder, arguments, &g->modem), 0);
        write_warden_conf(g);
        *state = g;
        return 0;
}

static void print_tail(const char *title, const char *path, size_t most)
{
        _cleanup_free_ char *text = gateway_read(path);
        size_t length = strlen(text);

        /* Not print_message(): that cuts at a kilobyte. */
        (void)printf("--- %s\n%s\n", title, text + (length > most ? length - most : 0));
}

static void tell_failure(struct gateway *g)
{
        _cleanup_free_ char *list = NULL;
        char path[96];

        path_in(g, path, "modem/transcript/0-at");
        print_tail("the AT port of modem 0", path, 3000);
        print_tail("smsd.conf", g->conf, 4000);
        print_tail("smsd", g->smsd_log, 6000);
        print_tail("smswardend", g->daemon_log, 20000);
        if (ec25_client_command(g->modem, 1000, &list, "list") >= 0)
                (void)printf("--- modems\n%s\n", list);
}

static void run(void **state)
{
        struct gateway *g = *state;
        const struct gateway_test *test =
            (const struct gateway_test *)(const void *)((const char *)g->options -
                                                        offsetof(struct gateway_test, options));

        if (!g->options->no_daemon)
                gateway_start_daemon(g);
        test->run(g);
        g->passed = true; /* a failure does not come back here */
}

static int tear_down(void **state)
{
        struct gateway *g = *state;
        int status = 0;

        if (!g->passed)
                tell_failure(g);
        if (g->daemon > 0) {
                (void)kill(g->daemon, g->passed ? SIGTERM : SIGKILL);
                status = reap_daemon(g, 10000);
        }
        if (g->passed && status != 0)
                print_tail("smswardend", g->daemon_log, 20000);
        g->modem = ec25_client_free(g->modem);
        undertaker_call(&g->undertaker);
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        int r = g->passed && status != 0 ? -1 : 0; /* a leak, an assertion on the way out */
        free(g);
        return r;
}

int gateway_main(const struct gateway_test *tests, size_t n, int argc, char **argv)
{
        struct CMUnitTest units[64];

        find_build();
        assert_true(n <= ARRAY_SIZE(units));
        /* What the daemon leaves behind when it is killed must not become somebody else's to reap. */
        assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
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
