/*
 * The headers of a message file, see core/smsd_message.h. smsd writes "Name: value" lines, by names that a
 * language file may change; then they are unknown here and the alert goes without them.
 */
#include "core/smsd_message.h"

#include "base/text.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#define DIGITS_MAX   24 /* E.164 has 15 */
#define SHOWN_BEFORE 4
#define SHOWN_AFTER  2
#define MASK_FROM    9 /* digits: a shorter number would be told apart by what is shown of it */

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

/* The line's value when it is this header, without blanks around it. */
static bool take_header(const char *line, size_t length, const char *name, const char **ret_value,
                        size_t *ret_length)
{
        size_t n = strlen(name);

        if (length < n || strncasecmp(line, name, n) != 0)
                return false;
        for (line += n, length -= n; length > 0 && is_blank(line[0]); line++)
                length--;
        while (length > 0 && is_blank(line[length - 1]))
                length--;
        *ret_value = line;
        *ret_length = length;
        return true;
}

void smsd_message_mask(const char *number, size_t length, char *target, size_t size)
{
        char digits[DIGITS_MAX + 1];
        size_t n = 0;
        bool plus = length > 0 && number[0] == '+';

        for (size_t i = plus; i < length; i++) {
                if (number[i] == ' ' || number[i] == '-')
                        continue;
                if (number[i] < '0' || number[i] > '9' || n == DIGITS_MAX) {
                        n = 0;
                        break;
                }
                digits[n++] = number[i];
        }
        digits[n] = '\0';
        if (n == 0)
                (void)text_copy(target, size, length > 0 ? "*" : "");
        else if (n < MASK_FROM)
                (void)text_format(target, size, "%s%c***", plus ? "+" : "", digits[0]);
        else
                (void)text_format(target, size, "%s%.*s*****%s", plus ? "+" : "", SHOWN_BEFORE, digits,
                                  digits + n - SHOWN_AFTER);
}

static bool is_plain(const char *path)
{
        return text_only(path,
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                         "/._-+,:@%=",
                         PATH_MAX);
}

void smsd_message_again(const char *failed, const char *outgoing, const char *name, char *target, size_t size)
{
        if (failed[0] != '/' || outgoing[0] != '/' || !is_plain(failed) || !is_plain(outgoing) ||
            !is_plain(name) || text_format(target, size, "mv %s/%s %s/", failed, name, outgoing) < 0)
                target[0] = '\0';
}

static void take_line(const char *line, size_t length, struct message_failed_event *message)
{
        const char *value;
        size_t n;

        if (take_header(line, length, "To:", &value, &n))
                smsd_message_mask(value, n, message->recipient, sizeof(message->recipient));
        else if (take_header(line, length, "Modem:", &value, &n))
                (void)text_escape(message->modem, sizeof(message->modem), value, n);
        else if (take_header(line, length, "Fail_reason:", &value, &n))
                (void)text_escape(message->reason, sizeof(message->reason), value, n);
}

bool smsd_message_is_name(const char *name)
{
        const char *end = strrchr(name, '.');

        return name[0] != '.' && name[0] != '\0' && !(end && text_equal(end, ".LOCK"));
}

void smsd_message_parse(const char *text, size_t length, struct message_failed_event *ret_message)
{
        const char *end = text + length;

        ret_message->recipient[0] = ret_message->modem[0] = ret_message->reason[0] = '\0';
        while (text < end) {
                const char *stop = memchr(text, '\n', (size_t)(end - text));
                size_t n = (size_t)((stop ? stop : end) - text);
                if (n == 0 || (n == 1 && text[0] == '\r'))
                        return;
                take_line(text, n, ret_message);
                text += n + 1;
        }
}
