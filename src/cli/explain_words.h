/*
 * What an incident means to a person, by what the controller recorded in it.
 */
#ifndef CLI_EXPLAIN_WORDS_H
#define CLI_EXPLAIN_WORDS_H

#include "core/record.h"

struct explanation {
        const char *why;    /* one or two sentences */
        const char *after;  /* what to do, now that it is over */
        const char *during; /* what to do while it goes on and no controller says better */
};

/* Of the event by its name; NULL: it explains nothing. *ret_rank: the lower, the more it says. */
const struct explanation *explanation_of(const char *event, unsigned *ret_rank);

#endif
