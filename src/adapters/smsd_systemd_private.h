/*
 * What the parts of the systemd backend share:
 *
 *   smsd_systemd.c          the public functions, and how an event of one part reaches the others
 *   smsd_systemd_link.c     the connection: system bus or systemd's own socket, lost and made again
 *   smsd_systemd_inquiry.c  asks systemd what it knows of the unit
 *   smsd_systemd_job.c      our own job: sent, followed, judged, answered once
 *   smsd_systemd_unit.c     other people's jobs and the unit's state
 *   smsd_systemd_timer.c    the transient timer that ends a hold in our absence
 *   smsd_systemd_helper.c   another unit of ours that is to be started: smswarden-notify
 *   smsd_systemd_errand.c   units of ours that do one thing and end: smswarden-power@.service
 *   smsd_systemd_words.c    systemd's errors and job results in a person's words
 *
 * A part calls another by the functions below only. Each keeps its own struct; nobody else writes into it.
 */
#ifndef ADAPTERS_SMSD_SYSTEMD_PRIVATE_H
#define ADAPTERS_SMSD_SYSTEMD_PRIVATE_H

#include "adapters/smsd_systemd.h"

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_PRIVATE  "/run/systemd/private"
#define SYSTEMD_NAME     "org.freedesktop.systemd1"
#define SYSTEMD_PATH     "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER  "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT     "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE  "org.freedesktop.systemd1.Service"
#define SYSTEMD_SHUTDOWN "shutdown.target"
#define SYSTEMD_ERROR    "org.freedesktop.systemd1."
#define UNIT_NAME_SIZE   256 /* systemd's own limit, with the NUL */
#define JOB_RESULT_SIZE  16
#define PROBLEM_SIZE     256
#define PROGRAM_SIZE     128
#define RECENT_JOBS      8
#define TIMER_ACCURACY   (50 * USEC_PER_MSEC)

/* --- what systemd says of the unit --- */

/* As ListUnitsByNames and the properties tell it; "" and 0 for what it does not know. */
struct unit_facts {
        char active[16];
        char sub[16];
        uint32_t job; /* 0: none */
        enum unit_job job_kind;
        bool system_stopping;
        bool condition_failed;
        pid_t main_pid;
        int exit_status;            /* of the main process that ended last, or of the try to execute it */
        char program[PROGRAM_SIZE]; /* that ExecStart= names, escaped */
        usec_t left_inactive;       /* CLOCK_MONOTONIC: when it was started last */
};

/* One question at a time; whoever asks meanwhile gets the answer of the next one. */
struct inquiry {
        unsigned waiting; /* answers that are still to come */
        bool again;
        struct unit_facts facts;
};

/* --- the connection --- */

enum link_way {
        LINK_BUS,
        LINK_PRIVATE,
};

struct link {
        enum link_way way;
        sd_bus *bus;        /* NULL: between two tries */
        bool ready;         /* subscribed: signals come, questions are answered */
        char owner[64];     /* the unique name of systemd: anybody may send us a signal */
        unsigned failures;  /* in a row; odd: the other way is tried at once */
        unsigned unreached; /* tries in a row that did not get as far as systemd */
        usec_t ready_since;
        usec_t next_try;
        sd_event_source *timer; /* the end of a try, or the next try */
        sd_bus *dead;           /* to be closed when its dispatch is over */
        sd_event_source *bury;
};

/* --- our own job --- */

enum job_step {
        OWN_JOB_NONE,
        OWN_JOB_WAITING, /* for a connection; nothing was sent */
        OWN_JOB_CALLED,  /* the call is sent, its answer is not here */
        OWN_JOB_QUEUED,  /* systemd gave it an id */
        OWN_JOB_UNSURE,  /* the connection was lost: what became of it must be asked */
        OWN_JOB_ENDED,   /* its result is known; the unit is asked before the answer */
};

enum own_job_kind {
        OWN_JOB_STOP,
        OWN_JOB_START,
};

/* A job of the unit that ended while our call was not answered: ours or somebody else's. */
struct recent_job {
        uint32_t id;
        char result[JOB_RESULT_SIZE];
};

struct own_job {
        enum job_step step;
        enum own_job_kind kind;
        uint32_t id;     /* 0: not known */
        bool other_seen; /* somebody else's job came while ours was there */
        usec_t called;   /* CLOCK_MONOTONIC */
        char result[JOB_RESULT_SIZE];
        struct recent_job recent[RECENT_JOBS];
        unsigned recents;
        bool recents_lost;
        sd_bus_slot *call; /* its answer is awaited; without it a late one finds nobody */
        sd_event_source *timer;
};

/* --- other people's jobs --- */

struct other_job {
        uint32_t id; /* 0: none */
        enum unit_job kind;
};

struct unit_watch {
        struct other_job other;
        enum unit_job last_kind; /* of the other job seen last */
        struct unit_state state; /* as told last */
        bool stopped;
        bool look; /* an answer is owed */
        sd_event_source *timer;
};

/* --- the hold timer --- */

enum timer_step {
        HOLD_TIMER_IDLE,
        HOLD_TIMER_STOPPING, /* StopUnit is sent */
        HOLD_TIMER_LEAVING,  /* systemd has still to forget the old one */
        HOLD_TIMER_STARTING,
};

struct hold_timer {
        char unit[UNIT_NAME_SIZE];
        enum timer_step step;
        bool wanted;    /* there shall be one */
        bool due;       /* what is wanted has not been carried out */
        bool removed;   /* systemd forgot the old one */
        usec_t end;     /* CLOCK_MONOTONIC */
        unsigned tries; /* of StartTransientUnit against a name that is still taken */
        sd_event_source *timer;
};

