/*
 * The line reader of smsd 3.1.21, re-stated from measurements of the Debian binary. smsd reads with fgets()
 * into a buffer of 4128 bytes and treats every such piece as a line, so this reader cuts the same pieces: a
 * line over 4127 characters is several. What looks odd here is smsd's: a '[' ends a section even without a
 * ']', a NUL hides the rest of its piece, CR is dropped anywhere in a key or value but not in a section's
 * name, keys are cut at 63 characters, values at 4095 before they are trimmed. This file only reads; deciding
 * what is an error or where to write is for its users.
 */
#include "smsd_conf_lines.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void conf_reader_init(struct conf_reader *reader, const struct smsd_conf *conf)
{
        *reader = (struct conf_reader){.next = conf->text, .end = conf->text + conf->length, .number = 1};
}

static bool is_trimmed(char c)
{
        return (unsigned char)c <= ' ';
}

struct conf_span conf_trim(struct conf_span span)
{
        while (span.length > 0 && is_trimmed(*span.start)) {
                span.start++;
                span.length--;
        }
        while (span.length > 0 && is_trimmed(span.start[span.length - 1]))
                span.length--;
        return span;
}

bool conf_span_is(struct conf_span span, const char *text)
{
        return span.start && span.length == strlen(text) && memcmp(span.start, text, span.length) == 0;
}

bool conf_span_equal(struct conf_span a, struct conf_span b)
{
        return a.length == b.length && (a.length == 0 || memcmp(a.start, b.start, a.length) == 0);
}

static struct conf_span span_between(const char *start, const char *end)
{
        return (struct conf_span){.start = start, .length = (size_t)(end - start)};
}

static void classify(struct conf_line *line)
{
        const char *p = line->text.start;
        const char *end = p + line->text.length;

        while (p < end && (*p == ' ' || *p == '\t'))
                p++;
        size_t left = (size_t)(end - p);
        if (conf_trim(span_between(p, end)).length == 0 || *p == '#') {
                line->kind = CONF_NOTHING;
        } else if (*p == '[') {
                const char *close = memchr(p, ']', left);
                line->kind = CONF_SECTION;
                if (close)
                        line->name = span_between(p + 1, close);
        } else {
                const char *equal = memchr(p, '=', left);
                line->kind = equal && equal > p ? CONF_SETTING : CONF_JUNK;
                if (line->kind == CONF_SETTING) {
                        line->name = span_between(p, equal);
                        line->value = span_between(equal + 1, end);
                }
        }
}

bool conf_reader_next(struct conf_reader *reader, struct conf_line *ret_line)
{
        size_t left = (size_t)(reader->end - reader->next);

        if (left == 0)
                return false;
        size_t limit = left < SMSD_CONF_LINE_MAX ? left : SMSD_CONF_LINE_MAX;
        const char *newline = memchr(reader->next, '\n', limit);
        size_t length = newline ? (size_t)(newline - reader->next) : limit;
        *ret_line = (struct conf_line){.number = reader->number,
                                       .text = {reader->next, strnlen(reader->next, length)}};
        classify(ret_line);
        reader->next += length + (newline != NULL);
        reader->number += newline != NULL;
        return true;
}

/* Copies without CR what strncpy() to a buffer of `size` would leave, then trims it. */
static void copy_trimmed(char *target, size_t size, struct conf_span span)
{
        char raw[CONF_VALUE_MAX];
        size_t taken = span.length < size ? span.length : size - 1;
        size_t written = 0;

        for (size_t i = 0; i < taken; i++)
                if (span.start[i] != '\r')
                        raw[written++] = span.start[i];
        struct conf_span trimmed = conf_trim(span_between(raw, raw + written));
        memcpy(target, trimmed.start, trimmed.length);
        target[trimmed.length] = '\0';
}

static const char *canonical(const char *key)
{
        static const char *const other_names[][2] = {
            {"init1", "init"}, {"spool", "outgoing"}, {"datetime", "datetime_format"}};

        for (size_t i = 0; i < ARRAY_SIZE(other_names); i++)
                if (text_equal_nocase(key, other_names[i][0]))
                        return other_names[i][1];
        return key;
}

bool conf_keys_equal(const char *a, const char *b)
{
        return text_equal_nocase(canonical(a), canonical(b));
}

bool conf_line_sets(const struct conf_line *line, const char *key)
{
        char name[CONF_KEY_MAX];

        if (line->kind != CONF_SETTING)
                return false;
        copy_trimmed(name, sizeof(name), line->name);
        return conf_keys_equal(name, key);
}

/* smsd asks a person at a terminal to choose when a value begins with '?'; a daemon gets the first choice. */
static void take_first_choice(char *value)
{
        char *start = value + strspn(value, "? \t");
        struct conf_span choice = conf_trim(span_between(start, start + strcspn(start, "|")));

        memmove(value, choice.start, choice.length);
        value[choice.length] = '\0';
}

void conf_line_value(const struct conf_line *line, char ret_value[static CONF_VALUE_MAX])
{
        copy_trimmed(ret_value, CONF_VALUE_MAX, line->value);
        if (ret_value[0] == '?')
                take_first_choice(ret_value);
}

void conf_scope_init(struct conf_scope *scope, const char *modem)
{
        *scope = (struct conf_scope){.modem = modem, .rank = modem ? -1 : 0};
        if (!modem)
                return;
        size_t letters = strcspn(modem, "0123456789");
        if (letters > 0 && letters < SMSD_MODEM_NAME_MAX)
                (void)text_format(scope->group, sizeof(scope->group), "%.*s*", (int)letters, modem);
}

static int section_rank(const struct conf_scope *scope, struct conf_span name)
{
        if (conf_span_is(name, scope->modem))
                return CONF_RANK_OWN;
        if (scope->group[0] != '\0' && conf_span_is(name, scope->group))
                return 1;
        return conf_span_is(name, "default") ? 0 : -1;
}

int conf_scope_follow(struct conf_scope *scope, const struct conf_line *line)
{
        if (line->kind != CONF_SECTION)
                return scope->rank;
        scope->rank = scope->modem ? section_rank(scope, line->name) : -1;
        if (scope->rank >= 0) {
                /* The first section of a name is the only one that smsd finds. */
                bool repeated = scope->seen[scope->rank];
                scope->seen[scope->rank] = true;
                if (repeated)
                        scope->rank = -1;
        }
        return scope->rank;
}

bool conf_find(const struct smsd_conf *conf, const char *modem, const char *key, struct conf_line *ret_line)
{
        struct conf_reader reader;
        struct conf_scope scope;
        struct conf_line line, found = {0};
        int found_rank = -1;

        conf_reader_init(&reader, conf);
        conf_scope_init(&scope, modem);
        while (conf_reader_next(&reader, &line)) {
                int rank = conf_scope_follow(&scope, &line);
                if (!modem && rank < 0)
                        break;
                if (rank >= 0 && rank >= found_rank && conf_line_sets(&line, key)) {
                        found = line;
                        found_rank = rank;
                }
        }
        if (found_rank < 0)
                return false;
        *ret_line = found;
        return true;
}

int conf_fail(struct smsd_conf_error *ret_error, int code, unsigned line, const char *format, ...)
{
        va_list arguments;

        if (!ret_error)
                return code;
        ret_error->line = line;
        va_start(arguments, format);
        (void)vsnprintf(ret_error->message, sizeof(ret_error->message), format, arguments);
        va_end(arguments);
        return code;
}
