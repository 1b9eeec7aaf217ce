/*
 * Bytes from a modem's port into lines. Framing <CR><LF>text<CR><LF> (V1), echo, prompts, unsolicited result
 * codes (URC) in between, garbage and binary are all input. Bounded: a line longer than AT_LINE_MAX is cut
 * and marked, never kept.
 */
#ifndef CORE_AT_PARSER_H
#define CORE_AT_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#define AT_LINE_MAX 512

enum at_line_kind {
        AT_LINE_OK,        /* final: OK */
        AT_LINE_ERROR,     /* final: ERROR, COMMAND NOT SUPPORT, NO CARRIER and the like; code = -1 */
        AT_LINE_CME_ERROR, /* final: +CME ERROR: <n> (3GPP 27.007 9.2); code = n, -1 for text form */
        AT_LINE_CMS_ERROR, /* final: +CMS ERROR: <n> (3GPP 27.005 3.2.5) */
        AT_LINE_ECHO,      /* begins with AT: the modem's echo of a command */
        AT_LINE_URC, /* a known unsolicited line: RDY, +QIND:, +CPIN: NOT READY, +QUSIM:, +CMTI:, RING, ... */
        AT_LINE_NMEA, /* $G....: this is the GNSS port */
        AT_LINE_TEXT, /* anything else: the information response of a command */
};

struct at_line {
        enum at_line_kind kind;
        int code;               /* of CME/CMS errors, else -1 */
        bool cut;               /* was longer than AT_LINE_MAX */
        char text[AT_LINE_MAX]; /* without line ends; printable ASCII and bytes >= 0x80; NUL and controls
                                   replaced by '?' */
        size_t length;
};

/* OK or an error: the end of a command's answer. */
static inline bool at_line_is_final(const struct at_line *line)
{
        return line->kind == AT_LINE_OK || line->kind == AT_LINE_ERROR || line->kind == AT_LINE_CME_ERROR ||
               line->kind == AT_LINE_CMS_ERROR;
}

struct at_parser {
        char buffer[AT_LINE_MAX];
        size_t length;
        bool cut;
        unsigned binary;   /* count of bytes that no text modem sends (controls other than CR LF TAB SUB ESC,
                              0x7e frames) */
        unsigned received; /* bytes seen in all, saturating */
};

void at_parser_init(struct at_parser *parser);

/*
 * Takes bytes up to and including the next complete non-empty line. Returns the number of bytes consumed (0
 * only when size is 0); sets *ret_ready when `ret_line` was filled. Call again with the rest until all is
 * consumed.
 */
size_t at_parser_feed(struct at_parser *parser, const char *data, size_t size, struct at_line *ret_line,
                      bool *ret_ready);

/* True when what came so far is binary (a DIAG port): more than a few, and more than one in eight, non-text
 * bytes. */
bool at_parser_is_binary(const struct at_parser *parser);

#endif
