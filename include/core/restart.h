/*
 * The one restart path. Every start of smsd, whatever asked for it, is
 *
 *   stop and wait until every smsd process is gone -> write smsd.conf if it differs -> clear hold and start
 * -> verify -> done | failed
 *
 * and nothing else in the program may emit ACTION_SMSD_START. Requests that come meanwhile merge into the run
 * in progress (single flight).
 */
#ifndef CORE_RESTART_H
#define CORE_RESTART_H

#include "base/usec.h"
#include "core/action.h"
#include "core/backoff.h"
#include "core/event.h"
#include "core/slot.h"
#include "core/smsd_state.h"

#include <stdbool.h>

enum restart_phase {
        RESTART_IDLE,
        RESTART_STOPPING, /* until no smsd of ours is left */
        RESTART_READING,  /* smsd.conf, to see what must change */
        RESTART_WRITING,
        RESTART_STARTING,
        RESTART_VERIFYING, /* main, handlers, their ports, first poll */
};

enum restart_goal { RESTART_RUN, RESTART_STOP };

enum restart_cause {
        CAUSE_NONE,
        CAUSE_BOOT,          /* the controller began and found smsd down */
        CAUSE_PLUG,          /* a modem is ready that smsd does not serve */
        CAUSE_MOVED,         /* a modem came back under another device node */
        CAUSE_CRASH,         /* the main process died */
        CAUSE_HANDLER_LOST,  /* a modem handler died under a living main process */
        CAUSE_EXTERNAL_STOP, /* somebody ended smsd by TERM, without a hold */
        CAUSE_STRAY,         /* orphaned handlers or a second smsd */
        CAUSE_HOLD_END,
        CAUSE_START,    /* a person: smswarden start */
        CAUSE_RESTART,  /* a person: smswarden restart */
        CAUSE_STOP,     /* a person: smswarden stop */
        CAUSE_UNPLUG,   /* smsd must let go of a dead tty */
        CAUSE_RECOVERY, /* a modem is to be reset; or was */
        CAUSE_IDENTITY, /* smsd must let go of a modem: it is not let in, or new and to be set up */
        CAUSE_MAX
};

enum restart_outcome {
        RESTART_OUTCOME_NONE,
        RESTART_OUTCOME_OK,
        RESTART_OUTCOME_STOPPED,
        RESTART_OUTCOME_UNVERIFIED, /* smsd runs, the modem has not answered it (yet) */
        RESTART_OUTCOME_FAILED,
};

/* What went wrong, but may be the doing of somebody's job on smsd's unit: systemd is asked before it counts.
 */
enum restart_setback {
        SETBACK_NONE,
        SETBACK_START,   /* the start was not carried out */
        SETBACK_MAIN,    /* the main process ended right after its start */
        SETBACK_HANDLER, /* a handler did */
};

/* What a run was to achieve for one slot. */
struct restart_expected {
        char modem[SMSD_MODEM_NAME_MAX];
        char target[DEVICE_NODE_MAX];
};

