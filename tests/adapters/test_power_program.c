/*
 * smswarden-power as systemd runs it: one word in, one file of (a made up) sysfs written, or the user's
 * command run; everything else is refused.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char program[PATH_MAX]; /* of the build that we are of: build/tests/adapters/test_x */
static char folder[64];

static const char *path_of(const char *name)
{
        static char path[256];

        (void)text_format(path, sizeof(path), "%s/%s", folder, name);
        return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
        assert_int_equal(file_replace(path_of(name), text, strlen(text), mode), 0);
}

static void assert_content(const char *name, const char *expected)
{
        char text[128];
        size_t length = 0;

        assert_int_equal(file_read_into(path_of(name), 0, text, sizeof(text), &length), 0);
        text[length] = '\0';
        assert_string_equal(text, expected);
}

static int run(const char *word)
{
        char sysfs[96], config[96];
        int status;

        (void)text_format(sysfs, sizeof(sysfs), "%s/sys", folder);
        (void)text_format(config, sizeof(config), "%s/conf", folder);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)execl(program, "smswarden-power", "--sysfs", sysfs, "--config", config, word,
                            (char *)NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int set_up(void **state)
{
        static const char *const folders[] = {"sys",
                                              "sys/bus",
                                              "sys/bus/usb",
                                              "sys/bus/usb/devices",
                                              "sys/bus/usb/devices/1-1",
                                              "sys/bus/usb/devices/1-1.2"};

        (void)state;
        (void)text_copy(folder, sizeof(folder), "/tmp/power_program.XXXXXX");
        assert_non_null(mkdtemp(folder));
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                assert_int_equal(mkdir(path_of(folders[i]), 0755), 0);
        write_file("sys/bus/usb/devices/1-1/bDeviceClass", "09\n", 0644);
        write_file("sys/bus/usb/devices/1-1/authorized", "1", 0644);
        write_file("sys/bus/usb/devices/1-1.2/bDeviceClass", "00\n", 0644);
        write_file("sys/bus/usb/devices/1-1.2/authorized", "1", 0644);
        write_file("conf", "", 0644);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        temp_folder_remove(folder);
        return 0;
}

static void test_authorized(void **state)
{
        (void)state;
        assert_int_equal(run("usb-off:1-1.2"), 0);
        assert_content("sys/bus/usb/devices/1-1.2/authorized", "0");
        assert_int_equal(run("usb-on:1-1.2"), 0);
        assert_content("sys/bus/usb/devices/1-1.2/authorized", "1");
        assert_int_equal(run("usb-off:1-1.3"), 1); /* not there */
        assert_int_equal(run("usb-on:1-1.3"), 0);  /* when it comes it is on */
}

static void test_what_is_refused(void **state)
{
        static const struct {
                const char *word;
                int status;
        } cases[] = {{"", 64},
                     {"usb-off", 64},
                     {"usb-off:", 64},
                     {"usb-off:usb1", 64},
                     {"usb-off:../1-1.2", 64},
                     {"usb-off:1-1.2/x", 64},
                     {"usb-off:1-1.2 1-1.3", 64},
                     {"burn:1-1.2", 64},
                     {"usb-off:1-1", 1},    /* a hub */
                     {"port-off:1-1.2", 1}, /* it has no switch */
                     {"command-off:1-1.2", 1} /* none is configured */};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int status = run(cases[i].word);
                if (status != cases[i].status)
                        fail_msg("\"%s\": exit code %d", cases[i].word, status);
        }
        assert_content("sys/bus/usb/devices/1-1.2/authorized", "1");
        assert_content("sys/bus/usb/devices/1-1/authorized", "1");
}

static void test_command_of_the_user(void **state)
{
        char text[512];

        (void)state;
        (void)text_format(text, sizeof(text), "[recovery]\npower_command = %s/relay\n", folder);
        write_file("conf", text, 0644);
        (void)text_format(text, sizeof(text), "#!/bin/sh\necho \"$# $1 $2\" > %s/said\n", folder);
        write_file("relay", text, 0755);
        assert_int_equal(run("command-off:1-1.2"), 0);
        assert_content("said", "2 off 1-1.2\n");
        assert_int_equal(run("command-on:1-1.2"), 0);
        assert_content("said", "2 on 1-1.2\n");
        assert_int_equal(chmod(path_of("relay"), 0777), 0); /* anybody could have written it */
        assert_int_equal(run("command-off:1-1.2"), 1);
        assert_content("said", "2 on 1-1.2\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_authorized, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_what_is_refused, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_command_of_the_user, set_up, tear_down),
        };
        ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 32);

        if (length <= 0)
                return 1;
        program[length] = '\0';
        for (int i = 0; i < 3; i++)
                *strrchr(program, '/') = '\0';
        (void)text_append(program, sizeof(program), "/smswarden-power");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
