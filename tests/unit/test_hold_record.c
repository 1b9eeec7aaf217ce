/*
 * core/hold_record: what is encoded comes back, whatever is in it; what is not a hold is refused and changes
 * nothing.
 */
#include "core/hold_record.h"

#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BOOT  "0123456789abcdef0123456789abcdef"
#define BOOT2 "01234567-89ab-cdef-0123-456789abcdef"

static const struct hold_record sample = {
    .source = HOLD_SOURCE_CLI,
    .by = "root",
    .reason = "SIM swap",
    .since = 60 * USEC_PER_SEC,
    .until = 60 * USEC_PER_SEC + 30 * USEC_PER_MIN,
    .since_realtime = 1795399200,
};

static const char sample_text[] = "# smswarden: the gateway is held from 2026-11-23 02:00:00 UTC for 30min\n"
                                  "source=cli\nby=root\nreason=SIM swap\nsince=60000000\nuntil=1860000000\n"
                                  "since_realtime=1795399200\nboot_id=" BOOT "\n";

static void test_text_form(void **state)
{
        char text[HOLD_RECORD_TEXT_MAX];

        (void)state;
        assert_int_equal(hold_record_encode(&sample, BOOT, text, sizeof(text)), sizeof(sample_text) - 1);
        assert_string_equal(text, sample_text);
        assert_int_equal(hold_record_encode(&sample, BOOT, text, sizeof(sample_text)),
                         sizeof(sample_text) - 1);
        assert_int_equal(hold_record_encode(&sample, BOOT, text, sizeof(sample_text) - 1), -ENOBUFS);
}

static void assert_round_trip(const struct hold_record *record, const char *boot_id)
{
        struct hold_record back;
        char text[HOLD_RECORD_TEXT_MAX], boot_back[HOLD_BOOT_ID_SIZE];
        int length = hold_record_encode(record, boot_id, text, sizeof(text));

        assert_true(length > 0);
        assert_int_equal(hold_record_decode(text, (size_t)length, &back, boot_back), 0);
        assert_int_equal(back.source, record->source);
        assert_string_equal(back.by, record->by);
        assert_string_equal(back.reason, record->reason);
        assert_int_equal(back.since, record->since);
        assert_int_equal(back.until, record->until);
        assert_int_equal(back.since_realtime, record->since_realtime);
        assert_string_equal(boot_back, boot_id);
        for (const char *p = text; *p; p++)
                assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
}

static void test_round_trips(void **state)
{
        static const char *const reasons[] = {
            "",
            "=",
            "a=b",
            " leading and trailing ",
            "two\nlines\r\n\ttabs",
            "back\\slash \\n",
            "žinutė ✓ 🙂",
            "\x1b[31mred\x1b[0m",
            "\x80\xff\xc0\xaf",
            "\xe2\x80\xae turned",
            "until=1\nsource=legacy",
            "# no comment",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
                struct hold_record record = sample;
                record.source = (enum hold_source)(i % 3);
                (void)text_copy(record.reason, sizeof(record.reason), reasons[i]);
                (void)text_copy(record.by, sizeof(record.by), reasons[i]);
                assert_round_trip(&record, i % 2 ? BOOT : BOOT2);
        }
}

static void test_the_longest_record_fits(void **state)
{
        struct hold_record record = {
            .source = HOLD_SOURCE_SYSTEMCTL,
            .since = USEC_INFINITY - 2,
            .until = USEC_INFINITY - 1,
            .since_realtime = INT64_MAX,
        };

        (void)state;
        memset(record.reason, '\x01', sizeof(record.reason) - 1);
        memset(record.by, '\xff', sizeof(record.by) - 1);
        assert_round_trip(&record, BOOT2);
}

static void test_what_has_no_end_is_not_encoded(void **state)
{
        static const struct {
                usec_t since, until;
                int64_t realtime;
                const char *boot_id;
        } rows[] = {
            {10, USEC_INFINITY, 0, BOOT},
            {10, 10, 0, BOOT},
            {11, 10, 0, BOOT},
            {10, 20, -1, BOOT},
            {10, 20, 0, ""},
            {10, 20, 0, "x"},
            {10, 20, 0, BOOT "0"},
            {10, 20, 0, "0123456789abcdef\n123456789abcdef"},
        };
        char text[HOLD_RECORD_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct hold_record record = sample;
                record.since = rows[i].since;
                record.until = rows[i].until;
                record.since_realtime = rows[i].realtime;
                assert_int_equal(hold_record_encode(&record, rows[i].boot_id, text, sizeof(text)), -EINVAL);
        }
}

#define LINES "source=cli\nby=root\nreason=x\nsince=1\nuntil=2\nsince_realtime=3\n"

