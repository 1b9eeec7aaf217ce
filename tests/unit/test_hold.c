/* The lease by itself, and the rules around it: who may end it, what may be done while it lasts. */
#include "rig.h"

#include "core/hold.h"

static struct hold_record record_of(usec_t since, usec_t until)
{
        return (struct hold_record){.by = "rom", .since = since, .until = until};
}

static void test_lease(void **state)
{
        struct hold_record record = record_of(USEC_PER_HOUR, USEC_PER_HOUR + 30 * USEC_PER_MIN);
        struct hold hold = {0};
        (void)state;

        assert_int_equal(hold_deadline(&hold), USEC_INFINITY);
        assert_false(hold_expired(&hold, USEC_INFINITY));
        hold_begin(&hold, &record, 10 * USEC_PER_MIN);
        assert_int_equal(hold_deadline(&hold), USEC_PER_HOUR + 10 * USEC_PER_MIN);
        assert_false(hold_expired(&hold, record.until - 1));
        assert_true(hold_expired(&hold, record.until));
        hold_end(&hold);
        assert_false(hold_expired(&hold, record.until));
        assert_int_equal(hold_deadline(&hold), USEC_INFINITY);
}

static void test_end_before_beginning(void **state)
{
        struct hold_record record = record_of(USEC_PER_HOUR, USEC_PER_MIN);
        struct hold hold = {0};
        (void)state;

        hold_begin(&hold, &record, 0);
        assert_int_equal(hold.record.until, USEC_PER_HOUR);
        assert_true(hold_expired(&hold, USEC_PER_HOUR));
}

/* After 10 min, then each hour from there; a missed one is not made up for. */
static void test_reminders(void **state)
{
        static const struct {
                unsigned minute;
                bool told;
        } cases[] = {{9, false},   {10, true},  {11, false}, {69, false},  {70, true}, {131, true},
                     {189, false}, {190, true}, {450, true}, {489, false}, {490, true}};
        struct hold_record record = record_of(0, USEC_PER_DAY);
        struct hold hold = {0};
        (void)state;

        hold_begin(&hold, &record, 10 * USEC_PER_MIN);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(hold_remind(&hold, cases[i].minute * USEC_PER_MIN), cases[i].told);
}

/* --- held: nothing automatic touches anything --- */

static struct rig *rig_held(void)
{
        struct rig *rig = rig_working();

        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(rig->replies[1], 0);
        assert_true(gateway_is_held(rig->gateway));
        assert_int_equal(rig->list.n, 0);
        assert_int_equal(rig_verdict(rig), VERDICT_HELD);
        rig_forget(rig);
        return rig;
}

static void assert_untouched(const struct rig *rig)
{
        assert_true(gateway_is_held(rig->gateway));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig->counts[ACTION_PORT_OPEN], 0);
        assert_int_equal(rig->counts[ACTION_CONF_WRITE], 0);
        assert_int_equal(rig->counts[ACTION_SIGNAL], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
}

static void test_plugging_waits(void **state)
{
        _rig_ rig = rig_held();
        (void)state;

        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        rig->plugged = true;
        rig->tty = 7;
        rig_usb(rig);
        rig_wait(rig, 20 * USEC_PER_MIN);
        assert_untouched(rig);
        rig_wait(rig, 10 * USEC_PER_MIN); /* caught up when the hold ends */
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_non_null(strstr(rig->conf, "/dev/ttyUSB7"));
}

static void test_foreign_smsd_does_not_break_it(void **state)
{
        _rig_ rig = rig_held();
        (void)state;

        rig_process(rig, 1)->ours = false;
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_untouched(rig);
}

static void test_reload_and_next_life_keep_it(void **state)
{
        _rig_ rig = rig_held();
        (void)state;

        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_wait(rig, USEC_PER_MIN);
        assert_untouched(rig);
        rig_begin(rig);
        rig_wait(rig, 20 * USEC_PER_MIN);
        assert_untouched(rig);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_false(rig->hold);
}

static void test_people_break_it(void **state)
{
        static const enum command_kind kinds[] = {COMMAND_START, COMMAND_RESTART};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                _rig_ rig = rig_held();
                rig_command(rig, kinds[i], 2, false);
                rig_wait(rig, 10 * USEC_PER_SEC);
                assert_false(gateway_is_held(rig->gateway));
                assert_false(rig->hold);
                assert_int_equal(rig->replies[2], 0);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        }
        _rig_ rig = rig_held();
        (void)rig_smsd(rig); /* its start was not even noticed: the next look must do */
        rig_wait(rig, 6 * USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
        assert_false(rig->hold);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
}

/* The controller dies in the middle of the stop: its next life goes on with it, and keeps the hold. */
static void test_interrupted_stop_goes_on(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = true;
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_true(rig->hold);
        rig_begin(rig);
        rig_wait(rig, USEC_PER_SEC);
        assert_true(gateway_is_held(rig->gateway));
        rig->stubborn = false;
        rig_stop(rig, rig->list.processes[0].id.pid);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_true(gateway_is_held(rig->gateway));
        assert_int_equal(rig->list.n, 0);
}

static void test_limits(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_command(rig, COMMAND_STOP, 1, false);
        rig->queue[rig->head].command.duration = 5 * USEC_PER_HOUR;
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(rig->replies[1], 2);
        assert_int_equal(rig->list.n, 2);
        rig_command(rig, COMMAND_STOP, 2, true);
        rig->queue[rig->head].command.duration = 5 * USEC_PER_HOUR;
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(rig->replies[2], 0);
        assert_int_equal(rig->hold_record.until - rig->hold_record.since, 5 * USEC_PER_HOUR);
}

static void test_observe_touches_nothing(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->config.mode = MODE_OBSERVE;
        rig_begin(rig);
        rig_command(rig, COMMAND_STOP, 1, true);
        rig_command(rig, COMMAND_START, 2, true);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(rig->replies[1], 2);
        assert_int_equal(rig->replies[2], 2);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig->counts[ACTION_CONF_WRITE], 0);
        assert_int_equal(rig->counts[ACTION_HOLD_WRITE], 0);
        assert_non_null(strstr(rig->told, "would start smsd"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lease),
            cmocka_unit_test(test_end_before_beginning),
            cmocka_unit_test(test_reminders),
            cmocka_unit_test(test_plugging_waits),
            cmocka_unit_test(test_foreign_smsd_does_not_break_it),
            cmocka_unit_test(test_reload_and_next_life_keep_it),
            cmocka_unit_test(test_people_break_it),
            cmocka_unit_test(test_interrupted_stop_goes_on),
            cmocka_unit_test(test_limits),
            cmocka_unit_test(test_observe_touches_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
