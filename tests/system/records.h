/*
 * What smswardend has told the journal since a mark: for showing what was said, and that nothing was.
 */
#ifndef TESTS_SYSTEM_RECORDS_H
#define TESTS_SYSTEM_RECORDS_H

#include "machine.h"

/* From now on; the mark outlives a reboot. */
void records_mark(struct machine *m);
/* The records of this kind since the mark, a line each ("" when none). */
const char *records_of(struct machine *m, const char *event);
/* One since the mark says this; waited for. */
void records_say(struct machine *m, const char *event, const char *text);
/* Nothing since the mark that would alarm anybody: no crash, no failed start, no incident, no warning. */
void records_are_calm(struct machine *m);

#endif
