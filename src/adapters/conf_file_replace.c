/*
 * Replacing a config file that a person may be editing at this very moment.
 *
 * The new file is written and synced beside the old one under a name of ours. Then the two names are
 * exchanged in one system call, and only afterwards we look at what we have taken out: is it the inode and
 * the content that the caller has read? When it is not, the edit is put back and the caller is told. Against
 * an editor that writes in place (same inode) a read lease is held over the exchange: the kernel refuses it
 * when somebody has the file open for writing, and keeps an opener waiting until we have let go; a lease
 * found broken means that somebody waits to write into the file we took out, so it is put back too.
 * One writer is met by neither: it found the old file by name before the exchange and opens it only after our
 * last look. For its sake the old file stays linked beside the new one until conf_file_recover() looks once
 * more, a second or more later. Where the file system has no exchange, the last look is before a plain
 * rename, and such a writer is not met.
 */
#include "base/file.h"
#include "base/text.h"
#include "conf_file_parts.h"
#include "core/smsd_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define ACL_ATTRIBUTE  "system.posix_acl_access"
#define ATTRIBUTES_MAX 65536 /* the kernel's own limit, for the list and for a value */

struct replacement {
        struct conf_target target;
        struct conf_swap swap;
        struct conf_file_id old_id;
        int old_fd;
        int new_fd;
        bool leased;
};

static void replacement_done(struct replacement *replacement)
{
        replacement->old_fd = close_fd(replacement->old_fd); /* the lease goes with it */
        replacement->new_fd = close_fd(replacement->new_fd);
        conf_target_done(&replacement->target);
}

/* --- the old file --- */

static int open_old(struct replacement *replacement, const struct conf_file_id *expected)
{
        const struct conf_target *target = &replacement->target;

        replacement->old_fd = conf_open_regular(target->folder, target->name);
        if (replacement->old_fd < 0)
                return replacement->old_fd;
        int r = conf_take_lease(replacement->old_fd);
        replacement->leased = r > 0;
        if (r >= 0)
                r = conf_read_fd(replacement->old_fd, NULL, NULL, &replacement->old_id);
        if (r < 0)
                return r == -EFBIG ? -ESTALE : r;
        return conf_id_equal(&replacement->old_id, expected, true) ? 0 : -ESTALE;
}

/* --- the new file --- */

static int copy_attribute(int from, int to, const char *name, char *buffer)
{
        ssize_t size = fgetxattr(from, name, buffer, ATTRIBUTES_MAX);

        if (size < 0)
                return errno == ENODATA ? 0 : -errno;
        return fsetxattr(to, name, buffer, (size_t)size, 0) < 0 ? -errno : 0;
}

/* The folder's default ACL may have given the new file one that the old file has not. */
static int remove_acl(int fd)
{
        if (fremovexattr(fd, ACL_ATTRIBUTE) == 0 || errno == ENODATA || errno == EOPNOTSUPP)
                return 0;
        return -errno;
}

static int copy_attributes(int from, int to)
{
        _cleanup_free_ char *names = malloc(ATTRIBUTES_MAX);
        _cleanup_free_ char *value = malloc(ATTRIBUTES_MAX);

        if (!names || !value)
                return -ENOMEM;
        ssize_t size = flistxattr(from, names, ATTRIBUTES_MAX);
        if (size < 0)
                return errno == EOPNOTSUPP ? 0 : -errno;
        int r = remove_acl(to);
        for (const char *name = names; r == 0 && name < names + size; name += strlen(name) + 1)
                if (text_equal(name, ACL_ATTRIBUTE) || text_starts_with(name, "user."))
                        r = copy_attribute(from, to, name, value);
        return r;
}

/* The mode comes last: its group bits are the mask of the ACL, and a change of owner clears some of it. */
static int copy_owner_and_mode(int from, int to)
{
        struct stat status;

        if (fstat(from, &status) < 0 || fchown(to, status.st_uid, status.st_gid) < 0)
                return -errno;
        int r = copy_attributes(from, to);
        if (r < 0)
                return r;
        return fchmod(to, status.st_mode & 07777) < 0 ? -errno : 0;
}

