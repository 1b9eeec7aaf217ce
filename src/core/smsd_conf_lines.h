/*
 * Inside of core/smsd_conf: the file as smsd's own reader sees it, one piece at a time, as views into the
 * text. Nothing here allocates or copies more than one value.
 */
#ifndef SRC_CORE_SMSD_CONF_LINES_H
#define SRC_CORE_SMSD_CONF_LINES_H

#include "base/cleanup.h"
#include "core/smsd_conf.h"

#define CONF_KEY_MAX   64   /* smsd: a longer key is cut to 63 characters */
#define CONF_VALUE_MAX 4096 /* smsd: a longer value is cut to 4095 characters, before it is trimmed */
#define CONF_RANKS     3    /* [default], the group section, the modem's own */

struct conf_span {
        const char *start;
        size_t length;
};

enum conf_kind {
        CONF_NOTHING, /* blank or comment */
        CONF_SECTION, /* begins with '[': ends the section before it, even without a ']' */
        CONF_SETTING,
        CONF_JUNK, /* no '=', or nothing before it: fatal for smsd where it looks */
};

struct conf_line {
        enum conf_kind kind;
        unsigned number;       /* of the line in the file, from 1 */
        struct conf_span text; /* from the first character to the line end, which is not in it */
        struct conf_span name; /* a section's name (start NULL: no ']') or a setting's key, untrimmed */
        struct conf_span value;
};

struct conf_reader {
        const char *next;
        const char *end;
        unsigned number;
};

void conf_reader_init(struct conf_reader *reader, const struct smsd_conf *conf);

/* The next piece that smsd's fgets() would return. False at the end. */
bool conf_reader_next(struct conf_reader *reader, struct conf_line *ret_line);

/* The span without what smsd trims: every byte up to a blank, control characters too. */
struct conf_span conf_trim(struct conf_span span);
bool conf_span_is(struct conf_span span, const char *text);
bool conf_span_equal(struct conf_span a, struct conf_span b);

/* True when smsd takes both for the same setting: any case, and the second names that smsd has for a few. */
bool conf_keys_equal(const char *a, const char *b);

/* True when the line is a setting of `key` or of another name for it. */
bool conf_line_sets(const struct conf_line *line, const char *key);

/* The value as smsd uses it: cut, trimmed, without CR, the first choice of a `? a | b`. */
void conf_line_value(const struct conf_line *line, char ret_value[static CONF_VALUE_MAX]);

/* Follows the reader and tells which lines smsd applies to one modem, or to the global part (modem NULL). */
struct conf_scope {
        const char *modem;
        char group[SMSD_MODEM_NAME_MAX + 1]; /* "GSM*" for GSM1; "" when the name begins with a digit */
        bool seen[CONF_RANKS];
        int rank; /* of the section we are in: 0 [default] or global, 1 group, 2 own; -1: not ours */
};

#define CONF_RANK_OWN 2

void conf_scope_init(struct conf_scope *scope, const char *modem);

/* To be told every line. Returns the rank of the line, -1 when smsd does not look at it for this modem. */
int conf_scope_follow(struct conf_scope *scope, const struct conf_line *line);

/* The setting line that smsd takes `key` from. False: unset. */
bool conf_find(const struct smsd_conf *conf, const char *modem, const char *key, struct conf_line *ret_line);

/* True when smsd takes `name` as a modem's name. */
bool conf_name_valid(const char *name);

/* What no edit may build upon: size, BOM, NUL, overlong lines. 0 or -EINVAL. */
int conf_check_bytes(const struct smsd_conf *conf, struct smsd_conf_error *ret_error);

/* Fills ret_error (may be NULL) and returns `code`. */
int conf_fail(struct smsd_conf_error *ret_error, int code, unsigned line, const char *format, ...)
    _printf_(4, 5);

#endif
