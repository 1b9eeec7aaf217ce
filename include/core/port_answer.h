/*
 * What udev is told of a port: the properties that the rules of udev/70-smswarden.rules turn into links, tags
 * and ModemManager's blinkers. The judgement is port_role's, with the profile that the configuration names,
 * so that udev and the daemon never disagree on what the AT port is.
 */
#ifndef CORE_PORT_ANSWER_H
#define CORE_PORT_ANSWER_H

#include "core/config.h"
#include "core/usb_device.h"

#include <stddef.h>

#define PORT_ANSWER_MAX 256

/*
 * Writes lines of KEY=value: ID_SMSWARDEN=1 for whatever belongs to a modem, ID_SMSWARDEN_PATH, and
 * ID_SMSWARDEN_REFUSED when it cannot be used, else (of a port) ID_SMSWARDEN_ROLE and, of the AT port with a
 * name in the configuration, ID_SMSWARDEN_LINK. "" for a stranger. Values are of [A-Za-z0-9._-] only: they
 * come from tables, from the kernel's path and from a checked configuration, never from a string of the
 * device.
 *
 * `device` has its path and model; `interface` is the number of the one whose tty is asked for, -1: the
 * device as a whole is. `config` NULL: the defaults. 0, or -ENAMETOOLONG when the target is smaller than
 * PORT_ANSWER_MAX.
 */
int port_answer(const struct usb_device *device, int interface, const struct config *config, char *target,
                size_t size);

#endif
