/*
 * Many modems in virtual time: how often, and when, smsd is restarted for the sake of one that fails while
 * the others work.
 */
#include "company.h"

static void a_handler_that_ends_is_started_again_at_once(void **state)
{
        _rig_ rig = company_working(3);

        (void)state;
        company_dies(rig, 1);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
        assert_int_equal(rig->list.n, 4);
}

/* Whatever it dies of, it seems to work for ten seconds each time. */
static void one_that_dies_again_and_again_costs_little(void **state)
{
        _rig_ rig = company_working(3);
        unsigned hours[24] = {0}, before = 0;

        (void)state;
        for (unsigned i = 0; i < 24 * 360; i++) {
                company_dies(rig, 1);
                rig_wait(rig, 10 * USEC_PER_SEC);
                hours[i / 360] += company_starts(rig) - before;
                before = company_starts(rig);
        }
        assert_int_equal(hours[0], 6); /* after 0, 1, 3, 7, 15, 31 minutes */
        for (unsigned i = 1; i < ARRAY_SIZE(hours); i++)
                assert_in_range(hours[i], 0, 1);
        assert_in_range(before, 28, 29);
}

static void a_loose_contact_costs_little(void **state)
{
        _rig_ rig = company_working(3);

        (void)state;
        for (unsigned i = 0; i < 180; i++) {
                rig->plugged = !rig->plugged;
                rig_usb(rig);
                if (!rig->plugged && company_handler(rig, 1) >= 0)
                        rig->list.processes[company_handler(rig, 1)].tty_deleted = true;
                rig_wait(rig, 20 * USEC_PER_SEC);
        }
        assert_in_range(company_starts(rig), 4, 6);
        assert_true(company_handler(rig, 2) >= 0 && company_handler(rig, 3) >= 0);
        assert_int_equal(rig_verdict(rig), VERDICT_DEGRADED);
}

static void one_whose_handler_never_comes_up_costs_little(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        rig_leave_alone(rig); /* the recovery has its own budget */
        rig->handler_dies = true;
        company_dies(rig, 1);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(company_starts(rig), 6);
        assert_null(strstr(rig->told, "could not be started")); /* it was, for the other one */
        assert_int_equal(rig_verdict(rig), VERDICT_DEGRADED);
}

static void those_that_are_sending_are_waited_for(void **state)
{
        _rig_ rig = company_working(3);

        (void)state;
        company_state(rig, 2, HANDLER_SENDING);
        company_dies(rig, 1);
        rig_wait(rig, 30 * USEC_PER_SEC);
        company_state(rig, 3, HANDLER_SENDING);
        company_state(rig, 2, HANDLER_IDLE);
        rig_wait(rig, 30 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 0);
        company_state(rig, 3, HANDLER_RECEIVING);
        rig_wait(rig, 1100 * USEC_PER_MSEC);
        assert_int_equal(company_starts(rig), 1);
}

static void nobody_waits_for_one_that_is_always_sending(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        company_state(rig, 2, HANDLER_SENDING);
        company_dies(rig, 1);
        rig_wait(rig, 119 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 0);
        rig_wait(rig, 3 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
}

/* Each wait is a new one, also when the modem left during the last. */
static void one_that_left_while_it_waited_waits_again(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        rig_leave_alone(rig); /* it would be switched off and on */
        company_state(rig, 2, HANDLER_SENDING);
        company_dies(rig, 1);
        rig_wait(rig, 10 * USEC_PER_SEC);
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_MIN);
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(company_starts(rig), 0);
        company_state(rig, 2, HANDLER_IDLE);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
}

static void what_the_dead_one_was_sending_is_not_waited_for(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        company_state(rig, 1, HANDLER_SENDING);
        company_dies(rig, 1);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
}

static void without_a_status_nobody_is_known_to_send(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        rig->no_stats = true;
        company_state(rig, 2, HANDLER_SENDING);
        company_dies(rig, 1);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
}

/* The last reading is a minute old and says Idle. */
static void the_status_of_now_decides(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        rig_wait(rig, 5 * USEC_PER_MIN);
        company_state(rig, 2, HANDLER_SENDING);
        company_dies(rig, 1);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 0);
}

static void an_hour_of_service_forgives(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        for (unsigned i = 0; i < 5; i++) {
                company_dies(rig, 1);
                rig_wait(rig, 20 * USEC_PER_MIN);
        }
        assert_true(company_handler(rig, 1) >= 0);
        rig_wait(rig, 65 * USEC_PER_MIN);
        for (unsigned i = 1; i <= 2; i++) {
                rig_forget(rig);
                company_dies(rig, 1);
                rig_wait(rig, 20 * USEC_PER_SEC);
                assert_int_equal(company_starts(rig), i == 1);
        }
}

static void a_person_is_not_kept_waiting(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        for (unsigned i = 0; i < 5; i++) {
                company_dies(rig, 1);
                rig_wait(rig, 30 * USEC_PER_SEC);
        }
        assert_int_equal(company_starts(rig), 2);
        company_state(rig, 2, HANDLER_SENDING);
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 3);
        assert_int_equal(rig->n_replies[1], 1);
        company_dies(rig, 1); /* and it begins anew */
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 4);
}

static void each_has_a_budget_of_its_own(void **state)
{
        _rig_ rig = company_working(3);

        (void)state;
        for (unsigned i = 0; i < 4; i++) {
                company_dies(rig, 1);
                rig_wait(rig, USEC_PER_MIN);
        }
        company_dies(rig, 1);
        rig_wait(rig, 10 * USEC_PER_SEC);
        rig_forget(rig);
        company_dies(rig, 3);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
        assert_int_equal(rig->list.n, 4); /* the first one has come along */
}

