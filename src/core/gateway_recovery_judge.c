/*
 * What is wrong with a slot's modem, as a kind of core/failure, from what the gateway itself knows: smsd's
 * processes, log and status, and the probe of a modem that smsd does not use. The only place that the
 * recovery asks; what is not known for certain is left as it was told last, for a reset on a guess harms.
 */
#include "gateway_private.h"

/* smsd is started anew after each end, slower each time: so many, for so long, are no accident. */
#define HANDLER_ENDS_MANY 5
#define HANDLER_ENDS_LONG (5 * USEC_PER_MIN)

#define SAID_LONG_AGO (10 * USEC_PER_MIN)

/* --- smsd serves it --- */

/* What was told once is over when smsd has not said it again for so long, unless stats/status would tell. */
static bool still_counts(const struct gateway *gateway, usec_t said_at)
{
        return gateway->smsd.status_known || usec_sub(gateway->now, said_at) < SAID_LONG_AGO;
}

static bool judge_silent(const struct gateway *gateway, const struct slot *slot, enum failure_kind *ret_kind)
{
        const struct recovery *recovery = recovery_find(gateway, slot->config.name);

        *ret_kind = still_counts(gateway, slot->silent_at) ? FAILURE_SILENT : FAILURE_NONE;
        return recovery && recovery->silent_since &&
               usec_sub(gateway->now, recovery->silent_since) >= gateway->config.recovery.silent_after;
}

static enum failure_kind judge_network(const struct gateway *gateway, const struct slot *slot)
{
        if (!still_counts(gateway, slot->unregistered_at))
                return FAILURE_NONE;
        return gateway_slot_is_denied(gateway, slot) ? FAILURE_DENIED : FAILURE_UNREGISTERED;
}

static bool judge_served(const struct gateway *gateway, const struct slot *slot, enum failure_kind *ret_kind)
{
        switch (gateway_slot_health(gateway, slot, gateway->now)) {
        case SLOT_WELL:
                *ret_kind = FAILURE_NONE;
                return true;
        case SLOT_SILENT:
                return judge_silent(gateway, slot, ret_kind);
        case SLOT_STUCK:
                *ret_kind = FAILURE_STUCK;
                return true;
        case SLOT_UNREGISTERED:
                *ret_kind = judge_network(gateway, slot);
                return true;
        case SLOT_BLOCKED:
                *ret_kind = still_counts(gateway, slot->blocked_at) ? FAILURE_SENDING_BLOCKED : FAILURE_NONE;
                return true;
        case SLOT_UNSERVED:
        case SLOT_UNVERIFIED:
        case SLOT_HUNG_UP: /* health says it, when it has stood */
        case SLOT_TROUBLE:
                break;
        }
        return false;
}

/* --- it does not --- */

static enum failure_kind sim_failure(const struct modem *modem)
{
        switch (modem->facts.sim) {
        case SIM_ABSENT:
                return FAILURE_SIM_ABSENT;
        case SIM_BUSY:
                return FAILURE_SIM_BUSY;
        case SIM_FAILURE:
                return FAILURE_SIM_FAILURE;
        case SIM_PIN:
                return FAILURE_SIM_PIN;
        case SIM_PUK:
                return FAILURE_SIM_PUK;
        case SIM_READY:
        case SIM_UNKNOWN:
                break;
        }
        return modem->proven ? FAILURE_SIM_FAILURE : FAILURE_SILENT;
}

static bool judge_refused(const struct modem *modem, enum failure_kind *ret_kind)
{
        switch (modem->map.result) {
        case PORT_MAP_CRASHED:
                *ret_kind = FAILURE_CRASHED;
                return true;
        case PORT_MAP_DOWNLOAD_MODE:
                *ret_kind = FAILURE_DOWNLOAD_MODE;
                return true;
        case PORT_MAP_OK: /* none of its ports speaks AT: perhaps it is no modem at all */
        case PORT_MAP_NO_PROFILE:
        case PORT_MAP_NO_AT_INTERFACE:
                break;
        }
        return false;
}

static bool ends_again_and_again(const struct gateway *gateway, const struct recovery *recovery)
{
        return recovery && recovery->handler_ends >= HANDLER_ENDS_MANY &&
               usec_sub(gateway->now, recovery->handler_ends_since) >= HANDLER_ENDS_LONG;
}

/* Its last probe found it ready: that counts when smsd has not had it since. */
static bool judge_ready(const struct gateway *gateway, const struct slot *slot, const struct modem *modem,
                        enum failure_kind *ret_kind)
{
        const struct recovery *recovery = recovery_find(gateway, slot->config.name);

        if (gateway_slot_is_denied(gateway, slot)) {
                *ret_kind = FAILURE_DENIED;
                return true;
        }
        if (ends_again_and_again(gateway, recovery)) {
                *ret_kind = FAILURE_STUCK;
                return true;
        }
        *ret_kind = FAILURE_NONE;
        return modem->ready_at > modem->used_at && recovery && modem->ready_at > recovery->ladder.acted_at;
}

static bool judge_unserved(const struct gateway *gateway, const struct slot *slot, const struct modem *modem,
                           enum failure_kind *ret_kind)
{
        switch (modem->state) {
        case MODEM_READY:
                return judge_ready(gateway, slot, modem, ret_kind);
        case MODEM_DEGRADED:
                *ret_kind = sim_failure(modem);
                return true;
        case MODEM_FAILED:
                return judge_refused(modem, ret_kind);
        case MODEM_SETTLING:
                *ret_kind = FAILURE_PORTS_MISSING;
                return gateway->now >= modem->give_up;
        case MODEM_ABSENT:
        case MODEM_PROBING:
        case MODEM_RECOVERING:
                break;
        }
        return false;
}

static bool judge_absent(const struct gateway *gateway, const struct slot *slot, enum failure_kind *ret_kind)
{
        *ret_kind = FAILURE_GONE;
        return gateway->enumerated && (slot->came_up || slot->record.usb[0]);
}

/* smsd's own signs, and the probe of a modem that smsd does not use. */
static bool judge_signs(const struct gateway *gateway, const struct slot *slot, enum failure_kind *ret_kind)
{
        const struct modem *modem = recovery_modem(gateway, slot);
        enum guard guard = slot_guard(slot, gateway->modems);

        if (guard == GUARD_STRANGE)
                return false; /* whatever ails another one's modem */
        if (guard != GUARD_NONE) {
                *ret_kind = guard == GUARD_PUK ? FAILURE_SIM_PUK : FAILURE_SIM_PIN;
                return true;
        }
        if (!modem)
                return judge_absent(gateway, slot, ret_kind);
        if (gateway_slot_served(gateway, slot))
                return judge_served(gateway, slot, ret_kind);
        return judge_unserved(gateway, slot, modem, ret_kind);
}

/* What the signs tell with the recovery's own patience. */
static bool is_told_by_signs(enum failure_kind kind)
{
        return kind == FAILURE_NONE || kind == FAILURE_GONE || kind == FAILURE_SILENT ||
               kind == FAILURE_STUCK || kind == FAILURE_PORTS_MISSING;
}

bool recovery_failure(const struct gateway *gateway, const struct slot *slot, enum failure_kind *ret_kind)
{
        enum failure_kind seen;

        /* What the look at the modem has found is the cause of what smsd shows. */
        if (gateway_slot_failure(gateway, slot, &seen) && !is_told_by_signs(seen)) {
                *ret_kind = seen;
                return true;
        }
        return judge_signs(gateway, slot, ret_kind);
}
