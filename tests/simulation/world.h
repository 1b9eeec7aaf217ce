/*
 * A box with modems, smsd, files and people, in virtual time; the real core drives it. One struct, for a
 * simulated world is one thing; the files around it each own a part:
 *
 *   world.c           time: what happens next, and the run from the first to the last day
 *   world_modem.c     USB, ttys (with the minor hole), SIMs and the AT answers
 *   world_smsd.c      smsd as measured: main, handlers, orphans, a message queue
 *   world_unit.c      systemd's unit of smsd: jobs of ours and of others, shutdown
 *   world_processes.c who runs, as it is seen
 *   world_messages.c  its queue of messages
 *   world_files.c     smsd.conf, hold, flag
 *   world_input.c     inputs into all of these
 *   world_rounds.c    hours in which nothing changes are left out
 *   controller.c      the daemon's part: events into gateway_step(), its timer, its life
 *   perform.c         actions carried out on the world
 *   promises.c        what must never happen, and what must happen in time
 *   promises_alerts.c the spool, and what people are told
 */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include "agenda.h"
#include "input.h"
#include "random.h"

#include "core/gateway.h"
#include "core/modem.h"

#include <stdbool.h>
#include <stdio.h>

#define WORLD_MODEMS    3
#define WORLD_SLOTS     2
#define WORLD_TTYS      48
#define WORLD_PROCESSES 48
#define WORLD_MESSAGES  64
#define WORLD_TOKENS    64
#define WORLD_ALERTS    64
#define WORLD_RESETS    16
#define MODEM_TTYS      4 /* DIAG, NMEA, AT, modem */
#define AT_INTERFACE    2

enum happening_kind {
        HAPPENS_INPUT,         /* who: index */
        HAPPENS_EVENT,         /* data: struct event; who: life of the controller */
        HAPPENS_CONTROLLER_UP, /* who: life */
        HAPPENS_TTY,           /* who: modem, what: interface + plug * 8 */
        HAPPENS_REPLUG,        /* who: modem: a reset brings it back */
        HAPPENS_LEAVE,         /* who: modem, what: plug: AT+CFUN=1,1 */
        HAPPENS_MAIN_UP,       /* who: pid */
        HAPPENS_MAIN_CHECK,    /* who: pid: does the pidfile name another? */
        HAPPENS_HANDLER_OPEN,  /* who: pid */
        HAPPENS_HANDLER_INIT,  /* who: pid */
        HAPPENS_HANDLER_PICK,  /* who: pid: looks for a message */
        HAPPENS_PDU_DONE,      /* who: pid, what: message */
        HAPPENS_END,           /* who: pid, what: status + 1000 */
        HAPPENS_CONF_BACK,
        HAPPENS_USB_FOUND,     /* the netlink socket works again */
        HAPPENS_RESTART_CHECK, /* who: pid of the main that died */
        HAPPENS_START,         /* what: 1 ours, 2 by a person */
        HAPPENS_OTHER_END,     /* who: pid */
        HAPPENS_UNIT,          /* who: serial of the job: goes on with it */
        HAPPENS_UNIT_BACK,     /* the bus is back */
        HAPPENS_SHUTDOWN_OVER, /* what: as the input's */
        HAPPENS_OVER,          /* what an input did has an end, and time goes by no faster before it */
};

enum sim_kind { CARD_NONE, CARD_READY, CARD_PIN, CARD_PUK };
enum modem_kind { KIND_EC25, KIND_CRASHED, KIND_DOWNLOAD };

