/*
 * adapters/hotplug without any event but inotify's: a fake sysfs and a fake /dev, and fixed nodes.
 */
#include "hotplug_fixture.h"
#include "temp_folder.h"

#include <sys/resource.h>

static const char *in(const struct fixture *fixture, const char *format, ...)_printf_(2, 3);

static const char *in(const struct fixture *fixture, const char *format, ...)
{
        static char path[4][256];
        static unsigned turn;
        char name[200];
        va_list arguments;

        turn = (turn + 1) % 4;
        va_start(arguments, format);
        (void)vsnprintf(name, sizeof(name), format, arguments);
        va_end(arguments);
        (void)text_format(path[turn], sizeof(path[turn]), "%s/%s", fixture->folder, name);
        return path[turn];
}

static void make_folder(const char *path)
{
        temp_folder_make_parents(path);
        (void)mkdir(path, 0755);
}

static void put(const char *path, const char *text)
{
        _cleanup_fclose_ FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
}

#define FAKE "sys/bus/usb/devices/1-1.4"

static void make_fake(struct fixture *fixture)
{
        static const char *const files[][2] = {
            {"idVendor", "2c7c\n"},
            {"idProduct", "0125\n"},
            {"bcdDevice", "0318\n"},
            {"devnum", "2\n"},
            {"1-1.4:1.2/bInterfaceNumber", "02\n"},
            {"1-1.4:1.2/bInterfaceClass", "ff\n"},
            {"1-1.4:1.2/bInterfaceSubClass", "00\n"},
            {"1-1.4:1.2/bInterfaceProtocol", "00\n"},
            {"1-1.4:1.2/ep_84/type", "Bulk\n"},
        };

        make_folder(in(fixture, FAKE "/1-1.4:1.2/ep_84"));
        make_folder(in(fixture, "dev"));
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                put(in(fixture, FAKE "/%s", files[i][0]), files[i][1]);
}

static void make_fake_tty(struct fixture *fixture)
{
        make_folder(in(fixture, FAKE "/1-1.4:1.2/ttyUSB7/tty/ttyUSB7"));
        put(in(fixture, FAKE "/1-1.4:1.2/ttyUSB7/tty/ttyUSB7/dev"), "188:7\n");
        assert_int_equal(symlink("/dev/null", in(fixture, "dev/ttyUSB7")), 0);
}

static void start_sysfs(struct fixture *fixture)
{
        start(fixture, &(struct hotplug_options){
                           .force_sysfs = true,
                           .sysfs_root = in(fixture, "sys"),
                           .dev_root = in(fixture, "dev"),
                       });
}

static void test_sysfs_alone(void **state)
{
        struct fixture *fixture = *state;

        make_fake(fixture);
        start_sysfs(fixture);
        assert_string_equal(fixture->told.journal, "+1-1.4 E ");
        assert_int_equal(fixture->told.last.n_interfaces, 1);
        assert_int_equal(fixture->told.last.interfaces[0].bulk, 1);
        make_fake_tty(fixture);
        WAIT_UNTIL(fixture, fixture->told.devices == 2);
        assert_string_equal(fixture->told.last.interfaces[0].node, in(fixture, "dev/ttyUSB7"));
        assert_string_equal(fixture->told.last.interfaces[0].target, "/dev/null");

        /* The node leaves first, the device a moment later and without another sign. */
        assert_int_equal(unlink(in(fixture, "dev/ttyUSB7")), 0);
        WAIT_UNTIL(fixture, fixture->told.devices == 3);
        assert_string_equal(fixture->told.last.interfaces[0].node, "");
        assert_int_equal(unlink(in(fixture, FAKE "/idVendor")), 0);
        WAIT_UNTIL(fixture, fixture->told.gone == 1);
}

static void test_sysfs_without_usb(void **state)
{
        struct fixture *fixture = *state;

        make_folder(in(fixture, "dev"));
        start_sysfs(fixture);
        assert_string_equal(fixture->told.journal, "E ");
}

static void test_a_bad_root(void **state)
{
        struct fixture *fixture = *state;
        struct hotplug *hotplug = NULL;

        assert_int_equal(
            hotplug_new(&hotplug, fixture->event,
                        &(struct hotplug_options){.force_sysfs = true, .dev_root = in(fixture, "absent")},
                        &callbacks, &fixture->told),
            -ENOENT);
        assert_null(hotplug);
}

/* Out of file descriptors is no unplugged modem. */
static void test_want_of_descriptors(void **state)
{
        struct fixture *fixture = *state;
        struct rlimit limit, tight;

        make_fake(fixture);
        make_fake_tty(fixture);
        start_sysfs(fixture);
        _cleanup_close_ int next = dup(STDERR_FILENO);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        for (unsigned spare = 0; spare <= 4; spare++) { /* fails at the list, the device, an interface, ... */
                tight = limit;
                tight.rlim_cur = (rlim_t)next + spare;
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
                int r = hotplug_enumerate(fixture->hotplug);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
                assert_true(r == 0 || r == -EMFILE);
                assert_int_equal(fixture->told.gone, 0);
                assert_int_equal(count_nodes(&fixture->told.last), 1);
        }
}

