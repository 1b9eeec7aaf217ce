/*
 * A manual stop as a lease: it always has an end, whoever took it and whatever became of the controller, of
 * the clock or of the machine meanwhile. And the two hours of silence that smswarden was made for, with the
 * commands of that night.
 */
#include "records.h"
#include "scenario.h"

#define HELD "code=0; smswarden status > /dev/null || code=$?; test $code -eq 3; "
/* No smsd, and whoever restarts one keeps off; without the controller's word. */
#define DOWN        "not pgrep -x smsd > /dev/null; "
#define NO_HOLD     "test ! -e /run/smswarden/hold; test ! -e /tmp/smsd_manual_stop; "
#define TIMER_IS(x) "systemctl is-active smswarden-hold-end.timer | grep -qx " x "; "
/* As smsd_manual_stop.sh did it. */
#define OLD_STOP_SCRIPT                                                                                      \
        "echo \"Manually stopped at $(date)\" > /tmp/smsd_manual_stop; pkill -9 smsd; "                      \
        "echo \"$(date) SYSTEM: smsd manually stopped\" >> /var/log/smstools/smsd.log"

/* The guest's boot time: what a jumping clock and a saved state do not touch. */
static double uptime(struct machine *m)
{
        return strtod(machine_ok(m, "cut -d ' ' -f 1 /proc/uptime"), NULL);
}

static void is_held_by(struct machine *m, const char *source)
{
        (void)machine_wait(m, 60000, HELD DOWN);
        machine_assert_contains(machine_ok(m, "smswarden status --json || true"), source);
}

/* Until smsd is started by somebody, `least` to `most` seconds after `begin`. */
static void ends_after(struct machine *m, double begin, double least, double most)
{
        (void)machine_wait(m, 180000, "pgrep -x smsd; " NO_HOLD);
        double lasted = uptime(m) - begin;
        (void)printf("# smsd is back %.1f s after the hold was taken, which was for %.0f s\n", lasted, least);
        assert_true(lasted >= least && lasted <= most);
}

/* SMS kept down by a forgotten flag: the start goes around the scripts, then smsd dies. */
static void the_night_of_the_post_mortem(struct machine *m)
{
        (void)machine_ok(m, OLD_STOP_SCRIPT);
        is_held_by(m, "\"source\":\"legacy\"");
        (void)machine_ok(m, "systemctl restart smstools");
        scenario_working(m);
        (void)machine_ok(m, NO_HOLD "pkill -9 -x smsd");
        int64_t killed = machine_now();
        scenario_send(m, 0, "the night is over");
        (void)printf("# an SMS went out %lld ms after the kill\n", (long long)(machine_now() - killed));
        (void)machine_ok(m, NO_HOLD);
        scenario_working(m);
}

static void the_flag_ends_with_the_default(struct machine *m)
{
        machine_put(m, "/etc/smswarden/smswarden.conf.d/hold.conf", 0644, "[hold]\ndefault = 10s\n");
        (void)machine_ok(m, "systemctl reload smswardend");
        double begin = uptime(m);
        (void)machine_ok(m, OLD_STOP_SCRIPT);
        is_held_by(m, "\"source\":\"legacy\"");
        ends_after(m, begin, 10, 70);
        scenario_send(m, 0, "the flag is gone");
}

/* Ten years ahead and back. */
static void the_clock_jumps(struct machine *m)
{
        (void)machine_ok(m, "date -s '10 years'");
        machine_stays(m, 3000, DOWN);
        (void)machine_ok(m, "date -s '20 years ago'");
        machine_stays(m, 2000, DOWN);
        (void)machine_ok(m, "date -s '10 years'");
}

static void a_stop_ends_at_its_time_by_any_clock(struct machine *m)
{
        records_mark(m);
        double begin = uptime(m);
        machine_assert_contains(machine_ok(m, "smswarden stop --for 25s --reason 'new antenna'"),
                                "the hold ends at");
        is_held_by(m, "\"reason\":\"new antenna\"");
        (void)machine_ok(m, TIMER_IS("active"));
        the_clock_jumps(m);
        (void)machine_ok(m, HELD);
        ends_after(m, begin, 25, 85);
        records_say(m, "hold-expired", "new antenna");
        scenario_working(m);
        (void)machine_wait(m, 30000, TIMER_IS("inactive"));
        scenario_send(m, 0, "the hold has ended");
}

static void a_hold_ends_without_the_controller_by_any_clock(struct machine *m)
{
        double begin = uptime(m);
        (void)machine_ok(m, "smswarden stop --for 20s\n"
                            "systemctl mask smswardend; systemctl kill -s KILL smswardend");
        (void)machine_wait(m, 30000, "not pgrep -x smswardend");
        the_clock_jumps(m);
        ends_after(m, begin, 20, 90);
        (void)machine_ok(m, "not pgrep -x smswardend; systemctl is-active smstools");
        machine_assert_contains(machine_ok(m, "journalctl -b -o cat -u smswarden-hold-end"),
                                "smswardend has not ended it");
        scenario_send(m, 0, "without a controller");
}

/* What a person types when nothing else helps. */
static void a_restart_needs_no_controller(struct machine *m)
{
        (void)machine_ok(m, "smswarden stop --for 1h; systemctl mask smswardend\n"
                            "systemctl kill -s KILL smswardend; echo stopped > /tmp/smsd_manual_stop");
        (void)machine_ok(m, "systemctl restart smstools; " NO_HOLD);
        scenario_send(m, 0, "after the restart");
        (void)machine_ok(
            m, "rm /usr/sbin/smswardend /usr/bin/smswarden; rm -r /usr/lib/smswarden\n"
               "echo stopped > /tmp/smsd_manual_stop; systemctl stop smstools; " DOWN
               "systemctl start smstools; systemctl is-active smstools; systemctl restart smstools");
        scenario_send(m, 0, "with nothing of ours");
}

/* The unit was stopped, and systemd reads everything anew. */
static void a_reload_of_systemd_changes_no_hold(struct machine *m)
{
        machine_put(m, "/etc/smswarden/smswarden.conf.d/hold.conf", 0644, "[hold]\ndefault = 25s\n");
        (void)machine_ok(m, "systemctl reload smswardend");
        records_mark(m);
        double begin = uptime(m);
        (void)machine_ok(m, "systemctl stop smstools");
        is_held_by(m, "\"source\":\"systemctl\"");
        (void)machine_ok(m, "systemctl daemon-reload");
        machine_stays(m, 2000, HELD DOWN TIMER_IS("active"));
        ends_after(m, begin, 25, 85);
        records_say(m, "hold-expired", "systemctl stop smstools.service");
        scenario_send(m, 0, "taken by systemctl, ended by itself");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(the_night_of_the_post_mortem, .state = MACHINE_WORKING),
    MACHINE_TEST(the_flag_ends_with_the_default, .state = MACHINE_WORKING, .nightly = true),
    MACHINE_TEST(a_stop_ends_at_its_time_by_any_clock, .state = MACHINE_WORKING),
    MACHINE_TEST(a_hold_ends_without_the_controller_by_any_clock, .state = MACHINE_WORKING),
    MACHINE_TEST(a_restart_needs_no_controller, .state = MACHINE_WORKING),
    MACHINE_TEST(a_reload_of_systemd_changes_no_hold, .state = MACHINE_WORKING, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
