/*
 * smsd's message folders for people and for programs.
 */
#ifndef CLI_QUEUE_VIEW_H
#define CLI_QUEUE_VIEW_H

#include "adapters/message_folders.h"
#include "screen.h"

struct queue_view {
        const struct message_folders *folders;
        const char *const *paths;     /* of the folders */
        bool shown[MESSAGES_FOLDERS]; /* which are wanted */
        bool all;                     /* every message, not the first 20 only */
        bool masked;                  /* recipients are not for this user */
        int64_t now;                  /* seconds since the epoch */
};

/* What a tired person reads, in 80 columns. */
void queue_view_text(struct screen *screen, const struct queue_view *view);

/* One line of JSON, schema 1, with a newline. 0 or a negative errno. */
int queue_view_json(FILE *file, const struct queue_view *view);

/* Why a folder cannot be listed, or a message not be moved: one clause. */
const char *queue_error_to_string(int error);

#endif
