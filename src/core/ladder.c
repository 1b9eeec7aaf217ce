/*
 * The ladder's rules, see core/ladder.h. What is seen changes facts only; ladder_next makes of facts, world
 * and time the state and the order, so that it does not matter in which order things were seen. Up to a
 * step's begin every gate is looked at anew each time; from its begin to its end none is.
 */
#include "ladder_private.h"

#include <errno.h>

#define STOP_AGAIN   (2 * USEC_PER_MIN) /* smsd still runs: asked once more */
#define RESULT_SLACK (5 * USEC_PER_SEC) /* an order whose result is never told */

void ladder_init(struct ladder *ladder, const struct ladder_budget *budget)
{
        *ladder = (struct ladder){.state = LADDER_IDLE, .until = USEC_INFINITY};
        ladder_set_budget(ladder, budget);
}

static void enter(struct ladder *ladder, enum ladder_state state, usec_t until)
{
        ladder->state = state;
        ladder->until = until;
}

/* The end of the time that the last step needs for itself, whatever it was done for. */
static usec_t own_time(const struct ladder *ladder)
{
        return usec_add(ladder->acted_at, ladder_script(ladder->step)->wait);
}

/* --- what is seen --- */

void ladder_fail(struct ladder *ladder, enum failure_kind kind, usec_t now)
{
        if (kind == FAILURE_NONE || kind >= FAILURE_KIND_MAX)
                return;
        if (kind == FAILURE_BROWN_OUT)
                ladder->quiet_until = usec_add(now, LADDER_QUIET);
        if (kind == ladder->kind)
                return;
        if (!ladder_course(kind)->network || !ladder_course(ladder->kind)->network)
                ladder->failing_since = now;
        ladder->kind = kind;
}

void ladder_well(struct ladder *ladder, usec_t now)
{
        if (ladder->kind != FAILURE_NONE)
                ladder->well_since = now;
        ladder->kind = FAILURE_NONE;
        /* What a failure's course gives it (20 min to register) is not needed any more. */
        if (ladder->state == LADDER_WATCHING)
                ladder->until = usec_min(ladder->until, usec_max(own_time(ladder), now));
}

bool ladder_expects_absence(const struct ladder *ladder)
{
        return (ladder->state == LADDER_ACTING || ladder->state == LADDER_WATCHING) &&
               ladder_script(ladder->step)->reset;
}

/* What the modem has after this step: as the failure's course says. */
static usec_t wait_after(const struct ladder *ladder)
{
        const struct ladder_rung *rungs = ladder_course(ladder->kind)->rungs;

        for (unsigned i = 0; i < LADDER_RUNGS_MAX && rungs[i].step != LADDER_STEP_NONE; i++)
                if (rungs[i].step == ladder->step)
                        return rungs[i].wait;
        return ladder_script(ladder->step)->wait;
}

void ladder_absent(struct ladder *ladder, usec_t now)
{
        if (!ladder_expects_absence(ladder))
                return;
        /* It heard the command whose answer was lost. */
        if (ladder->step == LADDER_STEP_RESET && ladder->result < 0) {
                ladder->result = 0;
                if (ladder->state == LADDER_WATCHING)
                        ladder->until = usec_add(now, wait_after(ladder));
        }
        ladder->left = true;
}

void ladder_present(struct ladder *ladder, usec_t now)
{
        if (!ladder_expects_absence(ladder) || !ladder->left)
                return;
        /* The first return counts: one that comes and goes is not waited for without end. */
        usec_t booted = usec_add(now, LADDER_BOOT);
        if (ladder->state == LADDER_WATCHING && !ladder->returned && booted > ladder->until)
                ladder->until = booted;
        ladder->returned = true;
}

/* --- the parts of a step --- */

