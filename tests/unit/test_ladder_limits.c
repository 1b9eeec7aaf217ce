/*
 * What bounds the ladder: budgets, the default route, holds, power cuts, giving up; and a person's word.
 */
#include "ladder_rig.h"

static void test_budget(void **state)
{
        static const struct {
                struct ladder_budget budget;
                bool route;
                unsigned hour, day, three_days;
        } cases[] = {
            {LADDER_BUDGET_DEFAULT, false, 3, 8, 24},
            {LADDER_BUDGET_DEFAULT, true, 1, 3, 9},
            {{1, 2, 1, 1, 32, 32}, false, 1, 2, 6},
            {{32, 32, 1, 1, 3, 4}, false, 3, 3, 9}, /* the AT step stops smsd as well */
            {{0, 8, 1, 1, 6, 24}, false, 0, 0, 0},
            {{8, 0, 1, 1, 6, 24}, false, 0, 0, 0},
            {{8, 8, 0, 0, 6, 24}, true, 0, 0, 0},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rig rig;
                rig_init(&rig);
                ladder_set_budget(&rig.ladder, &cases[i].budget);
                rig.world.power = LADDER_POWER_COMMAND;
                rig.world.default_route = cases[i].route;
                /* Well for 11 min, ill for 11 min: an episode each time. */
                for (unsigned n = 0; n < 3 * 24 * 60 / 22; n++) {
                        if (n == 2)
                                assert_in_range(rig.resets, cases[i].hour > 0, cases[i].hour);
                        if (n == 24 * 60 / 22)
                                assert_int_equal(rig.resets, cases[i].day);
                        ill(&rig, FAILURE_SILENT);
                        run(&rig, 11 MIN);
                        well(&rig);
                        run(&rig, 11 MIN);
                }
                assert_in_range(rig.resets, cases[i].three_days - cases[i].day, cases[i].three_days);
                /* Where none is allowed there is nothing to wait for. */
                if (cases[i].day == 0)
                        assert_true(rig.orders[ORDER_GIVE_UP] > 0);
        }
}

static void test_spent_waits_and_says_so(void **state)
{
        static const struct ladder_budget budget = {1, 8, 1, 8, 6, 24};
        struct rig rig;
        char text[256];
        (void)state;

        rig_init(&rig);
        ladder_set_budget(&rig.ladder, &budget);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 10 MIN);
        assert_int_equal(rig.ladder.state, LADDER_SPENT);
        assert_int_equal(ladder_deadline(&rig.ladder), T0 + 30 SEC + 1 H);
        ladder_describe(&rig.ladder, rig.now, text, sizeof(text));
        assert_string_equal(text,
                            "the modem does not answer: USB off and on is due, but the budget is spent (1 "
                            "resets in the last hour, 1 in the last day): waits 50min 30s");
        assert_int_equal(rig.orders[ORDER_GIVE_UP], 0);
        assert_false(ladder_needs_smsd_stopped(&rig.ladder));
        run(&rig, 51 MIN);
        assert_int_equal(rig.orders[ORDER_USB_OFF], 1);
}

/* The stop that spent the budget is used. */
static void test_last_stop(void **state)
{
        static const struct ladder_budget budget = {8, 8, 8, 8, 1, 1};
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ladder_set_budget(&rig.ladder, &budget);
        rig.stops = false;
        ill(&rig, FAILURE_PORTS_MISSING);
        run(&rig, 40 SEC);
        assert_int_equal(rig.ladder.state, LADDER_STOPPING);
        rig.world.smsd_stopped = true;
        settle(&rig);
        assert_int_equal(rig.resets, 1);
}

/* The route is gone with the modem, the budget is not. */
static void test_route_is_remembered(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.world.default_route = true;
        ill(&rig, FAILURE_SILENT);
        run(&rig, 2 MIN);
        assert_int_equal(rig.resets, 1);
        rig.world.default_route = false;
        run(&rig, 50 MIN);
        assert_int_equal(rig.resets, 1);
        run(&rig, 1 H);
        assert_true(rig.resets > 1);
}

static void test_recall(void **state)
{
        static const struct ladder_memory kept = {.resets = {4, {T0 + 1, T0, T0 - 10 MIN, T0 - 20 MIN}},
                                                  .stops = {.n = 7000}};
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ladder_recall(&rig.ladder, &kept, rig.now);
        assert_int_equal(rig.ladder.resets.n, 3);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 39 MIN);
        assert_int_equal(rig.ladder.state, LADDER_SPENT);
        assert_int_equal(rig.resets, 0);
        run(&rig, 1 MIN);
        assert_int_equal(rig.resets, 1);
}

