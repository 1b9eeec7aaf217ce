/* Compositions as the modems show them, as tables of interfaces, into roles; and the devices that must not be
 * taken. */
#include "core/port_role.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* One letter a shape; in a composition a '+' behind it says that the kernel made a tty of it, a '=' before it
 * repeats the number. */
static const struct {
        char letter;
        struct usb_interface shape;
} shapes[] = {
    {'D', {.class = 0xff, .subclass = 0xff, .protocol = 0xff, .bulk = 2}}, /* DIAG, FTDI */
    {'d', {.class = 0xff, .subclass = 0xff, .protocol = 0x30, .bulk = 2}}, /* DIAG of 5G modems */
    {'S', {.class = 0xff, .bulk = 2, .interrupt = 1}},                     /* NMEA, AT, modem */
    {'N', {.class = 0xff, .protocol = 0x40, .bulk = 2, .interrupt = 1}},   /* NMEA of RM520N */
    {'Q', {.class = 0xff, .subclass = 0xff, .protocol = 0xff, .bulk = 2, .interrupt = 1}}, /* QMI */
    {'B', {.class = 0xff, .subclass = 0x42, .protocol = 0x01, .bulk = 2}},                 /* ADB */
    {'E', {.class = 0x02, .subclass = 0x06, .interrupt = 1}},                              /* ECM */
    {'0', {.class = 0x0a, .bulk = 2}},                                                     /* CDC data */
    {'R', {.class = 0xe0, .subclass = 0x01, .protocol = 0x03, .interrupt = 1}},            /* RNDIS */
    {'A', {.class = 0x02, .subclass = 0x02, .protocol = 0x01, .interrupt = 1}},            /* CDC ACM */
    {'U', {.class = 0x01, .subclass = 0x01, .protocol = 0x20}},                            /* audio */
    {'M', {.class = 0x08, .subclass = 0x06, .protocol = 0x50, .bulk = 2}},                 /* disk */
};

