/* Binary descriptors: those that a kernel showed, and those of a device that lies. */
#include "core/usb_descriptors.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* /sys/.../1-1/descriptors of an EG25-G on a real kernel. */
static const uint8_t recorded[] = {
    0x12, 0x01, 0x00, 0x02, 0x00, 0x00, 0x00, 0x40, 0x7c, 0x2c, 0x25, 0x01, 0x18, 0x03, 0x01, 0x02, 0x00,
    0x01, 0x09, 0x02, 0xd1, 0x00, 0x05, 0x01, 0x00, 0xa0, 0xfa, 0x09, 0x04, 0x00, 0x00, 0x02, 0xff, 0xff,
    0xff, 0x00, 0x07, 0x05, 0x81, 0x02, 0x00, 0x02, 0x00, 0x07, 0x05, 0x01, 0x02, 0x00, 0x02, 0x00, 0x09,
    0x04, 0x01, 0x00, 0x03, 0xff, 0x00, 0x00, 0x00, 0x05, 0x24, 0x00, 0x10, 0x01, 0x05, 0x24, 0x01, 0x00,
    0x00, 0x04, 0x24, 0x02, 0x02, 0x05, 0x24, 0x06, 0x00, 0x00, 0x07, 0x05, 0x83, 0x03, 0x0a, 0x00, 0x09,
    0x07, 0x05, 0x82, 0x02, 0x00, 0x02, 0x00, 0x07, 0x05, 0x02, 0x02, 0x00, 0x02, 0x00, 0x09, 0x04, 0x02,
    0x00, 0x03, 0xff, 0x00, 0x00, 0x00, 0x05, 0x24, 0x00, 0x10, 0x01, 0x05, 0x24, 0x01, 0x00, 0x00, 0x04,
    0x24, 0x02, 0x02, 0x05, 0x24, 0x06, 0x00, 0x00, 0x07, 0x05, 0x85, 0x03, 0x0a, 0x00, 0x09, 0x07, 0x05,
    0x84, 0x02, 0x00, 0x02, 0x00, 0x07, 0x05, 0x03, 0x02, 0x00, 0x02, 0x00, 0x09, 0x04, 0x03, 0x00, 0x03,
    0xff, 0x00, 0x00, 0x00, 0x05, 0x24, 0x00, 0x10, 0x01, 0x05, 0x24, 0x01, 0x00, 0x00, 0x04, 0x24, 0x02,
    0x02, 0x05, 0x24, 0x06, 0x00, 0x00, 0x07, 0x05, 0x87, 0x03, 0x0a, 0x00, 0x09, 0x07, 0x05, 0x86, 0x02,
    0x00, 0x02, 0x00, 0x07, 0x05, 0x04, 0x02, 0x00, 0x02, 0x00, 0x09, 0x04, 0x04, 0x00, 0x03, 0xff, 0xff,
    0xff, 0x00, 0x07, 0x05, 0x89, 0x03, 0x08, 0x00, 0x09, 0x07, 0x05, 0x88, 0x02, 0x00, 0x02, 0x00, 0x07,
    0x05, 0x05, 0x02, 0x00, 0x02, 0x00};

static void check_interface(const struct usb_interface *interface, uint8_t number, uint32_t class,
                            uint8_t bulk, uint8_t interrupt)
{
        assert_int_equal(interface->number, number);
        assert_int_equal(interface->class << 16 | interface->subclass << 8 | interface->protocol, class);
        assert_int_equal(interface->bulk, bulk);
        assert_int_equal(interface->interrupt, interrupt);
        assert_string_equal(interface->node, "");
}

static void test_recorded(void **state)
{
        struct usb_device device;
        (void)state;

        for (unsigned configuration = 0; configuration <= 1; configuration++) {
                memset(&device, 0xff, sizeof(device));
                assert_int_equal(usb_descriptors_parse(recorded, sizeof(recorded), configuration, &device),
                                 0);
                assert_int_equal(device.vendor, 0x2c7c);
                assert_int_equal(device.product, 0x0125);
                assert_int_equal(device.release, 0x0318);
                assert_string_equal(device.path, "");
                assert_string_equal(device.model, "");
                assert_int_equal(device.n_interfaces, 5);
                check_interface(&device.interfaces[0], 0, 0xffffff, 2, 0);
                for (uint8_t i = 1; i <= 3; i++)
                        check_interface(&device.interfaces[i], i, 0xff0000, 2, 1);
                check_interface(&device.interfaces[4], 4, 0xffffff, 2, 1);
        }
        assert_int_equal(usb_descriptors_parse(recorded, sizeof(recorded), 2, &device), -ENOENT);
}

