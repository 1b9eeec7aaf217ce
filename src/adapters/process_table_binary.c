/*
 * Who opens the smsd binary: the second in which a person starts smsd around us.
 *
 * It is watched twice: the file for being opened, its folder for the file being replaced (a package upgrade
 * renames a new one over it) or coming back. The watch of the file alone would stay with the old, deleted
 * one.
 */
#include "process_table_private.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>
#include <sys/inotify.h>

int binary_watch_open(struct binary_watch *watch)
{
        watch->binary_wd = watch->folder_wd = -1;
        watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return watch->fd < 0 ? -errno : 0;
}

/* Adding a watch that exists already gives the same number and changes nothing. */
static void renew(int fd, int *wd, const char *path, uint32_t mask)
{
        int new = inotify_add_watch(fd, path, mask);

        if (*wd >= 0 && new != *wd)
                /* The watch of the replaced one; the kernel may have dropped it already. */
                (void)inotify_rm_watch(fd, *wd);
        *wd = new;
}

void binary_watch_arm(struct binary_watch *watch, const char *binary)
{
        char folder[PATH_MAX];

        (void)text_copy(folder, sizeof(folder), binary);
        char *slash = strrchr(folder, '/');
        if (slash)
                slash[1] = '\0';
        renew(watch->fd, &watch->folder_wd, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
        renew(watch->fd, &watch->binary_wd, binary, IN_OPEN | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB);
}

static bool tells_replaced(const struct binary_watch *watch, const char *binary,
                           const struct inotify_event *event)
{
        const char *slash = strrchr(binary, '/');

        if (event->wd == watch->folder_wd)
                return event->len > 0 && slash && text_equal(event->name, slash + 1);
        return event->wd == watch->binary_wd &&
               (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_IGNORED));
}

int binary_watch_read(struct binary_watch *watch, const char *binary, bool *ret_opened, bool *ret_replaced)
{
        _Alignas(struct inotify_event) char buffer[4096];
        bool opened = false, replaced = false;

        ssize_t n = read(watch->fd, buffer, sizeof(buffer));
        if (n < 0 && errno != EAGAIN && errno != EINTR)
                return -errno;
        for (ssize_t at = 0; at < n;) {
                const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
                bool lost = event->mask & IN_Q_OVERFLOW;
                opened = opened || lost || (event->wd == watch->binary_wd && (event->mask & IN_OPEN));
                replaced = replaced || lost || tells_replaced(watch, binary, event);
                at += (ssize_t)(sizeof(*event) + event->len);
        }
        *ret_opened = opened;
        *ret_replaced = replaced;
        return 0;
}
