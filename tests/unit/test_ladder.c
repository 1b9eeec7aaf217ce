/*
 * The recovery ladder in virtual time: the whole course of every failure, flapping, and a reset of our own.
 */
#include "ladder_rig.h"

/* Everything is tried, carried out, and does not help, for 55 min after the failure. */
static void test_courses(void **state)
{
        static const struct {
                enum failure_kind kind;
                const char *trace;
        } cases[] = {
            {FAILURE_SILENT, "0:stop-smsd 0:AT 30:stop-smsd 30:AT+CFUN=1,1 90:usb-off 93:usb-on "
                             "153:power-off 158:power-on 218:give-up"},
            {FAILURE_STUCK, "0:stop-smsd 120:stop-smsd 120:AT+CFUN=1,1 240:usb-off 243:usb-on 363:give-up"},
            {FAILURE_SENDING_BLOCKED, "300:stop-smsd 300:AT+CFUN=0 301:AT+CFUN=1 601:stop-smsd "
                                      "601:AT+CFUN=1,1 1201:give-up"},
            {FAILURE_SIM_FAILURE, "20:stop-smsd 20:AT+CFUN=0 21:AT+CFUN=1 81:give-up"},
            {FAILURE_SIM_ABSENT, "20:stop-smsd 20:AT+CFUN=0 21:AT+CFUN=1 81:give-up"},
            {FAILURE_HUNG_UP, "0:stop-smsd 120:stop-smsd 120:AT+CFUN=1,1 240:usb-off 243:usb-on 363:give-up"},
            {FAILURE_SIM_BUSY, "120:stop-smsd 120:AT+CFUN=0 121:AT+CFUN=1 241:give-up"},
            {FAILURE_SIM_PIN, "0:give-up"},
            {FAILURE_SIM_PUK, "0:give-up"},
            {FAILURE_RADIO_OFF, "60:stop-smsd 60:AT+CFUN=0 61:AT+CFUN=1 121:stop-smsd 121:AT+CFUN=1,1 "
                                "241:give-up"},
            {FAILURE_UNREGISTERED, "1200:stop-smsd 1200:AT+CFUN=0 1201:AT+CFUN=1 1801:stop-smsd "
                                   "1801:AT+CFUN=1,1 3001:give-up"},
            {FAILURE_NO_SIGNAL, "1200:stop-smsd 1200:AT+CFUN=0 1201:AT+CFUN=1 1801:stop-smsd "
                                "1801:AT+CFUN=1,1 3001:give-up"},
            {FAILURE_DENIED, "600:give-up"},
            {FAILURE_IMS, "0:give-up"},
            {FAILURE_STORAGE_FULL, "0:give-up"},
            {FAILURE_PORTS_MISSING, "30:stop-smsd 30:usb-off 33:usb-on 93:power-off 98:power-on 158:give-up"},
            {FAILURE_BROWN_OUT, "0:give-up"},
            {FAILURE_CRASHED, "30:stop-smsd 30:power-off 35:power-on 95:give-up"},
            {FAILURE_DOWNLOAD_MODE, "0:give-up"},
            {FAILURE_GONE, "300:stop-smsd 300:usb-off 303:usb-on 363:power-off 368:power-on 428:give-up"},
        };
        (void)state;

        assert_int_equal(ARRAY_SIZE(cases), FAILURE_KIND_MAX - 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rig rig;
                rig_init(&rig);
                rig.world.power = LADDER_POWER_COMMAND;
                ill(&rig, cases[i].kind);
                run(&rig, 55 MIN);
                assert_string_equal(rig.trace, cases[i].trace);
                assert_int_equal(rig.ladder.state, LADDER_GAVE_UP);
        }
}

/* Wholly silent: what fails is not waited for, what was not heard is not charged. */
static void test_deaf(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.at = -ETIMEDOUT;
        ill(&rig, FAILURE_SILENT);
        run(&rig, 5 MIN);
        assert_string_equal(rig.trace,
                            "0:stop-smsd 0:AT 0:AT 0:AT 0:AT+CFUN=1,1 20:usb-off 23:usb-on 83:give-up");
        assert_int_equal(ladder_resets_within(&rig.ladder, USEC_PER_HOUR, rig.now), 1);
        assert_int_equal(rig.resets, 1);
}

