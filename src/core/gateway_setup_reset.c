/*
 * The one reset of a set-up. It is asked for in the budget of the modem's recovery (it cuts the network like
 * any other), and made in two phases: that it is spent is on disk before it is sent, so who dies between the
 * two never sends it. Where the budget is used up, what was written stays written and its reset due: smsd
 * serves the modem as it is, and the reset is made when its turn comes, unless the modem restarts before.
 */
#include "gateway_setup.h"

#include "base/parse.h"
#include "base/text.h"
#include "gateway_private.h"

#define NOTE_TIME (5 * USEC_PER_SEC)

static void note(struct gateway *gateway, struct modem *modem, struct slot *slot, struct action_list *actions)
{
        struct identity_memory memory = gateway_identity_of(slot);

        identity_spend_reset(&memory);
        gateway_identity_enter(&slot->record, &memory);
        action_push(actions, ACTION_RESET_NOTE)->modem = slot->record;
        modem->setup.phase = SETUP_SAVING;
        modem->setup.until = usec_add(gateway->now, NOTE_TIME);
}

static void tell_due(const struct gateway *gateway, const struct slot *slot, usec_t at,
                     struct action_list *actions)
{
        char when[32] = "";

        if (at != USEC_INFINITY)
                format_duration(when, sizeof(when), usec_sub(at, gateway->now));
        action_record(actions, RECORD_PROVISION_FAILED, SEVERITY_WARNING, slot->config.name,
                      "what [provision] asks for is written in %s, its reset is due: the budget of resets is "
                      "used up%s%s; smsd serves it meanwhile",
                      slot->config.name, when[0] ? ", it is made in " : " and allows none", when);
}

static void postpone(struct gateway *gateway, struct modem *modem, struct slot *slot, usec_t at,
                     struct action_list *actions)
{
        struct identity_memory memory = gateway_identity_of(slot);

        identity_postpone_reset(&memory);
        gateway_identity_enter(&slot->record, &memory); /* saved at the end of the set-up, in this step */
        if (!modem->setup.told_due)
                tell_due(gateway, slot, at, actions);
        setup_decline_reset(modem);
}

void setup_ask_reset(struct gateway *gateway, struct modem *modem, struct slot *slot,
                     struct action_list *actions)
{
        usec_t at;

        switch (gateway_recovery_ask_leave(gateway, slot, actions, &at)) {
        case RECOVERY_LEAVE_GRANTED:
                note(gateway, modem, slot, actions);
                break;
        case RECOVERY_LEAVE_WAIT:
                modem->setup.phase = SETUP_WAITING;
                modem->setup.until = at;
                (void)text_copy(modem->reason, sizeof(modem->reason),
                                "it is set up ([provision]), and reset when people were told");
                break;
        case RECOVERY_LEAVE_REFUSED:
                postpone(gateway, modem, slot, at, actions);
                break;
        }
}

void setup_decline_reset(struct modem *modem)
{
        modem->setup.phase = SETUP_TALKING;
        provision_decline_reset(&modem->setup.dialogue);
}

void setup_reset_noted(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->n_modems; i++) {
                struct modem *modem = &gateway->modems[i];
                const struct slot *slot = slots_find(&gateway->slots, modem->setup.slot);
                if (modem->setup.phase != SETUP_SAVING || !slot ||
                    !text_equal(modem->setup.slot, event->noted.modem))
                        continue;
                if (event->noted.result < 0) {
                        setup_decline_reset(modem); /* the next life would send it again */
                        continue;
                }
                gateway_recovery_spend_leave(gateway, slot, actions);
                modem_setup_reset(modem, i, gateway->now, actions);
        }
}

/* Only `authorized` 0/1 leaves it under power. */
void gateway_setup_left(const struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        const struct recovery *recovery = recovery_find(gateway, slot->config.name);
        bool stays_on = recovery && recovery->off == RECOVERY_OFF_USB;
        struct identity_memory memory = gateway_identity_of(slot);

        if (stays_on || !identity_has_restarted(&memory))
                return;
        gateway_identity_enter(&slot->record, &memory);
        gateway_save_slot(slot, actions);
        action_record(actions, RECORD_PROVISIONED, SEVERITY_INFO, slot->config.name,
                      "%s restarts: what [provision] has written takes effect, no reset is due any more",
                      slot->config.name);
}
