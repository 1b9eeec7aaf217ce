/*
 * What the core wants done, as plain data; the daemon carries it out in order and reports results as events.
 * A list is bounded; what did not fit is found missing by the next step, for the gateway acts on states, not
 * on edges.
 */
#ifndef CORE_ACTION_H
#define CORE_ACTION_H

#include "base/usec.h"
#include "core/alert_book.h"
#include "core/config.h"
#include "core/hold_record.h"
#include "core/message_file.h"
#include "core/modem_record.h"
#include "core/process.h"
#include "core/record.h"
#include "core/recovery_record.h"

#include <stdbool.h>

enum action_kind {
        ACTION_PORT_OPEN, /* open port.path unless somebody holds it -> EVENT_PORT_OPENED */
        ACTION_PORT_WRITE,
        ACTION_PORT_CLOSE,
        ACTION_SCAN,           /* -> EVENT_PROCESSES */
        ACTION_SMSD_STOP,      /* ask the main process `id` to end, by the backend -> EVENT_STOP_DONE */
        ACTION_SIGNAL,         /* signal exactly process `id` */
        ACTION_CONF_READ,      /* -> EVENT_CONF_READ */
        ACTION_CONF_READ_GOOD, /* the last good copy -> EVENT_CONF_READ with good set */
        ACTION_CONF_WRITE,     /* replace smsd.conf, as it was read last -> EVENT_CONF_WRITTEN */
        ACTION_CONF_KEEP, /* smsd runs on this text: the last good copy, unless smsd.conf is another by now */
        ACTION_CONF_SET_ASIDE, /* smsd refuses it: keep it as smsd.conf.refused, so that an edit is not lost
                                */
        ACTION_HOLD_WRITE,     /* -> EVENT_HOLD_WRITTEN */
        ACTION_HOLD_CLEAR,     /* removes the hold and the old scripts' flag -> EVENT_HOLD_CLEARED */
        ACTION_FLAG_LOOK,      /* -> EVENT_FLAG */
        ACTION_UNIT_LOOK,      /* -> EVENT_UNIT */
        ACTION_SMSD_START,     /* only core/restart may ask for it -> EVENT_START_DONE */
        ACTION_STATUS_READ,    /* -> EVENT_SMSD_STATUS */
        ACTION_MODEM_SAVE,     /* remember the slot */
        ACTION_RECORD,         /* something a person should be able to read later */
        ACTION_ALERT_SPOOL, /* write alert.alert into the spool, then have it delivered -> EVENT_ALERT_SPOOLED
                             */
        ACTION_ALERTS_SAVE, /* keep the book for the next life -> EVENT_ALERTS_SAVED */
        ACTION_DELIVER,     /* start smswarden-notify: something waits, and it may not be running */
        ACTION_ALERT_SMS,   /* queue sms.text for sms.number at smsd -> EVENT_ALERT_SMS */
        ACTION_MESSAGES_LIST,      /* look into messages.folder -> EVENT_MESSAGES */
        ACTION_MESSAGE_REQUEUE,    /* failed -> outgoing, counted -> EVENT_MESSAGE_MOVED */
        ACTION_MESSAGE_QUARANTINE, /* checked (or failed) -> quarantine; no smsd lives -> EVENT_MESSAGE_MOVED
                                    */
        /* health (gateway_look.c) */
        ACTION_HOLDER_LOOK, /* who but smsd has port.path open -> EVENT_HOLDER */
        ACTION_KERNEL_READ, /* what the kernel has said since -> EVENT_KERNEL, any number */
        ACTION_HEARTBEAT,   /* have a sign of life sent */
        ACTION_APN_FIND,    /* the access point name of apn.imsi's operator -> EVENT_APN */
        ACTION_RESET_NOTE,  /* remember the slot: the reset of its modem is about to be sent ->
                               EVENT_RESET_NOTED */
        /* the recovery ladder */
        ACTION_RECOVERY_LOOK, /* what holds of the device at usb_switch.path -> EVENT_RECOVERY_SEEN */
        ACTION_USB_SWITCH,    /* usb_switch -> EVENT_USB_SWITCHED */
        ACTION_RECOVERY_SAVE, /* keep `recovery` for the next life */
        ACTION_REPLY,         /* answer the command `token` */
        ACTION_KIND_MAX
};

