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

#define HEALTH_EVERY     (60 * USEC_PER_SEC)
#define HEALTH_DOUBT     (5 * USEC_PER_SEC)   /* smsd runs, but not every slot is served */
#define POLL_FAILS_AFTER (100 * USEC_PER_SEC) /* 22 timeouts of 5 s */
#define FLAG_EVERY       (5 * USEC_PER_SEC)   /* while smsd is down, or held by the old scripts' flag */

struct gateway *gateway_new(const struct config *config)
{
        struct gateway *gateway = calloc(1, sizeof(*gateway));

        if (!gateway)
                return NULL;
        gateway->config = *config;
        smsd_state_init(&gateway->smsd);
        restart_init(&gateway->restart, config->backoff_max);
        /* The places of the modems stay untouched zero pages (ABSENT) until one is taken. */
        for (unsigned i = 0; i < SCANS_MAX; i++)
                gateway->scans[i] = USEC_INFINITY;
        gateway->health_at = gateway->waiting_until = USEC_INFINITY;
        gateway->cause = CAUSE_BOOT;
        return gateway;
}

struct gateway *gateway_free(struct gateway *gateway)
{
        if (gateway)
                restart_free(&gateway->restart);
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
        gateway_look_for_flag(gateway, actions);
        gateway->health_at = usec_add(now, HEALTH_DOUBT);
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
                action_record(actions, RECORD_CONFIG, SEVERITY_CRITICAL, NULL,
                              "out of memory while the modem slots were set up");
        take_records(gateway);
        conf_plan_learn(conf, &gateway->slots);
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
                action_record(actions, RECORD_CONFIG, SEVERITY_WARNING, NULL, "%s", gateway->conf_error);
        gateway->conf_known = true;
}

/* --- processes and their words --- */

static void scanned(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        bool fresh =
            smsd_state_scan(&gateway->smsd, event->processes.list, event->processes.sending, gateway->now);

        if (!fresh || restart_busy(&gateway->restart))
                return;
        for (unsigned i = 0; i < gateway->slots.n; i++)
                slot_forget_answer(&gateway->slots.items[i]);
        gateway->settling = true;
        gateway->handler_lost = false;
        gateway->restart.recheck_at = usec_add(gateway->now, 35 * USEC_PER_SEC);
        if (gateway->enumerated)
                action_record(actions, RECORD_SMSD, SEVERITY_INFO, NULL,
                              "smsd (pid %d) was started by somebody else and is adopted",
                              (int)gateway->smsd.main.pid);
}

static void main_lost(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        bool clean = event->exited.status_known ? event->exited.status == 0 : gateway->smsd.ended_cleanly;
        char how[32] = "";

        gateway->cause = clean ? CAUSE_EXTERNAL_STOP : CAUSE_CRASH;
        gateway->flag.fresh = false;
        gateway_look_for_flag(gateway, actions); /* the old script writes its flag first and kills then */
        restart_count_failure(&gateway->restart, gateway->now);
        if (event->exited.status_known && !clean)
                (void)text_format(how, sizeof(how), event->exited.status < 0 ? ", signal %d" : ", status %d",
                                  abs(event->exited.status));
        action_record(actions, RECORD_SMSD, clean ? SEVERITY_WARNING : SEVERITY_CRITICAL, NULL,
                      "smsd (pid %d) %s%s%s%.120s", (int)event->exited.id.pid,
                      clean ? "was ended by somebody, without a hold" : "died", how,
                      gateway->smsd.last_error[0] ? "; its last error: " : "", gateway->smsd.last_error);
        if (backoff_is_loop(&gateway->restart.backoff))
                action_record(actions, RECORD_SMSD, SEVERITY_CRITICAL, NULL,
                              "smsd has ended %u times in a row: restarts are slowed down",
                              gateway->restart.backoff.failures);
}

/*
 * A handler ended, whatever the reason: its modem is asked before the next try. smsd's own words may come
 * later than its exit, or not at all, and a start on a SIM that refused the PIN costs one of its attempts.
 */
