/*
 * What smsd shows of itself: its processes as they are seen, their ends, the lines of its log and its
 * stats/status, told to smsd_state and judged for the slots and their modems. Nothing is started or stopped
 * here: what follows from a loss is the next gateway_reconcile()'s.
 */
#include "gateway_private.h"

#include "base/text.h"

#define WITH_MAIN         (50 * USEC_PER_MSEC)
#define PASSING_TIME      USEC_PER_SEC
#define LAST_WORDS        (300 * USEC_PER_MSEC)
#define WRITES_FAIL_EVERY (30 * USEC_PER_SEC)  /* ten, on a port that was hung up */
#define POLL_FAILS_AFTER  (100 * USEC_PER_SEC) /* 22 timeouts of 5 s */

void gateway_adopt(struct gateway *gateway, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                slot_forget_answer(&gateway->slots.items[i]);
        gateway->settling = true;
        gateway->handler_lost = false;
        gateway_smsd_opened(gateway); /* its handlers may be on their way */
        gateway_look_for_flag(gateway,
                              actions); /* who started it may have left the flag of the stop before */
        gateway->restart.recheck_at = usec_add(gateway->now, 35 * USEC_PER_SEC);
        if (!gateway->loss.pending) /* else it is told after the loss */
                gateway_tell_adoption(gateway, actions);
}

void gateway_scanned(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        bool fresh =
            smsd_state_scan(&gateway->smsd, event->processes.list, event->processes.sending, gateway->now);

        if (gateway->hold.active && gateway->smsd.n_ours == 0)
                gateway->hold.reached = true;
        if (fresh && !restart_busy(&gateway->restart))
                gateway_adopt(gateway, actions);
        gateway_unit_seen(gateway, actions);
}

/* Why it ended is judged when the flag and the unit were looked at. */
static void main_lost(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        gateway->alone_at = USEC_INFINITY;
        gateway->flag.fresh = false;
        gateway_look_for_flag(gateway, actions); /* the old script writes its flag first and kills then */
        gateway_main_ended(gateway, event, actions);
}

/*
 * A handler ended, whatever the reason: its modem is asked before the next try. smsd's own words may come
 * later than its exit, or not at all, and a start on a SIM that refused the PIN costs one of its attempts.
 */
void gateway_doubt_unserved(struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                struct slot *slot = &gateway->slots.items[i];
                if (!slot_startable(slot, gateway->modems) || gateway_slot_served(gateway, slot))
                        continue;
                modem_distrust(&gateway->modems[slot->modem], gateway->now);
                if (slot->handler_ends++ == 0)
                        slot->handler_ends_since = gateway->now;
        }
}

/* Whoever kills all of smsd kills the handler a moment before or after main: that is one failure, main's. */
static void handler_lost(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        if (gateway->alone_at == USEC_INFINITY)
                gateway->alone_at = usec_add(gateway->now, WITH_MAIN);
        gateway->lost_handler = event->exited.id.pid;
        action_push(actions, ACTION_SCAN);
        if (gateway->unit.state.known)
                gateway_look_at_unit(gateway, actions); /* a stop ends handlers first */
}

void gateway_handler_ended_alone(struct gateway *gateway, struct action_list *actions)
{
        if (gateway->unit.asked_until) {
                gateway->alone_at = usec_add(gateway->now, WITH_MAIN);
                return;
        }
        gateway->alone_at = USEC_INFINITY;
        if (!gateway->smsd.running || restart_busy(&gateway->restart) || gateway->hold.active ||
            gateway->unit.stopping || gateway_job_until(gateway))
                return;
        gateway->handler_lost = true;
        gateway_doubt_unserved(gateway);
        if (!gateway_company_is_served(gateway, NULL))
                restart_count_failure(&gateway->restart, gateway->now);
        action_record(actions, RECORD_HANDLER_LOST, SEVERITY_WARNING, NULL,
                      "a modem handler of smsd (pid %d) ended while smsd runs on%s%.160s",
                      (int)gateway->lost_handler, gateway->smsd.last_error[0] ? ": " : "",
                      gateway->smsd.last_error);
}

static const struct smsd_handler *find_handler(const struct gateway *gateway, struct process_id id)
{
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                if (process_id_equal(gateway->smsd.handlers[i].id, id))
                        return &gateway->smsd.handlers[i];
        return NULL;
}

/*
 * smsd runs a script at each start, to see that it can: until that child has become /bin/sh it looks like a
 * handler. It opens no port and is gone in a moment. If it was a handler after all, its slot is not served,
 * which is seen as such; and its modem is asked before the next start in any case.
 */
static bool was_passing(const struct gateway *gateway, const struct smsd_handler *handler)
{
        return handler->tty[0] == '\0' && !handler->tty_deleted &&
               gateway->now < usec_add(process_started(handler->id), PASSING_TIME);
}

