/* What a profile's file may say, what is refused and with which words, and how tables are put together. */
#include "core/profile.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "core/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LONG_INIT                                                                                            \
        "AT+"                                                                                                \
        "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"

static const struct {
        const char *section, *key, *value;
        const char *message; /* a part of it; NULL: it is taken */
} lines[] = {
    {"profile", NULL, NULL, NULL},
    {"smsd.conf", NULL, NULL, NULL},
    {"modem GSM1", NULL, NULL, "[modem GSM1]: no such section; allowed: [profile], [smsd.conf]"},
    {"", "usb", "2c7c:0125", "write [profile] above it"},
    {"profile", "name", "my-modem", NULL},
    {"profile", "name", "other", "[profile] name: \"other\" is not the name of the file, my-modem"},
    {"profile", "description", "A modem, with any text", NULL},
    {"profile", "description",
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678 0", "longer than 79"},
    {"profile", "description", "a\tb", "control character"},
    {"profile", "usb", "2c7c:0125", NULL},
    {"profile", "usb", "2C7C:0125 \t 12d1:*", NULL},
    {"profile", "usb", "2c7c", "four hexadecimal digits"},
    {"profile", "usb", "2c7c:125", "four hexadecimal digits"},
    {"profile", "usb", "2c7c:01255", "four hexadecimal digits"},
    {"profile", "usb", "2c7c:0125,12d1:1506", "four hexadecimal digits"},
    {"profile", "usb", "2c7c:0x25", "four hexadecimal digits"},
    {"profile", "usb", "*:0125", "four hexadecimal digits"},
    {"profile", "usb", "2c7c:**", "four hexadecimal digits"},
    {"profile", "usb", "2c7c:0125 x", "four hexadecimal digits"},
    {"profile", "needs_class", "cdc-acm", NULL},
    {"profile", "needs_class", "none", NULL},
    {"profile", "needs_class", "hub", "allowed: none, cdc-acm"},
    {"profile", "port_rule", "quectel", NULL},
    {"profile", "port_rule", "interface-2", NULL},
    {"profile", "port_rule", "acm", NULL},
    {"profile", "port_rule", "any-serial", NULL},
    {"profile", "port_rule", "ttyUSB2",
     "[profile] port_rule: \"ttyUSB2\" is not known; allowed: quectel, interface-2, acm, any-serial"},
    {"profile", "port_rule", "", "allowed: quectel"},
    {"profile", "preference", "1", NULL},
    {"profile", "preference", "1000", NULL},
    {"profile", "preference", "0", "is not a number from 1 to 1000"},
    {"profile", "preference", "1001", "is not a number from 1 to 1000"},
    {"profile", "preference", "-1", "is not a number from 1 to 1000"},
    {"profile", "boot_timeout", "2min", NULL},
    {"profile", "boot_timeout", "0s", "is not a duration from 1s to 1h"},
    {"profile", "boot_timeout", "2h", "is not a duration from 1s to 1h"},
    {"profile", "boot_timeout", "soon", "is not a duration from 1s to 1h"},
    {"profile", "health_port", "yes", NULL},
    {"profile", "health_port", "perhaps", "allowed: yes, no"},
    {"profile", "ladder", "at usb power", NULL},
    {"profile", "ladder", "power", NULL},
    {"profile", "ladder", "none", NULL},
    {"profile", "ladder", "at hammer", "has an unknown step; allowed: at, usb, power"},
    {"profile", "ladder", "", "names no step"},
    {"profile", "color\x1b", "red", "[profile] color\\x1b: no such key; allowed: name, description, usb,"},
    {"smsd.conf", "init", "AT+CPMS=\"ME\",\"ME\",\"ME\"", NULL},
    {"smsd.conf", "init", LONG_INIT, "1 to 98 printable ASCII"},
    {"smsd.conf", "init", "AT\r", "printable ASCII"},
    {"smsd.conf", "init", "AT\xc3\xa9", "printable ASCII"},
    {"smsd.conf", "init", "", "printable ASCII"},
    {"smsd.conf", "rtscts", "no", NULL},
    {"smsd.conf", "rtscts", "maybe", "allowed: yes, no"},
    {"smsd.conf", "check_memory_method", "31", NULL},
    {"smsd.conf", "check_memory_method", "6", "allowed: 0 1 2 3 31 4 41 5"},
    {"smsd.conf", "check_memory_method", "1 2", "allowed: 0 1 2 3 31 4 41 5"},
    {"smsd.conf", "check_memory_method", "", "allowed: 0 1 2 3 31 4 41 5"},
    {"smsd.conf", "read_timeout", "0", "is not a number from 1 to 300"},
    {"smsd.conf", "delaytime", "99999999999999999999", "is not a number from 0 to 600"},
    {"smsd.conf", "device", "/dev/ttyUSB2", "is the port, which the controller finds"},
    {"smsd.conf", "Device", "/dev/ttyUSB2", "is the port, which the controller finds"},
    {"smsd.conf", "pin", "1234", "a key that a profile may not bring"},
    {"smsd.conf", "eventhandler", "/bin/sh", "a key that a profile may not bring"},
    {"smsd.conf", "delay_time", "1", "did you mean delaytime?"},
    {"smsd.conf", "", "1", "a key that a profile may not bring"},
};

static void test_lines(void **state)
{
        static struct profile profile, before;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                struct config_error error = {.message = ""};
                profile_init(&profile, "my-modem", true);
                before = profile;
                int r = profile_set(&profile, lines[i].section, lines[i].key, lines[i].value, &error);
                if (!lines[i].message) {
                        if (r != 0)
                                fail_msg("line %zu: %s", i, error.message);
                        continue;
                }
                if (r != -EINVAL || !strstr(error.message, lines[i].message))
                        fail_msg("line %zu: %d %s", i, r, error.message);
                assert_memory_equal(&profile, &before, sizeof(profile));
        }
}

