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

#define ORDERS_MAX      16                  /* in one step of the gateway */
#define BACK_TIME       (90 * USEC_PER_SEC) /* smsd waits no longer for a modem that was reset */
#define ABSENCE_TIME    (60 * USEC_PER_SEC) /* from a reset to the bus, before boot_timeout begins */
#define QUEUED_LOOK     (5 * USEC_PER_SEC)  /* is the other modem still sending? */
#define SWITCH_ON_AGAIN USEC_PER_MIN        /* what is left off */
#define FACTS_AGAIN     (10 * USEC_PER_SEC) /* an answer that does not come */
#define SWITCH_ANSWER   (2 * USEC_PER_MIN)

/* --- the slots' recoveries --- */

const struct recovery *recovery_find(const struct gateway *gateway, const char *name)
{
        for (unsigned i = 0; i < gateway->recovery.n; i++)
                if (text_equal(gateway->recovery.items[i].name, name))
                        return &gateway->recovery.items[i];
        return NULL;
}

static struct ladder_budget budget_of(const struct recovery_config *config)
{
        return (struct ladder_budget){
            .per_hour = config->resets_per_hour,
            .per_day = config->resets_per_day,
            .route_per_hour = config->route_resets_per_hour,
            .route_per_day = config->route_resets_per_day,
            .stops_per_hour = config->stops_per_hour,
            .stops_per_day = config->stops_per_day,
        };
}

/* A place whose slot is not in the configuration any more. */
static struct recovery *find_orphan(struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->recovery.n; i++)
                if (!slots_find(&gateway->slots, gateway->recovery.items[i].name))
                        return &gateway->recovery.items[i];
        return NULL;
}

static void recovery_init(struct gateway *gateway, struct recovery *recovery, const char *name)
{
        struct ladder_budget budget = budget_of(&gateway->config.recovery);

        memset(recovery, 0, sizeof(*recovery));
        (void)text_copy(recovery->name, sizeof(recovery->name), name);
        (void)text_copy(recovery->saved.name, sizeof(recovery->saved.name), name);
        recovery->modem = -1;
        recovery->at.until = USEC_INFINITY;
        ladder_init(&recovery->ladder, &budget);
}

struct recovery *recovery_of(struct gateway *gateway, const char *name)
{
        struct gateway_recovery *all = &gateway->recovery;
        struct recovery *place;

        for (unsigned i = 0; i < all->n; i++)
                if (text_equal(all->items[i].name, name))
                        return &all->items[i];
        place = all->n < ARRAY_SIZE(all->items) ? &all->items[all->n++] : find_orphan(gateway);
        if (place)
                recovery_init(gateway, place, name);
        return place;
}

void gateway_recovery_reloaded(struct gateway *gateway)
{
        struct ladder_budget budget = budget_of(&gateway->config.recovery);

        for (unsigned i = 0; i < gateway->recovery.n; i++)
                ladder_set_budget(&gateway->recovery.items[i].ladder, &budget);
}

/* --- memory --- */

static void take_record(struct gateway *gateway, const struct recovery_record *record)
{
        struct recovery *recovery = recovery_of(gateway, record->name);

        if (!recovery)
                return;
        ladder_recall(&recovery->ladder, &record->memory, gateway->now);
        recovery->begun_at = recovery->ladder.acted_at;
        recovery->gave_up = recovery->ladder.retry_at > 0 && recovery->ladder.tried & RECOVERY_RESETS;
        recovery->off = record->off;
        (void)text_copy(recovery->off_path, sizeof(recovery->off_path), record->usb);
}

/* Zeroed behind what is used, so that equal ones are equal bytes. */
static void fill_record(const struct recovery *recovery, struct recovery_record *record)
{
        struct ladder_memory memory;

        memset(record, 0, sizeof(*record));
        memset(&memory, 0, sizeof(memory));
        (void)text_copy(record->name, sizeof(record->name), recovery->name);
        ladder_remember(&recovery->ladder, &memory);
        memcpy(record->memory.resets.at, memory.resets.at, memory.resets.n * sizeof(memory.resets.at[0]));
        memcpy(record->memory.stops.at, memory.stops.at, memory.stops.n * sizeof(memory.stops.at[0]));
        record->memory.resets.n = memory.resets.n;
        record->memory.stops.n = memory.stops.n;
        record->memory.tried = memory.tried;
        record->memory.rounds = memory.rounds;
        record->memory.retry_at = memory.retry_at;
        record->memory.acted_at = memory.acted_at;
        record->off = recovery->off;
        if (recovery->off != RECOVERY_OFF_NOTHING)
                (void)text_copy(record->usb, sizeof(record->usb), recovery->off_path);
}

