/*
 * What the gateway remembers of its looks at the modems' spare ports; a part of struct gateway, for
 * gateway_look.c and gateway_verdict.c.
 */
#ifndef CORE_GATEWAY_LOOK_H
#define CORE_GATEWAY_LOOK_H

#include "core/health_dialogue.h"
#include "core/kernel_log.h"
#include "core/process.h"
#include "core/smsd_status.h"

/* Of one modem. All zero: nothing is known. */
struct gateway_look {
        bool opening, open; /* a look is under way */
        unsigned generation;
        struct health_dialogue dialogue;
        usec_t usable_since; /* the modem could be looked at since, 0 it cannot */
        /* The last look: */
        usec_t at;                     /* it ended, 0 none yet in this plug */
        enum health_outcome outcome;   /* RUNNING: the port was not asked */
        struct health_answers answers; /* else */
        bool answered;                 /* it, or an earlier one in this plug, was answered */
        bool seen_before;              /* an earlier one was */
        bool echo_off,
            echo_kept;     /* it, or an earlier one, found echo off, as we had left it; an earlier one */
        char refusal[160]; /* why the port was not asked, for a person; "" it was */
        struct port_holder holder; /* who but smsd has smsd's port open; pid 0 nobody */
        bool identified;           /* it was asked who it is, or could not be */
        usec_t cleaned_at;         /* AT+CMGD=1,1 went out, 0 never */
};

#endif
