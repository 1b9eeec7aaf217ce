/*
 * Names follow the kernel: usbB/B-P/B-P.Q/B-P.Q:1.I/ttyUSBn/tty/ttyUSBn (an ACM port has no usb-serial step
 * in between).
 */
#include "ec25/tree_usb.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define DEVPATH_SIZE  512
#define MAJOR_TTY_USB 188
#define MAJOR_TTY_ACM 166

bool usb_path_is_valid(const char *path)
{
        size_t digits = 0, separators = 0;

        for (const char *c = path; *c; c++) {
                if (isdigit((unsigned char)*c)) {
                        digits++;
                        continue;
                }
                if (!digits || *c != (separators ? '.' : '-'))
                        return false;
                separators++;
                digits = 0;
        }
        return digits && separators && strlen(path) < USB_PATH_SIZE;
}

/* Each bus has a controller of its own, so that ID_PATH tells the buses apart. */
static int controller(const char *path, char *name, size_t size)
{
        return text_format(name, size, "0000:00:%02x.0", 0x13 + (unsigned)atoi(path));
}

int usb_devpath(const char *path, char *devpath, size_t size)
{
        char pci[24];
        int r = controller(path, pci, sizeof(pci));

        if (r == 0)
                r = text_format(devpath, size, "/devices/pci0000:00/%s/usb%d", pci, atoi(path));
        for (size_t i = strcspn(path, "-") + 1; r == 0 && path[i - 1]; i++)
                if (path[i] == '.' || !path[i])
                        r = text_append(devpath, size, "/%.*s", (int)i, path);
        return r;
}

static int interface_devpath(const struct usb_device *device, const struct usb_interface *interface,
                             char *devpath)
{
        int r = usb_devpath(device->path, devpath, DEVPATH_SIZE);

        return r < 0 ? r : text_append(devpath, DEVPATH_SIZE, "/%s:1.%u", device->path, interface->number);
}

/* An attribute as sysfs shows it: with a line end. Nothing when `value` is NULL. */
static int attribute(struct tree *tree, const char *devpath, const char *name, const char *value)
{
        return value ? tree_text(tree, devpath, name, "%s\n", value) : 0;
}

struct numbers {
        const char *name;
        const char *format;
        unsigned value;
};

static int write_numbers(struct tree *tree, const char *devpath, const struct numbers *numbers, size_t count)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < count; i++) {
                char text[16] = "";
                if (text_equal(numbers[i].format, "x2"))
                        r = text_format(text, sizeof(text), "%02x", numbers[i].value);
                else if (text_equal(numbers[i].format, "x4"))
                        r = text_format(text, sizeof(text), "%04x", numbers[i].value);
                else
                        r = text_format(text, sizeof(text), text_equal(numbers[i].format, "2") ? "%2u" : "%u",
                                        numbers[i].value);
                if (r == 0)
                        r = attribute(tree, devpath, numbers[i].name, text);
        }
        return r;
}

/* What udev makes of a foreign string: one word. */
static void to_word(const char *text, char *word, size_t size)
{
        size_t used = 0;

        for (; text && *text && used + 1 < size; text++)
                word[used++] = isalnum((unsigned char)*text) || strchr("#+-.:=@_", *text) ? *text : '_';
        word[used] = '\0';
}

static int id_properties(const struct usb_device *device, char *text, size_t size)
{
        const struct composition *composition = device->composition;
        char vendor[64], model[64], serial[64];
        int r = 0;

        to_word(composition->manufacturer, vendor, sizeof(vendor));
        to_word(composition->description, model, sizeof(model));
        to_word(composition->serial, serial, sizeof(serial));
        r = text_append(text, size, "ID_BUS=usb\n");
        for (const char *prefix = "ID_"; r == 0 && prefix;
             prefix = text_equal(prefix, "ID_") ? "ID_USB_" : NULL)
                r = text_append(text, size,
                                "%sMODEL=%s\n%sMODEL_ID=%04x\n%sVENDOR=%s\n%sVENDOR_ID=%04x\n%sREVISION=%"
                                "04x\n%sSERIAL=%s_%s%s%s\n",
                                prefix, model, prefix, composition->product, prefix, vendor, prefix,
                                composition->vendor, prefix, composition->bcd, prefix, vendor, model,
                                serial[0] ? "_" : "", serial);
        if (r == 0 && serial[0])
                r = text_append(text, size, "ID_SERIAL_SHORT=%s\nID_USB_SERIAL_SHORT=%s\n", serial, serial);
        if (r == 0)
                r = text_append(text, size, "ID_USB_INTERFACES=:");
        for (size_t i = 0; r == 0 && i < composition->count; i++) {
                char interface[8];
                const struct usb_interface *in = &composition->interfaces[i];
                r = text_format(interface, sizeof(interface), "%02x%02x%02x:", in->class, in->subclass,
                                in->protocol);
                if (r == 0 && !strstr(text, interface))
                        r = text_append(text, size, "%s", interface);
        }
        return r < 0 ? r : text_append(text, size, "\nUSEC_INITIALIZED=%u\n", 1000000 + device->devnum);
}

