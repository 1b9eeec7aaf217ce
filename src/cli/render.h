/*
 * A snapshot for people and for programs.
 */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include "core/snapshot.h"
#include "screen.h"

/* What a tired person reads. `now` is the wall clock in microseconds; times are shown in the box's time zone.
 */
void render_text(struct screen *screen, const struct snapshot *snapshot, snapshot_time_t now);

/* The part of it on alerts. */
void render_alerts(struct screen *screen, const struct snapshot *snapshot, snapshot_time_t now);

/* One line of JSON, schema 1, with a newline. Every key is there, null when unknown. 0 or a negative errno.
 */
int render_json(FILE *file, struct snapshot *snapshot);

/* "2h 5min ago", "in 24min"; never more than two units. */
void render_age(char *target, size_t size, snapshot_time_t time, snapshot_time_t now);

#endif
