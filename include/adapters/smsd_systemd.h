/*
 * The `systemd` backend: smsd is a unit (smstools.service), and systemd starts and stops it. Talks to
 * org.freedesktop.systemd1 by sd-bus on the system bus; when that is away, on systemd's own socket
 * (/run/systemd/private, root only). A connection that is lost is made again; until then the other one is
 * used.
 *
 * An own job is followed by JobRemoved; PropertiesChanged of the unit says nothing about it meanwhile. What
 * came of it for smsd is told by the processes, never by ActiveState: this adapter reports that the job is
 * done, and which process systemd takes for smsd's main.
 *
 * Nothing here blocks: every call is asynchronous and bounded in time. It needs no capability: systemd trusts
 * root.
 */
#ifndef ADAPTERS_SMSD_SYSTEMD_H
#define ADAPTERS_SMSD_SYSTEMD_H

#include "base/usec.h"
#include "core/process.h"
#include "core/unit_state.h"

#include <systemd/sd-event.h>

/* TimeoutStopSec of our drop-in and a little: systemd must have given up before we do. */
#define SMSD_SYSTEMD_JOB_TIMEOUT (100 * USEC_PER_SEC)

struct smsd_systemd;

struct smsd_systemd_options {
        const char *unit; /* "smstools.service"; borrowed for the call of _new */
        const char
            *hold_end_unit; /* the service that ends a hold in our absence: "smswarden-hold-end.service"; its
                             * transient timer has the same name with .timer */
        const char *bus_address;    /* NULL: the system bus, else this address only (tests) */
        const char *private_socket; /* NULL: "/run/systemd/private" */
};

/*
 * What a job can end with: -ERFKILL masked, -ENOENT no such unit, -EREMOTEIO failed, -ETIMEDOUT, -ECANCELED
 * cancelled or replaced by somebody else's job, -EDEADLK a shutdown or a job that must not be replaced is
 * under way, -ENOLINK a dependency failed, -EBADR a condition does not hold or the job was skipped, -ESTALE
 * the job went away unheard, -EACCES, -EPERM refused, -ENOTCONN systemd cannot be reached (nothing was sent,
 * or nothing is known of it after SMSD_SYSTEMD_JOB_TIMEOUT); others for what is rarer.
 *
 * Called from the event loop; none may free the backend. `result` is 0 or a negative errno; `problem` is ""
 * or a sentence for a person that says what systemd did and what to do (masked, missing, timed out,
 * cancelled, replaced by somebody else's job, refused, no connection). Foreign text in it is escaped.
 */
struct smsd_systemd_callbacks {
        /* Answers smsd_systemd_stop(), exactly once per call. */
        void (*stopped)(void *userdata, int result, const char *problem);
        /* Answers smsd_systemd_start(), exactly once per call. `id` is the unit's MainPID, pid 0 when systemd
         * does not know it (Debian's generated unit without our drop-in). */
        void (*started)(void *userdata, int result, struct process_id id, const char *problem);
        /* The unit's state changed, or answers smsd_systemd_look(). Jobs of our own are not in `job`. Of a
         * job that replaced ours this tells before `stopped` and `started` do. A lost connection is told to
         * who looks only: it is replaced in a moment. */
        void (*unit)(void *userdata, const struct unit_state *state);
        /* Answers smsd_systemd_run(), exactly once per call that was taken: 0, or the unit failed. */
        void (*ran)(void *userdata, unsigned token, int result, const char *problem);
};

/* Connects (later, if it is not possible now), subscribes, asks for the unit's state. 0, -ENOMEM, -EINVAL for
 * a name that is no unit's. */
int smsd_systemd_new(struct smsd_systemd **ret, sd_event *event, const struct smsd_systemd_options *options,
                     const struct smsd_systemd_callbacks *callbacks, void *userdata);

/* A job under way goes on in systemd; no callback comes any more. NULL is fine; returns NULL. */
struct smsd_systemd *smsd_systemd_free(struct smsd_systemd *s);

/* StopUnit. 0: the answer comes by `stopped`. -EBUSY: an own job is under way. */
int smsd_systemd_stop(struct smsd_systemd *s);

/* RestartUnit (StartUnit does nothing on a unit that is `active (exited)`). 0: the answer comes by `started`.
 * -EBUSY: an own job is under way. Only the daemon's carrying out of ACTION_SMSD_START may call this. */
int smsd_systemd_start(struct smsd_systemd *s);

/* Asks for the unit's state and the system's anew; `unit` answers, always, also when systemd cannot be
 * reached (known = false) - within a second. */
int smsd_systemd_look(struct smsd_systemd *s);

/*
 * Makes sure that smsd is started at the end of a hold also when we are dead by then: a transient timer on
 * the monotonic clock that starts hold_end_unit after `delay`. An older one is replaced. Best effort: what
 * fails is logged. 0 or a negative errno of the request.
 */
int smsd_systemd_set_hold_timer(struct smsd_systemd *s, usec_t delay);
int smsd_systemd_clear_hold_timer(struct smsd_systemd *s);

/*
 * Has systemd start another unit of ours (one that runs stays as it is; one that is just ending is started
 * behind its end), or reload it when it runs. One unit; nobody answers: what fails is logged, once, and asked
 * for again by who needs it. Without a connection it waits for one. 0, or -EINVAL for a name that is no
 * service's.
 */
int smsd_systemd_start_helper(struct smsd_systemd *s, const char *unit);
int smsd_systemd_reload_helper(struct smsd_systemd *s, const char *unit);

/*
 * Runs a unit of ours that does one thing and ends (Type=oneshot), and tells by `ran` what came of it. 0;
 * -EINVAL for a name that is no service's; -EBUSY the same unit runs, or too many do; -ENOTCONN systemd
 * cannot be asked now. There is no time limit here: the unit has one.
 */
int smsd_systemd_run(struct smsd_systemd *s, const char *unit, unsigned token);

static inline void smsd_systemd_cleanup(struct smsd_systemd **s)
{
        *s = smsd_systemd_free(*s);
}

#endif
