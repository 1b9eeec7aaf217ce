/*
 * Exponential backoff, see core/backoff.h. The wait is computed from the count, so there is no state that can
 * drift.
 */
#include "core/backoff.h"

void backoff_init(struct backoff *backoff, usec_t maximum)
{
        *backoff = (struct backoff){.maximum = maximum};
}

usec_t backoff_fail(struct backoff *backoff, usec_t now)
{
        backoff_healthy(backoff, now);
        backoff->last_failure = now;
        backoff->failures++;
        if (backoff->failures == 1)
                return 0;

        unsigned doublings = backoff->failures - 2;
        if (doublings > 16)
                return backoff->maximum;
        return usec_min(BACKOFF_FIRST << doublings, backoff->maximum);
}

void backoff_healthy(struct backoff *backoff, usec_t now)
{
        if (usec_sub(now, backoff->last_failure) >= BACKOFF_FORGET_AFTER)
                backoff->failures = 0;
}

void backoff_reset(struct backoff *backoff)
{
        backoff->failures = 0;
}

bool backoff_is_loop(const struct backoff *backoff)
{
        return backoff->failures >= BACKOFF_LOOP_FROM;
}
