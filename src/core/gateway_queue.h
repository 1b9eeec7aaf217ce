/*
 * What the gateway remembers of smsd's messages: those that are sent again by themselves, and those that
 * crash the modem; a part of struct gateway, for gateway_queue.c, gateway_unsent.c and gateway_poison.c only.
 */
#ifndef CORE_GATEWAY_QUEUE_H
#define CORE_GATEWAY_QUEUE_H

#include "core/event.h"

#include <stdbool.h>

#define QUEUE_SEEN_MAX 256
#define POISONED_MAX   8

/* A failed message that was seen: how long it lies there is known without the wall clock, too. */
struct queue_seen {
        uint64_t id; /* of name and time */
        usec_t since;
        usec_t not_before; /* it could not be moved, and is left alone until then */
        bool there;        /* in the list at hand */
};

struct gateway_queue {
        usec_t asked_until; /* ACTION_MESSAGES_LIST is out, and is waited for so long; 0: none is */
        usec_t looked_at, look_at;
        unsigned n_seen;
        struct queue_seen seen[QUEUE_SEEN_MAX];
};

/* Of the failed message that is told: one at a time (adapters/queue_watch). */
enum unsent_state {
        UNSENT_NONE,
        UNSENT_WAITS,  /* for the end of smsd, or until it is let go */
        UNSENT_MOVING, /* ACTION_MESSAGE_REQUEUE is out */
        UNSENT_QUEUED, /* it is in outgoing again */
};

struct gateway_unsent {
        bool stopping;      /* we have told smsd to end, and have not seen it down */
        usec_t begun, over; /* the last stop of ours, 0 none, and until when it counts when it is done */
        bool no_pdu;        /* smsd.conf: the failed files do not say what was given to a modem */
        enum unsent_state state;
        usec_t try_at;     /* WAITS: not before */
        usec_t give_up_at; /* WAITS, MOVING: it is told as any other; USEC_INFINITY while smsd ends */
        struct message_failed_event message;
};

enum poisoned_state {
        POISONED_WAITS,  /* for the end of smsd */
        POISONED_MOVING, /* ACTION_MESSAGE_QUARANTINE is out */
        POISONED_OVER    /* what became of it is to be told */
};

struct poisoned {
        enum poisoned_state state;
        int result; /* OVER: of the move */
        char name[MESSAGE_NAME_MAX + 1];
        char modem[SMSD_MODEM_NAME_MAX];
        char recipient[32];
        bool last; /* as many as are put aside in a row */
};

struct gateway_poison {
        usec_t asked_until; /* as above */
        usec_t look_at;     /* whether the suspects are still there: not before */
        unsigned n;
        struct poisoned items[POISONED_MAX];
};

#endif
