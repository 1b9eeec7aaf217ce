/*
 * The ladder's tables, for the ladder*.c files only: the course of each failure, the script of each step.
 */
#ifndef CORE_LADDER_PRIVATE_H
#define CORE_LADDER_PRIVATE_H

#include "core/ladder.h"

#define LADDER_RUNGS_MAX 6
#define LADDER_PARTS_MAX 2

struct ladder_rung {
        enum ladder_step step; /* NONE: the end */
        usec_t wait;           /* what the modem has to show that it helped, before the next one */
};

/* What is done for one kind of failure. No rungs: nothing that software does helps. */
struct ladder_course {
        const char *name;
        const char *what;   /* half a sentence */
        const char *advice; /* for a person */
        usec_t patience;    /* it must last so long without a break before anything is done */
        bool network;       /* a state of the network: going from one to another is no break */
        struct ladder_rung rungs[LADDER_RUNGS_MAX];
};

/* One order of a step. What follows it comes although it failed: the modem must not stay off. */
struct ladder_part {
        enum ladder_order_kind kind;
        const char *at;
        usec_t timeout;
        unsigned tries; /* >= 1 */
        usec_t again;   /* between two tries */
        usec_t pause;   /* before the next part */
};

struct ladder_script {
        const char *name;
        const char *words; /* "USB off and on" */
        bool reset;        /* counts against the budget; the modem leaves the bus */
        bool cuts_network; /* its network interface stops working */
        usec_t wait;       /* when the course does not name one: done by hand */
        usec_t doubt;      /* after a failure: so long it may turn out that it was heard */
        unsigned n_parts;
        struct ladder_part parts[LADDER_PARTS_MAX];
};

const struct ladder_course *ladder_course(enum failure_kind kind);
const struct ladder_script *ladder_script(enum ladder_step step);

/* What holds now; where the default route was seen, the smaller budget holds for a while. */
void ladder_see(struct ladder *ladder, const struct ladder_world *world, usec_t now);

/* The next step for what is wrong now, NONE when none is left. */
enum ladder_step ladder_next_step(const struct ladder *ladder);

/* 0 when the step can and may be taken at all: else -EOPNOTSUPP, -EPERM. */
int ladder_refusal(const struct ladder_world *world, enum ladder_step step);

/* When the budget allows the step: a time that may have passed; USEC_INFINITY never. */
usec_t ladder_allowed_at(const struct ladder *ladder, enum ladder_step step);

#endif
