/*
 * A reset that the ladder does not make: [provision]'s at the end of a set-up. The box feels it as one of the
 * ladder's, so it asks the same budget, is counted in the same ledger, and people are told before it cuts the
 * default route. What it is for, and what becomes of it when it may not be made, is gateway_setup_reset.c's.
 */
#include "gateway_private.h"

#define LOOK_AGAIN (10 * USEC_PER_SEC)

static usec_t notice_over(struct gateway *gateway, struct recovery *recovery, struct action_list *actions)
{
        if (recovery->notice_at == 0 || gateway->now >= usec_add(recovery->notice_at, LADDER_NOTICE_STALE)) {
                recovery->notice_at = gateway->now;
                recovery_announce(gateway, recovery, "provision",
                                  "the modem is reset in 30s: it was set up ([provision]), and what was "
                                  "written takes effect by that",
                                  actions);
        }
        return usec_add(recovery->notice_at, LADDER_NOTICE);
}

enum recovery_leave gateway_recovery_ask_leave(struct gateway *gateway, const struct slot *slot,
                                               struct action_list *actions, usec_t *ret_at)
{
        struct recovery *recovery = recovery_of(gateway, slot->config.name);

        *ret_at = USEC_INFINITY;
        if (!recovery) /* nowhere to count it */
                return RECOVERY_LEAVE_REFUSED;
        if (!recovery_look(gateway, slot, recovery, actions)) {
                *ret_at = usec_add(recovery->facts.at, LOOK_AGAIN);
                return RECOVERY_LEAVE_WAIT;
        }
        struct ladder_world world = recovery_world(gateway, slot, recovery);
        *ret_at = ladder_reset_allowed_at(&recovery->ladder, &world, gateway->now);
        if (gateway->now < *ret_at)
                return RECOVERY_LEAVE_REFUSED;
        if (!world.default_route)
                return RECOVERY_LEAVE_GRANTED;
        *ret_at = notice_over(gateway, recovery, actions);
        return gateway->now < *ret_at ? RECOVERY_LEAVE_WAIT : RECOVERY_LEAVE_GRANTED;
}

void gateway_recovery_spend_leave(struct gateway *gateway, const struct slot *slot,
                                  struct action_list *actions)
{
        struct recovery *recovery = recovery_of(gateway, slot->config.name);

        if (!recovery)
                return;
        recovery->notice_at = 0;
        ladder_spend_reset(&recovery->ladder, gateway->now);
        recovery_save(recovery, actions);
}

usec_t gateway_recovery_notice_over(const struct gateway *gateway, const struct slot *slot)
{
        const struct recovery *recovery = recovery_find(gateway, slot->config.name);

        return recovery && recovery->notice_at ? usec_add(recovery->notice_at, LADDER_NOTICE) : 0;
}