static void handler_ended(struct gateway *gateway, const struct event *event, bool passing,
                          struct action_list *actions)
{
        if (!passing) {
                handler_lost(gateway, event, actions);
                return;
        }
        gateway_doubt_unserved(gateway);
        action_push(actions, ACTION_SCAN);
}

void gateway_exited(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        const struct smsd_handler *handler = find_handler(gateway, event->exited.id);
        /* One that we ended ourselves (its tty is dead) is no loss. */
        bool ended = handler && !handler->told_at && !gateway->smsd.stopping_since;
        bool passing = handler && was_passing(gateway, handler);
        bool main = smsd_state_exited(&gateway->smsd, event->exited.id);

        if (restart_busy(&gateway->restart) || gateway->hold.active)
                return;
        if (main)
                main_lost(gateway, event, actions);
        else if (ended)
                handler_ended(gateway, event, passing, actions);
}

static void set_guard(struct slot *slot, enum guard guard, struct action_list *actions)
{
        uint64_t pin = guard == GUARD_PIN_REFUSED ? slot->pin : 0;

        /* Another PIN that is refused as well is news: with the old one remembered it would be tried again.
         */
        if (slot->record.guard == guard && slot->record.guard_pin == pin)
                return;
        slot->record.guard = guard;
        slot->record.guard_pin = pin;
        gateway_save_slot(slot, actions);
        action_record(actions, RECORD_SIM_GUARDED, SEVERITY_CRITICAL, slot->config.name, "%s",
                      guard == GUARD_PIN_REFUSED
                          ? "the SIM refused the PIN of smsd.conf: smsd is not started again until you "
                            "correct `pin` and run `smswarden start`"
                          : "the SIM is locked and asks for its PUK: smsd is not started again until you "
                            "unlock it by hand");
}

/* The last words of a handler may come when the next smsd is on its way already, which must not try that PIN
 * again. None is so quick that they were its own. */
static void stop_the_next(struct gateway *gateway, struct action_list *actions)
{
        const struct restart *restart = &gateway->restart;

        if (restart->goal == RESTART_RUN &&
            (restart->phase == RESTART_STARTING || restart->phase == RESTART_VERIFYING) &&
            usec_sub(gateway->now, restart->started) < LAST_WORDS)
                gateway_request_restart(gateway, RESTART_STOP, CAUSE_HANDLER_LOST, 0, actions);
}

static void slot_has_answer(struct gateway *gateway, struct slot *slot)
{
        slot->answered = true;
        if (slot->modem >= 0)
                modem_trust(&gateway->modems[slot->modem]);
}

/* What the modem said before is old, and it is worth asking. Not for each repetition: smsd says once a second
 * that the modem is not registered, and what that has answered in between is why. */
static void doubt(struct gateway *gateway, struct slot *slot)
{
        slot->doubted_at = gateway->now;
        health_doubt(&slot->health, gateway->now);
}

static void modem_log(struct gateway *gateway, struct slot *slot, enum smsd_log_kind kind,
                      struct action_list *actions)
{
        struct modem *modem = slot->modem >= 0 ? &gateway->modems[slot->modem] : NULL;

