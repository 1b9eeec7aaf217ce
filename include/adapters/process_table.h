/*
 * The smsd processes of this box: who they are, whose they are, which port they hold, and the moment one of
 * them ends.
 *
 * A scan is one pass over /proc, made when the caller asks for it (no timer here). Between scans nothing is
 * polled: the kernel tells of the end of each process that is ours (pidfd) and of everybody who opens the
 * smsd binary (inotify), which is how a start by hand is noticed. It looks and signals; it never decides.
 * Reading other users' processes needs root (CAP_SYS_PTRACE to read the links).
 */
#ifndef ADAPTERS_PROCESS_TABLE_H
#define ADAPTERS_PROCESS_TABLE_H

#include "core/process.h"

#include <systemd/sd-event.h>

struct process_table;

/* Strings are copied. */
struct process_table_options {
        const char *smsd;      /* the binary, "/usr/sbin/smsd"; may be absent for now */
        const char *smsd_conf; /* our configuration; may be absent for now */
        const char *pidfile;   /* NULL: none */
        bool by_name; /* for a looker without root: a process whose exe link may not be read counts by its
                         name */
};

/* All are called from the event loop or from process_table_scan(), never after process_table_free(); any may
 * call back into the table except for process_table_free(). */
struct process_table_callbacks {
        /* After each scan, changed or not. The list lives until the next scan. */
        void (*changed)(void *userdata, const struct process_list *list);
        /* A watched process ended; a list without it is never told before this. The list still has it until
         * the next scan. status: exit code, or -signal; 0 when not known. It is known for our own children
         * only: a process started by anybody else takes its status to its own parent. A short-lived child of
         * smsd that a scan has caught between fork and exec ends like any other: compare the id with the one
         * that matters. */
        void (*exited)(void *userdata, struct process_id id, bool status_known, int status);
        /* Somebody opened the smsd binary (executed it, read it, replaced it): the moment to scan. Comes
         * again after each open. */
        void (*binary_opened)(void *userdata);
};

/* Starts to watch the binary; does not scan yet. Callbacks may be NULL one by one. Returns 0, -ENOMEM, or
 * what inotify or /proc say. */
int process_table_new(struct process_table **ret, sd_event *event,
                      const struct process_table_options *options,
                      const struct process_table_callbacks *callbacks, void *userdata);

/* NULL is fine; returns NULL. Sends no signal: the processes go on. */
struct process_table *process_table_free(struct process_table *t);

/* The pidfile named by smsd.conf or the unit has changed; NULL: none. Takes effect at the next scan. Returns
 * 0 or -ENOMEM. */
int process_table_set_pidfile(struct process_table *t, const char *pidfile);

/*
 * Looks at all processes and calls `changed`. Every process that runs the smsd binary is listed, ours or not,
 * by rising pid. A process that is in the middle of fork and exec (smsd starts its event handlers so) may
 * show up for a moment as one more child. `ours` is decided by the -c argument; when that is gone
 * (use_linux_ps_trick) or cannot be resolved any more (a relative path), by the pidfile, the parent and what
 * was known before. That is also how it is with one that is seen within its exec, before it has arguments: an
 * unknown one counts as not ours until the next scan, so whoever looks because the binary was opened looks
 * again a moment later. A watched process that is ending stays in the list, with its port, until its end is
 * told. Returns 0 or a negative errno (the list stays as it was). New processes of ours are
 * watched from here on; -EMFILE and the like from that are returned after the list is complete.
 */
int process_table_scan(struct process_table *t);

/* The result of the last scan; empty before the first. */
const struct process_list *process_table_list(const struct process_table *t);

/*
 * Watches a process that no scan has seen yet: a child that was just started may end before the next scan,
 * and its exit status would be lost. Also fine for one that is watched already. Returns 0, or -ESRCH when
 * there is no such process (an unreaped child is one).
 */
int process_table_watch(struct process_table *t, struct process_id id);

/* True when the table waits for the end of this pid (and reaps it, if it is our child): nobody else may. */
bool process_table_watches(const struct process_table *t, pid_t pid);

/* Signals exactly this process. Returns 0, -ESRCH when it is gone or its pid belongs to another process by
 * now, or -EPERM. */
int process_table_signal(const struct process_table *t, struct process_id id, int signal);

static inline void process_table_cleanup(struct process_table **t)
{
        *t = process_table_free(*t);
}

#endif
