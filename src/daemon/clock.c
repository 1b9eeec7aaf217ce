/*
 * The daemon's two clocks. Ages and deadlines use CLOCK_BOOTTIME only; the wall clock is for people.
 */
#include "daemon.h"

#include <time.h>

static int64_t read_clock(clockid_t clock)
{
        struct timespec now = {0};

        (void)clock_gettime(clock, &now); /* cannot fail for these two */
        return (int64_t)now.tv_sec * (int64_t)USEC_PER_SEC + now.tv_nsec / 1000;
}

usec_t now_boottime(void)
{
        return (usec_t)read_clock(CLOCK_BOOTTIME);
}

int64_t now_realtime(void)
{
        return read_clock(CLOCK_REALTIME) / (int64_t)USEC_PER_SEC;
}

int64_t realtime_offset(void)
{
        return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
}
