/*
 * Can SMS go out and come in through this modem? From all that is known at one moment (the modem's answers on
 * its spare port, what smsd shows of itself, the kernel's hints) to one verdict, with the words that prove it
 * and what to do; and when to look again. Pure judgement: it changes nothing and asks nobody.
 */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include "base/usec.h"
#include "core/alert.h"
#include "core/failure.h"
#include "core/health_dialogue.h"
#include "core/port_role.h"
#include "core/process.h"

#include <stdbool.h>

#define HEALTH_WELL_INTERVAL  (5 * USEC_PER_MIN)
#define HEALTH_DOUBT_INTERVAL (30 * USEC_PER_SEC)
#define HEALTH_GRID           (30 * USEC_PER_SEC) /* looks fall on its multiples: one wakeup for all modems */
#define HEALTH_RECENT_TRAFFIC (10 * USEC_PER_MIN)
#define HEALTH_USB_ERRORS     3                   /* so many within ten minutes are a loop */
#define HEALTH_PERSIST        (20 * USEC_PER_SEC) /* a finding that the next look finds again stands */

enum health_state {
        HEALTH_UNKNOWN,  /* nothing to judge from: no proof of health */
        HEALTH_WELL,     /* proven */
        HEALTH_DOUBTFUL, /* not well, and too early to call it a failure */
        HEALTH_ILL,
};

enum health_storage { STORAGE_UNKNOWN, STORAGE_WELL, STORAGE_NEARLY_FULL, STORAGE_FULL };

/* What smsd shows of itself for this modem. Zeros: nothing is known, it does not run. */
struct health_smsd {
        bool expected;         /* it should serve this modem now: no hold, no restart under way */
        bool running;          /* the main process lives */
        bool served;           /* ... and a handler has this modem's port */
        bool tty_deleted;      /* a handler sits on a tty that is gone */
        bool ends;             /* its handler ends again and again */
        bool orphaned;         /* a handler lives on without its main process */
        bool answered;         /* the handler has had an answer from the modem */
        bool silent;           /* "Modem is not ready to answer commands" */
        unsigned write_errors; /* its last writes to the port that failed, the modem being there */
        bool unregistered, denied, blocked, trouble; /* as its log and stats/status say, still standing */
        bool stuck;                                  /* stats/status has not changed in its time */
        usec_t unchanged;                            /* ... for so long */
        usec_t oldest_file;                          /* age of the oldest in outgoing and checked; 0 none */
        enum sim_state sim; /* of its log's SIM and PIN lines; SIM_UNKNOWN none, or none since it was well */
        bool traffic;       /* a message went out or came in, so long ago: */
        usec_t traffic_age;
};

/* What the kernel shows. Zeros: nothing wrong is known. */
struct health_kernel {
        unsigned usb_errors; /* -71, -110 at this port, in the last ten minutes */
        int usb_error;       /* the last one, as a positive number */
        bool undervoltage;   /* now, or in the last ten minutes */
};

struct health_picture {
        bool present;  /* it is on the USB bus, or its fixed node is there */
        bool expected; /* its absence is no doing of ours (not ladder_expects_absence) */
        enum port_map_result shape;
        bool mute;                 /* its probe, before smsd has it, had no answer in its time */
        bool ports_missing;        /* some of its ttys did not come in their time */
        struct port_holder holder; /* who but smsd has smsd's port; pid 0 nobody. Who holds the spare port is
                                      none of this: it is just not asked then */
        enum health_outcome outcome; /* of the last look; HEALTH_RUNNING: there is none, or an old one */
        const struct health_answers *answers; /* of it; NULL with HEALTH_RUNNING. Borrowed for the call */
        bool seen_before;                     /* an earlier look in the same plug was answered */
        bool echo_kept; /* ... and a later one found echo off, as the one before had left it */
        struct health_smsd smsd;
        struct health_kernel kernel;
};

struct health_verdict {
        enum health_state state;
        const char *cause; /* a word for history and JSON: "sim-absent", "port-held", "well"; a constant */
        enum failure_kind kind; /* for the ladder; NONE: well, or nothing on its steps would help */
        const char *what;       /* half a sentence for a person: "the network refuses it"; a constant */
        enum alert_kind alert;  /* what people are told; ALERT_KIND_MAX: nothing, or by smsd's own alerts */
        enum severity severity; /* ... then */
        bool can_send, can_receive;
        enum health_storage storage;
        bool roaming;
        char evidence[192];    /* what was seen: "+CREG: 0,3 (denied)"; "" when well */
        char next_action[192]; /* for a person; "nothing" */
};

struct health {
        struct health_verdict verdict;
        usec_t since; /* the verdict has this cause since */
        usec_t next;
};

/* The table's verdict on one picture. */
void health_judge(const struct health_picture *picture, struct health_verdict *ret_verdict);

/* The findings in their order, for the document of them: false behind the last. Its evidence is "". */
bool health_finding_at(unsigned index, struct health_verdict *ret_verdict);

/* Nothing is known; the first look is due at once. */
void health_init(struct health *health, usec_t now);

/*
 * Judges. `looked`: the picture is that of a look which has just ended, so the next one is set; else it is
 * only brought forward when something is not well. True when the cause is another than before.
 */
bool health_update(struct health *health, const struct health_picture *picture, bool looked, usec_t now);

/* It is ill, and not only for a moment: the same was found for HEALTH_PERSIST. Until then a failure is a
 * doubt. */
bool health_stands(const struct health *health, usec_t now);

/* Something happened (a log line, a plug): look as soon as the grid allows. */
void health_doubt(struct health *health, usec_t now);

/* When the next look is due: on the grid, so that many modems share a wakeup. */
usec_t health_deadline(const struct health *health);

/* Whether the next look asks everything: unless the last one found it well. */
bool health_wants_all(const struct health *health);

const char *health_state_to_string(enum health_state state); /* unknown well doubtful ill */

#endif
