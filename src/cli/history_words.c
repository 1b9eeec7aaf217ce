/*
 * The history's words: topics of events and names of incidents.
 */
#include "history.h"

#include "base/text.h"
#include "core/record.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static const char *const topics[] = {"modem",    "smsd",     "restart", "hold", "flag", "config",
                                     "observed", "incident", "alert",   "sms",  NULL};

/* Crockford's: no letter that is taken for a digit or another letter. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
#define NAME_DIGITS 6

static enum record_kind kind_of(const struct history_entry *entry)
{
        unsigned kind = 0;

        while (kind < RECORD_KIND_MAX &&
               !text_equal(entry->event, record_kind_to_string((enum record_kind)kind)))
                kind++;
        return (enum record_kind)kind;
}

bool history_is_sms(const struct history_entry *entry)
{
        return text_starts_with(entry->event, "sms-");
}

bool history_is_trouble(const struct history_entry *entry)
{
        return record_kind_is_trouble(kind_of(entry));
}

const char *history_topic(const struct history_entry *entry)
{
        enum record_kind kind = kind_of(entry);

        if (kind != RECORD_KIND_MAX)
                return record_kind_topic(kind);
        return history_is_sms(entry) ? "sms" : entry->event;
}

static unsigned topic_bit(const char *topic, size_t length)
{
        for (unsigned i = 0; topics[i]; i++)
                if (strlen(topics[i]) == length && strncmp(topic, topics[i], length) == 0)
                        return 1U << i;
        return 0;
}

unsigned history_topic_bits(const struct history_entry *entry)
{
        const char *topic = history_topic(entry);
        unsigned incident = entry->incident ? topic_bit("incident", strlen("incident")) : 0;

        return topic_bit(topic, strlen(topic)) | incident;
}

int history_parse_topics(const char *text, unsigned *ret_topics)
{
        unsigned all = 0;

        for (;;) {
                size_t length = strcspn(text, ",");
                unsigned bit = topic_bit(text, length);
                if (bit == 0)
                        return -EINVAL;
                all |= bit;
                if (text[length] == '\0')
                        break;
                text += length + 1;
        }
        *ret_topics = all;
        return 0;
}

void history_incident_name(const struct history_entry *entry, char target[HISTORY_NAME_MAX])
{
        char text[64];

        target[0] = '\0';
        if (!entry->incident)
                return;
        (void)text_format(text, sizeof(text), "%s:%" PRIu64, entry->boot, entry->incident);
        uint64_t hash = text_hash(text, strlen(text));
        hash ^= hash >> 32; /* all of it is in the name */
        (void)text_copy(target, HISTORY_NAME_MAX, "i-");
        for (unsigned i = 0; i < NAME_DIGITS; i++, hash >>= 5)
                (void)text_append(target, HISTORY_NAME_MAX, "%c", alphabet[hash & 31]);
}

static char as_in_alphabet(char c)
{
        switch (c) {
        case 'o':
        case 'O':
                return '0';
        case 'i':
        case 'I':
        case 'l':
        case 'L':
                return '1';
        default:
                return (char)tolower((unsigned char)c);
        }
}

bool history_name_matches(const char *name, const char *typed)
{
        if ((typed[0] == 'i' || typed[0] == 'I') && typed[1] == '-')
                typed += 2;
        if (!text_starts_with(name, "i-") || typed[0] == '\0')
                return false;
        for (name += 2; *typed; name++, typed++)
                if (as_in_alphabet(*typed) != *name)
                        return false;
        return true;
}

bool history_same_incident(const struct history_entry *a, const struct history_entry *b)
{
        return a->incident && a->incident == b->incident && text_equal(a->boot, b->boot);
}
