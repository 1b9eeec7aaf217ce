/*
 * A folder that is being read, closed at the end of its scope.
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

#endif
