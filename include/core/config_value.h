/*
 * The kinds of values a configuration key may have: how each is read, and what is told when it cannot be.
 * Used by core/config's tables alone; a kind that is added here serves every key at once.
 */
#ifndef CORE_CONFIG_VALUE_H
#define CORE_CONFIG_VALUE_H

#include "base/cleanup.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_error;
struct config_key;

struct config_kind {
        /*
         * Reads `value` into the field of `object` that `key` names. Returns 0, -EINVAL (malformed), -ERANGE
         * (outside the key's limits) or -E2BIG (too long); the field is untouched then.
         */
        int (*read)(const struct config_key *key, const char *value, void *object);
        /* Writes the rest of the sentence `"VALUE" ...`: what is wrong and what is allowed. */
        void (*explain)(const struct config_key *key, char *target, size_t size);
        bool secret; /* no message repeats the value: it is a secret, or one put there by mistake */
};

struct config_key {
        const char *name;
        const struct config_kind *kind;
        size_t offset; /* of the field in the section's struct */
        size_t size;   /* of the field: the bound of a text */
        const char *const
            *words;        /* for kinds that take a word: ended by NULL; the index is the enum's value */
        uint64_t min, max; /* for durations (usec_t), numbers and sizes */
};

extern const struct config_kind config_kind_word;      /* an enum: one of `words` */
extern const struct config_kind config_kind_word_text; /* one of `words`, kept as text */
extern const struct config_kind
    config_kind_duration;                         /* min..max, never infinity; or the first of `words`: 0 */
extern const struct config_kind config_kind_path; /* absolute */
extern const struct config_kind config_kind_path_none; /* absolute, or nothing / `none`, kept as "" */
extern const struct config_kind config_kind_unit;      /* a systemd service */
extern const struct config_kind config_kind_account;   /* user or group name, `auto`, or nothing */
extern const struct config_kind config_kind_owners;    /* users and @groups, separated by blanks */
extern const struct config_kind config_kind_match; /* fills match and match_value of a struct modem_config */
extern const struct config_kind
    config_kind_link; /* a name below /dev for a link of ours, or nothing / `none` */
extern const struct config_kind config_kind_health_port; /* `auto`, `none` or an absolute path */
extern const struct config_kind
    config_kind_profile; /* `auto`, or a name: whether there is such a profile is seen later */
extern const struct config_kind config_kind_boolean;  /* a bool: yes, no; or the first, second of `words` */
extern const struct config_kind config_kind_number;   /* an unsigned, min..max */
extern const struct config_kind config_kind_size;     /* a uint64_t of bytes, min..max; suffix K, M, G */
extern const struct config_kind config_kind_text;     /* anything without control characters, or nothing */
extern const struct config_kind config_kind_patterns; /* of alerts, one blank between; `*`: kept as "" */
extern const struct config_kind config_kind_template; /* JSON, its brackets and strings closed; or nothing */
extern const struct config_kind
    config_kind_secret_file; /* absolute path or name of a systemd credential; or nothing / `none` */
extern const struct config_kind config_kind_interface; /* a network interface */
extern const struct config_kind config_kind_mailbox;   /* a mail address, or nothing */
extern const struct config_kind config_kind_mailboxes; /* several (blanks, commas), one comma between */
extern const struct config_kind config_kind_url;       /* printable, no blanks; it may hold a password */

/*
 * config_provision.c; `none` leaves it as it is. In this order: an int, the index in `words` behind `none`, -1
 * for that; apn_mode and apn of a struct config; AT+CNMI; AT+CPMS; 15 digits
 */
extern const struct config_kind config_kind_choice, config_kind_apn, config_kind_cnmi, config_kind_cpms,
    config_kind_imei;

/* Writes the message (cut when it does not fit) and returns `code`. */
int config_fail(struct config_error *error, int code, const char *format, ...) _printf_(3, 4);

/* The name behind `modem` or `notify`: it becomes part of file names and of smsd.conf. 0, -EINVAL or -E2BIG.
 */
int config_name_check(const char *name, size_t size);

/* Edits (insert, delete, replace, swap of neighbours) from one word to the other, any case; at most 31
 * characters of each count. */
unsigned config_word_distance(const char *a, const char *b);

#endif
