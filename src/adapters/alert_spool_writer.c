/*
 * The spool's thread, see alert_spool_private.h. It does one job after the other and sleeps when there is
 * none; it touches nothing but the disk, its own object and the answers. The lock is held for the lists and
 * numbers only, so the loop waits for it no longer than a list takes to be changed.
 */
#include "alert_spool_private.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

/* Touched pages count, not reserved ones; a sanitizer's frames are large. */
#ifdef __SANITIZE_ADDRESS__
#define STACK_SIZE ((size_t)1024 * 1024)
#else
#define STACK_SIZE ((size_t)128 * 1024)
#endif

struct spool_job *spool_job_free(struct spool_job *job)
{
        if (job && job->kind == SPOOL_SAVE)
                spool_save_done(&job->save.book);
        free(job);
        return NULL;
}

static void free_jobs(struct spool_job *job)
{
        while (job) {
                struct spool_job *next = job->next;
                (void)spool_job_free(job);
                job = next;
        }
}

static void append(struct spool_job **list, struct spool_job *job)
{
        while (*list)
                list = &(*list)->next;
        job->next = NULL;
        *list = job;
}

static void destroy(struct spool_writer *writer)
{
        free_jobs(writer->todo);
        free_jobs(writer->done);
        (void)close_fd(writer->event_fd);
        (void)pthread_cond_destroy(&writer->ended_wake);
        (void)pthread_cond_destroy(&writer->wake);
        (void)pthread_mutex_destroy(&writer->lock);
        spool_index_done(&writer->disk.index);
        spool_book_done(&writer->disk.book);
        free(writer);
}

/* --- the thread --- */

static void work(struct spool_disk *disk, struct spool_job *job)
{
        switch (job->kind) {
        case SPOOL_WRITE:
                job->result = spool_disk_write(disk, &job->write.alert, job->write.at, &job->write.sequence);
                break;
        case SPOOL_SAVE:
                job->result = spool_disk_save(disk, &job->save.book);
                break;
        case SPOOL_FORGET:
                job->result = spool_disk_forget(disk, job->forget.position);
                break;
        case SPOOL_HEARTBEAT:
                job->result = spool_disk_heartbeat(disk, job->heartbeat.verdict, job->heartbeat.reason,
                                                   job->heartbeat.at);
                break;
        }
}

static void set_figures(struct spool_writer *writer)
{
        const struct spool_disk *disk = &writer->disk;

        writer->figures = (struct spool_figures){.count = disk->index.n,
                                                 .oldest = disk->index.n ? disk->index.items[0].sequence : 0,
                                                 .dropped = disk->book.dropped,
                                                 .set_aside = disk->set_aside};
}

/* The next job; NULL: none, and there will be none. */
static struct spool_job *next_job(struct spool_writer *writer)
{
        (void)pthread_mutex_lock(&writer->lock);
        while (!writer->todo && !writer->stop)
                (void)pthread_cond_wait(&writer->wake, &writer->lock);
        struct spool_job *job = writer->todo;
        if (job)
                writer->todo = job->next;
        (void)pthread_mutex_unlock(&writer->lock);
        return job;
}

static void answer(struct spool_writer *writer, struct spool_job *job)
{
        (void)pthread_mutex_lock(&writer->lock);
        set_figures(writer);
        append(&writer->done, job);
        (void)pthread_mutex_unlock(&writer->lock);
        (void)eventfd_write(writer->event_fd, 1); /* it cannot count so far that it would have to wait */
}

static void *run(void *userdata)
{
        struct spool_writer *writer = userdata;

        for (struct spool_job *job; (job = next_job(writer));) {
                work(&writer->disk, job);
                answer(writer, job);
        }
        (void)pthread_mutex_lock(&writer->lock);
        bool abandoned = writer->abandoned;
        writer->ended = true;
        (void)pthread_cond_signal(&writer->ended_wake);
        (void)pthread_mutex_unlock(&writer->lock);
        if (abandoned)
                destroy(writer);
        return NULL;
}

