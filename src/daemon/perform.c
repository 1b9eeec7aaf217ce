/*
 * Carries the core's actions out, in order; what an adapter answers at once goes back into the queue as an
 * event.
 */
#include "daemon.h"

#include "adapters/hold_store.h"
#include "adapters/journal.h"
#include "adapters/port_holder.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STATUS_SIZE_MAX (64 * 1024)

/* --- ports --- */

/* The same device under another name? */
static bool is_same_device(const char *a, const char *b)
{
        struct stat first, second;

        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
               first.st_ino == second.st_ino;
}

static int open_port(struct daemon *daemon, struct daemon_port *port, const char *path, const char *avoid,
                     struct port_holder *ret_holder)
{
        if (avoid[0] && is_same_device(path, avoid))
                return -EBUSY;
        int r = port_holder_find(path, ret_holder);
        if (r < 0)
                return r;
        if (r == 0)
                return -EBUSY;
        return serial_port_open(&port->port, daemon->event, path, &daemon_port_callbacks, port);
}

static void perform_port_open(struct daemon *daemon, const struct action *action)
{
        struct daemon_port *port = &daemon->ports[action->port.modem];
        struct port_holder holder = {0};

        port->port = serial_port_free(port->port);
        port->daemon = daemon;
        port->generation = action->port.generation;
        int r = open_port(daemon, port, action->port.path, action->port.avoid, &holder);
        struct event *event = daemon_enqueue(daemon, EVENT_PORT_OPENED);
        event->port.modem = action->port.modem;
        event->port.generation = action->port.generation;
        event->port.result = r;
        event->port.holder = holder;
}

static void perform_port_write(struct daemon *daemon, const struct action *action)
{
        struct daemon_port *port = &daemon->ports[action->port.modem];

        if (!port->port || port->generation != action->port.generation)
                return;
        int r = serial_port_write(port->port, action->port.data, action->port.length);
        if (r < 0) {
                struct event *event = daemon_enqueue(daemon, EVENT_PORT_CLOSED);
                event->port.modem = action->port.modem;
                event->port.generation = action->port.generation;
                event->port.result = r;
        }
}

static void perform_port_close(struct daemon *daemon, const struct action *action)
{
        struct daemon_port *port = &daemon->ports[action->port.modem];

        port->port = serial_port_free(port->port);
}

/* --- smsd --- */

static void perform_scan(struct daemon *daemon)
{
        int r = process_table_scan(daemon->processes);

        if (r < 0)
                log_error("the process table cannot be read: %s", strerror(-r));
}

static void perform_signal(struct daemon *daemon, const struct action *action)
{
        int r = process_table_signal(daemon->processes, action->process.id, action->process.signal);

        if (r < 0 && r != -ESRCH)
                log_error("process %d cannot be signalled: %s", (int)action->process.id.pid, strerror(-r));
}

static void perform_status_read(struct daemon *daemon)
{
        static const struct smsd_status none;
        char text[STATUS_SIZE_MAX];
        size_t length = 0;
        int r = daemon->files.status[0]
                    ? file_read_into(daemon->files.status, O_NOFOLLOW, text, sizeof(text), &length)
                    : -ENOENT;

        daemon->status = none;
        if (r >= 0)
                (void)smsd_status_parse(text, length, &daemon->status);
        struct event *event = daemon_enqueue(daemon, EVENT_SMSD_STATUS);
        event->status.result = r;
        event->status.status = r >= 0 ? &daemon->status : NULL;
}

/* --- smsd.conf --- */

static void perform_conf_read(struct daemon *daemon, bool good)
{
        char path[CONFIG_PATH_MAX + 32];
        struct conf_file_id good_id;
        char *text = NULL;
        size_t length = 0;

        (void)text_format(path, sizeof(path), "%s/smsd.conf.good", daemon->config.state_dir);
        int r = conf_file_read(good ? path : daemon->config.smsd_conf, &text, &length,
                               good ? &good_id : &daemon->conf_id);
        if (r >= 0 && !good)
                daemon_learn_files(daemon, text, length);
        struct event *event = daemon_enqueue(daemon, EVENT_CONF_READ);
        event->conf.result = r;
        event->conf.good = good;
        event->conf.text = text; /* the event's own: another reading may follow before its step */
        event->conf.length = r < 0 ? 0 : length;
}

