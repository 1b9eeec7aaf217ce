/*
 * The look at the health of a modem that smsd uses: when it is due, on which port, and when there must be
 * none. What is asked is core/health_dialogue, what the answers mean gateway_verdict.c.
 *
 * The port is opened for each look and closed after it, not kept. An open one would tell of little more (the
 * modem's URCs go to smsd's port), and would be in everybody's way: another program that wants the modem's
 * second port finds it free, an unplugged modem gets its numbers back at once, and nobody is woken by a
 * chatty modem. That it has restarted in between shows all the same: it echoes again what an earlier look had
 * switched off.
 *
 * It is never smsd's port, nor one that anybody has open (the daemon looks right before it opens it), nor any
 * port during a hold: whoever holds smsd may be working on the modem.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define LOOKS_AT_ONCE  4                  /* each begins with a look through /proc */
#define EARLY          HEALTH_GRID        /* a look goes with the wakeup before it */
#define EARLY_IN_DOUBT (5 * USEC_PER_SEC) /* then there are more of them */
#define CLEAN_EVERY    USEC_PER_HOUR
#define KERNEL_ONCE    (5 * USEC_PER_SEC)  /* looks at several modems begin together */
#define AFTER_PLUG     (10 * USEC_PER_SEC) /* smsd comes first */

/* --- which port --- */

static bool is_smsd_port(const struct gateway *gateway, const char *path)
{
        if (smsd_state_holds(&gateway->smsd, path))
                return true;
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (text_equal(gateway->slots.items[i].conf_device, path) ||
                    text_equal(gateway->slots.items[i].serving, path))
                        return true;
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (modem_present(&gateway->modems[i]) && (text_equal(gateway->modems[i].node, path) ||
                                                           text_equal(gateway->modems[i].target, path)))
                        return true;
        return false;
}

const char *gateway_spare_port(const struct gateway *gateway, const struct slot *slot,
                               const struct modem *modem)
{
        const char *wanted = slot->config.health_port;

        if (text_equal(wanted, "none"))
                return NULL;
        if (!text_equal(wanted, "auto"))
                return is_smsd_port(gateway, wanted) ? NULL : wanted;
        if (modem->fixed || modem->map.modem < 0 || (unsigned)modem->map.modem >= modem->device.n_interfaces)
                return NULL;
        const struct usb_interface *interface = &modem->device.interfaces[modem->map.modem];
        if (interface->node[0] == '\0' || is_smsd_port(gateway, interface->node) ||
            is_smsd_port(gateway, interface->target))
                return NULL;
        return interface->node;
}

/* --- whether --- */

/* A modem that the probe is still asking for its first answer has its time. */
static bool is_up(const struct gateway *gateway, const struct modem *modem)
{
        return modem_usable(modem) || modem->in_use || modem->state == MODEM_DEGRADED ||
               (modem->state == MODEM_PROBING && gateway->now >= modem->give_up);
}

static bool may_look(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        return modem && is_up(gateway, modem) && gateway_knows_enough(gateway) && !gateway->hold.active &&
               !gateway->unit.stopping && !gateway_recovery_has(gateway, slot) &&
               !gateway_recovery_owns(gateway, (unsigned)slot->modem);
}

static bool is_under_way(const struct gateway_look *look)
{
        return look->opening || look->open;
}

static unsigned under_way(const struct gateway *gateway)
{
        unsigned n = 0;

        for (unsigned i = 0; i < gateway->n_modems; i++)
                n += is_under_way(&gateway->looks[i]);
        return n;
}

/* smsd had it before us, and has not said all of it. */
static bool wants_identity(const struct gateway *gateway, int modem)
{
        const struct modem_facts *facts = &gateway->modems[modem].facts;

        return !gateway->looks[modem].identified && !gateway->modems[modem].proven &&
               (facts->imei[0] == '\0' || facts->imsi[0] == '\0');
}

/* When the slot's next look begins, `early` of its time allowed. */
static usec_t due_at(const struct gateway *gateway, const struct slot *slot, usec_t early)
{
        const struct gateway_look *look = &gateway->looks[slot->modem];

        if (look->usable_since == 0)
                return USEC_INFINITY;
        /* smsd sends through it already, and perhaps must not. */
        if (slot->wary && wants_identity(gateway, slot->modem))
                return look->usable_since;
        return usec_max(usec_sub(health_deadline(&slot->health), early),
                        usec_add(look->usable_since, AFTER_PLUG));
}

