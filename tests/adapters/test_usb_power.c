/*
 * USB switches in a made-up sysfs: what is written where, what is refused, and what becomes of a command that
 * fails, hangs or forks.
 */
#include "adapters/usb_power.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include "../temp_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

#include <cmocka.h>

#define DEADLINE (10 * USEC_PER_SEC)

struct world {
        char root[64];
        sd_event *event;
        struct usb_power *power;
        unsigned told, token;
        int result;
        const char *again; /* begin another job for this path as soon as one is over */
        int again_result;
};

/* --- the folder --- */

static void put(const struct world *w, const char *name, const char *text, mode_t mode)
{
        char path[PATH_MAX];

        assert_int_equal(text_format(path, sizeof(path), "%s/%s", w->root, name), 0);
        temp_folder_make_parents(path);
        assert_int_equal(file_replace(path, text, strlen(text), mode), 0);
}

static const char *get(const struct world *w, const char *name)
{
        static char text[4096];
        char path[PATH_MAX];
        size_t length;

        assert_int_equal(text_format(path, sizeof(path), "%s/%s", w->root, name), 0);
        int r = file_read_into(path, 0, text, sizeof(text), &length);
        return r < 0 ? "absent" : text;
}

#define DEVICES "bus/usb/devices/"

static void put_device(const struct world *w, const char *name, const char *class, const char *vendor,
                       const char *product)
{
        const char *const attributes[][2] = {
            {"bDeviceClass", class}, {"idVendor", vendor}, {"idProduct", product}, {"authorized", "1\n"}};
        char path[128];

        for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
                (void)text_format(path, sizeof(path), DEVICES "%s/%s", name, attributes[i][0]);
                put(w, path, attributes[i][1], 0644);
        }
}

/* A root hub with a Pi's hub, another hub, and modems on all of them. */
static void put_tree(const struct world *w)
{
        put_device(w, "usb1", "09\n", "1d6b\n", "0002\n");
        put_device(w, "1-1", "09\n", "2109\n", "3431\n");
        put_device(w, "1-1.2", "00\n", "2c7c\n", "0125\n");
        put_device(w, "1-3", "09\n", "05e3\n", "0610\n");
        put_device(w, "1-3.4", "ef\n", "2c7c\n", "0125\n");
        put_device(w, "1-4", "00\n", "2c7c\n", "0125\n");
        put(w, DEVICES "1-3:1.0/1-3-port4/disable", "0\n", 0644);
        put(w, DEVICES "1-3:1.0/1-3-port4/power/pm_qos_no_power_off", "1\n", 0644);
        put(w, DEVICES "1-3:1.0/1-3-port4/peer/disable", "0\n", 0644);
        put(w, DEVICES "1-3:1.0/1-3-port7/disable", "0\n", 0644);
        put(w, DEVICES "1-3:1.0/1-3-port7/power/pm_qos_no_power_off", "1\n", 0644);
        put(w, DEVICES "1-0:1.0/usb1-port4/disable", "0\n", 0644);
        put(w, DEVICES "1-0:1.0/usb1-port4/power/pm_qos_no_power_off", "1\n", 0644);
        put(w, DEVICES "1-0:1.0/usb1-port1/disable", "0\n", 0644);
        put(w, DEVICES "1-3:1.0/1-3-port8/disable", "0\n", 0644); /* no switch */
        put(w, DEVICES "1-0:1.0/usb1-port1/power/pm_qos_no_power_off", "1\n", 0644);
}

static void on_done(void *userdata, unsigned token, int result)
{
        struct world *w = userdata;

        w->told++;
        w->token = token;
        w->result = result;
        if (w->again)
                w->again_result = usb_power_authorize(w->power, w->again, true, 77);
        w->again = NULL;
}

static void make(struct world *w, usec_t limit)
{
        const struct usb_power_options options = {.sysfs_root = w->root, .limit = limit};

        assert_int_equal(usb_power_new(&w->power, w->event, &options, on_done, w), 0);
}

static int setup(void **state)
{
        struct world *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        (void)text_copy(w->root, sizeof(w->root), "/tmp/test-usb-power-XXXXXX");
        assert_non_null(mkdtemp(w->root));
        put_tree(w);
        assert_int_equal(sd_event_new(&w->event), 0);
        make(w, 0);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        struct world *w = *state;

        w->power = usb_power_free(w->power);
        (void)sd_event_unref(w->event);
        temp_folder_remove(w->root);
        free(w);
        return 0;
}

static usec_t clock_now(void)
{
        struct timespec ts;

        assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &ts), 0);
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