static const struct composition {
        const char *name;
        uint16_t vendor, product, release;
        const char *model;
        const char *profile; /* asked for; NULL by the ids */
        const char *interfaces;
        enum port_map_result result;
        int at, modem;
        const char *roles; /* a letter an interface: d n A m c, - none */
} compositions[] = {
    {"EC25 QMI", 0x2c7c, 0x0125, 0x0318, "EC25-AF", NULL, "D+S+S+S+Q", PORT_MAP_OK, 2, 3, "dnAm-"},
    {"EC25, three ttys to come", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "DSSS+Q", PORT_MAP_OK, 2, 3,
     "dnAm-"},
    {"EC25 ECM", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "D+S+S+S+E0", PORT_MAP_OK, 2, 3, "dnAm--"},
    {"EC25 ECM, old kernel", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "D+S+S+S+E0+", PORT_MAP_OK, 2, 3,
     "dnAm--"},
    {"EC25 RNDIS", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "R0D+S+S+S+", PORT_MAP_OK, 4, 5, "--dnAm"},
    {"EC25 audio", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "D+S+S+S+QUUU", PORT_MAP_OK, 2, 3, "dnAm----"},
    {"EC25 adb", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "D+S+S+S+BQ", PORT_MAP_OK, 2, 3, "dnAm--"},
    {"EC25, a port off: prove each", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "D+S+S+", PORT_MAP_OK, -1, -1,
     "dcc"},
    {"EC25, one number for all", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "S+=S+=S+=S+=S+", PORT_MAP_OK, 1, 2,
     "nAm--"},
    {"EC25, network only", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "Q", PORT_MAP_NO_AT_INTERFACE, -1, -1,
     "-"},
    {"EC25, nothing at all", 0x2c7c, 0x0125, 0x0318, "Android", NULL, "", PORT_MAP_NO_AT_INTERFACE, -1, -1,
     ""},
    {"EC25 crashed", 0x2c7c, 0x0125, 0x0000, "QHSUSB__BULK", NULL, "D+", PORT_MAP_CRASHED, -1, -1, "-"},
    {"EC25 crashed, no strings", 0x2c7c, 0x0125, 0x0000, "", NULL, "D+", PORT_MAP_CRASHED, -1, -1, "-"},
    {"EC25 whole, bcdDevice 0.00", 0x2c7c, 0x0125, 0x0000, "Android", NULL, "D+S+S+S+Q", PORT_MAP_OK, 2, 3,
     "dnAm-"},
    {"download mode", 0x05c6, 0x9008, 0x0000, "QHSUSB__BULK", NULL, "D+", PORT_MAP_DOWNLOAD_MODE, -1, -1,
     "-"},
    {"download mode, profile asked", 0x05c6, 0x9008, 0x0000, "x", "generic", "D+", PORT_MAP_DOWNLOAD_MODE, -1,
     -1, "-"},
    {"EC21", 0x2c7c, 0x0121, 0x0318, "EC21", NULL, "D+S+S+S+Q", PORT_MAP_OK, 2, 3, "dnAm-"},
    {"EG91", 0x2c7c, 0x0191, 0x0318, "EG91", NULL, "D+S+S+S+Q", PORT_MAP_OK, 2, 3, "dnAm-"},
    {"EC20, Qualcomm's id", 0x05c6, 0x9215, 0x0232, "Android", NULL, "D+S+S+S+Q", PORT_MAP_OK, 2, 3, "dnAm-"},
    {"RM500Q", 0x2c7c, 0x0800, 0x0414, "RM500Q-GL", NULL, "d+S+S+S+Q", PORT_MAP_OK, 2, 3, "dnAm-"},
    {"RM520N", 0x2c7c, 0x0801, 0x0504, "RM520N-GL", NULL, "d+N+S+S+Q", PORT_MAP_OK, 2, 3, "dnAm-"},
    {"BG96, healthy with 0.00", 0x2c7c, 0x0296, 0x0000, "MSM", NULL, "D+D+Q+Q+Q", PORT_MAP_OK, 2, 3, "dnAm-"},
    {"SIM7600", 0x1e0e, 0x9001, 0x0318, "SimTech", NULL, "D+S+S+S+S+Q", PORT_MAP_OK, 2, 3, "dnAm--"},
    {"SIM7600, a number twice", 0x1e0e, 0x9001, 0x0318, "SimTech", NULL, "D+S+S+=S+S+", PORT_MAP_OK, 2, 4,
     "dnA-m"},
    {"SIM7600 RNDIS", 0x1e0e, 0x9011, 0x0318, "SimTech", NULL, "R0D+S+S+S+S+", PORT_MAP_OK, 4, 5, "--dnAm-"},
    {"Samsung phone", 0x04e8, 0x6860, 0x0400, "Android", NULL, "MA+0", PORT_MAP_OK, 1, -1, "-A-"},
    {"Samsung, two ACM", 0x04e8, 0x6860, 0x0400, "Android", NULL, "A+0A+0", PORT_MAP_OK, 0, -1, "A-c-"},
    {"Samsung disk", 0x04e8, 0x61f5, 0x0100, "SSD T5", NULL, "M", PORT_MAP_NO_PROFILE, -1, -1, "-"},
    {"FTDI", 0x0403, 0x6001, 0x0600, "FT232R", NULL, "D+", PORT_MAP_NO_PROFILE, -1, -1, "-"},
    {"FTDI declared a modem", 0x0403, 0x6001, 0x0600, "FT232R", "generic", "D+", PORT_MAP_OK, -1, -1, "c"},
    {"unknown Quectel", 0x2c7c, 0x6005, 0x0318, "Android", NULL, "S+", PORT_MAP_NO_PROFILE, -1, -1, "-"},
    {"unknown, generic", 0x2c7c, 0x6005, 0x0318, "Android", "generic", "R0S+S", PORT_MAP_OK, -1, -1, "--cc"},
    {"generic without a port", 0x1234, 0x5678, 0x0100, "", "generic", "M", PORT_MAP_NO_AT_INTERFACE, -1, -1,
     "-"},
};

