/*
 * The spool: STATE_DIR/alerts, one file per alert, SEQUENCE-SEVERITY.json, and the book of open alerts. Only
 * the controller writes here; smswarden-notify (its group) reads.
 *
 * Each file is written whole (temporary name, fsync, rename, fsync of the folder) by a thread of its own, in
 * the order asked for, so that a slow card never delays the event loop; the answers come back to the loop.
 * Bounded in files and bytes: room is made as core/spool_policy says. When the disk is full, too.
 */
#ifndef ADAPTERS_ALERT_SPOOL_H
#define ADAPTERS_ALERT_SPOOL_H

#include "core/alert_book.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

#define ALERT_SPOOL_QUEUE 64 /* messages that wait for the disk */

struct alert_spool;

struct alert_spool_options {
        const char *folder;  /* STATE_DIR/alerts; made when it is missing (mode 2750, 0750 where a setgid bit
                              * may not be set: each file is given the group in any case) */
        const char *group;   /* who may read: "smswarden-notify"; NULL, no such group: nobody else */
        const char *boot_id; /* NULL: the kernel's */
        unsigned max_files;
        size_t max_bytes;
};

struct alert_spool_callbacks {
        /*
         * Answers alert_spool_write(), in the order asked: 0, or a negative errno and it is not in the spool
         * (-ENOSPC, -EDQUOT: nothing that counts less was there to make room; -EINVAL: never will be). The
         * sequence and id are those of the message; when it failed, 0 and "". All of it is only valid within.
         */
        void (*written)(void *userdata, const char *key, unsigned generation, int result, uint64_t sequence,
                        const char *id);
        /* Answers alert_spool_save(), once for each call; saves that wait together are written as one. */
        void (*saved)(void *userdata, int result);
        /* What an earlier life has sent or might have had to send by SMS; from within alert_spool_new(), behind
         * the open alerts; not when that is nothing. NULL: nobody asks. */
        void (*found_sms)(void *userdata, const struct alert_sms *sms);
        /* alert_spool_forget() has removed what could be: the count is another one. NULL: nobody asks. */
        void (*forgotten)(void *userdata);
        /* A message is in the spool: as written(), in front of it, and only when nothing failed. NULL: nobody
         * asks. */
        void (*told)(void *userdata, const struct alert *alert);
        /* The heartbeat of alert_spool_heartbeat() can be read now. Several that wait together are one. NULL:
         * nobody asks. */
        void (*beaten)(void *userdata);
};

/*
 * Opens the spool and reads what an earlier life left: `found` is called for each open alert (told: its
 * message is in the spool), from within. Temporary files are removed. A damaged file is set aside with a line
 * in the log. 0 or a negative errno (the folder cannot be made or read).
 */
int alert_spool_new(struct alert_spool **ret, sd_event *event, const struct alert_spool_options *options,
                    const struct alert_spool_callbacks *callbacks, void *userdata,
                    void (*found)(void *userdata, const struct alert *alert, bool told));

/* Waits (5 s at most) until what was asked for is on the disk. NULL is fine; returns NULL. */
struct alert_spool *alert_spool_free(struct alert_spool *spool);

/*
 * Writes the alert as the next message; copies it, and fills in the wall clock's times that are 0. -ENOBUFS:
 * so many are unanswered; -EAGAIN, -ENOMEM: no thread, no memory. Nothing was done then, and nothing is
 * answered.
 */
int alert_spool_write(struct alert_spool *spool, const struct alert *alert, unsigned generation);

/*
 * Keeps the book's open alerts and its record of the SMS (atomically, behind the messages asked for before); copies it. What the book
 * does not know yet - messages that are written and not answered - is taken from the messages. 0, -EAGAIN,
 * -ENOMEM.
 */
int alert_spool_save(struct alert_spool *spool, const struct alert_book *book);

/* What all receivers have is removed: the messages up to `position` in the spool named `id` (of another
 * spool: ignored). What the loop was not answered yet goes when it is. */
void alert_spool_forget(struct alert_spool *spool, const char *id, uint64_t position);

/* Messages in it now, and the sequence of the first (0 none). */
unsigned alert_spool_count(const struct alert_spool *spool, uint64_t *ret_oldest);

/* The name of this spool, as in its messages. */
const char *alert_spool_id(const struct alert_spool *spool);

/* The key of the last message of this kind that was written, in this life or an earlier one; "" none. */
const char *alert_spool_last_key(const struct alert_spool *spool, enum alert_kind kind);

/* Messages that had to go unsent, since the spool was made. */
uint64_t alert_spool_dropped(const struct alert_spool *spool);

/* Replaces the file `heartbeat` (JSON: schema, number, verdict, reason, at, host); the number rises from life
 * to life. 0, -EAGAIN, -ENOMEM; when it cannot be written, the log says so. */
int alert_spool_heartbeat(struct alert_spool *spool, const char *verdict, const char *reason);

#endif
