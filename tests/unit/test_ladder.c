/*
 * The recovery ladder in virtual time: the whole course of every failure, the budgets, and what must never
 * happen whatever comes.
 */
#include "core/ladder.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEC *USEC_PER_SEC
#define MIN *USEC_PER_MIN
#define H   *USEC_PER_HOUR

#define T0 (100000 SEC)

/* The modem, its surroundings, and what was ordered. */
struct rig {
        struct ladder ladder;
        struct ladder_world world;
        usec_t now;
        int at, usb, power; /* results of the orders */
        bool obeys;         /* a reset makes it leave at once and come back after 15 s */
        usec_t back_at;
        bool stops; /* smsd is gone as soon as it is asked */
        unsigned resets;
        unsigned orders[16];
        char trace[8192]; /* "0:stop-smsd 0:AT ..." in seconds since T0 */
};

static void rig_init(struct rig *rig)
{
        *rig = (struct rig){.now = T0, .stops = true};
        ladder_init(&rig->ladder, NULL);
}

static bool is_cut(const struct ladder_order *order)
{
        return order->kind == ORDER_USB_OFF || order->kind == ORDER_POWER_OFF ||
               (order->kind == ORDER_AT && text_equal(order->at, "AT+CFUN=1,1"));
}

static int result_of(const struct rig *rig, enum ladder_order_kind kind)
{
        switch (kind) {
        case ORDER_AT:
                return rig->at;
        case ORDER_USB_OFF:
        case ORDER_USB_ON:
                return rig->usb;
        case ORDER_POWER_OFF:
        case ORDER_POWER_ON:
                return rig->power;
        case ORDER_NONE:
        case ORDER_ANNOUNCE:
        case ORDER_STOP_SMSD:
        case ORDER_GIVE_UP:
                break;
        }
        return 0;
}

static void carry_out(struct rig *rig, const struct ladder_order *order)
{
        const char *words = order->kind == ORDER_AT ? order->at : ladder_order_to_string(order->kind);

        rig->orders[order->kind]++;
        (void)text_append(rig->trace, sizeof(rig->trace), "%s%u:%s", rig->trace[0] ? " " : "",
                          (unsigned)((rig->now - T0) / USEC_PER_SEC), words);
        if (order->kind == ORDER_STOP_SMSD)
                rig->world.smsd_stopped = rig->stops;
        if (order->ticket == 0)
                return;
        int result = result_of(rig, order->kind);
        if (is_cut(order) && (result >= 0 || rig->obeys)) {
                rig->resets++;
                if (rig->obeys) {
                        ladder_absent(&rig->ladder, rig->now);
                        rig->back_at = rig->now + 15 SEC;
                }
        }
        ladder_done(&rig->ladder, order->ticket, result, rig->now);
}

/* The one path: smsd runs again as soon as it may. */
static void start_smsd(struct rig *rig)
{
        if (!ladder_needs_smsd_stopped(&rig->ladder) && !rig->world.held)
                rig->world.smsd_stopped = false;
}

/* What there is to do now. */
static void settle(struct rig *rig)
{
        for (unsigned i = 0;; i++) {
                struct ladder_order order = ladder_next(&rig->ladder, &rig->world, rig->now);
                if (order.kind == ORDER_NONE)
                        break;
                assert_in_range(i, 0, 50);
                carry_out(rig, &order);
        }
        start_smsd(rig);
        /* It has nothing to do now: a deadline in the past would be a busy loop. */
        assert_true(ladder_deadline(&rig->ladder) > rig->now);
}

static void run(struct rig *rig, usec_t duration)
{
        usec_t end = rig->now + duration;

        settle(rig);
        for (;;) {
                usec_t next = ladder_deadline(&rig->ladder);
                bool back = rig->back_at && rig->back_at <= next;
                next = back ? rig->back_at : next;
                if (next > end)
                        break;
                rig->now = next;
                if (back) {
                        rig->back_at = 0;
                        ladder_present(&rig->ladder, rig->now);
                }
                settle(rig);
        }
        rig->now = end;
}

static void ill(struct rig *rig, enum failure_kind kind)
{
        ladder_fail(&rig->ladder, kind, rig->now);
        settle(rig);
}

static void well(struct rig *rig)
{
        ladder_well(&rig->ladder, rig->now);
        settle(rig);
}

/* --- each failure --- */

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
        assert_false(ladder_is_busy(&rig.ladder));
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
        assert_false(ladder_needs_smsd_stopped(&rig.ladder));
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

