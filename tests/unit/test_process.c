/*
 * /proc/PID/stat: real lines, and names chosen to confuse.
 */
#include "core/process.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define REST                                                                                                 \
        " 5516 3233 34816 -1 4194304 1075 151 1 0 1 0 0 0 20 0 1 0 149712 6463488 1398 "                     \
        "18446744073709551615 0\n"

static void test_names(void **state)
{
        static const char *const names[] = {"smsd", "a b", "a) S 1 1 1 1 (b", ")", "((", "", "a\nb"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                struct process_stat stat;
                char text[512];
                assert_true(snprintf(text, sizeof(text), "6014 (%s) S 5522" REST, names[i]) > 0);
                assert_int_equal(process_stat_parse(text, &stat), 0);
                assert_string_equal(stat.comm, names[i]);
                assert_int_equal(stat.parent, 5522);
                assert_int_equal(stat.group, 5516);
                assert_int_equal(stat.terminal, 34816);
                assert_int_equal(stat.start_time, 149712);
        }
}

static void test_refused(void **state)
{
        static const char *const lines[] = {
            "",
            "6014",
            "6014 (smsd",
            "6014 )smsd(",
            "6014 (smsd)",
            "6014 (smsd) S",
            "6014 (smsd) S ",
            "6014 (smsd) S 5522",
            "6014 (smsd) S x" REST,
            "6014 (smsd) S 99999999999" REST,
            "6014 (smsd) S 9999999999999999999999999999" REST,
            "6014 (smsd) S 5522 5516 3233 34816 -1 4194304 1075 151 1 0 1 0 0 0 20 0 1 0 ",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                struct process_stat stat = {.start_time = 42};
                assert_int_equal(process_stat_parse(lines[i], &stat), -EINVAL);
                assert_int_equal(stat.start_time, 42);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_refused)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
