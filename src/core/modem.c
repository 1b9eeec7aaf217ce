/*
 * The lifecycle of one physical modem, see core/modem.h. It never decides whether smsd runs; it only says
 * whether this modem could serve, on which port, and why not.
 */
#include "core/modem.h"

#include "base/text.h"
#include "modem_private.h"

#include <string.h>

#define HELD_RETRY   (2 * USEC_PER_SEC)  /* somebody has the port open: look again */
#define FAILED_RETRY (15 * USEC_PER_SEC) /* boot_timeout is over: ask the SIM again now and then */
#define SLICE        (5 * USEC_PER_SEC)  /* per port, when nothing but AT can tell which one it is */

void modem_init(struct modem *modem)
{
        memset(modem, 0, sizeof(*modem));
        modem_facts_init(&modem->facts);
        modem->retry_at = USEC_INFINITY;
}

bool modems_have_port(const struct modem *modems, unsigned n, const char *target)
{
        for (unsigned i = 0; i < n; i++)
                if (modem_present(&modems[i]) && text_equal(modems[i].target, target))
                        return true;
        return false;
}

bool modem_usable(const struct modem *modem)
{
        return modem->state == MODEM_READY || (modem->state == MODEM_DEGRADED && !modem->distrusted);
}

int modem_interface(const struct modem *modem)
{
        for (unsigned i = 0; i < modem->device.n_interfaces; i++)
                if (modem->node[0] && text_equal(modem->device.interfaces[i].node, modem->node))
                        return modem->device.interfaces[i].number;
        return -1;
}

void modem_close_port(struct modem *modem, unsigned index, struct action_list *actions)
{
        if (modem->open || modem->opening)
                (void)action_port(actions, ACTION_PORT_CLOSE, index, modem->generation, "");
        modem->open = modem->opening = false;
        modem_setup_lost(modem);
}

void modem_set_state(struct modem *modem, enum modem_state state, const char *reason)
{
        modem->state = state;
        modem->retry_at = USEC_INFINITY;
        (void)text_copy(modem->reason, sizeof(modem->reason), reason);
}

/* The next port to try: the AT interface first, then (when that was none) its siblings in order. -1: none
 * (yet). */
static int choose_interface(const struct modem *modem)
{
        const struct usb_device *device = &modem->device;
        int preferred[] = {modem->map.at, modem->map.modem};

        for (unsigned i = 0; i < ARRAY_SIZE(preferred); i++)
                if (preferred[i] >= 0 && !(modem->tried & (1U << preferred[i])))
                        return device->interfaces[preferred[i]].node[0] ? preferred[i] : -1;
        for (unsigned i = 0; i < device->n_interfaces; i++)
                if (device->interfaces[i].node[0] && modem->map.roles[i] != PORT_ROLE_NONE &&
                    !(modem->tried & (1U << i)))
                        return (int)i;
        return -1;
}

void modem_begin_probing(struct modem *modem, usec_t now)
{
        modem_set_state(modem, MODEM_PROBING, "waiting for its first answer");
        modem->told = false;
        modem_setup_drop(modem);
        /* A dialogue that runs already decides. */
        modem->retry_at = modem->open || modem->opening ? USEC_INFINITY : now;
}

/* Takes the port that is to be tried; false when its tty is not there yet. */
static bool take_interface(struct modem *modem)
{
        int i = choose_interface(modem);

        if (i < 0)
                return false;
        (void)text_copy(modem->node, sizeof(modem->node), modem->device.interfaces[i].node);
        (void)text_copy(modem->target, sizeof(modem->target), modem->device.interfaces[i].target);
        return true;
}

/* The port that is asked or used, by its interface and what its name leads to: after a quick replug another
 * one may have its number, or a stable name may lead to another number. */
static bool is_same_port(const struct modem *modem, int interface)
{
        for (unsigned i = 0; i < modem->device.n_interfaces; i++)
                if (modem->node[0] && modem->device.interfaces[i].number == interface)
                        return text_equal(modem->device.interfaces[i].target, modem->target);
        return false;
}

/* The same port may have got another name: udev's rules were installed, or removed, while it is plugged in.
 */
static void take_name(struct modem *modem, int interface)
{
        for (unsigned i = 0; i < modem->device.n_interfaces; i++)
                if (modem->device.interfaces[i].number == interface) {
                        (void)text_copy(modem->node, sizeof(modem->node), modem->device.interfaces[i].node);
                        return;
                }
}

