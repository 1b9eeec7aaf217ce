/*
 * Mail's text forms, see mail_text.h.
 */
#include "mail_text.h"

#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define SEPARATORS    ", \t"
#define PLAIN_MAX     60 /* a header's text that fits on one line beside its name */
#define WORD_MAX      39 /* bytes in an encoded word: 12 + 4/3 of it + the name stay below 76 */
#define QUOTED_MAX    75 /* of a line of quoted-printable, without its soft break */
#define ADDRESS_EXTRA "!#$%&'*+/=?^_`{|}~-."

/* The part of RFC 5321's addresses that everybody takes: no quoted local parts, no address literals. */
static bool is_atom(const char *text, size_t length, const char *extra)
{
        for (size_t i = 0; i < length; i++) {
                char c = text[i];
                bool alphanumeric =
                    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                if (!alphanumeric && (c == '\0' || !strchr(extra, c)))
                        return false;
                if (c == '.' && (i == 0 || i == length - 1 || text[i - 1] == '.'))
                        return false;
        }
        return length > 0;
}

static bool is_address(const char *text, size_t length)
{
        const char *at = memchr(text, '@', length);
        size_t local = at ? (size_t)(at - text) : 0;

        return at && local <= 64 && is_atom(text, local, ADDRESS_EXTRA) &&
               is_atom(at + 1, length - local - 1, "-.");
}

int mail_next_address(const char **list, char target[MAIL_ADDRESS_MAX])
{
        const char *begin = *list + strspn(*list, SEPARATORS);
        size_t length = strcspn(begin, SEPARATORS);
        const char *end = begin + length;

        if (length == 0)
                return 0;
        if (length > 2 && begin[0] == '<' && begin[length - 1] == '>') {
                begin++;
                length -= 2;
        }
        if (length >= MAIL_ADDRESS_MAX || !is_address(begin, length))
                return -EINVAL;
        (void)text_copy_n(target, MAIL_ADDRESS_MAX, begin, length);
        *list = end;
        return 1;
}

static int print(FILE *output, const char *text)
{
        return fputs(text, output) < 0 ? -ENOMEM : 0;
}

int mail_put_addresses(FILE *output, const char *name, const char *list)
{
        char address[MAIL_ADDRESS_MAX];
        unsigned n = 0;
        int r;

        while ((r = mail_next_address(&list, address)) > 0) {
                if (n == 0 ? fprintf(output, "%s: %s", name, address) < 0
                           : fprintf(output, ",\r\n %s", address) < 0)
                        return -ENOMEM;
                n++;
        }
        if (r < 0 || n == 0)
                return -EINVAL;
        return print(output, "\r\n");
}

static bool is_plain(const char *text)
{
        size_t length = strlen(text);

        for (size_t i = 0; i < length; i++)
                if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7e)
                        return false;
        return length > 0 && length <= PLAIN_MAX && text[0] != ' ' && text[length - 1] != ' ' &&
               !strstr(text, "=?");
}

/* How many bytes of the text, whole characters, go into one encoded word. */
static size_t word_length(const char *text)
{
        size_t length = strnlen(text, WORD_MAX + 1);

        if (length <= WORD_MAX)
                return length;
        length = WORD_MAX;
        while (length > WORD_MAX - 4 && ((unsigned char)text[length] & 0xc0) == 0x80)
                length--;
        return length;
}

static int put_base64(FILE *output, const char *text, size_t length)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (size_t i = 0; i < length; i += 3) {
                unsigned bits = 0;
                for (size_t k = 0; k < 3; k++)
                        bits = bits << 8 | (i + k < length ? (unsigned char)text[i + k] : 0);
                char group[5] = {digits[bits >> 18], digits[bits >> 12 & 63],
                                 i + 1 < length ? digits[bits >> 6 & 63] : '=',
                                 i + 2 < length ? digits[bits & 63] : '=', '\0'};
                if (print(output, group) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int mail_put_text(FILE *output, const char *name, const char *text)
{
        if (is_plain(text))
                return fprintf(output, "%s: %s\r\n", name, text) < 0 ? -ENOMEM : 0;
        if (fprintf(output, "%s:", name) < 0)
                return -ENOMEM;
        for (const char *p = text; *p;) {
                size_t length = word_length(p);
                if (print(output, p == text ? " =?UTF-8?B?" : "\r\n =?UTF-8?B?") < 0 ||
                    put_base64(output, p, length) < 0 || print(output, "?=") < 0)
                        return -ENOMEM;
                p += length;
        }
        return print(output, "\r\n");
}

/* A blank at a line's end may be lost; "From " at its begin is changed by mailboxes, a dot by bad servers. */
static bool is_literal(const char *p, size_t column)
{
        unsigned char c = (unsigned char)p[0];

        if (c == ' ' || c == '\t')
                return p[1] != '\n' && p[1] != '\0';
        if (column == 0 && (c == '.' || text_starts_with(p, "From ")))
                return false;
        return c > 0x20 && c < 0x7f && c != '=';
}

/* Writes one byte that is not \n; returns the new column or -ENOMEM. */
static int put_quoted(FILE *output, const char *p, size_t column)
{
        bool literal = is_literal(p, column);
        size_t width = literal ? 1 : 3;

        if (column + width > QUOTED_MAX) {
                if (print(output, "=\r\n") < 0)
                        return -ENOMEM;
                column = 0;
                literal = is_literal(p, column);
                width = literal ? 1 : 3;
        }
        int r = literal ? fputc(*p, output) : fprintf(output, "=%02X", (unsigned)(unsigned char)*p);
        return r < 0 ? -ENOMEM : (int)(column + width);
}

int mail_put_body(FILE *output, const char *text)
{
        int column = 0;

        for (const char *p = text; *p; p++) {
                column = *p == '\n' ? print(output, "\r\n") : put_quoted(output, p, (size_t)column);
                if (column < 0)
                        return column;
        }
        return column > 0 ? print(output, "\r\n") : 0;
}
