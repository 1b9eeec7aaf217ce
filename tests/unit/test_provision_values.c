/*
 * What may be asked for by provisioning, and nothing else may: it ends up in an AT command.
 */
#include "core/provision.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_apn_names(void **state)
{
        static const struct {
                const char *apn;
                bool valid;
        } names[] = {
            {"internet", true},
            {"online.telia.se", true},
            {"a", true},
            {"1.2-3.x", true},
            {"NET", true},
            {"mnc001.mcc246.example", true},
            {"12345678901234567890123456789012345678901234567890123456789012", true},
            {"123456789012345678901234567890123456789012345678901234567890123", false},
            {"", false},
            {".", false},
            {"a.", false},
            {".a", false},
            {"a..b", false},
            {"-a", false},
            {"a-", false},
            {"a.-b", false},
            {"a b", false},
            {"a\"", false},
            {"a\",\"x", false},
            {"a;+CFUN=0", false},
            {"a\r", false},
            {"a\nAT", false},
            {"a_b", false},
            {"*", false},
            {"caf\xc3\xa9", false},
            {"rac1", false},
            {"LACE", false},
            {"sgsn.x", false},
            {"rnc", false},
            {"gprs", false},
            {"internet.mnc001.mcc246.gprs", false},
            {"x.GPRS", false},
            {"gprs.omnitel.net", true},
            {"http://172.18.83.129", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (provision_apn_is_valid(names[i].apn) != names[i].valid)
                        fail_msg("%s", names[i].apn);
}

static void test_values(void **state)
{
        static const char *const bad_cnmi[] = {
            "",          "2",         "2,1,0,0",     "2,1,0,0,0,0", "4,1,0,0,0", "2,2,0,0,0",
            "2,3,0,0,0", "2,1,0,1,0", "2,1,0,0,0\r", "2,1,0,0,\"",  "2;1,0,0,0"};
        static const char *const bad_cpms[] = {"",         "M",        "XX", "ME,ME",  "ME,ME,ME,",
                                               "ME,ME,XX", "ME;ME,ME", "me", "\"ME\"", "ME,ME;ME"};
        char cpms[3][3] = {"??", "??", "??"};

        (void)state;
        assert_true(provision_cnmi_is_valid("2,1,0,0,0"));
        assert_true(provision_cnmi_is_valid("3,0,0,2,1"));
        for (size_t i = 0; i < ARRAY_SIZE(bad_cnmi); i++)
                assert_false(provision_cnmi_is_valid(bad_cnmi[i]));
        for (size_t i = 0; i < ARRAY_SIZE(bad_cpms); i++)
                assert_int_equal(provision_cpms_parse(bad_cpms[i], cpms), -EINVAL);
        assert_string_equal(cpms[2], "??");
        assert_int_equal(provision_cpms_parse("ME", cpms), 0);
        assert_string_equal(cpms[2], "ME");
        assert_int_equal(provision_cpms_parse("SM,ME,MT", cpms), 0);
        assert_string_equal(cpms[0], "SM");
        assert_string_equal(cpms[2], "MT");
}

static void test_words(void **state)
{
        struct provision_config config;

        (void)state;
        provision_config_init(&config);
        assert_true(provision_config_is_empty(&config));
        config.ims = 0;
        assert_false(provision_config_is_empty(&config));
        for (int i = PROVISION_RUNNING; i <= PROVISION_LOST; i++)
                assert_true(strlen(provision_verdict_to_sentence((enum provision_verdict)i)) > 10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_apn_names),
            cmocka_unit_test(test_values),
            cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
