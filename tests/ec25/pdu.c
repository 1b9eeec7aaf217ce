/*
 * The two directions share one bit reader and writer and one alphabet table. What cannot be told in the
 * alphabet goes out as UCS2; surrogate pairs are kept, so that an emoji survives the way through.
 */
#include "ec25/pdu.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define GSM_ESCAPE 0x1b

/* GSM 03.38 default alphabet; 0x1b is the escape to the extension below. */
static const uint16_t gsm_alphabet[128] = {
    '@',   0xa3, '$',   0xa5,  0xe8,  0xe9,  0xf9,  0xec,  0xf2,  0xc7,  '\n',  0xd8, 0xf8, '\r', 0xc5, 0xe5,
    0x394, '_',  0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, 0,    0xc6, 0xe6, 0xdf, 0xc9,
    ' ',   '!',  '"',   '#',   0xa4,  '%',   '&',   '\'',  '(',   ')',   '*',   '+',  ',',  '-',  '.',  '/',
    '0',   '1',  '2',   '3',   '4',   '5',   '6',   '7',   '8',   '9',   ':',   ';',  '<',  '=',  '>',  '?',
    0xa1,  'A',  'B',   'C',   'D',   'E',   'F',   'G',   'H',   'I',   'J',   'K',  'L',  'M',  'N',  'O',
    'P',   'Q',  'R',   'S',   'T',   'U',   'V',   'W',   'X',   'Y',   'Z',   0xc4, 0xd6, 0xd1, 0xdc, 0xa7,
    0xbf,  'a',  'b',   'c',   'd',   'e',   'f',   'g',   'h',   'i',   'j',   'k',  'l',  'm',  'n',  'o',
    'p',   'q',  'r',   's',   't',   'u',   'v',   'w',   'x',   'y',   'z',   0xe4, 0xf6, 0xf1, 0xfc, 0xe0,
};

static const struct {
        uint8_t septet;
        uint16_t character;
} gsm_extension[] = {
    {0x0a, '\f'}, {0x14, '^'}, {0x28, '{'}, {0x29, '}'}, {0x2f, '\\'},
    {0x3c, '['},  {0x3d, '~'}, {0x3e, ']'}, {0x40, '|'}, {0x65, 0x20ac},
};

static uint32_t from_septet(uint8_t septet, bool extended)
{
        if (!extended)
                return gsm_alphabet[septet];
        for (size_t i = 0; i < ARRAY_SIZE(gsm_extension); i++)
                if (gsm_extension[i].septet == septet)
                        return gsm_extension[i].character;
        return ' ';
}

/* Writes one or two septets; returns how many, 0 when the alphabet lacks the character. */
static size_t to_septets(uint32_t character, uint8_t septets[static 2])
{
        for (size_t i = 0; i < ARRAY_SIZE(gsm_alphabet); i++)
                if (i != GSM_ESCAPE && gsm_alphabet[i] == character) {
                        septets[0] = (uint8_t)i;
                        return 1;
                }
        for (size_t i = 0; i < ARRAY_SIZE(gsm_extension); i++)
                if (gsm_extension[i].character == character) {
                        septets[0] = GSM_ESCAPE;
                        septets[1] = gsm_extension[i].septet;
                        return 2;
                }
        return 0;
}

static size_t utf8_put(char *target, uint32_t character)
{
        if (character < 0x80) {
                target[0] = (char)character;
                return 1;
        }
        if (character < 0x800) {
                target[0] = (char)(0xc0 | (character >> 6));
                target[1] = (char)(0x80 | (character & 0x3f));
                return 2;
        }
        if (character < 0x10000) {
                target[0] = (char)(0xe0 | (character >> 12));
                target[1] = (char)(0x80 | ((character >> 6) & 0x3f));
                target[2] = (char)(0x80 | (character & 0x3f));
                return 3;
        }
        target[0] = (char)(0xf0 | (character >> 18));
        target[1] = (char)(0x80 | ((character >> 12) & 0x3f));
        target[2] = (char)(0x80 | ((character >> 6) & 0x3f));
        target[3] = (char)(0x80 | (character & 0x3f));
        return 4;
}

