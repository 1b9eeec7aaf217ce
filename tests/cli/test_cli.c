/*
 * The program smswarden itself: what it says on a mistake, without a controller, and to a controller that
 * says what this test wants (the real bus, in a process of its own). Looks for the program beside the folder
 * of the tests.
 */
#include "adapters/control_bus.h"
#include "adapters/hold_store.h"

#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define NOBODY 65534

struct fixture {
        char folder[64];
        char config[96];
        char program[PATH_MAX];
        pid_t server;
};

struct output {
        int code;
        char out[65536];
        char err[4096];
};

/* --- running it --- */

static void read_all(int fd, char *target, size_t size)
{
        size_t length = 0;
        ssize_t n;

        while (length + 1 < size && (n = read(fd, target + length, size - 1 - length)) > 0)
                length += (size_t)n;
        target[length] = '\0';
}

static _Noreturn void become(const struct fixture *f, uid_t uid, int out, int err, const char *const *words)
{
        const char *argv[16] = {f->program, "--config", f->config};
        /* Before the account changes: the build may lie in a folder that strangers cannot enter. */
        int program = open(f->program, O_PATH | O_CLOEXEC);

        for (unsigned i = 0; i < 12 && words[i]; i++)
                argv[3 + i] = words[i];
        if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 || setenv("TZ", "UTC", 1) < 0 ||
            (uid != 0 && setresuid(uid, uid, uid) < 0))
                _exit(120);
        fexecve(program, (char *const *)argv, environ);
        _exit(121);
}

