/*
 * The smsd processes of the box as the process-table adapter sees them: raw facts, one entry a process.
 * Identity is pid and start time together; a bare pid is never an identity.
 */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

#include "base/usec.h"
#include "core/usb_device.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SMSD_PROCESSES_MAX 160

struct process_id {
        pid_t pid;
        uint64_t start_time; /* clock ticks since boot: /proc/PID/stat field 22 */
};

#define PROCESS_TICKS_PER_SEC 100 /* USER_HZ: the same on every Linux that smsd runs on */

/* When it was started, CLOCK_BOOTTIME; up to one tick (10 ms) too early. */
static inline usec_t process_started(struct process_id id)
{
        return id.start_time * (USEC_PER_SEC / PROCESS_TICKS_PER_SEC);
}

/* False only when it was surely started before `time`: within the tick it may have been either. */
static inline bool process_started_since(struct process_id id, usec_t time)
{
        return usec_add(process_started(id), USEC_PER_SEC / PROCESS_TICKS_PER_SEC) >= time;
}

static inline bool process_id_equal(struct process_id a, struct process_id b)
{
        return a.pid == b.pid && a.start_time == b.start_time;
}

struct smsd_process {
        struct process_id id;
        pid_t parent;
        pid_t group;               /* process group */
        bool ours;                 /* our pid namespace and our smsd_conf (or our pidfile names it) */
        bool in_pidfile;           /* the pidfile names this pid */
        bool tty_deleted;          /* the tty it holds is gone: a dead fd */
        char tty[DEVICE_NODE_MAX]; /* the serial port it has open, as /proc/PID/fd says (without "
                                      (deleted)"); "" none */
};

struct process_list {
        unsigned n;
        bool truncated; /* there were more than SMSD_PROCESSES_MAX */
        struct smsd_process processes[SMSD_PROCESSES_MAX];
};

/* The fields of /proc/PID/stat that tell who a process is. */
struct process_stat {
        char comm[32];
        pid_t parent;
        pid_t group;
        unsigned long terminal; /* device number of the controlling terminal, 0 none */
        uint64_t start_time;
};

/* Reads the text of /proc/PID/stat; the name in it may hold blanks and parentheses. Returns 0 or -EINVAL. */
int process_stat_parse(const char *text, struct process_stat *ret_stat);

/* A process that holds a port, named for a person. */
struct port_holder {
        struct process_id id; /* pid 0: nobody */
        char command[32];     /* comm, escaped */
        char unit[64];        /* systemd unit from its cgroup, "" none */
};

#endif
