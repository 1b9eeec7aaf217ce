/*
 * A box in a few lines for tests of the gateway as a whole: it carries actions out at once and hands the
 * results back, so that a test tells only what happens and what must follow. One modem, one slot, an smsd
 * that does as it is told unless the test says otherwise. (The simulation has the world as it is; here it is
 * as the test needs it.)
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include "base/cleanup.h"
#include "base/text.h"
#include "core/gateway.h"
#include "core/modem.h"
#include "log_kind.h"
#include "rig_health.h"
#include "rig_settings.h"
#include "rig_spool.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIG_QUEUE   256
#define RIG_REPLIES 32
#define RIG_LINK    "/dev/smswarden/1-1.2-at"
#define RIG_CONF                                                                                             \
        "devices = GSM1\nloglevel = 5\n\n[GSM1]\n# the only one\ndevice = /dev/ttyUSB2\nincoming = "         \
        "yes\npin = 1111\n"

struct rig {
        struct gateway *gateway;
        struct config config;
        struct action_list actions;
        usec_t now;
        struct event queue[RIG_QUEUE];
        unsigned head, n;

        char conf[4096], good[4096], refused[4096], read[4096];
        bool edited_meanwhile; /* somebody edits smsd.conf right before its next writing */
        int conf_result;       /* of the next writings */
        struct process_list list;
        struct smsd_status status, status_read; /* as it is, as it was read last */
        bool sending, stubborn;                 /* infofile; smsd ignores TERM */
        bool frozen;                            /* stats/status does not move */
        bool no_stats;                          /* smsd.conf has no `stats` */
        int start_result, stop_result;
        const char *problem; /* the backend's own words of a failure */
        bool systemd;        /* there is one, and `unit` is what it says */
        struct unit_state unit;
        bool withheld[ACTION_KIND_MAX]; /* no result comes of these actions */
        bool refuses;                   /* smsd refuses smsd.conf as long as it holds `bogus` */
        bool handler_dies;              /* a started handler (of GSM1) ends at once */
        unsigned others;                /* more modems, on fixed nodes: company.h */
        pid_t next_pid;
        unsigned status_time;
        bool plugged;
        unsigned tty; /* of its AT port */
        bool named;   /* udev's rules give the port a stable name */
        enum sim_state sim;
        int attempts;
        bool silent;
        char imei[16], imsi[16];
        struct rig_settings settings;
        const char *apn; /* that the list of operators has for its SIM; NULL none */
        int note_result; /* of the next notes of a reset */
        enum flag_state flag;
        usec_t flag_since;
        bool hold;
        struct hold_record hold_record;
        struct modem_record record;
        bool recorded;

        struct {
                int result;
                size_t n;
                const struct message_item *items;
        } folders[MESSAGES_FOLDERS];
        int move_result;

        /* recovery */
        struct recovery_record recovery;
        bool recovery_kept;
        bool default_route, switchable; /* what the adapters see at its USB path */
        int switch_result;
        bool off;       /* its USB device is switched off */
        bool deaf;      /* neither AT nor `authorized` brings it back to speech: power does */
        bool hung;      /* silent until it is reset by USB or power */
        usec_t away;    /* a reset makes it leave for so long; 0: it stays */
        usec_t back_at; /* it is away, and comes back at; 0 not */
        unsigned resets;
        int open_result;     /* of its ports: -EBUSY somebody has them */
        char commands[2048]; /* AT+CFUN... and switches, one a line */

        struct rig_spool spool;
        int sms_result;
        int signal;               /* as stats/status tells it, 0 not */
        struct rig_health health; /* its second port: not among the counts */
        unsigned counts[ACTION_KIND_MAX];
        struct action last[ACTION_KIND_MAX];
        char told[8192]; /* all records, a line each */
        int replies[RIG_REPLIES];
        unsigned n_replies[RIG_REPLIES];
        char said[ACTION_MESSAGE_MAX]; /* the last reply's sentence */
};

static inline struct event *rig_event(struct rig *rig, enum event_kind kind)
{
        struct event *event = &rig->queue[(rig->head + rig->n++) % RIG_QUEUE];

        assert_true(rig->n < RIG_QUEUE);
        memset(event, 0, sizeof(*event));
        event->kind = kind;
        return event;
}

