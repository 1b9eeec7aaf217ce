/*
 * The spool as the loop sees it, see adapters/alert_spool.h: what is asked for becomes a job of the writer,
 * its answer a callback. Here are the limits, the clocks and the log; nothing here waits for the disk but
 * alert_spool_new() and alert_spool_free().
 */
#include "adapters/alert_spool.h"

#include "alert_spool_private.h"
#include "base/boot_id.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <grp.h>
#include <string.h>
#include <sys/epoll.h>

#define PATIENCE (5 * USEC_PER_SEC)

struct alert_spool {
        struct spool_writer *writer;
        sd_event_source *source;
        struct alert_spool_callbacks callbacks;
        void *userdata;
        char id[40], boot[40];
        unsigned waiting;                  /* messages whose answer is outstanding */
        uint64_t answered;                 /* the last message that the loop knows to be in the spool */
        uint64_t forgettable;              /* everybody has what lies up to here */
        bool failing[SPOOL_HEARTBEAT + 1]; /* by kind of job: the log knows */
        uint64_t next_dropped;             /* what the log says next of each */
        unsigned set_aside;
        char last_keys[ALERT_KIND_MAX][ALERT_KEY_MAX];
};

static void cleanup_job(struct spool_job **job)
{
        *job = spool_job_free(*job);
}

static void cleanup_spool(struct alert_spool **spool)
{
        *spool = alert_spool_free(*spool);
}

/* --- answers --- */

/* Once when it begins to fail, once when it works again. */
static void log_result(struct alert_spool *spool, const struct spool_job *job)
{
        static const char *const things[] = {[SPOOL_WRITE] = "they cannot be written to disk",
                                             [SPOOL_SAVE] = "their book cannot be written to disk",
                                             [SPOOL_FORGET] = "what is delivered cannot be removed",
                                             [SPOOL_HEARTBEAT] = "the heartbeat cannot be written to disk"};
        bool *failing = &spool->failing[job->kind];

        if (job->result < 0 && !*failing)
                log_error("alerts: %s, and that is tried again: %s", things[job->kind],
                          strerror(-job->result));
        else if (job->result == 0 && *failing)
                log_notice("alerts: it works again, after: %s", things[job->kind]);
        *failing = job->result < 0;
}

/* The first that goes is told, then each time that it is twice as many: a long outage is no flood of lines.
 */
static void log_figures(struct alert_spool *spool)
{
        struct spool_figures now = spool_writer_figures(spool->writer);

        if (now.dropped >= spool->next_dropped) {
                log_warning("alerts: no room for all that wait; gone unsent, in all: %llu",
                            (unsigned long long)now.dropped);
                spool->next_dropped = now.dropped * 2;
        }
        if (now.set_aside != spool->set_aside)
                log_warning("alerts: %u damaged files in the spool were set aside (*.damaged)",
                            now.set_aside - spool->set_aside);
        spool->set_aside = now.set_aside;
}

static void answer_write(struct alert_spool *spool, const struct spool_job *job)
{
        const struct alert *alert = &job->write.alert;
        char id[ALERT_ID_MAX] = "";

        spool->waiting--;
        if (job->result == 0) {
                spool->answered = job->write.sequence;
                (void)text_copy(spool->last_keys[alert->kind], ALERT_KEY_MAX,
                                alert->key); /* of the same size */
                spool_id_format(id, spool->boot, spool->id, job->write.sequence);
                if (spool->callbacks.told)
                        spool->callbacks.told(spool->userdata, alert);
        }
        spool->callbacks.written(spool->userdata, alert->key, job->write.generation, job->result,
                                 job->write.sequence, id);
}

static void answer_save(struct alert_spool *spool, const struct spool_job *job)
{
        for (unsigned i = 0; i < job->save.calls; i++)
                spool->callbacks.saved(spool->userdata, job->result);
}

static void ask_to_forget(struct alert_spool *spool);

static void answer(struct alert_spool *spool, const struct spool_job *job)
{
        log_result(spool, job);
        switch (job->kind) {
        case SPOOL_WRITE:
                answer_write(spool, job);
                break;
        case SPOOL_SAVE:
                answer_save(spool, job);
                break;
        case SPOOL_FORGET:
                if (spool->callbacks.forgotten)
                        spool->callbacks.forgotten(spool->userdata);
                break;
        case SPOOL_HEARTBEAT:
                if (job->result == 0 && spool->callbacks.beaten)
                        spool->callbacks.beaten(spool->userdata);
                break;
        }
}

