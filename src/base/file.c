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

/* Reads until the end or until `size` bytes are there. Returns their number. */
static ssize_t read_full(int fd, char *target, size_t size)
{
        size_t total = 0;

        while (total < size) {
                ssize_t n = read(fd, target + total, size - total);
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

/*
 * Opens `path` as a mere name first, for opening a fifo waits and opening a device may do something to it;
 * what turned out to be a regular file is then opened by that very name, so that nothing can be put in its
 * place meanwhile.
 */
static int open_regular(const char *path, int flags)
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
        int fd = open(through, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int file_read(const char *path, int flags, size_t max, char **ret_text, size_t *ret_length)
{
        _cleanup_close_ int fd = open_regular(path, flags);

        if (fd < 0)
                return fd;
        _cleanup_free_ char *text = malloc(max + 2);
        if (!text)
                return -ENOMEM;
        /* One byte more than allowed. Not by st_size: the file may grow, and files of /sys and /proc lie
         * about it. */
        ssize_t length = read_full(fd, text, max + 1);
        if (length < 0)
                return (int)length;
        if ((size_t)length > max)
                return -EFBIG;
        text[length] = '\0';
        *ret_text = text;
        *ret_length = (size_t)length;
        text = NULL;
        return 0;
}

static int write_full(int fd, const char *data, size_t length)
{
        while (length > 0) {
                ssize_t n = write(fd, data, length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                length -= (size_t)n;
        }
        return 0;
}

/* Fills the new file behind `fd` and closes it; nothing of it may be lost silently, so close counts too. */
static int fill_and_close(int fd, const void *data, size_t length, mode_t mode)
{
        int r = write_full(fd, data, length);

        if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
                r = -errno;
        if (close(fd) < 0 && r == 0)
                r = -errno;
        return r;
}

/* The rename itself survives a power cut only when the folder is on the disk too. */
static int sync_folder_of(const char *path)
{
        char folder[PATH_MAX];
        const char *slash = strrchr(path, '/');
        size_t length = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;

        if (length == 0)
                (void)text_copy(folder, sizeof(folder), ".");
        else if (text_copy_n(folder, sizeof(folder), path, length) < 0)
                return -ENAMETOOLONG;
        _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return fsync(fd) < 0 ? -errno : 0;
}

int file_replace(const char *path, const void *data, size_t length, mode_t mode)
{
        char beside[PATH_MAX];

        if (text_format(beside, sizeof(beside), "%s.XXXXXX", path) < 0)
                return -ENAMETOOLONG;
        int fd = mkostemp(beside, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int r = fill_and_close(fd, data, length, mode);
        if (r == 0 && rename(beside, path) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlink(beside); /* the first error is the one to tell */
                return r;
        }
        return sync_folder_of(path);
}

int file_remove(const char *path)
{
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