static inline void rig_exit(struct rig *rig, unsigned index, int status, bool known)
{
        struct event *event = rig_event(rig, EVENT_PROCESS_EXITED);

        event->exited.id = rig->list.processes[index].id;
        event->exited.status = status;
        event->exited.status_known = known;
        for (unsigned i = 0; i < rig->list.n; i++)
                if (rig->list.processes[i].parent == event->exited.id.pid)
                        rig->list.processes[i].parent = 1;
        rig->list.processes[index] = rig->list.processes[--rig->list.n];
}

static inline int rig_find(const struct rig *rig, pid_t pid)
{
        for (unsigned i = 0; i < rig->list.n; i++)
                if (rig->list.processes[i].id.pid == pid)
                        return (int)i;
        return -1;
}

static inline struct smsd_process *rig_process(struct rig *rig, pid_t parent)
{
        struct smsd_process *process = &rig->list.processes[rig->list.n++];

        memset(process, 0, sizeof(*process));
        process->id.pid = rig->next_pid++;
        process->id.start_time = rig->now / 10000;
        process->parent = parent;
        process->ours = true;
        return process;
}

/* smsd runs: main and its handler on the modem's port, its status fresh. Returns main's pid. */
static inline pid_t rig_smsd(struct rig *rig)
{
        struct smsd_process *main = rig_process(rig, 1);
        pid_t pid = main->id.pid;

        for (unsigned i = 0; i < rig->list.n; i++)
                rig->list.processes[i].in_pidfile = false;
        main->in_pidfile = true;
        if (!rig->handler_dies)
                (void)text_format(rig_process(rig, pid)->tty, DEVICE_NODE_MAX, "/dev/ttyUSB%u", rig->tty);
        for (unsigned i = 0; i < rig->others; i++)
                (void)text_format(rig_process(rig, pid)->tty, DEVICE_NODE_MAX, "/dev/ttyS%u", i + 2);
        rig->status.n = 1 + rig->others;
        rig->status_time++;
        for (unsigned i = 0; i < rig->status.n; i++) {
                struct smsd_status_modem *modem = &rig->status.modems[i];
                (void)text_format(modem->name, sizeof(modem->name), "GSM%u", i + 1);
                modem->state = HANDLER_IDLE;
                modem->signal_dbm = rig->signal;
                if (i > 0 || !rig->silent)
                        (void)text_format(modem->since_text, sizeof(modem->since_text), "%u",
                                          rig->status_time);
        }
        if (!rig->silent)
                return pid;
        /* It has said "Modem handler 0 has started", and waits for an answer. */
        rig->status.modems[0].state = HANDLER_UNKNOWN;
        struct event *event = rig_event(rig, EVENT_SMSD_LOG);
        event->log.line = (struct smsd_log_line){.kind = SMSD_LOG_TIMEOUT, .source = "GSM1", .modem = "GSM1"};
        return pid;
}

static inline void rig_usb(struct rig *rig)
{
        struct event *event = rig_event(rig, rig->plugged ? EVENT_USB_DEVICE : EVENT_USB_GONE);

        if (!rig->plugged) {
                (void)text_copy(event->usb_path, sizeof(event->usb_path), "1-1.2");
                return;
        }
        struct usb_device *device = &event->device;
        (void)text_copy(device->path, sizeof(device->path), "1-1.2");
        device->vendor = 0x2c7c;
        device->product = 0x0125;
        device->release = 0x318;
        device->n_interfaces = 4;
        for (uint8_t i = 0; i < 4; i++) {
                struct usb_interface *interface = &device->interfaces[i];
                interface->number = i;
                interface->class = interface->subclass = interface->protocol = 0xff;
                interface->bulk = 2;
                if (i > 0) {
                        interface->subclass = interface->protocol = 0;
                        interface->interrupt = 1;
                }
                (void)text_format(interface->node, sizeof(interface->node), "/dev/ttyUSB%u",
                                  rig->tty - 2 + i);
                (void)text_copy(interface->target, sizeof(interface->target), interface->node);
        }
        if (rig->named)
                (void)text_copy(device->interfaces[2].node, DEVICE_NODE_MAX, RIG_LINK);
}

/* It leaves the bus, as after AT+CFUN=1,1. */
static inline void rig_leave(struct rig *rig)
{
        rig->resets++;
        if (rig->away == 0)
                return;
        rig->plugged = false;
        rig->back_at = rig->now + rig->away;
        rig_usb(rig);
}

