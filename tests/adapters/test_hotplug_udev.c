/*
 * adapters/hotplug beside udevd: stable names and the tag. The program has a /sys, /dev, /run and a network
 * of its own, so that it can play udevd: it writes the database, makes the links and multicasts the messages.
 */
#include "hotplug_fixture.h"
#include "temp_folder.h"

#include "ec25/uevent.h"

#include <linux/netlink.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define UDEV_GROUP 2
#define LINK       "/dev/smswarden/1-1.2-at"
#define TAGGED     "TAGS=:smswarden:\nCURRENT_TAGS=:smswarden:\n"

static void make_folder(const char *path)
{
        temp_folder_make_parents(path);
        (void)mkdir(path, 0755);
}

static void put(const char *folder, const char *name, const char *text)
{
        char path[256];

        assert_int_equal(text_format(path, sizeof(path), "%s/%s", folder, name), 0);
        make_folder(folder);
        _cleanup_fclose_ FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
}

static void make_link(const char *target, const char *path)
{
        char folder[256];

        (void)text_copy_n(folder, sizeof(folder), path, (size_t)(strrchr(path, '/') - path));
        make_folder(folder);
        (void)unlink(path);
        assert_int_equal(symlink(target, path), 0);
}

/* --- the kernel's part --- */

struct usb {
        const char *path, *vendor;
        unsigned number; /* devnum, minor */
        char devpath[64], folder[128];
};

static struct usb add_usb(const char *path, const char *vendor, unsigned number)
{
        struct usb usb = {.path = path, .vendor = vendor, .number = number};
        char text[128], link[128];

        (void)text_format(usb.devpath, sizeof(usb.devpath), "/devices/usb1/%s", path);
        (void)text_format(usb.folder, sizeof(usb.folder), "/sys%s", usb.devpath);
        put(usb.folder, "idVendor", vendor);
        put(usb.folder, "idProduct", "0125\n");
        put(usb.folder, "bcdDevice", "0318\n");
        (void)text_format(text, sizeof(text), "%u\n", number);
        put(usb.folder, "devnum", text);
        (void)text_format(text, sizeof(text),
                          "MAJOR=189\nMINOR=%u\nDEVNAME=bus/usb/001/%03u\nDEVTYPE=usb_device\n", number,
                          number);
        put(usb.folder, "uevent", text);
        (void)text_format(link, sizeof(link), "%s/subsystem", usb.folder);
        make_link("/sys/bus/usb", link);
        (void)text_format(link, sizeof(link), "/sys/bus/usb/devices/%s", path);
        make_link(usb.folder, link);
        return usb;
}

static void add_tty(const struct usb *usb, unsigned tty)
{
        char folder[256], text[128], link[256];

        (void)text_format(folder, sizeof(folder), "%s/%s:1.2", usb->folder, usb->path);
        put(folder, "bInterfaceNumber", "02\n");
        put(folder, "bInterfaceClass", "ff\n");
        put(folder, "bInterfaceSubClass", "00\n");
        put(folder, "bInterfaceProtocol", "00\n");
        (void)text_append(folder, sizeof(folder), "/ttyUSB%u/tty/ttyUSB%u", tty, tty);
        (void)text_format(text, sizeof(text), "MAJOR=188\nMINOR=%u\nDEVNAME=ttyUSB%u\n", tty, tty);
        put(folder, "uevent", text);
        (void)text_format(text, sizeof(text), "188:%u\n", tty);
        put(folder, "dev", text);
        (void)text_format(link, sizeof(link), "%s/subsystem", folder);
        make_link("/sys/class/tty", link);
        (void)text_format(link, sizeof(link), "/sys/class/tty/ttyUSB%u", tty);
        make_link(folder, link);
        (void)text_format(link, sizeof(link), "/dev/ttyUSB%u", tty);
        (void)unlink(link);
        assert_int_equal(mknod(link, S_IFCHR | 0600, makedev(188, tty)), 0);
}

static void remove_usb(const struct usb *usb)
{
        temp_folder_remove(usb->folder);
}

/* --- udevd's part --- */

