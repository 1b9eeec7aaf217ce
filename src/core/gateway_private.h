/*
 * The gateway's insides, shared by the gateway_*.c files only: what is known, what was asked, when to look
 * again.
 */
#ifndef CORE_GATEWAY_PRIVATE_H
#define CORE_GATEWAY_PRIVATE_H

#include "core/gateway.h"
#include "core/hold.h"
#include "core/incident.h"
#include "core/modem.h"
#include "core/restart.h"
#include "core/slot.h"
#include "core/smsd_state.h"
#include "gateway_alerts.h"
#include "gateway_company.h"
#include "gateway_look.h"
#include "gateway_queue.h"
#include "gateway_recovery.h"

#define SCANS_MAX   3
#define WAITING_MAX 16

#define GATEWAY_SETTLE_TIME   (10 * USEC_PER_SEC) /* an adopted smsd may still be opening its ports */
#define GATEWAY_SHUTTING_DOWN "the system is shutting down: smsd is neither started nor stopped any more"
#define GATEWAY_KILL_AFTER    (8 * USEC_PER_SEC) /* a handler on a dead tty that does not end by TERM */

struct gateway_flag {
        bool asked;          /* ACTION_FLAG_LOOK is out */
        bool fresh;          /* looked at since smsd was last seen alive */
        bool over;           /* its hold is, and who only observes cannot remove it */
        usec_t first_seen;   /* 0: not there */
        usec_t beside_since; /* it lies beside a running smsd since, 0 not */
        char refusal[96];    /* what was reported already, so that it is said once */
};

/* What systemd tells of smsd's unit; without a systemd only the looks are. */
struct gateway_unit {
        struct unit_state state;  /* as it was told last; all zero: nothing is known */
        bool heard;               /* it was known once */
        bool stopping;            /* the system goes down: nothing is touched any more */
        usec_t asked_until;       /* ACTION_UNIT_LOOK is out, and is waited for so long; 0: none is */
        bool look_again;          /* the answer on its way may be too old */
        bool fresh;               /* looked at since smsd was last seen alive */
        bool unseen;              /* the processes were not seen since somebody's job, or smsd, has ended */
        usec_t job_since;         /* somebody's job is under way since, 0 none */
        usec_t stop_since;        /* first sign of somebody's stop, 0 none */
        bool stop_taken;          /* what follows from that stop was done */
        bool stop_before_us;      /* it was there when we first looked */
        enum unit_job started_by; /* somebody's job that starts smsd */
        usec_t started_until;     /* who is seen to run before was started by it */
};

/* smsd's main process has ended, and nobody knows yet why. */
struct gateway_loss {
        bool pending;
        struct process_id id;
        bool status_known;
        int status;
        usec_t at;
        bool seen_again; /* looked for who runs now that systemd says that somebody does */
        bool launcher;   /* it may have gone into the background: who runs now may be its child */
        bool scanned;    /* the picture of the processes is newer than its end */
};

struct gateway {
        struct config config;
        struct profile_table
            *profiles;        /* what config.profiles is: a copy of our own; NULL: the built-in ones */
        bool conf_known;      /* smsd.conf was read once: the slots are known */
        char conf_error[192]; /* why it could not be read, "" */
        unsigned conf_reads;  /* ACTION_CONF_READ that have no answer yet */
        bool conf_wanted;     /* it is to be read when the restart path is through */
        bool enumerated;
        bool begun;
        struct smsd_state smsd;
        struct slots slots;
        struct modem_record records[SMSD_MODEMS_MAX]; /* from an earlier life, until their slots are known */
        unsigned n_records;
        unsigned n_modems; /* places taken so far: nobody looks at the pages behind them */
        struct modem modems[MODEMS_MAX];
        bool reported[MODEMS_MAX]; /* during an enumeration: told again */
        struct hold hold;
        bool hold_unwritten; /* the hold's file could not be written, or not be removed: tried again */
        struct gateway_flag flag;
        struct gateway_unit unit;
        struct gateway_loss loss;
        struct restart restart;
        enum restart_cause cause; /* why smsd is down, for the next run */
        usec_t company_until;     /* a start waits so long for modems that came together, 0: none waits */
        bool handler_lost;
        usec_t alone_at; /* a handler ended: when it is clear that main did not end with it; infinity: none */
        pid_t lost_handler;
        bool settling;           /* smsd was adopted: its handlers may still be opening their ports */
        usec_t scans[SCANS_MAX]; /* looks at the process table that are due */
        usec_t health_at;
        usec_t now; /* of the step under way */
        bool again; /* the list of actions was full: step again at once */
        struct incident incident;
        char observed[128]; /* observe mode: what was said last */
        unsigned n_waiting; /* starts that wait for a modem to become ready */
        unsigned waiting[WAITING_MAX];
        usec_t waiting_until;
        enum restart_cause waiting_cause;
        struct gateway_alerts alerts;
        struct gateway_queue queue;
        struct gateway_poison poison;
        struct gateway_unsent unsent;
        struct gateway_company company;
        struct gateway_look looks[MODEMS_MAX]; /* as modems */
        struct kernel_trouble kernel;
        usec_t kernel_at; /* its log was read, 0 never */
        struct gateway_recovery recovery;
};

