/*
 * A webhook's template: JSON whose strings hold {placeholders}. Looked at when it is written, so that a
 * mistyped name is told then, and not by an alert that could not be. It is filled in elsewhere, by a real
 * JSON parser; here only brackets, strings and names are seen.
 */
#include "config_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define BLANKS   " \t\r\n"
#define NAME_SET "abcdefghijklmnopqrstuvwxyz_"
#define NAME_MAX 32

static const char *const names[] = {"title", "text", "summary", "severity",    "state",   "kind",
                                    "key",   "host", "modem",   "cause",       "count",   "since",
                                    "until", "id",   "ended",   "next_action", "evidence"};

/* The closing bracket to an opening one, 0: it is none. */
static char closing(char bracket)
{
        if (bracket == '{')
                return '}';
        return bracket == '[' ? ']' : '\0';
}

bool config_template_is_whole(const char *text)
{
        char open[32];
        size_t depth = 0;
        bool quoted = false;

        for (const char *p = text; *p; p++) {
                if (quoted && *p == '\\' && p[1]) {
                        p++;
                } else if (*p == '"') {
                        quoted = !quoted;
                } else if (!quoted && closing(*p)) {
                        if (depth == sizeof(open))
                                return false;
                        open[depth++] = closing(*p);
                } else if (!quoted && (*p == '}' || *p == ']')) {
                        if (depth == 0 || open[--depth] != *p)
                                return false;
                }
        }
        return depth == 0 && !quoted;
}

/* Writes what is wrong with {NAME}; returns -EINVAL. */
static int tell_name(const char *name, char *problem, size_t size)
{
        const char *guess = NULL;
        char shown[NAME_MAX * 4];
        size_t nearest = 3;

        (void)text_escape(shown, sizeof(shown), name, strlen(name));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                size_t distance = config_word_distance(name, names[i]);
                if (distance < nearest)
                        guess = names[i];
                nearest = distance < nearest ? distance : nearest;
        }
        (void)text_format(problem, size, "{%s} is no placeholder; ", shown);
        if (guess)
                (void)text_append(problem, size, "did you mean {%s}?", guess);
        for (size_t i = 0; !guess && i < ARRAY_SIZE(names); i++)
                (void)text_append(problem, size, "%s %s", i == 0 ? "allowed:" : ",", names[i]);
        return -EINVAL;
}

/* One placeholder, at its opening brace. Returns its length. */
static int check_name(const char *text, char *problem, size_t size)
{
        size_t length = strspn(text + 1, NAME_SET);
        char name[NAME_MAX];

        if (length == 0 || text[length + 1] != '}') {
                (void)text_copy(problem, size,
                                "a { in a string begins a {placeholder}; write {{ where a brace is meant");
                return -EINVAL;
        }
        (void)text_copy_n(name, sizeof(name), text + 1, length);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (text_equal(name, names[i]))
                        return (int)length + 2;
        return tell_name(name, problem, size);
}

/* The characters of a string whose first one is `text`, with the quote that ends it. */
static size_t string_length(const char *text)
{
        size_t length = 0;

        while (text[length] && text[length] != '"')
                length += text[length] == '\\' && text[length + 1] ? 2 : 1;
        return length + (text[length] == '"');
}

static int check_string(const char *text, size_t length, char *problem, size_t size)
{
        for (size_t i = 0; i < length;) {
                int taken = 1;
                if (text[i] == '\\' || (text[i] == '{' && text[i + 1] == '{'))
                        taken = 2;
                else if (text[i] == '{')
                        taken = check_name(text + i, problem, size);
                if (taken < 0)
                        return taken;
                i += (size_t)taken;
        }
        return 0;
}

static const char *next_of(const char *text)
{
        return text + strspn(text, BLANKS);
}

int config_template_check(const char *text, char *problem, size_t size)
{
        for (const char *p = text; *p; p++) {
                const char *next = next_of(p + 1);
                if (*p == '{' && *next && *next != '"' && *next != '}') {
                        (void)text_copy(problem, size,
                                        "a {placeholder} stands inside a string, like \"{count}\"");
                        return -EINVAL;
                }
                if (*p != '"')
                        continue;
                size_t length = string_length(p + 1);
                /* The name of a value is taken as it is. */
                if (*next_of(p + 1 + length) != ':' && check_string(p + 1, length, problem, size) < 0)
                        return -EINVAL;
                p += length;
        }
        return 0;
}
