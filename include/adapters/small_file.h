/*
 * Reads a small file that others write (a status file, a pidfile): bounded, never blocking, never following a
 * link at its end.
 */
#ifndef ADAPTERS_SMALL_FILE_H
#define ADAPTERS_SMALL_FILE_H

#include <stddef.h>

/*
 * Reads the whole regular file into `buffer` and ends it with a NUL; at most size - 1 bytes fit (size > 0). A
 * file that its writer rewrites in place may be read half old, half new. Returns 0 and the length (ret_length
 * may be NULL), -EFBIG when it does not fit, -ELOOP for a symbolic link, -EISDIR, -EINVAL for anything else
 * that is no regular file (it is not opened), or what open and read say.
 */
int small_file_read(const char *path, char *buffer, size_t size, size_t *ret_length);

#endif
