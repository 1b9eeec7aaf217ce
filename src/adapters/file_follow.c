/*
 * Follows a log file, see adapters/file_follow.h. It owns one inotify descriptor, one deferred source and up
 * to two open files: the one that has the name now, and the one that had it before.
 *
 * The file is watched for being written, the folder for names coming in only, so that other logs in the same
 * folder do not wake us. All reading happens in the deferred source, a bounded number of bytes at a time: a
 * writer gone mad cannot hold the event loop.
 */
#include "adapters/file_follow.h"

#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define BYTES_PER_DISPATCH 65536

/* Of a file that appears under the name with much in it (an old one moved back) only the tail is news. */
#define BACKLOG_MAX BYTES_PER_DISPATCH

struct followed {
        int fd;
        int wd;
        off_t offset;
        bool skipping; /* up to the next line end: the rest of a cut line, or a line whose begin was never
                          read */
        size_t length;
        char line[FILE_FOLLOW_LINE_MAX + 1];
};

struct file_follow {
        char *path;
        const char *name; /* in path */
        file_follow_line_fn line;
        void *userdata;
        int inotify_fd;
        int folder_wd;
        sd_event_source *inotify_source, *read_source;
        struct followed current, previous;
};

/* --- one file --- */

static void followed_close(struct file_follow *f, struct followed *file)
{
        /* The kernel may have dropped the watch already. */
        if (file->wd >= 0)
                (void)inotify_rm_watch(f->inotify_fd, file->wd);
        *file = (struct followed){.fd = close_fd(file->fd), .wd = -1};
}

static void take_byte(struct file_follow *f, struct followed *file, char byte)
{
        if (byte != '\n') {
                if (file->length < FILE_FOLLOW_LINE_MAX)
                        file->line[file->length++] = byte;
                return;
        }
        if (!file->skipping) {
                file->line[file->length] = '\0';
                f->line(f->userdata, file->line, file->length);
        }
        file->skipping = false;
        file->length = 0;
}

static void check_truncated(struct followed *file)
{
        struct stat now;

        if (fstat(file->fd, &now) == 0 && now.st_size < file->offset) {
                file->offset = 0;
                file->length = 0;
                file->skipping = false;
        }
}

/* Reads up to the end or `budget` bytes, which it lowers. A file that cannot be read is as good as ended. */
static void read_lines(struct file_follow *f, struct followed *file, size_t *budget)
{
        char buffer[4096];

        if (file->fd < 0)
                return;
        check_truncated(file);
        while (*budget > 0) {
                size_t wanted = *budget < sizeof(buffer) ? *budget : sizeof(buffer);
                ssize_t n = pread(file->fd, buffer, wanted, file->offset);
                if (n <= 0)
                        return;
                file->offset += n;
                *budget -= (size_t)n;
                for (ssize_t i = 0; i < n; i++)
                        take_byte(f, file, buffer[i]);
        }
}

static bool is_unlinked(const struct followed *file)
{
        struct stat now;

        return fstat(file->fd, &now) == 0 && now.st_nlink == 0;
}

/* --- which file has the name --- */

