/*
 * What must stop us in an smsd.conf, with the line that is told.
 */
#include "core/smsd_conf.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal)                                                                                        \
        {                                                                                                    \
                literal, sizeof(literal) - 1                                                                 \
        }

struct row {
        struct smsd_conf conf;
        int line;            /* -1: no error */
        const char *message; /* a part of it */
};

static const struct row rows[] = {
    {TEXT("devices=GSM1\n[GSM1]\ndevice=/dev/T1\n"), -1, ""},
    {TEXT("devices=GSM1\n[GSM1]\n"), -1, ""}, /* the device is ours to set */
    {TEXT("devices=GSM1\n[default]\ndevice=/dev/T1\n"), -1, ""},
    {TEXT("devices=GSM* 1-2\n[GSM*]\nbaudrate=9600\n[GSM1]\ndevice=/dev/T1\n"), -1, ""},
    {TEXT("devices=GSM1\r\n[GSM1]\r\n[foo]\r\nnonsense here\r\n"), -1, ""},
    {TEXT("devices=GSM1,GSM2\n[default]\ndevice=@127.0.0.1:1\n"), -1, ""},
    {TEXT("devices=GSM1,GSM2\n[GSM1]\ndevice=/dev/T1\n[GSM2]\ndevice=/dev//T1\n"), -1, ""},
    {TEXT("devices=GSM1,GSM2\n[GSM1]\ndevice=\n[GSM2]\ndevice=\n"), -1, ""},
    {TEXT("devices=GSM1,\n[GSM1]\n"), -1, ""},
    {TEXT("\xef\xbb\xbf"
          "devices=GSM1\n[GSM1]\n"),
     1, "byte order mark"},
    {TEXT("devices=GSM1\n[GSM1]\ndevice=/dev/T1\0\n"), 3, "NUL"},
    {TEXT("\0"), 1, "NUL"},
    {TEXT(""), 0, "devices is not set"},
    {TEXT("[GSM1]\ndevices=GSM1\n"), 0, "devices is not set"},
    {TEXT("#\ndevices=\n"), 2, "devices is empty"},
    {TEXT("devices=,GSM1\n[GSM1]\n"), 1, "empty name"},
    {TEXT("devices=GSM1,,GSM2\n[GSM1]\n[GSM2]\n"), 1, "empty name"},
    {TEXT("devices=GSM1 GSM2\n[GSM1]\n"), 1, "bad name"},
    {TEXT("\ndevices=G\x1b[31m\n"), 2, "G\\x1b[31m"},
    {TEXT("devices=aaaaaaaaaabbbbbbbbbbccccccccccde\n"), 1, "bad name"},
    {TEXT("devices=GSM* 1-65\n[default]\n"), 1, "more than 64"},
    {TEXT("devices=GSM1,GSM1\n[GSM1]\n"), 0, "GSM1 twice"},
    {TEXT("devices=GSM* 1-3,GSM2\n[default]\n"), 0, "GSM2 twice"},
    {TEXT("devices=GSM1\n[GSM2]\n"), 0, "no section [GSM1]"},
    {TEXT("devices=GSM1\n[gsm1]\n"), 0, "no section [GSM1]"},
    {TEXT("devices=GSM1\n#\n[ GSM1 ]\ndevice=/dev/T1\n"), 3, "write [GSM1]"},
    {TEXT("devices=GSM1\n[GSM1\t]\n[default]\n"), 2, "write [GSM1]"},
    {TEXT("devices=GSM1\n; comment\n[GSM1]\n"), 2, "not a setting"},
    {TEXT("devices=GSM1\n[GSM1]\n\ndevice /dev/T1\n"), 4, "device /dev/T1"},
    {TEXT("devices=GSM1\n[GSM1]\n[default]\n=x\n"), 4, "not a setting"},
    {TEXT("devices=GSM1,GSM2\n[GSM1]\ndevice=/dev/T1\n[GSM2]\ndevice=/dev/T1\n"), 5,
     "GSM1 and GSM2 have the same device /dev/T1"},
    {TEXT("devices=GSM1,GSM2\n[default]\ndevice=/dev/T1\n"), 3, "same device"},
};

static void test_table(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct smsd_conf_error error = {.line = 77, .message = "untouched"};
                int r = smsd_conf_check(&rows[i].conf, &error);
                bool right = rows[i].line < 0 ? r == 0 && text_equal(error.message, "untouched")
                                              : r == -EINVAL && error.line == (unsigned)rows[i].line &&
                                                    strstr(error.message, rows[i].message);
                if (!right)
                        fail_msg("row %zu (%s): %d, line %u: %s", i, rows[i].message, r, error.line,
                                 error.message);
                assert_int_equal(smsd_conf_check(&rows[i].conf, NULL), r);
        }
}

static void test_sizes(void **state)
{
        static const char good[] = "devices=GSM1\n[GSM1]\n#";
        _cleanup_free_ char *text = malloc(SMSD_CONF_SIZE_MAX + 1);
        struct smsd_conf_error error;

        (void)state;
        assert_non_null(text);
        memset(text, '\n', SMSD_CONF_SIZE_MAX + 1);
        memcpy(text, good, sizeof(good) - 1);
        struct smsd_conf conf = {text, SMSD_CONF_SIZE_MAX};
        assert_int_equal(smsd_conf_check(&conf, &error), 0);
        conf.length++;
        assert_int_equal(smsd_conf_check(&conf, &error), -EINVAL);
        assert_int_equal(error.line, 0);
        memset(text + sizeof(good) - 1, 'x', SMSD_CONF_LINE_MAX - 1);
        conf.length--;
        assert_int_equal(smsd_conf_check(&conf, &error), 0);
        text[sizeof(good) - 1 + SMSD_CONF_LINE_MAX - 1] = 'x';
        assert_int_equal(smsd_conf_check(&conf, &error), -EINVAL);
        assert_int_equal(error.line, 3);
        assert_non_null(strstr(error.message, "4127"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_sizes)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
