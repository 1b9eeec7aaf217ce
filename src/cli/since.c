/*
 * Points in time, see since.h.
 */
#include "since.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>
#include <time.h>

/* The local midnight that began the day of `now`, `days` days before. -1: there is none. */
static time_t midnight(int64_t now, int days)
{
        time_t seconds = (time_t)(now / (int64_t)USEC_PER_SEC);
        struct tm broken;

        if (!localtime_r(&seconds, &broken))
                return -1;
        broken.tm_mday -= days;
        broken.tm_hour = broken.tm_min = broken.tm_sec = 0;
        broken.tm_isdst = -1;
        return mktime(&broken);
}

static time_t parse_date(const char *text)
{
        static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
                                              "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"};

        for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
                struct tm broken = {.tm_isdst = -1};
                const char *end = strptime(text, formats[i], &broken);
                if (end && *end == '\0')
                        return mktime(&broken);
        }
        return -1;
}

/* "08:00": today, or yesterday when that is still to come. */
static time_t parse_clock(const char *text, int64_t now)
{
        time_t seconds = (time_t)(now / (int64_t)USEC_PER_SEC);

        for (int days = 0; days < 2; days++) {
                time_t day = midnight(now, days);
                struct tm broken;
                if (day < 0 || !localtime_r(&day, &broken))
                        return -1;
                const char *end = strptime(text, "%H:%M", &broken);
                if (!end || *end != '\0')
                        return -1;
                broken.tm_isdst = -1;
                time_t at = mktime(&broken);
                if (at <= seconds)
                        return at;
        }
        return -1;
}

/* A bare number is no length of time: 2026 would be half an hour. */
static int parse_length(const char *text, usec_t *ret_length)
{
        char copy[32];
        size_t length = strlen(text);

        if (text[0] == '-') {
                text++;
                length--;
        }
        if (length > 4 && text_equal(text + length - 4, " ago"))
                length -= 4;
        if (text_copy_n(copy, sizeof(copy), text, length) < 0 || copy[strspn(copy, "0123456789 ")] == '\0')
                return -EINVAL;
        return parse_duration(copy, ret_length) == 0 && *ret_length != USEC_INFINITY ? 0 : -EINVAL;
}

int since_parse(const char *text, int64_t now, int64_t *ret_since)
{
        usec_t length;
        time_t at;

        if (parse_length(text, &length) == 0) {
                *ret_since = length < (usec_t)now ? now - (int64_t)length : 0;
                return 0;
        }
        if (text_equal(text, "today") || text_equal(text, "yesterday"))
                at = midnight(now, text[0] == 'y');
        else {
                at = parse_date(text);
                at = at < 0 ? parse_clock(text, now) : at;
        }
        if (at < 0)
                return -EINVAL;
        *ret_since = (int64_t)at * (int64_t)USEC_PER_SEC;
        return 0;
}
