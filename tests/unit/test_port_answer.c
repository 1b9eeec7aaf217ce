/* What udev is told of each port, and that nothing a device says gets into it. */
#include "core/port_answer.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct usb_device make(uint16_t vendor, uint16_t product, uint16_t release, const char *model,
                              unsigned serials)
{
        struct usb_device device = {.vendor = vendor, .product = product, .release = release};

        (void)text_copy(device.path, sizeof(device.path), "1-1.2");
        (void)text_copy(device.model, sizeof(device.model), model);
        device.interfaces[0] =
            (struct usb_interface){.class = 0xff, .subclass = 0xff, .protocol = 0xff, .bulk = 2};
        for (uint8_t i = 1; i <= serials; i++)
                device.interfaces[i] =
                    (struct usb_interface){.number = i, .class = 0xff, .bulk = 2, .interrupt = 1};
        device.n_interfaces = 1 + serials;
        return device;
}

static void check(const struct usb_device *device, int interface, const struct config *config,
                  const char *expected)
{
        char answer[PORT_ANSWER_MAX];

        assert_int_equal(port_answer(device, interface, config, answer, sizeof(answer)), 0);
        assert_string_equal(answer, expected);
}

#define OURS "ID_SMSWARDEN=1\nID_SMSWARDEN_PATH=1-1.2\n"

static void test_roles(void **state)
{
        static const char *const roles[] = {"diag", "nmea", "at", "modem"};
        struct usb_device device = make(0x2c7c, 0x0125, 0x318, "Evil\nID_SMSWARDEN_ROLE=at", 3);
        (void)state;

        for (int i = 0; i < 4; i++) {
                char expected[128];
                (void)text_format(expected, sizeof(expected), OURS "ID_SMSWARDEN_ROLE=%s\n", roles[i]);
                check(&device, i, NULL, expected);
        }
        check(&device, -1, NULL, OURS);
        check(&device, 4, NULL, OURS); /* no such interface: a device that lies */
        device.interfaces[4] = (struct usb_interface){.number = 4, .class = 0x0a, .bulk = 2};
        device.n_interfaces = 5;
        check(&device, 4, NULL, OURS);
        device = make(0x2c7c, 0x0125, 0x318, "", 2); /* which of the two is AT has to be proven */
        check(&device, 2, NULL, OURS "ID_SMSWARDEN_ROLE=candidate\n");
}

static void test_refused_and_strangers(void **state)
{
        struct usb_device device = make(0x2c7c, 0x0125, 0, "QHSUSB__BULK", 0);
        (void)state;

        check(&device, 0, NULL, OURS "ID_SMSWARDEN_REFUSED=crashed\n");
        check(&device, -1, NULL, OURS "ID_SMSWARDEN_REFUSED=crashed\n");
        device = make(0x05c6, 0x9008, 0, "QHSUSB__BULK", 0);
        check(&device, 0, NULL, OURS "ID_SMSWARDEN_REFUSED=download-mode\n");
        device = make(0x2c7c, 0x0125, 0x318, "", 0);
        check(&device, 0, NULL, OURS "ID_SMSWARDEN_REFUSED=no-at-port\n");
        device = make(0x0403, 0x6001, 0x600, "FT232R", 0);
        check(&device, 0, NULL, "");
        check(&device, -1, NULL, "");
        device = make(0x2c7c, 0xffff, 0x318, "", 3);
        check(&device, 2, NULL, "");
}

static void set(struct config *config, const char *section, const char *key, const char *value)
{
        struct config_error error;

        if (config_set(config, section, key, value, &error) < 0)
                fail_msg("%s", error.message);
}

static void test_the_configuration_decides(void **state)
{
        static struct config config;
        struct usb_device modem = make(0x2c7c, 0x0125, 0x318, "", 3),
                          stranger = make(0x0403, 0x6001, 0, "", 0);
        (void)state;

        config_init(&config);
        check(&modem, 2, &config, OURS "ID_SMSWARDEN_ROLE=at\n");
        set(&config, "modem GSM1", "link", "ttyUSB_AT");
        check(&modem, 2, &config, OURS "ID_SMSWARDEN_ROLE=at\nID_SMSWARDEN_LINK=ttyUSB_AT\n");
        check(&modem, 3, &config, OURS "ID_SMSWARDEN_ROLE=modem\n");
        check(&modem, -1, &config, OURS);
        check(&stranger, 0, &config, "");

        set(&config, "modem GSM2", "match", "usb=1-1.2"); /* that one is the other's */
        check(&modem, 2, &config, OURS "ID_SMSWARDEN_ROLE=at\n");
        set(&config, "modem GSM2", "link", "SMS-second");
        check(&modem, 2, &config, OURS "ID_SMSWARDEN_ROLE=at\nID_SMSWARDEN_LINK=SMS-second\n");
        set(&config, "modem GSM2", "match", "usb=1-1.3");
        check(&modem, 2, &config, OURS "ID_SMSWARDEN_ROLE=at\nID_SMSWARDEN_LINK=ttyUSB_AT\n");

        set(&config, "modem GSM3", "match", "device=/dev/ttyAMA0");
        set(&config, "modem GSM3", "profile", "generic");
        check(&stranger, 0, &config, "");
        set(&config, "modem GSM2", "match", "usb=1-1.2");
        set(&config, "modem GSM2", "profile", "generic");
        check(&stranger, 0, &config, OURS "ID_SMSWARDEN_ROLE=candidate\n");
        /* A port that no descriptor would tell: the kernel made a tty of it. */
        stranger.interfaces[0].class = 0x0a;
        check(&stranger, 0, &config, OURS "ID_SMSWARDEN_ROLE=candidate\n");
}

static void test_longest(void **state)
{
        static struct config config;
        struct usb_device device = make(0x2c7c, 0x0125, 0x318, "", 3);
        char answer[PORT_ANSWER_MAX], small[16];
        (void)state;

        (void)text_copy(device.path, sizeof(device.path), "1-1.2.3.4.5.6.7.8.9.10.11.12.13");
        config_init(&config);
        set(&config, "modem GSM1", "link", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_int_equal(port_answer(&device, 2, &config, answer, sizeof(answer)), 0);
        assert_int_equal(port_answer(&device, 2, &config, small, sizeof(small)), -ENAMETOOLONG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_roles),
            cmocka_unit_test(test_refused_and_strangers),
            cmocka_unit_test(test_the_configuration_decides),
            cmocka_unit_test(test_longest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
