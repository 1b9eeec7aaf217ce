/*
 * The daemon's part: results and news go to gateway_step() as events, its actions are carried out on the
 * world. It may be killed at any moment and begins anew with what lies on the disk.
 */
#include "world.h"

#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE_MAX 300
#define QUIET_FOR   (130 * USEC_PER_SEC) /* longer than any backoff or boot timeout */

enum { CHANNEL_RESULTS, CHANNEL_PORTS, CHANNEL_NEWS, CHANNEL_LOG };

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
                free((void *)(uintptr_t)event->conf.text);
        if (event->kind == EVENT_PROCESSES && event->processes.list != &picture)
                free((void *)(uintptr_t)event->processes.list);
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

static void post_result(struct world *world, enum event_kind kind, int result, usec_t in)
{
        struct event *event = controller_event(world, kind);

        event->result = result;
        controller_post(world, event, CHANNEL_RESULTS, in);
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
        (void)text_copy(event->log.text, sizeof(event->log.text), smsd_log_kind_to_string(kind));
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
        c->tokens[c->n_tokens++] = (struct world_token){c->next_token, world->now};
        controller_post(world, event, CHANNEL_NEWS, 200);
}

/* --- actions */

static void open_port(struct world *world, const struct action *action)
{
        struct event *event = controller_event(world, EVENT_PORT_OPENED);
        int tty = tty_resolve(world, action->port.path);
        unsigned modem = tty >= 0 ? (unsigned)world->ttys[tty].modem : 0;

        event->port = (struct port_event){.modem = action->port.modem, .generation = action->port.generation};
        if (tty < 0)
                event->port.result = -ENOENT;
        else if (smsd_holds_tty(world, tty, world->ttys[tty].life, &event->port.holder))
                event->port.result = -EBUSY;
        else if (world->now < world->modems[modem].taken_until &&
                 world->ttys[tty].interface == AT_INTERFACE) {
                event->port.result = -EBUSY;
                event->port.holder = (struct port_holder){.id = {77, 77}, .command = "minicom"};
        } else if (world->now < world->modems[modem].eio_until)
                event->port.result = -EIO;
        else {
                world->controller.ports[action->port.modem].open = true;
                world->controller.ports[action->port.modem].generation = action->port.generation;
                world->controller.ports[action->port.modem].tty = tty;
                world->controller.ports[action->port.modem].tty_life = world->ttys[tty].life;
                world->controller.ports[action->port.modem].line[0] = '\0';
        }
        controller_post(world, event, CHANNEL_PORTS, world_chance(world, 200, 5 * USEC_PER_MSEC));
}

static void port_failed(struct world *world, unsigned modem, unsigned generation)
{
        struct event *event = controller_event(world, EVENT_PORT_CLOSED);

        event->port = (struct port_event){.modem = modem, .generation = generation};
        controller_post(world, event, CHANNEL_PORTS, 300);
}

static void answer(struct world *world, unsigned index, const char *command)
{
        int tty = world->controller.ports[index].tty;
        struct event *event = controller_event(world, EVENT_PORT_DATA);

        if (text_starts_with(command, "\x1b"))
                command++;
        event->port =
            (struct port_event){.modem = index, .generation = world->controller.ports[index].generation};
        modem_at(world, (unsigned)world->ttys[tty].modem, world->ttys[tty].interface, command,
                 event->port.data, sizeof(event->port.data));
        event->port.length = strlen(event->port.data);
        if (event->port.length == 0) {
                event->kind = EVENT_TIMER; /* nothing to say */
                recycle(world, event);
                return;
        }
        controller_post(world, event, CHANNEL_PORTS,
                        world_chance(world, 20 * USEC_PER_MSEC, 80 * USEC_PER_MSEC));
}

static void write_port(struct world *world, const struct action *action)
{
        unsigned index = action->port.modem;
        int tty = world->controller.ports[index].tty;
        char command[80];

        if (!world->controller.ports[index].open ||
            world->controller.ports[index].generation != action->port.generation)
                return;
        if (!tty_is_alive(world, tty, world->controller.ports[index].tty_life) ||
            world->now < world->modems[world->ttys[tty].modem].eio_until) {
                port_failed(world, index, action->port.generation);
                return;
        }
        (void)text_copy_n(command, sizeof(command), action->port.data, action->port.length);
        command[strcspn(command, "\r")] = '\0';
        answer(world, index, command);
}

