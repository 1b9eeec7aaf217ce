/*
 * Hotplug as the daemon sees it: a child of the test runs under umockdev's preload and tells what libudev
 * tells it.
 */
#include "ec25/test_program.h"

#include <libudev.h>

/*
 * Runs in a child under the preload: tells the ttys that are there ("have"), then every tty event, until
 * standard input ends. What the daemon would read is read here, at the moment of the event.
 */
static void show(struct udev_device *tty, const char *action)
{
        struct udev_device *interface =
            udev_device_get_parent_with_subsystem_devtype(tty, "usb", "usb_interface");
        struct udev_device *usb = udev_device_get_parent_with_subsystem_devtype(tty, "usb", "usb_device");
        const char *node = udev_device_get_devnode(tty),
                   *path = udev_device_get_property_value(tty, "ID_PATH");
        bool gone = text_equal(action, "remove");
        int fd = gone ? -1 : open(node, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        printf("%s %s %s %s if=%s %s/%s:%s ep=%s product=%s opens=%d\n", action, udev_device_get_sysname(tty),
               path, udev_device_get_property_value(tty, "ID_USB_INTERFACE_NUM"),
               gone ? "-" : udev_device_get_sysattr_value(interface, "bInterfaceNumber"),
               gone ? "-" : udev_device_get_sysattr_value(usb, "idVendor"),
               gone ? "-" : udev_device_get_sysattr_value(usb, "idProduct"),
               gone ? "-" : udev_device_get_sysattr_value(usb, "bcdDevice"),
               gone ? "-" : udev_device_get_sysattr_value(interface, "bNumEndpoints"),
               gone ? "-" : udev_device_get_sysattr_value(usb, "product"), fd >= 0);
        (void)fflush(stdout);
        close_fd(fd);
}

static void show_present(struct udev *udev)
{
        struct udev_enumerate *enumerate = udev_enumerate_new(udev);
        struct udev_list_entry *entry;

        if (udev_enumerate_add_match_subsystem(enumerate, "tty") < 0 ||
            udev_enumerate_scan_devices(enumerate) < 0)
                exit(3);
        udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate))
        {
                struct udev_device *device =
                    udev_device_new_from_syspath(udev, udev_list_entry_get_name(entry));
                if (device)
                        show(device, "have");
                udev_device_unref(device);
        }
        udev_enumerate_unref(enumerate);
}

static int watch(void)
{
        struct udev *udev = udev_new();
        struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, "udev");

        if (!monitor || udev_monitor_filter_add_match_subsystem_devtype(monitor, "tty", NULL) < 0 ||
            udev_monitor_enable_receiving(monitor) < 0)
                return 3;
        show_present(udev);
        puts("watching");
        (void)fflush(stdout);
        for (;;) {
                struct pollfd fds[] = {{.fd = udev_monitor_get_fd(monitor), .events = POLLIN},
                                       {.fd = STDIN_FILENO, .events = POLLIN}};
                if (poll(fds, 2, -1) < 0 || fds[1].revents)
                        break;
                struct udev_device *device = udev_monitor_receive_device(monitor);
                if (device)
                        show(device, udev_device_get_action(device));
                udev_device_unref(device);
        }
        udev_monitor_unref(monitor);
        udev_unref(udev);
        return 0;
}

struct watcher {
        pid_t pid;
        int in, out;
};

static struct watcher start_watcher(struct fixture *f)
{
        int in[2], out[2];

        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0 ||
                    setenv("UMOCKDEV_DIR", ec25_client_environment(f->client, "UMOCKDEV_DIR"), 1) < 0 ||
                    setenv("LD_PRELOAD", ec25_client_environment(f->client, "LD_PRELOAD"), 1) < 0 ||
                    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1) < 0)
                        _exit(126);
                execl(self, self, "--watch", NULL);
                _exit(127);
        }
        close_fd(in[0]);
        close_fd(out[1]);
        return (struct watcher){.pid = pid, .in = in[1], .out = out[0]};
}