/* Before what it tells of is done: a controller that is killed in the middle has paid for it. */
static void save(struct recovery *recovery, struct action_list *actions)
{
        struct recovery_record record;

        fill_record(recovery, &record);
        if (memcmp(&record, &recovery->saved, sizeof(record)) == 0)
                return;
        recovery->saved = record;
        action_push(actions, ACTION_RECOVERY_SAVE)->recovery = &recovery->saved;
}

/* --- switches --- */

static void begin_switch(struct gateway *gateway, struct recovery *recovery, enum usb_switch what,
                         const char *path, struct action_list *actions)
{
        struct action *action = action_push(actions, ACTION_USB_SWITCH);

        if (++gateway->recovery.switch_token == 0)
                gateway->recovery.switch_token = 1;
        recovery->switch_token = gateway->recovery.switch_token;
        recovery->switch_until = usec_add(gateway->now, SWITCH_ANSWER);
        action->usb_switch.what = what;
        action->usb_switch.token = recovery->switch_token;
        (void)text_copy(action->usb_switch.path, sizeof(action->usb_switch.path), path);
}

static enum usb_switch switch_of(const struct gateway *gateway, enum recovery_off off, bool on)
{
        if (off == RECOVERY_OFF_USB)
                return on ? USB_SWITCH_AUTHORIZE_ON : USB_SWITCH_AUTHORIZE_OFF;
        if (gateway->config.recovery.power_command[0])
                return on ? USB_SWITCH_COMMAND_ON : USB_SWITCH_COMMAND_OFF;
        return on ? USB_SWITCH_PORT_ON : USB_SWITCH_PORT_OFF;
}

static void order_switch(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                         enum recovery_off off, bool on, struct action_list *actions)
{
        const char *path = on && recovery->off_path[0] ? recovery->off_path : recovery_path(gateway, slot);

        if (path[0] == '\0') {
                ladder_done(&recovery->ladder, recovery->ticket, -ENODEV, gateway->now);
                return;
        }
        recovery->switching_on = false;
        if (!on) {
                recovery->off = off;
                (void)text_copy(recovery->off_path, sizeof(recovery->off_path), path);
                save(recovery, actions);
        }
        begin_switch(gateway, recovery, switch_of(gateway, off, on), path, actions);
}

/* A modem must not stay off: what nobody has switched on again, in whichever life, is switched on. */
static void switch_on_left_over(struct gateway *gateway, struct recovery *recovery,
                                struct action_list *actions)
{
        bool answered = recovery->switch_token == 0 || recovery->switch_until <= gateway->now;

        if (recovery->off == RECOVERY_OFF_NOTHING || recovery->ladder.state == LADDER_ACTING || !answered ||
            gateway->now < recovery->switch_on_at)
                return;
        recovery->switching_on = true;
        recovery->switch_on_at = usec_add(gateway->now, SWITCH_ON_AGAIN);
        begin_switch(gateway, recovery, switch_of(gateway, recovery->off, true), recovery->off_path, actions);
}

static void forget_off(struct recovery *recovery)
{
        recovery->off = RECOVERY_OFF_NOTHING;
        recovery->off_path[0] = '\0';
}

static void left_over_switched(struct recovery *recovery, int result, struct action_list *actions)
{
        bool gone = result == -ENODEV && recovery->off == RECOVERY_OFF_USB; /* plugged in anew it is on */

        bool told = recovery->off_told;
        recovery->off_told = result < 0 && !gone;
        if (!recovery->off_told)
                forget_off(recovery);
        else if (told)
                return;
        action_record(actions, RECORD_RECOVERY_SWITCHED,
                      result >= 0 || gone ? SEVERITY_INFO : SEVERITY_WARNING, recovery->name,
                      result >= 0 ? "the modem was left switched off: it is on again"
                      : gone      ? "the modem was left switched off: it is not there any more"
                                  : "the modem was left switched off and cannot be switched on (%s): tried "
                                    "again each minute",
                      strerror(result < 0 ? -result : 0));
}

static void switched(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->recovery.n; i++) {
                struct recovery *recovery = &gateway->recovery.items[i];
                int result = event->switched.result;
                if (recovery->switch_token == 0 || recovery->switch_token != event->switched.token)
                        continue;
                recovery->switch_token = 0;
                if (recovery->switching_on) {
                        left_over_switched(recovery, result, actions);
                        continue;
                }
                /* The second part of each of these steps is the one that switches on. */
                if (result >= 0 && recovery->ladder.part > 0)
                        forget_off(recovery);
                ladder_done(&recovery->ladder, recovery->ticket, result, gateway->now);
        }
}

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
                take_record(gateway, &event->recovery);
                break;
        case EVENT_RECOVERY_SEEN:
                seen(gateway, &event->recovery_seen);
                break;
        case EVENT_USB_SWITCHED:
                switched(gateway, event, actions);
                break;
        default:
                break;
        }
}

void recovery_at_done(struct gateway *gateway, struct recovery *recovery, int result)
{
        ladder_done(&recovery->ladder, recovery->ticket, result, gateway->now);
}