struct world_modem {
        char path[USB_PATH_MAX];
        char imei[16], imsi[16], iccid[24];
        bool plugged;
        unsigned plug; /* counts plugs: a happening of an earlier one is void */
        enum modem_kind kind, next_kind;
        usec_t boots_at; /* answers AT from here on */
        usec_t silent_until, eio_until, taken_until, unregistered_until, busy_until, slow_until;
        enum sim_kind card;
        bool unlocked;       /* the PIN was entered since power-on */
        unsigned attempts;   /* of the PIN */
        bool tells_attempts; /* AT+QPINC works */
        int tty[MODEM_TTYS]; /* number, -1 not there */
        unsigned
            wrong_pins;    /* entered by starts that nobody asked for, since a person last touched the PIN */
        bool needs_person; /* for its PIN or PUK */
        usec_t good_since; /* 0: it is not good */
        unsigned usbnet;   /* in its flash */
        bool usbnet_new;   /* not in force yet */
        unsigned setups;   /* by AT+CFUN=1,1 */
        usec_t unregistered_since;
        bool off, inserted; /* switched off; it sits there all the same */
        usec_t off_since;
        usec_t hand_until; /* a person may have it reset until then */
        unsigned n_resets;
        usec_t resets[WORLD_RESETS]; /* newest first */
};

struct world_tty {
        int modem; /* -1: free, or gone and still held */
        unsigned interface;
        unsigned life; /* counts devices under this number: who holds an older one holds a dead tty */
};

enum process_state { PROCESS_STARTING, PROCESS_WAITING, PROCESS_ASKING, PROCESS_POLLING, PROCESS_DEAD_TTY };

struct world_process {
        bool alive;
        struct process_id id;
        pid_t parent;
        bool main;
        bool ours;
        bool unit;   /* belongs to systemd's unit */
        bool person; /* started by, or for, a person */
        bool hung;
        bool terminating;
        bool watched; /* the controller saw it in a scan */
        enum process_state state;
        usec_t born;
        unsigned slot;
        unsigned child_of; /* the life of the controller that started it, 0 none */
        int tty;           /* -1 none */
        unsigned tty_life;
        usec_t tty_died; /* 0: alive */
        usec_t asked_since;
        bool told_timeout;
        int message; /* being sent, -1 none */
        bool picking;
        char device[WORLD_SLOTS][DEVICE_NODE_MAX]; /* main: as it read them */
        char pin[WORLD_SLOTS][16];
        int64_t status_time; /* of its slot's line in stats/status */
};

struct world_message {
        bool used;
        unsigned parts; /* still to be sent */
        bool multipart;
        pid_t locked_by; /* 0 nobody */
        unsigned copies;
        bool excused; /* a person's doing may send it twice */
};

struct world_token {
        unsigned token;
        usec_t since;
        usec_t more; /* what it may take beside a start or a stop */
};

struct world_files {
        char *conf; /* NULL: it is not there */
        char *conf_saved;
        unsigned conf_version;
        bool conf_valid;            /* smsd would accept it */
        unsigned conf_read_version; /* as the controller read it last */
        char *good;
        char *refused;
        usec_t conf_busy_until, disk_full_until, pin_edited_at;
        int disk_error;
        unsigned comments; /* so many were written by a person; each must survive */
        bool hold;
        struct hold_record hold_record;
        enum flag_state flag;
        usec_t flag_since;
        unsigned n_records;
        struct modem_record records[WORLD_SLOTS];
        unsigned n_recoveries;
        struct recovery_record recoveries[WORLD_SLOTS];
};

struct world_unit {
        enum unit_job job;
        bool own; /* the job is ours */
        bool own_stop;
        bool by_shutdown;  /* the job came with a shutdown */
        unsigned own_life; /* of the controller that asked for it */
        unsigned serial;
        usec_t began, ended; /* the last job */
        bool stopped;
        bool person_stop; /* somebody wants it to be down */
        bool system_stopping;
        usec_t stopping_since;
        usec_t away_until; /* systemd cannot be asked */
};

struct world_alerts {
        unsigned n; /* open alerts on the disk: the book, and what was told since */
        struct {
                struct alert alert;
                bool told;
        } book[ALERTS_MAX];
        struct alert_sms sms; /* kept with it */
        unsigned n_open;      /* as people know them */
        struct {
                char key[ALERT_KEY_MAX];
                enum alert_kind kind;
                usec_t at;
        } open[WORLD_ALERTS];
        uint64_t sequence;
        usec_t failed_at; /* a message could not be written */
        usec_t undisturbed_since, well_since;
};

