/*
 * The gateway, see core/gateway.h: takes an event apart, hands it to the room it belongs to, then lets the
 * restart path go on and brings what is to what should be. Level-triggered: a lost event is made good by the
 * next scan or look.
 */
#include "gateway_private.h"

#include "base/text.h"
#include "core/conf_plan.h"

#include <stdlib.h>
#include <string.h>

#define HEALTH_EVERY (60 * USEC_PER_SEC)
#define HEALTH_DOUBT (5 * USEC_PER_SEC) /* smsd runs, but not every slot is served */
#define FLAG_EVERY   (5 * USEC_PER_SEC) /* while smsd is down, or held by the old scripts' flag */

/* The caller's table may change before the next event comes, and modems point into it: a copy. 0 or -ENOMEM.
 */
static int take_config(struct gateway *gateway, const struct config *config)
{
        struct profile_table *profiles = config->profiles ? profile_table_copy(config->profiles) : NULL;

        if (config->profiles && !profiles)
                return -ENOMEM;
        config_copy(&gateway->config, config);
        gateway->config.profiles = profiles;
        gateway_choose_profiles(gateway);
        free(gateway->profiles);
        gateway->profiles = profiles;
        return 0;
}

struct gateway *gateway_new(const struct config *config)
{
        struct gateway *gateway = calloc(1, sizeof(*gateway));

        if (!gateway)
                return NULL;
        if (take_config(gateway, config) < 0) {
                free(gateway);
                return NULL;
        }
        smsd_state_init(&gateway->smsd);
        restart_init(&gateway->restart, config->backoff_max);
        /* The places of the modems stay untouched zero pages (ABSENT) until one is taken. */
        for (unsigned i = 0; i < SCANS_MAX; i++)
                gateway->scans[i] = USEC_INFINITY;
        gateway->health_at = gateway->waiting_until = gateway->alone_at = USEC_INFINITY;
        gateway->cause = CAUSE_BOOT;
        alert_book_init(&gateway->alerts.book);
        gateway->alerts.outgoing = gateway->alerts.checked = gateway->alerts.failed =
            gateway->alerts.incoming = gateway->alerts.quarantine = -1;
        gateway->alerts.heartbeat_at = USEC_INFINITY;
        return gateway;
}

struct gateway *gateway_free(struct gateway *gateway)
{
        if (!gateway)
                return NULL;
        restart_free(&gateway->restart);
        free(gateway->profiles);
        free(gateway);
        return NULL;
}

/* The restart path must work on the last reading: smsd.conf is replaced only as it was read last. */
static void count_conf_reads(struct gateway *gateway, const struct action_list *actions)
{
        for (unsigned i = 0; i < actions->n; i++)
                gateway->conf_reads += actions->items[i].kind == ACTION_CONF_READ;
}

void gateway_begin(struct gateway *gateway, usec_t now, struct action_list *actions)
{
        action_list_init(actions);
        gateway->now = now;
        gateway->begun = true;
        action_push(actions, ACTION_CONF_READ);
        action_push(actions, ACTION_SCAN);
        action_push(actions, ACTION_STATUS_READ);
        gateway_look_for_flag(gateway, actions);
        gateway_look_at_unit(gateway, actions);
        gateway->health_at = usec_add(now, HEALTH_DOUBT);
        gateway_alerts_begin(gateway);
        count_conf_reads(gateway, actions);
}

/* --- smsd.conf --- */

static void take_records(struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->n_records; i++) {
                struct slot *slot = slots_find(&gateway->slots, gateway->records[i].name);
                if (slot)
                        slot->record = gateway->records[i];
        }
        gateway->n_records = 0;
}

