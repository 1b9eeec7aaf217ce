/*
 * adapters/hotplug on events: pictures of an EC25 as it comes and goes. umockdev stands in for sysfs, /dev
 * and netlink; the program starts itself again with its library preloaded.
 */
#include "hotplug_fixture.h"

#include <umockdev.h>

/* --- an EC25 in the test bed --- */

static UMockdevTestbed *bed_of(struct fixture *fixture)
{
        return fixture->bed;
}

static int setup_bed(void **state)
{
        int r = setup(state);

        if (r == 0)
                ((struct fixture *)*state)->bed = umockdev_testbed_new();
        return r;
}

/* The program under test goes first: its sources point into the bed. */
static int teardown_bed(void **state)
{
        struct fixture *fixture = *state;
        UMockdevTestbed *bed = fixture->bed;
        int r = teardown(state);

        g_object_unref(bed);
        return r;
}

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
        if (!umockdev_testbed_add_from_string(bed_of(fixture), text, &error))
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
        gchar *root = umockdev_testbed_get_root_dir(bed_of(fixture));

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
        umockdev_testbed_uevent(bed_of(fixture), path, "remove");
        umockdev_testbed_remove_device(bed_of(fixture), path);
}

static void drop_tty(struct fixture *fixture, unsigned interface, unsigned tty)
{
        char path[256], node[128], number[128];

        node_paths(fixture, tty, node, number);
        (void)text_format(path, sizeof(path), EC25 "/1-1:1.%u/ttyUSB%u/tty/ttyUSB%u", interface, tty, tty);
        drop(fixture, path);
        (void)unlink(node);
        (void)unlink(number); /* the test bed may have removed both */
        gchar *root = umockdev_testbed_get_root_dir(bed_of(fixture));
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
        umockdev_testbed_set_attribute(bed_of(fixture), "/sys" EC25, "product", "EG25-G\x01\n");
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
        umockdev_testbed_set_attribute(bed_of(fixture), "/sys" EC25, "devnum", "5\n");
        assert_int_equal(hotplug_enumerate(fixture->hotplug), 0);
        assert_string_equal(fixture->told.journal, "+1-1 E -1-1 +1-1 E ");
}

/* Its successor is at the same path before anybody read the event, and looks just like it. */
static void test_a_removal_is_told_although_something_is_there(void **state)
{
        struct fixture *fixture = *state;

        add_ec25(fixture, 2);
        start_udev(fixture);
        umockdev_testbed_uevent(bed_of(fixture), "/sys" EC25, "remove");
        WAIT_UNTIL(fixture, fixture->told.devices == 2);
        settle(fixture);
        assert_string_equal(fixture->told.journal, "+1-1 E -1-1 +1-1 ");
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
        umockdev_testbed_set_attribute(bed_of(fixture), "/sys" EC25, "product", text);
        umockdev_testbed_set_attribute(bed_of(fixture), "/sys" EC25, "serial",
                                       "a\n[modem X]\ndevice = /dev/null\n");
        umockdev_testbed_set_attribute_binary(bed_of(fixture), "/sys" EC25, "manufacturer",
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
        umockdev_testbed_set_attribute(bed_of(fixture), "/sys" EC25, "idVendor", "zz\n");
        start_udev(fixture);
        assert_string_equal(fixture->told.journal, "E ");
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

#define BED_TEST(function) cmocka_unit_test_setup_teardown(function, setup_bed, teardown_bed)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            BED_TEST(test_enumeration_at_start),
            BED_TEST(test_ttys_come_one_by_one_out_of_order),
            BED_TEST(test_unplug),
            BED_TEST(test_renumbering),
            BED_TEST(test_a_replug_that_nobody_told),
            BED_TEST(test_a_removal_is_told_although_something_is_there),
            BED_TEST(test_enumerating_again_tells_all_and_forgets_the_rest),
            BED_TEST(test_a_strange_device_counts_from_its_first_tty_on),
            BED_TEST(test_a_hub_between),
            BED_TEST(test_a_storm_loses_nothing),
            BED_TEST(test_hostile_strings_are_bounded),
            BED_TEST(test_a_device_without_its_numbers_is_not_there),
            BED_TEST(test_kernel_events),
        };

        (void)argc;
        preload_test_bed(argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
