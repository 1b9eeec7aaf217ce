/*
 * smsd's message folders: what it gave up becomes an alert each, what lies there is counted.
 *
 * A failed message is told to the core again until its alert is in the spool; only then comes the next one.
 * Where the next life is to begin is read from the spool: the key of the last such alert carries the mark.
 * Before the first of them that is the moment in which this gateway was first looked after: what failed
 * earlier is nobody's news.
 */
#include "daemon.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

#define TELL_AGAIN USEC_PER_MIN
#define BEGIN_FILE "failed-begin" /* in STATE_DIR: nanoseconds since the epoch */

/* --- the mark --- */

static int read_begin(const char *path, int64_t *ret_begin)
{
        char text[32];
        size_t length = 0;
        uint64_t number;
        int r = file_read_into(path, O_NOFOLLOW, text, sizeof(text), &length);

        if (r >= 0)
                r = parse_u64(text, 1, INT64_MAX, &number);
        if (r < 0)
                return r;
        *ret_begin = (int64_t)number;
        return 0;
}

/* When we first looked after this gateway. */
static int64_t first_look(const struct daemon *daemon)
{
        char path[CONFIG_PATH_MAX + 32], text[32];
        int64_t begin = clock_realtime() * 1000;

        (void)text_format(path, sizeof(path), "%s/" BEGIN_FILE, daemon->config.state_dir);
        if (read_begin(path, &begin) == 0)
                return begin;
        (void)text_format(text, sizeof(text), "%lld", (long long)begin);
        int r = file_replace(path, text, strlen(text), 0600);
        if (r < 0)
                log_warning("%s cannot be written: %s", path, strerror(-r));
        return begin;
}

static struct queue_mark find_mark(const struct daemon *daemon)
{
        const struct alert_spool *spool = daemon->alerts.spool;

        if (daemon->queues.watch)
                return daemon->queues.mark;
        struct queue_mark mark = {.changed = first_look(daemon)};
        if (spool)
                (void)queue_mark_decode(alert_spool_last_key(spool, ALERT_MESSAGE_FAILED), &mark);
        return mark;
}

/* --- telling --- */

static void tell(struct daemon *daemon)
{
        *daemon_enqueue(daemon, EVENT_MESSAGE_FAILED) = daemon->queues.told;
        int r = sd_event_source_set_time_relative(daemon->queues.again, TELL_AGAIN);
        if (r >= 0)
                r = sd_event_source_set_enabled(daemon->queues.again, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error("the timer for failed messages cannot be armed: %s", strerror(-r));
}

static int on_again(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        struct daemon *daemon = userdata;

        if (daemon->queues.telling)
                tell(daemon);
        return 0;
}

static void on_failed(void *userdata, const struct message_failed_event *message,
                      const struct queue_mark *mark)
{
        struct daemon *daemon = userdata;

        daemon->queues.telling_mark = *mark;
        daemon->queues.told = (struct event){.kind = EVENT_MESSAGE_FAILED, .failed = *message};
        daemon->queues.telling = true;
        tell(daemon);
}

void daemon_queue_told(struct daemon *daemon, const char *key)
{
        const char *slash = strchr(key, '/');

        if (!daemon->queues.telling || !slash || !text_equal(slash + 1, daemon->queues.told.failed.key))
                return;
        daemon->queues.telling = false;
        daemon->queues.mark = daemon->queues.telling_mark;
        (void)sd_event_source_set_enabled(daemon->queues.again, SD_EVENT_OFF);
        queue_watch_taken(daemon->queues.watch);
}

/* CLOCK_BOOTTIME; 0: none, or before this boot. */
static usec_t since_boot(int64_t realtime)
{
        int64_t time = realtime - clock_realtime_offset();

        return realtime > 0 && time > 0 ? (usec_t)time : 0;
}

static void on_counted(void *userdata, const struct queue_counts *counts)
{
        struct event *event = daemon_enqueue(userdata, EVENT_QUEUES);

        event->queues.outgoing = counts->outgoing;
        event->queues.checked = counts->checked;
        event->queues.failed = counts->failed;
        event->queues.incoming = counts->incoming;
        event->queues.quarantine = counts->quarantine;
        event->queues.oldest_incoming = since_boot(counts->oldest_incoming_realtime);
        event->queues.oldest_waiting = since_boot(counts->oldest_waiting_realtime);
}

/* --- life --- */

static int start(struct daemon *daemon)
{
        static const struct queue_watch_callbacks callbacks = {.failed = on_failed, .counted = on_counted};
        char quarantine[CONFIG_PATH_MAX + 16];
        const struct queue_watch_options options = {.outgoing = daemon->files.outgoing,
                                                    .checked = daemon->files.checked,
                                                    .failed = daemon->files.failed,
                                                    .incoming = daemon->files.incoming,
                                                    .quarantine = quarantine,
                                                    .mark = daemon->queues.mark};
        int r =
            text_format(quarantine, sizeof(quarantine), "%s/" QUARANTINE_FOLDER, daemon->config.state_dir);

        if (r >= 0 && !daemon->queues.again)
                r = sd_event_add_time_relative(daemon->event, &daemon->queues.again, CLOCK_BOOTTIME,
                                               TELL_AGAIN, USEC_PER_SEC, on_again, daemon);
        if (r >= 0)
                r = sd_event_source_set_enabled(daemon->queues.again, SD_EVENT_OFF);
        return r < 0 ? r
                     : queue_watch_new(&daemon->queues.watch, daemon->event, &options, &callbacks, daemon);
}

void daemon_watch_queues(struct daemon *daemon)
{
        daemon->queues.mark = find_mark(daemon);
        daemon->queues.watch = queue_watch_free(daemon->queues.watch);
        daemon->queues.telling = false;
        if (daemon->config.mode == MODE_CONTROL)
                daemon_recover_messages(daemon);
        int r = start(daemon);
        if (r < 0)
                log_warning("smsd's message folders cannot be watched: %s", strerror(-r));
}

void daemon_stop_queues(struct daemon *daemon)
{
        daemon->queues.watch = queue_watch_free(daemon->queues.watch);
        daemon->queues.again = sd_event_source_disable_unref(daemon->queues.again);
}
