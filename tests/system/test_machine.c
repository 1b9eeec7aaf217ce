/*
 * The machine itself: what its words promise to those who write scenarios.
 */
#include "machine.h"

#include <string.h>

static void scripts_give_back_what_they_said(struct machine *m)
{
        const char *output;

        assert_int_equal(machine_run(m, 10000, &output, "echo out; echo err >&2; exit 7"), 7);
        assert_string_equal(output, "out\nerr\n");
        assert_int_equal(machine_run(m, 10000, &output, "false\necho not reached"), 1);
        assert_string_equal(output, "");
        assert_int_equal(machine_run(m, 10000, NULL, "kill -9 $$"), 128 + 9);
        assert_string_equal(machine_ok(m, "printf '%%s\\n' 'a %%d' \"$(id -u)\""), "a %d\n0");
        /* More than is kept: the last of it. */
        output = machine_ok(m, "seq 1 200000");
        assert_int_equal(strlen(output), (1 << 20) - 1);
        assert_string_equal(strrchr(output, '\n'), "\n200000");
}

static void a_script_ends_at_its_limit(struct machine *m)
{
        const char *output;
        int64_t start = machine_now();

        assert_int_equal(machine_run(m, 1000, &output, "echo begun; sleep 1000 & sleep 1000"), 124);
        assert_string_equal(output, "begun\n");
        assert_true(machine_now() - start < 30000);
        assert_int_equal(machine_run(m, 10000, NULL, "pgrep -x sleep"), 1); /* with all that it had started */
        (void)machine_ok(m, "setsid sleep 1000 &"); /* but nobody waits for a daemon, nor ends it */
        (void)machine_ok(m, "pgrep -x sleep");
}

static void waiting_ends_when_it_is_so(struct machine *m)
{
        (void)machine_ok(m, "(sleep 2; touch /run/later) > /dev/null &");
        assert_true(machine_wait(m, 60000, "test -e /run/later") > 500);
        machine_stays(m, 1000, "test -e /run/later");
        machine_put(m, "/run/text", 0640, "a 'quoted' $text\n");
        assert_string_equal(machine_ok(m, "cat /run/text; stat -c %%a /run/text"), "a 'quoted' $text\n640");
}

static void hardware_is_plugged_by_the_monitor(struct machine *m)
{
        machine_assert_contains(machine_monitor(m, "info status"), "running");
        (void)machine_monitor(m, "chardev-add null,id=decoy");
        (void)machine_monitor(m, "device_add usb-serial,id=decoy,bus=xhci.0,always-plugged=on,chardev=decoy");
        machine_wait(m, 60000, "test -c /dev/ttyUSB0");
        machine_assert_contains(machine_ok(m, "udevadm settle; udevadm info -q property /dev/ttyUSB0"),
                                "0403");
        (void)machine_monitor(m, "device_del decoy");
        machine_wait(m, 60000, "test ! -e /dev/ttyUSB0");
}

static void what_was_written_survives_a_power_cut(struct machine *m)
{
        (void)machine_ok(m, "echo safe > /root/safe; sync; echo lost > /root/lost");
        machine_power_cut(m);
        machine_boot(m);
        assert_string_equal(machine_ok(m, "cat /root/safe; cat /root/lost 2> /dev/null || true"), "safe");
        assert_int_equal(machine_run(m, 60000, NULL, "systemctl --no-block poweroff"), 0);
        machine_wait_off(m, 120000);
}

static int64_t guest_milliseconds(struct machine *m)
{
        return strtoll(machine_ok(m, "date +%%s%%3N"), NULL, 10);
}

/* A guest that took its clock's frequency wrong lives too fast, and everything in it times out. */
static void time_passes_as_it_does_outside(struct machine *m)
{
        int64_t host = machine_now(), guest = guest_milliseconds(m);

        (void)machine_run(m, 20000, NULL, "sleep 5");
        guest = guest_milliseconds(m) - guest;
        host = machine_now() - host;
        (void)printf("# %lld ms in the guest, %lld ms outside\n", (long long)guest, (long long)host);
        assert_in_range(guest, 4900, host + 1000);
}

static const struct machine_test tests[] = {
    MACHINE_TEST(time_passes_as_it_does_outside, .boot = true, .nightly = true),
    MACHINE_TEST(scripts_give_back_what_they_said, .state = MACHINE_BARE, .nightly = true),
    MACHINE_TEST(a_script_ends_at_its_limit, .state = MACHINE_BARE, .nightly = true),
    MACHINE_TEST(waiting_ends_when_it_is_so, .state = MACHINE_BARE, .nightly = true),
    MACHINE_TEST(hardware_is_plugged_by_the_monitor, .state = MACHINE_BARE, .nightly = true),
    MACHINE_TEST(what_was_written_survives_a_power_cut, .state = MACHINE_BARE, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
