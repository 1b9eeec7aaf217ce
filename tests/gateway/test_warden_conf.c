/*
 * smswarden.conf with a mistake in it: a person is told where and what is allowed, the gateway goes on with
 * what worked before.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MISTAKE "\n[hold]\ndefault = banana\n"

/* Runs our smswardend (from the build folder that this program is in); returns its exit code. */
static void find_program(char program[static PATH_MAX])
{
        char self[PATH_MAX];
        ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_true(length > 0);
        self[length] = '\0';
        for (int i = 0; i < 3; i++)
                *strrchr(self, '/') = '\0';
        assert_int_equal(text_format(program, PATH_MAX, "%s/smswardend", self), 0);
}

static int run(const char *arguments, char *ret_output, size_t size)
{
        char program[PATH_MAX], command[PATH_MAX + 256];

        find_program(program);
        assert_int_equal(text_format(command, sizeof(command), "'%s' %s 2>&1", program, arguments), 0);
        FILE *stream = popen(command, "re");
        assert_non_null(stream);
        size_t n = fread(ret_output, 1, size - 1, stream);
        ret_output[n] = '\0';
        int status = pclose(stream);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static unsigned line_of(const char *path, const char *wanted)
{
        _cleanup_free_ char *text = gateway_read(path);
        const char *at = strstr(text, wanted);
        unsigned line = 1;

        assert_non_null(at);
        for (const char *p = text; p < at; p++)
                line += *p == '\n';
        return line;
}

static void append(const char *path, const char *more)
{
        _cleanup_free_ char *text = gateway_read(path);
        char both[8192];

        assert_int_equal(text_format(both, sizeof(both), "%s%s", text, more), 0);
        gateway_write(path, both);
}

/* FILE:LINE: and what is allowed. */
static void assert_told(const struct gateway *g, const char *output)
{
        char where[160];

        assert_int_equal(text_format(where, sizeof(where), "%s:%u: ", g->warden_conf,
                                     line_of(g->warden_conf, "default = banana")),
                         0);
        const char *at = strstr(output, where);
        if (!at)
                fail_msg("no '%s' in: %s", where, output);
        assert_non_null(strstr(at, "default"));
        assert_non_null(strstr(at, "banana"));
        assert_non_null(strstr(at, "30min")); /* an example of a right one */
}

static void none_was_kept(struct gateway *g)
{
        char output[4096];

        append(g->warden_conf, MISTAKE);
        assert_int_equal(gateway_run_daemon(g, output, sizeof(output)), 78);
        assert_told(g, output);
        assert_non_null(strstr(output, "correct the file and start again"));
        assert_int_equal(gateway_processes(g), 0);
}

static void the_last_good_one_serves(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        _cleanup_free_ char *good = gateway_read(g->warden_conf);
        gateway_end_daemon(g);
        append(g->warden_conf, MISTAKE);
        gateway_start_daemon(g);
        gateway_wait_verdict(g, VERDICT_WORKING, 15000);
        assert_int_equal(gateway_smsd(g), pid);
        assert_string_equal(g->snapshot.controller.config, "last-good");
        _cleanup_free_ char *log = gateway_read(g->daemon_log);
        assert_told(g, log);
        const char *said = strstr(log, "the last good configuration");
        assert_non_null(said);
        assert_memory_equal(said - strlen("ERROR "), "ERROR ", strlen("ERROR "));

        gateway_write(g->warden_conf, good);
        gateway_signal(g->daemon, SIGHUP);
        gateway_wait_logged(g, "the configuration was read again", 3000);
        assert_string_equal(gateway_snapshot(g)->controller.config, "current");
        assert_int_equal(gateway_smsd(g), pid);
}

/* The hold that a stop without a length makes, in seconds. */
static int64_t default_hold(struct gateway *g)
{
        gateway_stop(g, 0);
        const struct snapshot *s = gateway_snapshot(g);
        assert_true(s->hold.active);
        int64_t length = (s->hold.until - s->hold.since) / (int64_t)USEC_PER_SEC;
        gateway_start(g);
        return length;
}

static void a_reload_is_checked_first(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        _cleanup_free_ char *good = gateway_read(g->warden_conf);
        append(g->warden_conf, MISTAKE);
        gateway_signal(g->daemon, SIGHUP);
        gateway_wait_logged(g, "the running configuration stays in force", 3000);
        _cleanup_free_ char *log = gateway_read(g->daemon_log);
        assert_told(g, log);
        assert_string_equal(gateway_snapshot(g)->controller.config, "current");
        assert_int_equal(default_hold(g), 77);

        gateway_write(g->warden_conf, good);
        append(g->warden_conf, "\n[hold]\ndefault = 55s\n[alerts]\nspool_size = 512K\n");
        gateway_signal(g->daemon, SIGHUP);
        gateway_wait_logged(g, "spool_size or state_dir takes effect at the next start", 3000);
        gateway_wait_logged(g, "the configuration was read again", 3000);
        assert_int_equal(default_hold(g), 55);
}

/* The user's own profiles lie beside smswarden.conf. A mistake in one is told with its place; at a start what
 * is shipped under that name serves, at a reload the table stays. */
static void a_profile_with_a_mistake(struct gateway *g)
{
        char folder[128], path[160], output[4096], arguments[200];

        assert_int_equal(text_format(folder, sizeof(folder), "%.*sprofiles.d",
                                     (int)(strrchr(g->warden_conf, '/') + 1 - g->warden_conf),
                                     g->warden_conf),
                         0);
        assert_int_equal(mkdir(folder, 0755), 0);
        assert_int_equal(text_format(path, sizeof(path), "%s/quectel-ec2x.ini", folder), 0);
        gateway_write(path, "[profile]\nport_rule = ttyUSB2\n");
        assert_int_equal(
            text_format(arguments, sizeof(arguments), "--check-config --config %s", g->warden_conf), 0);
        assert_int_equal(run(arguments, output, sizeof(output)), 78);
        assert_non_null(strstr(output, "quectel-ec2x.ini:2: [profile] port_rule: \"ttyUSB2\""));

        gateway_start_daemon(g);
        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        gateway_wait_logged(g, "what is built in or shipped under that name is used", 3000);
        gateway_write(path, "[profile]\nusb = 2c7c:0125\nport_rule = quectel\npreference = 20\n");
        append(g->warden_conf, "\n[modem GSM1]\nprofile = mine\n");
        gateway_signal(g->daemon, SIGHUP);
        gateway_wait_logged(g, "profile: \"mine\" is not known; allowed: auto, quectel-ec2x, generic", 3000);
        assert_int_equal(text_format(path, sizeof(path), "%s/mine.ini", folder), 0);
        gateway_write(path, "[profile]\nport_rule = quectel\npreference = 1\n");
        gateway_signal(g->daemon, SIGHUP);
        gateway_wait_logged(g, "the configuration was read again", 3000);
        gateway_write(path, "[profile]\nport_rule = quectel\n");
        gateway_signal(g->daemon, SIGHUP);
        gateway_wait_logged(g, "mine.ini: [profile] preference: is not set", 3000);
        assert_int_equal(gateway_smsd(g), pid);
        gateway_working(g, 0);
}

static void options(struct gateway *g)
{
        char output[4096], arguments[160];

        assert_int_equal(run("--nonsense", output, sizeof(output)), 64);
        assert_non_null(strstr(output, "nonsense"));
        assert_int_equal(run("stray", output, sizeof(output)), 64);
        assert_int_equal(run("--version", output, sizeof(output)), 0);
        assert_int_equal(gateway_count(output, "smswardend "), 1);
        assert_int_equal(
            text_format(arguments, sizeof(arguments), "--check-config --config %s", g->warden_conf), 0);
        assert_int_equal(run(arguments, output, sizeof(output)), 0);
        assert_non_null(strstr(output, "correct"));
        assert_non_null(strstr(output, "nobody is told of alerts"));
        append(g->warden_conf, "\n[notify a]\ntype = exec\nurl = /bin/true\n[notify b]\ntype = sms\n"
                               "url = +37060000000\nmin_severity = critical\nmatch = hold\n");
        assert_int_equal(run(arguments, output, sizeof(output)), 0);
        assert_non_null(
            strstr(output, "\nalerts go to a (exec, warning and above), b (sms, critical, by match)\n"));
        append(g->warden_conf, MISTAKE);
        assert_int_equal(run(arguments, output, sizeof(output)), 78);
        assert_told(g, output);
        assert_int_equal(gateway_count(output, "\n"), 1);
        assert_int_not_equal(access(gateway_path(g, "run/lock"), F_OK), 0); /* it only looked */
}

static int run_as_nobody(void)
{
        char program[PATH_MAX], name[] = "smswardend", *arguments[] = {name, NULL};
        int status;

        find_program(program);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int fd = open(program, O_PATH | O_CLOEXEC); /* its folder may be root's only */
                if (fd >= 0 && setgid(65534) == 0 && setuid(65534) == 0)
                        (void)fexecve(fd, arguments, environ);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A mistyped name is no wish for the defaults, and who is not root would not see the smsd that runs. */
static void neither_a_wrong_name_nor_another_account_starts_it(struct gateway *g)
{
        char output[4096];

        assert_int_equal(run("--config /nowhere/smswarden.conf", output, sizeof(output)), 78);
        assert_non_null(strstr(output, "/nowhere/smswarden.conf: No such file or directory"));
        assert_int_equal(run_as_nobody(), 77);
        assert_int_not_equal(access(gateway_path(g, "run/lock"), F_OK), 0);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(none_was_kept, .no_daemon = true),
    GATEWAY_TEST(the_last_good_one_serves),
    GATEWAY_TEST(a_reload_is_checked_first, .warden = "default = 77s"),
    GATEWAY_TEST(a_profile_with_a_mistake, .no_daemon = true),
    GATEWAY_TEST(options, .no_daemon = true),
    GATEWAY_TEST(neither_a_wrong_name_nor_another_account_starts_it, .no_daemon = true),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