static void part_over(struct ladder *ladder, int result, usec_t now)
{
        const struct ladder_part *part = &ladder_script(ladder->step)->parts[ladder->part];

        ladder->ordered = false;
        if (result < 0 && ++ladder->tries < part->tries) {
                ladder->until = usec_add(now, part->again);
                return;
        }
        if (result >= 0)
                ladder->effect = true;
        /* Of a reset that was heard all the same: see ladder_absent. */
        else if (ladder->result == 0 && !(ladder->step == LADDER_STEP_RESET && ladder->left))
                ladder->result = result;
        ladder->tries = 0;
        ladder->part++;
        ladder->until = usec_add(now, part->pause);
}

void ladder_done(struct ladder *ladder, unsigned ticket, int result, usec_t now)
{
        if (ladder->state == LADDER_ACTING && ladder->ordered && ticket == ladder->ticket)
                part_over(ladder, result, now);
}

static struct ladder_order give_order(struct ladder *ladder, usec_t now)
{
        const struct ladder_part *part = &ladder_script(ladder->step)->parts[ladder->part];

        if (++ladder->ticket == 0)
                ladder->ticket = 1;
        ladder->ordered = true;
        ladder->until = usec_add(now, part->timeout + RESULT_SLACK);
        return (struct ladder_order){
            .kind = part->kind, .at = part->at, .timeout = part->timeout, .ticket = ladder->ticket};
}

static void finish(struct ladder *ladder, usec_t now)
{
        bool failed = ladder->result < 0 && !ladder->effect;
        usec_t wait = failed ? ladder_script(ladder->step)->doubt : wait_after(ladder);

        enter(ladder, LADDER_WATCHING, usec_add(now, wait));
}

static bool act(struct ladder *ladder, usec_t now, struct ladder_order *ret_order)
{
        if (ladder->part == ladder_script(ladder->step)->n_parts) {
                finish(ladder, now);
                return true;
        }
        if (now < ladder->until)
                return false;
        if (ladder->ordered) {
                ladder->refundable = false; /* who knows what became of it */
                part_over(ladder, -ETIMEDOUT, now);
                return true;
        }
        *ret_order = give_order(ladder, now);
        return false;
}

/* --- from one step to the next --- */

static void ledger_add(struct ladder_ledger *ledger, usec_t now)
{
        if (ledger->n < LADDER_BUDGET_MAX)
                ledger->n++;
        for (unsigned i = ledger->n - 1; i > 0; i--)
                ledger->at[i] = ledger->at[i - 1];
        ledger->at[0] = now;
}

void ladder_spend_reset(struct ladder *ladder, usec_t now)
{
        ledger_add(&ladder->resets, now);
}

/* Asking again is no affair of smsd's while another port is free. */
static bool needs_stop(const struct ladder *ladder, enum ladder_step step)
{
        return step != LADDER_STEP_AT || !ladder->world.port_free;
}

static void begin(struct ladder *ladder, enum ladder_step step, usec_t now)
{
        if (ladder->forced == LADDER_STEP_NONE)
                ladder->retry_at = 0;
        ladder->forced = LADDER_STEP_NONE;
        ladder->tried |= LADDER_STEP_BIT(step);
        ladder->noticed = false;
        ladder->step = step;
        ladder->acted_at = now;
        ladder->exclusive = needs_stop(ladder, step);
        ladder->part = ladder->tries = 0;
        ladder->result = 0;
        ladder->ordered = ladder->effect = ladder->left = ladder->returned = false;
        ladder->refundable = ladder_script(step)->reset;
        if (ladder->refundable)
                ledger_add(&ladder->resets, now);
        enter(ladder, LADDER_ACTING, now);
}

/* A reset that did not happen costs nothing: a modem that no longer hears AT+CFUN=1,1 would have spent on it
 * what its default route allows in an hour. */
static void refund(struct ladder *ladder)
{
        struct ladder_ledger *resets = &ladder->resets;

        if (!ladder->refundable || ladder->result >= 0 || ladder->effect || ladder->left)
                return;
        resets->n--;
        for (unsigned i = 0; i < resets->n; i++)
                resets->at[i] = resets->at[i + 1];
}

