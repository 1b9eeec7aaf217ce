/*
 * Inside of adapters/conf_file: the folder and the names that reading, replacing and recovering share.
 */
#ifndef SRC_ADAPTERS_CONF_FILE_PARTS_H
#define SRC_ADAPTERS_CONF_FILE_PARTS_H

#include "adapters/conf_file.h"
#include "base/cleanup.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/* The file behind a path, symlinks resolved. */
struct conf_target {
        int folder;
        char name[NAME_MAX + 1];
        char temporary[NAME_MAX + 1]; /* ours while it is written: never holds anything of value */
};

int conf_target_open(struct conf_target *target, const char *path);
void conf_target_done(struct conf_target *target);

/*
 * The name that the new file has before the exchange and the old one behind it. It tells whoever finds it
 * what lies there: our own file (inode `ours`, content `after`), the old file (content `before`), or else an
 * edit of somebody, who had the file in hand when we took it out.
 */
struct conf_swap {
        char name[NAME_MAX + 1];
        ino_t ours;
        uint64_t before; /* hash of the old content */
        uint64_t after;  /* of ours: tells whether the file in force was edited since */
};

/* 0 or -ENAMETOOLONG. */
int conf_swap_name(struct conf_swap *swap, const struct conf_target *target);

/* A read lease: 1; 0: leases are not to be had here; -EBUSY: somebody has the file open for writing. Goes
 * with the fd. */
int conf_take_lease(int fd);

/* Opens `name` in the folder for reading. Refuses what is no regular file, without opening it. fd or negative
 * errno. */
int conf_open_regular(int folder, const char *name);

/* Reads all of fd (from its start, at most SMSD_CONF_SIZE_MAX) and says what it is. ret_text may be NULL. */
int conf_read_fd(int fd, char **ret_text, size_t *ret_length, struct conf_file_id *ret_id);

/* Same inode, same content. A rename changes the ctime, so it counts only before we touch the name. */
bool conf_id_equal(const struct conf_file_id *a, const struct conf_file_id *b, bool with_ctime);

/* True when `name` in the folder is this inode. */
bool conf_name_is(int folder, const char *name, dev_t dev, ino_t ino);

/* renameat2(RENAME_EXCHANGE) within the folder. 0 or negative errno. */
int conf_exchange(int folder, const char *a, const char *b);

/*
 * Puts what lies at the swap name in force again in place of our file. When the file was edited since, that
 * edit stays, and the one at the swap name is kept (unless it is only the old file). 1: an edit is in force
 * again or kept; 0; negative errno.
 */
int conf_put_back(const struct conf_target *target, const struct conf_swap *swap);

/* Clears up beside the file: see conf_file_recover(). */
int conf_sweep(const struct conf_target *target);

#endif
