/*
 * Is the box's way out a modem's? Which network interfaces belong to a USB device (sysfs), and whether the
 * default route is on one of them (/proc/net). Read when asked, never kept.
 *
 * Not seen: PPP over the modem's tty (no interface below the device), policy routing (other tables than
 * main).
 */
#ifndef ADAPTERS_USB_NETWORK_H
#define ADAPTERS_USB_NETWORK_H

#define USB_NETWORK_NAME_MAX 16 /* IFNAMSIZ */
#define USB_NETWORKS_MAX     8  /* what a modem and its VLANs, bridges, muxes may come to */

struct usb_networks {
        unsigned n;
        char names[USB_NETWORKS_MAX][USB_NETWORK_NAME_MAX];
};

/*
 * The network interfaces of the device at `usb_path` ("1-1.2"), and those built upon them (qmimux0, a
 * bridge). `sysfs_root` NULL: "/sys". 0, also when there are none; -EINVAL no such path in USB's naming;
 * -ENODEV not there.
 */
int usb_network_find(const char *sysfs_root, const char *usb_path, struct usb_networks *ret_networks);

/*
 * 1 when a default route of the lowest metric, of IPv4 or IPv6, is on one of these; else 0; a negative errno
 * when not even one of the two tables can be read. `proc_root` NULL: "/proc".
 */
int usb_network_has_default_route(const char *proc_root, const struct usb_networks *networks);

#endif
