/*
 * The gateway at its edges: deadlines that cannot be kept, processes that are seen half made, an smsd without
 * stats, modems that leave at the wrong moment.
 */
#include "rig.h"

/* How often the gateway wants to be woken in `duration`. */
static unsigned count_wakeups(struct rig *rig, usec_t duration)
{
        usec_t end = rig->now + duration;
        unsigned n = 0;

        rig_go(rig);
        for (; gateway_next_deadline(rig->gateway) <= end && n < 5000; n++) {
                rig->now = gateway_next_deadline(rig->gateway) > rig->now
                               ? gateway_next_deadline(rig->gateway)
                               : rig->now;
                (void)rig_event(rig, EVENT_TIMER);
                rig_go(rig);
        }
        return n;
}

static pid_t main_pid(const struct rig *rig)
{
        for (unsigned i = 0; i < rig->list.n; i++)
                if (rig->list.processes[i].in_pidfile)
                        return rig->list.processes[i].id.pid;
        return 0;
}

static void kill_main(struct rig *rig)
{
        for (unsigned i = rig->list.n; i-- > 0;)
                if (!rig->list.processes[i].in_pidfile)
                        rig_exit(rig, i, -SIGKILL, false);
        rig_exit(rig, 0, -SIGKILL, true);
}

/* In a long backoff somebody starts smsd by hand; it dies before its handlers had their ports. */
static void test_adopted_smsd_dies_in_backoff(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        for (unsigned i = 0; i < 7; i++) {
                rig_wait(rig, 65 * USEC_PER_SEC);
                kill_main(rig);
                rig_go(rig);
        }
        assert_int_equal(rig->list.n, 0);
        rig->handler_dies = true; /* no handler yet */
        (void)rig_smsd(rig);
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, USEC_PER_SEC);
        kill_main(rig);
        rig->handler_dies = false;
        assert_in_range(count_wakeups(rig, 25 * USEC_PER_SEC), 1, 50);
}

/* Main's own child between its fork and its exec: at each start smsd runs a script, to see that it can. */
static void test_fork_of_main_is_no_handler(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_forget(rig);
        (void)rig_process(rig, main_pid(rig));
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, 30 * USEC_PER_MSEC);
        rig_exit(rig, rig->list.n - 1, 0, false);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_null(strstr(rig->told, "ended while smsd runs on"));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* A child of a handler between its fork and its exec. */
static void test_fork_for_an_eventhandler_is_no_stray(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        pid_t handler = rig->list.processes[1].id.pid;
        unsigned stops = rig->counts[ACTION_SMSD_STOP];
        assert_int_not_equal(rig->list.processes[1].tty[0], '\0');
        (void)rig_process(rig, handler);
        rig_event(rig, EVENT_PROCESSES)->processes.list = &rig->list;
        rig_go(rig);
        rig->list.n--;
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], stops);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_smsd_without_stats_lets_us_sleep(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->no_stats = true;
        rig_begin(rig);
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_in_range(count_wakeups(rig, 10 * USEC_PER_MIN), 1, 20);
}

/* It has the port and its first poll never ends: that is not working, however long it lasts. */
static void test_first_poll_that_never_ends(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig_leave_alone(rig);
        (void)rig_smsd(rig);
        rig->status.modems[0].state = HANDLER_RECEIVING; /* smsd writes that before it asks the modem */
        rig_begin(rig);
        rig_wait(rig, 3 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_DEGRADED);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        rig->status.modems[0].state = HANDLER_IDLE;
        (void)text_copy(rig->status.modems[0].since_text, 32, "later");
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* Who asked for the start is not told that all went well. */
static void test_modem_that_leaves_in_a_start_is_a_failure(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->handler_dies = true; /* it has not opened the port yet */
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, USEC_PER_SEC);
        assert_true(gateway_is_restarting(rig->gateway));
        assert_int_equal(rig->n_replies[1], 0);
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->n_replies[1], 1);
        assert_int_equal(rig->replies[1], 1);
        assert_int_equal(rig->list.n, 0);
}

/* A stop that comes while a start is verified stops the smsd that was just started, and says so only then. */
static void test_stop_overtakes_a_start(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->handler_dies = true; /* it has not opened the port yet */
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, USEC_PER_SEC);
        assert_true(gateway_is_restarting(rig->gateway));
        rig->stubborn = true;
        rig_command(rig, COMMAND_STOP, 2, false);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->n_replies[1], 1);
        assert_int_equal(rig->replies[1], 1);
        assert_int_equal(rig->n_replies[2], 0);
        rig_exit(rig, 0, 0, true);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(rig->n_replies[2], 1);
        assert_int_equal(rig->replies[2], 0);
}

