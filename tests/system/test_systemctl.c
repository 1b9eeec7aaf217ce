/*
 * Everybody who starts and stops smsd around smswarden, with their own commands: systemctl, the init script,
 * logrotate, a person's /usr/sbin/smsd, a shutdown. None of them is a crash, none alarms anybody, and a stop
 * has its end.
 */
#include "records.h"
#include "scenario.h"

#include <string.h>

#define HELD      "code=0; smswarden status > /dev/null || code=$?; test $code -eq 3; "
#define NO_HOLD   "test ! -e /run/smswarden/hold; "
#define RESTARTS  "smswarden status --json | sed -n 's/.*\"restarts\":{\"total\":\\([0-9]*\\).*/\\1/p'"
#define LOGROTATE "logrotate -f /etc/logrotate.d/smstools"

/* `command` ends smsd and starts another one: adopted, not counted, not alarming. */
static void restarts_calmly(struct machine *m, const char *command)
{
        char before[32], restarts[16];

        (void)snprintf(before, sizeof(before), "%s", machine_ok(m, "pgrep -o -x smsd"));
        (void)snprintf(restarts, sizeof(restarts), "%s", machine_ok(m, RESTARTS));
        records_mark(m);
        (void)machine_ok(m, "%s", command);
        (void)machine_wait(m, 30000, "test $(pgrep -o -x smsd) != %s; systemctl is-active smstools", before);
        records_say(m, "smsd-adopted", "restarted by systemctl");
        scenario_working(m);
        records_are_calm(m);
        assert_string_equal(machine_ok(m, RESTARTS), restarts);
}

static void is_held_by_systemctl(struct machine *m)
{
        (void)machine_wait(m, 60000, HELD "not pgrep -x smsd");
        machine_assert_contains(machine_ok(m, "smswarden status --json || true"), "\"source\":\"systemctl\"");
        machine_stays(m, 2000, "not pgrep -x smsd");
}

/* `command` starts smsd during a hold: that ends it, and is told. */
static void breaks_the_hold(struct machine *m, const char *command)
{
        records_mark(m);
        (void)machine_ok(m, "%s", command);
        records_say(m, "hold-broken", "was started by somebody during the hold of");
        scenario_working(m);
        (void)machine_ok(m, NO_HOLD);
        assert_string_equal(records_of(m, "smsd-died"), "");
        assert_string_equal(records_of(m, "start-failed"), "");
}

/* From the first restart on, which moves smsd from the generated unit to ours. */
static void systemctl_and_the_init_script_are_understood(struct machine *m)
{
        scenario_plug(m, 0, "");
        scenario_working(m);
        restarts_calmly(m, "systemctl restart smstools");
        (void)machine_ok(m, "systemctl stop smstools");
        is_held_by_systemctl(m);
        breaks_the_hold(m, "systemctl start smstools");
        restarts_calmly(m, "/etc/init.d/smstools restart");
        (void)machine_ok(m, "/etc/init.d/smstools stop");
        is_held_by_systemctl(m);
        breaks_the_hold(m, "/etc/init.d/smstools start");
        scenario_send(m, 0, "started by the init script");
}

/* Weekly: the log is rotated and smsd told to reload, which it cannot. */
static void logrotate_alarms_nobody(struct machine *m)
{
        restarts_calmly(m, LOGROTATE);
        scenario_send(m, 0, "into a new log");
        (void)machine_ok(m, "test -s /var/log/smstools/smsd.log; ls /var/log/smstools/smsd.log.1*");
        (void)machine_ok(m, "smswarden stop --for 1h; rm /var/log/smstools/smsd.log.1*");
        breaks_the_hold(m, LOGROTATE);
        (void)machine_ok(m, "journalctl -b -o cat -u smstools | grep 'this ends the hold of'");
        scenario_send(m, 0, "logrotate has ended the hold");
}

static void smsd_by_hand_is_adopted(struct machine *m)
{
        (void)machine_ok(m, "smswarden stop --for 1h");
        breaks_the_hold(m, "/usr/sbin/smsd -p/run/smstools/smsd.pid -i/run/smstools/smsd.working "
                           "-usmsd -gdialout < /dev/null > /dev/null 2>&1 &\nwait");
        (void)machine_ok(m, "not systemctl is-active smstools");
        scenario_send(m, 0, "by hand");
        (void)machine_ok(m, "smswarden restart; systemctl is-active smstools");
        (void)machine_ok(m, "test \"$(pgrep -o -x smsd)\" = $(systemctl show -p MainPID --value smstools)");
        scenario_send(m, 0, "by the unit again");
}

/* A command that cannot be done says why, and what to do. */
static void refuses(struct machine *m, const char *wanted)
{
        const char *output;

        assert_int_equal(machine_run(m, 180000, &output, "smswarden start"), 1);
        machine_assert_contains(output, wanted);
        (void)printf("# %s", output);
}

static void what_cannot_be_started_says_why(struct machine *m)
{
        (void)machine_ok(m, "smswarden stop --for 1h; systemctl mask smstools");
        refuses(m, "smstools.service is masked: systemctl unmask smstools.service");
        machine_assert_contains(machine_ok(m, "smswarden status || true"), "systemctl unmask");
        (void)machine_ok(m, "systemctl unmask smstools; smswarden start");
        (void)machine_ok(m, "smswarden stop --for 1h; mv /usr/sbin/smsd /usr/sbin/smsd.away");
        refuses(m, "/usr/sbin/smsd");
        (void)machine_ok(m, "mv /usr/sbin/smsd.away /usr/sbin/smsd; smswarden start");
        scenario_send(m, 0, "everything is back in place");
}

