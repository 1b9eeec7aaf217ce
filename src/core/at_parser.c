/*
 * Lines out of a modem's byte stream, see core/at_parser.h. A line ends at CR or LF; that treats the echo (CR
 * alone), V1 framing (CR LF on both sides) and sloppy firmware alike, for empty lines are passed over. What
 * does not fit is counted and dropped as it comes, so an endless line costs AT_LINE_MAX bytes. This module
 * only names a line; what it means in a dialogue is decided by the dialogues.
 */
#include "core/at_parser.h"

#include "base/parse.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>

/* A handful of stray bytes is a UART waking up, not a DIAG port. */
#define BINARY_FEW 7

struct final_word {
        const char *text;
        enum at_line_kind kind;
};

static const struct final_word final_words[] = {
    {"OK", AT_LINE_OK},
    {"ERROR", AT_LINE_ERROR},
    {"COMMAND NOT SUPPORT", AT_LINE_ERROR},
    {"COMMAND NOT SUPPORTED", AT_LINE_ERROR},
    {"NO CARRIER", AT_LINE_ERROR},
    {"NO DIALTONE", AT_LINE_ERROR},
    {"NO ANSWER", AT_LINE_ERROR},
    {"BUSY", AT_LINE_ERROR},
};

/* Complete lines that come unasked. */
static const char *const urc_words[] = {
    "RDY",
    "RING",
    "SMS DONE",
    "PB DONE",
    "SMS READY",
    "CALL READY",
    "Call Ready",
    "SMS Ready",
    "POWERED DOWN",
    "NORMAL POWER DOWN",
    "*ATREADY: 1",
    "+CPIN: NOT READY",
    "+CPIN: SIM REMOVED",
};

/* Beginnings of lines that come unasked and are never the answer to anything the dialogue asks. */
static const char *const urc_prefixes[] = {
    "+QIND:", "+QUSIM:", "+QSIMSTAT", "+QIURC:", "+QUSBEVT", "+CMTI:",     "+CMT:",
    "+CDS:",  "+CDSI:",  "+CBM:",     "+CBMI:",  "+CRING:",  "+CLIP:",     "+CUSD:",
    "+CGEV:", "+CTZV:",  "+CTZE:",    "+CIEV:",  "^MODE:",   "^SMMEMFULL",
};

void at_parser_init(struct at_parser *parser)
{
        *parser = (struct at_parser){0};
}

static bool is_line_end(char c)
{
        return c == '\r' || c == '\n';
}

/* Controls that a modem in text mode sends: TAB, the SUB and ESC of a message dialogue, line ends. */
static bool is_text_byte(unsigned char c)
{
        return (c >= 0x20 && c != 0x7e && c != 0x7f) || c == '\r' || c == '\n' || c == '\t' || c == 0x1a ||
               c == 0x1b;
}

static void take_byte(struct at_parser *parser, char c)
{
        unsigned char byte = (unsigned char)c;

        if (parser->length >= sizeof(parser->buffer) - 1) {
                parser->cut = true;
                return;
        }
        if (byte < 0x20 || byte == 0x7f)
                c = '?';
        parser->buffer[parser->length++] = c;
}

static void count_byte(struct at_parser *parser, char c)
{
        /* Both stop together at the end of the range: their ratio is what counts. */
        if (parser->received == UINT_MAX)
                return;
        parser->received++;
        if (!is_text_byte((unsigned char)c))
                parser->binary++;
}

/* "$GPGGA," and the like: a talker of the GNSS family, a sentence name, a comma. */
static bool is_nmea(const char *text)
{
        if (!text_starts_with(text, "$G"))
                return false;
        size_t name = strspn(text + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        return name >= 3 && name <= 4 && text[2 + name] == ',';
}

static bool is_urc(const char *text)
{
        for (size_t i = 0; i < ARRAY_SIZE(urc_words); i++)
                if (text_equal(text, urc_words[i]))
                        return true;
        for (size_t i = 0; i < ARRAY_SIZE(urc_prefixes); i++)
                if (text_starts_with(text, urc_prefixes[i]))
                        return true;
        return false;
}

/* The number behind "+CME ERROR:", -1 when the modem wrote words there. */
static int error_code(const char *text)
{
        int code = -1;

        (void)parse_int(text + strspn(text, " "), 0, 9999, &code); /* untouched when it is no number */
        return code;
}

static void classify(struct at_line *line)
{
        static const char cme[] = "+CME ERROR:", cms[] = "+CMS ERROR:";
        const char *text = line->text;

        line->kind = AT_LINE_TEXT;
        line->code = -1;
        for (size_t i = 0; i < ARRAY_SIZE(final_words); i++)
                if (text_equal(text, final_words[i].text)) {
                        line->kind = final_words[i].kind;
                        return;
                }
        if (text_starts_with(text, cme)) {
                line->kind = AT_LINE_CME_ERROR;
                line->code = error_code(text + sizeof(cme) - 1);
        } else if (text_starts_with(text, cms)) {
                line->kind = AT_LINE_CMS_ERROR;
                line->code = error_code(text + sizeof(cms) - 1);
        } else if (text_starts_with(text, "AT")) {
                line->kind = AT_LINE_ECHO;
        } else if (is_nmea(text)) {
                line->kind = AT_LINE_NMEA;
        } else if (is_urc(text)) {
                line->kind = AT_LINE_URC;
        }
}

static void emit_line(struct at_parser *parser, struct at_line *ret_line)
{
        memcpy(ret_line->text, parser->buffer, parser->length);
        ret_line->text[parser->length] = '\0';
        ret_line->length = parser->length;
        ret_line->cut = parser->cut;
        parser->length = 0;
        parser->cut = false;
        classify(ret_line);
}

size_t at_parser_feed(struct at_parser *parser, const char *data, size_t size, struct at_line *ret_line,
                      bool *ret_ready)
{
        *ret_ready = false;
        for (size_t i = 0; i < size; i++) {
                count_byte(parser, data[i]);
                if (!is_line_end(data[i])) {
                        take_byte(parser, data[i]);
                } else if (parser->length > 0) {
                        emit_line(parser, ret_line);
                        *ret_ready = true;
                        return i + 1;
                }
        }
        return size;
}

bool at_parser_is_binary(const struct at_parser *parser)
{
        return parser->binary > BINARY_FEW && parser->binary > parser->received / 8;
}
