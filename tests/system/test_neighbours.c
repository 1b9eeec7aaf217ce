/*
 * Who else lives in the box: ModemManager, which takes every modem for its own; a unit of the user's that
 * restarts smsd by itself; the old scripts, which go on for a while beside a controller that only looks.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- ModemManager --- */

/* Writes down each port of the modem that ModemManager has open, looking 50 times a second; one process, for
 * a loop of shell commands would take the guest's time. */
static const char watcher[] =
    "open(my $opened, '>>', '/run/opened'); open(my $looks, '>>', '/run/looks');\n"
    "$opened->autoflush(1); $looks->autoflush(1);\n"
    "chomp(my $pid = `pidof ModemManager`);\n"
    "for (;;) {\n"
    "        for (glob(\"/proc/$pid/fd/*\")) {\n"
    "                my $file = readlink($_) // next;\n"
    "                print $opened \"$file\\n\" if $file =~ m{^/dev/(ttyUSB|cdc-wdm|smswarden)};\n"
    "        }\n"
    "        print $looks \"\\n\";\n"
    "        select(undef, undef, undef, 0.02);\n"
    "}\n";

static void start_modem_manager(struct machine *m)
{
        machine_put(m, "/opt/test/watcher", 0644, watcher);
        (void)machine_ok(m, "systemctl start ModemManager; : > /run/opened; : > /run/looks\n"
                            "systemd-run -q --unit=watcher perl -MIO::Handle /opt/test/watcher");
        (void)machine_wait(m, 60000, "mmcli -L | grep -q 'No modems'");
}

/* ModemManager waits some seconds for a new device to be complete, then asks its ports, first those it knows.
 */
static void give_it_time(struct machine *m)
{
        (void)machine_ok(m, "wc -l < /run/looks > /run/before");
        (void)machine_wait(m, 120000, "test $(wc -l < /run/looks) -gt $(($(cat /run/before) + 100))");
        machine_stays(m, 8000, "systemctl is-active -q ModemManager");
}

static void modem_manager_opens_none_of_our_ports(struct machine *m)
{
        start_modem_manager(m);
        scenario_plug(m, 0, "");
        scenario_working(m);
        scenario_send(m, 0, "beside ModemManager");
        give_it_time(m);
        assert_string_equal(machine_ok(m, "cat /run/opened"), "");
        machine_assert_contains(machine_ok(m, "mmcli -L"), "No modems");
        (void)printf("# looked %s times\n", machine_ok(m, "wc -l < /run/looks"));
}

/* The same, and it can fail. */
static void without_our_rules_it_opens_them(struct machine *m)
{
        (void)machine_ok(m, "systemctl stop smswardend smstools\n"
                            "ln -s /dev/null /etc/udev/rules.d/70-smswarden.rules; udevadm control --reload");
        start_modem_manager(m);
        scenario_plug(m, 0, "");
        (void)printf("# ModemManager had a port after %lld ms\n",
                     (long long)machine_wait(m, 120000, "grep -q /dev/ttyUSB2 /run/opened"));
}

/* It runs the data connection: it has what speaks no AT. */
static void it_may_have_what_smsd_does_not_need(struct machine *m)
{
        machine_put(m, "/etc/udev/rules.d/60-smswarden-mm.rules", 0644,
                    "SUBSYSTEM==\"usb|tty\", ENV{SMSWARDEN_MM}=\"ports\"\n");
        (void)machine_ok(m, "udevadm control --reload");
        start_modem_manager(m);
        scenario_plug(m, 0, "composition=ecm"); /* its QMI is an empty shell, at which qmi-proxy spins */
        scenario_working(m);
        (void)machine_wait(m, 120000, "grep -q /dev/ttyUSB0 /run/opened");
        scenario_send(m, 0, "ModemManager has the rest");
        give_it_time(m);
        (void)printf("# ModemManager opened: %s\n", machine_ok(m, "sort -u /run/opened | tr '\\n' ' '"));
        (void)machine_ok(m, "not grep -E '/dev/(ttyUSB[23]|smswarden)' /run/opened");
}