/* Nothing can be carried out: no reset took place, none is counted; after OFF always comes ON. */
static void test_nothing_works(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.at = rig.usb = rig.power = -ENODEV;
        rig.world.power = LADDER_POWER_HUB_PORT;
        ill(&rig, FAILURE_SILENT);
        run(&rig, 5 MIN);
        assert_string_equal(
            rig.trace, "0:stop-smsd 0:AT 0:AT 0:AT 0:AT+CFUN=1,1 20:usb-off 23:usb-on 28:usb-on 33:usb-on "
                       "33:power-off 38:power-on 43:power-on 48:power-on 48:give-up");
        assert_int_equal(rig.ladder.resets.n, 0);
}

/* CFUN=1,1 that was heard although its answer was lost. */
static void test_lost_answer(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 29 SEC);
        rig.at = -EIO;
        run(&rig, 5 SEC); /* 30: the reset */
        assert_int_equal(rig.ladder.state, LADDER_WATCHING);
        ladder_absent(&rig.ladder, rig.now);
        settle(&rig);
        run(&rig, 59 SEC); /* far beyond the 20 s of doubt */
        assert_int_equal(rig.ladder.state, LADDER_WATCHING);
        assert_int_equal(rig.orders[ORDER_USB_OFF], 0);
        assert_int_equal(ladder_resets_within(&rig.ladder, USEC_PER_HOUR, rig.now), 1);
}

/* An order whose result is never told does not stop the ladder; one that comes late is not taken for the
 * next. */
static void test_results_that_never_come(void **state)
{
        struct ladder ladder;
        struct ladder_world world = {.smsd_stopped = true};
        (void)state;

        ladder_init(&ladder, NULL);
        ladder_fail(&ladder, FAILURE_PORTS_MISSING, T0);
        struct ladder_order off = ladder_next(&ladder, &world, T0 + 30 SEC);
        assert_int_equal(off.kind, ORDER_USB_OFF);
        assert_int_equal(ladder_next(&ladder, &world, T0 + 31 SEC).kind, ORDER_NONE);
        usec_t now = ladder_deadline(&ladder);
        assert_int_equal(ladder_next(&ladder, &world, now).kind, ORDER_NONE);
        now = ladder_deadline(&ladder);
        struct ladder_order on = ladder_next(&ladder, &world, now);
        assert_int_equal(on.kind, ORDER_USB_ON);
        ladder_done(&ladder, off.ticket, 0, now);
        assert_int_equal(ladder.state, LADDER_ACTING);
        assert_int_equal(ladder_next(&ladder, &world, now).kind, ORDER_NONE);
        assert_int_equal(ladder.state, LADDER_ACTING);
        ladder_done(&ladder, on.ticket, 0, now);
        (void)ladder_next(&ladder, &world, now);
        assert_int_equal(ladder.state, LADDER_WATCHING);
}

/* Whether a cut took place that failed in part, or of which nothing was told, is not known: it counts. */
static void test_doubtful_cuts_count(void **state)
{
        static const struct {
                bool told;
                int off, on;
                unsigned n;
        } cases[] = {{true, -EIO, -EIO, 0}, {true, -EIO, 0, 1}, {true, 0, -EIO, 1}, {false, 0, -EIO, 1}};
        struct ladder_world world = {.smsd_stopped = true};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct ladder ladder;
                usec_t now = T0;
                ladder_init(&ladder, NULL);
                ladder_fail(&ladder, FAILURE_PORTS_MISSING, now);
                while (ladder.state != LADDER_GAVE_UP) {
                        struct ladder_order order = ladder_next(&ladder, &world, now);
                        if (order.kind == ORDER_NONE)
                                now = ladder_deadline(&ladder);
                        else if (order.kind == ORDER_USB_ON)
                                ladder_done(&ladder, order.ticket, cases[i].on, now);
                        else if (order.ticket && cases[i].told)
                                ladder_done(&ladder, order.ticket, cases[i].off, now);
                }
                assert_int_equal(ladder.resets.n, cases[i].n);
        }
}