static void stop_watcher(struct watcher *watcher)
{
        int status;

        close_fd(watcher->in);
        close_fd(watcher->out);
        assert_int_equal(waitpid(watcher->pid, &status, 0), watcher->pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_libudev_sees_plug_and_unplug(void **state)
{
        struct fixture *f = *state;
        char text[8192];

        tell(f, "plug 0");
        struct watcher watcher = start_watcher(f);
        assert_true(read_until(watcher.out, "watching\n", text, sizeof(text)));
        assert_non_null(strstr(text, "have ttyUSB2 pci-0000:00:14.0-usb-0:1.1:1.2 02 if=02 2c7c/0125:0318 "
                                     "ep=03 product=EC25-AF opens=1\n"));
        assert_non_null(
            strstr(text, "have ttyUSB0 pci-0000:00:14.0-usb-0:1.1:1.0 00 if=00 2c7c/0125:0318 ep=02"));

        tell(f, "plug 1 composition=rndis usb=3-2 order=3,2,1,0 gap=5");
        assert_true(read_until(watcher.out, "add ttyUSB4", text, sizeof(text)));
        const char *modem =
            strstr(text, "add ttyUSB7 pci-0000:00:16.0-usb-0:2:1.5 05 if=05 2c7c/0125:0318 ep=03");
        const char *at =
            strstr(text, "add ttyUSB6 pci-0000:00:16.0-usb-0:2:1.4 04 if=04 2c7c/0125:0318 ep=03");
        assert_non_null(modem);
        assert_non_null(at);
        assert_true(modem < at);
        assert_null(strstr(text, "opens=0"));

        tell(f, "unplug 0");
        assert_true(read_until(watcher.out, "remove ttyUSB3 pci-0000:00:14.0-usb-0:1.1:1.3 03 if=-", text,
                               sizeof(text)));
        tell(f, "plug 2 composition=samsung");
        assert_true(read_until(watcher.out,
                               "add ttyACM0 pci-0000:00:14.0-usb-0:1.3:1.1 01 if=01 04e8/6860:0400 ep=01 "
                               "product=SAMSUNG_Android opens=1\n",
                               text, sizeof(text)));
        stop_watcher(&watcher);
}

static void test_a_hundred_plugs_reach_a_busy_listener(void **state)
{
        struct fixture *f = *state;
        static char text[1 << 20];

        struct watcher watcher = start_watcher(f);
        assert_true(read_until(watcher.out, "watching\n", text, sizeof(text)));
        for (int i = 0; i < 50; i++) {
                tell(f, "plug 0 composition=ftdi");
                tell(f, "unplug 0");
        }
        tell(f, "plug 0 composition=edl usb=4-1");
        assert_true(read_until(watcher.out,
                               "add ttyUSB0 pci-0000:00:17.0-usb-0:1:1.0 00 if=00 05c6/9008:0000", text,
                               sizeof(text)));
        size_t adds = 0;
        for (const char *found = text; (found = strstr(found, "add ttyUSB0")); found++)
                adds++;
        assert_int_equal(adds, 51);
        stop_watcher(&watcher);
}

static void test_authorized(void **state)
{
        struct fixture *f = *state;
        char path[PATH_MAX], text[4096];

        tell(f, "plug 0");
        struct watcher watcher = start_watcher(f);
        assert_true(read_until(watcher.out, "watching\n", text, sizeof(text)));
        assert_int_equal(
            text_format(path, sizeof(path), "%s/umockdev/sys/bus/usb/devices/1-1.1/authorized", f->directory),
            0);
        tell(f, "hang 0 usb");
        write_text(path, "0");
        assert_true(read_until(watcher.out, "remove ttyUSB3", text, sizeof(text)));
        write_text(path, "1");
        assert_true(read_until(watcher.out, "add ttyUSB3", text, sizeof(text)));
        _cleanup_close_ int fd = open_port(f, "node 0 at");
        say(fd, "AT\r");
        assert_true(read_until(fd, "OK\r\n", text, sizeof(text)));
        stop_watcher(&watcher);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            TEST(test_libudev_sees_plug_and_unplug),
            TEST(test_a_hundred_plugs_reach_a_busy_listener),
            TEST(test_authorized),
        };

        if (argc > 1 && text_equal(argv[1], "--watch"))
                return watch();
        if (find_program() < 0)
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
