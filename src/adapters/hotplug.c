/*
 * What is plugged in, see adapters/hotplug.h: the list of devices that were told, and the comparison of each
 * new picture with it. Where events come from is hotplug_monitor.c, how a picture is made hotplug_picture.c.
 */
#include "hotplug_private.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "core/usb_path.h"

#include <dirent.h>
#include <string.h>

/* A bus has 127 devices at most; a machine with more modems than this has other problems. */
#define KNOWN_MAX 256

/* Told even when they show no tty: a crashed modem or one in download mode has none, and somebody must hear
 * of it. */
static const uint16_t modem_vendors[] = {
    0x2c7c, /* Quectel */
    0x05c6, /* Qualcomm: EC20, download mode */
    0x1e0e, /* SIMCom */
    0x04e8, /* Samsung */
};

static bool may_be_modem(const struct usb_device *device)
{
        for (size_t i = 0; i < ARRAY_SIZE(modem_vendors); i++)
                if (device->vendor == modem_vendors[i])
                        return true;
        for (unsigned i = 0; i < device->n_interfaces; i++) {
                const struct usb_interface *interface = &device->interfaces[i];
                bool is_acm = interface->class == 0x02 && interface->subclass == 0x02;
                if (is_acm || interface->node[0] != '\0')
                        return true;
        }
        return false;
}

static struct hotplug_known *find_known(const struct hotplug *hotplug, const char *usb_path)
{
        struct hotplug_known *known = hotplug->known;

        while (known && !text_equal(known->device.path, usb_path))
                known = known->next;
        return known;
}

void hotplug_forget(struct hotplug *hotplug, const char *usb_path)
{
        for (struct hotplug_known **link = &hotplug->known; *link; link = &(*link)->next) {
                struct hotplug_known *known = *link;
                if (!text_equal(known->device.path, usb_path))
                        continue;
                *link = known->next;
                hotplug->callbacks.gone(hotplug->userdata, known->device.path);
                free(known);
                return;
        }
}

static int remember(struct hotplug *hotplug, const char *usb_path, unsigned devnum,
                    struct hotplug_known **ret_known)
{
        unsigned count = 0;

        for (const struct hotplug_known *known = hotplug->known; known; known = known->next)
                count++;
        if (count == KNOWN_MAX)
                return -E2BIG;
        struct hotplug_known *known = calloc(1, sizeof(*known));
        if (!known)
                return -ENOMEM;
        known->devnum = devnum;
        (void)text_copy(known->device.path, sizeof(known->device.path),
                        usb_path); /* as long as a picture's path */
        known->next = hotplug->known;
        hotplug->known = known;
        *ret_known = known;
        return 0;
}

static bool same_interface(const struct usb_interface *a, const struct usb_interface *b)
{
        return a->number == b->number && a->class == b->class && a->subclass == b->subclass &&
               a->protocol == b->protocol && a->bulk == b->bulk && a->interrupt == b->interrupt &&
               text_equal(a->node, b->node) && text_equal(a->target, b->target);
}

static bool same_picture(const struct usb_device *a, const struct usb_device *b)
{
        if (a->vendor != b->vendor || a->product != b->product || a->release != b->release ||
            a->n_interfaces != b->n_interfaces || !text_equal(a->manufacturer, b->manufacturer) ||
            !text_equal(a->model, b->model) || !text_equal(a->serial, b->serial))
                return false;
        for (unsigned i = 0; i < a->n_interfaces; i++)
                if (!same_interface(&a->interfaces[i], &b->interfaces[i]))
                        return false;
        return true;
}

/* Tells the picture if it is a new one. */
static int take_picture(struct hotplug *hotplug, const struct usb_device *device, unsigned devnum,
                        bool always)
{
        struct hotplug_known *known = find_known(hotplug, device->path);

        if (known && known->devnum != devnum) {
                hotplug_forget(hotplug, device->path);
                known = NULL;
        }
        bool is_new = !known;
        if (is_new) {
                if (!may_be_modem(device))
                        return 0;
                int r = remember(hotplug, device->path, devnum, &known);
                if (r < 0)
                        return r;
        }
        known->seen = true;
        known->tagged = hotplug_udev_tagged(hotplug, device->path);
        if (!is_new && !always && same_picture(&known->device, device))
                return 0;
        known->device = *device;
        hotplug->callbacks.device(hotplug->userdata, device);
        return 0;
}

