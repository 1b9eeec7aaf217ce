/*
 * The probe: one AT dialogue on one port that proves "this is the AT port of a modem whose SIM can be used" and learns who
 * it is. No I/O: bytes in by at_dialogue_receive, bytes out by at_dialogue_output, time as a parameter.
 *
 * Read-only towards the modem: it asks, it never stores a setting (echo is turned off for the session only, ATE0 does not
 * persist). Order: AT (repeated every 500 ms until the first final result), ATE0, AT+CMEE=1, ATI, AT+CGSN, AT+CPIN? (repeated every
 * second while the SIM is busy or the modem says NOT READY / failure), AT+QINISTAT is not waited for when unsupported; AT+QPINC? only
 * for SIM PIN; then AT+CIMI, AT+QCCID, AT+CREG?, AT+CEREG?, AT+COPS?, AT+CSQ, AT+CPMS?, AT+CFUN?, AT+QNWINFO. An ERROR to an optional command is fine.
 * RDY in mid-session means the modem reset itself: the dialogue starts over.
 */
#ifndef CORE_AT_DIALOGUE_H
#define CORE_AT_DIALOGUE_H

#include "base/usec.h"
#include "core/at_parser.h"
#include "core/modem_facts.h"

#include <stdbool.h>
#include <stddef.h>

enum at_verdict {
        AT_VERDICT_RUNNING,   /* not decided */
        AT_VERDICT_READY,     /* AT port proven, SIM READY (or SIM PIN asked and not answered: see facts.sim) */
        AT_VERDICT_SIM,       /* AT port proven, the SIM needs a person or is missing: facts.sim says which (PIN, PUK; ABSENT and FAILURE
                                 and BUSY only at the deadline) */
        AT_VERDICT_SILENT,    /* no final result until the deadline */
        AT_VERDICT_NOT_AT,    /* binary or NMEA: another port of the modem */
};

struct at_dialogue {
        struct at_parser parser;
        struct modem_facts facts;
        enum at_verdict verdict;
        unsigned step;         /* index into the table of commands */
        bool awaiting;         /* a command is out, its final result is not in */
        bool proven;           /* any final result came: this is an AT port */
        usec_t give_up;        /* the deadline of the whole dialogue */
        usec_t next;           /* when to resend or to give up on the command in flight */
        char output[64];       /* bytes to be written */
        size_t output_length;
        unsigned restarts;     /* self-resets seen */
};

/* Begins at `now`; gives up at `give_up` (absolute). The first AT is in the output at once. */
void at_dialogue_start(struct at_dialogue *dialogue, usec_t now, usec_t give_up);

/* Bytes from the port. */
void at_dialogue_receive(struct at_dialogue *dialogue, const char *data, size_t size, usec_t now);

/* Time has passed: resend, time out a command, give up. */
void at_dialogue_tick(struct at_dialogue *dialogue, usec_t now);

/* When at_dialogue_tick is wanted next; USEC_INFINITY once decided. */
usec_t at_dialogue_deadline(const struct at_dialogue *dialogue);

/* Copies what has to be written now into `target` (at least 64 bytes) and forgets it. Returns the number of bytes, 0 for none. */
size_t at_dialogue_output(struct at_dialogue *dialogue, char *target, size_t size);

/* A word and a sentence for a person. */
const char *at_verdict_to_string(enum at_verdict verdict);

#endif
