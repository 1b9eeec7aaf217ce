/*
 * systemd, asked one thing after the other: for programs that do one thing and end (smswarden-hold, doctor).
 * The daemon has smsd_systemd, which never waits.
 *
 * Every call here waits for its answer, but never longer than the time it is given: also when systemd or the
 * bus daemon hangs, or the connection is still being made. Over systemd's own socket, which only root can
 * use and which needs no bus daemon; else over the system bus.
 */
#ifndef ADAPTERS_UNIT_MANAGER_H
#define ADAPTERS_UNIT_MANAGER_H

#include "base/usec.h"
#include "core/unit_check.h"

#include <stdbool.h>
#include <stddef.h>

struct unit_manager;

/* `address`: NULL for the above, else this one of sd-bus's addresses only, to be spoken to like systemd's own
 * socket (tests). 0; -ETIMEDOUT; else what the system says: nobody can be asked. */
int unit_manager_new(struct unit_manager **ret, const char *address, usec_t timeout);

/* NULL is fine; returns NULL. */
struct unit_manager *unit_manager_free(struct unit_manager *m);

/* True when the system goes down (as it was when unit_manager_new() asked). */
bool unit_manager_is_stopping(const struct unit_manager *m);

/* The ActiveState of a unit: "active", "inactive", "failed" ... A unit that is not loaded is "inactive". 0 or
 * a negative errno with the state untouched. */
int unit_manager_active_state(struct unit_manager *m, const char *unit, usec_t timeout, char ret_state[16]);

/*
 * StopUnit, the answer to which is waited for, but not the end of the unit. A unit that is not loaded is 0.
 */
int unit_manager_stop(struct unit_manager *m, const char *unit, usec_t timeout);

/*
 * RestartUnit, and waits for its job. 0: done. -ENOENT: no such unit; -EPERM: masked, or refused; -ECANCELED:
 * something came between it (another job, a shutdown); -ETIMEDOUT; -EIO: the unit failed. `problem` is a
 * sentence for a person then, escaped.
 */
int unit_manager_restart(struct unit_manager *m, const char *unit, usec_t timeout, char *problem,
                         size_t size);

/* All that unit_check() wants to know. 0 or a negative errno, ret_properties untouched. */
int unit_manager_properties(struct unit_manager *m, const char *unit, usec_t timeout,
                            struct unit_properties *ret_properties);

static inline void unit_manager_cleanup(struct unit_manager **m)
{
        *m = unit_manager_free(*m);
}

#endif
