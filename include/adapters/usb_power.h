/*
 * Takes one USB device off the bus and puts it back: by the kernel (`authorized`), by the power of its hub's
 * port (Linux >= 6.0: the port's `disable` attribute), or by a command of the user's (GPIO, uhubctl, a
 * relay).
 *
 * Nothing here waits. The kernel takes as long over such a write as the device's drivers need to let go of
 * it, and a dead device takes seconds; so each write is done by a short-lived child, as the command is, and
 * its end is told by the event loop. What is never touched: a hub, a root hub, anything whose path is not a
 * USB device's.
 *
 * Whoever ordered OFF orders ON, and remembers it: nothing comes back by itself. Which hubs switch the power
 * of all their ports together nobody can tell (the descriptor's bit for it is not to be believed): the user
 * says it.
 */
#ifndef ADAPTERS_USB_POWER_H
#define ADAPTERS_USB_POWER_H

#include "base/usec.h"
#include "core/action.h"
#include "core/usb_device.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define USB_POWER_LIMIT (30 * USEC_PER_SEC)

struct usb_power;

struct usb_power_options {
        const char *sysfs_root; /* NULL: "/sys" */
        usec_t limit;           /* after it a job is given up, a command killed; 0: USB_POWER_LIMIT */
};

/*
 * A job is over: 0, or a negative errno (-ETIMEDOUT: given up; -EREMOTEIO: the command ended with another
 * status than 0; else what the kernel said). Called from the event loop, never from the functions below, and
 * not after usb_power_free; it may begin the next job, and must not call usb_power_free.
 */
typedef void (*usb_power_done_fn)(void *userdata, unsigned token, int result);

/* 0, -ENOMEM, -ENAMETOOLONG. `event` is referenced. */
int usb_power_new(struct usb_power **ret, sd_event *event, const struct usb_power_options *options,
                  usb_power_done_fn done, void *userdata);

/* NULL is fine; returns NULL. Jobs that run go on to their end, for half of one is worse; nobody is told. */
struct usb_power *usb_power_free(struct usb_power *power);

/*
 * Each begins a job for the device at `path` ("1-1.2") and returns 0, then `done` comes with `token`; or a
 * negative errno, and it does not: -EINVAL no such path in USB's naming; -ENODEV not there; -EPERM it is a
 * hub; -EBUSY an earlier job for it is not over (also one that was given up and hangs in the kernel); what
 * fork says.
 */
int usb_power_authorize(struct usb_power *power, const char *path, bool on, unsigned token);

/* The device may be absent: it is, while its port is off. With the port of the other speed in the same
 * socket, if there is one: they share their power. -EOPNOTSUPP: the kernel cannot, or the hub says that it
 * has no switches. */
int usb_power_port(struct usb_power *power, const char *path, bool on, unsigned token);

/*
 * Runs `command` (an absolute path) with the arguments `off` or `on` and the USB path: no shell, a fixed
 * environment, nothing of ours inherited but stderr, its own process group, which ends with it. As root,
 * so -EPERM when somebody else than root (or we) owns it or can write to it; -EINVAL when it is no absolute
 * path of a regular file; -EACCES when it is not executable.
 */
int usb_power_command(struct usb_power *power, const char *command, const char *path, bool on,
                      unsigned token);

/* One of these by its word; `command` is for USB_SWITCH_COMMAND_OFF and _ON. */
int usb_power_switch(struct usb_power *power, enum usb_switch what, const char *path, const char *command,
                     unsigned token);

/* True for a child that runs for us: nobody else waits for it. */
bool usb_power_owns(const struct usb_power *power, pid_t pid);

/* True when the device's port can be switched by usb_power_port. */
bool usb_power_can_switch(const struct usb_power *power, const char *path);

static inline void usb_power_cleanup(struct usb_power **power)
{
        *power = usb_power_free(*power);
}

#endif
