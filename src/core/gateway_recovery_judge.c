/*
 * What of a slot's health the recovery is told, and when. What is wrong is judged in one place (core/health,
 * by gateway_verdict.c): what the status says is what is worked on. Here is only what a reset needs more than
 * a person who reads: smsd's word for a silence is given `silent_after`, and a step has helped when the
 * modem's own probe says so, though smsd is not back yet. How long a failure is waited for, and what is done
 * then, is the ladder's.
 */
#include "gateway_private.h"

/* Its last probe found it ready, and smsd has not had it since. */
static bool is_ready_again(const struct gateway *gateway, const struct slot *slot)
{
        const struct recovery *recovery = recovery_find(gateway, slot->config.name);
        const struct modem *modem = slot_modem(slot, gateway->modems);

        return recovery && modem && modem->state == MODEM_READY && !gateway_slot_served(gateway, slot) &&
               modem->ready_at > modem->used_at && modem->ready_at > recovery->ladder.acted_at;
}

/* smsd tells of it after two minutes only; what it says first may be over in a moment. */
static bool is_patient(const struct gateway *gateway, const struct slot *slot, enum failure_kind kind)
{
        const struct recovery *recovery = recovery_find(gateway, slot->config.name);
        usec_t since = recovery ? recovery->silent_since : 0;

        return (kind == FAILURE_SILENT || kind == FAILURE_STUCK) && slot->silent && since &&
               usec_sub(gateway->now, since) < gateway->config.recovery.silent_after;
}

bool recovery_failure(const struct gateway *gateway, const struct slot *slot, enum failure_kind *ret_kind)
{
        enum failure_kind kind;

        if (slot_guard(slot, gateway->modems) == GUARD_STRANGE)
                return false; /* whatever ails another one's modem */
        if (gateway_slot_failure(gateway, slot, &kind)) {
                if (is_patient(gateway, slot, kind))
                        return false;
                *ret_kind = kind;
                return true;
        }
        if (slot->health.verdict.kind != FAILURE_NONE || !is_ready_again(gateway, slot))
                return false;
        *ret_kind = FAILURE_NONE;
        return true;
}
