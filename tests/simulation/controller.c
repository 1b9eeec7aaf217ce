/*
 * The daemon's part: results and news go to gateway_step() as events, its actions are carried out on the
 * world. It may be killed at any moment and begins anew with what lies on the disk.
 */
#include "world.h"

#include "base/text.h"
#include "log_kind.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define HAND_TIME   (8 * USEC_PER_MIN) /* a step by hand is over by then */
#define AT_ONCE_MAX 300

static struct process_list picture; /* of the moment an event is handed over */

/* --- events */

struct event *controller_event(struct world *world, enum event_kind kind)
{
        struct event *event = world->free_events;

        if (event)
                world->free_events = *(struct event **)(void *)event;
        else
                event = malloc(sizeof(*event));
        if (!event)
                abort();
        event->kind = kind;
        return event;
}

static void recycle(struct world *world, struct event *event)
{
        if (event->kind == EVENT_CONF_READ)
                free((char *)event->conf.text);
        if (event->kind == EVENT_PROCESSES && event->processes.list != &picture)
                free((struct process_list *)event->processes.list);
        *(struct event **)(void *)event = world->free_events;
        world->free_events = event;
}

void controller_post(struct world *world, struct event *event, unsigned channel, usec_t in)
{
        struct world_controller *c = &world->controller;
        usec_t at;

        if (!c->gateway) {
                recycle(world, event);
                return;
        }
        if (channel == CHANNEL_RESULTS && world->now < c->late_until)
                in += world_chance(world, 0, c->late_ms * USEC_PER_MSEC);
        at = world->now + in;
        if (at < c->channel[channel])
                at = c->channel[channel];
        c->channel[channel] = at;
        agenda_plan(&world->agenda, at, HAPPENS_EVENT, c->life, 0, event);
}

void controller_log(struct world *world, enum smsd_log_kind kind, int level, int slot, pid_t pid, int detail)
{
        if (!world->controller.gateway || level > (int)world->loglevel)
                return;
        struct event *event = controller_event(world, EVENT_SMSD_LOG);
        event->log.line = (struct smsd_log_line){.kind = kind, .level = level, .pid = pid, .detail = detail};
        if (slot >= 0) {
                (void)text_format(event->log.line.source, SMSD_MODEM_NAME_MAX, "GSM%u", (unsigned)slot + 1);
                (void)text_copy(event->log.line.modem, SMSD_MODEM_NAME_MAX, event->log.line.source);
        } else
                (void)text_copy(event->log.line.source, SMSD_MODEM_NAME_MAX, "smsd");
        (void)text_copy(event->log.text, sizeof(event->log.text), log_kind_name(kind));
        event->log.realtime = ((int64_t)world->now + world->clock) / 1000000;
        controller_post(world, event, CHANNEL_LOG, world_chance(world, 100, 30 * USEC_PER_MSEC));
}

void controller_usb(struct world *world, unsigned modem, bool gone)
{
        if (world->now < world->controller.usb_lost_until)
                return;
        struct event *event = controller_event(world, gone ? EVENT_USB_GONE : EVENT_USB_DEVICE);
        (void)text_copy(event->usb_path, sizeof(event->usb_path), world->modems[modem].path);
        controller_post(world, event, CHANNEL_NEWS, world_chance(world, 100, 8 * USEC_PER_MSEC));
}

void controller_command(struct world *world, enum command_kind kind, bool force, usec_t duration)
{
        struct world_controller *c = &world->controller;

        if (!c->gateway || c->n_tokens == WORLD_TOKENS)
                return;
        struct event *event = controller_event(world, EVENT_COMMAND);
        event->command = (struct command){
            .kind = kind, .token = ++c->next_token, .by = "root", .duration = duration, .force = force};
        event->command.realtime = ((int64_t)world->now + world->clock) / 1000000;
        c->tokens[c->n_tokens++] = (struct world_token){c->next_token, world->now, 0};
        controller_post(world, event, CHANNEL_NEWS, 200);
}

