/*
 * The recovery of the modems: what is seen goes into each slot's ladder (core/ladder), and what that orders
 * is asked of who can do it - smsd's stop of the one restart path, an AT command of gateway_recovery_at.c, a
 * switch of the daemon. Level-triggered as the rest of the gateway: each step looks at what is.
 *
 * Nothing here starts smsd: gateway_recovery_blocks_start() says when it must not be, and the reconciler
 * starts it when that is over.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define ORDERS_MAX   16                  /* in one step of the gateway */
#define BACK_TIME    (90 * USEC_PER_SEC) /* smsd waits no longer for a modem that was reset */
#define ABSENCE_TIME (60 * USEC_PER_SEC) /* from a reset to the bus, before boot_timeout begins */
#define QUEUED_LOOK  (5 * USEC_PER_SEC)  /* is the other modem still sending? */
#define STALE_AFTER  (10 * USEC_PER_MIN) /* a verdict that nothing confirms */
#define FACTS_AGAIN  (10 * USEC_PER_SEC) /* an answer that does not come */

/* --- events --- */

static void seen(struct gateway *gateway, const struct recovery_seen_event *event)
{
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                struct recovery *recovery = recovery_of(gateway, slot->config.name);
                if (!recovery || !recovery->facts.asked ||
                    !text_equal(recovery_path(gateway, slot), event->path))
                        continue;
                recovery->facts = (struct recovery_facts){.seen = *event, .known = true, .at = gateway->now};
        }
}

void gateway_recovery_event(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        switch (event->kind) {
        case EVENT_RECOVERY_RECORD:
                recovery_take_record(gateway, &event->recovery);
                break;
        case EVENT_RECOVERY_SEEN:
                seen(gateway, &event->recovery_seen);
                break;
        case EVENT_USB_SWITCHED:
                recovery_switched(gateway, event, actions);
                break;
        default:
                break;
        }
}

void recovery_at_done(struct gateway *gateway, struct recovery *recovery, int result)
{
        ladder_done(&recovery->ladder, recovery->ticket, result, gateway->now);
}

/* --- what is seen --- */

/* A node of its own (a UART) does not leave: it is back when it has proven itself again. */
static bool is_there(const struct modem *modem)
{
        return modem && modem->node[0] && (!modem->fixed || modem_usable(modem));
}

static void see_presence(struct gateway *gateway, const struct slot *slot, struct recovery *recovery)
{
        const struct modem *modem = recovery_modem(gateway, slot);
        bool there = is_there(modem);

        if (modem)
                recovery->modem = (int)(modem - gateway->modems);
        if (there == recovery->there)
                return;
        recovery->there = there;
        /* Away already when the step began: its return is the step's doing all the same. */
        ladder_absent(&recovery->ladder, gateway->now);
        if (!there)
                return;
        ladder_present(&recovery->ladder, gateway->now);
        recovery->returned_at = gateway->now;
        /* Plugged in anew, or restarted: what was wrong before is not known to be so now. */
        ladder_well(&recovery->ladder, gateway->now);
}

/* Nobody is reset for what was so an hour ago: whoever held smsd may have mended it. Nor is anything waited
 * for that another program on smsd's port explains. */
static void forget_stale(const struct gateway *gateway, const struct slot *slot, struct recovery *recovery)
{
        enum ladder_state state = recovery->ladder.state;
        bool at_work = state == LADDER_STOPPING || state == LADDER_ACTING || state == LADDER_WATCHING;
        bool explained = state == LADDER_PATIENT && slot->health.verdict.alert == ALERT_PORT_HELD;

        if (!at_work &&
            (explained || gateway->hold.active || usec_sub(gateway->now, recovery->known_at) >= STALE_AFTER))
                ladder_well(&recovery->ladder, gateway->now);
}

static void see_failure(struct gateway *gateway, const struct slot *slot, struct recovery *recovery)
{
        enum failure_kind kind = FAILURE_NONE;

        if (!slot->silent)
                recovery->silent_since = 0;
        else if (recovery->silent_since == 0)
                recovery->silent_since = gateway->now;
        if (!recovery_failure(gateway, slot, &kind)) {
                forget_stale(gateway, slot, recovery);
                return;
        }
        recovery->known_at = gateway->now;
        bool away = kind == FAILURE_GONE || kind == FAILURE_PORTS_MISSING;
        if (kind != FAILURE_NONE && !(away && gateway_recovery_expects_absence(gateway, recovery->name)))
                ladder_fail(&recovery->ladder, kind, gateway->now);
        if (kind != FAILURE_NONE)
                return;
        ladder_well(&recovery->ladder, gateway->now);
        recovery->gave_up = false;
}

/* --- orders --- */

static void stop_smsd(struct gateway *gateway, struct action_list *actions)
{
        gateway->cause = CAUSE_RECOVERY;
        gateway_request_restart(gateway, RESTART_STOP, CAUSE_RECOVERY, 0, actions);
}

