/*
 * Looking never harms: hundreds of questions while messages come and go, and not one byte of ours on the port
 * that smsd holds. What the daemon opens is asked of the kernel (strace), not of the daemon.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LOOKS 200

struct trace {
        pid_t pid;
        char path[192];
};

static bool is_attached(struct gateway *g, const void *userdata)
{
        char path[64];

        (void)userdata;
        assert_int_equal(text_format(path, sizeof(path), "/proc/%d/status", (int)g->daemon), 0);
        _cleanup_free_ char *status = gateway_read(path);
        const char *line = strstr(status, "\nTracerPid:\t");
        return line && atoi(line + strlen("\nTracerPid:\t")) > 0;
}

/* Every path that the daemon opens from now on. */
static void begin_trace(struct gateway *g, struct trace *trace)
{
        char pid[16];

        (void)text_copy(trace->path, sizeof(trace->path), gateway_path(g, "trace"));
        assert_int_equal(text_format(pid, sizeof(pid), "%d", (int)g->daemon), 0);
        trace->pid = fork();
        if (trace->pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)execlp("strace", "strace", "-f", "-q", "-e", "trace=open,openat,openat2", "-o",
                             trace->path, "-p", pid, (char *)NULL);
                _exit(127);
        }
        assert_true(trace->pid > 0);
        gateway_wait(g, 5000, "strace watches the daemon", is_attached, NULL);
}

/* With a last open that must be in it: the configuration is read again. */
static char *end_trace(struct gateway *g, const struct trace *trace)
{
        gateway_signal(g->daemon, SIGHUP);
        gateway_wait_logged(g, "the configuration was read again", 5000);
        gateway_signal(trace->pid, SIGINT);
        gateway_wait_exit(trace->pid, 5000);
        assert_int_equal(waitpid(trace->pid, NULL, 0), trace->pid);
        char *opened = gateway_read(trace->path);
        assert_non_null(strstr(opened, g->warden_conf));
        return opened;
}

/* The node and what it points to, as the daemon could name them. */
static void assert_never_opened(struct gateway *g, const char *trace)
{
        char real[PATH_MAX], quoted[PATH_MAX + 2];

        _cleanup_free_ char *node = gateway_ask(g, "node 0");
        node[strcspn(node, "\n")] = '\0';
        assert_non_null(realpath(node, real));
        assert_int_equal(text_format(quoted, sizeof(quoted), "\"%s\"", node), 0);
        assert_null(strstr(trace, quoted));
        assert_int_equal(text_format(quoted, sizeof(quoted), "\"%s\"", real), 0);
        assert_null(strstr(trace, quoted));
}

static void assert_holds_no_tty(const struct gateway *g)
{
        char path[64], target[PATH_MAX];

        for (int fd = 0; fd < 256; fd++) {
                assert_int_equal(text_format(path, sizeof(path), "/proc/%d/fd/%d", (int)g->daemon, fd), 0);
                ssize_t length = readlink(path, target, sizeof(target) - 1);
                if (length < 0)
                        continue;
                target[length] = '\0';
                assert_null(strstr(target, "/dev/pts/"));
        }
}

static void traffic(struct gateway *g, unsigned n)
{
        char name[16];

        assert_int_equal(text_format(name, sizeof(name), "m%u", n), 0);
        gateway_send(g, name, "While somebody looks");
        gateway_modem(g, "receive 0 37060000002 Look %u", n);
}

static void two_hundred_snapshots(struct gateway *g)
{
        struct trace trace;

        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        pid_t handler = gateway_handler(g);
        /* What only the probe asks: smsd never does. */
        unsigned probes = gateway_commands(g, 0, "AT+QINISTAT") + gateway_commands(g, 0, "AT+COPS?");
        assert_true(probes > 0);
        begin_trace(g, &trace);
        for (unsigned i = 0; i < LOOKS; i++) {
                if (i % 40 == 0)
                        traffic(g, i);
                assert_int_equal(gateway_snapshot(g)->smsd.pid, pid);
        }
        gateway_wait_sent(g, 0, LOOKS / 40, 30000);
        gateway_wait_received(g, "Look 160", 15000);
        assert_int_equal(gateway_handler(g), handler);
        assert_int_equal(gateway_starts(g), 1);
        assert_int_equal(gateway_commands(g, 0, "AT+QINISTAT") + gateway_commands(g, 0, "AT+COPS?"), probes);
        assert_holds_no_tty(g);
        _cleanup_free_ char *opened = end_trace(g, &trace);
        assert_never_opened(g, opened);
}

/* Our CLI, from the build folder that this program is in. */
static int status(const struct gateway *g, const char *under, char *output, size_t size)
{
        char self[PATH_MAX], command[PATH_MAX + 256];
        ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_true(length > 0);
        self[length] = '\0';
        for (int i = 0; i < 3; i++)
                *strrchr(self, '/') = '\0';
        assert_int_equal(text_format(command, sizeof(command),
                                     "exec %s '%s/smswarden' --config %s status --json 2>&1", under, self,
                                     g->warden_conf),
                         0);
        FILE *stream = popen(command, "re");
        assert_non_null(stream);
        size_t n = fread(output, 1, size - 1, stream);
        output[n] = '\0';
        int code = pclose(stream);
        return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static void two_hundred_runs_of_status(struct gateway *g)
{
        struct trace trace;
        char output[16384], wanted[32];

        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        assert_int_equal(text_format(wanted, sizeof(wanted), "\"pid\":%d,", (int)pid), 0);
        unsigned probes = gateway_commands(g, 0, "AT+QINISTAT");
        begin_trace(g, &trace);
        for (unsigned i = 0; i < LOOKS; i++) {
                if (i % 40 == 0)
                        traffic(g, i);
                int code = status(g, "", output, sizeof(output));
                if (code != 0 || !strstr(output, "\"verdict\":\"working\"") || !strstr(output, wanted))
                        fail_msg("run %u: exit %d: %s", i, code, output);
        }
        gateway_wait_sent(g, 0, LOOKS / 40, 30000);
        gateway_wait_received(g, "Look 160", 15000);
        assert_int_equal(gateway_smsd(g), pid);
        assert_int_equal(gateway_starts(g), 1);
        assert_int_equal(gateway_commands(g, 0, "AT+QINISTAT"), probes);
        _cleanup_free_ char *opened = end_trace(g, &trace);
        assert_never_opened(g, opened);

        /* And what the CLI itself opens. */
        char strace[256];
        assert_int_equal(
            text_format(strace, sizeof(strace),
                        "strace -E ASAN_OPTIONS=detect_leaks=0 -f -e trace=open,openat,openat2 -o %s",
                        gateway_path(g, "trace-cli")),
            0);
        assert_int_equal(status(g, strace, output, sizeof(output)), 0);
        _cleanup_free_ char *by_cli = gateway_read(gateway_path(g, "trace-cli"));
        assert_non_null(strstr(by_cli, g->warden_conf));
        assert_never_opened(g, by_cli);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(two_hundred_snapshots),
    GATEWAY_TEST(two_hundred_runs_of_status),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
