/*
 * Shared by the parts of adapters/message_folders: the open folders, and one move between two of them.
 */
#ifndef MESSAGE_FOLDERS_PRIVATE_H
#define MESSAGE_FOLDERS_PRIVATE_H

#include "adapters/message_folders.h"

#include <sys/stat.h>

struct message_folders {
        int fds[MESSAGES_FOLDERS];    /* -1: see errors */
        int errors[MESSAGES_FOLDERS]; /* why a folder is not open, negative errno */
        char *quarantine;             /* its path, for the first message; NULL none */
};

#define MESSAGE_MOVE ".smswarden-move"
#define MESSAGE_COPY ".smswarden-copy"
/* "." NAME and the longer of the two */
#define MESSAGE_HIDDEN_MAX (MESSAGE_NAME_MAX + 32)

struct message_move {
        int from, to; /* folders; to -1: it goes for good */
        const char *name;
        bool ignore_lock; /* no smsd lives */
        int fd;           /* the file, locked by us */
        struct stat st;
        char *text; /* what is read of it; NULL not yet */
        size_t length;
        char hidden[MESSAGE_HIDDEN_MAX], copy[MESSAGE_HIDDEN_MAX];
};

/* The folder's fd, or why there is none. */
int message_folders_fd(const struct message_folders *folders, enum message_folder folder);

/* NAME.LOCK lies beside it: smsd, or who writes into outgoing as smsd's manual says. */
bool message_is_locked(int folder, const char *name);

/* Opens and locks the file. A message_result or a negative errno; message_move_end() in any case. */
int message_move_begin(struct message_move *move, int from, int to, const char *name);
void message_move_end(struct message_move *move);

/* Reads it whole. */
int message_move_read(struct message_move *move);

/* Moves it under `target`, as a rename where that is possible. */
int message_move_rename(struct message_move *move, const char *target);

/* Moves it under its name with `line` in place of these bytes. */
int message_move_rewrite(struct message_move *move, struct message_place place, const char *line,
                         const char *target);

/* Removes it. */
int message_move_remove(struct message_move *move);

/* The hidden file back under its name, or, when there is a new one of that, under one like it. */
int message_put_back(int folder, const char *hidden, const char *name);

#endif
