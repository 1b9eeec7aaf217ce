/*
 * smsd as it is: its main process, its modem handlers, what is left over of an earlier life, and what it says
 * of itself. Fed with scans of the process table, log lines and stats/status; decides nothing.
 */
#ifndef CORE_SMSD_STATE_H
#define CORE_SMSD_STATE_H

#include "base/usec.h"
#include "core/process.h"
#include "core/smsd_log.h"
#include "core/smsd_status.h"

#include <stdbool.h>

/* A handler on a tty that the kernel calls deleted is killed so long after it was told to end: sooner than a
 * person has the modem plugged in again. */
#define SMSD_RELEASE_AFTER (1500 * USEC_PER_MSEC)

struct smsd_handler {
        struct process_id id;
        bool tty_deleted;
        char tty[DEVICE_NODE_MAX];  /* "" while it waits for its device, or (keep_open = no) for its next poll
                                     */
        char last[DEVICE_NODE_MAX]; /* the tty that it has, or had last */
        usec_t told_at;             /* it was asked to let go of a dead tty at, 0 not */
};

struct smsd_state {
        bool scanned; /* at least one scan came in */
        bool running; /* there is a main process of ours */
        struct process_id main;
        usec_t since;        /* when this main process was first seen */
        usec_t running_at;   /* when a main process was seen last, 0 never */
        unsigned n_handlers; /* children of main that serve a modem (or wait for one) */
        struct smsd_handler handlers[SMSD_MODEMS_MAX];
        unsigned n_ours; /* every process of ours: main, handlers, orphans, a second main */
        struct process_id ours[SMSD_PROCESSES_MAX];
        unsigned n_strays; /* of these: orphaned handlers and second mains */
        struct process_id strays[SMSD_PROCESSES_MAX];
        unsigned n_foreign; /* smsd on another configuration: none of our business */
        bool undecided; /* no main process for sure, but one that may become it: it has just been forked */
        bool sending;   /* a multipart message is being sent after TERM (infofile) */

        bool status_known; /* stats/status could be read since this main runs */
        usec_t status_at;
        struct smsd_status status;

        usec_t stopping_since; /* the log says that the main process was told to end, at; 0 not */
        bool ended_cleanly;    /* the log says that the last main was terminated, not killed */
        bool config_refused;   /* the log says that the last start failed on the configuration */
        char last_error[192];  /* the last line that tells of a failure, escaped */
        int64_t last_sent;     /* wall clock, seconds; 0: none seen */
        int64_t last_received;
};

void smsd_state_init(struct smsd_state *state);

/* Takes a scan over. Returns true when another main process than before is there (started, by whomever). */
bool smsd_state_scan(struct smsd_state *state, const struct process_list *list, bool sending, usec_t now);

/* Forgets one process whose exit was reported before the next scan. Returns true when it was the main
 * process. */
bool smsd_state_exited(struct smsd_state *state, struct process_id id);

/* Takes a reading of stats/status over; NULL when it could not be read. */
void smsd_state_status(struct smsd_state *state, const struct smsd_status *status, usec_t now);

/* Takes what a log line says of smsd as a whole. `text` is the line, escaped. */
void smsd_state_log(struct smsd_state *state, const struct smsd_log_line *line, const char *text,
                    int64_t realtime, usec_t now);

/* A new start begins: what the log said of the earlier one no longer counts. */
void smsd_state_forget_log(struct smsd_state *state);

/* The handler that has `target` (a realpath) open and alive, or has closed it until its next poll; NULL when
 * none has. */
const struct smsd_handler *smsd_state_handler_on(const struct smsd_state *state, const char *target);

/* True when any process of ours has `target` open, or will: nobody else may touch the port then. */
bool smsd_state_holds(const struct smsd_state *state, const char *target);

#endif
