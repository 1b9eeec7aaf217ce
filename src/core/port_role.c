/*
 * Descriptors into roles, see core/port_role.h. One function per rule; each looks at class, endpoints and
 * order only. What the kernel binds a driver to is no evidence: old kernels put an extra ttyUSB on the ECM
 * data interface, and a tty may be missing while the kernel is still at it.
 */
#include "core/port_role.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define CLASS_COMM   0x02
#define CLASS_VENDOR 0xff
#define SUBCLASS_ACM 0x02

static unsigned count_of(const struct usb_device *device)
{
        return device->n_interfaces < USB_INTERFACES_MAX ? device->n_interfaces : USB_INTERFACES_MAX;
}

/* A vendor-class serial port without an interrupt endpoint: Qualcomm's DIAG. */
static bool is_diag(const struct usb_interface *interface)
{
        return interface->class == CLASS_VENDOR && interface->subclass == 0xff && interface->bulk == 2 &&
               interface->interrupt == 0;
}

/*
 * NMEA, AT and modem of a Quectel: ff/00/00, two bulk endpoints and an interrupt. Newer ones (RM520N) mark
 * NMEA with protocol 40. ADB is ff/42/01, QMI ff/ff/ff, so neither is counted.
 */
static bool is_quectel_serial(const struct usb_interface *interface)
{
        return interface->class == CLASS_VENDOR && interface->subclass == 0x00 &&
               (interface->protocol == 0x00 || interface->protocol == 0x40) && interface->bulk == 2 &&
               interface->interrupt == 1;
}

static bool has_role(const struct port_map *map, enum port_role role)
{
        for (unsigned i = 0; i < USB_INTERFACES_MAX; i++)
                if (map->roles[i] == role)
                        return true;
        return false;
}

/* A role is given once, to the first that fits: a device that offers an interface twice must not make two AT
 * ports. */
static void give_role(struct port_map *map, unsigned index, enum port_role role)
{
        if (role != PORT_ROLE_CANDIDATE && has_role(map, role))
                return;
        map->roles[index] = role;
        if (role == PORT_ROLE_AT)
                map->at = (int)index;
        else if (role == PORT_ROLE_MODEM)
                map->modem = (int)index;
}

/*
 * The order is the same in every composition: RNDIS puts its two interfaces in front, ECM and audio append
 * theirs. AT+QCFG="usbcfg" can switch single ports off; then the order says nothing and each has to be proven
 * by AT.
 */
static void map_quectel(const struct usb_device *device, struct port_map *map)
{
        static const enum port_role order[] = {PORT_ROLE_NMEA, PORT_ROLE_AT, PORT_ROLE_MODEM};
        unsigned serials = 0, found = 0;

        for (unsigned i = 0; i < count_of(device); i++)
                serials += is_quectel_serial(&device->interfaces[i]);
        for (unsigned i = 0; i < count_of(device); i++) {
                const struct usb_interface *interface = &device->interfaces[i];
                if (is_diag(interface))
                        give_role(map, i, PORT_ROLE_DIAG);
                else if (is_quectel_serial(interface) && serials < ARRAY_SIZE(order))
                        give_role(map, i, PORT_ROLE_CANDIDATE);
                else if (is_quectel_serial(interface) && found < ARRAY_SIZE(order))
                        give_role(map, i, order[found++]);
        }
}

/* Interface numbers count from the first vendor-class one: RNDIS (e0/01/03 and 0a) takes 0 and 1 for itself.
 */
static void map_interface_2(const struct usb_device *device, struct port_map *map)
{
        static const enum port_role order[] = {PORT_ROLE_DIAG, PORT_ROLE_NMEA, PORT_ROLE_AT, PORT_ROLE_MODEM};
        int base = -1;

        for (unsigned i = 0; i < count_of(device); i++) {
                const struct usb_interface *interface = &device->interfaces[i];
                if (interface->class != CLASS_VENDOR || interface->bulk != 2)
                        continue;
                if (base < 0)
                        base = interface->number;
                int offset = interface->number - base;
                if (offset >= 0 && offset < (int)ARRAY_SIZE(order))
                        give_role(map, i, order[offset]);
        }
}

