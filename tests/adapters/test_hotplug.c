/*
 * adapters/hotplug: pictures of an EC25 as it comes and goes, from the events of a test bed (umockdev stands
 * in for sysfs, /dev and netlink; the program starts itself again with its library preloaded), from a fake
 * sysfs without any event, and fixed nodes.
 */
#include "adapters/hotplug.h"

#include "base/text.h"
#include "base/usec.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>
#include <umockdev.h>

#define PATIENCE (10 * USEC_PER_SEC)

/* --- what was told --- */

struct told {
        unsigned devices, gone, enumerated, nodes;
        struct usb_device last;
        char last_gone[USB_PATH_MAX];
        char journal[4096]; /* "+1-1 -1-1 E n+ n- " */
        bool node_present;
};

static void note(struct told *told, const char *what, const char *name)
{
        (void)text_append(told->journal, sizeof(told->journal), "%s%s ", what,
                          name); /* a storm's journal is cut */
}

static void on_device(void *userdata, const struct usb_device *device)
{
        struct told *told = userdata;

        told->devices++;
        told->last = *device;
        note(told, "+", device->path);
}

static void on_gone(void *userdata, const char *usb_path)
{
        struct told *told = userdata;

        told->gone++;
        (void)text_copy(told->last_gone, sizeof(told->last_gone), usb_path);
        note(told, "-", usb_path);
}

static void on_enumerated(void *userdata)
{
        struct told *told = userdata;

        told->enumerated++;
        note(told, "E", "");
}

static void on_node(void *userdata, const char *path, bool present)
{
        struct told *told = userdata;

        (void)path;
        told->nodes++;
        told->node_present = present;
        note(told, present ? "n+" : "n-", "");
}

static const struct hotplug_callbacks callbacks = {on_device, on_gone, on_enumerated, on_node};

struct fixture {
        UMockdevTestbed *bed;
        sd_event *event;
        struct hotplug *hotplug;
        struct told told;
        char folder[64]; /* of the fake sysfs and /dev */
};

static usec_t now(void)
{
        struct timespec time;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
        return (usec_t)time.tv_sec * USEC_PER_SEC + (usec_t)time.tv_nsec / 1000;
}

/* Runs the loop until nothing happened for a moment: for what must NOT be told. */
static void settle(struct fixture *fixture)
{
        while (sd_event_run(fixture->event, 50 * USEC_PER_MSEC) > 0)
                ;
}