static void carry_out(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                      const struct ladder_order *order, struct action_list *actions)
{
        recovery->ticket = order->ticket;
        switch (order->kind) {
        case ORDER_NONE:
                break;
        case ORDER_ANNOUNCE:
        case ORDER_GIVE_UP:
                recovery_tell_order(gateway, recovery, order, actions);
                break;
        case ORDER_STOP_SMSD:
                stop_smsd(gateway, actions);
                break;
        case ORDER_AT:
                recovery_at_begin(gateway, slot, recovery, order, actions);
                break;
        case ORDER_USB_OFF:
        case ORDER_USB_ON:
                recovery_order_switch(gateway, slot, recovery, RECOVERY_OFF_USB, order->kind == ORDER_USB_ON,
                                      actions);
                break;
        case ORDER_POWER_OFF:
        case ORDER_POWER_ON:
                recovery_order_switch(gateway, slot, recovery, RECOVERY_OFF_POWER,
                                      order->kind == ORDER_POWER_ON, actions);
                break;
        }
}

/* What a step leaves behind: a modem that was told to begin anew must prove itself before smsd has it. */
static void step_ended(struct gateway *gateway, struct recovery *recovery, struct action_list *actions)
{
        struct modem *modem = recovery->modem >= 0 ? &gateway->modems[recovery->modem] : NULL;
        bool restarted = recovery->ladder.step == LADDER_STEP_CFUN ||
                         (recovery->ladder.step == LADDER_STEP_RESET && modem && modem->fixed);

        recovery_tell_end(recovery, actions);
        recovery->shown = LADDER_STEP_NONE;
        if (modem && modem_present(modem) && restarted && recovery->ladder.effect)
                modem_distrust(modem, gateway->now);
}

static void note_progress(struct gateway *gateway, struct recovery *recovery, struct action_list *actions)
{
        const struct ladder *ladder = &recovery->ladder;

        if (ladder->acted_at != recovery->begun_at && ladder->acted_at == gateway->now) {
                static const struct ladder_order begun = {.kind = ORDER_NONE};
                recovery->begun_at = ladder->acted_at;
                recovery->shown = ladder->step;
                recovery->returned_at = 0;
                recovery_tell_order(gateway, recovery, &begun, actions);
        }
        if (recovery->shown != LADDER_STEP_NONE && ladder->state != LADDER_ACTING)
                step_ended(gateway, recovery, actions);
}

/* --- the step --- */

/* Nothing new to decide on: the ladder would say what it said last. */
static bool is_waiting(const struct gateway *gateway, const struct recovery *recovery)
{
        const struct ladder *ladder = &recovery->ladder;

        if (ladder->forced != LADDER_STEP_NONE || ladder->kind != recovery->kind)
                return false;
        switch (ladder->state) {
        case LADDER_PATIENT:
        case LADDER_SPENT:
        case LADDER_ANNOUNCED:
        case LADDER_WATCHING:
        case LADDER_GAVE_UP:
                return gateway->now < ladder->until;
        case LADDER_HELD:
                return recovery_is_held(gateway, recovery);
        case LADDER_QUEUED:
                return usec_sub(gateway->now, recovery->facts.at) < QUEUED_LOOK;
        case LADDER_IDLE:
        case LADDER_STOPPING:
        case LADDER_ACTING:
        case LADDER_SETTLING:
        case LADDER_STATE_MAX:
                break;
        }
        return false;
}

/* A run of the one path is not cut short; and a decision needs to know where the default route is. */
static bool may_decide(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                       struct action_list *actions)
{
        const struct ladder *ladder = &recovery->ladder;

        if (ladder->state == LADDER_ACTING)
                return true;
        if (is_waiting(gateway, recovery))
                return false;
        if (ladder->kind == FAILURE_NONE && ladder->forced == LADDER_STEP_NONE)
                return true;
        if (restart_busy(&gateway->restart))
                return false;
        if (ladder->state == LADDER_QUEUED)
                recovery->facts.known = false;
        return recovery_look(gateway, slot, recovery, actions);
}

static void climb(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                  struct action_list *actions)
{
        for (unsigned i = 0; i < ORDERS_MAX && may_decide(gateway, slot, recovery, actions); i++) {
                struct ladder_world world = recovery_world(gateway, slot, recovery);
                struct ladder_order order = ladder_next(&recovery->ladder, &world, gateway->now);
                recovery->kind = recovery->ladder.kind;
                note_progress(gateway, recovery, actions);
                recovery_save(recovery, actions);
                if (order.kind == ORDER_NONE)
                        break;
                carry_out(gateway, slot, recovery, &order, actions);
        }
}

