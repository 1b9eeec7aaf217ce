/*
 * The flag of the old scripts, a file in a folder where anybody may write. It is looked at, never opened for
 * reading and never followed: what counts is that it is there, whose it is and how old.
 */
#ifndef ADAPTERS_LEGACY_FLAG_H
#define ADAPTERS_LEGACY_FLAG_H

#include "base/usec.h"

#include <stdbool.h>
#include <sys/types.h>

#define LEGACY_FLAG_SIZE_MAX 65536

enum legacy_flag_reason {
        LEGACY_FLAG_OK,
        LEGACY_FLAG_SYMLINK,
        LEGACY_FLAG_DIRECTORY,
        LEGACY_FLAG_FIFO,
        LEGACY_FLAG_NOT_REGULAR, /* a socket, a device */
        LEGACY_FLAG_STRANGER,    /* its owner is none of the owners that are believed */
        LEGACY_FLAG_HARD_LINK,   /* somebody's second name for a file of another: its owner proves nothing */
        LEGACY_FLAG_TOO_LARGE,   /* over LEGACY_FLAG_SIZE_MAX bytes: nobody wrote that as a flag */
};

struct legacy_flag {
        bool present;
        enum legacy_flag_reason reason; /* OK: it is believed; else why not */
        uid_t uid;
        char owner[33]; /* name of the user, "#UID" when there is none */
        usec_t age;     /* since its mtime, on the wall clock; 0 when that lies in the future */
        bool plausible; /* the age is neither negative nor longer than the machine is up */
        dev_t device;
        ino_t inode;
};

/*
 * Looks. `path` "" is no flag; `owners` is the list of [hold] legacy_owners: users and @groups, separated by
 * blanks (a member of the group counts, by primary group too). An absent flag is 0 with present = false. Else
 * a negative errno, ret_flag untouched.
 */
int legacy_flag_look(const char *path, const char *owners, struct legacy_flag *ret_flag);

/*
 * Removes the flag that was seen, whatever it is but a folder. An absent one is success; -ESTALE: another
 * file is there now, it stays. Else a negative errno.
 */
int legacy_flag_remove(const char *path, const struct legacy_flag *seen);

/* One clause for a person: "belongs to a stranger". */
const char *legacy_flag_reason_to_string(enum legacy_flag_reason reason);

#endif
