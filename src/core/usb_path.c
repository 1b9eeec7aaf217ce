/*
 * The kernel's names of USB devices, see core/usb_path.h.
 */
#include "core/usb_path.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

/* The digits at `from`, none behind `length`. */
static size_t span_digits(const char *name, size_t from, size_t length)
{
        size_t to = from;

        while (to < length && name[to] >= '0' && name[to] <= '9')
                to++;
        return to - from;
}

bool usb_path_is_valid(const char *name, size_t length)
{
        size_t at = span_digits(name, 0, length);
        char separator = '-';

        if (at == 0 || at == length || length >= USB_PATH_MAX)
                return false;
        for (; at < length; separator = '.') {
                if (name[at] != separator)
                        return false;
                size_t digits = span_digits(name, at + 1, length);
                if (digits == 0)
                        return false;
                at += 1 + digits;
        }
        return true;
}

/* A whole number from 0 to 255, alone between two signs. */
static int take_number(const char *text, size_t length)
{
        char number[4];
        unsigned value;

        if (text_copy_n(number, sizeof(number), text, length) < 0 ||
            parse_unsigned(number, 0, UINT8_MAX, &value) < 0)
                return -1;
        return (int)value;
}

/* "1-1.2:1.4" below the folder "1-1.2". */
static void take_interface(const char *name, size_t length, struct usb_place *place)
{
        size_t head = strlen(place->path);

        if (length <= head || strncmp(name, place->path, head) != 0 || name[head] != ':')
                return;
        const char *numbers = name + head + 1;
        size_t rest = length - head - 1, first = span_digits(numbers, 0, rest);
        if (first >= rest || numbers[first] != '.')
                return;
        int configuration = take_number(numbers, first);
        int interface = take_number(numbers + first + 1, rest - first - 1);
        if (configuration < 0 || interface < 0)
                return;
        place->configuration = configuration;
        place->interface = interface;
}

int usb_path_find(const char *devpath, struct usb_place *ret_place)
{
        struct usb_place place = {.configuration = -1, .interface = -1};
        size_t length;

        for (const char *name = devpath; *name; name += length) {
                name += *name == '/';
                length = strcspn(name, "/");
                if (usb_path_is_valid(name, length)) {
                        place = (struct usb_place){.configuration = -1, .interface = -1};
                        (void)text_copy_n(place.path, sizeof(place.path), name, length); /* it fits */
                        place.length = (size_t)(name + length - devpath);
                } else if (place.length > 0 && place.interface < 0)
                        take_interface(name, length, &place);
        }
        if (place.length == 0)
                return -ENODEV;
        *ret_place = place;
        return 0;
}
