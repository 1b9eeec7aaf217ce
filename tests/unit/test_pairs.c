/* Lines of `key=value`: what is read, in which order, and what is damaged. */
#include "base/pairs.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int note(void *userdata, const char *key, const char *value)
{
        char *seen = userdata;

        if (text_equal(key, "stop"))
                return -ECANCELED;
        return text_append(seen, 256, "[%s|%s]", key, value);
}

static void test_texts(void **state)
{
        static const struct {
                const char *text, *seen;
                int result;
        } cases[] = {
            {"", "", 0},
            {"a=1\nb=2\n", "[a|1][b|2]", 0},
            {"a=1\nb=2", "[a|1][b|2]", 0}, /* no last line end */
            {"# a comment\n\na=1\n\n", "[a|1]", 0},
            {"a=b=c\n", "[a|b=c]", 0},
            {"a=\n", "[a|]", 0},
            {"=1\n", "[|1]", 0},
            {" a = 1 \n", "[ a | 1 ]", 0},
            {"a=1\nno pair\nb=2\n", "[a|1]", -EBADMSG},
            {"a=1\nstop=\nb=2\n", "[a|1]", -ECANCELED},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char seen[256] = "";
                assert_int_equal(pairs_read(cases[i].text, strlen(cases[i].text), note, seen),
                                 cases[i].result);
                assert_string_equal(seen, cases[i].seen);
        }
}

static void test_limits(void **state)
{
        char text[PAIRS_LINE_MAX + 1], seen[256] = "";
        (void)state;

        assert_int_equal(pairs_read("a\0b=1\n", 6, note, seen), -EBADMSG);
        memset(text, 'x', sizeof(text));
        memcpy(text, "stop=", 5);
        assert_int_equal(pairs_read(text, PAIRS_LINE_MAX - 1, note, seen), -ECANCELED);
        assert_int_equal(pairs_read(text, PAIRS_LINE_MAX, note, seen), -EBADMSG);
        assert_string_equal(seen, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_texts),
            cmocka_unit_test(test_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