static void doubt_unserved(struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                if (slot_startable(slot, gateway->modems) && !gateway_slot_served(gateway, slot))
                        modem_distrust(&gateway->modems[slot->modem], gateway->now);
        }
}

static void handler_lost(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        gateway->handler_lost = true;
        doubt_unserved(gateway);
        restart_count_failure(&gateway->restart, gateway->now);
        action_record(actions, RECORD_SMSD, SEVERITY_WARNING, NULL,
                      "a modem handler of smsd (pid %d) ended while smsd runs on%s%.160s",
                      (int)event->exited.id.pid, gateway->smsd.last_error[0] ? ": " : "",
                      gateway->smsd.last_error);
        action_push(actions, ACTION_SCAN);
}

static bool is_handler(const struct gateway *gateway, struct process_id id)
{
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                if (process_id_equal(gateway->smsd.handlers[i].id, id))
                        return true;
        return false;
}

/* A handler that we ended ourselves (its tty is dead) is no loss. */
static bool was_told_to_end(struct gateway *gateway, struct process_id id)
{
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++) {
                const struct smsd_handler *handler = &gateway->smsd.handlers[i];
                if (!process_id_equal(handler->id, id))
                        continue;
                for (unsigned s = 0; s < gateway->slots.n; s++) {
                        struct slot *slot = &gateway->slots.items[s];
                        if (slot->told_at && text_equal(slot->serving, handler->tty))
                                return true;
                }
        }
        return false;
}

static void exited(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        bool handler = is_handler(gateway, event->exited.id);
        bool told = handler && was_told_to_end(gateway, event->exited.id);
        bool main = smsd_state_exited(&gateway->smsd, event->exited.id);

        if (restart_busy(&gateway->restart) || gateway->hold.active)
                return;
        if (main)
                main_lost(gateway, event, actions);
        else if (handler && !told && !gateway->smsd.stopping_since)
                handler_lost(gateway, event, actions);
}

static void set_guard(struct slot *slot, enum guard guard, struct action_list *actions)
{
        if (slot->record.guard == guard)
                return;
        slot->record.guard = guard;
        slot->record.guard_pin = guard == GUARD_PIN_REFUSED ? slot->pin : 0;
        gateway_save_slot(slot, actions);
        action_record(actions, RECORD_MODEM, SEVERITY_CRITICAL, slot->config.name, "%s",
                      guard == GUARD_PIN_REFUSED
                          ? "the SIM refused the PIN of smsd.conf: smsd is not started again until you "
                            "correct `pin` and run `smswarden start`"
                          : "the SIM is locked and asks for its PUK: smsd is not started again until you "
                            "unlock it by hand");
}

static void slot_has_answer(struct gateway *gateway, struct slot *slot)
{
        slot->answered = true;
        if (slot->modem >= 0)
                modem_trust(&gateway->modems[slot->modem]);
}

static void modem_log(struct gateway *gateway, struct slot *slot, enum smsd_log_kind kind,
                      struct action_list *actions)
{
        struct modem *modem = slot->modem >= 0 ? &gateway->modems[slot->modem] : NULL;

