/*
 * Scope-bound cleanup (the `cleanup` attribute of gcc and clang) and the few macros that every floor uses.
 * A cleanup function takes NULL and half-built objects; it never changes errno.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function)     __attribute__((cleanup(function)))
#define _printf_(string, first) __attribute__((format(printf, string, first)))
#define _unused_                __attribute__((unused))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static inline void cleanup_free(void *pointer)
{
        free(*(void **)pointer);
}

/* Closes fd when it is not negative; returns -1 so that a caller can write `fd = close_fd(fd)`. Keeps errno.
 */
static inline int close_fd(int fd)
{
        if (fd >= 0) {
                int saved = errno;
                (void)close(fd);
                errno = saved;
        }
        return -1;
}

static inline void cleanup_close(int *fd)
{
        *fd = close_fd(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
        if (*file)
                (void)fclose(*file);
}

#define _cleanup_free_   _cleanup_(cleanup_free)
#define _cleanup_close_  _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

#endif