static void map_acm(const struct usb_device *device, struct port_map *map)
{
        for (unsigned i = 0; i < count_of(device); i++) {
                const struct usb_interface *interface = &device->interfaces[i];
                if (interface->class == CLASS_COMM && interface->subclass == SUBCLASS_ACM)
                        give_role(map, i, map->at < 0 ? PORT_ROLE_AT : PORT_ROLE_CANDIDATE);
        }
}

/* Whatever the kernel made a tty of, and what looks like a serial port and may become one. */
static void map_any_serial(const struct usb_device *device, struct port_map *map)
{
        for (unsigned i = 0; i < count_of(device); i++) {
                const struct usb_interface *interface = &device->interfaces[i];
                bool acm = interface->class == CLASS_COMM && interface->subclass == SUBCLASS_ACM;
                bool vendor = interface->class == CLASS_VENDOR && interface->bulk == 2;
                if (interface->node[0] != '\0' || acm || vendor)
                        give_role(map, i, PORT_ROLE_CANDIDATE);
        }
}

static void map_by_rule(const struct usb_device *device, enum port_rule rule, struct port_map *map)
{
        switch (rule) {
        case PORT_RULE_QUECTEL:
                map_quectel(device, map);
                break;
        case PORT_RULE_INTERFACE_2:
                map_interface_2(device, map);
                break;
        case PORT_RULE_ACM:
                map_acm(device, map);
                break;
        case PORT_RULE_ANY_SERIAL:
                map_any_serial(device, map);
                break;
        }
}

/* What the device is when it is no modem at the moment; PORT_MAP_OK when nothing speaks against it. */
static enum port_map_result judge_state(const struct usb_device *device, const struct profile *profile)
{
        if (device->vendor == 0x05c6 && device->product == 0x9008)
                return PORT_MAP_DOWNLOAD_MODE;
        if (strstr(device->model, "QHSUSB__BULK"))
                return PORT_MAP_CRASHED;
        if (!profile)
                return PORT_MAP_NO_PROFILE;
        /* bcdDevice 0.00 alone is no sign: a healthy BG96 has it too. */
        if (profile->rule == PORT_RULE_QUECTEL && device->release == 0 && device->n_interfaces == 1)
                return PORT_MAP_CRASHED;
        return PORT_MAP_OK;
}

void port_map_device(const struct usb_device *device, const struct profile *profile, struct port_map *ret_map)
{
        struct port_map map = {.at = -1, .modem = -1};

        map.result = judge_state(device, profile);
        if (map.result == PORT_MAP_OK) {
                map_by_rule(device, profile->rule, &map);
                if (map.at < 0 && !has_role(&map, PORT_ROLE_CANDIDATE))
                        map.result = PORT_MAP_NO_AT_INTERFACE;
        }
        *ret_map = map;
}

const char *port_role_to_string(enum port_role role)
{
        static const char *const words[] = {
            [PORT_ROLE_NONE] = "none", [PORT_ROLE_DIAG] = "diag",   [PORT_ROLE_NMEA] = "nmea",
            [PORT_ROLE_AT] = "at",     [PORT_ROLE_MODEM] = "modem", [PORT_ROLE_CANDIDATE] = "candidate",
        };

        return (size_t)role < ARRAY_SIZE(words) ? words[role] : words[PORT_ROLE_NONE];
}

const char *port_map_result_to_string(enum port_map_result result)
{
        static const char *const sentences[] = {
            [PORT_MAP_OK] = "A modem whose ports are known.",
            [PORT_MAP_NO_PROFILE] =
                "Not a modem that is known here; name a profile for it in the configuration if it is one.",
            [PORT_MAP_CRASHED] =
                "The modem's firmware has crashed (QHSUSB__BULK): only cutting its power helps.",
            [PORT_MAP_DOWNLOAD_MODE] = "The modem is in emergency download mode (05c6:9008): cut its power; "
                                       "if it comes back like this, its firmware must be flashed again.",
            [PORT_MAP_NO_AT_INTERFACE] = "A known modem, but none of its interfaces looks like the AT port: "
                                         "check its USB mode (AT+QCFG=\"usbnet\" on a Quectel).",
        };

        return (size_t)result < ARRAY_SIZE(sentences) ? sentences[result] : sentences[PORT_MAP_NO_PROFILE];
}
