/*
 * The profiles on the disk: the folder that is shipped, and the user's own beside smswarden.conf. A file
 * NAME.ini is the profile NAME; one of the user's replaces the shipped one of that name whole. core/profile
 * judges what is in them. Nothing is logged here; an error comes back as a sentence.
 */
#ifndef ADAPTERS_PROFILE_FILE_H
#define ADAPTERS_PROFILE_FILE_H

#include "core/config.h"
#include "core/profile.h"

#define PROFILE_FILE_SIZE_MAX  ((size_t)16 * 1024)
#define PROFILE_FILE_FILES_MAX 64 /* of one folder */

struct profile_file_result {
        unsigned shipped, own;          /* files that were taken */
        unsigned refused;               /* files that were not */
        struct config_file_error error; /* of the first of these */
};

/*
 * Reads both folders into a new table (free() it), over the built-in profiles: what cannot be read or is
 * wrong leaves what was there under its name, and the result tells of it. A folder that is missing is empty.
 * 0, also when files were refused; -ENOMEM.
 */
int profile_file_load(const char *shipped, const char *own, struct profile_table **ret_table,
                      struct profile_file_result *ret_result);

/* The user's folder: profiles.d beside the configuration. 0 or -ENAMETOOLONG. */
int profile_file_own_folder(const char *config_path, char *target, size_t size);

#endif
