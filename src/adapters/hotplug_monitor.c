/*
 * Where hotplug's events come from, see adapters/hotplug.h. An event is only a hint which device to look at:
 * what is told is what sysfs shows when the burst has been read, so five hundred events on one device cost
 * one picture. The exception is the removal of a device, which is told as such even when its successor is
 * there already.
 */
#include "hotplug_private.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/usec.h"
#include "core/usb_path.h"

#include <string.h>
#include <sys/inotify.h>

#define UDEV_CONTROL   "/run/udev/control"
#define LINKS          "/smswarden/"
#define TAG            "smswarden"
#define RECEIVE_BUFFER (8 * 1024 * 1024)
#define BURST_MAX      1024 /* events read before the loop gets its turn again */
#define DIRTY_MAX      32
#define LOOKS          2
#define FIRST_LOOK     (20 * USEC_PER_MSEC)
#define SECOND_LOOK    (500 * USEC_PER_MSEC)

/* The devices to look at again at the end of a burst. */
struct dirty {
        unsigned n;
        char paths[DIRTY_MAX][USB_PATH_MAX];
};

/* The name that our rules gave it, if it fits. */
static void find_link(struct hotplug *hotplug, struct udev_device *device, char link[DEVICE_NODE_MAX])
{
        char folder[sizeof(hotplug->dev_root) + sizeof(LINKS)];
        struct udev_list_entry *entry;

        (void)text_format(folder, sizeof(folder), "%s" LINKS, hotplug->dev_root); /* it fits */
        udev_list_entry_foreach(entry, udev_device_get_devlinks_list_entry(device))
        {
                const char *name = udev_list_entry_get_name(entry);
                if (text_starts_with(name, folder) && text_copy(link, DEVICE_NODE_MAX, name) == 0)
                        return;
        }
        link[0] = '\0';
}

bool hotplug_udev_ready(struct hotplug *hotplug, const char *tty, char link[DEVICE_NODE_MAX])
{
        struct udev_device *device = udev_device_new_from_subsystem_sysname(hotplug->udev, "tty", tty);
        bool ready = device && udev_device_get_is_initialized(device) > 0;

        link[0] = '\0';
        if (ready)
                find_link(hotplug, device, link);
        udev_device_unref(device);
        return ready;
}

bool hotplug_udev_tagged(struct hotplug *hotplug, const char *usb_path)
{
        if (!hotplug->udevd)
                return false;
        struct udev_device *device = udev_device_new_from_subsystem_sysname(hotplug->udev, "usb", usb_path);
        bool tagged = device && udev_device_has_current_tag(device, TAG) > 0;
        udev_device_unref(device);
        return tagged;
}

static void flush(struct hotplug *hotplug, struct dirty *dirty)
{
        for (unsigned i = 0; i < dirty->n; i++)
                hotplug_refresh(hotplug, dirty->paths[i], false);
        dirty->n = 0;
}

static void mark(struct hotplug *hotplug, struct dirty *dirty, const char *usb_path)
{
        for (unsigned i = 0; i < dirty->n; i++)
                if (text_equal(dirty->paths[i], usb_path))
                        return;
        if (dirty->n == DIRTY_MAX)
                flush(hotplug, dirty);
        (void)text_copy(dirty->paths[dirty->n++], USB_PATH_MAX, usb_path); /* its length was checked */
}

static void take_event(struct hotplug *hotplug, struct udev_device *device, struct dirty *dirty)
{
        const char *action = udev_device_get_action(device), *devtype = udev_device_get_devtype(device);
        const char *devpath = udev_device_get_devpath(device);
        struct usb_place place;

        if (!devpath || usb_path_find(devpath, &place) < 0)
                return; /* a console, a pty: no USB */
        bool is_device = devtype && text_equal(devtype, "usb_device");
        if (is_device && action && text_equal(action, "remove"))
                hotplug_forget(hotplug, place.path);
        mark(hotplug, dirty, place.path);
}

/* Reads what is queued. True: the kernel dropped events. */
static bool drain(struct hotplug *hotplug, struct dirty *dirty)
{
        bool lost = false;

        for (unsigned i = 0; i < BURST_MAX; i++) {
                errno = 0;
                struct udev_device *device = udev_monitor_receive_device(hotplug->monitor);
                if (!device && errno != ENOBUFS)
                        break; /* EAGAIN, or a message that was not for us: the loop calls again when there is
                                  more */
                if (device)
                        take_event(hotplug, device, dirty);
                else
                        lost = true;
                udev_device_unref(device);
        }
        return lost;
}

/* Never fails: sd-event would switch the source off, and hotplug with it. */
static int on_monitor(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct hotplug *hotplug = userdata;
        struct dirty dirty = {0};

        (void)source;
        (void)fd;
        (void)revents;
        bool lost = drain(hotplug, &dirty);
        flush(hotplug, &dirty);
        hotplug_monitor_adjust(hotplug);
        if (!lost)
                return 0;
        log_notice("hotplug: the kernel dropped events; looking at all devices again");
        int r = hotplug_enumerate(hotplug);
        if (r < 0)
                log_error("hotplug: cannot list the devices: %s", strerror(-r));
        return 0;
}