        switch (kind) {
        case SMSD_LOG_PIN_REFUSED:
        case SMSD_LOG_SIM_LOCKED:
                set_guard(slot, kind == SMSD_LOG_PIN_REFUSED ? GUARD_PIN_REFUSED : GUARD_PUK, actions);
                /* What an earlier probe saw of the SIM must not lift the guard. */
                if (modem)
                        modem_distrust(modem, gateway->now);
                break;
        case SMSD_LOG_SIM_ERROR:
        case SMSD_LOG_PIN_MISSING:
                if (modem)
                        modem_distrust(modem, gateway->now);
                break;
        case SMSD_LOG_CANNOT_OPEN:
                /* It speaks of the device that it was started on. */
                if (modem && text_equal(slot->serving, modem->target))
                        modem_reprobe(modem, gateway->now);
                break;
        case SMSD_LOG_NOT_REGISTERED:
        case SMSD_LOG_REGISTRATION_DENIED:
                slot->unregistered = true;
                break;
        case SMSD_LOG_TIMEOUT:
                slot->silent = true;
                break;
        case SMSD_LOG_SENDING_BLOCKED:
                slot->blocked = true;
                break;
        case SMSD_LOG_REGISTERED:
        case SMSD_LOG_INITIALISED:
        case SMSD_LOG_SENT:
        case SMSD_LOG_RECEIVED:
        case SMSD_LOG_REPORT_RECEIVED:
        case SMSD_LOG_HANDLER_STARTED:
                slot->unregistered = slot->silent = false;
                if (kind != SMSD_LOG_HANDLER_STARTED)
                        slot_has_answer(gateway, slot);
                slot->blocked = slot->blocked && kind != SMSD_LOG_SENT && kind != SMSD_LOG_HANDLER_STARTED;
                break;
        case SMSD_LOG_OTHER:
        case SMSD_LOG_MAIN_STARTED:
        case SMSD_LOG_MAIN_READY:
        case SMSD_LOG_MAIN_STOPPING:
        case SMSD_LOG_MAIN_TERMINATED:
        case SMSD_LOG_MAIN_ABORTED:
        case SMSD_LOG_HANDLER_TERMINATED:
        case SMSD_LOG_WRITE_ERROR:
        case SMSD_LOG_SEND_FAILED:
        case SMSD_LOG_CONFIG_REFUSED:
        case SMSD_LOG_OTHER_SMSD_RUNNING:
                break;
        }
}

static void smsd_said(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        const struct smsd_log_line *line = &event->log.line;
        struct slot *slot = slots_find(&gateway->slots, line->modem[0] ? line->modem : line->source);

        smsd_state_log(&gateway->smsd, line, event->log.text, event->log.realtime, gateway->now);
        if (slot)
                modem_log(gateway, slot, line->kind, actions);
}

/* What an ended smsd left in the file is the base that a fresh word of the new one is told from. Our own
 * first look has nothing to compare with and believes what it sees. */
static bool is_base(const struct gateway *gateway, const struct slot *slot)
{
        return gateway->restart.phase == RESTART_STARTING || (!slot->base_known && gateway->smsd.status_at);
}

/*
 * smsd writes Receiving and Sending, with the time, before it has asked the modem anything; Idle (the time
 * stays) comes after the poll. One that fails takes two minutes and says so in the log: whose times follow
 * each other quickly has its answers.
 */
static void slot_status(struct gateway *gateway, struct slot *slot, const struct smsd_status_modem *before,
                        const struct smsd_status_modem *after)
{
        if (is_base(gateway, slot)) {
                (void)text_copy(slot->status_base, sizeof(slot->status_base), after ? after->since_text : "");
                slot->base_known = true;
                return;
        }
        slot->base_known = true;
        if (before && after && !text_equal(before->since_text, after->since_text)) {
                if (usec_sub(gateway->now, slot->status_moved) < POLL_FAILS_AFTER)
                        slot->silent = false;
                slot->status_moved = gateway->now;
        }
        if (after && after->state == HANDLER_IDLE && !text_equal(after->since_text, slot->status_base) &&
            !slot->silent && gateway_slot_served(gateway, slot))
                slot_has_answer(gateway, slot);
}

static void status_read(struct gateway *gateway, const struct event *event)
{
        for (unsigned i = 0; event->status.status && i < gateway->slots.n; i++) {
                struct slot *slot = &gateway->slots.items[i];
                slot_status(gateway, slot, smsd_status_find(&gateway->smsd.status, slot->config.name),
                            smsd_status_find(event->status.status, slot->config.name));
        }
        smsd_state_status(&gateway->smsd, event->status.status, gateway->now);
}

static void smsd_opened(struct gateway *gateway)
{
        /* The exec may not be through yet, and smsd needs some milliseconds for its pidfile and handlers. */
        gateway->scans[0] = usec_add(gateway->now, 20 * USEC_PER_MSEC);
        gateway->scans[1] = usec_add(gateway->now, 200 * USEC_PER_MSEC);
        gateway->scans[2] = usec_add(gateway->now, 900 * USEC_PER_MSEC);
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
                if (gateway->slots.items[i].silent)
                        return HEALTH_DOUBT;
        bool verified = all_answered(gateway) && gateway->smsd.status_known;
        return all_served(gateway) && (verified || !gateway->smsd.scanned) ? HEALTH_EVERY : HEALTH_DOUBT;
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
        if (gateway->begun && gateway->health_at <= gateway->now)
                look_at_health(gateway, actions);
        gateway_hold_time(gateway, actions);
}

