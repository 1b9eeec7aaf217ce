/*
 * The history for programs: one line of JSON per event. Every key is there, null when there is nothing; new
 * keys go behind the old ones.
 */
#include "history.h"

#include "base/text.h"

#include <jansson.h>
#include <time.h>

static json_t *text_or_null(const char *text)
{
        return text[0] ? json_string(text) : json_null();
}

static json_t *time_text(int64_t at)
{
        time_t seconds = (time_t)(at / (int64_t)USEC_PER_SEC);
        char text[40], clock[32];
        struct tm utc;

        if (!gmtime_r(&seconds, &utc) || strftime(clock, sizeof(clock), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
                return json_null();
        (void)text_format(text, sizeof(text), "%s.%03dZ", clock,
                          (int)(at % (int64_t)USEC_PER_SEC / (int64_t)USEC_PER_MSEC));
        return json_string(text);
}

int history_json(FILE *file, const struct history_entry *entry)
{
        char name[HISTORY_NAME_MAX];

        history_incident_name(entry, name);
        json_t *object = json_pack(
            "{s:i, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "schema", 1, "at", time_text(entry->at),
            "kind", history_topic(entry), "event", entry->event, "severity",
            severity_to_string(entry->severity), "modem", text_or_null(entry->modem), "cause",
            text_or_null(entry->cause), "incident", text_or_null(name), "duration_ms",
            entry->duration ? json_integer((json_int_t)(entry->duration / USEC_PER_MSEC)) : json_null(),
            "message", entry->message);
        if (!object)
                return -ENOMEM;
        int r = json_dumpf(object, file, 0) < 0 || fputc('\n', file) == EOF ? -EIO : 0;
        json_decref(object);
        return r;
}