static inline void rig_answer(struct rig *rig, const struct action *action)
{
        static const struct {
                const char *command, *answer;
        } answers[] = {{"AT+QCCID", "\r\n+QCCID: 89860025128306012474\r\n\r\nOK\r\n"},
                       {"AT+QINISTAT", "\r\n+QINISTAT: 7\r\n\r\nOK\r\n"},
                       {"AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"}};
        static const char *const sims[] = {[SIM_READY] = "\r\n+CPIN: READY\r\n\r\nOK\r\n",
                                           [SIM_PIN] = "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n",
                                           [SIM_PUK] = "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n",
                                           [SIM_ABSENT] = "\r\n+CME ERROR: 10\r\n"};
        const char *text = "\r\nOK\r\n";
        char command[128], attempts[64], number[64], setting[160], spare[128];
        bool mute = false;

        (void)text_copy_n(command, sizeof(command), action->port.data, action->port.length);
        command[strcspn(command, "\r")] = '\0';
        if (text_starts_with(command, "AT+CFUN=") || text_equal(command, "AT"))
                (void)text_append(rig->commands, sizeof(rig->commands), "%s\n", command);
        if (rig->silent && text_equal(command, "AT+CFUN=1,1") && !rig->hung)
                rig->silent = false; /* it hears, and cannot answer */
        else if (rig->silent || (rig->health.silent && action->port.modem >= MODEMS_MAX))
                return;
        bool leaves = text_equal(command, "AT+CFUN=1,1");
        for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
                if (text_equal(command, answers[i].command))
                        text = answers[i].answer;
        if (text_equal(command, "AT+CGSN") || text_equal(command, "AT+CIMI")) {
                (void)text_format(number, sizeof(number), "\r\n%s\r\n\r\nOK\r\n",
                                  text_equal(command, "AT+CGSN") ? rig->imei : rig->imsi);
                text = number;
        }
        rig_settings_answer(&rig->settings, command, setting, sizeof(setting), &mute);
        if (mute)
                return;
        if (setting[0])
                text = setting;
        if (text_equal(command, "AT+CPIN?")) /* smsd has entered the PIN */
                text = sims[rig->sim == SIM_PIN && rig->list.n > 1 ? SIM_READY : rig->sim];
        rig_health_answer(&rig->health, command, action->port.modem >= MODEMS_MAX, spare, sizeof(spare));
        if (spare[0])
                text = spare;
        if (text_equal(command, "AT+QPINC?")) {
                (void)text_format(attempts, sizeof(attempts), "\r\n+QPINC: \"SC\",%d,10\r\n\r\nOK\r\n",
                                  rig->attempts);
                text = attempts;
        }
        struct event *event = rig_event(rig, EVENT_PORT_DATA);
        event->port.modem = action->port.modem;
        event->port.generation = action->port.generation;
        event->port.length = strlen(text);
        (void)text_copy(event->port.data, sizeof(event->port.data), text);
        if (leaves)
                rig_leave(rig);
}

static inline void rig_return(struct rig *rig)
{
        rig->back_at = 0;
        rig->plugged = true;
        rig_usb(rig);
}

static inline void rig_switch(struct rig *rig, const struct action *action)
{
        struct event *event = rig_event(rig, EVENT_USB_SWITCHED);
        enum usb_switch what = action->usb_switch.what;
        bool on =
            what == USB_SWITCH_AUTHORIZE_ON || what == USB_SWITCH_PORT_ON || what == USB_SWITCH_COMMAND_ON;

        (void)text_append(rig->commands, sizeof(rig->commands), "%s %s\n", usb_switch_to_string(what),
                          action->usb_switch.path);
        event->switched.token = action->usb_switch.token;
        event->switched.result = rig->switch_result;
        if (rig->switch_result < 0)
                return;
        rig->off = !on;
        if (!on) {
                rig->resets++;
                if (rig->plugged) {
                        rig->plugged = false;
                        rig_usb(rig);
                }
                return;
        }
        rig->hung = false;
        rig->silent = rig->deaf && what == USB_SWITCH_AUTHORIZE_ON;
        rig->deaf = rig->silent;
        rig->back_at = rig->now + 2 * USEC_PER_SEC;
}