static usec_t kill_deadline(const struct gateway *gateway)
{
        usec_t deadline = USEC_INFINITY;

        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway->slots.items[i].told_at)
                        deadline =
                            usec_min(deadline, usec_add(gateway->slots.items[i].told_at, 8 * USEC_PER_SEC));
        return deadline;
}

/* A run that waits for its time (backoff, adopted smsd that is still settling). */
static usec_t reconcile_deadline(const struct gateway *gateway)
{
        usec_t deadline = USEC_INFINITY;

        if (restart_busy(&gateway->restart) || gateway->hold.active || gateway->config.mode == MODE_OBSERVE)
                return deadline;
        if (gateway->settling)
                deadline = usec_add(gateway->smsd.since, 10 * USEC_PER_SEC);
        if (gateway->company_until > gateway->now)
                deadline = usec_min(deadline, gateway->company_until);
        if (gateway->restart.not_before > gateway->now)
                deadline = usec_min(deadline, gateway->restart.not_before);
        return deadline;
}

usec_t gateway_next_deadline(const struct gateway *gateway)
{
        usec_t deadline = usec_min(restart_deadline(&gateway->restart), hold_deadline(&gateway->hold));

        if (gateway->again)
                return gateway->now;
        for (unsigned i = 0; i < SCANS_MAX; i++)
                deadline = usec_min(deadline, gateway->scans[i]);
        if (gateway->begun)
                deadline = usec_min(deadline, gateway->health_at);
        if (!restart_busy(&gateway->restart))
                deadline = usec_min(deadline, gateway->waiting_until);
        deadline = usec_min(deadline, kill_deadline(gateway));
        deadline = usec_min(deadline, reconcile_deadline(gateway));
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
        if (event->port.modem < gateway->n_modems)
                modem_port_event(&gateway->modems[event->port.modem], event->port.modem, event->kind,
                                 &event->port, gateway->now, actions);
}

static void reloaded(struct gateway *gateway, const struct config *config, struct action_list *actions)
{
        gateway->config = *config;
        gateway->restart.backoff.maximum = config->backoff_max;
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
                scanned(gateway, event, actions);
                break;
        case EVENT_PROCESS_EXITED:
                exited(gateway, event, actions);
                break;
        case EVENT_SMSD_OPENED:
                smsd_opened(gateway);
                break;
        case EVENT_SMSD_LOG:
                smsd_said(gateway, event, actions);
                break;
        case EVENT_SMSD_STATUS:
                status_read(gateway, event);
                break;
        case EVENT_CONF_READ:
                conf_read(gateway, &event->conf, actions);
                break;
        case EVENT_FLAG:
                gateway_flag_seen(gateway, &event->flag, actions);
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
        case EVENT_TIMER:
        case EVENT_CONF_WRITTEN:
        case EVENT_STOP_DONE:
        case EVENT_START_DONE:
        case EVENT_KIND_MAX:
                break;
        }
}

/* What a run says of the modems. */
static void run_ended(struct gateway *gateway)
{
        bool ok = gateway->restart.last_outcome == RESTART_OUTCOME_OK;

        if (gateway->restart.handler_ended)
                doubt_unserved(gateway);
        gateway->restart.handler_ended = false;
        for (unsigned i = 0; i < gateway->slots.n && ok; i++)
                if (gateway_slot_served(gateway, &gateway->slots.items[i]))
                        modem_trust(&gateway->modems[gateway->slots.items[i].modem]);
}

/* What a person permitted was for the start that is over now. */
static void forget_person(struct gateway *gateway)
{
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
        if (before && !restart_busy(&gateway->restart))
                run_ended(gateway);
        gateway_reconcile(gateway, actions);
        if (!restart_busy(&gateway->restart) && gateway->n_waiting == 0)
                forget_person(gateway);
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