/* --- time --- */

/* On and off every 20 s for three hours: one climb an hour, not one reset every 20 s. */
static void test_flapping(void **state)
{
        static const struct {
                enum failure_kind kind;
                unsigned hour, three_hours; /* resets */
        } cases[] = {
            {FAILURE_SILENT, 3, 6}, /* the retry is after 1 h, then after a day */
            {FAILURE_STUCK, 2, 4},       {FAILURE_UNREGISTERED, 0, 0}, {FAILURE_PORTS_MISSING, 0, 0},
            {FAILURE_SIM_FAILURE, 0, 0}, {FAILURE_BROWN_OUT, 0, 0},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rig rig;
                rig_init(&rig);
                rig.world.power = LADDER_POWER_COMMAND;
                for (unsigned flap = 0; flap < 3 * 90; flap++) {
                        if (flap == 90)
                                assert_int_equal(rig.resets, cases[i].hour);
                        ill(&rig, cases[i].kind);
                        run(&rig, 20 SEC);
                        well(&rig);
                        run(&rig, 20 SEC);
                }
                assert_int_equal(rig.resets, cases[i].three_hours);
                assert_in_range(rig.orders[ORDER_GIVE_UP], 0, 2);
        }
}

/* What was tried is forgotten after ten minutes of health, not before. */
static void test_settling(void **state)
{
        static const struct {
                usec_t healthy;
                const char *next;
        } cases[] = {{0, "AT+CFUN=1,1"}, {9 MIN, "AT+CFUN=1,1"}, {10 MIN, "AT"}, {24 H, "AT"}};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rig rig;
                rig_init(&rig);
                ill(&rig, FAILURE_SILENT);
                run(&rig, 10 SEC);
                well(&rig);
                assert_int_equal(rig.ladder.state, LADDER_WATCHING);
                run(&rig, cases[i].healthy);
                ill(&rig, FAILURE_SILENT);
                run(&rig, 25 SEC);
                assert_string_equal(strrchr(rig.trace, ':') + 1, cases[i].next);
        }
}

/* Each cell loss has its own 20 min, also after a reset for another reason. */
static void test_patience(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        for (unsigned i = 0; i < 10; i++) {
                ill(&rig, i % 2 ? FAILURE_NO_SIGNAL : FAILURE_UNREGISTERED);
                run(&rig, 19 MIN);
                well(&rig);
                run(&rig, USEC_PER_SEC);
        }
        assert_string_equal(rig.trace, "");

        /* From one state of the network to another is no break. */
        for (unsigned i = 0; i < 20; i++) {
                ill(&rig, i % 2 ? FAILURE_NO_SIGNAL : FAILURE_UNREGISTERED);
                run(&rig, 61 SEC);
        }
        assert_int_equal(rig.orders[ORDER_AT], 2);

        rig_init(&rig);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 35 SEC);
        assert_int_equal(rig.resets, 1);
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 20 MIN - USEC_PER_SEC);
        assert_int_equal(rig.orders[ORDER_AT], 2);
}

/* The network comes back after 50 min: one reset, and it is well. */
static void test_50_minutes_without_network(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.obeys = true;
        rig.world.power = LADDER_POWER_COMMAND;
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 50 MIN);
        assert_int_equal(rig.resets, 1);
        assert_int_equal(rig.orders[ORDER_POWER_OFF] + rig.orders[ORDER_USB_OFF], 0);
        well(&rig);
        run(&rig, 11 MIN);
        assert_int_equal(rig.ladder.state, LADDER_IDLE);
        assert_int_equal(ladder_deadline(&rig.ladder), USEC_INFINITY);
}

/* The time that the course gives is over with the failure. */
static void test_health_ends_the_watch(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 20 MIN + 30 SEC);
        well(&rig);
        run(&rig, 29 SEC);
        assert_int_equal(rig.ladder.state, LADDER_WATCHING);
        run(&rig, 1 SEC);
        assert_int_equal(rig.ladder.state, LADDER_SETTLING);
        /* Another loss has its own 20 min, and goes on where it was. */
        run(&rig, 1 MIN);
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 20 MIN - 1);
        assert_int_equal(rig.resets, 0);
        run(&rig, 1);
        assert_int_equal(rig.resets, 1);
}