/* Until as many results were told. */
static void wait_for(struct world *w, unsigned told)
{
        usec_t end = clock_now() + DEADLINE;

        while (w->told < told) {
                assert_true(clock_now() < end);
                assert_true(sd_event_run(w->event, 100 * USEC_PER_MSEC) >= 0);
        }
}

/* --- authorized --- */

static void test_authorize(void **state)
{
        struct world *w = *state;

        assert_int_equal(usb_power_authorize(w->power, "1-1.2", false, 5), 0);
        assert_int_equal(w->told, 0); /* from the loop only */
        wait_for(w, 1);
        assert_int_equal(w->token, 5);
        assert_int_equal(w->result, 0);
        assert_int_equal(get(w, DEVICES "1-1.2/authorized")[0], '0');
        assert_int_equal(usb_power_authorize(w->power, "1-1.2", true, 6), 0);
        wait_for(w, 2);
        assert_int_equal(get(w, DEVICES "1-1.2/authorized")[0], '1');
}

static void test_refused_paths(void **state)
{
        static const struct {
                const char *path;
                int authorize, port;
        } cases[] = {
            {"usb1", -EINVAL, -EINVAL},
            {"1-1", -EPERM, -EPERM}, /* hubs */
            {"1-3", -EPERM, -EPERM},
            {"", -EINVAL, -EINVAL},
            {"1-1.2:1.0", -EINVAL, -EINVAL},
            {"../1-1.2", -EINVAL, -EINVAL},
            {"1-1.2/../1-1", -EINVAL, -EINVAL},
            {"1-1.2/", -EINVAL, -EINVAL},
            {"1-1.2\n", -EINVAL, -EINVAL},
            {"1-1.", -EINVAL, -EINVAL},
            {"1-3.7", -ENODEV, 0}, /* an empty port */
            {"1-1.7", -ENODEV, -EOPNOTSUPP},
            {"1-3.8", -ENODEV, -EOPNOTSUPP},
            {"1-3.0", -ENODEV, -ERANGE},
            {"1-3.256", -ENODEV, -ERANGE},
            {"9-9", -ENODEV, -EOPNOTSUPP},
            {"1-1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", -EINVAL, -EINVAL},
        };
        struct world *w = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(usb_power_authorize(w->power, cases[i].path, false, 1), cases[i].authorize);
                assert_int_equal(usb_power_can_switch(w->power, cases[i].path), cases[i].port == 0);
                if (cases[i].port < 0)
                        assert_int_equal(usb_power_port(w->power, cases[i].path, false, 1), cases[i].port);
        }
        assert_string_equal(get(w, DEVICES "1-1/authorized"), "1\n");
        assert_string_equal(get(w, DEVICES "usb1/authorized"), "1\n");
}

/* What the child's write says is the result. */
static void test_failing_write(void **state)
{
        struct world *w = *state;
        char path[PATH_MAX];

        (void)text_format(path, sizeof(path), "%s/" DEVICES "1-1.2/authorized", w->root);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(usb_power_authorize(w->power, "1-1.2", false, 1), 0);
        wait_for(w, 1);
        assert_int_equal(w->result, -ENOENT);
        assert_int_equal(symlink("/dev/full", path), 0);
        assert_int_equal(usb_power_authorize(w->power, "1-1.2", false, 1), 0);
        wait_for(w, 2);
        assert_int_equal(w->result, -ENOSPC);
}

/* A write that hangs (here in a fifo nobody reads) delays nobody, and none overtakes it. */
static void test_hanging_write(void **state)
{
        struct world *w = *state;
        char path[PATH_MAX];

        w->power = usb_power_free(w->power);
        make(w, 50 * USEC_PER_MSEC);
        (void)text_format(path, sizeof(path), "%s/" DEVICES "1-1.2/authorized", w->root);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(usb_power_authorize(w->power, "1-1.2", false, 1), 0);
        assert_int_equal(usb_power_authorize(w->power, "1-1.2", true, 2), -EBUSY);
        assert_int_equal(usb_power_authorize(w->power, "1-4", false, 3), 0);
        wait_for(w, 1);
        assert_int_equal(w->token, 3);
        w->again = "1-1.2";
        wait_for(w, 2);
        assert_int_equal(w->token, 1);
        assert_int_equal(w->result, -ETIMEDOUT);
        assert_int_equal(w->again_result, -EBUSY);
        /* Its child could be killed, so it is over soon. */
        assert_int_equal(unlink(path), 0);
        put(w, DEVICES "1-1.2/authorized", "0\n", 0644);
        usec_t end = clock_now() + DEADLINE;
        while (usb_power_authorize(w->power, "1-1.2", true, 4) == -EBUSY) {
                assert_true(clock_now() < end);
                assert_true(sd_event_run(w->event, 10 * USEC_PER_MSEC) >= 0);
        }
        wait_for(w, 3);
        assert_int_equal(w->token, 4); /* the first was told once */
}

