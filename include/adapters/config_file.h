/*
 * The configuration on the disk: the main file, its drop-ins, and the last good copy. inih splits the text,
 * core/config judges every key. Nothing is logged here; an error comes back as a sentence.
 *
 */
#ifndef ADAPTERS_CONFIG_FILE_H
#define ADAPTERS_CONFIG_FILE_H

#include "core/config.h"

#define CONFIG_FILE_SIZE_MAX    ((size_t)256 * 1024)
#define CONFIG_FILE_DROPINS_MAX 64

/*
 * Reads `path` and then, in the order of their names, the drop-ins `PATH_WITHOUT_.conf.conf.d/NAME.conf`. A
 * missing main file, and a missing drop-in folder, mean the defaults; what is there must be readable, regular
 * and small. Returns 0, -EINVAL / -E2BIG (content), or the errno of reading; then ret_error is filled and
 * ret_config untouched.
 */
int config_file_load(const char *path, struct config *ret_config, struct config_file_error *ret_error);

/*
 * The same for who goes by the profiles: each one that a [modem NAME] names has to be in the table, which
 * ret_config then refers to. (The others do not read profiles: any name is good to them.)
 */
int config_file_load_with(const char *path, const struct profile_table *profiles, struct config *ret_config,
                          struct config_file_error *ret_error);

/*
 * Keeps what config_file_load(path) takes as STATE_DIR/smswarden.conf.good: the texts of the files one behind
 * the other in one file (sections may repeat, so that is the same configuration), mode 0600, replaced
 * atomically when it is another one. The files are read again and checked again: a copy that would not load
 * is never kept. Returns 0 or a negative errno, the old copy is there then.
 */
int config_file_save_good(const char *state_dir, const char *path);

/*
 * The folder of that copy as a configuration names it that is refused as a whole: the last usable `state_dir`
 * of a [gateway] in what can be read of it. 0; -ENOENT: none; -ENAMETOOLONG.
 */
int config_file_find_state_dir(const char *path, char *target, size_t size);

/* Loads that copy. -ENOENT: none was kept. Else as config_file_load. */
int config_file_load_good(const char *state_dir, struct config *ret_config,
                          struct config_file_error *ret_error);

enum config_file_taken {
        CONFIG_FILE_ITSELF,
        CONFIG_FILE_GOOD_COPY, /* it is refused */
        CONFIG_FILE_DEFAULTS,  /* the copy as well */
};

/* For who must go on whatever is wrong with the file, as the daemon would: it, else its last good copy, else
 * the defaults. */
enum config_file_taken config_file_load_usable(const char *path, struct config *ret_config);

#endif
