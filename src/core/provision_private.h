/*
 * Shared by the files of core/provision: the table of settings (how each is asked for, understood and
 * written), and the steps of the dialogue.
 */
#ifndef CORE_PROVISION_PRIVATE_H
#define CORE_PROVISION_PRIVATE_H

#include "core/provision.h"

struct provision_rule {
        const char *key;
        const char *name; /* for a person */
        const char *read; /* the command that asks for it */
        unsigned scope;
        bool needs_reset;
        bool may_be_absent; /* an OK alone is an answer: it is not set */
        bool quoted;        /* for a person */
        /* The value that is asked for, "" when it is left as it is. */
        void (*want)(const struct provision_job *job, char *target, size_t size);
        /* Takes a line of the answer: true when it was one, the value in dialogue->value. */
        bool (*take)(struct provision_dialogue *dialogue, const char *text);
        /* The command that writes `value`. 0, or -ENAMETOOLONG. */
        int (*write)(const struct provision_dialogue *dialogue, const char *value, char *target, size_t size);
};

extern const struct provision_rule provision_rules[PROVISION_SETTINGS];

enum provision_phase {
        PHASE_PROBE,
        PHASE_ERRORS,
        PHASE_IMEI,
        PHASE_IMSI,
        PHASE_READ,
        PHASE_WRITE,
        PHASE_VERIFY,
        PHASE_RESET,
};

/* The setting that is being seen to. */
static inline struct provision_item *provision_current(struct provision_dialogue *dialogue)
{
        return &dialogue->items[dialogue->setting];
}

/* The end: nothing goes out any more. A reset that is needed is owed from here on. */
void provision_decide(struct provision_dialogue *dialogue, enum provision_verdict verdict);

/* No setting is left: RESET_DUE or DONE. */
void provision_conclude(struct provision_dialogue *dialogue);

void provision_fail(struct provision_item *item, const char *error);

/* What was not reached will not be. */
void provision_fail_pending(struct provision_dialogue *dialogue, const char *error);

/* Sends the command of the current phase (once more). */
void provision_send(struct provision_dialogue *dialogue, usec_t now);

/* Makes `phase` the current one; its command goes out at `when`, by provision_tick. */
void provision_schedule(struct provision_dialogue *dialogue, enum provision_phase phase, usec_t when);

/* The same, and it goes out now. */
void provision_enter(struct provision_dialogue *dialogue, enum provision_phase phase, usec_t now);

/* On with the first setting that is still open, or the conclusion. */
void provision_advance(struct provision_dialogue *dialogue, usec_t now);

/* A final result came. */
void provision_finish(struct provision_dialogue *dialogue, const struct at_line *line, usec_t now);

#endif
