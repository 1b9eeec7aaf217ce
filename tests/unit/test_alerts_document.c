/*
 * docs/alerts.md tells each kind of alert with the numbers that core/alert_book has.
 */
#include "../../src/core/alert_book_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DOCUMENT "docs/alerts.md"

static const char *duration(char target[32], usec_t time)
{
        if (time == 0)
                return "at once";
        format_duration(target, 32, time);
        return target;
}

static void add_repeats(char *row, size_t size, const usec_t *repeat)
{
        char text[32];

        if (!repeat)
                (void)text_append(row, size, " never |");
        for (size_t i = 0; repeat && repeat[i]; i++) {
                bool last = repeat[i + 1] == 0;
                const char *before = i == 0 ? (last ? "" : "after ") : (last ? "then " : "");
                (void)text_append(row, size, " %s%s%s%s", before, last ? "every " : "",
                                  duration(text, repeat[i]), last ? " |" : ",");
        }
}

/* The row as the document must have it. */
static void expect_row(enum alert_kind kind, char *row, size_t size)
{
        const struct alert_rule *rule = alert_rule(kind);
        char text[32], other[32];

        (void)text_format(row, size, "| `%s` | `%s` | %s |", alert_kind_to_string(kind),
                          severity_to_string(rule->severity), duration(text, rule->delay));
        add_repeats(row, size, rule->repeat);
        (void)text_append(row, size, " %s |", rule->momentary ? "-" : duration(text, rule->quiet));
        if (rule->again == 0)
                (void)text_append(row, size, " - |\n");
        else
                (void)text_append(row, size, " %s, when it came back within %s |\n",
                                  duration(text, rule->calm ? rule->calm : rule->quiet),
                                  duration(other, rule->again));
}

/* Of each kind the row with its numbers, and one more that says what it is. */
static void test_kinds(void **state)
{
        unsigned rows[ALERT_KIND_MAX] = {0}, right[ALERT_KIND_MAX] = {0};
        _cleanup_fclose_ FILE *document = fopen(DOCUMENT, "re");
        char line[1024], row[512], begin[64];

        (void)state;
        assert_non_null(document);
        while (fgets(line, sizeof(line), document))
                for (unsigned i = 0; i < ALERT_KIND_MAX; i++) {
                        (void)text_format(begin, sizeof(begin), "| `%s` | ",
                                          alert_kind_to_string((enum alert_kind)i));
                        expect_row((enum alert_kind)i, row, sizeof(row));
                        rows[i] += text_starts_with(line, begin);
                        right[i] += text_equal(line, row);
                }
        for (unsigned i = 0; i < ALERT_KIND_MAX; i++) {
                expect_row((enum alert_kind)i, row, sizeof(row));
                if (rows[i] != 2 || right[i] != 1)
                        fail_msg("%s: %u rows, among them %u like this: %s", DOCUMENT, rows[i], right[i],
                                 row);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_kinds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
