/*
 * What is sent again by itself, and when.
 */
#include "core/queue_retry.h"

#include "base/cleanup.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_judgements(void **state _unused_)
{
        static const char busy[] = "+CMS ERROR: 38 (Network out of order)";
        static const struct {
                unsigned limit;
                struct retry_message message;
                enum retry_judgement judgement;
                usec_t wait;
        } cases[] = {
            {0, {busy, 0, USEC_PER_DAY}, RETRY_OFF, USEC_INFINITY},
            {3, {busy, 0, 0}, RETRY_LATER, 2 * USEC_PER_MIN},
            {3, {busy, 0, 2 * USEC_PER_MIN - 1}, RETRY_LATER, 1},
            {3, {busy, 0, 2 * USEC_PER_MIN}, RETRY_NOW, 0},
            {3, {busy, 1, 2 * USEC_PER_MIN}, RETRY_LATER, 8 * USEC_PER_MIN},
            {3, {busy, 1, 10 * USEC_PER_MIN}, RETRY_NOW, 0},
            {3, {busy, 2, 10 * USEC_PER_MIN}, RETRY_LATER, 50 * USEC_PER_MIN},
            {3, {busy, 2, USEC_INFINITY}, RETRY_NOW, 0},
            {3, {busy, 3, USEC_PER_DAY}, RETRY_SPENT, USEC_INFINITY},
            {3, {busy, UINT_MAX, USEC_PER_DAY}, RETRY_SPENT, USEC_INFINITY},
            {10, {busy, 9, 59 * USEC_PER_MIN}, RETRY_LATER, USEC_PER_MIN},
            {1, {busy, 1, USEC_PER_DAY}, RETRY_SPENT, USEC_INFINITY},
            {3, {"No destination", 0, USEC_PER_DAY}, RETRY_FINAL, USEC_INFINITY},
            {3, {"", 0, USEC_PER_DAY}, RETRY_NOW, 0},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                usec_t wait = 77;
                enum retry_judgement judgement = queue_retry_judge(cases[i].limit, &cases[i].message, &wait);
                assert_int_equal(judgement, cases[i].judgement);
                assert_int_equal(wait, cases[i].wait);
                assert_int_equal(queue_retry_judge(cases[i].limit, &cases[i].message, NULL), judgement);
        }
}

static void test_what_fails_for_good(void **state _unused_)
{
        static const struct {
                const char *reason;
                bool final;
                int code;
        } cases[] = {
            {"", false, -1},
            {"Unknown", false, -1},
            {"Modem initialization failed", false, -1},
            {"Modem was disabled", false, -1},
            {"ERROR", false, -1},
            {"+CMS ERROR: 38 (Network out of order)", false, 38},
            {"+CMS ERROR: 42", false, 42},
            {"+CMS ERROR: 331", false, 331},
            {"+CMS ERROR: 500 (unknown error)", false, 500},
            {"+CMS ERROR: 1 (Unassigned number)", true, 1},
            {"+CMS ERROR:21 (Short message transfer rejected)", false, 21},
            {"+CMS ERROR: 28", true, 28},
            {"+CMS ERROR: 28x", true, 28},
            {"+CMS ERROR: 128 (Telematic interworking not supported)", true, 128},
            {"+CMS ERROR: 4294967297", false, -1},
            {"+CMS ERROR: 65536", false, -1},
            {"+CMS ERROR: ", false, -1},
            {"+CMS ERROR: -1", false, -1},
            {"No text or data", true, -1},
            {"Destination is blacklisted", true, -1},
            {"Invalid number type", true, -1},
            {"Rejected by checkhandler", true, -1},
            {"no destination", false, -1},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(queue_retry_is_final(cases[i].reason), cases[i].final);
                assert_int_equal(queue_retry_cms_error(cases[i].reason), cases[i].code);
        }
}

static void test_what_did_not_go_out(void **state _unused_)
{
        assert_true(queue_retry_is_unsent("Unknown", false));
        assert_false(queue_retry_is_unsent("Unknown", true));
        assert_false(queue_retry_is_unsent("Unknown error", false));
        assert_false(queue_retry_is_unsent("+CMS ERROR: 38 (Network out of order)", false));
        assert_false(queue_retry_is_unsent("", false));
}

static void test_room(void **state _unused_)
{
        static const struct {
                bool can_send;
                int64_t outgoing, checked;
                unsigned room;
        } cases[] = {
            {true, 0, 0, 5},
            {true, 2, 2, 1},
            {true, 3, 2, 0},
            {true, 0, 5, 0},
            {true, 10000, 0, 0},
            {true, 0, INT64_MAX, 0},
            {true, INT64_MAX, INT64_MAX, 0},
            {true, -1, 0, 0},
            {true, 0, -1, 0},
            {false, 0, 0, 0},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(queue_retry_room(cases[i].can_send, cases[i].outgoing, cases[i].checked),
                                 cases[i].room);
}

static void test_plans(void **state _unused_)
{
        static const char busy[] = "+CMS ERROR: 42";
        const usec_t min = USEC_PER_MIN, pace = QUEUE_RETRY_PACE;
        const struct {
                unsigned room;
                struct retry_message messages[8];
                size_t n;
                unsigned chosen_n;
                size_t chosen[5];
                usec_t wait;
        } cases[] = {
            {5, {{0}}, 0, 0, {0}, USEC_INFINITY},
            {5, {{busy, 0, min}, {busy, 1, 3 * min}}, 2, 0, {0}, min},
            {5, {{busy, 0, 2 * min}, {busy, 0, 4 * min}, {busy, 0, 3 * min}}, 3, 3, {1, 2, 0}, USEC_INFINITY},
            {2, {{busy, 0, 2 * min}, {busy, 0, 4 * min}, {busy, 0, 3 * min}}, 3, 2, {1, 2}, pace},
            {1, {{busy, 0, 4 * min}, {busy, 0, 2 * min}, {busy, 0, 3 * min}}, 3, 1, {0}, pace},
            {0, {{busy, 0, 4 * min}}, 1, 0, {0}, pace},
            {0, {{busy, 0, 2 * min - 1}}, 1, 0, {0}, 1},
            {5, {{"No destination", 0, USEC_PER_DAY}, {busy, 3, USEC_PER_DAY}}, 2, 0, {0}, USEC_INFINITY},
            {99,
             {{busy, 0, 2 * min},
              {busy, 0, 3 * min},
              {busy, 0, 4 * min},
              {busy, 0, 5 * min},
              {busy, 0, 6 * min},
              {busy, 0, 7 * min},
              {busy, 0, min}},
             7,
             5,
             {5, 4, 3, 2, 1},
             pace},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct retry_plan plan;
                queue_retry_plan(3, cases[i].messages, cases[i].n, cases[i].room, &plan);
                assert_int_equal(plan.n, cases[i].chosen_n);
                assert_memory_equal(plan.chosen, cases[i].chosen, plan.n * sizeof(plan.chosen[0]));
                assert_int_equal(plan.wait, cases[i].wait);
                queue_retry_plan(0, cases[i].messages, cases[i].n, cases[i].room, &plan);
                assert_int_equal(plan.n, 0);
                assert_int_equal(plan.wait, USEC_INFINITY);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_judgements),
            cmocka_unit_test(test_what_fails_for_good),
            cmocka_unit_test(test_what_did_not_go_out),
            cmocka_unit_test(test_room),
            cmocka_unit_test(test_plans),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
