/*
 * What is read from a message that smsd gave up, and what is never shown of it.
 */
#include "core/smsd_message.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_mask(void **state)
{
        static const struct {
                const char *number, *masked;
        } table[] = {
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

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                char masked[32];
                smsd_message_mask(table[i].number, strlen(table[i].number), masked, sizeof(masked));
                assert_string_equal(masked, table[i].masked);
        }
}

static void test_headers(void **state)
{
        static const struct {
                const char *text, *recipient, *modem, *reason;
        } table[] = {
            {"To: 37061234512\nModem: GSM1\nFail_reason: +CMS ERROR: 500\n\nFail_reason: of the text\n",
             "3706*****12", "GSM1", "+CMS ERROR: 500"},
            {"to:37061234512\r\nFAIL_REASON:\tno answer \r\n\r\nText", "3706*****12", "", "no answer"},
            {"Modem: A\nModem: B", "", "B", ""},
            {"\nTo: 37061234512\n", "", "", ""},
            {"", "", "", ""},
            {"Tomorrow: 1\nXTo: 2\n", "", "", ""},
            {"Fail_reason: a\x1b[31mb\xff\n", "", "", "a\\x1b[31mb\\xff"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct message_failed_event message;
                memset(&message, 'x', sizeof(message));
                smsd_message_parse(table[i].text, strlen(table[i].text), &message);
                assert_string_equal(message.recipient, table[i].recipient);
                assert_string_equal(message.modem, table[i].modem);
                assert_string_equal(message.reason, table[i].reason);
        }
}

static void test_hostile(void **state)
{
        struct message_failed_event message;
        char text[SMSD_MESSAGE_HEAD_MAX];

        (void)state;
        memset(text, 'A', sizeof(text));
        memcpy(text, "Fail_reason: ", 13);
        smsd_message_parse(text, sizeof(text), &message);
        assert_in_range(strlen(message.reason), 100, sizeof(message.reason) - 1);
        memset(text, '\0', sizeof(text));
        memcpy(text, "To: 1\0\0\0", 8);
        smsd_message_parse(text, sizeof(text), &message);
        assert_string_equal(message.recipient, "*");
        memset(text, '\r', sizeof(text));
        smsd_message_parse(text, sizeof(text), &message);
        assert_string_equal(message.recipient, "");
}

/* What a person pastes into a root shell. */
static void test_again(void **state)
{
        static const struct {
                const char *failed, *outgoing, *name, *command;
        } table[] = {
            {"/s/failed", "/s/outgoing", "GSM1.aB3-x", "mv /s/failed/GSM1.aB3-x /s/outgoing/"},
            {"/s/failed", "/s/outgoing", "-rf", "mv /s/failed/-rf /s/outgoing/"},
            {"/s/failed", "/s/outgoing", "x;reboot", ""},
            {"/s/failed", "/s/outgoing", "$(reboot)", ""},
            {"/s/failed", "/s/outgoing", "`reboot`", ""},
            {"/s/failed", "/s/outgoing", "a b", ""},
            {"/s/failed", "/s/outgoing", "a\nreboot", ""},
            {"/s/failed", "/s/outgoing", "a\\x", ""},
            {"/s/failed", "/s/outgoing", "'", ""},
            {"/s/failed", "/s/outgoing", "\xc3\xa9", ""},
            {"/s/failed", "/s/outgoing", "", ""},
            {"/s p/failed", "/s/outgoing", "a", ""},
            {"/s/failed", "/s/out*", "a", ""},
            {"/s/failed", "", "a", ""},
            {"", "/s/outgoing", "a", ""},
        };
        char command[40], name[200];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                smsd_message_again(table[i].failed, table[i].outgoing, table[i].name, command,
                                   sizeof(command));
                assert_string_equal(command, table[i].command);
        }
        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        smsd_message_again("/f", "/o", name, command, sizeof(command));
        assert_string_equal(command, "");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_mask),
            cmocka_unit_test(test_headers),
            cmocka_unit_test(test_hostile),
            cmocka_unit_test(test_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
