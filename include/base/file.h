/*
 * Small files as a whole: read with a bound, replace atomically. For what is configuration or state, never
 * for a log, a device or a spool, and not for a file that a person edits too (adapters/conf_file.h).
 * Everybody shares it, because the careful sequence of calls must exist once only.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads the regular file at `path` into *ret_text (malloc, ended by a NUL that *ret_length does not count;
 * the caller frees). `flags` may hold O_NOFOLLOW: then a symbolic link is -ELOOP. A fifo or device is never
 * waited for or touched, nor is the holder of a lease (-EAGAIN). -EFBIG: longer than `max` bytes; -EISDIR,
 * -EBADF: a folder, something else than a regular file; else the errno of the call.
 */
int file_read(const char *path, int flags, size_t max, char **ret_text, size_t *ret_length);

/*
 * The same into `buffer`, ended by a NUL: at most size - 1 bytes fit (size > 0). For what is read again and
 * again (a status file, a pidfile). A file that its writer rewrites in place may be read half old, half new.
 */
int file_read_into(const char *path, int flags, char *buffer, size_t size, size_t *ret_length);

/*
 * Makes `path` a regular file of exactly `length` bytes with `mode` (whatever the umask) and our owner:
 * written beside it as
 * `.NAME.new`, synced, renamed, the folder synced. A reader, and a power cut, see the old file or the new
 * one, whole. A symbolic link at `path` is replaced, not followed. One writer per path at a time; a leftover
 * of a crash is replaced by the next write. 0, or a negative errno with the old file untouched and nothing
 * left behind; -EINVAL when the path names no file.
 */
int file_replace(const char *path, const void *data, size_t length, mode_t mode);

/* The same with the group `group`, -1: as the system gives it (our own, or that of a setgid folder). */
int file_replace_for(const char *path, const void *data, size_t length, mode_t mode, gid_t group);

/* The same, but a file that has this content already is left as it is: an SD card does not like to be written
 * for nothing. */
int file_keep(const char *path, const void *data, size_t length, mode_t mode);

/*
 * Opens the regular file at `path` for reading, as file_read() does: a mere name first, for opening a fifo
 * waits and opening a device may do something to it; what turned out to be a regular file is then opened by
 * that very name, so that nothing can be put in its place meanwhile. Its owner may hold a lease (fcntl(2)),
 * for which an open waits up to 45 seconds else: -EAGAIN. Returns the descriptor, or a negative errno as
 * file_read().
 */
int file_open_regular(const char *path, int flags);

/* True for what file_read() says of something that is no file of ours: a link, a folder, a device, too long.
 */
bool file_is_foreign(int error);

/* Reads until the end or until `size` bytes are there, however many calls that takes. Returns their number,
 * or a negative errno. */
ssize_t file_read_full(int fd, void *target, size_t size);

/* Writes all of it, however many calls that takes. 0 or a negative errno. */
int file_write_full(int fd, const char *data, size_t length);

/* Removes the file; one that is absent is a success. */
int file_remove(const char *path);

#endif
