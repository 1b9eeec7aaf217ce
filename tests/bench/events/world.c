/*
 * See world.h. daemon_perform() and the clock are this file's: the queue is the daemon's own.
 */
#include "world.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MODEMS    4
#define INIT_TIME "26-11-23 10:00:00"

static struct {
        usec_t now;
        uint64_t seed;
        unsigned stepped;
        unsigned events; /* answers that were enqueued */
        char conf[8192];
        size_t conf_length;
        struct process_list processes;
        struct smsd_status status;
        pid_t last_pid;
        bool plugged[MODEMS];
        unsigned first_tty[MODEMS];
        unsigned tokens;
} world;

/* All of base/clock, so that the linker takes these. */
usec_t clock_boottime(void)
{
        return world.now;
}

usec_t clock_monotonic(void)
{
        return world.now;
}

int64_t clock_realtime(void)
{
        return (int64_t)world.now;
}

int64_t clock_realtime_offset(void)
{
        return 0;
}

/* xorshift64*: the run is the same each time. */
static unsigned draw(unsigned below)
{
        world.seed ^= world.seed >> 12;
        world.seed ^= world.seed << 25;
        world.seed ^= world.seed >> 27;
        return (unsigned)((world.seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

static struct event *tell(struct daemon *daemon, enum event_kind kind)
{
        world.events++;
        return daemon_enqueue(daemon, kind);
}

/* --- modems --- */

static void answer_at(struct daemon *daemon, const struct action *action)
{
        static const struct {
                const char *command, *answer;
        } answers[] = {
            {"AT+CGSN", "\r\n86742403000001%u\r\n"},
            {"AT+CPIN?", "\r\n+CPIN: READY\r\n"},
            {"AT+QCCID", "\r\n+QCCID: 893700100000000001%u\r\n"},
            {"AT+CIMI", "\r\n24601000000000%u\r\n"},
            {"AT+QINISTAT", "\r\n+QINISTAT: 7\r\n"},
            {"ATI", "\r\nQuectel\r\nEC25\r\nRevision: EC25EFAR06A11M4G\r\n"},
            {"AT+CREG?", "\r\n+CREG: 0,1\r\n"},
            {"AT+COPS?", "\r\n+COPS: 0,0,\"Telia LT\",7\r\n"},
            {"AT+CSQ", "\r\n+CSQ: 2%u,99\r\n"},
            {"AT+CPMS?", "\r\n+CPMS: \"ME\",%u,255,\"ME\",0,255,\"ME\",0,255\r\n"},
        };
        struct port_event *port = &tell(daemon, EVENT_PORT_DATA)->port;
        char text[128] = "";

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
                if (text_starts_with(action->port.data, answers[i].command))
                        /* NOLINTNEXTLINE: the formats are the table's */
                        (void)snprintf(text, sizeof(text), "%s", answers[i].answer);
        char *place = strstr(text, "%u");
        if (place) {
                place[0] = (char)('0' + action->port.modem % 10);
                memmove(place + 1, place + 2, strlen(place + 2) + 1);
        }
        port->modem = action->port.modem;
        port->generation = action->port.generation;
        (void)text_format(port->data, sizeof(port->data), "%s\r\nOK\r\n", text);
        port->length = strlen(port->data);
}

static void answer_open(struct daemon *daemon, const struct action *action)
{
        struct port_event *port = &tell(daemon, EVENT_PORT_OPENED)->port;

        daemon->ports[action->port.modem].generation = action->port.generation;
        port->modem = action->port.modem;
        port->generation = action->port.generation;
        port->result = draw(20) == 0 ? -EBUSY : 0;
}

static void plug(struct daemon *daemon, unsigned index)
{
        static const uint8_t classes[][3] = {{0xff, 2, 0}, {0, 2, 1}, {0, 2, 1}, {0, 2, 1}};
        struct usb_device *device = &tell(daemon, EVENT_USB_DEVICE)->device;
        unsigned ttys = draw(4) == 0 ? draw(5) : 4;

        if (!world.plugged[index])
                world.first_tty[index] = 4 * draw(16);
        world.plugged[index] = true;
        (void)text_format(device->path, sizeof(device->path), "1-1.%u", index + 1);
        device->vendor = 0x2c7c;
        device->product = 0x0125;
        device->release = draw(50) == 0 ? 0 : 0x0318;
        (void)text_copy(device->model, sizeof(device->model), "EC25-AF");
        device->n_interfaces = 4;
        for (unsigned i = 0; i < 4; i++) {
                struct usb_interface *interface = &device->interfaces[i];
                interface->number = (uint8_t)i;
                interface->class = 0xff;
                interface->subclass = interface->protocol = classes[i][0];
                interface->bulk = classes[i][1];
                interface->interrupt = classes[i][2];
                if (i >= ttys)
                        continue;
                (void)text_format(interface->node, sizeof(interface->node), "/dev/ttyUSB%u",
                                  world.first_tty[index] + i);
                (void)text_copy(interface->target, sizeof(interface->target), interface->node);
        }
}

static void unplug(struct daemon *daemon, unsigned index)
{
        struct event *event = tell(daemon, EVENT_USB_GONE);

        (void)text_format(event->usb_path, sizeof(event->usb_path), "1-1.%u", index + 1);
        world.plugged[index] = false;
}

/* What no modem should say, into whatever port is open. */
static void garbage(struct daemon *daemon)
{
        unsigned index = draw(MODEMS);
        struct port_event *port = &tell(daemon, EVENT_PORT_DATA)->port;

        port->modem = index;
        port->generation = daemon->ports[index].generation;
        port->length = 1 + draw(sizeof(port->data));
        for (size_t i = 0; i < port->length; i++)
                port->data[i] = (char)draw(256);
}

/* --- smsd --- */

static struct smsd_process *add_process(void)
{
        struct smsd_process *process = &world.processes.processes[world.processes.n++];

        *process = (struct smsd_process){.id = {.pid = ++world.last_pid, .start_time = world.now / 10000},
                                         .ours = true,
                                         .group = world.processes.processes[0].id.pid};
        return process;
}

/* A handler for each section, on the device that it names. */
static void start_handlers(void)
{
        struct smsd_conf conf = {.text = world.conf, .length = world.conf_length};
        char name[16];

        for (unsigned i = 0; i < MODEMS; i++) {
                struct smsd_process *handler = add_process();
                handler->parent = world.processes.processes[0].id.pid;
                (void)text_format(name, sizeof(name), "GSM%u", i + 1);
                if (smsd_conf_get(&conf, name, "device", handler->tty, sizeof(handler->tty)) < 0)
                        handler->tty[0] = '\0';
        }
}

static void start_smsd(struct daemon *daemon)
{
        world.processes.n = 0;
        struct smsd_process *main = add_process();
        main->parent = 1;
        main->group = main->id.pid;
        main->in_pidfile = true;
        start_handlers();
        for (unsigned i = 0; i < MODEMS; i++) {
                struct smsd_status_modem *modem = &world.status.modems[i];
                (void)text_format(modem->name, sizeof(modem->name), "GSM%u", i + 1);
                modem->state = HANDLER_IDLE;
                modem->since_realtime = (clock_realtime() / (int64_t)USEC_PER_SEC);
                (void)text_format(modem->since_text, sizeof(modem->since_text), "%u", (unsigned)main->id.pid);
        }
        world.status.n = MODEMS;
        struct event *event = tell(daemon, EVENT_START_DONE);
        event->started.id = main->id;
}

/* One process ends; with `all` every one of them. */
static void end_smsd(struct daemon *daemon, bool all, int status)
{
        while (world.processes.n > 0) {
                struct smsd_process *last = &world.processes.processes[--world.processes.n];
                struct event *event = tell(daemon, EVENT_PROCESS_EXITED);
                event->exited.id = last->id;
                event->exited.status_known = true;
                event->exited.status = status;
                if (!all)
                        return;
        }
}

static void write_log(struct daemon *daemon)
{
        static const char *const lines[] = {
            "2026-11-23 10:00:00,2, smsd: Smsd v3.1.21 started.",
            "2026-11-23 10:00:00,5, GSM1: SMS sent, Message_id: 4, To: 37060000001, sending time 1 sec.",
            "2026-11-23 10:00:00,5, GSM2: SMS received, From: 37060000002",
            "2026-11-23 10:00:00,3, GSM1: write_to_modem: error 5: Input/output error",
            "2026-11-23 10:00:00,5, GSM3: IMSI: 246010000000001",
            "2026-11-23 10:00:00,3, GSM4: Modem is not ready to answer commands (Timeouts: 22)",
        };
        const char *line = lines[draw(ARRAY_SIZE(lines))];

        world.events++;
        daemon_log_line(daemon, line, strlen(line));
}

/* --- people --- */

static void command(struct daemon *daemon)
{
        struct command *wish = &tell(daemon, EVENT_COMMAND)->command;

        wish->kind = (enum command_kind)draw(3);
        wish->token = ++world.tokens;
        wish->duration = wish->kind == COMMAND_STOP ? (1 + draw(600)) * USEC_PER_SEC : 0;
        wish->realtime = (clock_realtime() / (int64_t)USEC_PER_SEC);
        (void)text_copy(wish->by, sizeof(wish->by), "root");
        (void)text_copy(wish->reason, sizeof(wish->reason), "because");
}

static void edit_conf(void)
{
        world.conf_length = 0;
        world.conf[0] = '\0';
        (void)text_append(world.conf, sizeof(world.conf), "devices = GSM1, GSM2, GSM3, GSM4\n# edit %03u\n",
                          draw(1000));
        for (unsigned i = 0; i < MODEMS; i++)
                (void)text_append(world.conf, sizeof(world.conf),
                                  "[GSM%u]\ndevice = /dev/ttyUSB9%u\nincoming = yes\n", i + 1, i);
        world.conf_length = strlen(world.conf);
}

/* --- actions --- */

static void answer_read(struct daemon *daemon, bool good)
{
        struct conf_event *conf = &tell(daemon, EVENT_CONF_READ)->conf;

        conf->good = good;
        conf->text = strndup(world.conf, world.conf_length); /* the queue's from now on */
        conf->length = world.conf_length;
        if (!conf->text)
                abort();
}

static void answer_write(struct daemon *daemon, const struct action *action)
{
        if (action->conf.length >= sizeof(world.conf))
                abort();
        memmove(world.conf, action->conf.text, action->conf.length);
        world.conf_length = action->conf.length;
        (void)tell(daemon, EVENT_CONF_WRITTEN);
}

static void answer_spool(struct daemon *daemon, const struct action *action)
{
        struct event *event = tell(daemon, EVENT_ALERT_SPOOLED);

        (void)text_copy(event->spooled.key, sizeof(event->spooled.key), action->alert.alert->key);
        event->spooled.generation = action->alert.generation;
        event->spooled.result = draw(50) == 0 ? -ENOSPC : 0;
}

static void answer_look_at_usb(struct daemon *daemon, const struct action *action)
{
        struct recovery_seen_event *seen = &tell(daemon, EVENT_RECOVERY_SEEN)->recovery_seen;

        (void)text_copy(seen->path, sizeof(seen->path), action->usb_switch.path);
        seen->present = true;
        seen->default_route = draw(4) == 0;
        seen->switchable = draw(2) == 0;
}

static void answer_switch(struct daemon *daemon, const struct action *action)
{
        struct event *event = tell(daemon, EVENT_USB_SWITCHED);

        event->switched.token = action->usb_switch.token;
        event->switched.result = draw(10) == 0 ? -EIO : 0;
}

/* Nobody but smsd, most of the time. */
static void answer_holder(struct daemon *daemon, const struct action *action)
{
        struct event *event = tell(daemon, EVENT_HOLDER);

        event->holder.modem = action->port.modem;
        event->holder.result = draw(10) > 0;
}

static void answer_note(struct daemon *daemon, const struct action *action)
{
        struct event *event = tell(daemon, EVENT_RESET_NOTED);

        (void)text_copy(event->noted.modem, sizeof(event->noted.modem), action->modem.name);
}

static void answer(struct daemon *daemon, const struct action *action)
{
        switch (action->kind) {
        case ACTION_PORT_OPEN:
                answer_open(daemon, action);
                break;
        case ACTION_PORT_WRITE:
                if (draw(50) > 0)
                        answer_at(daemon, action);
                break;
        case ACTION_SCAN:
                tell(daemon, EVENT_PROCESSES)->processes.list = &world.processes;
                break;
        case ACTION_SMSD_STOP:
                (void)tell(daemon, EVENT_STOP_DONE);
                end_smsd(daemon, draw(4) > 0, 0);
                break;
        case ACTION_SIGNAL:
                end_smsd(daemon, false, -SIGKILL);
                break;
        case ACTION_CONF_READ:
        case ACTION_CONF_READ_GOOD:
                answer_read(daemon, action->kind == ACTION_CONF_READ_GOOD);
                break;
        case ACTION_CONF_WRITE:
                answer_write(daemon, action);
                break;
        case ACTION_HOLD_WRITE:
                (void)tell(daemon, EVENT_HOLD_WRITTEN);
                break;
        case ACTION_HOLD_CLEAR:
                (void)tell(daemon, EVENT_HOLD_CLEARED);
                break;
        case ACTION_UNIT_LOOK:
                (void)tell(daemon, EVENT_UNIT);
                break;
        case ACTION_FLAG_LOOK:
                tell(daemon, EVENT_FLAG)->flag.state = draw(50) == 0 ? FLAG_PRESENT : FLAG_ABSENT;
                break;
        case ACTION_SMSD_START:
                start_smsd(daemon);
                break;
        case ACTION_STATUS_READ:
                tell(daemon, EVENT_SMSD_STATUS)->status.status = &world.status;
                break;
        case ACTION_ALERT_SPOOL:
                answer_spool(daemon, action);
                break;
        case ACTION_ALERTS_SAVE:
                tell(daemon, EVENT_ALERTS_SAVED)->result = 0;
                break;
        case ACTION_MESSAGES_LIST:
                tell(daemon, EVENT_MESSAGES)->messages.folder = action->messages.folder;
                break;
        case ACTION_HOLDER_LOOK:
                answer_holder(daemon, action);
                break;
        case ACTION_RESET_NOTE:
                answer_note(daemon, action);
                break;
        case ACTION_RECOVERY_LOOK:
                answer_look_at_usb(daemon, action);
                break;
        case ACTION_USB_SWITCH:
                answer_switch(daemon, action);
                break;
        case ACTION_MESSAGE_REQUEUE:
        case ACTION_MESSAGE_QUARANTINE:
        case ACTION_PORT_CLOSE:
        case ACTION_CONF_KEEP:
        case ACTION_CONF_SET_ASIDE:
        case ACTION_DELIVER:
        case ACTION_ALERT_SMS:
        case ACTION_HEARTBEAT:
        case ACTION_MODEM_SAVE:
        case ACTION_RECORD:
        case ACTION_REPLY:
        case ACTION_KERNEL_READ:
        case ACTION_APN_FIND:
        case ACTION_RECOVERY_SAVE:
        case ACTION_KIND_MAX:
                break;
        }
}

void daemon_perform(struct daemon *daemon, const struct action_list *actions)
{
        for (unsigned i = 0; i < actions->n; i++)
                answer(daemon, &actions->items[i]);
}

void world_init(struct daemon *daemon, unsigned seed)
{
        world.now = USEC_PER_HOUR;
        world.seed = 20261123 + seed;
        world.last_pid = 1000;
        edit_conf();
        gateway_begin(daemon->gateway, world.now, &daemon->actions);
        daemon_perform(daemon, &daemon->actions);
        (void)tell(daemon, EVENT_USB_ENUMERATED);
        daemon_drain(daemon);
}

/* Up to the next deadline, as the timer would. */
static void let_time_pass(struct daemon *daemon)
{
        usec_t deadline = gateway_next_deadline(daemon->gateway);

        if (deadline < world.now + USEC_PER_MIN)
                world.now = deadline > world.now ? deadline : world.now;
        else
                world.now += USEC_PER_MIN;
        (void)tell(daemon, EVENT_TIMER);
}

void world_rest(struct daemon *daemon)
{
        end_smsd(daemon, true, 0);
        daemon_drain(daemon);
        for (unsigned i = 0; i < MODEMS; i++)
                unplug(daemon, i);
        daemon_drain(daemon);
        edit_conf();
        for (unsigned i = 0; i < 1000 || gateway_is_restarting(daemon->gateway); i++) {
                let_time_pass(daemon);
                daemon_drain(daemon);
        }
}

unsigned world_step(struct daemon *daemon)
{
        static struct snapshot snapshot;
        unsigned before = world.events, kind = draw(100);

        world.now += draw(1000) * USEC_PER_MSEC / 10;
        if (kind < 40)
                let_time_pass(daemon);
        else if (kind < 55)
                plug(daemon, draw(MODEMS));
        else if (kind < 60)
                unplug(daemon, draw(MODEMS));
        else if (kind < 70)
                garbage(daemon);
        else if (kind < 85)
                write_log(daemon);
        else if (kind < 90)
                gateway_snapshot(daemon->gateway, world.now, 0, &snapshot);
        else if (kind < 93)
                end_smsd(daemon, draw(2) == 0, -SIGKILL);
        else if (kind < 95)
                command(daemon);
        else if (kind < 96)
                edit_conf();
        else if (kind < 97)
                tell(daemon, EVENT_RELOAD)->config = &daemon->config;
        else
                (void)tell(daemon, EVENT_SMSD_OPENED);
        daemon_drain(daemon);
        return world.events - before;
}

int daemon_reload(struct daemon *daemon)
{
        tell(daemon, EVENT_RELOAD)->config = &daemon->config;
        return 0;
}
