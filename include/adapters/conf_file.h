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
 * stay. On any failure the file is what it was, inode and bytes, and nothing of ours is left behind. After a
 * success the old file lies beside the new one under a hidden name, until conf_file_recover() or the next
 * replacement.
 *
 * 0
 * -ESTALE: it was edited, replaced or removed since the read, the edit stays in force: read and decide again
 * -EBUSY: somebody has it open for writing, or it is a mount point: try again later
 * -EFBIG, -ENAMETOOLONG, -ENOMEM, and from the kernel -ENOSPC, -EROFS, -EACCES, -EPERM (owner or attributes
 * cannot be kept, immutable), ... When the folder cannot be synced the old file is put back; only where the
 * file system has no RENAME_EXCHANGE the new one is in force then.
 *
 * Takes a read lease on the old file for the moment, whose break is signalled by SIGURG (ignored by default).
 * That needs to own the file, or CAP_LEASE; without a lease, writers in place are found by what they wrote
 * only.
 */
int conf_file_replace(const char *path, const struct conf_file_id *expected, const char *text, size_t length);

/*
 * Looks once more at what replacements have left beside the file, and tidies up: a second or more after a
 * successful conf_file_replace(), and at the start of the daemon for what a crash left. An editor that had
 * just looked the old file up when it was exchanged writes into that one, and a crash may come before an edit
 * could be put back; here such an edit comes in force, or is kept as FILE.smswarden-saved when the file was
 * edited again since. 0: nothing of value was there; 1: an edit was put back or kept: read the file again;
 * -EBUSY: somebody is writing into the old file right now: call again later; negative errno.
 */
int conf_file_recover(const char *path);

#endif