/* --- the helper --- */

enum helper_wish { HELPER_NOTHING, HELPER_RELOAD, HELPER_START };

struct helper_unit {
        char unit[UNIT_NAME_SIZE];
        enum helper_wish wish; /* not carried out yet */
        bool told;             /* that it does not work */
};

/* --- errands --- */

#define ERRANDS_MAX 8

struct errand {
        char unit[UNIT_NAME_SIZE]; /* "": a free place */
        unsigned token;
        sd_bus_slot *call; /* StartUnit's answer is awaited */
};

struct smsd_systemd {
        sd_event *event;
        struct smsd_systemd_callbacks callbacks;
        void *userdata;
        char unit[UNIT_NAME_SIZE];
        char *unit_path;       /* its object path */
        char *bus_address;     /* NULL: the system bus */
        char *private_address; /* "unix:path=..." */
        uint32_t left_job;     /* an own job that we no longer follow: nobody else's either */
        struct link link;
        struct inquiry inquiry;
        struct own_job job;
        struct unit_watch watch;
        struct hold_timer hold;
        struct helper_unit helper;
        struct errand errands[ERRANDS_MAX];
};

/* --- smsd_systemd.c: what a part tells the others --- */

void systemd_on_ready(struct smsd_systemd *s);
/* `both`: neither way led to systemd. */
void systemd_on_lost(struct smsd_systemd *s, bool both);
void systemd_on_job_new(struct smsd_systemd *s, uint32_t id);
void systemd_on_job_removed(struct smsd_systemd *s, uint32_t id, const char *result);
void systemd_on_facts(struct smsd_systemd *s, const struct unit_facts *facts);

/* Arms a one-shot timer source that is made on first use; `delay` from now, CLOCK_MONOTONIC. */
int systemd_arm(struct smsd_systemd *s, sd_event_source **source, usec_t delay,
                sd_event_time_handler_t handler);
void systemd_disarm(sd_event_source *source);

/* --- smsd_systemd_link.c --- */

int link_init(struct smsd_systemd *s);
void link_end(struct smsd_systemd *s);
/* The connection is of no use any more: the next one is tried. Safe in the middle of its dispatch. */
void link_lost(struct smsd_systemd *s);
/* Somebody waits: the next try is now, when the last one is not just over. */
void link_hurry(struct smsd_systemd *s);
/* From now on the end of this unit's jobs is heard; no more. */
int link_watch_job(struct smsd_systemd *s, const char *unit);
void link_unwatch_job(struct smsd_systemd *s, const char *unit);
const char *link_destination(const struct smsd_systemd *s);

/* --- smsd_systemd_inquiry.c --- */

void inquiry_ask(struct smsd_systemd *s);
void inquiry_reset(struct smsd_systemd *s);

/* --- smsd_systemd_job.c --- */

int own_job_begin(struct smsd_systemd *s, enum own_job_kind kind);
void own_job_ready(struct smsd_systemd *s);
void own_job_lost(struct smsd_systemd *s);
void own_job_facts(struct smsd_systemd *s, const struct unit_facts *facts);
void own_job_new(struct smsd_systemd *s, uint32_t id);
void own_job_removed(struct smsd_systemd *s, uint32_t id, const char *result);

/* True when the id may be ours; false: surely somebody else's. */
bool own_job_may_be(const struct smsd_systemd *s, uint32_t id);

static inline bool own_job_active(const struct smsd_systemd *s)
{
        return s->job.step != OWN_JOB_NONE;
}

/* --- smsd_systemd_unit.c --- */

int unit_watch_look(struct smsd_systemd *s);
void unit_watch_other(struct smsd_systemd *s, uint32_t id);
/* Learns the kind of somebody else's job, nothing else. */
void unit_watch_kind(struct smsd_systemd *s, const struct unit_facts *facts);
void unit_watch_facts(struct smsd_systemd *s, const struct unit_facts *facts);
/* Answers a look that cannot be answered. */
void unit_watch_unknown(struct smsd_systemd *s);

/* --- smsd_systemd_timer.c --- */

int hold_timer_want(struct smsd_systemd *s, bool wanted, usec_t delay);
void hold_timer_ready(struct smsd_systemd *s);
void hold_timer_lost(struct smsd_systemd *s);
void hold_timer_removed(struct smsd_systemd *s);
void hold_timer_job_removed(struct smsd_systemd *s, const char *result);

/* --- smsd_systemd_helper.c --- */

int helper_want(struct smsd_systemd *s, const char *unit, enum helper_wish wish);
void helper_ready(struct smsd_systemd *s);

/* --- smsd_systemd_errand.c --- */

int errand_begin(struct smsd_systemd *s, const char *unit, unsigned token);
void errand_job_removed(struct smsd_systemd *s, const char *unit, const char *result);
void errand_lost(struct smsd_systemd *s);
void errand_end(struct smsd_systemd *s);

/* --- smsd_systemd_words.c --- */

/* The errno and the sentence for the answer to StopUnit or RestartUnit; foreign text is escaped. */
int words_of_error(const sd_bus_error *error, const char *unit, char problem[PROBLEM_SIZE]);
/* The same for the result of a job; 0 and "" for "done". */
int words_of_result(const char *result, const char *unit, char problem[PROBLEM_SIZE]);
/* The connection, not systemd, failed to answer. */
bool error_is_of_connection(const sd_bus_error *error);
enum unit_job unit_job_of_type(const char *type);

#endif