/* The file ends anywhere: what was whole before the cut counts, and nothing behind the end is read. */
static void test_cut(void **state)
{
        (void)state;

        for (size_t length = 0; length < sizeof(recorded); length++) {
                uint8_t *copy = malloc(length + 1); /* of exactly that size, for the sanitizer */
                assert_non_null(copy);
                uint8_t *bytes = copy + 1;
                memcpy(bytes, recorded, length);
                struct usb_device device;
                int r = usb_descriptors_parse(bytes, length, 0, &device);
                assert_int_equal(r, length < 18 ? -EINVAL : length < 27 ? -ENOENT : 0);
                if (r == 0)
                        assert_int_equal(device.n_interfaces, (length >= 36) + (length >= 59) +
                                                                  (length >= 108) + (length >= 157) +
                                                                  (length >= 206));
                free(copy);
        }
}

/* --- devices made up --- */

#define DEVICE                             18, 1, 0, 2, 0, 0, 0, 64, 0x7c, 0x2c, 0x25, 0x01, 0x18, 0x03, 1, 2, 0, 1
#define CONFIG(n, inside)                  9, 2, (uint8_t)((inside) + 9), (uint8_t)(((inside) + 9) >> 8), 1, n, 0, 0xa0, 0xfa
#define INTERFACE(n, alternate, endpoints) 9, 4, n, alternate, endpoints, 0xff, 0, 0, 0
#define BULK(address)                      7, 5, address, 2, 0, 2, 0
#define INTERRUPT(address)                 7, 5, address, 3, 8, 0, 9