static int on_answers(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct alert_spool *spool = userdata;
        uint64_t answered = spool->answered;

        (void)source;
        (void)fd;
        (void)events;
        for (struct spool_job *job = spool_writer_take(spool->writer), *next; job; job = next) {
                next = job->next;
                answer(spool, job);
                (void)spool_job_free(job);
        }
        log_figures(spool);
        if (answered < spool->forgettable && spool->answered > answered)
                ask_to_forget(spool);
        return 0;
}

/* --- opening and closing --- */

static int choose_boot(struct alert_spool *spool, const char *boot)
{
        char current[BOOT_ID_SIZE];
        int r = boot ? 0 : boot_id_get(current);

        return r < 0 ? r : text_copy(spool->boot, sizeof(spool->boot), boot ? boot : current);
}

static int set_up_disk(struct alert_spool *spool, const struct alert_spool_options *options)
{
        struct spool_disk *disk = &spool->writer->disk;
        const struct group *group = options->group ? getgrnam(options->group) : NULL;

        disk->group = group ? group->gr_gid : (gid_t)-1;
        disk->limits =
            (struct spool_limits){.max_files = options->max_files, .max_bytes = options->max_bytes};
        (void)text_copy(disk->boot, sizeof(disk->boot), spool->boot); /* of the same size */
        return text_copy(disk->folder, sizeof(disk->folder), options->folder);
}

static int look_at_disk(struct alert_spool *spool)
{
        struct spool_disk *disk = &spool->writer->disk;
        int r = spool_disk_prepare(disk);

        if (r == 0)
                r = spool_disk_recover(disk);
        if (r < 0)
                return r;
        spool->answered = disk->sequence;
        (void)text_copy(spool->id, sizeof(spool->id), disk->book.id); /* of the same size */
        memcpy(spool->last_keys, disk->book.last_keys, sizeof(spool->last_keys));
        spool->next_dropped = disk->book.dropped + 1; /* those of earlier lives were told then */
        spool_writer_publish(spool->writer);
        log_figures(spool);
        return 0;
}

int alert_spool_new(struct alert_spool **ret, sd_event *event, const struct alert_spool_options *options,
                    const struct alert_spool_callbacks *callbacks, void *userdata,
                    void (*found)(void *userdata, const struct alert *alert, bool told))
{
        _cleanup_(cleanup_spool) struct alert_spool *spool = calloc(1, sizeof(*spool));

        if (!spool)
                return -ENOMEM;
        spool->callbacks = *callbacks;
        spool->userdata = userdata;
        int r = choose_boot(spool, options->boot_id);
        if (r == 0)
                r = spool_writer_new(&spool->writer);
        if (r == 0)
                r = set_up_disk(spool, options);
        if (r == 0)
                r = look_at_disk(spool);
        if (r == 0)
                r = sd_event_add_io(event, &spool->source, spool->writer->event_fd, EPOLLIN, on_answers,
                                    spool);
        if (r < 0)
                return r;
        const struct spool_book *book = &spool->writer->disk.book;
        for (unsigned i = 0; i < book->n; i++)
                found(userdata, &book->open[i].alert, book->open[i].told);
        if (callbacks->found_sms && !alert_sms_is_empty(&book->sms))
                callbacks->found_sms(userdata, &book->sms);
        *ret = spool;
        spool = NULL;
        return 0;
}

struct alert_spool *alert_spool_free(struct alert_spool *spool)
{
        if (!spool)
                return NULL;
        spool->source = sd_event_source_disable_unref(spool->source);
        spool->writer = spool_writer_free(spool->writer, PATIENCE);
        free(spool);
        return NULL;
}

/* --- what is asked for --- */

static int put(struct alert_spool *spool, struct spool_job **job)
{
        int r = spool_writer_put(spool->writer, *job);

        if (r == 0)
                *job = NULL;
        return r;
}

static struct spool_job *new_job(enum spool_job_kind kind)
{
        struct spool_job *job = calloc(1, sizeof(*job));

        if (job)
                job->kind = kind;
        return job;
}

/* The clock's part of an alert, where nobody filled it in yet. */
static void fill_times(struct alert *alert)
{
        if (alert->since_realtime == 0)
                alert->since_realtime = spool_realtime(alert->since);
        if (alert->until_realtime == 0)
                alert->until_realtime = spool_realtime(alert->until);
        if (alert->ended_realtime == 0)
                alert->ended_realtime = spool_realtime(alert->ended);
}