static void set(struct profile *profile, const char *section, const char *key, const char *value)
{
        struct config_error error;

        if (profile_set(profile, section, key, value, &error) != 0)
                fail_msg("%s", error.message);
}

static void test_values(void **state)
{
        struct profile profile;
        struct config_error error;

        (void)state;
        profile_init(&profile, "x", true);
        assert_int_equal(profile.rule, PORT_RULE_ANY_SERIAL);
        assert_int_equal(profile_check(&profile, &error), -EINVAL);
        assert_non_null(strstr(error.message, "[profile] preference: is not set"));
        set(&profile, "profile", "preference", "7");
        assert_int_equal(profile_check(&profile, &error), 0);
        set(&profile, "profile", "usb", "2C7C:0125 12d1:*");
        set(&profile, "profile", "usb", "0000:0000");
        assert_int_equal(profile.n_ids, 3);
        assert_int_equal(profile.ids[0].vendor, 0x2c7c);
        assert_int_equal(profile.ids[0].product, 0x0125);
        assert_true(profile.ids[1].any_product && !profile.ids[2].any_product);
        set(&profile, "profile", "ladder", "power at");
        assert_int_equal(profile.ladder, PROFILE_STEP_AT | PROFILE_STEP_POWER);
        set(&profile, "profile", "boot_timeout", "2min");
        assert_int_equal(profile.boot_timeout, 2 * USEC_PER_MIN);
        set(&profile, "smsd.conf", "delaytime", "1");
        set(&profile, "smsd.conf", "init", "AT");
        set(&profile, "smsd.conf", "delaytime", "2"); /* the last counts */
        assert_int_equal(profile.n_settings, 2);
        assert_string_equal(profile.settings[0].value, "2");
}

static void test_bounds(void **state)
{
        struct profile profile;
        struct config_error error;
        const char *key;
        unsigned n = 0;

        (void)state;
        profile_init(&profile, "x", true);
        for (unsigned i = 0; i < PROFILE_IDS_MAX; i++)
                set(&profile, "profile", "usb", "2c7c:*");
        assert_int_equal(profile_set(&profile, "profile", "usb", "2c7c:*", &error), -EINVAL);
        assert_non_null(strstr(error.message, "makes more than 64 ids"));
        while ((key = smsd_setting_at(n))) {
                int r = profile_set(&profile, "smsd.conf", key, "1", &error);
                if (r < 0 && !strstr(error.message, "more than 24 settings"))
                        r = profile_set(&profile, "smsd.conf", key, "300", &error);
                if (r < 0 && !strstr(error.message, "more than 24 settings"))
                        r = profile_set(&profile, "smsd.conf", key, "yes", &error);
                assert_true(r == 0 || profile.n_settings == PROFILE_SETTINGS_MAX);
                assert_true(strlen(key) < SMSD_SETTING_KEY_MAX);
                n++;
        }
        assert_true(n > PROFILE_SETTINGS_MAX);
        assert_int_equal(profile.n_settings, PROFILE_SETTINGS_MAX);
}

static void test_names(void **state)
{
        (void)state;
        assert_int_equal(profile_name_check("quectel-ec2x"), 0);
        assert_int_equal(profile_name_check("A_1"), 0);
        assert_int_equal(profile_name_check("abcdefghijabcdefghijabcdefghijx"), 0);
        assert_int_equal(profile_name_check("abcdefghijabcdefghijabcdefghijxy"), -E2BIG);
        assert_int_equal(profile_name_check(""), -EINVAL);
        assert_int_equal(profile_name_check("auto"), -EINVAL);
        assert_int_equal(profile_name_check("-x"), -EINVAL);
        assert_int_equal(profile_name_check("a.b"), -EINVAL);
        assert_int_equal(profile_name_check("../x"), -EINVAL);
}

static struct profile make(const char *name, bool own, const char *usb)
{
        struct profile profile;

        profile_init(&profile, name, own);
        profile.preference = 50;
        set(&profile, "profile", "usb", usb);
        return profile;
}

