/*
 * The real daemon and the real CLI on a system bus of our own: the daemon appears, its properties tell a
 * stop, and an operator without root controls it when polkit says so.
 */
#include "adapters/system_bus_fixture.h"

#include <limits.h>

struct output {
        int code;
        char out[1024], err[1024];
};

/* The build folder that we are in: BUILD/tests/gateway/test_dbus. */
static void find_program(const char *name, char *target, size_t size)
{
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_true(n > 0);
        self[n] = '\0';
        for (unsigned i = 0; i < 3; i++)
                *strrchr(self, '/') = '\0';
        assert_int_equal(text_format(target, size, "%s/%s", self, name), 0);
}

static void config_path(const struct fixture *f, char *target, size_t size)
{
        assert_int_equal(text_format(target, size, "%s/smswarden.conf", f->folder), 0);
}

/* `@` stands for the folder. */
static void write_file(const struct fixture *f, const char *name, const char *format)
{
        char path[128], text[1024] = "";
        _cleanup_fclose_ FILE *file = NULL;

        (void)text_format(path, sizeof(path), "%s/%s", f->folder, name);
        file = fopen(path, "we");
        assert_non_null(file);
        for (const char *at = format; *at; at++)
                if (*at == '@')
                        assert_int_equal(text_append(text, sizeof(text), "%s", f->folder), 0);
                else
                        assert_int_equal(text_append(text, sizeof(text), "%c", *at), 0);
        (void)fputs(text, file);
}

static void start_daemon(struct fixture *f)
{
        char program[PATH_MAX], config[128], log[128];

        find_program("smswardend", program, sizeof(program));
        config_path(f, config, sizeof(config));
        (void)text_format(log, sizeof(log), "%s/daemon.log", f->folder);
        f->server = start_child();
        if (f->server != 0)
                return;
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0 && setenv("DBUS_SYSTEM_BUS_ADDRESS", f->address, 1) == 0)
                (void)execl(program, "smswardend", "--config", config, (char *)NULL);
        _exit(97);
}

static int set_up_daemon(void **state)
{
        (void)set_up_nothing(state);
        write_file(*state, "smswarden.conf",
                   "[gateway]\ncontrol = direct\nhotplug = sysfs\nsmsd_conf = @/smsd.conf\n"
                   "runtime_dir = @/run\nstate_dir = @/state\n[hold]\nlegacy_flag = none\n"
                   "[modem GSM1]\nmatch = usb=9-9.9\n");
        write_file(*state, "smsd.conf", "devices = GSM1\n[GSM1]\ndevice = @/no-such-tty\n");
        start_bus(*state);
        start_daemon(*state);
        wait_for_name(*state, NAME, true);
        return 0;
}

/* --- the daemon --- */

static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        bool *held = userdata;
        const char *interface, *name;
        int value = 0;

        assert_true(sd_bus_message_read(message, "s", &interface) > 0);
        assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(message, "s", &name) > 0);
                if (text_equal(name, "HoldActive")) {
                        assert_true(sd_bus_message_read(message, "v", "b", &value) > 0);
                        *held = value;
                } else {
                        assert_true(sd_bus_message_skip(message, "v") >= 0);
                }
                assert_true(sd_bus_message_exit_container(message) >= 0);
        }
        return 0;
}

static void hear_held(sd_bus *bus, const bool *held, bool wanted)
{
        for (usec_t end = now_usec() + PATIENCE; *held != wanted;) {
                assert_true(now_usec() < end);
                if (sd_bus_process(bus, NULL) == 0)
                        (void)sd_bus_wait(bus, 100000);
        }
}

