/*
 * Message files: what smsd 3.1.21 wrote, and what nobody should have written.
 */
#include "core/message_file.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void parse(struct message_header *header, const char *text)
{
        message_header_parse(header, text, strlen(text));
}

/* A real one. */
static void test_a_failed_message(void **state _unused_)
{
        struct message_header header;

        parse(&header, "Smswarden_requeued: 2\n"
                       "To: 37060012345\n"
                       "X-Own: kept\n"
                       "From: me\n"
                       "Modem: GSM1\n"
                       "IMSI: 246010000000001\n"
                       "IMEI: 867424030000016\n"
                       "Fail_reason: +CMS ERROR: 38 (Network out of order)\n"
                       "Failed: 26-11-23 09:09:46\n"
                       "PDU: 0011000B917360002143F50000FF09E8329BFD06BDDD65\n"
                       "\n"
                       "hello one\nTo: 999\n");
        assert_string_equal(header.to, "37060012345");
        assert_string_equal(header.from, "me");
        assert_string_equal(header.modem, "GSM1");
        assert_string_equal(header.imsi, "246010000000001");
        assert_string_equal(header.fail_reason, "+CMS ERROR: 38 (Network out of order)");
        assert_string_equal(header.failed, "26-11-23 09:09:46");
        assert_string_equal(header.sent, "");
        assert_int_equal(header.requeued, 2);
        assert_true(header.pdu);
        parse(&header, "To: 37060012345\nFail_reason: Unknown\n\nPDU: of the text\n");
        assert_false(header.pdu);
}

static void test_recipients(void **state _unused_)
{
        static const struct {
                const char *text, *to;
        } cases[] = {
            {"", ""},
            {"To: +370\n", "+370"},
            {"To:+370", "+370"},
            {"\xef\xbb\xbfTo: 1\n\n", "1"},
            {"To: 1\r\n\r\nTo: 2\r\n", "1"},
            {"To: 1\nTo: 2\n\n", "2"},
            {"to: 1\n\n", ""},
            {" To: 1\n\n", ""},
            {"To : 1\n\n", ""},
            {"\nTo: 1\n", ""},
            {" \t\r\nTo: 1\n", ""},
            {"To:   370 600 \t\n\n", "370 600"},
            {"To: \033[2J\n\n", "\\x1b[2J"},
            {"X\nTo: 1\n", "1"},
            {"To: 123456789012345678901234567890123456789\n", "1234567890123456789012345678901"},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct message_header header;
                parse(&header, cases[i].text);
                assert_string_equal(header.to, cases[i].to);
        }
}

static void test_bytes_that_are_no_text(void **state _unused_)
{
        static const char head[] = "To: 1\0\0022\nFail_reason: a\0b\n\n";
        struct message_header header;

        message_header_parse(&header, head, sizeof(head) - 1);
        assert_string_equal(header.to, "1\\x00\\x022");
        assert_string_equal(header.fail_reason, "a\\x00b");
        message_header_parse(&header, head, 3);
        assert_string_equal(header.to, "");
        message_header_parse(&header, head, 5);
        assert_string_equal(header.to, "1");
}

static void test_counts(void **state _unused_)
{
        static const struct {
                const char *text;
                unsigned count;
        } cases[] = {
            {"To: 1\n\n", 0},
            {"Smswarden_requeued: 0\n\n", 0},
            {"To: 1\nSmswarden_requeued: 3\r\n\n", 3},
            {"Smswarden_requeued:1\n", 1},
            {"Smswarden_requeued: 3\nSmswarden_requeued: 0\n", 3},
            {"smswarden_requeued: 3\n", 0},
            {"To: 1\n\nSmswarden_requeued: 3\n", 0},
            {"Smswarden_requeued: -1\n", UINT_MAX},
            {"Smswarden_requeued:\n", UINT_MAX},
            {"Smswarden_requeued: 2 \n", 2},
            {"Smswarden_requeued: 2x\n", UINT_MAX},
            {"Smswarden_requeued: 99999999999999999999\n", UINT_MAX},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct message_header header;
                parse(&header, cases[i].text);
                assert_int_equal(header.requeued, cases[i].count);
        }
}

/* The file as it is with the new count. */
static void rewrite(const char *text, unsigned count, char *target, size_t size)
{
        struct message_place place = message_requeued_place(text, strlen(text));
        char line[64];

        assert_int_equal(message_requeued_line(line, sizeof(line), count), 0);
        assert_int_equal(
            text_format(target, size, "%.*s%s%s", (int)place.begin, text, line, text + place.end), 0);
}