/* What is due already is acted upon in this step: a deadline only while it lies ahead. */
static inline usec_t gateway_ahead(const struct gateway *gateway, usec_t deadline)
{
        return deadline > gateway->now ? deadline : USEC_INFINITY;
}

/* Reads smsd.conf, now or when the restart path, which works on its own reading, is through. */
void gateway_read_conf(struct gateway *gateway, struct action_list *actions);

/* gateway_smsd.c: smsd's processes, log and stats/status */
void gateway_scanned(struct gateway *gateway, const struct event *event, struct action_list *actions);
void gateway_exited(struct gateway *gateway, const struct event *event, struct action_list *actions);
void gateway_smsd_said(struct gateway *gateway, const struct event *event, struct action_list *actions);
void gateway_status_read(struct gateway *gateway, const struct event *event);
void gateway_smsd_opened(struct gateway *gateway);
/* Another main process than before runs, started by somebody else. */
void gateway_adopt(struct gateway *gateway, struct action_list *actions);
/* Every modem that could be served and is not is asked before the next start: a handler of its ended. */
/* alone_at has come. */
void gateway_handler_ended_alone(struct gateway *gateway, struct action_list *actions);
void gateway_doubt_unserved(struct gateway *gateway);

/* gateway_hold.c: holds, the old scripts' flag, commands */
void gateway_hold_found(struct gateway *gateway, const struct hold_record *record,
                        struct action_list *actions);
void gateway_command(struct gateway *gateway, const struct command *command, struct action_list *actions);
void gateway_flag_seen(struct gateway *gateway, const struct flag_event *flag, struct action_list *actions);
void gateway_look_for_flag(struct gateway *gateway, struct action_list *actions);
void gateway_hold_time(struct gateway *gateway, struct action_list *actions);
/* EVENT_HOLD_WRITTEN, EVENT_HOLD_CLEARED: what failed is tried again by gateway_hold_repeat(). */
void gateway_hold_stored(struct gateway *gateway, const struct event *event, struct action_list *actions);
void gateway_hold_repeat(struct gateway *gateway, struct action_list *actions);
/* Somebody has stopped smsd around us (the flag, systemctl): a hold of the default length from record->since
 * on; `until` is filled in. */
void gateway_hold_taken(struct gateway *gateway, struct hold_record *record, struct action_list *actions);
/* Who holds smsd, why, for how long already and until when. */
void gateway_describe_hold(const struct gateway *gateway, char *text, size_t size);
/* True when a process of ours that was to be stopped by the hold is still there. */
bool gateway_stop_is_unfinished(const struct gateway *gateway);
void gateway_hold_broken(struct gateway *gateway, struct action_list *actions);
/* Answers every command that waits for a start. */
void gateway_refuse_waiting(struct gateway *gateway, const char *message, struct action_list *actions);