static void test_daemon_tells_a_stop(void **state)
{
        struct fixture *f = *state;
        _cleanup_bus_ sd_bus *bus = must_connect(f);
        char *by = NULL;
        bool held = false;

        assert_true(sd_bus_match_signal(bus, NULL, NAME, OBJECT, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_changed, &held) >= 0);
        assert_true(sd_bus_call_method(bus, NAME, OBJECT, NAME, "Stop", NULL, NULL, "tsb", UINT64_C(60000000),
                                       "antenna", 0) >= 0);
        hear_held(bus, &held, true);
        assert_true(sd_bus_get_property_string(bus, NAME, OBJECT, NAME, "HoldBy", NULL, &by) >= 0);
        assert_string_equal(by, "root");
        free(by);
        assert_true(
            sd_bus_call_method_async(bus, NULL, NAME, OBJECT, NAME, "Start", NULL, NULL, "sb", "", 0) >= 0);
        hear_held(bus, &held, false);
        end_server(f);
        wait_for_name(f, NAME, false);
}

/* --- the CLI --- */

static void read_all(int fd, char *target, size_t size)
{
        size_t length = 0;
        ssize_t n;

        while (length < size - 1 && (n = read(fd, target + length, size - 1 - length)) > 0)
                length += (size_t)n;
        target[length] = '\0';
        (void)close(fd);
}

/* As nobody, who need not be able to enter the build folder: the program is opened before. */
static void run_as_stranger(const struct fixture *f, const char *command, struct output *output)
{
        int out[2], err[2], status = 0;
        char program[PATH_MAX], config[128];

        find_program("smswarden", program, sizeof(program));
        config_path(f, config, sizeof(config));
        int fd = open(program, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(pipe2(err, O_CLOEXEC), 0);
        pid_t pid = start_child();
        if (pid == 0) {
                char *const words[] = {(char *)"smswarden", (char *)"--config", config,
                                       (char *)(uintptr_t)command, NULL};
                if (dup2(out[1], STDOUT_FILENO) >= 0 && dup2(err[1], STDERR_FILENO) >= 0 &&
                    setenv("DBUS_SYSTEM_BUS_ADDRESS", f->address, 1) == 0 &&
                    setresuid(NOBODY, NOBODY, NOBODY) == 0)
                        (void)fexecve(fd, words, environ);
                _exit(96);
        }
        (void)close(fd);
        (void)close(out[1]);
        (void)close(err[1]);
        read_all(out[0], output->out, sizeof(output->out));
        read_all(err[0], output->err, sizeof(output->err));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        output->code = WEXITSTATUS(status);
}

static void test_cli_is_allowed_by_polkit(void **state)
{
        struct fixture *f = *state;
        struct output output;

        start_polkit(f, POLKIT_YES);
        run_as_stranger(f, "stop", &output);
        assert_string_equal(output.err, "");
        assert_non_null(strstr(output.out, "smsd is stopped"));
        assert_non_null(strstr(output.out, "the hold ends at "));
        assert_int_equal(output.code, 0);
        run_as_stranger(f, "status", &output);
        assert_non_null(strstr(output.out, "nobody holds smsd"));
        assert_int_equal(output.code, 3);
}

static void test_cli_is_refused(void **state)
{
        struct fixture *f = *state;
        struct output output;

        run_as_stranger(f, "stop", &output);
        assert_string_equal(output.err,
                            "smswarden: stop: only root may control the gateway: polkit, which may allow "
                            "others, is not installed\n");
        assert_int_equal(output.code, 77);
        start_polkit(f, POLKIT_NO);
        run_as_stranger(f, "restart", &output);
        assert_string_equal(output.err, "smswarden: restart: only root may control the gateway: polkit "
                                        "(org.smswarden.control) does not allow it\n");
        assert_int_equal(output.code, 77);
}

static void test_cli_without_a_bus(void **state)
{
        struct fixture *f = *state;
        struct output output;

        end_child(&f->bus, SIGKILL);
        run_as_stranger(f, "stop", &output);
        assert_string_equal(output.err, "smswarden: stop: only root may do this\n");
        assert_int_equal(output.code, 77);
        run_as_stranger(f, "status", &output);
        assert_non_null(strstr(output.out, "DOWN"));
        assert_int_equal(output.code, 2);
}

#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, set_up_daemon, tear_down)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            WITH_DAEMON(test_daemon_tells_a_stop),
            WITH_DAEMON(test_cli_is_allowed_by_polkit),
            WITH_DAEMON(test_cli_is_refused),
            WITH_DAEMON(test_cli_without_a_bus),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