static void settle(struct modem *modem, bool same_port, usec_t now)
{
        if (modem->map.result != PORT_MAP_OK && modem->map.result != PORT_MAP_NO_AT_INTERFACE) {
                modem_set_state(modem, MODEM_FAILED, port_map_result_to_string(modem->map.result));
                return;
        }
        if (same_port && modem->state != MODEM_SETTLING)
                return; /* a sibling tty came or left: nothing for us */
        modem->proven = false;
        modem->ready_at = 0;
        modem->node[0] = modem->target[0] = '\0';
        if (take_interface(modem))
                modem_begin_probing(modem, now);
        else
                modem_set_state(modem, MODEM_SETTLING, "waiting for the kernel to make its AT port");
}

void modem_device(struct modem *modem, unsigned index, const struct usb_device *device,
                  const struct profile *profile, usec_t boot_timeout, usec_t now, struct action_list *actions)
{
        bool other = modem->state == MODEM_ABSENT || modem->device.vendor != device->vendor ||
                     modem->device.product != device->product || modem->device.release != device->release;

        if (other) {
                unsigned generation = modem->generation;
                modem_close_port(modem, index, actions);
                modem_init(modem);
                modem->generation = generation;
                modem->state = MODEM_SETTLING;
        }
        int interface = modem_interface(modem);
        bool settled = modem->node[0] != '\0';
        modem->boot_timeout = boot_timeout;
        modem->give_up = other ? usec_add(now, boot_timeout) : modem->give_up;
        modem->device = *device;
        modem->profile = profile;
        port_map_device(device, modem->profile, &modem->map);
        bool same_port = is_same_port(modem, interface);
        if (same_port)
                take_name(modem, interface);
        else if (settled) {
                modem_close_port(modem, index, actions);
                modem->give_up = usec_add(now, boot_timeout); /* it was plugged in anew, unnoticed */
        }
        settle(modem, same_port, now);
}

void modem_node(struct modem *modem, unsigned index, const char *node, const char *target,
                usec_t boot_timeout, usec_t now, struct action_list *actions)
{
        if (modem_present(modem) && text_equal(modem->node, node) && text_equal(modem->target, target))
                return;
        unsigned generation = modem->generation;
        modem_close_port(modem, index, actions);
        modem_init(modem);
        modem->generation = generation;
        modem->fixed = true;
        modem->boot_timeout = boot_timeout;
        modem->give_up = usec_add(now, boot_timeout);
        (void)text_copy(modem->node, sizeof(modem->node), node);
        (void)text_copy(modem->target, sizeof(modem->target), target);
        modem_begin_probing(modem, now);
}

void modem_gone(struct modem *modem, unsigned index, struct action_list *actions)
{
        modem_close_port(modem, index, actions);
        modem_setup_drop(modem);
        modem_set_state(modem, MODEM_ABSENT, "it is not plugged in");
        modem->told = modem->proven = false;
        modem->ready_at = 0;
}

void modem_reprobe(struct modem *modem, usec_t now)
{
        if (!modem_usable(modem))
                return;
        modem->give_up = usec_add(now, modem->boot_timeout);
        modem_begin_probing(modem, now);
}

void modem_distrust(struct modem *modem, usec_t now)
{
        modem_reprobe(modem, now);
        modem->distrusted = modem_present(modem);
        modem->facts.sim = SIM_UNKNOWN;
        modem->facts.pin_attempts = -1;
}

void modem_trust(struct modem *modem)
{
        if (!modem->in_use)
                return;
        modem->distrusted = false;
        modem->facts.sim = SIM_READY;
        modem->facts.pin_attempts = -1;
        if (modem->state != MODEM_READY || modem->reason[0])
                modem_set_state(modem, MODEM_READY, "");
}

void modem_forgive(struct modem *modem)
{
        modem->distrusted = false;
}

static void open_port(struct modem *modem, unsigned index, struct action_list *actions)
{
        modem->generation++;
        modem->opening = true;
        modem->retry_at = USEC_INFINITY;
        (void)action_port(actions, ACTION_PORT_OPEN, index, modem->generation, modem->node);
}

