/*
 * From what is to what should be. Looks at the whole state after every event and asks the one restart path
 * for a run when they differ; it never starts anything itself.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <signal.h>
#include <string.h>

#define STOPPING_TIME (70 * USEC_PER_SEC) /* a main process that was told to end waits for PDUs */
#define SETTLE_LOOK   USEC_PER_SEC        /* an adopted smsd that is not in place is looked at so often */
#define COMPANY_TIME  (5 * USEC_PER_SEC)  /* a start waits for modems that came together with the first */

struct restart_world gateway_world(struct gateway *gateway, struct action_list *actions)
{
        return (struct restart_world){
            .smsd = &gateway->smsd,
            .slots = &gateway->slots,
            .modems = gateway->modems,
            .n_modems = gateway->n_modems,
            .conf_is_old = gateway->conf_reads > 0,
            .poisoned = gateway_is_poisoned(gateway),
            .unit_known = gateway->unit.state.known,
            .unit_fresh = gateway->unit.fresh,
            .job_until = gateway_job_until(gateway),
            .anew_since = gateway->hold.active ? gateway->hold.anew_since : 0,
            .now = gateway->now,
            .actions = actions,
        };
}

unsigned gateway_startable(const struct gateway *gateway)
{
        unsigned n = 0;

        for (unsigned i = 0; i < gateway->slots.n; i++)
                n += slot_startable(&gateway->slots.items[i], gateway->modems);
        return n;
}

bool gateway_slot_served(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        return modem && smsd_state_handler_on(&gateway->smsd, modem->target) != NULL;
}

/* --- asking the path --- */

void gateway_request_restart(struct gateway *gateway, enum restart_goal goal, enum restart_cause cause,
                             unsigned token, struct action_list *actions)
{
        struct restart_world world = gateway_world(gateway, actions);

        gateway->handler_lost = gateway->settling = false;
        gateway->flag.fresh = gateway->unit.fresh = false;
        gateway->company_until = 0;
        gateway_company_interrupted(gateway);
        restart_request(&gateway->restart, goal, cause, token, &world);
}

bool gateway_serves_all(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (slot_startable(&gateway->slots.items[i], gateway->modems) &&
                    !gateway_slot_served(gateway, &gateway->slots.items[i]))
                        return false;
        return gateway->smsd.running;
}

bool gateway_runs_well(const struct gateway *gateway)
{
        return !restart_busy(&gateway->restart) && gateway->smsd.n_strays == 0 &&
               gateway_serves_all(gateway) && gateway_startable(gateway) > 0;
}

/* Those who asked for a start while another run was under way have what they wanted when that went well. */
static void start_waiting(struct gateway *gateway, struct action_list *actions)
{
        bool done = gateway->waiting_cause == CAUSE_START && gateway_runs_well(gateway);

        for (unsigned i = 0; i < gateway->n_waiting && done; i++)
                action_reply(actions, gateway->waiting[i], 0, "smsd runs (pid %d) and serves its modem",
                             (int)gateway->smsd.main.pid);
        for (unsigned i = 0; i < gateway->n_waiting && !done; i++)
                gateway_request_restart(gateway, RESTART_RUN, gateway->waiting_cause, gateway->waiting[i],
                                        actions);
        gateway->n_waiting = 0;
        gateway->waiting_until = USEC_INFINITY;
}

/* Another modem is on its way, and a slot waits for one. */
static bool company_is_coming(const struct gateway *gateway)
{
        bool empty = false, coming = false;

        for (unsigned i = 0; i < gateway->slots.n; i++)
                empty |= !slot_startable(&gateway->slots.items[i], gateway->modems);
        for (unsigned i = 0; i < gateway->n_modems; i++)
                coming |=
                    gateway->modems[i].state == MODEM_SETTLING || gateway->modems[i].state == MODEM_PROBING;
        return empty && coming;
}

/* Modems that were plugged in together get one start together: the first that is ready waits a little for the
 * others. Each further start would interrupt those that work already. */
