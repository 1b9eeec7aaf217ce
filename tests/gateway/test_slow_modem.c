/*
 * A modem that takes its time: it is waited for with one probe, smsd is started once; and one that says
 * nothing at all does not keep smsd down for ever.
 */
#include "base/text.h"
#include "gateway_fixture.h"

#include <string.h>

static bool works_and_was_never_raced(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);
        int64_t earliest = *(const int64_t *)userdata;

        if (s->smsd.running)
                assert_true(gateway_now() >= earliest); /* not before the SIM can be READY */
        assert_in_range(gateway_holders(g, 0), 0, 1);
        return s->verdict == VERDICT_WORKING;
}

static void a_slow_modem_is_waited_for_with_one_probe(struct gateway *g)
{
        int64_t earliest = gateway_now() + 8000;

        gateway_plug(g, "boot=8000");
        gateway_wait(g, 30000, "smsd works", works_and_was_never_raced, &earliest);
        assert_int_equal(gateway_starts(g), 1);
        assert_int_equal(gateway_count(g->snapshot.restarts.last.cause, "plug"), 1);
        assert_int_equal(g->snapshot.restarts.total, 1);
        assert_int_equal(gateway_logged(g, "-> port-open"), 1); /* one opening, one dialogue */
        assert_int_equal(gateway_bytes(g, 0, "modem"), 0);
}

static void a_sim_that_is_busy_at_first_is_waited_for(struct gateway *g)
{
        gateway_modem(g, "sim 0 busy");
        gateway_plug(g, "");
        gateway_modem(g, "wait-command 0 AT+CPIN? 10000 3");
        assert_int_equal(gateway_starts(g), 0);
        assert_string_equal(gateway_slot(g, "GSM1")->state, "absent"); /* no slot before it is ready */
        gateway_modem(g, "sim 0 ready");
        gateway_working(g, 0);
        assert_int_equal(gateway_starts(g), 1);
}

static bool smsd_was_started(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->smsd.running;
}

/* The modem wakes up much later than boot_timeout: the smsd that was started meanwhile is the one that works.
 */
static void when_boot_timeout_is_over_smsd_starts_once_with_the_reason(struct gateway *g)
{
        int64_t begun = gateway_now();

        gateway_plug(g, "boot=12000");
        gateway_wait(g, 10000, "smsd is started", smsd_was_started, NULL);
        assert_in_range(gateway_now() - begun, 3000, 6000);
        gateway_wait_logged(g, "is degraded: it has not answered AT within boot_timeout", 1000);
        assert_string_equal(gateway_slot(g, "GSM1")->reason, "it has not answered AT within boot_timeout");
        pid_t smsd = gateway_smsd(g);
        assert_int_equal(gateway_working(g, 0), smsd);
        assert_true(gateway_now() - begun > 12000);
        assert_int_equal(gateway_starts(g), 1);
        assert_string_equal(gateway_slot(g, "GSM1")->state, "ready");
        assert_string_equal(g->snapshot.modems[0].reason, "");
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_slow_modem_is_waited_for_with_one_probe, .warden = "[modem GSM1]\nboot_timeout = 20s\n"),
    GATEWAY_TEST(a_sim_that_is_busy_at_first_is_waited_for),
    GATEWAY_TEST(when_boot_timeout_is_over_smsd_starts_once_with_the_reason,
                 .warden = "[modem GSM1]\nboot_timeout = 3s\n"),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
