/*
 * The clocks, in microseconds: the one place that reads them. CLOCK_BOOTTIME for ages and deadlines,
 * CLOCK_MONOTONIC where systemd or a C library's wait counts on it, the wall clock for people. The core must
 * not call these: time is a parameter there (tests/layers).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/usec.h"

usec_t clock_boottime(void);
usec_t clock_monotonic(void);

/* Since the epoch. */
int64_t clock_realtime(void);

/* clock_realtime() - clock_boottime(): what a time of CLOCK_BOOTTIME is on the wall clock. */
int64_t clock_realtime_offset(void);

#endif
