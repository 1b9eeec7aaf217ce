/*
 * systemd's manager for programs that run and end (the CLI, smswarden-hold): a few synchronous calls, each
 * bounded in time. The daemon, which must not wait, has adapters/smsd_systemd.h.
 */
#ifndef ADAPTERS_SYSTEMD_MANAGER_H
#define ADAPTERS_SYSTEMD_MANAGER_H

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

struct systemd_manager;

/* Over the system bus, or systemd's own socket when there is no bus daemon (root only). 0, -ENOTCONN where
 * systemd is not PID 1, else why it cannot be reached. */
int systemd_manager_new(struct systemd_manager **ret);
struct systemd_manager *systemd_manager_free(struct systemd_manager *manager);

/*
 * Asks for a job on the unit: `method` is the manager's ("StartUnit", "StopUnit", "RestartUnit"), mode
 * "replace". Returns when the job is enqueued, not when it is done. A negative errno comes with systemd's own
 * words in `problem` (escaped).
 */
int systemd_manager_job(struct systemd_manager *manager, const char *method, const char *unit, char *problem,
                        size_t size);

/* Reads the unit files again. */
int systemd_manager_reload(struct systemd_manager *manager, char *problem, size_t size);

/* 1: the unit's ActiveState is active, activating or reloading; 0: it is not, or there is none of that name.
 */
int systemd_manager_is_active(struct systemd_manager *manager, const char *unit);

/* 1: a shutdown or reboot is under way. */
int systemd_manager_is_stopping(struct systemd_manager *manager);

static inline void systemd_manager_cleanup(struct systemd_manager **manager)
{
        *manager = systemd_manager_free(*manager);
}

#endif
