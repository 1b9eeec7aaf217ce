/* Between gateway_identity.c and gateway_setup*.c: what a slot's record says of its modem and SIM, and the
 * reset at the end of a set-up. */
#ifndef CORE_GATEWAY_SETUP_H
#define CORE_GATEWAY_SETUP_H

#include "core/event.h"
#include "core/sim_identity.h"
#include "core/slot.h"

struct gateway;

struct identity_memory gateway_identity_of(const struct slot *slot);
void gateway_identity_enter(struct modem_record *record, const struct identity_memory *memory);

/* All is set but the reset: noted and then sent, waited for, or postponed. */
void setup_ask_reset(struct gateway *gateway, struct modem *modem, struct slot *slot,
                     struct action_list *actions);
/* It is not sent: what was written takes effect when the modem restarts. */
void setup_decline_reset(struct modem *modem);
/* EVENT_RESET_NOTED */
void setup_reset_noted(struct gateway *gateway, const struct event *event, struct action_list *actions);

#endif
