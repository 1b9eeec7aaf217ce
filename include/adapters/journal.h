/*
 * The journal: what the core records, with its fields, so that `journalctl SMSWARDEN_MODEM=GSM1`, or one
 * incident as one story, can be asked for, and `journalctl -x` says what to do (systemd/smswarden.catalog).
 *
 *   MESSAGE, PRIORITY, MESSAGE_ID    as everywhere; one id per kind of record
 *   SMSWARDEN_EVENT                  the kind: hold-begun, smsd-died, ... (core/record.h)
 *   SMSWARDEN_MODEM                  the modem's section of smsd.conf; left out when there is none, as are
 * these: SMSWARDEN_CAUSE                  of a start of smsd: crash, plug, hold-end, ... SMSWARDEN_INCIDENT
 * a number, the same for all that belongs to one outage; unique within a boot SMSWARDEN_DURATION_USEC how
 * long what it tells of took, lasted or will last
 */
#ifndef ADAPTERS_JOURNAL_H
#define ADAPTERS_JOURNAL_H

#include "core/action.h"

#include <stdbool.h>

/* True when stderr is the journal (systemd started us): only then are records sent to it. */
bool journal_is_stderr(void);

/* Sends one ACTION_RECORD. 0 or a negative errno; a system without a journal is no error. */
int journal_record(const struct action *record);

/* The kind's MESSAGE_ID: 32 hexadecimal digits. NULL for no kind. */
const char *journal_message_id(enum record_kind kind);

#endif