/* Runs the loop until the condition holds. */
#define WAIT_UNTIL(fixture, condition)                                                                       \
        do {                                                                                                 \
                usec_t deadline = now() + PATIENCE;                                                          \
                while (!(condition) && now() < deadline)                                                     \
                        assert_true(sd_event_run((fixture)->event, 100 * USEC_PER_MSEC) >= 0);               \
                if (!(condition))                                                                            \
                        fail_msg("never: %s; told: %s", #condition, (fixture)->told.journal);                \
        } while (0)

static unsigned count_nodes(const struct usb_device *device)
{
        unsigned n = 0;

        for (unsigned i = 0; i < device->n_interfaces; i++)
                n += device->interfaces[i].node[0] != '\0';
        return n;
}

/* --- an EC25 in the test bed --- */

#define BUS  "/devices/platform/vhci_hcd.0/usb1"
#define EC25 BUS "/1-1"

static void add(struct fixture *fixture, const char *format, ...) _printf_(2, 3);

static void add(struct fixture *fixture, const char *format, ...)
{
        char text[2048];
        va_list arguments;
        GError *error = NULL;

        va_start(arguments, format);
        assert_true((size_t)vsnprintf(text, sizeof(text), format, arguments) < sizeof(text));
        va_end(arguments);
        if (!umockdev_testbed_add_from_string(fixture->bed, text, &error))
                fail_msg("test bed: %s", error->message);
}

static void add_usb_device(struct fixture *fixture, const char *path, const char *vendor, const char *product,
                           unsigned devnum)
{
        add(fixture,
            "P: %s\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: PRODUCT=2c7c/125/318\nA: idVendor=%s\\n\nA: "
            "idProduct=%s\\n\n"
            "A: bcdDevice=0318\\n\nA: devnum=%u\\n\nA: manufacturer=Quectel\\n\nA: "
            "product=EG25-G\\x01\\n\nA: bDeviceClass=00\\n\n",
            path, vendor, product, devnum);
}

static void add_interface(struct fixture *fixture, const char *device, const char *name, unsigned number,
                          const char *class, const char *subclass, bool interrupt)
{
        add(fixture,
            "P: %s/%s:1.%u\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_interface\nA: bInterfaceNumber=%02x\\n\nA: "
            "bInterfaceClass=%s\\n\n"
            "A: bInterfaceSubClass=%s\\n\nA: bInterfaceProtocol=00\\n\nA: ep_01/type=Bulk\\n\nA: "
            "ep_81/type=Bulk\\n\n%s",
            device, name, number, number, class, subclass, interrupt ? "A: ep_82/type=Interrupt\\n\n" : "");
}

static void add_ec25(struct fixture *fixture, unsigned devnum)
{
        add_usb_device(fixture, EC25, "2c7c", "0125", devnum);
        add_interface(fixture, EC25, "1-1", 0, "ff", "ff", false);
        for (unsigned i = 1; i <= 3; i++)
                add_interface(fixture, EC25, "1-1", i, "ff", "00", true);
        add_interface(fixture, EC25, "1-1", 4, "ff", "ff", true);
}

/*
 * The node of a tty. The test bed would make a pty of it, which it cannot make a second time under the same
 * name; a plain file and its number beside it are a character device to its stat().
 */
static void node_paths(struct fixture *fixture, unsigned tty, char node[128], char number[128])
{
        gchar *root = umockdev_testbed_get_root_dir(fixture->bed);

        (void)text_format(node, 128, "%s/dev", root);
        (void)mkdir(node, 0755);
        (void)text_format(node, 128, "%s/dev/ttyUSB%u", root, tty);
        (void)text_format(number, 128, "%s/dev/.node/ttyUSB%u", root, tty);
        g_free(root);
}

static void add_tty(struct fixture *fixture, unsigned interface, unsigned tty)
{
        char node[128], number[128];

        node_paths(fixture, tty, node, number);
        _cleanup_close_ int fd = open(node, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        add(fixture,
            "P: " EC25
            "/1-1:1.%u/ttyUSB%u/tty/ttyUSB%u\nE: SUBSYSTEM=tty\nE: DEVNAME=/dev/ttyUSB%u\nE: MAJOR=188\n"
            "E: MINOR=%u\nA: dev=188:%u\\n\n",
            interface, tty, tty, tty, tty, tty);
}

/* The test bed does not tell of a removal by itself. */
static void drop(struct fixture *fixture, const char *devpath)
{
        char path[256];

        (void)text_format(path, sizeof(path), "/sys%s", devpath);
        umockdev_testbed_uevent(fixture->bed, path, "remove");
        umockdev_testbed_remove_device(fixture->bed, path);
}

static void drop_tty(struct fixture *fixture, unsigned interface, unsigned tty)
{
        char path[256], node[128], number[128];

        node_paths(fixture, tty, node, number);
        (void)text_format(path, sizeof(path), EC25 "/1-1:1.%u/ttyUSB%u/tty/ttyUSB%u", interface, tty, tty);
        drop(fixture, path);
        (void)unlink(node);
        (void)unlink(number); /* the test bed may have removed both */
        gchar *root = umockdev_testbed_get_root_dir(fixture->bed);
        (void)text_format(number, sizeof(number), "%s/sys/dev/char/188:%u", root, tty);
        (void)unlink(number); /* and leaves this */
        g_free(root);
}

static void drop_ec25(struct fixture *fixture)
{
        char path[256];

        for (unsigned i = 0; i <= 4; i++) {
                (void)text_format(path, sizeof(path), EC25 "/1-1:1.%u", i);
                drop(fixture, path);
        }
        drop(fixture, EC25);
}

static int setup(void **state)
{
        struct fixture *fixture = calloc(1, sizeof(*fixture));

        fixture->bed = umockdev_testbed_new();
        if (sd_event_new(&fixture->event) < 0)
                return -1;
        (void)text_copy(fixture->folder, sizeof(fixture->folder), "/tmp/test_hotplug.XXXXXX");
        *state = fixture;
        return mkdtemp(fixture->folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
        (void)st;
        (void)type;
        (void)where;
        return remove(path);
}

static int teardown(void **state)
{
        struct fixture *fixture = *state;

        fixture->hotplug = hotplug_free(fixture->hotplug);
        sd_event_unref(fixture->event);
        g_object_unref(fixture->bed);
        (void)nftw(fixture->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(fixture);
        return 0;
}

static void start(struct fixture *fixture, const struct hotplug_options *options)
{
        assert_int_equal(hotplug_new(&fixture->hotplug, fixture->event, options, &callbacks, &fixture->told),
                         0);
        assert_int_equal(hotplug_enumerate(fixture->hotplug), 0);
}

static void start_udev(struct fixture *fixture)
{
        start(fixture, &(struct hotplug_options){.force_udev = true});
}

static void test_enumeration_at_start(void **state)
{
        struct fixture *fixture = *state;

        add(fixture, "P: " BUS "\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nA: idVendor=1d6b\\n\nA: "
                     "idProduct=0002\\n\nA: bcdDevice=0601\\n\n");
        add_ec25(fixture, 7);
        for (unsigned i = 0; i < 4; i++)
                add_tty(fixture, i, i);
        umockdev_testbed_set_attribute(fixture->bed, "/sys" EC25, "product", "EG25-G\x01\n");
        add_usb_device(fixture, BUS "/1-2", "046d", "c077", 9); /* a mouse */
        add_interface(fixture, BUS "/1-2", "1-2", 0, "03", "01", true);
        start_udev(fixture);
        assert_string_equal(fixture->told.journal, "+1-1 E ");

        const struct usb_device *device = &fixture->told.last;
        assert_string_equal(device->path, "1-1");
        assert_int_equal(device->vendor, 0x2c7c);
        assert_int_equal(device->product, 0x0125);
        assert_int_equal(device->release, 0x0318);
        assert_string_equal(device->manufacturer, "Quectel");
        assert_string_equal(device->model, "EG25-G\x01"); /* raw: who shows it escapes it */
        assert_string_equal(device->serial, "");
        assert_int_equal(device->n_interfaces, 5);
        for (unsigned i = 0; i < 5; i++) {
                assert_int_equal(device->interfaces[i].number, i);
                assert_int_equal(device->interfaces[i].class, 0xff);
                assert_int_equal(device->interfaces[i].subclass, i == 0 || i == 4 ? 0xff : 0);
                assert_int_equal(device->interfaces[i].bulk, 2);
                assert_int_equal(device->interfaces[i].interrupt, i == 0 ? 0 : 1);
        }
        assert_string_equal(device->interfaces[2].node, "/dev/ttyUSB2");
        assert_string_equal(device->interfaces[2].target, "/dev/ttyUSB2");
        assert_string_equal(device->interfaces[4].node, "");
}

static void test_ttys_come_one_by_one_out_of_order(void **state)
{
        static const unsigned order[] = {3, 0, 2, 1};
        struct fixture *fixture = *state;

        start_udev(fixture);
        assert_string_equal(fixture->told.journal, "E ");
        add_ec25(fixture, 2);
        WAIT_UNTIL(fixture, fixture->told.devices > 0); /* before it has any tty */
        for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
                add_tty(fixture, order[i], order[i]);
                WAIT_UNTIL(fixture, count_nodes(&fixture->told.last) == i + 1);
        }
        assert_int_equal(fixture->told.last.n_interfaces, 5);
        assert_string_equal(fixture->told.last.interfaces[3].node, "/dev/ttyUSB3");
        assert_int_equal(fixture->told.gone, 0);
}

static void test_unplug(void **state)
{
        struct fixture *fixture = *state;

        add_ec25(fixture, 2);
        add_tty(fixture, 2, 2);
        start_udev(fixture);
        drop_tty(fixture, 2, 2);
        WAIT_UNTIL(fixture, count_nodes(&fixture->told.last) == 0);
        assert_int_equal(fixture->told.gone, 0);
        drop_ec25(fixture);
        WAIT_UNTIL(fixture, fixture->told.gone == 1);
        settle(fixture);
        assert_string_equal(fixture->told.last_gone, "1-1");
        assert_int_equal(fixture->told.gone, 1);
}

/* The minor hole: the dead ttyUSB2 is still held, the modem comes back as 0, 1, 3, 4. */
static void test_renumbering(void **state)
{
        static const unsigned numbers[] = {0, 1, 3, 4};
        struct fixture *fixture = *state;

        add_ec25(fixture, 2);
        for (unsigned i = 0; i < 4; i++)
                add_tty(fixture, i, i);
        start_udev(fixture);
        for (unsigned i = 0; i < 4; i++)
                drop_tty(fixture, i, i);
        drop_ec25(fixture);
        add_ec25(fixture, 3);
        for (unsigned i = 0; i < 4; i++)
                add_tty(fixture, i, numbers[i]);
        WAIT_UNTIL(fixture, count_nodes(&fixture->told.last) == 4 && fixture->told.gone == 1);
        settle(fixture);
        assert_int_equal(fixture->told.gone, 1);
        assert_string_equal(fixture->told.last.interfaces[2].node, "/dev/ttyUSB3");
        assert_string_equal(fixture->told.last.interfaces[3].node, "/dev/ttyUSB4");
}

/* Events were lost: a replug that left the same picture is still a replug, by the kernel's device number. */
static void test_a_replug_that_nobody_told(void **state)
{
        struct fixture *fixture = *state;

        add_ec25(fixture, 2);
        start_udev(fixture);
        umockdev_testbed_set_attribute(fixture->bed, "/sys" EC25, "devnum", "5\n");
        assert_int_equal(hotplug_enumerate(fixture->hotplug), 0);
        assert_string_equal(fixture->told.journal, "+1-1 E -1-1 +1-1 E ");
}

static void test_enumerating_again_tells_all_and_forgets_the_rest(void **state)
{
        struct fixture *fixture = *state;

        add_ec25(fixture, 2);
        add_usb_device(fixture, BUS "/1-3", "05c6", "9008",
                       4); /* in download mode: no tty, and worth an alert */
        start_udev(fixture);
        assert_int_equal(fixture->told.devices, 2);
        drop(fixture, BUS "/1-3");
        fixture->told.journal[0] = '\0';
        assert_int_equal(hotplug_enumerate(fixture->hotplug), 0);
        assert_int_equal(fixture->told.devices, 3);
        assert_string_equal(fixture->told.journal, "+1-1 -1-3 E ");
        settle(fixture); /* the removal's own event comes too late to tell it twice */
        assert_int_equal(fixture->told.gone, 1);
}

static void test_a_strange_device_counts_from_its_first_tty_on(void **state)
{
        struct fixture *fixture = *state;

        add_usb_device(fixture, EC25, "1a86", "7523", 2);
        add_interface(fixture, EC25, "1-1", 0, "ff", "01", true);
        start_udev(fixture);
        assert_int_equal(fixture->told.devices, 0);
        add_tty(fixture, 0, 0);
        WAIT_UNTIL(fixture, fixture->told.devices == 1);
        drop_tty(fixture, 0, 0);
        WAIT_UNTIL(fixture, count_nodes(&fixture->told.last) == 0); /* still told: it was known */
        assert_int_equal(fixture->told.gone, 0);
}

static void test_a_hub_between(void **state)
{
        struct fixture *fixture = *state;

        start_udev(fixture);
        add_usb_device(fixture, BUS "/1-1", "0424", "2514", 2);
        add_usb_device(fixture, BUS "/1-1/1-1.2", "2c7c", "0125", 3);
        WAIT_UNTIL(fixture, fixture->told.devices > 0);
        assert_string_equal(fixture->told.last.path, "1-1.2");
        drop(fixture, BUS "/1-1/1-1.2");
        drop(fixture, BUS "/1-1");
        WAIT_UNTIL(fixture, fixture->told.gone > 0);
        settle(fixture);
        assert_string_equal(fixture->told.last_gone, "1-1.2");
        assert_int_equal(fixture->told.gone, 1);
}

static void test_a_storm_loses_nothing(void **state)
{
        struct fixture *fixture = *state;

        add_ec25(fixture, 2);
        start_udev(fixture);
        for (unsigned i = 0; i < 125;
             i++) { /* 500 events that nobody reads meanwhile (a socket of the test bed holds them) */
                add_tty(fixture, 2, 2);
                add_tty(fixture, 3, 3);
                (void)sd_event_run(fixture->event, 0);
                drop_tty(fixture, 2, 2);
                drop_tty(fixture, 3, 3);
        }
        add_tty(fixture, 3, 3);
        add_tty(fixture, 1, 1);
        WAIT_UNTIL(fixture, count_nodes(&fixture->told.last) == 2);
        settle(fixture);
        assert_string_equal(fixture->told.last.interfaces[1].node, "/dev/ttyUSB1");
        assert_string_equal(fixture->told.last.interfaces[2].node, "");
        assert_string_equal(fixture->told.last.interfaces[3].node, "/dev/ttyUSB3");
        assert_int_equal(fixture->told.gone, 0);
}

static void test_hostile_strings_are_bounded(void **state)
{
        struct fixture *fixture = *state;
        char text[512];

        memset(text, 'A', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        add_usb_device(fixture, EC25, "2c7c", "0125", 2);
        umockdev_testbed_set_attribute(fixture->bed, "/sys" EC25, "product", text);
        umockdev_testbed_set_attribute(fixture->bed, "/sys" EC25, "serial",
                                       "a\n[modem X]\ndevice = /dev/null\n");
        umockdev_testbed_set_attribute_binary(fixture->bed, "/sys" EC25, "manufacturer",
                                              (guint8 *)(uintptr_t) "Q\0x", 3);
        start_udev(fixture);
        assert_int_equal(strlen(fixture->told.last.model), USB_STRING_MAX - 1);
        assert_string_equal(fixture->told.last.serial, "a\n[modem X]\ndevice = /dev/null");
        assert_string_equal(fixture->told.last.manufacturer, "Q");
}

static void test_a_device_without_its_numbers_is_not_there(void **state)
{
        struct fixture *fixture = *state;

        add_ec25(fixture, 2);
        umockdev_testbed_set_attribute(fixture->bed, "/sys" EC25, "idVendor", "zz\n");
        start_udev(fixture);
        assert_string_equal(fixture->told.journal, "E ");
}

/* --- without udev --- */

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
        char part[256];

        for (const char *p = path + 1; (p = strchr(p, '/')); p++) {
                (void)text_copy_n(part, sizeof(part), path, (size_t)(p - path));
                (void)mkdir(part, 0755);
        }
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

/* Where no udevd runs, the kernel's own events are listened to as well. */
static void test_kernel_events(void **state)
{
        struct fixture *fixture = *state;

        if (access("/run/udev/control", F_OK) == 0)
                skip();
        start(fixture, &(struct hotplug_options){0});
        add_ec25(fixture, 2);
        WAIT_UNTIL(fixture, fixture->told.devices > 0);
        add_tty(fixture, 2, 2);
        WAIT_UNTIL(fixture, count_nodes(&fixture->told.last) == 1);
        drop_tty(fixture, 2, 2);
        drop_ec25(fixture);
        WAIT_UNTIL(fixture, fixture->told.gone == 1);
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
        assert_int_equal(symlink("/dev/zero", watched), 0);
        WAIT_UNTIL(fixture, told->node_present);

        /* No character device. */
        assert_int_equal(unlink(in(fixture, "dev/at")), 0);
        assert_int_equal(unlink(watched), 0);
        put(watched, "");
        WAIT_UNTIL(fixture, !told->node_present);
        settle(fixture);
        assert_false(told->node_present);
        assert_int_equal(hotplug_unwatch_node(fixture->hotplug, watched), 0);
        assert_int_equal(hotplug_unwatch_node(fixture->hotplug, watched), -ENOENT);
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

/* The preload library must be there before main: start again with it. */
static void preload_test_bed(char **argv)
{
        const char *preloaded = getenv("LD_PRELOAD");

        if (preloaded && strstr(preloaded, "libumockdev-preload"))
                return;
        (void)setenv("LD_PRELOAD", "libumockdev-preload.so.0", 1);
        (void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
        (void)execv("/proc/self/exe", argv);
        perror("execv");
        exit(EXIT_FAILURE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            TEST(test_enumeration_at_start),
            TEST(test_ttys_come_one_by_one_out_of_order),
            TEST(test_unplug),
            TEST(test_renumbering),
            TEST(test_a_replug_that_nobody_told),
            TEST(test_enumerating_again_tells_all_and_forgets_the_rest),
            TEST(test_a_strange_device_counts_from_its_first_tty_on),
            TEST(test_a_hub_between),
            TEST(test_a_storm_loses_nothing),
            TEST(test_hostile_strings_are_bounded),
            TEST(test_a_device_without_its_numbers_is_not_there),
            TEST(test_sysfs_alone),
            TEST(test_sysfs_without_usb),
            TEST(test_a_bad_root),
            TEST(test_kernel_events),
            TEST(test_want_of_descriptors),
            TEST(test_node_behind_links),
            TEST(test_node_loop_and_nonsense),
            TEST(test_node_on_a_pty),
        };

        (void)argc;
        preload_test_bed(argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
