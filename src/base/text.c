/*
 * Bounded strings, see base/text.h. text_escape decodes UTF-8 by hand because the C locale functions would
 * make the result depend on the environment of whoever looks.
 */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

int text_copy_n(char *target, size_t size, const char *source, size_t length)
{
        size_t wanted = strnlen(source, length);
        size_t taken = wanted < size ? wanted : size - 1;

        memmove(target, source, taken);
        target[taken] = '\0';
        return taken < wanted ? -ENAMETOOLONG : 0;
}

int text_copy(char *target, size_t size, const char *source)
{
        return text_copy_n(target, size, source, strlen(source));
}

static int format_list(char *target, size_t size, const char *format, va_list arguments) _printf_(3, 0);

static int format_list(char *target, size_t size, const char *format, va_list arguments)
{
        int wanted = vsnprintf(target, size, format, arguments);

        if (wanted < 0) {
                target[0] = '\0';
                return -EINVAL;
        }
        return (size_t)wanted < size ? 0 : -ENAMETOOLONG;
}

int text_format(char *target, size_t size, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        int r = format_list(target, size, format, arguments);
        va_end(arguments);
        return r;
}

int text_append(char *target, size_t size, const char *format, ...)
{
        size_t length = strnlen(target, size - 1);
        va_list arguments;

        va_start(arguments, format);
        int r = format_list(target + length, size - length, format, arguments);
        va_end(arguments);
        return r;
}