/* --- the kernel's log --- */

static bool all_well(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway->slots.items[i].health.verdict.state != HEALTH_WELL)
                        return false;
        return gateway->slots.n > 0;
}

static void read_kernel(struct gateway *gateway, usec_t interval, struct action_list *actions)
{
        if (gateway->kernel_at != 0 && usec_sub(gateway->now, gateway->kernel_at) < interval)
                return;
        gateway->kernel_at = gateway->now;
        action_push(actions, ACTION_KERNEL_READ);
}

void gateway_look_at_kernel(struct gateway *gateway, struct action_list *actions)
{
        read_kernel(gateway, all_well(gateway) ? HEALTH_WELL_INTERVAL : HEALTH_DOUBT_INTERVAL, actions);
}

/* --- a look --- */

static void close_port(struct gateway_look *look, unsigned modem, struct action_list *actions)
{
        if (is_under_way(look))
                (void)action_port(actions, ACTION_PORT_CLOSE, modem_spare(modem), look->generation, "");
        look->opening = look->open = false;
}

/* The modem's own word is newer than smsd's, which repeats its own every two minutes while it is true. */
static void refute_smsd(struct slot *slot, const struct health_answers *answers)
{
        if (answers->circuit == REGISTRATION_HOME || answers->circuit == REGISTRATION_ROAMING)
                slot->unregistered = slot->denied = false;
}

/* It is told what became of it. */
static void tell_cleanup(struct gateway *gateway, const struct slot *slot, struct gateway_look *look,
                         struct action_list *actions)
{
        const struct modem_facts *facts = &look->answers.facts;
        enum health_reply reply = look->answers.said[HEALTH_ASK_CLEANUP].reply;

        if (reply == HEALTH_UNASKED)
                return;
        look->cleaned_at = gateway->now;
        action_record(
            actions, RECORD_STORAGE_CLEANED, reply == HEALTH_ANSWERED ? SEVERITY_INFO : SEVERITY_WARNING,
            slot->config.name,
            reply == HEALTH_ANSWERED
                ? "its memory was nearly full: what had been read was deleted, %d of %d places are taken now"
                : "its memory is nearly full, and what has been read cannot be deleted (%d of %d places)",
            facts->storage_used, facts->storage_total);
}

static void take_identity(struct modem *modem, const struct modem_facts *from)
{
        struct modem_facts *to = &modem->facts;

        if (to->imei[0] == '\0')
                (void)text_copy(to->imei, sizeof(to->imei), from->imei);
        if (to->imsi[0] == '\0' && text_equal(to->imei, from->imei))
                (void)text_copy(to->imsi, sizeof(to->imsi), from->imsi);
}

static void end_look(struct gateway *gateway, unsigned modem, enum health_outcome outcome,
                     struct action_list *actions)
{
        struct gateway_look *look = &gateway->looks[modem];
        struct slot *slot = slots_of_modem(&gateway->slots, modem);

        close_port(look, modem, actions);
        look->outcome = outcome;
        look->at = gateway->now;
        look->identified = true;
        look->seen_before = look->answered;
        look->echo_kept = look->echo_off;
        if (outcome != HEALTH_RUNNING) {
                (void)text_copy(look->refusal, sizeof(look->refusal),
                                outcome == HEALTH_SILENT || outcome == HEALTH_NOT_AT
                                    ? "its second port does not answer AT commands"
                                    : "");
                look->answers = look->dialogue.answers;
                look->answered = look->answered || outcome == HEALTH_COMPLETE || outcome == HEALTH_PARTIAL;
                look->echo_off = look->echo_off || (look->seen_before && !look->answers.echoed);
                gateway_look_learn(&gateway->modems[modem], &look->answers);
                take_identity(&gateway->modems[modem], &look->answers.facts);
        }
        if (slot && outcome != HEALTH_RUNNING) {
                refute_smsd(slot, &look->answers);
                tell_cleanup(gateway, slot, look, actions);
        }
        if (slot)
                gateway_judge_slot(gateway, slot, true);
}

void gateway_look_interrupt(struct gateway *gateway, unsigned modem, struct action_list *actions)
{
        if (!is_under_way(&gateway->looks[modem]))
                return;
        end_look(gateway, modem, HEALTH_RUNNING, actions);
        gateway->looks[modem].identified = false; /* asked again */
}

