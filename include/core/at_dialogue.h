/*
 * The probe: one AT dialogue on one port that proves "this is the AT port of a modem whose SIM can be used"
 * and learns who it is. No I/O: bytes in by at_dialogue_receive, bytes out by at_dialogue_output, time as a
 * parameter.
 *
 * Read-only towards the modem: it asks, it never stores a setting (echo off and numeric errors, ATE0 and
 * AT+CMEE=1, are for the session only). Every command costs about 55 ms on an EC25, so what decides comes
 * first and what only informs comes last:
 *
 *   ATE0                    repeated every 500 ms until the first final result, whatever it is: that proves
 * an AT port AT+CMEE=1, AT+CGSN AT+CPIN?                asked again every second while the SIM is busy,
 * absent, failing or NOT READY AT+QPINC? AT+CFUN?      only for a SIM that wants its PIN / for one that fails
 *   AT+QCCID                (AT+CICCID where that brought nothing)
 *   -- here a SIM that wants PIN or PUK ends the dialogue: AT_VERDICT_SIM at once; the caller decides, smsd
 * enters the PIN -- AT+CIMI, AT+QINISTAT    asked again while SMS DONE is missing, 10 s at most; an ERROR
 * (unknown command) is fine
 *   -- all that decides whether smsd can be started is known: 7 commands on a modem that is up --
 *   ATI, AT+CREG?, AT+CEREG? (if not registered by then), AT+COPS?, AT+CSQ, AT+CPMS?, AT+QNWINFO, AT+CFUN?
 *
 * From QPINC on, and ATI on, all are optional: an ERROR is fine, one unanswered for 1 s is passed over, and
 * after two such the rest of the optional ones is dropped. RDY in mid-session means the modem reset itself:
 * the dialogue starts over.
 *
 * What AT+CPIN? says (EC25): +CPIN: READY | SIM PIN | SIM PUK, +CME ERROR: 10 no SIM, 14 busy (the first
 * seconds), 13 failure. 13 comes under CFUN=0 too, for the SIM is powered down then: facts.functionality is 0
 * in that case. Under CFUN=4 (flight mode) the SIM answers READY and only the registration is missing. Other
 * locks (PIN2, network lock) are SIM_FAILURE.
 */
#ifndef CORE_AT_DIALOGUE_H
#define CORE_AT_DIALOGUE_H

#include "base/usec.h"
#include "core/at_exchange.h"
#include "core/modem_facts.h"

#include <stdbool.h>
#include <stddef.h>

enum at_verdict {
        AT_VERDICT_RUNNING, /* not decided */
        AT_VERDICT_READY,   /* AT port proven, SIM READY */
        AT_VERDICT_SIM, /* AT port proven, the SIM needs a person or is missing: facts.sim says which. PIN and
                           PUK at once; ABSENT, FAILURE, BUSY, and UNKNOWN (never told) only at the deadline
                         */
        AT_VERDICT_SILENT, /* no final result until the deadline */
        AT_VERDICT_NOT_AT, /* binary or NMEA: another port of the modem */
};

struct at_dialogue {
        struct at_exchange exchange;
        struct modem_facts facts;
        enum at_verdict verdict;
        unsigned step;        /* index into the table of commands */
        unsigned asked_again; /* ... how often, because the answer said "not yet" */
        unsigned unanswered;  /* optional commands passed over for silence */
        unsigned restarts;    /* self-resets seen */
};

/* Begins at `now`; gives up at `give_up` (absolute). The first command is in the output at once. */
void at_dialogue_start(struct at_dialogue *dialogue, usec_t now, usec_t give_up);

/* Bytes from the port; any bytes in any pieces. Once decided they are ignored. */
void at_dialogue_receive(struct at_dialogue *dialogue, const char *data, size_t size, usec_t now);

/* Time has passed: resend, time out a command, give up. */
void at_dialogue_tick(struct at_dialogue *dialogue, usec_t now);

/* When at_dialogue_tick is wanted next; USEC_INFINITY once decided. */
usec_t at_dialogue_deadline(const struct at_dialogue *dialogue);

/* Copies what has to be written now into `target` (at least 64 bytes) and forgets it. Returns the number of
 * bytes, 0 for none. */
size_t at_dialogue_output(struct at_dialogue *dialogue, char *target, size_t size);

const char *at_verdict_to_sentence(enum at_verdict verdict); /* for a person: what it means and what to do */

#endif
