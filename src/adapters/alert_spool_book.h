/*
 * The book as it lies on the disk: what is open, up to which message that is true, and what must not be
 * forgotten when the messages themselves are gone. As plain data and as JSON; who reads and writes the file
 * is alert_spool_disk.c.
 */
#ifndef ADAPTERS_ALERT_SPOOL_BOOK_H
#define ADAPTERS_ALERT_SPOOL_BOOK_H

#include "core/alert_book.h"

/* ALERTS_MAX alerts with texts of backslashes only. */
#define SPOOL_BOOK_MAX 524288

struct spool_open {
        struct alert alert;
        bool told; /* its message is, or was, in the spool */
};

struct spool_book {
        char id[40];       /* the spool's name */
        char boot[40];     /* the boot that CLOCK_BOOTTIME in it is of */
        uint64_t sequence; /* the last message that it takes into account; no higher one was ever removed */
        uint64_t dropped;  /* messages that had to go unsent */
        char last_keys[ALERT_KIND_MAX][ALERT_KEY_MAX]; /* of the last message of each kind, "" none */
        unsigned n;
        struct spool_open *open; /* `n` of them, malloc */
        struct alert_sms sms;
};

void spool_book_done(struct spool_book *book);

/* Returns a new text (the caller frees). 0, -ENOMEM, -EINVAL. */
int spool_book_encode(const struct spool_book *book, char **ret_text, size_t *ret_length);

/* 0, or -EBADMSG with the output untouched; the caller calls spool_book_done(). */
int spool_book_decode(const char *text, size_t length, struct spool_book *ret_book);

/*
 * What a message says about what is open: a firing alert was told, a resolved one is over, and so is a
 * momentary one. Also remembers it as its kind's last, and that it may have to go by SMS. 0 or -ENOMEM.
 */
int spool_book_apply(struct spool_book *book, const struct alert_message *message);

/* CLOCK_BOOTTIME of another boot means nothing: 0, the wall clock's times stay. */
void spool_book_new_boot(struct spool_book *book, const char *boot);

#endif
