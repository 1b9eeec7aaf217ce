/*
 * The last way out: an alert as an SMS, when every network way has failed for [alerts] sms_after, or there is
 * none. It is spent sparingly: one SMS for one alert, not for its end nor its repeats, not more in a day than
 * the receiver's budget, and none while the gateway cannot send, for then it would lie in the queue that the
 * alert is about.
 */
#include "gateway_private.h"

#include "base/text.h"

#define SMS_AGAIN USEC_PER_MIN /* the file could not be written */

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

static struct gateway_sms_candidate *find(struct gateway_sms *sms, const char *key)
{
        for (unsigned i = 0; i < SMS_CANDIDATES; i++)
                if (sms->candidates[i].used && text_equal(sms->candidates[i].alert.key, key))
                        return &sms->candidates[i];
        return NULL;
}

/* A free place, else that of the oldest: what is new matters more. */
static struct gateway_sms_candidate *place(struct gateway_sms *sms)
{
        struct gateway_sms_candidate *oldest = &sms->candidates[0];

        for (unsigned i = 0; i < SMS_CANDIDATES; i++) {
                if (!sms->candidates[i].used)
                        return &sms->candidates[i];
                if (sms->candidates[i].sequence < oldest->sequence)
                        oldest = &sms->candidates[i];
        }
        return oldest;
}

/* A hold that became critical is news for who was told of a warning only. */
static bool is_news(const struct gateway_sms_candidate *known, const struct alert *alert)
{
        return !known || alert->severity > known->alert.severity;
}

void gateway_sms_spooled(struct gateway *gateway, const struct alert *alert, uint64_t sequence)
{
        struct gateway_sms *sms = &gateway->alerts.sms;
        struct gateway_sms_candidate *known = find(sms, alert->key);

        if (alert->state == ALERT_RESOLVED) {
                if (known)
                        known->used = false; /* over: nobody is to be woken by it any more */
                return;
        }
        if (!wanted_by_sms(gateway, alert) || !is_news(known, alert))
                return;
        if (!known)
                known = place(sms);
        *known = (struct gateway_sms_candidate){
            .used = true, .sequence = sequence, .told_at = gateway->now, .alert = *alert};
}

/* --- is it needed? --- */

static bool has_it(const struct delivery *delivery, const struct receiver_config *receiver, uint64_t sequence)
{
        const struct delivery_receiver *state = delivery_find(delivery, receiver->name);

        return state && state->position >= sequence && state->parked_last != sequence;
}

/* When an SMS of it is due: it waits at every network way that it is for; without one, at once. */
static usec_t due(const struct gateway *gateway, const struct gateway_sms_candidate *candidate)
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

static bool spend(struct gateway *gateway, unsigned receiver)
{
        struct gateway_sms *sms = &gateway->alerts.sms;

        if (usec_sub(gateway->now, sms->budgets[receiver].since) >= USEC_PER_DAY)
                sms->budgets[receiver].spent = 0;
        if (sms->budgets[receiver].spent >= gateway->config.receivers[receiver].budget)
                return false;
        if (sms->budgets[receiver].spent++ == 0)
                sms->budgets[receiver].since = gateway->now;
        return true;
}

/* --- sending --- */

/* The next sms receiver that wants it and does not have it; -1 none. */
static int next_receiver(const struct gateway *gateway, const struct gateway_sms_candidate *candidate)
{
        for (unsigned i = 0; i < gateway->config.n_receivers; i++)
                if (receiver_is_sms(&gateway->config.receivers[i]) && !(candidate->sent & (1u << i)) &&
                    delivery_wants(&gateway->config.receivers[i], &candidate->alert))
                        return (int)i;
        return -1;
}

static void send(struct gateway *gateway, struct gateway_sms_candidate *candidate, unsigned receiver,
                 struct action_list *actions)
{
        struct alert_message message = {.alert = candidate->alert, .sequence = candidate->sequence};
        struct action *action = action_push(actions, ACTION_ALERT_SMS);

        (void)text_copy(message.host, sizeof(message.host), gateway->alerts.host);
        alert_short_text(&message, action->sms.text, sizeof(action->sms.text));
        (void)text_copy(action->sms.receiver, sizeof(action->sms.receiver),
                        gateway->config.receivers[receiver].name);
        (void)text_copy(action->sms.number, sizeof(action->sms.number),
                        gateway->config.receivers[receiver].url);
        action->sms.sequence = candidate->sequence;
        candidate->on_its_way = true;
        candidate->receiver = receiver;
        candidate->sent |= 1u << receiver;
}

/* What is over, though its end is not told yet, wakes nobody. */
static bool is_over(struct gateway *gateway, const struct alert *alert)
{
        return !alert_kind_is_momentary(alert->kind) &&
               !alert_book_is_active(&gateway->alerts.book, alert->key);
}

void gateway_sms_send(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_sms *sms = &gateway->alerts.sms;

        for (unsigned i = 0; i < SMS_CANDIDATES; i++) {
                struct gateway_sms_candidate *candidate = &sms->candidates[i];
                if (!candidate->used || candidate->on_its_way || due(gateway, candidate) > gateway->now ||
                    is_over(gateway, &candidate->alert))
                        continue;
                int receiver = next_receiver(gateway, candidate);
                if (receiver < 0 || !gateway_can_send(gateway) || !action_list_fits(actions, 1))
                        continue;
                if (spend(gateway, (unsigned)receiver))
                        send(gateway, candidate, (unsigned)receiver, actions);
                else
                        candidate->sent |= 1u << receiver; /* its day is spent: this one is not made up for */
        }
}

void gateway_sms_answered(struct gateway *gateway, uint64_t sequence, int result)
{
        struct gateway_sms *sms = &gateway->alerts.sms;

        for (unsigned i = 0; i < SMS_CANDIDATES; i++) {
                struct gateway_sms_candidate *candidate = &sms->candidates[i];
                if (!candidate->used || !candidate->on_its_way || candidate->sequence != sequence)
                        continue;
                candidate->on_its_way = false;
                if (result >= 0)
                        continue;
                candidate->sent &= ~(1u << candidate->receiver);
                candidate->retry_at = usec_add(gateway->now, SMS_AGAIN);
                if (sms->budgets[candidate->receiver].spent > 0)
                        sms->budgets[candidate->receiver].spent--;
        }
}

/* While it cannot be sent, what changes that is an event; so only what can be sent is waited for. */
usec_t gateway_sms_deadline(const struct gateway *gateway)
{
        const struct gateway_sms *sms = &gateway->alerts.sms;
        usec_t deadline = USEC_INFINITY;

        for (unsigned i = 0; i < SMS_CANDIDATES; i++) {
                const struct gateway_sms_candidate *candidate = &sms->candidates[i];
                if (candidate->used && !candidate->on_its_way && next_receiver(gateway, candidate) >= 0)
                        deadline = usec_min(deadline, due(gateway, candidate));
        }
        return deadline;
}