static int fill_new(const struct replacement *replacement, const char *text, size_t length)
{
        int r = file_write_full(replacement->new_fd, text, length);

        if (r == 0)
                r = copy_owner_and_mode(replacement->old_fd, replacement->new_fd);
        return r == 0 && fsync(replacement->new_fd) < 0 ? -errno : r;
}

/* From the temporary name to the one that says whose the file is. */
static int name_new(struct replacement *replacement)
{
        const struct conf_target *target = &replacement->target;
        struct conf_file_id id;
        int r = conf_read_fd(replacement->new_fd, NULL, NULL, &id);

        if (r < 0)
                return r;
        replacement->swap =
            (struct conf_swap){.ours = id.ino, .before = replacement->old_id.hash, .after = id.hash};
        r = conf_swap_name(&replacement->swap, target);
        if (r < 0)
                return r;
        return renameat(target->folder, target->temporary, target->folder, replacement->swap.name) < 0
                   ? -errno
                   : 0;
}

static int write_new(struct replacement *replacement, const char *text, size_t length)
{
        const struct conf_target *target = &replacement->target;

        replacement->new_fd =
            openat(target->folder, target->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (replacement->new_fd < 0)
                return -errno;
        int r = fill_new(replacement, text, length);
        if (r == 0)
                r = name_new(replacement);
        if (r < 0)
                (void)unlinkat(target->folder, target->temporary, 0); /* the first error is the one to tell */
        return r;
}

/* --- the exchange --- */

static bool lease_broken(const struct replacement *replacement)
{
        return replacement->leased && fcntl(replacement->old_fd, F_GETLEASE) != F_RDLCK;
}

/* Is what lies at `name` the very file that the caller has read, and nobody about to write into it? */
static int check_old(const struct replacement *replacement, const char *name, bool with_ctime)
{
        const struct conf_file_id *old_id = &replacement->old_id;
        struct conf_file_id now;

        if (!conf_name_is(replacement->target.folder, name, old_id->dev, old_id->ino))
                return -ESTALE;
        int r = conf_read_fd(replacement->old_fd, NULL, NULL, &now);
        if (r < 0)
                return r == -EFBIG ? -ESTALE : r;
        if (!conf_id_equal(&now, old_id, with_ctime))
                return -ESTALE;
        return lease_broken(replacement) ? -EBUSY : 0;
}

static int exchanged(const struct replacement *replacement)
{
        int folder = replacement->target.folder;
        int r = fsync(folder) < 0 ? -errno : check_old(replacement, replacement->swap.name, false);

        if (r < 0) {
                (void)conf_put_back(&replacement->target,
                                    &replacement->swap); /* when it fails, conf_sweep() tries again */
                (void)fsync(folder);
        }
        return r;
}

static int rename_over(const struct replacement *replacement)
{
        const struct conf_target *target = &replacement->target;
        int r = check_old(replacement, target->name, true);

        if (r == 0 && renameat(target->folder, replacement->swap.name, target->folder, target->name) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(target->folder, replacement->swap.name, 0);
                return r;
        }
        return fsync(target->folder) < 0 ? -errno : 0;
}

static int install(const struct replacement *replacement)
{
        const struct conf_target *target = &replacement->target;
        int r = conf_exchange(target->folder, replacement->swap.name, target->name);

        if (r == 0)
                return exchanged(replacement);
        if (r == -EINVAL || r == -ENOSYS || r == -EOPNOTSUPP)
                return rename_over(replacement);
        (void)unlinkat(target->folder, replacement->swap.name, 0);
        return r == -ENOENT ? -ESTALE : r;
}

int conf_file_replace(const char *path, const struct conf_file_id *expected, const char *text, size_t length)
{
        _cleanup_(replacement_done) struct replacement replacement = {
            .target = {.folder = -1}, .old_fd = -1, .new_fd = -1};

        if (length > SMSD_CONF_SIZE_MAX)
                return -EFBIG;
        int r = conf_target_open(&replacement.target, path);
        if (r == 0)
                r = conf_sweep(&replacement.target);
        if (r >= 0)
                r = open_old(&replacement, expected);
        if (r == -ENOENT)
                return -ESTALE;
        if (r == 0)
                r = write_new(&replacement, text, length);
        return r < 0 ? r : install(&replacement);
}