static int id_path(const struct usb_device *device, char *path, size_t size)
{
        char pci[24];
        int r = controller(device->path, pci, sizeof(pci));

        return r < 0 ? r : text_format(path, size, "pci-%s-usb-0:%s", pci, strchr(device->path, '-') + 1);
}

static int add_hub(struct tree *tree, const char *devpath, bool root, unsigned bus)
{
        const struct numbers numbers[] = {
            {"idVendor", "x4", root ? 0x1d6b : 0x05e3},
            {"idProduct", "x4", root ? 0x0002 : 0x0608},
            {"bcdDevice", "x4", 0x0601},
            {"bDeviceClass", "x2", 9},
            {"bNumInterfaces", "2", 1},
            {"busnum", "1", bus},
            {"devnum", "1", root ? 1 : 2},
            {"authorized", "1", 1},
        };
        const struct tree_device device = {.devpath = devpath,
                                           .subsystem = "usb",
                                           .devtype = "usb_device",
                                           .driver = "usb",
                                           .properties = root ? "PRODUCT=1d6b/2/601\nTYPE=9/0/1\n"
                                                              : "PRODUCT=5e3/608/601\nTYPE=9/0/1\n",
                                           .quiet = true};
        int r = write_numbers(tree, devpath, numbers, ARRAY_SIZE(numbers));

        return r < 0 ? r : tree_add(tree, &device);
}

/* The controller, the root hub and the hubs on the way; what is there already stays. */
static int add_way(struct tree *tree, const char *path)
{
        char devpath[DEVPATH_SIZE], part[DEVPATH_SIZE];
        int r = usb_devpath(path, devpath, sizeof(devpath));
        unsigned depth = 0;

        for (char *slash = strchr(devpath + 1, '/'); r == 0 && slash;
             slash = strchr(slash + 1, '/'), depth++) {
                r = text_copy_n(part, sizeof(part), devpath, (size_t)(slash - devpath));
                if (r < 0 || depth < 2 ||
                    tree_has(tree, part)) /* /devices and the PCI root are mere folders */
                        continue;
                if (depth == 2) {
                        const struct tree_device pci = {.devpath = part,
                                                        .subsystem = "pci",
                                                        .driver = "xhci_hcd",
                                                        .properties = "PCI_CLASS=C0330\n",
                                                        .quiet = true};
                        r = tree_add(tree, &pci);
                } else
                        r = add_hub(tree, part, depth == 3, (unsigned)atoi(path));
        }
        return r;
}

static int add_interface(struct tree *tree, const struct usb_device *device, size_t index)
{
        const struct composition *composition = device->composition;
        const struct usb_interface *interface = &composition->interfaces[index];
        char devpath[DEVPATH_SIZE], properties[256], endpoint[DEVPATH_SIZE + 16];
        const struct numbers numbers[] = {
            {"bInterfaceNumber", "x2", interface->number},
            {"bInterfaceClass", "x2", interface->class},
            {"bInterfaceSubClass", "x2", interface->subclass},
            {"bInterfaceProtocol", "x2", interface->protocol},
            {"bAlternateSetting", "2", 0},
            {"bNumEndpoints", "x2", (unsigned)strlen(interface->endpoints)},
            {"authorized", "1", 1},
        };
        int r = interface_devpath(device, interface, devpath);

        if (r == 0)
                r = write_numbers(tree, devpath, numbers, ARRAY_SIZE(numbers));
        for (size_t i = 0; r == 0 && interface->endpoints[i]; i++) {
                char kind = interface->endpoints[i];
                r = text_format(endpoint, sizeof(endpoint), "%s/ep_%02x", devpath,
                                composition_endpoint(composition, index, i));
                if (r == 0)
                        r = attribute(tree, endpoint, "type", kind == 'i' ? "Interrupt" : "Bulk");
                if (r == 0)
                        r = attribute(tree, endpoint, "direction", kind == 'o' ? "out" : "in");
        }
        if (r == 0)
                r = text_format(properties, sizeof(properties),
                                "PRODUCT=%x/%x/%x\nTYPE=0/0/0\nINTERFACE=%u/%u/%u\n", composition->vendor,
                                composition->product, composition->bcd, interface->class, interface->subclass,
                                interface->protocol);
        const struct tree_device entry = {.devpath = devpath,
                                          .subsystem = "usb",
                                          .devtype = "usb_interface",
                                          .driver = interface->driver,
                                          .properties = properties};
        if (r == 0)
                r = tree_add(tree, &entry);
        return r < 0 || !interface->driver ? r : tree_tell(tree, devpath, "bind");
}

