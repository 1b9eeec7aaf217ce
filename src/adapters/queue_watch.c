/*
 * Watches smsd's folders, see adapters/queue_watch.h. It owns one inotify descriptor, a deferred source that
 * does the looking, and a timer for the next look.
 *
 * inotify only says that a folder is to be looked at again; what is there is seen by the look. So a lost
 * event costs nothing. A folder that is missing, moved or replaced makes all watches anew: the nearest folder
 * above a missing one is watched instead.
 *
 * One thing a look cannot see: a message whose time lies before the mark because the wall clock went
 * back. While that is so the names that inotify tells are kept (`late`).
 */
#include "queue_watch_private.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "core/message_file.h"
#include "core/queue_retry.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <time.h>

#define LOOK_EVERY   USEC_PER_SEC
#define LOOK_SHARE   20 /* a look may take one part in so many of the time */
#define SETTLE_DELAY ((usec_t)QUEUE_SETTLE_NSEC / 1000 + 20 * USEC_PER_MSEC)
#define LATE_MAX     64

#define FOLDER_EVENTS                                                                                        \
        (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF)
#define ABOVE_EVENTS (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)
#define GONE_EVENTS  (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)

struct watched {
        char path[CONFIG_PATH_MAX]; /* "": there is no such folder */
        int wd;                     /* -1: it is missing */
        int above_wd;               /* of the nearest folder above a missing one */
        char awaited[NAME_MAX + 1]; /* what is to appear there */
        bool dirty;
        int64_t count;
        int64_t oldest; /* as queue_scan.oldest */
};

struct late_names {
        unsigned n;
        char names[LATE_MAX][NAME_MAX + 1];
};

struct queue_watch {
        sd_event *event;
        struct queue_watch_callbacks callbacks;
        void *userdata;
        struct watched folders[QUEUE_KINDS];
        int inotify_fd;
        sd_event_source *inotify_source, *work, *timer;
        bool rebuild; /* the watches are to be made anew */
        bool telling; /* one is told and not taken yet */
        bool changed; /* counts that were not told */
        struct queue_mark mark;
        unsigned scanned;      /* the folder that is looked through */
        bool due[QUEUE_KINDS]; /* and those that this look is still to come to */
        struct queue_scan scan;
        usec_t look_begun, next_look; /* CLOCK_MONOTONIC */
        struct queue_file *batch;     /* to be told, in order */
        unsigned batch_n, batch_next, behind;
        struct late_names *late; /* NULL: the clock never went back */
};

/* --- when --- */

static void work_now(struct queue_watch *w)
{
        (void)sd_event_source_set_enabled(w->work, SD_EVENT_ONESHOT);
}

static bool is_dirty(const struct queue_watch *w)
{
        for (unsigned i = 0; i < QUEUE_KINDS; i++)
                if (w->folders[i].dirty)
                        return true;
        return w->rebuild;
}