static void learn_slots(struct gateway *gateway, const struct smsd_conf *conf, struct action_list *actions)
{
        char names[SMSD_MODEMS_MAX][SMSD_MODEM_NAME_MAX];
        int n = smsd_conf_modems(conf, names, SMSD_MODEMS_MAX);

        if (slots_configure(&gateway->slots, &gateway->config, (const char(*)[SMSD_MODEM_NAME_MAX])names,
                            n > 0 ? (unsigned)n : 0) < 0)
                action_record(actions, RECORD_CONFIG_BAD, SEVERITY_CRITICAL, NULL,
                              "out of memory while the modem slots were set up");
        take_records(gateway);
        conf_plan_learn(conf, &gateway->slots);
        gateway_unsent_learn(gateway, conf);
}

void gateway_read_conf(struct gateway *gateway, struct action_list *actions)
{
        gateway->conf_wanted = restart_busy(&gateway->restart);
        if (!gateway->conf_wanted)
                action_push(actions, ACTION_CONF_READ);
}

static void conf_read(struct gateway *gateway, const struct conf_event *event, struct action_list *actions)
{
        struct smsd_conf conf = {.text = event->text, .length = event->length};
        struct smsd_conf_error error = {0};

        if (event->good)
                return;
        if (gateway->conf_reads > 0)
                gateway->conf_reads--;
        gateway->conf_error[0] = '\0';
        if (event->result < 0) {
                (void)text_format(gateway->conf_error, sizeof(gateway->conf_error),
                                  "smsd.conf cannot be read: %s", strerror(-event->result));
                conf = (struct smsd_conf){.text = "", .length = 0};
        } else if (smsd_conf_check(&conf, &error) < 0)
                (void)text_format(gateway->conf_error, sizeof(gateway->conf_error),
                                  "smsd.conf line %u: %.150s", error.line, error.message);
        /* A file that went away for a moment must not make the slots forget what they know. */
        if (event->result >= 0 || !gateway->conf_known)
                learn_slots(gateway, &conf, actions);
        if (!gateway->conf_known && gateway->conf_error[0])
                action_record(actions, RECORD_CONFIG_BAD, SEVERITY_WARNING, NULL, "%s", gateway->conf_error);
        gateway->conf_known = true;
}

/* --- time --- */

static bool all_served(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (!gateway_slot_served(gateway, &gateway->slots.items[i]))
                        return false;
        return gateway->slots.n > 0;
}

static bool all_answered(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (!gateway->slots.items[i].answered)
                        return false;
        return gateway->slots.n > 0;
}

static usec_t health_interval(const struct gateway *gateway)
{
        if (!gateway->smsd.running)
                return FLAG_EVERY;
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway->slots.items[i].silent || gateway->slots.items[i].write_errors)
                        return HEALTH_DOUBT;
        /* Without stats/status a handler that keeps its port is all that can be known: asking often tells no
         * more. */
        bool verified = gateway->smsd.status_known
                            ? all_answered(gateway)
                            : usec_sub(gateway->now, gateway->smsd.since) >= USEC_PER_MIN;
        return all_served(gateway) && verified ? HEALTH_EVERY : HEALTH_DOUBT;
}

/* smsd.conf keeps smsd down, or keeps a modem out: an edit of it may be the cure. */
static bool waits_for_conf(const struct gateway *gateway)
{
        if (gateway->conf_error[0] || gateway->slots.n == 0)
                return true;
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (slot_guard(&gateway->slots.items[i], gateway->modems) != GUARD_NONE)
                        return true;
        return false;
}

static void look_at_health(struct gateway *gateway, struct action_list *actions)
{
        gateway->health_at = usec_add(gateway->now, health_interval(gateway));
        gateway_look_for_flag(gateway, actions);
        /* Also while it is down: a start by hand must be noticed when its first sign was missed. */
        action_push(actions, ACTION_SCAN);
        gateway_look_at_kernel(gateway, actions);
        if ((waits_for_conf(gateway) && !gateway->hold.active) || gateway->conf_wanted)
                gateway_read_conf(gateway, actions);
        if (gateway->hold_unwritten)
                gateway_hold_repeat(gateway, actions);
        if (!gateway->smsd.running)
                return;
        action_push(actions, ACTION_STATUS_READ);
        if (all_served(gateway))
                backoff_healthy(&gateway->restart.backoff, gateway->now);
}

