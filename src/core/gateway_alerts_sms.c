/*
 * The last way out: an alert as an SMS, when every network way has failed for [alerts] sms_after, or there is
 * none. It is spent sparingly: one SMS for one alert, not for its end nor its repeats, not more in a day than
 * the receiver's budget, and none while the gateway cannot send, for then it would lie in the queue that the
 * alert is about.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <string.h>

#define SMS_AGAIN USEC_PER_MIN /* the file could not be written */

static struct alert_sms *sms_of(struct gateway *gateway)
{
        return &gateway->alerts.book.sms;
}

static bool is_network(const struct receiver_config *receiver)
{
        return !receiver_is_sms(receiver) && !text_equal(receiver->type, "exec");
}

static bool wanted_by_sms(const struct gateway *gateway, const struct alert *alert)
{
        for (unsigned i = 0; i < gateway->config.n_receivers; i++)
                if (receiver_is_sms(&gateway->config.receivers[i]) &&
                    delivery_wants(&gateway->config.receivers[i], alert))
                        return true;
        return false;
}

/* --- which alerts --- */

void gateway_sms_spooled(struct gateway *gateway, const struct alert *alert, uint64_t sequence)
{
        if (alert->state == ALERT_RESOLVED || wanted_by_sms(gateway, alert))
                alert_sms_note(sms_of(gateway), alert, sequence, gateway->now);
}

/* What nobody knows the time of waits for the network from now on. */
static void restore(struct gateway *gateway, struct alert_sms_candidate *target,
                    const struct alert_sms_candidate *found)
{
        *target = *found;
        target->used = found->used && wanted_by_sms(gateway, &found->alert);
        target->on_its_way = false;
        target->retry_at = 0;
        if (target->told_at == 0 || target->told_at > gateway->now)
                target->told_at = gateway->now;
}

void gateway_sms_restored(struct gateway *gateway, const struct alert_sms *found)
{
        struct alert_sms *sms = sms_of(gateway);

        memcpy(sms->budgets, found->budgets, sizeof(sms->budgets));
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++)
                restore(gateway, &sms->candidates[i], &found->candidates[i]);
        gateway->alerts.book.dirty = true;
}

/* --- is it needed? --- */

static bool has_it(const struct delivery *delivery, const struct receiver_config *receiver, uint64_t sequence)
{
        const struct delivery_receiver *state = delivery_find(delivery, receiver->name);

        return state && state->position >= sequence && state->parked_last != sequence;
}

/* When an SMS of it is due: it waits at every network way that it is for; without one, at once. */
static usec_t due(const struct gateway *gateway, const struct alert_sms_candidate *candidate)
{
        usec_t at = candidate->told_at;

        for (unsigned i = 0; i < gateway->config.n_receivers; i++) {
                const struct receiver_config *receiver = &gateway->config.receivers[i];
                if (!is_network(receiver) || !delivery_wants(receiver, &candidate->alert))
                        continue;
                if (has_it(&gateway->alerts.delivery, receiver, candidate->sequence))
                        return USEC_INFINITY;
                at = usec_add(candidate->told_at, gateway->config.alerts.sms_after);
        }
        return usec_max(at, candidate->retry_at);
}

bool gateway_can_send(const struct gateway *gateway)
{
        if (!gateway->smsd.running || gateway->hold.active || gateway->unit.stopping ||
            restart_busy(&gateway->restart))
                return false;
        return gateway_any_slot_well(gateway);
}

static bool is_configured(const struct gateway *gateway, const char *name)
{
        for (unsigned i = 0; i < gateway->config.n_receivers; i++)
                if (text_equal(gateway->config.receivers[i].name, name))
                        return true;
        return false;
}

/* The place of this receiver; -1: it has none yet. */
static int find_budget(const struct alert_sms *sms, const char *name)
{
        for (unsigned i = 0; i < CONFIG_RECEIVERS_MAX; i++)
                if (text_equal(sms->budgets[i].receiver, name))
                        return (int)i;
        return -1;
}

/* One that is free, or of a receiver that is no more: there are as many as there can be receivers. */
static unsigned new_budget(struct gateway *gateway, const char *name)
{
        struct alert_sms *sms = sms_of(gateway);
        unsigned at = 0;

        while (at < CONFIG_RECEIVERS_MAX - 1 && sms->budgets[at].receiver[0] &&
               is_configured(gateway, sms->budgets[at].receiver))
                at++;
        sms->budgets[at] = (struct alert_sms_budget){0};
        (void)text_copy(sms->budgets[at].receiver, sizeof(sms->budgets[at].receiver),
                        name); /* of the same size */
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++)
                sms->candidates[i].sent &= ~(1u << at);
        return at;
}

