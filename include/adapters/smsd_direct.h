/*
 * The `direct` backend: the daemon runs smsd itself, for containers, the demo and tests, where there is no
 * systemd.
 *
 * smsd is started as our child (`smsd -t`), by fork and exec without a shell, in a session of its own;
 * nothing of it depends on our life (no pipe, no death signal), so it goes on when the daemon is restarted or
 * killed. The daemon becomes the subreaper: handlers whose main process died become its children. This only
 * starts and reaps; ends and exit statuses are the process table's, signals too.
 */
#ifndef ADAPTERS_SMSD_DIRECT_H
#define ADAPTERS_SMSD_DIRECT_H

#include "core/process.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct smsd_direct;

/* All strings are borrowed for the time of the call. */
struct smsd_direct_options {
        const char *smsd; /* absolute path of the binary */
        const char *smsd_conf;
        const char *pidfile; /* NULL: as smsd.conf says; so is infofile */
        const char *infofile;
        const char *output; /* file that takes what smsd prints (configuration errors); created for its
                               account. NULL: /dev/null */
        const char *user;   /* NULL: "smsd" when we are root and there is such an account; "": as we are */
        const char *group;  /* NULL: "dialout" when there is one and a user is set (as Debian does); "": the
                               user's own */
};

/* True for a child that somebody else will wait for (the process table, another adapter): it is left alone.
 */
typedef bool (*smsd_direct_keep_fn)(void *userdata, pid_t pid);

/*
 * Makes this process a subreaper, blocks SIGCHLD in the calling thread and reaps orphans from the event loop,
 * at a priority behind everything else, so that whoever waits for a child gets it first. Returns 0 or a
 * negative errno.
 */
int smsd_direct_new(struct smsd_direct **ret, sd_event *event, smsd_direct_keep_fn keep, void *userdata);

/* NULL is fine; returns NULL. smsd goes on; we stay the subreaper. */
struct smsd_direct *smsd_direct_free(struct smsd_direct *d);

/*
 * Starts smsd. The folders of pidfile and infofile are made as Debian's init script does (mode 2755, owned by
 * the account), but only directly below /run or /var/run. Returns 0 and who it is as soon as the exec has
 * succeeded: give that to process_table_watch() at once, for an smsd that refuses its configuration ends
 * within milliseconds (exit status 1). Errors: what fork, exec (-ENOENT, -EACCES), the folders or the output
 * file say; -ESRCH for an account that does not exist.
 */
int smsd_direct_start(struct smsd_direct *d, const struct smsd_direct_options *options,
                      struct process_id *ret_id);

static inline void smsd_direct_cleanup(struct smsd_direct **d)
{
        *d = smsd_direct_free(*d);
}

#endif
