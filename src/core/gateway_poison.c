/*
 * Messages that crash the modem (core/poison): a modem leaves, or falls silent, while smsd serves it, and
 * what it was sending is seen by smsd's locks in `checked`, at once, for what smsd does when it hears TERM is
 * not sure. Who does so twice is put aside by the restart path when no smsd is left, and told.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <string.h>

#define ANSWER_TIME (10 * USEC_PER_SEC)
#define LOOK_EVERY  USEC_PER_MIN

static bool may_act(const struct gateway *gateway)
{
        return gateway->config.mode == MODE_CONTROL && !gateway->unit.stopping;
}

static void look(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_poison *poison = &gateway->poison;

        if (poison->asked_until > gateway->now || !action_list_fits(actions, 1))
                return;
        poison->asked_until = usec_add(gateway->now, ANSWER_TIME);
        poison->look_at = usec_add(gateway->now, LOOK_EVERY);
        action_push(actions, ACTION_MESSAGES_LIST)->messages.folder = MESSAGES_CHECKED;
}

void gateway_modem_crashed(struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        if (!may_act(gateway) || gateway->hold.active)
                return;
        /* One that falls silent and leaves then has crashed once; for the next time smsd must be new. */
        if (process_id_equal(slot->crash_of, gateway->smsd.main))
                return;
        slot->crash_of = gateway->smsd.main;
        slot->crashed = true;
        look(gateway, actions);
}

bool gateway_slot_has_handler(const struct gateway *gateway, const struct slot *slot)
{
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                if (slot->serving[0] && text_equal(gateway->smsd.handlers[i].last, slot->serving))
                        return true;
        return false;
}

/* --- who it was --- */

static void suspect(const struct slot *slot, const struct message_item *item, struct action_list *actions)
{
        char name[160];

        (void)text_escape(name, sizeof(name), item->name, strlen(item->name));
        action_record(actions, RECORD_MESSAGE_SUSPECTED, SEVERITY_WARNING, slot->config.name,
                      "%s crashed while it sent the message %s; if it does so again, that is put aside",
                      slot->config.name, name);
}

static bool is_accused(const struct gateway_poison *poison, const char *name)
{
        for (unsigned i = 0; i < poison->n; i++)
                if (poison->items[i].state != POISONED_OVER && text_equal(poison->items[i].name, name))
                        return true;
        return false;
}

/* Whoever finds no place is accused by the next crash. */
static void accuse(struct gateway *gateway, const struct slot *slot, const struct message_item *item)
{
        struct gateway_poison *poison = &gateway->poison;
        struct poisoned *poisoned = &poison->items[poison->n];

        if (poison->n == POISONED_MAX || strlen(item->name) > MESSAGE_NAME_MAX ||
            is_accused(poison, item->name))
                return;
        poison->n++;
        memset(poisoned, 0, sizeof(*poisoned));
        poisoned->last = slot->record.poison.put_aside + 1 >= POISON_ROW_MAX;
        (void)text_copy(poisoned->name, sizeof(poisoned->name), item->name);
        (void)text_copy(poisoned->modem, sizeof(poisoned->modem), slot->config.name);
        (void)text_copy(poisoned->recipient, sizeof(poisoned->recipient), item->recipient);
}

static void judge(struct gateway *gateway, struct slot *slot, const struct messages_event *seen,
                  struct action_list *actions)
{
        size_t i = 0;

        slot->crashed = false;
        switch (poison_crash(&slot->record.poison, slot->config.name, seen->items, seen->n, &i)) {
        case POISON_NOBODY:
                break;
        case POISON_SUSPECTED:
                suspect(slot, &seen->items[i], actions);
                break;
        case POISON_ACCUSED:
                accuse(gateway, slot, &seen->items[i]);
                break;
        case POISON_MODEM:
                action_record(actions, RECORD_MESSAGE_SUSPECTED, SEVERITY_WARNING, slot->config.name,
                              "%s crashes on one message after the other: they are not to blame and stay",
                              slot->config.name);
                break;
        }
}

