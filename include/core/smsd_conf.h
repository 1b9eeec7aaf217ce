/*
 * smsd.conf as smsd 3.1.21 reads it, and a lossless edit of it: bytes in, bytes out, only the lines that must
 * change differ.
 *
 * Grammar (measured): line based; a comment is a line whose first non-blank character is '#'; no quotes,
 * includes, continuation; keys any case, section and modem names exact; `[ GSM1 ]` is not GSM1; text behind
 * ']' is ignored; CRLF is fine; a BOM is fatal; same key twice: the last wins; same section twice: the FIRST
 * wins; a modem's settings are read from [default], then each matching wildcard section ([GSM*]), then its
 * own; a line over 4127 characters is split by smsd.
 */
#ifndef CORE_SMSD_CONF_H
#define CORE_SMSD_CONF_H

#include <stdbool.h>
#include <stddef.h>

#define SMSD_MODEM_NAME_MAX 32 /* smsd: 31 characters */
#define SMSD_MODEMS_MAX     64
#define SMSD_CONF_SIZE_MAX  ((size_t)1024 * 1024)
#define SMSD_CONF_LINE_MAX  4127

/* Borrowed view of a text; valid as long as the text is. */
struct smsd_conf {
        const char *text;
        size_t length;
};

struct smsd_conf_error {
        unsigned line;     /* 1-based, 0 when it concerns the file as a whole */
        char message[192]; /* what is wrong and what to do; foreign text escaped */
};

/*
 * Checks what smsd would choke on or silently misread and we must not build upon: BOM, NUL bytes, size,
 * overlong lines, no or bad `devices`, a modem name over 31 characters or listed twice, missing section ([
 * GSM1 ] is named as the cause), two modems on one device. Returns 0, or -EINVAL with the first error
 * (ret_error may be NULL).
 */
int smsd_conf_check(const struct smsd_conf *conf, struct smsd_conf_error *ret_error);

/*
 * The effective value of `key` for `modem` (NULL: the global part), as smsd reads it: trimmed, the right
 * duplicate, [default] and wildcard sections applied. Returns 0 and the value, -ENOENT when unset,
 * -ENAMETOOLONG when it does not fit.
 */
int smsd_conf_get(const struct smsd_conf *conf, const char *modem, const char *key, char *ret_value,
                  size_t size);

/* The names in `devices`, in order. Returns their number (0 when unset), or -EINVAL / -E2BIG. */
int smsd_conf_modems(const struct smsd_conf *conf, char names[][SMSD_MODEM_NAME_MAX], unsigned max);

struct smsd_conf_change {
        const char *modem; /* NULL: a global key */
        const char *key;
        const char *value;
};

/*
 * Applies `n` changes. A change whose effective value is already the wanted one changes nothing. Else the
 * line that smsd takes the value from is rewritten if it lies in the modem's own (first) section, keeping
 * indentation, key spelling, the blanks around '=' and the line end; otherwise a line is put behind the
 * section's header (a global key: before the first section). A missing own section is appended at the end. A
 * value or name with a control character or too long for smsd is refused. Returns 0 when nothing changed
 * (*ret_text NULL), 1 with a new text in *ret_text (malloc; the caller frees) and *ret_length, -EINVAL,
 * -E2BIG or -ENOMEM with ret_error filled. The result is verified: reading it back gives the wanted values
 * and no other key's effective value differs.
 */
int smsd_conf_edit(const struct smsd_conf *conf, const struct smsd_conf_change *changes, unsigned n,
                   char **ret_text, size_t *ret_length, struct smsd_conf_error *ret_error);

#endif
