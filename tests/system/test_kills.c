/*
 * What dies is brought back, and nothing else dies with it: smsd's main process, its handler, smswardend,
 * the bus daemon, udevd are killed under a gateway that works; systemd is reloaded and executed anew in the
 * middle of a restart; smswardend's loop is stopped; a restart of ours is replaced by a person's stop.
 *
 * Who is who is told by pid and start time together, as a pid alone may be taken again.
 */
#include "scenario.h"

#include "base/text.h"

#include <signal.h>

#define MAIN_PID   "systemctl show -p MainPID --value "
#define START_OF   "cut -d' ' -f22 /proc/$pid/stat"
#define HANDLERS   "pgrep -x -P $(" MAIN_PID "smstools) smsd"
#define SMSD_LOG   "/var/log/smstools/smsd.log"
#define JOURNAL_OF "journalctl -q -b -o cat --no-pager -u "
#define IS_HELD    "not pgrep -x smsd; smswarden status > /run/said || test $? = 3; grep -q HELD /run/said"
#define NAME_OWNED "busctl --no-pager status org.smswarden.Gateway1 > /dev/null"

/* --- a gateway that works, and what is remembered of it --- */

struct identity {
        char text[64]; /* pid and start time */
};

/* smsd runs under Debian's generated unit then, as after the installation: no unit knows its main process. */
static void new_gateway(struct machine *m)
{
        scenario_plug(m, 0, "");
        scenario_working(m);
        assert_string_equal(machine_ok(m, MAIN_PID "smstools"), "0");
}

static struct identity identity(struct machine *m, const char *unit)
{
        struct identity who;
        const char *words =
            machine_ok(m, "pid=$(" MAIN_PID "%s); test \"$pid\" != 0; echo $pid $(" START_OF ")", unit);

        assert_int_equal(text_copy(who.text, sizeof(who.text), words), 0);
        return who;
}

static void is_untouched(struct machine *m, const char *unit, const struct identity *before)
{
        struct identity now = identity(m, unit);

        assert_string_equal(now.text, before->text);
}

static void kill_main_of(struct machine *m, const char *unit, int signal)
{
        (void)machine_ok(m, "kill -%d $(" MAIN_PID "%s)", signal, unit);
}

/* Until systemd has it running again, as another process. */
static int64_t wait_successor(struct machine *m, const char *unit, const struct identity *before)
{
        return machine_wait(m, 60000,
                            "eval $(systemctl show -p ActiveState -p MainPID %s); pid=$MainPID\n"
                            "test $ActiveState = active -a $pid != 0; test \"$pid $(" START_OF ")\" != '%s'",
                            unit, before->text);
}

static long count(struct machine *m, const char *script)
{
        return strtol(machine_ok(m, "%s", script), NULL, 10);
}

static long smsd_starts(struct machine *m)
{
        return count(m, "grep -c 'Smsd v.* started' " SMSD_LOG " || true");
}

/* A file in outgoing/: nobody waits for it. */
static void post(struct machine *m, const char *text)
{
        (void)machine_ok(
            m,
            "printf 'To: 4915112345678\\n\\n%%s\\n' '%s' > /var/spool/sms/post\n"
            "chown smsd: /var/spool/sms/post; mv /var/spool/sms/post /var/spool/sms/outgoing/post.$$",
            text);
}

static void is_sent_once(struct machine *m, const char *text)
{
        machine_wait(m, 90000, "grep -rqF '%s' /var/spool/sms/sent", text);
        machine_assert_contains(
            machine_ok(m, "softec25 --dir /run/ec25 --command 'sent 0' | grep -F 'text=%s'", text),
            "count=1 ");
}

/* --- smsd --- */

static void back_with_sms(struct machine *m, const char *victim, unsigned n, const char *text)
{
        int64_t start = machine_now();

        (void)machine_ok(m, "kill -9 $(%s)", victim);
        post(m, text);
        (void)scenario_modem(m, "wait-sent 0 %u 50000", n);
        (void)printf("# %s: SMS back after %lld ms\n", text, (long long)(machine_now() - start));
        is_sent_once(m, text);
        scenario_working(m);
        assert_int_equal(count(m, "pgrep -xc smsd"), 2);
        (void)printf("# in the machine: %s\n",
                     machine_ok(m, JOURNAL_OF "smswardend | grep '^restart: ' | tail -n 1"));
}

