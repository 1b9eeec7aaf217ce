/*
 * Who sits in a slot, and who sat there before: remembered, told when it is another, refused when pin_imei
 * does not let it in. What a change is judged by is core/sim_identity. Nothing is sent to a modem here; no
 * number gets into a record or an alert.
 */
#include "gateway_private.h"

#include "base/text.h"
#include "core/sim_identity.h"
#include "gateway_setup.h"

void gateway_save_slot(const struct slot *slot, struct action_list *actions)
{
        action_push(actions, ACTION_MODEM_SAVE)->modem = slot->record;
}

struct identity_memory gateway_identity_of(const struct slot *slot)
{
        const struct modem_record *record = &slot->record;
        struct identity_memory memory;

        identity_memory_init(&memory);
        (void)text_copy(memory.imei, sizeof(memory.imei), record->imei);
        (void)text_copy(memory.imsi, sizeof(memory.imsi), record->imsi);
        memory.open = record->setup_open;
        memory.attempts = record->setup_attempts;
        memory.reset_spent = record->setup_reset_spent;
        memory.reset_due = record->setup_reset_due;
        return memory;
}

void gateway_identity_enter(struct modem_record *record, const struct identity_memory *memory)
{
        (void)text_copy(record->imei, sizeof(record->imei), memory->imei);
        (void)text_copy(record->imsi, sizeof(record->imsi), memory->imsi);
        record->setup_open = memory->open;
        record->setup_attempts = memory->attempts;
        record->setup_reset_spent = memory->reset_spent;
        record->setup_reset_due = memory->reset_due;
}

static void take_known(char *target, size_t size, const char *value)
{
        if (value[0] != '\0')
                (void)text_copy(target, size, value);
}

static void tell(const struct slot *slot, const char *what, struct action_list *actions)
{
        action_record(actions, RECORD_MODEM_CHANGED, SEVERITY_WARNING, slot->config.name,
                      "another %s in %s now", what, slot->config.name);
}

/* A first one is no change. */
static void tell_change(const struct slot *slot, enum identity identity, const struct modem_record *record,
                        struct action_list *actions)
{
        bool modem = identity == IDENTITY_NEW_MODEM || identity == IDENTITY_NEW_BOTH;
        bool sim = slot->record.imsi[0] && record->imsi[0] && !text_equal(slot->record.imsi, record->imsi);

        if (modem && sim)
                tell(slot, "modem (IMEI) and another SIM (IMSI) sit", actions);
        else if (modem)
                tell(slot, "modem (IMEI) sits", actions);
        else if (sim)
                tell(slot, "SIM (IMSI) sits", actions);
}

/* Nothing of a modem that is not let in is remembered. An smsd that has it must let go of it, unless a person
 * wanted that: gateway_displace.c. */
static void tell_refusal(struct slot *slot, const struct modem *modem, struct action_list *actions)
{
        const char *why = modem->facts.imei[0] ? "its IMEI is not the one that pin_imei lets in"
                                               : "it does not tell its IMEI, and pin_imei is set";

        if (!slot->strange_told && modem->in_use)
                action_record(actions, RECORD_MODEM_REFUSED, SEVERITY_WARNING, slot->config.name,
                              "smsd has the modem on %s for %s, which is not to be used: %s", modem->node,
                              slot->config.name, why);
        else if (!slot->strange_told)
                action_record(actions, RECORD_MODEM_REFUSED, SEVERITY_WARNING, slot->config.name,
                              "the modem on %s is not used for %s: %s", modem->node, slot->config.name, why);
        slot->strange_told = true;
}

/* What the probe learned replaces what was remembered; a readable SIM lifts the guard of the one before. */
static void remember(struct slot *slot, const struct modem *modem, struct action_list *actions)
{
        struct modem_record record = slot->record;
        struct identity_memory memory = gateway_identity_of(slot);
        enum identity identity = identity_judge(&memory, "", modem->facts.imei, modem->facts.imsi);

        identity_accept(&memory, identity, modem->facts.imei, modem->facts.imsi);
        gateway_identity_enter(&record, &memory);
        if (identity == IDENTITY_UNKNOWN) /* there are modems that never tell theirs */
                take_known(record.imsi, sizeof(record.imsi), modem->facts.imsi);
        take_known(record.usb, sizeof(record.usb), modem->device.path);
        take_known(record.iccid, sizeof(record.iccid), modem->facts.iccid);
        take_known(record.model, sizeof(record.model), modem->facts.model);
        take_known(record.firmware, sizeof(record.firmware), modem->facts.firmware);
        if (modem->facts.sim == SIM_READY && modem->proven)
                record.guard = GUARD_NONE;
        if (modem_record_equal(&record, &slot->record))
                return;
        tell_change(slot, identity, &record, actions);
        slot->record = record;
        gateway_save_slot(slot, actions);
}

/* True in the moment in which the run is over by which smsd had to let go of it (gateway_displace.c). */
static bool end_reservation(const struct gateway *gateway, struct slot *slot)
{
        bool over = slot->reserved && !restart_busy(&gateway->restart);

        slot->reserved = slot->reserved && !over;
        return over;
}

static void identify(struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        bool taken = end_reservation(gateway, slot), pinned = slot->config.pin_imei[0] != '\0';

        if (!slot_modem(slot, gateway->modems))
                return;
        struct modem *modem = &gateway->modems[slot->modem];
        if (!modem_usable(modem))
                return;
        bool known = modem->facts.imei[0] || modem->proven;
        bool ask = taken ? !modem->proven : pinned && !known;
        if (ask && !modem->in_use && !restart_busy(&gateway->restart))
                modem_reprobe(modem, gateway->now); /* smsd had it, and has let go of it */
        else if (slot_refuses(slot, modem))
                tell_refusal(slot, modem, actions);
        else if (!pinned || known) { /* else smsd has it, and it is being found out who it is */
                slot->strange_told = false;
                remember(slot, modem, actions);
        }
}

void gateway_remember(struct gateway *gateway, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                identify(gateway, &gateway->slots.items[i], actions);
}
