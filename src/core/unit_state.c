/*
 * Words for what systemd says of smsd's unit.
 */
#include "core/unit_state.h"

const char *unit_job_to_string(enum unit_job job)
{
        static const char *const names[] = {
            [UNIT_JOB_NONE] = "none",       [UNIT_JOB_START] = "start", [UNIT_JOB_STOP] = "stop",
            [UNIT_JOB_RESTART] = "restart", [UNIT_JOB_OTHER] = "other",
        };

        return names[job];
}