/* Reads one character; returns its length in bytes, 0 when it is not UTF-8. */
static size_t utf8_get(const char *text, uint32_t *ret_character)
{
        static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        uint8_t first = (uint8_t)text[0];
        size_t length = first < 0x80             ? 1
                        : (first & 0xe0) == 0xc0 ? 2
                        : (first & 0xf0) == 0xe0 ? 3
                        : (first & 0xf8) == 0xf0 ? 4
                                                 : 0;
        uint32_t character = length == 1 ? first : length ? first & (0xffu >> (length + 1)) : 0;

        for (size_t i = 1; i < length; i++) {
                if (((uint8_t)text[i] & 0xc0) != 0x80)
                        return 0;
                character = character << 6 | ((uint8_t)text[i] & 0x3f);
        }
        if (!length || character < smallest[length] || character > 0x10ffff)
                return 0;
        *ret_character = character;
        return length;
}

static int hex_digit(char digit)
{
        if (digit >= '0' && digit <= '9')
                return digit - '0';
        digit = (char)tolower((unsigned char)digit);
        return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Returns the number of bytes, or -EINVAL. */
static int hex_read(const char *hex, uint8_t *bytes, size_t size)
{
        size_t length = strlen(hex);

        if (length % 2 || length / 2 > size)
                return -EINVAL;
        for (size_t i = 0; i < length; i++) {
                int digit = hex_digit(hex[i]);
                if (digit < 0)
                        return -EINVAL;
                bytes[i / 2] = (uint8_t)(i % 2 ? bytes[i / 2] | digit : digit << 4);
        }
        return (int)(length / 2);
}

static void hex_write(char *hex, const uint8_t *bytes, size_t length)
{
        static const char digits[] = "0123456789ABCDEF";

        for (size_t i = 0; i < length; i++) {
                hex[2 * i] = digits[bytes[i] >> 4];
                hex[2 * i + 1] = digits[bytes[i] & 15];
        }
        hex[2 * length] = '\0';
}

static uint8_t septet_at(const uint8_t *bytes, size_t length, size_t index)
{
        size_t bit = index * 7, byte = bit / 8, shift = bit % 8;
        unsigned value = bytes[byte];

        if (byte + 1 < length)
                value |= (unsigned)bytes[byte + 1] << 8;
        return (uint8_t)(value >> shift & 0x7f);
}

static void read_septets(const uint8_t *bytes, size_t length, size_t first, size_t count, char *text,
                         size_t size)
{
        size_t used = 0;
        bool extended = false;

        for (size_t i = first; i < count && i * 7 < length * 8 && used + 4 < size; i++) {
                uint8_t septet = septet_at(bytes, length, i);
                if (septet == GSM_ESCAPE && !extended) {
                        extended = true;
                        continue;
                }
                used += utf8_put(text + used, from_septet(septet, extended));
                extended = false;
        }
        text[used] = '\0';
}

static void read_ucs2(const uint8_t *bytes, size_t length, char *text, size_t size)
{
        size_t used = 0;

        for (size_t i = 0; i + 1 < length && used + 5 < size; i += 2) {
                uint32_t unit = (uint32_t)bytes[i] << 8 | bytes[i + 1];
                if (unit >= 0xd800 && unit < 0xdc00 && i + 3 < length) {
                        uint32_t low = (uint32_t)bytes[i + 2] << 8 | bytes[i + 3];
                        unit = 0x10000 + ((unit - 0xd800) << 10) + (low & 0x3ff);
                        i += 2;
                }
                used += utf8_put(text + used, unit);
        }
        text[used] = '\0';
}

static int read_address(const uint8_t *bytes, unsigned digits, uint8_t type, char *number, size_t size)
{
        static const char alphabet[] = "0123456789*#abc";
        size_t used = 0;

        if (digits > 20 || digits + 2 > size)
                return -EINVAL;
        if ((type & 0x70) == 0x50) {
                read_septets(bytes, (digits + 1) / 2, 0, digits * 4 / 7, number, size);
                return 0;
        }
        if ((type & 0x70) == 0x10)
                number[used++] = '+';
        for (unsigned i = 0; i < digits; i++) {
                unsigned digit = i % 2 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15;
                if (digit >= sizeof(alphabet) - 1)
                        return -EINVAL;
                number[used++] = alphabet[digit];
        }
        number[used] = '\0';
        return 0;
}

/* The user data header: only the concatenation elements (00 and 08) matter. */
static void read_header(const uint8_t *header, size_t length, struct pdu_message *message)
{
        for (size_t i = 0; i + 1 < length && i + 2 + header[i + 1] <= length; i += 2u + header[i + 1]) {
                const uint8_t *value = header + i + 2;
                bool wide = header[i] == 8 && header[i + 1] == 4;
                if (!wide && !(header[i] == 0 && header[i + 1] == 3))
                        continue;
                message->reference = wide ? (unsigned)value[0] << 8 | value[1] : value[0];
                message->parts = value[wide ? 2 : 1];
                message->part = value[wide ? 3 : 2];
        }
}

static int read_user_data(const uint8_t *data, size_t length, unsigned user_length, uint8_t first_octet,
                          uint8_t coding, struct pdu_message *message)
{
        size_t header = 0;

        if (first_octet & 0x40) {
                if (!length || 1u + data[0] > length)
                        return -EINVAL;
                header = 1u + data[0];
                read_header(data + 1, data[0], message);
        }
        if ((coding & 0x0c) == 0) {
                if ((user_length * 7 + 7) / 8 > length)
                        return -EINVAL;
                read_septets(data, length, (header * 8 + 6) / 7, user_length, message->text,
                             sizeof(message->text));
                return 0;
        }
        if (user_length > length || header > user_length)
                return -EINVAL;
        if ((coding & 0x0c) == 0x08)
                read_ucs2(data + header, user_length - header, message->text, sizeof(message->text));
        else
                hex_write(message->text, data + header, user_length - header);
        return 0;
}

int pdu_read_submit(const char *hex, unsigned tpdu_length, struct pdu_message *ret_message)
{
        static const uint8_t validity_bytes[] = {0, 7, 1, 7};
        struct pdu_message message = {.part = 1, .parts = 1};
        uint8_t bytes[200];
        int length = hex_read(hex, bytes, sizeof(bytes));
        size_t at, total = (size_t)length;
        uint8_t first;

        if (length < 2 || (at = 1u + bytes[0]) + 5 > total || total - at != tpdu_length)
                return -EINVAL;
        first = bytes[at];
        if ((first & 3) != 1)
                return -ENOTSUP;
        at += 2; /* the first octet and the message reference */
        size_t address = (bytes[at] + 1u) / 2;
        if (at + 2 + address + 3 > total)
                return -EINVAL;
        if (read_address(bytes + at + 2, bytes[at], bytes[at + 1], message.number, sizeof(message.number)) <
            0)
                return -EINVAL;
        at += 2 + address;
        uint8_t coding = bytes[at + 1];
        at += 2u + validity_bytes[first >> 3 & 3];
        if (at >= total)
                return -EINVAL;
        int r = read_user_data(bytes + at + 1, total - at - 1, bytes[at], first, coding, &message);
        if (r < 0)
                return r;
        *ret_message = message;
        return 0;
}

static void put_septet(uint8_t *bytes, size_t index, uint8_t septet)
{
        size_t bit = index * 7, byte = bit / 8, shift = bit % 8;
        unsigned value = (unsigned)septet << shift;

        bytes[byte] = (uint8_t)(bytes[byte] | (value & 0xff));
        if (value >> 8)
                bytes[byte + 1] = (uint8_t)(bytes[byte + 1] | value >> 8);
}

/* Returns the count of septets (at most `limit`), -EINVAL when a character is missing in the alphabet,
 * -EMSGSIZE. */
static int write_septets(uint8_t *bytes, size_t limit, const char *text)
{
        size_t count = 0;

        for (size_t length; *text; text += length) {
                uint32_t character = 0;
                uint8_t septets[2];
                length = utf8_get(text, &character);
                size_t needed = length ? to_septets(character, septets) : 0;
                if (!needed)
                        return -EINVAL;
                if (count + needed > limit)
                        return -EMSGSIZE;
                for (size_t i = 0; i < needed; i++)
                        put_septet(bytes, count++, septets[i]);
        }
        return (int)count;
}

/* Returns the count of bytes, -EINVAL (not UTF-8) or -EMSGSIZE. */
static int write_ucs2(uint8_t *bytes, size_t limit, const char *text)
{
        size_t used = 0;

        for (size_t length; *text; text += length) {
                uint32_t character;
                length = utf8_get(text, &character);
                if (!length)
                        return -EINVAL;
                if (used + (character > 0xffff ? 4 : 2) > limit)
                        return -EMSGSIZE;
                if (character > 0xffff) {
                        uint32_t high = 0xd800 + ((character - 0x10000) >> 10);
                        bytes[used++] = (uint8_t)(high >> 8);
                        bytes[used++] = (uint8_t)high;
                        character = 0xdc00 + ((character - 0x10000) & 0x3ff);
                }
                bytes[used++] = (uint8_t)(character >> 8);
                bytes[used++] = (uint8_t)character;
        }
        return (int)used;
}

/* Type and digits, without the length in front. Returns the bytes written, -EINVAL. */
static int write_digits(uint8_t *bytes, const char *number, unsigned *ret_digits)
{
        bool international = number[0] == '+';
        const char *digits = number + international;
        size_t count = strlen(digits);

        if (!text_only(digits, "0123456789", 20))
                return -EINVAL;
        bytes[0] = international ? 0x91 : 0x81;
        memset(bytes + 1, 0xff, (count + 1) / 2);
        for (size_t i = 0; i < count; i++) {
                uint8_t digit = (uint8_t)(digits[i] - '0'), *byte = bytes + 1 + i / 2;
                *byte = (uint8_t)(i % 2 ? (*byte & 0x0f) | digit << 4 : (*byte & 0xf0) | digit);
        }
        *ret_digits = (unsigned)count;
        return (int)(1 + (count + 1) / 2);
}

static int write_sender(uint8_t *bytes, const char *sender)
{
        unsigned digits;
        int length = write_digits(bytes + 1, sender, &digits);

        if (length < 0) {
                int septets = write_septets(bytes + 2, 11, sender);
                if (septets <= 0)
                        return -EINVAL;
                digits = ((unsigned)septets * 7 + 3) / 4;
                bytes[1] = 0xd0;
                length = (int)(1 + (digits + 1) / 2);
        }
        bytes[0] = (uint8_t)digits;
        return 1 + length;
}

static void write_stamp(uint8_t bytes[static 7], int64_t unix_time)
{
        time_t seconds = (time_t)unix_time;
        struct tm tm = {0};

        (void)gmtime_r(&seconds, &tm); /* a year that does not fit leaves zeros: still a valid stamp */
        const int fields[] = {tm.tm_year % 100, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                              tm.tm_min,        tm.tm_sec,     0};
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                bytes[i] = (uint8_t)(fields[i] / 10 | fields[i] % 10 << 4);
}

int pdu_make_deliver(char hex[static PDU_HEX_SIZE], const char *smsc, const char *sender, const char *text,
                     int64_t unix_time)
{
        uint8_t bytes[192] = {0};
        unsigned ignored;
        int smsc_length = write_digits(bytes + 1, smsc, &ignored);
        if (smsc_length < 0)
                return -EINVAL;
        bytes[0] = (uint8_t)smsc_length;
        size_t start = (size_t)smsc_length + 1, at = start;

        bytes[at++] = 0x04; /* DELIVER, no more messages to send */
        int length = write_sender(bytes + at, sender);
        if (length < 0)
                return length;
        at += (size_t)length + 1; /* and a protocol identifier of zero */
        uint8_t *coding = bytes + at++;
        write_stamp(bytes + at, unix_time);
        at += 7;

        int units = write_septets(bytes + at + 1, 160, text);
        size_t data = units < 0 ? 0 : ((size_t)units * 7 + 7) / 8;
        if (units == -EINVAL) {
                memset(bytes + at + 1, 0, sizeof(bytes) - at - 1);
                units = write_ucs2(bytes + at + 1, 140, text);
                *coding = 0x08;
                data = (size_t)units;
        }
        if (units < 0)
                return units;
        bytes[at++] = (uint8_t)units;
        hex_write(hex, bytes, at + data);
        return (int)(at + data - start);
}
