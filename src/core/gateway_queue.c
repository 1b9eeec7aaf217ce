/*
 * Failed messages that are sent again by themselves (`[queue] retry_failed`): core/queue_retry says which and
 * when, the daemon lists and moves them, and their count goes with them in the file. So nothing of this needs
 * to be kept: what a new life finds in the folder is all there is to know.
 *
 * The folder is looked into when something failed and when the next one is due, never more often than
 * QUEUE_RETRY_PACE, and only while messages can be sent.
 */
#include "gateway_private.h"

#include "base/text.h"
#include "core/queue_retry.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_TIME (30 * USEC_PER_SEC)
#define BUSY_PAUSE  USEC_PER_MIN        /* somebody is at it, or one of its name waits */
#define FAIL_PAUSE  (10 * USEC_PER_MIN) /* it cannot be moved: a full disk, rights */

unsigned gateway_retries(const struct gateway *gateway)
{
        return gateway->config.mode == MODE_CONTROL ? gateway->config.retry_failed : 0;
}

/* --- when to look --- */

static usec_t earliest(const struct gateway_queue *queue)
{
        return queue->looked_at ? usec_add(queue->looked_at, QUEUE_RETRY_PACE) : 0;
}

void gateway_queue_changed(struct gateway *gateway)
{
        gateway->queue.look_at = earliest(&gateway->queue);
}

static unsigned room(const struct gateway *gateway)
{
        return queue_retry_room(gateway_can_send(gateway), gateway->alerts.outgoing, gateway->alerts.checked);
}

static bool wants_look(const struct gateway *gateway)
{
        return gateway_retries(gateway) > 0 && gateway->alerts.failed > 0 &&
               gateway->queue.asked_until <= gateway->now;
}

void gateway_queue_step(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_queue *queue = &gateway->queue;

        if (!wants_look(gateway) || queue->look_at > gateway->now || room(gateway) == 0 ||
            !action_list_fits(actions, 1))
                return;
        queue->asked_until = usec_add(gateway->now, ANSWER_TIME);
        queue->looked_at = gateway->now;
        action_push(actions, ACTION_MESSAGES_LIST)->messages.folder = MESSAGES_FAILED;
}

/* While nothing can be sent, what changes that is an event. */
usec_t gateway_queue_deadline(const struct gateway *gateway)
{
        const struct gateway_queue *queue = &gateway->queue;

        if (gateway_retries(gateway) == 0 || gateway->alerts.failed <= 0)
                return USEC_INFINITY;
        return queue->asked_until > gateway->now ? queue->asked_until : queue->look_at;
}

/* --- how long they lie there --- */

static uint64_t id_of(const struct message_item *item)
{
        return text_hash(item->name, strlen(item->name)) ^
               (uint64_t)item->changed * UINT64_C(0x9e3779b97f4a7c15);
}

static struct queue_seen *find_seen(struct gateway_queue *queue, uint64_t id)
{
        for (unsigned i = 0; i < queue->n_seen; i++)
                if (queue->seen[i].id == id)
                        return &queue->seen[i];
        return NULL;
}

/* NULL: there are too many to remember them all; then the wall clock alone says how old they are. */
static struct queue_seen *remember(struct gateway_queue *queue, uint64_t id, usec_t now)
{
        struct queue_seen *seen = find_seen(queue, id);

        if (!seen && queue->n_seen < QUEUE_SEEN_MAX) {
                seen = &queue->seen[queue->n_seen++];
                *seen = (struct queue_seen){.id = id, .since = now};
        }
        if (seen)
                seen->there = true;
        return seen;
}

static void forget_gone(struct gateway_queue *queue)
{
        unsigned n = 0;

        for (unsigned i = 0; i < queue->n_seen; i++) {
                if (!queue->seen[i].there)
                        continue;
                queue->seen[n] = queue->seen[i];
                queue->seen[n++].there = false;
        }
        queue->n_seen = n;
}

static usec_t age_of(const struct message_item *item, const struct queue_seen *seen, int64_t wall, usec_t now)
{
        usec_t by_clock = wall > item->changed ? (usec_t)(wall - item->changed) * USEC_PER_SEC : 0;

        return seen ? usec_max(by_clock, usec_sub(now, seen->since)) : by_clock;
}

