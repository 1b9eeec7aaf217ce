/* The families: found by name and by USB id, and settings that smsd accepts as one line each. */
#include "core/profile.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
        uint16_t vendor, product;
        const char *name; /* NULL: no known modem */
} ids[] = {
    {0x2c7c, 0x0121, "quectel-ec2x"},
    {0x2c7c, 0x0125, "quectel-ec2x"},
    {0x2c7c, 0x0191, "quectel-ec2x"},
    {0x2c7c, 0x0195, "quectel-ec2x"},
    {0x2c7c, 0x0296, "quectel-bg9x"},
    {0x2c7c, 0x0306, "quectel-ec2x"},
    {0x2c7c, 0x0512, "quectel-ec2x"},
    {0x2c7c, 0x0800, "quectel-ec2x"},
    {0x05c6, 0x9215, "quectel-ec2x"},
    {0x1e0e, 0x9001, "simcom-sim7x00"},
    {0x1e0e, 0x9011, "simcom-sim7x00"},
    {0x2c7c, 0x0000, NULL},
    {0x05c6, 0x9008, NULL},
    {0x0403, 0x6001, NULL},
    {0, 0, NULL},
    {0x04e8, 0x6860, NULL}, /* without a CDC ACM interface */
};

static void test_ids(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                const struct usb_device device = {.vendor = ids[i].vendor, .product = ids[i].product};
                const struct profile *profile = profile_for_device(NULL, &device);
                if (!ids[i].name)
                        assert_null(profile);
                else
                        assert_string_equal(profile->name, ids[i].name);
        }
        const struct usb_device phone = {.vendor = 0x04e8,
                                         .product = 0x6860,
                                         .n_interfaces = 1,
                                         .interfaces = {{.class = 2, .subclass = 2}}};
        assert_string_equal(profile_for_device(NULL, &phone)->name, "samsung-acm");
}

static void test_names(void **state)
{
        size_t n = 0;

        (void)state;
        for (const struct profile *profile; (profile = profile_at(NULL, n)); n++) {
                assert_ptr_equal(profile_by_name(NULL, profile->name), profile);
                for (size_t k = 0; k < n; k++)
                        assert_int_not_equal(profile_at(NULL, k)->preference, profile->preference);
        }
        assert_int_equal(n, 5);
        assert_null(profile_by_name(NULL, "auto"));
        assert_null(profile_by_name(NULL, ""));
        assert_null(profile_by_name(NULL, "Generic"));
        assert_int_equal(profile_by_name(NULL, "generic")->rule, PORT_RULE_ANY_SERIAL);
}

static const char *setting(const char *profile, const char *key)
{
        for (const struct smsd_setting *p = profile_by_name(NULL, profile)->settings; p->key[0]; p++)
                if (text_equal(p->key, key))
                        return p->value;
        return NULL;
}

static void test_settings(void **state)
{
        (void)state;
        assert_string_equal(setting("quectel-ec2x", "check_memory_method"), "1");
        assert_string_equal(setting("quectel-ec2x", "sentsleeptime"), "1");
        assert_string_equal(setting("quectel-ec2x", "init"), "AT+CPMS=\"ME\",\"ME\",\"ME\"");
        assert_string_equal(setting("simcom-sim7x00", "check_memory_method"), "5");
        assert_string_equal(setting("simcom-sim7x00", "init"), "AT+CPMS=\"MT\",\"MT\",\"MT\"");
        assert_string_equal(setting("samsung-acm", "delaytime"), "2");
        assert_null(setting("generic", "init"));
        for (size_t i = 0; profile_at(NULL, i); i++)
                for (const struct smsd_setting *p = profile_at(NULL, i)->settings; p->key[0]; p++)
                        assert_true(strpbrk(p->value, "\r\n#") == NULL &&
                                    strlen(p->value) <= 99); /* smsd cuts init at 99 */
}

/* Samsung, then Quectel, then SIMCom: the order the gateway's owner is used to. */
static void test_preference(void **state)
{
        (void)state;
        assert_true(profile_by_name(NULL, "samsung-acm")->preference <
                    profile_by_name(NULL, "quectel-ec2x")->preference);
        assert_true(profile_by_name(NULL, "quectel-ec2x")->preference <
                    profile_by_name(NULL, "simcom-sim7x00")->preference);
        assert_true(profile_by_name(NULL, "simcom-sim7x00")->preference <
                    profile_by_name(NULL, "generic")->preference);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_ids),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_settings),
            cmocka_unit_test(test_preference),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
