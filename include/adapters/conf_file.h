/*
 * A config file that a person edits too (smsd.conf): read it, and replace it whole without ever losing an
 * edit of theirs.
 *
 * The path may be a symlink: what it points to is read and replaced, the link stays. A replacement is always
 * a new inode, so it is old or new at every moment, whatever is killed when; a hard link of the old file
 * keeps the old text. One process replaces a given file at a time (the daemon); any number of editors may
 * work beside it.
 */
#ifndef ADAPTERS_CONF_FILE_H
#define ADAPTERS_CONF_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Which file with which content was read. */
struct conf_file_id {
        dev_t dev;
        ino_t ino;
        off_t size;
        struct timespec mtime;
        struct timespec ctime;
        uint64_t hash; /* of the content, FNV-1a */
};

/*
 * Reads the regular file at `path`, up to SMSD_CONF_SIZE_MAX bytes; a NUL is put behind them (not counted).
 * Never blocks on the file. The caller frees *ret_text. 0, -EISDIR or -EINVAL (neither file nor folder: a
 * FIFO, a device), -EFBIG, -ENOMEM, or the errno of what failed (-ENOENT, -EACCES, -ELOOP, ...).
 */
int conf_file_read(const char *path, char **ret_text, size_t *ret_length, struct conf_file_id *ret_id);

/*
 * Replaces the file that was read as `expected` by `text`. Owner, group, mode, ACL and user.* attributes
 * stay. On any failure the file is what it was, inode and bytes, and nothing is left behind. 0; -ESTALE: it
 * was edited, replaced or removed since the read, and the edit stays in force: read again and decide again;
 * -EBUSY: somebody has it open for writing (or it is a mount point): try again later; -EFBIG; -ENAMETOOLONG;
 * -ENOSPC, -EDQUOT, -EROFS, -EPERM (owner or attributes cannot be kept, immutable), ... from the kernel.
 * When the exchange cannot be made durable (fsync of the folder) the old file is put back; only where the
 * file system has no exchange the new one is in force then. Takes a read lease on the old file for the moment
 * (needs to own the file, or CAP_LEASE; goes on without when it cannot), whose break is signalled by SIGURG,
 * ignored by default.
 */
int conf_file_replace(const char *path, const struct conf_file_id *expected, const char *text, size_t length);

/*
 * Tidies up what a crash in conf_file_replace() left beside the file: for the start of the daemon (replace
 * does it too). 0; 1: an edit that was taken out in the moment of the crash was put back in force, or kept as
 * FILE.smswarden-saved when the file had been edited again; negative errno.
 */
int conf_file_recover(const char *path);

#endif