/* gateway_unit.c: systemd's unit of smsd, and why smsd ended */
void gateway_unit_heard(struct gateway *gateway, const struct unit_state *state, struct action_list *actions);
/* Asks for the unit as it is now; `fresh` tells that the answer is here, or will not come. */
void gateway_look_at_unit(struct gateway *gateway, struct action_list *actions);
void gateway_main_ended(struct gateway *gateway, const struct event *event, struct action_list *actions);
/* The processes were seen. */
void gateway_unit_seen(struct gateway *gateway, struct action_list *actions);
void gateway_unit_time(struct gateway *gateway, struct action_list *actions);
void gateway_tell_adoption(struct gateway *gateway, struct action_list *actions);
/* A person's start was asked for after somebody's stop, which is under way. */
void gateway_overrule_stop(struct gateway *gateway);
/* Until when a job of somebody is waited for, 0: none is under way. */
usec_t gateway_job_until(const struct gateway *gateway);
/* True while systemd, or somebody's job, has the word: nothing is started or stopped by an automatic cause.
 */
bool gateway_waits_for_unit(const struct gateway *gateway);
usec_t gateway_unit_deadline(const struct gateway *gateway);

/* gateway_devices.c: USB devices and nodes into modems, modems into slots, what is remembered of them */
/* After the configuration, or the profiles, changed. */
void gateway_choose_profiles(struct gateway *gateway);
void gateway_device(struct gateway *gateway, const struct usb_device *device, struct action_list *actions);
void gateway_device_gone(struct gateway *gateway, const char *usb_path, struct action_list *actions);
void gateway_enumerated(struct gateway *gateway, struct action_list *actions);
void gateway_node(struct gateway *gateway, const struct event *event, struct action_list *actions);
void gateway_drive_modems(struct gateway *gateway, struct action_list *actions);
/* True when the modem's port may be opened now: no hold, no run of the restart path, what smsd holds is
 * known, and no handler is about to open it. */
bool gateway_may_probe(const struct gateway *gateway, const struct modem *modem);

/* gateway_identity.c: who sits in a slot: remembered, told when it is another, refused */
void gateway_remember(struct gateway *gateway, struct action_list *actions);
void gateway_save_slot(const struct slot *slot, struct action_list *actions);

/* gateway_queue.c: failed messages that are sent again by themselves */
void gateway_queue_changed(struct gateway *gateway);
void gateway_queue_step(struct gateway *gateway, struct action_list *actions);
usec_t gateway_queue_deadline(const struct gateway *gateway);
void gateway_failed_listed(struct gateway *gateway, const struct messages_event *seen,
                           struct action_list *actions);
/* One of failed/ is to go again; `id` comes back with the answer. */
void gateway_requeue(const char *name, uint64_t id, unsigned limit, struct action_list *actions);
void gateway_requeued(struct gateway *gateway, const struct message_moved_event *moved,
                      struct action_list *actions);
/* How often a failed message is sent again by itself, 0 never. */
unsigned gateway_retries(const struct gateway *gateway);

/* gateway_unsent.c: messages that a stop of ours made fail before they went out */
/* True: it is one of them; its alert comes when it is queued again, or cannot be. */
bool gateway_unsent_failed(struct gateway *gateway, const struct message_failed_event *failed);
/* True: it was the answer that is waited for here. */
bool gateway_unsent_moved(struct gateway *gateway, const struct message_moved_event *moved,
                          struct action_list *actions);
bool gateway_unsent_is_queued(const struct gateway *gateway, const struct message_failed_event *failed);
/* What smsd.conf says, which smsd will be told. */
void gateway_unsent_learn(struct gateway *gateway, const struct smsd_conf *conf);
/* Behind everything that may stop smsd. */
void gateway_unsent_step(struct gateway *gateway, struct action_list *actions);
usec_t gateway_unsent_deadline(const struct gateway *gateway);

/* gateway_poison.c: messages that crash the modem */
/* True while there is a handler of smsd's that has served the slot, on a port that is there or not. */
bool gateway_slot_has_handler(const struct gateway *gateway, const struct slot *slot);
/* The slot's modem crashed while smsd served it (it left the bus, reset itself, fell silent): asks at once
 * what it was sending. Not for a step of our own, before which smsd is stopped. */
void gateway_modem_crashed(struct gateway *gateway, struct slot *slot, struct action_list *actions);
void gateway_modem_sent(struct gateway *gateway, struct slot *slot, struct action_list *actions);
void gateway_checked_listed(struct gateway *gateway, const struct messages_event *seen,
                            struct action_list *actions);
