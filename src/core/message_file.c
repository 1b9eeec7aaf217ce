/*
 * A message file of smsd, see message_file.h.
 */
#include "core/message_file.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define REQUEUED "Smswarden_requeued:"
#define BOM      "\xef\xbb\xbf"
#define BLANKS   " \t\r\n"

#define NUMBER_DIGITS_MAX 24 /* E.164 has 15 */
#define SHOWN_BEFORE      4
#define SHOWN_AFTER       2
#define MASK_FROM         9 /* digits: a shorter number would be told apart by what is shown of it */

struct line {
        const char *text;
        size_t length; /* without the line end */
};

/* The line at *offset, which moves behind it. False at the end. */
static bool next_line(const char *head, size_t length, size_t *offset, struct line *ret_line)
{
        if (*offset >= length)
                return false;
        const char *text = head + *offset, *end = memchr(text, '\n', length - *offset);

        *ret_line = (struct line){text, end ? (size_t)(end - text) : length - *offset};
        *offset += ret_line->length + (end != NULL);
        return true;
}

static bool is_blank(char c)
{
        return c != '\0' && strchr(BLANKS, c) != NULL;
}

static struct line trimmed(struct line line)
{
        while (line.length > 0 && is_blank(line.text[0]))
                line.text++, line.length--;
        while (line.length > 0 && is_blank(line.text[line.length - 1]))
                line.length--;
        return line;
}

/* The value behind `name` ("To:"); false: the line is another header. */
static bool take_value(struct line line, const char *name, struct line *ret_value)
{
        size_t length = strlen(name);

        if (line.length < length || memcmp(line.text, name, length) != 0)
                return false;
        *ret_value = trimmed((struct line){line.text + length, line.length - length});
        return true;
}

static unsigned parse_count(struct line value)
{
        char text[16];
        unsigned count = UINT_MAX;

        if (text_copy_n(text, sizeof(text), value.text, value.length) == 0)
                (void)parse_unsigned(text, 0, 1000000, &count); /* else it stays what no limit allows */
        return count;
}

static void parse_line(struct message_header *header, struct line line)
{
        const struct {
                const char *name;
                char *target;
                size_t size;
        } fields[] = {
            {"To:", header->to, sizeof(header->to)},
            {"From:", header->from, sizeof(header->from)},
            {"Modem:", header->modem, sizeof(header->modem)},
            {"Fail_reason:", header->fail_reason, sizeof(header->fail_reason)},
            {"Failed:", header->failed, sizeof(header->failed)},
            {"Sent:", header->sent, sizeof(header->sent)},
            {"IMSI:", header->imsi, sizeof(header->imsi)},
        };
        struct line value;

        for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
                if (take_value(line, fields[i].name, &value)) {
                        (void)text_escape(fields[i].target, fields[i].size, value.text, value.length);
                        return;
                }
        header->pdu = header->pdu || take_value(line, "PDU:", &value);
        if (!take_value(line, REQUEUED, &value))
                return;
        unsigned count = parse_count(value);
        if (count > header->requeued) /* two counts: whoever wrote the lower one gains nothing */
                header->requeued = count;
}

static size_t bom_length(const char *head, size_t length)
{
        return length >= strlen(BOM) && memcmp(head, BOM, strlen(BOM)) == 0 ? strlen(BOM) : 0;
}

void message_header_parse(struct message_header *ret_header, const char *head, size_t length)
{
        size_t offset = bom_length(head, length);
        struct line line;

        *ret_header = (struct message_header){0};
        while (next_line(head, length, &offset, &line) && trimmed(line).length > 0)
                parse_line(ret_header, line);
}

struct message_place message_requeued_place(const char *head, size_t length)
{
        size_t begin = bom_length(head, length), end = begin;
        struct line line, value;

        if (!next_line(head, length, &end, &line) || !take_value(line, REQUEUED, &value))
                end = begin;
        return (struct message_place){begin, end};
}

int message_requeued_line(char *target, size_t size, unsigned count)
{
        return text_format(target, size, REQUEUED " %u\n", count);
}

bool message_name_is_message(const char *name)
{
        size_t length = strlen(name);

        return name[0] != '.' && name[0] != '\0' && !text_starts_with(name, "LOCKED") &&
               !(length >= 5 && text_equal(name + length - 5, ".LOCK"));
}

int message_name_check(const char *name)
{
        if (!message_name_is_message(name) || strchr(name, '/'))
                return -EINVAL;
        return strlen(name) > MESSAGE_NAME_MAX ? -ENAMETOOLONG : 0;
}

void message_requeue_command(char *target, size_t size, const char *name, bool force)
{
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+,:@%=";
        const char *ward = name[0] == '-' ? "-- " : "";

        if (message_name_check(name) < 0 || !text_only(name, plain, MESSAGE_NAME_MAX) ||
            text_format(target, size, "smswarden queue requeue %s%s%s", force ? "--force " : "", ward, name) <
                0)
                target[0] = '\0';
}

void message_lock_owner(char *target, size_t size, const char *text, size_t length)
{
        struct line line;
        size_t offset = 0, digits = 0;

        target[0] = '\0';
        if (!next_line(text, length, &offset, &line))
                return;
        while (digits < line.length && line.text[digits] >= '0' && line.text[digits] <= '9')
                digits++;
        if (digits > 0 && digits < line.length && line.text[digits] == ' ')
                text_sanitize(target, size, line.text + digits, line.length - digits);
}

/* The digits of a telephone number, without what people write between them; 0: it is none. */
static size_t take_digits(const char *number, size_t length, char digits[NUMBER_DIGITS_MAX + 1])
{
        size_t n = 0;

        for (size_t i = 0; i < length; i++) {
                if (number[i] == ' ' || number[i] == '-')
                        continue;
                if (number[i] < '0' || number[i] > '9' || n == NUMBER_DIGITS_MAX)
                        return 0;
                digits[n++] = number[i];
        }
        digits[n] = '\0';
        return n;
}

void message_recipient_mask(char *target, size_t size, const char *number, size_t length)
{
        char digits[NUMBER_DIGITS_MAX + 1], masked[NUMBER_DIGITS_MAX] = "";
        bool plus = length > 0 && number[0] == '+';
        size_t n = take_digits(number + plus, length - plus, digits);

        /* There is room for all of these, and what does not fit into the target is not shown. */
        if (n == 0)
                (void)text_copy(masked, sizeof(masked), length > 0 ? "*" : "");
        else if (n < MASK_FROM)
                (void)text_format(masked, sizeof(masked), "%s%c***", plus ? "+" : "", digits[0]);
        else
                (void)text_format(masked, sizeof(masked), "%s%.*s*****%s", plus ? "+" : "", SHOWN_BEFORE,
                                  digits, digits + n - SHOWN_AFTER);
        (void)text_copy(target, size, masked);
}
