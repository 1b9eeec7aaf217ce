/*
 * A message that crashes the modem: the one that smsd was sending at two crashes of the same modem in a row.
 * smsd takes it up again after every recovery, so it has to be put aside (never deleted) or nothing else ever
 * goes out.
 *
 * What counts as a crash is the caller's: a modem that reset itself or left the bus while it should not have,
 * not a plug that a person pulled, not a step of our own ladder.
 */
#ifndef CORE_POISON_H
#define CORE_POISON_H

#include "core/message_file.h"
#include "core/smsd_conf.h"

/* One file of `checked` at the moment of the crash. */
struct poison_candidate {
        const char *file;
        const char *modem; /* whose lock lies beside it (message_lock_owner), "" none */
};

/* The modems' last crashes: which file each was sending. All zero: none. */
struct poison {
        unsigned n;
        struct poison_suspect {
                char modem[SMSD_MODEM_NAME_MAX];
                char file[MESSAGE_NAME_MAX + 1];
        } suspects[SMSD_MODEMS_MAX];
};

/*
 * The modem crashed. True: it was sending this file at its last crash, too; it must go into quarantine, and
 * ret_file (MESSAGE_NAME_MAX + 1 bytes) names it. The suspect is the file that the modem has locked; with no
 * lock at all the only file there is. With none, or with several, nobody is accused, and the row is broken.
 */
bool poison_crash(struct poison *poison, const char *modem, const struct poison_candidate *candidates,
                  size_t n, char *ret_file, size_t size);

#endif
