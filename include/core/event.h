/*
 * Everything that can happen to the gateway, as plain data. Adapters' callbacks make events, the results of
 * actions come back as events; gateway_step() sees nothing else, so a recorded list of events (with their
 * times) replays an incident exactly. Pointers in an event are borrowed: valid while the event is handled.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "base/usec.h"
#include "core/alert_sms.h"
#include "core/config.h"
#include "core/delivery.h"
#include "core/hold_record.h"
#include "core/kernel_log.h"
#include "core/message_file.h"
#include "core/modem_record.h"
#include "core/process.h"
#include "core/recovery_record.h"
#include "core/smsd_log.h"
#include "core/smsd_status.h"
#include "core/unit_state.h"
#include "core/usb_device.h"

enum event_kind {
        EVENT_TIMER,        /* a deadline of gateway_next_deadline() has come */
        EVENT_MODEM_RECORD, /* at start: what is remembered of a slot */
        EVENT_HOLD_FOUND,   /* at start: a hold of this boot lies in RUNTIME_DIR */
        EVENT_USB_DEVICE,   /* a USB device as it is now: new, or one of its ttys came or went */
        EVENT_USB_GONE,
        EVENT_USB_ENUMERATED, /* all devices were told; those that were not are gone */
        EVENT_NODE,           /* a fixed device node came or went */
        EVENT_PORT_OPENED,    /* result of ACTION_PORT_OPEN; -EBUSY: somebody holds it, see holder */
        EVENT_PORT_DATA,
        EVENT_PORT_CLOSED, /* the port failed under us (unplugged, EIO) */
        EVENT_PROCESSES,   /* result of ACTION_SCAN: the smsd processes as they are now */
        EVENT_PROCESS_EXITED,
        EVENT_SMSD_OPENED,    /* somebody opened the smsd binary: a start may be under way */
        EVENT_SMSD_LOG,       /* smsd wrote a line */
        EVENT_SMSD_STATUS,    /* result of ACTION_STATUS_READ */
        EVENT_CONF_READ,      /* result of ACTION_CONF_READ or ACTION_CONF_READ_GOOD */
        EVENT_CONF_WRITTEN,   /* result of ACTION_CONF_WRITE; -ESTALE, -EBUSY: somebody edits it */
        EVENT_STOP_DONE,      /* result of ACTION_SMSD_STOP: the request is made (processes tell the rest) */
        EVENT_START_DONE,     /* result of ACTION_SMSD_START */
        EVENT_HOLD_WRITTEN,   /* result of ACTION_HOLD_WRITE */
        EVENT_HOLD_CLEARED,   /* result of ACTION_HOLD_CLEAR */
        EVENT_FLAG,           /* result of ACTION_FLAG_LOOK */
        EVENT_UNIT,           /* systemd's unit of smsd changed, or result of ACTION_UNIT_LOOK */
        EVENT_COMMAND,        /* a person (or a program of theirs) asks */
        EVENT_RELOAD,         /* the configuration was read again */
        EVENT_ALERT_FOUND,    /* at start: an alert that an earlier life had told, or was about to tell */
        EVENT_SMS_FOUND,      /* at start: what an earlier life had sent, or might have had to send, by SMS */
        EVENT_ALERT_SPOOLED,  /* result of ACTION_ALERT_SPOOL */
        EVENT_ALERTS_SAVED,   /* result of ACTION_ALERTS_SAVE */
        EVENT_DELIVERY,       /* what is delivered and what waits, as smswarden-notify tells it */
        EVENT_ALERT_SMS,      /* result of ACTION_ALERT_SMS */
        EVENT_MESSAGE_FAILED, /* smsd gave a message up: a file in its failed folder */
        EVENT_QUEUES,         /* smsd's folders were counted */
        EVENT_MESSAGES,       /* result of ACTION_MESSAGES_LIST */
        EVENT_MESSAGE_MOVED,  /* result of ACTION_MESSAGE_REQUEUE or ACTION_MESSAGE_QUARANTINE */
        EVENT_CONFIG_REFUSED, /* smswarden's own configuration was refused, or is accepted again */
        EVENT_APN,            /* result of ACTION_APN_FIND */
        EVENT_RESET_NOTED,    /* result of ACTION_RESET_NOTE */
        /* health (gateway_look.c) */
        EVENT_HOLDER, /* result of ACTION_HOLDER_LOOK */
        EVENT_KERNEL, /* result of ACTION_KERNEL_READ: a line of the kernel's log that matters; any number */
        /* the recovery ladder */
        EVENT_RECOVERY_RECORD, /* at start: what is remembered of a slot's recovery */
        EVENT_RECOVERY_SEEN,   /* result of ACTION_RECOVERY_LOOK */
        EVENT_USB_SWITCHED,    /* result of ACTION_USB_SWITCH */
        EVENT_KIND_MAX
};

enum command_kind { COMMAND_STOP, COMMAND_START, COMMAND_RESTART, COMMAND_TEST_ALERT, COMMAND_RESET_MODEM };

struct command {
        enum command_kind kind;
        unsigned token;   /* names the request in ACTION_REPLY; never 0 */
        char by[64];      /* who: account name or uid, escaped */
        char reason[256]; /* escaped */
        usec_t duration;  /* STOP: 0 for the default */
        bool force;
        char receiver[32];               /* TEST_ALERT: the only one that it is for, "" all */
        int64_t realtime;                /* the wall clock, seconds: for people only */
        char modem[SMSD_MODEM_NAME_MAX]; /* RESET_MODEM: "" the only one */
        char step[16];                   /* RESET_MODEM: "" what suits */
};