static void step_slot(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                      struct action_list *actions)
{
        recovery_at_time(gateway, recovery, actions);
        see_presence(gateway, slot, recovery);
        see_failure(gateway, slot, recovery);
        recovery_hand_step(gateway, slot, recovery, actions);
        climb(gateway, slot, recovery, actions);
        recovery_switch_on_left_over(gateway, recovery, actions);
        recovery_save(recovery, actions);
}

void gateway_recovery_step(struct gateway *gateway, struct action_list *actions)
{
        if (!gateway->begun || !gateway_knows_enough(gateway) || gateway->config.mode == MODE_OBSERVE)
                return;
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                struct recovery *recovery = recovery_of(gateway, slot->config.name);
                if (recovery)
                        step_slot(gateway, slot, recovery, actions);
        }
}

/* --- questions --- */

static bool blocks(const struct gateway *gateway, const struct recovery *recovery)
{
        const struct ladder *ladder = &recovery->ladder;

        return ladder_needs_smsd_stopped(ladder) &&
               (ladder->state != LADDER_WATCHING || gateway->now < usec_add(ladder->acted_at, BACK_TIME));
}

bool gateway_recovery_blocks_start(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->recovery.n; i++)
                if (blocks(gateway, &gateway->recovery.items[i]))
                        return true;
        return false;
}

bool gateway_recovery_owns(const struct gateway *gateway, unsigned modem)
{
        for (unsigned i = 0; i < gateway->recovery.n; i++) {
                const struct recovery *recovery = &gateway->recovery.items[i];
                if (recovery->modem == (int)modem &&
                    (recovery->ladder.state == LADDER_ACTING || recovery->at.opening || recovery->at.open))
                        return true;
        }
        return false;
}

/* What a modem may need after a step, from its begin to its first answer. */
static usec_t back_until(const struct gateway *gateway, const struct recovery *recovery)
{
        usec_t boot = recovery->modem >= 0 ? gateway->modems[recovery->modem].boot_timeout
                                           : config_boot_timeout(NULL, NULL);

        return recovery->ladder.step < LADDER_STEP_CFUN
                   ? 0
                   : usec_add(usec_add(recovery->ladder.acted_at, ABSENCE_TIME), boot);
}

bool gateway_recovery_expects_absence(const struct gateway *gateway, const char *name)
{
        const struct recovery *recovery = recovery_find(gateway, name);

        return recovery && ladder_expects_absence(&recovery->ladder) &&
               gateway->now < back_until(gateway, recovery);
}

bool gateway_recovery_is_under_way(const struct gateway *gateway, const char *name)
{
        const struct recovery *recovery = recovery_find(gateway, name);

        if (!recovery)
                return false;
        switch (recovery->ladder.state) {
        case LADDER_STOPPING:
        case LADDER_ACTING:
                return true;
        case LADDER_WATCHING:
        case LADDER_SETTLING:
                return gateway->now < back_until(gateway, recovery);
        default:
                return false;
        }
}

bool gateway_recovery_has(const struct gateway *gateway, const struct slot *slot)
{
        return gateway_recovery_is_under_way(gateway, slot->config.name) &&
               !gateway_slot_served(gateway, slot);
}

/* --- time --- */

static usec_t deadline_of(const struct gateway *gateway, const struct recovery *recovery)
{
        const struct ladder *ladder = &recovery->ladder;
        usec_t deadline = gateway_ahead(gateway, ladder_deadline(ladder));

        if (recovery->at.opening || recovery->at.open)
                deadline = usec_min(deadline, recovery->at.until);
        if (recovery->silent_since)
                deadline = usec_min(deadline,
                                    gateway_ahead(gateway, usec_add(recovery->silent_since,
                                                                    gateway->config.recovery.silent_after)));
        if (recovery->facts.asked)
                deadline =
                    usec_min(deadline, gateway_ahead(gateway, usec_add(recovery->facts.at, FACTS_AGAIN)));
        if (ladder->state == LADDER_QUEUED)
                deadline =
                    usec_min(deadline, gateway_ahead(gateway, usec_add(recovery->facts.at, QUEUED_LOOK)));
        if (ladder->state == LADDER_WATCHING)
                deadline = usec_min(deadline, gateway_ahead(gateway, usec_add(ladder->acted_at, BACK_TIME)));
        if (recovery->off != RECOVERY_OFF_NOTHING)
                deadline = usec_min(deadline, gateway_ahead(gateway, recovery->switch_on_at));
        deadline = usec_min(deadline, gateway_ahead(gateway, recovery->taken_until));
        return usec_min(deadline, recovery_hand_deadline(gateway, recovery));
}

usec_t gateway_recovery_deadline(const struct gateway *gateway)
{
        usec_t deadline = USEC_INFINITY;

        if (gateway->config.mode == MODE_OBSERVE)
                return deadline;
        for (unsigned i = 0; i < gateway->recovery.n; i++)
                deadline = usec_min(deadline, deadline_of(gateway, &gateway->recovery.items[i]));
        return deadline;
}