static inline void rig_stop(struct rig *rig, pid_t pid)
{
        struct event *event = rig_event(rig, EVENT_STOP_DONE);

        event->stopped.result = rig->stop_result;
        if (rig->stop_result < 0 && rig->problem)
                (void)text_copy(event->stopped.problem, sizeof(event->stopped.problem), rig->problem);
        if (rig->stop_result < 0)
                return;
        while (!rig->stubborn && rig_find(rig, pid) >= 0) {
                for (unsigned i = rig->list.n; i-- > 0;)
                        if (rig->list.processes[i].parent == pid)
                                rig_exit(rig, i, 0, false);
                rig_exit(rig, (unsigned)rig_find(rig, pid), 0, true);
        }
}

/* systemd tells what it knows. */
static inline void rig_unit(struct rig *rig)
{
        rig_event(rig, EVENT_UNIT)->unit = rig->unit;
}

static inline void rig_start(struct rig *rig)
{
        struct event *event = rig_event(rig, EVENT_START_DONE);

        event->started.result = rig->start_result;
        if (rig->start_result < 0 && rig->problem)
                (void)text_copy(event->started.problem, sizeof(event->started.problem), rig->problem);
        if (rig->start_result < 0)
                return;
        rig->unit.stopped = false;
        (void)text_copy(rig->unit.active, sizeof(rig->unit.active), "active");
        (void)text_copy(rig->unit.sub, sizeof(rig->unit.sub), "running");
        rig->unit.known = rig->systemd;
        if (rig->systemd)
                rig_unit(rig);
        pid_t pid = rig_smsd(rig);
        event->started.id = rig->list.processes[rig_find(rig, pid)].id;
        if (!rig->refuses || !strstr(rig->conf, "bogus"))
                return;
        for (unsigned i = rig->list.n; i-- > 0;)
                if (rig->list.processes[i].parent == pid)
                        rig->list.processes[i] = rig->list.processes[--rig->list.n];
        rig_exit(rig, (unsigned)rig_find(rig, pid), 1, true);
}

static inline void rig_read_conf(struct rig *rig, bool good)
{
        struct event *event = rig_event(rig, EVENT_CONF_READ);

        (void)text_copy(rig->read, sizeof(rig->read), good ? rig->good : rig->conf);
        event->conf = (struct conf_event){.good = good, .text = rig->read, .length = strlen(rig->read)};
        if (rig->read[0] == '\0')
                event->conf.result = -ENOENT;
}

/* An smsd whose polls go through writes its line anew all the time. */
static inline void rig_poll(struct rig *rig)
{
        for (unsigned i = 0; i < rig->status.n; i++)
                if (rig->status.modems[i].state == HANDLER_IDLE && rig->list.n > 0 && !rig->frozen &&
                    !rig->silent)
                        (void)text_format(rig->status.modems[i].since_text, 32, "%llu",
                                          (unsigned long long)(rig->now / USEC_PER_SEC));
}

