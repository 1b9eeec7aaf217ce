/*
 * A message that crashes the modem: the one that smsd was sending at two crashes of the same modem in a row.
 * smsd takes it up again after every recovery, so it has to be put aside (never deleted) or nothing else ever
 * goes out.
 *
 * The evidence is smsd's lock beside the file, as it lay there at the moment of the crash; nobody is accused
 * without. What counts as a crash is the caller's: a modem that left the bus under smsd, or reset itself, or
 * fell silent; not a step of our own ladder.
 *
 * A modem with too weak a power supply crashes on every message. So after some that were put aside with none
 * sent in between it is the modem that is to blame, and the rest stays where it is.
 */
#ifndef CORE_POISON_H
#define CORE_POISON_H

#include "core/message_file.h"

#include <stdint.h>

#define POISON_ROW_MAX 3

/* What is remembered of a modem; all zero: nothing. Kept in its record (core/modem_record.h). */
struct poison {
        uint64_t suspect; /* the message that it was sending at its last crash (a hash of the name), 0 none */
        unsigned put_aside; /* messages since it last sent one */
};

enum poison_judgement {
        POISON_NOBODY,    /* it was sending nothing, or that is not clear: the row is broken */
        POISON_SUSPECTED, /* the first crash on this message */
        POISON_ACCUSED,   /* the second one: it is to be put aside */
        POISON_MODEM,     /* it would be, but the modem crashes on everything */
};

/*
 * The modem crashed while `items` lay in `checked`. *ret_index: which of them is meant (untouched for
 * NOBODY). The suspect is the one that the modem has locked; with two of them nobody knows.
 */
enum poison_judgement poison_crash(struct poison *poison, const char *modem, const struct message_item *items,
                                   size_t n, size_t *ret_index);

/* The accused was put aside; until then each further crash accuses it again. Released it has two attempts. */
void poison_put_aside(struct poison *poison);

/* The modem sent a message. True: that changes what is remembered. */
bool poison_sent(struct poison *poison);

/* What lies in `checked` now: a suspect that is no longer there was no poison. True: it was forgotten. */
bool poison_look(struct poison *poison, const struct message_item *items, size_t n);

#endif
