/* The kernel's names of USB devices, alone and in a devpath. */
#include "core/usb_path.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
        static const struct {
                const char *name;
                bool valid;
        } cases[] = {
            {"1-1", true},
            {"1-1.2", true},
            {"12-10.4.3.2.1", true},
            {"1-1.2.3.4.5.6.7.8.9.10.11.12.13", true}, /* 31 characters */
            {"1-1.2.3.4.5.6.7.8.9.10.11.12.134", false},
            {"", false},
            {"1", false},
            {"1-", false},
            {"-1", false},
            {"usb1", false},
            {"1-1:1.0", false},
            {"1-1.", false},
            {"1-.1", false},
            {"1-1..2", false},
            {"1-1-2", false},
            {"1.1", false},
            {"1-1 ", false},
            {"1-0:1.0", false},
            {"0000:00:14.0", false},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (usb_path_is_valid(cases[i].name, strlen(cases[i].name)) != cases[i].valid)
                        fail_msg("%s", cases[i].name);
        assert_true(usb_path_is_valid("1-12", 3)); /* what stands behind it is not looked at */
        assert_true(usb_path_is_valid("1-1.2/ttyUSB0", 5));
        assert_false(usb_path_is_valid("1-1", 2));
        assert_false(usb_path_is_valid("1-1", 1));
}

#define BUS "/devices/platform/vhci_hcd.0/usb1"

static void test_places(void **state)
{
        static const struct {
                const char *devpath;
                const char *path; /* NULL: none */
                int configuration, interface;
                const char *folder;
        } cases[] = {
            {BUS "/1-1/1-1:1.2/ttyUSB2/tty/ttyUSB2", "1-1", 1, 2, BUS "/1-1"},
            {BUS "/1-1/1-1.2/1-1.2:2.14/tty/ttyACM0", "1-1.2", 2, 14, BUS "/1-1/1-1.2"},
            {BUS "/1-1/1-1.2", "1-1.2", -1, -1, BUS "/1-1/1-1.2"},
            {BUS "/1-1/", "1-1", -1, -1, BUS "/1-1"},
            {BUS "/1-1/1-2:1.2/x", "1-1", -1, -1, BUS "/1-1"}, /* of another device */
            {BUS "/1-1/1-1:1.256", "1-1", -1, -1, BUS "/1-1"},
            {BUS "/1-1/1-1:256.1", "1-1", -1, -1, BUS "/1-1"},
            {BUS "/1-1/1-1:1.", "1-1", -1, -1, BUS "/1-1"},
            {BUS "/1-1/1-1:.1", "1-1", -1, -1, BUS "/1-1"},
            {BUS "/1-1/1-1:1", "1-1", -1, -1, BUS "/1-1"},
            {BUS "/1-1/1-1:1.1.1", "1-1", -1, -1, BUS "/1-1"},
            {BUS "/1-1/1-1:", "1-1", -1, -1, BUS "/1-1"},
            {"/1-1", "1-1", -1, -1, "/1-1"},
            {"1-1/1-1:1.0", "1-1", 1, 0, "1-1"},
            {BUS, NULL, 0, 0, NULL},
            {BUS "/1-0:1.0", NULL, 0, 0, NULL},
            {"/devices/pnp0/00:01/tty/ttyS0", NULL, 0, 0, NULL},
            {"/devices/virtual/tty/tty1-1x", NULL, 0, 0, NULL},
            {"//", NULL, 0, 0, NULL},
            {"", NULL, 0, 0, NULL},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct usb_place place;
                int r = usb_path_find(cases[i].devpath, &place);
                assert_int_equal(r, cases[i].path ? 0 : -ENODEV);
                if (r < 0)
                        continue;
                assert_string_equal(place.path, cases[i].path);
                assert_int_equal(place.configuration, cases[i].configuration);
                assert_int_equal(place.interface, cases[i].interface);
                assert_int_equal(place.length, strlen(cases[i].folder));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_places),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
