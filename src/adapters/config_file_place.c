/*
 * See config_file_place.h. The text was taken before: only what is right is to be read here.
 */
#include "config_file_place.h"

#include "base/text.h"

#include <string.h>

#define BLANKS " \t"

/* "[SECTION] KEY: ..." in its parts. */
struct wanted {
        const char *section, *key;
        size_t section_length, key_length; /* key_length 0: no key */
};

static struct wanted read_problem(const char *problem)
{
        const char *close = strchr(problem, ']');
        struct wanted wanted = {0};

        if (problem[0] != '[' || !close)
                return wanted;
        wanted.section = problem + 1;
        wanted.section_length = (size_t)(close - problem) - 1;
        wanted.key = close + 1 + strspn(close + 1, BLANKS);
        size_t length = strcspn(wanted.key, ": ");
        wanted.key_length = wanted.key[length] == ':' ? length : 0;
        return wanted;
}

/* Blanks between the words of a header may be many. */
static bool is_section(const char *name, size_t length, const struct wanted *wanted)
{
        size_t i = 0, j = 0;

        while (i < length && j < wanted->section_length) {
                if (name[i] != wanted->section[j] && (name[i] != '\t' || wanted->section[j] != ' '))
                        return false;
                if (wanted->section[j++] != ' ') {
                        i++;
                        continue;
                }
                while (i < length && (name[i] == ' ' || name[i] == '\t'))
                        i++;
        }
        return i == length && j == wanted->section_length;
}

static bool is_key(const char *line, size_t length, const struct wanted *wanted)
{
        if (wanted->key_length == 0 || length <= wanted->key_length ||
            memcmp(line, wanted->key, wanted->key_length) != 0)
                return false;
        return strchr(BLANKS "=:", line[wanted->key_length]);
}

struct config_place_lines config_file_find_place(const char *text, size_t length, const char *problem)
{
        struct wanted wanted = read_problem(problem);
        struct config_place_lines found = {0};
        const char *end = text + length;
        bool inside = false;
        unsigned number = 0;

        for (const char *line = text; wanted.section && line < end;) {
                const char *newline = memchr(line, '\n', (size_t)(end - line));
                const char *stop = newline ? newline : end;
                number++;
                while (line < stop && strchr(BLANKS, *line))
                        line++;
                const char *close =
                    line < stop && *line == '[' ? memchr(line, ']', (size_t)(stop - line)) : NULL;
                if (close)
                        inside = is_section(line + 1, (size_t)(close - line) - 1, &wanted);
                if (close && inside)
                        found.header = number;
                else if (inside && is_key(line, (size_t)(stop - line), &wanted))
                        found.key = number;
                line = newline ? newline + 1 : end;
        }
        return found;
}
