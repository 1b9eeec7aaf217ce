/*
 * The properties of the control bus and their PropertiesChanged.
 *
 * The daemon says that something may have changed; that sets a flag, and a turn of the event loop when
 * anybody is connected. The turn reads the gateway once, marks what differs from the values kept here, and
 * tells it. A reader in between has the values brought up to date, too, and what differs stays marked until
 * it is told: so nobody is left with a value that was true for a moment only. Nothing is allocated and no
 * timer runs while nothing changes.
 *
 * All of it is what everybody may see, for a signal has no reader whose rights could be asked for.
 */
#include "control_private.h"

#include "bus_snapshot.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define TELL_EVERY (USEC_PER_SEC / 4)

/* A hold's end moves by some microseconds when it is computed from two clocks. */
#define SAME_TIME USEC_PER_SEC

enum property {
        PROPERTY_VERSION,
        PROPERTY_MODE,
        PROPERTY_VERDICT,
        PROPERTY_REASON,
        PROPERTY_NEXT_ACTION,
        PROPERTY_EVIDENCE,
        PROPERTY_CAN_SEND,
        PROPERTY_CAN_RECEIVE,
        PROPERTY_SMSD_RUNNING,
        PROPERTY_HOLD_ACTIVE,
        PROPERTY_HOLD_BY,
        PROPERTY_HOLD_REASON,
        PROPERTY_HOLD_UNTIL,
        PROPERTY_RESTARTS_TOTAL,
        PROPERTY_MODEMS,
        PROPERTY_MAX
};

#define FIELD(field) offsetof(struct control_values, field), sizeof(((struct control_values *)NULL)->field)

static const struct property_entry {
        const char *name;
        char type; /* of D-Bus; 'a': the modems */
        size_t offset, size;
} properties[PROPERTY_MAX] = {
    [PROPERTY_VERSION] = {"Version", 's', FIELD(version)},
    [PROPERTY_MODE] = {"Mode", 's', FIELD(mode)},
    [PROPERTY_VERDICT] = {"Verdict", 's', FIELD(verdict)},
    [PROPERTY_REASON] = {"Reason", 's', FIELD(reason)},
    [PROPERTY_NEXT_ACTION] = {"NextAction", 's', FIELD(next_action)},
    [PROPERTY_EVIDENCE] = {"Evidence", 's', FIELD(evidence)},
    [PROPERTY_CAN_SEND] = {"CanSend", 'b', FIELD(can_send)},
    [PROPERTY_CAN_RECEIVE] = {"CanReceive", 'b', FIELD(can_receive)},
    [PROPERTY_SMSD_RUNNING] = {"SmsdRunning", 'b', FIELD(smsd_running)},
    [PROPERTY_HOLD_ACTIVE] = {"HoldActive", 'b', FIELD(hold_active)},
    [PROPERTY_HOLD_BY] = {"HoldBy", 's', FIELD(hold_by)},
    [PROPERTY_HOLD_REASON] = {"HoldReason", 's', FIELD(hold_reason)},
    [PROPERTY_HOLD_UNTIL] = {"HoldUntil", 't', FIELD(hold_until)},
    [PROPERTY_RESTARTS_TOTAL] = {"RestartsTotal", 'u', FIELD(restarts_total)},
    [PROPERTY_MODEMS] = {"Modems", 'a', FIELD(modems)},
};

/* --- keeping them --- */

static void *field(struct control_values *values, enum property property)
{
        return (char *)values + properties[property].offset;
}

static bool put_text(char *target, size_t size, const char *text)
{
        char clean[sizeof(((struct control_values *)NULL)->reason)];

        bus_snapshot_public_text(clean, size < sizeof(clean) ? size : sizeof(clean), text);
        if (text_equal(target, clean))
                return false;
        (void)text_copy(target, size, clean);
        return true;
}

static void set_text(struct control_values *values, enum property property, const char *text)
{
        if (put_text(field(values, property), properties[property].size, text))
                values->changed |= 1U << property;
}

static void set_boolean(struct control_values *values, enum property property, bool value)
{
        int *target = field(values, property);

        if (*target != value)
                values->changed |= 1U << property;
        *target = value;
}

