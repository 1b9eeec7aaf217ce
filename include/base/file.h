/*
 * Small files as a whole: read with a bound, replace atomically. For what is configuration or state, never
 * for a log, a device or a spool. Adapters share it, because the careful sequence of calls must exist once
 * only.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads the regular file at `path` into *ret_text (malloc, ended by a NUL that *ret_length does not count;
 * the caller frees). `flags` may hold O_NOFOLLOW: then a symbolic link is -ELOOP. A fifo or device is never
 * waited for or touched. -EFBIG: longer than `max` bytes; -EISDIR, -EBADF: a folder, something else than a
 * regular file; else the errno of the call.
 */
int file_read(const char *path, int flags, size_t max, char **ret_text, size_t *ret_length);

/*
 * Replaces the file at `path` by `length` bytes: written beside it under a random name, synced, renamed, the
 * folder synced. A reader, and a power cut, see the old file or the new one, whole. A symbolic link at `path`
 * is replaced, not followed.
 */
int file_replace(const char *path, const void *data, size_t length, mode_t mode);

/* Removes the file; one that is absent is a success. */
int file_remove(const char *path);

#endif
