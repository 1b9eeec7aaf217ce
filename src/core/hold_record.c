/*
 * The text form of a hold, see core/hold_record.h. A line of the file is read into a parsed struct by a
 * table; only when all of it was there and fits together is it handed out.
 */
#include "core/hold_record.h"

#include "base/pairs.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>

static const char *const source_words[] = {
    [HOLD_SOURCE_CLI] = "cli",
    [HOLD_SOURCE_LEGACY] = "legacy",
    [HOLD_SOURCE_SYSTEMCTL] = "systemctl",
};

const char *hold_source_to_string(enum hold_source source)
{
        return source_words[source];
}

int hold_source_from_string(const char *text, enum hold_source *ret_source)
{
        for (size_t i = 0; i < ARRAY_SIZE(source_words); i++)
                if (text_equal(text, source_words[i])) {
                        *ret_source = (enum hold_source)i;
                        return 0;
                }
        return -EINVAL;
}

static bool is_boot_id(const char *text)
{
        size_t digits = 0;

        for (const char *p = text; *p; p++)
                digits += *p != '-';
        return digits == 32 && text_only(text, "0123456789abcdef-", HOLD_BOOT_ID_SIZE - 1);
}

static bool is_sound(const struct hold_record *record, const char *boot_id)
{
        return record->since < record->until && record->until != USEC_INFINITY &&
               record->since_realtime >= 0 && is_boot_id(boot_id);
}

/* "2026-11-23 02:00:00 UTC"; empty when the calendar has no such year. */
static void format_realtime(char *target, size_t size, int64_t seconds)
{
        time_t time = (time_t)seconds;
        struct tm utc;

        target[0] = '\0';
        if (gmtime_r(&time, &utc))
                (void)text_format(target, size, "%04d-%02d-%02d %02d:%02d:%02d UTC", utc.tm_year + 1900,
                                  utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

int hold_record_encode(const struct hold_record *record, const char *boot_id, char *target, size_t size)
{
        char by[4 * sizeof(record->by)], reason[4 * sizeof(record->reason)], begin[64], length[32];

        if (!is_sound(record, boot_id))
                return -EINVAL;
        (void)text_escape(by, sizeof(by), record->by, strnlen(record->by, sizeof(record->by) - 1));
        (void)text_escape(reason, sizeof(reason), record->reason,
                          strnlen(record->reason, sizeof(record->reason) - 1));
        format_realtime(begin, sizeof(begin), record->since_realtime);
        format_duration(length, sizeof(length), record->until - record->since);
        int r = text_format(target, size,
                            "# smswarden: the gateway is held from %s for %s\n"
                            "source=%s\nby=%s\nreason=%s\nsince=%" PRIu64 "\nuntil=%" PRIu64
                            "\nsince_realtime=%" PRId64 "\nboot_id=%s\n",
                            begin, length, hold_source_to_string(record->source), by, reason, record->since,
                            record->until, record->since_realtime, boot_id);
        return r < 0 ? -ENOBUFS : (int)strlen(target);
}

/* --- decoding --- */

struct parsed {
        struct hold_record record;
        char boot_id[HOLD_BOOT_ID_SIZE];
        unsigned seen; /* a bit for each key */
};

static int take_source(struct parsed *parsed, const char *value)
{
        return hold_source_from_string(value, &parsed->record.source);
}

static int take_by(struct parsed *parsed, const char *value)
{
        return text_unescape(parsed->record.by, sizeof(parsed->record.by), value);
}

static int take_reason(struct parsed *parsed, const char *value)
{
        return text_unescape(parsed->record.reason, sizeof(parsed->record.reason), value);
}

static int take_since(struct parsed *parsed, const char *value)
{
        return parse_u64(value, 0, USEC_INFINITY - 1, &parsed->record.since);
}

static int take_until(struct parsed *parsed, const char *value)
{
        return parse_u64(value, 0, USEC_INFINITY - 1, &parsed->record.until);
}

static int take_since_realtime(struct parsed *parsed, const char *value)
{
        uint64_t seconds;
        int r = parse_u64(value, 0, INT64_MAX, &seconds);

        if (r < 0)
                return r;
        parsed->record.since_realtime = (int64_t)seconds;
        return 0;
}

static int take_boot_id(struct parsed *parsed, const char *value)
{
        return text_copy(parsed->boot_id, sizeof(parsed->boot_id), value);
}

static const struct {
        const char *key;
        int (*take)(struct parsed *parsed, const char *value);
} keys[] = {
    {"source", take_source},   {"by", take_by},       {"reason", take_reason},
    {"since", take_since},     {"until", take_until}, {"since_realtime", take_since_realtime},
    {"boot_id", take_boot_id},
};

static int take_pair(void *userdata, const char *key, const char *value)
{
        struct parsed *parsed = userdata;

        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
                if (!text_equal(key, keys[i].key))
                        continue;
                if (parsed->seen & (1U << i) || keys[i].take(parsed, value) < 0)
                        return -EBADMSG;
                parsed->seen |= 1U << i;
        }
        return 0;
}

int hold_record_decode(const char *text, size_t length, struct hold_record *ret_record,
                       char ret_boot_id[HOLD_BOOT_ID_SIZE])
{
        struct parsed parsed = {0};

        if (pairs_read(text, length, take_pair, &parsed) < 0)
                return -EBADMSG;
        if (parsed.seen != (1U << ARRAY_SIZE(keys)) - 1 || !is_sound(&parsed.record, parsed.boot_id))
                return -EBADMSG;
        *ret_record = parsed.record;
        memcpy(ret_boot_id, parsed.boot_id, sizeof(parsed.boot_id));
        return 0;
}
