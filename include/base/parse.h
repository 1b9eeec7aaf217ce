/*
 * Strict parsing of numbers, booleans and durations: the whole text or an error, no locale, no sign surprises.
 * All return 0 or a negative errno and leave the output untouched on failure.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only. -EINVAL: not a number; -ERANGE: not in min..max. */
int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);
int parse_unsigned(const char *text, unsigned min, unsigned max, unsigned *ret_value);

/* As parse_unsigned, with a leading '-' allowed. */
int parse_int(const char *text, int min, int max, int *ret_value);

/* Exactly 4 (or 1..4) hexadecimal digits, as in a USB id. */
int parse_hex16(const char *text, uint16_t *ret_value);

/* yes/no, true/false, on/off, 1/0 (any case). -EINVAL otherwise. */
int parse_boolean(const char *text, bool *ret_value);

/*
 * A duration as systemd writes it: one or more of <number><unit> with blanks allowed between, units usec us, msec ms,
 * second(s) sec s, minute(s) min m, hour(s) hr h, day(s) d, week(s) w; a number without unit is seconds; "infinity".
 * -EINVAL: malformed; -ERANGE: does not fit.
 */
int parse_duration(const char *text, usec_t *ret_usec);

/* Writes a duration for a person, two largest units: "1h 30min", "45s", "250ms". size >= 32 always fits. */
void format_duration(char *target, size_t size, usec_t duration);

#endif
