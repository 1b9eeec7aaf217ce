/*
 * What is written down of a hold: whose it is, why, from when until when, and its form as a small text file
 * of `key=value` lines that a person can read and a program can trust: every foreign byte in it is escaped.
 */
#ifndef CORE_HOLD_RECORD_H
#define CORE_HOLD_RECORD_H

#include "base/usec.h"

#include <stddef.h>

#define HOLD_BOOT_ID_SIZE    37   /* 32 hexadecimal digits, with or without dashes, and a NUL */
#define HOLD_RECORD_TEXT_MAX 2048 /* no encoded record is longer */

enum hold_source { HOLD_SOURCE_CLI, HOLD_SOURCE_LEGACY, HOLD_SOURCE_SYSTEMCTL };

struct hold_record {
        enum hold_source source;
        char by[64];
        char reason[256];
        usec_t since, until;    /* CLOCK_BOOTTIME; until is later than since and never USEC_INFINITY */
        int64_t since_realtime; /* seconds, for people only: a jump of the wall clock changes nothing */
};

const char *hold_source_to_string(enum hold_source source); /* cli legacy systemctl */

/* 0, or -EINVAL with the output untouched. */
int hold_source_from_string(const char *text, enum hold_source *ret_source);

/*
 * The file's text. `boot_id` says which boot the times belong to. Returns its length without the NUL,
 * -ENOBUFS when it does not fit (HOLD_RECORD_TEXT_MAX always does), -EINVAL when the record is none (no end,
 * ends before it begins, bad boot id).
 */
int hold_record_encode(const struct hold_record *record, const char *boot_id, char *target, size_t size);

/*
 * Reads the text back. Each key must stand there once, every value is checked; lines with other keys and
 * comments are passed over. Returns 0, or -EBADMSG with the outputs untouched.
 */
int hold_record_decode(const char *text, size_t length, struct hold_record *ret_record,
                       char ret_boot_id[HOLD_BOOT_ID_SIZE]);

#endif
