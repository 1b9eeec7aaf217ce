/*
 * SMS transfer units as a modem sees them, in hexadecimal: a SUBMIT that the host hands over is read, a
 * DELIVER that the network brings is made. GSM 7-bit (default alphabet with its extension) and UCS2; text is
 * UTF-8 on our side. Pure: no clock, no fd.
 */
#ifndef EC25_PDU_H
#define EC25_PDU_H

#include <stddef.h>
#include <stdint.h>

#define PDU_NUMBER_SIZE 24
#define PDU_TEXT_SIZE   700 /* 160 characters of at most 3 bytes of UTF-8, and escapes */
#define PDU_HEX_SIZE    384 /* SMSC 12 + TPDU 164 bytes, two digits each, and the NUL */

struct pdu_message {
        char number[PDU_NUMBER_SIZE]; /* "+" in front when international */
        char text[PDU_TEXT_SIZE];     /* UTF-8; 8-bit data as hexadecimal */
        unsigned reference;           /* of a concatenated message, 0 without */
        unsigned part;                /* 1..parts */
        unsigned parts;               /* 1 when not concatenated */
};

/*
 * Reads a SUBMIT with its SMSC prefix. `tpdu_length` is the number after AT+CMGS= (bytes without the SMSC
 * part). Returns 0, -EINVAL (malformed, or the length does not fit), -ENOTSUP (not a SUBMIT).
 */
int pdu_read_submit(const char *hex, unsigned tpdu_length, struct pdu_message *ret_message);

/*
 * Makes a DELIVER. `sender`: digits, "+" and digits, or up to 11 letters. `unix_time` becomes the service
 * centre's stamp. Returns the TPDU length (as +CMGR tells it), -EMSGSIZE (text too long for one message) or
 * -EINVAL (not UTF-8, bad sender).
 */
int pdu_make_deliver(char hex[static PDU_HEX_SIZE], const char *smsc, const char *sender, const char *text,
                     int64_t unix_time);

#endif
