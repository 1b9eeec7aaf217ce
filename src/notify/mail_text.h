/*
 * The text forms of a mail: addresses, encoded words (RFC 2047), quoted-printable (RFC 2045). Everything is
 * written with CRLF, in ASCII, in lines of at most 76 characters (but for a long address). All return 0,
 * -EINVAL or -ENOMEM (the stream cannot grow).
 */
#ifndef NOTIFY_MAIL_TEXT_H
#define NOTIFY_MAIL_TEXT_H

#include <stddef.h>
#include <stdio.h>

#define MAIL_ADDRESS_MAX 128

/*
 * The next bare address (local@domain) of a list with commas or blanks between; `<a@b>` is `a@b`. Returns 1
 * and moves *list on; 0 at the end; -EINVAL: something that is no address, or has a character outside
 * printable ASCII. The envelope's recipients are the same.
 */
int mail_next_address(const char **list, char target[MAIL_ADDRESS_MAX]);

/* "Name: a@b,\r\n c@d\r\n". -EINVAL: none, or a bad one. */
int mail_put_addresses(FILE *output, const char *name, const char *list);

/* "Name: text\r\n", as encoded words where it is not short plain ASCII. `text`: UTF-8. */
int mail_put_text(FILE *output, const char *name, const char *text);

/* The text as quoted-printable; its lines end in \n. */
int mail_put_body(FILE *output, const char *text);

#endif
