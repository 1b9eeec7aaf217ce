/*
 * Messages that a stop of ours made fail: smsd gives up what it is about to send when it hears TERM, and
 * nothing has gone out yet (queue_retry_is_unsent). Such a message is queued again once, whatever [queue]
 * retry_failed says, as soon as smsd was seen down, and nobody is warned.
 *
 * Whether it failed in a stop of ours is told by the time of its file, however late the folder's watcher
 * tells of it. One failed message is told at a time, and again until its alert is in the spool: so the alert
 * waits here for the move, and who dies in between leaves a message that the next life tells as any other.
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"
#include "core/queue_retry.h"

#include <signal.h>
#include <string.h>

#define BEFORE      USEC_PER_SEC        /* files' times are coarser than ours */
#define AFTER       (10 * USEC_PER_SEC) /* a handler that was told to end alone is not waited for */
#define TRY_AGAIN   USEC_PER_SEC
#define ANSWER_TIME (30 * USEC_PER_SEC)

static unsigned limit(const struct gateway *gateway)
{
        unsigned retries = gateway_retries(gateway);

        return retries > 0 ? retries : 1;
}

/* --- the stop --- */

static bool asks_to_end(const struct action *action)
{
        return action->kind == ACTION_SMSD_STOP ||
               (action->kind == ACTION_SIGNAL && action->process.signal == SIGTERM);
}

static void watch_stop(struct gateway *gateway, const struct action_list *actions)
{
        struct gateway_unsent *unsent = &gateway->unsent;

        for (unsigned i = 0; i < actions->n; i++) {
                if (!asks_to_end(&actions->items[i]))
                        continue;
                if (!unsent->stopping && gateway->now > unsent->over)
                        unsent->begun = gateway->now;
                unsent->stopping = true;
                return;
        }
        if (!unsent->stopping || (restart_busy(&gateway->restart) && gateway->smsd.n_ours > 0))
                return;
        unsent->stopping = false;
        unsent->over = usec_add(gateway->now, AFTER);
}

static bool failed_in_a_stop(const struct gateway *gateway, usec_t at)
{
        const struct gateway_unsent *unsent = &gateway->unsent;

        return unsent->begun && usec_add(at, BEFORE) >= unsent->begun &&
               (unsent->stopping || at <= unsent->over);
}

/* Without the PDUs what was not sent cannot be told from what nobody has answered for. */
void gateway_unsent_learn(struct gateway *gateway, const struct smsd_conf *conf)
{
        char value[16];
        unsigned which = 1;

        if (smsd_conf_get(conf, NULL, "store_sent_pdu", value, sizeof(value)) == 0 &&
            parse_unsigned(value, 0, 3, &which) < 0)
                which = 0;
        gateway->unsent.no_pdu = which == 0;
}

/* --- the message --- */

static bool is_same(const struct message_failed_event *a, const struct message_failed_event *b)
{
        return text_equal(a->key, b->key) && text_equal(a->file, b->file);
}

bool gateway_unsent_is_queued(const struct gateway *gateway, const struct message_failed_event *failed)
{
        return gateway->unsent.state == UNSENT_QUEUED && is_same(&gateway->unsent.message, failed);
}

static bool is_unsent(const struct gateway *gateway, const struct message_failed_event *failed)
{
        return gateway->config.mode == MODE_CONTROL && !gateway->unsent.no_pdu && failed->name[0] &&
               failed->requeued < limit(gateway) && queue_retry_is_unsent(failed->reason, failed->pdu) &&
               failed_in_a_stop(gateway, failed->since);
}

bool gateway_unsent_failed(struct gateway *gateway, const struct message_failed_event *failed)
{
        struct gateway_unsent *unsent = &gateway->unsent;

        if (unsent->state != UNSENT_NONE && is_same(&unsent->message, failed))
                return unsent->state != UNSENT_QUEUED; /* told again */
        if (!is_unsent(gateway, failed))
                return false;
        unsent->state = UNSENT_WAITS;
        unsent->try_at = 0;
        unsent->give_up_at = USEC_INFINITY;
        unsent->message = *failed;
        return true;
}

static uint64_t id_of(const struct message_failed_event *failed)
{
        return text_hash(failed->key, strlen(failed->key)) ^ text_hash(failed->name, strlen(failed->name));
}

static void tell(struct gateway *gateway, enum unsent_state state)
{
        gateway->unsent.state = state;
        gateway_alerts_failed(gateway, &gateway->unsent.message);
}

static void go_on(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_unsent *unsent = &gateway->unsent;

        if (unsent->give_up_at == USEC_INFINITY)
                unsent->give_up_at = usec_add(gateway->now, ANSWER_TIME);
        if (gateway->now >= unsent->give_up_at) {
                tell(gateway, UNSENT_NONE);
                return;
        }
        if (unsent->state != UNSENT_WAITS || unsent->try_at > gateway->now)
                return;
        if (gateway_is_poisoned(gateway) || !action_list_fits(actions, 1))
                unsent->try_at = usec_add(gateway->now, TRY_AGAIN);
        else {
                unsent->state = UNSENT_MOVING;
                gateway_requeue(unsent->message.name, id_of(&unsent->message), limit(gateway), actions);
        }
}

bool gateway_unsent_moved(struct gateway *gateway, const struct message_moved_event *moved,
                          struct action_list *actions)
{
        struct gateway_unsent *unsent = &gateway->unsent;

        if (unsent->state != UNSENT_MOVING || moved->id != id_of(&unsent->message))
                return false;
        if (moved->result == MESSAGE_LOCKED || moved->result == MESSAGE_WAITING) {
                unsent->state = UNSENT_WAITS;
                unsent->try_at = usec_add(gateway->now, TRY_AGAIN);
                return true;
        }
        if (moved->result == MESSAGE_DONE)
                action_record(actions, RECORD_MESSAGE_REQUEUED, SEVERITY_INFO, NULL,
                              "the message %s was not sent yet when smsd was stopped, and is queued again",
                              unsent->message.file);
        else if (moved->result < 0)
                action_record(actions, RECORD_MESSAGE_REQUEUED, SEVERITY_WARNING, NULL,
                              "the message %s, which was not sent yet when smsd was stopped, cannot be "
                              "queued again: %s",
                              unsent->message.file, strerror(-moved->result));
        tell(gateway, moved->result == MESSAGE_DONE ? UNSENT_QUEUED : UNSENT_NONE);
        return true;
}

/* --- the step --- */

void gateway_unsent_step(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_unsent *unsent = &gateway->unsent;

        watch_stop(gateway, actions);
        if ((unsent->state == UNSENT_WAITS && !unsent->stopping) || unsent->state == UNSENT_MOVING)
                go_on(gateway, actions);
}

usec_t gateway_unsent_deadline(const struct gateway *gateway)
{
        const struct gateway_unsent *unsent = &gateway->unsent;

        if (unsent->state == UNSENT_MOVING)
                return unsent->give_up_at;
        if (unsent->state == UNSENT_WAITS && !unsent->stopping)
                return usec_min(unsent->try_at, unsent->give_up_at);
        return USEC_INFINITY;
}
