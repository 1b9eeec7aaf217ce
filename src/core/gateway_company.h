/*
 * Many modems, one smsd: what is started for one of them interrupts all the others for some seconds. While
 * another modem is served, a restart for one modem's sake
 *
 *   has a budget, each modem its own: the first comes at once, the next ones no sooner than 1, 2, 4 ... 60
 *   minutes after the one before. An hour in service forgives, and so does a person who asks for a start. A
 *   modem that fails again and again costs the others 6 restarts in its first hour and then one an hour,
 *   however often it fails. (A restart for another's sake serves it too, and counts as its own.)
 *
 *   waits until no other modem is sending, as far as smsd's stats/status tells (smsd writes it once a
 * second), but two minutes at most: a busy gateway is always sending. Then it is done all the same, and still
 * nothing is lost or sent twice by it: told to end, smsd finishes the message it is at, and that is waited
 * for (restart_stop.c).
 *
 * Where no other is served nothing of this holds: core/backoff alone slows that down. And it counts only what
 * concerns all: a handler that ends while others work on is no failure of smsd, and does not delay its next
 * start.
 *
 * The budget is kept in the slots and not saved: a controller that begins anew interrupts nobody without
 * need.
 */
#ifndef CORE_GATEWAY_COMPANY_H
#define CORE_GATEWAY_COMPANY_H

#include "core/action.h"
#include "core/gateway.h"
#include "core/slot.h"

#include <stdbool.h>

struct gateway_company {
        usec_t wanted_since; /* a restart waits for a quiet moment since, 0: none does */
        usec_t look_at;      /* then: when stats/status is read again */
        usec_t read_at;      /* it was read last, or could not be */
};

/* True when smsd serves a slot other than `except` (NULL: any). */
bool gateway_company_is_served(const struct gateway *gateway, const struct slot *except);

/* True when smsd's stats/status, as it was read last, says that a slot other than `except` sends. */
bool gateway_company_is_sending(const struct gateway *gateway, const struct slot *except);

/* True when the budget lets smsd be restarted for this slot's sake now. */
bool gateway_company_may_restart(const struct gateway *gateway, const struct slot *slot);

/* True when nobody else is sending, or was waited for long enough. Otherwise it asks for stats/status and is
 * to be called again after each step, until gateway_company_interrupted() or nobody wants a restart. */
bool gateway_company_is_quiet(struct gateway *gateway, const struct slot *slot, struct action_list *actions);

/* smsd is about to be started: counted for each slot for whose sake those in service are interrupted. */
void gateway_company_interrupted(struct gateway *gateway);

/* Time in service, and persons who ask, forgive. */
void gateway_company_forgive(struct gateway *gateway);

/* When the next of the above can change by time alone. */
usec_t gateway_company_deadline(const struct gateway *gateway);

/* True when smsd serves some, and who is not served waits for one of these. */
bool gateway_company_keeps_waiting(const struct gateway *gateway);

/* What a slot that could be served is waiting for. False: for none of this, the texts are untouched. */
bool gateway_company_describe(const struct gateway *gateway, const struct slot *slot, char *reason,
                              size_t reason_size, char *action, size_t action_size);

#endif