void controller_reset_command(struct world *world, unsigned slot, unsigned step)
{
        struct world_controller *c = &world->controller;

        if (!c->gateway || c->n_tokens == WORLD_TOKENS)
                return;
        struct event *event = controller_event(world, EVENT_COMMAND);
        event->command =
            (struct command){.kind = COMMAND_RESET_MODEM, .token = ++c->next_token, .by = "root"};
        (void)text_format(event->command.modem, sizeof(event->command.modem), "GSM%u", slot + 1);
        if (step > 0)
                (void)text_copy(event->command.step, sizeof(event->command.step),
                                ladder_step_to_string((enum ladder_step)step));
        c->tokens[c->n_tokens++] = (struct world_token){c->next_token, world->now, HAND_TIME};
        /* Which modem sits there is the controller's to know. */
        for (unsigned m = 0; m < world->n_modems; m++)
                world->modems[m].hand_until = world->now + HAND_TIME;
        controller_post(world, event, CHANNEL_NEWS, 200);
}

/* --- steps */

static void hash_value(struct world *world, uint64_t value)
{
        world->hash = random_mix(world->hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

static void carry_out_all(struct world *world)
{
        struct action_list *actions = &world->actions;

        for (unsigned i = 0; i < actions->n; i++) {
                hash_value(world, (uint64_t)actions->items[i].kind + 100);
                rounds_action(world, &actions->items[i]);
                if (world->trace)
                        perform_trace(world, &actions->items[i]);
                promises_action(world, actions, i);
                perform_action(world, &actions->items[i]);
        }
        if (actions->overflown)
                promise_broken(world, 13, "the list of actions is full");
}

static void arm_timer(struct world *world)
{
        struct world_controller *c = &world->controller;
        usec_t deadline = gateway_next_deadline(c->gateway);
        usec_t offset = world_boottime(world) - world->now;

        if (deadline == USEC_INFINITY) {
                promise_broken(world, 3, "there is no deadline: only an event could wake the gateway");
                c->timer_at = USEC_INFINITY;
                return;
        }
        c->timer_at = deadline > offset + world->now ? deadline - offset : world->now;
}

static void step(struct world *world, const struct event *event)
{
        world->steps++;
        hash_value(world, world->now);
        hash_value(world, (uint64_t)event->kind);
        world_trace(world, "  event %s", event_kind_to_string(event->kind));
        gateway_step(world->controller.gateway, event, world_boottime(world), &world->actions);
        carry_out_all(world);
        if (world->controller.begun)
                arm_timer(world);
}

static bool find_node(struct world *world, const char *path, unsigned *ret_modem)
{
        for (unsigned m = 0; m < world->n_modems; m++)
                if (text_equal(world->modems[m].path, path)) {
                        *ret_modem = m;
                        return true;
                }
        return false;
}

/* Fills in what is as it is at this moment. */
static bool complete(struct world *world, struct event *event, struct smsd_status *status)
{
        unsigned modem;

        switch (event->kind) {
        case EVENT_PROCESSES:
                if (!event->processes.list) {
                        smsd_picture(world, &picture);
                        event->processes.list = &picture;
                }
                return true;
        case EVENT_SMSD_STATUS:
                event->status.result = world->status_exists ? 0 : -ENOENT;
                event->status.status = world->status_exists ? status : NULL;
                if (world->status_exists)
                        smsd_status(world, status);
                return true;
        case EVENT_FLAG:
                files_flag(world, &event->flag);
                return true;
        case EVENT_USB_DEVICE:
                if (!find_node(world, event->usb_path, &modem) || !world->modems[modem].plugged)
                        return false;
                modem_describe(world, modem, &event->device);
                return true;
        default:
                return true;
        }
}

void controller_deliver(struct world *world, const struct happening *happening)
{
        struct event *event = happening->data;
        static struct smsd_status status;

        if (world->controller.gateway && world->controller.life == happening->who &&
            complete(world, event, &status)) {
                rounds_event(world, event);
                if (event->kind == EVENT_COMMAND) {
                        world->promises.stop_began = 0;
                        world->promises.command_at = world->now;
                }
                bool held = world->promises.held;
                if (event->kind == EVENT_COMMAND && event->command.kind != COMMAND_STOP &&
                    event->command.kind != COMMAND_RESET_MODEM)
                        world->promises.held = false;
                step(world, event);
                /* It was refused: the system goes down. */
                if (event->kind == EVENT_COMMAND && gateway_is_held(world->controller.gateway))
                        world->promises.held |= held;
        }
        recycle(world, event);
}

void controller_timer(struct world *world)
{
        struct event event;

        event.kind = EVENT_TIMER;
        rounds_end(world);
        step(world, &event);
        if (world->controller.timer_at <= world->now) {
                if (++world->controller.at_once > AT_ONCE_MAX)
                        promise_broken(world, 14, "the gateway spins: its deadline stays in the past");
        } else
                world->controller.at_once = 0;
}

/* --- life */

static void tell_devices(struct world *world)
{
        for (unsigned m = 0; m < world->n_modems; m++)
                if (world->modems[m].plugged)
                        controller_usb(world, m, false);
        controller_post(world, controller_event(world, EVENT_USB_ENUMERATED), CHANNEL_NEWS,
                        world_chance(world, 500, 50 * USEC_PER_MSEC));
}

void controller_up(struct world *world)
{
        struct world_controller *c = &world->controller;

        if (c->gateway)
                return;
        c->gateway = gateway_new(&world->config);
        if (!c->gateway)
                abort();
        c->up_since = world->now;
        rounds_begin(world);
        c->usb_lost_until = c->opened_lost_until = c->person_until = 0;
        memset(c->ports, 0, sizeof(c->ports));
        memset(c->channel, 0, sizeof(c->channel));
        c->n_tokens = c->at_once = 0;
        world_trace(world, "the controller begins");
        static struct event event;
        for (unsigned i = 0; i < world->files.n_records; i++) {
                event.kind = EVENT_MODEM_RECORD;
                event.record = world->files.records[i];
                step(world, &event);
        }
        for (unsigned i = 0; i < world->files.n_recoveries; i++) {
                event.kind = EVENT_RECOVERY_RECORD;
                event.recovery = world->files.recoveries[i];
                step(world, &event);
        }
        if (world->files.hold) {
                event.kind = EVENT_HOLD_FOUND;
                event.hold = world->files.hold_record;
                step(world, &event);
        }
        for (unsigned i = 0; i < world->alerts.n; i++) {
                event.kind = EVENT_ALERT_FOUND;
                event.found.alert = &world->alerts.book[i].alert;
                event.found.told = world->alerts.book[i].told;
                step(world, &event);
        }
        event.kind = EVENT_SMS_FOUND;
        event.sms_found = &world->alerts.sms;
        step(world, &event);
        gateway_begin(c->gateway, world_boottime(world), &world->actions);
        c->begun = true;
        carry_out_all(world);
        arm_timer(world);
        tell_devices(world);
}

void controller_kill(struct world *world, usec_t until_up)
{
        struct world_controller *c = &world->controller;

        if (c->gateway)
                world_trace(world, "the controller is killed");
        c->gateway = gateway_free(c->gateway);
        c->begun = false;
        if (!world->files.hold)
                world->promises.held = false; /* its file could not be written: nobody knows of it any more */
        world->promises.stop_began = 0;
        world->unit.stopped = false; /* the next one does not know what was before */
        c->life++;
        c->timer_at = USEC_INFINITY;
        for (unsigned i = 0; i < MODEM_PORTS; i++)
                c->ports[i].open = false;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                world->processes[i].watched = false;
        c->n_tokens = 0;
        world_plan(world, until_up, HAPPENS_CONTROLLER_UP, c->life, 0);
}
