/*
 * A slot is a modem section of smsd.conf; binding says which physical modem sits in which slot. Explicit
 * matches first, then what is remembered, then preference of the family and the order of USB paths. Bindings
 * are stable: a bound, present modem stays.
 */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

#include "core/config.h"
#include "core/modem.h"
#include "core/modem_record.h"

#include <stdbool.h>

struct slot {
        struct modem_config config;
        struct modem_record record;
        int modem;                         /* index of the physical modem, -1 none */
        char conf_device[DEVICE_NODE_MAX]; /* as smsd.conf names it now, "" unknown */
        char serving[DEVICE_NODE_MAX];     /* the tty on which smsd's handler served it last, "" none */
        char heard_imei[16];               /* its handler says so and is not yet seen on a port; else "" */
        bool has_pin;                      /* smsd.conf has a PIN for it */
        uint64_t pin;                      /* hash of that PIN */
        bool asked;                        /* a person asked for the start that is under way */
        usec_t poll_interval;   /* between two polls of smsd for received messages; 0: it does not poll */
        bool pass_guard;        /* ... with --force: the guard is passed once */
        bool came_up;           /* a modem has been fit for smsd here in this life of ours */
        bool unregistered;      /* smsd says so */
        usec_t unregistered_at; /* it said so last */
        usec_t silent_at, blocked_at;
        bool blocked;         /* smsd blocks sending after failures */
        bool silent;          /* smsd says that the modem does not answer */
        bool answered;        /* the smsd that runs had an answer from the modem */
        usec_t status_moved;  /* its time in stats/status was seen to change */
        bool base_known;      /* status_base was read since this smsd runs */
        char status_base[32]; /* its time in stats/status that proves nothing: from before */
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

/* Another smsd serves it from now on: nothing that was said before proves that the modem answers. */
void slot_forget_answer(struct slot *slot);

/* smsd's handler of this slot has the tty from now on, and so no other slot's has it. */
void slots_set_serving(struct slots *slots, struct slot *slot, const char *tty);

/* Binds and unbinds as far as it can be decided now. Returns true when a binding changed. */
bool slots_bind(struct slots *slots, const struct modem *modems, unsigned n_modems);

/* The slot whose modem is `modem`, NULL none. */
struct slot *slots_of_modem(struct slots *slots, unsigned modem);

/* The guard that forbids an automatic start for this slot now (remembered, or seen at its modem). */
enum guard slot_guard(const struct slot *slot, const struct modem *modems);

/* True when smsd can and may serve it: bound, usable, not guarded. */
bool slot_startable(const struct slot *slot, const struct modem *modems);

/* The modem in the slot, NULL when none is bound or it left. */
const struct modem *slot_modem(const struct slot *slot, const struct modem *modems);

#endif
