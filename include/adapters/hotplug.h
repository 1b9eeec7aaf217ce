/*
 * What is plugged in: USB devices that may be modems, as full pictures, and fixed nodes (a UART, a symbolic
 * link, a pty). It tells; what a device is good for is judged in the core.
 *
 * One reader of sysfs makes every picture; events only say which device to look at again, so a lost or
 * doubled event does no harm. Where udevd runs, they come from its netlink group and a tty counts once udev
 * is done with it (owner, mode, links). Where none runs (a container), they come from the kernel's own group,
 * which tells of every device, and from inotify on /dev, because the kernel's group does not reach every
 * network namespace and a container's nodes may be made by somebody else.
 */
#ifndef ADAPTERS_HOTPLUG_H
#define ADAPTERS_HOTPLUG_H

#include "core/usb_device.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct hotplug;

struct hotplug_options {
        bool force_sysfs; /* no netlink at all: sysfs and inotify only */
        bool force_udev;  /* udev's group although no udevd is seen (its messages may come from elsewhere: a
                             test bed) */
        const char *sysfs_root; /* NULL: "/sys" */
        const char *dev_root;   /* NULL: "/dev"; nodes are DEV_ROOT/ttyUSB2 */
};

/* Called from the event loop and from the functions below; they must not call hotplug_free. */
struct hotplug_callbacks {
        /* A full picture of one device: in an enumeration, and when it differs from the last one told (a tty
         * came or left). */
        void (*device)(void *userdata, const struct usb_device *device);
        /* The device told before is gone; also before `device` when another one sits at the same path now. */
        void (*gone)(void *userdata, const char *usb_path);
        /* An enumeration is complete: every device was told since its begin; what was not is gone (and was
         * told as gone). */
        void (*enumerated)(void *userdata);
        /* A watched node: at first, and on each change. Replaced by another device: false, then true. */
        void (*node)(void *userdata, const char *path, bool present);
};

/*
 * Begins to listen; tells nothing yet: call hotplug_enumerate next, so that nothing is missed in between.
 * `callbacks` is copied, every one must be set. 0 or a negative errno.
 */
int hotplug_new(struct hotplug **ret, sd_event *event, const struct hotplug_options *options,
                const struct hotplug_callbacks *callbacks, void *userdata);

/* Tells every device that is there now, then `enumerated`. Also done by itself when events were lost. */
int hotplug_enumerate(struct hotplug *hotplug);

/*
 * Watches a node by its absolute path. Present means: a character device stands at the end of its links.
 * Folders and links on the way may come and go. Tells the state at once. -EEXIST: it is watched already.
 */
int hotplug_watch_node(struct hotplug *hotplug, const char *path);

/* NULL is fine. Returns NULL. */
struct hotplug *hotplug_free(struct hotplug *hotplug);

#endif