static inline void rig_perform_file(struct rig *rig, const struct action *action)
{
        switch (action->kind) {
        case ACTION_CONF_READ:
        case ACTION_CONF_READ_GOOD:
                rig_read_conf(rig, action->kind == ACTION_CONF_READ_GOOD);
                break;
        case ACTION_CONF_WRITE:
                if (rig->edited_meanwhile) {
                        rig->edited_meanwhile = false;
                        (void)text_append(rig->conf, sizeof(rig->conf), "# mine\n");
                        rig_event(rig, EVENT_CONF_WRITTEN)->result = -ESTALE;
                        break;
                }
                rig_event(rig, EVENT_CONF_WRITTEN)->result = rig->conf_result;
                if (rig->conf_result == 0)
                        (void)text_copy_n(rig->conf, sizeof(rig->conf), action->conf.text,
                                          action->conf.length);
                break;
        case ACTION_CONF_KEEP:
                (void)text_copy_n(rig->good, sizeof(rig->good), action->conf.text, action->conf.length);
                break;
        case ACTION_CONF_SET_ASIDE:
                (void)text_copy(rig->refused, sizeof(rig->refused), rig->conf);
                break;
        case ACTION_HOLD_WRITE:
                rig->hold = true;
                rig->hold_record = action->hold;
                (void)rig_event(rig, EVENT_HOLD_WRITTEN);
                break;
        case ACTION_HOLD_CLEAR:
                rig->hold = false;
                rig->flag = rig->flag == FLAG_PRESENT ? FLAG_ABSENT : rig->flag;
                (void)rig_event(rig, EVENT_HOLD_CLEARED);
                break;
        case ACTION_RECOVERY_SAVE:
                rig->recovery = *action->recovery;
                rig->recovery_kept = true;
                break;
        case ACTION_MODEM_SAVE:
                rig->record = action->modem;
                rig->recorded = true;
                break;
        case ACTION_RESET_NOTE: {
                struct event *event = rig_event(rig, EVENT_RESET_NOTED);
                (void)text_copy(event->noted.modem, sizeof(event->noted.modem), action->modem.name);
                event->noted.result = rig->note_result;
                if (rig->note_result >= 0)
                        rig->record = action->modem;
                break;
        }
        case ACTION_APN_FIND: {
                struct event *event = rig_event(rig, EVENT_APN);
                (void)text_copy(event->apn.imsi, sizeof(event->apn.imsi), action->apn.imsi);
                (void)text_copy(event->apn.apn, sizeof(event->apn.apn), rig->apn ? rig->apn : "");
                (void)text_copy(event->apn.why, sizeof(event->apn.why), rig->apn ? "" : "none is known");
                break;
        }
        default:
                break;
        }
}

static inline void rig_perform(struct rig *rig, const struct action *action)
{
        struct event *event;
        int index;

        bool spare = action->kind <= ACTION_PORT_CLOSE && action->port.modem >= MODEMS_MAX;
        rig->counts[action->kind] += !spare;
        rig->last[action->kind] = *action;
        if (rig->withheld[action->kind])
                return;
        rig_perform_file(rig, action);
        switch (action->kind) {
        case ACTION_PORT_OPEN:
                event = rig_event(rig, EVENT_PORT_OPENED);
                event->port.result = rig->open_result;
                event->port.modem = action->port.modem;
                event->port.generation = action->port.generation;
                if (spare)
                        rig_health_opened(&rig->health, event);
                break;
        case ACTION_HOLDER_LOOK:
                rig_health_holder(&rig->health, action, rig_event(rig, EVENT_HOLDER));
                break;
        case ACTION_PORT_WRITE:
                rig_answer(rig, action);
                break;
        case ACTION_SCAN:
                event = rig_event(rig, EVENT_PROCESSES);
                event->processes.list = &rig->list;
                event->processes.sending = rig->sending;
                break;
        case ACTION_STATUS_READ:
                rig_poll(rig);
                rig->status_read = rig->status;
                rig_event(rig, EVENT_SMSD_STATUS)->status.status = rig->no_stats ? NULL : &rig->status_read;
                break;
        case ACTION_SMSD_STOP:
                rig_stop(rig, action->process.id.pid);
                break;
        case ACTION_SIGNAL:
                index = rig_find(rig, action->process.id.pid);
                if (index >= 0 && (!rig->stubborn || action->process.signal == SIGKILL))
                        rig_exit(rig, (unsigned)index, -action->process.signal, false);
                break;
        case ACTION_SMSD_START:
                rig_start(rig);
                break;
        case ACTION_UNIT_LOOK:
                rig->unit.known = rig->systemd;
                rig_unit(rig);
                break;
        case ACTION_FLAG_LOOK:
                event = rig_event(rig, EVENT_FLAG);
                event->flag.state = rig->flag;
                event->flag.age = rig->now - rig->flag_since;
                event->flag.age_plausible = true;
                if (rig->flag == FLAG_REFUSED)
                        (void)text_copy(event->flag.refusal, sizeof(event->flag.refusal), "a symbolic link");
                (void)text_copy(event->flag.owner, sizeof(event->flag.owner), "rom");
                break;
        case ACTION_RECOVERY_LOOK:
                event = rig_event(rig, EVENT_RECOVERY_SEEN);
                (void)text_copy(event->recovery_seen.path, sizeof(event->recovery_seen.path),
                                action->usb_switch.path);
                event->recovery_seen.present = rig->plugged || rig->off;
                event->recovery_seen.default_route = rig->default_route;
                event->recovery_seen.switchable = rig->switchable;
                break;
        case ACTION_USB_SWITCH:
                rig_switch(rig, action);
                break;
        case ACTION_ALERT_SPOOL:
                rig_spool_write(&rig->spool, action, rig->now, rig_event(rig, EVENT_ALERT_SPOOLED));
                break;
        case ACTION_ALERTS_SAVE:
                rig_spool_save(&rig->spool, action->book);
                rig_event(rig, EVENT_ALERTS_SAVED)->result = rig->spool.save_result;
                break;
        case ACTION_MESSAGES_LIST:
                event = rig_event(rig, EVENT_MESSAGES);
                event->messages.folder = action->messages.folder;
                event->messages.result = rig->folders[action->messages.folder].result;
                event->messages.n = rig->folders[action->messages.folder].n;
                event->messages.items = rig->folders[action->messages.folder].items;
                event->messages.now = (int64_t)(rig->now / USEC_PER_SEC);
                break;
        case ACTION_MESSAGE_REQUEUE:
        case ACTION_MESSAGE_QUARANTINE:
                event = rig_event(rig, EVENT_MESSAGE_MOVED);
                event->moved.from =
                    action->kind == ACTION_MESSAGE_REQUEUE ? MESSAGES_FAILED : MESSAGES_CHECKED;
                event->moved.id = action->message.id;
                event->moved.result = rig->move_result;
                event->moved.count = 1;
                (void)text_copy(event->moved.name, sizeof(event->moved.name), action->message.name);
                break;
        case ACTION_ALERT_SMS:
                event = rig_event(rig, EVENT_ALERT_SMS);
                event->sms.result = rig->sms_result;
                event->sms.sequence = action->sms.sequence;
                break;
        case ACTION_RECORD:
                (void)text_append(rig->told, sizeof(rig->told), "%s\n", action->record.message);
                break;
        case ACTION_REPLY:
                assert_true(action->reply.token < RIG_REPLIES);
                rig->replies[action->reply.token] = action->reply.result;
                rig->n_replies[action->reply.token]++;
                (void)text_copy(rig->said, sizeof(rig->said), action->reply.message);
                break;
        default:
                break;
        }
}

