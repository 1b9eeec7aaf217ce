/*
 * The unified diff of `smswarden config --diff`.
 */
#include "../../src/cli/diff.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_diff(void **state _unused_)
{
        static const struct {
                const char *old, *new, *result;
        } cases[] = {
            {"a\nb\n", "a\nb\n", ""},
            {"", "", ""},
            {"a\n", "b\n", "@@ -1 +1 @@\n-a\n+b\n"},
            {"", "b\n", "@@ -0,0 +1 @@\n+b\n"},
            {"a\n", "", "@@ -1 +0,0 @@\n-a\n"},
            {"a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
            {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
             "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
            {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "x\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\ny\n",
             "@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+y\n"},
            {"1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n",
             "@@ -1,8 +1,8 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n"},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = NULL;
                size_t size = 0;
                FILE *file = open_memstream(&text, &size);
                const struct diff_side old = {"o", cases[i].old, strlen(cases[i].old)};
                const struct diff_side new = {"n", cases[i].new, strlen(cases[i].new)};
                assert_int_equal(diff_print(file, &old, &new), 0);
                assert_int_equal(fclose(file), 0);
                const char *head = "--- o\n+++ n\n";
                assert_string_equal(text_starts_with(text, head) ? text + strlen(head) : text,
                                    cases[i].result);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_diff),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
