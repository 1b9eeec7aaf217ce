/*
 * Time as a number: microseconds, on CLOCK_BOOTTIME unless a name says `realtime`.
 * Nothing here reads a clock; time is a parameter everywhere above the adapters.
 */
#ifndef BASE_USEC_H
#define BASE_USEC_H

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_PER_DAY  (24 * USEC_PER_HOUR)

/* "never": the deadline of something that waits for an event only. */
#define USEC_INFINITY UINT64_MAX

/* a + b, USEC_INFINITY when it does not fit (and when either is USEC_INFINITY). */
static inline usec_t usec_add(usec_t a, usec_t b)
{
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* a - b, 0 when b is later than a. */
static inline usec_t usec_sub(usec_t a, usec_t b)
{
        return a > b ? a - b : 0;
}

static inline usec_t usec_min(usec_t a, usec_t b)
{
        return a < b ? a : b;
}

static inline usec_t usec_max(usec_t a, usec_t b)
{
        return a > b ? a : b;
}

#endif