/* What the controller did from one timer to the next, see world_rounds.c. */
struct world_round {
        usec_t began;
        uint64_t signature; /* of its events and actions, and of its length */
};

#define WORLD_ROUNDS 256 /* remembered; a power of two */
#define WORLD_CYCLE  64  /* rounds that repeat together, at most */

struct world_rounds {
        unsigned n;         /* all that ended */
        uint64_t signature; /* of the one that goes on */
        usec_t began, eventful_at;
        struct world_round last[WORLD_ROUNDS];
        unsigned same[WORLD_CYCLE + 1]; /* so many rounds in a row were each as the one so many before it */
};

struct world_controller {
        struct gateway *gateway; /* NULL: it does not run */
        unsigned life;
        bool begun;
        usec_t up_since;
        usec_t timer_at;
        struct {
                bool open;
                unsigned generation;
                int tty;
                unsigned tty_life;
                char line[96]; /* of a command that is not ended yet */
        } ports[MODEM_PORTS];
        usec_t channel[5];
        usec_t late_until;
        unsigned late_ms;
        usec_t usb_lost_until, opened_lost_until, start_fault_until;
        unsigned n_tokens, next_token;
        struct world_token tokens[WORLD_TOKENS];
        usec_t person_until; /* a start that comes before is a person's */
        unsigned at_once;    /* steps since time moved */
        struct world_rounds rounds;
};

/* What the promises remember. */
struct world_promises {
        char broken[512]; /* "" none */
        unsigned number;
        usec_t good_since;
        usec_t disturbed_at, disturbed_before; /* by the last input, and by the one before */
        usec_t could_send_at;
        usec_t flag_beside_since, hold_beside_since;
        bool held; /* somebody holds smsd, and nobody has ended that */
        usec_t held_until;
        bool legacy_held;
        usec_t command_at; /* a person's last command */
        usec_t started_at; /* a person's last start of smsd without us */
        usec_t stop_began; /* somebody's stop of the unit that is no hold yet, 0 none */
        bool was_held;
        usec_t held_at; /* the core held it last */
        usec_t
            failed_at; /* the last end of an smsd process that was not asked for: backoff counts from there */
        unsigned hopeless_starts;
        usec_t starts[4]; /* the last ones, newest first */
        usec_t next_slow_check;
        bool resets_forgotten; /* the memory of resets could not be written once */
};

struct world {
        uint64_t seed;
        usec_t now; /* since the simulation began */
        usec_t end;
        usec_t boot;    /* when the box booted last */
        int64_t clock;  /* wall clock - now, microseconds */
        uint64_t draws; /* at this instant */
        usec_t drawn_at;
        struct config config;
        unsigned n_modems, n_slots;
        bool links;       /* stable links are written into smsd.conf */
        bool direct;      /* backend */
        bool switchable;  /* its hubs switch power */
        int route;        /* the modem with the default route, -1 none */
        bool tells_main;  /* systemd knows the unit's main process */
        bool still_clock; /* clock jumps are left out */
        bool every_round; /* also those in which nothing changes */
        unsigned loglevel;
        struct agenda agenda;
        const struct inputs *inputs;
        const bool *left_out; /* by input, NULL none */
        struct world_modem modems[WORLD_MODEMS];
        struct world_tty ttys[WORLD_TTYS];
        struct world_process processes[WORLD_PROCESSES];
        pid_t next_pid;
        pid_t pidfile;
        bool infofile;
        int64_t status_time[WORLD_SLOTS]; /* stats/status, 0 never */
        bool status_exists;
        struct world_message messages[WORLD_MESSAGES];
        uint64_t sent, doubles, resets;
        struct world_files files;
        struct world_unit unit;
        struct world_controller controller;
        struct world_alerts alerts;
        struct world_promises promises;
        struct action_list actions;
        struct event *free_events;
        uint64_t hash;
        uint64_t steps;
        FILE *trace; /* NULL: none */
};