/* Opens through a mere name first: a fifo or device under it is never opened for real. */
static int open_regular(const char *path, struct stat *ret_stat)
{
        _cleanup_close_ int name = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char through[32];
        struct stat file;

        if (name < 0 || fstat(name, &file) < 0)
                return -errno;
        if (!S_ISREG(file.st_mode))
                return -EINVAL;
        (void)text_format(through, sizeof(through), "/proc/self/fd/%d", name);
        int fd = open(through, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_stat = file;
        return fd;
}

static bool is_current(const struct file_follow *f, const struct stat *file)
{
        struct stat current;

        return f->current.fd >= 0 && fstat(f->current.fd, &current) == 0 && current.st_ino == file->st_ino &&
               current.st_dev == file->st_dev;
}

/* True when the byte before `offset` ends a line, so that reading from there begins with a whole one. */
static bool at_line_begin(int fd, off_t offset)
{
        char byte;

        return offset == 0 || (pread(fd, &byte, 1, offset - 1) == 1 && byte == '\n');
}

/* Makes the file that has the name now the current one. `from_end`: what it already holds is no news. */
static void look_up(struct file_follow *f, bool from_end)
{
        char through[32];
        struct stat file = {0};
        _cleanup_close_ int fd = open_regular(f->path, &file);

        if (fd < 0 || is_current(f, &file))
                return;
        followed_close(f, &f->previous);
        f->previous = f->current;
        off_t backlog = from_end ? 0 : BACKLOG_MAX;
        off_t offset = file.st_size > backlog ? file.st_size - backlog : 0;
        f->current =
            (struct followed){.fd = fd, .wd = -1, .offset = offset, .skipping = !at_line_begin(fd, offset)};
        fd = -1;
        /* By descriptor: the name may have changed hands again. Without a watch (limits) file_follow_check
         * still reads. */
        (void)text_format(through, sizeof(through), "/proc/self/fd/%d", f->current.fd);
        f->current.wd = inotify_add_watch(f->inotify_fd, through, IN_MODIFY | IN_ATTRIB);
}

static void watch_folder(struct file_follow *f)
{
        char folder[PATH_MAX];
        size_t length = (size_t)(f->name - f->path);

        /* Keeps the slash: "/" is a folder as well. */
        if (text_copy_n(folder, sizeof(folder), f->path, length) < 0)
                return;
        int wd = inotify_add_watch(f->inotify_fd, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
        if (f->folder_wd >= 0 && wd != f->folder_wd)
                (void)inotify_rm_watch(f->inotify_fd, f->folder_wd);
        f->folder_wd = wd;
}

void file_follow_check(struct file_follow *f)
{
        watch_folder(f);
        look_up(f, false);
        (void)sd_event_source_set_enabled(f->read_source, SD_EVENT_ONESHOT);
}

/* --- events --- */

/* The older file first, so that lines come in the order of their writing. */
static int on_read(sd_event_source *source, void *userdata)
{
        struct file_follow *f = userdata;
        size_t budget = BYTES_PER_DISPATCH;

        read_lines(f, &f->previous, &budget);
        read_lines(f, &f->current, &budget);
        if (budget == 0)
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        /* A deleted file keeps its blocks as long as we hold it. */
        if (f->previous.fd >= 0 && is_unlinked(&f->previous))
                followed_close(f, &f->previous);
        return 0;
}

static int on_inotify(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct file_follow *f = userdata;
        _Alignas(struct inotify_event) char buffer[4096];
        bool moved = false, written = false;

        (void)source;
        (void)events;
        ssize_t n = read(fd, buffer, sizeof(buffer));
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        for (ssize_t at = 0; at < n;) {
                const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
                bool lost = event->mask & IN_Q_OVERFLOW;
                bool in_folder = event->wd == f->folder_wd;
                /* A file that is replaced changes its attributes: what there is to see where the folder may
                 * not be read. */
                moved = moved || lost || (!in_folder && event->mask & IN_ATTRIB) ||
                        (in_folder && event->len > 0 && text_equal(event->name, f->name));
                written = written || lost || !in_folder;
                at += (ssize_t)(sizeof(*event) + event->len);
        }
        if (moved)
                look_up(f, false);
        if (moved || written)
                return sd_event_source_set_enabled(f->read_source, SD_EVENT_ONESHOT);
        return 0;
}

/* --- life --- */

static int add_sources(struct file_follow *f, sd_event *event)
{
        f->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (f->inotify_fd < 0)
                return -errno;
        int r = sd_event_add_io(event, &f->inotify_source, f->inotify_fd, EPOLLIN, on_inotify, f);
        if (r >= 0)
                r = sd_event_source_set_priority(f->inotify_source, FILE_FOLLOW_PRIORITY);
        if (r >= 0)
                r = sd_event_add_defer(event, &f->read_source, on_read, f);
        if (r >= 0)
                r = sd_event_source_set_priority(f->read_source, FILE_FOLLOW_PRIORITY);
        return r < 0 ? r : sd_event_source_set_enabled(f->read_source, SD_EVENT_OFF);
}

int file_follow_new(struct file_follow **ret, sd_event *event, const char *path, file_follow_line_fn line,
                    void *userdata)
{
        const char *slash = strrchr(path, '/');
        _cleanup_(file_follow_cleanup) struct file_follow *f = NULL;

        if (!slash || slash[1] == '\0')
                return -EINVAL;
        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        f->inotify_fd = f->folder_wd = -1;
        f->current.fd = f->current.wd = f->previous.fd = f->previous.wd = -1;
        f->line = line;
        f->userdata = userdata;
        f->path = strdup(path);
        if (!f->path)
                return -ENOMEM;
        f->name = f->path + (slash - path) + 1;
        int r = add_sources(f, event);
        if (r < 0)
                return r;
        watch_folder(f);
        look_up(f, true);
        *ret = f;
        f = NULL;
        return 0;
}

struct file_follow *file_follow_free(struct file_follow *f)
{
        if (!f)
                return NULL;
        (void)sd_event_source_disable_unref(f->inotify_source);
        (void)sd_event_source_disable_unref(f->read_source);
        followed_close(f, &f->current);
        followed_close(f, &f->previous);
        (void)close_fd(f->inotify_fd);
        free(f->path);
        free(f);
        return NULL;
}
