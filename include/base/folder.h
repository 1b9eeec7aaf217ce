/*
 * Folders: one that is being read is closed at the end of its scope; one that is a stranger's is opened
 * without going where he leads.
 */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/cleanup.h"

#include <dirent.h>

static inline void cleanup_closedir(DIR **folder)
{
        if (*folder)
                (void)closedir(*folder);
}

#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

/*
 * Opens the folder at `path` for reading, for one who is root among other people's folders: a symbolic link,
 * anywhere in the path, is followed only when root or we made it. Whoever owns smsd's folders could else turn
 * one of them into a link, and have us put a file of his into any folder of the system. Returns the
 * descriptor; -ELOOP: somebody else's link, or too many; or what the system says (-ENOENT, -ENOTDIR, ...).
 */
int folder_open(const char *path);

/* A stream of its own over the folder `name` below the descriptor `parent` ("." is that one itself, for where
 * readdir is belongs to the open file). NULL with errno. */
DIR *folder_stream(int parent, const char *name);

#endif
