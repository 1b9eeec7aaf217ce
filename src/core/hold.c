/*
 * The manual stop as a lease, see core/hold.h.
 */
#include "core/hold.h"

void hold_begin(struct hold *hold, const struct hold_record *record, usec_t notify_after)
{
        hold->active = true;
        hold->reached = false;
        hold->record = *record;
        if (hold->record.until < hold->record.since)
                hold->record.until = hold->record.since;
        hold->remind_at = usec_add(record->since, notify_after);
        hold->anew_since = record->since;
}

void hold_end(struct hold *hold)
{
        hold->active = false;
}

bool hold_expired(const struct hold *hold, usec_t now)
{
        return hold->active && now >= hold->record.until;
}

bool hold_remind(struct hold *hold, usec_t now)
{
        if (!hold->active || now < hold->remind_at)
                return false;
        /* From the plan, not from now, so that a late wake-up does not shift the series; none is made up for
         * a missed one. */
        usec_t missed = usec_sub(now, hold->remind_at) / HOLD_REMIND_EVERY;
        hold->remind_at = usec_add(hold->remind_at, (missed + 1) * HOLD_REMIND_EVERY);
        return true;
}

usec_t hold_deadline(const struct hold *hold)
{
        return hold->active ? usec_min(hold->record.until, hold->remind_at) : USEC_INFINITY;
}
