/*
 * A small file of our own (state, the last good smsd.conf), written whole or not at all.
 */
#ifndef ADAPTERS_FILE_WRITE_H
#define ADAPTERS_FILE_WRITE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Makes `path` a regular file of exactly `length` bytes with `mode` (whatever the umask) and our owner:
 * written beside it as `.NAME.new`, synced, renamed, the folder synced. A symlink at `path` is replaced, not
 * followed. One writer per path at a time; a leftover of a crash is replaced by the next write. 0, or a
 * negative errno with the old file untouched and nothing left behind; -ENAMETOOLONG when the path or the name
 * with its affixes does not fit; -EINVAL when the path names no file.
 */
int file_write_atomic(const char *path, const void *data, size_t length, mode_t mode);

#endif
