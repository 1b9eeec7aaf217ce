/*
 * The lifecycle of one physical modem: it appears (USB device or fixed node), its ttys settle, its AT port is
 * chosen by port_role and proven by the AT dialogue, it is ready, it leaves. One probe at a time per modem;
 * every opening of the port has a generation, so that an answer to an older opening is ignored.
 */
#ifndef CORE_MODEM_H
#define CORE_MODEM_H

#include "base/usec.h"
#include "core/action.h"
#include "core/at_dialogue.h"
#include "core/event.h"
#include "core/modem_setup.h"
#include "core/port_role.h"
#include "core/profile.h"

#include <stdbool.h>

#define MODEMS_MAX (SMSD_MODEMS_MAX + 8) /* physical modems: a few more than smsd can serve */

/* A modem has two ports of its own in actions and events: smsd's, for the probe, by its index; and a spare
 * one, for the look at its health. */
#define MODEM_PORTS (2 * MODEMS_MAX)

static inline unsigned modem_spare(unsigned index)
{
        return MODEMS_MAX + index;
}

enum modem_state {
        MODEM_ABSENT,
        MODEM_SETTLING, /* its device is there, the tty of its AT port is not (yet) */
        MODEM_PROBING,
        MODEM_READY,
        MODEM_DEGRADED,   /* boot_timeout is over without READY: used all the same, the reason is recorded */
        MODEM_RECOVERING, /* a reset of ours is under way */
        MODEM_FAILED,     /* refused: crashed firmware, download mode, no AT port */
};

struct modem {
        enum modem_state state;
        bool fixed;               /* a node named by the configuration, no USB device of its own */
        struct usb_device device; /* path "" for a fixed node */
        const struct profile *profile;
        struct port_map map;
        char node[DEVICE_NODE_MAX];   /* the AT port: what smsd.conf shall name */
        char target[DEVICE_NODE_MAX]; /* its realpath: what /proc shows */
        unsigned tried;               /* bit set of interfaces that turned out to be no AT port */
        usec_t boot_timeout;
        usec_t give_up;  /* end of the current probe */
        usec_t retry_at; /* when to open the port again; USEC_INFINITY: not by time */
        bool opening;    /* ACTION_PORT_OPEN is out */
        bool open;       /* the dialogue runs */
        unsigned generation;
        struct at_dialogue dialogue;
        struct modem_facts facts;
        bool proven;     /* the AT port answered AT in this plug */
        bool told;       /* its readiness (or the lack of it) was recorded */
        bool in_use;     /* smsd had its port open when we looked last */
        bool distrusted; /* smsd's handler ended on it: it must prove itself before smsd is started on it
                            again */
        struct modem_setup setup; /* [provision], in the probe's place */
        char reason[192];         /* why it is not ready, for a person; "" when it is */
        usec_t ready_at;          /* a probe found it READY at, 0 none in this plug */
        usec_t used_at;           /* smsd had its port last at */
};

/* An empty place: ABSENT. */
void modem_init(struct modem *modem);

/* The device appeared or changed. `profile` NULL: none knows it. It is borrowed for as long as the modem is
 * there. */
void modem_device(struct modem *modem, unsigned index, const struct usb_device *device,
                  const struct profile *profile, usec_t boot_timeout, usec_t now,
                  struct action_list *actions);

/* A fixed node is there (again). */
void modem_node(struct modem *modem, unsigned index, const char *node, const char *target,
                usec_t boot_timeout, usec_t now, struct action_list *actions);

/* It left. What is known about it stays readable until it is used again. */
void modem_gone(struct modem *modem, unsigned index, struct action_list *actions);

/*
 * Goes on as far as it may: opens the port when a probe is due. `allowed` false (a hold, a stop in progress)
 * or `in_use` (smsd has the port open) closes a probe that runs; a modem that smsd uses is READY by that.
 */
void modem_drive(struct modem *modem, unsigned index, bool allowed, bool in_use, usec_t now,
                 struct action_list *actions);

/* EVENT_PORT_* of this modem. */
void modem_port_event(struct modem *modem, unsigned index, enum event_kind kind,
                      const struct port_event *port, usec_t now, struct action_list *actions);

/* Begins a new probe, as after a plug: smsd lost its port. */
void modem_reprobe(struct modem *modem, usec_t now);

/*
 * smsd's handler ended on it. A new probe decides, and until that finds its SIM READY (or the modem is
 * plugged in again, or a person asks for a start) it is not usable: a modem without a SIM would be started
 * for ever, and each try interrupts the other modems.
 */
void modem_distrust(struct modem *modem, usec_t now);

/* smsd works with it: its SIM is READY, whatever the last probe saw. */
void modem_trust(struct modem *modem);

/* Another dialogue of ours needs its port: a probe that runs is begun anew when it may be. */
void modem_interrupt(struct modem *modem, unsigned index, usec_t now, struct action_list *actions);

/* A person wants it tried. */
void modem_forgive(struct modem *modem);

/* When modem_drive is wanted next. */
usec_t modem_deadline(const struct modem *modem);

static inline bool modem_present(const struct modem *modem)
{
        return modem->state != MODEM_ABSENT;
}

/* True when `target` (a realpath) is the port of one that is there. */
bool modems_have_port(const struct modem *modems, unsigned n, const char *target);

/* True when smsd can be started on it: READY, or DEGRADED and not distrusted. */
bool modem_usable(const struct modem *modem);

/* The interface number of its AT port, -1 unknown or fixed node. */
int modem_interface(const struct modem *modem);

const char *
modem_state_to_string(enum modem_state state); /* absent settling probing ready degraded recovering failed */

#endif
