/*
 * Makes the saved states that the tests continue: `bare`, a gateway with smstools that has just booted, and
 * `installed`, the same after our package was installed as a user does it, `working`, the same with a modem
 * and SMS that flow. A state is a disk (NAME.qcow2, on top of the one before) and the memory (NAME.ram) of
 * build/system; tests/system/prepare knows when they are due. These are tests themselves: the first boot and
 * the installation must work.
 */
#include "machine_private.h"
#include "scenario.h"

#include <stdio.h>

/* The disk is closed properly (qemu ends by itself), then both are put in place. */
static void keep(struct machine *m, const char *name)
{
        char command[64], file[64];
        int64_t start = machine_now();

        (void)machine_ok(m, "sync; echo 3 > /proc/sys/vm/drop_caches; sync");
        (void)snprintf(file, sizeof(file), "%s.ram", name);
        machine_save(m, machine_file(m, file));
        (void)machine_monitor(m, "quit");
        machine_wait_off(m, 30000);
        (void)snprintf(command, sizeof(command), "%s.qcow2", name);
        assert_int_equal(rename(machine_path(m, "disk.qcow2"), machine_file(m, command)), 0);
        (void)printf("# saved in %lld ms\n", (long long)(machine_now() - start));
}

static void bare(struct machine *m)
{
        (void)machine_ok(m, "install-payload tools");
        assert_string_equal(machine_booted(m), "running\n");
        (void)machine_ok(m, "modprobe -a vhci-hcd option qmi_wwan; udevadm settle");
        keep(m, "bare");
}

static void installed(struct machine *m)
{
        const char *output;
        int code =
            machine_run(m, 300000, &output, "install-payload package"); /* dpkg is slow on a busy host */

        (void)printf("%s\n", output);
        assert_int_equal(code, 0);
        (void)machine_ok(m, "udevadm settle");
        keep(m, "installed");
}

/* The first start is under Debian's generated unit, as after the installation; the second is under our
 * drop-in. */
static void working(struct machine *m)
{
        scenario_plug(m, 0, "");
        scenario_working(m);
        (void)machine_ok(m, "smswarden restart");
        scenario_working(m);
        keep(m, "working");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(bare, .state = MACHINE_NEW, .boot = true),
    MACHINE_TEST(installed, .state = MACHINE_BARE),
    MACHINE_TEST(working, .state = MACHINE_INSTALLED),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