/* --- world.c */
struct world *world_new(uint64_t seed, usec_t length, const struct inputs *inputs, const bool *left_out,
                        FILE *trace);
struct world *world_free(struct world *world);
/* Runs to its end or to the first broken promise; true when all were kept. */
bool world_run(struct world *world);
/* Chance that depends on the seed and the moment only, so that leaving an input out changes little else. */
uint64_t world_chance(struct world *world, uint64_t lowest, uint64_t highest);
bool world_percent(struct world *world, unsigned percent);
void world_plan(struct world *world, usec_t in, enum happening_kind kind, unsigned who, unsigned what);
void world_trace(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
usec_t world_boottime(const struct world *world);

/* --- world_modem.c */
void modem_plug(struct world *world, unsigned modem);
void modem_unplug(struct world *world, unsigned modem);
void modem_tty_appears(struct world *world, unsigned modem, unsigned what);
bool modem_answers(const struct world *world, unsigned modem);
enum sim_state modem_sim(const struct world *world, unsigned modem);
/* All is well with it: smsd could send over it, with the PIN `pin`. */
bool modem_is_good(const struct world *world, unsigned modem);
void modem_describe(const struct world *world, unsigned modem, struct usb_device *ret_device);
int tty_resolve(const struct world *world, const char *path); /* -1: no such device */
bool tty_is_alive(const struct world *world, int tty, unsigned life);
void modem_at(struct world *world, unsigned modem, unsigned interface, const char *command, char *answer,
              size_t size);
/* smsd enters the PIN. True when it is accepted. */
bool modem_enter_pin(struct world *world, unsigned modem, const char *pin, bool person);

/* --- world_smsd.c */
pid_t smsd_start(struct world *world, bool ours, bool person);
void smsd_kill(struct world *world, pid_t pid, int signal, bool person);
void smsd_kill_all(struct world *world, int signal, bool person);
void smsd_happens(struct world *world, const struct happening *happening);
void smsd_tty_died(struct world *world);
struct world_process *smsd_find(struct world *world, pid_t pid);
struct world_process *smsd_main(struct world *world);
struct world_process *smsd_handler(struct world *world, unsigned index);
bool smsd_holds_tty(const struct world *world, int tty, unsigned life, struct port_holder *ret_holder);
unsigned smsd_count_ours(const struct world *world);
bool smsd_can_send(const struct world *world, unsigned slot);
void smsd_picture(struct world *world, struct process_list *list);
void smsd_status(struct world *world, struct smsd_status *status);
void smsd_forget_all(struct world *world);

/* The modem whose tty it has open and alive, -1 none. */
int smsd_modem_of(const struct world *world, const struct world_process *p);
bool smsd_process_can_send(const struct world *world, const struct world_process *p);
void smsd_end(struct world *world, struct world_process *p, int status);

/* --- world_messages.c */
void smsd_messages(struct world *world, unsigned n, bool multipart);
void messages_wake_senders(struct world *world);
void messages_pick(struct world *world, struct world_process *p);
void messages_pdu_done(struct world *world, struct world_process *p, int index);
/* It is killed in the middle of a PDU. `excused`: by a person, or by bad luck. */
void messages_cut_off(struct world *world, struct world_process *p, bool excused);

/* --- world_files.c */
void files_init(struct world *world);
void files_free(struct world *world);
void conf_comment(struct world *world);
void conf_set(struct world *world, unsigned slot, const char *key, const char *value);
void conf_break(struct world *world, bool broken);
void conf_gone(struct world *world, usec_t duration);
void conf_back(struct world *world);
bool conf_is_valid(const struct world *world);
void conf_value(const struct world *world, unsigned slot, const char *key, char *value, size_t size);
int conf_write(struct world *world, const char *text, size_t length);
void conf_set_aside(struct world *world);
void conf_keep(struct world *world, const char *text, size_t length);
void files_hold_write(struct world *world, const struct hold_record *record, int *ret_result);
int files_hold_clear(struct world *world);
void files_flag(struct world *world, struct flag_event *ret_flag);
void files_save_modem(struct world *world, const struct modem_record *record);

/* --- world_power.c */
void power_cfun(struct world *world, unsigned modem, const char *command);
void power_leave(struct world *world, unsigned modem, unsigned plug);
void power_look(struct world *world, const char *path);
void power_switch(struct world *world, const struct action *action);
void power_save(struct world *world, const struct recovery_record *record);
void power_rebooted(struct world *world);

/* --- world_input.c */
void world_input(struct world *world, const struct input *input);
void world_shutdown_over(struct world *world, unsigned what);

/* --- world_unit.c */
void unit_look(struct world *world);
void unit_stop(struct world *world, const struct world_process *main);
void unit_start(struct world *world);
void unit_command(struct world *world, enum unit_job job);
void unit_shutdown(struct world *world, bool stopping);
void unit_away(struct world *world, usec_t duration);
void unit_back(struct world *world);
void unit_forget(struct world *world);
void unit_happens(struct world *world, unsigned serial);
void unit_main_ended(struct world *world, const struct world_process *main);

/* --- controller.c: what comes over one channel stays in order */
enum { CHANNEL_RESULTS, CHANNEL_PORTS, CHANNEL_NEWS, CHANNEL_LOG, CHANNEL_UNIT };

void controller_up(struct world *world);
void controller_kill(struct world *world, usec_t until_up);
void controller_deliver(struct world *world, const struct happening *happening);
void controller_timer(struct world *world);
struct event *controller_event(struct world *world, enum event_kind kind);
/* Hands the event over after `in`; events of one channel stay in order. */
void controller_post(struct world *world, struct event *event, unsigned channel, usec_t in);
void controller_log(struct world *world, enum smsd_log_kind kind, int level, int slot, pid_t pid, int detail);
void controller_usb(struct world *world, unsigned modem, bool gone);
void controller_reset_command(struct world *world, unsigned slot, unsigned step);
void controller_command(struct world *world, enum command_kind kind, bool force, usec_t duration);

/* --- world_rounds.c: hours in which nothing changes are left out */
void rounds_begin(struct world *world);
void rounds_event(struct world *world, const struct event *event);
void rounds_action(struct world *world, const struct action *action);
/* The world has changed. */
void rounds_disturbed(struct world *world);
/* The controller's timer ends one and begins the next. */
void rounds_end(struct world *world);
/* Puts the timer off by whole cycles, as long as nothing else happens before. */
void rounds_skip(struct world *world);

/* --- perform.c */
void perform_action(struct world *world, const struct action *action);
void perform_trace(struct world *world, const struct action *action);

/* --- promises.c */
void promise_broken(struct world *world, unsigned number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void promises_action(struct world *world, const struct action_list *actions, unsigned index);
void promises_after(struct world *world);
void promises_could_send(struct world *world);
void promises_unit_stopped(struct world *world);
/* smsd is started; `own`: by us. */
void promises_person_started(struct world *world, bool own);
void promises_main_ended(struct world *world, const struct world_process *process);
void promises_restart_due(struct world *world, unsigned pid);
void promises_conf_written(struct world *world, const char *before, const char *after);
void promises_sent(struct world *world, const struct world_message *message);
bool promises_box_is_well(struct world *world);
unsigned promises_slots_served(const struct world *world);

/* --- promises_resets.c */
void promises_reset(struct world *world, unsigned modem);
void promises_off(struct world *world);

/* --- promises_alerts.c */
void alerts_spool(struct world *world, const struct action *action);
int alerts_save(struct world *world, const struct alert_book *book);
void alerts_rebooted(struct world *world);
void promises_alerts(struct world *world);

#endif
