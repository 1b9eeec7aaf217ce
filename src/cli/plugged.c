/*
 * What is plugged in right now, see plugged.h: one enumeration of the hotplug adapter, judged as the daemon
 * does.
 */
#include "plugged.h"

#include "adapters/hotplug.h"
#include "base/text.h"

#include <string.h>

static bool has_tty(const struct usb_device *device)
{
        for (unsigned i = 0; i < device->n_interfaces; i++)
                if (device->interfaces[i].node[0])
                        return true;
        return false;
}

static void on_device(void *userdata, const struct usb_device *device)
{
        struct plugged *plugged = userdata;
        struct plugged_device found = {.usb = *device,
                                       .profile = profile_for_device(plugged->profiles, device)};

        port_map_device(device, found.profile, &found.map);
        if (found.map.result == PORT_MAP_NO_PROFILE && !has_tty(device))
                return;
        if (plugged->n == PLUGGED_MAX)
                plugged->truncated = true;
        else
                plugged->devices[plugged->n++] = found;
}

static void on_gone(void *userdata _unused_, const char *usb_path _unused_)
{
}

static void on_enumerated(void *userdata _unused_)
{
}

static void on_node(void *userdata _unused_, const char *path _unused_, bool present _unused_)
{
}

static int compare_paths(const void *a, const void *b)
{
        const struct plugged_device *left = a, *right = b;

        return strverscmp(left->usb.path, right->usb.path);
}

static int enumerate(sd_event *event, const struct config *config, struct plugged *plugged)
{
        static const struct hotplug_callbacks callbacks = {
            .device = on_device, .gone = on_gone, .enumerated = on_enumerated, .node = on_node};
        const struct hotplug_options options = {.force_sysfs = config->hotplug == HOTPLUG_SYSFS,
                                                .force_udev = config->hotplug == HOTPLUG_UDEV};
        struct hotplug *hotplug = NULL;

        int r = hotplug_new(&hotplug, event, &options, &callbacks, plugged);
        if (r >= 0)
                r = hotplug_enumerate(hotplug);
        hotplug = hotplug_free(hotplug);
        return r;
}

int plugged_look(const struct config *config, struct plugged *ret_plugged)
{
        sd_event *event = NULL;

        memset(ret_plugged, 0, sizeof(*ret_plugged));
        ret_plugged->profiles = config->profiles;
        int r = sd_event_new(&event);
        if (r >= 0)
                r = enumerate(event, config, ret_plugged);
        event = sd_event_unref(event);
        qsort(ret_plugged->devices, ret_plugged->n, sizeof(ret_plugged->devices[0]), compare_paths);
        return r < 0 ? r : 0;
}

const struct plugged_device *plugged_find(const struct plugged *plugged, const char *usb_path)
{
        for (unsigned i = 0; i < plugged->n; i++)
                if (text_equal(plugged->devices[i].usb.path, usb_path))
                        return &plugged->devices[i];
        return NULL;
}
