/*
 * Reads a mail, see mail_read.h.
 */
#include "mail_read.h"

#include "base/text.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Length of the line at p without its end; *ret_next: the line after it. */
static size_t line_at(const char *p, const char *end, const char **ret_next)
{
        const char *newline = memchr(p, '\n', (size_t)(end - p));

        assert_non_null(newline); /* each line is ended */
        *ret_next = newline + 1;
        return (size_t)(newline - p) - (newline > p && newline[-1] == '\r');
}

static void add_header(struct mail *mail, const char *line, size_t length)
{
        const char *colon = memchr(line, ':', length);

        assert_non_null(colon);
        assert_in_range(mail->n, 0, MAIL_HEADERS_MAX - 1);
        for (const char *p = line; p < colon; p++)
                assert_true(isalnum((unsigned char)*p) || *p == '-');
        size_t skip = (size_t)(colon - line) + 1;
        skip += skip < length && line[skip] == ' ';
        assert_int_equal(text_copy_n(mail->headers[mail->n].name, sizeof(mail->headers[0].name), line,
                                     (size_t)(colon - line)),
                         0);
        assert_int_equal(text_copy_n(mail->headers[mail->n].value, sizeof(mail->headers[0].value),
                                     line + skip, length - skip),
                         0);
        mail->n++;
}

static void continue_header(struct mail *mail, const char *line, size_t length)
{
        char part[1024];

        assert_true(mail->n > 0);
        assert_int_equal(text_copy_n(part, sizeof(part), line, length), 0);
        assert_true(part[strspn(part, " \t")] != '\0'); /* a line of blanks alone is forbidden */
        assert_int_equal(
            text_append(mail->headers[mail->n - 1].value, sizeof(mail->headers[0].value), "%s", part), 0);
}

static int hex(char c)
{
        const char *digits = "0123456789ABCDEF", *found = c ? strchr(digits, c) : NULL;

        assert_non_null(found);
        return (int)(found - digits);
}

static void decode_quoted(const char *p, const char *end, char *target, size_t size)
{
        size_t n = 0;

        for (; p < end; p++) {
                assert_in_range(n, 0, size - 2);
                if (*p == '\r' && p + 1 < end && p[1] == '\n')
                        continue;
                if (*p != '=') {
                        target[n++] = *p;
                        continue;
                }
                assert_true(p + 1 < end);
                p += p[1] == '\r';
                if (p[1] == '\n') { /* soft break */
                        p++;
                        continue;
                }
                assert_true(p + 2 < end);
                target[n++] = (char)(hex(p[1]) * 16 + hex(p[2]));
                p += 2;
        }
        target[n] = '\0';
}

void mail_read(const char *text, size_t length, struct mail *ret_mail)
{
        const char *p = text, *end = text + length, *next;

        *ret_mail = (struct mail){0};
        for (size_t n; (n = line_at(p, end, &next)) > 0; p = next) {
                if (*p == ' ' || *p == '\t')
                        continue_header(ret_mail, p, n);
                else
                        add_header(ret_mail, p, n);
        }
        decode_quoted(next, end, ret_mail->body, sizeof(ret_mail->body));
}

const char *mail_header(const struct mail *mail, const char *name)
{
        const char *found = NULL;

        for (unsigned i = 0; i < mail->n; i++)
                if (text_equal_nocase(mail->headers[i].name, name)) {
                        assert_null(found);
                        found = mail->headers[i].value;
                }
        if (!found)
                fail_msg("the mail has no %s", name);
        return found;
}

static size_t decode_base64(const char *p, size_t length, char *target, size_t size)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        unsigned bits = 0, have = 0;
        size_t n = 0;

        assert_int_equal(length % 4, 0);
        for (size_t i = 0; i < length && p[i] != '='; i++) {
                const char *found = p[i] ? strchr(digits, p[i]) : NULL;
                assert_non_null(found);
                bits = bits << 6 | (unsigned)(found - digits);
                have += 6;
                if (have >= 8) {
                        have -= 8;
                        assert_in_range(n, 0, size - 1);
                        target[n++] = (char)(bits >> have);
                }
        }
        return n;
}

void mail_decode_words(const char *value, char *target, size_t size)
{
        size_t n = 0;
        const char *end;

        for (const char *p = value; *p; p = end) {
                p += n > 0 ? strspn(p, " ") : 0; /* the blank between two encoded words is none */
                if (!text_starts_with(p, "=?UTF-8?B?")) {
                        assert_int_equal(n, 0);
                        assert_null(strstr(p, "=?"));
                        assert_int_equal(text_copy(target, size, p), 0);
                        return;
                }
                end = strstr(p + 10, "?=");
                assert_non_null(end);
                end += 2;
                assert_true(end - p <= 75);
                size_t taken = decode_base64(p + 10, (size_t)(end - p) - 12, target + n, size - 1 - n);
                /* Whole characters in each: a program may show them one by one. */
                assert_true(((unsigned char)target[n] & 0xc0) != 0x80);
                n += taken;
        }
        target[n] = '\0';
}