static int add_interfaces(struct tree *tree, const struct usb_device *device)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < device->composition->count; i++)
                r = add_interface(tree, device, i);
        return r;
}

static int remove_interfaces(struct tree *tree, const struct usb_device *device)
{
        char devpath[DEVPATH_SIZE];
        int r = 0;

        for (size_t i = 0; r == 0 && i < device->composition->count; i++) {
                r = interface_devpath(device, &device->composition->interfaces[i], devpath);
                if (r < 0 || !tree_has(tree, devpath))
                        continue;
                if (device->composition->interfaces[i].driver)
                        r = tree_tell(tree, devpath, "unbind");
                if (r == 0)
                        r = tree_remove(tree, devpath);
        }
        return r;
}

static int device_attributes(struct tree *tree, const struct usb_device *device, const char *devpath)
{
        const struct composition *composition = device->composition;
        const struct numbers numbers[] = {
            {"idVendor", "x4", composition->vendor},
            {"idProduct", "x4", composition->product},
            {"bcdDevice", "x4", composition->bcd},
            {"bNumInterfaces", "2", (unsigned)composition->count},
            {"bDeviceClass", "x2", composition->device_class},
            {"bDeviceSubClass", "x2", 0},
            {"bDeviceProtocol", "x2", 0},
            {"bConfigurationValue", "1", 1},
            {"bNumConfigurations", "1", 1},
            {"busnum", "1", (unsigned)atoi(device->path)},
            {"devnum", "1", device->devnum},
            {"authorized", "1", 1},
            {"speed", "1", 480},
            {"maxchild", "1", 0},
        };
        uint8_t descriptors[COMPOSITION_DESCRIPTORS];
        int r = write_numbers(tree, devpath, numbers, ARRAY_SIZE(numbers));

        if (r == 0)
                r = attribute(tree, devpath, "devpath", strchr(device->path, '-') + 1);
        if (r == 0)
                r = attribute(tree, devpath, "manufacturer", composition->manufacturer);
        if (r == 0)
                r = attribute(tree, devpath, "product", composition->description);
        if (r == 0)
                r = attribute(tree, devpath, "serial", composition->serial);
        if (r == 0)
                r = attribute(tree, devpath, "version", " 2.00");
        size_t length = composition_descriptors(composition, descriptors);
        return r < 0 ? r : tree_attribute(tree, devpath, "descriptors", descriptors, length);
}

int tree_usb_plug(struct tree *tree, const struct usb_device *device)
{
        const struct composition *composition = device->composition;
        char devpath[DEVPATH_SIZE], properties[2048], devnum[16], path[128];
        unsigned bus = (unsigned)atoi(device->path);
        int r = usb_devpath(device->path, devpath, sizeof(devpath));

        if (r == 0 && tree_has(tree, devpath))
                r = -EBUSY;
        if (r == 0)
                r = add_way(tree, device->path);
        if (r == 0)
                r = device_attributes(tree, device, devpath);
        if (r == 0)
                r = text_format(devnum, sizeof(devnum), "189:%u", (bus - 1) * 128 + device->devnum - 1);
        if (r == 0)
                r = id_path(device, path, sizeof(path));
        if (r == 0)
                r = text_format(properties, sizeof(properties),
                                "DEVNAME=bus/usb/%03u/%03u\nPRODUCT=%x/%x/%x\nTYPE=%u/0/"
                                "0\nBUSNUM=%03u\nDEVNUM=%03u\nID_PATH=%s\n",
                                bus, device->devnum, composition->vendor, composition->product,
                                composition->bcd, composition->device_class, bus, device->devnum, path);
        if (r == 0)
                r = id_properties(device, properties, sizeof(properties));
        const struct tree_device entry = {.devpath = devpath,
                                          .subsystem = "usb",
                                          .devtype = "usb_device",
                                          .driver = "usb",
                                          .devnum = devnum,
                                          .properties = properties};
        if (r == 0)
                r = tree_add(tree, &entry);
        if (r == 0)
                r = tree_tell(tree, devpath, "bind");
        return r < 0 ? r : add_interfaces(tree, device);
}

int tree_usb_unplug(struct tree *tree, const struct usb_device *device)
{
        char devpath[DEVPATH_SIZE];
        int r = usb_devpath(device->path, devpath, sizeof(devpath));

        if (r == 0)
                r = remove_interfaces(tree, device);
        if (r == 0)
                r = tree_tell(tree, devpath, "unbind");
        return r < 0 ? r : tree_remove(tree, devpath);
}