/* In the loop it looks silent, incomplete and gone in turns. */
static void test_brown_out_loop(void **state)
{
        static const enum failure_kind faces[] = {FAILURE_BROWN_OUT, FAILURE_SILENT, FAILURE_PORTS_MISSING,
                                                  FAILURE_GONE, FAILURE_CRASHED};
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.world.power = LADDER_POWER_COMMAND;
        for (unsigned i = 0; i < 2000; i++) {
                ill(&rig, faces[i % ARRAY_SIZE(faces)]);
                run(&rig, 100 SEC);
        }
        assert_int_equal(rig.resets, 0);
        /* The supply was replaced; the modem is still dead. */
        ill(&rig, FAILURE_RADIO_OFF);
        run(&rig, 99 SEC);
        assert_null(strstr(rig.trace, "CFUN")); /* the radio loads the supply too */
        ill(&rig, FAILURE_SILENT);
        run(&rig, 15 MIN);
        assert_true(rig.resets > 0);
}

/* --- our own reset --- */

static void test_own_reset_is_no_failure(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.obeys = true;
        ill(&rig, FAILURE_SILENT);
        assert_false(ladder_expects_absence(&rig.ladder));
        run(&rig, 31 SEC);
        assert_true(ladder_expects_absence(&rig.ladder));
        assert_true(ladder_needs_smsd_stopped(&rig.ladder));
        ill(&rig, FAILURE_GONE);
        run(&rig, 13 SEC);
        assert_true(ladder_needs_smsd_stopped(&rig.ladder));
        run(&rig, 3 SEC); /* it is back */
        assert_false(ladder_needs_smsd_stopped(&rig.ladder));
        assert_false(rig.world.smsd_stopped);
        assert_true(ladder_expects_absence(&rig.ladder));
        ill(&rig, FAILURE_SIM_BUSY);
        ill(&rig, FAILURE_UNREGISTERED);
        run(&rig, 57 SEC); /* it boots: longer than the 60 s from the command */
        assert_int_equal(rig.ladder.state, LADDER_WATCHING);
        well(&rig);
        run(&rig, 5 SEC);
        assert_int_equal(rig.ladder.state, LADDER_SETTLING);
        assert_int_equal(rig.resets, 1);
}

/* One that comes and goes for ever is not waited for any longer. */
static void test_bouncing_after_reset(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 31 SEC);
        for (unsigned i = 0; i < 8; i++) {
                ladder_absent(&rig.ladder, rig.now);
                run(&rig, 5 SEC);
                ladder_present(&rig.ladder, rig.now);
                run(&rig, 5 SEC);
        }
        assert_true(rig.orders[ORDER_USB_OFF] > 0);
}

/* A reset asks for smsd's end, in its time, and again when it did not come. */
static void test_smsd_is_waited_for(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.stops = false;
        ill(&rig, FAILURE_STUCK);
        run(&rig, 5 MIN);
        assert_string_equal(rig.trace, "0:stop-smsd 120:stop-smsd 240:stop-smsd");
        assert_int_equal(rig.ladder.stops.n, 1);
        rig.world.smsd_stopped = true;
        settle(&rig);
        assert_int_equal(rig.ladder.state, LADDER_WATCHING);
}

static void test_at_without_stop(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.world.port_free = true;
        ill(&rig, FAILURE_SILENT);
        assert_string_equal(rig.trace, "0:AT");
        assert_int_equal(rig.orders[ORDER_STOP_SMSD], 0);

        struct ladder ladder;
        ladder_init(&ladder, NULL);
        ladder_fail(&ladder, FAILURE_SILENT, T0);
        assert_int_equal(ladder_next(&ladder, &rig.world, T0).kind, ORDER_AT);
        assert_int_equal(ladder.state, LADDER_ACTING);
        assert_false(ladder_needs_smsd_stopped(&ladder));
}

