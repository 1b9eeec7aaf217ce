/*
 * The end of each step: what is wrong goes into the book (core/alert_book), and the book tells what is due.
 * Here are the order of that, the answers of the spool, the start of the delivery, the sign of life, and the
 * alerts that are asked for or told from outside (a test, a refused
 * configuration). What is judged to be wrong is in gateway_alerts_smsd.c and gateway_alerts_modem.c, what
 * becomes of messages in gateway_alerts_message.c.
 *
 * All this looks at states: a step whose event was lost is made good by the next.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define DELIVER_EVERY USEC_PER_MIN /* as long as something waits, its notifier may have died */
#define EARLY_MAX     USEC_PER_MIN /* a sign of life goes with the look at smsd's health before it */

void gateway_set_host(struct gateway *gateway, const char *host)
{
        (void)text_escape(gateway->alerts.host, sizeof(gateway->alerts.host), host, strlen(host));
}

bool gateway_has_alerts(const struct gateway *gateway)
{
        return gateway->alerts.book.n > 0 || gateway->alerts.over.open || gateway->alerts.outage.open;
}

/* --- texts --- */

void gateway_alerts_say(char *target, const char *format, ...)
{
        char text[2 * ALERT_TEXT_MAX];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        (void)text_clean(target, ALERT_TEXT_MAX, text);
}

void gateway_alerts_advise(const struct gateway *gateway, struct alert *alert, const char *action)
{
        if (gateway->config.mode == MODE_OBSERVE)
                gateway_alerts_say(alert->next_action, "%.300s (mode = observe: smswarden touches nothing)",
                                   action);
        else
                (void)text_clean(alert->next_action, sizeof(alert->next_action), action);
}

/* --- what is told from outside --- */

/* One for each receiver: whether it is the one that a way out is tried with is not its severity's matter. */
static int post_test(struct gateway *gateway, const struct command *command, const char *receiver)
{
        struct alert *alert;
        char subject[64];

        (void)text_format(subject, sizeof(subject), "%s/%u", receiver, command->token);
        int r = alert_book_post(&gateway->alerts.book, ALERT_TEST, subject, gateway->now, &alert);
        if (r < 0)
                return r == -EALREADY ? 0 : r;
        (void)text_copy(alert->only, sizeof(alert->only), receiver);
        (void)text_copy(alert->cause, sizeof(alert->cause), "test");
        gateway_alerts_say(alert->summary, "a test alert, asked for by %s", command->by);
        gateway_alerts_say(alert->evidence, "%s", command->reason);
        gateway_alerts_say(alert->next_action, "nothing: this is a test");
        return 0;
}

void gateway_alerts_test(struct gateway *gateway, const struct command *command, struct action_list *actions)
{
        unsigned n = 0;
        int r = 0;

        for (unsigned i = 0; i < gateway->config.n_receivers && r == 0; i++) {
                const char *name = gateway->config.receivers[i].name;
                if (command->receiver[0] && !text_equal(command->receiver, name))
                        continue;
                r = post_test(gateway, command, name);
                n += r == 0;
        }
        if (r < 0)
                action_reply(actions, command->token, 1, "too many alerts wait already: try again");
        else if (n > 0)
                action_reply(actions, command->token, 0, "test alert raised: test/%s/%u",
                             command->receiver[0] ? command->receiver : "*", command->token);
        else if (command->receiver[0])
                action_reply(actions, command->token, 2,
                             "there is no receiver %s: see the [notify ...] sections", command->receiver);
        else
                action_reply(actions, command->token, 2,
                             "there is no receiver: add a [notify NAME] section to smswarden.conf");
}

static void config_was_refused(struct gateway *gateway, const char *problem)
{
        gateway_alerts_say(gateway->alerts.config_problem, "%s", problem);
        if (problem[0] == '\0')
                alert_book_close(&gateway->alerts.book, ALERT_CONFIG_REFUSED, "smswarden.conf", gateway->now);
}

/* --- answers --- */

static void spooled(struct gateway *gateway, const struct event *event)
{
        struct gateway_alerts *alerts = &gateway->alerts;
        const struct alert *alert =
            alert_book_spooling(&alerts->book, event->spooled.key, event->spooled.generation);

        if (alert && event->spooled.result >= 0) {
                gateway_sms_spooled(gateway, alert, event->spooled.sequence);
                alerts->deliver = true;
        }
        alert_book_spooled(&alerts->book, event->spooled.key, event->spooled.generation,
                           event->spooled.result, gateway->now);
        if (alerts->failed_waits)
                gateway_alerts_failed(gateway, &alerts->failed_message);
}

static void queues_counted(struct gateway *gateway, const struct event *event)
{
        struct gateway_alerts *alerts = &gateway->alerts;

        if (alerts->failed != event->queues.failed)
                gateway_queue_changed(gateway);
        alerts->outgoing = event->queues.outgoing;
        alerts->checked = event->queues.checked;
        alerts->failed = event->queues.failed;
        alerts->incoming = event->queues.incoming;
        alerts->quarantine = event->queues.quarantine;
        alerts->oldest_incoming = event->queues.oldest_incoming;
        alerts->oldest_waiting = event->queues.oldest_waiting;
}

