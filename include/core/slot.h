/*
 * A slot is a modem section of smsd.conf; binding says which physical modem sits in which slot. Explicit
 * matches first, then what is remembered, then preference of the family and the order of USB paths. Bindings
 * are stable: a bound, present modem stays.
 */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

#include "core/config.h"
#include "core/health.h"
#include "core/modem.h"
#include "core/modem_record.h"
#include "core/process.h"

#include <stdbool.h>

/* What it has cost the others: gateway_company.c */
struct slot_company {
        unsigned restarts;   /* of smsd for its sake while others were served, not forgiven yet */
        usec_t last;         /* the last of them */
        usec_t served_since; /* 0: it is not, or nothing is to be forgiven */
};

struct slot {
        struct modem_config config;
        struct modem_record record;
        struct health health; /* the verdict (gateway_verdict.c) */
        struct slot_company company;
        struct process_id crash_of; /* the main process under which its modem crashed last: it counts once */
        uint64_t pin;               /* hash of the PIN in smsd.conf */
        usec_t poll_interval;       /* between two polls of smsd for received messages; 0: it does not poll */
        usec_t unregistered_at, silent_at, blocked_at; /* smsd said so last */
        usec_t status_moved;                           /* its time in stats/status was seen to change */
        usec_t doubted_at; /* smsd's log said something bad of it last: what a look saw before is old */
        usec_t traffic_at; /* a message of its went out or came in, 0 none in this life */
        usec_t away_until; /* its modem restarts by our wish and is awaited so long */
        int modem;         /* index of the physical modem, -1 none */
        /* smsd.conf */
        char conf_device[DEVICE_NODE_MAX]; /* as smsd.conf names it now, "" unknown */
        unsigned unexpected;               /* answers that smsd could not use, since the last good one */
        unsigned write_errors;             /* of smsd on its port, since it last went well */
        usec_t write_error_at;             /* the last of them */
        unsigned handler_ends;             /* of smsd's, since it was served well */
        usec_t handler_ends_since;         /* the first of them */
        bool has_pin;                      /* smsd.conf has a PIN for it */
        bool lists_messages;               /* smsd reads with AT+CMGL: what is read is not what it has */
        /* what smsd shows of it */
        char serving[DEVICE_NODE_MAX];       /* the tty on which smsd's handler served it last, "" none */
        char heard_imei[16], heard_imsi[16]; /* its handler says so and is not yet seen on a port; else "" */
        char status_base[32];                /* its time in stats/status that proves nothing: from before */
        bool base_known;                     /* status_base was read since this smsd runs */
        bool answered;                       /* the smsd that runs had an answer from the modem */
        bool unregistered;                   /* smsd says so */
        bool denied;  /* smsd says that the network refuses it; unregistered is true then as well */
        bool blocked; /* smsd blocks sending after failures */
        bool silent;  /* smsd says that the modem does not answer */
        bool crashed; /* its modem did, under smsd: what it was sending is being looked for */
        /* what is done about it */
        bool asked;      /* a person asked for the start that is under way */
        bool pass_guard; /* ... with --force: the guard is passed once */
        bool came_up;    /* a modem has been fit for smsd here in this life of ours */
        bool wary;     /* smsd may have its device only when it was asked who it is (pin_imei, [provision]) */
        bool reserved; /* smsd lets go of its modem, which is ours then: it is not started on it */
        bool displaced;    /* that was asked of smsd in this plug, for a set-up */
        usec_t leave_at;   /* the reset that is due is asked for no sooner */
        bool strange_told; /* that its modem is not let in was recorded */
};

struct slots {
        unsigned n;
        struct slot items[SMSD_MODEMS_MAX];
};

/* Takes the slots from the configuration, or (without any [modem]) one per name in smsd.conf's `devices`.
 * Slots that stay keep what they know. 0 or -ENOMEM. */
int slots_configure(struct slots *slots, const struct config *config, const char names[][SMSD_MODEM_NAME_MAX],
                    unsigned n_names);

struct slot *slots_find(struct slots *slots, const char *name);

/* Another handler serves it from now on: what the one before complained of is not its word. */
void slot_forget_complaints(struct slot *slot);

/* Another smsd does: nothing that was said before proves that the modem answers, either. */
void slot_forget_answer(struct slot *slot);

/* smsd's handler of this slot has the tty from now on, and so no other slot's has it. */
void slots_set_serving(struct slots *slots, struct slot *slot, const char *tty);

/* Binds and unbinds as far as it can be decided now. Returns true when a binding changed. */
bool slots_bind(struct slots *slots, const struct modem *modems, unsigned n_modems);

/* The slot whose modem is `modem`, NULL none. */
struct slot *slots_of_modem(struct slots *slots, unsigned modem);

/* True when pin_imei does not let this modem in. */
bool slot_refuses(const struct slot *slot, const struct modem *modem);

/* The guard that forbids an automatic start for this slot now (remembered, or seen at its modem). */
enum guard slot_guard(const struct slot *slot, const struct modem *modems);

/* True when smsd can and may serve it: bound, usable, not guarded. */
bool slot_startable(const struct slot *slot, const struct modem *modems);

/* The modem in the slot, NULL when none is bound or it left. */
const struct modem *slot_modem(const struct slot *slot, const struct modem *modems);

#endif
