/*
 * smswarden-notify's own folder (/var/lib/smswarden-notify): NAME.state per receiver (core/delivery's text),
 * heartbeat.state, parked/NAME/SEQUENCE.json. Written by smswarden-notify, watched by the controller, for
 * whom all of it is foreign: bounded, checked, no link followed.
 */
#ifndef ADAPTERS_DELIVERY_FOLDER_H
#define ADAPTERS_DELIVERY_FOLDER_H

#include "core/delivery.h"

#include <systemd/sd-event.h>

/* One receiver's state: 0; -ENOENT: never delivered to; -EBADMSG: damaged (start anew). */
int delivery_folder_read(const char *folder, const char *name, struct delivery_receiver *ret_receiver);

/* Replaces it atomically, synced. */
int delivery_folder_write(const char *folder, const struct delivery_receiver *receiver);

/* Keeps an alert that was refused for good, with the reason beside it. */
int delivery_folder_park(const char *folder, const char *name, const struct alert_message *message,
                         const char *reason);

struct delivery_watch;

/* Tells of each change below `folder` (inotify; the folder may be missing for now). */
int delivery_watch_new(struct delivery_watch **ret, sd_event *event, const char *folder,
                       void (*changed)(void *userdata), void *userdata);
struct delivery_watch *delivery_watch_free(struct delivery_watch *watch);

#endif