static bool wait_for_company(struct gateway *gateway)
{
        if (!company_is_coming(gateway)) {
                gateway->company_until = 0;
                return false;
        }
        if (gateway->company_until == 0)
                gateway->company_until = usec_add(gateway->now, COMPANY_TIME);
        return gateway->now < gateway->company_until;
}

/* --- smsd is down --- */

static void reconcile_down(struct gateway *gateway, struct action_list *actions)
{
        if (gateway_recovery_blocks_start(gateway))
                return;
        if (gateway_startable(gateway) == 0) {
                /* Orphans hold the ports and may send; there is nothing to wait for. */
                if (gateway->smsd.n_strays > 0)
                        gateway_request_restart(gateway, RESTART_STOP, CAUSE_STRAY, 0, actions);
                return;
        }
        if (gateway->now < gateway->restart.not_before)
                return;
        bool was_served = gateway->cause == CAUSE_CRASH || gateway->cause == CAUSE_EXTERNAL_STOP;
        if (!was_served && wait_for_company(gateway))
                return;
        if (!gateway->flag.fresh)
                gateway_look_for_flag(gateway, actions);
        if (!gateway->unit.fresh && gateway->unit.asked_until == 0)
                gateway_look_at_unit(gateway, actions);
        if (!gateway->flag.fresh || !gateway->unit.fresh)
                return;
        /* The cause stays for the next try when this one fails; once smsd runs, it is forgotten. */
        gateway_request_restart(gateway, RESTART_RUN, gateway->cause, 0, actions);
}

/* --- smsd runs --- */

static const struct slot *slot_served_on(const struct gateway *gateway, const char *tty)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (tty[0] && text_equal(gateway->slots.items[i].serving, tty))
                        return &gateway->slots.items[i];
        return NULL;
}

static bool handler_is_dead(const struct gateway *gateway, const struct smsd_handler *handler)
{
        return handler->tty_deleted || (slot_served_on(gateway, handler->tty) &&
                                        !modems_have_port(gateway->modems, gateway->n_modems, handler->tty));
}

/* Its number was another modem's before, and that one answers on it: what is sent there is sent. */
static bool tty_is_there(const struct gateway *gateway, const char *tty)
{
        for (unsigned i = 0; i < gateway->n_modems; i++) {
                const struct modem *modem = &gateway->modems[i];
                for (unsigned j = 0; tty[0] && modem_present(modem) && j < modem->device.n_interfaces; j++)
                        if (text_equal(modem->device.interfaces[j].target, tty))
                                return true;
        }
        return false;
}

usec_t gateway_kill_at(const struct gateway *gateway, const struct smsd_handler *handler)
{
        usec_t after = handler->tty_deleted                  ? SMSD_RELEASE_AFTER
                       : tty_is_there(gateway, handler->tty) ? STOPPING_TIME
                                                             : GATEWAY_KILL_AFTER;

        return usec_add(handler->told_at, after);
}

static void end_dead_handler(struct gateway *gateway, struct smsd_handler *handler,
                             struct action_list *actions)
{
        bool first = handler->told_at == 0;

        if (!first && gateway->now < gateway_kill_at(gateway, handler))
                return;
        struct action *action = action_push(actions, ACTION_SIGNAL);
        action->process.id = handler->id;
        action->process.signal = first ? SIGTERM : SIGKILL;
        handler->told_at = gateway->now;
}

/* smsd never sits on a dead tty. Alone it is stopped; beside healthy handlers only the dead one is ended. */
static bool release_dead_ttys(struct gateway *gateway, struct action_list *actions)
{
        unsigned dead = 0;

        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                dead += handler_is_dead(gateway, &gateway->smsd.handlers[i]);
        if (dead == 0)
                return false;
        if (dead == gateway->smsd.n_handlers) {
                gateway_request_restart(gateway, RESTART_STOP, CAUSE_UNPLUG, 0, actions);
                return true;
        }
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                if (handler_is_dead(gateway, &gateway->smsd.handlers[i]))
                        end_dead_handler(gateway, &gateway->smsd.handlers[i], actions);
        return false;
}

