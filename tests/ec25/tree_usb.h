/*
 * A USB device in the tree: hubs on the way to it, its interfaces, its serial ports, each told in the order
 * and with the properties that a kernel with udev gives them (see facts: udevadm dumps of a real boot).
 */
#ifndef EC25_TREE_USB_H
#define EC25_TREE_USB_H

#include "ec25/composition.h"
#include "ec25/tree.h"

#define USB_PATH_SIZE 32

struct usb_device {
        const struct composition *composition;
        const char *path; /* "1-1.2": bus, then the ports of the hubs */
        unsigned devnum;
        const char *nodes; /* the folder that plays /dev; below /dev itself, as libudev insists */
};

struct usb_tty {
        const struct usb_interface *interface;
        const char *name; /* ttyUSB2 */
        unsigned minor;
};

/* True when `path` reads as bus-port[.port]... */
bool usb_path_is_valid(const char *path);

/* The usb_device and its interfaces. 0 or a negative errno. */
int tree_usb_plug(struct tree *tree, const struct usb_device *device);
/* The interfaces and the device; ttys must be gone. */
int tree_usb_unplug(struct tree *tree, const struct usb_device *device);
/* `authorized` 0: the interfaces leave, the device stays; 1: they are back. */
int tree_usb_deauthorize(struct tree *tree, const struct usb_device *device);
int tree_usb_authorize(struct tree *tree, const struct usb_device *device);

int tree_usb_add_tty(struct tree *tree, const struct usb_device *device, const struct usb_tty *tty);
int tree_usb_remove_tty(struct tree *tree, const struct usb_device *device, const struct usb_tty *tty);

/* The names of a tty's stable links, relative to the nodes' folder. Work without a tree, too. */
int usb_tty_links(const struct usb_device *device, const struct usb_tty *tty, char by_path[static 192],
                  char by_id[static 192]);

/* The DEVPATH of the device. */
int usb_devpath(const char *path, char *devpath, size_t size);

#endif