static void time_passed(struct gateway *gateway, struct action_list *actions)
{
        bool scan = false;

        for (unsigned i = 0; i < SCANS_MAX; i++)
                if (gateway->scans[i] <= gateway->now) {
                        gateway->scans[i] = USEC_INFINITY;
                        scan = true;
                }
        if (scan)
                action_push(actions, ACTION_SCAN);
        gateway_unit_time(gateway, actions);
        if (gateway->alone_at <= gateway->now)
                gateway_handler_ended_alone(gateway, actions);
        if (gateway->begun && gateway->health_at <= gateway->now)
                look_at_health(gateway, actions);
        gateway_hold_time(gateway, actions);
}

/* What was due in this step was done in it, or could not be: waking up for it again and again helps nobody.
 */
/* A run that waits for its time (backoff, adopted smsd that is still settling), handlers that were told to
 * end. */
static usec_t reconcile_deadline(const struct gateway *gateway)
{
        usec_t deadline = USEC_INFINITY;

        if (restart_busy(&gateway->restart) || gateway->hold.active || gateway->unit.stopping ||
            gateway->config.mode == MODE_OBSERVE)
                return deadline;
        if (gateway->settling)
                deadline = gateway_ahead(gateway, usec_add(gateway->smsd.since, GATEWAY_SETTLE_TIME));
        deadline = usec_min(deadline, gateway_ahead(gateway, gateway->company_until));
        deadline = usec_min(deadline, gateway_ahead(gateway, gateway->restart.not_before));
        deadline = usec_min(deadline, gateway_ahead(gateway, gateway_company_deadline(gateway)));
        deadline = usec_min(deadline, gateway_displace_deadline(gateway));
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                if (gateway->smsd.handlers[i].told_at)
                        deadline = usec_min(
                            deadline,
                            gateway_ahead(gateway, gateway_kill_at(gateway, &gateway->smsd.handlers[i])));
        return deadline;
}

usec_t gateway_change_deadline(const struct gateway *gateway)
{
        usec_t deadline = usec_min(restart_deadline(&gateway->restart), gateway_unit_deadline(gateway));

        if (gateway->again)
                return gateway->now;
        if (!gateway->unit.stopping)
                deadline = usec_min(deadline, hold_deadline(&gateway->hold));
        for (unsigned i = 0; i < SCANS_MAX; i++)
                deadline = usec_min(deadline, gateway->scans[i]);
        deadline = usec_min(deadline, gateway->alone_at);
        if (!restart_busy(&gateway->restart))
                deadline = usec_min(deadline, gateway->waiting_until);
        deadline = usec_min(deadline, reconcile_deadline(gateway));
        deadline = usec_min(deadline, gateway_ahead(gateway, gateway_alerts_deadline(gateway)));
        deadline = usec_min(deadline, gateway_ahead(gateway, gateway_queue_deadline(gateway)));
        deadline = usec_min(deadline, gateway_ahead(gateway, gateway_unsent_deadline(gateway)));
        return usec_min(deadline, gateway_recovery_deadline(gateway));
}

usec_t gateway_next_deadline(const struct gateway *gateway)
{
        usec_t deadline = gateway_change_deadline(gateway);

        if (gateway->begun)
                deadline = usec_min(deadline, gateway->health_at);
        deadline = usec_min(deadline, gateway_ahead(gateway, gateway_look_deadline(gateway)));
        /* What a modem waits for while nobody may touch it is no deadline: the gateway would spin on it. */
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (modem_present(&gateway->modems[i]) && gateway_may_probe(gateway, &gateway->modems[i]))
                        deadline = usec_min(deadline, modem_deadline(&gateway->modems[i]));
        return deadline;
}

