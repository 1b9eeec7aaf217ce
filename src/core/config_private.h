/*
 * What the parts of core/config share: the tables of sections and keys (config_sections.c), and what every
 * kind of value needs (config_value.c).
 */
#ifndef CORE_CONFIG_PRIVATE_H
#define CORE_CONFIG_PRIVATE_H

#include "core/config.h"
#include "core/config_value.h"

#define DIGITS       "0123456789"
#define CAPITALS     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS      "abcdefghijklmnopqrstuvwxyz"
#define ALPHANUMERIC LETTERS CAPITALS DIGITS

/* Where the keys of one section go; `count` is the counter to raise when the object is a new one. */
struct config_place {
        void *object;
        size_t size;
        unsigned *count;
};

struct config_section {
        const char *name;
        size_t name_size; /* of the NAME behind it, 0: none */
        unsigned max;     /* how many of them */
        /* 0, or -E2BIG: there are `max` of them already. */
        int (*place)(struct config *config, const char *name, struct config_place *ret_place);
        const struct config_key *keys; /* ended by one without a name */
};

/* Ended by one without a name. */
extern const struct config_section config_sections[];

void *config_field(const struct config_key *key, void *object);

/* Printable ASCII and bytes of UTF-8: a control character in a path or an address is never meant. */
bool config_printable(const char *text);

/* No `..`: whoever reads the configuration sees which folder is meant. */
bool config_has_dot_dot(const char *path);

/* Fills a text field; its rest becomes zero, so that equal configurations are equal bytes. 0 or -E2BIG. */
int config_keep_text(const struct config_key *key, const char *value, void *object);

/* True when all brackets and strings are closed. */
bool config_template_is_whole(const char *text);

/* The placeholders of a whole one. 0, or -EINVAL and `problem` says which is wrong. */
int config_template_check(const char *text, char *problem, size_t size);

/* The parts of config_check() for [notify NAME], [alerts] and [heartbeat]. */
int config_check_receivers(const struct config *config, struct config_error *ret_error);
int config_check_alerts(const struct config *config, struct config_error *ret_error);
int config_check_heartbeat(const struct config *config, struct config_error *ret_error);

/* ... and for pin_imei and [provision]. */
int config_check_identity(const struct config *config, struct config_error *ret_error);

#endif