void gateway_recovery_handler_ended(struct gateway *gateway, const struct slot *slot)
{
        struct recovery *recovery = recovery_of(gateway, slot->config.name);

        if (!recovery)
                return;
        if (recovery->handler_ends++ == 0)
                recovery->handler_ends_since = gateway->now;
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
}

static void see_failure(struct gateway *gateway, const struct slot *slot, struct recovery *recovery)
{
        enum failure_kind kind = FAILURE_NONE;

        if (!slot->silent)
                recovery->silent_since = 0;
        else if (recovery->silent_since == 0)
                recovery->silent_since = gateway->now;
        if (!gateway_slot_failure(gateway, slot, &kind))
                return;
        bool away = kind == FAILURE_GONE || kind == FAILURE_PORTS_MISSING;
        if (kind != FAILURE_NONE && !(away && gateway_recovery_expects_absence(gateway, recovery->name)))
                ladder_fail(&recovery->ladder, kind, gateway->now);
        if (kind != FAILURE_NONE)
                return;
        ladder_well(&recovery->ladder, gateway->now);
        recovery->gave_up = false;
        if (gateway_slot_served(gateway, slot))
                recovery->handler_ends = 0;
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
                recovery_tell_order(gateway, slot, recovery, order, actions);
                break;
        case ORDER_STOP_SMSD:
                stop_smsd(gateway, actions);
                break;
        case ORDER_AT:
                recovery_at_begin(gateway, slot, recovery, order, actions);
                break;
        case ORDER_USB_OFF:
        case ORDER_USB_ON:
                order_switch(gateway, slot, recovery, RECOVERY_OFF_USB, order->kind == ORDER_USB_ON, actions);
                break;
        case ORDER_POWER_OFF:
        case ORDER_POWER_ON:
                order_switch(gateway, slot, recovery, RECOVERY_OFF_POWER, order->kind == ORDER_POWER_ON,
                             actions);
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

static void note_progress(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                          struct action_list *actions)
{
        const struct ladder *ladder = &recovery->ladder;

        if (ladder->acted_at != recovery->begun_at && ladder->acted_at == gateway->now) {
                static const struct ladder_order begun = {.kind = ORDER_NONE};
                recovery->begun_at = ladder->acted_at;
                recovery->shown = ladder->step;
                recovery->returned_at = 0;
                recovery_tell_order(gateway, slot, recovery, &begun, actions);
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
                note_progress(gateway, slot, recovery, actions);
                save(recovery, actions);
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
        switch_on_left_over(gateway, recovery, actions);
        save(recovery, actions);
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

bool gateway_recovery_expects_absence(const struct gateway *gateway, const char *name)
{
        const struct recovery *recovery = recovery_find(gateway, name);
        const struct slot *slot = NULL;

        if (!recovery || !ladder_expects_absence(&recovery->ladder))
                return false;
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (text_equal(gateway->slots.items[i].config.name, name))
                        slot = &gateway->slots.items[i];
        usec_t boot = slot ? slot->config.boot_timeout : 0;
        return gateway->now < usec_add(usec_add(recovery->ladder.acted_at, ABSENCE_TIME), boot);
}

bool gateway_recovery_is_under_way(const struct gateway *gateway, const char *name)
{
        const struct recovery *recovery = recovery_find(gateway, name);

        return recovery &&
               (recovery->ladder.state == LADDER_STOPPING || recovery->ladder.state == LADDER_ACTING ||
                gateway_recovery_expects_absence(gateway, name));
}

/* --- time --- */

static usec_t ahead(const struct gateway *gateway, usec_t deadline)
{
        return deadline > gateway->now ? deadline : USEC_INFINITY;
}

static usec_t deadline_of(const struct gateway *gateway, const struct recovery *recovery)
{
        const struct ladder *ladder = &recovery->ladder;
        usec_t deadline = ahead(gateway, ladder_deadline(ladder));

        if (recovery->at.opening || recovery->at.open)
                deadline = usec_min(deadline, recovery->at.until);
        if (recovery->silent_since)
                deadline = usec_min(
                    deadline,
                    ahead(gateway, usec_add(recovery->silent_since, gateway->config.recovery.silent_after)));
        if (recovery->facts.asked)
                deadline = usec_min(deadline, ahead(gateway, usec_add(recovery->facts.at, FACTS_AGAIN)));
        if (ladder->state == LADDER_QUEUED)
                deadline = usec_min(deadline, ahead(gateway, usec_add(recovery->facts.at, QUEUED_LOOK)));
        if (ladder->state == LADDER_WATCHING)
                deadline = usec_min(deadline, ahead(gateway, usec_add(ladder->acted_at, BACK_TIME)));
        if (recovery->off != RECOVERY_OFF_NOTHING)
                deadline = usec_min(deadline, ahead(gateway, recovery->switch_on_at));
        deadline = usec_min(deadline, ahead(gateway, recovery->taken_until));
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