static void remember(unsigned major_number, unsigned minor_number, const char *lines)
{
        char name[32], text[256];

        (void)text_format(name, sizeof(name), "c%u:%u", major_number, minor_number);
        (void)text_format(text, sizeof(text), "I:1\n%sV:1\n", lines);
        put("/run/udev/data", name, text);
}

static void remember_usb(const struct usb *usb, bool tagged)
{
        remember(189, usb->number, tagged ? "G:smswarden\nQ:smswarden\n" : "");
}

static void multicast(const char *action, const char *devpath, const char *subsystem, const char *devtype,
                      const char *properties)
{
        static uint64_t sequence;
        struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = UDEV_GROUP};
        char message[4096];
        ssize_t length = uevent_message(message, sizeof(message), ++sequence, action, devpath, subsystem,
                                        devtype, properties);

        assert_true(length > 0);
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
        assert_true(fd >= 0);
        assert_int_equal(sendto(fd, message, (size_t)length, 0, (struct sockaddr *)&address, sizeof(address)),
                         length);
}

static void tell(const char *action, const struct usb *usb, bool tagged)
{
        char properties[256];

        (void)text_format(properties, sizeof(properties), "MAJOR=189\nMINOR=%u\nDEVTYPE=usb_device\n%s",
                          usb->number, tagged ? TAGGED : "");
        multicast(action, usb->devpath, "usb", "usb_device", properties);
}

static void tell_tty(const char *action, const struct usb *usb, unsigned tty, bool tagged)
{
        char devpath[256], properties[256];

        (void)text_format(devpath, sizeof(devpath), "%s/%s:1.2/ttyUSB%u/tty/ttyUSB%u", usb->devpath,
                          usb->path, tty, tty);
        (void)text_format(properties, sizeof(properties), "MAJOR=188\nMINOR=%u\nDEVNAME=/dev/ttyUSB%u\n%s",
                          tty, tty, tagged ? TAGGED : "");
        multicast(action, devpath, "tty", NULL, properties);
}

/* --- stable names --- */

static struct usb add_modem(bool tagged)
{
        struct usb usb = add_usb("1-1.2", "2c7c\n", 7);

        add_tty(&usb, 2);
        remember_usb(&usb, tagged);
        return usb;
}

static void begin(struct fixture *fixture)
{
        start(fixture, &(struct hotplug_options){0});
}

static void check_node(const struct fixture *fixture, const char *node, const char *target)
{
        assert_string_equal(fixture->told.last.interfaces[0].node, node);
        assert_string_equal(fixture->told.last.interfaces[0].target, target);
}

static void test_which_name(void **state)
{
        static const struct {
                const char *links;         /* in udev's memory */
                const char *leads_to;      /* LINK, NULL: there is none */
                const char *node, *target; /* "" not ready */
        } cases[] = {
            {"S:serial/by-path/x-port0\nS:smswarden/1-1.2-at\n", "../ttyUSB2", LINK, "/dev/ttyUSB2"},
            {"S:smswarden/1-1.2-at\n", "/dev/ttyUSB2", LINK, "/dev/ttyUSB2"},
            {"S:serial/by-path/x-port0\n", "../ttyUSB2", "/dev/ttyUSB2", "/dev/ttyUSB2"},
            {"S:ttyUSB_AT\n", "../ttyUSB2", "/dev/ttyUSB2", "/dev/ttyUSB2"},
            {"S:smswarden/1-1.2-at\n", "../ttyUSB1", "/dev/ttyUSB2", "/dev/ttyUSB2"}, /* another's */
            {"S:smswarden/1-1.2-at\n", "../absent", "/dev/ttyUSB2", "/dev/ttyUSB2"},
            {"S:smswarden/1-1.2-at\n", NULL, "/dev/ttyUSB2", "/dev/ttyUSB2"},
            {NULL, "../ttyUSB2", "", ""}, /* udev is not done with it */
        };
        struct fixture *fixture = *state;

        (void)add_modem(true);
        assert_int_equal(mknod("/dev/ttyUSB1", S_IFCHR | 0600, makedev(188, 1)), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                (void)unlink(LINK);
                (void)unlink("/run/udev/data/c188:2");
                if (cases[i].leads_to)
                        make_link(cases[i].leads_to, LINK);
                if (cases[i].links)
                        remember(188, 2, cases[i].links);
                begin(fixture);
                check_node(fixture, cases[i].node, cases[i].target);
                fixture->hotplug = hotplug_free(fixture->hotplug);
        }
}

