/*
 * What can hurt the gateway in the unit that runs smsd: everything that our drop-in sets and somebody else's
 * file has set again, and what a drop-in cannot overrule. Says it in sentences with the fix, for the
 * daemon's log.
 */
#ifndef CORE_UNIT_CHECK_H
#define CORE_UNIT_CHECK_H

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

#define UNIT_CHECK_DROP_IN      "50-smswarden.conf"
#define UNIT_CHECK_PATH_MAX     256
#define UNIT_CHECK_DROP_INS_MAX 16
/* A message may wait that long for the network: who kills smsd before cuts it off, and it goes out twice. */
#define UNIT_CHECK_STOP_MIN (60 * USEC_PER_SEC)

/* The unit as systemd has it in force: the properties of org.freedesktop.systemd1.Unit and .Service, by their
 * names there. "" and 0: not set, or not told. Foreign text is escaped already. */
struct unit_properties {
        char id[128];
        char load_state[16]; /* loaded masked not-found bad-setting error */
        bool need_daemon_reload;
        char fragment_path[UNIT_CHECK_PATH_MAX];
        unsigned n_drop_ins; /* in the order in which systemd reads them */
        char drop_ins[UNIT_CHECK_DROP_INS_MAX][UNIT_CHECK_PATH_MAX];

        char type[16], restart[16], kill_mode[24];
        char pid_file[UNIT_CHECK_PATH_MAX];
        bool remain_after_exit, send_sigkill, restart_force;
        usec_t timeout_stop, runtime_max, watchdog; /* USEC_INFINITY: none; watchdog 0: none */
        /* Command lines, the words parted by blanks, the commands by "; ". */
        char exec_condition[256], exec_start_pre[768], exec_start[512], exec_stop[256], exec_stop_post[256];

        /* Names of other units, parted by blanks. */
        char on_failure[256], upheld_by[256], binds_to[256], requisite[256];
};

/* What is wanted of it. */
struct unit_wanted {
        const char *smsd;      /* the program: "/usr/sbin/smsd" */
        const char *smsd_conf; /* "/etc/smsd.conf": smsd's own default, needs no -c */
};

enum unit_problem {
        UNIT_PROBLEM_MISSING,
        UNIT_PROBLEM_MASKED,
        UNIT_PROBLEM_BROKEN,  /* systemd could not load it */
        UNIT_PROBLEM_STALE,   /* files were changed, systemd has not read them */
        UNIT_PROBLEM_DROP_IN, /* ours is not in force; nothing more is said then */
        UNIT_PROBLEM_RESTART, /* a second restarter */
        UNIT_PROBLEM_RESTART_FORCE,
        UNIT_PROBLEM_TYPE,
        UNIT_PROBLEM_REMAINS,
        UNIT_PROBLEM_PID_FILE,
        UNIT_PROBLEM_COMMAND, /* ExecStart is not smsd in the foreground */
        UNIT_PROBLEM_CONF,    /* it is, with another smsd.conf */
        UNIT_PROBLEM_KEEPS_HOLD,
        UNIT_PROBLEM_CONDITION,
        UNIT_PROBLEM_EXEC_STOP,
        UNIT_PROBLEM_EXEC_STOP_POST,
        UNIT_PROBLEM_KILL_MODE,
        UNIT_PROBLEM_NO_SIGKILL,
        UNIT_PROBLEM_STOP_TOO_SHORT,
        UNIT_PROBLEM_RUNTIME_MAX,
        UNIT_PROBLEM_WATCHDOG,
        UNIT_PROBLEM_ON_FAILURE,
        UNIT_PROBLEM_UPHELD,
        UNIT_PROBLEM_BOUND,
        UNIT_PROBLEM_MAX
};

struct unit_finding {
        enum unit_problem problem;
        char what[512]; /* what is so and what comes of it; a clause without full stop */
        char fix[512];  /* what to do */
};

/* Looks for all problems. Returns how many there are and fills the first `max` of them; 0: nothing is wrong.
 */
size_t unit_check(const struct unit_properties *unit, const struct unit_wanted *wanted,
                  struct unit_finding *ret_findings, size_t max);

/* True for the problems with which systemd cannot start smsd at all: masked, missing, broken. */
bool unit_problem_is_fatal(enum unit_problem problem);

#endif
