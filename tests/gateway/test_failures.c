/*
 * The table of failures has a row for each finding that there is, and no row for one that is none: a new
 * finding without a row fails here. That docs/health.md lists each is test_health_document's.
 */
#include "failure_rows.h"

#include "base/text.h"
#include "core/health.h"

static const struct failure_group *const groups[] = {&failures_of_usb, &failures_of_sim, &failures_of_network,
                                                     &failures_of_smsd};

static unsigned rows_of(const char *finding)
{
        unsigned n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                for (size_t k = 0; k < groups[i]->n; k++)
                        n += text_equal(groups[i]->rows[k].finding, finding);
        return n;
}

/* What the real smsd cannot be made to show here, and why; the unit tests produce it. */
static const struct {
        const char *finding, *why;
} without_row[] = {
    {"handler-fails", "a handler must end five times in five minutes"},
    {"trouble", "no failure of the software EC25 makes smsd 3.1.21 write it into stats/status"},
};

static bool needs_no_row(const char *finding)
{
        for (size_t i = 0; i < ARRAY_SIZE(without_row); i++)
                if (text_equal(without_row[i].finding, finding))
                        return true;
        return false;
}

static void test_each_finding_has_a_row(void **state)
{
        struct health_verdict verdict;
        (void)state;

        for (unsigned i = 0; health_finding_at(i, &verdict); i++)
                if (rows_of(verdict.cause) == 0 && !needs_no_row(verdict.cause))
                        fail_msg("no row of tests/gateway/failure_rows_*.c produces %s", verdict.cause);
}

/* Only what is well may be called working. */
static void test_each_row_is_of_a_finding(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                for (size_t k = 0; k < groups[i]->n; k++) {
                        const struct failure_row *row = &groups[i]->rows[k];
                        if (!row->awaited && !failure_is_finding(row->finding))
                                fail_msg("%s is no finding", row->finding);
                        if (row->verdict == VERDICT_WORKING && !text_equal(row->finding, "well"))
                                assert_string_equal(row->finding, "storage-nearly-full");
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_each_finding_has_a_row),
            cmocka_unit_test(test_each_row_is_of_a_finding),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
