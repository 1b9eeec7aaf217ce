/*
 * adapters/alert_json: what is written comes back, whatever texts it holds, and what is not a message is
 * refused and changes nothing.
 */
#include "adapters/alert_json.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define BOOT "0123456789abcdef0123456789abcdef"

static const struct alert_message sample = {
    .alert = {.kind = ALERT_SMSD_DOWN,
              .state = ALERT_FIRING,
              .severity = SEVERITY_CRITICAL,
              .key = "smsd-down",
              .modem = "GSM1",
              .cause = "crash",
              .summary = "smsd crashed (exit code 1)",
              .evidence = "Could not open /dev/ttyUSB2",
              .next_action = "",
              .only = "",
              .count = 3,
              .told = 2,
              .since_realtime = INT64_C(1795420800) * 1000000,
              .until_realtime = 0,
              .ended_realtime = 0},
    .id = BOOT "-42",
    .spool = "fedcba9876543210fedcba9876543210",
    .sequence = 42,
    .at = INT64_C(1795420805) * 1000000,
    .host = "gw1",
};

#define ENVELOPE                                                                                             \
        "{\"schema\":1,\"id\":\"" BOOT "-42\",\"spool\":\"fedcba9876543210fedcba9876543210\","               \
        "\"sequence\":42,\"at\":\"2026-11-23T08:00:05Z\",\"host\":\"gw1\","
static const char sample_text[] =
    ENVELOPE "\"state\":\"firing\",\"kind\":\"smsd-down\",\"key\":\"smsd-down\",\"severity\":\"critical\","
             "\"count\":3,\"told\":2,\"modem\":\"GSM1\",\"cause\":\"crash\","
             "\"summary\":\"smsd crashed (exit code 1)\",\"evidence\":\"Could not open /dev/ttyUSB2\","
             "\"next_action\":null,\"only\":null,\"since\":\"2026-11-23T08:00:00Z\",\"until\":null,"
             "\"ended\":null}";

static void assert_same(const struct alert_message *a, const struct alert_message *b)
{
        assert_int_equal(a->alert.kind, b->alert.kind);
        assert_int_equal(a->alert.state, b->alert.state);
        assert_int_equal(a->alert.severity, b->alert.severity);
        assert_string_equal(a->alert.key, b->alert.key);
        assert_string_equal(a->alert.modem, b->alert.modem);
        assert_string_equal(a->alert.cause, b->alert.cause);
        assert_string_equal(a->alert.summary, b->alert.summary);
        assert_string_equal(a->alert.evidence, b->alert.evidence);
        assert_string_equal(a->alert.next_action, b->alert.next_action);
        assert_string_equal(a->alert.only, b->alert.only);
        assert_true(a->alert.count == b->alert.count && a->alert.told == b->alert.told);
        assert_int_equal(a->alert.since_realtime, b->alert.since_realtime);
        assert_int_equal(a->alert.until_realtime, b->alert.until_realtime);
        assert_int_equal(a->alert.ended_realtime, b->alert.ended_realtime);
        assert_string_equal(a->id, b->id);
        assert_string_equal(a->spool, b->spool);
        assert_string_equal(a->host, b->host);
        assert_int_equal(a->sequence, b->sequence);
        assert_int_equal(a->at, b->at);
}

/* Encodes, checks what holds for every text, decodes. */
static struct alert_message there_and_back(const struct alert_message *message)
{
        _cleanup_free_ char *text = NULL;
        struct alert_message back;
        size_t length = 0;

