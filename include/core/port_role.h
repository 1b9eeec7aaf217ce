/*
 * From the shape of a USB device to the role of each of its ports. Decides on descriptors only: interface
 * order, class and endpoints; a tty number is never looked at. Facts: Quectel EC2x&EG9x hardware and AT
 * manuals, kernel option.c.
 */
#ifndef CORE_PORT_ROLE_H
#define CORE_PORT_ROLE_H

#include "core/profile.h"
#include "core/usb_device.h"

enum port_role {
        PORT_ROLE_NONE,
        PORT_ROLE_DIAG,
        PORT_ROLE_NMEA,
        PORT_ROLE_AT,
        PORT_ROLE_MODEM,
        PORT_ROLE_CANDIDATE
};

/* Why a device was not taken, in a word; PORT_MAP_OK when it was. */
enum port_map_result {
        PORT_MAP_OK,
        PORT_MAP_NO_PROFILE, /* not a modem that any profile knows */
        PORT_MAP_CRASHED,    /* QHSUSB__BULK: the firmware crashed (bcdDevice 0.00, one interface): power cut
                                needed */
        PORT_MAP_DOWNLOAD_MODE,   /* 05c6:9008, emergency download: not usable as a modem */
        PORT_MAP_NO_AT_INTERFACE, /* known device, but no interface of the expected shape */
};

struct port_map {
        enum port_map_result result;
        enum port_role roles[USB_INTERFACES_MAX]; /* by index into usb_device.interfaces */
        int at;                                   /* index of the AT interface, -1 when none (yet) */
        int modem;                                /* index of the modem interface, -1 when none */
};

/*
 * Judges `device` for `profile` (NULL: no profile knows it). Fills `ret_map`; its result also tells refusals.
 * The AT interface may have no tty node yet: the caller waits for it (ttys appear one by one, out of order).
 */
void port_map_device(const struct usb_device *device, const struct profile *profile,
                     struct port_map *ret_map);

const char *port_role_to_string(enum port_role role);

/* One sentence for a person: what it is and what to do. */
const char *port_map_result_to_string(enum port_map_result result);

#endif
