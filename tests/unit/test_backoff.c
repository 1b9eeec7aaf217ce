/* How long to wait after which failure, and what makes it forget. */
#include "core/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_doubles_up_to_its_maximum(void **state)
{
        static const unsigned waits[] = {0, 1, 2, 4, 8, 16, 32, 60, 60, 60};
        struct backoff backoff;
        usec_t now = USEC_PER_HOUR;
        (void)state;

        backoff_init(&backoff, 60 * USEC_PER_SEC);
        for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
                usec_t wait = backoff_fail(&backoff, now);
                assert_int_equal(wait, waits[i] * USEC_PER_SEC);
                assert_int_equal(backoff_is_loop(&backoff), i + 1 >= BACKOFF_LOOP_FROM);
                now += wait + USEC_PER_SEC;
        }
        for (unsigned i = 0; i < 1000; i++) {
                assert_int_equal(backoff_fail(&backoff, now), 60 * USEC_PER_SEC);
                now += 61 * USEC_PER_SEC;
        }
}

static void test_maximum(void **state)
{
        static const usec_t maxima[] = {USEC_PER_SEC, 3 * USEC_PER_SEC, USEC_PER_DAY};
        (void)state;

        for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
                struct backoff backoff;
                backoff_init(&backoff, maxima[i]);
                for (unsigned n = 0; n < 100; n++)
                        assert_in_range(backoff_fail(&backoff, USEC_PER_HOUR + n), 0, maxima[i]);
                assert_int_equal(backoff_fail(&backoff, USEC_PER_HOUR), maxima[i]);
        }
}

/* Each start of a crash loop succeeds: health must last to count. */
static void test_health_must_last(void **state)
{
        static const struct {
                usec_t after;
                unsigned failures;
        } cases[] = {{0, 3},
                     {USEC_PER_MIN, 3},
                     {BACKOFF_FORGET_AFTER - 1, 3},
                     {BACKOFF_FORGET_AFTER, 0},
                     {USEC_PER_DAY, 0}};
        (void)state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct backoff backoff;
                backoff_init(&backoff, USEC_PER_MIN);
                for (unsigned n = 0; n < 3; n++)
                        (void)backoff_fail(&backoff, USEC_PER_HOUR);
                backoff_healthy(&backoff, USEC_PER_HOUR + cases[i].after);
                assert_int_equal(backoff.failures, cases[i].failures);
        }
}

static void test_person_begins_anew(void **state)
{
        struct backoff backoff;
        (void)state;

        backoff_init(&backoff, USEC_PER_MIN);
        for (unsigned n = 0; n < 5; n++)
                (void)backoff_fail(&backoff, USEC_PER_HOUR);
        backoff_reset(&backoff);
        assert_false(backoff_is_loop(&backoff));
        assert_int_equal(backoff_fail(&backoff, USEC_PER_HOUR), 0);
}

/* The first failure of a box that has just booted. */
static void test_early_clock(void **state)
{
        struct backoff backoff;
        (void)state;

        backoff_init(&backoff, USEC_PER_MIN);
        assert_int_equal(backoff_fail(&backoff, 0), 0);
        assert_int_equal(backoff_fail(&backoff, USEC_PER_SEC), USEC_PER_SEC);
        assert_int_equal(backoff_fail(&backoff, 3 * USEC_PER_SEC), 2 * USEC_PER_SEC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_doubles_up_to_its_maximum),
            cmocka_unit_test(test_maximum),
            cmocka_unit_test(test_health_must_last),
            cmocka_unit_test(test_person_begins_anew),
            cmocka_unit_test(test_early_clock),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
