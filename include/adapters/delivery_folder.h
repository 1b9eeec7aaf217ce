/*
 * smswarden-notify's own folder (/var/lib/smswarden-notify): NAME.state per receiver (core/delivery's text),
 * heartbeat.state (the same form, named DELIVERY_HEARTBEAT), parked/NAME/SEQUENCE.json with SEQUENCE.reason
 * beside it. Written by smswarden-notify, watched by the controller, for whom all of it is foreign: bounded,
 * checked, no link followed.
 */
#ifndef ADAPTERS_DELIVERY_FOLDER_H
#define ADAPTERS_DELIVERY_FOLDER_H

#include "core/delivery.h"

#include <systemd/sd-event.h>

/* Parked alerts that are kept per receiver; the oldest go. */
#define DELIVERY_PARKED_MAX 100

/* One receiver's state: 0; -ENOENT: never delivered to; -EBADMSG: damaged, or another's (start anew);
 * -EINVAL: `name` can be no receiver's. */
int delivery_folder_read(const char *folder, const char *name, struct delivery_receiver *ret_receiver);

/* Replaces it atomically, synced. */
int delivery_folder_write(const char *folder, const struct delivery_receiver *receiver);

/* Keeps an alert that was refused for good as `json` (its message, as in the spool), with the reason beside
 * it; a second time: the same files. */
int delivery_folder_park(const char *folder, const char *name, uint64_t sequence, const char *json,
                         size_t length, const char *reason);

struct delivery_watch;

/*
 * Tells of changes below `folder`, several of them as one. Without it (for now): of its coming, as far as its
 * parent is there. A writer gone mad is heard some times a second, no more. `changed` must not free the
 * watch. 0 or what inotify says.
 */
int delivery_watch_new(struct delivery_watch **ret, sd_event *event, const char *folder,
                       void (*changed)(void *userdata), void *userdata);
struct delivery_watch *delivery_watch_free(struct delivery_watch *watch);

#endif