void hotplug_refresh(struct hotplug *hotplug, const char *usb_path, bool always)
{
        struct usb_device device;
        unsigned devnum = 0;
        int r =
            hotplug_picture(hotplug, usb_path, hotplug->udevd ? hotplug_udev_ready : NULL, &device, &devnum);

        if (r == -ENODEV) {
                hotplug_forget(hotplug, usb_path);
                return;
        }
        if (r == 0)
                r = take_picture(hotplug, &device, devnum, always);
        if (r == 0)
                return;
        struct hotplug_known *known = find_known(hotplug, usb_path);
        if (known)
                known->seen = true;
        log_error("hotplug: cannot look at USB device %s: %s", usb_path, strerror(-r));
}

/* Forgets one device that the scan did not see; false when there is none left. */
static bool forget_unseen(struct hotplug *hotplug)
{
        for (struct hotplug_known *known = hotplug->known; known; known = known->next) {
                if (known->seen)
                        continue;
                char path[USB_PATH_MAX];
                (void)text_copy(path, sizeof(path), known->device.path);
                hotplug_forget(hotplug, path);
                return true;
        }
        return false;
}

/* Without /sys/bus/usb there is no USB: an empty scan, not an error. */
static int scan_devices(struct hotplug *hotplug, bool always)
{
        char folder[320];

        if (text_format(folder, sizeof(folder), "%s/bus/usb/devices", hotplug->sysfs_root) < 0)
                return -ENAMETOOLONG;
        DIR *dir = opendir(folder);
        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *entry; (entry = readdir(dir));)
                if (usb_path_is_valid(entry->d_name, strlen(entry->d_name)))
                        hotplug_refresh(hotplug, entry->d_name, always);
        (void)closedir(dir);
        return 0;
}

int hotplug_scan(struct hotplug *hotplug, bool always)
{
        for (struct hotplug_known *known = hotplug->known; known; known = known->next)
                known->seen = false;
        int r = scan_devices(hotplug, always);
        while (r == 0 && forget_unseen(hotplug))
                ;
        return r;
}

int hotplug_enumerate(struct hotplug *hotplug)
{
        int r = hotplug_scan(hotplug, true);

        hotplug_monitor_adjust(hotplug);
        if (r < 0)
                return r;
        hotplug->callbacks.enumerated(hotplug->userdata);
        return 0;
}

static int set_roots(struct hotplug *hotplug, const struct hotplug_options *options)
{
        const char *sysfs = options->sysfs_root ? options->sysfs_root : "/sys";
        const char *dev = options->dev_root ? options->dev_root : "/dev";
        int r = text_copy(hotplug->sysfs_root, sizeof(hotplug->sysfs_root), sysfs);

        return r < 0 ? r : text_copy(hotplug->dev_root, sizeof(hotplug->dev_root), dev);
}

int hotplug_new(struct hotplug **ret, sd_event *event, const struct hotplug_options *options,
                const struct hotplug_callbacks *callbacks, void *userdata)
{
        struct hotplug *hotplug = calloc(1, sizeof(*hotplug));

        if (!hotplug)
                return -ENOMEM;
        hotplug->event = sd_event_ref(event);
        hotplug->callbacks = *callbacks;
        hotplug->userdata = userdata;
        int r = set_roots(hotplug, options);
        if (r == 0)
                r = hotplug_monitor_start(hotplug, options);
        if (r < 0) {
                (void)hotplug_free(hotplug);
                return r;
        }
        *ret = hotplug;
        return 0;
}

struct hotplug *hotplug_free(struct hotplug *hotplug)
{
        if (!hotplug)
                return NULL;
        hotplug_nodes_free(hotplug);
        hotplug_monitor_stop(hotplug);
        while (hotplug->known) {
                struct hotplug_known *next = hotplug->known->next;
                free(hotplug->known);
                hotplug->known = next;
        }
        sd_event_unref(hotplug->event);
        free(hotplug);
        return NULL;
}
