/*
 * What systemd is told of this daemon: that it is ready, what it is at (a line in `systemctl status`), that
 * its loop goes round. Without a systemd above us nothing of this is done.
 */
#include "daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define STATUS_EVERY USEC_PER_MIN /* the same verdict in other words, at most so often */

/* The end of a hold is told as a time: what is left of it would be news all the time. */
static void describe(const struct snapshot *s, char *text, size_t size)
{
        time_t until = (time_t)(s->hold.until / (snapshot_time_t)USEC_PER_SEC);
        char reason[sizeof(s->reason)], clock[32] = "";
        struct tm broken;

        text_sanitize(reason, sizeof(reason), s->reason, strlen(s->reason));
        if (s->verdict != VERDICT_HELD || !localtime_r(&until, &broken) ||
            strftime(clock, sizeof(clock), "%H:%M:%S", &broken) == 0)
                (void)text_format(text, size, "%s: %s", verdict_to_string(s->verdict), reason);
        else
                (void)text_format(text, size, "held by %.60s until %s", s->hold.by, clock);
}

static void tell_status(struct daemon *daemon)
{
        static struct snapshot snapshot;
        char text[sizeof(daemon->notify.status)];
        usec_t now = clock_boottime();

        gateway_snapshot_verdict(daemon->gateway, now, clock_realtime_offset(), &snapshot);
        describe(&snapshot, text, sizeof(text));
        bool same_verdict = snapshot.verdict == daemon->notify.verdict;
        if (text_equal(text, daemon->notify.status) ||
            (same_verdict && daemon->notify.status[0] && now < usec_add(daemon->notify.told, STATUS_EVERY)))
                return;
        (void)text_copy(daemon->notify.status, sizeof(daemon->notify.status), text);
        daemon->notify.verdict = snapshot.verdict;
        daemon->notify.told = now;
        (void)sd_notifyf(0, "STATUS=%s", text); /* who does not listen is not helped by a complaint */
}

/* Behind whatever the loop has done in this round. */
static int on_round(sd_event_source *source, void *userdata)
{
        struct daemon *daemon = userdata;

        (void)source;
        if (!daemon->notify.ready && !daemon->enumerated)
                return 0;
        tell_status(daemon);
        if (!daemon->notify.ready)
                (void)sd_notify(0, "READY=1");
        daemon->notify.ready = true;
        return 0;
}

int daemon_notify_init(struct daemon *daemon)
{
        if (!getenv("NOTIFY_SOCKET"))
                return 0;
        int r = sd_event_add_post(daemon->event, NULL, on_round, daemon);
        if (r < 0)
                return r;
        r = sd_event_set_watchdog(daemon->event, true);
        if (r < 0)
                log_warning("systemd's watchdog cannot be served: %s", strerror(-r));
        return 0;
}

void daemon_notify_reloading(const struct daemon *daemon)
{
        if (daemon->notify.ready)
                (void)sd_notify(0, "RELOADING=1");
}

void daemon_notify_reloaded(const struct daemon *daemon)
{
        if (daemon->notify.ready)
                (void)sd_notify(0, "READY=1");
}

void daemon_notify_stopping(void)
{
        (void)sd_notify(0, "STOPPING=1");
}