int alert_spool_write(struct alert_spool *spool, const struct alert *alert, unsigned generation)
{
        if (spool->waiting >= ALERT_SPOOL_QUEUE)
                return -ENOBUFS;
        _cleanup_(cleanup_job) struct spool_job *job = new_job(SPOOL_WRITE);
        if (!job)
                return -ENOMEM;
        job->write.alert = *alert;
        job->write.generation = generation;
        job->write.at = clock_realtime();
        fill_times(&job->write.alert);
        int r = put(spool, &job);
        spool->waiting += r == 0;
        return r;
}

static int copy_sms(struct spool_job *job, const struct alert_sms *sms)
{
        if (alert_sms_is_empty(sms))
                return 0;
        job->save.book.sms = malloc(sizeof(*job->save.book.sms));
        if (!job->save.book.sms)
                return -ENOMEM;
        *job->save.book.sms = *sms;
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++)
                if (sms->candidates[i].used)
                        fill_times(&job->save.book.sms->candidates[i].alert);
        return 0;
}

static int copy_open(struct spool_job *job, const struct alert_book *book)
{
        unsigned n = 0;

        for (unsigned i = 0; i < book->n; i++)
                n += book->entries[i].used;
        job->save.book.open = calloc(n + 1, sizeof(*job->save.book.open)); /* never of nothing */
        if (!job->save.book.open)
                return -ENOMEM;
        for (unsigned i = 0; i < book->n; i++) {
                const struct alert_entry *entry = &book->entries[i];
                if (!entry->used)
                        continue;
                struct spool_open *open = &job->save.book.open[job->save.book.n++];
                *open = (struct spool_open){.alert = entry->alert, .told = entry->told};
                fill_times(&open->alert);
        }
        return 0;
}

int alert_spool_save(struct alert_spool *spool, const struct alert_book *book)
{
        _cleanup_(cleanup_job) struct spool_job *job = new_job(SPOOL_SAVE);
        int r = job ? copy_open(job, book) : -ENOMEM;

        if (r == 0)
                r = copy_sms(job, &book->sms);
        if (r < 0)
                return r;
        job->save.book.sequence = spool->answered;
        job->save.calls = 1;
        return put(spool, &job);
}

/* Not beyond what the loop knows of: a book that is saved now would not know that it was told. */
static void ask_to_forget(struct alert_spool *spool)
{
        _cleanup_(cleanup_job) struct spool_job *job = NULL;
        uint64_t position = spool->forgettable < spool->answered ? spool->forgettable : spool->answered;
        struct spool_figures figures = spool_writer_figures(spool->writer);

        if (figures.count == 0 || figures.oldest > position)
                return;
        job = new_job(SPOOL_FORGET);
        if (!job)
                return; /* asked for again with the next delivery */
        job->forget.position = position;
        (void)put(spool, &job);
}

void alert_spool_forget(struct alert_spool *spool, const char *id, uint64_t position)
{
        if (!text_equal(id, spool->id) || position <= 0)
                return;
        if (position > spool->forgettable)
                spool->forgettable = position;
        ask_to_forget(spool);
}

int alert_spool_heartbeat(struct alert_spool *spool, const char *verdict, const char *reason)
{
        _cleanup_(cleanup_job) struct spool_job *job = new_job(SPOOL_HEARTBEAT);

        if (!job)
                return -ENOMEM;
        (void)text_copy(job->heartbeat.verdict, sizeof(job->heartbeat.verdict), verdict);
        (void)text_copy(job->heartbeat.reason, sizeof(job->heartbeat.reason), reason);
        job->heartbeat.at = clock_realtime();
        return put(spool, &job);
}

/* --- questions --- */

unsigned alert_spool_count(const struct alert_spool *spool, uint64_t *ret_oldest)
{
        struct spool_figures figures = spool_writer_figures(spool->writer);

        *ret_oldest = figures.oldest;
        return figures.count;
}

const char *alert_spool_id(const struct alert_spool *spool)
{
        return spool->id;
}

const char *alert_spool_last_key(const struct alert_spool *spool, enum alert_kind kind)
{
        return spool->last_keys[kind];
}

uint64_t alert_spool_dropped(const struct alert_spool *spool)
{
        return spool_writer_figures(spool->writer).dropped;
}
