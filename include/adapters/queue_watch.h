/*
 * smsd's message folders, watched (inotify): files that smsd gave up (failed/), and how many lie unread in
 * incoming/. Nothing is ever changed here. A failed message is told once over all lives: by a watermark
 * (the time of its content, and its name) that the caller keeps, and only as fast as the caller takes them.
 *
 * A folder may be missing and come later, be replaced, or hold a hundred thousand files: looking is done in
 * small pieces at a low priority, and the more a look costs, the longer until the next.
 */
#ifndef ADAPTERS_QUEUE_WATCH_H
#define ADAPTERS_QUEUE_WATCH_H

#include "core/event.h"

#include <systemd/sd-event.h>

#define QUEUE_WATCH_PRIORITY 200   /* of its event sources, behind the control bus */
#define QUEUE_WATCH_COUNT    10000 /* files of a folder are counted up to that */

struct queue_watch;

/*
 * What was told last: when smsd wrote it (nanoseconds since the epoch; a chmod is no news), and what tells
 * files of one change time apart (made from the name). All zero: nothing yet.
 */
struct queue_mark {
        int64_t changed;
        uint64_t digest;
};

/* The mark as message_failed_event.key has it, NAME@CHANGED-FILE, whatever stands before it (an alert's
 * key). 0, or -EINVAL with the mark untouched. */
int queue_mark_decode(const char *key, struct queue_mark *ret_mark);

struct queue_watch_options {
        const char *outgoing, *checked, *failed, *incoming; /* "" or NULL: not there */
        const char *quarantine;                             /* our own */
        struct queue_mark mark;                             /* begin behind this */
};

struct queue_counts {
        int64_t outgoing, checked, failed, incoming, quarantine; /* files; -1: no such folder */
        int64_t oldest_incoming_realtime;                        /* microseconds since the epoch, 0 none */
        int64_t oldest_waiting_realtime;                         /* in outgoing and checked; likewise */
};

struct queue_watch_callbacks {
        /* The next failed message behind the mark; no other one is told before queue_watch_taken(). */
        void (*failed)(void *userdata, const struct message_failed_event *message,
                       const struct queue_mark *mark);
        /* The counts changed by something that matters: told at most once a second, and counted up to
         * QUEUE_WATCH_COUNT. */
        void (*counted)(void *userdata, const struct queue_counts *counts);
};

/* 0, -ENOMEM, -ENAMETOOLONG (a path), or what inotify says. */
int queue_watch_new(struct queue_watch **ret, sd_event *event, const struct queue_watch_options *options,
                    const struct queue_watch_callbacks *callbacks, void *userdata);
struct queue_watch *queue_watch_free(struct queue_watch *watch);

/* The message told last is taken care of (its alert is in the spool): the next may come. */
void queue_watch_taken(struct queue_watch *watch);

static inline void queue_watch_cleanup(struct queue_watch **watch)
{
        *watch = queue_watch_free(*watch);
}

#endif
