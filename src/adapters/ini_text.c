/*
 * inih with its surprises taken out, see ini_text.h.
 */
#include "ini_text.h"

#include "base/text.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

struct parser {
        const char *path;
        const char *next, *end; /* what inih has not seen yet */
        unsigned line;
        int result; /* the first error; nothing more is read or set after it */
        const struct ini_sink *sink;
        struct config_file_error *error;
};

int ini_text_tell(struct config_file_error *error, int code, const char *path, unsigned line,
                  const char *what)
{
        (void)text_escape(error->file, sizeof(error->file), path, strlen(path));
        error->line = line;
        if (line > 0)
                (void)text_format(error->message, sizeof(error->message), "%s:%u: %s", error->file, line,
                                  what);
        else
                (void)text_format(error->message, sizeof(error->message), "%s: %s", error->file, what);
        return code;
}

void ini_text_line(const char **next, const char *end, const char **ret_line, size_t *ret_length)
{
        const char *line = *next;
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;

        *next = newline ? newline + 1 : end;
        if (stop > line && stop[-1] == '\r')
                stop--;
        while (line < stop && (*line == ' ' || *line == '\t'))
                line++;
        *ret_line = line;
        *ret_length = (size_t)(stop - line);
}

static int refuse(struct parser *parser, int code, const char *what)
{
        parser->result = ini_text_tell(parser->error, code, parser->path, parser->line, what);
        return code;
}

/* A tab is a blank; any other control character is never meant. */
static bool has_control(const char *line, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
                        return true;
        return false;
}

/* A section exists by its header. `line` begins with '['; without a ']' inih itself complains. */
static int open_section(struct parser *parser, const char *line)
{
        struct config_error error;
        char section[64];
        const char *close = strchr(line, ']');

        if (!close)
                return 0;
        if (text_copy_n(section, sizeof(section), line + 1, (size_t)(close - line - 1)) < 0)
                return refuse(parser, -EINVAL, "the name of the section is too long");
        const char *behind = close + 1 + strspn(close + 1, " \t");
        if (*behind != '\0' && !strchr(";#", *behind))
                return refuse(parser, -EINVAL,
                              "text behind the section's ']'; write it on a line of its own");
        int r = parser->sink->section(parser->sink->userdata, section, &error);
        return r < 0 ? refuse(parser, r, error.message) : 0;
}

/* inih takes no longer line; what is often long may lie in a file instead. */
static void refuse_long_line(struct parser *parser, const char *line, int max)
{
        const char *const *keys = parser->sink->file_keys;
        char what[160];

        (void)text_format(what, sizeof(what), "the line is longer than %d bytes", max);
        for (size_t i = 0; keys && keys[i]; i++) {
                size_t length = strlen(keys[i]);
                if (strncmp(line, keys[i], length) == 0 && strchr(" \t=:", line[length]))
                        (void)text_append(what, sizeof(what),
                                          "; put the value into a file and name that with %s_file", keys[i]);
        }
        (void)refuse(parser, -EINVAL, what);
}

/* An ini_reader: like fgets, for inih's buffer of `size` bytes. NULL ends the parsing. */
static char *read_line(char *target, int size, void *userdata)
{
        struct parser *parser = userdata;
        const char *line;
        size_t length;

        if (parser->result < 0 || parser->next == parser->end)
                return NULL;
        ini_text_line(&parser->next, parser->end, &line, &length);
        parser->line++;
        if (has_control(line, length)) {
                (void)refuse(parser, -EINVAL, "holds a control character");
                return NULL;
        }
        /* One less than what fits: inih takes a full buffer for a line that goes on. */
        if (length > (size_t)size - 2) {
                refuse_long_line(parser, line, size - 2);
                return NULL;
        }
        memcpy(target, line, length);
        target[length] = '\0';
        if (target[0] == '[' && open_section(parser, target) < 0)
                return NULL;
        return target;
}

/* An ini_handler; returns 0 to say "error". */
static int take_key(void *userdata, const char *section, const char *key, const char *value)
{
        struct parser *parser = userdata;
        struct config_error error;

        if (parser->result < 0)
                return 0;
        int r = parser->sink->key(parser->sink->userdata, section, key, value, &error);
        if (r < 0)
                (void)refuse(parser, r, error.message);
        return r == 0;
}

int ini_text_parse(const char *path, const char *bytes, size_t length, const struct ini_sink *sink,
                   struct config_file_error *ret_error)
{
        struct parser parser = {
            .path = path, .next = bytes, .end = bytes + length, .sink = sink, .error = ret_error};
        /* 0, the line of the first error (ours or inih's), or negative: no memory. */
        int first = ini_parse_stream(read_line, &parser, take_key, &parser);

        if (first < 0)
                return -ENOMEM;
        if (first > 0 && (parser.result == 0 || (unsigned)first < ret_error->line))
                return ini_text_tell(ret_error, -EINVAL, path, (unsigned)first,
                                     "is neither [section] nor key = value nor a comment");
        return parser.result;
}