/* --- what goes --- */

struct candidates {
        struct retry_message *messages;
        size_t *indices; /* of the list */
        size_t n;
        usec_t wait; /* for those that are left alone for a while */
};

static void take_candidate(struct gateway *gateway, struct candidates *candidates,
                           const struct messages_event *list, size_t index)
{
        const struct message_item *item = &list->items[index];
        struct queue_seen *seen = remember(&gateway->queue, id_of(item), gateway->now);

        if (item->locked || (seen && seen->not_before > gateway->now)) {
                candidates->wait = usec_min(candidates->wait, BUSY_PAUSE);
                return;
        }
        candidates->indices[candidates->n] = index;
        candidates->messages[candidates->n++] =
            (struct retry_message){.fail_reason = item->fail_reason,
                                   .requeued = item->requeued,
                                   .age = age_of(item, seen, list->now, gateway->now)};
}

void gateway_requeue(const char *name, uint64_t id, unsigned limit, struct action_list *actions)
{
        struct action *action = action_push(actions, ACTION_MESSAGE_REQUEUE);

        action->message.limit = limit;
        action->message.id = id;
        (void)text_copy(action->message.name, sizeof(action->message.name), name);
}

static void plan(struct gateway *gateway, const struct messages_event *list,
                 const struct candidates *candidates, struct action_list *actions)
{
        struct gateway_queue *queue = &gateway->queue;
        struct retry_plan plan;

        queue_retry_plan(gateway_retries(gateway), candidates->messages, candidates->n, room(gateway), &plan);
        usec_t wait = usec_min(plan.wait, candidates->wait);
        if (!action_list_fits(actions, plan.n))
                wait = 0;
        else
                for (unsigned i = 0; i < plan.n; i++) {
                        const struct message_item *item = &list->items[candidates->indices[plan.chosen[i]]];
                        gateway_requeue(item->name, id_of(item), gateway_retries(gateway), actions);
                }
        queue->look_at = usec_max(usec_add(gateway->now, wait), earliest(queue));
}

void gateway_failed_listed(struct gateway *gateway, const struct messages_event *seen,
                           struct action_list *actions)
{
        struct gateway_queue *queue = &gateway->queue;
        struct candidates candidates = {.wait = USEC_INFINITY};

        queue->asked_until = 0;
        queue->look_at = usec_add(gateway->now, FAIL_PAUSE);
        if (seen->result < 0)
                return;
        candidates.messages = calloc(seen->n + 1, sizeof(*candidates.messages));
        candidates.indices = calloc(seen->n + 1, sizeof(*candidates.indices));
        for (size_t i = 0; candidates.messages && candidates.indices && i < seen->n; i++)
                if (strlen(seen->items[i].name) <= MESSAGE_NAME_MAX)
                        take_candidate(gateway, &candidates, seen, i);
        if (candidates.messages && candidates.indices)
                plan(gateway, seen, &candidates, actions);
        forget_gone(queue);
        free(candidates.messages);
        free(candidates.indices);
}

static void leave_alone(struct gateway *gateway, const struct message_moved_event *moved, usec_t pause)
{
        struct gateway_queue *queue = &gateway->queue;
        struct queue_seen *seen = find_seen(queue, moved->id);

        if (seen)
                seen->not_before = usec_add(gateway->now, pause);
}

void gateway_requeued(struct gateway *gateway, const struct message_moved_event *moved,
                      struct action_list *actions)
{
        char name[160];

        (void)text_escape(name, sizeof(name), moved->name, strlen(moved->name));
        if (moved->result == MESSAGE_DONE)
                action_record(actions, RECORD_MESSAGE_REQUEUED, SEVERITY_INFO, NULL,
                              "the failed message %s is sent again (%u of %u times)", name, moved->count,
                              gateway_retries(gateway));
        else if (moved->result == MESSAGE_LOCKED || moved->result == MESSAGE_WAITING)
                leave_alone(gateway, moved, BUSY_PAUSE);
        else if (moved->result < 0) {
                action_record(actions, RECORD_MESSAGE_REQUEUED, SEVERITY_WARNING, NULL,
                              "the failed message %s cannot be sent again: %s", name,
                              strerror(-moved->result));
                leave_alone(gateway, moved, FAIL_PAUSE);
        }
}
