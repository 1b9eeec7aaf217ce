/*
 * Strict parsing, see base/parse.h. Digits are accumulated by hand: strtoul() takes blanks, signs, 0x and a locale.
 */
#include "base/parse.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* Reads digits at *cursor and moves it behind them. -EINVAL: none there; -ERANGE: too large. */
static int read_digits(const char **cursor, uint64_t *ret_value)
{
        uint64_t value = 0;
        const char *p = *cursor;

        if (!is_digit(*p))
                return -EINVAL;
        for (; is_digit(*p); p++) {
                uint64_t digit = (uint64_t)(*p - '0');
                if (value > (UINT64_MAX - digit) / 10)
                        return -ERANGE;
                value = value * 10 + digit;
        }
        *cursor = p;
        *ret_value = value;
        return 0;
}

int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
        uint64_t value;
        int r = read_digits(&text, &value);

        if (r < 0)
                return r;
        if (*text != '\0')
                return -EINVAL;
        if (value < min || value > max)
                return -ERANGE;
        *ret_value = value;
        return 0;
}

int parse_unsigned(const char *text, unsigned min, unsigned max, unsigned *ret_value)
{
        uint64_t value;
        int r = parse_u64(text, min, max, &value);

        if (r < 0)
                return r;
        *ret_value = (unsigned)value;
        return 0;
}

int parse_int(const char *text, int min, int max, int *ret_value)
{
        bool negative = text[0] == '-';
        uint64_t magnitude;
        /* INT_MIN's magnitude is one more than INT_MAX. */
        int r = parse_u64(text + negative, 0, (uint64_t)INT_MAX + negative, &magnitude);

        if (r < 0)
                return r;
        int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
        if (value < min || value > max)
                return -ERANGE;
        *ret_value = (int)value;
        return 0;
}

int parse_hex16(const char *text, uint16_t *ret_value)
{
        size_t length = strnlen(text, 5);
        unsigned value = 0;

        if (length < 1 || length > 4)
                return -EINVAL;
        for (size_t i = 0; i < length; i++) {
                static const char digits[] = "0123456789abcdef";
                const char *found = strchr(digits, tolower((unsigned char)text[i]));
                if (!found)
                        return -EINVAL;
                value = value * 16 + (unsigned)(found - digits);
        }
        *ret_value = (uint16_t)value;
        return 0;
}

int parse_boolean(const char *text, bool *ret_value)
{
        static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                for (unsigned value = 0; value < 2; value++)
                        if (text_equal_nocase(text, words[i][value])) {
                                *ret_value = value;
                                return 0;
                        }
        return -EINVAL;
}

static const struct {
        const char *name;
        usec_t usec;
} duration_units[] = {
        {"usec", 1}, {"us", 1}, {"msec", USEC_PER_MSEC}, {"ms", USEC_PER_MSEC},
        {"seconds", USEC_PER_SEC}, {"second", USEC_PER_SEC}, {"sec", USEC_PER_SEC}, {"s", USEC_PER_SEC},
        {"minutes", USEC_PER_MIN}, {"minute", USEC_PER_MIN}, {"min", USEC_PER_MIN}, {"m", USEC_PER_MIN},
        {"hours", USEC_PER_HOUR}, {"hour", USEC_PER_HOUR}, {"hr", USEC_PER_HOUR}, {"h", USEC_PER_HOUR},
        {"days", USEC_PER_DAY}, {"day", USEC_PER_DAY}, {"d", USEC_PER_DAY},
        {"weeks", 7 * USEC_PER_DAY}, {"week", 7 * USEC_PER_DAY}, {"w", 7 * USEC_PER_DAY},
};

/* The unit word at *cursor (a whole run of letters); no word is seconds. */
static int read_unit(const char **cursor, usec_t *ret_unit)
{
        const char *p = *cursor;
        size_t length = 0;

        while (isalpha((unsigned char)p[length]))
                length++;
        *cursor = p + length;
        if (length == 0) {
                *ret_unit = USEC_PER_SEC;
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++)
                if (strlen(duration_units[i].name) == length && strncmp(p, duration_units[i].name, length) == 0) {
                        *ret_unit = duration_units[i].usec;
                        return 0;
                }
        return -EINVAL;
}

static const char *skip_blanks(const char *p)
{
        return p + strspn(p, " \t");
}

int parse_duration(const char *text, usec_t *ret_usec)
{
        const char *p = skip_blanks(text);
        usec_t total = 0;

        if (strcmp(p, "infinity") == 0) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }
        do {
                uint64_t number;
                usec_t unit;
                int r = read_digits(&p, &number);
                if (r < 0)
                        return r;
                p = skip_blanks(p);
                r = read_unit(&p, &unit);
                if (r < 0)
                        return r;
                if (number != 0 && unit > (USEC_INFINITY - 1 - total) / number)
                        return -ERANGE;
                total += number * unit;
                p = skip_blanks(p);
        } while (*p != '\0');
        *ret_usec = total;
        return 0;
}

void format_duration(char *target, size_t size, usec_t duration)
{
        static const struct {
                const char *name;
                usec_t usec;
        } units[] = {{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR}, {"min", USEC_PER_MIN}, {"s", USEC_PER_SEC}, {"ms", USEC_PER_MSEC}};
        unsigned shown = 0;

        target[0] = '\0';
        if (duration == USEC_INFINITY) {
                (void)text_copy(target, size, "forever");
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(units) && shown < 2; i++) {
                uint64_t count = duration / units[i].usec;
                if (count == 0 || (units[i].usec < USEC_PER_SEC && shown > 0))
                        continue;
                (void)text_append(target, size, "%s%llu%s", shown ? " " : "", (unsigned long long)count, units[i].name);
                duration %= units[i].usec;
                shown++;
        }
        if (shown == 0)
                (void)text_copy(target, size, "0s");
}
