/*
 * The atomic writer for small files of our own, see adapters/file_write.h. It owns the one temporary name
 * beside the file and nothing else. Not for files that others edit: those go through adapters/conf_file.h.
 */
#include "adapters/file_write.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

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

static int write_all(int fd, const char *data, size_t length)
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
static int write_temporary(const struct place *place, const void *data, size_t length, mode_t mode)
{
        if (unlinkat(place->folder, place->temporary, 0) < 0 && errno != ENOENT)
                return -errno;
        _cleanup_close_ int fd =
            openat(place->folder, place->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = write_all(fd, data, length);
        if (r == 0 && fchmod(fd, mode) < 0)
                r = -errno;
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r;
}

int file_write_atomic(const char *path, const void *data, size_t length, mode_t mode)
{
        _cleanup_(place_done) struct place place = {.folder = -1};
        int r = place_open(&place, path);

        if (r < 0)
                return r;
        r = write_temporary(&place, data, length, mode);
        if (r == 0 && renameat(place.folder, place.temporary, place.folder, place.name) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(place.folder, place.temporary, 0); /* the first error is the one to tell */
                return r;
        }
        return fsync(place.folder) < 0 ? -errno : 0;
}
