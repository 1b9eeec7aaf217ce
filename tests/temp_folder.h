/*
 * A test's folder in /tmp: everything in it goes when the test is over.
 */
#ifndef TESTS_TEMP_FOLDER_H
#define TESTS_TEMP_FOLDER_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int temp_folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
        (void)st;
        (void)type;
        (void)where;
        return remove(path);
}

/* Makes the folders above an absolute path; those that are there already stay. */
static inline void temp_folder_make_parents(const char *path)
{
        char part[PATH_MAX];

        for (const char *p = path + 1; (p = strchr(p, '/')); p++) {
                size_t length = (size_t)(p - path);
                if (length < sizeof(part)) {
                        memcpy(part, path, length);
                        part[length] = '\0';
                        (void)mkdir(part, 0755);
                }
        }
}

/* Removes the folder with all that is in it; follows no link. */
static inline void temp_folder_remove(const char *path)
{
        (void)nftw(path, temp_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A folder, and the paths of a file (or two) in it: all that many tests work on. */
struct temp_fixture {
        char folder[64];
        char path[96], other[96];
};

/* cmocka's setup: `test` names the folder, `file` is what `path` leads to. */
static inline int temp_fixture_make(void **state, const char *test, const char *file)
{
        struct temp_fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        (void)snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/%s.XXXXXX", test);
        if (!mkdtemp(fixture->folder))
                return -1;
        (void)snprintf(fixture->path, sizeof(fixture->path), "%.60s/%.30s", fixture->folder, file);
        (void)snprintf(fixture->other, sizeof(fixture->other), "%.60s/other", fixture->folder);
        return 0;
}

/* cmocka's teardown. */
static inline int temp_fixture_remove(void **state)
{
        struct temp_fixture *fixture = *state;

        temp_folder_remove(fixture->folder);
        free(fixture);
        return 0;
}

#endif
