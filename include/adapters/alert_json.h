/*
 * An alert as JSON (jansson), and back: the files of the spool, the standard input of `exec` receivers and
 * the default body of a webhook. docs/alerts.md lists the keys. What is read is checked: bounded, valid
 * UTF-8, no control characters, known words.
 */
#ifndef ADAPTERS_ALERT_JSON_H
#define ADAPTERS_ALERT_JSON_H

#include "core/alert.h"

#define ALERT_JSON_MAX 8192

/* Returns a new text (the caller frees) and its length in *ret_length, one line. 0, -ENOMEM, -EINVAL. */
int alert_json_encode(const struct alert_message *message, char **ret_text, size_t *ret_length);

/* 0, or -EBADMSG with the output untouched. */
int alert_json_decode(const char *text, size_t length, struct alert_message *ret_message);

#endif
