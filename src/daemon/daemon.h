/*
 * The daemon: wires the adapters to the core and nothing else. Adapters' callbacks make events and only
 * enqueue them; one place takes them from the queue, steps the gateway and carries its actions out; results
 * are events again. One timer.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "adapters/alert_spool.h"
#include "adapters/conf_file.h"
#include "adapters/control_bus.h"
#include "adapters/delivery_folder.h"
#include "adapters/file_follow.h"
#include "adapters/helper_child.h"
#include "adapters/history_file.h"
#include "adapters/hotplug.h"
#include "adapters/kernel_log.h"
#include "adapters/legacy_flag.h"
#include "adapters/process_table.h"
#include "adapters/queue_watch.h"
#include "adapters/serial_port.h"
#include "adapters/smsd_direct.h"
#include "adapters/smsd_systemd.h"
#include "adapters/usb_power.h"
#include "core/gateway.h"
#include "core/modem.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

#define QUARANTINE_FOLDER "quarantine" /* in STATE_DIR */

#define EVENT_QUEUE_SIZE 256
#define EVENT_QUEUE_RESERVE                                                                                  \
        96 /* of these for answers and commands, which a storm of news must not push out */

/* Events that wait for their step, in place; when it runs empty it begins at its first slot again, so that
 * few pages are touched. */
struct event_queue {
        unsigned head;
        unsigned n;
        bool overflown; /* something was lost: everything is looked at again */
        struct event items[EVENT_QUEUE_SIZE];
};

struct daemon;

struct daemon_port {
        struct daemon *daemon;
        struct serial_port *port;
        unsigned generation;
};

/* What smsd.conf says about smsd's own files; "" unset. */
struct smsd_files {
        char pidfile[CONFIG_PATH_MAX];
        char infofile[CONFIG_PATH_MAX];
        char logfile[CONFIG_PATH_MAX];
        char status[CONFIG_PATH_MAX]; /* stats/status */
        char outgoing[CONFIG_PATH_MAX], checked[CONFIG_PATH_MAX], failed[CONFIG_PATH_MAX],
            incoming[CONFIG_PATH_MAX];
};

/* What is wanted of systemd while a job of ours is under way. */
enum unit_request { UNIT_REQUEST_NONE, UNIT_REQUEST_STOP, UNIT_REQUEST_START };

struct daemon_notify {
        bool ready;
        enum verdict verdict;
        usec_t told;
        char status[256]; /* as systemd was told last */
};

struct daemon_alerts {
        struct alert_spool *spool; /* NULL: it cannot be opened; tried again with each alert */
        struct delivery_watch *watch;
        struct delivery delivery; /* as smswarden-notify told it last */
        uint64_t sequence;        /* of the message written last, in this life */
        bool complained;          /* that the spool cannot be opened */
};

/* smswarden-notify as our own child (`direct`). */
struct daemon_delivery {
        struct helper_child *child;
        bool again;      /* asked for while it ran: it may just have been ending */
        bool complained; /* that it cannot be started */
};

struct daemon_queues {
        struct queue_watch *watch;
        struct event told; /* the failed message that is not in the spool yet */
        bool telling;
        struct queue_mark mark; /* of the last one that is in the spool */
        struct queue_mark telling_mark;
        sd_event_source *again; /* tells it once more */
};

struct daemon_history {
        struct history_file *file; /* NULL: there is none */
        char boot[40];
        bool failing;        /* that is said already */
        usec_t incident;     /* the last one, 0 none yet */
        usec_t incident_end; /* 0: it goes on */
};

struct daemon {
        struct config config;
        struct profile_table *profiles; /* what config.profiles is */
        const char *config_path;
        bool verbose;             /* log every event and action */
        bool config_last_good;    /* the configuration file was refused at start */
        char config_problem[256]; /* why, "" it was not */
        int lock_fd;

        sd_event *event;
        sd_event_source *timer;
        sd_event_source *drain;
        struct event_queue queue;
        struct action_list actions;
        struct gateway *gateway;

        struct hotplug *hotplug;
        struct process_table *processes;
        struct smsd_direct *direct; /* one of these two is there */
        struct smsd_systemd *systemd;
        enum unit_request unit_waiting;
        bool enumerated; /* the first picture of the USB devices is complete */
        struct daemon_notify notify;
        struct daemon_history history;
        struct file_follow *log;
        struct control_bus *bus;
        struct daemon_port ports[MODEM_PORTS];
        struct kernel_log *kernel; /* NULL: no memory */
        bool kernel_failing;       /* that it cannot be read is said already */

        struct smsd_files files;
        struct conf_file_id conf_id;
        struct smsd_status status;
        struct legacy_flag flag; /* as it was seen last */

        struct daemon_alerts alerts;
        struct daemon_delivery delivery;
        struct daemon_queues queues;
        struct usb_power *power; /* NULL: not needed yet */
};

/* profiles.c: the profiles of the two folders; what is wrong with them is said */
int daemon_start_profiles(struct daemon *daemon);
/* Into a table of its own; a mistake in the user's files is an error, with the message filled. */
int daemon_read_profiles(const char *config_path, struct profile_table **ret_table,
                         struct config_file_error *ret_error);

/* daemon.c */
int daemon_start(struct daemon *daemon);
void daemon_stop(struct daemon *daemon);
int daemon_reload(struct daemon *daemon);
/* Says what in smsd's unit works against us. */
void daemon_tell_unit_findings(const struct daemon *daemon);
void daemon_recover_conf(struct daemon *daemon);

