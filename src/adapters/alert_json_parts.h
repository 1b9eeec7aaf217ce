/*
 * What the files of the spool are read and written with: JSON values that are checked as they are taken. All
 * of it returns 0, or -EBADMSG (reading) or -ENOMEM (writing), with outputs untouched on failure.
 */
#ifndef ADAPTERS_ALERT_JSON_PARTS_H
#define ADAPTERS_ALERT_JSON_PARTS_H

#include "base/cleanup.h"
#include "base/file.h"
#include "core/alert.h"

#include <jansson.h>

static inline void cleanup_json(json_t **value)
{
        json_decref(*value);
}

#define _cleanup_json_ _cleanup_(cleanup_json)

/* What reading a file of the spool said means that the file is not one, or cannot be read any more. */
static inline bool alert_json_is_damaged(int error)
{
        return error == -EBADMSG || error == -EIO || file_is_foreign(error);
}

/*
 * Parses one object of at most `max` bytes, nested at most `depth` deep (jansson goes 2048 deep, which is
 * more than the stack of a small thread). NULL: it is none.
 */
json_t *alert_json_parse(const char *text, size_t length, size_t max, unsigned depth);

/* A string that text_escape could have written, shorter than `size` and ALERT_TEXT_MAX; null is "". */
int alert_json_get_text(const json_t *object, const char *key, char *target, size_t size);

/* The same, of letters, digits and dashes only, 1 at least: what goes into headers and names. */
int alert_json_get_word(const json_t *object, const char *key, char *target, size_t size);

int alert_json_get_number(const json_t *object, const char *key, uint64_t min, uint64_t max,
                          uint64_t *ret_number);

/* ISO 8601 in UTC, whole seconds, 1970 to 9999, as microseconds since the epoch; null is 0. */
int alert_json_get_time(const json_t *object, const char *key, int64_t *ret_realtime);

/* New values for alert_json_set. "" and 0 are null; text is cleaned (text_clean) so that it still fits into
 * `size`; numbers above INT64_MAX are cut to it. */
json_t *alert_json_text(const char *text, size_t size);
json_t *alert_json_number(uint64_t number);
json_t *alert_json_time(int64_t realtime);

/* Sets object[key], which takes `value` over; NULL is -ENOMEM. */
int alert_json_set(json_t *object, const char *key, json_t *value);

/* The alert's own keys. What a message does not carry (times of CLOCK_BOOTTIME) is 0 when it is read. */
int alert_json_pack(json_t *object, const struct alert *alert);
int alert_json_unpack(const json_t *object, struct alert *ret_alert);

/* One line. */
int alert_json_dump(const json_t *object, char **ret_text, size_t *ret_length);

#endif