/* --- the step --- */

static void take_record(struct gateway *gateway, const struct modem_record *record)
{
        if (gateway->n_records < SMSD_MODEMS_MAX)
                gateway->records[gateway->n_records++] = *record;
}

static void port_event(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        if (event->port.modem >= MODEMS_MAX)
                gateway_look_event(gateway, event, actions);
        else if (event->port.modem < gateway->n_modems &&
                 !gateway_recovery_port_event(gateway, event, actions))
                modem_port_event(&gateway->modems[event->port.modem], event->port.modem, event->kind,
                                 &event->port, gateway->now, actions);
}

static void reloaded(struct gateway *gateway, const struct config *config, struct action_list *actions)
{
        bool unwritten = gateway->config.mode == MODE_OBSERVE && config->mode == MODE_CONTROL;

        if (take_config(gateway, config) < 0)
                return; /* what was in force stays so */
        if (unwritten && gateway->hold.active)
                gateway_hold_repeat(gateway, actions); /* a hold that was only observed so far */
        gateway->restart.backoff.maximum = config->backoff_max;
        gateway_alerts_reloaded(gateway);
        gateway_queue_changed(gateway);
        gateway_recovery_reloaded(gateway);
        gateway_read_conf(gateway, actions);
}

static void dispatch(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        switch (event->kind) {
        case EVENT_MODEM_RECORD:
                take_record(gateway, &event->record);
                break;
        case EVENT_HOLD_FOUND:
                gateway_hold_found(gateway, &event->hold, actions);
                break;
        case EVENT_USB_DEVICE:
                gateway_device(gateway, &event->device, actions);
                break;
        case EVENT_USB_GONE:
                gateway_device_gone(gateway, event->usb_path, actions);
                break;
        case EVENT_USB_ENUMERATED:
                gateway_enumerated(gateway, actions);
                break;
        case EVENT_NODE:
                gateway_node(gateway, event, actions);
                break;
        case EVENT_PORT_OPENED:
        case EVENT_PORT_DATA:
        case EVENT_PORT_CLOSED:
                port_event(gateway, event, actions);
                break;
        case EVENT_PROCESSES:
                gateway_scanned(gateway, event, actions);
                break;
        case EVENT_PROCESS_EXITED:
                gateway_exited(gateway, event, actions);
                break;
        case EVENT_SMSD_OPENED:
                gateway_smsd_opened(gateway);
                break;
        case EVENT_SMSD_LOG:
                gateway_smsd_said(gateway, event, actions);
                break;
        case EVENT_SMSD_STATUS:
                gateway_status_read(gateway, event);
                break;
        case EVENT_CONF_READ:
                conf_read(gateway, &event->conf, actions);
                break;
        case EVENT_FLAG:
                gateway_flag_seen(gateway, &event->flag, actions);
                break;
        case EVENT_UNIT:
                gateway_unit_heard(gateway, &event->unit, actions);
                break;
        case EVENT_COMMAND:
                gateway_command(gateway, &event->command, actions);
                break;
        case EVENT_RELOAD:
                reloaded(gateway, event->config, actions);
                break;
        case EVENT_HOLD_WRITTEN:
        case EVENT_HOLD_CLEARED:
                gateway_hold_stored(gateway, event, actions);
                break;
        case EVENT_MESSAGES:
                if (event->messages.folder == MESSAGES_FAILED)
                        gateway_failed_listed(gateway, &event->messages, actions);
                else
                        gateway_checked_listed(gateway, &event->messages, actions);
                break;
        case EVENT_MESSAGE_MOVED:
                if (event->moved.from != MESSAGES_FAILED)
                        gateway_quarantined(gateway, &event->moved, actions);
                else if (!gateway_unsent_moved(gateway, &event->moved, actions))
                        gateway_requeued(gateway, &event->moved, actions);
                break;
        case EVENT_RECOVERY_RECORD:
        case EVENT_RECOVERY_SEEN:
        case EVENT_USB_SWITCHED:
                gateway_recovery_event(gateway, event, actions);
                break;
        case EVENT_ALERT_FOUND:
        case EVENT_SMS_FOUND:
        case EVENT_ALERT_SPOOLED:
        case EVENT_ALERTS_SAVED:
        case EVENT_DELIVERY:
        case EVENT_ALERT_SMS:
        case EVENT_MESSAGE_FAILED:
        case EVENT_QUEUES:
        case EVENT_CONFIG_REFUSED:
                gateway_alerts_event(gateway, event);
                break;
        case EVENT_HOLDER:
        case EVENT_KERNEL:
                gateway_look_event(gateway, event, actions);
                break;
        case EVENT_APN:
        case EVENT_RESET_NOTED:
                gateway_setup_event(gateway, event, actions);
                break;
        case EVENT_TIMER:
        case EVENT_CONF_WRITTEN:
        case EVENT_STOP_DONE:
        case EVENT_START_DONE:
        case EVENT_KIND_MAX:
                break;
        }
}

