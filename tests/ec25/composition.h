/*
 * What a USB device shows to the kernel: ids, strings, interfaces, and what each serial interface speaks.
 * Data only.
 */
#ifndef EC25_COMPOSITION_H
#define EC25_COMPOSITION_H

#include "ec25/model.h"

#include <stddef.h>
#include <stdint.h>

#define COMPOSITION_INTERFACES  10
#define COMPOSITION_DESCRIPTORS 512
#define COMPOSITION_MAC_STRING  4 /* the string that an ECM interface names */

enum tty_kind { TTY_NONE, TTY_USB, TTY_ACM };

struct usb_interface {
        uint8_t number, class, subclass, protocol;
        const char *endpoints; /* i: interrupt in, b: bulk in, o: bulk out; in the order of the descriptors */
        const char *driver;    /* NULL: none bound */
        enum tty_kind tty;
        enum ec25_port port; /* EC25_PORTS: a serial port without anybody behind it */
};

struct composition {
        const char *name;
        uint16_t vendor, product, bcd;
        uint8_t device_class;
        const char *manufacturer, *description, *serial; /* NULL: the device has no such string */
        const char *modem_manufacturer, *modem_model;    /* of AT+CGMI and +CGMM; NULL: as they are */
        const char *usb_serial_driver;                   /* of the usb-serial port: option1, ftdi_sio */
        struct usb_interface interfaces[COMPOSITION_INTERFACES];
        size_t count;
};

/* NULL when there is no such name. */
const struct composition *composition_find(const char *name);
/* NULL when index is past the last. */
const struct composition *composition_at(size_t index);
/* The address of an interface's endpoint, both counted from 0. */
uint8_t composition_endpoint(const struct composition *composition, size_t interface, size_t endpoint);
/* The binary `descriptors` attribute: device, configuration, interfaces, endpoints. Returns its length. */
size_t composition_descriptors(const struct composition *composition,
                               uint8_t bytes[static COMPOSITION_DESCRIPTORS]);

#endif
