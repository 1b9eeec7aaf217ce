/*
 * Who is told, and whether that works: one line when all is well; what is open, whom nothing reaches and what
 * was refused when it is not.
 */
#include "render.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

#define VALUE_MAX  1024
#define OPEN_SHOWN 6

static enum screen_colour severity_colour(const char *severity)
{
        if (text_equal(severity, "critical"))
                return SCREEN_BAD;
        return text_equal(severity, "warning") ? SCREEN_WARNING : SCREEN_PLAIN;
}

static const struct snapshot_receiver *last_receiver(const struct snapshot *s)
{
        for (unsigned i = 0; i < s->alerts.n_receivers; i++)
                if (s->alerts.last != 0 && s->alerts.receivers[i].last_delivered == s->alerts.last)
                        return &s->alerts.receivers[i];
        return NULL;
}

static void add_delivered(char *line, const struct snapshot *s, snapshot_time_t now)
{
        const struct snapshot_receiver *last = last_receiver(s);
        char age[48];

        if (s->alerts.delivered < 0)
                return;
        (void)text_append(line, VALUE_MAX, "; %lld delivered", (long long)s->alerts.delivered);
        if (s->alerts.last == 0)
                return;
        render_age(age, sizeof(age), s->alerts.last, now);
        (void)text_append(line, VALUE_MAX, ", the last %s%s%s", age, last ? " to " : "",
                          last ? last->name : "");
}

static void render_sum(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        char line[VALUE_MAX] = "none open";

        if (s->alerts.n_open > 0)
                (void)text_format(line, sizeof(line), "%u open", s->alerts.n_open);
        add_delivered(line, s, now);
        if (s->alerts.waiting > 0)
                (void)text_append(line, sizeof(line), "; %lld not delivered yet",
                                  (long long)s->alerts.waiting);
        screen_value(screen, "alerts", s->alerts.n_open > 0 ? SCREEN_WARNING : SCREEN_PLAIN, line);
}

static void render_open(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        for (unsigned i = 0; i < s->alerts.n_open && i < OPEN_SHOWN; i++) {
                const struct snapshot_alert *alert = &s->alerts.open[i];
                char age[48] = "", count[32] = "";
                if (alert->since)
                        render_age(age, sizeof(age), alert->since, now);
                if (alert->count > 1)
                        (void)text_format(count, sizeof(count), " (%u times)", alert->count);
                screen_format(screen, "", severity_colour(alert->severity), "%s%s%s: %s%s", alert->severity,
                              age[0] ? ", " : "", age, alert->summary, count);
        }
        if (s->alerts.n_open > OPEN_SHOWN)
                screen_format(screen, "", SCREEN_PLAIN, "and %u more", s->alerts.n_open - OPEN_SHOWN);
}

static void render_receiver(struct screen *screen, const struct snapshot_receiver *receiver,
                            snapshot_time_t now)
{
        char lasted[32];

        if (receiver->failing_since) {
                int64_t seconds = (now - receiver->failing_since) / INT64_C(1000000);
                format_duration(lasted, sizeof(lasted), seconds > 0 ? (usec_t)seconds * USEC_PER_SEC : 0);
                screen_format(screen, "", SCREEN_BAD, "%s has taken nothing for %s: %s", receiver->name,
                              lasted, receiver->problem[0] ? receiver->problem : "no reason is known");
        }
        if (receiver->parked > 0)
                screen_format(screen, "", SCREEN_WARNING, "%s has refused %lld for good%s%s", receiver->name,
                              (long long)receiver->parked,
                              receiver->problem[0] && !receiver->failing_since ? ", the last: " : "",
                              receiver->failing_since ? "" : receiver->problem);
        else if (!receiver->failing_since && receiver->problem[0])
                screen_format(screen, "", SCREEN_WARNING, "%s: %s", receiver->name, receiver->problem);
}

void render_alerts(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        if (!s->controller.running)
                return;
        render_sum(screen, s, now);
        render_open(screen, s, now);
        if (s->alerts.n_receivers == 0)
                screen_value(screen, "", SCREEN_WARNING,
                             "nobody is told: add a [notify] section to smswarden.conf");
        for (unsigned i = 0; i < s->alerts.n_receivers; i++)
                render_receiver(screen, &s->alerts.receivers[i], now);
        if (s->alerts.dropped > 0)
                screen_format(screen, "", SCREEN_BAD, "%lld went unsent: the spool had no more room",
                              (long long)s->alerts.dropped);
}
