/*
 * smsd's message folders, and our own quarantine: who waits, who failed and why, and the few moves that are
 * safe beside a living smsd. The old scripts took files that smsd was sending (doubled messages) and removed
 * its locks; here a file is never touched that smsd is, or may be, working on:
 *
 *   requeue    failed -> outgoing      counted in the file (core/message_file.h)
 *   release    quarantine -> outgoing
 *   remove     from failed or quarantine, for good
 *   quarantine checked or failed -> quarantine   only when no smsd lives: the caller knows
 *
 * smsd takes a name from outgoing to checked by writing over what is there, and stops altogether when that is
 * locked. So nothing is put into outgoing under a name that waits already in either folder.
 *
 * A message is whole under one name that counts at every moment, whoever is killed when: what must be copied
 * (to count it, or across file systems) is first written under a hidden name (`.NAME.smswarden-copy`, which
 * smsd skips), then the old file is hidden (`.NAME.smswarden-move`), then the copy gets its name, then the
 * old one goes. message_folders_recover() ends what was interrupted: no copy left means it had its name. Two
 * who work at the same time exclude each other by a lock (flock) on the message. No link is followed (but
 * root's own on the way to a folder), no name is ever overwritten, owner and mode are kept.
 */
#ifndef ADAPTERS_MESSAGE_FOLDERS_H
#define ADAPTERS_MESSAGE_FOLDERS_H

#include "core/message_file.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_entry {
        char name[256];
        int64_t changed; /* seconds since the epoch: when smsd put it there */
        int64_t size;
        bool locked;        /* smsd is working on it */
        char locked_by[32]; /* the modem, "" unknown */
        bool readable;      /* else the header is empty */
        struct message_header header;
};

struct message_list {
        struct message_entry *entries; /* the oldest first */
        size_t n;
        bool more; /* there are more than MESSAGE_LIST_MAX: these are some of them */
};

#define MESSAGE_LIST_MAX 10000

#define MESSAGE_NO_LIMIT UINT_MAX

struct message_folders;

/*
 * Opens the folders; "" or NULL: there is none. A folder that cannot be opened is no failure here: what is
 * asked of it later fails with its errno. The quarantine is made (0700) by the first message put there.
 */
int message_folders_open(struct message_folders **ret, const char *const paths[MESSAGES_FOLDERS]);
struct message_folders *message_folders_close(struct message_folders *folders);

/* Lists a folder. The caller frees with message_list_clear(). -ENOENT: there is no such folder. */
int message_folders_list(const struct message_folders *folders, enum message_folder folder,
                         struct message_list *ret_list);
void message_list_clear(struct message_list *list);

/* Whether a file of this name lies there. */
bool message_folders_has(const struct message_folders *folders, enum message_folder folder, const char *name);

/*
 * The moves. `name` is a name, never a path (-EINVAL). A message_result, or: -ENOENT no such folder; -EACCES,
 * -EPERM, -EROFS may not be changed by us; -EINVAL it is no regular file; -EFBIG over 1 MB; -ENOSPC, ...:
 * then everything is as it was.
 */
int message_folders_requeue(struct message_folders *folders, const char *name, unsigned limit,
                            unsigned *ret_count);
int message_folders_release(struct message_folders *folders, const char *name);
int message_folders_remove(struct message_folders *folders, enum message_folder folder, const char *name);

/* No smsd may live: its locks are taken for left behind. */
int message_folders_quarantine(struct message_folders *folders, enum message_folder from, const char *name);

/* Ends what a crash or a power cut interrupted. Called before the first move of a program's life. Returns the
 * number of messages put right, or the first failure after trying all. */
int message_folders_recover(struct message_folders *folders);

const char *message_folder_to_string(enum message_folder folder); /* outgoing checked failed quarantine */

#endif