/* --- the port --- */

static void test_port(void **state)
{
        struct world *w = *state;

        assert_int_equal(usb_power_port(w->power, "1-3.4", false, 1), 0);
        wait_for(w, 1);
        assert_int_equal(w->result, 0);
        assert_int_equal(get(w, DEVICES "1-3:1.0/1-3-port4/disable")[0], '1');
        assert_int_equal(get(w, DEVICES "1-3:1.0/1-3-port4/peer/disable")[0], '1');
        assert_int_equal(get(w, DEVICES "1-3:1.0/1-3-port7/disable")[0], '0');
        /* The kernel removes the device with its power. */
        put(w, DEVICES "1-3:1.0/1-3-port4/disable", "1\n", 0644);
        char path[PATH_MAX];
        (void)text_format(path, sizeof(path), "%s/" DEVICES "1-3.4", w->root);
        temp_folder_remove(path);
        assert_int_equal(usb_power_port(w->power, "1-3.4", true, 1), 0);
        wait_for(w, 2);
        assert_int_equal(get(w, DEVICES "1-3:1.0/1-3-port4/disable")[0], '0');

        assert_int_equal(usb_power_port(w->power, "1-4", false, 1), 0);
        wait_for(w, 3);
        assert_int_equal(get(w, DEVICES "1-0:1.0/usb1-port4/disable")[0], '1');
}

/* Attributes that are no attributes. */
static void test_hostile_attributes(void **state)
{
        struct world *w = *state;

        put(w, DEVICES "1-3.4/bDeviceClass", "00000000000000000000000000000000000000000000000000000000000009",
            0644);
        assert_true(usb_power_authorize(w->power, "1-3.4", false, 1) < 0);
        put(w, DEVICES "1-3.4/bDeviceClass", "", 0644);
        assert_true(usb_power_authorize(w->power, "1-3.4", false, 1) < 0);
}

/* --- the command --- */

static void put_command(const struct world *w, const char *body, char path[PATH_MAX])
{
        char text[1024];

        (void)text_format(text, sizeof(text), "#!/bin/sh\ncd %s || exit 9\n%s\n", w->root, body);
        put(w, "command", text, 0755);
        (void)text_format(path, PATH_MAX, "%s/command", w->root);
}

static void test_command(void **state)
{
        struct world *w = *state;
        char path[PATH_MAX];

        /* A descriptor that is not closed by itself must not be passed on. */
        _cleanup_close_ int extra = fcntl(STDERR_FILENO, F_DUPFD, 50);
        assert_true(extra >= 50);
        assert_int_equal(setenv("SECRET", "yes", 1), 0);
        put_command(w,
                    "echo \"$#:$1:$2:${SECRET:-none}\" > said\n"
                    "test -e /proc/$$/fd/50 && echo leak >> said\n"
                    "test \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ && echo group >> said\nexit 0",
                    path);
        assert_int_equal(usb_power_command(w->power, path, "1-1.2", false, 9), 0);
        wait_for(w, 1);
        assert_int_equal(unsetenv("SECRET"), 0);
        assert_int_equal(w->result, 0);
        assert_int_equal(w->token, 9);
        assert_string_equal(get(w, "said"), "2:off:1-1.2:none\ngroup\n");
        assert_int_equal(usb_power_command(w->power, path, "7-7", true, 9), 0); /* it may be off the bus */
        wait_for(w, 2);
        assert_string_equal(get(w, "said"), "2:on:7-7:none\ngroup\n");
}

static void test_command_that_fails(void **state)
{
        static const char *const bodies[] = {"exit 1", "exit 5", "kill -9 $$", "kill -TERM $$"};
        struct world *w = *state;
        char path[PATH_MAX];

        for (unsigned i = 0; i < ARRAY_SIZE(bodies); i++) {
                put_command(w, bodies[i], path);
                assert_int_equal(usb_power_command(w->power, path, "1-1.2", false, i), 0);
                wait_for(w, i + 1);
                assert_int_equal(w->result, -EREMOTEIO);
        }
}

static bool runs(pid_t pid)
{
        char path[64], text[512];
        size_t length;

        (void)text_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
        if (file_read_into(path, 0, text, sizeof(text), &length) < 0)
                return false;
        const char *state = strrchr(text, ')');
        return state && state[1] == ' ' && state[2] != 'Z' && state[2] != 'X';
}

