/*
 * Small files as a whole, see base/file.h.
 */
#include "base/file.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

ssize_t file_read_full(int fd, void *target, size_t size)
{
        size_t total = 0;

        while (total < size) {
                ssize_t n = read(fd, (char *)target + total, size - total);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                total += (size_t)n;
        }
        return (ssize_t)total;
}

int file_open_regular(const char *path, int flags)
{
        _cleanup_close_ int name = open(path, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW));
        char through[32];
        struct stat st;

        if (name < 0 || fstat(name, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ELOOP;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EBADF;
        (void)text_format(through, sizeof(through), "/proc/self/fd/%d", name); /* always fits */
        int fd = open(through, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

bool file_is_foreign(int error)
{
        return error == -ELOOP || error == -EISDIR || error == -EBADF || error == -EFBIG;
}

int file_read_into(const char *path, int flags, char *buffer, size_t size, size_t *ret_length)
{
        _cleanup_close_ int fd = file_open_regular(path, flags);

        if (fd < 0)
                return fd;
        /* To the last byte of the buffer: not by st_size, for the file may grow and files of /sys and /proc
         * lie about it. */
        ssize_t length = file_read_full(fd, buffer, size);
        if (length < 0)
                return (int)length;
        if ((size_t)length == size)
                return -EFBIG;
        buffer[length] = '\0';
        *ret_length = (size_t)length;
        return 0;
}

int file_read(const char *path, int flags, size_t max, char **ret_text, size_t *ret_length)
{
        _cleanup_free_ char *text = malloc(max + 1);

        if (!text)
                return -ENOMEM;
        int r = file_read_into(path, flags, text, max + 1, ret_length);
        if (r < 0)
                return r;
        *ret_text = text;
        text = NULL;
        return 0;
}

struct place {
        int folder;
        const char *name; /* in the caller's path */
        char temporary[NAME_MAX + 1];
};

static void place_done(struct place *place)
{
        place->folder = close_fd(place->folder);
}

static int place_open(struct place *place, const char *path)
{
        const char *slash = strrchr(path, '/');
        size_t length = slash ? (size_t)(slash - path) + 1 : 0;
        char folder[PATH_MAX] = ".";

        place->name = path + length;
        if (place->name[0] == '\0' || text_equal(place->name, ".") || text_equal(place->name, ".."))
                return -EINVAL;
        if (length > 0 && text_copy_n(folder, sizeof(folder), path, length) < 0)
                return -ENAMETOOLONG;
        if (text_format(place->temporary, sizeof(place->temporary), ".%s.new", place->name) < 0)
                return -ENAMETOOLONG;
        place->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return place->folder < 0 ? -errno : 0;
}

int file_write_full(int fd, const char *data, size_t length)
{
        while (length > 0) {
                ssize_t written = write(fd, data, length);
                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return -errno;
                data += written;
                length -= (size_t)written;
        }
        return 0;
}

/* unlink first and O_EXCL: whatever lies at the name, a symlink even, is never written through. */
static int write_temporary(const struct place *place, const void *data, size_t length, mode_t mode,
                           gid_t group)
{
        if (unlinkat(place->folder, place->temporary, 0) < 0 && errno != ENOENT)
                return -errno;
        _cleanup_close_ int fd =
            openat(place->folder, place->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = file_write_full(fd, data, length);
        if (r == 0 && group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) < 0)
                r = -errno;
        if (r == 0 && fchmod(fd, mode) < 0)
                r = -errno;
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r;
}

int file_replace(const char *path, const void *data, size_t length, mode_t mode)
{
        return file_replace_for(path, data, length, mode, (gid_t)-1);
}

int file_replace_for(const char *path, const void *data, size_t length, mode_t mode, gid_t group)
{
        _cleanup_(place_done) struct place place = {.folder = -1};
        int r = place_open(&place, path);

        if (r < 0)
                return r;
        r = write_temporary(&place, data, length, mode, group);
        if (r == 0 && renameat(place.folder, place.temporary, place.folder, place.name) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(place.folder, place.temporary, 0); /* the first error is the one to tell */
                return r;
        }
        return fsync(place.folder) < 0 ? -errno : 0;
}

int file_keep(const char *path, const void *data, size_t length, mode_t mode)
{
        _cleanup_free_ char *kept = NULL;
        size_t kept_length = 0;

        if (file_read(path, O_NOFOLLOW, length, &kept, &kept_length) >= 0 && kept_length == length &&
            memcmp(kept, data, length) == 0)
                return 0;
        return file_replace(path, data, length, mode);
}

int file_remove(const char *path)
{
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