static bool watch_over(struct ladder *ladder, usec_t now)
{
        if (now < ladder->until && ladder->forced == LADDER_STEP_NONE)
                return false;
        refund(ladder);
        if (ladder->result == -EBUSY && !ladder->effect)
                ladder->tried &= ~LADDER_STEP_BIT(ladder->step);
        enter(ladder, LADDER_PATIENT, now);
        return true;
}

/* Nothing is wrong (any more). What was tried is forgotten after a settle time only. */
static bool calm_down(struct ladder *ladder, usec_t now)
{
        usec_t settled = usec_add(usec_max(ladder->well_since, ladder->acted_at), LADDER_SETTLE);

        ladder->noticed = false;
        if ((ladder->tried || ladder->retry_at) && now < settled) {
                enter(ladder, LADDER_SETTLING, settled);
                return false;
        }
        ladder->tried = ladder->rounds = 0;
        ladder->retry_at = 0;
        enter(ladder, LADDER_IDLE, USEC_INFINITY);
        return false;
}

/* Loudly, once; then again after each new round. */
static bool give_up(struct ladder *ladder, usec_t now, struct ladder_order *ret_order)
{
        if (ladder->retry_at == 0) {
                bool hopeless =
                    ladder->tried == 0 && ladder_course(ladder->kind)->rungs[0].step == LADDER_STEP_NONE;
                ladder->retry_at =
                    hopeless ? USEC_INFINITY
                             : usec_add(now, ladder->rounds == 0 ? LADDER_RETRY_FIRST : LADDER_RETRY);
                ladder->rounds++;
                *ret_order = (struct ladder_order){.kind = ORDER_GIVE_UP};
        } else if (now >= ladder->retry_at) {
                ladder->tried = 0;
                ladder->retry_at = 0;
                return true;
        }
        enter(ladder, LADDER_GAVE_UP, ladder->retry_at);
        return false;
}

/* --- the gates before a step, see core/ladder.h --- */

static bool wait_for(struct ladder *ladder, enum ladder_state state, usec_t until)
{
        enter(ladder, state, until);
        return false;
}

/* What a person's word goes past. */
static bool is_time(struct ladder *ladder, enum ladder_step step, usec_t now)
{
        usec_t allowed = ladder_allowed_at(ladder, step);

        if (now < ladder->quiet_until && ladder_script(step)->cuts_network)
                return wait_for(ladder, LADDER_PATIENT, ladder->quiet_until);
        if (now < allowed)
                return wait_for(ladder, LADDER_SPENT, allowed);
        /* Once it was asked to end, what the others have under way is waited for by the one path. */
        if (ladder->world.others_sending && !ladder->world.smsd_stopped && needs_stop(ladder, step) &&
            ladder->state != LADDER_STOPPING)
                return wait_for(ladder, LADDER_QUEUED, USEC_INFINITY);
        return true;
}

static bool notice_given(struct ladder *ladder, enum ladder_step step, usec_t now,
                         struct ladder_order *ret_order)
{
        bool stale = now >= usec_add(ladder->noticed_at, LADDER_NOTICE_STALE);

        if (!ladder->world.default_route || !ladder_script(step)->cuts_network)
                return true;
        if (!ladder->noticed || (stale && ladder->state != LADDER_STOPPING)) {
                ladder->noticed = true;
                ladder->noticed_at = now;
                *ret_order = (struct ladder_order){.kind = ORDER_ANNOUNCE};
        }
        usec_t over = usec_add(ladder->noticed_at, LADDER_NOTICE);
        return now >= over || wait_for(ladder, LADDER_ANNOUNCED, over);
}

static bool port_released(struct ladder *ladder, enum ladder_step step, usec_t now,
                          struct ladder_order *ret_order)
{
        if (ladder->world.smsd_stopped || !needs_stop(ladder, step))
                return true;
        if (ladder->state != LADDER_STOPPING)
                ledger_add(&ladder->stops, now);
        else if (now < ladder->until)
                return false;
        *ret_order = (struct ladder_order){.kind = ORDER_STOP_SMSD};
        return wait_for(ladder, LADDER_STOPPING, usec_add(now, STOP_AGAIN));
}