static const char *found(const struct profile_table *table, uint16_t vendor, uint16_t product)
{
        struct usb_device device = {.vendor = vendor, .product = product};
        const struct profile *profile = profile_for_device(table, &device);

        return profile ? profile->name : "";
}

/* The user's own come first; one of the same name takes a shipped one's place whole. */
static void test_tables(void **state)
{
        _cleanup_free_ struct profile_table *table = profile_table_new();
        struct profile own = make("mine", true, "2c7c:0125 12d1:*"),
                       other = make("ours", true, "12d1:1506 1e0e:*"),
                       ec2x = make("quectel-ec2x", true, "1111:2222");
        const struct profile_table *builtin = profile_table_builtin();
        struct config_error error;
        const char *name;

        (void)state;
        for (unsigned i = 0; i < builtin->n; i++)
                assert_int_equal(profile_table_add(table, &builtin->items[i]), 0);
        assert_true(profile_table_equal(table, NULL));
        assert_int_equal(profile_table_add(table, &own), 0);
        assert_int_equal(profile_table_add(table, &other), 0);
        assert_false(profile_table_equal(table, NULL));
        assert_string_equal(found(table, 0x2c7c, 0x0125), "mine");
        assert_string_equal(found(table, 0x2c7c, 0x0121), "quectel-ec2x");
        assert_string_equal(found(table, 0x12d1, 0x1506), "ours"); /* a product before a vendor */
        assert_string_equal(found(table, 0x12d1, 0x1507), "mine");
        assert_string_equal(found(table, 0x1e0e, 0x9001), "simcom-sim7x00");
        assert_string_equal(found(table, 0x1e0e, 0x0001), "ours");
        assert_string_equal(found(NULL, 0x12d1, 0x1506), "");
        assert_int_equal(profile_table_check(table, &name, &error), 0);
        assert_int_equal(profile_table_add(table, &ec2x), 0);
        assert_int_equal(table->n, builtin->n + 2);
        assert_string_equal(found(table, 0x2c7c, 0x0121), "");
        assert_string_equal(found(table, 0x1111, 0x2222), "quectel-ec2x");
        other = make("ours", true, "2c7c:0125");
        assert_int_equal(profile_table_add(table, &other), 0);
        assert_int_equal(profile_table_check(table, &name, &error), -EINVAL);
        assert_string_equal(name, "ours");
        assert_non_null(strstr(error.message, "2c7c:0125 is in mine.ini too"));
        _cleanup_free_ struct profile_table *copy = profile_table_copy(table);
        assert_true(profile_table_equal(copy, table));
}

static void test_a_full_table(void **state)
{
        _cleanup_free_ struct profile_table *table = profile_table_new();
        struct profile profile;
        char name[16];

        (void)state;
        for (unsigned i = 0; i <= PROFILES_MAX; i++) {
                (void)text_format(name, sizeof(name), "p%u", i);
                profile = make(name, true, "1111:2222");
                assert_int_equal(profile_table_add(table, &profile), i < PROFILES_MAX ? 0 : -E2BIG);
        }
        profile = make("p3", true, "3333:2222");
        assert_int_equal(profile_table_add(table, &profile), 0); /* a known name needs no room */
        assert_int_equal(table->n, PROFILES_MAX);
}

static void test_the_configuration_names_them(void **state)
{
        static struct config config;
        struct config_error error;
        const struct profile *ec2x = profile_by_name(NULL, "quectel-ec2x");
        struct profile slow = make("slow", true, "1111:2222");

        (void)state;
        config_init(&config);
        assert_int_equal(config_set(&config, "modem GSM1", "profile", "ec25", &error), 0);
        assert_int_equal(config_check_profiles(&config, &error), -EINVAL);
        assert_string_equal(error.message,
                            "[modem GSM1] profile: \"ec25\" is not known; allowed: auto, generic, "
                            "quectel-bg9x, quectel-ec2x, samsung-acm, simcom-sim7x00");
        assert_int_equal(config_set(&config, "modem GSM1", "profile", "quectel-ec2x", &error), 0);
        assert_int_equal(config_check_profiles(&config, &error), 0);
        set(&slow, "profile", "boot_timeout", "3min");
        assert_int_equal(config_boot_timeout(&config.modems[0], ec2x), 90 * USEC_PER_SEC);
        assert_int_equal(config_boot_timeout(&config.modems[0], &slow), 3 * USEC_PER_MIN);
        assert_int_equal(config_boot_timeout(NULL, &slow), 3 * USEC_PER_MIN);
        assert_int_equal(config_boot_timeout(NULL, NULL), 90 * USEC_PER_SEC);
        assert_int_equal(config_set(&config, "modem GSM1", "boot_timeout", "10s", &error), 0);
        assert_int_equal(config_boot_timeout(&config.modems[0], &slow), 10 * USEC_PER_SEC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lines),
            cmocka_unit_test(test_values),
            cmocka_unit_test(test_bounds),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_tables),
            cmocka_unit_test(test_a_full_table),
            cmocka_unit_test(test_the_configuration_names_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
