/*
 * What is plugged in right now, as one picture: for commands that explain it. Opens no port.
 */
#ifndef CLI_PLUGGED_H
#define CLI_PLUGGED_H

#include "core/config.h"
#include "core/port_role.h"

#define PLUGGED_MAX 64

struct plugged_device {
        struct usb_device usb;
        const struct profile *profile; /* NULL: no known modem */
        struct port_map map;
};

struct plugged {
        const struct profile_table *profiles;
        unsigned n;
        bool truncated;
        struct plugged_device devices[PLUGGED_MAX];
};

/* USB devices that are known modems, or have a tty. 0 or a negative errno. */
int plugged_look(const struct config *config, struct plugged *ret_plugged);

/* NULL when there is none at that USB path. */
const struct plugged_device *plugged_find(const struct plugged *plugged, const char *usb_path);

#endif