static void set_hold(struct control_values *values, const struct snapshot *s)
{
        uint64_t until = s->hold.active && s->hold.until > 0 ? (uint64_t)s->hold.until : 0;
        uint64_t moved = until > values->hold_until ? until - values->hold_until : values->hold_until - until;

        set_boolean(values, PROPERTY_HOLD_ACTIVE, s->hold.active);
        set_text(values, PROPERTY_HOLD_BY, s->hold.active ? s->hold.by : "");
        set_text(values, PROPERTY_HOLD_REASON, s->hold.active ? s->hold.reason : "");
        if (moved < SAME_TIME)
                return;
        values->hold_until = until;
        values->changed |= 1U << PROPERTY_HOLD_UNTIL;
}

/* The verdict's own words count the time down; a property that changes all the time is none. */
static void set_reason(struct control_values *values, const struct snapshot *s)
{
        char reason[sizeof(s->reason)];

        if (s->verdict == VERDICT_HELD && s->hold.active)
                (void)text_format(reason, sizeof(reason), "%s holds smsd (%s)", s->hold.by,
                                  s->hold.reason[0] ? s->hold.reason : "no reason given");
        else
                (void)text_copy(reason, sizeof(reason), s->reason);
        set_text(values, PROPERTY_REASON, reason);
        set_text(values, PROPERTY_NEXT_ACTION, s->next_action);
        /* That of a gateway that works tells how long ago it was asked. */
        set_text(values, PROPERTY_EVIDENCE, s->verdict == VERDICT_WORKING ? "" : s->evidence);
}

static bool put_modem(struct control_modem *target, const struct snapshot_modem *modem)
{
        bool changed = put_text(target->name, sizeof(target->name), modem->name);

        changed |= put_text(target->state, sizeof(target->state), modem->state);
        changed |= put_text(target->reason, sizeof(target->reason), modem->reason);
        changed |= put_text(target->device, sizeof(target->device), modem->device);
        changed |= put_text(target->sim, sizeof(target->sim), modem->sim);
        changed |= put_text(target->registration, sizeof(target->registration), modem->registration);
        return changed;
}

static void set_modems(struct control_values *values, const struct snapshot *s)
{
        bool changed = values->n_modems != s->n_modems;

        values->n_modems = s->n_modems;
        for (unsigned i = 0; i < s->n_modems; i++)
                changed |= put_modem(&values->modems[i], &s->modems[i]);
        if (changed)
                values->changed |= 1U << PROPERTY_MODEMS;
}

static void refresh(struct control_bus *control)
{
        struct control_values *values = &control->values;
        struct snapshot *s = &control->snapshot;

        if (!values->stale)
                return;
        values->stale = false;
        snapshot_init(s);
        control->callbacks.snapshot(control->userdata, s);
        set_text(values, PROPERTY_VERSION, s->controller.version);
        set_text(values, PROPERTY_MODE, s->controller.mode);
        set_text(values, PROPERTY_VERDICT, verdict_to_string(s->verdict));
        set_reason(values, s);
        set_boolean(values, PROPERTY_CAN_SEND, s->can_send);
        set_boolean(values, PROPERTY_CAN_RECEIVE, s->can_receive);
        set_boolean(values, PROPERTY_SMSD_RUNNING, s->smsd.running);
        set_hold(values, s);
        if (values->restarts_total != s->restarts.total)
                values->changed |= 1U << PROPERTY_RESTARTS_TOTAL;
        values->restarts_total = s->restarts.total;
        set_modems(values, s);
}

/* --- reading them --- */

static int append_entry(sd_bus_message *reply, const char *key, const char *text)
{
        return text[0] ? sd_bus_message_append(reply, "{sv}", key, "s", text) : 0;
}

