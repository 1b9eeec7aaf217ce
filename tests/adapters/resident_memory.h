/*
 * How much memory a server under test holds.
 */
#ifndef TESTS_ADAPTERS_RESIDENT_MEMORY_H
#define TESTS_ADAPTERS_RESIDENT_MEMORY_H

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <cmocka.h>

/* The sanitizer keeps what is freed for a while: nothing can be said about memory then. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_IS_MEASURED false
#else
#define MEMORY_IS_MEASURED true
#endif

static inline long resident_pages(pid_t pid)
{
        char path[64];
        long size = 0, resident = 0;

        (void)text_format(path, sizeof(path), "/proc/%d/statm", (int)pid);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
        return resident;
}

/* It holds fewer than `pages` more than `before`. */
static inline void assert_grown_less(pid_t pid, long before, long pages)
{
        if (MEMORY_IS_MEASURED)
                assert_true(resident_pages(pid) - before < pages);
}

#endif