static struct usb_interface shape_of(char letter)
{
        for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
                if (shapes[i].letter == letter)
                        return shapes[i].shape;
        fail_msg("no shape %c", letter);
        return (struct usb_interface){0};
}

static struct usb_device device_of(const struct composition *composition)
{
        struct usb_device device = {.path = "1-1",
                                    .vendor = composition->vendor,
                                    .product = composition->product,
                                    .release = composition->release};
        uint8_t number = 0;

        assert_int_equal(text_copy(device.model, sizeof(device.model), composition->model), 0);
        for (const char *p = composition->interfaces; *p; p++) {
                bool again = *p == '=';
                struct usb_interface *interface = &device.interfaces[device.n_interfaces++];
                *interface = shape_of(again ? *++p : *p);
                interface->number = again ? (uint8_t)(number - 1) : number++;
                if (p[1] == '+') {
                        assert_int_equal(text_copy(interface->node, DEVICE_NODE_MAX, "/dev/ttyUSB9"), 0);
                        p++;
                }
        }
        return device;
}

static void test_compositions(void **state)
{
        static const char letters[] = {
            [PORT_ROLE_NONE] = '-', [PORT_ROLE_DIAG] = 'd',  [PORT_ROLE_NMEA] = 'n',
            [PORT_ROLE_AT] = 'A',   [PORT_ROLE_MODEM] = 'm', [PORT_ROLE_CANDIDATE] = 'c'};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(compositions); i++) {
                const struct composition *composition = &compositions[i];
                struct usb_device device = device_of(composition);
                char roles[USB_INTERFACES_MAX + 1] = "";
                struct port_map map;
                port_map_device(&device,
                                composition->profile ? profile_by_name(NULL, composition->profile)
                                                     : profile_for_device(NULL, &device),
                                &map);
                for (unsigned k = 0; k < device.n_interfaces; k++)
                        roles[k] = letters[map.roles[k]];
                if (map.result != composition->result || map.at != composition->at ||
                    map.modem != composition->modem || strcmp(roles, composition->roles) != 0)
                        fail_msg("%s: %d at %d modem %d %s", composition->name, map.result, map.at, map.modem,
                                 roles);
        }
}

/* The tty's number or presence must never change the judgement. */
static void test_tty_nodes_do_not_matter(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(compositions); i++) {
                if (compositions[i].profile)
                        continue; /* generic goes by them */
                struct usb_device device = device_of(&compositions[i]);
                struct port_map with, without;
                port_map_device(&device, profile_for_device(NULL, &device), &with);
                for (unsigned k = 0; k < USB_INTERFACES_MAX; k++)
                        assert_int_equal(
                            text_format(device.interfaces[k].node, DEVICE_NODE_MAX, "/dev/ttyUSB%u", 15 - k),
                            0);
                port_map_device(&device, profile_for_device(NULL, &device), &without);
                assert_memory_equal(&with, &without, sizeof(with));
        }
}

static void test_more_interfaces_than_room(void **state)
{
        struct usb_device device = device_of(&compositions[0]);
        struct port_map map;

        (void)state;
        device.n_interfaces = 4000000000U;
        port_map_device(&device, profile_for_device(NULL, &device), &map);
        assert_int_equal(map.result, PORT_MAP_OK);
        assert_int_equal(map.at, 2);
}

static void test_words(void **state)
{
        static const char *const roles[] = {"none", "diag", "nmea", "at", "modem", "candidate"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
                assert_string_equal(port_role_to_string((enum port_role)i), roles[i]);
        assert_string_equal(port_role_to_string((enum port_role)77), "none");
        for (int i = PORT_MAP_OK; i <= PORT_MAP_NO_AT_INTERFACE; i++)
                for (int k = PORT_MAP_OK; k < i; k++)
                        assert_string_not_equal(port_map_result_to_string((enum port_map_result)i),
                                                port_map_result_to_string((enum port_map_result)k));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_compositions),
            cmocka_unit_test(test_tty_nodes_do_not_matter),
            cmocka_unit_test(test_more_interfaces_than_room),
            cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
