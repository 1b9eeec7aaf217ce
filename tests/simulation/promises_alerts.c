/*
 * The spool of the simulated box and what its people are told: no alert is told twice as the first, none ends
 * that was not told, each ends when all is well, a long hold and a long silence are told, a young hold is
 * not.
 *
 * The spool is as the real one: a message that is written counts, also when the controller is killed before
 * it hears of that. Now and then writing fails.
 */
#include "world.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define SPOOL_SLACK   (3 * USEC_PER_MIN) /* it failed: tried again within a minute */
#define SILENT_FOR    (30 * USEC_PER_MIN)
#define WELL_FOR      (3 * USEC_PER_HOUR) /* longer than any calm */
#define FAILS_PERCENT 3

static bool is_momentary(enum alert_kind kind)
{
        return kind == ALERT_TEST || kind == ALERT_MESSAGE_FAILED || kind == ALERT_MESSAGE_ASIDE ||
               kind == ALERT_MODEM_CHANGED || kind == ALERT_PROVISION_FAILED || kind == ALERT_RESET_AHEAD;
}

/* --- the spool */

static int find_book(const struct world_alerts *alerts, const char *key)
{
        for (unsigned i = 0; i < alerts->n; i++)
                if (text_equal(alerts->book[i].alert.key, key))
                        return (int)i;
        return -1;
}

static int find_open(const struct world_alerts *alerts, const char *key)
{
        for (unsigned i = 0; i < alerts->n_open; i++)
                if (text_equal(alerts->open[i].key, key))
                        return (int)i;
        return -1;
}

/* A message behind the book counts as if it stood in it. */
static void into_book(struct world_alerts *alerts, const struct alert *alert)
{
        int i = find_book(alerts, alert->key);

        if (alert->state == ALERT_RESOLVED || is_momentary(alert->kind)) {
                if (i >= 0)
                        alerts->book[i] = alerts->book[--alerts->n];
                return;
        }
        if (i < 0)
                i = (int)alerts->n++;
        alerts->book[i].alert = *alert;
        alerts->book[i].told = true;
}

static void check_hold_is_old(struct world *world, const struct alert *alert)
{
        usec_t now = world_boottime(world);

        if (world->files.hold && alert->severity == SEVERITY_WARNING &&
            now < world->files.hold_record.since + world->config.hold_notify_after)
                promise_broken(world, 17, "a hold of %.0f s is told",
                               (double)(now - world->files.hold_record.since) / 1e6);
}

static void told(struct world *world, const struct alert *alert)
{
        struct world_alerts *alerts = &world->alerts;
        int i = find_open(alerts, alert->key);

        world_trace(world, "    told: %s %s %s (%u, %u before): %s", alert_state_to_string(alert->state),
                    severity_to_string(alert->severity), alert->key, alert->count, alert->told,
                    alert->summary);
        if (alert->summary[0] == '\0' || alert->next_action[0] == '\0')
                promise_broken(world, 17, "%s says nothing, or nothing to do", alert->key);
        if (is_momentary(alert->kind))
                return;
        if (alert->state == ALERT_RESOLVED) {
                if (i < 0)
                        promise_broken(world, 17, "the end of %s is told, and nobody knew of it", alert->key);
                else
                        alerts->open[i] = alerts->open[--alerts->n_open];
                return;
        }
        if (alert->kind == ALERT_HOLD)
                check_hold_is_old(world, alert);
        if (i >= 0 && alert->told == 0)
                promise_broken(world, 17, "%s is told twice as the first", alert->key);
        if (i < 0 && alert->told > 0)
                promise_broken(world, 17, "%s is told again, and was never told", alert->key);
        if (i >= 0 || alerts->n_open == WORLD_ALERTS)
                return;
        (void)text_copy(alerts->open[alerts->n_open].key, ALERT_KEY_MAX, alert->key);
        alerts->open[alerts->n_open].kind = alert->kind;
        alerts->open[alerts->n_open++].at = world->now;
}

void alerts_spool(struct world *world, const struct action *action)
{
        const struct alert *alert = action->alert.alert;
        struct event *event = controller_event(world, EVENT_ALERT_SPOOLED);

        (void)text_copy(event->spooled.key, sizeof(event->spooled.key), alert->key);
        event->spooled.generation = action->alert.generation;
        event->spooled.sequence = 0;
        event->spooled.result = 0;
        if (world->now < world->files.disk_full_until)
                event->spooled.result = -world->files.disk_error;
        else if (world_percent(world, FAILS_PERCENT))
                event->spooled.result = -EIO;
        if (event->spooled.result == 0) {
                event->spooled.sequence = ++world->alerts.sequence;
                told(world, alert);
                into_book(&world->alerts, alert);
        } else {
                world->alerts.failed_at = world->now;
        }
        controller_post(world, event, CHANNEL_RESULTS,
                        world_chance(world, USEC_PER_MSEC, 40 * USEC_PER_MSEC));
}

