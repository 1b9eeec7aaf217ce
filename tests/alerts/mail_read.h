/*
 * Reads a mail as a mail program would: headers unfolded, encoded words and quoted-printable decoded. What is
 * no well-formed mail fails the test that reads it.
 */
#ifndef TESTS_ALERTS_MAIL_READ_H
#define TESTS_ALERTS_MAIL_READ_H

#include <stddef.h>

#define MAIL_HEADERS_MAX 24

struct mail {
        unsigned n;
        struct {
                char name[64];
                char value[2048]; /* unfolded, not decoded */
        } headers[MAIL_HEADERS_MAX];
        char body[16384]; /* decoded, with \n */
};

/* `text` as it goes over SMTP (CRLF) or as a mailbox keeps it (LF). */
void mail_read(const char *text, size_t length, struct mail *ret_mail);

/* The one header of this name; fails when there is none, or more than one. */
const char *mail_header(const struct mail *mail, const char *name);

/* Undoes RFC 2047. */
void mail_decode_words(const char *value, char *target, size_t size);

#endif
