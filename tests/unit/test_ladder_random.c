/*
 * Whatever comes: a million events, and what must hold at each order.
 */
#include "ladder_rig.h"

#define EVENTS   1000000
#define CUTS_MAX 64 /* more than any budget */

/* Counts by itself what the ladder may not do too often. */
struct witness {
        struct rig rig;
        unsigned seed;
        enum failure_kind kind;
        usec_t failing_since, brown_out;
        struct ladder_order out; /* its result is to be told; ticket 0: none */
        bool by_hand;            /* what is under way was asked for by a person */
        bool unsure;             /* a cut was ordered; whether it took place is not known yet */
        usec_t unsure_at;
        unsigned n; /* cuts without a person */
        usec_t cuts[CUTS_MAX];
        bool noticed;
        usec_t noticed_at;
        bool off; /* USB or power is off */
};

static unsigned any(struct witness *witness, unsigned below)
{
        return (unsigned)rand_r(&witness->seed) % below;
}

static bool once_in(struct witness *witness, unsigned times)
{
        return any(witness, times) == 0;
}

static unsigned within(const struct witness *witness, usec_t window)
{
        unsigned n = 0;

        while (n < witness->n && n < CUTS_MAX &&
               witness->cuts[(witness->n - 1 - n) % CUTS_MAX] + window > witness->rig.now)
                n++;
        return n;
}

/* It took place. */
static void count_cut(struct witness *witness)
{
        if (witness->unsure && !witness->by_hand)
                witness->cuts[witness->n++ % CUTS_MAX] = witness->unsure_at;
        witness->unsure = false;
}

static bool is_network(enum failure_kind kind)
{
        return kind == FAILURE_UNREGISTERED || kind == FAILURE_NO_SIGNAL || kind == FAILURE_DENIED;
}