/* It ends within its limit, with all that it started. */
static void test_command_that_hangs(void **state)
{
        struct world *w = *state;
        char path[PATH_MAX];

        w->power = usb_power_free(w->power);
        make(w, 500 * USEC_PER_MSEC);
        put_command(w, "sleep 1000 &\necho $! > child.new\nmv child.new child\ntrap '' TERM\nwait", path);
        assert_int_equal(usb_power_command(w->power, path, "1-1.2", false, 1), 0);
        wait_for(w, 1);
        assert_int_equal(w->result, -ETIMEDOUT);
        pid_t child = (pid_t)atoi(get(w, "child")); /* NOLINT(cert-err34-c) */
        assert_true(child > 1);
        for (usec_t end = clock_now() + DEADLINE; runs(child);)
                assert_true(clock_now() < end && sd_event_run(w->event, 10 * USEC_PER_MSEC) >= 0);
        assert_false(usb_power_owns(w->power, child));
}

/* What stays behind in its group when it has ended by itself. */
static void test_command_that_leaves_a_child(void **state)
{
        struct world *w = *state;
        char path[PATH_MAX];

        put_command(w, "sleep 1000 &\necho $! > child\nexit 0", path);
        assert_int_equal(usb_power_command(w->power, path, "1-1.2", false, 1), 0);
        wait_for(w, 1);
        assert_int_equal(w->result, 0);
        pid_t child = (pid_t)atoi(get(w, "child")); /* NOLINT(cert-err34-c) */
        assert_true(child > 1);
        for (usec_t end = clock_now() + DEADLINE; runs(child);)
                assert_true(clock_now() < end && sd_event_run(w->event, 10 * USEC_PER_MSEC) >= 0);
}

static void test_refused_commands(void **state)
{
        struct world *w = *state;
        char path[PATH_MAX], link[PATH_MAX];

        put_command(w, "exit 0", path);
        assert_int_equal(usb_power_command(w->power, "command", "1-1.2", false, 1), -EINVAL);
        assert_int_equal(usb_power_command(w->power, "", "1-1.2", false, 1), -EINVAL);
        assert_int_equal(usb_power_command(w->power, w->root, "1-1.2", false, 1), -EINVAL);
        assert_int_equal(usb_power_command(w->power, path, "--help", false, 1), -EINVAL);
        assert_int_equal(usb_power_command(w->power, path, "1-1.2;reboot", false, 1), -EINVAL);
        (void)text_format(link, sizeof(link), "%s/absent", w->root);
        assert_int_equal(usb_power_command(w->power, link, "1-1.2", false, 1), -ENOENT);
        assert_int_equal(chmod(path, 0777), 0);
        assert_int_equal(usb_power_command(w->power, path, "1-1.2", false, 1), -EPERM);
        assert_int_equal(chmod(path, 0644), 0);
        assert_int_equal(usb_power_command(w->power, path, "1-1.2", false, 1), -EACCES);
        assert_int_equal(chmod(path, 0755), 0);
        if (geteuid() == 0) {
                assert_int_equal(chown(path, 65534, 65534), 0);
                assert_int_equal(usb_power_command(w->power, path, "1-1.2", false, 1), -EPERM);
        }
        assert_int_equal(w->told, 0);
}

/* The program ends: what runs is brought to its end. */
static void test_free_in_the_middle(void **state)
{
        struct world *w = *state;
        char path[PATH_MAX];

        put_command(w, "while ! test -e go; do sleep 0.02; done\necho done > said.new\nmv said.new said",
                    path);
        assert_int_equal(usb_power_command(w->power, path, "1-1.2", true, 1), 0);
        w->power = usb_power_free(w->power);
        put(w, "go", "", 0644);
        struct timespec nap = {.tv_nsec = 10000000};
        for (usec_t end = clock_now() + DEADLINE; !text_equal(get(w, "said"), "done\n");) {
                assert_true(clock_now() < end);
                (void)nanosleep(&nap, NULL);
        }
        assert_int_equal(w->told, 0);
}

int main(void)
{
#define with_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
            with_world(test_authorize),
            with_world(test_refused_paths),
            with_world(test_failing_write),
            with_world(test_hanging_write),
            with_world(test_port),
            with_world(test_hostile_attributes),
            with_world(test_command),
            with_world(test_command_that_fails),
            with_world(test_command_that_hangs),
            with_world(test_command_that_leaves_a_child),
            with_world(test_refused_commands),
            with_world(test_free_in_the_middle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
