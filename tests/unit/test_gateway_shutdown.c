/*
 * A system that goes down: from systemd's word on, nothing is started, stopped, written or probed, and all of
 * it is caught up when the shutdown is called off.
 */
#include "rig_unit.h"

static void shut_down(struct rig *rig, bool stopping)
{
        rig->unit.system_stopping = stopping;
        rig_unit(rig);
        rig_go(rig);
}

static void assert_nothing_was_done(const struct rig *rig)
{
        static const enum action_kind touching[] = {ACTION_PORT_OPEN,  ACTION_PORT_WRITE, ACTION_SMSD_STOP,
                                                    ACTION_SIGNAL,     ACTION_CONF_WRITE, ACTION_CONF_KEEP,
                                                    ACTION_HOLD_WRITE, ACTION_HOLD_CLEAR, ACTION_SMSD_START};

        for (size_t i = 0; i < ARRAY_SIZE(touching); i++)
                assert_int_equal(rig->counts[touching[i]], 0);
}

static void test_nothing_is_done_on_the_way_down(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        shut_down(rig, true);
        rig_forget(rig);
        somebody_stops(rig);
        rig->unit.known = false; /* the bus goes first: its silence calls nothing off */
        rig_unit(rig);
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        rig->plugged = true;
        rig->tty = 7;
        rig_usb(rig);
        for (unsigned token = 1; token <= 3; token++)
                rig_command(rig, (enum command_kind)(token - 1), token, true);
        rig_wait(rig, USEC_PER_HOUR);
        for (unsigned token = 1; token <= 3; token++)
                assert_int_equal(rig->replies[token], 2);
        assert_nothing_was_done(rig);
        assert_no_failure(rig);
        assert_true(was_told(rig, "has ended with the system"));
        assert_false(gateway_is_held(rig->gateway));
        assert_string_equal(snapshot_of(rig)->reason, "the system is shutting down");
        rig->unit.known = true; /* called off */
        shut_down(rig, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* The stop that a shutdown brings is told a moment before the shutdown is: no hold comes of it. */
static void test_stop_before_its_shutdown(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        set_job(rig, UNIT_JOB_STOP);
        rig->unit.system_stopping = true; /* the look tells */
        end_smsd(rig);
        stop_is_done(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_false(gateway_is_held(rig->gateway));
        assert_nothing_was_done(rig);
        shut_down(rig, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_false(gateway_is_held(rig->gateway));
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_shutdown_in_each_phase(void **state)
{
        (void)state;

        for (enum phase phase = IN_STOP; phase < PHASES; phase++) {
                _rig_ rig = rig_in(phase, 1);
                shut_down(rig, true);
                rig_forget(rig);
                assert_false(gateway_is_restarting(rig->gateway));
                assert_int_equal(rig->n_replies[1], 1);
                assert_int_equal(rig->replies[1], 1);
                let_go(rig);
                if (phase == IN_READ)
                        rig_read_conf(rig, false);
                if (phase == IN_WRITE)
                        (void)rig_event(rig, EVENT_CONF_WRITTEN);
                if (phase == IN_START)
                        (void)rig_event(rig, EVENT_START_DONE);
                end_smsd(rig);
                rig_wait(rig, 10 * USEC_PER_MIN);
                assert_nothing_was_done(rig);
                shut_down(rig, false);
                rig_wait(rig, 2 * USEC_PER_MIN);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        }
}

static void test_end_of_a_hold_waits_for_the_system(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, USEC_PER_MIN);
        rig_forget(rig);
        shut_down(rig, true);
        rig_wait(rig, USEC_PER_HOUR);
        assert_nothing_was_done(rig);
        assert_false(was_told(rig, "is over"));
        shut_down(rig, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_true(was_told(rig, "is over"));
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_nothing_is_done_on_the_way_down),
            cmocka_unit_test(test_stop_before_its_shutdown),
            cmocka_unit_test(test_shutdown_in_each_phase),
            cmocka_unit_test(test_end_of_a_hold_waits_for_the_system),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