static int add_filters(struct udev_monitor *monitor, bool narrow)
{
        int r = udev_monitor_filter_add_match_subsystem_devtype(monitor, "tty", NULL);

        if (r >= 0)
                r = udev_monitor_filter_add_match_subsystem_devtype(monitor, "usb", "usb_device");
        if (r >= 0 && narrow)
                r = udev_monitor_filter_add_match_tag(monitor, TAG);
        return r;
}

/*
 * A device that we know must be heard when it leaves. So the tag is listened for only while every known
 * device bears it: then the rules are at work and tag the next modem too. Without the rules, or with a
 * stranger's tty plugged in, everything is heard.
 */
static bool may_be_narrow(const struct hotplug *hotplug)
{
        for (const struct hotplug_known *known = hotplug->known; known; known = known->next)
                if (!known->tagged)
                        return false;
        return hotplug->known != NULL;
}

void hotplug_monitor_adjust(struct hotplug *hotplug)
{
        bool narrow = may_be_narrow(hotplug);

        if (!hotplug->monitor || narrow == hotplug->narrow)
                return;
        int r = udev_monitor_filter_remove(hotplug->monitor);
        if (r >= 0)
                r = add_filters(hotplug->monitor, narrow);
        if (r >= 0)
                r = udev_monitor_filter_update(hotplug->monitor);
        if (r < 0)
                log_error("hotplug: cannot choose what to listen to: %s", strerror(-r));
        else
                hotplug->narrow = narrow;
}

static int start_netlink(struct hotplug *hotplug, const char *group)
{
        hotplug->udev = udev_new();
        if (!hotplug->udev)
                return -ENOMEM;
        hotplug->monitor = udev_monitor_new_from_netlink(hotplug->udev, group);
        if (!hotplug->monitor)
                return errno > 0 ? -errno : -ENOMEM;
        int r = add_filters(hotplug->monitor, false);
        if (r < 0)
                return r;
        /* The default holds some hundred events; without CAP_NET_ADMIN it stays, and a loss is noticed
         * anyway. */
        (void)udev_monitor_set_receive_buffer_size(hotplug->monitor, RECEIVE_BUFFER);
        r = udev_monitor_enable_receiving(hotplug->monitor);
        if (r < 0)
                return r;
        r = sd_event_add_io(hotplug->event, &hotplug->monitor_source, udev_monitor_get_fd(hotplug->monitor),
                            EPOLLIN, on_monitor, hotplug);
        return r < 0 ? r : 0;
}

/* --- without udevd: /dev --- */

static int look_in(struct hotplug *hotplug, usec_t delay)
{
        int r = sd_event_source_set_time_relative(hotplug->look_source, delay);

        return r < 0 ? r : sd_event_source_set_enabled(hotplug->look_source, SD_EVENT_ONESHOT);
}

/* The kernel removes a node first and the rest of its device after it, without another sign in /dev: hence
 * the second look. */
static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct hotplug *hotplug = userdata;

        (void)source;
        (void)usec;
        int r = hotplug_scan(hotplug, false);
        if (--hotplug->looks > 0 && r >= 0)
                r = look_in(hotplug, SECOND_LOOK);
        if (r < 0)
                log_error("hotplug: cannot list the devices: %s", strerror(-r));
        return 0;
}

/* Called once for each queued event: the scan waits for the end of the burst. */
static int on_dev(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
        struct hotplug *hotplug = userdata;
        bool overflow = event->mask & IN_Q_OVERFLOW;

        (void)source;
        if (!overflow && (event->len == 0 || (!text_starts_with(event->name, "ttyUSB") &&
                                              !text_starts_with(event->name, "ttyACM"))))
                return 0;
        if (hotplug->looks == LOOKS)
                return 0;
        hotplug->looks = LOOKS;
        int r = look_in(hotplug, FIRST_LOOK);
        if (r < 0)
                log_error("hotplug: cannot set the timer: %s", strerror(-r));
        return 0;
}

static int start_dev(struct hotplug *hotplug)
{
        int r = sd_event_add_time_relative(hotplug->event, &hotplug->look_source, CLOCK_BOOTTIME, 0, 0,
                                           on_look, hotplug);

        if (r >= 0)
                r = sd_event_source_set_enabled(hotplug->look_source, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_inotify(hotplug->event, &hotplug->dev_source, hotplug->dev_root,
                                         IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                                             IN_ONLYDIR,
                                         on_dev, hotplug);
        return r < 0 ? r : 0;
}

int hotplug_monitor_start(struct hotplug *hotplug, const struct hotplug_options *options)
{
        hotplug->udevd = !options->force_sysfs && access(UDEV_CONTROL, F_OK) == 0;
        if (hotplug->udevd || options->force_udev)
                return start_netlink(hotplug, "udev");
        int r = start_dev(hotplug);
        if (r < 0 || options->force_sysfs)
                return r;
        r = start_netlink(hotplug, "kernel");
        if (r < 0)
                log_warning("hotplug: no events from the kernel (%s), watching %s alone", strerror(-r),
                            hotplug->dev_root);
        return 0;
}

void hotplug_monitor_stop(struct hotplug *hotplug)
{
        hotplug->monitor_source = sd_event_source_disable_unref(hotplug->monitor_source);
        hotplug->dev_source = sd_event_source_disable_unref(hotplug->dev_source);
        hotplug->look_source = sd_event_source_disable_unref(hotplug->look_source);
        hotplug->monitor = udev_monitor_unref(hotplug->monitor);
        hotplug->udev = udev_unref(hotplug->udev);
}
