/*
 * Reads `key=value` lines, see base/pairs.h. What a key means, and whether it may come twice, is the
 * reader's.
 */
#include "base/pairs.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* One line, ended by a NUL. */
static int take_line(char *line, pairs_take_fn take, void *userdata)
{
        char *equals = strchr(line, '=');

        if (line[0] == '#' || line[0] == '\0')
                return 0;
        if (!equals)
                return -EBADMSG;
        *equals = '\0';
        return take(userdata, line, equals + 1);
}

int pairs_read(const char *text, size_t length, pairs_take_fn take, void *userdata)
{
        char line[PAIRS_LINE_MAX];

        for (size_t start = 0; start < length;) {
                const char *newline = memchr(text + start, '\n', length - start);
                size_t line_length = newline ? (size_t)(newline - text) - start : length - start;
                if (line_length >= sizeof(line) || memchr(text + start, '\0', line_length))
                        return -EBADMSG;
                (void)text_copy_n(line, sizeof(line), text + start, line_length);
                int r = take_line(line, take, userdata);
                if (r < 0)
                        return r;
                start += line_length + 1;
        }
        return 0;
}