/* Something is to be put aside before smsd is started again, or that is not clear yet. */
bool gateway_is_poisoned(const struct gateway *gateway);
/* No smsd is left. */
void gateway_put_aside(struct gateway *gateway, struct action_list *actions);
void gateway_quarantined(struct gateway *gateway, const struct message_moved_event *moved,
                         struct action_list *actions);
void gateway_tell_quarantined(struct gateway *gateway);

/* gateway_displace.c: a modem that smsd has, and should not (yet) */
/* The slot whose modem it is, NULL none. */
struct slot *gateway_find_displaced(struct gateway *gateway, struct action_list *actions);
/* The slot whose modem pin_imei keeps from smsd, which has it all the same; NULL none. */
const struct slot *gateway_find_strange(const struct gateway *gateway);
/* smsd is asked to let go of it, as soon as the others allow. */
void gateway_displace(struct gateway *gateway, struct slot *slot, struct action_list *actions);
usec_t gateway_displace_deadline(const struct gateway *gateway);
/* A person's start with --force is over: the smsd that came of it may keep its modem. */
void gateway_let_in(const struct gateway *gateway, struct slot *slot, struct action_list *actions);

/* gateway_setup.c: [provision] for a new modem or SIM, in the probe's place */
void gateway_set_up(struct gateway *gateway, struct action_list *actions);
void gateway_setup_event(struct gateway *gateway, const struct event *event, struct action_list *actions);
/* The slot's modem leaves: what was written into it takes effect by that. */
void gateway_setup_left(const struct gateway *gateway, struct slot *slot, struct action_list *actions);
/* A modem that was set up restarts, and is expected back. */
bool gateway_modem_is_away(const struct gateway *gateway);

/* gateway_alerts*.c: who is told of what */
/* False: there is no place in the book just now. */
bool gateway_alerts_quarantined(struct gateway *gateway, const struct poisoned *poisoned);
/* SMS go out now, as far as is known. */
bool gateway_can_send(const struct gateway *gateway);
void gateway_alerts_begin(struct gateway *gateway);
void gateway_alerts_reloaded(struct gateway *gateway);
void gateway_alerts_event(struct gateway *gateway, const struct event *event);
void gateway_alerts_test(struct gateway *gateway, const struct command *command, struct action_list *actions);
/* The end of each step: sweeps what is into the book, and lets it tell. */
void gateway_alerts_step(struct gateway *gateway, const struct event *event, struct action_list *actions);
/* When time alone brings the next message; USEC_INFINITY: it does not. */
usec_t gateway_alerts_deadline(const struct gateway *gateway);

/* gateway_look.c: the look at a modem's health, on its spare port */
void gateway_look_event(struct gateway *gateway, const struct event *event, struct action_list *actions);
/* Looks that are due begin, those under way go on. `timer`: the box is awake anyway. */
void gateway_look_time(struct gateway *gateway, bool timer, struct action_list *actions);
usec_t gateway_look_deadline(const struct gateway *gateway);
/* The kernel's log, when it is time: each 5 minutes while every slot is well, else each 30 s; also read with
 * each look at a modem. */
void gateway_look_at_kernel(struct gateway *gateway, struct action_list *actions);
/* Another needs the modem's ports: the look at it that is under way ends here, and is made later. */
void gateway_look_interrupt(struct gateway *gateway, unsigned modem, struct action_list *actions);
/* The port on which the slot's modem may be asked while smsd has the other; NULL: there is none, or it is not
 * wanted ([modem] health_port). */
const char *gateway_spare_port(const struct gateway *gateway, const struct slot *slot,
                               const struct modem *modem);

/* gateway_verdict.c: from everything that is known to one verdict a slot, slot->health */
/* Of one slot; `looked`: a look at it has just ended. */
void gateway_judge_slot(struct gateway *gateway, struct slot *slot, bool looked);
/* The end of each step. */
void gateway_judge(struct gateway *gateway);
/* The verdict while smsd runs, how any verdict is known, and what is shown of a slot. */
void gateway_judge_running(const struct gateway *gateway, usec_t now, struct snapshot *s);
void gateway_add_evidence(const struct gateway *gateway, usec_t now, struct snapshot *s);
void gateway_fill_health(const struct gateway *gateway, const struct slot *slot, int64_t realtime_offset,
                         struct snapshot_modem *to);