static void begin_look(struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        unsigned index = (unsigned)slot->modem;
        struct gateway_look *look = &gateway->looks[index];
        const struct modem *modem = &gateway->modems[index];
        const char *path = gateway_spare_port(gateway, slot, modem);

        read_kernel(gateway, KERNEL_ONCE, actions);
        (void)action_port(actions, ACTION_HOLDER_LOOK, modem_spare(index), look->generation, modem->node);
        if (!path) {
                look->refusal[0] = '\0';
                end_look(gateway, index, HEALTH_RUNNING, actions);
                return;
        }
        if (gateway->config.storage_cleanup)
                action_push(actions, ACTION_STATUS_READ); /* whether it idles now */
        look->generation++;
        look->opening = true;
        struct action *action =
            action_port(actions, ACTION_PORT_OPEN, modem_spare(index), look->generation, path);
        (void)text_copy(action->port.avoid, sizeof(action->port.avoid), modem->node);
}

static void write_output(struct gateway_look *look, unsigned modem, struct action_list *actions)
{
        char output[AT_OUTPUT_MAX];
        size_t length = health_dialogue_output(&look->dialogue, output, sizeof(output));

        action_port_write(actions, modem_spare(modem), look->generation, output, length);
}

static void go_on(struct gateway *gateway, unsigned modem, struct action_list *actions)
{
        struct gateway_look *look = &gateway->looks[modem];

        write_output(look, modem, actions);
        if (look->dialogue.outcome != HEALTH_RUNNING)
                end_look(gateway, modem, look->dialogue.outcome, actions);
}

static bool smsd_tells_signal(const struct gateway *gateway, const struct slot *slot)
{
        const struct smsd_status_modem *status = smsd_status_find(&gateway->smsd.status, slot->config.name);

        return gateway->smsd.status_known && status && status->signal_dbm != 0 && slot->answered;
}

/*
 * With AT+CMGR smsd has the text of a message in hand before that counts as read, so deleting what has been
 * read takes nothing from it; where it lists (AT+CMGL) that is not so. Never while it does not poll: what a
 * killed smsd had read and not stored is read again by the next one.
 */
static bool may_clean(const struct gateway *gateway, const struct slot *slot, const struct gateway_look *look)
{
        const struct smsd_status_modem *status = smsd_status_find(&gateway->smsd.status, slot->config.name);

        return gateway->config.storage_cleanup && gateway->config.mode == MODE_CONTROL &&
               !slot->lists_messages && slot->poll_interval > 0 && slot->answered &&
               gateway->smsd.status_known && status && status->state == HANDLER_IDLE &&
               !restart_busy(&gateway->restart) &&
               gateway_slot_health(gateway, slot, gateway->now) == SLOT_WELL &&
               (look->cleaned_at == 0 || usec_sub(gateway->now, look->cleaned_at) >= CLEAN_EVERY);
}

static void opened(struct gateway *gateway, unsigned modem, const struct port_event *port,
                   struct action_list *actions)
{
        struct gateway_look *look = &gateway->looks[modem];
        const struct slot *slot = slots_of_modem(&gateway->slots, modem);
        const struct port_holder *holder = &port->holder;

        if (port->result >= 0) {
                look->opening = false;
                look->open = true;
                health_dialogue_start(&look->dialogue, !slot || health_wants_all(&slot->health), gateway->now,
                                      usec_add(gateway->now, HEALTH_DIALOGUE_LENGTH));
                if (wants_identity(gateway, (int)modem))
                        health_dialogue_ask_identity(&look->dialogue);
                if (slot && smsd_tells_signal(gateway, slot))
                        health_dialogue_skip_signal(&look->dialogue);
                if (slot && may_clean(gateway, slot, look))
                        health_dialogue_allow_cleanup(&look->dialogue);
                go_on(gateway, modem, actions);
                return;
        }
        if (port->result == -EBUSY && holder->id.pid > 0)
                (void)text_format(look->refusal, sizeof(look->refusal), "%s (pid %d%s%s) has its second port",
                                  holder->command, (int)holder->id.pid, holder->unit[0] ? ", " : "",
                                  holder->unit);
        else
                (void)text_format(look->refusal, sizeof(look->refusal),
                                  "its second port cannot be opened: %s", strerror(-port->result));
        look->opening = false; /* there is nothing to close */
        end_look(gateway, modem, HEALTH_RUNNING, actions);
}

/* --- what happens --- */