/* All signals are the loop's. */
static int start(struct spool_writer *writer)
{
        pthread_attr_t attributes;
        sigset_t all, before;
        int r = pthread_attr_init(&attributes);

        if (r != 0)
                return -r;
        (void)sigfillset(&all);
        r = pthread_attr_setstacksize(&attributes, STACK_SIZE);
        if (r == 0)
                r = pthread_sigmask(SIG_SETMASK, &all, &before);
        if (r == 0) {
                r = pthread_create(&writer->thread, &attributes, run, writer);
                (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* what it was */
        }
        (void)pthread_attr_destroy(&attributes);
        writer->running = r == 0;
        return -r;
}

/* --- the loop's side --- */

static int make_conditions(struct spool_writer *writer)
{
        pthread_condattr_t attributes;
        int r = pthread_condattr_init(&attributes);

        if (r != 0)
                return -r;
        r = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        if (r == 0)
                r = pthread_cond_init(&writer->wake, &attributes);
        if (r == 0)
                r = pthread_cond_init(&writer->ended_wake, &attributes);
        if (r == 0)
                r = pthread_mutex_init(&writer->lock, NULL);
        (void)pthread_condattr_destroy(&attributes);
        return -r;
}

int spool_writer_new(struct spool_writer **ret)
{
        _cleanup_free_ struct spool_writer *writer = calloc(1, sizeof(*writer));

        if (!writer)
                return -ENOMEM;
        int r = make_conditions(writer); /* on Linux they hold nothing that would have to be given back */
        if (r < 0)
                return r;
        writer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (writer->event_fd < 0)
                return -errno;
        *ret = writer;
        writer = NULL;
        return 0;
}

/* True when the thread has ended in time. */
static bool wait_for_end(struct spool_writer *writer, usec_t patience)
{
        usec_t end = clock_monotonic() + patience;
        const struct timespec until = {.tv_sec = (time_t)(end / USEC_PER_SEC),
                                       .tv_nsec = (long)(end % USEC_PER_SEC) * 1000};
        int r = 0;

        (void)pthread_mutex_lock(&writer->lock);
        writer->stop = true;
        (void)pthread_cond_signal(&writer->wake);
        while (!writer->ended && r == 0)
                r = pthread_cond_timedwait(&writer->ended_wake, &writer->lock, &until);
        bool ended = writer->ended;
        writer->abandoned = !ended;
        (void)pthread_mutex_unlock(&writer->lock);
        return ended;
}

struct spool_writer *spool_writer_free(struct spool_writer *writer, usec_t patience)
{
        if (!writer)
                return NULL;
        if (writer->running) {
                pthread_t thread = writer->thread;
                if (!wait_for_end(writer, patience)) {
                        (void)pthread_detach(thread); /* it frees the writer when the disk lets it go */
                        return NULL;
                }
                (void)pthread_join(thread, NULL);
        }
        destroy(writer);
        return NULL;
}

/* What was not begun yet and would be overtaken at once. A save is taken out of the place of the one before
 * only when no message lies between. */
static bool merge(struct spool_job *last, struct spool_job *job)
{
        if (!last || last->kind != job->kind || job->kind == SPOOL_WRITE)
                return false;
        struct spool_job *next = last->next;
        if (job->kind == SPOOL_SAVE) {
                job->save.calls += last->save.calls;
                spool_save_done(&last->save.book);
        }
        *last = *job;
        last->next = next;
        free(job);
        return true;
}

/* The job that could take the new one in. A position or a sign of life may overtake messages. */
static struct spool_job *find_like(struct spool_job *list, const struct spool_job *job)
{
        struct spool_job *found = NULL;

        for (; list; list = list->next)
                if (list->kind == job->kind)
                        found = list;
                else if (list->kind == SPOOL_WRITE && job->kind == SPOOL_SAVE)
                        found = NULL;
        return found;
}

int spool_writer_put(struct spool_writer *writer, struct spool_job *job)
{
        int r = writer->running ? 0 : start(writer);

        if (r < 0)
                return r;
        (void)pthread_mutex_lock(&writer->lock);
        if (!merge(find_like(writer->todo, job), job))
                append(&writer->todo, job);
        (void)pthread_cond_signal(&writer->wake);
        (void)pthread_mutex_unlock(&writer->lock);
        return 0;
}

struct spool_job *spool_writer_take(struct spool_writer *writer)
{
        eventfd_t count;

        (void)eventfd_read(writer->event_fd, &count); /* only to make it unreadable */
        (void)pthread_mutex_lock(&writer->lock);
        struct spool_job *done = writer->done;
        writer->done = NULL;
        (void)pthread_mutex_unlock(&writer->lock);
        return done;
}

struct spool_figures spool_writer_figures(struct spool_writer *writer)
{
        (void)pthread_mutex_lock(&writer->lock);
        struct spool_figures figures = writer->figures;
        (void)pthread_mutex_unlock(&writer->lock);
        return figures;
}

void spool_writer_publish(struct spool_writer *writer)
{
        (void)pthread_mutex_lock(&writer->lock);
        set_figures(writer);
        (void)pthread_mutex_unlock(&writer->lock);
}
