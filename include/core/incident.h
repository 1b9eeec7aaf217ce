/*
 * An incident: from the first trouble until SMS works again. Everything that is recorded meanwhile carries
 * its id, so that a person can read one outage as one story.
 */
#ifndef CORE_INCIDENT_H
#define CORE_INCIDENT_H

#include "base/usec.h"
#include "core/action.h"

#include <stdbool.h>

struct incident {
        usec_t id; /* CLOCK_BOOTTIME of its begin: unique within a boot; 0 none is open */
};

/* True when the step's records, or an open incident, make incident_update() worth its question. */
bool incident_concerns(const struct incident *incident, const struct action_list *actions);

/*
 * At the end of a step: `works` says whether SMS flows, as far as can be known. Begins an incident when the
 * records in `actions` tell of trouble and it does not, ends the open one (with a record of its duration)
 * when it does again, and marks the records with it.
 */
void incident_update(struct incident *incident, bool works, usec_t now, struct action_list *actions);

#endif
