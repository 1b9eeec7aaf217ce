/*
 * docs/health.md has a row for each finding, as the code has it, in the order of the code, and no other.
 */
#include "core/health.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DOCUMENT "docs/health.md"

static const char *flow(const struct health_verdict *verdict)
{
        if (verdict->can_send)
                return verdict->can_receive ? "both" : "sends";
        return verdict->can_receive ? "receives" : "neither";
}

static void expect_row(const struct health_verdict *verdict, char *row, size_t size)
{
        (void)text_format(row, size, "| `%s` | %s | %s | %s | %s |", verdict->cause, verdict->what,
                          health_state_to_string(verdict->state), flow(verdict),
                          verdict->kind == FAILURE_NONE ? "-" : failure_kind_to_string(verdict->kind));
        if (verdict->alert == ALERT_KIND_MAX)
                (void)text_append(row, size, " - |");
        else
                (void)text_append(row, size, " `%s`, %s |", alert_kind_to_string(verdict->alert),
                                  severity_to_string(verdict->severity));
        (void)text_append(row, size, " %s |\n", verdict->next_action);
}

static void test_findings(void **state)
{
        _cleanup_fclose_ FILE *document = fopen(DOCUMENT, "re");
        struct health_verdict verdict;
        char line[1024], row[1024];
        unsigned n = 0;

        (void)state;
        assert_non_null(document);
        while (fgets(line, sizeof(line), document)) {
                if (!text_starts_with(line, "| `"))
                        continue;
                assert_true(health_finding_at(n++, &verdict));
                expect_row(&verdict, row, sizeof(row));
                assert_string_equal(line, row);
        }
        assert_false(health_finding_at(n, &verdict));
}

/* What is ill is told, by an alert of its own or by smsd's; and says what to do. */
static void test_each_is_complete(void **state)
{
        struct health_verdict verdict;

        (void)state;
        for (unsigned i = 0; health_finding_at(i, &verdict); i++) {
                bool smsds = text_starts_with(verdict.cause, "smsd-") ||
                             text_starts_with(verdict.cause, "handler-") ||
                             text_equal(verdict.cause, "tty-deleted");
                assert_true(verdict.what[0] && verdict.next_action[0]);
                assert_true(verdict.state != HEALTH_ILL || verdict.alert != ALERT_KIND_MAX || smsds);
                assert_true(verdict.state != HEALTH_WELL || (verdict.can_send && verdict.can_receive));
                assert_true(verdict.kind == FAILURE_NONE || verdict.state == HEALTH_ILL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_findings),
            cmocka_unit_test(test_each_is_complete),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
