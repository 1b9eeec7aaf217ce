/*
 * Whole files with their attributes, see adapters/saved_file.h. One function installs a new file at a place,
 * out of a text and a pattern (the file whose attributes it gets); keeping, restoring and rewriting are that.
 *
 * We are root in other people's folders: who owns one may put a link in the place of any part of a path, at
 * any moment. So a path is walked part by part, once, and everything is done from the folder that was
 * reached.
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
#include <unistd.h>

#define SIZE_MAX_SAVED 1048576
#define XATTR_MAX      4096
#define LINKS_MAX      32

/* --- the way to a folder --- */

struct walk {
        int folder;
        bool trusted; /* all folders so far are root's alone: the links in them are, too */
        unsigned links;
        char rest[PATH_MAX]; /* what is left to walk */
};

static void walk_done(struct walk *walk)
{
        walk->folder = close_fd(walk->folder);
}

static int walk_from(struct walk *walk, const char *where)
{
        walk->folder = close_fd(walk->folder);
        walk->folder = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return walk->folder < 0 ? -errno : 0;
}

/* Cuts the next part off the rest; "" at the end. */
static int next_part(struct walk *walk, char part[NAME_MAX + 1])
{
        size_t start = strspn(walk->rest, "/"), length = strcspn(walk->rest + start, "/");

        if (text_copy_n(part, NAME_MAX + 1, walk->rest + start, length) < 0)
                return -ENAMETOOLONG;
        memmove(walk->rest, walk->rest + start + length, strlen(walk->rest + start + length) + 1);
        return 0;
}

static int follow_link(struct walk *walk, int link)
{
        char target[PATH_MAX], rest[PATH_MAX];
        ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        if (!walk->trusted || ++walk->links > LINKS_MAX)
                return -ELOOP;
        if (text_format(rest, sizeof(rest), "%s%s", target, walk->rest) < 0 ||
            text_copy(walk->rest, sizeof(walk->rest), rest) < 0)
                return -ENAMETOOLONG;
        return target[0] == '/' ? walk_from(walk, "/") : 0;
}

static int walk_into(struct walk *walk, const char *part)
{
        _cleanup_close_ int next = openat(walk->folder, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;

        if (next < 0 || fstat(next, &status) < 0)
                return -errno;
        if (S_ISLNK(status.st_mode))
                return follow_link(walk, next);
        if (!S_ISDIR(status.st_mode))
                return -ENOTDIR;
        (void)close_fd(walk->folder);
        walk->folder = next;
        next = -1;
        walk->trusted = walk->trusted && status.st_uid == 0 && !(status.st_mode & (S_IWGRP | S_IWOTH));
        return 0;
}

/* The folder at the end of `path`: a descriptor, or a negative errno; -ELOOP: over somebody's own link. */
static int open_folder(const char *path)
{
        _cleanup_(walk_done) struct walk walk = {.folder = -1, .trusted = true};
        char part[NAME_MAX + 1];

        int r = text_copy(walk.rest, sizeof(walk.rest), path);
        if (r == 0)
                r = walk_from(&walk, path[0] == '/' ? "/" : ".");
        while (r == 0 && (r = next_part(&walk, part)) == 0 && part[0])
                r = walk_into(&walk, part);
        if (r < 0)
                return r;
        int fd = openat(walk.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* --- a place --- */

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
        place->folder = open_folder(folder);
        return place->folder < 0 ? place->folder : 0;
}

/* The regular file that lies there: its descriptor, its status. */
static int open_file(const struct place *place, struct stat *ret_status)
{
        _cleanup_close_ int fd =
            openat(place->folder, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0 || fstat(fd, ret_status) < 0)
                return -errno;
        if (!S_ISREG(ret_status->st_mode))
                return -EINVAL;
        int file = fd;
        fd = -1;
        return file;
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

static int install_text(const struct place *place, const char *text, size_t length, int pattern, mode_t mode,
                        bool times)
{
        int r = write_temporary(place, text, length, pattern, mode, times);

        if (r == 0)
                r = into_place(place);
        if (r < 0)
                (void)unlinkat(place->folder, place->temporary, 0); /* the first error is the one to tell */
        return r;
}

static int install_link(const struct place *place, const char *target, const struct stat *pattern)
{
        int r = 0;

        if ((unlinkat(place->folder, place->temporary, 0) < 0 && errno != ENOENT) ||
            symlinkat(target, place->folder, place->temporary) < 0 ||
            fchownat(place->folder, place->temporary, pattern->st_uid, pattern->st_gid, AT_SYMLINK_NOFOLLOW) <
                0)
                r = -errno;
        if (r == 0)
                r = into_place(place);
        if (r < 0)
                (void)unlinkat(place->folder, place->temporary, 0);
        return r;
}

static int copy_link(const struct place *from, const struct place *to, const struct stat *status)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(from->folder, from->name, target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        return install_link(to, target, status);
}

/* Text and attributes by the same descriptor: another file may lie there the next moment. */
static int copy_file(const struct place *from, const struct place *to)
{
        struct stat status;
        _cleanup_close_ int fd = open_file(from, &status);
        _cleanup_free_ char *text = NULL;
        char through[32];
        size_t length = 0;

        if (fd < 0)
                return fd;
        (void)text_format(through, sizeof(through), "/proc/self/fd/%d", fd); /* always fits */
        int r = file_read(through, 0, SIZE_MAX_SAVED, &text, &length);
        return r < 0 ? r : install_text(to, text, length, fd, 07777, true);
}

static int copy_any(const char *from_path, const char *to_path)
{
        _cleanup_(place_done) struct place from = {.folder = -1}, to = {.folder = -1};
        struct stat status;
        int r = place_open(&from, from_path);

        if (r == 0)
                r = place_open(&to, to_path);
        if (r < 0)
                return r;
        if (fstatat(from.folder, from.name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return S_ISLNK(status.st_mode) ? copy_link(&from, &to, &status) : copy_file(&from, &to);
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
        _cleanup_(place_done) struct place place = {.folder = -1};
        struct stat status;
        int r = place_open(&place, path);

        if (r < 0)
                return r;
        _cleanup_close_ int pattern = open_file(&place, &status);
        return pattern < 0 ? pattern : install_text(&place, text, length, pattern, 0777, false);
}
