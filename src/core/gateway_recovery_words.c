/*
 * The recovery for people: what is recorded of each step, what is told loudly, what the status shows.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <string.h>

#define TEXT_MAX 320

/* --- records and alerts of an order --- */

void recovery_announce(struct gateway *gateway, const struct recovery *recovery, const char *cause,
                       const char *text, struct action_list *actions)
{
        struct alert *alert;

        action_record(actions, RECORD_RECOVERY_NOTICE, SEVERITY_WARNING, recovery->name, "%s", text);
        if (alert_book_post(&gateway->alerts.book, ALERT_RESET_AHEAD, recovery->name, gateway->now, &alert) <
            0)
                return; /* it is on its way already, or there is no place: the reset waits all the same */
        (void)text_copy(alert->modem, sizeof(alert->modem), recovery->name);
        (void)text_copy(alert->cause, sizeof(alert->cause), cause);
        gateway_alerts_say(alert->summary, "%s: %s", recovery->name, text);
        gateway_alerts_say(
            alert->evidence,
            "the box's default route is on this modem's network interface: the network is away "
            "for a minute or two");
        gateway_alerts_say(alert->next_action, "nothing: what follows is told when the network is back");
}

void recovery_tell_order(struct gateway *gateway, struct recovery *recovery, const struct ladder_order *order,
                         struct action_list *actions)
{
        char text[TEXT_MAX];

        ladder_describe(&recovery->ladder, gateway->now, text, sizeof(text));
        switch (order->kind) {
        case ORDER_ANNOUNCE:
                recovery_announce(gateway, recovery, failure_kind_to_string(recovery->ladder.kind), text,
                                  actions);
                break;
        case ORDER_GIVE_UP:
                recovery->gave_up = recovery->ladder.tried & RECOVERY_RESETS;
                action_record(actions, RECORD_RECOVERY_GAVE_UP,
                              recovery->gave_up ? SEVERITY_CRITICAL : SEVERITY_WARNING, recovery->name, "%s",
                              text);
                break;
        default:
                action_record(actions, RECORD_RECOVERY_STEP, SEVERITY_WARNING, recovery->name,
                              "%s begins%s%s; %u resets in the last hour, %u in the last day",
                              ladder_step_words(recovery->ladder.step),
                              recovery->hand.token ? ", asked for by " : "",
                              recovery->hand.token ? recovery->hand.by : "",
                              ladder_resets_within(&recovery->ladder, USEC_PER_HOUR, gateway->now),
                              ladder_resets_within(&recovery->ladder, USEC_PER_DAY, gateway->now));
                break;
        }
}

void recovery_tell_end(const struct recovery *recovery, struct action_list *actions)
{
        const struct ladder *ladder = &recovery->ladder;

        if (ladder->result < 0)
                action_record(actions, RECORD_RECOVERY_DONE, SEVERITY_WARNING, recovery->name,
                              "%s did not work: %s", ladder_step_words(recovery->shown),
                              strerror(-ladder->result));
        else
                action_record(actions, RECORD_RECOVERY_DONE, SEVERITY_INFO, recovery->name, "%s is done",
                              ladder_step_words(recovery->shown));
}

/* --- the status --- */

void gateway_recovery_describe(const struct gateway *gateway, const char *slot, char *text, size_t size)
{
        const struct recovery *recovery = recovery_find(gateway, slot);

        text[0] = '\0';
        if (recovery && gateway->config.mode == MODE_CONTROL)
                ladder_describe(&recovery->ladder, gateway->now, text, size);
        if (recovery && !gateway->config.recovery.automatic && recovery->ladder.state == LADDER_HELD)
                (void)text_format(text, size, "%s: nothing is done by itself ([recovery] automatic = no)",
                                  failure_describe(recovery->ladder.kind));
}

bool gateway_recovery_describe_block(const struct gateway *gateway, char *text, size_t size)
{
        char what[TEXT_MAX];

        for (unsigned i = 0; i < gateway->recovery.n; i++) {
                const struct recovery *recovery = &gateway->recovery.items[i];
                if (!ladder_needs_smsd_stopped(&recovery->ladder))
                        continue;
                ladder_describe(&recovery->ladder, gateway->now, what, sizeof(what));
                (void)text_format(text, size, "%s: %s", recovery->name, what);
                return true;
        }
        return false;
}

static int left(unsigned allowed, unsigned used)
{
        return allowed > used ? (int)(allowed - used) : 0;
}

void gateway_recovery_snapshot(const struct gateway *gateway, const char *slot, int64_t realtime_offset,
                               struct snapshot_modem *to)
{
        const struct recovery *recovery = recovery_find(gateway, slot);
        const struct ladder *ladder = recovery ? &recovery->ladder : NULL;

        to->recovery.resets_left_hour = to->recovery.resets_left_day = -1;
        if (!ladder || gateway->config.mode != MODE_CONTROL)
                return;
        to->recovery.resets_left_hour =
            left(ladder->route ? ladder->budget.route_per_hour : ladder->budget.per_hour,
                 ladder_resets_within(ladder, USEC_PER_HOUR, gateway->now));
        to->recovery.resets_left_day =
            left(ladder->route ? ladder->budget.route_per_day : ladder->budget.per_day,
                 ladder_resets_within(ladder, USEC_PER_DAY, gateway->now));
        gateway_recovery_describe(gateway, slot, to->recovery.text, sizeof(to->recovery.text));
        if (to->recovery.text[0] == '\0')
                return;
        (void)text_copy(to->recovery.state, sizeof(to->recovery.state),
                        ladder_state_to_string(ladder->state));
        if (ladder->tried)
                (void)text_copy(to->recovery.step, sizeof(to->recovery.step),
                                ladder_step_to_string(ladder->step));
        if (ladder->until != USEC_INFINITY)
                to->recovery.next_at = (snapshot_time_t)ladder->until + realtime_offset;
        if (gateway_recovery_is_under_way(gateway, slot) && ladder->state != LADDER_SETTLING)
                (void)text_copy(to->state, sizeof(to->state), modem_state_to_string(MODEM_RECOVERING));
}

/* --- what was given up --- */

void gateway_alerts_recovery(struct gateway *gateway)
{
        struct alert_book *book = &gateway->alerts.book;

        if (gateway->hold.active)
                alert_book_keep(book, ALERT_RECOVERY_FAILED, NULL);
        for (unsigned i = 0; i < gateway->recovery.n; i++) {
                const struct recovery *recovery = &gateway->recovery.items[i];
                enum failure_kind kind = recovery->ladder.kind;
                char text[TEXT_MAX];
                if (!recovery->gave_up || gateway->hold.active ||
                    !slots_find(&gateway->slots, recovery->name))
                        continue;
                if (kind == FAILURE_NONE) { /* found given up, and not judged yet in this life */
                        alert_book_keep(book, ALERT_RECOVERY_FAILED, recovery->name);
                        continue;
                }
                struct alert *alert =
                    alert_book_raise(book, ALERT_RECOVERY_FAILED, recovery->name, gateway->now);
                ladder_describe(&recovery->ladder, gateway->now, text, sizeof(text));
                (void)text_copy(alert->cause, sizeof(alert->cause), failure_kind_to_string(kind));
                gateway_alerts_say(alert->summary, "%s: %s, and no reset has helped", recovery->name,
                                   failure_describe(kind));
                gateway_alerts_say(alert->evidence, "%s", text);
                gateway_alerts_advise(gateway, alert, failure_advice(kind));
        }
}
