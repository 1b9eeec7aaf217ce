/* Bytes into lines: every kind of line, every way of cutting the stream, and streams that never end a line.
 */
#include "core/at_parser.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
        const char *text;
        enum at_line_kind kind;
        int code;
} kinds[] = {
    {"OK", AT_LINE_OK, -1},
    {"ERROR", AT_LINE_ERROR, -1},
    {"COMMAND NOT SUPPORT", AT_LINE_ERROR, -1},
    {"NO CARRIER", AT_LINE_ERROR, -1},
    {"+CME ERROR: 10", AT_LINE_CME_ERROR, 10},
    {"+CME ERROR: SIM not inserted", AT_LINE_CME_ERROR, -1},
    {"+CME ERROR: 99999999999", AT_LINE_CME_ERROR, -1},
    {"+CME ERROR:", AT_LINE_CME_ERROR, -1},
    {"+CMS ERROR: 322", AT_LINE_CMS_ERROR, 322},
    {"AT+CGSN", AT_LINE_ECHO, -1},
    {"AT", AT_LINE_ECHO, -1},
    {"RDY", AT_LINE_URC, -1},
    {"+QIND: SMS DONE", AT_LINE_URC, -1},
    {"+CPIN: NOT READY", AT_LINE_URC, -1},
    {"+QUSIM: 1", AT_LINE_URC, -1},
    {"+QSIMSTAT : 1,0", AT_LINE_URC, -1},
    {"+CMTI: \"ME\",3", AT_LINE_URC, -1},
    {"RING", AT_LINE_URC, -1},
    {"$GPGGA,,,,,,0,,,,,,,,*66", AT_LINE_NMEA, -1},
    {"$GNRMC,1", AT_LINE_NMEA, -1},
    {"$G", AT_LINE_TEXT, -1},
    {"$GET / HTTP", AT_LINE_TEXT, -1},
    {"+CPIN: READY", AT_LINE_TEXT, -1},
    {"+CFUN: 1", AT_LINE_TEXT, -1},
    {"862061045678901", AT_LINE_TEXT, -1},
    {"OKAY", AT_LINE_TEXT, -1},
    {"RDYX", AT_LINE_TEXT, -1},
};

/* Feeds all of `data` in pieces of `piece` bytes; collects the lines joined by '|'. Returns their number. */
static unsigned collect(struct at_parser *parser, const char *data, size_t size, size_t piece, char *ret_text,
                        size_t ret_size)
{
        unsigned n = 0;

        ret_text[0] = '\0';
        for (size_t done = 0; done < size;) {
                struct at_line line;
                bool ready;
                size_t left = size - done;
                size_t taken =
                    at_parser_feed(parser, data + done, left < piece ? left : piece, &line, &ready);
                assert_true(taken > 0 && taken <= left);
                done += taken;
                if (!ready)
                        continue;
                assert_true(line.length == strlen(line.text));
                assert_int_equal(text_append(ret_text, ret_size, "%s%s", n++ > 0 ? "|" : "", line.text), 0);
        }
        return n;
}

static void test_kinds(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                struct at_parser parser;
                struct at_line line;
                bool ready;
                at_parser_init(&parser);
                assert_int_equal(at_parser_feed(&parser, kinds[i].text, strlen(kinds[i].text), &line, &ready),
                                 strlen(kinds[i].text));
                assert_false(ready);
                assert_int_equal(at_parser_feed(&parser, "\r\n", 2, &line, &ready), 1);
                assert_true(ready);
                if (line.kind != kinds[i].kind || line.code != kinds[i].code)
                        fail_msg("%s: kind %d code %d", kinds[i].text, line.kind, line.code);
                assert_string_equal(line.text, kinds[i].text);
                assert_false(line.cut);
        }
}