/* queue.c: a zeroed event to be filled by the caller; it is stepped from the event loop. Never NULL. */
struct event *daemon_enqueue(struct daemon *daemon, enum event_kind kind);
int daemon_queue_init(struct daemon *daemon);
/* Steps the gateway through everything that waits. */
void daemon_drain(struct daemon *daemon);
/* Frees what the events own that still wait. */
void daemon_queue_free(struct daemon *daemon);

/* callbacks.c */
extern const struct hotplug_callbacks daemon_hotplug_callbacks;
extern const struct process_table_callbacks daemon_process_callbacks;
extern const struct serial_port_callbacks daemon_port_callbacks;
extern const struct control_bus_callbacks daemon_bus_callbacks;
void daemon_log_line(void *userdata, const char *text, size_t length);
bool daemon_keeps_child(void *userdata, pid_t pid);

/* perform.c */
void daemon_perform(struct daemon *daemon, const struct action_list *actions);

/* looks.c: what else the core looks at for a modem's health */
void daemon_start_looks(struct daemon *daemon);
void daemon_stop_looks(struct daemon *daemon);
void daemon_look_for_holder(struct daemon *daemon, const struct action *action);
void daemon_read_kernel(struct daemon *daemon);

/* backend.c: starts and stops smsd by systemd or as our own child; the results are events */
int daemon_start_backend(struct daemon *daemon);
void daemon_stop_backend(struct daemon *daemon);
void daemon_stop_smsd(struct daemon *daemon, struct process_id id);
void daemon_start_smsd(struct daemon *daemon);
void daemon_look_at_unit(struct daemon *daemon);
/* systemd ends the hold when we are dead by then. */
void daemon_time_hold(struct daemon *daemon, const struct hold_record *hold);
void daemon_forget_hold(struct daemon *daemon);

/* alerts.c: the spool, and what became of what lies there; what an earlier life left is told by events */
void daemon_start_alerts(struct daemon *daemon);
void daemon_stop_alerts(struct daemon *daemon);
void daemon_reload_alerts(struct daemon *daemon);
void daemon_spool_alert(struct daemon *daemon, const struct alert *alert, unsigned generation);
void daemon_save_alerts(struct daemon *daemon, const struct alert_book *book);
void daemon_heartbeat(struct daemon *daemon);

/* deliver.c: starts smswarden-notify, or has it read its configuration again */
void daemon_deliver(struct daemon *daemon);
void daemon_reload_delivery(struct daemon *daemon);
void daemon_stop_delivery(struct daemon *daemon);

/* queues.c: smsd's message folders, as smsd.conf names them */
void daemon_watch_queues(struct daemon *daemon);
void daemon_stop_queues(struct daemon *daemon);
/* The alert of a failed message is in the spool. */
void daemon_queue_told(struct daemon *daemon, const char *key);

/* messages.c: smsd's messages, listed and moved; the answers are events */
void daemon_list_messages(struct daemon *daemon, enum message_folder folder);
void daemon_requeue_message(struct daemon *daemon, const struct action *action);
void daemon_quarantine_message(struct daemon *daemon, const struct action *action);
/* Ends what an earlier life, or a person's command, left half done. */
void daemon_recover_messages(const struct daemon *daemon);

/* sms.c: an alert as an SMS of our own gateway -> EVENT_ALERT_SMS */
void daemon_send_alert(struct daemon *daemon, const struct action *action);

/* notify.c: what systemd is told of us; all do nothing without it */
int daemon_notify_init(struct daemon *daemon);
void daemon_notify_reloading(const struct daemon *daemon);
void daemon_notify_reloaded(const struct daemon *daemon);
void daemon_notify_stopping(void);

/* history.c: lines for `smswarden history`; a failure is said there and is nobody's failure */
void daemon_history_begin(struct daemon *daemon);
void daemon_history_end(struct daemon *daemon);
void daemon_history_record(struct daemon *daemon, const struct action *record);
/* Of an alert's message that is in the spool now. */
void daemon_history_alert(struct daemon *daemon, const struct alert *alert);

/* smsd_files.c: takes the paths from smsd.conf's text over; follows another log or pidfile when they changed.
 */
void daemon_learn_files(struct daemon *daemon, const char *text, size_t length);

/* setup.c: what setting a modem up needs of the outside -> EVENT_APN, EVENT_RESET_NOTED */
void daemon_find_apn(struct daemon *daemon, const struct action *action);
void daemon_note_reset(struct daemon *daemon, const struct action *action);

/* recovery.c: the switches of modems, and what is remembered of their resets */
void daemon_switch_usb(struct daemon *daemon, const struct action *action);
void daemon_look_at_usb(struct daemon *daemon, const struct action *action);
void daemon_errand_ran(struct daemon *daemon, unsigned token, int result, const char *problem);
void daemon_save_recovery(const struct daemon *daemon, const struct recovery_record *record);
void daemon_restore_recovery(struct daemon *daemon);
void daemon_stop_recovery(struct daemon *daemon);

/* state.c: what an earlier life left, and what the next one shall find */
void daemon_restore(struct daemon *daemon);
/* STATE_DIR/`folder`/ and the slot's name as a file's. */
int daemon_slot_path(const struct daemon *daemon, const char *folder, const char *name, char *target,
                     size_t size);
/* Gives the text (of at most `max` bytes) of each file there to `take`; what that refuses is said. */
typedef int slot_file_fn(struct daemon *daemon, const char *text, size_t length);
void daemon_each_slot_file(struct daemon *daemon, const char *folder, size_t max, slot_file_fn *take);
int daemon_save_modem(const struct daemon *daemon, const struct modem_record *record);
/* Keeps a smsd.conf under STATE_DIR; NULL is nothing to keep. */
int daemon_keep_conf(const struct daemon *daemon, const char *name, const char *text, size_t length);

#endif