/* Another controller goes on where its predecessor was: what was tried is not tried again, and the loud word
 * is not said twice. */
static void test_recall_of_an_episode(void **state)
{
        struct ladder_memory kept;
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 20 MIN);
        assert_int_equal(rig.ladder.state, LADDER_GAVE_UP);
        ladder_remember(&rig.ladder, &kept);
        usec_t retry_at = rig.ladder.retry_at;
        ladder_init(&rig.ladder, NULL);
        ladder_recall(&rig.ladder, &kept, rig.now);
        unsigned resets = rig.resets, told = rig.orders[ORDER_GIVE_UP];
        run(&rig, 30 SEC);
        assert_int_equal(rig.ladder.state, LADDER_SETTLING);
        ill(&rig, FAILURE_SILENT);
        run(&rig, usec_sub(retry_at, rig.now) - 1);
        assert_int_equal(rig.resets, resets);
        assert_int_equal(rig.orders[ORDER_GIVE_UP], told);
        assert_int_equal(rig.ladder.state, LADDER_GAVE_UP);
        run(&rig, 10 MIN);
        assert_in_range(rig.resets, resets + 1, resets + 3);
        assert_int_equal(rig.ladder.rounds, 2);
}

/* --- default route, hold, power --- */

static void test_default_route_is_announced(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.world.default_route = true;
        ill(&rig, FAILURE_SILENT);
        run(&rig, 30 SEC);
        assert_string_equal(rig.trace, "0:stop-smsd 0:AT 30:announce");
        assert_int_equal(rig.ladder.state, LADDER_ANNOUNCED);
        assert_false(ladder_needs_smsd_stopped(&rig.ladder)); /* it still works for the others */
        run(&rig, 30 SEC - 1);
        assert_int_equal(rig.resets, 0);
        run(&rig, 1);
        assert_int_equal(rig.resets, 1);

        /* It got well before: nothing happens, and the next time begins with a notice again. */
        rig_init(&rig);
        rig.world.default_route = true;
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 20 MIN + 10 SEC);
        well(&rig);
        run(&rig, 1 MIN);
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 20 MIN + 31 SEC);
        assert_string_equal(rig.trace,
                            "1200:announce 2470:announce 2500:stop-smsd 2500:AT+CFUN=0 2501:AT+CFUN=1");
}

/* A notice of a reset that did not come is none of the next one. */
static void test_notice_of_the_last_time(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.world.default_route = true;
        ill(&rig, FAILURE_SILENT);
        run(&rig, 35 SEC);
        well(&rig);
        run(&rig, 5 SEC);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 31 SEC);
        assert_string_equal(rig.trace,
                            "0:stop-smsd 0:AT 30:announce 40:announce 70:stop-smsd 70:AT+CFUN=1,1");
}

/* An old notice is no notice. */
static void test_stale_notice(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.world.default_route = true;
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 20 MIN + 10 SEC);
        rig.world.held = true;
        run(&rig, 2 H);
        rig.world.held = false;
        settle(&rig);
        assert_int_equal(rig.orders[ORDER_ANNOUNCE], 2);
        assert_int_equal(rig.orders[ORDER_AT], 0);
}

/* Nothing begins; what began is brought to its end. */
static void test_hold(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.world.held = true;
        ill(&rig, FAILURE_SILENT);
        run(&rig, 5 H);
        assert_string_equal(rig.trace, "");
        assert_int_equal(rig.ladder.state, LADDER_HELD);
        rig.world.held = false;
        run(&rig, 91 SEC);
        assert_int_equal(rig.orders[ORDER_USB_OFF], 1);
        rig.world.held = true;
        run(&rig, 5 H);
        assert_int_equal(rig.orders[ORDER_USB_ON], 1);
        assert_int_equal(rig.orders[ORDER_GIVE_UP], 0);
        assert_int_equal(rig.ladder.state, LADDER_HELD);
        well(&rig);
        run(&rig, 15 MIN);
        assert_int_equal(rig.ladder.state, LADDER_IDLE);
}

