/*
 * What the two halves of the book share: the rules of a kind, and the life of an entry.
 */
#ifndef CORE_ALERT_BOOK_PRIVATE_H
#define CORE_ALERT_BOOK_PRIVATE_H

#include "core/alert_book.h"

struct alert_rule {
        enum severity severity;
        bool momentary;
        bool healed;          /* told, and resolved, also when it was over before it was told */
        bool seen;            /* the first sweep can judge what an earlier life left: no grace */
        usec_t delay;         /* from the raise to the first message */
        usec_t rise;          /* from a rise of the severity to its message */
        usec_t quiet;         /* from the end of the condition to the resolve */
        usec_t again;         /* what comes back so soon after its resolve flaps ... */
        usec_t calm;          /* ... and is quiet only after this time; 0: as `quiet` */
        const usec_t *repeat; /* times between messages, the last one for ever; ended by 0; NULL never */
};

const struct alert_rule *alert_rule(enum alert_kind kind);

/* When message number `repeats` behind the first one is due, USEC_INFINITY never. */
usec_t alert_entry_next_repeat(const struct alert_entry *entry, usec_t now);

struct alert_entry *alert_book_find_key(struct alert_book *book, const char *key);

void alert_book_forget(struct alert_book *book, struct alert_entry *entry);

/* Its resolve is in the spool, and its condition is back. */
void alert_entry_begin_anew(struct alert_entry *entry);

#endif