static void port_event(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        unsigned modem = event->port.modem - MODEMS_MAX;
        struct gateway_look *look = &gateway->looks[modem < MODEMS_MAX ? modem : 0];

        if (modem >= gateway->n_modems || event->port.generation != look->generation || !is_under_way(look))
                return;
        if (event->kind == EVENT_PORT_OPENED && look->opening) {
                opened(gateway, modem, &event->port, actions);
        } else if (event->kind == EVENT_PORT_DATA && look->open) {
                health_dialogue_receive(&look->dialogue, event->port.data, event->port.length, gateway->now);
                go_on(gateway, modem, actions);
        } else if (event->kind == EVENT_PORT_CLOSED) {
                /* Unplugged, or EIO: the first tells the bus, the second the next look. */
                (void)text_copy(look->refusal, sizeof(look->refusal),
                                "its second port failed while it was asked");
                end_look(gateway, modem, HEALTH_RUNNING, actions);
        }
}

void gateway_look_event(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        unsigned modem;

        switch (event->kind) {
        case EVENT_PORT_OPENED:
        case EVENT_PORT_DATA:
        case EVENT_PORT_CLOSED:
                port_event(gateway, event, actions);
                break;
        case EVENT_HOLDER:
                modem = event->holder.modem - MODEMS_MAX;
                if (modem < gateway->n_modems)
                        gateway->looks[modem].holder =
                            event->holder.result == 0 ? event->holder.holder : (struct port_holder){0};
                break;
        case EVENT_KERNEL:
                kernel_trouble_take(&gateway->kernel, &event->kernel, gateway->now);
                break;
        default:
                break;
        }
}

/* It left, or is another one: nothing of what was seen is true of it. */
static void forget(struct gateway_look *look, unsigned modem, struct action_list *actions)
{
        unsigned generation = look->generation;

        close_port(look, modem, actions);
        memset(look, 0, sizeof(*look));
        look->generation = generation;
}

static void follow_modem(struct gateway *gateway, unsigned modem, struct action_list *actions)
{
        struct gateway_look *look = &gateway->looks[modem];
        const struct slot *slot = slots_of_modem(&gateway->slots, modem);

        if (!modem_present(&gateway->modems[modem]) || !is_up(gateway, &gateway->modems[modem])) {
                if (look->usable_since || is_under_way(look))
                        forget(look, modem, actions);
                return;
        }
        if (!slot || !may_look(gateway, slot)) /* a hold, a reset of ours: at once */
                close_port(look, modem, actions);
        else if (look->usable_since == 0)
                look->usable_since = gateway->now;
        if (look->open && health_dialogue_deadline(&look->dialogue) <= gateway->now) {
                health_dialogue_tick(&look->dialogue, gateway->now);
                go_on(gateway, modem, actions);
        }
}

void gateway_look_time(struct gateway *gateway, bool timer, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->n_modems; i++)
                follow_modem(gateway, i, actions);
        for (unsigned i = 0; i < gateway->slots.n && !restart_busy(&gateway->restart); i++) {
                struct slot *slot = &gateway->slots.items[i];
                bool well = slot->health.verdict.state == HEALTH_WELL;
                usec_t early = !timer ? 0 : well ? EARLY : EARLY_IN_DOUBT;
                if (may_look(gateway, slot) && !is_under_way(&gateway->looks[slot->modem]) &&
                    due_at(gateway, slot, early) <= gateway->now && under_way(gateway) < LOOKS_AT_ONCE)
                        begin_look(gateway, slot, actions);
        }
}

usec_t gateway_look_deadline(const struct gateway *gateway)
{
        usec_t deadline = USEC_INFINITY;
        bool room = under_way(gateway) < LOOKS_AT_ONCE && !restart_busy(&gateway->restart);

        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (gateway->looks[i].open)
                        deadline = usec_min(deadline, health_dialogue_deadline(&gateway->looks[i].dialogue));
        for (unsigned i = 0; i < gateway->slots.n && room; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                if (!may_look(gateway, slot) || is_under_way(&gateway->looks[slot->modem]))
                        continue;
                /* One that is well goes with the look at smsd, each minute: no timer of its own. */
                bool rides = slot->health.verdict.state == HEALTH_WELL && gateway->smsd.running &&
                             gateway->looks[slot->modem].at != 0;
                if (!rides)
                        deadline = usec_min(deadline, due_at(gateway, slot, 0));
        }
        return deadline;
}