static void perform_conf_write(struct daemon *daemon, const struct action *action)
{
        _cleanup_free_ char *text = NULL;
        size_t length;
        int r = conf_file_replace(daemon->config.smsd_conf, &daemon->conf_id, action->conf.text,
                                  action->conf.length);

        /* What we wrote is what we know now, for a roll-back in the same run. */
        if (r >= 0) {
                daemon_learn_files(daemon, action->conf.text, action->conf.length);
                int again = conf_file_read(daemon->config.smsd_conf, &text, &length, &daemon->conf_id);
                if (again < 0)
                        log_warning("%s cannot be read back: %s", daemon->config.smsd_conf, strerror(-again));
        }
        daemon_enqueue(daemon, EVENT_CONF_WRITTEN)->result = r;
}

/* What was edited since the core read it may be what smsd reads, or not: such a text proves nothing. */
static void perform_conf_keep(struct daemon *daemon, const struct action *action)
{
        _cleanup_free_ char *text = NULL;
        struct conf_file_id id;
        size_t length = 0;

        /* smsd runs on it for a moment now: nobody who had the replaced file open is still writing into it.
         */
        daemon_recover_conf(daemon);
        int r = conf_file_read(daemon->config.smsd_conf, &text, &length, &id);
        if (r >= 0 && (length != action->conf.length || memcmp(text, action->conf.text, length) != 0))
                return;
        if (r >= 0)
                r = daemon_keep_conf(daemon, "smsd.conf.good", text, length);
        if (r < 0)
                log_warning("the smsd.conf that smsd runs on cannot be kept in %s: %s",
                            daemon->config.state_dir, strerror(-r));
}

static void perform_conf_set_aside(struct daemon *daemon)
{
        _cleanup_free_ char *text = NULL;
        struct conf_file_id id;
        size_t length = 0;
        int r = conf_file_read(daemon->config.smsd_conf, &text, &length, &id);

        if (r >= 0)
                r = daemon_keep_conf(daemon, "smsd.conf.refused", text, length);
        if (r < 0)
                log_warning("%s cannot be kept as %s/smsd.conf.refused: %s", daemon->config.smsd_conf,
                            daemon->config.state_dir, strerror(-r));
}

/* --- hold and flag --- */

static void perform_hold_write(struct daemon *daemon, const struct action *action)
{
        struct hold_record record = action->hold;

        /* Whoever took it was not asked for the time: the core knows no wall clock. */
        if (record.since_realtime == 0)
                record.since_realtime = (clock_realtime() / (int64_t)USEC_PER_SEC) -
                                        (int64_t)(usec_sub(clock_boottime(), record.since) / USEC_PER_SEC);
        daemon_enqueue(daemon, EVENT_HOLD_WRITTEN)->result =
            hold_store_write(daemon->config.runtime_dir, &record);
        daemon_time_hold(daemon, &record);
}

/* Both, always: the hold and the old scripts' flag. A flag that is not ours to take is reported by the next
 * look. */
static void perform_hold_clear(struct daemon *daemon)
{
        struct legacy_flag flag;
        int hold = hold_store_remove(daemon->config.runtime_dir);
        int r = 0;

        daemon_forget_hold(daemon);
        if (daemon->config.legacy_flag[0]) {
                r = legacy_flag_look(daemon->config.legacy_flag, daemon->config.legacy_owners, &flag);
                if (r >= 0 && flag.present && flag.reason == LEGACY_FLAG_OK)
                        r = legacy_flag_remove(daemon->config.legacy_flag, &flag);
        }
        daemon_enqueue(daemon, EVENT_HOLD_CLEARED)->result = hold < 0 ? hold : r < 0 ? r : 0;
}

static void perform_flag_look(struct daemon *daemon)
{
        struct flag_event *flag = &daemon_enqueue(daemon, EVENT_FLAG)->flag;
        struct legacy_flag *seen = &daemon->flag;
        int r = legacy_flag_look(daemon->config.legacy_flag, daemon->config.legacy_owners, seen);

        flag->realtime = (clock_realtime() / (int64_t)USEC_PER_SEC);
        if (r < 0) {
                flag->state = FLAG_REFUSED;
                (void)text_format(flag->refusal, sizeof(flag->refusal), "cannot be looked at: %s",
                                  strerror(-r));
                return;
        }
        if (!seen->present)
                return;
        flag->state = seen->reason == LEGACY_FLAG_OK ? FLAG_PRESENT : FLAG_REFUSED;
        (void)text_copy(flag->owner, sizeof(flag->owner), seen->owner);
        (void)text_copy(flag->refusal, sizeof(flag->refusal), legacy_flag_reason_to_string(seen->reason));
        flag->age_plausible = seen->plausible;
        flag->age = seen->age;
}

/* --- words --- */