/* A modem that is only perhaps usable is no reason to interrupt those that work. */
static bool is_worth_a_restart(const struct gateway *gateway, const struct slot *slot)
{
        if (gateway->modems[slot->modem].state == MODEM_READY)
                return true;
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway_slot_served(gateway, &gateway->slots.items[i]))
                        return false;
        return true;
}

/* The first slot that could be served and is not. */
static const struct slot *find_unserved(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                if (slot_startable(slot, gateway->modems) && !gateway_slot_served(gateway, slot) &&
                    is_worth_a_restart(gateway, slot) && gateway_company_may_restart(gateway, slot))
                        return slot;
        }
        return NULL;
}

static enum restart_cause cause_of(const struct gateway *gateway, const struct slot *slot)
{
        if (slot->serving[0] && !text_equal(slot->serving, gateway->modems[slot->modem].target))
                return CAUSE_MOVED;
        return gateway->handler_lost ? CAUSE_HANDLER_LOST : CAUSE_PLUG;
}

/* An adopted smsd forks a handler per section and each opens its port: all that within milliseconds, unless
 * one waits for a missing device. */
static bool handlers_are_in_place(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                if (gateway->smsd.handlers[i].last[0] == '\0')
                        return false;
        return gateway->smsd.n_handlers >= gateway->slots.n;
}

static void settle(struct gateway *gateway)
{
        bool over = usec_sub(gateway->now, gateway->smsd.since) >= GATEWAY_SETTLE_TIME ||
                    gateway->handler_lost || handlers_are_in_place(gateway);

        if (gateway->settling && over)
                gateway->settling = false;
        /* What is judged in the end must be what is, not what was right after the start. */
        if (gateway->settling && gateway->scans[SCANS_MAX - 1] == USEC_INFINITY)
                gateway->scans[SCANS_MAX - 1] = usec_add(gateway->now, SETTLE_LOOK);
}

static void reconcile_running(struct gateway *gateway, struct action_list *actions)
{
        gateway_company_forgive(gateway);
        const struct slot *unserved = find_unserved(gateway);
        struct slot *displaced = gateway_find_displaced(gateway, actions);
        if (!unserved && !displaced)
                gateway->company.wanted_since = 0;

        settle(gateway);
        gateway->cause = CAUSE_PLUG;
        if (gateway->alone_at != USEC_INFINITY)
                return;
        if (gateway->smsd.stopping_since &&
            usec_sub(gateway->now, gateway->smsd.stopping_since) < STOPPING_TIME)
                return; /* its end is awaited: somebody stopped it */
        if (displaced) {
                gateway_displace(gateway, displaced, actions);
                return;
        }
        if (unserved && !gateway->settling && gateway->now >= gateway->restart.not_before &&
            (gateway->handler_lost || !wait_for_company(gateway)) &&
            gateway_company_is_quiet(gateway, unserved, actions)) {
                gateway_request_restart(gateway, RESTART_RUN, cause_of(gateway, unserved), 0, actions);
                return;
        }
        if (release_dead_ttys(gateway, actions))
                return;
        /* Orphans may send what smsd sends too, and while they live no port is touched: without a modem as
         * well. */
        if (gateway->smsd.n_strays > 0 && gateway->now >= gateway->restart.not_before)
                gateway_request_restart(gateway, gateway_startable(gateway) > 0 ? RESTART_RUN : RESTART_STOP,
                                        CAUSE_STRAY, 0, actions);
}

/* --- observe --- */

