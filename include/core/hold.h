/*
 * The manual stop as a lease: it has an owner, a reason, a beginning and an end. Times are CLOCK_BOOTTIME, so
 * a jump of the wall clock expires nothing and delays nothing. One hold at a time.
 */
#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "base/usec.h"
#include "core/hold_record.h"

#include <stdbool.h>

#define HOLD_REMIND_EVERY USEC_PER_HOUR

struct hold {
        bool active;
        struct hold_record record;
        bool reached;      /* smsd was seen to be down since it began: whoever runs later was started anew */
        usec_t anew_since; /* an smsd that was started later is somebody's, and no part of what was stopped */
        usec_t remind_at;  /* when people are told that it still lasts */
};

/* Takes a hold. `until` is clamped to be later than `since`. */
void hold_begin(struct hold *hold, const struct hold_record *record, usec_t notify_after);

void hold_end(struct hold *hold);

/* True when it is over at `now`. */
bool hold_expired(const struct hold *hold, usec_t now);

/* True when people must be told now that it lasts; the next reminder is set. */
bool hold_remind(struct hold *hold, usec_t now);

/* Its end or its next reminder, whichever is first. */
usec_t hold_deadline(const struct hold *hold);

#endif
