/*
 * Alerts for the tests: plausible ones, and such as somebody would make who wants to break out of the place
 * where their text is put.
 */
#ifndef TESTS_ALERTS_MESSAGES_H
#define TESTS_ALERTS_MESSAGES_H

#include "core/alert.h"

#define MESSAGE_SPOOL "11111111-2222-3333-4444-555555555555"

/* Texts that modems, log files and people could hold, unescaped; `hostile_texts_n` of them. */
extern const char *const hostile_texts[];
extern const size_t hostile_texts_n;

/* The id of the message with that number. */
void message_id(uint64_t sequence, char target[ALERT_ID_MAX]);

/* Number `sequence` of host gw1: "smsd crashed", firing, critical, since a minute ago. */
struct alert_message message_make(uint64_t sequence, enum alert_kind kind);

/* Puts `text`, escaped as the controller does it, into each of the message's texts. */
void message_fill(struct alert_message *message, const char *text, size_t length);

/* The same unescaped: what must never come, and must do no harm when it comes. */
void message_fill_raw(struct alert_message *message, const char *text);

/* Makes it the end of its alert, now. */
void message_resolve(struct alert_message *message);

#endif
