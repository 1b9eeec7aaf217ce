/*
 * The kernel's vhci_hcd through its folder in sysfs: which ports are free, a device attached, what the kernel
 * made of it. The folder is a parameter; in tests it is a plain one, whose `attach` is a listening socket
 * instead of a file: who accepts there plays the kernel.
 */
#ifndef EC25_VHCI_H
#define EC25_VHCI_H

#include <stddef.h>

#define VHCI_FOLDER   "/sys/devices/platform/vhci_hcd.0"
#define VHCI_PORTS    8 /* high-speed ones of the first controller */
#define VHCI_ANY_PORT VHCI_PORTS
#define VHCI_BUS_ID   32

enum vhci_state { VHCI_FREE, VHCI_BUSY };

struct vhci_port {
        enum vhci_state state;
        char bus_id[VHCI_BUS_ID]; /* "1-1" once the kernel has numbered the device, else "" */
};

/* Reads the text of `status`: its high-speed ports. Lines that make no sense are left out. */
void vhci_parse_status(const char *text, struct vhci_port ret_ports[static VHCI_PORTS]);
/* 0, or a negative errno: the module is not loaded. */
int vhci_read_status(const char *folder, struct vhci_port ret_ports[static VHCI_PORTS]);
/* Attaches a high-speed device to `port`. -EBUSY when the port is taken, which it still is some
 * milliseconds after a device has left; others. Returns the fd of our end, close-on-exec. */
int vhci_attach(const char *folder, unsigned port, unsigned devid);

#endif
