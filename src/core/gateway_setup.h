/* Between gateway_identity.c and gateway_setup.c: what a slot's record says of its modem and SIM. */
#ifndef CORE_GATEWAY_SETUP_H
#define CORE_GATEWAY_SETUP_H

#include "core/sim_identity.h"
#include "core/slot.h"

struct identity_memory gateway_identity_of(const struct slot *slot);
void gateway_identity_enter(struct modem_record *record, const struct identity_memory *memory);

#endif
