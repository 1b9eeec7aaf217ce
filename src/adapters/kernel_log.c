/*
 * /dev/kmsg, see adapters/kernel_log.h: one read is one record. EPIPE says that the ring has overtaken us,
 * and the next read goes on at its oldest record; EINVAL that a record is larger than our buffer, which
 * passes over it.
 */
#include "adapters/kernel_log.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORD_MAX  8192
#define RECORDS_MAX 512 /* in one look */

struct kernel_log {
        int fd;
};

int kernel_log_open(struct kernel_log **ret_log, const char *path)
{
        struct kernel_log *log = calloc(1, sizeof(*log));

        if (!log)
                return -ENOMEM;
        log->fd = open(path ? path : "/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (log->fd < 0 || lseek(log->fd, 0, SEEK_END) < 0) {
                int error = -errno;
                (void)kernel_log_free(log);
                return error;
        }
        *ret_log = log;
        return 0;
}

int kernel_log_read(struct kernel_log *log, void (*record)(void *userdata, const char *text, size_t length),
                    void *userdata)
{
        char text[RECORD_MAX];

        for (unsigned i = 0; i < RECORDS_MAX; i++) {
                ssize_t n = read(log->fd, text, sizeof(text));
                if (n > 0)
                        record(userdata, text, (size_t)n);
                else if (n == 0 || errno == EAGAIN)
                        return 0;
                else if (errno != EPIPE && errno != EINVAL && errno != EINTR)
                        return -errno;
        }
        return lseek(log->fd, 0, SEEK_END) < 0 ? -errno : 0;
}

struct kernel_log *kernel_log_free(struct kernel_log *log)
{
        if (log)
                log->fd = close_fd(log->fd);
        free(log);
        return NULL;
}
