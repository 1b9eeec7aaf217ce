/*
 * A USB device at the end of a USB/IP connection: answers endpoint 0 by itself (usb_control), hands OUT data
 * of the other endpoints to its owner, and keeps their IN requests until the owner has data for them.
 *
 * It owns the fd. It never blocks and reads no clock. What the kernel sends is bounded: a message that cannot
 * be, data over USBIP_TRANSFER, or more than USBIP_REQUESTS waiting end the connection.
 */
#ifndef EC25_USBIP_DEVICE_H
#define EC25_USBIP_DEVICE_H

#include "ec25/composition.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct usbip_device;

/* Called from usbip_device_dispatch; none may free the device. Interfaces: indices into the composition. */
struct usbip_events {
        /* The host has written to an OUT endpoint; 1..USBIP_TRANSFER bytes. */
        void (*received)(void *userdata, size_t interface, const void *bytes, size_t length);
        /* The host has (true) or has not configured the device; not called when nothing changes. */
        void (*configured)(void *userdata, bool on);
        /* SET_CONTROL_LINE_STATE: bit 0 DTR, bit 1 RTS. */
        void (*line_state)(void *userdata, size_t interface, unsigned state);
        /* The host took its last IN request of the interface back: it has closed the port. */
        void (*closed)(void *userdata, size_t interface);
};

/* `composition`, `events` and the strings in them must outlive the device. `fd` is taken, on failure too; it
 * is made non-blocking. 0 or a negative errno. */
int usbip_device_new(int fd, const struct composition *composition, const struct usbip_events *events,
                     void *userdata, struct usbip_device **ret_device);
/* Closes: the kernel sees the device leave. Takes NULL, returns NULL. */
struct usbip_device *usbip_device_free(struct usbip_device *device);
int usbip_device_fd(const struct usbip_device *device);

/* Reads and answers all that is there, writes what could not be written before. -ECONNRESET: the kernel has
 * let go; -EPROTO, -ENOBUFS: what it sent cannot be; another errno of the socket. */
int usbip_device_dispatch(struct usbip_device *device);
/* Answers the oldest waiting bulk IN request of the interface with up to `length` bytes. Returns how many
 * were taken, 0 when no request waits. */
size_t usbip_device_send(struct usbip_device *device, size_t interface, const void *bytes, size_t length);
/* Does the host read from the interface: is a bulk IN request waiting, or answered but not yet repeated. */
bool usbip_device_is_open(const struct usbip_device *device, size_t interface);
bool usbip_device_is_configured(const struct usbip_device *device);
/* From now on every OUT transfer fails with -EPROTO and IN requests wait for ever: a device that is there and
 * does not work. */
void usbip_device_break(struct usbip_device *device);

#endif
