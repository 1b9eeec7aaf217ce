/*
 * The machine as it comes from the shop: it boots, our package is installed and at work, a modem that is
 * plugged in carries SMS both ways, and after a power cut all of it comes back by itself.
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

static void a_power_cut_needs_no_hand(struct machine *m)
{
        scenario_modems_at_boot(m, "plug 0\n");
        scenario_plug(m, 0, "");
        scenario_working(m);
        for (unsigned i = 0, n = machine_rounds(1, 30); i < n; i++) {
                machine_power_cut(m);
                machine_boot(m);
                scenario_working(m);
        }
        scenario_send(m, 0, "after the cut");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(it_boots_and_waits_for_a_modem, .boot = true),
    MACHINE_TEST(a_modem_carries_sms_both_ways),
    MACHINE_TEST(a_power_cut_needs_no_hand),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
