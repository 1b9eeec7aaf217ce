/*
 * Exponential backoff of restarts: the first failure is answered at once, the next ones after 1, 2, 4 ...
 * maximum. A failure is forgotten only after a time of health, so that a crash loop slows down although each
 * start succeeds.
 */
#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include "base/usec.h"

#include <stdbool.h>

#define BACKOFF_FIRST        USEC_PER_SEC
#define BACKOFF_FORGET_AFTER (5 * USEC_PER_MIN)
#define BACKOFF_LOOP_FROM    3 /* this many failures in a row are called a crash loop */

struct backoff {
        usec_t maximum;
        unsigned failures; /* in a row */
        usec_t last_failure;
};

void backoff_init(struct backoff *backoff, usec_t maximum);

/* One more failure at `now`. Returns how long to wait before the next try: 0, 1 s, 2 s, 4 s ... maximum. */
usec_t backoff_fail(struct backoff *backoff, usec_t now);

/* Health at `now`: forgets the failures when the last one is long enough ago. */
void backoff_healthy(struct backoff *backoff, usec_t now);

/* A person asked: begin anew. */
void backoff_reset(struct backoff *backoff);

bool backoff_is_loop(const struct backoff *backoff);

#endif
