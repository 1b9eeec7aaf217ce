/*
 * Shared by the files of the hotplug adapter alone.
 */
#ifndef HOTPLUG_PRIVATE_H
#define HOTPLUG_PRIVATE_H

#include "adapters/hotplug.h"

#include <libudev.h>
#include <stddef.h>

struct hotplug_node;

/* A device that was told. */
struct hotplug_known {
        struct hotplug_known *next;
        unsigned
            devnum;  /* the kernel's number of this very attachment: tells a replug whose events were lost */
        bool seen;   /* in the running scan */
        bool tagged; /* by the rules of udev/70-smswarden.rules */
        struct usb_device device;
};

struct hotplug {
        sd_event *event;
        struct hotplug_callbacks callbacks;
        void *userdata;
        char sysfs_root[256];
        char dev_root[256];
        struct udev *udev;
        struct udev_monitor *monitor; /* NULL: force_sysfs */
        bool udevd;                   /* a tty must be initialised by udev before it counts */
        bool narrow;                  /* the monitor lets tagged devices through only */
        sd_event_source *monitor_source;
        sd_event_source *dev_source;  /* inotify on dev_root, without udevd */
        sd_event_source *look_source; /* the next scan that dev_source asked for */
        unsigned looks;               /* how many of them are to come */
        struct hotplug_known *known;
        struct hotplug_node *nodes;
};

/*
 * Whether the tty `name` may be used already; asked by the picture's builder. `link`: the stable name that
 * udev's memory has for it, "" none; whether it leads there is for the asker to see.
 */
typedef bool (*hotplug_tty_ready)(struct hotplug *hotplug, const char *name, char link[DEVICE_NODE_MAX]);

/*
 * Builds the picture of the USB device at `usb_path` from sysfs. -ENODEV: it is not there, or leaving.
 * -EMFILE, -ENFILE, -ENOMEM: it could not be looked at, nothing is known.
 */
int hotplug_picture(struct hotplug *hotplug, const char *usb_path, hotplug_tty_ready ready,
                    struct usb_device *ret_device, unsigned *ret_devnum);

/*
 * Looks at one device again, or at all of them, and tells what changed (`always`: all that is there). A
 * device that cannot be looked at stays as it was told, with a line in the log. The scan: a negative errno
 * when there is no list of devices to be had.
 */
void hotplug_refresh(struct hotplug *hotplug, const char *usb_path, bool always);
int hotplug_scan(struct hotplug *hotplug, bool always);

/* Tells that the device is gone, if it was told before. */
void hotplug_forget(struct hotplug *hotplug, const char *usb_path);

int hotplug_monitor_start(struct hotplug *hotplug, const struct hotplug_options *options);
void hotplug_monitor_stop(struct hotplug *hotplug);
bool hotplug_udev_ready(struct hotplug *hotplug, const char *tty, char link[DEVICE_NODE_MAX]);

/* Has udev tagged the USB device as one of ours? False without udev. */
bool hotplug_udev_tagged(struct hotplug *hotplug, const char *usb_path);

/* After the list changed: listens to as few devices as is safe. */
void hotplug_monitor_adjust(struct hotplug *hotplug);

void hotplug_nodes_free(struct hotplug *hotplug);

#endif