/* --- a unit of the user's own --- */

/* In life it waits ten seconds. */
static const char own_unit[] = "[Unit]\nDescription=SMS daemon of our own\nAfter=network.target\n"
                               "[Service]\nType=forking\nPIDFile=/run/smsd.pid\n"
                               "ExecStart=/usr/sbin/smsd -p/run/smsd.pid\nExecStop=/usr/bin/killall smsd\n"
                               "Restart=always\nRestartSec=3\n"
                               "[Install]\nWantedBy=multi-user.target\n";

static int starts(struct machine *m)
{
        return atoi(machine_ok(m, "journalctl -b -o cat | grep -c 'Started smstools.service' || true"));
}

static void one_crash_of_a_tamed_unit_is_one_restart(struct machine *m)
{
        machine_put(m, "/etc/systemd/system/smstools.service", 0644, own_unit);
        (void)machine_ok(m, "systemctl daemon-reload; systemctl restart smstools");
        scenario_working(m);
        (void)machine_ok(m, "systemctl show -p FragmentPath --value smstools | grep -x "
                            "/etc/systemd/system/smstools.service");
        int before = starts(m);
        (void)machine_ok(m, "pkill -9 -x smsd");
        scenario_working(m);
        /* Its own restart would come now. */
        machine_stays(m, 6000, "test $(pgrep -P 1 -x smsd | wc -l) -eq 1");
        assert_int_equal(starts(m), before + 1);
        assert_string_equal(machine_ok(m, "systemctl show -p NRestarts --value smstools"), "0");
        scenario_send(m, 0, "one crash, one restart");
}

static void what_cannot_be_tamed_is_said(struct machine *m)
{
        (void)machine_ok(m, "mkdir /etc/systemd/system/smstools.service.d");
        machine_put(m, "/etc/systemd/system/smstools.service.d/60-mine.conf", 0644,
                    "[Service]\nRestart=always\n");
        (void)machine_ok(m, "systemctl daemon-reload; systemctl restart smswardend");
        (void)machine_wait(m, 30000, "journalctl -b -u smswardend | grep -q 60-mine.conf");
        (void)printf("# %s\n", machine_ok(m, "journalctl -b -u smswardend -o cat | grep 60-mine.conf"));
        machine_assert_contains(machine_ok(m, "journalctl -b -u smswardend | grep 60-mine.conf"),
                                "systemd restarts smsd by itself");
}

/* --- the old scripts --- */

#define SCRIPT "/usr/local/bin/smsd_monitor.sh"

/* As it was, but it writes down what it does, and looks more often. */
static const char old_monitor[] = "#!/bin/bash\n"
                                  "FLAG=/tmp/smsd_manual_stop\n"
                                  "PASSWORD=swordfish\n"
                                  "if ! pgrep -x smsd > /dev/null; then\n"
                                  "    [ -f $FLAG ] && exit 0\n"
                                  "    echo restarted >> /run/monitor\n"
                                  "    systemctl restart smstools\n"
                                  "    sleep 2\n"
                                  "fi\n";

static void install_the_old_scripts(struct machine *m)
{
        machine_put(m, SCRIPT, 0750, old_monitor);
        machine_put(m, "/etc/systemd/system/smsd-monitor.service", 0644,
                    "[Service]\nType=oneshot\nExecStart=" SCRIPT "\n");
        machine_put(m, "/etc/systemd/system/smsd-monitor.timer", 0644,
                    "[Timer]\nOnActiveSec=1\nOnUnitInactiveSec=3\nAccuracySec=100ms\n"
                    "[Install]\nWantedBy=timers.target\n");
        machine_put(m, "/etc/cron.d/smsd", 0644,
                    "MAILTO=root\n*/2 * * * * root " SCRIPT " > /dev/null 2>&1\n30 3 * * * root true\n");
        (void)machine_ok(m, "chown person " SCRIPT "; : > /run/monitor; systemctl daemon-reload\n"
                            "systemctl enable -q --now smsd-monitor.timer");
}

