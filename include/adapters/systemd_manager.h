/*
 * systemd's manager for programs that run and end (the CLI, smswarden-hold): synchronous calls, each bounded
 * in time, also when systemd or the bus daemon hangs or the connection is still being made. The daemon, which
 * must not wait, has adapters/smsd_systemd.h.
 */
#ifndef ADAPTERS_SYSTEMD_MANAGER_H
#define ADAPTERS_SYSTEMD_MANAGER_H

#include "base/usec.h"
#include "core/unit_check.h"

#include <stdbool.h>
#include <stddef.h>

struct systemd_manager;

/* As root over systemd's own socket, which needs no bus daemon; else, and when that fails, over the system
 * bus. Each call waits 5 s at the most. 0, -ENOTCONN where systemd is not PID 1, else why it cannot be
 * reached. */
int systemd_manager_new(struct systemd_manager **ret);

/* The same with `timeout` for each call, and for this one. `address`: NULL for the above, else only this one,
 * in sd-bus's notation, spoken to like systemd's own socket (tests). */
int systemd_manager_new_at(struct systemd_manager **ret, const char *address, usec_t timeout);

/* NULL is fine; returns NULL. */
struct systemd_manager *systemd_manager_free(struct systemd_manager *manager);

/*
 * Asks for a job on the unit: `method` is the manager's ("StartUnit", "StopUnit", "RestartUnit"), mode
 * "replace". Returns when the job is enqueued, not when it is done. A negative errno comes with systemd's own
 * words in `problem` (escaped).
 */
int systemd_manager_job(struct systemd_manager *manager, const char *method, const char *unit, char *problem,
                        size_t size);

/*
 * RestartUnit, and waits for its job up to `timeout`. 0: done. -ENOENT: no such unit; -EPERM: masked, or
 * refused; -ECANCELED: something came between (another job, a shutdown); -ETIMEDOUT; -EIO: the unit failed;
 * or what the connection says. `problem` is a sentence for a person then, escaped.
 */
int systemd_manager_restart(struct systemd_manager *manager, const char *unit, usec_t timeout, char *problem,
                            size_t size);

/* Reads the unit files again; waits for it up to three minutes. */
int systemd_manager_reload(struct systemd_manager *manager, char *problem, size_t size);

/* 1: the unit's ActiveState is active, activating or reloading; 0: it is not, or there is none of that name.
 */
int systemd_manager_is_active(struct systemd_manager *manager, const char *unit);

/* The SubState: "dead" (also of a unit that is not loaded), "running", a timer's "waiting" ... 0, or a
 * negative errno with the state untouched. */
int systemd_manager_sub_state(struct systemd_manager *manager, const char *unit, char ret_state[32]);

/* All that unit_check() wants to know of a service. 0, or a negative errno with the output untouched. */
int systemd_manager_unit_properties(struct systemd_manager *manager, const char *unit,
                                    struct unit_properties *ret_properties);

/* 1: a shutdown or reboot is under way. */
int systemd_manager_is_stopping(struct systemd_manager *manager);

static inline void systemd_manager_cleanup(struct systemd_manager **manager)
{
        *manager = systemd_manager_free(*manager);
}

#endif