/* Sends what the dialogue wants to say. */
static void send_output(struct modem *modem, unsigned index, struct action_list *actions)
{
        char output[AT_OUTPUT_MAX];
        size_t length = at_dialogue_output(&modem->dialogue, output, sizeof(output));

        action_port_write(actions, index, modem->generation, output, length);
}

static void mark_tried(struct modem *modem)
{
        for (unsigned i = 0; i < modem->device.n_interfaces; i++)
                if (text_equal(modem->device.interfaces[i].node, modem->node))
                        modem->tried |= 1U << i;
}

/* The port is none that speaks AT (or stayed silent for its slice): try the next one. */
static void next_interface(struct modem *modem, usec_t now)
{
        mark_tried(modem);
        if (!modem->fixed && take_interface(modem)) {
                modem_begin_probing(modem, now);
                return;
        }
        modem->tried = 0;
        if (now < modem->give_up && !modem->fixed && take_interface(modem)) {
                modem_begin_probing(modem, now);
                modem->retry_at = usec_add(now, USEC_PER_SEC);
                return;
        }
        modem_set_state(modem, MODEM_FAILED,
                        "none of its ports answers AT commands: is it a modem? See `smswarden modems`");
        modem->retry_at = usec_add(now, FAILED_RETRY);
}

static bool guessing(const struct modem *modem)
{
        return modem->profile && modem->profile->rule == PORT_RULE_ANY_SERIAL && !modem->fixed &&
               !modem->proven;
}

static const char *sim_reason(enum sim_state sim)
{
        switch (sim) {
        case SIM_ABSENT:
                return "no SIM card is found: put one in, or reseat it";
        case SIM_BUSY:
                return "the SIM card is still busy";
        case SIM_FAILURE:
                return "the SIM card cannot be read: reseat it, or try another one";
        case SIM_PUK:
                return "the SIM is locked and asks for its PUK: unlock it by hand (AT+CPIN=\"PUK\",\"new "
                       "PIN\")";
        case SIM_PIN:
                return "the SIM asks for its PIN";
        case SIM_READY:
        case SIM_UNKNOWN:
                break;
        }
        return "the SIM has not reported its state";
}

/* The dialogue has decided. */
static void conclude(struct modem *modem, usec_t now)
{
        modem->facts = modem->dialogue.facts;
        modem->proven = modem->dialogue.exchange.proven;
        switch (modem->dialogue.verdict) {
        case AT_VERDICT_READY:
                modem->distrusted = false;
                modem->ready_at = now;
                modem_set_state(modem, MODEM_READY, "");
                break;
        case AT_VERDICT_SIM:
                modem_set_state(modem, modem->facts.sim == SIM_PIN ? MODEM_READY : MODEM_DEGRADED,
                                sim_reason(modem->facts.sim));
                modem->retry_at = usec_add(now, FAILED_RETRY);
                break;
        case AT_VERDICT_SILENT:
                if (guessing(modem)) {
                        next_interface(modem, now);
                        break;
                }
                modem_set_state(modem, MODEM_DEGRADED, "it has not answered AT within boot_timeout");
                modem->retry_at = usec_add(now, FAILED_RETRY);
                break;
        case AT_VERDICT_NOT_AT:
                next_interface(modem, now);
                break;
        case AT_VERDICT_RUNNING:
                break;
        }
}

/* A card that is missing is worth a word at once, not only when boot_timeout is over. */
static void tell_progress(struct modem *modem)
{
        enum sim_state sim = modem->dialogue.facts.sim;

        if (sim == SIM_ABSENT || sim == SIM_BUSY || sim == SIM_FAILURE)
                (void)text_copy(modem->reason, sizeof(modem->reason), sim_reason(sim));
}

static void continue_dialogue(struct modem *modem, unsigned index, usec_t now, struct action_list *actions)
{
        send_output(modem, index, actions);
        if (modem->dialogue.verdict == AT_VERDICT_RUNNING) {
                tell_progress(modem);
                return;
        }
        modem_close_port(modem, index, actions);
        conclude(modem, now);
}

static void start_dialogue(struct modem *modem, unsigned index, usec_t now, struct action_list *actions)
{
        usec_t give_up = modem->give_up > now ? modem->give_up : usec_add(now, SLICE);

        if (guessing(modem))
                give_up = usec_min(give_up, usec_add(now, SLICE));
        modem->open = true;
        at_dialogue_start(&modem->dialogue, now, give_up);
        continue_dialogue(modem, index, now, actions);
}

