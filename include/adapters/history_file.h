/*
 * STATE_DIR/history: what was recorded, a JSON line each (time, event, severity, modem, cause, incident,
 * duration, message; what is not there is left out), for `smswarden history` and `explain`, also where the
 * journal is volatile or absent. Bounded: at 1 MiB it becomes history.1, which replaces the older one. Group
 * adm may read.
 */
#ifndef ADAPTERS_HISTORY_FILE_H
#define ADAPTERS_HISTORY_FILE_H

#include "core/action.h"

#include <sys/types.h>

struct history_entry {
        int64_t at;     /* wall clock, microseconds */
        char boot[40];  /* boot id: incident ids are unique within it */
        char event[32]; /* record_kind_to_string, or "alert" */
        enum severity severity;
        char modem[SMSD_MODEM_NAME_MAX];
        char cause[32];
        uint64_t incident; /* 0 none */
        usec_t duration;   /* 0 none */
        char message[ACTION_MESSAGE_MAX];
};

#define HISTORY_FILE_NAME "history"            /* in STATE_DIR */
#define HISTORY_FILE_MAX  ((off_t)1024 * 1024) /* of each of the two files */
#define HISTORY_LINE_MAX  1000 /* bytes with the line end: adapters/file_follow.h takes it whole */

struct history_file;

/* Nothing is opened or made yet. 0, -ENOMEM, -ENAMETOOLONG. */
int history_file_new(struct history_file **ret, const char *state_dir);
struct history_file *history_file_free(struct history_file *history);

/*
 * Appends one line; one write(2), not synced. Text is made harmless (text_clean), a message that would make
 * the line too long is cut. 0 or a negative errno with the file as it was: -EINVAL for an entry without a
 * time, an event or a boot, or when no regular file has the name; else what the call says (-ENOSPC, -EROFS).
 * Errors are the caller's to log, once; each call tries anew.
 */
int history_file_append(struct history_file *history, const struct history_entry *entry);

/*
 * Reads history.1 and history, oldest first; damaged lines are passed over. `each` returns 0 to go on,
 * anything else ends the reading and is returned. 0 also when there is no file; a negative errno when one
 * cannot be opened or read (-EACCES: not root, not in group adm).
 */
int history_file_read(const char *state_dir, int (*each)(void *userdata, const struct history_entry *entry),
                      void *userdata);

/*
 * One line of it, with or without its end (for following). All text in the entry is harmless for a terminal,
 * whoever wrote the file. 0, or -EBADMSG with the output untouched.
 */
int history_file_parse(const char *line, size_t length, struct history_entry *ret_entry);

#endif
