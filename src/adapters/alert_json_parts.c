/*
 * Checked JSON values, see alert_json_parts.h.
 */
#include "alert_json_parts.h"

#include "base/text.h"

#include <string.h>
#include <time.h>

#define TIME_SIZE     sizeof("2026-11-23T08:00:00Z")
#define LAST_SECOND   INT64_C(253402300799) /* of the year 9999 */
#define USEC_REALTIME ((int64_t)USEC_PER_SEC)

/* Brackets outside of strings; what is no JSON besides is the parser's to find. */
static bool is_shallow(const char *text, size_t length, unsigned depth)
{
        unsigned level = 0;
        bool quoted = false;

        for (size_t i = 0; i < length; i++) {
                char c = text[i];
                if (quoted && c == '\\')
                        i++;
                else if (c == '"')
                        quoted = !quoted;
                else if (!quoted && (c == '{' || c == '[') && ++level > depth)
                        return false;
                else if (!quoted && (c == '}' || c == ']') && level > 0)
                        level--;
        }
        return true;
}

json_t *alert_json_parse(const char *text, size_t length, size_t max, unsigned depth)
{
        if (length > max || !is_shallow(text, length, depth))
                return NULL;
        json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(value))
                return value;
        json_decref(value);
        return NULL;
}

int alert_json_get_text(const json_t *object, const char *key, char *target, size_t size)
{
        const json_t *value = json_object_get(object, key);
        const char *text = json_is_null(value) ? "" : json_string_value(value);
        char clean[ALERT_TEXT_MAX];

        if (!text || strlen(text) >= size)
                return -EBADMSG;
        if (text_clean(clean, sizeof(clean), text) < 0 || !text_equal(clean, text))
                return -EBADMSG;
        return text_copy(target, size, clean);
}

int alert_json_get_word(const json_t *object, const char *key, char *target, size_t size)
{
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
        const char *text = json_string_value(json_object_get(object, key));

        if (!text || !text_only(text, letters, size - 1))
                return -EBADMSG;
        return text_copy(target, size, text);
}

int alert_json_get_number(const json_t *object, const char *key, uint64_t min, uint64_t max,
                          uint64_t *ret_number)
{
        const json_t *value = json_object_get(object, key);
        json_int_t number = json_integer_value(value);

        if (!json_is_integer(value) || number < 0 || (uint64_t)number < min || (uint64_t)number > max)
                return -EBADMSG;
        *ret_number = (uint64_t)number;
        return 0;
}

static int format_time(char target[TIME_SIZE], int64_t seconds)
{
        time_t time = (time_t)seconds;
        struct tm utc;

        if (seconds < 0 || seconds > LAST_SECOND || !gmtime_r(&time, &utc))
                return -ERANGE;
        return strftime(target, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc) == TIME_SIZE - 1 ? 0 : -ERANGE;
}

/* Read by its digits and written again: only what comes back the same is a time (no 30th of February). */
static int parse_time(const char *text, int64_t *ret_seconds)
{
        static const char form[] = "0000-00-00T00:00:00Z";
        int numbers[6] = {0};
        char again[TIME_SIZE];

        for (size_t i = 0, field = 0; i < TIME_SIZE; i++) {
                bool digit = text[i] >= '0' && text[i] <= '9';
                if (form[i] == '0' ? !digit : text[i] != form[i])
                        return -EBADMSG;
                if (digit)
                        numbers[field] = numbers[field] * 10 + (text[i] - '0');
                else
                        field++;
        }
        struct tm utc = {.tm_year = numbers[0] - 1900,
                         .tm_mon = numbers[1] - 1,
                         .tm_mday = numbers[2],
                         .tm_hour = numbers[3],
                         .tm_min = numbers[4],
                         .tm_sec = numbers[5]};
        int64_t seconds = timegm(&utc);
        if (format_time(again, seconds) < 0 || !text_equal(again, text))
                return -EBADMSG;
        *ret_seconds = seconds;
        return 0;
}

int alert_json_get_time(const json_t *object, const char *key, int64_t *ret_realtime)
{
        const json_t *value = json_object_get(object, key);
        const char *text = json_string_value(value);
        int64_t seconds = 0;

        if (!json_is_null(value) && (!text || parse_time(text, &seconds) < 0))
                return -EBADMSG;
        *ret_realtime = seconds * USEC_REALTIME;
        return 0;
}

json_t *alert_json_text(const char *text, size_t size)
{
        char clean[ALERT_TEXT_MAX];

        (void)text_clean(clean, size < sizeof(clean) ? size : sizeof(clean), text); /* cut, where it grew */
        return clean[0] ? json_string(clean) : json_null();
}

json_t *alert_json_number(uint64_t number)
{
        return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *alert_json_time(int64_t realtime)
{
        char text[TIME_SIZE];

        return realtime > 0 && format_time(text, realtime / USEC_REALTIME) == 0 ? json_string(text)
                                                                                : json_null();
}

int alert_json_set(json_t *object, const char *key, json_t *value)
{
        return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

int alert_json_dump(const json_t *object, char **ret_text, size_t *ret_length)
{
        char *text = json_dumps(object, JSON_COMPACT);

        if (!text)
                return -ENOMEM;
        *ret_text = text;
        *ret_length = strlen(text);
        return 0;
}