/* What changes now is looked at when it has settled, and not more often than looking is worth. */
static void look_later(struct queue_watch *w)
{
        usec_t at = usec_add(clock_monotonic(), SETTLE_DELAY);
        int enabled = SD_EVENT_OFF;

        (void)sd_event_source_get_enabled(w->timer, &enabled);
        if (enabled != SD_EVENT_OFF || w->scan.stream)
                return;
        (void)sd_event_source_set_time(w->timer, at > w->next_look ? at : w->next_look);
        (void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        work_now(userdata);
        return 0;
}

/* --- inotify --- */

static void watch_above(struct queue_watch *w, struct watched *folder)
{
        char path[CONFIG_PATH_MAX];

        (void)text_copy(path, sizeof(path), folder->path);
        for (char *slash = strrchr(path, '/'); slash && folder->above_wd < 0; slash = strrchr(path, '/')) {
                (void)text_copy(folder->awaited, sizeof(folder->awaited), slash + 1);
                slash[slash == path] = '\0'; /* keeps the root */
                folder->above_wd =
                    inotify_add_watch(w->inotify_fd, path, ABOVE_EVENTS | IN_ONLYDIR | IN_MASK_ADD);
                if (slash == path)
                        return;
        }
}

static int watch_itself(const struct queue_watch *w, const struct watched *folder)
{
        return inotify_add_watch(w->inotify_fd, folder->path, FOLDER_EVENTS | IN_ONLYDIR | IN_MASK_ADD);
}

static void watch_folder(struct queue_watch *w, struct watched *folder)
{
        folder->above_wd = -1;
        folder->wd = folder->path[0] ? watch_itself(w, folder) : -1;
        folder->dirty = true;
        if (folder->path[0] == '\0' || folder->wd >= 0)
                return;
        if (errno != ENOENT && errno != ENOTDIR)
                log_warning("smsd's folder %s cannot be watched: %s", folder->path, strerror(errno));
        watch_above(w, folder);
        folder->wd = watch_itself(w, folder); /* it may have come meanwhile */
}

static int on_inotify(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int make_watches(struct queue_watch *w)
{
        w->inotify_source = sd_event_source_disable_unref(w->inotify_source);
        w->inotify_fd = close_fd(w->inotify_fd);
        w->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (w->inotify_fd < 0)
                return -errno;
        int r = sd_event_add_io(w->event, &w->inotify_source, w->inotify_fd, EPOLLIN, on_inotify, w);
        if (r >= 0)
                r = sd_event_source_set_priority(w->inotify_source, QUEUE_WATCH_PRIORITY);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < QUEUE_KINDS; i++)
                watch_folder(w, &w->folders[i]);
        w->rebuild = false;
        return 0;
}

static bool clock_went_back(const struct queue_watch *w)
{
        return queue_realtime() < w->mark.changed + QUEUE_SETTLE_NSEC;
}

static void keep_late(struct queue_watch *w, const char *name)
{
        if (!w->late)
                w->late = calloc(1, sizeof(*w->late));
        if (w->late && w->late->n < LATE_MAX)
                (void)text_copy(w->late->names[w->late->n++], NAME_MAX + 1, name);
}

static void take_event(struct queue_watch *w, unsigned kind, const struct inotify_event *event)
{
        struct watched *folder = &w->folders[kind];
        const char *name = event->len > 0 ? event->name : "";
        bool message = message_name_is_message(name);

        if (event->mask & IN_Q_OVERFLOW)
                w->rebuild = true;
        if (event->wd == folder->above_wd &&
            ((event->mask & GONE_EVENTS) || text_equal(name, folder->awaited)))
                w->rebuild = true;
        if (event->wd != folder->wd)
                return;
        if (event->mask & GONE_EVENTS)
                w->rebuild = true;
        else if (message)
                folder->dirty = true;
        if (kind == QUEUE_FAILED && (event->mask & (IN_CREATE | IN_MOVED_TO)) && message &&
            clock_went_back(w))
                keep_late(w, name);
}

static int on_inotify(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata)
{
        struct queue_watch *w = userdata;
        _Alignas(struct inotify_event) char buffer[4096];
        ssize_t n = read(fd, buffer, sizeof(buffer));

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        for (ssize_t at = 0; at < n;) {
                const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
                for (unsigned i = 0; i < QUEUE_KINDS; i++)
                        take_event(w, i, event);
                at += (ssize_t)(sizeof(*event) + event->len);
        }
        if (is_dirty(w))
                look_later(w);
        return 0;
}

/* --- telling --- */

static void tell(struct queue_watch *w, const char *name, struct message_failed_event *message, unsigned more)
{
        message_requeue_command(message->again, sizeof(message->again), name,
                                message->requeued >= QUEUE_REQUEUES_MAX);
        message->more = more;
        w->telling = true;
        w->callbacks.failed(w->userdata, message, &w->mark);
}

/* A late one is told in the order of its coming; the mark stays. */
static void tell_late(struct queue_watch *w)
{
        struct message_failed_event message;
        struct queue_file file;

        for (unsigned i = 0; w->late && i < w->late->n && !w->telling; i++) {
                char name[NAME_MAX + 1];
                (void)text_copy(name, sizeof(name), w->late->names[i]);
                w->late->names[i][0] = '\0';
                if (name[0] &&
                    queue_message_read(w->folders[QUEUE_FAILED].path, name, &file, &message) >= 0 &&
                    queue_mark_compare(&file.mark, &w->mark) <= 0)
                        tell(w, name, &message, 0);
        }
        if (!w->telling && w->late)
                w->late->n = 0;
}

/* What has changed since the look is left to the next one, what has gone needs nobody. */
static void tell_next(struct queue_watch *w)
{
        struct message_failed_event message;
        struct queue_file file;

        tell_late(w);
        while (!w->telling && w->batch_next < w->batch_n) {
                const struct queue_file *next = &w->batch[w->batch_next++];
                w->behind--;
                if (queue_message_read(w->folders[QUEUE_FAILED].path, next->name, &file, &message) < 0 ||
                    queue_mark_compare(&file.mark, &next->mark) != 0)
                        continue;
                w->mark = file.mark;
                tell(w, file.name, &message, w->behind);
        }
        if (w->telling || w->batch_n == 0)
                return;
        free(w->batch);
        w->batch = NULL;
        w->batch_n = w->batch_next = 0;
        w->folders[QUEUE_FAILED].dirty = w->folders[QUEUE_FAILED].dirty || w->behind > 0;
}

void queue_watch_taken(struct queue_watch *watch)
{
        if (!watch || !watch->telling)
                return;
        watch->telling = false;
        work_now(watch);
}

/* --- looking --- */

static void take_batch(struct queue_watch *w)
{
        free(w->batch);
        w->batch = w->scan.files;
        w->scan.files = NULL;
        w->batch_n = w->scan.n;
        w->batch_next = 0;
        w->behind = w->scan.behind;
        w->folders[QUEUE_FAILED].dirty = w->folders[QUEUE_FAILED].dirty || w->scan.unsettled;
}

static void take_counts(struct queue_watch *w, int64_t count)
{
        struct watched *folder = &w->folders[w->scanned];

        w->changed = w->changed || folder->count != count;
        folder->count = count;
        w->changed = w->changed || folder->oldest != w->scan.oldest;
        folder->oldest = w->scan.oldest;
}

static void end_folder(struct queue_watch *w, int64_t count)
{
        take_counts(w, count);
        if (w->scanned == QUEUE_FAILED)
                take_batch(w);
        queue_scan_end(&w->scan);
}

/* Of two times the first; 0 is none. */
static int64_t earlier(int64_t a, int64_t b)
{
        return a == 0 || (b != 0 && b < a) ? b : a;
}

static void end_look(struct queue_watch *w)
{
        usec_t now = clock_monotonic(), pause = usec_sub(now, w->look_begun) * LOOK_SHARE;

        w->next_look = usec_add(now, pause > LOOK_EVERY ? pause : LOOK_EVERY);
        if (!w->changed)
                return;
        w->changed = false;
        const struct queue_counts counts = {
            .outgoing = w->folders[QUEUE_OUTGOING].count,
            .checked = w->folders[QUEUE_CHECKED].count,
            .failed = w->folders[QUEUE_FAILED].count,
            .incoming = w->folders[QUEUE_INCOMING].count,
            .quarantine = w->folders[QUEUE_QUARANTINE].count,
            .oldest_incoming_realtime = w->folders[QUEUE_INCOMING].oldest,
            .oldest_waiting_realtime =
                earlier(w->folders[QUEUE_OUTGOING].oldest, w->folders[QUEUE_CHECKED].oldest)};
        w->callbacks.counted(w->userdata, &counts);
}

/* Begins the next folder's. False: there is none. */
static bool begin_folder(struct queue_watch *w)
{
        for (w->scanned = 0; w->scanned < QUEUE_KINDS; w->scanned++) {
                if (!w->due[w->scanned])
                        continue;
                w->due[w->scanned] = false;
                if (queue_scan_begin(&w->scan, w->folders[w->scanned].path) >= 0)
                        return true;
                end_folder(w, -1);
        }
        return false;
}

/* What becomes dirty from here on is for the next look. */
static int begin_look(struct queue_watch *w)
{
        int r = w->rebuild ? make_watches(w) : 0;

        if (r < 0)
                return r;
        w->look_begun = clock_monotonic();
        for (unsigned i = 0; i < QUEUE_KINDS; i++) {
                w->due[i] = w->folders[i].dirty;
                w->folders[i].dirty = false;
        }
        if (!begin_folder(w))
                end_look(w);
        return 0;
}

static int go_on(struct queue_watch *w)
{
        int r = queue_scan_go_on(&w->scan, (enum queue_kind)w->scanned, &w->mark);

        if (r > 0)
                return 0;
        if (r < 0) {
                queue_scan_end(&w->scan);
                w->folders[w->scanned].dirty = true;
        } else
                end_folder(w, w->scan.count);
        if (!begin_folder(w))
                end_look(w);
        return r;
}

/* One piece of work: a part of a look, and what can be told. What fails (memory) is tried again. */
static int on_work(sd_event_source *source _unused_, void *userdata)
{
        struct queue_watch *w = userdata;
        int r = 0;

        if (w->scan.stream)
                r = go_on(w);
        else if (is_dirty(w) && clock_monotonic() >= w->next_look)
                r = begin_look(w);
        if (r < 0)
                w->next_look = usec_add(clock_monotonic(), LOOK_EVERY);
        if (!w->telling)
                tell_next(w);
        if (w->scan.stream)
                work_now(w);
        else if (is_dirty(w))
                look_later(w);
        return 0;
}

/* --- life --- */

static int copy_paths(struct queue_watch *w, const struct queue_watch_options *options)
{
        const char *const paths[QUEUE_KINDS] = {[QUEUE_OUTGOING] = options->outgoing,
                                                [QUEUE_CHECKED] = options->checked,
                                                [QUEUE_FAILED] = options->failed,
                                                [QUEUE_INCOMING] = options->incoming,
                                                [QUEUE_QUARANTINE] = options->quarantine};

        for (unsigned i = 0; i < QUEUE_KINDS; i++) {
                struct watched *folder = &w->folders[i];
                int r = text_copy(folder->path, sizeof(folder->path), paths[i] ? paths[i] : "");
                if (r < 0)
                        return r;
                for (size_t n = strlen(folder->path); n > 1 && folder->path[n - 1] == '/'; n--)
                        folder->path[n - 1] = '\0';
                folder->count = -1;
        }
        return 0;
}

static int add_sources(struct queue_watch *w)
{
        int r = sd_event_add_defer(w->event, &w->work, on_work, w);

        if (r >= 0)
                r = sd_event_source_set_priority(w->work, QUEUE_WATCH_PRIORITY);
        if (r >= 0)
                r = sd_event_add_time(w->event, &w->timer, CLOCK_MONOTONIC, USEC_INFINITY, USEC_PER_MSEC,
                                      on_timer, w);
        if (r >= 0)
                r = sd_event_source_set_priority(w->timer, QUEUE_WATCH_PRIORITY);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
        return r < 0 ? r : make_watches(w);
}

int queue_watch_new(struct queue_watch **ret, sd_event *event, const struct queue_watch_options *options,
                    const struct queue_watch_callbacks *callbacks, void *userdata)
{
        _cleanup_(queue_watch_cleanup) struct queue_watch *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->inotify_fd = -1;
        w->event = sd_event_ref(event);
        w->callbacks = *callbacks;
        w->userdata = userdata;
        w->mark = options->mark;
        w->changed = true; /* the first counts are told in any case */
        int r = copy_paths(w, options);
        if (r >= 0)
                r = add_sources(w);
        if (r < 0)
                return r;
        work_now(w);
        *ret = w;
        w = NULL;
        return 0;
}

struct queue_watch *queue_watch_free(struct queue_watch *watch)
{
        if (!watch)
                return NULL;
        watch->inotify_source = sd_event_source_disable_unref(watch->inotify_source);
        watch->work = sd_event_source_disable_unref(watch->work);
        watch->timer = sd_event_source_disable_unref(watch->timer);
        watch->inotify_fd = close_fd(watch->inotify_fd);
        queue_scan_end(&watch->scan);
        free(watch->batch);
        free(watch->late);
        (void)sd_event_unref(watch->event);
        free(watch);
        return NULL;
}
