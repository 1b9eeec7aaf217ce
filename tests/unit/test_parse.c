/*
 * base/parse: the whole text or an error, and the output untouched on failure.
 */
#include "base/parse.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UNTOUCHED 4711

static void test_u64(void **state)
{
        static const struct {
                const char *text;
                uint64_t min, max;
                int result;
                uint64_t value;
        } rows[] = {
            {"0", 0, UINT64_MAX, 0, 0},
            {"00012", 0, UINT64_MAX, 0, 12},
            {"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
            {"18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
            {"99999999999999999999999", 0, UINT64_MAX, -ERANGE, 0},
            {"7", 8, 9, -ERANGE, 0},
            {"8", 8, 9, 0, 8},
            {"9", 8, 9, 0, 9},
            {"10", 8, 9, -ERANGE, 0},
            {"", 0, 9, -EINVAL, 0},
            {" 1", 0, 9, -EINVAL, 0},
            {"1 ", 0, 9, -EINVAL, 0},
            {"+1", 0, 9, -EINVAL, 0},
            {"-1", 0, 9, -EINVAL, 0},
            {"0x1", 0, 9, -EINVAL, 0},
            {"1a", 0, 9, -EINVAL, 0},
            {"1\n", 0, 9, -EINVAL, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint64_t value = UNTOUCHED;
                assert_int_equal(parse_u64(rows[i].text, rows[i].min, rows[i].max, &value), rows[i].result);
                assert_int_equal(value, rows[i].result == 0 ? rows[i].value : UNTOUCHED);
        }
}

static void test_unsigned(void **state)
{
        unsigned value = UNTOUCHED;

        (void)state;
        assert_int_equal(parse_unsigned("4294967296", 0, UINT_MAX, &value), -ERANGE);
        assert_int_equal(parse_unsigned("x", 0, UINT_MAX, &value), -EINVAL);
        assert_int_equal(value, UNTOUCHED);
        assert_int_equal(parse_unsigned("4294967295", 0, UINT_MAX, &value), 0);
        assert_int_equal(value, UINT_MAX);
}

static void test_int(void **state)
{
        static const struct {
                const char *text;
                int min, max, result, value;
        } rows[] = {
            {"-5", -10, 10, 0, -5},
            {"5", -10, 10, 0, 5},
            {"-0", -10, 10, 0, 0},
            {"-11", -10, 10, -ERANGE, 0},
            {"11", -10, 10, -ERANGE, 0},
            {"2147483647", INT_MIN, INT_MAX, 0, INT_MAX},
            {"2147483648", INT_MIN, INT_MAX, -ERANGE, 0},
            {"-2147483648", INT_MIN, INT_MAX, 0, INT_MIN},
            {"-2147483649", INT_MIN, INT_MAX, -ERANGE, 0},
            {"-", -10, 10, -EINVAL, 0},
            {"--5", -10, 10, -EINVAL, 0},
            {"- 5", -10, 10, -EINVAL, 0},
            {"+5", -10, 10, -EINVAL, 0},
            {"", -10, 10, -EINVAL, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int value = UNTOUCHED;
                assert_int_equal(parse_int(rows[i].text, rows[i].min, rows[i].max, &value), rows[i].result);
                assert_int_equal(value, rows[i].result == 0 ? rows[i].value : UNTOUCHED);
        }
}

static void test_hex16(void **state)
{
        static const struct {
                const char *text;
                int result;
                uint16_t value;
        } rows[] = {
            {"2c7c", 0, 0x2c7c},  {"2C7C", 0, 0x2c7c}, {"0", 0, 0},           {"ffff", 0, 0xffff},
            {"02", 0, 2},         {"", -EINVAL, 0},    {"12345", -EINVAL, 0}, {"0x12", -EINVAL, 0},
            {"12g", -EINVAL, 0},  {" 12", -EINVAL, 0}, {"12 ", -EINVAL, 0},   {"-1", -EINVAL, 0},
            {"\xe9", -EINVAL, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint16_t value = UNTOUCHED;
                assert_int_equal(parse_hex16(rows[i].text, &value), rows[i].result);
                assert_int_equal(value, rows[i].result == 0 ? rows[i].value : UNTOUCHED);
        }
}

static void test_boolean(void **state)
{
        static const struct {
                const char *text;
                int result;
                bool value;
        } rows[] = {
            {"yes", 0, true},         {"YES", 0, true},     {"true", 0, true},     {"On", 0, true},
            {"1", 0, true},           {"no", 0, false},     {"False", 0, false},   {"off", 0, false},
            {"0", 0, false},          {"", -EINVAL, false}, {"y", -EINVAL, false}, {"2", -EINVAL, false},
            {"yes ", -EINVAL, false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                for (unsigned before = 0; before < 2; before++) {
                        bool value = before;
                        assert_int_equal(parse_boolean(rows[i].text, &value), rows[i].result);
                        assert_int_equal(value, rows[i].result == 0 ? rows[i].value : before);
                }
}

static void test_duration(void **state)
{
        static const struct {
                const char *text;
                int result;
                usec_t value;
        } rows[] = {
            {"90s", 0, 90 * USEC_PER_SEC},
            {"10min", 0, 10 * USEC_PER_MIN},
            {"10m", 0, 10 * USEC_PER_MIN},
            {"1h30min", 0, 90 * USEC_PER_MIN},
            {" 1h  30 min ", 0, 90 * USEC_PER_MIN},
            {"2 hours 1 minute 1 second", 0, 2 * USEC_PER_HOUR + USEC_PER_MIN + USEC_PER_SEC},
            {"45", 0, 45 * USEC_PER_SEC},
            {"0", 0, 0},
            {"1d", 0, USEC_PER_DAY},
            {"2weeks", 0, 14 * USEC_PER_DAY},
            {"250ms", 0, 250 * USEC_PER_MSEC},
            {"7us", 0, 7},
            {"1min 5", 0, 65 * USEC_PER_SEC},
            {"infinity", 0, USEC_INFINITY},
            {"18446744073709551614us", 0, USEC_INFINITY - 1},
            {"18446744073709551615us", -ERANGE, 0}, /* that would be "infinity" by accident */
            {"18446744073709551614us 1us", -ERANGE, 0},
            {"18446744073710s", -ERANGE, 0},
            {"99999999999999999999999999d", -ERANGE, 0},
            {"", -EINVAL, 0},
            {" ", -EINVAL, 0},
            {"s", -EINVAL, 0},
            {"min", -EINVAL, 0},
            {"-5s", -EINVAL, 0},
            {"+5s", -EINVAL, 0},
            {"1.5h", -EINVAL, 0},
            {"5x", -EINVAL, 0},
            {"5M", -EINVAL, 0},
            {"5minx", -EINVAL, 0},
            {"5s;", -EINVAL, 0},
            {"5s\n", -EINVAL, 0},
            {"1h infinity", -EINVAL, 0},
            {"infinityx", -EINVAL, 0},
            {"soon", -EINVAL, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                usec_t value = UNTOUCHED;
                int r = parse_duration(rows[i].text, &value);
                if (r != rows[i].result)
                        fail_msg("\"%s\" gave %d", rows[i].text, r);
                assert_true(value == (rows[i].result == 0 ? rows[i].value : UNTOUCHED));
        }
}

static void test_format_duration(void **state)
{
        static const struct {
                usec_t duration;
                const char *text;
        } rows[] = {
            {0, "0s"},
            {999, "0s"},
            {USEC_PER_MSEC, "1ms"},
            {250 * USEC_PER_MSEC, "250ms"},
            {45 * USEC_PER_SEC, "45s"},
            {1900 * USEC_PER_MSEC, "1s"},
            {90 * USEC_PER_SEC, "1min 30s"},
            {90 * USEC_PER_MIN, "1h 30min"},
            {90 * USEC_PER_MIN + 59 * USEC_PER_SEC, "1h 30min"},
            {USEC_PER_DAY + 5 * USEC_PER_MIN, "1d 5min"},
            {USEC_INFINITY, "forever"},
            {USEC_INFINITY - 1, "213503982d 8h"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char text[32];
                format_duration(text, sizeof(text), rows[i].duration);
                assert_string_equal(text, rows[i].text);
        }
}

/* A short buffer is cut, never overrun. */
static void test_format_duration_is_bounded(void **state)
{
        char text[8] = "xxxxxxx";

        (void)state;
        format_duration(text, 4, 90 * USEC_PER_MIN);
        assert_string_equal(text, "1h ");
        assert_int_equal(text[4], 'x');
}

static void test_usec(void **state)
{
        (void)state;
        assert_true(usec_add(1, 2) == 3);
        assert_true(usec_add(USEC_INFINITY, 0) == USEC_INFINITY);
        assert_true(usec_add(0, USEC_INFINITY) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY, USEC_INFINITY) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY - 1, 2) == USEC_INFINITY);
        assert_true(usec_sub(5, 3) == 2);
        assert_true(usec_sub(3, 5) == 0);
        assert_true(usec_min(3, 5) == 3);
        assert_true(usec_min(USEC_INFINITY, 5) == 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_u64),
            cmocka_unit_test(test_unsigned),
            cmocka_unit_test(test_int),
            cmocka_unit_test(test_hex16),
            cmocka_unit_test(test_boolean),
            cmocka_unit_test(test_duration),
            cmocka_unit_test(test_format_duration),
            cmocka_unit_test(test_format_duration_is_bounded),
            cmocka_unit_test(test_usec),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
