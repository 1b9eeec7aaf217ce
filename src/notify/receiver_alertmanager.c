/*
 * Prometheus Alertmanager, API v2. It takes an alert for the same one when all labels are the same, so labels
 * hold only what does not change while the alert lives, and the texts are annotations.
 *
 * - It ends what is not sent again within its resolve_timeout unless an end is named. An alert here is sent
 *   when there is something to say: firing ones name an end far ahead, and their resolve names the real one.
 * - `severity` has to be a label (routes and inhibitions are written with it), and may rise. The warning
 *   that it was is then ended in the same request.
 * - An end that has passed is a resolve. So what has to fire counts from the time of delivery, which may be
 *   days after the alert, and an end never lies before its begin (all of the request would be refused).
 */
#include "receiver_private.h"

#include "base/clock.h"
#include "base/text.h"
#include "core/alert_book.h"

#include <errno.h>
#include <string.h>

#define PATH          "/api/v2/alerts"
#define FIRING_FOR    ((int64_t)(90 * USEC_PER_DAY))
#define MOMENTARY_FOR ((int64_t)(4 * USEC_PER_HOUR))
#define TEST_FOR      ((int64_t)(5 * USEC_PER_MIN)) /* the next test is to be told again */
#define NO_CLOCK_END  INT64_C(4102444800000000)     /* 2100-01-01T00:00:00Z */

static bool text_ends_with(const char *text, const char *end)
{
        size_t length = strlen(text), wanted = strlen(end);

        return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The server's address, or that of the API, becomes the one to post to. */
static int extend_path(const char *path, char *target, size_t size)
{
        static const char *const parts[] = {PATH, "/api/v2", ""};
        char base[512];

        if (text_copy(base, sizeof(base), path) < 0)
                return -EINVAL;
        for (size_t length = strlen(base); length > 0 && base[length - 1] == '/';)
                base[--length] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (text_ends_with(base, parts[i]))
                        return text_format(target, size, "%s%s", base, PATH + strlen(parts[i]));
        return -EINVAL;
}

static int api_url(const char *url, char *target, size_t size)
{
        char path[512], extended[512];

        int r = url_path(url, path, sizeof(path));
        if (r < 0)
                return r;
        if (extend_path(path, extended, sizeof(extended)) < 0)
                return -EINVAL;
        return url_with_path(url, extended, target, size);
}

/* Wall clock; 0: left out, Alertmanager then takes the time of arrival (begin) and its timeout (end). */
struct interval {
        int64_t start, end;
};

/*
 * What fires now. With a clock that was never set "in a while" would have passed already: a fixed date then,
 * and what is momentary is left to Alertmanager's own clock and timeout.
 */
static struct interval firing_interval(const struct alert *alert, int64_t now)
{
        bool momentary = alert_kind_is_momentary(alert->kind);
        struct interval interval = {alert->since_realtime, 0};

        if (!time_plausible(now))
                return (struct interval){0, momentary ? 0 : NO_CLOCK_END};
        if (!time_plausible(interval.start) || interval.start > now)
                interval.start = now;
        interval.end = now + (alert->kind == ALERT_TEST ? TEST_FOR : momentary ? MOMENTARY_FOR : FIRING_FOR);
        return interval;
}

/* What is over. Whatever our clock says, the end has passed: at the latest now. */
static struct interval ended_interval(const struct alert *alert, int64_t ended, int64_t now)
{
        struct interval interval = {alert->since_realtime, ended};

        if (!time_plausible(interval.end) || interval.end > now)
                interval.end = now;
        if (!time_plausible(interval.start) || interval.start > interval.end)
                interval.start = interval.end;
        return interval;
}

/* What makes the alert this one and no other. */
static json_t *labels(const struct alert_message *message, enum severity severity)
{
        const struct alert *alert = &message->alert;
        json_t *labels =
            json_pack("{s:s, s:s, s:s, s:o, s:o}", "alertname", alert_kind_to_string(alert->kind), "job",
                      "smswarden", "severity", severity_to_string(severity), "instance",
                      json_text(message->host), "key", json_text(alert->key));

        /* Alertmanager takes an empty label for none, and says so in older versions by refusing it. */
        if (labels && alert->modem[0] && json_object_set_new(labels, "modem", json_text(alert->modem)) < 0) {
                json_decref(labels);
                return NULL;
        }
        return labels;
}

static json_t *annotations(const struct alert_message *message)
{
        const struct alert *alert = &message->alert;
        char text[TEXT_MAX], count[16];

        alert_text(message, text, sizeof(text));
        (void)text_format(count, sizeof(count), "%u", alert->count);
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "summary", json_text(alert->summary),
                         "description", json_text(text), "cause", json_text(alert->cause), "evidence",
                         json_text(alert->evidence), "next_action", json_text(alert->next_action), "id",
                         json_text(message->id), "count", count);
}

static int set_time(json_t *alert, const char *key, int64_t realtime)
{
        char text[TIME_MAX];

        time_text(text, realtime);
        return text[0] && json_object_set_new(alert, key, json_string(text)) < 0 ? -ENOMEM : 0;
}

static int append(json_t *list, const struct alert_message *message, enum severity severity,
                  struct interval interval)
{
        _cleanup_json_ json_t *alert =
            json_pack("{s:o, s:o}", "labels", labels(message, severity), "annotations", annotations(message));

        if (!alert || set_time(alert, "startsAt", interval.start) < 0 ||
            set_time(alert, "endsAt", interval.end) < 0 || json_array_append(list, alert) < 0)
                return -ENOMEM;
        return 0;
}

/* True when an earlier message may have fired it as a warning (an alert's severity never falls). To end what
 * never fired does no harm there, but can show in what people are told. */
static bool was_a_warning(const struct receiver_config *config, const struct alert *alert)
{
        return alert->severity == SEVERITY_CRITICAL && alert->told > 0 &&
               !alert_kind_is_momentary(alert->kind) &&
               alert_kind_severity(alert->kind) < SEVERITY_CRITICAL &&
               config->min_severity <= SEVERITY_WARNING;
}

static json_t *describe(const struct receiver_config *config, const struct alert_message *message)
{
        const struct alert *alert = &message->alert;
        int64_t now = clock_realtime();
        bool over = alert->state == ALERT_RESOLVED;
        _cleanup_json_ json_t *list = json_array();

        if (!list || append(list, message, alert->severity,
                            over ? ended_interval(alert, alert->ended_realtime, now)
                                 : firing_interval(alert, now)) < 0)
                return NULL;
        if (was_a_warning(config, alert) &&
            append(list, message, SEVERITY_WARNING, ended_interval(alert, message->at, now)) < 0)
                return NULL;
        return json_incref(list);
}

int alertmanager_format(const struct receiver_config *config, const struct secrets *secrets,
                        const struct alert_message *message, struct request *ret_request, char *problem,
                        size_t size)
{
        struct complaint complaint = {problem, size};
        char url[512];

        int r = api_url(receiver_url(config, secrets), url, sizeof(url));
        if (r == -EINVAL)
                return complain(&complaint,
                                "url: not Alertmanager's address (http://HOST:9093, its API's, or "
                                "that of " PATH "), or too long");
        if (r < 0)
                return r;
        return request_post(ret_request, url, secrets, message, describe(config, message), &complaint);
}
