/* Any descriptors and any devpath: interfaces within bounds and in order, and an answer for udev that is made
 * of harmless lines. */
#include "base/cleanup.h"
#include "base/text.h"
#include "core/port_answer.h"
#include "core/usb_descriptors.h"
#include "core/usb_path.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HARMLESS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void check_answer(const struct usb_device *device, int interface)
{
        char answer[PORT_ANSWER_MAX];

        require(port_answer(device, interface, NULL, answer, sizeof(answer)) == 0);
        for (const char *line = answer; *line; line += strcspn(line, "\n") + 1) {
                require(text_starts_with(line, "ID_SMSWARDEN"));
                const char *value = line + strspn(line, HARMLESS);
                require(*value == '=');
                size_t length = strspn(value + 1, HARMLESS);
                require(length > 0 && value[1 + length] == '\n');
        }
}

static void check_device(const struct usb_device *device)
{
        require(device->n_interfaces <= USB_INTERFACES_MAX);
        for (unsigned i = 0; i < device->n_interfaces; i++) {
                const struct usb_interface *interface = &device->interfaces[i];
                require(i == 0 || interface->number > device->interfaces[i - 1].number);
                require(interface->bulk + interface->interrupt <= 30);
                check_answer(device, interface->number);
        }
        check_answer(device, -1);
}

static void check_devpath(const uint8_t *data, size_t size)
{
        char devpath[256];
        struct usb_place place;

        (void)text_copy_n(devpath, sizeof(devpath), (const char *)data, size);
        if (usb_path_find(devpath, &place) < 0)
                return;
        require(usb_path_is_valid(place.path, strlen(place.path)));
        require(place.length >= strlen(place.path) && place.length <= strlen(devpath));
        require(strncmp(devpath + place.length - strlen(place.path), place.path, strlen(place.path)) == 0);
        require((place.interface < 0) == (place.configuration < 0) && place.interface < 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct usb_device device;

        if (size < 1)
                return 0;
        if (usb_descriptors_parse(data + 1, size - 1, data[0] & 3, &device) == 0) {
                (void)text_copy(device.path, sizeof(device.path), "1-1.2");
                (void)text_copy_n(device.model, sizeof(device.model), (const char *)data, size);
                check_device(&device);
                device.vendor = 0x2c7c; /* the ways behind an id that is known */
                device.product = 0x0125;
                check_device(&device);
        }
        check_devpath(data, size);
        return 0;
}