/* True when the verdict knows more than what smsd shows of itself (gateway_describe_slot). */
bool gateway_verdict_explains(const struct gateway *gateway, const struct slot *slot);
/* What a look was told of the network and the storage is newer than what the probe was. */
void gateway_look_learn(struct modem *modem, const struct health_answers *answers);
/*
 * What is wrong with the slot's modem, as far as a step of the recovery may help. True: it is known,
 * FAILURE_NONE for a modem that works. False: it cannot be judged now, or has not stood for HEALTH_PERSIST.
 */
bool gateway_slot_failure(const struct gateway *gateway, const struct slot *slot,
                          enum failure_kind *ret_kind);

/* gateway_reconcile.c: from what is to what should be */
/* False: it has just begun, and judges nothing yet. */
bool gateway_knows_enough(const struct gateway *gateway);
void gateway_reconcile(struct gateway *gateway, struct action_list *actions);
/* When a handler that was told to let go of its dead tty is killed. */
usec_t gateway_kill_at(const struct gateway *gateway, const struct smsd_handler *handler);
/* Asks the one restart path for a run. */
void gateway_request_restart(struct gateway *gateway, enum restart_goal goal, enum restart_cause cause,
                             unsigned token, struct action_list *actions);
struct restart_world gateway_world(struct gateway *gateway, struct action_list *actions);
unsigned gateway_startable(const struct gateway *gateway);

/* True when smsd serves every slot that it could. */
bool gateway_runs_well(const struct gateway *gateway);

/* The same without asking what else goes on: strays, a run of the restart path, a slot at all. */
bool gateway_serves_all(const struct gateway *gateway);

/* gateway_health.c: how well a slot is served */
enum slot_health {
        SLOT_WELL,
        SLOT_UNSERVED,
        SLOT_UNVERIFIED,
        SLOT_UNREGISTERED,
        SLOT_BLOCKED,
        SLOT_HUNG_UP,
        SLOT_SILENT,
        SLOT_STUCK,
        SLOT_TROUBLE
};

enum slot_health gateway_slot_health(const struct gateway *gateway, const struct slot *slot, usec_t now);
/* What smsd's log said at `said_at` is true still, as far as can be known. */
bool gateway_still_counts(const struct gateway *gateway, usec_t said_at, usec_t now);
/* smsd's writes to its port that failed and still count: the second says that it was hung up. */
unsigned gateway_slot_write_errors(const struct gateway *gateway, const struct slot *slot, usec_t now);
/* True when SMS flows through one slot at least. */
bool gateway_any_slot_well(const struct gateway *gateway);
/* True when SMS flows through every slot that could be served, as far as can be known. */
bool gateway_works(const struct gateway *gateway);
/* The network itself refuses: smsd ends on that, and no restart helps. */
bool gateway_slot_is_denied(const struct gateway *gateway, const struct slot *slot);
void gateway_describe_slot(const struct gateway *gateway, const struct slot *slot, enum slot_health health,
                           char *reason, size_t reason_size, char *action, size_t action_size);
/* What a person does about starts that fail again and again. */
const char *gateway_describe_failure_action(const struct gateway *gateway);
/* SMS flow, but on an older smsd.conf. False: no, the texts are untouched. */
bool gateway_describe_conf_problem(const struct gateway *gateway, char *reason, size_t reason_size,
                                   char *action, size_t action_size);

/* True when the slot's handler runs on its modem's port. */
bool gateway_slot_served(const struct gateway *gateway, const struct slot *slot);

/* Why no slot can be started now, for a person. */
void gateway_describe_waiting(const struct gateway *gateway, char *reason, size_t reason_size, char *action,
                              size_t action_size);

/* The modem that a person would want to hear about when no slot can be served: the one in a slot, else one
 * that is on its way; NULL: none is plugged in. Belongs to the gateway. */
const struct modem *gateway_relevant_modem(const struct gateway *gateway);

/* The guard of this slot and what lifts it. False: there is none, the texts are untouched. */
bool gateway_describe_guard(const struct gateway *gateway, const struct slot *slot, char *reason,
                            size_t reason_size, char *action, size_t action_size);

/* Why this modem, which is plugged in, is not ready. */
void gateway_describe_modem(const struct modem *modem, char *reason, size_t reason_size, char *action,
                            size_t action_size);

#endif
