/*
 * Whole files with their attributes, see adapters/saved_file.h. One function installs a new file at a path,
 * out of a text and a pattern (the file whose attributes it gets); keeping, restoring and rewriting are that.
 */
#include "adapters/saved_file.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define SIZE_MAX_SAVED 1048576
#define XATTR_MAX      4096

struct place {
        int folder;
        const char *name;
        char temporary[NAME_MAX + 1];
};

static void place_done(struct place *place)
{
        place->folder = close_fd(place->folder);
}

static int place_open(struct place *place, const char *path)
{
        const char *slash = strrchr(path, '/');
        char folder[PATH_MAX];

        if (!slash || slash[1] == '\0')
                return -EINVAL;
        if (text_copy_n(folder, sizeof(folder), path, (size_t)(slash - path) + 1) < 0)
                return -ENAMETOOLONG;
        place->name = slash + 1;
        if (text_format(place->temporary, sizeof(place->temporary), ".%s.smswarden", place->name) < 0)
                return -ENAMETOOLONG;
        place->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return place->folder < 0 ? -errno : 0;
}

static int into_place(const struct place *place)
{
        if (renameat(place->folder, place->temporary, place->folder, place->name) < 0)
                return -errno;
        return fsync(place->folder) < 0 ? -errno : 0;
}

/* ACLs and attributes; a file system that has none has nothing to copy. */
static int copy_attributes(int from, int to)
{
        char names[XATTR_MAX], value[XATTR_MAX];
        ssize_t n = flistxattr(from, names, sizeof(names));

        if (n < 0)
                return errno == ENOTSUP ? 0 : -errno;
        for (const char *name = names; name < names + n; name += strlen(name) + 1) {
                ssize_t size = fgetxattr(from, name, value, sizeof(value));
                if (size < 0)
                        return -errno;
                if (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP)
                        return -errno;
        }
        return 0;
}

/* Owner first: a change of owner takes set-id bits and capabilities away. */
static int copy_ownership(const struct stat *pattern, int to, mode_t mode)
{
        if (fchown(to, pattern->st_uid, pattern->st_gid) < 0)
                return -errno;
        return fchmod(to, pattern->st_mode & mode) < 0 ? -errno : 0;
}

static int write_temporary(const struct place *place, const char *text, size_t length, int pattern,
                           mode_t mode, bool times)
{
        struct stat status;

        if (fstat(pattern, &status) < 0 ||
            (unlinkat(place->folder, place->temporary, 0) < 0 && errno != ENOENT))
                return -errno;
        _cleanup_close_ int fd = openat(place->folder, place->temporary,
                                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = file_write_full(fd, text, length);
        if (r == 0)
                r = copy_ownership(&status, fd, mode);
        if (r == 0)
                r = copy_attributes(pattern, fd);
        if (r == 0 && times && futimens(fd, (const struct timespec[2]){status.st_atim, status.st_mtim}) < 0)
                r = -errno;
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r;
}

static int install_text(const char *path, const char *text, size_t length, int pattern, mode_t mode,
                        bool times)
{
        _cleanup_(place_done) struct place place = {.folder = -1};
        int r = place_open(&place, path);

        if (r < 0)
                return r;
        r = write_temporary(&place, text, length, pattern, mode, times);
        if (r == 0)
                r = into_place(&place);
        if (r < 0)
                (void)unlinkat(place.folder, place.temporary, 0); /* the first error is the one to tell */
        return r;
}

static int install_link(const char *path, const char *target, const struct stat *pattern)
{
        _cleanup_(place_done) struct place place = {.folder = -1};
        int r = place_open(&place, path);

        if (r < 0)
                return r;
        if ((unlinkat(place.folder, place.temporary, 0) < 0 && errno != ENOENT) ||
            symlinkat(target, place.folder, place.temporary) < 0 ||
            fchownat(place.folder, place.temporary, pattern->st_uid, pattern->st_gid, AT_SYMLINK_NOFOLLOW) <
                0)
                r = -errno;
        if (r == 0)
                r = into_place(&place);
        if (r < 0)
                (void)unlinkat(place.folder, place.temporary, 0);
        return r;
}

static int copy_link(const char *from, const char *to, const struct stat *status)
{
        char target[PATH_MAX];
        ssize_t n = readlink(from, target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        return install_link(to, target, status);
}

static int copy_file(const char *from, const char *to)
{
        _cleanup_close_ int fd = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        size_t length = 0;

        if (fd < 0)
                return -errno;
        int r = file_read(from, O_NOFOLLOW, SIZE_MAX_SAVED, &text, &length);
        return r < 0 ? r : install_text(to, text, length, fd, 07777, true);
}

static int copy_any(const char *from, const char *to)
{
        struct stat status;

        if (lstat(from, &status) < 0)
                return -errno;
        if (S_ISLNK(status.st_mode))
                return copy_link(from, to, &status);
        return S_ISREG(status.st_mode) ? copy_file(from, to) : -EINVAL;
}

int saved_file_keep(const char *path, const char *copy)
{
        return copy_any(path, copy);
}

int saved_file_restore(const char *copy, const char *path)
{
        return copy_any(copy, path);
}

int saved_file_rewrite(const char *path, const char *text, size_t length)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        return fd < 0 ? -errno : install_text(path, text, length, fd, 0777, false);
}