static void a_killed_smsd_is_back_in_seconds(struct machine *m)
{
        new_gateway(m);
        back_with_sms(m, "pgrep -o -x smsd", 1, "kill -9 of the smsd from before the package");
        back_with_sms(m, MAIN_PID "smstools", 2, "kill -9 of the main process");
        back_with_sms(m, HANDLERS, 3, "kill -9 of the handler");
}

/* The orphan is in the middle of a message: it may finish it, its successor must not send it again. */
static void an_orphan_finishes_its_message_and_goes(struct machine *m)
{
        char orphan[32];

        (void)scenario_modem(m, "cmgs 0 ok 6000");
        assert_int_equal(text_copy(orphan, sizeof(orphan), machine_ok(m, HANDLERS)), 0);
        post(m, "in the middle");
        (void)scenario_modem(m, "wait-sent 0 1 30000");
        kill_main_of(m, "smstools", SIGKILL);
        (void)machine_ok(m, "grep -q '^PPid:[[:space:]]*1$' /proc/%s/status", orphan);
        (void)machine_wait(m, 60000, "not kill -0 %s 2> /dev/null", orphan);
        (void)scenario_modem(m, "cmgs 0 ok");
        scenario_working(m);
        is_sent_once(m, "in the middle");
        assert_int_equal(count(m, "pgrep -xc smsd"), 2);
        scenario_send(m, 0, "behind the orphan");
}

/* --- smswardend --- */

static void is_killed(struct machine *m)
{
        struct identity before = identity(m, "smswardend");

        kill_main_of(m, "smswardend", SIGKILL);
        (void)printf("# smswardend back after %lld ms\n",
                     (long long)wait_successor(m, "smswardend", &before));
}

static void smswardend_dies_alone(struct machine *m)
{
        char hold[512];

        struct identity smsd = identity(m, "smstools");
        is_killed(m);
        scenario_working(m);
        is_untouched(m, "smstools", &smsd);
        scenario_send(m, 0, "past the controller");

        (void)machine_ok(m, "smswarden stop --for 10min --reason 'the hold stays'");
        assert_true(snprintf(hold, sizeof(hold), "%s", machine_ok(m, "cat /run/smswarden/hold*")) <
                    (int)sizeof(hold));
        is_killed(m);
        machine_stays(m, 4000, IS_HELD);
        machine_assert_contains(machine_ok(m, "cat /run/said"), "the hold stays");
        assert_string_equal(machine_ok(m, "cat /run/smswarden/hold*"), hold);
        (void)machine_ok(m, "smswarden start");
        scenario_working(m);
}

/* --- the bus, udev --- */

static void the_bus_daemon_may_die(struct machine *m)
{
        (void)machine_wait(m, 30000, NAME_OWNED);
        struct identity smsd = identity(m, "smstools"), warden = identity(m, "smswardend");

        /* Its socket is kept from bringing it back. */
        (void)machine_ok(m, "systemctl stop dbus.socket 2> /dev/null; systemctl kill -s KILL dbus.service");
        (void)machine_wait(m, 30000, "not pgrep -x dbus-daemon");
        scenario_working(m);
        kill_main_of(m, "smstools", SIGKILL);
        (void)wait_successor(m, "smstools", &smsd);
        scenario_working(m);
        scenario_send(m, 0, "without a bus");
        (void)machine_ok(m, "smswarden restart; not pgrep -x dbus-daemon");
        scenario_working(m);

        (void)machine_ok(m, "systemctl start dbus.socket dbus.service");
        (void)printf("# the name is back after %lld ms\n", (long long)machine_wait(m, 90000, NAME_OWNED));
        scenario_working(m);
        is_untouched(m, "smswardend", &warden);
}

static void udevd_may_die(struct machine *m)
{
        new_gateway(m);
        struct identity udevd = identity(m, "systemd-udevd");

        kill_main_of(m, "systemd-udevd", SIGKILL);
        (void)wait_successor(m, "systemd-udevd", &udevd);
        scenario_working(m);
        scenario_unplug(m, 0);
        scenario_plug(m, 0, "");
        scenario_working(m);
        scenario_send(m, 0, "past udevd");
}

/* --- systemd in the middle of a restart --- */

