/*
 * One look through a folder of smsd's, see queue_watch_private.h: a bounded number of files at a time.
 * Counts as smsd does: without hidden files and *.LOCK.
 */
#include "queue_watch_private.h"

#include "base/cleanup.h"
#include "base/text.h"

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

bool queue_is_message(const char *name)
{
        const char *end = strrchr(name, '.');

        return name[0] != '.' && name[0] != '\0' && !(end && text_equal(end, ".LOCK"));
}

int queue_file_compare(const struct queue_file *a, const struct queue_file *b)
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
        for (; at > 0 && queue_file_compare(&files[at], &files[(at - 1) / 2]) > 0; at = (at - 1) / 2)
                swap(&files[at], &files[(at - 1) / 2]);
}

static void sift_down(struct queue_file *files, unsigned n)
{
        for (unsigned at = 0, child; (child = 2 * at + 1) < n; at = child) {
                if (child + 1 < n && queue_file_compare(&files[child + 1], &files[child]) > 0)
                        child++;
                if (queue_file_compare(&files[child], &files[at]) <= 0)
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
        } else if (queue_file_compare(file, &scan->files[0]) < 0) {
                scan->files[0] = *file;
                sift_down(scan->files, scan->n);
        }
        return 0;
}

static int by_order(const void *a, const void *b)
{
        return queue_file_compare(a, b);
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
        const struct queue_file last = queue_mark_file(mark);
        struct queue_file file = {.changed =
                                      status->st_ctim.tv_sec * INT64_C(1000000000) + status->st_ctim.tv_nsec,
                                  .digest = text_hash(name, strlen(name))};

        if (queue_file_compare(&file, &last) <= 0)
                return 0;
        scan->behind++;
        /* A time to come is a wall clock that went back: not to be waited for. */
        if (file.changed > scan->settled && file.changed <= scan->settled + 2 * QUEUE_SETTLE_NSEC) {
                scan->unsettled = true;
                return 0;
        }
        int r = text_copy(file.name, sizeof(file.name), name);
        return r < 0 ? r : gather(scan, &file);
}

static void take_incoming(struct queue_scan *scan, const struct stat *status)
{
        int64_t changed = status->st_mtim.tv_sec * INT64_C(1000000) + status->st_mtim.tv_nsec / 1000;

        if (scan->oldest == 0 || changed < scan->oldest)
                scan->oldest = changed;
}

static int take(struct queue_scan *scan, enum queue_kind kind, const struct dirent *entry,
                const struct queue_mark *mark)
{
        struct stat status;

        if (!queue_is_message(entry->d_name) || (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN))
                return 0;
        if (scan->count < QUEUE_WATCH_COUNT)
                scan->count++;
        if (kind != QUEUE_FAILED && kind != QUEUE_INCOMING)
                return 0;
        if (fstatat(dirfd(scan->stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(status.st_mode))
                return 0;
        if (kind == QUEUE_FAILED)
                return take_failed(scan, entry->d_name, &status, mark);
        take_incoming(scan, &status);
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