static void perform_record(struct daemon *daemon, const struct action *action)
{
        static const enum log_level levels[] = {
            [SEVERITY_INFO] = LOG_LEVEL_INFO,
            [SEVERITY_WARNING] = LOG_LEVEL_WARNING,
            [SEVERITY_CRITICAL] = LOG_LEVEL_CRITICAL,
        };

        daemon_history_record(daemon, action);
        if (journal_is_stderr() && journal_record(action) >= 0)
                return;
        log_line(levels[action->record.severity], "%s%s%s: %s", record_kind_topic(action->record.kind),
                 action->record.modem[0] ? " " : "", action->record.modem, action->record.message);
}

static void perform_modem_save(struct daemon *daemon, const struct action *action)
{
        int r = daemon_save_modem(daemon, &action->modem);

        if (r < 0)
                log_error("what is known of modem %s cannot be saved in %s: %s", action->modem.name,
                          daemon->config.state_dir, strerror(-r));
}

static void perform(struct daemon *daemon, const struct action *action)
{
        switch (action->kind) {
        case ACTION_PORT_OPEN:
                perform_port_open(daemon, action);
                break;
        case ACTION_PORT_WRITE:
                perform_port_write(daemon, action);
                break;
        case ACTION_PORT_CLOSE:
                perform_port_close(daemon, action);
                break;
        case ACTION_SCAN:
                perform_scan(daemon);
                break;
        case ACTION_SMSD_STOP:
                daemon_stop_smsd(daemon, action->process.id);
                break;
        case ACTION_SIGNAL:
                perform_signal(daemon, action);
                break;
        case ACTION_CONF_READ:
        case ACTION_CONF_READ_GOOD:
                perform_conf_read(daemon, action->kind == ACTION_CONF_READ_GOOD);
                break;
        case ACTION_CONF_WRITE:
                perform_conf_write(daemon, action);
                break;
        case ACTION_CONF_KEEP:
                perform_conf_keep(daemon, action);
                break;
        case ACTION_CONF_SET_ASIDE:
                perform_conf_set_aside(daemon);
                break;
        case ACTION_HOLD_WRITE:
                perform_hold_write(daemon, action);
                break;
        case ACTION_HOLD_CLEAR:
                perform_hold_clear(daemon);
                break;
        case ACTION_FLAG_LOOK:
                perform_flag_look(daemon);
                break;
        case ACTION_UNIT_LOOK:
                daemon_look_at_unit(daemon);
                break;
        case ACTION_SMSD_START:
                daemon_start_smsd(daemon);
                break;
        case ACTION_STATUS_READ:
                perform_status_read(daemon);
                break;
        case ACTION_MODEM_SAVE:
                perform_modem_save(daemon, action);
                break;
        case ACTION_RECORD:
                perform_record(daemon, action);
                break;
        case ACTION_REPLY:
                control_bus_reply(daemon->bus, action->reply.token, action->reply.result,
                                  action->reply.message);
                break;
        case ACTION_HOLDER_LOOK:
                daemon_look_for_holder(daemon, action);
                break;
        case ACTION_KERNEL_READ:
                daemon_read_kernel(daemon);
                break;
        case ACTION_ALERT_SPOOL:
                daemon_spool_alert(daemon, action->alert.alert, action->alert.generation);
                break;
        case ACTION_ALERTS_SAVE:
                daemon_save_alerts(daemon, action->book);
                break;
        case ACTION_DELIVER:
                daemon_deliver(daemon);
                break;
        case ACTION_ALERT_SMS:
                daemon_send_alert(daemon, action);
                break;
        case ACTION_MESSAGES_LIST:
                daemon_list_messages(daemon, action->messages.folder);
                break;
        case ACTION_MESSAGE_REQUEUE:
                daemon_requeue_message(daemon, action);
                break;
        case ACTION_MESSAGE_QUARANTINE:
                daemon_quarantine_message(daemon, action);
                break;
        case ACTION_HEARTBEAT:
                daemon_heartbeat(daemon);
                break;
        case ACTION_APN_FIND:
                daemon_find_apn(daemon, action);
                break;
        case ACTION_RESET_NOTE:
                daemon_note_reset(daemon, action);
                break;
        case ACTION_RECOVERY_LOOK:
                daemon_look_at_usb(daemon, action);
                break;
        case ACTION_USB_SWITCH:
                daemon_switch_usb(daemon, action);
                break;
        case ACTION_RECOVERY_SAVE:
                daemon_save_recovery(daemon, action->recovery);
                break;
        case ACTION_KIND_MAX:
                break;
        }
}

void daemon_perform(struct daemon *daemon, const struct action_list *actions)
{
        for (unsigned i = 0; i < actions->n; i++)
                perform(daemon, &actions->items[i]);
}