static inline void rig_perform_all(struct rig *rig)
{
        assert_false(rig->actions.overflown);
        for (unsigned i = 0; i < rig->actions.n; i++) {
                if (rig->actions.items[i].kind == ACTION_SMSD_START) {
                        /* In every test: by the one path only, and nothing between the hold's end and the
                         * start. */
                        assert_true(i > 0 && rig->actions.items[i - 1].kind == ACTION_HOLD_CLEAR);
                        assert_true(gateway_is_restarting(rig->gateway));
                        assert_int_equal(rig->list.n, 0);
                        assert_false(rig->unit.system_stopping);
                }
                rig_perform(rig, &rig->actions.items[i]);
        }
}

/* Hands over what has been queued, and what follows from it, at this moment. */
static inline void rig_go(struct rig *rig)
{
        while (rig->n > 0) {
                struct event event = rig->queue[rig->head];
                rig->head = (rig->head + 1) % RIG_QUEUE;
                rig->n--;
                rig->now += USEC_PER_MSEC;
                gateway_step(rig->gateway, &event, rig->now, &rig->actions);
                rig_perform_all(rig);
        }
}

/* Time passes, timers included. */
static inline void rig_wait(struct rig *rig, usec_t duration)
{
        usec_t end = rig->now + duration;

        rig_go(rig);
        for (unsigned rounds = 0;; rounds++) {
                usec_t deadline = gateway_next_deadline(rig->gateway);
                assert_true(rounds < 30000);
                if (rig->back_at && rig->back_at <= end && rig->back_at < deadline) {
                        rig->now = rig->back_at > rig->now ? rig->back_at : rig->now;
                        rig_return(rig);
                        rig_go(rig);
                        continue;
                }
                assert_int_not_equal(deadline, USEC_INFINITY);
                if (deadline > end)
                        break;
                rig->now = deadline > rig->now ? deadline : rig->now;
                (void)rig_event(rig, EVENT_TIMER);
                rig_go(rig);
        }
        rig->now = end > rig->now ? end : rig->now;
}

static inline void rig_command(struct rig *rig, enum command_kind kind, unsigned token, bool force)
{
        struct event *event = rig_event(rig, EVENT_COMMAND);

        event->command = (struct command){.kind = kind, .token = token, .by = "rom", .force = force};
}