/* `what` happens so many ms behind the beginning of `smswarden restart`, which must do its work once. */
static void in_a_restart(struct machine *m, unsigned moment, const char *what)
{
        long starts = smsd_starts(m);
        struct identity warden = identity(m, "smswardend");
        const char *output;

        int code = machine_run(m, 120000, &output,
                               "smswarden restart > /run/restart 2>&1 & waited=$!\n"
                               "sleep %u.%03u; %s\n"
                               "code=0; wait $waited || code=$?; cat /run/restart; exit $code",
                               moment / 1000, moment % 1000, what);
        if (code != 0)
                fail_msg("%s after %u ms: restart says %d: %s", what, moment, code, output);
        scenario_working(m);
        assert_int_equal(smsd_starts(m), starts + 1);
        assert_int_equal(count(m, "pgrep -xc smsd"), 2);
        is_untouched(m, "smswardend", &warden);
}

/* Stop, smsd.conf, start and the verification take 2 to 3 s here. */
static void systemd_may_be_reloaded_in_a_restart(struct machine *m)
{
        for (unsigned i = 0, n = machine_rounds(1, 10); i < n; i++) {
                in_a_restart(m, machine_random(2000), "systemctl daemon-reload");
                in_a_restart(m, machine_random(2000), "systemctl daemon-reexec");
        }
        scenario_send(m, 0, "after all reloads");
}

/* A start that takes its time, and in the middle of it a person stops the unit: the stop wins, and who asked
 * for the restart is told. */
static void a_stop_replaces_our_restart(struct machine *m)
{
        const char *output;

        (void)machine_ok(m, "mkdir -p /run/systemd/system/smstools.service.d\n"
                            "printf '[Service]\\nExecStartPre=/bin/sleep 5\\n' > "
                            "/run/systemd/system/smstools.service.d/90-slow.conf\n"
                            "systemctl daemon-reload");
        int code = machine_run(
            m, 120000, &output,
            "smswarden restart > /run/restart 2>&1 & waited=$!\n"
            "until systemctl show -p ActiveState smstools | grep -q =activating; do sleep 0.05; done\n"
            "systemctl stop smstools\n"
            "code=0; wait $waited || code=$?; cat /run/restart; exit $code");
        (void)printf("# restart said %d: %s", code, output);
        assert_int_equal(code, 1);
        machine_stays(m, 5000, IS_HELD);
        machine_assert_contains(machine_ok(m, "cat /run/said"), "systemctl");
        (void)machine_ok(m,
                         "rm /run/systemd/system/smstools.service.d/90-slow.conf; systemctl daemon-reload\n"
                         "systemctl start smstools");
        scenario_working(m);
        scenario_send(m, 0, "after the stop");
}

/* --- the watchdog --- */

static void the_watchdog_ends_a_loop_that_stands(struct machine *m)
{
        assert_string_equal(machine_ok(m, "systemctl show -p WatchdogUSec --value smswardend"), "2min 30s");
        (void)machine_ok(m, "mkdir -p /run/systemd/system/smswardend.service.d\n"
                            "printf '[Service]\\nWatchdogSec=6\\nTimeoutAbortSec=3\\n' > "
                            "/run/systemd/system/smswardend.service.d/90-short.conf\n"
                            "systemctl daemon-reload; systemctl restart smswardend");
        scenario_working(m);
        struct identity smsd = identity(m, "smstools"), warden = identity(m, "smswardend");

        scenario_send(m, 0, "in the time of a watchdog");
        is_untouched(m, "smswardend", &warden); /* it is fed as long as the loop goes round */
        kill_main_of(m, "smswardend", SIGSTOP);
        (void)printf("# a stopped loop is replaced after %lld ms\n",
                     (long long)wait_successor(m, "smswardend", &warden));
        machine_assert_contains(machine_ok(m, JOURNAL_OF "smswardend"), "Watchdog timeout");
        scenario_working(m);
        is_untouched(m, "smstools", &smsd);
        scenario_send(m, 0, "past the watchdog");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(a_killed_smsd_is_back_in_seconds),
    MACHINE_TEST(an_orphan_finishes_its_message_and_goes, .state = MACHINE_WORKING, .nightly = true),
    MACHINE_TEST(smswardend_dies_alone, .state = MACHINE_WORKING),
    MACHINE_TEST(the_bus_daemon_may_die, .state = MACHINE_WORKING),
    MACHINE_TEST(udevd_may_die, .nightly = true),
    MACHINE_TEST(systemd_may_be_reloaded_in_a_restart, .state = MACHINE_WORKING),
    MACHINE_TEST(a_stop_replaces_our_restart, .state = MACHINE_WORKING, .nightly = true),
    MACHINE_TEST(the_watchdog_ends_a_loop_that_stands, .state = MACHINE_WORKING, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