static void test_made_up(void **state)
{
        static const struct {
                const char *name;
                uint8_t bytes[128];
                size_t length;
                unsigned configuration;
                int result;
                unsigned interfaces;
                uint8_t first_number, bulk, interrupt; /* of the first */
        } cases[] = {
            {"no configuration", {DEVICE}, 18, 0, -ENOENT, 0, 0, 0, 0},
            {"not a device first", {CONFIG(1, 0), DEVICE}, 27, 0, -EINVAL, 0, 0, 0, 0},
            {"a short device", {17, 1, 0}, 18, 0, -EINVAL, 0, 0, 0, 0},
            {"a longer device", {20, 1, [20] = CONFIG(1, 0)}, 29, 0, 0, 0, 0, 0, 0},
            {"the second configuration",
             {DEVICE, CONFIG(1, 9), INTERFACE(0, 0, 0), CONFIG(2, 16), INTERFACE(7, 0, 1), BULK(0x81)},
             61,
             2,
             0,
             1,
             7,
             1,
             0},
            {"the first when not configured",
             {DEVICE, CONFIG(3, 9), INTERFACE(5, 0, 0), CONFIG(2, 9), INTERFACE(7, 0, 0)},
             54,
             0,
             0,
             1,
             5,
             0,
             0},
            {"a total shorter than what follows", /* the rest is no configuration */
             {DEVICE, CONFIG(1, 9), INTERFACE(0, 0, 1), INTERFACE(1, 0, 1)},
             45,
             0,
             0,
             1,
             0,
             0,
             0},
            {"a total of nothing",
             {DEVICE, 9, 2, 0, 0, 1, 1, 0, 0, 0, INTERFACE(0, 0, 0)},
             36,
             0,
             0,
             0,
             0,
             0,
             0},
            {"a total beyond the end",
             {DEVICE, CONFIG(1, 60000), INTERFACE(4, 0, 1), BULK(1)},
             43,
             0,
             0,
             1,
             4,
             1,
             0},
            {"a length of 0 ends it",
             {DEVICE, CONFIG(1, 20), INTERFACE(0, 0, 0), 0, 4, INTERFACE(1, 0, 0)},
             47,
             0,
             0,
             1,
             0,
             0,
             0},
            {"a length of 1 ends it",
             {DEVICE, CONFIG(1, 20), INTERFACE(0, 0, 0), 1, 4, INTERFACE(1, 0, 0)},
             47,
             0,
             0,
             1,
             0,
             0,
             0},
            {"a length past the end ends it",
             {DEVICE, CONFIG(1, 20), INTERFACE(0, 0, 0), 255, 0, INTERFACE(1, 0, 0)},
             47,
             0,
             0,
             1,
             0,
             0,
             0},
            {"unknown types are stepped over",
             {DEVICE, CONFIG(1, 20), 8, 11, 0, 2, 2, 2, 1, 0, 3, 0x24, 0, INTERFACE(2, 0, 0)},
             47,
             0,
             0,
             1,
             2,
             0,
             0},
            {"a short interface is none",
             {DEVICE, CONFIG(1, 8), 8, 4, 0, 0, 0, 0xff, 0, 0},
             35,
             0,
             0,
             0,
             0,
             0,
             0},
            {"a short endpoint is none",
             {DEVICE, CONFIG(1, 15), INTERFACE(0, 0, 2), 6, 5, 0x81, 2, 0, 2},
             42,
             0,
             0,
             1,
             0,
             0,
             0},
            {"other alternate settings do not count",
             {DEVICE, CONFIG(1, 32), INTERFACE(0, 0, 0), INTERFACE(0, 1, 2), BULK(0x81), BULK(0x01)},
             59,
             0,
             0,
             1,
             0,
             0,
             0},
            {"a number comes once",
             {DEVICE, CONFIG(1, 32), INTERFACE(3, 0, 2), BULK(0x81), INTERFACE(3, 0, 2), BULK(0x01)},
             59,
             0,
             0,
             1,
             3,
             1,
             0},
            {"an address comes once",
             {DEVICE, CONFIG(1, 30), INTERFACE(0, 0, 3), BULK(0x81), BULK(0x81), BULK(0x01)},
             57,
             0,
             0,
             1,
             0,
             2,
             0},
            {"no more endpoints than announced",
             {DEVICE, CONFIG(1, 30), INTERFACE(0, 0, 1), BULK(0x81), BULK(0x82), INTERRUPT(0x83)},
             57,
             0,
             0,
             1,
             0,
             1,
             0},
            {"endpoint 0 is none",
             {DEVICE, CONFIG(1, 23), INTERFACE(0, 0, 2), BULK(0x80), INTERRUPT(0x00)},
             50,
             0,
             0,
             1,
             0,
             0,
             0},
            {"endpoints without an interface",
             {DEVICE, CONFIG(1, 16), BULK(0x81), INTERFACE(0, 0, 1)},
             43,
             0,
             0,
             1,
             0,
             0,
             0},
            {"in any order: endpoints stay with theirs",
             {DEVICE, CONFIG(1, 39), INTERFACE(9, 0, 2), BULK(0x81), INTERFACE(1, 0, 2), INTERRUPT(0x82),
              BULK(0x02)},
             66,
             0,
             0,
             2,
             1,
             1,
             1},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct usb_device device = {.n_interfaces = 99};
                int r =
                    usb_descriptors_parse(cases[i].bytes, cases[i].length, cases[i].configuration, &device);
                if (r != cases[i].result)
                        fail_msg("%s: %d", cases[i].name, r);
                if (device.n_interfaces != (r < 0 ? 99 : cases[i].interfaces))
                        fail_msg("%s: %u interfaces", cases[i].name, device.n_interfaces);
                const struct usb_interface *first = &device.interfaces[0];
                if (r == 0 && (first->number != cases[i].first_number || first->bulk != cases[i].bulk ||
                               first->interrupt != cases[i].interrupt))
                        fail_msg("%s: interface %u has %u bulk, %u interrupt", cases[i].name, first->number,
                                 first->bulk, first->interrupt);
        }
}

static void test_many_interfaces(void **state)
{
        uint8_t bytes[27 + 9 * 255] = {DEVICE, CONFIG(1, 9 * 255)};
        struct usb_device device;
        (void)state;

        for (unsigned i = 0; i < 255; i++) {
                const uint8_t interface[] = {INTERFACE((uint8_t)(254 - i), 0, 0)};
                memcpy(bytes + 27 + 9 * i, interface, sizeof(interface));
        }
        assert_int_equal(usb_descriptors_parse(bytes, sizeof(bytes), 0, &device), 0);
        assert_int_equal(device.n_interfaces, USB_INTERFACES_MAX);
        for (unsigned i = 1; i < device.n_interfaces; i++)
                assert_true(device.interfaces[i].number > device.interfaces[i - 1].number);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_recorded),
            cmocka_unit_test(test_cut),
            cmocka_unit_test(test_made_up),
            cmocka_unit_test(test_many_interfaces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
