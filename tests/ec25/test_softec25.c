/*
 * The program as a whole: started, told what to do over its socket, looked at through ptys as smsd would and,
 * in a child under umockdev's preload, through libudev as the daemon would.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "ec25/client.h"

#include <fcntl.h>
#include <ftw.h>
#include <libudev.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
/* cmocka wants the headers above first */
#include <cmocka.h>

static char program[PATH_MAX], self[PATH_MAX];

struct fixture {
        char directory[64];
        struct ec25_client *client;
};

static int setup(void **state)
{
        static const char *const arguments[] = {"--umockdev", "--modems", "3", NULL};
        struct fixture *f = calloc(1, sizeof(*f));

        if (!f)
                return -1;
        (void)text_copy(f->directory, sizeof(f->directory), "/tmp/softec25.XXXXXX"); /* fits */
        if (!mkdtemp(f->directory) || ec25_client_start(program, f->directory, arguments, &f->client) < 0)
                return -1;
        *state = f;
        return 0;
}

static int remove_file(const char *path, const struct stat *stat, int type, struct FTW *where)
{
        (void)stat;
        (void)type;
        (void)where;
        return remove(path);
}

static int teardown(void **state)
{
        struct fixture *f = *state;
        char nodes[PATH_MAX];

        (void)text_copy(nodes, sizeof(nodes),
                        ec25_client_environment(f->client, "EC25_NODES")); /* a mkdtemp name */
        ec25_client_free(f->client);
        int left = access(nodes, F_OK); /* what it made in /dev/shm goes with it */
        int r = nftw(f->directory, remove_file, 16, FTW_DEPTH | FTW_PHYS);
        free(f);
        return left == 0 || r != 0 ? -1 : 0;
}

/* The answer, to be freed. */
static char *ask(struct fixture *f, const char *command)
{
        char *answer = NULL;
        int r = ec25_client_command(f->client, 10000, &answer, "%s", command);

        if (r < 0)
                print_message("%s: %s\n", command, ec25_client_error(f->client));
        assert_int_equal(r, 0);
        return answer;
}

static void tell(struct fixture *f, const char *command)
{
        free(ask(f, command));
}

static void refuse(struct fixture *f, const char *command, const char *error)
{
        assert_int_equal(ec25_client_command(f->client, 10000, NULL, "%s", command), -EINVAL);
        assert_string_equal(ec25_client_error(f->client), error);
}

