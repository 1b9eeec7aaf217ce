/*
 * A snapshot as a D-Bus value a{sv} and back, for both ends of the control bus. The format is described in
 * adapters/control_bus.h. Keys may come in any order; a reader passes over those that it does not know and
 * takes those that are missing, or that changed their type, for null: so that a CLI and a daemon of different
 * versions understand each other.
 */
#ifndef ADAPTERS_BUS_SNAPSHOT_H
#define ADAPTERS_BUS_SNAPSHOT_H

#include "core/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

/* Appends the snapshot. `full` false: without what is private. 0 or a negative errno. */
int bus_snapshot_append(sd_bus_message *message, struct snapshot *snapshot, bool full);

/* Foreign or free text as everybody may read it: clean, and no phone numbers. Cut when it does not fit. */
void bus_snapshot_public_text(char *target, size_t size, const char *text);

/* Reads it. 0, or a negative errno with the snapshot half filled. */
int bus_snapshot_read(sd_bus_message *message, struct snapshot *ret_snapshot);

#endif