static void test_power(void **state)
{
        static const struct {
                enum ladder_power power;
                bool ganged, allowed;
                unsigned without;
                int forced;
                const char *words; /* of the end */
        } cases[] = {
            {LADDER_POWER_NONE, false, true, 0, -EOPNOTSUPP, "; there is no way to cut its power"},
            {LADDER_POWER_HUB_PORT, false, false, 0, 0, "has not helped; unplug"},
            {LADDER_POWER_HUB_PORT, true, false, 0, -EPERM, "; its power was not cut, for other ports"},
            {LADDER_POWER_HUB_PORT, true, true, 0, 0, "has not helped; unplug"},
            {LADDER_POWER_COMMAND, true, false, 0, 0, "has not helped; unplug"},
            {LADDER_POWER_COMMAND, false, true, LADDER_STEP_BIT(LADDER_STEP_POWER), -EOPNOTSUPP,
             "; there is no way to cut its power"},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[256];
                struct rig rig;
                rig_init(&rig);
                rig.world.power = cases[i].power;
                rig.world.ganged = cases[i].ganged;
                rig.world.ganged_allowed = cases[i].allowed;
                rig.world.without = cases[i].without;
                ill(&rig, FAILURE_CRASHED);
                run(&rig, 10 MIN);
                assert_int_equal(rig.orders[ORDER_POWER_OFF], cases[i].forced == 0);
                assert_int_equal(rig.orders[ORDER_GIVE_UP], 1);
                ladder_describe(&rig.ladder, rig.now, text, sizeof(text));
                assert_non_null(strstr(text, cases[i].words));
                assert_int_equal(ladder_force(&rig.ladder, LADDER_STEP_POWER, &rig.world, rig.now),
                                 cases[i].forced);
        }
}

/* --- giving up --- */

static void test_slow_retry(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ill(&rig, FAILURE_SIM_FAILURE);
        run(&rig, 50 H);
        assert_string_equal(rig.trace, "20:stop-smsd 20:AT+CFUN=0 21:AT+CFUN=1 81:give-up "
                                       "3681:stop-smsd 3681:AT+CFUN=0 3682:AT+CFUN=1 3742:give-up "
                                       "90142:stop-smsd 90142:AT+CFUN=0 90143:AT+CFUN=1 90203:give-up "
                                       "176603:stop-smsd 176603:AT+CFUN=0 176604:AT+CFUN=1 176664:give-up");
        /* Health begins it anew. */
        well(&rig);
        run(&rig, 10 MIN);
        ill(&rig, FAILURE_SIM_FAILURE);
        run(&rig, 90 MIN);
        assert_int_equal(rig.orders[ORDER_GIVE_UP], 6);
}

/* Without anything to try there is nothing to retry, and it is told once. */
static void test_hopeless(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        for (unsigned i = 0; i < 1000; i++) {
                ill(&rig, FAILURE_SIM_PUK);
                run(&rig, 20 SEC);
                well(&rig);
                run(&rig, 20 SEC);
        }
        assert_string_equal(rig.trace, "0:give-up");
        ill(&rig, FAILURE_SIM_PUK);
        assert_int_equal(ladder_deadline(&rig.ladder), USEC_INFINITY);
        /* Another failure has another remedy. */
        ill(&rig, FAILURE_SILENT);
        run(&rig, 10 MIN);
        assert_int_equal(rig.orders[ORDER_GIVE_UP], 2);
        assert_int_equal(rig.resets, 2);
}

/* What was tried is tried again in an hour, although the last face of it knows no remedy. */
static void test_hopeless_at_the_end(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 100 SEC);
        ill(&rig, FAILURE_SIM_PUK);
        run(&rig, 10 MIN);
        assert_int_equal(rig.ladder.state, LADDER_GAVE_UP);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 1 H);
        assert_int_equal(rig.resets, 4);
        assert_int_equal(rig.orders[ORDER_GIVE_UP], 2);
}

/* --- by hand --- */

static void test_force(void **state)
{
        static const struct {
                enum ladder_step step;
                const char *trace;
        } cases[] = {
            {LADDER_STEP_AT, "0:stop-smsd 0:AT"},
            {LADDER_STEP_SMSD, "0:stop-smsd"},
            {LADDER_STEP_CFUN, "0:stop-smsd 0:AT+CFUN=0 1:AT+CFUN=1"},
            {LADDER_STEP_RESET, "0:stop-smsd 0:AT+CFUN=1,1"},
            {LADDER_STEP_USB, "0:stop-smsd 0:usb-off 3:usb-on"},
            {LADDER_STEP_POWER, "0:stop-smsd 0:power-off 5:power-on"},
        };
        (void)state;

        assert_int_equal(ARRAY_SIZE(cases), LADDER_STEP_MAX - 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rig rig;
                rig_init(&rig);
                rig.world.power = LADDER_POWER_COMMAND;
                assert_int_equal(ladder_force(&rig.ladder, cases[i].step, &rig.world, rig.now), 0);
                assert_int_equal(ladder_force(&rig.ladder, cases[i].step, &rig.world, rig.now), -EBUSY);
                assert_true(ladder_deadline(&rig.ladder) <= rig.now);
                run(&rig, 6 SEC);
                if (cases[i].step >= LADDER_STEP_CFUN)
                        assert_int_equal(ladder_force(&rig.ladder, cases[i].step, &rig.world, rig.now),
                                         -EBUSY);
                run(&rig, 30 MIN);
                assert_string_equal(rig.trace, cases[i].trace);
                assert_int_equal(rig.ladder.state, LADDER_IDLE);
        }
}

