/*
 * smsd dies or hangs: it is back at once, by one restart, and no message goes out twice.
 */
#include "base/text.h"
#include "gateway_fixture.h"

#include <signal.h>
#include <string.h>

static bool works_and_never_two_held_the_port(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);

        assert_in_range(gateway_holders(g, 0), 0, 1);
        return s->verdict == VERDICT_WORKING && s->smsd.pid != *(const pid_t *)userdata;
}

/* Two messages behind each other: when the second is out, the first would have gone out again. */
static void send_another_and_count(struct gateway *g, const char *first)
{
        gateway_modem(g, "cmgs 0 ok");
        gateway_send(g, "another", "Another");
        gateway_wait_sent(g, 0, 2, 20000);
        assert_int_equal(gateway_sent(g, 0, first), 1);
        assert_int_equal(gateway_sent(g, 0, "Another"), 1);
}

static void after_kill_9_the_orphans_end_before_the_start_and_nothing_is_sent_twice(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0), handler = gateway_handler(g);

        gateway_modem(g, "cmgs 0 ok 3000");
        gateway_send(g, "once", "Exactly once");
        gateway_modem(g, "wait-command 0 AT+CMGS 15000 1");
        gateway_signal(smsd, SIGKILL);
        assert_true(gateway_is_alive(handler)); /* it goes on alone, in the middle of the PDU */
        gateway_wait(g, 30000, "smsd works again", works_and_never_two_held_the_port, &smsd);
        assert_false(gateway_is_alive(handler));
        assert_int_equal(gateway_sent(g, 0, "Exactly once"), 1);
        send_another_and_count(g, "Exactly once");
        assert_int_equal(gateway_starts(g), 2);
        assert_int_equal(gateway_logged(g, "killed"), 0);
        gateway_wait_logged(g, "died, signal 9", 0);
}

static void after_kill_9_smsd_is_back_within_seconds(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        int64_t begun = gateway_now();

        gateway_signal(smsd, SIGKILL);
        gateway_working(g, smsd);
        assert_in_range(gateway_now() - begun, 0, 6000);
        assert_string_equal(g->snapshot.restarts.last.cause, "crash");
        assert_string_equal(g->snapshot.restarts.last.result, "ok");
}

static void a_killed_handler_is_seen_within_a_second_and_costs_one_restart(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);

        gateway_signal(gateway_handler(g), SIGKILL);
        gateway_wait_logged(g, "a modem handler of smsd (pid ", 1000);
        gateway_working(g, smsd);
        assert_string_equal(g->snapshot.restarts.last.cause, "handler-lost");
        assert_int_equal(gateway_starts(g), 2);
        assert_int_equal(gateway_processes(g), 2);
}

static void a_stop_waits_for_the_message_that_is_being_sent(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 ok 10000");
        gateway_send(g, "slow", "Slow but once");
        gateway_modem(g, "wait-command 0 AT+CMGS 15000 1");
        int64_t begun = gateway_now();
        gateway_stop(g, 10 * USEC_PER_MIN);
        assert_in_range(gateway_now() - begun, 8000, 20000);
        assert_int_equal(gateway_sent(g, 0, "Slow but once"), 1);
        gateway_start(g);
        send_another_and_count(g, "Slow but once");
        assert_int_equal(gateway_logged(g, "did not stop in time"), 0);
}

static void somebodys_clean_stop_is_told_apart_from_a_crash(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);

        gateway_signal(smsd, SIGTERM);
        gateway_working(g, smsd);
        assert_string_equal(g->snapshot.restarts.last.cause, "external-stop");
        assert_int_equal(gateway_logged(g, "was ended by somebody, without a hold"), 1);
        assert_int_equal(gateway_logged(g, ") died"), 0);
        assert_int_equal(gateway_logged(g, "a modem handler of smsd"), 0);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(after_kill_9_the_orphans_end_before_the_start_and_nothing_is_sent_twice),
    GATEWAY_TEST(after_kill_9_smsd_is_back_within_seconds),
    GATEWAY_TEST(a_killed_handler_is_seen_within_a_second_and_costs_one_restart),
    GATEWAY_TEST(a_stop_waits_for_the_message_that_is_being_sent),
    GATEWAY_TEST(somebodys_clean_stop_is_told_apart_from_a_crash),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
