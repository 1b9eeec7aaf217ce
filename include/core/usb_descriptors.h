/*
 * The binary `descriptors` file of a USB device in sysfs: the device descriptor and behind it every
 * configuration, as the device sent them. It is there, whole, before the kernel has registered the first
 * interface, so it tells what the siblings of a port will be.
 */
#ifndef CORE_USB_DESCRIPTORS_H
#define CORE_USB_DESCRIPTORS_H

#include "core/usb_device.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Fills ids, release and interfaces of `ret_device`, each interface in its first alternate setting, in order
 * of their numbers; strings, nodes and path are "". `configuration` is the bConfigurationValue that counts,
 * 0: the first one (the device is not configured yet). Interfaces past USB_INTERFACES_MAX are left out.
 *
 * The bytes are a device's: what is cut off or contradicts itself ends the reading there, as the kernel's own
 * parser does; what stands before it counts. -EINVAL: no device descriptor; -ENOENT: no such configuration.
 */
int usb_descriptors_parse(const uint8_t *bytes, size_t length, unsigned configuration,
                          struct usb_device *ret_device);

#endif