int alerts_save(struct world *world, const struct alert_book *book)
{
        struct world_alerts *alerts = &world->alerts;

        if (world->now < world->files.disk_full_until)
                return -world->files.disk_error;
        if (world_percent(world, FAILS_PERCENT))
                return -EIO;
        alerts->n = 0;
        for (unsigned i = 0; i < book->n; i++)
                if (book->entries[i].used) {
                        alerts->book[alerts->n].alert = book->entries[i].alert;
                        alerts->book[alerts->n++].told = book->entries[i].told;
                }
        alerts->sms = book->sms;
        return 0;
}

/* Times of an earlier boot mean nothing. */
void alerts_rebooted(struct world *world)
{
        for (unsigned i = 0; i < world->alerts.n; i++)
                world->alerts.book[i].alert.since = world->alerts.book[i].alert.until = 0;
        alert_sms_new_boot(&world->alerts.sms);
}

/* --- what people are told in the end */

static bool spool_is_well(const struct world *world)
{
        usec_t full = world->files.disk_full_until;

        return world->now > full + SPOOL_SLACK &&
               (world->alerts.failed_at == 0 || world->now > world->alerts.failed_at + SPOOL_SLACK);
}

static void check_hold_is_told(struct world *world)
{
        usec_t since = world->files.hold_record.since;

        if (world->files.hold && gateway_is_held(world->controller.gateway) &&
            world->now > usec_add(world->unit.stopping_since, SPOOL_SLACK) && /* nothing is told before */
            world_boottime(world) > since + world->config.hold_notify_after + USEC_PER_MIN &&
            find_open(&world->alerts, "hold") < 0)
                promise_broken(world, 18, "a hold of %.0f s is not told",
                               (double)(world_boottime(world) - since) / 1e6);
}

static void check_silence_is_told(struct world *world)
{
        usec_t since = world->promises.could_send_at > world->controller.up_since
                           ? world->promises.could_send_at
                           : world->controller.up_since;

        since = usec_max(since, world->alerts.undisturbed_since);
        since = usec_max(since, world->promises.held_at); /* the hold was told, and its end */
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].hung)
                        return; /* without stats/status nobody can know */
        if (world->now > since + SILENT_FOR && world->alerts.n_open == 0 &&
            !gateway_is_held(world->controller.gateway))
                promise_broken(world, 18, "nothing can be sent since %.0f s, and nobody is told",
                               (double)(world->now - world->promises.could_send_at) / 1e6);
}

/* A handler may have found another port of its neighbour's modem. */
static bool has_modem_for_each_slot(const struct world *world)
{
        unsigned n = 0;

        for (unsigned m = 0; m < world->n_modems; m++)
                n += modem_is_good(world, m);
        return n >= world->n_slots;
}

static void check_end_is_told(struct world *world)
{
        struct world_alerts *alerts = &world->alerts;
        /* A slot that is bound to a place may be served by another modem on an old node: not its own. */
        bool well = promises_box_is_well(world) && smsd_main(world) && world->config.n_modems == 0 &&
                    promises_slots_served(world) == world->n_slots && has_modem_for_each_slot(world);

        if (!well || alerts->well_since == 0 || world->controller.up_since > alerts->well_since ||
            world->promises.disturbed_at > alerts->well_since)
                alerts->well_since = world->now;
        if (world->now < alerts->well_since + WELL_FOR)
                return;
        for (unsigned i = 0; i < alerts->n_open; i++)
                if (alerts->open[i].kind != ALERT_CONFIG_REFUSED &&
                    /* Without stats/status nothing tells that the network is back. */
                    (alerts->open[i].kind != ALERT_MODEM_NETWORK || world->status_exists))
                        promise_broken(world, 19, "all is well since %.0f s, and %s is open",
                                       (double)(world->now - alerts->well_since) / 1e6, alerts->open[i].key);
}

void promises_alerts(struct world *world)
{
        /* Who only observes cannot mend what differs from the plan, and says so as long as it does. */
        if (world->unit.system_stopping || !spool_is_well(world) || world->config.mode == MODE_OBSERVE) {
                world->alerts.undisturbed_since = world->alerts.well_since = world->now;
                return;
        }
        if (world->now > world->controller.up_since + USEC_PER_MIN + SPOOL_SLACK)
                check_hold_is_told(world);
        check_silence_is_told(world);
        check_end_is_told(world);
}
