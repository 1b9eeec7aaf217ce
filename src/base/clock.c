/*
 * Reads the clocks, see base/clock.h.
 */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t clock)
{
        struct timespec now = {0};

        (void)clock_gettime(clock, &now); /* none of these can fail on Linux */
        return (int64_t)now.tv_sec * (int64_t)USEC_PER_SEC + now.tv_nsec / 1000;
}

usec_t clock_boottime(void)
{
        return (usec_t)read_clock(CLOCK_BOOTTIME);
}

usec_t clock_monotonic(void)
{
        return (usec_t)read_clock(CLOCK_MONOTONIC);
}

int64_t clock_realtime(void)
{
        return read_clock(CLOCK_REALTIME);
}

int64_t clock_realtime_offset(void)
{
        return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
}