static void run_as(const struct fixture *f, uid_t uid, struct output *output, const char *const *words)
{
        int out[2], err[2], status = 0;

        assert_int_equal(pipe(out), 0);
        assert_int_equal(pipe(err), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                become(f, uid, out[1], err[1], words);
        (void)close(out[1]);
        (void)close(err[1]);
        read_all(out[0], output->out, sizeof(output->out));
        read_all(err[0], output->err, sizeof(output->err));
        (void)close(out[0]);
        (void)close(err[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        output->code = WEXITSTATUS(status);
}

#define RUN(f, output, ...)         run_as(f, 0, output, (const char *const[]){__VA_ARGS__, NULL})
#define RUN_AS(f, uid, output, ...) run_as(f, uid, output, (const char *const[]){__VA_ARGS__, NULL})

static json_t *parse(const struct output *output)
{
        json_t *root = json_loads(output->out, 0, NULL);

        assert_non_null(root);
        return root;
}

static const char *get_text(json_t *root, const char *object, const char *key)
{
        json_t *from = object ? json_object_get(root, object) : root;

        return json_string_value(json_object_get(from, key));
}

static json_int_t get_number(json_t *root, const char *object, const char *key)
{
        return json_integer_value(json_object_get(json_object_get(root, object), key));
}

/* --- the controller --- */

struct server {
        struct control_bus *bus;
        enum verdict verdict;
        bool held;
};

static int64_t wall_clock(void)
{
        return (int64_t)time(NULL) * (int64_t)USEC_PER_SEC;
}

static void serve_command(void *userdata, const struct command *command)
{
        struct server *server = userdata;
        char message[512];
        int result = text_equal(command->reason, "fail") ? 1 : text_equal(command->reason, "refuse") ? 2 : 0;

        server->held = command->kind == COMMAND_STOP;
        (void)text_format(message, sizeof(message), "%d by %s: %s for %llu%s", (int)command->kind,
                          command->by, command->reason,
                          (unsigned long long)(command->duration / USEC_PER_SEC),
                          command->force ? " forced" : "");
        control_bus_reply(server->bus, command->token, result, message);
}

static void serve_snapshot(void *userdata, struct snapshot *s)
{
        const struct server *server = userdata;

        s->controller.running = true;
        (void)text_copy(s->controller.version, sizeof(s->controller.version), "0.0.1");
        s->verdict = server->verdict;
        (void)text_copy(s->reason, sizeof(s->reason), "because");
        s->n_modems = 1;
        (void)text_copy(s->modems[0].name, sizeof(s->modems[0].name), "GSM1");
        (void)text_copy(s->modems[0].state, sizeof(s->modems[0].state), "ready");
        (void)text_copy(s->modems[0].device, sizeof(s->modems[0].device), "/dev/ttyUSB6");
        (void)text_copy(s->modems[0].imsi, sizeof(s->modems[0].imsi), "262010000000000");
        s->modems[0].interface = -1;
        s->hold.active = server->held;
        s->hold.since = wall_clock();
        s->hold.until = wall_clock() + (int64_t)(30 * USEC_PER_MIN);
}

static void serve_reload(void *userdata _unused_)
{
}

static int run_server(const char *path, enum verdict verdict, int ready)
{
        static const struct control_bus_callbacks callbacks = {
            .command = serve_command, .snapshot = serve_snapshot, .reload = serve_reload};
        struct server server = {.verdict = verdict};
        sd_event *event = NULL;
        sigset_t mask;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ||
            sd_event_new(&event) < 0 || sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL) < 0 ||
            control_bus_new(&server.bus, event, path, &callbacks, &server) < 0 || write(ready, "", 1) != 1)
                return 1;
        int r = sd_event_loop(event);
        server.bus = control_bus_free(server.bus);
        event = sd_event_unref(event);
        return r < 0;
}

static void start_server(struct fixture *f, enum verdict verdict)
{
        char path[96], byte;
        int ready[2];

        (void)text_format(path, sizeof(path), "%s/run/bus", f->folder);
        assert_int_equal(pipe(ready), 0);
        f->server = fork();
        assert_true(f->server >= 0);
        if (f->server == 0)
                _exit(run_server(path, verdict, ready[1]));
        (void)close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
}

static void stop_server(struct fixture *f)
{
        int status = 0;

        assert_int_equal(kill(f->server, SIGTERM), 0);
        assert_int_equal(waitpid(f->server, &status, 0), f->server);
        assert_int_equal(status, 0);
        f->server = 0;
}

/* --- the box --- */

static void put_file(const struct fixture *f, const char *name, const char *text)
{
        char path[128];

        (void)text_format(path, sizeof(path), "%s/%s", f->folder, name);
        assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
}

static void find_program(struct fixture *f)
{
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_true(n > 0);
        self[n] = '\0'; /* BUILD/tests/cli/test_cli */
        (void)text_format(f->program, sizeof(f->program), "%s/smswarden", dirname(dirname(dirname(self))));
        assert_int_equal(access(f->program, X_OK), 0);
}

static int set_up(void **state)
{
        static const char *const folders[] = {"run",     "state",  "stats",   "outgoing",
                                              "checked", "failed", "incoming"};
        struct fixture *f = calloc(1, sizeof(*f));
        char text[2048];

        *state = f;
        find_program(f);
        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/test-cli-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        assert_int_equal(chmod(f->folder, 0755), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(folders); i++) {
                (void)text_format(text, sizeof(text), "%s/%s", f->folder, folders[i]);
                assert_int_equal(mkdir(text, 0755), 0);
        }
        (void)text_format(f->config, sizeof(f->config), "%s/smswarden.conf", f->folder);
        (void)text_format(text, sizeof(text),
                          "[gateway]\nsmsd = %1$s/smsd\nsmsd_conf = %1$s/smsd.conf\nruntime_dir = %1$s/run\n"
                          "system_bus = off\n"
                          "state_dir = %1$s/state\n",
                          f->folder);
        put_file(f, "smswarden.conf", text);
        (void)text_format(text, sizeof(text),
                          "# mine\ndevices = GSM1\noutgoing = %1$s/outgoing\nchecked = %1$s/checked\n"
                          "failed = %1$s/failed\nincoming = %1$s/incoming\nstats = %1$s/stats\n"
                          "logfile = %1$s/smsd.log\n\n[GSM1]\ndevice = %1$s/no-such-tty\n",
                          f->folder);
        put_file(f, "smsd.conf", text);
        return 0;
}

static int remove_all(const char *folder)
{
        pid_t pid = fork();
        int status = 1;

        if (pid == 0) {
                execlp("rm", "rm", "-rf", "--", folder, (char *)NULL);
                _exit(1);
        }
        return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(f->server, 0);
        assert_int_equal(remove_all(f->folder), 0);
        free(f);
        return 0;
}

/* --- tests --- */

static void test_usage(void **state)
{
        static const char *const cases[][4] = {
            {NULL},
            {"sing"},
            {"status", "now"},
            {"status", "--force"},
            {"status", "--for", "3s"},
            {"stop", "--for"},
            {"stop", "--for", "a while"},
            {"stop", "--for", "0"},
            {"stop", "--for", "infinity"},
            {"stop", "--bogus"},
            {"start", "--json"},
            {"probe", "/dev/null", "/dev/zero"},
            {"\033[31mred\n"},
            {"-x"},
        };
        _cleanup_free_ struct output *output = malloc(sizeof(*output));

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *words[5] = {cases[i][0], cases[i][1], cases[i][2], cases[i][3], NULL};
                run_as(*state, 0, output, words);
                assert_int_equal(output->code, 64);
                assert_string_equal(output->out, "");
                assert_true(text_starts_with(output->err, "smswarden: "));
                assert_ptr_equal(strchr(output->err, '\n'), output->err + strlen(output->err) - 1);
                assert_null(strchr(output->err, '\033'));
        }
}