/* It polled once and hangs since: the process, its port and its last word look as before. */
static void test_handler_that_stops_polling(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_leave_alone(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        rig->frozen = true;
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING); /* a poll may take two minutes */
        rig_wait(rig, 4 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
        rig->frozen = false;
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* --- stable names --- */

/* The name in smsd.conf stays the same, the port behind it is another one. */
static void test_moves_behind_its_stable_name(void **state)
{
        _rig_ rig = rig_new();
        char before[sizeof(rig->conf)];
        (void)state;

        rig->named = true;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_non_null(strstr(rig->conf, "device = " RIG_LINK "\n"));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        (void)text_copy(before, sizeof(before), rig->conf);
        rig_forget(rig);

        rig->tty = 4;
        rig_usb(rig); /* smsd's handler holds ttyUSB2 */
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_non_null(strstr(rig->told, "unplug"));
        assert_string_equal(rig->conf, before);
        assert_int_equal(rig->counts[ACTION_CONF_WRITE], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* The rules come to a box that works: smsd.conf names the number until smsd is started again for another
 * reason. */
static void test_a_new_name_disturbs_nobody(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_forget(rig);
        rig->named = true;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP] + rig->counts[ACTION_PORT_OPEN], 0);
        assert_string_equal(rig->told, "");
        assert_string_equal(rig->conf, RIG_CONF);
        rig_begin(rig); /* nor does a controller that begins on it */
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP] + rig->counts[ACTION_PORT_OPEN], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);

        kill_main(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_non_null(strstr(rig->conf, "device = " RIG_LINK "\n"));
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* On a box that is busy the handler of an adopted smsd comes seconds after main. */
static void test_a_slow_handler_is_waited_for(void **state)
{
        (void)state;

        for (usec_t late = USEC_PER_SEC; late < 9 * USEC_PER_SEC; late += USEC_PER_SEC) {
                _rig_ rig = rig_working();
                rig_command(rig, COMMAND_STOP, 1, false);
                rig_wait(rig, USEC_PER_MIN);
                rig_forget(rig);
                rig->handler_dies = true; /* no handler yet */
                pid_t main = rig_smsd(rig);
                (void)rig_event(rig, EVENT_SMSD_OPENED);
                rig_wait(rig, late);
                (void)text_copy(rig_process(rig, main)->tty, DEVICE_NODE_MAX, "/dev/ttyUSB2");
                rig_wait(rig, USEC_PER_MIN);
                assert_int_equal(rig->counts[ACTION_SMSD_STOP] + rig->counts[ACTION_SMSD_START], 0);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        }
}

/* Somebody types `smsd`: the launcher is seen, then its child, sooner or later, which writes the pidfile in
 * its own time. That is one start, and no death. */
static void start_into_the_background(struct rig *rig, bool seen_as_child, usec_t until_pidfile)
{
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_true(gateway_is_held(rig->gateway));
        rig_forget(rig);
        pid_t launcher = rig_process(rig, 77)->id.pid;
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, 300 * USEC_PER_MSEC);
        assert_false(gateway_is_held(rig->gateway));
        pid_t child = rig_process(rig, launcher)->id.pid;
        rig_wait(rig, seen_as_child ? 700 * USEC_PER_MSEC : 0);
        rig_exit(rig, (unsigned)rig_find(rig, launcher), 0, false);
        rig_wait(rig, until_pidfile);
        rig->list.processes[rig_find(rig, child)].in_pidfile = true;
        rig_wait(rig, 300 * USEC_PER_MSEC);
        (void)text_copy(rig_process(rig, child)->tty, DEVICE_NODE_MAX, "/dev/ttyUSB2");
        rig_wait(rig, USEC_PER_MIN);
        assert_null(strstr(rig->told, "died"));
        assert_null(strstr(rig->told, "without a hold"));
        assert_int_equal(rig->counts[ACTION_SMSD_STOP] + rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig->counts[ACTION_SIGNAL], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_a_launcher_is_no_loss(void **state)
{
        static const usec_t times[] = {0, 10 * USEC_PER_MSEC, 150 * USEC_PER_MSEC, 500 * USEC_PER_MSEC};
        (void)state;

        for (size_t i = 0; i < 4 * ARRAY_SIZE(times); i++) {
                _rig_ rig = i % 2 ? rig_working_unit() : rig_working();
                start_into_the_background(rig, i % 4 > 1, times[i / 4]);
        }
}

/* An smsd that is killed right after its start is a loss all the same, with or without orphans. */
static void test_a_young_smsd_that_dies_is_a_loss(void **state)
{
        (void)state;

        for (unsigned i = 0; i < 4; i++) {
                _rig_ rig = i % 2 ? rig_working_unit() : rig_working();
                rig_wait(rig, 65 * USEC_PER_SEC);
                rig_command(rig, COMMAND_RESTART, 1, false);
                rig_wait(rig, 5 * USEC_PER_SEC);
                rig_forget(rig);
                rig_exit(rig, (unsigned)rig_find(rig, main_pid(rig)), -SIGKILL, false);
                if (i < 2)
                        rig_exit(rig, 0, -SIGKILL, false);
                rig_wait(rig, 90 * USEC_PER_MSEC);
                assert_non_null(strstr(rig->told, "died"));
                rig_wait(rig, USEC_PER_MIN);
                assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        }
}

/* The flag of the old scripts lies for days beside an observer, who may not remove it: that is one hold. */
static void test_a_flag_is_one_hold_to_an_observer(void **state)
{
        _rig_ rig = rig_new();
        const char *told;
        unsigned holds = 0;
        (void)state;

        rig->config.mode = MODE_OBSERVE;
        rig->flag = FLAG_PRESENT;
        rig->flag_since = rig->now;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_DAY);
        for (told = rig->told; (told = strstr(told, "this is a hold of")); told++)
                holds++;
        assert_int_equal(holds, 1);
        assert_in_range(rig_fired(&rig->spool, ALERT_HOLD), 1, 30); /* it is repeated each hour */

        rig->flag = FLAG_ABSENT;
        rig_wait(rig, USEC_PER_MIN);
        rig_forget(rig);
        rig->flag = FLAG_PRESENT;
        rig->flag_since = rig->now;
        rig_wait(rig, USEC_PER_MIN);
        assert_non_null(strstr(rig->told, "this is a hold of"));
        assert_int_equal(rig_verdict(rig), VERDICT_HELD);
}

/* A handler that the SIM has refused ends, and its words are read when the next start is under way. */
static void test_last_words_of_a_refused_pin(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->sim = SIM_PIN;
        rig->attempts = 2;
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_go(rig);
        assert_true(gateway_is_restarting(rig->gateway));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        rig_log(rig, SMSD_LOG_PIN_REFUSED);
        rig_go(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->list.n, 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
}

static void assert_same_verdict(struct rig *rig, enum verdict verdict)
{
        static struct snapshot whole, part;

        memset(&part, 0xff, sizeof(part)); /* nothing of the last time shines through */
        gateway_snapshot(rig->gateway, rig->now, 5, &whole);
        gateway_snapshot_verdict(rig->gateway, rig->now, 5, &part);
        assert_int_equal(whole.verdict, verdict);
        assert_int_equal(part.verdict, whole.verdict);
        assert_string_equal(part.reason, whole.reason);
        assert_string_equal(part.next_action, whole.next_action);
        assert_string_equal(part.evidence, whole.evidence);
        assert_int_equal(part.can_send, whole.can_send);
        assert_int_equal(part.can_receive, whole.can_receive);
        assert_memory_equal(&part.hold, &whole.hold, sizeof(part.hold));
}

static void test_the_verdict_alone_is_that_of_the_whole(void **state)
{
        _rig_ rig = rig_working();
        _rig_ locked = rig_new();
        (void)state;

        assert_same_verdict(rig, VERDICT_WORKING);
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_same_verdict(rig, VERDICT_HELD);
        locked->sim = SIM_PUK;
        rig_begin(locked);
        rig_wait(locked, USEC_PER_HOUR);
        assert_same_verdict(locked, VERDICT_DOWN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_adopted_smsd_dies_in_backoff),
            cmocka_unit_test(test_fork_of_main_is_no_handler),
            cmocka_unit_test(test_fork_for_an_eventhandler_is_no_stray),
            cmocka_unit_test(test_smsd_without_stats_lets_us_sleep),
            cmocka_unit_test(test_first_poll_that_never_ends),
            cmocka_unit_test(test_handler_that_stops_polling),
            cmocka_unit_test(test_stop_overtakes_a_start),
            cmocka_unit_test(test_modem_that_leaves_in_a_start_is_a_failure),
            cmocka_unit_test(test_moves_behind_its_stable_name),
            cmocka_unit_test(test_a_new_name_disturbs_nobody),
            cmocka_unit_test(test_a_slow_handler_is_waited_for),
            cmocka_unit_test(test_a_launcher_is_no_loss),
            cmocka_unit_test(test_a_young_smsd_that_dies_is_a_loss),
            cmocka_unit_test(test_a_flag_is_one_hold_to_an_observer),
            cmocka_unit_test(test_last_words_of_a_refused_pin),
            cmocka_unit_test(test_the_verdict_alone_is_that_of_the_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
