/*
 * What holds around a modem at the moment of a decision: what its ladder may do, what it must not disturb.
 * What only adapters know (switches, the default route) is asked for when a decision is near, and only then.
 */
#include "gateway_private.h"

#include "base/text.h"

#define FACTS_FRESH (10 * USEC_PER_SEC)
#define FACTS_AWAIT (10 * USEC_PER_SEC)

/* --- which modem --- */

static const struct modem *only_modem(const struct gateway *gateway)
{
        const struct modem *only = NULL;

        for (unsigned i = 0; i < gateway->n_modems; i++) {
                if (!modem_present(&gateway->modems[i]))
                        continue;
                if (only)
                        return NULL;
                only = &gateway->modems[i];
        }
        return only;
}

/* What the slot knows of where its modem is plugged in. */
static const char *remembered_path(const struct slot *slot)
{
        return slot->config.match == MATCH_USB ? slot->config.match_value : slot->record.usb;
}

static bool sits_elsewhere(const struct gateway *gateway, const struct slot *slot, unsigned modem)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (&gateway->slots.items[i] != slot && gateway->slots.items[i].modem == (int)modem)
                        return true;
        return false;
}

/* A modem that is refused, or not up yet, sits in no slot. */
static const struct modem *unbound_modem(const struct gateway *gateway, const struct slot *slot)
{
        const char *path = remembered_path(slot);

        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (modem_present(&gateway->modems[i]) && path[0] &&
                    text_equal(gateway->modems[i].device.path, path) && !sits_elsewhere(gateway, slot, i))
                        return &gateway->modems[i];
        return gateway->slots.n == 1 && path[0] == '\0' ? only_modem(gateway) : NULL;
}

const struct modem *recovery_modem(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        return modem ? modem : unbound_modem(gateway, slot);
}

const char *recovery_path(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = recovery_modem(gateway, slot);
        const char *path = remembered_path(slot);

        if (modem)
                return modem->device.path;
        if (slot->config.match == MATCH_DEVICE)
                return "";
        /* Another one's modem is plugged in there now: it is not ours to switch off. */
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (modem_present(&gateway->modems[i]) && text_equal(gateway->modems[i].device.path, path))
                        return "";
        return path;
}

/* --- what adapters know --- */

static bool is_fresh(const struct gateway *gateway, const struct recovery_facts *facts, const char *path)
{
        return facts->known && text_equal(facts->seen.path, path) &&
               usec_sub(gateway->now, facts->at) < FACTS_FRESH;
}

bool recovery_look(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                   struct action_list *actions)
{
        const char *path = recovery_path(gateway, slot);
        struct recovery_facts *facts = &recovery->facts;

        if (path[0] == '\0' || is_fresh(gateway, facts, path))
                return true;
        if (facts->asked && usec_sub(gateway->now, facts->at) < FACTS_AWAIT)
                return false;
        facts->asked = true;
        facts->known = false;
        facts->at = gateway->now;
        /* The others' states are in stats/status: read before the answer comes. */
        if (gateway->smsd.running)
                action_push(actions, ACTION_STATUS_READ);
        struct action *action = action_push(actions, ACTION_RECOVERY_LOOK);
        (void)text_copy(action->usb_switch.path, sizeof(action->usb_switch.path), path);
        return false;
}

/* --- ports --- */

/* No smsd process that could have the port, or wait for it. */
static bool is_released(const struct gateway *gateway, const struct slot *slot, const struct modem *modem)
{
        const struct smsd_state *smsd = &gateway->smsd;

        if (restart_busy(&gateway->restart))
                return false;
        if (smsd->n_ours == 0)
                return true;
        if (modem || smsd->n_strays > 0)
                return false;
        for (unsigned i = 0; i < smsd->n_handlers; i++)
                if (smsd->handlers[i].tty_deleted ||
                    (slot->serving[0] && text_equal(smsd->handlers[i].tty, slot->serving)))
                        return false;
        return true; /* it is away, and the others work */
}

/* --- holds --- */

bool recovery_is_held(const struct gateway *gateway, const struct recovery *recovery)
{
        return gateway->hold.active || gateway->now < recovery->taken_until || gateway->unit.stopping ||
               !gateway->config.recovery.automatic || gateway_waits_for_unit(gateway) ||
               gateway_job_until(gateway);
}

/* --- steps --- */

static unsigned unsuitable_steps(const struct gateway *gateway, const struct slot *slot,
                                 const struct recovery *recovery, const struct modem *modem)
{
        unsigned without = 0;

        if (!modem || modem->node[0] == '\0' || modem->state == MODEM_FAILED)
                without |= LADDER_STEP_BIT(LADDER_STEP_AT) | LADDER_STEP_BIT(LADDER_STEP_CFUN) |
                           LADDER_STEP_BIT(LADDER_STEP_RESET);
        if (recovery_path(gateway, slot)[0] == '\0')
                without |= LADDER_STEP_BIT(LADDER_STEP_USB) | LADDER_STEP_BIT(LADDER_STEP_POWER);
        else if (!modem && !(recovery->facts.known && recovery->facts.seen.present))
                without |= LADDER_STEP_BIT(LADDER_STEP_USB); /* the kernel has no device to switch */
        return without;
}

struct ladder_world recovery_world(const struct gateway *gateway, const struct slot *slot,
                                   const struct recovery *recovery)
{
        const struct modem *modem = recovery_modem(gateway, slot);
        const struct recovery_seen_event *seen = &recovery->facts.seen;
        bool command = gateway->config.recovery.power_command[0] != '\0';
        bool known = recovery->facts.known;

        return (struct ladder_world){
            .held = recovery_is_held(gateway, recovery),
            .smsd_stopped = is_released(gateway, slot, modem),
            .port_free = modem && gateway->now >= recovery->spare_taken_until &&
                         gateway_spare_port(gateway, slot, modem),
            .others_sending = gateway_company_is_sending(gateway, slot),
            .default_route = known && seen->default_route,
            .power = command                     ? LADDER_POWER_COMMAND
                     : known && seen->switchable ? LADDER_POWER_HUB_PORT
                                                 : LADDER_POWER_NONE,
            /* Hubs say that each port is switched by itself and are not believed: the user knows. */
            .ganged = true,
            .ganged_allowed = slot->config.ganged_power,
            .without = unsuitable_steps(gateway, slot, recovery, modem),
        };
}
