/*
 * What the ladder may do at all, and how often: see core/ladder.h. The ledgers keep the newest times only:
 * `n` steps in a window are spent exactly while the n-th newest lies in it, so nothing has to be counted or
 * thrown away.
 */
#include "ladder_private.h"

#include <errno.h>

static unsigned at_most(unsigned value)
{
        return value < LADDER_BUDGET_MAX ? value : LADDER_BUDGET_MAX;
}

void ladder_set_budget(struct ladder *ladder, const struct ladder_budget *budget)
{
        static const struct ladder_budget standard = LADDER_BUDGET_DEFAULT;
        const struct ladder_budget *given = budget ? budget : &standard;

        ladder->budget = (struct ladder_budget){
            .per_hour = at_most(given->per_hour),
            .per_day = at_most(given->per_day),
            .route_per_hour = at_most(given->route_per_hour),
            .route_per_day = at_most(given->route_per_day),
            .stops_per_hour = at_most(given->stops_per_hour),
            .stops_per_day = at_most(given->stops_per_day),
        };
}

/* When one more is allowed beside `number` in each `window`. */
static usec_t free_at(const struct ladder_ledger *ledger, unsigned number, usec_t window)
{
        if (number == 0)
                return USEC_INFINITY;
        return ledger->n < number ? 0 : usec_add(ledger->at[number - 1], window);
}

static usec_t both_free_at(const struct ladder_ledger *ledger, unsigned per_hour, unsigned per_day)
{
        return usec_max(free_at(ledger, per_hour, USEC_PER_HOUR), free_at(ledger, per_day, USEC_PER_DAY));
}

static usec_t reset_at(const struct ladder *ladder)
{
        const struct ladder_budget *budget = &ladder->budget;
        bool route = ladder->route;

        return both_free_at(&ladder->resets, route ? budget->route_per_hour : budget->per_hour,
                            route ? budget->route_per_day : budget->per_day);
}

usec_t ladder_allowed_at(const struct ladder *ladder, enum ladder_step step)
{
        usec_t allowed = 0;

        if (ladder_script(step)->reset)
                allowed = reset_at(ladder);
        /* A stop that was asked for has been paid; so has one that somebody else made. */
        if (!ladder->world.smsd_stopped && ladder->state != LADDER_STOPPING &&
            !(step == LADDER_STEP_AT && ladder->world.port_free))
                allowed = usec_max(allowed, both_free_at(&ladder->stops, ladder->budget.stops_per_hour,
                                                         ladder->budget.stops_per_day));
        return allowed;
}

usec_t ladder_reset_allowed_at(struct ladder *ladder, const struct ladder_world *world, usec_t now)
{
        ladder_see(ladder, world, now);
        usec_t allowed = reset_at(ladder);
        return now < ladder->quiet_until ? usec_max(allowed, ladder->quiet_until) : allowed;
}

int ladder_refusal(const struct ladder_world *world, enum ladder_step step)
{
        if (world->without & LADDER_STEP_BIT(step))
                return -EOPNOTSUPP;
        if (step != LADDER_STEP_POWER)
                return 0;
        if (world->power == LADDER_POWER_NONE)
                return -EOPNOTSUPP;
        return world->power == LADDER_POWER_HUB_PORT && world->ganged && !world->ganged_allowed ? -EPERM : 0;
}

static bool possible(const struct ladder *ladder, enum ladder_step step)
{
        return !(ladder->tried & LADDER_STEP_BIT(step)) && ladder_refusal(&ladder->world, step) == 0 &&
               ladder_allowed_at(ladder, step) != USEC_INFINITY;
}

enum ladder_step ladder_next_step(const struct ladder *ladder)
{
        const struct ladder_rung *rungs = ladder_course(ladder->kind)->rungs;

        for (unsigned i = 0; i < LADDER_RUNGS_MAX && rungs[i].step != LADDER_STEP_NONE; i++)
                if (possible(ladder, rungs[i].step))
                        return rungs[i].step;
        return LADDER_STEP_NONE;
}

unsigned ladder_resets_within(const struct ladder *ladder, usec_t window, usec_t now)
{
        unsigned n = 0;

        while (n < ladder->resets.n && usec_add(ladder->resets.at[n], window) > now)
                n++;
        return n;
}

/* What is not in order, or lies ahead, was not written by us in this boot. */
static void take_ledger(struct ladder_ledger *ledger, const struct ladder_ledger *kept, usec_t now)
{
        *ledger = (struct ladder_ledger){0};
        for (unsigned i = 0; i < kept->n && i < LADDER_BUDGET_MAX; i++)
                if (kept->at[i] <= now && (ledger->n == 0 || kept->at[i] <= ledger->at[ledger->n - 1]))
                        ledger->at[ledger->n++] = kept->at[i];
}

void ladder_remember(const struct ladder *ladder, struct ladder_memory *ret_memory)
{
        *ret_memory = (struct ladder_memory){.resets = ladder->resets,
                                             .stops = ladder->stops,
                                             .tried = ladder->tried,
                                             .rounds = ladder->rounds,
                                             .retry_at = ladder->retry_at,
                                             .acted_at = ladder->acted_at};
}

void ladder_recall(struct ladder *ladder, const struct ladder_memory *memory, usec_t now)
{
        take_ledger(&ladder->resets, &memory->resets, now);
        take_ledger(&ladder->stops, &memory->stops, now);
        if ((memory->tried == 0 && memory->retry_at == 0) || memory->acted_at > now)
                return;
        ladder->tried = memory->tried & (LADDER_STEP_BIT(LADDER_STEP_MAX) - 1);
        ladder->rounds = memory->rounds;
        ladder->retry_at = memory->retry_at;
        ladder->acted_at = memory->acted_at;
        ladder->well_since = now; /* nothing is known of it yet */
        ladder->until = now;
}