static unsigned budget_of(struct gateway *gateway, const char *name)
{
        int at = find_budget(sms_of(gateway), name);

        return at < 0 ? new_budget(gateway, name) : (unsigned)at;
}

static bool spend(struct gateway *gateway, struct alert_sms_budget *budget, unsigned most)
{
        if (usec_sub(gateway->now, budget->since) >= USEC_PER_DAY)
                budget->spent = 0;
        if (budget->spent >= most)
                return false;
        if (budget->spent++ == 0)
                budget->since = gateway->now;
        return true;
}

/* --- sending --- */

/* The next sms receiver that wants it and does not have it; -1 none. */
static int next_receiver(const struct gateway *gateway, const struct alert_sms_candidate *candidate)
{
        for (unsigned i = 0; i < gateway->config.n_receivers; i++) {
                const struct receiver_config *receiver = &gateway->config.receivers[i];
                int budget = find_budget(&gateway->alerts.book.sms, receiver->name);
                if (receiver_is_sms(receiver) && delivery_wants(receiver, &candidate->alert) &&
                    (budget < 0 || !(candidate->sent & (1u << budget))))
                        return (int)i;
        }
        return -1;
}

static void send(struct gateway *gateway, const struct alert_sms_candidate *candidate,
                 const struct receiver_config *receiver, struct action_list *actions)
{
        struct alert_message message = {.alert = candidate->alert, .sequence = candidate->sequence};
        struct action *action = action_push(actions, ACTION_ALERT_SMS);

        (void)text_copy(message.host, sizeof(message.host), gateway->alerts.host);
        alert_short_text(&message, action->sms.text, sizeof(action->sms.text));
        (void)text_copy(action->sms.receiver, sizeof(action->sms.receiver), receiver->name);
        (void)text_copy(action->sms.number, sizeof(action->sms.number), receiver->url);
        action->sms.sequence = candidate->sequence;
}

/* It has it now, or its day is spent: then this one is not made up for. */
static void tell(struct gateway *gateway, struct alert_sms_candidate *candidate,
                 const struct receiver_config *receiver, struct action_list *actions)
{
        unsigned budget = budget_of(gateway, receiver->name);

        candidate->sent |= 1u << budget;
        candidate->budget = budget;
        candidate->on_its_way = spend(gateway, &sms_of(gateway)->budgets[budget], receiver->budget);
        if (candidate->on_its_way)
                send(gateway, candidate, receiver, actions);
        gateway->alerts.book.dirty = true;
}

/* What is over, though its end is not told yet, wakes nobody. */
static bool is_over(struct gateway *gateway, const struct alert *alert)
{
        return !alert_kind_is_momentary(alert->kind) &&
               !alert_book_is_active(&gateway->alerts.book, alert->key);
}

void gateway_sms_send(struct gateway *gateway, struct action_list *actions)
{
        struct alert_sms *sms = sms_of(gateway);

        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++) {
                struct alert_sms_candidate *candidate = &sms->candidates[i];
                if (!candidate->used || candidate->on_its_way || due(gateway, candidate) > gateway->now ||
                    is_over(gateway, &candidate->alert))
                        continue;
                int receiver = next_receiver(gateway, candidate);
                if (receiver < 0 || !gateway_can_send(gateway) || !action_list_fits(actions, 1))
                        continue;
                tell(gateway, candidate, &gateway->config.receivers[receiver], actions);
        }
}

void gateway_sms_answered(struct gateway *gateway, uint64_t sequence, int result)
{
        struct alert_sms *sms = sms_of(gateway);

        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++) {
                struct alert_sms_candidate *candidate = &sms->candidates[i];
                if (!candidate->used || !candidate->on_its_way || candidate->sequence != sequence)
                        continue;
                candidate->on_its_way = false;
                if (result >= 0)
                        continue;
                candidate->sent &= ~(1u << candidate->budget);
                candidate->retry_at = usec_add(gateway->now, SMS_AGAIN);
                if (sms->budgets[candidate->budget].spent > 0)
                        sms->budgets[candidate->budget].spent--;
                gateway->alerts.book.dirty = true;
        }
}

/* While it cannot be sent, what changes that is an event; so only what can be sent is waited for. */
usec_t gateway_sms_deadline(const struct gateway *gateway)
{
        const struct alert_sms *sms = &gateway->alerts.book.sms;
        usec_t deadline = USEC_INFINITY;

        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++) {
                const struct alert_sms_candidate *candidate = &sms->candidates[i];
                if (candidate->used && !candidate->on_its_way && next_receiver(gateway, candidate) >= 0)
                        deadline = usec_min(deadline, due(gateway, candidate));
        }
        return deadline;
}
