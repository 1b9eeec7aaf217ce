/*
 * One USB device as sysfs shows it. Reads are bounded, everything read is foreign. A device that is leaving
 * loses its attributes one after the other, so whatever cannot be read makes the piece it belongs to absent,
 * never half.
 */
#include "hotplug_private.h"

#include "base/cleanup.h"
#include "base/folder.h"
#include "base/parse.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ATTRIBUTE_MAX 256
#define UEVENT_MAX    2048

/* One picture in the making. */
struct builder {
        struct hotplug *hotplug;
        hotplug_tty_ready ready;
        int error; /* the first want of means, not of a file: then nothing can be said about the device */
};

/* After a failed open: keeps what is no fault of the device. Out of descriptors must never look like an
 * unplugged modem. */
static void note_error(struct builder *builder)
{
        if (builder->error == 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
                builder->error = -errno;
}

static DIR *open_dir(struct builder *builder, const char *path)
{
        DIR *dir = opendir(path);

        if (!dir)
                note_error(builder);
        return dir;
}

/* The attribute's text without the newline, cut to `size`. -ENODEV: not there. */
static int read_attribute(struct builder *builder, const char *folder, const char *name, char *target,
                          size_t size)
{
        char path[PATH_MAX], text[ATTRIBUTE_MAX];

        if (text_format(path, sizeof(path), "%s/%s", folder, name) < 0)
                return -ENODEV;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) {
                note_error(builder);
                return -ENODEV;
        }
        ssize_t length = read(fd, text, sizeof(text));
        if (length < 0)
                return -ENODEV;
        while (length > 0 && text[length - 1] == '\n')
                length--;
        (void)text_copy_n(target, size, text,
                          (size_t)length); /* a device's endless string is cut, by design */
        return 0;
}

static int read_hex(struct builder *builder, const char *folder, const char *name, uint16_t *ret_value)
{
        char text[16];
        int r = read_attribute(builder, folder, name, text, sizeof(text));

        return r < 0 || parse_hex16(text, ret_value) < 0 ? -ENODEV : 0;
}

static int read_hex8(struct builder *builder, const char *folder, const char *name, uint8_t *ret_value)
{
        uint16_t value;

        if (read_hex(builder, folder, name, &value) < 0 || value > UINT8_MAX)
                return -ENODEV;
        *ret_value = (uint8_t)value;
        return 0;
}

static void count_endpoint(struct builder *builder, const char *folder, const char *name,
                           struct usb_interface *interface)
{
        char path[PATH_MAX], type[16];

        if (text_format(path, sizeof(path), "%s/%s", folder, name) < 0 ||
            read_attribute(builder, path, "type", type, sizeof(type)) < 0)
                return;
        if (text_equal(type, "Bulk") && interface->bulk < UINT8_MAX)
                interface->bulk++;
        if (text_equal(type, "Interrupt") && interface->interrupt < UINT8_MAX)
                interface->interrupt++;
}

/* The node itself, or where the link leads that somebody put in its place. */
static int resolve_node(const char *node, char target[DEVICE_NODE_MAX])
{
        char resolved[PATH_MAX];
        struct stat st;

        if (stat(node, &st) < 0 || !S_ISCHR(st.st_mode) || lstat(node, &st) < 0)
                return -ENODEV;
        if (!S_ISLNK(st.st_mode))
                return text_copy(target, DEVICE_NODE_MAX, node);
        return realpath(node, resolved) ? text_copy(target, DEVICE_NODE_MAX, resolved) : -ENODEV;
}

/* What udev remembers of a link can be old. */
static bool leads_to(const char *link, const char *target)
{
        char resolved[PATH_MAX];

        return link[0] && realpath(link, resolved) && text_equal(resolved, target);
}

/* The node's path as the kernel names it in the class device's uevent (DEVNAME); a name without folder lies
 * in dev_root. */