static int append_modem(sd_bus_message *reply, const struct control_modem *modem)
{
        int r = sd_bus_message_open_container(reply, 'a', "{sv}");

        if (r >= 0)
                r = append_entry(reply, "name", modem->name);
        if (r >= 0)
                r = append_entry(reply, "state", modem->state);
        if (r >= 0)
                r = append_entry(reply, "reason", modem->reason);
        if (r >= 0)
                r = append_entry(reply, "device", modem->device);
        if (r >= 0)
                r = append_entry(reply, "sim", modem->sim);
        if (r >= 0)
                r = append_entry(reply, "registration", modem->registration);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_modems(sd_bus_message *reply, const struct control_values *values)
{
        int r = sd_bus_message_open_container(reply, 'a', "a{sv}");

        for (unsigned i = 0; r >= 0 && i < values->n_modems; i++)
                r = append_modem(reply, &values->modems[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int control_values_get(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                       const char *property, sd_bus_message *reply, void *userdata,
                       sd_bus_error *error _unused_)
{
        struct control_bus *control = ((struct control_line *)userdata)->control;

        refresh(control);
        for (unsigned i = 0; i < PROPERTY_MAX; i++) {
                const struct property_entry *entry = &properties[i];
                if (!text_equal(entry->name, property))
                        continue;
                if (entry->type == 'a')
                        return append_modems(reply, &control->values);
                return sd_bus_message_append_basic(reply, entry->type,
                                                   field(&control->values, (enum property)i));
        }
        return -ENOENT;
}

/* --- telling that they changed --- */

static void tell_peers(struct control_bus *control, char **names)
{
        for (unsigned i = 0; i < CONTROL_BUS_PEERS_MAX; i++) {
                struct control_peer *peer = control->peers[i];
                if (!peer || peer->dead || sd_bus_is_ready(peer->bus) <= 0)
                        continue;
                if (!control_peer_reads(peer) || sd_bus_emit_properties_changed_strv(
                                                     peer->bus, CONTROL_OBJECT, CONTROL_INTERFACE, names) < 0)
                        control_peer_drop(peer);
        }
}

static void tell_system(struct control_system *system, char **names)
{
        if (control_system_is_up(system) && control_system_flows(system))
                (void)sd_bus_emit_properties_changed_strv(system->bus, CONTROL_OBJECT, CONTROL_INTERFACE,
                                                          names); /* a connection that fails says so itself */
}

static void tell(struct control_bus *control)
{
        char *names[PROPERTY_MAX + 1] = {0};
        unsigned n = 0;

        for (unsigned i = 0; i < PROPERTY_MAX; i++)
                if (control->values.changed & 1U << i)
                        names[n++] = (char *)properties[i].name; /* only read there */
        control->values.changed = 0;
        tell_peers(control, names);
        tell_system(control->system, names);
}

static void turn(struct control_bus *control)
{
        struct control_values *values = &control->values;
        uint64_t now = 0;

        if (sd_event_now(control->event, CLOCK_MONOTONIC, &now) < 0)
                return;
        if (values->told && now < values->told + TELL_EVERY) {
                if (sd_event_source_set_time(values->later, values->told + TELL_EVERY) >= 0)
                        (void)sd_event_source_set_enabled(values->later, SD_EVENT_ONESHOT);
                return;
        }
        refresh(control);
        if (values->changed == 0)
                return;
        values->told = now;
        tell(control);
}

static int on_turn(sd_event_source *source _unused_, void *userdata)
{
        turn(userdata);
        return 0;
}

static int on_later(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        turn(userdata);
        return 0;
}

void control_bus_changed(struct control_bus *bus)
{
        if (!bus)
                return;
        bus->values.stale = true;
        if (bus->n_peers > 0 || control_system_is_up(bus->system))
                (void)sd_event_source_set_enabled(bus->values.turn, SD_EVENT_ONESHOT);
}

int control_values_start(struct control_bus *control)
{
        struct control_values *values = &control->values;
        int r = sd_event_add_defer(control->event, &values->turn, on_turn, control);

        values->stale = true;
        if (r >= 0)
                r = sd_event_source_set_enabled(values->turn, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(values->turn, CONTROL_BUS_PRIORITY);
        if (r >= 0)
                r = sd_event_add_time(control->event, &values->later, CLOCK_MONOTONIC, 0, 0, on_later,
                                      control);
        if (r >= 0)
                r = sd_event_source_set_enabled(values->later, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(values->later, CONTROL_BUS_PRIORITY);
        return r < 0 ? r : 0;
}

void control_values_stop(struct control_bus *control)
{
        control->values.turn = control_end_source(control->values.turn);
        control->values.later = control_end_source(control->values.later);
}