        assert_int_equal(alert_json_encode(message, &text, &length), 0);
        assert_int_equal(strlen(text), length);
        assert_true(length <= ALERT_JSON_MAX);
        for (size_t i = 0; i < length; i++)
                assert_true((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
        memset(&back, 0x55, sizeof(back));
        assert_int_equal(alert_json_decode(text, length, &back), 0);
        return back;
}

static void test_text_form(void **state)
{
        _cleanup_free_ char *text = NULL;
        struct alert_message back;
        size_t length;

        (void)state;
        assert_int_equal(alert_json_encode(&sample, &text, &length), 0);
        assert_string_equal(text, sample_text);
        back = there_and_back(&sample);
        assert_same(&sample, &back);
        assert_true(back.alert.since == 0 && back.alert.until == 0 && back.alert.ended == 0);
}

static void test_words(void **state)
{
        struct alert_message message = sample, back;

        (void)state;
        for (unsigned kind = 0; kind < ALERT_KIND_MAX; kind++)
                for (unsigned severity = SEVERITY_INFO; severity <= SEVERITY_CRITICAL; severity++) {
                        message.alert.kind = (enum alert_kind)kind;
                        message.alert.severity = (enum severity)severity;
                        message.alert.state = kind % 2 ? ALERT_RESOLVED : ALERT_FIRING;
                        back = there_and_back(&message);
                        assert_same(&message, &back);
                }
}

/* Whatever a modem, a log or a file said, once it is escaped. */
static void test_hostile_texts(void **state)
{
        static char long_text[100000];
        static const char *const texts[] = {
            "line\nline\r\n\ttab \"quotes\" \\backslash\\ \x1b[31mred\x07",
            "\xe4\xb8\xad\xe6\x96\x87 \xd0\xa0\xd1\x83\xd1\x81 \xf0\x9f\x93\xb5 \xc4\x97",
            "broken \xff\xfe \xc3 \xe2\x82 \xf0\x9f \xed\xa0\x80 \xc0\xaf",
            "\xe2\x80\xae"
            "abc \xe2\x80\x8b \xef\xbb\xbf \xc2\x85",
            "</script><!-- ${jndi:ldap} %s%n {{x}} \\u0000 \\",
            "{\"schema\":1}",
            long_text,
        };

        (void)state;
        memset(long_text, '"', sizeof(long_text) - 1);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct alert_message message = sample, back;
                size_t length = strlen(texts[i]);
                (void)text_escape(message.alert.summary, ALERT_TEXT_MAX, texts[i], length);
                (void)text_escape(message.alert.evidence, ALERT_TEXT_MAX, texts[i], length);
                (void)text_escape(message.alert.next_action, ALERT_TEXT_MAX, texts[i], length);
                (void)text_escape(message.alert.key, ALERT_KEY_MAX, texts[i], length);
                (void)text_escape(message.host, sizeof(message.host), texts[i], length);
                back = there_and_back(&message);
                assert_same(&message, &back);
        }
}

/* What nobody escaped is made safe on its way out: an alert is not lost for its text. */
static void test_raw_texts(void **state)
{
        struct alert_message message = sample, back;

        (void)state;
        (void)text_copy(message.alert.summary, ALERT_TEXT_MAX,
                        "a\nb\x01"
                        "c\xff\"");
        memset(message.alert.evidence, '\xff', ALERT_TEXT_MAX - 1);
        memset(message.alert.next_action, '\\', ALERT_TEXT_MAX - 1);
        memset(message.alert.cause, '\x01', sizeof(message.alert.cause) - 1);
        message.alert.count = 0;
        back = there_and_back(&message);
        assert_string_equal(back.alert.summary, "a\\nb\\x01c\\xff\"");
        assert_int_equal(back.alert.count, 1);
        assert_true(text_starts_with(back.alert.evidence, "\\xff\\xff"));
        assert_int_equal(strlen(back.alert.next_action), ALERT_TEXT_MAX - 1);
}

static void test_times(void **state)
{
        static const struct {
                int64_t in, out;
        } cases[] = {
            {0, 0},
            {-1, 0},
            {INT64_MIN, 0},
            {999999, 0},
            {1000000, 1000000},
            {1999999, 1000000},
            {INT64_C(1709164800) * 1000000, INT64_C(1709164800) * 1000000}, /* a 29th of February */
            {INT64_C(253402300799) * 1000000, INT64_C(253402300799) * 1000000},
            {INT64_C(253402300800) * 1000000, 0},
            {INT64_MAX, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct alert_message message = sample;
                message.alert.until_realtime = cases[i].in;
                message.at = cases[i].in;
                message = there_and_back(&message);
                assert_int_equal(message.alert.until_realtime, cases[i].out);
                assert_int_equal(message.at, cases[i].out);
        }
}

static void test_what_cannot_be_told(void **state)
{
        struct alert_message cases[] = {sample, sample, sample, sample, sample, sample, sample, sample};

        (void)state;
        cases[0].sequence = 0;
        cases[1].id[0] = '\0';
        cases[2].spool[0] = '\0';
        cases[3].alert.kind = ALERT_KIND_MAX;
        cases[4].alert.state = (enum alert_state)2;
        cases[5].alert.severity = (enum severity)3;
        cases[6].alert.key[0] = '\0';
        cases[7].sequence = UINT64_MAX;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char *text = (char *)"untouched";
                size_t length = 5;
                assert_int_equal(alert_json_encode(&cases[i], &text, &length), -EINVAL);
                assert_true(length == 5 && text_equal(text, "untouched"));
        }
}

/* --- what is refused --- */

static void assert_refused(const char *text, size_t length)
{
        struct alert_message message, before;

        memset(&message, 0x55, sizeof(message));
        memset(&before, 0x55, sizeof(before));
        if (alert_json_decode(text, length, &message) != -EBADMSG)
                fail_msg("taken: %.300s", text);
        assert_memory_equal(&message, &before, sizeof(message));
}

static void test_truncated(void **state)
{
        (void)state;
        for (size_t length = 0; length < sizeof(sample_text) - 1; length++)
                assert_refused(sample_text, length);
}

/* One value of the sample replaced by another; `json` NULL: left out. */
static char *with(const char *key, const char *json)
{
        json_t *object = json_loads(sample_text, 0, NULL);

        assert_non_null(object);
        if (json) {
                json_t *value = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
                assert_non_null(value);
                assert_int_equal(json_object_set_new(object, key, value), 0);
        } else {
                assert_int_equal(json_object_del(object, key), 0);
        }
        char *text = json_dumps(object, JSON_COMPACT);
        assert_non_null(text);
        json_decref(object);
        return text;
}

static void test_missing_and_wrong_types(void **state)
{
        static const char *const keys[] = {"schema", "id",    "spool",   "sequence", "at",          "host",
                                           "state",  "kind",  "key",     "severity", "count",       "told",
                                           "modem",  "cause", "summary", "evidence", "next_action", "only",
                                           "since",  "until", "ended"};
        static const char *const wrong[] = {NULL, "true", "[]", "{}", "1.5", "-1", "[\"firing\"]"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                for (size_t k = 0; k < ARRAY_SIZE(wrong); k++) {
                        _cleanup_free_ char *text = with(keys[i], wrong[k]);
                        assert_refused(text, strlen(text));
                }
}

static void test_wrong_values(void **state)
{
        static const struct {
                const char *key, *json;
        } cases[] = {
            {"schema", "2"},
            {"schema", "0"},
            {"id", "\"\""},
            {"id", "null"},
            {"id", "\"a b\""},
            {"id", "\"a\\r\\nX-Header: b\""},
            {"id", "\"0123456789012345678901234567890123456789012345678901234567890123\""},
            {"spool", "\"../..\""},
            {"spool", "\"0123456789012345678901234567890123456789\""},
            {"sequence", "0"},
            {"sequence", "1000000000000000000"},
            {"sequence", "\"42\""},
            {"count", "0"},
            {"count", "4294967296"},
            {"told", "4294967296"},
            {"state", "\"Firing\""},
            {"state", "null"},
            {"kind", "\"none\""},
            {"severity", "\"fatal\""},
            {"severity", "\"\""},
            {"key", "null"},
            {"key", "\"\""},
            {"modem", "\"line\\nline\""},
            {"cause", "\"a word that is longer than thirty-two bytes\""},
            {"summary", "\"bell \\u0007\""},
            {"summary", "\"\\u007f\""},
            {"summary", "\"nul \\u0000 inside\""},
            {"evidence", "\"\\u202eturned\""},
            {"evidence", "\"\\u0085\""},
            {"host", "\"zero\\u200bwidth\""},
            {"at", "\"\""},
            {"at", "\"2026-11-23 08:00:00\""},
            {"at", "\"2026-11-23T08:00:00\""},
            {"at", "\"2026-11-23T08:00:00ZZ\""},
            {"at", "\"2026-11-23T08:00:00+01:00\""},
            {"at", "\"2026-02-30T08:00:00Z\""},
            {"at", "\"2026-11-23T24:00:00Z\""},
            {"at", "\"2026-13-01T00:00:00Z\""},
            {"at", "\"1969-12-31T23:59:59Z\""},
            {"at", "\"0000-00-00T00:00:00Z\""},
            {"at", "1795420800"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = with(cases[i].key, cases[i].json);
                assert_refused(text, strlen(text));
        }
}

/* A key of a later version is no reason to lose the alert. */
static void test_unknown_key(void **state)
{
        _cleanup_free_ char *text = with("later", "{\"a\":[1,2]}");
        struct alert_message message;

        (void)state;
        assert_int_equal(alert_json_decode(text, strlen(text), &message), 0);
        assert_same(&message, &sample);
}

static char *repeated(char c, size_t length)
{
        char *text = malloc(length + 1);

        assert_non_null(text);
        memset(text, c, length);
        text[length] = '\0';
        return text;
}

static void test_deep_and_large(void **state)
{
        static const char marks[] = "[{\"\\ 0-\n\xff";
        struct alert_message message;

        (void)state;
        for (size_t i = 0; i < sizeof(marks); i++) /* the NUL too */
                for (size_t length = 1; length <= 1048576; length *= 32) {
                        _cleanup_free_ char *text = repeated(marks[i], length);
                        assert_refused(text, length);
                }
        _cleanup_free_ char *deep = with("later", "[[[[[[[[1]]]]]]]]");
        assert_refused(deep, strlen(deep));
        _cleanup_free_ char *quoted = with("later", "\"[[[[[[[[ \\\" [[[[[[[[\"");
        assert_int_equal(alert_json_decode(quoted, strlen(quoted), &message), 0);
        /* Blanks behind it are no harm, but it is bounded with them. */
        _cleanup_free_ char *padded = repeated(' ', ALERT_JSON_MAX + 1);
        memcpy(padded, sample_text, sizeof(sample_text) - 1);
        assert_int_equal(alert_json_decode(padded, ALERT_JSON_MAX, &message), 0);
        assert_refused(padded, ALERT_JSON_MAX + 1);
}

static void test_other_json(void **state)
{
        static const char *const texts[] = {
            "null",
            "1",
            "\"text\"",
            "[]",
            "{}",
            "{} {}",
            "{\"schema\":1}",
            ENVELOPE "\"host\":\"gw1\"}",
            ENVELOPE "\"schema\":1}",
            "\xef\xbb\xbf{}",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_refused(texts[i], strlen(texts[i]));
        _cleanup_free_ char *twice = NULL;
        assert_true(asprintf(&twice, "%.*s,\"told\":2}", (int)sizeof(sample_text) - 2, sample_text) > 0);
        assert_refused(twice, strlen(twice));
        _cleanup_free_ char *tail = NULL;
        assert_true(asprintf(&tail, "%s{}", sample_text) > 0);
        assert_refused(tail, strlen(tail));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_text_form),      cmocka_unit_test(test_words),
            cmocka_unit_test(test_hostile_texts),  cmocka_unit_test(test_raw_texts),
            cmocka_unit_test(test_times),          cmocka_unit_test(test_what_cannot_be_told),
            cmocka_unit_test(test_truncated),      cmocka_unit_test(test_missing_and_wrong_types),
            cmocka_unit_test(test_wrong_values),   cmocka_unit_test(test_unknown_key),
            cmocka_unit_test(test_deep_and_large), cmocka_unit_test(test_other_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