/* What a run says of the modems. */
static void run_ended(struct gateway *gateway, struct action_list *actions)
{
        bool ok = gateway->restart.last_outcome == RESTART_OUTCOME_OK;

        if (gateway->restart.yielded && gateway->smsd.running)
                gateway_adopt(gateway, actions);
        gateway->restart.yielded = false;
        if (gateway->restart.handler_ended)
                gateway_doubt_unserved(gateway);
        gateway->restart.handler_ended = false;
        for (unsigned i = 0; i < gateway->slots.n && ok; i++)
                if (gateway_slot_served(gateway, &gateway->slots.items[i]))
                        modem_trust(&gateway->modems[gateway->slots.items[i].modem]);
}

/* What a person permitted was for the start that is over now. */
static void forget_person(struct gateway *gateway, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway->slots.items[i].pass_guard)
                        gateway_let_in(gateway, &gateway->slots.items[i], actions);
        for (unsigned i = 0; i < gateway->slots.n; i++)
                gateway->slots.items[i].asked = gateway->slots.items[i].pass_guard = false;
}

void gateway_step(struct gateway *gateway, const struct event *event, usec_t now, struct action_list *actions)
{
        action_list_init(actions);
        gateway->now = now;
        dispatch(gateway, event, actions);
        time_passed(gateway, actions);

        bool before = restart_busy(&gateway->restart);
        struct restart_world world = gateway_world(gateway, actions);
        restart_event(&gateway->restart, event, &world);
        if (gateway->restart.unit_wanted)
                gateway_look_at_unit(gateway, actions);
        gateway->restart.unit_wanted = false;
        if (restart_waits_for_aside(&gateway->restart))
                gateway_put_aside(gateway, actions);
        if (before && !restart_busy(&gateway->restart))
                run_ended(gateway, actions);
        gateway_reconcile(gateway, actions);
        gateway_queue_step(gateway, actions);
        gateway_unsent_step(gateway, actions);
        gateway_tell_quarantined(gateway);
        gateway_look_time(gateway, event->kind == EVENT_TIMER, actions);
        if (event->kind != EVENT_PORT_DATA) /* a look that a byte has ended is judged there */
                gateway_judge(gateway);
        if (!restart_busy(&gateway->restart) && gateway->n_waiting == 0)
                forget_person(gateway, actions);
        if (incident_concerns(&gateway->incident, actions))
                incident_update(&gateway->incident, gateway_works(gateway), now, actions);
        gateway_alerts_step(gateway, event, actions);
        gateway->again = actions->overflown;
        count_conf_reads(gateway, actions);
}

bool gateway_is_held(const struct gateway *gateway)
{
        return gateway->hold.active;
}

bool gateway_is_restarting(const struct gateway *gateway)
{
        return restart_busy(&gateway->restart);
}
