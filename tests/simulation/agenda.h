/*
 * What will happen, in order of time; of two things at the same time the one that was planned first.
 */
#ifndef SIMULATION_AGENDA_H
#define SIMULATION_AGENDA_H

#include "base/usec.h"

#include <stdbool.h>

#define AGENDA_MAX 8192

struct happening {
        usec_t at;
        uint64_t order;
        int kind;     /* of the world's choice */
        unsigned who; /* a pid, a modem, a generation: the kind's business */
        unsigned what;
        void *data; /* owned by whoever takes the happening */
};

struct agenda {
        unsigned n;
        uint64_t planned;
        struct happening heap[AGENDA_MAX];
};

void agenda_init(struct agenda *agenda);

/* Aborts the program when the agenda is full: a simulation that plans without end is broken. */
void agenda_plan(struct agenda *agenda, usec_t at, int kind, unsigned who, unsigned what, void *data);

/* When the next thing happens; USEC_INFINITY: nothing is planned. */
usec_t agenda_next(const struct agenda *agenda);

/* Takes the next happening; false when there is none. */
bool agenda_take(struct agenda *agenda, struct happening *ret_happening);

#endif