static void set_mode(struct machine *m, const char *mode)
{
        (void)machine_ok(m,
                         "printf '[gateway]\\nmode = %s\\n' > /etc/smswarden/smswarden.conf.d/mode.conf\n"
                         "systemctl reload smswardend",
                         mode);
        (void)machine_wait(m, 30000, "smswarden status --json | grep -q '\"mode\":\"%s\"'", mode);
}

static void beside_the_old_scripts_nothing_is_doubled(struct machine *m)
{
        set_mode(m, "observe");
        install_the_old_scripts(m);
        scenario_plug(m, 0, "");
        scenario_working(m);
        int before = starts(m);
        (void)machine_ok(m, "pkill -9 -x smsd");
        (void)machine_wait(m, 60000, "test -s /run/monitor && pgrep -x smsd");
        scenario_working(m);
        machine_stays(m, 8000, "test $(pgrep -P 1 -x smsd | wc -l) -eq 1");
        assert_string_equal(machine_ok(m, "cat /run/monitor"), "restarted");
        assert_int_equal(starts(m), before + 1);
        (void)printf("# %s\n", machine_ok(m, "journalctl -b -u smswardend -o cat | grep would"));
        scenario_send(m, 0, "the old scripts did it");
}

#define THEIR_FILES                                                                                          \
        SCRIPT " /etc/cron.d/smsd /etc/systemd/system/smsd-monitor.service "                                 \
               "/etc/systemd/system/smsd-monitor.timer"
#define SUMS "(sha256sum " THEIR_FILES "; stat -c '%%n %%U %%a %%Y' " THEIR_FILES ")"
#define LINK "/etc/systemd/system/timers.target.wants/smsd-monitor.timer"

static void the_old_scripts_go_and_come_back(struct machine *m)
{
        install_the_old_scripts(m);
        (void)machine_ok(m, SUMS " > /run/sums");

        (void)printf("# %s\n", machine_ok(m, "smswarden migrate --dry-run"));
        (void)machine_ok(m, SUMS " | cmp - /run/sums; systemctl is-active smsd-monitor.timer");

        (void)machine_ok(m, "smswarden migrate");
        (void)machine_ok(m,
                         "not systemctl is-active -q smsd-monitor.timer; test ! -e " LINK "\n"
                         "test ! -e /etc/systemd/system/smsd-monitor.timer\n"
                         "test \"$(systemctl show -p LoadState --value smsd-monitor.timer)\" = not-found\n"
                         "grep -v '^#' /etc/cron.d/smsd | not grep smsd_monitor; " SCRIPT " | grep WORKING");
        /* Now it is for us. */
        int before = starts(m);
        (void)machine_ok(m, "pkill -9 -x smsd");
        scenario_working(m);
        assert_int_equal(starts(m), before + 1);
        assert_string_equal(machine_ok(m, "cat /run/monitor"), "");

        (void)machine_ok(m, "smswarden migrate --undo");
        (void)machine_ok(m, SUMS " | cmp - /run/sums; systemctl is-active smsd-monitor.timer; test -L " LINK);
        (void)machine_wait(m, 60000, "journalctl -b -u smsd-monitor | tail -n 1 | grep Finished");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(modem_manager_opens_none_of_our_ports),
    MACHINE_TEST(without_our_rules_it_opens_them, .nightly = true),
    MACHINE_TEST(it_may_have_what_smsd_does_not_need, .nightly = true),
    MACHINE_TEST(one_crash_of_a_tamed_unit_is_one_restart, .state = MACHINE_WORKING),
    MACHINE_TEST(what_cannot_be_tamed_is_said, .nightly = true),
    MACHINE_TEST(beside_the_old_scripts_nothing_is_doubled, .nightly = true),
    MACHINE_TEST(the_old_scripts_go_and_come_back, .state = MACHINE_WORKING, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
