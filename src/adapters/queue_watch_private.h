/*
 * What the parts of the queue watch share:
 *
 *   queue_watch.c          inotify, when to look, telling
 *   queue_watch_scan.c     one look through a folder, piece by piece
 *   queue_watch_message.c  a failed message: from its file to what is told
 */
#ifndef ADAPTERS_QUEUE_WATCH_PRIVATE_H
#define ADAPTERS_QUEUE_WATCH_PRIVATE_H

#include "adapters/queue_watch.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * Files of the last moment are left for the next look: file times come in steps of some milliseconds, and
 * only then is it sure that no earlier one is still on its way into the folder.
 */
#define QUEUE_SETTLE_NSEC INT64_C(100000000)

/* Messages that are kept ready to be told; what is behind them is found by the next look. */
#define QUEUE_BATCH 256

enum queue_kind {
        QUEUE_OUTGOING,
        QUEUE_CHECKED,
        QUEUE_FAILED,
        QUEUE_INCOMING,
        QUEUE_QUARANTINE,
        QUEUE_KINDS
};

struct queue_file {
        struct queue_mark mark; /* its own: when it was changed, and the name's digest */
        char name[NAME_MAX + 1];
};

/* A look through one folder. */
struct queue_scan {
        DIR *stream;     /* NULL: none is under way */
        int64_t settled; /* files changed later than this are left for the next look */
        int64_t count;
        int64_t oldest;  /* change of content, microseconds; 0 none */
        unsigned behind; /* the mark */
        bool unsettled;  /* there are files to come back for */
        unsigned n;
        struct queue_file *files; /* a heap while the look lasts: the first QUEUE_BATCH behind the mark */
};

/* --- queue_watch_scan.c --- */

/* Nanoseconds since the epoch. */
int64_t queue_realtime(void);

/* The mark of a file, as lstat() shows it. */
struct queue_mark queue_mark_of(const char *name, const struct stat *status);

/* Positive when a is to be told behind b. */
int queue_mark_compare(const struct queue_mark *a, const struct queue_mark *b);

/* 0, or a negative errno: there is nothing to look through. */
int queue_scan_begin(struct queue_scan *scan, const char *path);

/* Looks at the next files. `mark`: failed messages behind it are gathered, NULL none. 1: there is more to
 * see; 0: the end, the gathered files are in the order in which they are to be told. -ENOMEM. */
int queue_scan_go_on(struct queue_scan *scan, enum queue_kind kind, const struct queue_mark *mark);
void queue_scan_end(struct queue_scan *scan);

/* --- queue_watch_message.c --- */

/* 0, or a negative errno: it is not there any more. */
int queue_message_read(const char *folder, const char *name, struct queue_file *ret_file,
                       struct message_failed_event *ret_message);

#endif
