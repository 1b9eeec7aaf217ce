/*
 * core/spool_policy: names go both ways and no other name is taken for one; whoever goes is the oldest of the
 * least.
 */
#include "core/spool_policy.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
        static const struct {
                uint64_t sequence;
                enum severity severity;
                const char *name;
        } cases[] = {
            {1, SEVERITY_INFO, "00000000000000000001-info.json"},
            {42, SEVERITY_WARNING, "00000000000000000042-warning.json"},
            {SPOOL_SEQUENCE_MAX, SEVERITY_CRITICAL, "00999999999999999999-critical.json"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char name[SPOOL_NAME_MAX];
                uint64_t sequence = 0;
                enum severity severity = SEVERITY_INFO;
                spool_name_format(name, cases[i].sequence, cases[i].severity);
                assert_string_equal(name, cases[i].name);
                assert_int_equal(spool_name_parse(name, &sequence, &severity), 0);
                assert_int_equal(sequence, cases[i].sequence);
                assert_int_equal(severity, cases[i].severity);
        }
}

static void test_other_names(void **state)
{
        static const char *const names[] = {
            "",
            ".",
            "book",
            "heartbeat",
            "-info.json",
            "00000000000000000001",
            "00000000000000000001.json",
            "00000000000000000001-.json",
            "00000000000000000001-info",
            "00000000000000000001-info.jsonx",
            "00000000000000000001-info.json.damaged",
            "00000000000000000001-INFO.json",
            "00000000000000000001-infoo.json",
            "00000000000000000001_info.json",
            "0000000000000000001-info.json",
            "000000000000000000001-info.json",
            "00000000000000000000-info.json",
            "01000000000000000000-info.json",
            "99999999999999999999-info.json",
            "+0000000000000000001-info.json",
            " 0000000000000000001-info.json",
            "0000000000000000000a-info.json",
            ".00000000000000000001-info.json.new",
            "00000000000000000001-warning-and-very-much-longer.json",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                uint64_t sequence = 7;
                enum severity severity = SEVERITY_WARNING;
                if (spool_name_parse(names[i], &sequence, &severity) != -EINVAL)
                        fail_msg("taken: %s", names[i]);
                assert_true(sequence == 7 && severity == SEVERITY_WARNING);
        }
}

/* Sequences 1, 2, ... with these severities: i, w, c. Which goes? */
static int victim_of(const char *letters)
{
        struct spool_entry entries[16];
        unsigned n = (unsigned)strlen(letters);

        for (unsigned i = 0; i < n; i++)
                entries[i] = (struct spool_entry){.sequence = i + 1,
                                                  .size = 100,
                                                  .severity = letters[i] == 'c'   ? SEVERITY_CRITICAL
                                                              : letters[i] == 'w' ? SEVERITY_WARNING
                                                                                  : SEVERITY_INFO};
        return spool_policy_victim(entries, n);
}

static void test_victims(void **state)
{
        static const struct {
                const char *letters;
                int victim;
        } cases[] = {
            {"", -ENOENT}, {"i", 0},    {"w", 0},    {"c", 0},     {"ccc", 0},    {"cci", 2},
            {"cwi", 2},    {"cww", 1},  {"wci", 2},  {"iwc", 0},   {"cwcwc", 1},  {"ccccccccw", 8},
            {"wcwcw", 0},  {"cici", 1}, {"wiwi", 1}, {"cwiwc", 2}, {"wwwwwi", 5},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (victim_of(cases[i].letters) != cases[i].victim)
                        fail_msg("%s: %d", cases[i].letters, victim_of(cases[i].letters));
}

/* However it was mixed: infos by age, then warnings by age, then criticals by age. */
static void test_order_of_going(void **state)
{
        struct spool_entry entries[300], last = {.sequence = 0, .severity = SEVERITY_INFO};
        unsigned n = ARRAY_SIZE(entries);
        uint32_t random = 1;

        (void)state;
        for (unsigned i = 0; i < n; i++) {
                random = random * 1664525U + 1013904223U;
                entries[i] = (struct spool_entry){.sequence = i + 1, .severity = (random >> 16) % 3};
        }
        while (n > 0) {
                int at = spool_policy_victim(entries, n);
                assert_in_range(at, 0, n - 1);
                assert_true(entries[at].severity > last.severity ||
                            (entries[at].severity == last.severity && entries[at].sequence > last.sequence));
                last = entries[at];
                memmove(entries + at, entries + at + 1, (n - (unsigned)at - 1) * sizeof(*entries));
                n--;
        }
        assert_int_equal(last.severity, SEVERITY_CRITICAL);
}

static void test_bounds(void **state)
{
        const struct spool_limits limits = {.max_files = 3, .max_bytes = 1000};

        (void)state;
        assert_false(spool_policy_is_over(&limits, 3, 1000));
        assert_true(spool_policy_is_over(&limits, 4, 10));
        assert_true(spool_policy_is_over(&limits, 1, 1001));
        assert_false(spool_policy_is_over(&limits, 0, 0));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_names),   cmocka_unit_test(test_other_names),
            cmocka_unit_test(test_victims), cmocka_unit_test(test_order_of_going),
            cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