static void test_any_cut_gives_the_same_lines(void **state)
{
        static const char stream[] =
            "AT+CPIN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n\r\nRDY\r\n\r\n\r\n+CREG: 0,1\nOK\rx\ty\r\n";
        static const char wanted[] = "AT+CPIN?|+CPIN: READY|OK|RDY|+CREG: 0,1|OK|x?y";

        (void)state;
        for (size_t piece = 1; piece <= sizeof(stream); piece++) {
                struct at_parser parser;
                char text[256];
                at_parser_init(&parser);
                assert_int_equal(collect(&parser, stream, sizeof(stream) - 1, piece, text, sizeof(text)), 7);
                assert_string_equal(text, wanted);
                assert_false(at_parser_is_binary(&parser));
        }
}

static void test_controls_are_replaced(void **state)
{
        static const char stream[] = "EC25\0\x1b[31m\x7f\x01\xc3\xa4\n";
        struct at_parser parser;
        char text[64];

        (void)state;
        at_parser_init(&parser);
        assert_int_equal(collect(&parser, stream, sizeof(stream) - 1, 100, text, sizeof(text)), 1);
        assert_string_equal(text, "EC25??[31m??\xc3\xa4");
}

static void test_long_line_is_cut(void **state)
{
        static const size_t lengths[] = {AT_LINE_MAX - 2, AT_LINE_MAX - 1, AT_LINE_MAX,
                                         (size_t)5 * AT_LINE_MAX};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                char data[5 * AT_LINE_MAX];
                struct at_parser parser;
                struct at_line line;
                bool ready;
                memset(data, 'a', sizeof(data));
                at_parser_init(&parser);
                assert_int_equal(at_parser_feed(&parser, data, lengths[i], &line, &ready), lengths[i]);
                assert_int_equal(at_parser_feed(&parser, "\r", 1, &line, &ready), 1);
                assert_true(ready);
                assert_int_equal(line.cut, lengths[i] >= AT_LINE_MAX);
                assert_int_equal(line.length, lengths[i] < AT_LINE_MAX ? lengths[i] : AT_LINE_MAX - 1);
                /* The next line is whole again. */
                assert_int_equal(at_parser_feed(&parser, "OK\r", 3, &line, &ready), 3);
                assert_true(ready && !line.cut && line.kind == AT_LINE_OK);
        }
}

static void test_endless_line(void **state)
{
        static char data[64 * 1024];
        struct at_parser parser;
        struct at_line line;
        bool ready;

        (void)state;
        memset(data, 'U', sizeof(data));
        at_parser_init(&parser);
        for (unsigned i = 0; i < 160; i++) {
                assert_int_equal(at_parser_feed(&parser, data, sizeof(data), &line, &ready), sizeof(data));
                assert_false(ready);
        }
        assert_false(at_parser_is_binary(&parser));
        assert_int_equal(parser.received, 160 * sizeof(data));
}

static void test_binary(void **state)
{
        static const struct {
                const char *data;
                size_t size;
                bool binary;
        } cases[] = {
            {"\x7e\x13\x41\x54\x7e\x00\x01\x02\x7e\x03\x04\x05", 12, true},
            {"\0\0\0", 3, false}, /* a UART waking up */
            {"\0\0\0\0\r\nRDY\r\n", 11, false},
            {"\r\nOK\r\n\x1b\x1a\t\x1b\x1a\t\x1b\x1a\t", 15, false},
            {"\x01\x02\x03\x04\x05\x06\x07\x08", 8, true},
            {"", 0, false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct at_parser parser;
                char text[256];
                at_parser_init(&parser);
                (void)collect(&parser, cases[i].data, cases[i].size, 1, text, sizeof(text));
                assert_int_equal(at_parser_is_binary(&parser), cases[i].binary);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_kinds),
            cmocka_unit_test(test_any_cut_gives_the_same_lines),
            cmocka_unit_test(test_controls_are_replaced),
            cmocka_unit_test(test_long_line_is_cut),
            cmocka_unit_test(test_endless_line),
            cmocka_unit_test(test_binary),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