static void read_conf(struct world *world, bool good)
{
        struct event *event = controller_event(world, EVENT_CONF_READ);
        const char *text = good ? world->files.good : world->files.conf;

        event->conf = (struct conf_event){.good = good, .result = text ? 0 : -ENOENT};
        if (text) {
                event->conf.text = strdup(text);
                event->conf.length = strlen(text);
        }
        if (!good)
                world->files.conf_read_version = world->files.conf_version;
        controller_post(world, event, CHANNEL_RESULTS, world_chance(world, 100, 2000));
}

/* With late results the picture is of the moment of the scan. */
static void scan(struct world *world)
{
        struct event *event = controller_event(world, EVENT_PROCESSES);

        event->processes.list = NULL;
        if (world->now < world->controller.late_until) {
                struct process_list *list = malloc(sizeof(*list));
                if (!list)
                        abort();
                smsd_picture(world, list);
                event->processes.list = list;
        }
        event->processes.sending = world->infofile;
        controller_post(world, event, CHANNEL_RESULTS, world_chance(world, 100, 2000));
}

static void stop_smsd(struct world *world, const struct action *action)
{
        struct world_process *p = smsd_find(world, action->process.id.pid);

        if (p && !world->direct) /* KillMode=control-group: everybody gets TERM */
                for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                        if (world->processes[i].alive && world->processes[i].parent == p->id.pid)
                                smsd_kill(world, world->processes[i].id.pid, SIGTERM, false);
        if (p)
                smsd_kill(world, p->id.pid, SIGTERM, false);
        post_result(world, EVENT_STOP_DONE, p ? 0 : -ESRCH, world_chance(world, 500, 10 * USEC_PER_MSEC));
}

static void start_smsd(struct world *world)
{
        struct event *event = controller_event(world, EVENT_START_DONE);
        bool person = world->now < world->controller.person_until;

        event->started.result = world->now < world->controller.start_fault_until ? -ENOEXEC : 0;
        event->started.id = (struct process_id){0};
        if (event->started.result == 0) {
                pid_t pid = smsd_start(world, true, person);
                if (world->direct && smsd_find(world, pid))
                        event->started.id = smsd_find(world, pid)->id;
                if (smsd_find(world, pid)) {
                        smsd_find(world, pid)->watched = world->direct;
                        smsd_find(world, pid)->child_of = world->controller.life;
                }
                world->controller.person_until = 0;
        }
        controller_post(world, event, CHANNEL_RESULTS,
                        world_chance(world, USEC_PER_MSEC, 30 * USEC_PER_MSEC));
}

static void take_reply(struct world *world, const struct action *action)
{
        struct world_controller *c = &world->controller;

        for (unsigned i = 0; i < c->n_tokens; i++)
                if (c->tokens[i].token == action->reply.token) {
                        c->tokens[i] = c->tokens[--c->n_tokens];
                        return;
                }
        promise_broken(world, 12, "command %u was answered twice or never asked: %s", action->reply.token,
                       action->reply.message);
}

static void trace_action(struct world *world, const struct action *action)
{
        switch (action->kind) {
        case ACTION_RECORD:
                world_trace(world, "    -> record %s %s: %s", record_kind_to_string(action->record.kind),
                            action->record.modem, action->record.message);
                break;
        case ACTION_REPLY:
                world_trace(world, "    -> reply %u %d: %s", action->reply.token, action->reply.result,
                            action->reply.message);
                break;
        case ACTION_PORT_WRITE:
                world_trace(world, "    -> port-write %u: %.*s", action->port.modem,
                            (int)action->port.length - 1, action->port.data);
                break;
        case ACTION_SIGNAL:
        case ACTION_SMSD_STOP:
                world_trace(world, "    -> %s %d %d", action_kind_to_string(action->kind),
                            (int)action->process.id.pid, action->process.signal);
                break;
        default:
                world_trace(world, "    -> %s", action_kind_to_string(action->kind));
                break;
        }
}