struct restart {
        enum restart_phase phase;
        enum restart_goal goal;
        enum restart_cause cause;
        usec_t begun;
        struct process_id stop_of; /* STOPPING: the main process that ran when it began, pid 0 none */
        usec_t stop_begun;         /* STOPPING: an smsd that was started since then is somebody else's */
        usec_t deadline;           /* of the phase */
        usec_t next_look;          /* VERIFYING: when to look again */
        usec_t started;            /* when smsd was started */
        bool looked;               /* VERIFYING: the processes were seen since the start */
        usec_t handlers_seen;      /* VERIFYING: all handlers in place since, 0 not yet */
        unsigned extensions;       /* STOPPING: how often a multipart message was waited for */
        unsigned kills;            /* STOPPING: rounds of SIGKILL */
        struct process_id asked;   /* STOPPING: the main process that was asked to end, pid 0 none yet */
        usec_t press_at;           /* STOPPING: when its handlers are asked one by one */
        usec_t release_at;         /* STOPPING: when handlers on a dead tty are killed */
        enum restart_setback setback;
        bool job_seen;        /* a job of somebody was under way during this run */
        bool job_waited;      /* STOPPING: it is waited for */
        bool setback_refused; /* MAIN: smsd refused smsd.conf */
        bool unit_wanted;     /* the gateway is to look at the unit */
        bool yielded;         /* the run ended because somebody's job has started smsd: to be adopted */
        bool stop_again;      /* a stop was requested while the start was under way */
        bool aside;           /* STOPPING: nobody is left; a message is being put aside first */
        bool aside_over;      /* that was done, or took too long */
        bool wait_to_read;    /* READING: somebody edits smsd.conf; read at the deadline */
        bool reading_good;    /* READING: the last good copy */
        unsigned reads;
        bool rolled_back;
        bool unstarted;     /* smsd was not even begun: the backend, not smsd, failed */
        bool handler_ended; /* the last run failed because a handler ended: its modem is to be looked at */
        bool partly;        /* this run, or the last: one modem failed it, others are served */
        struct process_id first_main; /* who ran when the run began, pid 0 nobody */
        struct process_id main;       /* the one we started; pid 0 unknown */
        char *conf_text; /* owned: smsd.conf as smsd is started with it; whoever edits it later changes
                            nothing here */
        size_t conf_length;
        char *new_text; /* owned: the text being written */
        size_t new_length;
        char problem[256];         /* what went wrong on the way, "" nothing */
        char setback_problem[256]; /* START, HANDLER */
        unsigned n_expected;
        struct restart_expected expected[SMSD_MODEMS_MAX];
        unsigned n_tokens;
        unsigned tokens[16]; /* commands that wait for this run */
        unsigned n_termed;
        struct process_id termed[SMSD_PROCESSES_MAX]; /* strays that were told to end */

        struct backoff backoff;
        usec_t not_before; /* the next automatic run begins no earlier */
        usec_t recheck_at; /* look again 35 s after a start */

        unsigned total; /* starts since the controller runs */
        enum restart_cause last_cause;
        enum restart_outcome last_outcome;
        usec_t last_at;
        usec_t last_duration;
        char last_problem[256];
};

/* What the path works on; the slots' modems by index. */
struct restart_world {
        struct smsd_state *smsd;
        struct slots *slots;
        const struct modem *modems;
        unsigned n_modems;
        bool conf_is_old;  /* a later reading of smsd.conf than this event's is on its way */
        bool unit_known;   /* there is a systemd that tells of smsd's unit */
        bool unit_fresh;   /* it was looked at since this was wanted last */
        bool poisoned;     /* a message that crashes the modem is to be put aside before the next start */
        usec_t job_until;  /* a job of somebody is waited for so long, 0: none is under way */
        usec_t anew_since; /* during a hold: an smsd started later is somebody's; 0: no hold */
        usec_t now;
        struct action_list *actions;
};

void restart_init(struct restart *restart, usec_t backoff_max);
void restart_free(struct restart *restart);

/* Asks for a run. `token` names a command that wants the outcome, 0 none. */
void restart_request(struct restart *restart, enum restart_goal goal, enum restart_cause cause,
                     unsigned token, const struct restart_world *world);

/* The result of an action, a scan, a status reading, or time: goes on as far as possible. */
void restart_event(struct restart *restart, const struct event *event, const struct restart_world *world);

/* The run is given up: it neither failed nor went well. Who waits for it is told `message`. */
void restart_abandon(struct restart *restart, const char *message, const struct restart_world *world);

/* Counts a failure that happened outside a run (a crash) and sets not_before. */
void restart_count_failure(struct restart *restart, usec_t now);

/* Says that failures are a loop now, when they are. */
void restart_tell_loop(const struct restart *restart, struct action_list *actions);

/* True while a request for a start can join the run in progress: it has not read smsd.conf yet. */
bool restart_would_read(const struct restart *restart);

bool restart_busy(const struct restart *restart);

/* True while a run waits, with no smsd left, for a message to be put aside. */
bool restart_waits_for_aside(const struct restart *restart);

usec_t restart_deadline(const struct restart *restart);

const char *restart_cause_to_string(enum restart_cause cause);
const char *restart_outcome_to_string(enum restart_outcome outcome); /* none ok stopped unverified failed */
const char *restart_phase_to_string(enum restart_phase phase);

#endif
