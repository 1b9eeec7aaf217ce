/*
 * What a modem family needs: its USB ids, how its AT port is found, the smsd.conf settings that suit it, how
 * it is mended. Profiles are data: files that an adapter reads hand every key to profile_set; what is
 * allowed, and what the message says when it is not, is decided here. A built-in table, equal to the files
 * that are shipped, is there when none can be read.
 */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "base/usec.h"
#include "core/smsd_setting.h"
#include "core/usb_device.h"

#include <stdbool.h>
#include <stddef.h>

#define PROFILES_MAX         32
#define PROFILE_NAME_MAX     32
#define PROFILE_IDS_MAX      64
#define PROFILE_SETTINGS_MAX 24

struct config_error;

/* How the AT port is told from its siblings, see port_role.h. */
enum port_rule {
        PORT_RULE_QUECTEL, /* vendor-class interfaces with an interrupt endpoint, in order: NMEA, AT, modem */
        PORT_RULE_INTERFACE_2, /* SIMCom: bInterfaceNumber 2 is AT, 3 is modem */
        PORT_RULE_ACM,         /* CDC ACM control interface (02/02) is the AT port */
        PORT_RULE_ANY_SERIAL,  /* generic: every tty is a candidate, proven by AT */
};

/* What the ids alone do not tell: Samsung makes disks and printers too. */
enum profile_class { PROFILE_CLASS_ANY, PROFILE_CLASS_CDC_ACM };

/* The steps of the recovery ladder that make sense for the family: a bit set. */
enum profile_step {
        PROFILE_STEP_AT = 1,    /* AT+CFUN: the radio off and on, then the modem's own restart */
        PROFILE_STEP_USB = 2,   /* `authorized` 0 and 1 */
        PROFILE_STEP_POWER = 4, /* the power of its hub's port, or the user's command */
};

struct profile_usb_id {
        uint16_t vendor, product;
        bool any_product;
};

struct profile {
        char name[PROFILE_NAME_MAX]; /* "quectel-ec2x": the name used in the configuration and of the file */
        char description[80];
        bool own; /* a file of the user's, not a shipped one */
        enum port_rule rule;
        enum profile_class needs_class;
        unsigned preference; /* smaller is chosen first when several modems fit one slot */
        usec_t boot_timeout; /* 0: the default of [modem NAME] */
        bool health_port;    /* it has a second AT port, which may be asked while smsd uses the first */
        unsigned ladder;     /* of enum profile_step */
        unsigned n_ids;
        struct profile_usb_id ids[PROFILE_IDS_MAX];
        unsigned n_settings;
        struct smsd_setting settings[PROFILE_SETTINGS_MAX]; /* written only with manage = profile */
};

/* In the order in which they are asked: the user's own before the shipped ones. */
struct profile_table {
        unsigned n;
        struct profile items[];
};

/* Wherever a table is asked for, NULL is this one. */
const struct profile_table *profile_table_builtin(void);

/* Room for PROFILES_MAX of them, or exactly those of `table`: free() it. NULL: out of memory. */
struct profile_table *profile_table_new(void);
struct profile_table *profile_table_copy(const struct profile_table *table);

/* NULL counts as the built-in one. */
bool profile_table_equal(const struct profile_table *a, const struct profile_table *b);

/*
 * Puts a profile in: a built-in or shipped one of the same name is replaced, whole and where it stood; a
 * user's own comes before all that are not. 0, or -E2BIG: there are PROFILES_MAX already.
 */
int profile_table_add(struct profile_table *table, const struct profile *profile);

/*
 * What only the whole table can show: two of the user's own profiles that claim the same USB id. 0, or
 * -EINVAL with the message; *ret_name is the later one's.
 */
int profile_table_check(const struct profile_table *table, const char **ret_name,
                        struct config_error *ret_error);

/* The profile called `name`, or NULL. */
const struct profile *profile_by_name(const struct profile_table *table, const char *name);

/*
 * The profile whose USB ids match the device, or NULL when it is no known modem. An id with its product comes
 * before one for all products of a vendor; of two equal ones, the user's own profile wins.
 */
const struct profile *profile_for_device(const struct profile_table *table, const struct usb_device *device);

/* What the configuration says, if `name` is not "auto" and known, else profile_for_device. */
const struct profile *profile_choose(const struct profile_table *table, const char *name,
                                     const struct usb_device *device);

/* The index-th profile, NULL behind the last one: for messages that list what is allowed. */
const struct profile *profile_at(const struct profile_table *table, size_t index);

/* Letters, digits, '-' and '_', not "auto". 0, -EINVAL or -E2BIG. */
int profile_name_check(const char *name);

/* A profile without ids and settings, with the defaults of docs/profiles.md; the name was checked. */
void profile_init(struct profile *profile, const char *name, bool own);

/*
 * One `key = value` of `[section]` ([profile] or [smsd.conf]); key NULL: the section begins. Returns 0, or
 * -EINVAL with the message filled, and the profile is unchanged then.
 */
int profile_set(struct profile *profile, const char *section, const char *key, const char *value,
                struct config_error *ret_error);

/* What only the whole file can show: it has no preference. 0 or -EINVAL. */
int profile_check(const struct profile *profile, struct config_error *ret_error);

#endif