static void test_others_are_not_interrupted(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.world.others_sending = true;
        ill(&rig, FAILURE_SILENT);
        run(&rig, 5 H);
        assert_string_equal(rig.trace, "");
        assert_int_equal(rig.ladder.state, LADDER_QUEUED);
        rig.world.others_sending = false;
        rig.stops = false;
        settle(&rig);
        rig.world.others_sending = true; /* the rest of what was under way */
        settle(&rig);
        assert_int_equal(rig.ladder.state, LADDER_STOPPING);
}

/* It got well while smsd was being stopped for it. */
static void test_well_in_time(void **state)
{
        struct rig rig;
        (void)state;

        rig_init(&rig);
        rig.stops = false;
        ill(&rig, FAILURE_STUCK);
        assert_true(ladder_needs_smsd_stopped(&rig.ladder));
        well(&rig);
        assert_false(ladder_needs_smsd_stopped(&rig.ladder));
        assert_int_equal(rig.ladder.state, LADDER_IDLE);
}

/* --- words --- */

static void test_names(void **state)
{
        (void)state;
        for (unsigned i = 0; i < FAILURE_KIND_MAX; i++) {
                for (unsigned k = 0; k < i; k++) /* an interface: JSON, history */
                        assert_string_not_equal(failure_kind_to_string(i), failure_kind_to_string(k));
                assert_int_equal(failure_describe(i)[0] == '\0', i == FAILURE_NONE);
                assert_int_equal(failure_advice(i)[0] == '\0', i == FAILURE_NONE);
        }
        for (unsigned i = LADDER_STEP_NONE + 1; i < LADDER_STEP_MAX; i++) {
                enum ladder_step step = LADDER_STEP_NONE;
                assert_int_equal(ladder_step_from_string(ladder_step_to_string(i), &step), 0);
                assert_int_equal(step, i);
        }
        enum ladder_step step = LADDER_STEP_USB;
        assert_int_equal(ladder_step_from_string("none", &step), -EINVAL);
        assert_int_equal(ladder_step_from_string("", &step), -EINVAL);
        assert_int_equal(step, LADDER_STEP_USB);
        for (unsigned i = 0; i < LADDER_STATE_MAX; i++)
                assert_string_not_equal(ladder_state_to_string(i), "unknown");
}

static void test_descriptions(void **state)
{
        static const struct {
                usec_t after;
                const char *text;
        } cases[] = {
            {0,
             "the modem does not answer: asking it again (AT) is done, watched for 30s; then, if needed: a "
             "restart of the modem (AT+CFUN=1,1)"},
            {31 SEC, "the modem does not answer: the default route is on it: a restart of the modem "
                     "(AT+CFUN=1,1) in 29s"},
            {61 SEC,
             "the modem does not answer: a restart of the modem (AT+CFUN=1,1) is done, watched for 59s; "
             "then, if needed: USB off and on"},
        };
        struct rig rig;
        char text[256];
        (void)state;

        rig_init(&rig);
        ladder_describe(&rig.ladder, rig.now, text, sizeof(text));
        assert_string_equal(text, "");
        rig.world.default_route = true;
        ill(&rig, FAILURE_SILENT);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                run(&rig, T0 + cases[i].after - rig.now);
                ladder_describe(&rig.ladder, rig.now, text, sizeof(text));
                assert_string_equal(text, cases[i].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_courses),
            cmocka_unit_test(test_deaf),
            cmocka_unit_test(test_nothing_works),
            cmocka_unit_test(test_lost_answer),
            cmocka_unit_test(test_results_that_never_come),
            cmocka_unit_test(test_doubtful_cuts_count),
            cmocka_unit_test(test_flapping),
            cmocka_unit_test(test_settling),
            cmocka_unit_test(test_patience),
            cmocka_unit_test(test_50_minutes_without_network),
            cmocka_unit_test(test_health_ends_the_watch),
            cmocka_unit_test(test_brown_out_loop),
            cmocka_unit_test(test_own_reset_is_no_failure),
            cmocka_unit_test(test_bouncing_after_reset),
            cmocka_unit_test(test_smsd_is_waited_for),
            cmocka_unit_test(test_at_without_stop),
            cmocka_unit_test(test_others_are_not_interrupted),
            cmocka_unit_test(test_well_in_time),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_descriptions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
