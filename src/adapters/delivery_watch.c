/*
 * The controller's ear at smswarden-notify's folder, see adapters/delivery_folder.h. It owns one inotify
 * descriptor with one watch: on the folder, or while that is not there on its parent. States come by rename,
 * so nothing else is listened for.
 */
#include "adapters/delivery_folder.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#define IN_FOLDER   (IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define IN_PARENT   (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)
#define RATE_PERIOD USEC_PER_SEC
#define RATE_BURST  20

struct delivery_watch {
        char folder[PATH_MAX];
        void (*changed)(void *userdata);
        void *userdata;
        int inotify_fd;
        int wd;
        bool on_parent;
        sd_event_source *source;
};

/* The part before the last slash; "/" and "." have no other parent. */
static int parent_of(const char *folder, char target[PATH_MAX])
{
        const char *slash = strrchr(folder, '/');

        if (!slash)
                return text_copy(target, PATH_MAX, ".");
        return text_copy_n(target, PATH_MAX, folder, slash == folder ? 1 : (size_t)(slash - folder));
}

static int watch_parent(const struct delivery_watch *watch)
{
        char parent[PATH_MAX];

        if (parent_of(watch->folder, parent) < 0)
                return -1;
        return inotify_add_watch(watch->inotify_fd, parent, IN_PARENT);
}

/* Watches the folder, else its parent. True when it is the folder. */
static bool look_up(struct delivery_watch *watch)
{
        int old = watch->wd, parent = -1;
        int wd = inotify_add_watch(watch->inotify_fd, watch->folder, IN_FOLDER);

        if (wd < 0) {
                parent = watch_parent(watch);
                /* It may have come before its parent was watched. */
                wd = inotify_add_watch(watch->inotify_fd, watch->folder, IN_FOLDER);
        }
        watch->on_parent = wd < 0;
        watch->wd = wd < 0 ? parent : wd;
        /* The kernel may have dropped them already. */
        if (parent >= 0 && parent != watch->wd)
                (void)inotify_rm_watch(watch->inotify_fd, parent);
        if (old >= 0 && old != watch->wd && old != parent)
                (void)inotify_rm_watch(watch->inotify_fd, old);
        return !watch->on_parent;
}

/* True for a state that came or went. What else lies in the folder, and what its own name says, is passed
 * over. */
static bool is_news(const struct delivery_watch *watch, const struct inotify_event *event)
{
        size_t length = event->len > 0 ? strlen(event->name) : 0;

        if (event->mask & IN_Q_OVERFLOW)
                return true;
        return event->wd == watch->wd && !watch->on_parent && length > strlen(".state") &&
               event->name[0] != '.' && text_equal(event->name + length - strlen(".state"), ".state");
}

static int on_inotify(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct delivery_watch *watch = userdata;
        _Alignas(struct inotify_event) char buffer[8192];
        bool news = false, lost = watch->on_parent;

        (void)source;
        (void)events;
        ssize_t n = read(fd, buffer, sizeof(buffer));
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        for (ssize_t at = 0; at < n;) {
                const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
                news = news || is_news(watch, event);
                lost = lost || (event->wd == watch->wd &&
                                event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT));
                at += (ssize_t)(sizeof(*event) + event->len);
        }
        if (lost)
                news = look_up(watch) || news;
        if (news)
                watch->changed(watch->userdata);
        return 0;
}

static void cleanup_watch(struct delivery_watch **watch)
{
        *watch = delivery_watch_free(*watch);
}

int delivery_watch_new(struct delivery_watch **ret, sd_event *event, const char *folder,
                       void (*changed)(void *userdata), void *userdata)
{
        _cleanup_(cleanup_watch) struct delivery_watch *watch = calloc(1, sizeof(*watch));

        if (!watch)
                return -ENOMEM;
        watch->wd = -1;
        watch->changed = changed;
        watch->userdata = userdata;
        watch->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (watch->inotify_fd < 0)
                return -errno;
        int r = text_copy(watch->folder, sizeof(watch->folder), folder);
        if (r >= 0)
                r = sd_event_add_io(event, &watch->source, watch->inotify_fd, EPOLLIN, on_inotify, watch);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(watch->source, RATE_PERIOD, RATE_BURST);
        if (r < 0)
                return r;
        (void)look_up(watch);
        *ret = watch;
        watch = NULL;
        return 0;
}

struct delivery_watch *delivery_watch_free(struct delivery_watch *watch)
{
        if (!watch)
                return NULL;
        (void)sd_event_source_disable_unref(watch->source);
        (void)close_fd(watch->inotify_fd);
        free(watch);
        return NULL;
}
