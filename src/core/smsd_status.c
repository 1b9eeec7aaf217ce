/*
 * stats/status of smsd, see core/smsd_status.h. A modem's line is `NAME:\t[\t]TIME,\tSTATE[,\t...]`; TIME is
 * "-" until the modem was initialised once, and its format is the user's (`datetime_format`); the default is
 * `YY-MM-DD HH:MM:SS`.
 *
 * The first line (`Status:`, one letter a modem) and the last (`Start:`, with status_include_uptime) have the
 * same shape but no state word in the third column; they are passed over for that, as is everything else that
 * does not fit.
 */
#include "core/smsd_status.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_SIZE 256

static const char *const state_names[] = {
    [HANDLER_UNKNOWN] = "Unknown",     [HANDLER_IDLE] = "Idle",       [HANDLER_SENDING] = "Sending",
    [HANDLER_RECEIVING] = "Receiving", [HANDLER_BLOCKED] = "Blocked", [HANDLER_SUSPENDED] = "Suspended",
    [HANDLER_TROUBLE] = "Trouble",
};

static bool parse_state(const char *text, size_t length, enum handler_state *ret_state)
{
        for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
                if (strlen(state_names[i]) == length && strncmp(text, state_names[i], length) == 0) {
                        *ret_state = (enum handler_state)i;
                        return true;
                }
        return false;
}

/* Two digits at text[0..1], or -1. */
static int two_digits(const char *text)
{
        if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
                return -1;
        return (text[0] - '0') * 10 + (text[1] - '0');
}

/* `YY-MM-DD HH:MM:SS`, with or without the century, in the local time of the box; -1 when it is anything
 * else. */
static int64_t parse_time(const char *text)
{
        static const char separators[] = "-- ::";
        int fields[6] = {0};

        if (strlen(text) == 19 && text_starts_with(text, "20"))
                text += 2;
        if (strlen(text) != 17)
                return -1;
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                fields[i] = two_digits(text + 3 * i);
                if (fields[i] < 0 || (i < 5 && text[3 * i + 2] != separators[i]))
                        return -1;
        }
        struct tm broken = {.tm_year = 100 + fields[0],
                            .tm_mon = fields[1] - 1,
                            .tm_mday = fields[2],
                            .tm_hour = fields[3],
                            .tm_min = fields[4],
                            .tm_sec = fields[5],
                            .tm_isdst = -1};
        bool valid = fields[1] >= 1 && fields[1] <= 12 && fields[2] >= 1 && fields[2] <= 31 &&
                     fields[3] <= 23 && fields[4] <= 59 && fields[5] <= 60;
        return valid ? (int64_t)mktime(&broken) : -1;
}

/* `ssi: -73 dBm`; 0 when there is none or the modem could not tell (`ssi: ??`). */
static int parse_signal(const char *text)
{
        static const char mark[] = "ssi: -";
        const char *found = strstr(text, mark);
        int value = 0;

        if (!found)
                return 0;
        const char *digits = found + sizeof(mark) - 1;
        size_t n = strspn(digits, "0123456789");
        if (n == 0 || n > 3 || !text_starts_with(digits + n, " dBm"))
                return 0;
        for (size_t i = 0; i < n; i++)
                value = value * 10 + (digits[i] - '0');
        return -value;
}

static bool printable(const char *text)
{
        for (const char *p = text; *p; p++)
                if ((unsigned char)*p <= 0x20 || *p == 0x7f)
                        return false;
        return *text != '\0';
}

static bool parse_line(const char *line, struct smsd_status_modem *ret_modem)
{
        struct smsd_status_modem modem = {0};
        const char *colon = strstr(line, ":\t");

        if (!colon || text_copy_n(modem.name, sizeof(modem.name), line, (size_t)(colon - line)) < 0 ||
            !printable(modem.name))
                return false;
        const char *time_text = colon + 1 + strspn(colon + 1, "\t");
        const char *comma = strstr(time_text, ",\t");
        if (!comma || text_copy_n(modem.since_text, sizeof(modem.since_text), time_text,
                                  (size_t)(comma - time_text)) < 0)
                return false;
        const char *state = comma + 2;
        if (!parse_state(state, strcspn(state, ","), &modem.state))
                return false;
        modem.since_realtime = parse_time(modem.since_text);
        modem.signal_dbm = parse_signal(state);
        *ret_modem = modem;
        return true;
}

unsigned smsd_status_parse(const char *text, size_t length, struct smsd_status *ret_status)
{
        const char *end = text + length;

        ret_status->n = 0;
        while (text < end && ret_status->n < SMSD_MODEMS_MAX) {
                char line[LINE_SIZE];
                const char *newline = memchr(text, '\n', (size_t)(end - text));
                const char *line_end = newline ? newline : end;

                if (text_copy_n(line, sizeof(line), text, (size_t)(line_end - text)) == 0 &&
                    parse_line(line, &ret_status->modems[ret_status->n]))
                        ret_status->n++;
                text = newline ? newline + 1 : end;
        }
        return ret_status->n;
}

const struct smsd_status_modem *smsd_status_find(const struct smsd_status *status, const char *name)
{
        for (unsigned i = 0; i < status->n; i++)
                if (text_equal(status->modems[i].name, name))
                        return &status->modems[i];
        return NULL;
}

const char *handler_state_to_string(enum handler_state state)
{
        size_t index = (size_t)state;

        return index < ARRAY_SIZE(state_names) ? state_names[index] : "Unknown";
}
