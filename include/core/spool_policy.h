/*
 * The alert spool's order: what its files are called, and which of them goes when there is no room for all.
 * Pure: names and numbers in, a decision out; the files are adapters/alert_spool's.
 */
#ifndef CORE_SPOOL_POLICY_H
#define CORE_SPOOL_POLICY_H

#include "core/config.h"

#include <stddef.h>
#include <stdint.h>

/* 18 digits: what JSON readers of any kind can count to, and no sum overflows. */
#define SPOOL_SEQUENCE_MAX UINT64_C(999999999999999999)

#define SPOOL_NAME_MAX 40 /* "00000000000000000042-critical.json" and a NUL fit */

struct spool_entry {
        uint64_t sequence;
        uint32_t size; /* bytes of the file */
        enum severity severity;
};

/* What the spool may hold. */
struct spool_limits {
        unsigned max_files;
        size_t max_bytes;
};

/* sequence: 1..SPOOL_SEQUENCE_MAX. */
void spool_name_format(char target[SPOOL_NAME_MAX], uint64_t sequence, enum severity severity);

/* Exactly what spool_name_format writes: 0; anything else is -EINVAL. */
int spool_name_parse(const char *name, uint64_t *ret_sequence, enum severity *ret_severity);

/*
 * Which of the entries must go first: the oldest of the lowest severity there is. Its index, or -ENOENT when
 * there are none.
 */
int spool_policy_victim(const struct spool_entry *entries, unsigned n);

/* True when one has to go. */
bool spool_policy_is_over(const struct spool_limits *limits, unsigned files, uint64_t bytes);

#endif
