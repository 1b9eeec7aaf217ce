/*
 * Text of `key=value` lines, as small records are kept in files: one reader for all of them. Empty lines and
 * those that begin with '#' are passed over; blanks belong to key and value.
 */
#ifndef BASE_PAIRS_H
#define BASE_PAIRS_H

#include <stddef.h>

#define PAIRS_LINE_MAX 1100 /* with its end; a longer line is damaged */

/* A key and its value, both ended by a NUL. 0 to go on, or a negative errno. */
typedef int (*pairs_take_fn)(void *userdata, const char *key, const char *value);

/* Every pair in its order. 0; -EBADMSG: a line without '=', too long, or with a NUL in it; or what `take`
 * said, at once. */
int pairs_read(const char *text, size_t length, pairs_take_fn take, void *userdata);

#endif
