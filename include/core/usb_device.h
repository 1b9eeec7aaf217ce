/*
 * What the kernel tells about one USB device, as plain data: the hotplug adapter fills it, port_role and
 * profile judge it. Every string comes from the device and is hostile; the adapter bounds it, who shows it
 * escapes it.
 */
#ifndef CORE_USB_DEVICE_H
#define CORE_USB_DEVICE_H

#include <stdint.h>

#define USB_PATH_MAX       32 /* "1-1.2": bus-port[.port...], the kernel's own name */
#define USB_STRING_MAX     64
#define USB_INTERFACES_MAX 16
#define DEVICE_NODE_MAX    128 /* "/dev/ttyUSB2" or a stable link */

struct usb_interface {
        uint8_t number; /* bInterfaceNumber */
        uint8_t class;  /* bInterfaceClass */
        uint8_t subclass;
        uint8_t protocol;
        uint8_t bulk;                 /* bulk endpoints */
        uint8_t interrupt;            /* interrupt endpoints */
        char node[DEVICE_NODE_MAX];   /* its tty by udev's stable name, else its device node; "" while the
                                         kernel   has not made one */
        char target[DEVICE_NODE_MAX]; /* realpath of node: what /proc/PID/fd shows of who has it open */
};

struct usb_device {
        char path[USB_PATH_MAX];
        uint16_t vendor;
        uint16_t product;
        uint16_t release; /* bcdDevice */
        char manufacturer[USB_STRING_MAX];
        char model[USB_STRING_MAX];
        char serial[USB_STRING_MAX];
        unsigned n_interfaces; /* in order of interface number */
        struct usb_interface interfaces[USB_INTERFACES_MAX];
};

#endif
