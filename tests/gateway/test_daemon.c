/*
 * The controller dies, ends, comes back: a healthy smsd does not notice, a stop goes on, and what happened
 * meanwhile is made good.
 */
#include "base/text.h"
#include "gateway_fixture.h"

#include <signal.h>
#include <string.h>

static void a_healthy_smsd_survives(struct gateway *g, void (*end)(struct gateway *g))
{
        char imei[16];

        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0), handler = gateway_handler(g);
        (void)text_copy(imei, sizeof(imei), gateway_slot(g, "GSM1")->imei);
        assert_int_equal(strlen(imei), 15);
        end(g);
        assert_true(gateway_is_alive(smsd) && gateway_is_alive(handler));
        gateway_start_daemon(g);
        assert_int_equal(gateway_working(g, 0), smsd);
        assert_int_equal(gateway_handler(g), handler);
        assert_string_equal(gateway_slot(g, "GSM1")->imei, imei); /* what was known is known again */
        assert_int_equal(gateway_starts(g), 1);
        gateway_signal(smsd, SIGKILL); /* and it is watched as before */
        gateway_working(g, smsd);
}

static void killing_the_daemon_does_not_touch_smsd(struct gateway *g)
{
        a_healthy_smsd_survives(g, gateway_kill_daemon);
}

static void ending_the_daemon_does_not_touch_smsd(struct gateway *g)
{
        a_healthy_smsd_survives(g, gateway_end_daemon);
}

static void a_hold_goes_on(struct gateway *g, void (*end)(struct gateway *g))
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_stop(g, 8 * USEC_PER_SEC);
        const struct snapshot before = *gateway_snapshot(g);
        end(g);
        gateway_start_daemon(g);
        gateway_wait_held(g, "cli");
        const struct snapshot *after = &g->snapshot;
        assert_string_equal(after->hold.by, before.hold.by);
        assert_string_equal(after->hold.reason, before.hold.reason);
        /* Shown on the wall clock, which may be corrected by some microseconds meanwhile. */
        assert_in_range(after->hold.until - before.hold.until + 100000, 0, 200000);
        assert_in_range(after->hold.since - before.hold.since + 100000, 0, 200000);
        assert_int_equal(gateway_starts(g), 1);
        gateway_working(g, smsd);
        assert_string_equal(g->snapshot.restarts.last.cause, "hold-end");
}

static void a_stop_survives_the_daemons_kill(struct gateway *g)
{
        a_hold_goes_on(g, gateway_kill_daemon);
}

static void a_stop_survives_the_daemons_end(struct gateway *g)
{
        a_hold_goes_on(g, gateway_end_daemon);
}

static bool nothing_runs(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_processes(g) == 0;
}

static void a_stop_that_ended_meanwhile_is_over_at_the_start(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_stop(g, USEC_PER_SEC);
        gateway_kill_daemon(g);
        gateway_stays(g, 1200, "nobody is there to start smsd", nothing_runs, NULL);
        gateway_start_daemon(g);
        gateway_working(g, smsd);
        assert_string_equal(g->snapshot.restarts.last.cause, "hold-end");
        assert_int_equal(gateway_logged(g, "is over after"), 1);
}

static void smsd_that_died_meanwhile_is_started(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0), handler = gateway_handler(g);
        gateway_kill_daemon(g);
        gateway_signal(smsd, SIGKILL); /* its handler lives on alone */
        gateway_wait_exit(smsd, 2000);
        assert_true(gateway_is_alive(handler));
        gateway_start_daemon(g);
        gateway_working(g, smsd);
        assert_false(gateway_is_alive(handler));
        assert_int_equal(gateway_holders(g, 0), 1);
}

static void a_modem_that_moved_meanwhile_is_served(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_kill_daemon(g);
        gateway_modem(g, "unplug 0");
        gateway_plug(g, ""); /* the old port is still held: other numbers */
        assert_string_equal(gateway_node(g, 0, "at"), "ttyUSB3");
        gateway_start_daemon(g);
        gateway_working(g, smsd);
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB3");
        _cleanup_free_ char *holders = gateway_ask(g, "holders 0");
        assert_null(strstr(holders, "dead"));
}

static void smsd_started_by_hand_meanwhile_ends_the_stop(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_stop(g, USEC_PER_HOUR);
        gateway_kill_daemon(g);
        pid_t smsd = gateway_start_smsd(g, g->conf);
        gateway_wait_smsd_logged(g, "GSM1: Modem handler 0 has started", 5000);
        gateway_start_daemon(g);
        assert_int_equal(gateway_working(g, 0), smsd);
        assert_false(g->snapshot.hold.active);
}

static void the_daemon_may_die_in_the_middle_of_a_start(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_wait_smsd_logged(g, "Outgoing file checker has started", 10000);
        gateway_kill_daemon(g);
        gateway_start_daemon(g);
        gateway_working(g, 0);
        assert_int_equal(gateway_starts(g), 1);
        assert_int_equal(gateway_processes(g), 2);
}

static void a_second_daemon_is_refused(struct gateway *g)
{
        char output[1024];

        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        assert_int_equal(gateway_run_daemon(g, output, sizeof(output)), 1);
        assert_non_null(strstr(output, "another smswardend controls this gateway already"));
        assert_int_equal(gateway_count(output, "ERROR"), 1);
        assert_int_equal(gateway_smsd(g), smsd); /* the first still answers */
        gateway_signal(smsd, SIGKILL);
        gateway_working(g, smsd);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(killing_the_daemon_does_not_touch_smsd),
    GATEWAY_TEST(ending_the_daemon_does_not_touch_smsd),
    GATEWAY_TEST(a_stop_survives_the_daemons_kill),
    GATEWAY_TEST(a_stop_survives_the_daemons_end),
    GATEWAY_TEST(a_stop_that_ended_meanwhile_is_over_at_the_start),
    GATEWAY_TEST(smsd_that_died_meanwhile_is_started),
    GATEWAY_TEST(a_modem_that_moved_meanwhile_is_served),
    GATEWAY_TEST(smsd_started_by_hand_meanwhile_ends_the_stop),
    GATEWAY_TEST(the_daemon_may_die_in_the_middle_of_a_start),
    GATEWAY_TEST(a_second_daemon_is_refused),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
