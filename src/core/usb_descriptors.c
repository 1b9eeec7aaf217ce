/*
 * A walk over the descriptors, see core/usb_descriptors.h: each begins with its length and its type. Only
 * four types are of interest; what the classes and vendors put between them is stepped over.
 */
#include "core/usb_descriptors.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <string.h>

#define TYPE_DEVICE        1
#define TYPE_CONFIGURATION 2
#define TYPE_INTERFACE     4
#define TYPE_ENDPOINT      5

#define DEVICE_LENGTH        18
#define CONFIGURATION_LENGTH 9
#define INTERFACE_LENGTH     9
#define ENDPOINT_LENGTH      7

#define TRANSFER_BULK      2
#define TRANSFER_INTERRUPT 3

/* What is left to read. */
struct rest {
        const uint8_t *bytes;
        size_t length;
};

/* The interface that the endpoints belong to. */
struct reader {
        struct usb_device *device;
        struct usb_interface *interface; /* NULL: another alternate setting, or one too many */
        unsigned endpoints;              /* that it may still have, by its own word */
        uint32_t seen;                   /* their addresses: IN in the upper half */
};

static uint16_t little_endian(const uint8_t *bytes)
{
        return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* Cuts the next descriptor off; NULL at the end, or where one is longer than the rest. */
static const uint8_t *next_descriptor(struct rest *rest)
{
        const uint8_t *descriptor = rest->bytes;

        if (rest->length < 2 || descriptor[0] < 2 || descriptor[0] > rest->length)
                return NULL;
        rest->bytes += descriptor[0];
        rest->length -= descriptor[0];
        return descriptor;
}

static bool is_type(const uint8_t *descriptor, uint8_t type, uint8_t length)
{
        return descriptor[1] == type && descriptor[0] >= length;
}

static bool has_interface(const struct usb_device *device, uint8_t number)
{
        for (unsigned i = 0; i < device->n_interfaces; i++)
                if (device->interfaces[i].number == number)
                        return true;
        return false;
}

/* Keeps the order of the numbers; a device may list its interfaces in any order. */
static struct usb_interface *insert_interface(struct usb_device *device, uint8_t number)
{
        unsigned i = device->n_interfaces;

        if (i == USB_INTERFACES_MAX)
                return NULL;
        for (; i > 0 && device->interfaces[i - 1].number > number; i--)
                device->interfaces[i] = device->interfaces[i - 1];
        device->interfaces[i] = (struct usb_interface){.number = number};
        device->n_interfaces++;
        return &device->interfaces[i];
}

/* Alternate setting 0 is what a device comes up in. */
static void take_interface(struct reader *reader, const uint8_t *descriptor)
{
        reader->interface = NULL;
        if (descriptor[3] != 0 || has_interface(reader->device, descriptor[2]))
                return;
        reader->interface = insert_interface(reader->device, descriptor[2]);
        if (!reader->interface)
                return;
        reader->endpoints = descriptor[4];
        reader->seen = 0;
        reader->interface->class = descriptor[5];
        reader->interface->subclass = descriptor[6];
        reader->interface->protocol = descriptor[7];
}

/* Each address once, and no more than were announced: so the kernel counts them too. */
static void take_endpoint(struct reader *reader, const uint8_t *descriptor)
{
        uint8_t address = descriptor[2];
        uint32_t bit = UINT32_C(1) << ((address & 0x0f) + (address & 0x80 ? 16 : 0));

        if (!reader->interface || reader->endpoints == 0 || (address & 0x0f) == 0 || reader->seen & bit)
                return;
        reader->seen |= bit;
        reader->endpoints--;
        if ((descriptor[3] & 3) == TRANSFER_BULK)
                reader->interface->bulk++;
        else if ((descriptor[3] & 3) == TRANSFER_INTERRUPT)
                reader->interface->interrupt++;
}

static void take_configuration(struct rest rest, struct usb_device *device)
{
        struct reader reader = {.device = device};
        const uint8_t *descriptor;

        while ((descriptor = next_descriptor(&rest))) {
                if (is_type(descriptor, TYPE_INTERFACE, INTERFACE_LENGTH))
                        take_interface(&reader, descriptor);
                else if (is_type(descriptor, TYPE_ENDPOINT, ENDPOINT_LENGTH))
                        take_endpoint(&reader, descriptor);
        }
}

/* Finds the configuration; *ret_inside is what lies in it, by its own total length and what is there of it.
 */
static int find_configuration(struct rest rest, unsigned wanted, struct rest *ret_inside)
{
        const uint8_t *descriptor;

        while ((descriptor = next_descriptor(&rest))) {
                if (!is_type(descriptor, TYPE_CONFIGURATION, CONFIGURATION_LENGTH))
                        return -ENOENT;
                size_t inside = little_endian(descriptor + 2);
                inside = inside > descriptor[0] ? inside - descriptor[0] : 0;
                if (inside > rest.length)
                        inside = rest.length;
                if (wanted == 0 || descriptor[5] == wanted) {
                        *ret_inside = (struct rest){rest.bytes, inside};
                        return 0;
                }
                rest.bytes += inside;
                rest.length -= inside;
        }
        return -ENOENT;
}

int usb_descriptors_parse(const uint8_t *bytes, size_t length, unsigned configuration,
                          struct usb_device *ret_device)
{
        struct rest rest = {bytes, length}, inside;
        struct usb_device device = {0};
        const uint8_t *descriptor = next_descriptor(&rest);

        if (!descriptor || !is_type(descriptor, TYPE_DEVICE, DEVICE_LENGTH))
                return -EINVAL;
        device.vendor = little_endian(descriptor + 8);
        device.product = little_endian(descriptor + 10);
        device.release = little_endian(descriptor + 12);
        int r = find_configuration(rest, configuration, &inside);
        if (r < 0)
                return r;
        take_configuration(inside, &device);
        *ret_device = device;
        return 0;
}