static void opened(struct modem *modem, unsigned index, const struct port_event *port, usec_t now,
                   struct action_list *actions)
{
        modem->opening = false;
        if (port->result >= 0 && modem->setup.phase == SETUP_DUE) {
                modem->open = true;
                modem->setup.phase = SETUP_OPEN;
                return;
        }
        if (port->result >= 0) {
                start_dialogue(modem, index, now, actions);
                return;
        }
        modem->retry_at = usec_add(now, HELD_RETRY);
        if (port->result == -EBUSY && port->holder.id.pid > 0)
                (void)text_format(modem->reason, sizeof(modem->reason),
                                  "%s is held by %s (pid %d%s%s): end that program", modem->node,
                                  port->holder.command, (int)port->holder.id.pid,
                                  port->holder.unit[0] ? ", " : "", port->holder.unit);
        else
                (void)text_format(modem->reason, sizeof(modem->reason), "%s cannot be opened: %s",
                                  modem->node, strerror(-port->result));
}

void modem_port_event(struct modem *modem, unsigned index, enum event_kind kind,
                      const struct port_event *port, usec_t now, struct action_list *actions)
{
        if (port->generation != modem->generation || !(modem->opening || modem->open))
                return;
        if (kind == EVENT_PORT_OPENED && modem->opening)
                opened(modem, index, port, now, actions);
        if (kind == EVENT_PORT_DATA && modem->open && modem_setup_has_port(modem))
                modem_setup_receive(modem, index, port->data, port->length, now, actions);
        else if (kind == EVENT_PORT_DATA && modem->open) {
                at_dialogue_receive(&modem->dialogue, port->data, port->length, now);
                continue_dialogue(modem, index, now, actions);
        }
        if (kind == EVENT_PORT_CLOSED) {
                modem_close_port(modem, index, actions);
                modem->retry_at = usec_add(now, HELD_RETRY);
                (void)text_copy(modem->reason, sizeof(modem->reason), "its port failed while it was asked");
        }
}

/* A modem that smsd uses is ready by that, unless it has just failed smsd. */
static void adopt_use(struct modem *modem, unsigned index, struct action_list *actions)
{
        modem_close_port(modem, index, actions);
        modem_setup_drop(modem);
        if (!modem_usable(modem) && !modem->distrusted)
                modem_set_state(modem, MODEM_READY, "");
        modem->retry_at = USEC_INFINITY;
        modem->in_use = true;
}

/* smsd let go of it: what was being found out is still open. */
static void end_use(struct modem *modem, usec_t now)
{
        bool open =
            !modem_usable(modem) || (modem->facts.sim != SIM_READY && modem->facts.sim != SIM_UNKNOWN);

        modem->in_use = false;
        if (open && modem->retry_at == USEC_INFINITY)
                modem->retry_at = now;
}

void modem_interrupt(struct modem *modem, unsigned index, usec_t now, struct action_list *actions)
{
        if (!modem->open && !modem->opening)
                return;
        modem_close_port(modem, index, actions);
        modem->retry_at = now;
}

void modem_drive(struct modem *modem, unsigned index, bool allowed, bool in_use, usec_t now,
                 struct action_list *actions)
{
        if (in_use) {
                modem->used_at = now;
                adopt_use(modem, index, actions);
                return;
        }
        if (modem->in_use)
                end_use(modem, now);
        if (!allowed) {
                modem_interrupt(modem, index, now, actions);
                return;
        }
        if (modem->open && modem_setup_has_port(modem))
                modem_setup_tick(modem, index, now, actions);
        else if (modem->open && at_dialogue_deadline(&modem->dialogue) <= now) {
                at_dialogue_tick(&modem->dialogue, now);
                continue_dialogue(modem, index, now, actions);
        }
        if (!modem->open && !modem->opening && modem->retry_at <= now)
                open_port(modem, index, actions);
}

usec_t modem_deadline(const struct modem *modem)
{
        if (modem->setup.phase == SETUP_ASKING || modem_setup_has_port(modem))
                return modem_setup_deadline(modem);
        if (modem->open)
                return at_dialogue_deadline(&modem->dialogue);
        return modem->opening ? USEC_INFINITY : modem->retry_at;
}