static void test_help_and_version(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));

        RUN(*state, output, "--help");
        assert_int_equal(output->code, 0);
        assert_non_null(strstr(output->out, "status [--json] [--watch]"));
        assert_string_equal(output->err, "");
        RUN(*state, output, "help");
        assert_int_equal(output->code, 0);
        assert_non_null(strstr(output->out, "status [--json] [--watch]"));
        RUN(*state, output, "--version");
        assert_int_equal(output->code, 0);
        assert_string_equal(output->out, "smswarden " SMSWARDEN_VERSION "\n");
}

static void test_status_of_a_controller(void **state)
{
        static const struct {
                enum verdict verdict;
                int code;
                const char *word;
        } cases[] = {
            {VERDICT_WORKING, 0, "WORKING  "},
            {VERDICT_DEGRADED, 1, "DEGRADED  "},
            {VERDICT_RECOVERING, 1, "RECOVERING  "},
            {VERDICT_DOWN, 2, "DOWN  "},
            {VERDICT_HELD, 3, "HELD  "},
        };
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;

        put_file(f, "outgoing/one", "To: 1");
        put_file(f, "outgoing/two.LOCK", "");
        put_file(f, "outgoing/.hidden", "");
        put_file(f, "failed/three", "");
        put_file(
            f, "smsd.log",
            "2026-11-20 03:00:00,5, GSM1: SMS received, From: 37060000002\n"
            "2026-11-21 04:00:00,5, GSM1: SMS sent, Message_id: 5, To: 37060000001, sending time 3 sec.\n");
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                start_server(f, cases[i].verdict);
                RUN(f, output, "status");
                assert_int_equal(output->code, cases[i].code);
                assert_true(text_starts_with(output->out, cases[i].word));
                assert_null(strchr(output->out, '\033'));
                assert_string_equal(output->err, "");
                RUN(f, output, "--json", "status");
                assert_int_equal(output->code, cases[i].code);
                json_t *root = parse(output);
                assert_string_equal(get_text(root, NULL, "reason"), "because");
                assert_int_equal(get_number(root, "queues", "outgoing"), 1);
                assert_int_equal(get_number(root, "queues", "failed"), 1);
                assert_int_equal(get_number(root, "queues", "incoming"), 0);
                assert_string_equal(get_text(root, "traffic", "last_sent"), "2026-11-21T04:00:00Z");
                assert_string_equal(get_text(root, "traffic", "last_received"), "2026-11-20T03:00:00Z");
                json_decref(root);
                stop_server(f);
        }
}

static void test_strangers(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;

        start_server(f, VERDICT_WORKING);
        RUN_AS(f, NOBODY, output, "status", "--json");
        assert_int_equal(output->code, 0);
        assert_null(strstr(output->out, "262010000000000"));
        RUN_AS(f, NOBODY, output, "stop");
        assert_int_equal(output->code, 77);
        assert_string_equal(output->err, "smswarden: stop: only root may do this\n");
        RUN_AS(f, NOBODY, output, "probe");
        assert_int_equal(output->code, 77);
        stop_server(f);
}