static inline void rig_log(struct rig *rig, enum smsd_log_kind kind)
{
        struct event *event = rig_event(rig, EVENT_SMSD_LOG);

        event->log.line = (struct smsd_log_line){.kind = kind, .source = "GSM1", .modem = "GSM1"};
        (void)text_copy(event->log.text, sizeof(event->log.text), log_kind_name(kind));
}

/* The same from the line itself. */
static inline void rig_log_line(struct rig *rig, const char *line)
{
        struct event *event = rig_event(rig, EVENT_SMSD_LOG);

        smsd_log_parse(line, strlen(line), &event->log.line);
        (void)text_copy(event->log.text, sizeof(event->log.text), line);
}

/* The controller begins on what is there: the first picture is queued. */
static inline void rig_wake(struct rig *rig)
{
        rig->gateway = gateway_free(rig->gateway);
        rig->gateway = gateway_new(&rig->config);
        assert_non_null(rig->gateway);
        rig->n = 0;
        if (rig->recorded)
                rig_event(rig, EVENT_MODEM_RECORD)->record = rig->record;
        if (rig->recovery_kept)
                rig_event(rig, EVENT_RECOVERY_RECORD)->recovery = rig->recovery;
        if (rig->hold)
                rig_event(rig, EVENT_HOLD_FOUND)->hold = rig->hold_record;
        rig_spool_open(&rig->spool);
        for (unsigned i = 0; i < rig->spool.n_open; i++) {
                struct event *event = rig_event(rig, EVENT_ALERT_FOUND);
                event->found.alert = &rig->spool.open[i].alert;
                event->found.told = rig->spool.open[i].told;
        }
        rig_event(rig, EVENT_SMS_FOUND)->sms_found = &rig->spool.sms;
        rig_go(rig);
        gateway_begin(rig->gateway, rig->now, &rig->actions);
        rig_perform_all(rig);
        if (rig->plugged)
                rig_usb(rig);
        (void)rig_event(rig, EVENT_USB_ENUMERATED);
}

/* ... and taken in. */
static inline void rig_begin(struct rig *rig)
{
        rig_wake(rig);
        rig_go(rig);
}

/* A box whose modem is plugged in; smsd does not run and the controller has not begun. */
static inline struct rig *rig_new(void)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        assert_non_null(rig);
        config_init(&rig->config);
        rig->now = USEC_PER_HOUR;
        rig->next_pid = 100;
        rig->plugged = true;
        rig->tty = 2;
        rig->sim = SIM_READY;
        rig->attempts = 3;
        (void)text_copy(rig->imei, sizeof(rig->imei), "862061045678901");
        (void)text_copy(rig->imsi, sizeof(rig->imsi), "246012345678901");
        (void)text_copy(rig->settings.apn, sizeof(rig->settings.apn), "internet");
        (void)text_copy(rig->conf, sizeof(rig->conf), RIG_CONF);
        (void)text_copy(rig->good, sizeof(rig->good), RIG_CONF);
        return rig;
}

static inline void rig_free(struct rig **rig)
{
        if (*rig)
                (void)gateway_free((*rig)->gateway);
        free(*rig);
}

#define _rig_ _cleanup_(rig_free) struct rig *

/* A box that works: smsd was started by the controller and verified. */
static inline struct rig *rig_working(void)
{
        struct rig *rig = rig_new();

        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->list.n, 2);
        return rig;
}

static inline enum verdict rig_verdict(struct rig *rig)
{
        static struct snapshot snapshot;

        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        return snapshot.verdict;
}

/* A box that works under systemd. */
static inline struct rig *rig_working_unit(void)
{
        struct rig *rig = rig_new();

        rig->systemd = true;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->list.n, 2);
        return rig;
}

/* The modems are left alone: for tests of what is seen and told of them. */
static inline void rig_leave_alone(struct rig *rig)
{
        rig->config.recovery.automatic = false;
        if (rig->gateway)
                rig_event(rig, EVENT_RELOAD)->config = &rig->config;
}

static inline void rig_forget(struct rig *rig)
{
        memset(rig->counts, 0, sizeof(rig->counts));
        rig->told[0] = '\0';
}

#endif