        switch (kind) {
        case SMSD_LOG_PIN_REFUSED:
        case SMSD_LOG_SIM_LOCKED:
                set_guard(slot, kind == SMSD_LOG_PIN_REFUSED ? GUARD_PIN_REFUSED : GUARD_PUK, actions);
                stop_the_next(gateway, actions);
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
                if (!slot->unregistered || slot->denied != (kind == SMSD_LOG_REGISTRATION_DENIED))
                        doubt(gateway, slot);
                slot->unregistered = true;
                slot->denied = kind == SMSD_LOG_REGISTRATION_DENIED;
                slot->unregistered_at = gateway->now;
                break;
        case SMSD_LOG_TIMEOUT:
                gateway_modem_crashed(gateway, slot, actions);
                if (!slot->silent)
                        doubt(gateway, slot);
                slot->silent = true;
                slot->silent_at = gateway->now;
                break;
        case SMSD_LOG_UNEXPECTED_ANSWER:
                /* Once may be an accident. A modem that falls silent amid smsd's questions gets nothing but
                 * this, again and again, and no word of timeouts. */
                if (!slot->silent)
                        doubt(gateway, slot);
                if (slot->unexpected++ > 0) {
                        slot->silent = true;
                        slot->silent_at = gateway->now;
                }
                break;
        case SMSD_LOG_WRITE_ERROR:
                /* Of one that left the bus tells, not smsd. */
                if (!modem || !modem_present(modem))
                        break;
                slot->write_errors++;
                slot->write_error_at = gateway->now;
                doubt(gateway, slot);
                break;
        case SMSD_LOG_SENDING_BLOCKED:
                slot->blocked = true;
                slot->blocked_at = gateway->now;
                doubt(gateway, slot);
                break;
        case SMSD_LOG_IDENTIFIED:
        case SMSD_LOG_REGISTERED:
        case SMSD_LOG_INITIALISED:
        case SMSD_LOG_SENT:
        case SMSD_LOG_RECEIVED:
        case SMSD_LOG_REPORT_RECEIVED:
                slot->unregistered = slot->denied = slot->silent = false;
                slot->unexpected = slot->write_errors = 0;
                if (kind == SMSD_LOG_SENT || kind == SMSD_LOG_RECEIVED || kind == SMSD_LOG_REPORT_RECEIVED)
                        slot->traffic_at = gateway->now;
                slot_has_answer(gateway, slot);
                if (kind == SMSD_LOG_SENT)
                        gateway_modem_sent(gateway, slot, actions);
                slot->blocked = slot->blocked && kind != SMSD_LOG_SENT;
                break;
        case SMSD_LOG_HANDLER_STARTED:
                slot_forget_complaints(slot);
                break;
        case SMSD_LOG_OTHER:
        case SMSD_LOG_MAIN_STARTED:
        case SMSD_LOG_MAIN_READY:
        case SMSD_LOG_MAIN_STOPPING:
        case SMSD_LOG_MAIN_TERMINATED:
        case SMSD_LOG_MAIN_ABORTED:
        case SMSD_LOG_HANDLER_TERMINATED:
        case SMSD_LOG_SEND_FAILED:
        case SMSD_LOG_CONFIG_REFUSED:
        case SMSD_LOG_OTHER_SMSD_RUNNING:
                break;
        }
}

void gateway_smsd_said(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        const struct smsd_log_line *line = &event->log.line;
        struct slot *slot = slots_find(&gateway->slots, line->modem[0] ? line->modem : line->source);

        smsd_state_log(&gateway->smsd, line, event->log.text, event->log.realtime, gateway->now);
        if (!slot)
                return;
        if (line->kind == SMSD_LOG_IDENTIFIED || line->kind == SMSD_LOG_HANDLER_STARTED)
                (void)text_copy(slot->heard_imei, sizeof(slot->heard_imei), line->digits);
        if (line->kind == SMSD_LOG_INITIALISED || line->kind == SMSD_LOG_HANDLER_STARTED)
                (void)text_copy(slot->heard_imsi, sizeof(slot->heard_imsi), line->digits);
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
 * each other quickly has its answers. With a read_timeout of 1 s it takes half a minute: the first time after
 * the log's word is that of the next attempt and proves nothing.
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
        if (slot->status_moved == 0)
                slot->status_moved = gateway->now;
        if (before && after && !text_equal(before->since_text, after->since_text)) {
                if (slot->silent_at < slot->status_moved &&
                    usec_sub(gateway->now, slot->status_moved) < POLL_FAILS_AFTER) {
                        slot->silent = false;
                        slot->unexpected = 0;
                }
                /* smsd's times move while it fails, too: what counts is that it no longer says so. */
                if (usec_sub(gateway->now, slot->write_error_at) >= WRITES_FAIL_EVERY)
                        slot->write_errors = 0;
                /* It polls only a modem that is registered, and says so in no log below level 6. */
                if (gateway->smsd.status_at > slot->unregistered_at)
                        slot->unregistered = slot->denied = false;
                slot->status_moved = gateway->now;
        }
        if (after && after->state == HANDLER_IDLE && !text_equal(after->since_text, slot->status_base) &&
            !slot->silent && gateway_slot_served(gateway, slot))
                slot_has_answer(gateway, slot);
}

void gateway_status_read(struct gateway *gateway, const struct event *event)
{
        for (unsigned i = 0; event->status.status && i < gateway->slots.n; i++) {
                struct slot *slot = &gateway->slots.items[i];
                slot_status(gateway, slot, smsd_status_find(&gateway->smsd.status, slot->config.name),
                            smsd_status_find(event->status.status, slot->config.name));
        }
        smsd_state_status(&gateway->smsd, event->status.status, gateway->now);
        gateway->company.read_at = gateway->now;
}

void gateway_smsd_opened(struct gateway *gateway)
{
        /* The exec may not be through yet, and smsd needs some milliseconds for its pidfile and handlers. */
        gateway->scans[0] = usec_min(gateway->scans[0], usec_add(gateway->now, 20 * USEC_PER_MSEC));
        gateway->scans[1] = usec_add(gateway->now, 200 * USEC_PER_MSEC);
        gateway->scans[2] = usec_add(gateway->now, 900 * USEC_PER_MSEC);
}
