/*
 * The parts of the spool. The disk is one plain object that does what it is told, one thing at a time, and
 * waits for it: alert_spool_new() uses it to look at what is there, afterwards it is the writer's alone. The
 * writer is a thread with a queue of jobs; a job is its own answer and goes back to the loop. Neither logs:
 * the controller forks, and a lock of the C library held here would stay locked in its child.
 */
#ifndef ADAPTERS_ALERT_SPOOL_PRIVATE_H
#define ADAPTERS_ALERT_SPOOL_PRIVATE_H

#include "adapters/alert_spool.h"
#include "alert_spool_book.h"
#include "core/spool_policy.h"

#include <limits.h>
#include <pthread.h>
#include <stdint.h>

/* --- what lies in the folder, in order: alert_spool_index.c --- */

struct spool_index {
        struct spool_entry *items; /* `n` of `size`, by rising sequence */
        unsigned n, size;
        uint64_t bytes;
};

void spool_index_done(struct spool_index *index);
/* Makes place for one more: -ENOMEM, so that a file that is written is always known of. */
int spool_index_reserve(struct spool_index *index);
/* After spool_index_reserve(). In any order, when spool_index_sort() follows. */
void spool_index_add(struct spool_index *index, const struct spool_entry *entry);
void spool_index_sort(struct spool_index *index);
void spool_index_remove(struct spool_index *index, unsigned at);

/* --- the folder: alert_spool_disk.c, alert_spool_look.c --- */

struct spool_disk {
        char folder[PATH_MAX - SPOOL_NAME_MAX]; /* so that the path of any file in it fits */
        gid_t group;                            /* (gid_t)-1: nobody's in particular */
        char boot[40];
        struct spool_limits limits;
        struct spool_index index;
        struct spool_book book;
        uint64_t saved;          /* the file `book` takes the messages up to here into account */
        uint64_t sequence;       /* the last that was given; at least `saved` and all that lies there */
        struct spool_entry stub; /* a file whose name alone is left; sequence 0: none */
        uint64_t heartbeat;      /* number of the last, 0 unknown */
        unsigned set_aside;      /* files that were damaged */
};

/* The folder as it must be: there, ours, readable for the group. */
int spool_disk_prepare(struct spool_disk *disk);
/* Finds the messages, sets aside what is damaged, removes what a killed writer left. */
int spool_disk_look(struct spool_disk *disk);
/* Reads the book, looks, and reads what the messages behind the book say. */
int spool_disk_recover(struct spool_disk *disk);

/* Brings the book up to the last message. */
int spool_disk_replay(struct spool_disk *disk);

int spool_disk_write(struct spool_disk *disk, const struct alert *alert, int64_t at, uint64_t *ret_sequence);
struct spool_save {
        struct spool_open *open;
        unsigned n;
        struct alert_sms *sms; /* NULL: empty */
        uint64_t sequence; /* of the last message whose answer the book knows */
};

void spool_save_done(struct spool_save *save);
/* Takes `save` over (it is empty then). */
int spool_disk_save(struct spool_disk *disk, struct spool_save *save);
int spool_disk_forget(struct spool_disk *disk, uint64_t position);
int spool_disk_heartbeat(struct spool_disk *disk, const char *verdict, const char *reason, int64_t at);

/* The path of a file in the folder; always fits. */
void spool_disk_path(const struct spool_disk *disk, const char *name, char target[PATH_MAX]);

/* BOOTID-SPOOL-SEQUENCE, of the spool's name the begin */
void spool_id_format(char target[ALERT_ID_MAX], const char *boot, const char *spool, uint64_t sequence);

/* What `usec` of CLOCK_BOOTTIME is on the wall clock, in microseconds, and back; 0 stays 0. */
int64_t spool_realtime(usec_t boottime);
usec_t spool_boottime(int64_t realtime);

/* --- the writer: alert_spool_writer.c --- */

enum spool_job_kind { SPOOL_WRITE, SPOOL_SAVE, SPOOL_FORGET, SPOOL_HEARTBEAT };

struct spool_job {
        struct spool_job *next;
        enum spool_job_kind kind;
        int result;
        union {
                struct {
                        struct alert alert;
                        unsigned generation;
                        int64_t at;
                        uint64_t sequence;
                } write;
                struct {
                        struct spool_save book;
                        unsigned calls; /* so many answers are owed */
                } save;
                struct {
                        uint64_t position;
                } forget;
                struct {
                        char verdict[16], reason[ALERT_TEXT_MAX];
                        int64_t at;
                } heartbeat;
        };
};

struct spool_job *spool_job_free(struct spool_job *job);

/* What is known of the disk on this side. */
struct spool_figures {
        unsigned count;
        uint64_t oldest, dropped;
        unsigned set_aside;
};

struct spool_writer {
        struct spool_disk disk; /* the thread's, once it runs */
        int event_fd;           /* readable: there are answers */
        bool running;
        pthread_t thread;
        pthread_mutex_t lock; /* of all below; never held while the disk is waited for */
        pthread_cond_t wake, ended_wake;
        struct spool_job *todo, *done;
        struct spool_figures figures;
        bool stop, ended, abandoned;
};

int spool_writer_new(struct spool_writer **ret);
/* Waits `patience` for what is queued; a thread that the disk still holds then is left to its fate. */
struct spool_writer *spool_writer_free(struct spool_writer *writer, usec_t patience);

/* Queues the job and starts the thread when there is none. 0: it is the writer's now; or a negative errno and
 * it is not. A job that the last one in the queue can do as well is merged into it. */
int spool_writer_put(struct spool_writer *writer, struct spool_job *job);

/* All answers so far, in order; the caller frees each. */
struct spool_job *spool_writer_take(struct spool_writer *writer);

struct spool_figures spool_writer_figures(struct spool_writer *writer);
/* Sets them from the disk; before the thread runs, and by it. */
void spool_writer_publish(struct spool_writer *writer);

#endif
