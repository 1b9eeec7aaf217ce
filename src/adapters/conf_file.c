/*
 * Reading a config file that others edit, and the ground that conf_file_replace.c and conf_file_recover.c
 * stand on: the resolved folder and names, and the identity of a content. Everything works on folder and file
 * descriptors, so that a path that changes its meaning meanwhile cannot lead us astray. Nothing here writes
 * into a file.
 */
#include "adapters/conf_file.h"

#include "base/text.h"
#include "conf_file_parts.h"
#include "core/smsd_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

int conf_target_open(struct conf_target *target, const char *path)
{
        _cleanup_free_ char *real = realpath(path, NULL);

        if (!real)
                return -errno;
        char *slash = strrchr(real, '/');
        if (slash[1] == '\0')
                return -EISDIR;
        if (text_copy(target->name, sizeof(target->name), slash + 1) < 0 ||
            text_format(target->temporary, sizeof(target->temporary), ".%s.smswarden-tmp", target->name) < 0)
                return -ENAMETOOLONG;
        slash[slash == real] = '\0'; /* the root keeps its slash */
        target->folder = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return target->folder < 0 ? -errno : 0;
}

void conf_target_done(struct conf_target *target)
{
        target->folder = close_fd(target->folder);
}

int conf_swap_name(struct conf_swap *swap, const struct conf_target *target)
{
        return text_format(swap->name, sizeof(swap->name), ".%s.smswarden-%016llx-%016llx-%016llx",
                           target->name, (unsigned long long)swap->ours, (unsigned long long)swap->before,
                           (unsigned long long)swap->after);
}

int conf_take_lease(int fd)
{
        if (fcntl(fd, F_SETSIG, SIGURG) < 0)
                return 0;
        if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
                return errno == EAGAIN ? -EBUSY : 0;
        return 1;
}

static int refuse_irregular(const struct stat *status)
{
        if (S_ISREG(status->st_mode))
                return 0;
        return S_ISDIR(status->st_mode) ? -EISDIR : -EINVAL;
}

int conf_open_regular(int folder, const char *name)
{
        struct stat status;

        /* Looked at before it is opened: to open a tty or a FIFO already does something to it. */
        if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        int r = refuse_irregular(&status);
        if (r < 0)
                return r;
        int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fstat(fd, &status) < 0 ? -errno : refuse_irregular(&status);
        if (r < 0) {
                (void)close_fd(fd);
                return r;
        }
        return fd;
}

/* Fills `text` up to `size` or the end of the file. Returns 0 and the bytes read. */
static int read_all(int fd, char *text, size_t size, size_t *ret_length)
{
        size_t length = 0;

        while (length < size) {
                ssize_t got = pread(fd, text + length, size - length, (off_t)length);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                length += (size_t)got;
        }
        *ret_length = length;
        return 0;
}

int conf_read_fd(int fd, char **ret_text, size_t *ret_length, struct conf_file_id *ret_id)
{
        _cleanup_free_ char *text = malloc((size_t)SMSD_CONF_SIZE_MAX + 1);
        struct stat status;
        size_t length = 0;

        if (!text)
                return -ENOMEM;
        /* Before the content: what is written while we read shows as another mtime or hash later. */
        if (fstat(fd, &status) < 0)
                return -errno;
        int r = read_all(fd, text, (size_t)SMSD_CONF_SIZE_MAX + 1, &length);
        if (r < 0)
                return r;
        if (length > SMSD_CONF_SIZE_MAX)
                return -EFBIG;
        text[length] = '\0';
        *ret_id = (struct conf_file_id){.dev = status.st_dev,
                                        .ino = status.st_ino,
                                        .size = status.st_size,
                                        .mtime = status.st_mtim,
                                        .ctime = status.st_ctim,
                                        .hash = text_hash(text, length)};
        if (ret_text) {
                char *exact = realloc(text, length + 1);
                *ret_text = exact ? exact : text;
                *ret_length = length;
                text = NULL;
        }
        return 0;
}

static bool times_equal(struct timespec a, struct timespec b)
{
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool conf_id_equal(const struct conf_file_id *a, const struct conf_file_id *b, bool with_ctime)
{
        return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
               times_equal(a->mtime, b->mtime) && a->hash == b->hash &&
               (!with_ctime || times_equal(a->ctime, b->ctime));
}

bool conf_name_is(int folder, const char *name, dev_t dev, ino_t ino)
{
        struct stat status;

        return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_dev == dev &&
               status.st_ino == ino;
}

int conf_exchange(int folder, const char *a, const char *b)
{
        return renameat2(folder, a, folder, b, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

int conf_file_read(const char *path, char **ret_text, size_t *ret_length, struct conf_file_id *ret_id)
{
        _cleanup_(conf_target_done) struct conf_target target = {.folder = -1};
        int r = conf_target_open(&target, path);

        if (r < 0)
                return r;
        _cleanup_close_ int fd = conf_open_regular(target.folder, target.name);
        return fd < 0 ? fd : conf_read_fd(fd, ret_text, ret_length, ret_id);
}
