/*
 * Where a USB device's switches are in sysfs. The kernel's names say it all: device "1-1.2" sits at port 2 of
 * hub "1-1", device "1-1" at port 1 of root hub "usb1", and a port is a folder of its hub's only interface:
 *
 *   ROOT/bus/usb/devices/1-1.2/authorized
 *   ROOT/bus/usb/devices/1-1:1.0/1-1-port2/disable
 *   ROOT/bus/usb/devices/1-0:1.0/usb1-port1/disable, .../peer/disable (the other speed, the same socket)
 *
 * Every port has `disable`. Only where the hub's descriptor says that it switches power, all ports together
 * or each, does the kernel show .../power/pm_qos_no_power_off; elsewhere a port that is disabled keeps its
 * power.
 */
#include "usb_power_private.h"

#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/usb_path.h"

#include <string.h>

#define CLASS_HUB     0x09
#define ATTRIBUTE_MAX 64

static int read_attribute(const char *folder, const char *name, char *target, size_t size)
{
        char path[USB_POWER_FILE_MAX];
        size_t length;

        if (text_format(path, sizeof(path), "%s/%s", folder, name) < 0)
                return -ENAMETOOLONG;
        int r = file_read_into(path, 0, target, size, &length);
        if (r < 0)
                return r == -ENOENT ? -ENODEV : r;
        target[strcspn(target, "\n")] = '\0';
        return 0;
}

static int device_folder(const char *root, const char *name, char folder[USB_POWER_FILE_MAX])
{
        return text_format(folder, USB_POWER_FILE_MAX, "%s/bus/usb/devices/%s", root, name);
}

/* The folder of the device, when it is there and no hub. */
static int find_folder(const char *root, const char *path, char folder[USB_POWER_FILE_MAX])
{
        char text[ATTRIBUTE_MAX];
        uint16_t class;

        if (!usb_path_is_valid(path, strlen(path)))
                return -EINVAL;
        int r = device_folder(root, path, folder);
        if (r == 0)
                r = read_attribute(folder, "bDeviceClass", text, sizeof(text));
        if (r < 0)
                return r;
        if (parse_hex16(text, &class) < 0)
                return -ENODEV;
        return class == CLASS_HUB ? -EPERM : 0;
}

int usb_power_find_device(const char *root, const char *path, char ret_file[USB_POWER_FILE_MAX])
{
        char folder[USB_POWER_FILE_MAX];
        int r = find_folder(root, path, folder);

        return r < 0 ? r : text_format(ret_file, USB_POWER_FILE_MAX, "%s/authorized", folder);
}

/* "1-1.2": hub "1-1", interface "1-1:1.0", port 2. "1-2": hub "usb1", interface "1-0:1.0", port 2. */
struct socket_place {
        char hub[USB_PATH_MAX + 4];
        char interface[USB_PATH_MAX + 8];
        unsigned port;
};

static int find_socket(const char *path, struct socket_place *ret_socket)
{
        const char *dot = strrchr(path, '.'), *dash = strchr(path, '-');
        struct socket_place socket;
        int r;

        if (!usb_path_is_valid(path, strlen(path)))
                return -EINVAL;
        int length = (int)((dot ? dot : dash) - path);
        if (dot) {
                r = text_format(socket.hub, sizeof(socket.hub), "%.*s", length, path);
                if (r == 0)
                        r = text_format(socket.interface, sizeof(socket.interface), "%.*s:1.0", length, path);
        } else {
                r = text_format(socket.hub, sizeof(socket.hub), "usb%.*s", length, path);
                if (r == 0)
                        r = text_format(socket.interface, sizeof(socket.interface), "%.*s-0:1.0", length,
                                        path);
        }
        if (r == 0)
                r = parse_unsigned(path + length + 1, 1, UINT8_MAX, &socket.port);
        if (r == 0)
                *ret_socket = socket;
        return r;
}

/* The folder of the port. */
static int find_port_folder(const char *root, const char *path, char folder[USB_POWER_FILE_MAX])
{
        struct socket_place socket = {0};
        int r = find_socket(path, &socket);

        if (r < 0)
                return r;
        return text_format(folder, USB_POWER_FILE_MAX, "%s/bus/usb/devices/%s/%s-port%u", root,
                           socket.interface, socket.hub, socket.port);
}

/* 1 when the folder has this file: its path is in `file` then. */
static int has_file(const char *folder, const char *name, char file[USB_POWER_FILE_MAX])
{
        char path[USB_POWER_FILE_MAX];

        if (text_format(path, sizeof(path), "%s/%s", folder, name) < 0)
                return -ENAMETOOLONG;
        if (access(path, F_OK) < 0)
                return 0;
        return text_copy(file, USB_POWER_FILE_MAX, path) < 0 ? -ENAMETOOLONG : 1;
}

int usb_power_find_port(const char *root, const char *path,
                        char ret_files[USB_POWER_FILES_MAX][USB_POWER_FILE_MAX])
{
        char device[USB_POWER_FILE_MAX], port[USB_POWER_FILE_MAX], policy[USB_POWER_FILE_MAX];
        int r = find_port_folder(root, path, port);

        if (r < 0)
                return r;
        /* An empty port is as good as one with a modem; one with a hub on it is not. */
        r = find_folder(root, path, device);
        if (r < 0 && r != -ENODEV)
                return r;
        if (has_file(port, "power/pm_qos_no_power_off", policy) <= 0 ||
            has_file(port, "disable", ret_files[0]) <= 0)
                return -EOPNOTSUPP;
        if (has_file(port, "peer/disable", ret_files[1]) <= 0)
                ret_files[1][0] = '\0';
        return 0;
}
