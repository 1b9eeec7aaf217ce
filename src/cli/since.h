/*
 * "--since": a point in time as a person types it at night.
 */
#ifndef CLI_SINCE_H
#define CLI_SINCE_H

#include <stdint.h>

/*
 * "1h", "30min", "7d" (before now; also "1h ago", "-1h"), "today", "yesterday" (their midnight), "08:00"
 * (the last one), "2026-11-23", "2026-11-23 08:00" and "2026-11-23 08:00:30" (also with a T), in the box's
 * time zone. Times are microseconds since the epoch. 0, or -EINVAL with the output untouched; what lies
 * before the epoch is the epoch.
 */
int since_parse(const char *text, int64_t now, int64_t *ret_since);

#endif
