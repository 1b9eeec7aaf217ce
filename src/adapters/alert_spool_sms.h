/*
 * The record of the SMS as a part of the book's JSON, and what it shares with the book's open alerts.
 */
#ifndef ADAPTERS_ALERT_SPOOL_SMS_H
#define ADAPTERS_ALERT_SPOOL_SMS_H

#include "alert_json_parts.h"
#include "core/alert_sms.h"

/* 0, -ENOMEM. */
int spool_sms_pack(json_t *book, const struct alert_sms *sms);
/* 0, -EBADMSG. A book without it is of an older version. */
int spool_sms_unpack(const json_t *book, struct alert_sms *ret_sms);

/* alert_spool_book.c: an alert with its exact times. 0, -ENOMEM, -EINVAL; 0, -EBADMSG. */
int spool_book_pack_alert(json_t *object, const struct alert *alert);
int spool_book_unpack_alert(const json_t *object, struct alert *ret_alert);

#endif
