/*
 * The reset at the end of a set-up, in the same budget as the ladder's: counted, announced where the default
 * route is on the modem, and, where the budget is used up, made when its turn has come.
 */
#include "setup_rig.h"

static void swap(struct rig *rig, const char *imei)
{
        unplug(rig);
        (void)text_copy(rig->imei, sizeof(rig->imei), imei);
        rig->settings.usbnet = 0;
        plug(rig);
}

static struct snapshot_modem *modem_of(struct rig *rig)
{
        static struct snapshot snapshot;

        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        return &snapshot.modems[0];
}

static void test_it_is_counted(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        set_up(rig);
        assert_int_equal(modem_of(rig)->recovery.resets_left_hour, 2);
        assert_int_equal(modem_of(rig)->recovery.resets_left_day, 7);
        assert_int_equal(rig->recovery.memory.resets.n, 1);
        rig_begin(rig); /* the next life of the controller */
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(modem_of(rig)->recovery.resets_left_hour, 2);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(modem_of(rig)->recovery.resets_left_hour, 3);
}

static void test_the_default_route_is_announced(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->default_route = true;
        rig_begin(rig);
        rig_wait(rig, 25 * USEC_PER_SEC);
        assert_int_equal(rig->settings.usbnet, 1);
        assert_int_equal(rig->settings.resets, 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_RESET_AHEAD), 1);
        assert_string_equal(rig_last(&rig->spool, ALERT_RESET_AHEAD)->alert.cause, "provision");
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 1);
        restart_modem(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig_fired(&rig->spool, ALERT_RESET_AHEAD), 1);
        assert_int_equal(modem_of(rig)->recovery.resets_left_hour, 0); /* the smaller budget */
}

/* A person takes the port in the half minute: it goes on with what is left of it. */
static void test_held_while_it_is_announced(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->default_route = true;
        rig_begin(rig);
        rig_wait(rig, 15 * USEC_PER_SEC);
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(rig->settings.resets, 0);
        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_RESET_AHEAD), 1);
}

/* The second modem of the hour: written, served, and reset when the hour is over. */
static void test_its_turn_comes(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->config.recovery.resets_per_hour = 1;
        set_up(rig);
        swap(rig, OTHER_IMEI);
        assert_int_equal(rig->settings.usbnet, 1);
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig_fired(&rig->spool, ALERT_PROVISION_FAILED), 1);
        assert_non_null(strstr(rig->told, "its reset is due"));
        assert_int_equal(rig->record.setup_reset_due, 3);

        unsigned asked = rig->settings.asked;
        rig_wait(rig, 50 * USEC_PER_MIN);
        assert_int_equal(rig->settings.asked, asked);
        assert_int_equal(rig->settings.resets, 1);
        rig_begin(rig); /* over the end of the controller */
        rig_wait(rig, 15 * USEC_PER_MIN);
        assert_int_equal(rig->settings.resets, 2);
        assert_int_equal(rig->record.setup_reset_due, 0);
        restart_modem(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        rig_wait(rig, 3 * USEC_PER_HOUR);
        assert_int_equal(rig->settings.resets, 2);
        assert_int_equal(rig_fired(&rig->spool, ALERT_PROVISION_FAILED), 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_RESET_AHEAD), 0);
}

/* While smsd serves it, the notice has its half minute before smsd is stopped. */
static void test_its_turn_is_announced(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->default_route = true;
        set_up(rig);
        rig_wait(rig, 30 * USEC_PER_SEC);
        restart_modem(rig);
        swap(rig, OTHER_IMEI);
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        unsigned stops = rig->counts[ACTION_SMSD_STOP];
        for (unsigned i = 0; i < 2 * 3600 && rig_fired(&rig->spool, ALERT_RESET_AHEAD) < 2; i++)
                rig_wait(rig, USEC_PER_SEC);
        rig_wait(rig, 25 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], stops);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 2);
}

/* Unplugged meanwhile: what was written has taken effect. */
static void test_an_unplug_does_it(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->config.recovery.resets_per_hour = 1;
        set_up(rig);
        swap(rig, OTHER_IMEI);
        assert_int_equal(rig->record.setup_reset_due, 3);
        restart_modem(rig);
        assert_int_equal(rig->record.setup_reset_due, 0);
        rig_wait(rig, 3 * USEC_PER_HOUR);
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_no_budget_at_all(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->config.recovery.resets_per_hour = 0;
        rig_begin(rig);
        rig_wait(rig, 3 * USEC_PER_HOUR);
        assert_int_equal(rig->settings.usbnet, 1);
        assert_int_equal(rig->settings.resets, 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_PROVISION_FAILED), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_it_is_counted),
            cmocka_unit_test(test_the_default_route_is_announced),
            cmocka_unit_test(test_held_while_it_is_announced),
            cmocka_unit_test(test_its_turn_comes),
            cmocka_unit_test(test_its_turn_is_announced),
            cmocka_unit_test(test_an_unplug_does_it),
            cmocka_unit_test(test_no_budget_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