void gateway_checked_listed(struct gateway *gateway, const struct messages_event *seen,
                            struct action_list *actions)
{
        gateway->poison.asked_until = 0;
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                struct slot *slot = &gateway->slots.items[i];
                struct poison before = slot->record.poison;
                if (slot->crashed && seen->result >= 0)
                        judge(gateway, slot, seen, actions);
                else if (seen->result >= 0)
                        (void)poison_look(&slot->record.poison, seen->items, seen->n);
                slot->crashed = false;
                if (before.suspect != slot->record.poison.suspect ||
                    before.put_aside != slot->record.poison.put_aside)
                        gateway_save_slot(slot, actions);
        }
}

void gateway_modem_sent(struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        if (poison_sent(&slot->record.poison))
                gateway_save_slot(slot, actions);
        if (slot->record.poison.suspect && may_act(gateway) && gateway->poison.look_at <= gateway->now)
                look(gateway, actions);
}

/* --- putting aside --- */

bool gateway_is_poisoned(const struct gateway *gateway)
{
        if (gateway->poison.asked_until > gateway->now)
                return true;
        for (unsigned i = 0; i < gateway->poison.n; i++)
                if (gateway->poison.items[i].state != POISONED_OVER)
                        return true;
        return false;
}

void gateway_put_aside(struct gateway *gateway, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->poison.n; i++) {
                struct poisoned *poisoned = &gateway->poison.items[i];
                if (poisoned->state != POISONED_WAITS || !action_list_fits(actions, 1))
                        continue;
                struct action *action = action_push(actions, ACTION_MESSAGE_QUARANTINE);
                (void)text_copy(action->message.name, sizeof(action->message.name), poisoned->name);
                poisoned->state = POISONED_MOVING;
        }
}

static void record_end(const struct poisoned *poisoned, struct action_list *actions)
{
        char name[160];

        (void)text_escape(name, sizeof(name), poisoned->name, strlen(poisoned->name));
        if (poisoned->result == MESSAGE_DONE)
                action_record(actions, RECORD_MESSAGE_ASIDE, SEVERITY_WARNING, poisoned->modem,
                              "%s crashed twice in a row while it sent the message %s: it is put aside",
                              poisoned->modem, name);
        else
                action_record(actions, RECORD_MESSAGE_ASIDE, SEVERITY_CRITICAL, poisoned->modem,
                              "the message %s, on which %s crashed twice, could not be put aside: %s", name,
                              poisoned->modem,
                              poisoned->result < 0 ? strerror(-poisoned->result) : "somebody is at it");
}

static void drop(struct gateway_poison *poison, unsigned i)
{
        poison->n--;
        memmove(&poison->items[i], &poison->items[i + 1], (poison->n - i) * sizeof(poison->items[0]));
}

void gateway_quarantined(struct gateway *gateway, const struct message_moved_event *moved,
                         struct action_list *actions)
{
        struct gateway_poison *poison = &gateway->poison;

        for (unsigned i = 0; i < poison->n; i++) {
                struct poisoned *poisoned = &poison->items[i];
                struct slot *slot = slots_find(&gateway->slots, poisoned->modem);
                if (poisoned->state != POISONED_MOVING || !text_equal(poisoned->name, moved->name))
                        continue;
                poisoned->state = POISONED_OVER;
                poisoned->result = moved->result;
                if (moved->result == MESSAGE_GONE) { /* smsd, or a person, was quicker */
                        drop(poison, i);
                        return;
                }
                record_end(poisoned, actions);
                if (moved->result == MESSAGE_DONE && slot) {
                        poison_put_aside(&slot->record.poison);
                        gateway_save_slot(slot, actions);
                }
                return;
        }
}

void gateway_tell_quarantined(struct gateway *gateway)
{
        struct gateway_poison *poison = &gateway->poison;

        for (unsigned i = 0; i < poison->n;) {
                if (poison->items[i].state == POISONED_OVER &&
                    gateway_alerts_quarantined(gateway, &poison->items[i]))
                        drop(poison, i);
                else
                        i++;
        }
}
