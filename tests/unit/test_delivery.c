/*
 * The decisions of a delivery, as tables, and a receiver's state as text.
 */
#include "core/delivery.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* --- who wants what --- */

static void test_wants(void **state)
{
        static const struct {
                enum severity least;
                const char *match;
                enum severity severity;
                const char *key, *only;
                bool wanted;
        } rows[] = {
            /* severity */
            {SEVERITY_INFO, "", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_WARNING, "", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            {SEVERITY_WARNING, "", SEVERITY_WARNING, "modem-lost/GSM1", "", true},
            {SEVERITY_CRITICAL, "", SEVERITY_WARNING, "modem-lost/GSM1", "", false},
            {SEVERITY_CRITICAL, "", SEVERITY_CRITICAL, "modem-lost/GSM1", "", true},
            /* match: kind or key, the whole of it */
            {SEVERITY_INFO, "*", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "  ", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "modem-lost", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "modem-los", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            {SEVERITY_INFO, "odem-lost", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            {SEVERITY_INFO, "modem-lost/GSM1", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "modem-lost/GSM2", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            {SEVERITY_INFO, "modem-*", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "*/GSM?", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "*/GSM??", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            {SEVERITY_INFO, "*o*o*", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "*o*o*o*", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            {SEVERITY_INFO, "m*1", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "***", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_INFO, "?", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            {SEVERITY_INFO, "smsd-down hold", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            {SEVERITY_INFO, "smsd-down \t modem-lost", SEVERITY_INFO, "modem-lost/GSM1", "", true},
            {SEVERITY_WARNING, "modem-lost", SEVERITY_INFO, "modem-lost/GSM1", "", false},
            /* only */
            {SEVERITY_CRITICAL, "hold", SEVERITY_INFO, "modem-lost/GSM1", "phone", true},
            {SEVERITY_INFO, "", SEVERITY_CRITICAL, "modem-lost/GSM1", "phon", false},
            {SEVERITY_INFO, "", SEVERITY_CRITICAL, "modem-lost/GSM1", "vps", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct receiver_config receiver = {.name = "phone", .min_severity = rows[i].least};
                struct alert alert = {.kind = ALERT_MODEM_LOST, .severity = rows[i].severity};
                (void)text_copy(receiver.match, sizeof(receiver.match), rows[i].match);
                (void)text_copy(alert.key, sizeof(alert.key), rows[i].key);
                (void)text_copy(alert.only, sizeof(alert.only), rows[i].only);
                if (delivery_wants(&receiver, &alert) != rows[i].wanted)
                        fail_msg("row %zu: match \"%s\"", i, rows[i].match);
        }
}

/* The worst pattern for the worst text ends in no time. */
static void test_pattern_is_not_slow(void **state)
{
        struct receiver_config receiver = {.name = "phone"};
        struct alert alert = {.kind = ALERT_MODEM_LOST};

        (void)state;
        for (size_t i = 0; i + 2 < sizeof(receiver.match); i += 2)
                (void)text_append(receiver.match, sizeof(receiver.match), "*a");
        receiver.match[strlen(receiver.match) - 1] = 'b';
        memset(alert.key, 'a', sizeof(alert.key) - 1);
        for (unsigned i = 0; i < 1000; i++)
                assert_false(delivery_wants(&receiver, &alert));
}

/* --- answers --- */

static void test_judge_http(void **state)
{
        static const struct {
                unsigned first, last;
                enum delivery_verdict verdict;
        } rows[] = {
            {0, 199, DELIVERY_RETRY},    {200, 299, DELIVERY_DONE},  {300, 407, DELIVERY_PARK},
            {408, 408, DELIVERY_RETRY},  {409, 424, DELIVERY_PARK},  {425, 425, DELIVERY_RETRY},
            {426, 428, DELIVERY_PARK},   {429, 429, DELIVERY_RETRY}, {430, 499, DELIVERY_PARK},
            {500, 1000, DELIVERY_RETRY},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                for (unsigned status = rows[i].first; status <= rows[i].last; status++)
                        if (delivery_judge_http(status) != rows[i].verdict)
                                fail_msg("%u", status);
}

static void test_retry_delay(void **state)
{
        static const struct {
                unsigned attempts;
                usec_t delay;
        } rows[] = {{0, 1},   {1, 1},    {2, 2},    {3, 4},      {4, 8},
                    {9, 256}, {10, 300}, {11, 300}, {1000, 300}, {UINT_MAX, 300}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                usec_t least = USEC_INFINITY, most = 0, delay = rows[i].delay * USEC_PER_SEC;
                for (uint32_t random = 0; random < 5000; random++) {
                        usec_t found = delivery_retry_delay(rows[i].attempts, 0, random * 858993);
                        least = usec_min(least, found);
                        most = found > most ? found : most;
                }
                /* All of the range is used, nothing beyond. */
                assert_in_range(least, delay / 4 * 3, delay / 100 * 76);
                assert_in_range(most, delay / 100 * 124, delay / 4 * 5);
        }
        assert_true(delivery_retry_delay(1, 0, UINT32_MAX) <= 1250 * USEC_PER_MSEC);
}

static void test_retry_after(void **state)
{
        (void)state;
        assert_int_equal(delivery_retry_delay(1, 30 * USEC_PER_SEC, 0), 30 * USEC_PER_SEC);
        assert_int_equal(delivery_retry_delay(1, USEC_PER_HOUR, 0), USEC_PER_HOUR);
        assert_int_equal(delivery_retry_delay(1, USEC_PER_DAY, 0), USEC_PER_HOUR);
        assert_int_equal(delivery_retry_delay(1, USEC_INFINITY, 0), USEC_PER_HOUR);
        /* The longer of both. */
        assert_int_equal(delivery_retry_delay(20, USEC_PER_SEC, 0), 225 * USEC_PER_SEC);
}

/* --- the text --- */

static const struct delivery_receiver full = {
    .name = "vps",
    .spool = "11111111-2222-3333-4444-555555555555",
    .position = UINT64_MAX,
    .delivered = 12,
    .parked = 3,
    .last_delivered = INT64_MAX,
    .failing_since = 1700000000000000,
    .attempts = 7,
    .problem = "vps.example answers 500: \\n = # \xc4\x97",
    .parked_last = 9,
    .damaged = 12,
    .test = "0123456789abcdef0123456789abcdef-17",
    .test_delivered = true,
};

static void assert_same(const struct delivery_receiver *a, const struct delivery_receiver *b)
{
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->spool, b->spool);
        assert_int_equal(a->position, b->position);
        assert_int_equal(a->delivered, b->delivered);
        assert_int_equal(a->parked, b->parked);
        assert_int_equal(a->last_delivered, b->last_delivered);
        assert_int_equal(a->failing_since, b->failing_since);
        assert_int_equal(a->attempts, b->attempts);
        assert_string_equal(a->problem, b->problem);
        assert_int_equal(a->parked_last, b->parked_last);
        assert_int_equal(a->damaged, b->damaged);
        assert_string_equal(a->test, b->test);
        assert_int_equal(a->test_delivered, b->test_delivered);
}

static void test_text_and_back(void **state)
{
        static const struct delivery_receiver empty = {.name = "a"};
        const struct delivery_receiver *const all[] = {&full, &empty};
        struct delivery_receiver found;
        char text[DELIVERY_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                int length = delivery_encode(all[i], text, sizeof(text));
                assert_int_equal(length, strlen(text));
                assert_int_equal(delivery_decode(text, (size_t)length, &found), 0);
                assert_same(&found, all[i]);
        }
}

/* The longest that there can be fits, and one byte less is told. */
static void test_sizes(void **state)
{
        struct delivery_receiver longest = full, found;
        char text[DELIVERY_TEXT_MAX];

        (void)state;
        memset(longest.name, 'n', sizeof(longest.name) - 1);
        memset(longest.spool, 'a', sizeof(longest.spool) - 1);
        memset(longest.problem, 'p', sizeof(longest.problem) - 1);
        memset(longest.test, 't', sizeof(longest.test) - 1);
        longest.problem[sizeof(longest.problem) - 1] = '\0';
        longest.delivered = longest.parked = longest.parked_last = longest.damaged = UINT64_MAX;
        longest.attempts = UINT_MAX;
        int length = delivery_encode(&longest, text, sizeof(text));
        assert_in_range(length, 500, DELIVERY_TEXT_MAX - 1);
        assert_int_equal(delivery_decode(text, (size_t)length, &found), 0);
        assert_same(&found, &longest);
        assert_int_equal(delivery_encode(&longest, text, (size_t)length), -ENAMETOOLONG);
}

/* Whatever the problem's text holds, it stays in its line. */
static void test_hostile_problem(void **state)
{
        struct delivery_receiver hostile = full, found;
        char text[DELIVERY_TEXT_MAX];

        (void)state;
        (void)text_copy(hostile.problem, sizeof(hostile.problem), "a\nposition = 1\r\n\x1b[31m\xff");
        int length = delivery_encode(&hostile, text, sizeof(text));
        assert_true(length > 0);
        assert_int_equal(delivery_decode(text, (size_t)length, &found), 0);
        assert_int_equal(found.position, UINT64_MAX);
        assert_string_equal(found.problem, "a\\nposition = 1\\r\\n\\x1b[31m\\xff");
}

#define HEAD "name=a\nspool=b\nposition=1\n"

static void test_decode(void **state)
{
        static const struct {
                const char *text;
                int result;
        } rows[] = {
            {HEAD, 0},
            {"# note\n\n" HEAD "colour=blue\n", 0}, /* of a newer version */
            {"name=a\nspool=\nposition=0\n", 0},
            {" name=a\nspool=b\nposition=1\n", -EBADMSG},
            {"", -EBADMSG},
            {"name=a\nspool=b\n", -EBADMSG},
            {HEAD "position=2\n", -EBADMSG},
            {HEAD "what is this\n", -EBADMSG},
            {"name=\nspool=b\nposition=1\n", -EBADMSG},
            {"name=../a\nspool=b\nposition=1\n", -EBADMSG},
            {"name=a\nspool=b/c\nposition=1\n", -EBADMSG},
            {"name=a\nspool=b\nposition=-1\n", -EBADMSG},
            {"name=a\nspool=b\nposition=18446744073709551616\n", -EBADMSG},
            {HEAD "last_delivered=9223372036854775808\n", -EBADMSG},
            {HEAD "attempts=4294967296\n", -EBADMSG},
            {HEAD "test_delivered=perhaps\n", -EBADMSG},
            {HEAD "problem=\x1b[31m\n", -EBADMSG},
            {HEAD "problem=\xff\n", -EBADMSG},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct delivery_receiver found = full;
                int r = delivery_decode(rows[i].text, strlen(rows[i].text), &found);
                if (r != rows[i].result)
                        fail_msg("row %zu: %d", i, r);
                if (r < 0)
                        assert_same(&found, &full); /* untouched */
        }
}

/* Cut anywhere, or with any byte wrong: an answer, never a crash, and never half a state. */
static void test_damaged(void **state)
{
        struct delivery_receiver found;
        char text[DELIVERY_TEXT_MAX], damaged[DELIVERY_TEXT_MAX];
        size_t length = (size_t)delivery_encode(&full, text, sizeof(text));

        (void)state;
        for (size_t i = 0; i < length; i++) {
                (void)delivery_decode(text, i, &found);
                for (unsigned byte = 0; byte < 256; byte += 5) {
                        memcpy(damaged, text, length);
                        damaged[i] = (char)byte;
                        (void)delivery_decode(damaged, length, &found);
                }
        }
        memcpy(damaged, text, length);
        damaged[length - 3] = '\0';
        assert_int_equal(delivery_decode(damaged, length, &found), -EBADMSG);
        memset(damaged, 'x', sizeof(damaged)); /* a line without an end */
        assert_int_equal(delivery_decode(damaged, sizeof(damaged), &found), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_wants),       cmocka_unit_test(test_pattern_is_not_slow),
            cmocka_unit_test(test_judge_http),  cmocka_unit_test(test_retry_delay),
            cmocka_unit_test(test_retry_after), cmocka_unit_test(test_text_and_back),
            cmocka_unit_test(test_sizes),       cmocka_unit_test(test_hostile_problem),
            cmocka_unit_test(test_decode),      cmocka_unit_test(test_damaged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