static void test_commands(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;

        start_server(f, VERDICT_WORKING);
        RUN(f, output, "stop", "--for", "1h30min", "--reason", "roof", "--force");
        assert_int_equal(output->code, 0);
        assert_true(text_starts_with(output->out, "0 by root: roof for 5400 forced\nthe hold ends at "));
        assert_non_null(strstr(output->out, "(in 30min)"));
        RUN(f, output, "start");
        assert_int_equal(output->code, 0);
        assert_string_equal(output->out, "1 by root:  for 0\n");
        RUN(f, output, "restart", "--reason", "fail");
        assert_int_equal(output->code, 1);
        assert_string_equal(output->out, "");
        assert_string_equal(output->err, "smswarden: restart: 2 by root: fail for 0\n");
        RUN(f, output, "start", "--reason", "refuse");
        assert_int_equal(output->code, 1);
        RUN(f, output, "start", "--reason", "no \xff utf-8");
        assert_int_equal(output->code, 0);
        assert_non_null(strstr(output->out, "xff utf-8"));
        stop_server(f);
}

static void test_config(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;

        RUN(f, output, "config");
        assert_int_equal(output->code, 1);
        assert_non_null(strstr(output->err, "no controller is running"));
        start_server(f, VERDICT_WORKING);
        RUN(f, output, "config");
        assert_int_equal(output->code, 0);
        assert_true(text_starts_with(output->out, "# mine\n"));
        assert_non_null(strstr(output->out, "\n[GSM1]\ndevice = /dev/ttyUSB6\n"));
        RUN(f, output, "config", "--diff");
        assert_int_equal(output->code, 0);
        assert_non_null(strstr(output->out, "\n-device = /tmp/"));
        assert_non_null(strstr(output->out, "\n+device = /dev/ttyUSB6\n"));
        stop_server(f);
}

static void check_offline(const struct fixture *f, struct output *output, int code, const char *verdict)
{
        RUN(f, output, "status", "--json");
        assert_int_equal(output->code, code);
        json_t *root = parse(output);
        assert_string_equal(get_text(root, NULL, "verdict"), verdict);
        assert_true(json_is_false(json_object_get(json_object_get(root, "controller"), "running")));
        assert_true(text_starts_with(get_text(root, NULL, "reason"), "no controller is running"));
        json_decref(root);
        RUN(f, output, "status");
        assert_int_equal(output->code, code);
        assert_non_null(strstr(output->out, "\nwhy         no controller is running"));
}

static void test_without_controller(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;
        struct timespec now;
        char runtime[96];

        check_offline(f, output, 2, "down");
        assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
        struct hold_record hold = {.by = "root", .reason = "roof"};
        hold.since = (usec_t)now.tv_sec * USEC_PER_SEC;
        hold.until = hold.since + 30 * USEC_PER_MIN;
        (void)text_format(runtime, sizeof(runtime), "%s/run", f->folder);
        assert_int_equal(hold_store_write(runtime, &hold), 0);
        check_offline(f, output, 3, "held");
        assert_non_null(strstr(output->out, "root holds smsd (roof)"));
        hold.since = 1;
        hold.until = 2; /* over, and nobody there to end it */
        assert_int_equal(hold_store_write(runtime, &hold), 0);
        check_offline(f, output, 2, "down");
        RUN(f, output, "start");
        assert_int_equal(output->code, 1);
        assert_non_null(strstr(output->err, "systemctl restart smstools.service"));
}

/* What this program does as `smsd -c CONF DEVICE`: a main process with one handler that has the device open.
 */
static int act_as_smsd(const char *device)
{
        pid_t parent = getpid();
        pid_t handler = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -1 : fork();

        if (handler == 0) {
                int fd = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent
                             ? -1
                             : open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);
                if (fd < 0 || write(STDOUT_FILENO, "", 1) != 1)
                        _exit(1);
        }
        if (handler >= 0)
                (void)pause();
        return 1;
}

static pid_t start_smsd(const struct fixture *f, const char *device)
{
        char program[96], conf[96], byte;
        int ready[2];

        (void)text_format(program, sizeof(program), "%s/smsd", f->folder);
        (void)text_format(conf, sizeof(conf), "%s/smsd.conf", f->folder);
        assert_int_equal(pipe(ready), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)dup2(ready[1], STDOUT_FILENO);
                execl(program, "smsd", "-c", conf, device, (char *)NULL);
                _exit(1);
        }
        (void)close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
        return pid;
}