/* Every kind of record has its id, and the id its text. */
static void the_journal_knows_what_it_means(struct machine *m)
{
        (void)machine_ok(
            m, "smswarden stop --for 1h --reason test; smswarden start; systemctl restart smstools");
        (void)machine_ok(m, "pkill -9 -x smsd");
        scenario_working(m);
        const char *events = machine_ok(
            m, "journalctl --sync; journalctl -b -o json -u smswardend | grep SMSWARDEN_EVENT > /run/events\n"
               "journalctl --list-catalog > /run/catalog\n"
               "sed 's/.*\"MESSAGE_ID\":\"\\([0-9a-f]*\\)\".*/\\1/' /run/events | sort -u | "
               "while read id; do grep -q \"^$id \" /run/catalog || echo \"no text for $id\"; done\n"
               "sed 's/.*\"SMSWARDEN_EVENT\":\"\\([^\"]*\\)\".*/\\1/' /run/events | sort | uniq -c");
        (void)printf("%s\n", events);
        assert_null(strstr(events, "no text for"));
        machine_assert_contains(events, " hold-begun");
        machine_assert_contains(events, " hold-ended");
        machine_assert_contains(events, " smsd-stopped");
        machine_assert_contains(events, " smsd-adopted");
        machine_assert_contains(events, " smsd-died");
        machine_assert_contains(events, " smsd-started");
        machine_assert_contains(machine_ok(m, "journalctl -x -b SMSWARDEN_EVENT=hold-begun"),
                                "Afterwards smsd is started again, by itself.");
        machine_assert_contains(machine_ok(m, "journalctl -x -b SMSWARDEN_EVENT=smsd-started | cat"),
                                "smsd was started (cause: crash)");
        machine_assert_contains(machine_ok(m, "journalctl -o verbose -b SMSWARDEN_EVENT=smsd-started"),
                                "SMSWARDEN_DURATION_USEC=");
}

/* --- the way down --- */

/* What the boot that went down has written since the mark. With a match of its own (-b, -t), journalctl would
 * skip the first entry behind the cursor, which may be the only one (so in systemd 252). */
#define WAY_DOWN                                                                                             \
        "journalctl -o short-monotonic --after-cursor=\"$(cat /var/tmp/records-mark)\" | "                   \
        "sed '/^-- Boot /,$d'"
#define STARTED "grep -E 'Start(ed|ing) (smstools|smswarden)|smsd (is|was) started|smswardend .* begins'"

static void goes_down_quietly(struct machine *m, const char *command)
{
        records_mark(m);
        (void)machine_ok(m, "sync; (sleep 0.3; systemctl %s) > /dev/null 2>&1 &", command);
        int64_t began = machine_now();
        machine_wait_off(m, 90000);
        (void)printf("# %s took %lld ms\n", command, (long long)(machine_now() - began));
        machine_boot(m);
        /* Which boot is the last one is only known when this one is on the disk too. */
        (void)machine_wait(m, 60000, "systemctl -q is-active systemd-journal-flush");
        (void)machine_ok(m, WAY_DOWN " > /run/way-down; grep -q 'Shutting down' /run/way-down");
        assert_string_equal(machine_ok(m, STARTED " /run/way-down || true"), "");
        (void)machine_ok(m, "grep 'smswardend\\[.*smsd is left as it is' /run/way-down");
}

/* And what a boot with the modem in makes of it. */
static void a_shutdown_stops_smsd_and_starts_nothing(struct machine *m)
{
        scenario_modems_at_boot(m, "plug 0\n");
        goes_down_quietly(m, "poweroff");
        (void)machine_ok(m, "grep 'smstools.service: Deactivated successfully' /run/way-down");
        scenario_working(m);
        scenario_send(m, 0, "after the shutdown");
        scenario_receive(m, 0, "at boot");
        assert_string_equal(machine_booted(m), "running\n");
}

static void a_hold_does_not_survive_a_reboot(struct machine *m)
{
        scenario_modems_at_boot(m, "plug 0\n");
        (void)machine_ok(m, "smswarden stop --for 2h --reason 'new antenna'");
        goes_down_quietly(m, "reboot");
        scenario_working(m);
        (void)machine_ok(m, NO_HOLD);
        scenario_send(m, 0, "after the reboot");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(systemctl_and_the_init_script_are_understood),
    MACHINE_TEST(logrotate_alarms_nobody, .state = MACHINE_WORKING),
    MACHINE_TEST(smsd_by_hand_is_adopted, .state = MACHINE_WORKING),
    MACHINE_TEST(what_cannot_be_started_says_why, .state = MACHINE_WORKING, .nightly = true),
    MACHINE_TEST(the_journal_knows_what_it_means, .state = MACHINE_WORKING, .nightly = true),
    MACHINE_TEST(a_shutdown_stops_smsd_and_starts_nothing, .state = MACHINE_WORKING),
    MACHINE_TEST(a_hold_does_not_survive_a_reboot, .state = MACHINE_WORKING, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