/* Past hold, budget and a brown-out; not past the notice. It counts. */
static void test_force_goes_past(void **state)
{
        struct ladder_budget none = {0};
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ladder_set_budget(&rig.ladder, &none);
        rig.world.held = rig.world.others_sending = rig.world.default_route = true;
        ill(&rig, FAILURE_BROWN_OUT);
        assert_int_equal(ladder_force(&rig.ladder, LADDER_STEP_USB, &rig.world, rig.now), 0);
        run(&rig, 2 MIN);
        assert_string_equal(rig.trace, "0:announce 30:stop-smsd 30:usb-off 33:usb-on");
        assert_int_equal(ladder_resets_within(&rig.ladder, USEC_PER_HOUR, rig.now), 1);
        assert_int_equal(ladder_force(&rig.ladder, LADDER_STEP_NONE, &rig.world, rig.now), -EINVAL);
        assert_int_equal(ladder_force(&rig.ladder, LADDER_STEP_MAX, &rig.world, rig.now), -EINVAL);
}

/* What a person tried in vain after it was given up is no news. */
static void test_force_after_giving_up(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ill(&rig, FAILURE_SIM_FAILURE);
        run(&rig, 5 MIN);
        assert_int_equal(ladder_force(&rig.ladder, LADDER_STEP_USB, &rig.world, rig.now), 0);
        run(&rig, 5 MIN);
        assert_int_equal(rig.resets, 1);
        assert_int_equal(rig.orders[ORDER_GIVE_UP], 1);
        assert_int_equal(ladder_deadline(&rig.ladder), T0 + 81 SEC + LADDER_RETRY_FIRST);
}

/* A person need not wait for what an automatic step waits for. */
static void test_force_while_watched(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 20 MIN + 59 SEC); /* CFUN is given 10 min */
        assert_int_equal(ladder_force(&rig.ladder, LADDER_STEP_RESET, &rig.world, rig.now), -EBUSY);
        run(&rig, 1 SEC);
        assert_int_equal(ladder_force(&rig.ladder, LADDER_STEP_RESET, &rig.world, rig.now), 0);
        settle(&rig);
        assert_int_equal(rig.resets, 1);
}

/* More by hand than any ledger holds. */
static void test_force_without_end(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        for (unsigned i = 0; i < 100; i++) {
                assert_int_equal(ladder_force(&rig.ladder, LADDER_STEP_USB, &rig.world, rig.now), 0);
                run(&rig, 2 MIN);
        }
        assert_int_equal(rig.resets, 100);
        ill(&rig, FAILURE_PORTS_MISSING);
        run(&rig, 30 MIN);
        assert_int_equal(rig.resets, 100);
        assert_int_equal(rig.ladder.state, LADDER_GAVE_UP); /* USB was tried a moment ago */
        ill(&rig, FAILURE_STUCK);
        run(&rig, 10 H);
        assert_int_equal(rig.resets, 100); /* as long as the last hundred spend the budget of a day */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_budget),
            cmocka_unit_test(test_spent_waits_and_says_so),
            cmocka_unit_test(test_last_stop),
            cmocka_unit_test(test_route_is_remembered),
            cmocka_unit_test(test_recall),
            cmocka_unit_test(test_recall_of_an_episode),
            cmocka_unit_test(test_default_route_is_announced),
            cmocka_unit_test(test_notice_of_the_last_time),
            cmocka_unit_test(test_stale_notice),
            cmocka_unit_test(test_hold),
            cmocka_unit_test(test_power),
            cmocka_unit_test(test_slow_retry),
            cmocka_unit_test(test_hopeless),
            cmocka_unit_test(test_hopeless_at_the_end),
            cmocka_unit_test(test_force),
            cmocka_unit_test(test_force_goes_past),
            cmocka_unit_test(test_force_after_giving_up),
            cmocka_unit_test(test_force_while_watched),
            cmocka_unit_test(test_force_without_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
