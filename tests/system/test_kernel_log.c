/*
 * The kernel's own words about a modem that is not fed well, in the installed package's sandbox: /dev/kmsg is
 * closed to it, so they come by the real journald. A device that fails each request makes the kernel say
 * them.
 */
#include "scenario.h"

#include <stdio.h>

/* Where a cable or supply is bad: a device in modem 0's USB port that answers each request with -71
 * (-EPROTO), until the kernel gives up on it. A message of vhci's is 48 bytes; of a request that writes, the
 * data behind it. */
static const char bad_device[] =
    "use strict; use Socket;\n"
    "my $vhci = '/sys/devices/platform/vhci_hcd.0/attach';\n"
    "socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0) or die;\n"
    "open(my $attach, '>', $vhci) or die;\n"
    "syswrite($attach, '0 ' . fileno($theirs) . ' 65538 3') or die $!;\n" /* port, fd, id, high speed */
    "close($theirs);\n"
    "sub take { my ($n) = @_; my $all = '';\n"
    "  while (length($all) < $n) { sysread($ours, $all, $n - length($all), length($all)) or exit 0 }\n"
    "  return $all }\n"
    "while (1) {\n"
    "  my ($what, $seq, $id, $in, $ep, $flags, $length) = unpack('N7', take(48));\n"
    "  take($length) if $what == 1 && !$in;\n"
    "  syswrite($ours, pack('N12', $what + 2, $seq, 0, 0, 0, $what == 1 ? 0xffffffb9 : 0, (0) x 6)) or exit "
    "0;\n"
    "}\n";

static void errors_by_the_kernel(struct machine *m)
{
        machine_put(m, "/opt/test/bad-device", 0644, bad_device);
        scenario_unplug(m, 0);
        (void)machine_wait(m, 30000, "test -z \"$(ls /dev | grep ttyUSB)\"");
        (void)machine_ok(m, "systemd-run -q --unit=bad-device perl /opt/test/bad-device");
        (void)machine_wait(m, 60000, "test $(dmesg | grep -c 'usb [0-9].*error -71') -ge 3");
        (void)printf("# %s\n", machine_ok(m, "dmesg | grep 'usb .*error' | tail -n 8"));
}

static void a_modem_that_is_not_fed_is_named(struct machine *m)
{
        scenario_plug(m, 0, "port=0");
        scenario_working(m);
        (void)machine_ok(m, "enter=\"nsenter -m -t $(systemctl show -p MainPID --value smswardend)\"\n"
                            "not $enter head -c 1 /dev/kmsg");
        /* Whoever is root may write what he wants: it is not the kernel's. */
        (void)machine_ok(m, "echo '<3>Under-voltage detected! (0x00050005)' > /dev/kmsg\n"
                            "logger -t kernel 'Under-voltage detected! (0x00050005)'");
        errors_by_the_kernel(m);
        int64_t took = machine_wait(m, 120000,
                                    "smswarden status --json > /run/status || true\n"
                                    "grep -q '\"cause\": *\"brown-out\"' /run/status");
        (void)printf("# named %lld ms later\n", (long long)took);
        machine_assert_contains(machine_ok(m, "cat /run/status"), "the kernel reports USB error -71");
        (void)machine_ok(m, "not grep -E 'reports undervoltage|and undervoltage' /run/status\n"
                            "journalctl -b -u smswardend > /run/said; not grep 'cannot be read' /run/said");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(a_modem_that_is_not_fed_is_named, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