#define ACTION_MESSAGE_MAX 384

/* Of a USB device: the kernel's `authorized`; its port's power; the user's command. */
enum usb_switch {
        USB_SWITCH_AUTHORIZE_OFF,
        USB_SWITCH_AUTHORIZE_ON,
        USB_SWITCH_PORT_OFF,
        USB_SWITCH_PORT_ON,
        USB_SWITCH_COMMAND_OFF,
        USB_SWITCH_COMMAND_ON,
        USB_SWITCH_MAX
};

/* "usb-off" "usb-on" "port-off" "port-on" "command-off" "command-on": the verbs of smswarden-power. */
const char *usb_switch_to_string(enum usb_switch what);
int usb_switch_from_string(const char *text, enum usb_switch *ret_what); /* 0, -EINVAL */

struct action {
        enum action_kind kind;
        union {
                struct {
                        unsigned modem;
                        unsigned generation;
                        size_t length;
                        char path[DEVICE_NODE_MAX];
                        char data[128];
                        char avoid[DEVICE_NODE_MAX]; /* OPEN: not when it is this one, by whatever name; ""
                                                        none */
                } port;
                struct {
                        struct process_id id;
                        int signal;
                } process;
                struct {
                        const char *text; /* borrowed until the next step */
                        size_t length;
                } conf;
                struct hold_record hold;
                struct modem_record modem;
                struct {
                        enum record_kind kind;
                        enum severity severity;
                        char modem[SMSD_MODEM_NAME_MAX];
                        char message[ACTION_MESSAGE_MAX]; /* foreign text in it is escaped */
                        char cause[16];                   /* of a restart, "" none */
                        usec_t duration; /* how long what it tells of took, lasted or will last, 0 none */
                        usec_t incident; /* its id, 0 none */
                } record;
                struct {
                        const struct alert *alert; /* borrowed until the next step */
                        unsigned generation;       /* comes back with the answer */
                } alert;
                const struct alert_book *book; /* ALERTS_SAVE: borrowed until the next step */
                struct {
                        char receiver[32];
                        char number[32];
                        char text[160];    /* printable ASCII */
                        uint64_t sequence; /* of the alert it tells of */
                } sms;
                struct {
                        enum message_folder folder;
                } messages;
                struct {
                        unsigned limit; /* REQUEUE: so often at most is it sent again */
                        uint64_t id;    /* comes back with the answer */
                        char name[MESSAGE_NAME_MAX + 1];
                } message;
                struct {
                        char imsi[16];
                        char provider[32]; /* the name that its network shows, "" not known */
                } apn;
                struct {
                        char path[USB_PATH_MAX];
                        enum usb_switch what;
                        unsigned token; /* comes back with the answer */
                } usb_switch;
                const struct recovery_record *recovery; /* borrowed until the next step */
                struct {
                        unsigned token;
                        int result; /* 0, or positive: failed, refused; see interface.md's exit codes */
                        char message[ACTION_MESSAGE_MAX];
                } reply;
        };
};

#define ACTIONS_MAX      256
#define ACTIONS_RESERVED 128 /* places that no record takes */

struct action_list {
        unsigned n;
        bool overflown; /* something did not fit; step again */
        struct action items[ACTIONS_MAX];
};

void action_list_init(struct action_list *list);

/* True when `n` more of any kind have a place; else `overflown` is set. */
bool action_list_fits(struct action_list *list, unsigned n);

/* Room for one more action of that kind, zeroed; a scratch that is thrown away (and `overflown` set) when the
 * list is full. Never NULL. */
struct action *action_push(struct action_list *list, enum action_kind kind);

/* OPEN (`path`) or CLOSE (""): whose port it is, and which opening of it is meant. Never NULL. */
struct action *action_port(struct action_list *list, enum action_kind kind, unsigned modem,
                           unsigned generation, const char *path);

/* WRITE: at most what port.data holds; nothing for no bytes. */
void action_port_write(struct action_list *list, unsigned modem, unsigned generation, const char *data,
                       size_t length);

/* Returns the action, so that cause and duration can be filled in. Never NULL. */
struct action *action_record(struct action_list *list, enum record_kind kind, enum severity severity,
                             const char *modem, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

void action_reply(struct action_list *list, unsigned token, int result, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

const char *action_kind_to_string(enum action_kind kind);

#endif
