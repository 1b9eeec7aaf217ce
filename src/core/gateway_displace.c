/*
 * A modem that smsd has, and should not have (yet): it was started around us, or at boot before us, and took
 * the port before the modem could be asked who it is. Here is found out whose turn it is; smsd lets go of it
 * by the one path, and goes on with the other modems, their smsd.conf naming no device for this one. Then the
 * modem is like any that was just plugged in: asked (gateway_identity.c), refused or set up
 * (gateway_setup.c), and served.
 *
 *   strange  pin_imei does not let it in, or nobody can tell who it is. Not the one that a person started
 *            smsd on with --force, for as long as that smsd runs.
 *   new      it, or its SIM, is another than remembered, and [provision] asks for something
 *   due      [provision] wrote what a reset makes good, and its turn has come
 *   waiting  smsd, without any modem, waits for the device of one that is to be asked first
 *
 * A new one is displaced once in a plug, and not when a set-up has begun already: who starts smsd in the
 * middle of one wants it now.
 */
#include "gateway_private.h"

#include "base/text.h"
#include "gateway_setup.h"

#include <string.h>

#define LEAVE_AGAIN USEC_PER_HOUR

/* --- strange --- */

static bool is_let_in(const struct gateway *gateway, const struct slot *slot)
{
        return slot->pass_guard ||
               (slot->record.let_in.pid > 0 && process_id_equal(slot->record.let_in, gateway->smsd.main));
}

static bool is_strange(const struct gateway *gateway, const struct slot *slot, const struct modem *modem)
{
        bool unknown = modem->facts.imei[0] == '\0' && gateway->looks[slot->modem].identified;

        return slot->config.pin_imei[0] && !is_let_in(gateway, slot) &&
               (slot_refuses(slot, modem) || unknown);
}

void gateway_let_in(const struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);
        struct process_id main = gateway->smsd.main;

        if (!gateway->smsd.running || !modem || !slot_refuses(slot, modem) ||
            process_id_equal(slot->record.let_in, main))
                return;
        slot->record.let_in = main;
        gateway_save_slot(slot, actions);
}

/* --- new, due --- */

static bool is_new(const struct slot *slot, const struct modem *modem)
{
        struct identity_memory memory = gateway_identity_of(slot);

        return !slot->displaced && !modem->proven && memory.attempts == 0 && identity_due(&memory) != 0;
}

static bool reset_is_due(struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        usec_t at;

        if (slot->record.setup_reset_due == 0 || slot->record.setup_open != 0 ||
            !gateway->config.provision.reset || gateway->now < slot->leave_at)
                return false;
        enum recovery_leave leave = gateway_recovery_ask_leave(gateway, slot, actions, &at);
        if (leave == RECOVERY_LEAVE_REFUSED) /* until then another budget may be configured */
                slot->leave_at = usec_min(at, usec_add(gateway->now, LEAVE_AGAIN));
        return leave == RECOVERY_LEAVE_GRANTED;
}

static bool wants_setup(struct gateway *gateway, struct slot *slot, const struct modem *modem,
                        struct action_list *actions)
{
        if (provision_config_is_empty(&gateway->config.provision.config) || modem->facts.sim == SIM_PIN ||
            gateway->now < gateway->restart.not_before ||
            gateway_recovery_is_under_way(gateway, slot->config.name))
                return false;
        return is_new(slot, modem) || reset_is_due(gateway, slot, actions);
}

/* --- waiting --- */

static bool waits_for_device(const struct slot *slot)
{
        size_t length = strlen(slot->conf_device), end = strlen("-parked");

        return slot->wary && text_starts_with(slot->conf_device, "/dev/") &&
               !(length > end && text_equal(slot->conf_device + length - end, "-parked"));
}

/* One that has a port, be it none that we know, serves somebody. */
static bool all_handlers_wait(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                if (gateway->smsd.handlers[i].tty[0] || gateway->smsd.handlers[i].last[0])
                        return false;
        return gateway->smsd.n_handlers > 0;
}

static bool any_modem(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (modem_present(&gateway->modems[i]))
                        return true;
        return false;
}

static bool smsd_waits(const struct gateway *gateway, const struct slot *slot)
{
        return !gateway->settling && waits_for_device(slot) && all_handlers_wait(gateway) &&
               !any_modem(gateway);
}

/* --- whose turn it is --- */

static bool is_displaced(struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        if (!modem)
                slot->displaced = false;
        if (!modem || !modem->in_use)
                return smsd_waits(gateway, slot);
        return is_strange(gateway, slot, modem) || wants_setup(gateway, slot, modem, actions);
}

struct slot *gateway_find_displaced(struct gateway *gateway, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (is_displaced(gateway, &gateway->slots.items[i], actions))
                        return &gateway->slots.items[i];
        return NULL;
}

const struct slot *gateway_find_strange(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                const struct modem *modem = slot_modem(slot, gateway->modems);
                if (modem && modem->in_use && is_strange(gateway, slot, modem))
                        return slot;
        }
        return NULL;
}

static void tell(const struct gateway *gateway, const struct slot *slot, struct action_list *actions)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);
        const char *why = !modem                              ? "it waits for its modem, which is asked first"
                          : is_strange(gateway, slot, modem)  ? "pin_imei does not let its modem in"
                          : slot->record.setup_reset_due != 0 ? "the reset that [provision] needs is due"
                                                              : "it is new and is to be set up ([provision])";

        action_record(actions, RECORD_SMSD_DISPLACED, SEVERITY_INFO, slot->config.name,
                      "smsd lets go of %s: %s", slot->config.name, why);
}

static void reopen(struct slot *slot, struct action_list *actions)
{
        struct identity_memory memory = gateway_identity_of(slot);

        if (memory.open != 0 || memory.reset_due == 0)
                return;
        identity_reopen(&memory);
        gateway_identity_enter(&slot->record, &memory);
        gateway_save_slot(slot, actions);
}

void gateway_displace(struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        if (!gateway_company_is_quiet(gateway, slot, actions))
                return;
        tell(gateway, slot, actions);
        if (modem && !is_strange(gateway, slot, modem))
                reopen(slot, actions);
        slot->reserved = slot->displaced = modem != NULL;
        gateway->cause = CAUSE_IDENTITY;
        gateway_request_restart(gateway, gateway_startable(gateway) > 0 ? RESTART_RUN : RESTART_STOP,
                                CAUSE_IDENTITY, 0, actions);
}

usec_t gateway_displace_deadline(const struct gateway *gateway)
{
        usec_t deadline = USEC_INFINITY;

        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                if (slot->record.setup_reset_due == 0 || !gateway->smsd.running)
                        continue;
                deadline = usec_min(deadline, gateway_ahead(gateway, slot->leave_at));
                deadline =
                    usec_min(deadline, gateway_ahead(gateway, gateway_recovery_notice_over(gateway, slot)));
        }
        return deadline;
}
