/*
 * The kernel's names of USB devices, and where they stand in a devpath. Text only: at a removal the folders
 * are gone already.
 */
#ifndef CORE_USB_PATH_H
#define CORE_USB_PATH_H

#include "core/usb_device.h"

#include <stdbool.h>
#include <stddef.h>

/* The innermost USB device of a devpath. */
struct usb_place {
        char path[USB_PATH_MAX]; /* "1-1.2" */
        size_t length;           /* of the devpath up to the end of that device's folder */
        int configuration;       /* of the interface below it; -1: the devpath names none */
        int interface;           /* bInterfaceNumber, -1 */
};

/* True for a name of `length` bytes like "1-1.2": a device, neither an interface ("1-1.2:1.0") nor a root hub
 * ("usb1"). */
bool usb_path_is_valid(const char *name, size_t length);

/* 0, or -ENODEV: no USB device stands on the way.
 * "/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.2/ttyUSB2". */
int usb_path_find(const char *devpath, struct usb_place *ret_place);

#endif