uint64_t text_hash(const char *data, size_t length)
{
        uint64_t hash = UINT64_C(14695981039346656037);

        for (size_t i = 0; i < length; i++)
                hash = (hash ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
        return hash;
}

bool text_equal(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

bool text_equal_nocase(const char *a, const char *b)
{
        return strcasecmp(a, b) == 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_only(const char *text, const char *set, size_t max)
{
        size_t length = strlen(text);

        return length > 0 && length <= max && strspn(text, set) == length;
}

/* Code points that show nothing or turn the text around them: a name could look like another one. */
static bool is_hidden(uint32_t code)
{
        static const struct {
                uint32_t first, last;
        } ranges[] = {
            {0x00, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200f},
            {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
        };

        for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
                if (code >= ranges[i].first && code <= ranges[i].last)
                        return true;
        return (code & 0xfffe) == 0xfffe; /* never a character */
}

/* Length of the well-formed UTF-8 character at p that is fit to show, 0 when there is none. */
static size_t displayable(const unsigned char *p, size_t left)
{
        static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t length = p[0] < 0x80   ? 1
                        : p[0] < 0xc0 ? 0
                        : p[0] < 0xe0 ? 2
                        : p[0] < 0xf0 ? 3
                        : p[0] < 0xf8 ? 4
                                      : 0;

        if (length == 1)
                return p[0] >= 0x20 && p[0] != 0x7f && p[0] != '\\';
        if (length == 0 || length > left)
                return 0;
        uint32_t code = p[0] & (0x7fU >> length);
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                code = (code << 6) | (p[i] & 0x3fU);
        }
        bool fits = code >= smallest[length] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
        return fits && !is_hidden(code) ? length : 0;
}

/* The escaped form of one byte: at most 4 characters and a NUL. */
static void escape_byte(char target[5], unsigned char byte)
{
        static const char named[] = "\n\r\t\\", letters[] = "nrt\\";
        const char *found = byte ? strchr(named, byte) : NULL;

        if (found)
                (void)text_format(target, 5, "\\%c", letters[found - named]);
        else
                (void)text_format(target, 5, "\\x%02x", byte);
}

/* How many bytes from p on are ASCII that stays as it is. */
static size_t plain_run(const unsigned char *p, size_t length)
{
        size_t n = 0;

        while (n < length && p[n] >= 0x20 && p[n] < 0x7f && p[n] != '\\')
                n++;
        return n;
}

/* Nearly all text is plain, and much of it is escaped again and again: it is taken in runs. */
int text_escape(char *target, size_t size, const char *source, size_t length)
{
        const unsigned char *p = (const unsigned char *)source;
        size_t written = 0;

        target[0] = '\0';
        for (size_t i = 0; i < length;) {
                size_t plain = plain_run(p + i, length - i), left = size - 1 - written;
                size_t fits = plain < left ? plain : left;
                memcpy(target + written, p + i, fits);
                written += fits;
                target[written] = '\0';
                if (fits < plain)
                        return -ENAMETOOLONG;
                i += plain;
                if (i == length)
                        break;
                char escaped[5];
                size_t taken = displayable(p + i, length - i);
                const char *piece = (const char *)p + i;
                size_t piece_length = taken;
                if (taken == 0) {
                        escape_byte(escaped, p[i]);
                        piece = escaped;
                        piece_length = strlen(escaped);
                        taken = 1;
                }
                if (written + piece_length >= size)
                        return -ENAMETOOLONG;
                memcpy(target + written, piece, piece_length);
                written += piece_length;
                target[written] = '\0';
                i += taken;
        }
        return 0;
}

int text_clean(char *target, size_t size, const char *source)
{
        size_t written = 0;

        target[0] = '\0';
        for (;;) {
                size_t length = strcspn(source, "\\");
                int r = text_escape(target + written, size - written, source, length);
                if (r < 0 || source[length] == '\0')
                        return r;
                written += strlen(target + written);
                if (written + 1 >= size)
                        return -ENAMETOOLONG;
                target[written++] = '\\';
                target[written] = '\0';
                source += length + 1;
        }
}

/* The value of one lower-case hexadecimal digit, as escape_byte writes it; -EINVAL. */
static int hex_digit(char c)
{
        static const char digits[] = "0123456789abcdef";
        const char *found = c ? strchr(digits, c) : NULL;

        return found ? (int)(found - digits) : -EINVAL;
}

/* Reads what follows a backslash at *cursor and moves it behind. Returns the byte, 1..255, or -EINVAL. */
static int unescape_byte(const char **cursor)
{
        static const char letters[] = "nrt\\", bytes[] = "\n\r\t\\";
        const char *p = *cursor, *found = *p ? strchr(letters, *p) : NULL;

        if (found) {
                *cursor = p + 1;
                return (unsigned char)bytes[found - letters];
        }
        int high = *p == 'x' ? hex_digit(p[1]) : -EINVAL;
        int low = high >= 0 ? hex_digit(p[2]) : -EINVAL;
        if (low < 0 || high + low == 0)
                return -EINVAL;
        *cursor = p + 3;
        return high * 16 + low;
}

/* One pass; `target` NULL: only checks. */
static int unescape(char *target, size_t size, const char *source)
{
        size_t written = 0;

        for (const char *p = source; *p;) {
                int byte = (unsigned char)*p++;
                if (byte == '\\')
                        byte = unescape_byte(&p);
                else if (byte < 0x20 || byte == 0x7f)
                        byte = -EINVAL;
                if (byte < 0)
                        return byte;
                if (written + 1 >= size)
                        return -ENAMETOOLONG;
                if (target)
                        target[written] = (char)byte;
                written++;
        }
        if (target)
                target[written] = '\0';
        return 0;
}

int text_unescape(char *target, size_t size, const char *source)
{
        int r = unescape(NULL, size, source);

        return r < 0 ? r : unescape(target, size, source);
}

void text_sanitize(char *target, size_t size, const char *source, size_t length)
{
        size_t written = 0;

        for (size_t i = 0; i < length && written + 1 < size; i++) {
                char c = source[i];
                if (c >= 0x20 && c <= 0x7e && !(c == ' ' && written == 0))
                        target[written++] = c;
        }
        while (written > 0 && target[written - 1] == ' ')
                written--;
        target[written] = '\0';
}