int tree_usb_deauthorize(struct tree *tree, const struct usb_device *device)
{
        return remove_interfaces(tree, device);
}

int tree_usb_authorize(struct tree *tree, const struct usb_device *device)
{
        return add_interfaces(tree, device);
}

int usb_tty_links(const struct usb_device *device, const struct usb_tty *tty, char by_path[static 192],
                  char by_id[static 192])
{
        char path[128], vendor[48], model[48], serial[48];
        const char *port = tty->interface->tty == TTY_USB ? "-port0" : "";
        int r = id_path(device, path, sizeof(path));

        to_word(device->composition->manufacturer, vendor, sizeof(vendor));
        to_word(device->composition->description, model, sizeof(model));
        to_word(device->composition->serial, serial, sizeof(serial));
        if (r == 0)
                r = text_format(by_path, 192, "serial/by-path/%s:1.%u%s", path, tty->interface->number, port);
        return r < 0 ? r
                     : text_format(by_id, 192, "serial/by-id/usb-%s_%s%s%s-if%02x%s", vendor, model,
                                   serial[0] ? "_" : "", serial, tty->interface->number, port);
}

static int tty_devpaths(const struct usb_device *device, const struct usb_tty *tty, char *port, char *devpath)
{
        int r = interface_devpath(device, tty->interface, port);

        if (r == 0 && tty->interface->tty == TTY_USB)
                r = text_append(port, DEVPATH_SIZE, "/%s", tty->name);
        return r < 0 ? r : text_format(devpath, DEVPATH_SIZE, "%s/tty/%s", port, tty->name);
}

static int tty_properties(const struct usb_device *device, const struct usb_tty *tty, char *text, size_t size)
{
        char path[128], tag[160], by_path[192], by_id[192];
        int r = id_path(device, path, sizeof(path));

        if (r == 0)
                r = text_append(path, sizeof(path), ":1.%u", tty->interface->number);
        to_word(path, tag, sizeof(tag));
        for (char *c = tag; *c; c++)
                if (!isalnum((unsigned char)*c) && *c != '-')
                        *c = '_';
        if (r == 0)
                r = usb_tty_links(device, tty, by_path, by_id);
        if (r == 0)
                r = text_format(
                    text, size,
                    "DEVNAME=%s/%s\nID_USB_INTERFACE_NUM=%02x\nID_USB_DRIVER=%s\nID_PATH=%s\nID_PATH_TAG=%s\n"
                    "ID_TYPE=generic\nDEVLINKS=%s/%s %s/%s\nTAGS=:systemd:\n",
                    device->nodes, tty->name, tty->interface->number, tty->interface->driver, path, tag,
                    device->nodes, by_path, device->nodes, by_id);
        return r < 0 ? r : id_properties(device, text, size);
}

int tree_usb_add_tty(struct tree *tree, const struct usb_device *device, const struct usb_tty *tty)
{
        char port[DEVPATH_SIZE], devpath[DEVPATH_SIZE], properties[2048], devnum[16];
        int r = tty_devpaths(device, tty, port, devpath);
        const struct tree_device port_entry = {.devpath = port,
                                               .subsystem = "usb-serial",
                                               .driver = device->composition->usb_serial_driver,
                                               .properties = ""};

        if (r == 0 && tty->interface->tty == TTY_USB) {
                r = attribute(tree, port, "port_number", "0");
                if (r == 0)
                        r = tree_add(tree, &port_entry);
        }
        if (r == 0)
                r = tty_properties(device, tty, properties, sizeof(properties));
        if (r == 0)
                r = text_format(devnum, sizeof(devnum), "%u:%u",
                                tty->interface->tty == TTY_USB ? MAJOR_TTY_USB : MAJOR_TTY_ACM, tty->minor);
        const struct tree_device entry = {
            .devpath = devpath, .subsystem = "tty", .devnum = devnum, .properties = properties};
        if (r == 0)
                r = tree_add(tree, &entry);
        return r < 0 || tty->interface->tty != TTY_USB ? r : tree_tell(tree, port, "bind");
}

int tree_usb_remove_tty(struct tree *tree, const struct usb_device *device, const struct usb_tty *tty)
{
        char port[DEVPATH_SIZE], devpath[DEVPATH_SIZE];
        int r = tty_devpaths(device, tty, port, devpath);

        if (r == 0)
                r = tree_remove(tree, devpath);
        if (r < 0 || tty->interface->tty != TTY_USB)
                return r;
        r = tree_tell(tree, port, "unbind");
        return r < 0 ? r : tree_remove(tree, port);
}