static const struct {
        const char *text;
        bool good;
} texts[] = {
    {LINES "boot_id=" BOOT "\n", true},
    {LINES "boot_id=" BOOT, true},
    {"\n# comment\n\n" LINES "boot_id=" BOOT "\nfuture=thing\n", true},
    {"", false},
    {"\n", false},
    {"/dev/null 2>&1\n", false},
    {LINES, false},
    {LINES "boot_id=\n", false},
    {LINES "boot_id=" BOOT "0\n", false},
    {LINES "boot_id=0123456789ABCDEF0123456789ABCDEF\n", false},
    {LINES "boot_id=" BOOT "\nsource=cli\n", false}, /* twice */
    {LINES "boot_id=" BOOT "\nrubbish\n", false},
    {LINES "boot_id=" BOOT "\r\n", false},
    {"source=CLI\nby=root\nreason=x\nsince=1\nuntil=2\nsince_realtime=3\nboot_id=" BOOT "\n", false},
    {"source=cli\nby=root\nreason=\\q\nsince=1\nuntil=2\nsince_realtime=3\nboot_id=" BOOT "\n", false},
    {"source=cli\nby=root\nreason=\\x00\nsince=1\nuntil=2\nsince_realtime=3\nboot_id=" BOOT "\n", false},
    {"source=cli\nby=root\nreason=x\nsince=2\nuntil=2\nsince_realtime=3\nboot_id=" BOOT "\n", false},
    {"source=cli\nby=root\nreason=x\nsince=1\nuntil=18446744073709551615\nsince_realtime=3\nboot_id=" BOOT
     "\n",
     false},
    {"source=cli\nby=root\nreason=x\nsince=1\nuntil=+2\nsince_realtime=3\nboot_id=" BOOT "\n", false},
    {"source=cli\nby=root\nreason=x\nsince=1\nuntil= 2\nsince_realtime=3\nboot_id=" BOOT "\n", false},
    {"source=cli\nby=root\nreason=x\nsince=1\nuntil=2\nsince_realtime=9223372036854775808\nboot_id=" BOOT
     "\n",
     false},
    {"source=cli\nby=0123456789012345678901234567890123456789012345678901234567890123\nreason=x\nsince="
     "1\nuntil=2\n"
     "since_realtime=3\nboot_id=" BOOT "\n",
     false},
};

static void test_decoding(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct hold_record record = sample;
                char boot_id[HOLD_BOOT_ID_SIZE] = "untouched";
                int r = hold_record_decode(texts[i].text, strlen(texts[i].text), &record, boot_id);
                if (r != (texts[i].good ? 0 : -EBADMSG))
                        fail_msg("row %zu gave %d", i, r);
                if (!texts[i].good) {
                        assert_memory_equal(&record, &sample, sizeof(record));
                        assert_string_equal(boot_id, "untouched");
                }
        }
}

static void test_a_nul_and_a_long_line_are_refused(void **state)
{
        static const char with_nul[] = LINES "boot_id=" BOOT "\nx=\0y\n";
        struct hold_record record;
        char boot_id[HOLD_BOOT_ID_SIZE], text[4096] = LINES "boot_id=" BOOT "\nx=";

        (void)state;
        assert_int_equal(hold_record_decode(with_nul, sizeof(with_nul) - 1, &record, boot_id), -EBADMSG);
        memset(text + strlen(text), 'y', 1200);
        assert_int_equal(hold_record_decode(text, strlen(text), &record, boot_id), -EBADMSG);
}

/* Every cut of a good file is no hold, but for the one that lacks just the last newline. */
static void test_half_a_file(void **state)
{
        struct hold_record record;
        char boot_id[HOLD_BOOT_ID_SIZE];

        (void)state;
        for (size_t length = 0; length < sizeof(sample_text) - 2; length++)
                assert_int_equal(hold_record_decode(sample_text, length, &record, boot_id), -EBADMSG);
        assert_int_equal(hold_record_decode(sample_text, sizeof(sample_text) - 2, &record, boot_id), 0);
}

static void test_sources(void **state)
{
        static const char *const words[] = {"cli", "legacy", "systemctl"};

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
                enum hold_source source;
                assert_int_equal(hold_source_from_string(words[i], &source), 0);
                assert_int_equal(source, i);
                assert_string_equal(hold_source_to_string(source), words[i]);
        }
        enum hold_source source = HOLD_SOURCE_LEGACY;
        assert_int_equal(hold_source_from_string("web", &source), -EINVAL);
        assert_int_equal(source, HOLD_SOURCE_LEGACY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_text_form),
            cmocka_unit_test(test_round_trips),
            cmocka_unit_test(test_the_longest_record_fits),
            cmocka_unit_test(test_what_has_no_end_is_not_encoded),
            cmocka_unit_test(test_decoding),
            cmocka_unit_test(test_a_nul_and_a_long_line_are_refused),
            cmocka_unit_test(test_half_a_file),
            cmocka_unit_test(test_sources),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