static void one_that_nobody_is_beside_waits_for_nobody(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        for (unsigned i = 0; i < 4; i++) {
                company_dies(rig, 1);
                rig_wait(rig, 30 * USEC_PER_SEC);
        }
        rig_forget(rig);
        company_node(rig, 2, false);
        rig->list.processes[company_handler(rig, 2)].tty_deleted = true;
        rig->others = 0;
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
        assert_true(company_handler(rig, 1) >= 0);
}

/* The failures of one modem do not slow down the start that all need. */
static void a_crash_is_answered_at_once_whatever_one_modem_did(void **state)
{
        _rig_ rig = company_working(3);

        (void)state;
        for (unsigned i = 0; i < 12; i++) {
                company_dies(rig, 1);
                rig_wait(rig, USEC_PER_MIN);
        }
        rig_forget(rig);
        while (rig->list.n > 0)
                rig_exit(rig, rig->list.n - 1, -SIGSEGV, false);
        rig_wait(rig, 100 * USEC_PER_MSEC);
        assert_int_equal(company_starts(rig), 1);
}

static void one_that_leaves_in_the_middle_of_a_start_does_not_stop_the_others(void **state)
{
        _rig_ rig = company_working(3);

        (void)state;
        rig->withheld[ACTION_STATUS_READ] = true; /* the start cannot be verified yet */
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
        assert_int_equal(rig->n_replies[1], 0);
        rig->list.processes[company_handler(rig, 1)].tty_deleted = true;
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 3 * USEC_PER_SEC);
        assert_int_equal(rig->n_replies[1], 1);
        assert_int_equal(rig->replies[1], 1);
        assert_int_equal(company_starts(rig), 1);
        assert_int_equal(rig->list.n, 3); /* the handler on the dead tty has let go */
        assert_true(company_handler(rig, 2) >= 0 && company_handler(rig, 3) >= 0);
}

static void people_read_why_it_waits(void **state)
{
        _rig_ rig = company_working(2);
        struct snapshot snapshot;

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                company_dies(rig, 1);
                rig_wait(rig, 10 * USEC_PER_SEC);
        }
        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        assert_non_null(strstr(snapshot.reason, "GSM1: smsd is restarted for it in "));
        assert_non_null(strstr(snapshot.next_action, "smswarden restart"));
        company_state(rig, 2, HANDLER_SENDING);
        rig_wait(rig, USEC_PER_MIN);
        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        assert_non_null(strstr(snapshot.reason, "as soon as no other modem is sending"));
}

/* Who is not served for up to an hour is no secret, and no reason to wake people all the time. */
static void one_that_fails_all_day_is_told_of(void **state)
{
        _rig_ rig = company_working(2);

        (void)state;
        for (unsigned i = 0; i < 6 * 60; i++) {
                company_dies(rig, 1);
                rig_wait(rig, 10 * USEC_PER_SEC);
                if (i == 18)
                        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_STUCK), 1); /* in three minutes */
        }
        assert_in_range(rig_fired(&rig->spool, ALERT_MODEM_STUCK), 1, 2);
        assert_int_equal(rig_fired(&rig->spool, ALERT_SMSD_DOWN), 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_CRASH_LOOP), 0);
        rig_wait(rig, 2 * USEC_PER_HOUR);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_MODEM_STUCK), 1);
}

/* smsd's most: 64 sections, one start for all, and for one of them as with two. */
static void sixty_four_modems_are_handled(void **state)
{
        _rig_ rig = company_working(SMSD_MODEMS_MAX);
        struct snapshot snapshot;

        (void)state;
        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        assert_int_equal(snapshot.verdict, VERDICT_WORKING);
        assert_int_equal(snapshot.smsd.n_handlers, SMSD_MODEMS_MAX);
        assert_int_equal(snapshot.n_modems, SMSD_MODEMS_MAX);
        company_state(rig, SMSD_MODEMS_MAX, HANDLER_SENDING);
        company_dies(rig, 1);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 0);
        company_state(rig, SMSD_MODEMS_MAX, HANDLER_IDLE);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(company_starts(rig), 1);
        assert_int_equal(rig->list.n, 1 + SMSD_MODEMS_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_handler_that_ends_is_started_again_at_once),
            cmocka_unit_test(one_that_dies_again_and_again_costs_little),
            cmocka_unit_test(a_loose_contact_costs_little),
            cmocka_unit_test(one_whose_handler_never_comes_up_costs_little),
            cmocka_unit_test(those_that_are_sending_are_waited_for),
            cmocka_unit_test(nobody_waits_for_one_that_is_always_sending),
            cmocka_unit_test(one_that_left_while_it_waited_waits_again),
            cmocka_unit_test(what_the_dead_one_was_sending_is_not_waited_for),
            cmocka_unit_test(without_a_status_nobody_is_known_to_send),
            cmocka_unit_test(the_status_of_now_decides),
            cmocka_unit_test(an_hour_of_service_forgives),
            cmocka_unit_test(a_person_is_not_kept_waiting),
            cmocka_unit_test(each_has_a_budget_of_its_own),
            cmocka_unit_test(one_that_nobody_is_beside_waits_for_nobody),
            cmocka_unit_test(a_crash_is_answered_at_once_whatever_one_modem_did),
            cmocka_unit_test(one_that_leaves_in_the_middle_of_a_start_does_not_stop_the_others),
            cmocka_unit_test(people_read_why_it_waits),
            cmocka_unit_test(one_that_fails_all_day_is_told_of),
            cmocka_unit_test(sixty_four_modems_are_handled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
