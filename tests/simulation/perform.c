/*
 * Each action of the core, done to the world; its result comes back as an event some time later.
 */
#include "world.h"

#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void post_result(struct world *world, enum event_kind kind, int result, usec_t in)
{
        struct event *event = controller_event(world, kind);

        event->result = result;
        controller_post(world, event, CHANNEL_RESULTS, in);
}

/* Every second time a modem was sending, and always the same message. */
static void list_messages(struct world *world, const struct action *action)
{
        static const struct message_item sending = {
            .name = "poison", .recipient = "", .fail_reason = "", .locked = true, .locked_by = "GSM1"};
        struct event *event = controller_event(world, EVENT_MESSAGES);

        event->messages = (struct messages_event){
            .folder = action->messages.folder, .items = &sending, .n = world_chance(world, 0, 1)};
        controller_post(world, event, CHANNEL_RESULTS, world_chance(world, 100, 20 * USEC_PER_MSEC));
}

static void quarantine(struct world *world, const struct action *action)
{
        struct event *event = controller_event(world, EVENT_MESSAGE_MOVED);

        event->moved = (struct message_moved_event){.from = MESSAGES_CHECKED};
        (void)text_copy(event->moved.name, sizeof(event->moved.name), action->message.name);
        controller_post(world, event, CHANNEL_RESULTS, world_chance(world, 100, 20 * USEC_PER_MSEC));
}

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

/* Whoever but smsd has smsd's port. */
static void look_for_holder(struct world *world, const struct action *action)
{
        struct event *event = controller_event(world, EVENT_HOLDER);
        int tty = tty_resolve(world, action->port.path);

        event->holder.modem = action->port.modem;
        event->holder.result = 1;
        if (tty < 0) {
                event->holder.result = -ENOENT;
        } else if (world->now < world->modems[world->ttys[tty].modem].taken_until) {
                event->holder.result = 0;
                event->holder.holder = (struct port_holder){.id = {77, 77}, .command = "minicom"};
        }
        controller_post(world, event, CHANNEL_RESULTS, world_chance(world, 200, 5 * USEC_PER_MSEC));
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
        char text[sizeof(((struct port_event *)NULL)->data)];

        if (text_starts_with(command, "\x1b"))
                command++;
        modem_at(world, (unsigned)world->ttys[tty].modem, world->ttys[tty].interface, command, text,
                 sizeof(text));
        if (text[0] == '\0')
                return;
        struct event *event = controller_event(world, EVENT_PORT_DATA);
        event->port =
            (struct port_event){.modem = index, .generation = world->controller.ports[index].generation};
        event->port.length = strlen(text);
        (void)text_copy(event->port.data, sizeof(event->port.data), text);
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
        struct event *event;

        if (!world->direct) {
                unit_stop(world, p);
                return;
        }
        if (p)
                smsd_kill(world, p->id.pid, SIGTERM, false);
        event = controller_event(world, EVENT_STOP_DONE);
        event->stopped.result = p ? 0 : -ESRCH;
        event->stopped.problem[0] = '\0';
        controller_post(world, event, CHANNEL_RESULTS, world_chance(world, 500, 10 * USEC_PER_MSEC));
}

static void start_smsd(struct world *world)
{
        if (!world->direct) {
                unit_start(world);
                return;
        }
        struct event *event = controller_event(world, EVENT_START_DONE);
        bool person = world->now < world->controller.person_until;

        event->started.result = world->now < world->controller.start_fault_until ? -ENOEXEC : 0;
        event->started.id = (struct process_id){0};
        event->started.problem[0] = '\0';
        if (event->started.result == 0) {
                pid_t pid = smsd_start(world, true, person);
                if (smsd_find(world, pid)) {
                        event->started.id = smsd_find(world, pid)->id;
                        smsd_find(world, pid)->watched = true;
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

void perform_trace(struct world *world, const struct action *action)
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

static void note_reset(struct world *world, const struct action *action)
{
        struct event *event = controller_event(world, EVENT_RESET_NOTED);

        (void)text_copy(event->noted.modem, sizeof(event->noted.modem), action->modem.name);
        event->noted.result = world->now < world->files.disk_full_until ? -ENOSPC : 0;
        files_save_modem(world, &action->modem);
        controller_post(world, event, CHANNEL_RESULTS,
                        world_chance(world, USEC_PER_MSEC, 40 * USEC_PER_MSEC));
}

void perform_action(struct world *world, const struct action *action)
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
        case ACTION_UNIT_LOOK:
                unit_look(world);
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
        case ACTION_HOLDER_LOOK:
                look_for_holder(world, action);
                break;
        case ACTION_KERNEL_READ:
                break; /* it has nothing to say */
        case ACTION_ALERT_SPOOL:
                alerts_spool(world, action);
                break;
        case ACTION_ALERTS_SAVE:
                post_result(world, EVENT_ALERTS_SAVED, alerts_save(world, action->book),
                            world_chance(world, USEC_PER_MSEC, 40 * USEC_PER_MSEC));
                break;
        case ACTION_RECOVERY_LOOK:
                power_look(world, action->usb_switch.path);
                break;
        case ACTION_USB_SWITCH:
                power_switch(world, action);
                break;
        case ACTION_RECOVERY_SAVE:
                power_save(world, action->recovery);
                break;
        case ACTION_MESSAGES_LIST:
                list_messages(world, action);
                break;
        case ACTION_MESSAGE_QUARANTINE:
                quarantine(world, action);
                break;
        case ACTION_RESET_NOTE:
                note_reset(world, action);
                break;
        case ACTION_MESSAGE_REQUEUE:
        case ACTION_APN_FIND:
        case ACTION_ALERT_SMS:
        case ACTION_DELIVER:
        case ACTION_HEARTBEAT:
        case ACTION_RECORD:
        case ACTION_KIND_MAX:
                break;
        }
}
