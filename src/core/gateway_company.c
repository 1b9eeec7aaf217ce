/*
 * What one modem may cost the others, see gateway_company.h. It decides nothing but "now" or "not yet":
 * gateway_reconcile.c asks before it asks the one path. It must not start or stop anything itself.
 */
#include "gateway_company.h"

#include "base/parse.h"
#include "base/text.h"
#include "gateway_private.h"

#define FIRST_WAIT     USEC_PER_MIN
#define LONGEST_WAIT   USEC_PER_HOUR
#define FORGIVEN_AFTER USEC_PER_HOUR
#define QUIET_PATIENCE (2 * USEC_PER_MIN)
#define LOOK_EVERY     USEC_PER_SEC /* so often smsd writes its status */

bool gateway_company_is_served(const struct gateway *gateway, const struct slot *except)
{
        for (unsigned i = 0; gateway->smsd.running && i < gateway->slots.n; i++)
                if (&gateway->slots.items[i] != except &&
                    gateway_slot_served(gateway, &gateway->slots.items[i]))
                        return true;
        return false;
}

/* --- the budget --- */

static usec_t wait_after(unsigned restarts)
{
        if (restarts == 0)
                return 0;
        return restarts > 6 ? LONGEST_WAIT : FIRST_WAIT << (restarts - 1);
}

static usec_t next_restart(const struct slot *slot)
{
        return usec_add(slot->company.last, wait_after(slot->company.restarts));
}

bool gateway_company_may_restart(const struct gateway *gateway, const struct slot *slot)
{
        return slot->company.restarts == 0 || gateway->now >= next_restart(slot) ||
               !gateway_company_is_served(gateway, slot);
}

static bool is_waiting(const struct gateway *gateway, const struct slot *slot)
{
        return slot_startable(slot, gateway->modems) && !gateway_slot_served(gateway, slot);
}

void gateway_company_interrupted(struct gateway *gateway)
{
        gateway->company.wanted_since = 0;
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                struct slot *slot = &gateway->slots.items[i];
                if (slot->asked || !is_waiting(gateway, slot) ||
                    gateway->modems[slot->modem].state != MODEM_READY ||
                    !gateway_company_is_served(gateway, slot))
                        continue;
                slot->company.restarts++;
                slot->company.last = gateway->now;
                slot->company.served_since = 0;
        }
}

static void forgive_slot(const struct gateway *gateway, struct slot *slot)
{
        struct slot_company *company = &slot->company;

        if (!gateway_slot_served(gateway, slot))
                company->served_since = 0;
        else if (company->served_since == 0)
                company->served_since = gateway->now;
        bool served_long =
            company->served_since && usec_sub(gateway->now, company->served_since) >= FORGIVEN_AFTER;
        if (slot->asked || served_long)
                company->restarts = 0;
}

void gateway_company_forgive(struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway->slots.items[i].company.restarts > 0)
                        forgive_slot(gateway, &gateway->slots.items[i]);
}

/* --- a quiet moment --- */

bool gateway_company_is_sending(const struct gateway *gateway, const struct slot *except)
{
        for (unsigned i = 0; gateway->smsd.status_known && i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                const struct smsd_status_modem *status =
                    smsd_status_find(&gateway->smsd.status, slot->config.name);
                if (slot != except && status && status->state == HANDLER_SENDING &&
                    gateway_slot_served(gateway, slot))
                        return true;
        }
        return false;
}

/* Only what was read for this decision says who is sending now. */
static bool status_is_fresh(const struct gateway *gateway)
{
        const struct gateway_company *company = &gateway->company;

        return company->read_at >= company->wanted_since &&
               usec_sub(gateway->now, company->read_at) < LOOK_EVERY;
}

bool gateway_company_is_quiet(struct gateway *gateway, const struct slot *slot, struct action_list *actions)
{
        struct gateway_company *company = &gateway->company;

        if (!gateway_company_is_served(gateway, slot))
                return true;
        if (company->wanted_since == 0)
                company->wanted_since = company->look_at = gateway->now;
        if (usec_sub(gateway->now, company->wanted_since) >= QUIET_PATIENCE)
                return true;
        if (status_is_fresh(gateway) && !gateway_company_is_sending(gateway, slot))
                return true;
        if (gateway->now >= company->look_at) {
                action_push(actions, ACTION_STATUS_READ);
                company->look_at = usec_add(gateway->now, LOOK_EVERY);
        }
        return false;
}

/* --- time and words --- */

usec_t gateway_company_deadline(const struct gateway *gateway)
{
        const struct gateway_company *company = &gateway->company;
        usec_t deadline = USEC_INFINITY;

        if (company->wanted_since)
                deadline = usec_min(company->look_at, usec_add(company->wanted_since, QUIET_PATIENCE));
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                if (slot->company.restarts > 0 && gateway->now < next_restart(slot) &&
                    is_waiting(gateway, slot))
                        deadline = usec_min(deadline, next_restart(slot));
        }
        return deadline;
}

bool gateway_company_keeps_waiting(const struct gateway *gateway)
{
        bool waiting = gateway->company.wanted_since != 0;

        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                if (!is_waiting(gateway, slot))
                        continue;
                if (gateway_company_may_restart(gateway, slot) && gateway->company.wanted_since == 0)
                        return false;
                waiting = true;
        }
        return waiting && gateway_company_is_served(gateway, NULL);
}

bool gateway_company_describe(const struct gateway *gateway, const struct slot *slot, char *reason,
                              size_t reason_size, char *action, size_t action_size)
{
        char left[32];

        if (!is_waiting(gateway, slot) || restart_busy(&gateway->restart))
                return false;
        if (!gateway_company_may_restart(gateway, slot)) {
                format_duration(left, sizeof(left), usec_sub(next_restart(slot), gateway->now));
                (void)text_format(reason, reason_size,
                                  "%s: smsd is restarted for it in %s, for %u restarts for its sake have "
                                  "interrupted the others already",
                                  slot->config.name, left, slot->company.restarts);
                (void)text_copy(action, action_size,
                                "see smsd's log for why it fails again and again, check its cable and SIM; "
                                "`smswarden restart` does it now");
                return true;
        }
        if (gateway->company.wanted_since == 0)
                return false;
        (void)text_format(reason, reason_size,
                          "%s: smsd is restarted for it as soon as no other modem is sending",
                          slot->config.name);
        (void)text_copy(action, action_size, "nothing: it is waited for two minutes at most");
        return true;
}
