/* Any descriptors: never two AT ports, indexes within the device, and a result that agrees with the roles. */
#include "base/cleanup.h"
#include "core/port_role.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static unsigned count_role(const struct port_map *map, enum port_role role)
{
        unsigned n = 0;

        for (unsigned i = 0; i < USB_INTERFACES_MAX; i++)
                n += map->roles[i] == role;
        return n;
}

static void check_map(const struct usb_device *device, const struct profile *profile)
{
        struct port_map map;

        port_map_device(device, profile, &map);
        require(count_role(&map, PORT_ROLE_AT) == (map.at >= 0) &&
                count_role(&map, PORT_ROLE_MODEM) == (map.modem >= 0));
        require(map.at < 0 || map.roles[map.at] == PORT_ROLE_AT);
        require(map.modem < 0 || map.roles[map.modem] == PORT_ROLE_MODEM);
        require(map.at < (int)device->n_interfaces && map.modem < (int)device->n_interfaces);
        require((map.result == PORT_MAP_OK) == (map.at >= 0 || count_role(&map, PORT_ROLE_CANDIDATE) > 0));
        require(strlen(port_map_result_to_string(map.result)) > 0);
        for (unsigned i = 0; i < USB_INTERFACES_MAX; i++)
                require(strlen(port_role_to_string(map.roles[i])) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint16_t ids[][2] = {{0x2c7c, 0x0125}, {0x2c7c, 0x0296}, {0x1e0e, 0x9001},
                                          {0x04e8, 0x6860}, {0x05c6, 0x9008}, {0x0403, 0x6001}};
        struct usb_device device = {0};

        if (size < 4)
                return 0;
        device.vendor = ids[data[0] % ARRAY_SIZE(ids)][0];
        device.product = ids[data[0] % ARRAY_SIZE(ids)][1];
        device.release = data[1];
        device.n_interfaces = data[2] % 20;
        if (data[3] & 1)
                memcpy(device.model, "QHSUSB__BULK", sizeof("QHSUSB__BULK"));
        data += 4;
        size -= 4;
        for (unsigned i = 0; i < USB_INTERFACES_MAX && size >= 7; i++, data += 7, size -= 7) {
                static const uint8_t classes[] = {0xff, 0x02, 0x0a, 0xe0},
                                     subclasses[] = {0x00, 0xff, 0x02, 0x42},
                                     protocols[] = {0x00, 0xff, 0x40, 0x30};
                struct usb_interface *interface = &device.interfaces[i];
                *interface = (struct usb_interface){.number = data[0],
                                                    .class = classes[data[1] % 4],
                                                    .subclass = subclasses[data[2] % 4],
                                                    .protocol = protocols[data[3] % 4],
                                                    .bulk = data[4] % 4,
                                                    .interrupt = data[5] % 3};
                if (data[6] & 1)
                        memcpy(interface->node, "/dev/ttyUSB0", sizeof("/dev/ttyUSB0"));
        }
        check_map(&device, NULL);
        check_map(&device, profile_for_device(NULL, &device));
        for (size_t i = 0; profile_at(NULL, i); i++)
                check_map(&device, profile_at(NULL, i));
        return 0;
}
