/*
 * Lines for a terminal, see screen.h.
 */
#include "screen.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

static const char *const colours[] = {
    [SCREEN_PLAIN] = "",         [SCREEN_GOOD] = "\033[1;32m",   [SCREEN_WARNING] = "\033[1;33m",
    [SCREEN_BAD] = "\033[1;31m", [SCREEN_NOTICE] = "\033[1;36m", [SCREEN_DIM] = "\033[2m",
};

static bool wants_colour(FILE *file)
{
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(fileno(file)) && !(no_color && no_color[0]) && term && !text_equal(term, "dumb");
}

unsigned screen_width_of_stdout(void)
{
        struct winsize size;

        if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
                return 0;
        return size.ws_col > 0 ? size.ws_col : SCREEN_WIDTH;
}

struct screen screen_of_stdout(void)
{
        unsigned width = screen_width_of_stdout();

        return (struct screen){.file = stdout,
                               .colour = wants_colour(stdout),
                               .width = width < SCREEN_WIDTH ? width : SCREEN_WIDTH};
}

unsigned screen_columns(const char *text, size_t length)
{
        unsigned columns = 0;

        for (size_t i = 0; i < length && text[i]; i++)
                columns += ((unsigned char)text[i] & 0xc0) != 0x80;
        return columns;
}

static void put_coloured(struct screen *screen, enum screen_colour colour, const char *text, size_t length)
{
        bool coloured = screen->colour && colour != SCREEN_PLAIN;

        (void)fprintf(screen->file, "%s%.*s%s", coloured ? colours[colour] : "", (int)length, text,
                      coloured ? "\033[0m" : "");
}

/* The end of the word at `text`; `a command in backquotes` is one word, for a person copies it. */
static size_t word_end(const char *text)
{
        bool quoted = false;
        size_t i = 0;

        for (; text[i] && (quoted || text[i] != ' '); i++)
                quoted ^= text[i] == '`';
        return i;
}

size_t screen_piece(const char *text, unsigned columns)
{
        size_t fits = 0, end = 0;

        for (;;) {
                end += strspn(text + end, " ");
                end += word_end(text + end);
                if (screen_columns(text, end) > columns)
                        return fits ? fits : end;
                fits = end;
                if (text[end] == '\0')
                        return fits;
        }
}

static void put_wrapped(struct screen *screen, enum screen_colour colour, const char *text, unsigned indent,
                        unsigned otherwise)
{
        unsigned width = screen->width > 0 ? screen->width : otherwise;
        unsigned columns = width > indent + SCREEN_TEXT_MIN ? width - indent : SCREEN_TEXT_MIN;

        for (;;) {
                size_t length = screen_piece(text, columns);
                put_coloured(screen, colour, text, length);
                (void)fputc('\n', screen->file);
                text += length;
                text += strspn(text, " ");
                if (*text == '\0')
                        return;
                (void)fprintf(screen->file, "%*s", (int)indent, "");
        }
}

void screen_headline(struct screen *screen, enum screen_colour colour, const char *word, const char *text)
{
        char clean[1024];
        unsigned indent = screen_columns(word, strlen(word)) + 2;

        put_coloured(screen, colour, word, strlen(word));
        (void)fputs("  ", screen->file);
        (void)text_clean(clean, sizeof(clean), text);
        put_wrapped(screen, SCREEN_PLAIN, clean, indent, SCREEN_WIDTH);
}

void screen_value(struct screen *screen, const char *label, enum screen_colour colour, const char *value)
{
        char clean[1024];
        unsigned columns = screen_columns(label, strlen(label));

        (void)text_clean(clean, sizeof(clean), value);
        put_coloured(screen, SCREEN_DIM, label, strlen(label));
        (void)fprintf(screen->file, "%*s", columns < SCREEN_LABEL ? (int)(SCREEN_LABEL - columns) : 1, "");
        put_wrapped(screen, colour, clean, SCREEN_LABEL, SCREEN_WIDTH);
}

void screen_indented(struct screen *screen, enum screen_colour colour, unsigned indent, const char *text)
{
        char clean[1024];

        (void)text_clean(clean, sizeof(clean), text);
        (void)fprintf(screen->file, "%*s", (int)indent, "");
        put_wrapped(screen, colour, clean, indent, SCREEN_NARROW);
}

void screen_format(struct screen *screen, const char *label, enum screen_colour colour, const char *format,
                   ...)
{
        char value[1024];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(value, sizeof(value), format, arguments);
        va_end(arguments);
        screen_value(screen, label, colour, value);
}

void screen_put(struct screen *screen, enum screen_colour colour, const char *text)
{
        char clean[1024];

        (void)text_clean(clean, sizeof(clean), text);
        put_coloured(screen, colour, clean, strlen(clean));
}

void screen_gap(struct screen *screen)
{
        (void)fputc('\n', screen->file);
}