static void describe_intent(struct gateway *gateway, char *text, size_t size)
{
        const struct slot *unserved = find_unserved(gateway), *strange = gateway_find_strange(gateway);

        text[0] = '\0';
        if (gateway->hold.active)
                return;
        if (!gateway->smsd.running && gateway_startable(gateway) > 0)
                (void)text_format(text, size, "would start smsd (%s)",
                                  restart_cause_to_string(gateway->cause));
        else if (gateway->smsd.running && strange)
                (void)text_format(text, size, "would take the modem of %s from smsd: pin_imei refuses it",
                                  strange->config.name);
        else if (gateway->smsd.running && unserved && !gateway->settling)
                (void)text_format(text, size, "would restart smsd (%s) to serve %s on %s",
                                  restart_cause_to_string(cause_of(gateway, unserved)), unserved->config.name,
                                  gateway->modems[unserved->modem].node);
        else if (gateway->smsd.running && gateway->smsd.n_strays > 0)
                (void)text_format(text, size, "would end %u stray smsd processes and restart",
                                  gateway->smsd.n_strays);
        for (unsigned i = 0; text[0] == '\0' && gateway->smsd.running && i < gateway->smsd.n_handlers; i++)
                if (handler_is_dead(gateway, &gateway->smsd.handlers[i]))
                        (void)text_format(text, size, "would stop smsd: it sits on the dead tty %.80s",
                                          gateway->smsd.handlers[i].tty);
}

/* Says once what control mode would do. */
static void observe(struct gateway *gateway, struct action_list *actions)
{
        char intent[sizeof(gateway->observed)];

        if (gateway->hold.active && gateway->smsd.running && !gateway_stop_is_unfinished(gateway))
                gateway_hold_broken(gateway, actions);
        settle(gateway);
        if (gateway_waits_for_unit(gateway))
                return;
        describe_intent(gateway, intent, sizeof(intent));
        if (text_equal(intent, gateway->observed))
                return;
        (void)text_copy(gateway->observed, sizeof(gateway->observed), intent);
        if (intent[0])
                action_record(actions, RECORD_OBSERVED, SEVERITY_INFO, NULL, "%s", intent);
}

/* --- the whole --- */

bool gateway_knows_enough(const struct gateway *gateway)
{
        return gateway->conf_known && gateway->smsd.scanned && gateway->enumerated;
}

/* True when the hold is over, for somebody started smsd. */
static bool reconcile_held(struct gateway *gateway, struct action_list *actions)
{
        if (gateway_stop_is_unfinished(gateway)) {
                if (!gateway_job_until(gateway)) /* else systemd is at it */
                        gateway_request_restart(gateway, RESTART_STOP, CAUSE_STOP, 0, actions);
                return false;
        }
        if (!gateway->smsd.running)
                return false;
        /* Started, and stopped again in the same moment? */
        if (gateway->unit.unseen || (gateway->unit.state.job == UNIT_JOB_STOP && gateway_job_until(gateway)))
                return false;
        gateway_hold_broken(gateway, actions);
        return true;
}

/* Somebody waits for a start that can be made; not amid the reset of a modem. */
static bool is_wanted(const struct gateway *gateway)
{
        return gateway->n_waiting > 0 && gateway_startable(gateway) > 0 &&
               !gateway_recovery_blocks_start(gateway);
}

void gateway_reconcile(struct gateway *gateway, struct action_list *actions)
{
        gateway_drive_modems(gateway, actions);
        gateway_recovery_step(gateway, actions);
        if (gateway->unit.stopping)
                return;
        gateway_remember(gateway, actions);
        gateway_set_up(gateway, actions);
        if (!gateway_knows_enough(gateway))
                return;
        if (gateway->config.mode == MODE_OBSERVE) {
                observe(gateway, actions);
                return;
        }
        if (restart_busy(&gateway->restart)) {
                if (is_wanted(gateway) && restart_would_read(&gateway->restart) &&
                    !gateway_job_until(gateway))
                        start_waiting(gateway, actions);
                return;
        }
        if (gateway->hold.active && !reconcile_held(gateway, actions))
                return;
        if (gateway_waits_for_unit(gateway))
                return;
        if (is_wanted(gateway))
                start_waiting(gateway, actions);
        else if (gateway->smsd.running)
                reconcile_running(gateway, actions);
        else
                reconcile_down(gateway, actions);
}
