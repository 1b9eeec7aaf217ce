/*
 * Endpoint 0 of a USB device: what it answers to the requests of a kernel's USB core and of the drivers that
 * bind to the modem. Pure: a setup packet and data in, data out.
 *
 * The address is not ours: the host controller keeps SET_ADDRESS to itself (vhci does; on a real bus, the
 * hardware below us would).
 */
#ifndef EC25_USB_CONTROL_H
#define EC25_USB_CONTROL_H

#include "ec25/composition.h"
#include "ec25/usbip.h"

#include <stdbool.h>

#define USB_CONTROL_REPLY 1024

struct usb_control {
        const struct composition *composition;
        uint8_t configuration;                     /* 0: not configured */
        bool wakeup;                               /* the host has armed the remote wakeup */
        uint16_t halted[2];                        /* a bit per endpoint number: OUT, IN */
        uint16_t lines[COMPOSITION_INTERFACES];    /* bit 0 DTR, bit 1 RTS, as SET_CONTROL_LINE_STATE says */
        uint8_t coding[COMPOSITION_INTERFACES][7]; /* as SET_LINE_CODING left it */
};

/* `data`: the OUT data that came with the request. Returns the length of the answer in `reply`, never more
 * than the setup packet's wLength, 0 for an OUT request that is done; -EPIPE: stall. */
int usb_control(struct usb_control *control, const uint8_t setup[static USB_SETUP], const uint8_t *data,
                size_t length, uint8_t reply[static USB_CONTROL_REPLY]);

/* Is the endpoint with this address in the descriptors; its interface's index. -ENOENT. */
int usb_endpoint_find(const struct composition *composition, uint8_t address, size_t *ret_interface);

bool usb_control_is_halted(const struct usb_control *control, uint8_t address);

#endif