static void carry_out(struct world *world, const struct action *action)
{
        int result = 0;

        switch (action->kind) {
        case ACTION_PORT_OPEN:
                open_port(world, action);
                break;
        case ACTION_PORT_WRITE:
                write_port(world, action);
                break;
        case ACTION_PORT_CLOSE:
                if (world->controller.ports[action->port.modem].generation == action->port.generation)
                        world->controller.ports[action->port.modem].open = false;
                break;
        case ACTION_SCAN:
                scan(world);
                break;
        case ACTION_SMSD_STOP:
                stop_smsd(world, action);
                break;
        case ACTION_SIGNAL:
                smsd_kill(world, action->process.id.pid, action->process.signal, false);
                break;
        case ACTION_CONF_READ:
        case ACTION_CONF_READ_GOOD:
                read_conf(world, action->kind == ACTION_CONF_READ_GOOD);
                break;
        case ACTION_CONF_WRITE:
                result = conf_write(world, action->conf.text, action->conf.length);
                post_result(world, EVENT_CONF_WRITTEN, result, world_chance(world, 500, 20 * USEC_PER_MSEC));
                break;
        case ACTION_CONF_KEEP:
                conf_keep(world, action->conf.text, action->conf.length);
                break;
        case ACTION_CONF_SET_ASIDE:
                conf_set_aside(world);
                break;
        case ACTION_HOLD_WRITE:
                files_hold_write(world, &action->hold, &result);
                post_result(world, EVENT_HOLD_WRITTEN, result, 500);
                break;
        case ACTION_HOLD_CLEAR:
                post_result(world, EVENT_HOLD_CLEARED, files_hold_clear(world), 500);
                break;
        case ACTION_FLAG_LOOK:
                controller_post(world, controller_event(world, EVENT_FLAG), CHANNEL_RESULTS, 300);
                break;
        case ACTION_SMSD_START:
                start_smsd(world);
                break;
        case ACTION_STATUS_READ:
                controller_post(world, controller_event(world, EVENT_SMSD_STATUS), CHANNEL_RESULTS, 300);
                break;
        case ACTION_MODEM_SAVE:
                files_save_modem(world, &action->modem);
                break;
        case ACTION_REPLY:
                take_reply(world, action);
                break;
        case ACTION_RECORD:
        case ACTION_KIND_MAX:
                break;
        }
}

static void hash_value(struct world *world, uint64_t value)
{
        world->hash = random_mix(world->hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

static bool is_quiet(enum action_kind kind)
{
        return kind == ACTION_SCAN || kind == ACTION_STATUS_READ || kind == ACTION_FLAG_LOOK;
}

static void carry_out_all(struct world *world)
{
        struct action_list *actions = &world->actions;

        for (unsigned i = 0; i < actions->n; i++) {
                hash_value(world, (uint64_t)actions->items[i].kind + 100);
                world->controller.busy |= !is_quiet(actions->items[i].kind);
                if (world->trace)
                        trace_action(world, &actions->items[i]);
                promises_action(world, actions, i);
                carry_out(world, &actions->items[i]);
        }
        if (actions->overflown)
                promise_broken(world, 13, "the list of actions is full");
}

/* --- steps */

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

/* Healthy and hopeless hours look alike: rounds of nothing but looks, at equal distances. */
static void note_round(struct world *world)
{
        struct world_controller *c = &world->controller;
        usec_t period = world->now - c->last_timer;
        bool same = !c->busy && period == c->period && period > 0 && !gateway_is_held(c->gateway) &&
                    !gateway_is_restarting(c->gateway) && c->n_tokens == 0 &&
                    world->files.flag != FLAG_PRESENT;

        c->quiet = same ? c->quiet + 1 : 0;
        c->period = period;
        c->last_timer = world->now;
        c->busy = false;
}

void controller_skip(struct world *world)
{
        struct world_controller *c = &world->controller;
        usec_t next = usec_min(agenda_next(&world->agenda), world->end);

        if (!c->gateway || c->quiet * c->period < QUIET_FOR || c->busy || c->timer_at >= next ||
            next - c->timer_at < 2 * c->period)
                return;
        usec_t rounds = (next - c->timer_at) / c->period - 1;
        c->timer_at += rounds * c->period;
        c->last_timer += rounds * c->period;
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
                world->controller.busy |= event->kind != EVENT_PROCESSES &&
                                          event->kind != EVENT_SMSD_STATUS && event->kind != EVENT_FLAG;
                if (event->kind == EVENT_COMMAND && event->command.kind != COMMAND_STOP)
                        world->promises.held = false;
                step(world, event);
        }
        recycle(world, event);
}

void controller_timer(struct world *world)
{
        struct event event;

        event.kind = EVENT_TIMER;
        note_round(world);
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
        c->up_since = c->last_timer = world->now;
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
        if (world->files.hold) {
                event.kind = EVENT_HOLD_FOUND;
                event.hold = world->files.hold_record;
                step(world, &event);
        }
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
        c->life++;
        c->timer_at = USEC_INFINITY;
        for (unsigned i = 0; i < MODEMS_MAX; i++)
                c->ports[i].open = false;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                world->processes[i].watched = false;
        c->n_tokens = 0;
        world_plan(world, until_up, HAPPENS_CONTROLLER_UP, c->life, 0);
}