/* What an adapter knows of the device that a recovery may switch. */
struct recovery_seen_event {
        char path[USB_PATH_MAX]; /* as in the action */
        bool present;            /* the kernel has it, authorised or not */
        bool default_route;      /* it is on one of its network interfaces */
        bool switchable;         /* its hub can cut its power */
};

/* How the old scripts' flag lies there. */
enum flag_state { FLAG_ABSENT, FLAG_PRESENT, FLAG_REFUSED };

struct flag_event {
        enum flag_state state;
        char owner[32];     /* escaped */
        char refusal[96];   /* FLAG_REFUSED: why, e.g. "a symbolic link" */
        bool age_plausible; /* the file's time is neither in the future nor before this boot */
        usec_t age;
        int64_t realtime;
};

struct port_event {
        unsigned modem;      /* as in the action: also modem_spare(index) */
        unsigned generation; /* as in the action: an answer to an older opening is ignored */
        int result;
        struct port_holder holder;
        size_t length;
        char data[256];
};

struct conf_event {
        int result; /* 0, or negative errno of the read */
        bool good;  /* this is the last good copy */
        char *text; /* belongs to who made the event */
        size_t length;
};

/* A message that smsd gave up. */
struct message_failed_event {
        char file[128];                  /* its name in the failed folder, escaped */
        char name[MESSAGE_NAME_MAX + 1]; /* as it is; "": too long to be moved */
        char key[112];                   /* what it is known by: the subject of its alert, by which the next
                                            life knows how far this one came (queue_mark_decode) */
        char modem[SMSD_MODEM_NAME_MAX]; /* "" unknown */
        char recipient[32];              /* masked: "+3706*****12" */
        char reason[128];                /* smsd's words (Fail_reason), escaped; "" unknown */
        bool pdu;                        /* as in core/message_file.h */
        char again[256];                 /* the command that queues it again (message_requeue_command) */
        unsigned requeued;               /* how often it was sent again already (core/message_file.h) */
        usec_t since;                    /* CLOCK_BOOTTIME, 0 before this boot */
        unsigned more;                   /* files behind it that were not told yet */
};

/* What lies in one of the message folders. */
struct messages_event {
        enum message_folder folder;
        int result; /* 0 or a negative errno */
        size_t n;
        const struct message_item *items; /* the oldest first */
        void *memory;                     /* what they point into; both belong to who made the event */
        int64_t now;                      /* the wall clock that their times are of, seconds */
};

struct message_moved_event {
        enum message_folder from; /* FAILED: it was to be queued again; CHECKED: to be put aside */
        int result;               /* a message_result or a negative errno */
        unsigned count;           /* how often it was sent again by now */
        uint64_t id;              /* as in the action */
        char name[MESSAGE_NAME_MAX + 1];
};

/* The access point name of a SIM's operator. */
struct apn_event {
        char imsi[16];               /* as in the action */
        char apn[PROVISION_APN_MAX]; /* "": none is known for sure */
        char why[96];                /* then: one clause, escaped */
};

struct event {
        enum event_kind kind;
        union {
                int result; /* CONF_WRITTEN, HOLD_WRITTEN, HOLD_CLEARED */
                struct modem_record record;
                struct hold_record hold;
                struct usb_device device;
                char usb_path[USB_PATH_MAX];
                struct {
                        char path[DEVICE_NODE_MAX];
                        char target[DEVICE_NODE_MAX]; /* realpath of it */
                        bool present;
                } node;
                struct port_event port;
                struct {
                        const struct process_list *list;
                        bool sending; /* smsd's infofile exists: a multipart message is being sent after TERM
                                       */
                } processes;
                struct {
                        struct process_id id;
                        bool status_known;
                        int status; /* exit code, or -signal */
                } exited;
                struct {
                        struct smsd_log_line line;
                        char text[192]; /* escaped, cut */
                        int64_t realtime;
                } log;
                struct {
                        int result;
                        const struct smsd_status *status;
                } status;
                struct conf_event conf;
                struct {
                        int result;
                        struct process_id id; /* pid 0: the backend does not know it (yet) */
                        char problem[256];    /* the backend's own words of a failure, escaped; "" none */
                } started;
                struct {
                        int result;
                        char problem[256];
                } stopped;
                struct unit_state unit;
                struct flag_event flag;
                struct command command;
                const struct config *config;
                struct {
                        const struct alert *alert;
                        bool told; /* its message was in the spool */
                } found;
                const struct alert_sms *sms_found; /* valid while the event is handled */
                struct {
                        char key[ALERT_KEY_MAX];
                        unsigned generation;
                        int result;
                        uint64_t sequence; /* when it is in the spool */
                } spooled;
                const struct delivery *delivery; /* valid while the event is handled */
                struct {
                        int result;
                        uint64_t sequence; /* as in the action */
                } sms;
                struct message_failed_event failed;
                struct {
                        int64_t outgoing, checked, failed, incoming, quarantine; /* files; -1 unknown */
                        usec_t oldest_incoming; /* CLOCK_BOOTTIME; 0 none or before this boot */
                        usec_t oldest_waiting;  /* in outgoing and checked; as above */
                } queues;
                struct messages_event messages;
                struct message_moved_event moved;
                struct apn_event apn;
                struct {
                        char modem[SMSD_MODEM_NAME_MAX];
                        int result;
                } noted;
                struct {
                        unsigned modem; /* as in the action */
                        int result;     /* 0: somebody but smsd has it open; 1: nobody; or a negative errno */
                        struct port_holder holder;
                } holder;
                struct kernel_line kernel;
                struct recovery_record recovery;
                struct recovery_seen_event recovery_seen;
                struct {
                        unsigned token;
                        int result;
                } switched;
                char config_problem[256]; /* CONFIG_REFUSED: file, line and what is wrong; "" accepted */
        };
};

const char *event_kind_to_string(enum event_kind kind);

#endif
