/*
 * base/text: bounded copies, and foreign text that no terminal, log or file can be fooled with.
 */
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_copy(void **state)
{
        char target[8] = "xxxxxxx";

        (void)state;
        assert_int_equal(text_copy(target, 4, "abc"), 0);
        assert_string_equal(target, "abc");
        assert_int_equal(text_copy(target, 4, "abcd"), -ENAMETOOLONG);
        assert_string_equal(target, "abc");
        assert_int_equal(target[4], 'x');
        assert_int_equal(text_copy(target, 1, ""), 0);
        assert_string_equal(target, "");
        assert_int_equal(text_copy(target, 1, "a"), -ENAMETOOLONG);
        assert_string_equal(target, "");
}

static void test_copy_n(void **state)
{
        static const char raw[] = {'a', 'b', 'c'}; /* no NUL behind it */
        char target[8];

        (void)state;
        assert_int_equal(text_copy_n(target, sizeof(target), raw, sizeof(raw)), 0);
        assert_string_equal(target, "abc");
        assert_int_equal(text_copy_n(target, sizeof(target), "a\0b", 3), 0);
        assert_string_equal(target, "a");
        assert_int_equal(text_copy_n(target, 3, raw, sizeof(raw)), -ENAMETOOLONG);
        assert_string_equal(target, "ab");
        assert_int_equal(text_copy_n(target, sizeof(target), raw, 0), 0);
        assert_string_equal(target, "");
}

static void test_format_and_append(void **state)
{
        char target[8];

        (void)state;
        assert_int_equal(text_format(target, sizeof(target), "%d-%s", 12, "ab"), 0);
        assert_string_equal(target, "12-ab");
        assert_int_equal(text_append(target, sizeof(target), "%c", 'x'), 0);
        assert_int_equal(text_append(target, sizeof(target), "%s", "y"), 0);
        assert_string_equal(target, "12-abxy");
        assert_int_equal(text_append(target, sizeof(target), "%s", ""), 0);
        assert_int_equal(text_append(target, sizeof(target), "z"), -ENAMETOOLONG);
        assert_string_equal(target, "12-abxy");
        assert_int_equal(text_format(target, sizeof(target), "%s", "12345678"), -ENAMETOOLONG);
        assert_string_equal(target, "1234567");
}

static void test_comparisons(void **state)
{
        (void)state;
        assert_true(text_equal("a", "a"));
        assert_false(text_equal("a", "A"));
        assert_true(text_equal_nocase("aBc", "AbC"));
        assert_false(text_equal_nocase("abc", "ab"));
        assert_true(text_starts_with("abc", "ab"));
        assert_true(text_starts_with("abc", ""));
        assert_false(text_starts_with("ab", "abc"));
        assert_true(text_only("0102", "012", 4));
        assert_false(text_only("0102", "012", 3));
        assert_false(text_only("", "012", 4));
        assert_false(text_only("013", "012", 4));
}

#define KEPT(text)                                                                                           \
        {                                                                                                    \
                text, sizeof(text) - 1, text                                                                 \
        }
#define ESCAPED(text, escaped)                                                                               \
        {                                                                                                    \
                text, sizeof(text) - 1, escaped                                                              \
        }

static const struct {
        const char *source;
        size_t length;
        const char *escaped;
} escapes[] = {
    KEPT(""),
    KEPT("plain text ~!\"'"),
    KEPT("žinutė ✓ 🙂 \xef\xbf\xbd"),
    KEPT("\xc2\xa0"),         /* U+00A0, the first that is no control */
    KEPT("\xf3\xb0\x80\x80"), /* private use */
    ESCAPED("a\nb\r\tc\\", "a\\nb\\r\\tc\\\\"),
    ESCAPED("\0", "\\x00"),
    ESCAPED("\x1b[31m", "\\x1b[31m"),
    ESCAPED("\x7f", "\\x7f"),
    ESCAPED("\xc2\x9b", "\\xc2\\x9b"),                   /* U+009B: CSI */
    ESCAPED("\xc2\xad", "\\xc2\\xad"),                   /* soft hyphen */
    ESCAPED("\xd8\x9c", "\\xd8\\x9c"),                   /* U+061C, a bidi mark */
    ESCAPED("\xe2\x80\xae", "\\xe2\\x80\\xae"),          /* U+202E, bidi override */
    ESCAPED("\xe2\x80\x8b", "\\xe2\\x80\\x8b"),          /* zero width */
    ESCAPED("\xe2\x81\xa6", "\\xe2\\x81\\xa6"),          /* U+2066 */
    ESCAPED("\xe2\x81\xa0", "\\xe2\\x81\\xa0"),          /* U+2060 */
    ESCAPED("\xe2\x80\xa8", "\\xe2\\x80\\xa8"),          /* line separator */
    ESCAPED("\xef\xbb\xbf", "\\xef\\xbb\\xbf"),          /* BOM */
    ESCAPED("\xef\xbf\xbe", "\\xef\\xbf\\xbe"),          /* U+FFFE */
    ESCAPED("\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"), /* a tag */
    ESCAPED("\x80", "\\x80"),                            /* a lone continuation */
    ESCAPED("\xc3", "\\xc3"),                            /* cut off */
    ESCAPED("\xe2\x82", "\\xe2\\x82"),
    ESCAPED("\xc3(", "\\xc3("),
    ESCAPED("\xc0\xaf", "\\xc0\\xaf"), /* overlong '/' */
    ESCAPED("\xe0\x80\xaf", "\\xe0\\x80\\xaf"),
    ESCAPED("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"),
    ESCAPED("\xed\xa0\x80", "\\xed\\xa0\\x80"),          /* a surrogate */
    ESCAPED("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"), /* beyond U+10FFFF */
    ESCAPED("\xff\xfe", "\\xff\\xfe"),
};

