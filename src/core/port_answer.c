/*
 * What udev is told of a port, see core/port_answer.h.
 */
#include "core/port_answer.h"

#include "base/text.h"
#include "core/port_role.h"

#include <stdbool.h>

static const struct modem_config *settings_for(const struct config *config, const char *usb_path)
{
        const struct modem_config *best = NULL;

        for (unsigned i = 0; config && i < config->n_modems; i++)
                best = modem_config_prefer(best, &config->modems[i], usb_path);
        return best;
}

static int find_interface(const struct usb_device *device, int number)
{
        for (unsigned i = 0; i < device->n_interfaces && i < USB_INTERFACES_MAX; i++)
                if (device->interfaces[i].number == number)
                        return (int)i;
        return -1;
}

static const char *refusal(enum port_map_result result)
{
        switch (result) {
        case PORT_MAP_CRASHED:
                return "crashed";
        case PORT_MAP_DOWNLOAD_MODE:
                return "download-mode";
        case PORT_MAP_NO_AT_INTERFACE:
                return "no-at-port";
        case PORT_MAP_OK:
        case PORT_MAP_NO_PROFILE:
                break;
        }
        return NULL;
}

static int append_port(enum port_role role, const struct modem_config *settings, char *target, size_t size)
{
        int r = 0;

        if (role != PORT_ROLE_NONE)
                r = text_append(target, size, "ID_SMSWARDEN_ROLE=%s\n", port_role_to_string(role));
        if (r == 0 && role == PORT_ROLE_AT && settings && settings->link[0])
                r = text_append(target, size, "ID_SMSWARDEN_LINK=%s\n", settings->link);
        return r;
}

int port_answer(const struct usb_device *device, int interface, const struct config *config, char *target,
                size_t size)
{
        const struct modem_config *settings = settings_for(config, device->path);
        struct usb_device asked = *device;
        int index = find_interface(device, interface);
        struct port_map map;

        target[0] = '\0';
        if (index >= 0) /* udev asks because the kernel has made it */
                (void)text_copy(asked.interfaces[index].node, DEVICE_NODE_MAX, "tty");
        const struct profile *profile =
            profile_choose(config ? config->profiles : NULL, settings ? settings->profile : "auto", device);
        port_map_device(&asked, profile, &map);
        if (map.result == PORT_MAP_NO_PROFILE)
                return 0;
        int r = text_format(target, size, "ID_SMSWARDEN=1\nID_SMSWARDEN_PATH=%s\n", device->path);
        if (r == 0 && refusal(map.result))
                return text_append(target, size, "ID_SMSWARDEN_REFUSED=%s\n", refusal(map.result));
        return r < 0 || index < 0 ? r : append_port(map.roles[index], settings, target, size);
}
