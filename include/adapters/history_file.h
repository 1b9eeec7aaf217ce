/*
 * STATE_DIR/history: what was recorded, a JSON line each (time, event, severity, modem, cause, incident,
 * duration, message), for `smswarden history` and `explain`, also where the journal is volatile or absent.
 * Bounded: at 1 MiB it becomes history.1, which replaces the older one. Group adm may read.
 */
#ifndef ADAPTERS_HISTORY_FILE_H
#define ADAPTERS_HISTORY_FILE_H

#include "core/action.h"

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

struct history_file;

int history_file_new(struct history_file **ret, const char *state_dir);
struct history_file *history_file_free(struct history_file *history);

/* Appends one line; one write(2), not synced. Errors are the caller's to log, once. */
int history_file_append(struct history_file *history, const struct history_entry *entry);

/* Reads history.1 and history, oldest first; damaged lines are passed over. `each` returns 0 to go on. */
int history_file_read(const char *state_dir, int (*each)(void *userdata, const struct history_entry *entry),
                      void *userdata);

/* One line of it (for following). 0 or -EBADMSG. */
int history_file_parse(const char *line, size_t length, struct history_entry *ret_entry);

#endif
