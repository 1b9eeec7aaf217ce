/*
 * Small files, see adapters/small_file.h. The path is opened twice: the first time as a mere name (O_PATH),
 * because opening a fifo or a device for real can block or do something to it; what was found to be a regular
 * file is then opened through its descriptor.
 */
#include "adapters/small_file.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

static int check_regular(int fd, size_t size)
{
        struct stat file;

        if (fstat(fd, &file) < 0)
                return -errno;
        if (S_ISLNK(file.st_mode))
                return -ELOOP;
        if (S_ISDIR(file.st_mode))
                return -EISDIR;
        if (!S_ISREG(file.st_mode))
                return -EINVAL;
        return (uintmax_t)file.st_size >= size ? -EFBIG : 0;
}

/* Fills at most `size` bytes. Returns 0 and how many there were, or a negative errno. */
static int read_up_to(int fd, char *buffer, size_t size, size_t *ret_length)
{
        size_t length = 0;

        while (length < size) {
                ssize_t n = read(fd, buffer + length, size - length);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        break;
                if (n > 0)
                        length += (size_t)n;
        }
        *ret_length = length;
        return 0;
}

int small_file_read(const char *path, char *buffer, size_t size, size_t *ret_length)
{
        _cleanup_close_ int name = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char through[32];
        size_t length = 0;

        if (name < 0)
                return -errno;
        int r = check_regular(name, size);
        if (r < 0)
                return r;
        (void)text_format(through, sizeof(through), "/proc/self/fd/%d", name);
        _cleanup_close_ int fd = open(through, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = read_up_to(fd, buffer, size, &length);
        if (r < 0)
                return r;
        if (length == size)
                return -EFBIG;
        buffer[length] = '\0';
        if (ret_length)
                *ret_length = length;
        return 0;
}