static void test_escape(void **state)
{
        char target[64];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
                assert_int_equal(text_escape(target, sizeof(target), escapes[i].source, escapes[i].length),
                                 0);
                assert_string_equal(target, escapes[i].escaped);
        }
}

static void test_escape_cuts_at_whole_characters(void **state)
{
        static const char source[] = "é\n✓";
        static const char *const cuts[] = {"", "", "é", "é", "é\\n", "é\\n", "é\\n", "é\\n✓"};

        (void)state;
        for (size_t size = 1; size <= ARRAY_SIZE(cuts); size++) {
                char target[16];
                memset(target, 'x', sizeof(target));
                int r = text_escape(target, size, source, sizeof(source) - 1);
                assert_int_equal(r, size == ARRAY_SIZE(cuts) ? 0 : -ENAMETOOLONG);
                assert_string_equal(target, cuts[size - 1]);
                assert_int_equal(target[size], 'x');
        }
}

/* Every byte string comes back, but for a NUL, which no string can hold. */
static void test_unescape_undoes_escape(void **state)
{
        char escaped[64], back[64];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
                if (memchr(escapes[i].source, '\0', escapes[i].length))
                        continue;
                assert_int_equal(text_escape(escaped, sizeof(escaped), escapes[i].source, escapes[i].length),
                                 0);
                assert_int_equal(text_unescape(back, sizeof(back), escaped), 0);
                assert_string_equal(back, escapes[i].source);
        }
        for (unsigned byte = 1; byte < 256; byte++) {
                char source[2] = {(char)byte, '\0'};
                assert_int_equal(text_escape(escaped, sizeof(escaped), source, 1), 0);
                assert_int_equal(text_unescape(back, sizeof(back), escaped), 0);
                assert_string_equal(back, source);
        }
}

static void test_unescape_refuses(void **state)
{
        static const char *const bad[] = {"\\",    "a\\",   "\\q",   "\\x",  "\\x1", "\\x1g",
                                          "\\xg1", "\\x1B", "\\x00", "a\nb", "\t",   "\x7f"};
        char target[8] = "before";

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_int_equal(text_unescape(target, sizeof(target), bad[i]), -EINVAL);
                assert_string_equal(target, "before");
        }
        assert_int_equal(text_unescape(target, sizeof(target), "12345678"), -ENAMETOOLONG);
        assert_string_equal(target, "before");
        assert_int_equal(text_unescape(target, sizeof(target), "123456\\n"), 0);
        assert_string_equal(target, "123456\n");
}

static void test_sanitize(void **state)
{
        static const struct {
                const char *source;
                size_t length;
                const char *clean;
        } rows[] = {
            ESCAPED("  EC25 \r\n", "EC25"),
            ESCAPED("EC25EFAR06A11M4G", "EC25EFAR06A11M"), /* cut */
            ESCAPED("a\x1b[1mb", "a[1mb"),
            ESCAPED("a\0b", "ab"),
            ESCAPED("\xc5\xbe", ""),
            ESCAPED("   ", ""),
            ESCAPED("", ""),
            ESCAPED("12345678901234   x", "12345678901234"),
            ESCAPED("1234567890123 x", "1234567890123"), /* no blank at the cut */
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char target[15];
                text_sanitize(target, sizeof(target), rows[i].source, rows[i].length);
                assert_string_equal(target, rows[i].clean);
        }
}

static void test_clean(void **state)
{
        static const struct {
                const char *source, *wanted;
        } cases[] = {
            {"", ""},
            {"plain", "plain"},
            {"\\x1b stays", "\\x1b stays"},
            {"\\", "\\"},
            {"a\\\\b", "a\\\\b"},
            {"bell\a\\n\n", "bell\\x07\\n\\n"},
            {"\xc3\xa4 \xc3", "\xc3\xa4 \\xc3"},
        };
        char target[64], tiny[4];

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(text_clean(target, sizeof(target), cases[i].source), 0);
                assert_string_equal(target, cases[i].wanted);
                char again[64];
                assert_int_equal(text_clean(again, sizeof(again), target), 0);
                assert_string_equal(again, target);
        }
        assert_int_equal(text_clean(tiny, sizeof(tiny), "abc"), 0);
        assert_int_equal(text_clean(tiny, sizeof(tiny), "abcd"), -ENAMETOOLONG);
        assert_int_equal(text_clean(tiny, sizeof(tiny), "abc\\"), -ENAMETOOLONG);
        assert_string_equal(tiny, "abc");
        assert_int_equal(text_clean(tiny, sizeof(tiny), "ab\\\n"), -ENAMETOOLONG);
        assert_string_equal(tiny, "ab\\");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_clean),
            cmocka_unit_test(test_copy),
            cmocka_unit_test(test_copy_n),
            cmocka_unit_test(test_format_and_append),
            cmocka_unit_test(test_comparisons),
            cmocka_unit_test(test_escape),
            cmocka_unit_test(test_escape_cuts_at_whole_characters),
            cmocka_unit_test(test_unescape_undoes_escape),
            cmocka_unit_test(test_unescape_refuses),
            cmocka_unit_test(test_sanitize),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