static int read_node_path(const struct hotplug *hotplug, const char *folder, const char *name,
                          char node[DEVICE_NODE_MAX])
{
        static const char key[] = "DEVNAME=";
        char text[UEVENT_MAX + 2] = "\n", path[PATH_MAX];
        const char *value = name;

        if (text_format(path, sizeof(path), "%s/uevent", folder) < 0)
                return -ENAMETOOLONG;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        ssize_t length = fd < 0 ? 0 : read(fd, text + 1, UEVENT_MAX);
        text[1 + (length > 0 ? length : 0)] = '\0';
        for (char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
                if (text_starts_with(line + 1, key)) {
                        value = line + 1 + strlen(key);
                        line[1 + strcspn(line + 1, "\n")] = '\0';
                        break;
                }
        if (value[0] == '/')
                return text_copy(node, DEVICE_NODE_MAX, value);
        return text_format(node, DEVICE_NODE_MAX, "%s/%s", hotplug->dev_root, value);
}

/* The tty `name` whose class device is the folder `path`. Its `dev` attribute leaves before the uevent, the
 * folder only after it. */
static void take_tty(struct builder *builder, const char *path, const char *name,
                     struct usb_interface *interface)
{
        char number[16], node[DEVICE_NODE_MAX], target[DEVICE_NODE_MAX], link[DEVICE_NODE_MAX] = "";

        if (read_attribute(builder, path, "dev", number, sizeof(number)) < 0 ||
            (builder->ready && !builder->ready(builder->hotplug, name, link)))
                return;
        if (read_node_path(builder->hotplug, path, name, node) < 0 || resolve_node(node, target) < 0)
                return;
        if (leads_to(link, target))
                (void)text_copy(node, sizeof(node), link);               /* it fits */
        (void)text_copy(interface->node, sizeof(interface->node), node); /* both fit */
        (void)text_copy(interface->target, sizeof(interface->target), target);
}

/* Looks for class devices in the folder `.../tty`. */
static void find_tty_in(struct builder *builder, const char *folder, struct usb_interface *interface)
{
        _cleanup_closedir_ DIR *dir = open_dir(builder, folder);
        char path[PATH_MAX];

        for (struct dirent *entry; dir && interface->node[0] == '\0' && (entry = readdir(dir));)
                if (text_starts_with(entry->d_name, "tty") &&
                    text_format(path, sizeof(path), "%s/%s", folder, entry->d_name) == 0)
                        take_tty(builder, path, entry->d_name, interface);
}

/* cdc-acm has INTERFACE/tty/ttyACM0, usb-serial has INTERFACE/ttyUSB0/tty/ttyUSB0. */
static void find_tty(struct builder *builder, const char *folder, const char *name,
                     struct usb_interface *interface)
{
        char path[PATH_MAX];
        const char *below = text_equal(name, "tty") ? "" : "/tty";

        if (text_format(path, sizeof(path), "%s/%s%s", folder, name, below) == 0)
                find_tty_in(builder, path, interface);
}

static int read_interface(struct builder *builder, const char *folder, struct usb_interface *ret_interface)
{
        struct usb_interface interface = {0};
        _cleanup_closedir_ DIR *dir = open_dir(builder, folder);

        if (!dir || read_hex8(builder, folder, "bInterfaceNumber", &interface.number) < 0 ||
            read_hex8(builder, folder, "bInterfaceClass", &interface.class) < 0 ||
            read_hex8(builder, folder, "bInterfaceSubClass", &interface.subclass) < 0 ||
            read_hex8(builder, folder, "bInterfaceProtocol", &interface.protocol) < 0)
                return -ENODEV;
        for (struct dirent *entry; (entry = readdir(dir));) {
                if (text_starts_with(entry->d_name, "ep_"))
                        count_endpoint(builder, folder, entry->d_name, &interface);
                else if (text_starts_with(entry->d_name, "tty") && interface.node[0] == '\0')
                        find_tty(builder, folder, entry->d_name, &interface);
        }
        *ret_interface = interface;
        return 0;
}

/* Keeps the order of the interface numbers; readdir has none. */
static void insert_interface(struct usb_device *device, const struct usb_interface *interface)
{
        unsigned i = device->n_interfaces;

        if (i == USB_INTERFACES_MAX)
                return;
        for (; i > 0 && device->interfaces[i - 1].number > interface->number; i--)
                device->interfaces[i] = device->interfaces[i - 1];
        device->interfaces[i] = *interface;
        device->n_interfaces++;
}

static void read_interfaces(struct builder *builder, const char *folder, struct usb_device *device)
{
        _cleanup_closedir_ DIR *dir = open_dir(builder, folder);
        size_t length = strlen(device->path);
        struct usb_interface interface;
        char path[PATH_MAX];

        for (struct dirent *entry; dir && (entry = readdir(dir));) {
                /* "1-1.2:1.0" */
                if (!text_starts_with(entry->d_name, device->path) || entry->d_name[length] != ':')
                        continue;
                if (text_format(path, sizeof(path), "%s/%s", folder, entry->d_name) == 0 &&
                    read_interface(builder, path, &interface) == 0)
                        insert_interface(device, &interface);
        }
}

/* The attributes of the device itself. */
static int read_device(struct builder *builder, const char *folder, struct usb_device *device,
                       unsigned *ret_devnum)
{
        char number[16];
        unsigned devnum = 0;

        if (read_hex(builder, folder, "idVendor", &device->vendor) < 0 ||
            read_hex(builder, folder, "idProduct", &device->product) < 0 ||
            read_hex(builder, folder, "bcdDevice", &device->release) < 0)
                return -ENODEV;
        /* Not every device has these. */
        (void)read_attribute(builder, folder, "manufacturer", device->manufacturer,
                             sizeof(device->manufacturer));
        (void)read_attribute(builder, folder, "product", device->model, sizeof(device->model));
        (void)read_attribute(builder, folder, "serial", device->serial, sizeof(device->serial));
        if (read_attribute(builder, folder, "devnum", number, sizeof(number)) == 0)
                (void)parse_unsigned(number, 0, UINT_MAX, &devnum);
        *ret_devnum = devnum;
        return 0;
}

int hotplug_picture(struct hotplug *hotplug, const char *usb_path, hotplug_tty_ready ready,
                    struct usb_device *ret_device, unsigned *ret_devnum)
{
        struct builder builder = {.hotplug = hotplug, .ready = ready};
        struct usb_device device = {0};
        char folder[PATH_MAX];
        unsigned devnum = 0;

        if (text_copy(device.path, sizeof(device.path), usb_path) < 0 ||
            text_format(folder, sizeof(folder), "%s/bus/usb/devices/%s", hotplug->sysfs_root, usb_path) < 0)
                return -ENODEV;
        int r = read_device(&builder, folder, &device, &devnum);
        if (r == 0)
                read_interfaces(&builder, folder, &device);
        if (builder.error < 0 || r < 0)
                return builder.error < 0 ? builder.error : r;
        *ret_device = device;
        *ret_devnum = devnum;
        return 0;
}
