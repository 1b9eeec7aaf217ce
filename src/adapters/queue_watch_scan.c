/*
 * One look through a folder of smsd's, see queue_watch_private.h: a bounded number of files at a time.
 * Counts as smsd does: without hidden files and *.LOCK.
 */
#include "queue_watch_private.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "core/message_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FILES_PER_PIECE 128

int64_t queue_realtime(void)
{
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_REALTIME, &now);
        return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t nanoseconds(const struct timespec *time)
{
        return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

/*
 * smsd writes what it gives up anew (measured with 3.1.21: never a rename), so its content is as old as its
 * failure. A chmod, a chown or a new link moves the change time alone, and is no failure; a content from
 * tomorrow is somebody's touch, and then the change time is nearer to the truth.
 */
struct queue_mark queue_mark_of(const char *name, const struct stat *status)
{
        int64_t content = nanoseconds(&status->st_mtim), inode = nanoseconds(&status->st_ctim);

        return (struct queue_mark){.changed = content < inode ? content : inode,
                                   .digest = text_hash(name, strlen(name))};
}

int queue_mark_compare(const struct queue_mark *a, const struct queue_mark *b)
{
        if (a->changed != b->changed)
                return a->changed < b->changed ? -1 : 1;
        return (a->digest > b->digest) - (a->digest < b->digest);
}

/* --- the first ones of many: a heap with the last of them on top --- */

static void swap(struct queue_file *a, struct queue_file *b)
{
        struct queue_file other = *a;

        *a = *b;
        *b = other;
}

static void sift_up(struct queue_file *files, unsigned at)
{
        for (; at > 0 && queue_mark_compare(&files[at].mark, &files[(at - 1) / 2].mark) > 0;
             at = (at - 1) / 2)
                swap(&files[at], &files[(at - 1) / 2]);
}

static void sift_down(struct queue_file *files, unsigned n)
{
        for (unsigned at = 0, child; (child = 2 * at + 1) < n; at = child) {
                if (child + 1 < n && queue_mark_compare(&files[child + 1].mark, &files[child].mark) > 0)
                        child++;
                if (queue_mark_compare(&files[child].mark, &files[at].mark) <= 0)
                        return;
                swap(&files[at], &files[child]);
        }
}

static int gather(struct queue_scan *scan, const struct queue_file *file)
{
        if (!scan->files)
                scan->files = calloc(QUEUE_BATCH, sizeof(*scan->files));
        if (!scan->files)
                return -ENOMEM;
        if (scan->n < QUEUE_BATCH) {
                scan->files[scan->n] = *file;
                sift_up(scan->files, scan->n++);
        } else if (queue_mark_compare(&file->mark, &scan->files[0].mark) < 0) {
                scan->files[0] = *file;
                sift_down(scan->files, scan->n);
        }
        return 0;
}

static int by_order(const void *a, const void *b)
{
        const struct queue_file *left = a, *right = b;

        return queue_mark_compare(&left->mark, &right->mark);
}

/* --- the look --- */

int queue_scan_begin(struct queue_scan *scan, const char *path)
{
        queue_scan_end(scan);
        scan->stream = opendir(path);
        if (!scan->stream)
                return -errno;
        scan->settled = queue_realtime() - QUEUE_SETTLE_NSEC;
        return 0;
}

void queue_scan_end(struct queue_scan *scan)
{
        if (scan->stream)
                (void)closedir(scan->stream);
        free(scan->files);
        *scan = (struct queue_scan){0};
}

static int take_failed(struct queue_scan *scan, const char *name, const struct stat *status,
                       const struct queue_mark *mark)
{
        struct queue_file file = {.mark = queue_mark_of(name, status)};

        if (queue_mark_compare(&file.mark, mark) <= 0)
                return 0;
        scan->behind++;
        /* A time to come is a wall clock that went back: not to be waited for. */
        if (file.mark.changed > scan->settled && file.mark.changed <= scan->settled + 2 * QUEUE_SETTLE_NSEC) {
                scan->unsettled = true;
                return 0;
        }
        int r = text_copy(file.name, sizeof(file.name), name);
        return r < 0 ? r : gather(scan, &file);
}

static void take_oldest(struct queue_scan *scan, const struct stat *status)
{
        int64_t changed = status->st_mtim.tv_sec * INT64_C(1000000) + status->st_mtim.tv_nsec / 1000;

        if (scan->oldest == 0 || changed < scan->oldest)
                scan->oldest = changed;
}

static int take(struct queue_scan *scan, enum queue_kind kind, const struct dirent *entry,
                const struct queue_mark *mark)
{
        struct stat status;

        if (!message_name_is_message(entry->d_name) ||
            (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN))
                return 0;
        if (scan->count < QUEUE_WATCH_COUNT)
                scan->count++;
        if (kind == QUEUE_QUARANTINE)
                return 0;
        if (fstatat(dirfd(scan->stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(status.st_mode))
                return 0;
        if (kind == QUEUE_FAILED)
                return take_failed(scan, entry->d_name, &status, mark);
        take_oldest(scan, &status);
        return 0;
}

/* Of failed/ every file is looked at, for the oldest untold one may be the last in the folder. */
int queue_scan_go_on(struct queue_scan *scan, enum queue_kind kind, const struct queue_mark *mark)
{
        for (unsigned i = 0; i < FILES_PER_PIECE; i++) {
                const struct dirent *entry = readdir(scan->stream);
                if (!entry || (kind != QUEUE_FAILED && scan->count >= QUEUE_WATCH_COUNT)) {
                        if (scan->files)
                                qsort(scan->files, scan->n, sizeof(*scan->files), by_order);
                        return 0;
                }
                int r = take(scan, kind, entry, mark);
                if (r < 0)
                        return r;
        }
        return 1;
}
