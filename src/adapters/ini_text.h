/*
 * A text of [sections] and `key = value`, split by inih and handed on: what the readers of configuration and
 * of profiles share. What a section or a key may be is for the sink to judge.
 *
 * inih takes lines of a fixed size and cuts silently what is longer, takes an indented line for the
 * continuation of the value before it, ignores text behind `]`, and does not tell of a section without keys.
 * So the lines are fed to it one by one, after these cases were refused or straightened.
 */
#ifndef ADAPTERS_INI_TEXT_H
#define ADAPTERS_INI_TEXT_H

#include "core/config.h"

#include <stddef.h>

struct ini_sink {
        /* 0, or a negative errno with the message filled: nothing more is read then. */
        int (*section)(void *userdata, const char *section, struct config_error *ret_error);
        int (*key)(void *userdata, const char *section, const char *key, const char *value,
                   struct config_error *ret_error);
        void *userdata;
        const char *const *file_keys; /* ended by NULL, or NULL: a value too long for a line may lie in a
                                         file that KEY_file names */
};

/* `path` is for messages. 0; the first error, with ret_error filled; -ENOMEM without. */
int ini_text_parse(const char *path, const char *bytes, size_t length, const struct ini_sink *sink,
                   struct config_file_error *ret_error);

/* Takes the next line off `*next`, without indentation and line end. */
void ini_text_line(const char **next, const char *end, const char **ret_line, size_t *ret_length);

/* Fills the error with "FILE:LINE: what" (line 0: "FILE: what") and returns `code`. */
int ini_text_tell(struct config_file_error *error, int code, const char *path, unsigned line,
                  const char *what);

#endif