/* --- fixed nodes --- */

static void test_node_behind_links(void **state)
{
        struct fixture *fixture = *state;
        struct told *told = &fixture->told;
        const char *path = in(fixture, "dev/serial/by-id/modem");
        char watched[DEVICE_NODE_MAX];

        (void)text_copy(watched, sizeof(watched), path);
        make_folder(in(fixture, "dev"));
        start_sysfs(fixture);
        assert_int_equal(hotplug_watch_node(fixture->hotplug, watched), 0);
        assert_string_equal(told->journal, "E n- ");
        assert_int_equal(hotplug_watch_node(fixture->hotplug, watched), -EEXIST);

        make_folder(in(fixture, "dev/serial"));
        settle(fixture);
        make_folder(in(fixture, "dev/serial/by-id"));
        assert_int_equal(symlink("../../at", watched), 0);
        settle(fixture);
        assert_int_equal(told->nodes, 1); /* a link to nowhere */
        assert_int_equal(symlink("/dev/null", in(fixture, "dev/at")), 0);
        WAIT_UNTIL(fixture, told->node_present);

        /* The link in the middle is put on another device, atomically. */
        assert_int_equal(symlink("/dev/zero", in(fixture, "dev/new")), 0);
        assert_int_equal(rename(in(fixture, "dev/new"), in(fixture, "dev/at")), 0);
        WAIT_UNTIL(fixture, told->nodes == 4);
        assert_string_equal(told->journal, "E n- n+ n- n+ ");

        /* The folder is removed and made again before anybody looks. */
        assert_int_equal(unlink(watched), 0);
        assert_int_equal(rmdir(in(fixture, "dev/serial/by-id")), 0);
        make_folder(in(fixture, "dev/serial/by-id"));
        WAIT_UNTIL(fixture, !told->node_present);
        settle(fixture);
        /* And once more, now that nothing else changed on the way: the same path is another folder. */
        assert_int_equal(rmdir(in(fixture, "dev/serial/by-id")), 0);
        make_folder(in(fixture, "dev/serial/by-id"));
        settle(fixture);
        assert_int_equal(symlink("/dev/zero", watched), 0);
        WAIT_UNTIL(fixture, told->node_present);

        /* No character device. */
        assert_int_equal(unlink(in(fixture, "dev/at")), 0);
        assert_int_equal(unlink(watched), 0);
        put(watched, "");
        WAIT_UNTIL(fixture, !told->node_present);
        settle(fixture);
        assert_false(told->node_present);
}

static void test_node_loop_and_nonsense(void **state)
{
        struct fixture *fixture = *state;

        make_folder(in(fixture, "dev"));
        start_sysfs(fixture);
        assert_int_equal(symlink("b", in(fixture, "dev/a")), 0);
        assert_int_equal(symlink("a", in(fixture, "dev/b")), 0);
        assert_int_equal(hotplug_watch_node(fixture->hotplug, in(fixture, "dev/a")), 0);
        assert_false(fixture->told.node_present);
        assert_int_equal(unlink(in(fixture, "dev/b")), 0);
        assert_int_equal(symlink("/dev/null", in(fixture, "dev/b")), 0);
        WAIT_UNTIL(fixture, fixture->told.node_present);
        assert_int_equal(hotplug_watch_node(fixture->hotplug, "ttyAMA0"), -EINVAL);
}

/* A pty that goes away and comes back, as a software modem does. */
static void test_node_on_a_pty(void **state)
{
        struct fixture *fixture = *state;
        struct told *told = &fixture->told;
        char slave[64];

        make_folder(in(fixture, "dev"));
        start_sysfs(fixture);
        _cleanup_close_ int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(master >= 0);
        assert_int_equal(grantpt(master) | unlockpt(master) | ptsname_r(master, slave, sizeof(slave)), 0);
        assert_int_equal(symlink(slave, in(fixture, "dev/modem")), 0);
        assert_int_equal(hotplug_watch_node(fixture->hotplug, in(fixture, "dev/modem")), 0);
        assert_true(told->node_present);
        master = close_fd(master);
        WAIT_UNTIL(fixture, !told->node_present);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_sysfs_alone),         TEST(test_sysfs_without_usb), TEST(test_a_bad_root),
            TEST(test_want_of_descriptors), TEST(test_node_behind_links), TEST(test_node_loop_and_nonsense),
            TEST(test_node_on_a_pty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
