/*
 * One command at a time on an AT port: it goes out, lines come in, one of them is its final result, or its
 * time is over; and the time of the whole dialogue may be over. What the dialogues (at_dialogue,
 * health_dialogue, provision) have in common; which command comes next, and what an answer means, is theirs.
 *
 * Answers carry no address, so a late answer to a command that was repeated or given up must not be taken for
 * the answer to the next: `surplus` counts how many such may still come, and an OK without the information
 * that the current command asks for is then passed over. Answers come in order: one that brings its
 * information shows that nothing older is left.
 */
#ifndef CORE_AT_EXCHANGE_H
#define CORE_AT_EXCHANGE_H

#include "base/usec.h"
#include "core/at_parser.h"

#include <stdbool.h>
#include <stddef.h>

#define AT_OUTPUT_MAX     128 /* an access point name is long */
#define AT_PROBE          "ATE0"
#define AT_PROBE_INTERVAL (500 * USEC_PER_MSEC)
#define AT_SETTLE         (100 * USEC_PER_MSEC) /* after RDY; bounds what a flood of RDY makes us write */

struct at_exchange {
        struct at_parser parser;
        bool awaiting;    /* a command is out, its final result is not in */
        bool informed;    /* ... and an information line for it came: set by the dialogue */
        bool proven;      /* any final result came: this is an AT port */
        unsigned sent;    /* times the current command went out */
        unsigned surplus; /* answers that may still come to commands given up or repeated */
        usec_t next;      /* awaiting: when its time is over; else when the current command is due */
        usec_t give_up;   /* the deadline of the whole dialogue */
        char output[AT_OUTPUT_MAX]; /* bytes to be written */
        size_t output_length;
};

/* What a dialogue does about it: */
struct at_exchange_ops {
        /* A line came. NULL: what came is no text, so this is no AT port. */
        void (*take)(void *dialogue, const struct at_line *line, usec_t now);
        void (*send)(void *dialogue, usec_t now);     /* the current command has to go out */
        void (*time_out)(void *dialogue, usec_t now); /* it was not answered in its time */
        void (*run_out)(void *dialogue);              /* the time of the whole dialogue is over */
};

/* `give_up` (absolute): the deadline of the whole dialogue. */
void at_exchange_init(struct at_exchange *exchange, usec_t give_up);

/* Another command becomes the current one, due at `when`. The one that is out is given up. */
void at_exchange_turn(struct at_exchange *exchange, usec_t when);

/*
 * The current command goes out, (again) if it was not answered; its time is over after `limit`. `probe`: it
 * is repeated until anything answers, and each fourth one begins with an ESC, which ends what a killed
 * process may have begun (the text of a message).
 */
void at_exchange_send(struct at_exchange *exchange, const char *command, bool probe, usec_t limit,
                      usec_t now);

/* Bytes came: takes each complete line, until the dialogue has ended. */
void at_exchange_receive(struct at_exchange *exchange, const struct at_exchange_ops *ops, void *dialogue,
                         const char *data, size_t size, usec_t now);

/* Time has passed: does what is due, if anything is. */
void at_exchange_tick(const struct at_exchange *exchange, const struct at_exchange_ops *ops, void *dialogue,
                      usec_t now);

/* When something is due, USEC_INFINITY: never again. */
usec_t at_exchange_deadline(const struct at_exchange *exchange);

/*
 * A final result came. True when it is the current command's, which is no longer awaited then. `asks`: an OK
 * is expected to come with information.
 */
bool at_exchange_finish(struct at_exchange *exchange, const struct at_line *line, bool asks);

/* The end of the dialogue: nothing is sent or awaited any more. (A command that is sent all the same has its
 * own time only.) */
void at_exchange_end(struct at_exchange *exchange);

/* Moves what has to be written now into `target` (at least AT_OUTPUT_MAX bytes). Returns the number of bytes,
 * 0 for none. */
size_t at_exchange_output(struct at_exchange *exchange, char *target, size_t size);

#endif
