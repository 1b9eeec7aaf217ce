/*
 * From the adapters' callbacks to events. Nothing is decided here.
 */
#include "daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* --- hotplug --- */

/* realpath into a bounded buffer; the path itself when it does not resolve. */
static void resolve(char *target, size_t size, const char *path)
{
        _cleanup_free_ char *real = realpath(path, NULL);

        (void)text_copy(target, size, real ? real : path);
}

static void on_device(void *userdata, const struct usb_device *device)
{
        struct event *event = daemon_enqueue(userdata, EVENT_USB_DEVICE);

        event->device = *device;
}

static void on_gone(void *userdata, const char *usb_path)
{
        struct event *event = daemon_enqueue(userdata, EVENT_USB_GONE);

        (void)text_copy(event->usb_path, sizeof(event->usb_path), usb_path);
}

static void on_enumerated(void *userdata)
{
        struct daemon *daemon = userdata;

        daemon->enumerated = true;
        (void)daemon_enqueue(daemon, EVENT_USB_ENUMERATED);
}

static void on_node(void *userdata, const char *path, bool present)
{
        struct event *event = daemon_enqueue(userdata, EVENT_NODE);

        (void)text_copy(event->node.path, sizeof(event->node.path), path);
        resolve(event->node.target, sizeof(event->node.target), path);
        event->node.present = present;
}

const struct hotplug_callbacks daemon_hotplug_callbacks = {
    .device = on_device,
    .gone = on_gone,
    .enumerated = on_enumerated,
    .node = on_node,
};

/* --- processes and the log --- */

static void on_processes(void *userdata, const struct process_list *list)
{
        struct daemon *daemon = userdata;
        struct event *event = daemon_enqueue(daemon, EVENT_PROCESSES);

        event->processes.list = list;
        event->processes.sending = daemon->files.infofile[0] && access(daemon->files.infofile, F_OK) == 0;
}

static void on_exited(void *userdata, struct process_id id, bool status_known, int status)
{
        struct event *event = daemon_enqueue(userdata, EVENT_PROCESS_EXITED);

        event->exited.id = id;
        event->exited.status_known = status_known;
        event->exited.status = status;
}

static void on_binary_opened(void *userdata)
{
        (void)daemon_enqueue(userdata, EVENT_SMSD_OPENED);
}

const struct process_table_callbacks daemon_process_callbacks = {
    .changed = on_processes,
    .exited = on_exited,
    .binary_opened = on_binary_opened,
};

bool daemon_keeps_child(void *userdata, pid_t pid)
{
        const struct daemon *daemon = userdata;

        return process_table_watches(daemon->processes, pid) ||
               helper_child_pid(daemon->delivery.child) == pid || kernel_log_owns(daemon->kernel, pid) ||
               (daemon->power && usb_power_owns(daemon->power, pid));
}

void daemon_log_line(void *userdata, const char *text, size_t length)
{
        struct smsd_log_line line;

        smsd_log_parse(text, length, &line);
        if (line.kind == SMSD_LOG_OTHER)
                return;
        struct event *event = daemon_enqueue(userdata, EVENT_SMSD_LOG);
        event->log.line = line;
        event->log.realtime = (clock_realtime() / (int64_t)USEC_PER_SEC);
        (void)text_escape(event->log.text, sizeof(event->log.text), text, length);
}

/* --- ports --- */

static struct event *port_event(struct daemon_port *port, enum event_kind kind)
{
        struct event *event = daemon_enqueue(port->daemon, kind);

        event->port.modem = (unsigned)(port - port->daemon->ports);
        event->port.generation = port->generation;
        return event;
}

static void on_port_data(void *userdata, const char *bytes, size_t n)
{
        for (size_t done = 0; done < n;) {
                struct event *event = port_event(userdata, EVENT_PORT_DATA);
                size_t piece = n - done < sizeof(event->port.data) ? n - done : sizeof(event->port.data);
                memcpy(event->port.data, bytes + done, piece);
                event->port.length = piece;
                done += piece;
        }
}

static void on_port_closed(void *userdata, int error)
{
        port_event(userdata, EVENT_PORT_CLOSED)->port.result = error;
}

const struct serial_port_callbacks daemon_port_callbacks = {.data = on_port_data, .closed = on_port_closed};

/* --- the control bus --- */

static void on_command(void *userdata, const struct command *command)
{
        daemon_enqueue(userdata, EVENT_COMMAND)->command = *command;
}

static void on_snapshot(void *userdata, struct snapshot *ret_snapshot)
{
        const struct daemon *daemon = userdata;

        gateway_snapshot(daemon->gateway, clock_boottime(), clock_realtime_offset(), ret_snapshot);
        (void)text_copy(ret_snapshot->controller.version, sizeof(ret_snapshot->controller.version),
                        SMSWARDEN_VERSION);
        if (daemon->alerts.spool)
                ret_snapshot->alerts.dropped = (int64_t)alert_spool_dropped(daemon->alerts.spool);
        if (daemon->config_last_good)
                (void)text_copy(ret_snapshot->controller.config, sizeof(ret_snapshot->controller.config),
                                "last-good");
}

static void on_reload(void *userdata)
{
        (void)daemon_reload(userdata);
}

const struct control_bus_callbacks daemon_bus_callbacks = {
    .command = on_command, .snapshot = on_snapshot, .reload = on_reload};
