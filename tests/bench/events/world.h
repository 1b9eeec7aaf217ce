/*
 * Just enough of an outside for the daemon's queue and the core to live through: modems that answer AT, an
 * smsd that starts and ends, a smsd.conf that is read and written. Memory is fixed, so that what the heap
 * gains is the product's. Not a simulation: nothing is judged here but memory.
 */
#ifndef BENCH_EVENTS_WORLD_H
#define BENCH_EVENTS_WORLD_H

#include "daemon.h"

/* Of this program: virtual time. daemon_perform() answers from it. */
void world_init(struct daemon *daemon, unsigned seed);

/* Takes everything away and waits: two measurements at rest can be compared. */
void world_rest(struct daemon *daemon);

/* Makes something happen and lets the daemon's queue run empty. Returns the number of events stepped. */
unsigned world_step(struct daemon *daemon);

#endif
