/*
 * Names and room of the alert spool, see core/spool_policy.h.
 */
#include "core/spool_policy.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DIGITS 20
#define SUFFIX ".json"

void spool_name_format(char target[SPOOL_NAME_MAX], uint64_t sequence, enum severity severity)
{
        (void)text_format(target, SPOOL_NAME_MAX, "%0*" PRIu64 "-%s" SUFFIX, DIGITS, sequence,
                          severity_to_string(severity)); /* always fits */
}

int spool_name_parse(const char *name, uint64_t *ret_sequence, enum severity *ret_severity)
{
        char digits[DIGITS + 1];
        size_t length = strnlen(name, SPOOL_NAME_MAX), tail = DIGITS + 1;
        enum severity severity;
        uint64_t sequence;

        if (length >= SPOOL_NAME_MAX || length < tail + strlen(SUFFIX) || name[DIGITS] != '-' ||
            !text_equal(name + length - strlen(SUFFIX), SUFFIX))
                return -EINVAL;
        (void)text_copy_n(digits, sizeof(digits), name, DIGITS); /* always fits */
        if (parse_u64(digits, 1, SPOOL_SEQUENCE_MAX, &sequence) < 0 ||
            severity_from_string(name + tail, length - tail - strlen(SUFFIX), &severity) < 0)
                return -EINVAL;
        *ret_sequence = sequence;
        *ret_severity = severity;
        return 0;
}

int spool_policy_victim(const struct spool_entry *entries, unsigned n)
{
        const struct spool_entry *victim = entries;

        if (n == 0)
                return -ENOENT;
        for (unsigned i = 1; i < n; i++)
                if (entries[i].severity < victim->severity ||
                    (entries[i].severity == victim->severity && entries[i].sequence < victim->sequence))
                        victim = &entries[i];
        return (int)(victim - entries);
}

bool spool_policy_is_over(const struct spool_limits *limits, unsigned files, uint64_t bytes)
{
        return files > limits->max_files || bytes > limits->max_bytes;
}
