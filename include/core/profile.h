/*
 * What a modem family needs: its USB ids, how its AT port is found, the smsd.conf settings that suit it.
 * The table of facts/predecessor: Quectel EC2x, SIMCom SIM7x00, Samsung ACM, generic.
 */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "core/usb_device.h"

#include <stdbool.h>
#include <stddef.h>

/* How the AT port is told from its siblings, see port_role.h. */
enum port_rule {
        PORT_RULE_QUECTEL, /* vendor-class interfaces with an interrupt endpoint, in order: NMEA, AT, modem */
        PORT_RULE_INTERFACE_2, /* SIMCom: bInterfaceNumber 2 is AT, 3 is modem */
        PORT_RULE_ACM,         /* CDC ACM control interface (02/02) is the AT port */
        PORT_RULE_ANY_SERIAL,  /* generic: every tty is a candidate, proven by AT */
};

struct profile_setting {
        const char *key; /* a key of smsd.conf's modem section */
        const char *value;
};

struct profile {
        const char *name; /* "quectel-ec2x": the name used in the configuration */
        enum port_rule rule;
        unsigned preference;                    /* smaller is chosen first when several modems fit one slot */
        const struct profile_setting *settings; /* ended by a NULL key; written only with manage = profile */
};

/* The profile called `name`, or NULL. */
const struct profile *profile_by_name(const char *name);

/* The profile whose USB ids match the device, or NULL when the device is no known modem. Never returns
 * "generic". */
const struct profile *profile_for_device(const struct usb_device *device);

/* The index-th profile, NULL behind the last one: for messages that list what is allowed. */
const struct profile *profile_at(size_t index);

#endif