/* --- budgets --- */

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
        static const struct ladder_ledger kept = {4, {T0 + 1, T0, T0 - 10 MIN, T0 - 20 MIN}};
        struct rig rig;
        (void)state;

        rig_init(&rig);
        ladder_recall(&rig.ladder, &kept, &(struct ladder_ledger){.n = 7000}, rig.now);
        assert_int_equal(rig.ladder.resets.n, 3);
        ill(&rig, FAILURE_SILENT);
        run(&rig, 39 MIN);
        assert_int_equal(rig.ladder.state, LADDER_SPENT);
        assert_int_equal(rig.resets, 0);
        run(&rig, 1 MIN);
        assert_int_equal(rig.resets, 1);
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
                assert_int_equal(ladder_force(&rig.ladder, cases[i].step, &rig.world, rig.now), -EBUSY);
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

/* --- words --- */

static void test_names(void **state)
{
        (void)state;
        for (unsigned i = 0; i < FAILURE_KIND_MAX; i++) {
                enum failure_kind kind = FAILURE_KIND_MAX;
                assert_int_equal(failure_kind_from_string(failure_kind_to_string(i), &kind), 0);
                assert_int_equal(kind, i);
                assert_int_equal(failure_describe(i)[0] == '\0', i == FAILURE_NONE);
                assert_int_equal(failure_advice(i)[0] == '\0', i == FAILURE_NONE);
        }
        for (unsigned i = LADDER_STEP_NONE + 1; i < LADDER_STEP_MAX; i++) {
                enum ladder_step step = LADDER_STEP_NONE;
                assert_int_equal(ladder_step_from_string(ladder_step_to_string(i), &step), 0);
                assert_int_equal(step, i);
        }
        enum ladder_step step = LADDER_STEP_USB;
        enum failure_kind kind = FAILURE_IMS;
        assert_int_equal(ladder_step_from_string("none", &step), -EINVAL);
        assert_int_equal(ladder_step_from_string("", &step), -EINVAL);
        assert_int_equal(failure_kind_from_string("Silent", &kind), -EINVAL);
        assert_int_equal(step, LADDER_STEP_USB);
        assert_int_equal(kind, FAILURE_IMS);
        for (unsigned i = 0; i < LADDER_STATE_MAX; i++)
                assert_string_not_equal(ladder_state_to_string(i), "unknown");
        for (unsigned i = 0; i <= ORDER_GIVE_UP; i++)
                assert_string_not_equal(ladder_order_to_string(i), "unknown");
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

/* --- whatever comes --- */

#define OWN_MAX 4096

struct witness {
        unsigned n;
        usec_t at[OWN_MAX]; /* resets without a person, oldest first; a ring */
        bool notice_out;
        usec_t notice_at;
        bool off; /* USB or power is off */
};

static unsigned within(const struct witness *witness, usec_t window, usec_t now)
{
        unsigned n = 0;

        for (unsigned i = witness->n; i > 0 && witness->n - i < OWN_MAX; i--, n++)
                if (witness->at[(i - 1) % OWN_MAX] + window <= now)
                        break;
        return n;
}

static bool may_be_reset(enum failure_kind kind)
{
        switch (kind) {
        case FAILURE_SILENT:
        case FAILURE_STUCK:
        case FAILURE_SENDING_BLOCKED:
        case FAILURE_RADIO_OFF:
        case FAILURE_UNREGISTERED:
        case FAILURE_NO_SIGNAL:
        case FAILURE_PORTS_MISSING:
        case FAILURE_CRASHED:
        case FAILURE_GONE:
                return true;
        case FAILURE_NONE:
        case FAILURE_SIM_FAILURE:
        case FAILURE_SIM_ABSENT:
        case FAILURE_SIM_BUSY:
        case FAILURE_SIM_PIN:
        case FAILURE_SIM_PUK:
        case FAILURE_DENIED:
        case FAILURE_IMS:
        case FAILURE_STORAGE_FULL:
        case FAILURE_BROWN_OUT:
        case FAILURE_DOWNLOAD_MODE:
        case FAILURE_KIND_MAX:
                break;
        }
        return false;
}

static bool is_radio_off(const struct ladder_order *order)
{
        return order->kind == ORDER_AT && text_equal(order->at, "AT+CFUN=0");
}

/* An order as it is given: what must hold then. */
static void judge(struct rig *rig, struct witness *witness, const struct ladder_order *order, bool by_hand,
                  usec_t failing_since, usec_t brown_out)
{
        const struct ladder_world *world = &rig->world;
        bool network = rig->ladder.kind == FAILURE_UNREGISTERED || rig->ladder.kind == FAILURE_NO_SIGNAL;

        if (order->kind == ORDER_ANNOUNCE) {
                witness->notice_out = true;
                witness->notice_at = rig->now;
        }
        if (order->kind == ORDER_STOP_SMSD && !by_hand)
                assert_false(world->held);
        if (!is_cut(order) && !is_radio_off(order))
                return;
        assert_true(world->smsd_stopped);
        if (world->default_route) {
                assert_true(witness->notice_out);
                assert_true(rig->now - witness->notice_at >= LADDER_NOTICE);
        }
        witness->notice_out = false;
        if (order->kind == ORDER_POWER_OFF) {
                assert_int_not_equal(world->power, LADDER_POWER_NONE);
                assert_false(world->power == LADDER_POWER_HUB_PORT && world->ganged &&
                             !world->ganged_allowed);
        }
        if (by_hand)
                return;
        assert_false(world->held);
        if (network)
                assert_true(rig->now - failing_since >= 20 MIN);
        if (!is_cut(order))
                return;
        assert_true(may_be_reset(rig->ladder.kind));
        assert_true(brown_out == 0 || rig->now - brown_out >= LADDER_QUIET);
        assert_in_range(within(witness, USEC_PER_HOUR, rig->now), 0, 2);
        assert_in_range(within(witness, USEC_PER_DAY, rig->now), 0, 7);
        if (world->default_route) {
                assert_int_equal(within(witness, USEC_PER_HOUR, rig->now), 0);
                assert_in_range(within(witness, USEC_PER_DAY, rig->now), 0, 2);
        }
}

static void test_a_million_events(void **state)
{
        static const int results[] = {0, 0, 0, -EIO, -ETIMEDOUT};
        struct rig rig;
        struct witness *witness = calloc(1, sizeof(*witness));
        struct ladder_order out = {0};
        usec_t failing_since = 0, brown_out = 0;
        enum failure_kind kind = FAILURE_NONE;
        unsigned resets = 0, seed = 20261123;
        bool by_hand = false, cut_is_out = false, doubtful = false;
        (void)state;

        rig_init(&rig);
        for (unsigned i = 0; i < 1000000; i++) {
                unsigned what = (unsigned)rand_r(&seed) % 40;
                rig.now += (unsigned)rand_r(&seed) % 3 ? (usec_t)rand_r(&seed) % (5 SEC) : 0;
                if (what < 8) {
                        enum failure_kind next = 1 + (unsigned)rand_r(&seed) % (FAILURE_KIND_MAX - 1);
                        bool wants_rest = kind != FAILURE_NONE && (unsigned)rand_r(&seed) % 50;
                        next = wants_rest ? kind : next;
                        bool was = kind == FAILURE_UNREGISTERED || kind == FAILURE_NO_SIGNAL ||
                                   kind == FAILURE_DENIED;
                        bool is = next == FAILURE_UNREGISTERED || next == FAILURE_NO_SIGNAL ||
                                  next == FAILURE_DENIED;
                        if (next != kind && !(was && is))
                                failing_since = rig.now;
                        if (next == FAILURE_BROWN_OUT)
                                brown_out = rig.now;
                        kind = next;
                        ladder_fail(&rig.ladder, kind, rig.now);
                } else if (what == 8 && (unsigned)rand_r(&seed) % 20 == 0) {
                        kind = FAILURE_NONE;
                        ladder_well(&rig.ladder, rig.now);
                        rig.now += rand_r(&seed) % 2 ? (usec_t)rand_r(&seed) % (30 MIN) : 0;
                } else if (what == 9) {
                        if (doubtful && ladder_expects_absence(&rig.ladder)) {
                                witness->at[witness->n++ % OWN_MAX] = rig.now;
                                resets++;
                        }
                        doubtful = false;
                        ladder_absent(&rig.ladder, rig.now);
                } else if (what == 10) {
                        ladder_present(&rig.ladder, rig.now);
                } else if (what == 11 && (unsigned)rand_r(&seed) % 10 == 0) {
                        rig.world.held = (unsigned)rand_r(&seed) % 8 == 0;
                } else if (what == 12) {
                        rig.world.default_route = (unsigned)rand_r(&seed) % 4 == 0;
                } else if (what == 13) {
                        rig.world.power = (enum ladder_power)((unsigned)rand_r(&seed) % 3);
                        rig.world.ganged = (unsigned)rand_r(&seed) % 2;
                        rig.world.ganged_allowed = (unsigned)rand_r(&seed) % 2;
                } else if (what == 14) {
                        rig.world.others_sending = (unsigned)rand_r(&seed) % 3 == 0;
                        rig.world.port_free = (unsigned)rand_r(&seed) % 2;
                } else if (what == 15 && (unsigned)rand_r(&seed) % 500 == 0) {
                        enum ladder_step step =
                            (enum ladder_step)((unsigned)rand_r(&seed) % (LADDER_STEP_MAX + 1));
                        (void)ladder_force(&rig.ladder, step, &rig.world, rig.now);
                } else if (what == 16 && rig.ladder.state == LADDER_STOPPING) {
                        rig.world.smsd_stopped = true;
                } else if (what == 17 && (unsigned)rand_r(&seed) % 30 == 0) {
                        rig.now += (usec_t)rand_r(&seed) % (2 H);
                } else if (what < 30 && out.ticket) {
                        int result = results[(unsigned)rand_r(&seed) % ARRAY_SIZE(results)];
                        if (cut_is_out && result >= 0 && !by_hand) {
                                witness->at[witness->n++ % OWN_MAX] = rig.now;
                                resets++;
                                doubtful = false;
                        }
                        cut_is_out = false;
                        ladder_done(&rig.ladder, out.ticket, result, rig.now);
                        out = (struct ladder_order){0};
                }
                for (;;) {
                        enum ladder_step forced = rig.ladder.forced;
                        struct ladder_order order = ladder_next(&rig.ladder, &rig.world, rig.now);
                        if (order.kind == ORDER_NONE)
                                break;
                        if (order.kind == ORDER_STOP_SMSD || order.kind == ORDER_ANNOUNCE || is_cut(&order) ||
                            is_radio_off(&order))
                                by_hand = forced != LADDER_STEP_NONE;
                        judge(&rig, witness, &order, by_hand, failing_since, brown_out);
                        if (order.kind == ORDER_USB_OFF || order.kind == ORDER_POWER_OFF)
                                witness->off = true;
                        if (order.kind == ORDER_USB_ON || order.kind == ORDER_POWER_ON)
                                witness->off = false;
                        if (order.ticket) {
                                out = order;
                                cut_is_out = is_cut(&order);
                                doubtful = cut_is_out && !by_hand;
                        }
                }
                if (!ladder_needs_smsd_stopped(&rig.ladder) && (unsigned)rand_r(&seed) % 2)
                        rig.world.smsd_stopped = false;
                /* It is never left off. */
                assert_true(!witness->off || rig.ladder.state == LADDER_ACTING);
        }
        assert_true(resets > 100); /* the invariants were put to the test */
        free(witness);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_courses),
            cmocka_unit_test(test_deaf),
            cmocka_unit_test(test_nothing_works),
            cmocka_unit_test(test_lost_answer),
            cmocka_unit_test(test_results_that_never_come),
            cmocka_unit_test(test_flapping),
            cmocka_unit_test(test_settling),
            cmocka_unit_test(test_patience),
            cmocka_unit_test(test_50_minutes_without_network),
            cmocka_unit_test(test_brown_out_loop),
            cmocka_unit_test(test_own_reset_is_no_failure),
            cmocka_unit_test(test_bouncing_after_reset),
            cmocka_unit_test(test_smsd_is_waited_for),
            cmocka_unit_test(test_at_without_stop),
            cmocka_unit_test(test_others_are_not_interrupted),
            cmocka_unit_test(test_well_in_time),
            cmocka_unit_test(test_budget),
            cmocka_unit_test(test_spent_waits_and_says_so),
            cmocka_unit_test(test_route_is_remembered),
            cmocka_unit_test(test_recall),
            cmocka_unit_test(test_default_route_is_announced),
            cmocka_unit_test(test_stale_notice),
            cmocka_unit_test(test_hold),
            cmocka_unit_test(test_power),
            cmocka_unit_test(test_slow_retry),
            cmocka_unit_test(test_hopeless),
            cmocka_unit_test(test_force),
            cmocka_unit_test(test_force_goes_past),
            cmocka_unit_test(test_force_without_end),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_descriptions),
            cmocka_unit_test(test_a_million_events),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
