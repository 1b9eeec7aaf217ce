/*
 * A test's folder in /tmp: everything in it goes when the test is over.
 */
#ifndef TESTS_TEMP_FOLDER_H
#define TESTS_TEMP_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static int temp_folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
        (void)st;
        (void)type;
        (void)where;
        return remove(path);
}

/* Removes the folder with all that is in it; follows no link. */
static inline void temp_folder_remove(const char *path)
{
        (void)nftw(path, temp_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
