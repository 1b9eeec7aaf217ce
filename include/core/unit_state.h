/*
 * What systemd says of smsd's unit (smstools.service). It never says whether smsd works: that is what the
 * processes say. It says who acts on the unit beside us, and whether the whole system goes down.
 */
#ifndef CORE_UNIT_STATE_H
#define CORE_UNIT_STATE_H

#include <stdbool.h>

/* A job of somebody else (a person's systemctl, logrotate, a shutdown) that is under way on the unit. */
enum unit_job {
        UNIT_JOB_NONE,
        UNIT_JOB_START,
        UNIT_JOB_STOP,
        UNIT_JOB_RESTART,
        UNIT_JOB_OTHER, /* its kind is not known (yet) */
};

struct unit_state {
        bool known;      /* there is a systemd, and it has answered; else nothing below is valid */
        char active[16]; /* systemd's ActiveState and SubState: "active", "running" */
        char sub[16];
        enum unit_job job;
        bool stopped;         /* somebody else's job has stopped the unit since it was active last */
        bool system_stopping; /* shutdown, reboot, kexec: nothing is to be started any more */
};

const char *unit_job_to_string(enum unit_job job); /* none start stop restart other */

#endif
