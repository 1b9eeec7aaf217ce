/*
 * What smsd.conf should say: the changes that the slots and their modems ask for, as smsd_conf_edit takes
 * them. By default only `device`; with manage = profile the family's settings too, and a log file and log
 * level where there is none.
 */
#ifndef CORE_CONF_PLAN_H
#define CORE_CONF_PLAN_H

#include "core/slot.h"
#include "core/smsd_conf.h"

/*
 * Edits `conf` for the slots as they are. Results as smsd_conf_edit: 0 nothing to change, 1 a new text,
 * negative with ret_error. A slot whose modem must not be touched (guarded), or whose device would collide
 * with another's, is parked on a path that does not exist: smsd's handler for it then ends by itself and the
 * others work.
 */
int conf_plan_edit(const struct smsd_conf *conf, const struct slots *slots, const struct modem *modems,
                   char **ret_text, size_t *ret_length, struct smsd_conf_error *ret_error);

/* Reads back into the slots what smsd.conf says of each: device, PIN. */
void conf_plan_learn(const struct smsd_conf *conf, struct slots *slots);

#endif
