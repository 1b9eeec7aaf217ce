/*
 * What a gateway that works takes from its machine when nothing happens: smswardend's memory and wakeups, on
 * a real kernel, with smsd looking after its modem every 10 s as it does by default.
 */
#include "scenario.h"

#define PID_OF     "pid=$(systemctl show -p MainPID --value smswardend); "
#define SWITCHES   "sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' /proc/$pid/status"
#define WAKEUPS_OK 4    /* in a minute; 1 was seen */
#define PSS_OK     4096 /* KiB; 2165 were seen */

static long number(struct machine *m, const char *script)
{
        return strtol(machine_ok(m, "%s", script), NULL, 10);
}

static void smswardend_sleeps_when_all_is_well(struct machine *m)
{
        unsigned minutes = machine_rounds(1, 10);

        (void)machine_ok(m, "sed -i 's/^delaytime = .*/delaytime = 10/' /etc/smsd.conf");
        scenario_plug(m, 0, "");
        scenario_working(m);
        (void)machine_ok(m, "smswarden restart");
        scenario_working(m);
        (void)machine_ok(m, "sleep 35"); /* what a start brings with it is over */

        long before = number(m, PID_OF SWITCHES);
        (void)machine_run(m, 60000LL * (minutes + 1), NULL, "sleep %u", 60 * minutes);
        long wakeups = number(m, PID_OF SWITCHES) - before;
        long rss = number(m, PID_OF "sed -n 's/^Rss: *\\([0-9]*\\) kB/\\1/p' /proc/$pid/smaps_rollup");
        long pss = number(m, PID_OF "sed -n 's/^Pss: *\\([0-9]*\\) kB/\\1/p' /proc/$pid/smaps_rollup");

        (void)printf("# smswardend idle: %.1f wakeups in a minute, RSS %ld KiB, PSS %ld KiB\n",
                     (double)wakeups / minutes, rss, pss);
        assert_true(wakeups <= WAKEUPS_OK * (long)minutes);
        assert_true(pss > 0 && pss <= PSS_OK);
        scenario_working(m);
}

static const struct machine_test tests[] = {
    MACHINE_TEST(smswardend_sleeps_when_all_is_well, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