/* The package is installed while the modem is plugged in: its rules are carried out on what is there. */
static void test_the_rules_come_later(void **state)
{
        struct fixture *fixture = *state;
        struct usb usb = add_modem(false);

        remember(188, 2, "");
        begin(fixture);
        check_node(fixture, "/dev/ttyUSB2", "/dev/ttyUSB2");
        make_link("../ttyUSB2", LINK);
        remember(188, 2, "S:smswarden/1-1.2-at\n");
        remember_usb(&usb, true);
        tell("change", &usb, true);
        tell_tty("change", &usb, 2, true);
        WAIT_UNTIL(fixture, fixture->told.devices == 2);
        check_node(fixture, LINK, "/dev/ttyUSB2");
}

/* --- the tag --- */

/* A stranger's tty at another place; udev does not tag it. */
static struct usb add_stranger(void)
{
        struct usb usb = add_usb("1-9", "0403\n", 9);

        add_tty(&usb, 5);
        remember_usb(&usb, false);
        remember(188, 5, "");
        return usb;
}

static void test_only_ours_wake_us(void **state)
{
        struct fixture *fixture = *state;
        struct usb modem = add_modem(true);

        remember(188, 2, "");
        begin(fixture);
        struct usb stranger = add_stranger();
        tell("add", &stranger, false);
        tell_tty("add", &stranger, 5, false);
        settle(fixture);
        assert_string_equal(fixture->told.journal, "+1-1.2 E ");

        remove_usb(&modem);
        tell("remove", &modem, true);
        WAIT_UNTIL(fixture, fixture->told.gone == 1);
        assert_string_equal(fixture->told.last_gone, "1-1.2");
        /* With nothing known there is no sign of the rules any more. */
        tell_tty("change", &stranger, 5, false);
        WAIT_UNTIL(fixture, fixture->told.devices == 2);
        assert_string_equal(fixture->told.last.path, "1-9");
}

/* Whatever was told must be heard when it leaves, tagged or not. */
static void test_untagged_devices_are_heard(void **state)
{
        struct fixture *fixture = *state;
        struct usb modem = add_modem(true), stranger = add_stranger();

        remember(188, 2, "");
        begin(fixture);
        assert_int_equal(fixture->told.devices, 2);
        remove_usb(&stranger);
        tell("remove", &stranger, false);
        WAIT_UNTIL(fixture, fixture->told.gone == 1);
        assert_string_equal(fixture->told.last_gone, "1-9");

        remember_usb(&modem, false); /* the rules were taken away */
        tell("change", &modem, true);
        settle(fixture);
        remove_usb(&modem);
        tell("remove", &modem, false);
        WAIT_UNTIL(fixture, fixture->told.gone == 2);
        assert_string_equal(fixture->told.last_gone, "1-1.2");
}

/* --- a world of its own --- */

static const char *const places[] = {"/sys", "/dev", "/run"};

static int setup_world(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (mount("none", places[i], "tmpfs", 0, "mode=0755") < 0)
                        return -1;
        put("/run/udev", "control", "");
        make_folder("/sys/bus/usb/devices");
        make_folder("/sys/class/tty");
        return setup(state);
}

static int teardown_world(void **state)
{
        int r = teardown(state);

        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (umount2(places[i], MNT_DETACH) < 0)
                        r = -1;
        return r;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_which_name, setup_world, teardown_world),
            cmocka_unit_test_setup_teardown(test_the_rules_come_later, setup_world, teardown_world),
            cmocka_unit_test_setup_teardown(test_only_ours_wake_us, setup_world, teardown_world),
            cmocka_unit_test_setup_teardown(test_untagged_devices_are_heard, setup_world, teardown_world),
        };

        if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0) {
                puts("skipped: no namespaces to be had here (root?)");
                return 0;
        }
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 1) < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
