/*
 * An alert as JSON, see adapters/alert_json.h. The keys are an interface (docs/alerts.md): a new one may be
 * added, and a reader passes over what it does not know; `schema` rises only when a reader must not go on.
 */
#include "adapters/alert_json.h"

#include "alert_json_parts.h"
#include "base/text.h"
#include "core/spool_policy.h"

#include <limits.h>
#include <string.h>

#define SCHEMA 1
#define DEPTH  4 /* a message is flat; keys to come may not be */

/* The texts of an alert, in the order in which they are written. */
static const struct {
        const char *key;
        size_t offset, size;
} texts[] = {
#define TEXT(name)                                                                                           \
        {                                                                                                    \
#name, offsetof(struct alert, name), sizeof(((struct alert *)0)->name)                       \
        }
    TEXT(modem), TEXT(cause), TEXT(summary), TEXT(evidence), TEXT(next_action), TEXT(only),
#undef TEXT
};

/* --- writing --- */

static bool is_sound(const struct alert *alert)
{
        return (unsigned)alert->kind < ALERT_KIND_MAX && (unsigned)alert->state <= ALERT_RESOLVED &&
               (unsigned)alert->severity <= SEVERITY_CRITICAL && alert->key[0] != '\0';
}

static int pack_words(json_t *object, const struct alert *alert)
{
        int r = alert_json_set(object, "state", json_string(alert_state_to_string(alert->state)));

        if (r == 0)
                r = alert_json_set(object, "kind", json_string(alert_kind_to_string(alert->kind)));
        if (r == 0)
                r = alert_json_set(object, "key", alert_json_text(alert->key, sizeof(alert->key)));
        if (r == 0)
                r = alert_json_set(object, "severity", json_string(severity_to_string(alert->severity)));
        if (r == 0)
                r = alert_json_set(object, "count", alert_json_number(alert->count ? alert->count : 1));
        if (r == 0)
                r = alert_json_set(object, "told", alert_json_number(alert->told));
        return r;
}

int alert_json_pack(json_t *object, const struct alert *alert)
{
        int r = is_sound(alert) ? pack_words(object, alert) : -EINVAL;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
                r = alert_json_set(object, texts[i].key,
                                   alert_json_text((const char *)alert + texts[i].offset, texts[i].size));
        if (r == 0)
                r = alert_json_set(object, "since", alert_json_time(alert->since_realtime));
        if (r == 0)
                r = alert_json_set(object, "until", alert_json_time(alert->until_realtime));
        if (r == 0)
                r = alert_json_set(object, "ended", alert_json_time(alert->ended_realtime));
        return r;
}

static int pack_envelope(json_t *object, const struct alert_message *message)
{
        int r = alert_json_set(object, "schema", json_integer(SCHEMA));

        if (r == 0)
                r = alert_json_set(object, "id", json_string(message->id));
        if (r == 0)
                r = alert_json_set(object, "spool", json_string(message->spool));
        if (r == 0)
                r = alert_json_set(object, "sequence", alert_json_number(message->sequence));
        if (r == 0)
                r = alert_json_set(object, "at", alert_json_time(message->at));
        if (r == 0)
                r = alert_json_set(object, "host", alert_json_text(message->host, sizeof(message->host)));
        return r;
}

int alert_json_encode(const struct alert_message *message, char **ret_text, size_t *ret_length)
{
        _cleanup_json_ json_t *object = json_object();

        if (!object)
                return -ENOMEM;
        if (message->sequence == 0 || message->sequence > SPOOL_SEQUENCE_MAX || !message->id[0] ||
            !message->spool[0])
                return -EINVAL;
        int r = pack_envelope(object, message);
        if (r == 0)
                r = alert_json_pack(object, &message->alert);
        return r < 0 ? r : alert_json_dump(object, ret_text, ret_length);
}

/* --- reading --- */

static int unpack_severity(const json_t *object, enum severity *ret_severity)
{
        const char *word = json_string_value(json_object_get(object, "severity"));

        return word && severity_from_string(word, strlen(word), ret_severity) == 0 ? 0 : -EBADMSG;
}

static int unpack_words(const json_t *object, struct alert *alert)
{
        const char *state = json_string_value(json_object_get(object, "state"));
        const char *kind = json_string_value(json_object_get(object, "kind"));
        uint64_t count, told;

        if (!state || alert_state_from_string(state, &alert->state) < 0 || !kind ||
            alert_kind_from_string(kind, &alert->kind) < 0 || unpack_severity(object, &alert->severity) < 0 ||
            alert_json_get_text(object, "key", alert->key, sizeof(alert->key)) < 0 || !alert->key[0] ||
            alert_json_get_number(object, "count", 1, UINT_MAX, &count) < 0 ||
            alert_json_get_number(object, "told", 0, UINT_MAX, &told) < 0)
                return -EBADMSG;
        alert->count = (unsigned)count;
        alert->told = (unsigned)told;
        return 0;
}

int alert_json_unpack(const json_t *object, struct alert *ret_alert)
{
        struct alert alert = {0};
        int r = unpack_words(object, &alert);

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
                r = alert_json_get_text(object, texts[i].key, (char *)&alert + texts[i].offset,
                                        texts[i].size);
        if (r == 0)
                r = alert_json_get_time(object, "since", &alert.since_realtime);
        if (r == 0)
                r = alert_json_get_time(object, "until", &alert.until_realtime);
        if (r == 0)
                r = alert_json_get_time(object, "ended", &alert.ended_realtime);
        if (r == 0)
                *ret_alert = alert;
        return r;
}

static int unpack_envelope(const json_t *object, struct alert_message *message)
{
        uint64_t schema;
        int r = alert_json_get_number(object, "schema", SCHEMA, SCHEMA, &schema);

        if (r == 0)
                r = alert_json_get_word(object, "id", message->id, sizeof(message->id));
        if (r == 0)
                r = alert_json_get_word(object, "spool", message->spool, sizeof(message->spool));
        if (r == 0)
                r = alert_json_get_number(object, "sequence", 1, SPOOL_SEQUENCE_MAX, &message->sequence);
        if (r == 0)
                r = alert_json_get_time(object, "at", &message->at);
        if (r == 0)
                r = alert_json_get_text(object, "host", message->host, sizeof(message->host));
        return r;
}

int alert_json_decode(const char *text, size_t length, struct alert_message *ret_message)
{
        _cleanup_json_ json_t *object = alert_json_parse(text, length, ALERT_JSON_MAX, DEPTH);
        struct alert_message message = {0};

        if (!object || unpack_envelope(object, &message) < 0 || alert_json_unpack(object, &message.alert) < 0)
                return -EBADMSG;
        *ret_message = message;
        return 0;
}