static bool may_be_reset(enum failure_kind kind)
{
        switch (kind) {
        case FAILURE_SILENT:
        case FAILURE_STUCK:
        case FAILURE_HUNG_UP:
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

/* --- what must hold when an order is given --- */

static void judge_automatic(const struct witness *witness, const struct ladder_order *order)
{
        bool route = witness->rig.world.default_route;
        usec_t now = witness->rig.now;

        assert_false(witness->rig.world.held);
        if (is_network(witness->kind))
                assert_true(now - witness->failing_since >= 20 MIN);
        if (!is_cut(order))
                return;
        assert_true(may_be_reset(witness->kind));
        assert_true(witness->brown_out == 0 || now - witness->brown_out >= LADDER_QUIET);
        assert_in_range(within(witness, USEC_PER_HOUR), 0, route ? 0 : 2);
        assert_in_range(within(witness, USEC_PER_DAY), 0, route ? 2 : 7);
}

static void judge_cut(const struct witness *witness, const struct ladder_order *order)
{
        const struct ladder_world *world = &witness->rig.world;

        assert_true(world->smsd_stopped);
        if (world->default_route)
                assert_true(witness->noticed && witness->rig.now - witness->noticed_at >= LADDER_NOTICE);
        if (order->kind == ORDER_POWER_OFF) {
                assert_int_not_equal(world->power, LADDER_POWER_NONE);
                assert_false(world->power == LADDER_POWER_HUB_PORT && world->ganged &&
                             !world->ganged_allowed);
        }
        if (!witness->by_hand)
                judge_automatic(witness, order);
}

static void note_order(struct witness *witness, const struct ladder_order *order)
{
        if (order->kind == ORDER_ANNOUNCE) {
                witness->noticed = true;
                witness->noticed_at = witness->rig.now;
        }
        if (order->kind == ORDER_USB_OFF || order->kind == ORDER_POWER_OFF)
                witness->off = true;
        if (order->kind == ORDER_USB_ON || order->kind == ORDER_POWER_ON)
                witness->off = false;
        if (is_cut(order)) {
                witness->unsure = true;
                witness->unsure_at = witness->rig.now;
        }
        if (is_cut(order) || is_radio_off(order))
                witness->noticed = false;
        if (order->ticket)
                witness->out = *order;
}

static void ask(struct witness *witness)
{
        for (;;) {
                bool forced = witness->rig.ladder.forced != LADDER_STEP_NONE;
                struct ladder_order order =
                    ladder_next(&witness->rig.ladder, &witness->rig.world, witness->rig.now);
                if (order.kind == ORDER_NONE)
                        return;
                if (is_cut(&order) || is_radio_off(&order)) {
                        witness->by_hand = forced;
                        judge_cut(witness, &order);
                }
                if (order.kind == ORDER_STOP_SMSD && !forced)
                        assert_false(witness->rig.world.held);
                note_order(witness, &order);
        }
}

/* --- what comes --- */

static void some_failure(struct witness *witness)
{
        enum failure_kind kind = witness->kind;

        if (kind == FAILURE_NONE || once_in(witness, 50))
                kind = 1 + any(witness, FAILURE_KIND_MAX - 1);
        if (kind != witness->kind && !(is_network(kind) && is_network(witness->kind)))
                witness->failing_since = witness->rig.now;
        if (kind == FAILURE_BROWN_OUT)
                witness->brown_out = witness->rig.now;
        witness->kind = kind;
        ladder_fail(&witness->rig.ladder, kind, witness->rig.now);
}

static void some_health(struct witness *witness)
{
        witness->kind = FAILURE_NONE;
        ladder_well(&witness->rig.ladder, witness->rig.now);
        ask(witness);
        witness->rig.now += once_in(witness, 2) ? any(witness, 30 * 60) SEC : 0;
}

static void some_result(struct witness *witness)
{
        static const int results[] = {0, 0, 0, -EIO, -ETIMEDOUT};
        int result = results[any(witness, ARRAY_SIZE(results))];

        if (is_cut(&witness->out) && result >= 0)
                count_cut(witness);
        ladder_done(&witness->rig.ladder, witness->out.ticket, result, witness->rig.now);
        witness->out = (struct ladder_order){0};
}

static void some_absence(struct witness *witness)
{
        if (ladder_expects_absence(&witness->rig.ladder))
                count_cut(witness);
        ladder_absent(&witness->rig.ladder, witness->rig.now);
}

static void some_world(struct witness *witness)
{
        struct ladder_world *world = &witness->rig.world;

        if (once_in(witness, 20))
                world->held = once_in(witness, 8);
        if (once_in(witness, 200))
                world->default_route = once_in(witness, 4);
        world->power = (enum ladder_power)any(witness, 3);
        world->ganged = once_in(witness, 2);
        world->ganged_allowed = once_in(witness, 2);
        world->others_sending = once_in(witness, 3);
        world->port_free = once_in(witness, 2);
}

static void some_event(struct witness *witness)
{
        struct rig *rig = &witness->rig;
        unsigned what = any(witness, 1000);

        rig->now += once_in(witness, 3) ? 0 : any(witness, 5000) * USEC_PER_MSEC;
        if (what < 200)
                some_failure(witness);
        else if (what < 202)
                some_health(witness);
        else if (what < 230)
                some_absence(witness);
        else if (what < 260)
                ladder_present(&rig->ladder, rig->now);
        else if (what < 280)
                some_world(witness);
        else if (what < 350)
                rig->world.smsd_stopped = ladder_needs_smsd_stopped(&rig->ladder);
        else if (what < 351)
                rig->now += any(witness, 2 * 60 * 60) SEC;
        else if (what < 352 && once_in(witness, 10))
                (void)ladder_force(&rig->ladder, any(witness, LADDER_STEP_MAX + 1), &rig->world, rig->now);
        else if (what < 700 && witness->out.ticket)
                some_result(witness);
}

static void test_a_million_events(void **state)
{
        struct witness *witness = calloc(1, sizeof(*witness));
        (void)state;

        witness->seed = 20261123;
        rig_init(&witness->rig);
        for (unsigned i = 0; i < EVENTS; i++) {
                some_event(witness);
                ask(witness);
                /* It is never left off, and there is always something that it waits for. */
                assert_true(!witness->off || witness->rig.ladder.state == LADDER_ACTING);
                assert_true(ladder_deadline(&witness->rig.ladder) > witness->rig.now);
        }
        assert_true(witness->n > 100); /* the rules were put to the test */
        free(witness);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_million_events),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
