/*
 * The udev rules on a real kernel with a real udevd: the names of the ports, whose they are, that they follow
 * their port, and that a plug brings the service.
 */
#include "scenario.h"

#include <string.h>

/* Nobody but udev touches the ports. */
static void alone(struct machine *m)
{
        (void)machine_ok(m, "systemctl stop smstools smswardend 2>/dev/null || true");
}

static void is(struct machine *m, const char *expected, const char *script)
{
        assert_string_equal(machine_ok(m, "%s", script), expected);
}

#define AT_LEADS_TO           "readlink -f /dev/smswarden/*-at"
#define MODEM_LEADS_TO        "readlink -f /dev/smswarden/*-modem"
#define INTERFACE             "basename $(readlink -f /sys/class/tty/$(basename $(" AT_LEADS_TO "))/device/..)"
#define NO_NAMES              "not ls /dev/smswarden/* >/dev/null 2>&1"
#define PROPERTY(name, where) "udevadm info --query=property --property=" name " --value " where
#define USB_DEVICE            "/sys/bus/usb/devices/$(basename /dev/smswarden/*-at -at)"

static void the_ports_have_names_and_rights(struct machine *m)
{
        alone(m);
        scenario_plug(m, 0, "");
        is(m, "/dev/ttyUSB2", AT_LEADS_TO);
        is(m, "/dev/ttyUSB3", MODEM_LEADS_TO);
        is(m, "root:dialout:660", "stat -L -c %U:%G:%a /dev/smswarden/*-at");
        is(m, "1", PROPERTY("ID_MM_PORT_IGNORE", "/dev/ttyUSB2"));
        is(m, "1", PROPERTY("ID_MM_DEVICE_IGNORE", USB_DEVICE));
        machine_assert_contains(machine_ok(m, PROPERTY("CURRENT_TAGS", USB_DEVICE)), ":smswarden:");
        machine_assert_contains(machine_ok(m, PROPERTY("CURRENT_TAGS", "/dev/ttyUSB2")), ":smswarden:");
        scenario_unplug(m, 0);
        (void)machine_wait(m, 20000, NO_NAMES);
}

/* The minor hole: somebody keeps the dead port open, so the AT port comes back under another number. */
static void the_name_follows_the_port(struct machine *m)
{
        alone(m);
        scenario_plug(m, 0, "");
        is(m, "/dev/ttyUSB2", AT_LEADS_TO);
        (void)machine_ok(m, "sleep 600 < /dev/ttyUSB2 > /dev/null 2>&1 &");
        scenario_unplug(m, 0);
        (void)machine_wait(m, 20000, NO_NAMES);
        scenario_plug(m, 0, "");
        is(m, "/dev/ttyUSB3", AT_LEADS_TO);
        is(m, "/dev/ttyUSB4", MODEM_LEADS_TO);
}

static void every_composition_has_its_at_port(struct machine *m)
{
        static const struct {
                const char *options, *interface;
        } cases[] = {{"composition=ecm", ":1.2"}, {"composition=rndis", ":1.4"}, {"composition=qmi", ":1.2"}};

        alone(m);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                scenario_plug(m, 0, cases[i].options);
                machine_assert_contains(machine_ok(m, INTERFACE), cases[i].interface);
                scenario_unplug(m, 0);
                (void)machine_wait(m, 20000, NO_NAMES);
        }
}

static void a_plug_brings_the_service(struct machine *m)
{
        alone(m);
        (void)machine_ok(m, "not systemctl is-active --quiet smswardend");
        scenario_plug(m, 0, "");
        (void)machine_wait(m, 30000, "systemctl is-active --quiet smswardend");
}

/* smsd found the port by its number, as Debian's smsd.conf has it; the next start is by the name, which stays
 * when it leads elsewhere. */
static void smsd_conf_names_the_place(struct machine *m)
{
        scenario_plug(m, 0, "");
        scenario_working(m);
        (void)machine_ok(m, "smswarden restart");
        (void)machine_ok(m, "grep -qx \"device = $(ls /dev/smswarden/*-at)\" /etc/smsd.conf");
        (void)machine_ok(m, "cp /etc/smsd.conf /run/before; sleep 600 < /dev/ttyUSB1 > /dev/null 2>&1 &");
        scenario_unplug(m, 0);
        scenario_plug(m, 0, "");
        is(m, "/dev/ttyUSB3", AT_LEADS_TO);
        scenario_working(m);
        (void)machine_ok(m, "cmp /run/before /etc/smsd.conf");
        machine_assert_contains(machine_ok(m, "ls -l /proc/[0-9]*/fd 2>/dev/null | cat"), "-> /dev/ttyUSB3");
        scenario_send(m, 0, "the same name, another number");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(the_ports_have_names_and_rights),
    MACHINE_TEST(the_name_follows_the_port, .nightly = true),
    MACHINE_TEST(every_composition_has_its_at_port, .nightly = true),
    MACHINE_TEST(a_plug_brings_the_service),
    MACHINE_TEST(smsd_conf_names_the_place),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
