/*
 * The package comes and goes on a gateway that works: smsd, as Debian started it, is not touched by it, and
 * what is left behind is Debian's own smstools. With a real modem, udev and dpkg.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTALL "DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i "
/* Each smsd with the time it began: a restart, or a new process under an old number, is seen. */
#define SMSDS      "for pid in $(pgrep -x smsd | sort -n); do echo $pid $(cut -d ' ' -f 22 /proc/$pid/stat); done"
#define HAS_POLLED "grep -q IMSI: /var/log/smstools/smsd.log"

/* smsd under Debian's generated unit (MainPID 0), with a modem that it has asked already. */
static void debians_gateway(struct machine *m)
{
        scenario_plug(m, 0, "");
        (void)machine_wait(m, 60000, HAS_POLLED);
        assert_string_equal(machine_ok(m, "systemctl show -p Type -p MainPID --value smstools"),
                            "forking\n0");
        (void)machine_ok(m, SMSDS " > /run/smsds; test $(wc -l < /run/smsds) -eq 2");
}

static void install(struct machine *m)
{
        int64_t start = machine_now();

        if (machine_run(m, 180000, NULL, "install-payload package > /run/dpkg.log 2>&1") != 0)
                fail_msg("%s", machine_ok(m, "cat /run/dpkg.log"));
        (void)printf("# installed in %lld ms\n", (long long)(machine_now() - start));
}

static void assert_smsd_untouched(struct machine *m)
{
        (void)machine_ok(m, SMSDS " | diff /run/smsds -");
}

static void one_smsd(struct machine *m)
{
        (void)machine_wait(m, 60000,
                           "test $(pgrep -x smsd | wc -l) -eq 2 -a $(pgrep -P 1 -x smsd | wc -l) -eq 1");
}

/* A message is on its way when the restart comes: it goes out once, by whichever smsd. */
static void restart_in_the_middle_of_a_message(struct machine *m)
{
        (void)scenario_modem(m, "cmgs 0 ok 6000");
        (void)machine_ok(m, "cd /var/spool/sms; printf 'To: 4915112345678\\n\\nin the middle\\n' > message\n"
                            "chown smsd: message; mv message outgoing/message.middle");
        (void)scenario_modem(m, "wait-command 0 AT+CMGS= 25000 2");
        (void)printf("# %s\n", machine_ok(m, "smswarden restart"));
        (void)scenario_modem(m, "cmgs 0 ok");
        scenario_working(m);
        (void)machine_wait(m, 90000, "test -e /var/spool/sms/sent/message.middle");
}

static void installed_under_a_running_smsd(struct machine *m)
{
        debians_gateway(m);
        install(m);
        scenario_working(m);
        assert_smsd_untouched(m);
        machine_assert_contains(machine_ok(m, "readlink -f /dev/smswarden/*-at"), "/dev/ttyUSB2");
        scenario_send(m, 0, "adopted");
        assert_smsd_untouched(m);

        restart_in_the_middle_of_a_message(m);
        one_smsd(m);
        (void)machine_ok(m, "test $(systemctl show -p MainPID --value smstools) -eq $(pgrep -P 1 -x smsd)");
        (void)machine_ok(m, SMSDS " | if grep -Ff /run/smsds; then exit 1; fi");
        scenario_send(m, 0, "behind it");
        machine_assert_contains(scenario_modem(m, "sent 0"), "count=1 text=in the middle");
        assert_null(strstr(scenario_modem(m, "sent 0"), "count=2"));
}

static void an_upgrade_leaves_smsd_alone(struct machine *m)
{
        scenario_plug(m, 0, "");
        scenario_working(m);
        (void)machine_ok(m,
                         SMSDS " > /run/smsds; systemctl show -p MainPID --value smswardend > /run/daemon\n"
                               "echo '; mine' >> /etc/smswarden/smswarden.conf");
        (void)machine_ok(m, "cd /opt/test; dpkg-deb -R smswarden.deb new\n"
                            "sed -i 's/^Version: .*/&+1/' new/DEBIAN/control\n"
                            "dpkg-deb --root-owner-group -Znone -b new new.deb");
        (void)machine_ok(m, INSTALL "/opt/test/new.deb");
        machine_assert_contains(machine_ok(m, "dpkg-query -W smswarden"), "+1");
        scenario_working(m);
        assert_smsd_untouched(m);
        (void)machine_ok(
            m, "systemctl show -p MainPID --value smswardend > /run/successor; not cmp -s /run/successor "
               "/run/daemon; grep -qx '; mine' /etc/smswarden/smswarden.conf");
        scenario_send(m, 0, "upgraded");
        assert_smsd_untouched(m);
}

/* udev keeps the names of its links and tags in /run/udev until the next boot; the virtio port is the test's
 * own. */
#define OURS                                                                                                 \
        "find / -xdev -name '*smswarden*' ! -path '/opt/test/*'\n"                                           \
        "find /run /dev /tmp -name '*smswarden*' ! -path '/run/udev/*' ! -path '*/virtio-ports/*'"

static void removed_in_a_hold_it_leaves_debians_gateway(struct machine *m)
{
        scenario_plug(m, 0, "");
        scenario_working(m);
        (void)machine_ok(m, "smswarden restart"); /* smsd.conf names our link now */
        (void)machine_ok(m, "grep -q '^device = /dev/smswarden/' /etc/smsd.conf");
        (void)machine_ok(m, "smswarden stop --for 20min --reason removal");
        (void)machine_ok(m, "not pgrep -x smsd; systemctl is-active smswarden-hold-end.timer");

        (void)machine_ok(m, "DEBIAN_FRONTEND=noninteractive dpkg -r smswarden > /run/dpkg.log 2>&1");
        one_smsd(m);
        /* What udev has told systemd of the modem stays until it is plugged again: a name without a unit. */
        (void)machine_ok(
            m, "systemctl list-units --all --no-legend --plain 'smswarden*' | not grep -v not-found");
        assert_string_equal(machine_ok(m, "systemctl show -p Type -p DropInPaths --value smstools"),
                            "forking\n");
        (void)machine_ok(m, "not ls -d /run/smswarden* 2> /dev/null");
        (void)printf("# smsd.conf says now: %s\n", machine_ok(m, "grep '^device =' /etc/smsd.conf"));
        scenario_send(m, 0, "by Debian alone");
        (void)machine_ok(m, SMSDS " > /run/smsds; systemctl restart smstools; (" SMSDS
                                  ") | not cmp -s /run/smsds -");
        one_smsd(m);
        scenario_send(m, 0, "restarted by Debian");
        scenario_receive(m, 0, "received by Debian");

        (void)machine_ok(m, "DEBIAN_FRONTEND=noninteractive dpkg -P smswarden > /run/dpkg.log 2>&1\n"
                            "systemctl stop smstools");
        scenario_unplug(m, 0);
        assert_string_equal(machine_ok(m, OURS), "");
        scenario_plug(m, 0, "");
        (void)machine_ok(m, "systemctl start smstools; test ! -e /dev/smswarden");
        scenario_send(m, 0, "purged");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(installed_under_a_running_smsd, .state = MACHINE_BARE, .nightly = true),
    MACHINE_TEST(an_upgrade_leaves_smsd_alone, .nightly = true),
    MACHINE_TEST(removed_in_a_hold_it_leaves_debians_gateway, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
