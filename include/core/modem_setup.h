/*
 * Setting a modem up: the dialogue of core/provision in the probe's place on its port. While it is due or
 * under way the modem is PROBING, so nobody starts smsd on it; the port is opened as for a probe, never while
 * anybody holds it, and given back as soon as smsd has it open or nobody may touch it (a hold, a stop).
 *
 * Here is the talk alone. Who is set up, how often and what becomes of it is core/gateway_setup.c's.
 */
#ifndef CORE_MODEM_SETUP_H
#define CORE_MODEM_SETUP_H

#include "core/action.h"
#include "core/provision.h"

struct modem;

enum setup_phase {
        SETUP_NONE,
        SETUP_ASKING,  /* the name of its access point is looked up */
        SETUP_DUE,     /* its port is to be opened */
        SETUP_OPEN,    /* it is: modem_setup_begin is wanted */
        SETUP_TALKING, /* until the verdict of `dialogue` is another than RUNNING */
        SETUP_WAITING, /* for leave to reset it: until `until`, or until something happens */
        SETUP_SAVING,  /* it is being noted that its one reset is spent: modem_setup_reset or _decline is
                          wanted */
};

struct modem_setup {
        enum setup_phase phase;
        char slot[SMSD_MODEM_NAME_MAX]; /* whose memory it is entered in */
        usec_t until;                   /* ASKING, WAITING, SAVING: the answer is waited for so long */
        bool told_due;                  /* that its reset waits for its turn was told in an earlier attempt */
        struct provision_dialogue dialogue;
};

/* True while its port, when it is open, is the dialogue's. */
bool modem_setup_has_port(const struct modem *modem);

/* It is to be set up for this slot: the modem is PROBING from now on. `until` 0: its port may be opened. */
void modem_setup_want(struct modem *modem, const char *slot, usec_t until, usec_t give_up, usec_t now);

/* The access point name is known, or will not be: its port may be opened. */
void modem_setup_go(struct modem *modem, usec_t now);

/* The port is open: begins. 0, or -EINVAL: the job holds what was not checked. */
int modem_setup_begin(struct modem *modem, unsigned index, const struct provision_job *job, usec_t give_up,
                      usec_t now, struct action_list *actions);

/* Sends the reset that is due. */
void modem_setup_reset(struct modem *modem, unsigned index, usec_t now, struct action_list *actions);

/* It is over: the port is closed. `probe_at`: when it is to be probed again; 0: it is READY. */
void modem_setup_end(struct modem *modem, unsigned index, usec_t probe_at, struct action_list *actions);

/* For core/modem.c: bytes came, time has passed, when time is wanted; the port is gone, or must be given
 * back; what was only due is not any more. */
void modem_setup_receive(struct modem *modem, unsigned index, const char *data, size_t size, usec_t now,
                         struct action_list *actions);
void modem_setup_tick(struct modem *modem, unsigned index, usec_t now, struct action_list *actions);
usec_t modem_setup_deadline(const struct modem *modem);
void modem_setup_lost(struct modem *modem);
void modem_setup_drop(struct modem *modem);

#endif
