/*
 * The ladder's tests: one modem, its surroundings, virtual time, and what was ordered.
 */
#ifndef TESTS_UNIT_LADDER_RIG_H
#define TESTS_UNIT_LADDER_RIG_H

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

static inline void rig_init(struct rig *rig)
{
        *rig = (struct rig){.now = T0, .stops = true};
        ladder_init(&rig->ladder, NULL);
}

static inline bool is_cut(const struct ladder_order *order)
{
        return order->kind == ORDER_USB_OFF || order->kind == ORDER_POWER_OFF ||
               (order->kind == ORDER_AT && text_equal(order->at, "AT+CFUN=1,1"));
}

static inline int result_of(const struct rig *rig, enum ladder_order_kind kind)
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

static inline const char *order_name(enum ladder_order_kind kind)
{
        static const char *const names[] = {
            [ORDER_NONE] = "none",           [ORDER_ANNOUNCE] = "announce",
            [ORDER_STOP_SMSD] = "stop-smsd", [ORDER_AT] = "at",
            [ORDER_USB_OFF] = "usb-off",     [ORDER_USB_ON] = "usb-on",
            [ORDER_POWER_OFF] = "power-off", [ORDER_POWER_ON] = "power-on",
            [ORDER_GIVE_UP] = "give-up",
        };
        return names[kind];
}

static inline void carry_out(struct rig *rig, const struct ladder_order *order)
{
        const char *words = order->kind == ORDER_AT ? order->at : order_name(order->kind);

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
static inline void start_smsd(struct rig *rig)
{
        if (!ladder_needs_smsd_stopped(&rig->ladder) && !rig->world.held)
                rig->world.smsd_stopped = false;
}

/* What there is to do now. */
static inline void settle(struct rig *rig)
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

static inline void run(struct rig *rig, usec_t duration)
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

static inline void ill(struct rig *rig, enum failure_kind kind)
{
        ladder_fail(&rig->ladder, kind, rig->now);
        settle(rig);
}

static inline void well(struct rig *rig)
{
        ladder_well(&rig->ladder, rig->now);
        settle(rig);
}

#endif