static bool climb(struct ladder *ladder, enum ladder_step step, usec_t now, struct ladder_order *ret_order)
{
        if (!notice_given(ladder, step, now, ret_order) || !port_released(ladder, step, now, ret_order))
                return false;
        begin(ladder, step, now);
        return true;
}

static bool climb_by_hand(struct ladder *ladder, usec_t now, struct ladder_order *ret_order)
{
        int r = ladder_refusal(&ladder->world, ladder->forced);

        if (r == 0)
                return climb(ladder, ladder->forced, now, ret_order);
        ladder->forced = LADDER_STEP_NONE;
        return true;
}

/* No step is under way. */
static bool decide(struct ladder *ladder, usec_t now, struct ladder_order *ret_order)
{
        usec_t patient_until = usec_add(ladder->failing_since, ladder_course(ladder->kind)->patience);

        if (ladder->forced != LADDER_STEP_NONE)
                return climb_by_hand(ladder, now, ret_order);
        if (ladder->kind == FAILURE_NONE)
                return calm_down(ladder, now);
        if (ladder->world.held)
                return wait_for(ladder, LADDER_HELD, USEC_INFINITY);
        if (now < patient_until)
                return wait_for(ladder, LADDER_PATIENT, patient_until);
        enum ladder_step step = ladder_next_step(ladder);
        if (step == LADDER_STEP_NONE)
                return give_up(ladder, now, ret_order);
        return is_time(ladder, step, now) && climb(ladder, step, now, ret_order);
}

/* One transition. True: there may be another one at once. */
static bool advance(struct ladder *ladder, usec_t now, struct ladder_order *ret_order)
{
        switch (ladder->state) {
        case LADDER_ACTING:
                return act(ladder, now, ret_order);
        case LADDER_WATCHING:
                return watch_over(ladder, now);
        case LADDER_IDLE:
        case LADDER_PATIENT:
        case LADDER_HELD:
        case LADDER_SPENT:
        case LADDER_QUEUED:
        case LADDER_ANNOUNCED:
        case LADDER_STOPPING:
        case LADDER_SETTLING:
        case LADDER_GAVE_UP:
        case LADDER_STATE_MAX:
                break;
        }
        return decide(ladder, now, ret_order);
}

void ladder_see(struct ladder *ladder, const struct ladder_world *world, usec_t now)
{
        ladder->world = *world;
        if (world->default_route)
                ladder->route_until = usec_add(now, LADDER_ROUTE_MEMORY);
        ladder->route = now < ladder->route_until;
}

struct ladder_order ladder_next(struct ladder *ladder, const struct ladder_world *world, usec_t now)
{
        struct ladder_order order = {0};

        ladder_see(ladder, world, now);
        while (advance(ladder, now, &order))
                ;
        return order;
}

usec_t ladder_deadline(const struct ladder *ladder)
{
        return ladder->until;
}

int ladder_force(struct ladder *ladder, enum ladder_step step, const struct ladder_world *world, usec_t now)
{
        if (step <= LADDER_STEP_NONE || step >= LADDER_STEP_MAX)
                return -EINVAL;
        if (ladder->state == LADDER_ACTING || ladder->forced != LADDER_STEP_NONE ||
            (ladder->state == LADDER_WATCHING && ladder_script(ladder->step)->cuts_network &&
             now < own_time(ladder)))
                return -EBUSY;
        int r = ladder_refusal(world, step);
        if (r < 0)
                return r;
        ladder->forced = step;
        ladder->until = now;
        return 0;
}

/* --- questions --- */

bool ladder_needs_smsd_stopped(const struct ladder *ladder)
{
        return ladder->state == LADDER_STOPPING || (ladder->state == LADDER_ACTING && ladder->exclusive) ||
               (ladder->state == LADDER_WATCHING && ladder_script(ladder->step)->reset && !ladder->returned);
}
