/*
 * Bounded strings: copies and formats that always end in a NUL and say when they cut, and the one place where
 * foreign text (a modem's answer, a USB string, a file's content) is made safe for a terminal, a log or a
 * line of a file.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies `source` into `target` of `size` bytes (size > 0). Returns 0, or -ENAMETOOLONG when it was cut
 * (still ended by NUL). */
int text_copy(char *target, size_t size, const char *source);

/* As text_copy, from `length` bytes that need not end in a NUL; stops at the first NUL. */
int text_copy_n(char *target, size_t size, const char *source, size_t length);

/* printf into a bounded string. Returns 0, or -ENAMETOOLONG when it was cut (still ended by NUL). */
int text_format(char *target, size_t size, const char *format, ...) _printf_(3, 4);

/* Appends printf output to what `target` already holds. Same results as text_format. */
int text_append(char *target, size_t size, const char *format, ...) _printf_(3, 4);

/* FNV-1a, 64 bits: tells one content from another; no defence against somebody who wants a collision. */
uint64_t text_hash(const char *data, size_t length);

bool text_equal(const char *a, const char *b);
bool text_equal_nocase(const char *a, const char *b);
bool text_starts_with(const char *text, const char *prefix);

/* True when every character of `text` is in `set` and text is 1..max characters long. */
bool text_only(const char *text, const char *set, size_t max);

/*
 * Copies foreign bytes for display: printable ASCII and valid UTF-8 (no control, no bidi override, no
 * U+FFFE..) stay, everything else becomes \xNN or \n, \r, \t. The result never holds a control character and
 * is cut at a whole character. Returns 0 or -ENAMETOOLONG when cut.
 */
int text_escape(char *target, size_t size, const char *source, size_t length);

/*
 * Copies text that was escaped before: backslashes stay, whatever text_escape would not let through is
 * escaped now (also a character that was cut in half). For the last step to a terminal or a protocol. Returns
 * 0 or -ENAMETOOLONG when cut.
 */
int text_clean(char *target, size_t size, const char *source);

/*
 * Undoes text_escape: \n \r \t \\ and \xNN (two lower-case digits) become bytes again. Returns 0, -EINVAL for
 * any other backslash, a bare control character or an escaped NUL, -ENAMETOOLONG when it does not fit; target
 * is untouched then.
 */
int text_unescape(char *target, size_t size, const char *source);

/* Copies printable ASCII only (0x20..0x7e), dropping everything else and trimming blanks at both ends: for
 * identifiers that a device reports (model, firmware). */
void text_sanitize(char *target, size_t size, const char *source, size_t length);

#endif