static void copy_self_as_smsd(const struct fixture *f)
{
        _cleanup_free_ char *program = NULL;
        char path[96];
        size_t length;

        assert_int_equal(file_read("/proc/self/exe", 0, 256 << 20, &program, &length), 0);
        (void)text_format(path, sizeof(path), "%s/smsd", f->folder);
        assert_int_equal(file_replace(path, program, length, 0755), 0);
}

/* A smsd that serves its modem: degraded, for nobody watches it. One on a dead port: down. */
static void test_without_controller_beside_smsd(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;
        char slave[64], conf[512];
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

        assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
        assert_int_equal(ptsname_r(master, slave, sizeof(slave)), 0);
        (void)text_format(conf, sizeof(conf), "devices = GSM1\nstats = %s/stats\n[GSM1]\ndevice = %s\n",
                          f->folder, slave);
        put_file(f, "smsd.conf", conf);
        copy_self_as_smsd(f);
        pid_t pid = start_smsd(f, slave);
        check_offline(f, output, 1, "degraded");
        assert_true(text_starts_with(output->out, "DEGRADED  SMS can be sent and received\n"));
        assert_non_null(strstr(output->out, slave));
        put_file(f, "stats/status",
                 "GSM1:\t26-11-23 02:00:00,\tBlocked,\t0,\t0,\t0,\t0,\tssi: -71 dBm,\tber:\n");
        RUN(f, output, "status");
        assert_int_equal(output->code, 1);
        assert_true(text_starts_with(output->out, "DEGRADED  SMS can be received, but not sent\n"));
        put_file(f, "smsd.conf", "devices = GSM1\n[GSM1]\ndevice = /dev/no-such-tty\n");
        check_offline(f, output, 2, "down");
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        (void)close(master);
}

static void test_broken_config_still_shows(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;

        put_file(f, "smswarden.conf", "[gateway]\nmode = sing\n");
        RUN(f, output, "status");
        assert_int_not_equal(output->code, 0);
        assert_non_null(strstr(output->out, "the defaults are used"));
}

static void test_probe_refuses(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;
        char slave[64];
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

        RUN(f, output, "probe", "/dev/null");
        assert_int_equal(output->code, 1);
        RUN(f, output, "probe", f->config);
        assert_int_equal(output->code, 1);
        assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
        assert_int_equal(ptsname_r(master, slave, sizeof(slave)), 0);
        int held = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(held >= 0);
        RUN(f, output, "probe", slave);
        assert_int_equal(output->code, 1);
        assert_non_null(strstr(output->err, "is open by test_cli (pid "));
        assert_string_equal(output->out, "");
        (void)close(held);
        (void)close(master);
}

static void test_modems(void **state)
{
        _cleanup_free_ struct output *output = malloc(sizeof(*output));
        struct fixture *f = *state;

        RUN(f, output, "modems");
        assert_int_equal(output->code, 0);
        assert_non_null(strstr(output->out, "no controller is running"));
        start_server(f, VERDICT_WORKING);
        RUN(f, output, "modems");
        assert_int_equal(output->code, 0);
        assert_non_null(strstr(output->out, "\nGSM1        ready, /dev/ttyUSB6\n"));
        stop_server(f);
}

#define ON_A_BOX(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
        if (argc == 4 && text_equal(argv[0], "smsd"))
                return act_as_smsd(argv[3]);
        const struct CMUnitTest tests[] = {
            ON_A_BOX(test_usage),
            ON_A_BOX(test_help_and_version),
            ON_A_BOX(test_status_of_a_controller),
            ON_A_BOX(test_strangers),
            ON_A_BOX(test_commands),
            ON_A_BOX(test_config),
            ON_A_BOX(test_without_controller),
            ON_A_BOX(test_without_controller_beside_smsd),
            ON_A_BOX(test_broken_config_still_shows),
            ON_A_BOX(test_probe_refuses),
            ON_A_BOX(test_modems),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