static int open_port(struct fixture *f, const char *command)
{
        _cleanup_free_ char *node = ask(f, command);
        node[strcspn(node, "\n")] = '\0';
        int fd = open(node, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

/* Reads until `wanted` is there; false after two seconds, or at an end of file. */
static bool read_until(int fd, const char *wanted, char *text, size_t size)
{
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        size_t length = 0;

        text[0] = '\0';
        while (!strstr(text, wanted) && length + 1 < size && poll(&wait, 1, 2000) > 0) {
                ssize_t got = read(fd, text + length, size - 1 - length);
                if (got <= 0)
                        return false;
                length += (size_t)got;
                text[length] = '\0';
        }
        return strstr(text, wanted) != NULL;
}

static void say(int fd, const char *text)
{
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void test_at_and_transcript(void **state)
{
        struct fixture *f = *state;
        char text[256], path[PATH_MAX];

        tell(f, "plug 0");
        _cleanup_close_ int fd = open_port(f, "node 0 at");
        say(fd, "AT+CSQ\r");
        assert_true(read_until(fd, "OK\r\n", text, sizeof(text)));
        assert_string_equal(text, "AT+CSQ\r\r\n+CSQ: 28,99\r\n\r\nOK\r\n");
        assert_int_equal(text_format(path, sizeof(path), "%s/transcript/0-at", f->directory), 0);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        assert_non_null(file);
        size_t length = fread(text, 1, sizeof(text) - 1, file);
        text[length] = '\0';
        assert_non_null(strstr(text, " < AT+CSQ\\r\n"));
        _cleanup_free_ char *stats = ask(f, "stats");
        assert_non_null(strstr(stats, "bytes 0 diag written=0 read=0\n"));
        assert_non_null(strstr(stats, "command 0 at=1 modem=0 AT+CSQ\n"));
}

static void test_nothing_of_one_session_reaches_the_next(void **state)
{
        struct fixture *f = *state;
        char text[256];

        tell(f, "plug 0");
        int fd = open_port(f, "node 0 at");
        say(fd, "ATE0\r");
        assert_true(read_until(fd, "OK", text, sizeof(text)));
        say(fd, "AT+CGSN\r");
        tell(f, "wait-command 0 AT+CGSN 2000 1");
        close_fd(fd);
        tell(f, "urc 0 LOST"); /* nobody listens */
        fd = open_port(f, "node 0 at");
        say(fd, "AT\r");
        assert_true(read_until(fd, "OK\r\n", text, sizeof(text)));
        assert_string_equal(text, "\r\nOK\r\n");
        close_fd(fd);
}

static void test_unplug_hangs_up_and_leaves_a_hole(void **state)
{
        struct fixture *f = *state;
        char link[64], target[64], text[16];

        tell(f, "plug 0");
        int fd = open_port(f, "node 0 at");
        tell(f, "unplug 0");
        assert_int_equal(write(fd, "AT\r", 3), -1);
        assert_int_equal(errno, EIO);
        assert_int_equal(read(fd, text, sizeof(text)), 0);
        assert_int_equal(text_format(link, sizeof(link), "/proc/self/fd/%d", fd), 0);
        ssize_t length = readlink(link, target, sizeof(target) - 1);
        assert_true(length > 0);
        target[length] = '\0';
        assert_non_null(strstr(target, " (deleted)"));
        _cleanup_free_ char *holders = ask(f, "holders 0");
        assert_non_null(strstr(holders, "holder ttyUSB2 pid="));
        assert_non_null(strstr(holders, " dead\n"));

        tell(f, "plug 0");
        _cleanup_free_ char *hole = ask(f, "node 0 at");
        assert_non_null(strstr(hole, "/ttyUSB3\n")); /* 0, 1, 3, 4 */
        tell(f, "unplug 0");
        close_fd(fd);
        tell(f, "plug 0");
        _cleanup_free_ char *back = ask(f, "node 0 at");
        assert_non_null(strstr(back, "/ttyUSB2\n"));
}

static void test_stale_by_word(void **state)
{
        struct fixture *f = *state;

        tell(f, "stale ttyUSB2");
        tell(f, "plug 0");
        _cleanup_free_ char *node = ask(f, "node 0 modem");
        assert_non_null(strstr(node, "/ttyUSB4\n"));
        tell(f, "unplug 0");
        tell(f, "unstale ttyUSB2");
        tell(f, "plug 0 first=7");
        _cleanup_free_ char *first = ask(f, "node 0 diag");
        assert_non_null(strstr(first, "/ttyUSB7\n"));
        refuse(f, "stale ttyS0", "Invalid argument");
}

static void test_eio(void **state)
{
        struct fixture *f = *state;

        tell(f, "plug 0");
        _cleanup_close_ int fd = open_port(f, "node 0 at");
        tell(f, "eio 0");
        assert_int_equal(write(fd, "AT\r", 3), -1);
        assert_int_equal(errno, EIO);
        _cleanup_free_ char *list = ask(f, "list");
        assert_non_null(strstr(list, "modem 0 plugged"));
        tell(f, "unplug 0");
}

static void test_reset_leaves_and_returns(void **state)
{
        struct fixture *f = *state;
        char text[256];

        tell(f, "plug 0 back=50 boot=100");
        int fd = open_port(f, "node 0 at");
        tell(f, "hang 0");
        tell(f, "wake 0");
        tell(f, "wait-plugged 0 1 1000");
        /* Silent until it has booted. */
        assert_true(read_until(fd, "RDY", text, sizeof(text)));
        say(fd, "AT+CFUN=1,1\r");
        assert_true(read_until(fd, "OK\r\n", text, sizeof(text)));
        tell(f, "wait-plugged 0 0 2000");
        assert_int_equal(read(fd, text, sizeof(text)), 0);
        close_fd(fd);
        tell(f, "wait-plugged 0 1 2000");
        fd = open_port(f, "node 0 at");
        assert_true(read_until(fd, "PB DONE", text, sizeof(text)));
        say(fd, "AT+QPOWD\r");
        assert_true(read_until(fd, "POWERED DOWN", text, sizeof(text)));
        tell(f, "wait-plugged 0 0 2000");
        close_fd(fd);
        refuse(f, "unplug 0", "No such device");
}

static void test_wrong_words_are_refused(void **state)
{
        static const struct {
                const char *command, *error;
        } table[] = {
            {"nonsense", "unknown command, try help"},
            {"plug", "no such modem"},
            {"plug 3", "no such modem"},
            {"plug 0 composition=nothing", "Invalid argument"},
            {"plug 0 usb=1", "Invalid argument"},
            {"plug 0 usb=1-1/../x", "Invalid argument"},
            {"plug 0 gap=x", "unknown option, or not a number"},
            {"plug 0 order=0,x", "order: reverse, or indices with commas"},
            {"sim 0 maybe", "sim: ready absent busy failure dip pin puk"},
            {"reg 0 moon", "reg: none home searching denied unknown roaming"},
            {"pin 0 12", "pin: 4 to 8 digits"},
            {"receive 0 +1", "receive: sender text"},
            {"receive 0 +1 \\q", "bad escape in text"},
            {"fault 0 hunger", "fault: none split garbage urcs binary nmea"},
            {"wait-sent 0 1 20", "timeout"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                refuse(f, table[i].command, table[i].error);
        tell(f, "plug 0 usb=2-1.4");
        refuse(f, "plug 0", "Operation already in progress");
        refuse(f, "plug 1 usb=2-1.4", "Device or resource busy");
        tell(f, "help");
        tell(f, "");
        tell(f, "# a comment");
}

static void test_huge_identity_passes(void **state)
{
        struct fixture *f = *state;
        static char text[1 << 16];
        size_t total = 0;

        tell(f, "plug 0");
        tell(f, "identity 0 model=@10M");
        _cleanup_close_ int fd = open_port(f, "node 0 at");
        say(fd, "AT+CGMM\r");
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        while (total < (10u << 20) && poll(&wait, 1, 2000) > 0) {
                ssize_t got = read(fd, text, sizeof(text));
                assert_true(got > 0);
                total += (size_t)got;
        }
        assert_true(total >= (10u << 20));
}

/* -- through libudev -- */

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
        _cleanup_fclose_ FILE *off = fopen(path, "we");
        assert_non_null(off);
        assert_true(fputs("0", off) >= 0 && fflush(off) == 0);
        (void)fclose(off);
        off = NULL;
        assert_true(read_until(watcher.out, "remove ttyUSB3", text, sizeof(text)));
        _cleanup_fclose_ FILE *on = fopen(path, "we");
        assert_non_null(on);
        assert_true(fputs("1", on) >= 0 && fflush(on) == 0);
        (void)fclose(on);
        on = NULL;
        assert_true(read_until(watcher.out, "add ttyUSB3", text, sizeof(text)));
        _cleanup_close_ int fd = open_port(f, "node 0 at");
        say(fd, "AT\r");
        assert_true(read_until(fd, "OK\r\n", text, sizeof(text)));
        stop_watcher(&watcher);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            TEST(test_at_and_transcript),
            TEST(test_nothing_of_one_session_reaches_the_next),
            TEST(test_unplug_hangs_up_and_leaves_a_hole),
            TEST(test_stale_by_word),
            TEST(test_eio),
            TEST(test_reset_leaves_and_returns),
            TEST(test_wrong_words_are_refused),
            TEST(test_huge_identity_passes),
            TEST(test_libudev_sees_plug_and_unplug),
            TEST(test_a_hundred_plugs_reach_a_busy_listener),
            TEST(test_authorized),
        };

        if (argc > 1 && text_equal(argv[1], "--watch"))
                return watch();
        if (!realpath("/proc/self/exe", self) || text_copy(program, sizeof(program), self) < 0)
                return 2;
        /* build/tests/ec25/test_softec25 -> build/softec25 */
        for (int i = 0; i < 3; i++)
                *strrchr(program, '/') = '\0';
        if (text_append(program, sizeof(program), "/softec25") < 0)
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