static void test_the_count_is_written(void **state _unused_)
{
        static const struct {
                const char *before, *after;
        } cases[] = {
            {"To: 1\n\ntext", "Smswarden_requeued: 2\nTo: 1\n\ntext"},
            {"Smswarden_requeued: 1\nTo: 1\n\ntext", "Smswarden_requeued: 2\nTo: 1\n\ntext"},
            {"Smswarden_requeued: 1\r\nTo: 1\r\n", "Smswarden_requeued: 2\nTo: 1\r\n"},
            {"\xef\xbb\xbfTo: 1\n\n", "\xef\xbb\xbfSmswarden_requeued: 2\nTo: 1\n\n"},
            {"\xef\xbb\xbfSmswarden_requeued: 1\nTo: 1\n", "\xef\xbb\xbfSmswarden_requeued: 2\nTo: 1\n"},
            {"To: 1\nSmswarden_requeued: 1\n\n", "Smswarden_requeued: 2\nTo: 1\nSmswarden_requeued: 1\n\n"},
            {"Smswarden_requeued: 1", "Smswarden_requeued: 2\n"},
            {"", "Smswarden_requeued: 2\n"},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                char after[256];
                struct message_header header;
                rewrite(cases[i].before, 2, after, sizeof(after));
                assert_string_equal(after, cases[i].after);
                parse(&header, after);
                assert_int_equal(header.requeued, 2);
        }
}

static void test_names(void **state _unused_)
{
        static const struct {
                const char *name;
                bool message;
                int check;
        } cases[] = {
            {"alert-1", true, 0},           {"GSM1.6cXoFU", true, 0},
            {"a b\n\033", true, 0},         {"LOCK", true, 0},
            {"x.LOCK2", true, 0},           {"x.lock", true, 0},
            {"x.LOCK", false, -EINVAL},     {".LOCK", false, -EINVAL},
            {"LOCKED1", false, -EINVAL},    {".x", false, -EINVAL},
            {".", false, -EINVAL},          {"..", false, -EINVAL},
            {"", false, -EINVAL},           {"../etc/passwd", false, -EINVAL},
            {"/etc/passwd", true, -EINVAL}, {"a/b", true, -EINVAL},
        };
        char name[MESSAGE_NAME_MAX + 2];

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(message_name_is_message(cases[i].name), cases[i].message);
                assert_int_equal(message_name_check(cases[i].name), cases[i].check);
        }
        memset(name, 'x', sizeof(name));
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(message_name_check(name), -ENAMETOOLONG);
        assert_int_equal(message_name_check(name + 1), 0);
}

static void test_locks(void **state _unused_)
{
        static const struct {
                const char *text, *owner;
        } cases[] = {
            {"23727 GSM1\n", "GSM1"},
            {"1 GSM1", "GSM1"},
            {"1 \033GSM1\nGSM2\n", "GSM1"},
            {"", ""},
            {"GSM1\n", ""},
            {"12\n", ""},
            {"12 \n", ""},
            {" 12 GSM1\n", ""},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                char owner[16];
                message_lock_owner(owner, sizeof(owner), cases[i].text, strlen(cases[i].text));
                assert_string_equal(owner, cases[i].owner);
        }
}

/* What a person pastes into a root shell. */
static void test_the_command_that_requeues(void **state _unused_)
{
        static const struct {
                const char *name, *command;
        } cases[] = {
            {"GSM1.aB3-x", "smswarden queue requeue GSM1.aB3-x"},
            {"-rf", "smswarden queue requeue -- -rf"},
            {"x;reboot", ""},
            {"$(reboot)", ""},
            {"`reboot`", ""},
            {"a b", ""},
            {"a\nreboot", ""},
            {"a\\x", ""},
            {"'", ""},
            {"~root", ""},
            {"/s/a", ""},
            {"a*", ""},
            {"\xc3\xa9", ""},
            {".x", ""},
            {"", ""},
        };
        char command[64], name[MESSAGE_NAME_MAX + 1];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                message_requeue_command(command, sizeof(command), cases[i].name, false);
                assert_string_equal(command, cases[i].command);
        }
        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        message_requeue_command(command, sizeof(command), name, false);
        assert_string_equal(command, "");
        message_requeue_command(command, sizeof(command), "-x", true);
        assert_string_equal(command, "smswarden queue requeue --force -- -x");
}

static void test_masks(void **state _unused_)
{
        static const struct {
                const char *to, *masked;
        } cases[] = {
            {"+37061234512", "+3706*****12"},
            {"37061234512", "3706*****12"},
            {"+370 612-34512", "+3706*****12"},
            {"123456789", "1234*****89"},
            {"12345678", "1***"},
            {"+1", "+1***"},
            {"112", "1***"},
            {"", ""},
            {"+", "*"},
            {"Bob", "*"},
            {"3706123x512", "*"},
            {"1234567890123456789012345", "*"},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                char masked[32];
                message_recipient_mask(masked, sizeof(masked), cases[i].to, strlen(cases[i].to));
                assert_string_equal(masked, cases[i].masked);
        }
        char small[6];
        message_recipient_mask(small, sizeof(small), "+37060012345", 12);
        assert_string_equal(small, "+3706");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_failed_message),
            cmocka_unit_test(test_recipients),
            cmocka_unit_test(test_bytes_that_are_no_text),
            cmocka_unit_test(test_counts),
            cmocka_unit_test(test_the_count_is_written),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_locks),
            cmocka_unit_test(test_the_command_that_requeues),
            cmocka_unit_test(test_masks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
