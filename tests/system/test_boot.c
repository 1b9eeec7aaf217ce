/*
 * The machine as it comes from the shop: it boots, our package is installed and at work, and a modem that is
 * plugged in carries SMS both ways.
 */
#include "scenario.h"

#include <string.h>

static void it_boots_and_waits_for_a_modem(struct machine *m)
{
        const char *output;

        assert_string_equal(machine_booted(m), "running\n");
        assert_string_equal(machine_ok(m, "systemctl is-active smswardend"), "active");
        machine_assert_contains(
            machine_ok(m, "systemctl show -p Type -p NotifyAccess -p NRestarts smswardend"), "NRestarts=0");
        assert_int_equal(machine_run(m, 30000, &output, "smswarden status"), 2);
        machine_assert_contains(output, "DOWN");
}

static void a_modem_carries_sms_both_ways(struct machine *m)
{
        scenario_plug(m, 0, "");
        (void)machine_ok(m, "test -c /dev/ttyUSB0 -a -c /dev/ttyUSB1 -a -c /dev/ttyUSB2 -a -c /dev/ttyUSB3");
        machine_assert_contains(machine_ok(m, "readlink -f /sys/class/tty/ttyUSB2/device/driver"),
                                "/option1");
        machine_assert_contains(machine_ok(m, "ls /dev/smswarden"), "-at");
        scenario_working(m);
        scenario_send(m, 0, "out of the machine");
        scenario_receive(m, 0, "into the machine");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(it_boots_and_waits_for_a_modem, .boot = true),
    MACHINE_TEST(a_modem_carries_sms_both_ways, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