void gateway_alerts_event(struct gateway *gateway, const struct event *event)
{
        struct gateway_alerts *alerts = &gateway->alerts;

        switch (event->kind) {
        case EVENT_ALERT_FOUND:
                alert_book_restore(&alerts->book, event->found.alert, event->found.told, gateway->now);
                gateway_alerts_restored(gateway, event->found.alert);
                break;
        case EVENT_SMS_FOUND:
                gateway_sms_restored(gateway, event->sms_found);
                break;
        case EVENT_ALERT_SPOOLED:
                spooled(gateway, event);
                break;
        case EVENT_ALERTS_SAVED:
                alert_book_saved(&alerts->book, event->result, gateway->now);
                break;
        case EVENT_DELIVERY:
                alerts->delivery = *event->delivery;
                break;
        case EVENT_ALERT_SMS:
                gateway_sms_answered(gateway, event->sms.sequence, event->sms.result);
                break;
        case EVENT_MESSAGE_FAILED:
                if (!gateway_unsent_failed(gateway, &event->failed))
                        gateway_alerts_failed(gateway, &event->failed);
                gateway_queue_changed(gateway);
                break;
        case EVENT_QUEUES:
                queues_counted(gateway, event);
                break;
        case EVENT_CONFIG_REFUSED:
                config_was_refused(gateway, event->config_problem);
                break;
        default:
                break;
        }
}

/* --- delivery and the sign of life --- */

/* An sms receiver is served by the daemon itself. */
static bool has_notifier(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->config.n_receivers; i++)
                if (!receiver_is_sms(&gateway->config.receivers[i]))
                        return true;
        return false;
}

/* The notifier goes on by itself while it lives; the look is for one that has died. */
static void deliver(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_alerts *alerts = &gateway->alerts;
        bool again = alerts->delivery.waiting > 0 && gateway->now >= alerts->deliver_at;

        if (!alerts->deliver && !again)
                return;
        alerts->deliver = false;
        alerts->deliver_at = usec_add(gateway->now, DELIVER_EVERY);
        if (has_notifier(gateway))
                action_push(actions, ACTION_DELIVER);
}

static bool wants_heartbeat(const struct gateway *gateway)
{
        const struct heartbeat_config *heartbeat = &gateway->config.heartbeat;

        return (heartbeat->url[0] || heartbeat->url_file[0]) && heartbeat->every > 0;
}

static void send_heartbeat(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        struct gateway_alerts *alerts = &gateway->alerts;
        usec_t every = gateway->config.heartbeat.every;

        if (alerts->heartbeat_at == USEC_INFINITY)
                return;
        /* Never late; early when the box is awake anyway. */
        usec_t early = event->kind == EVENT_TIMER ? usec_min(every / 4, EARLY_MAX) : 0;
        if (usec_add(gateway->now, early) < alerts->heartbeat_at)
                return;
        action_push(actions, ACTION_HEARTBEAT);
        alerts->heartbeat_at = usec_add(alerts->heartbeat_at, every);
        if (alerts->heartbeat_at <= gateway->now) /* the first one, or the box was asleep */
                alerts->heartbeat_at = usec_add(gateway->now, every);
}

/* --- the step --- */

void gateway_alerts_begin(struct gateway *gateway)
{
        gateway->alerts.begun_at = gateway->now;
        gateway_alerts_reloaded(gateway);
}

void gateway_alerts_reloaded(struct gateway *gateway)
{
        struct gateway_alerts *alerts = &gateway->alerts;

        if (!wants_heartbeat(gateway))
                alerts->heartbeat_at = USEC_INFINITY;
        else if (alerts->heartbeat_at > usec_add(gateway->now, gateway->config.heartbeat.every))
                alerts->heartbeat_at = gateway->now;
}

static void sweep(struct gateway *gateway)
{
        struct alert_book *book = &gateway->alerts.book;

        alert_book_begin(book);
        struct gateway_slots_seen seen = gateway_alerts_slots(gateway);
        gateway_alerts_hold(gateway, seen);
        gateway_alerts_smsd(gateway, seen);
        gateway_alerts_conf(gateway);
        gateway_alerts_incoming(gateway);
        gateway_alerts_recovery(gateway);
        alert_book_end(book, gateway->now);
}

static bool has_record(const struct action_list *actions)
{
        for (unsigned i = 0; i < actions->n; i++)
                if (actions->items[i].kind == ACTION_RECORD)
                        return true;
        return false;
}

void gateway_alerts_step(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        struct gateway_alerts *alerts = &gateway->alerts;

        /* What a byte changes is judged when the probe has decided; what was recorded then is told. */
        if (!gateway->begun || (event->kind == EVENT_PORT_DATA && !has_record(actions)))
                return;
        if (event->kind == EVENT_SMSD_LOG && event->log.line.kind == SMSD_LOG_TIMEOUT)
                gateway_alerts_timeout(gateway, event->log.line.modem, event->log.line.detail);
        gateway_alerts_note(gateway, actions);
        /* On the way down nothing is judged any more: smsd's end is no trouble, and its modem's neither. */
        if (gateway_knows_enough(gateway) && !gateway->unit.stopping)
                sweep(gateway);
        alert_book_tell(&alerts->book, gateway->now, actions);
        gateway_sms_send(gateway, actions);
        deliver(gateway, actions);
        if (gateway_knows_enough(gateway) && !gateway->unit.stopping)
                send_heartbeat(gateway, event, actions);
}

usec_t gateway_alerts_deadline(const struct gateway *gateway)
{
        const struct gateway_alerts *alerts = &gateway->alerts;

        return usec_min(alert_book_deadline(&alerts->book),
                        usec_min(gateway_sms_deadline(gateway), alerts->heartbeat_at));
}
