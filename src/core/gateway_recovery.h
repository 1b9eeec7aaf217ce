/*
 * What the gateway remembers for the recovery of its modems, a ladder (core/ladder) for each slot; a part of
 * struct gateway, for the gateway_recovery*.c files only. The rest of the gateway knows the functions below.
 *
 *   gateway_recovery.c         the step: what is seen goes into the ladders, their orders are carried out
 *   gateway_recovery_keep.c    a recovery for each slot, and its memory
 *   gateway_recovery_judge.c   what of a slot's health it is told, and when
 *   gateway_recovery_world.c   what holds around a modem: switches, default route, who else is sending
 *   gateway_recovery_at.c      an order's AT command, on the modem's port
 *   gateway_recovery_switch.c  an order's switch, of USB or power
 *   gateway_recovery_leave.c   a reset that [provision] makes, in the same budget
 *   gateway_recovery_hand.c    `smswarden reset-modem`
 *   gateway_recovery_words.c   records, alerts and status
 */
#ifndef CORE_GATEWAY_RECOVERY_H
#define CORE_GATEWAY_RECOVERY_H

#include "core/at_parser.h"
#include "core/event.h"
#include "core/ladder.h"
#include "core/recovery_record.h"
#include "core/slot.h"
#include "core/snapshot.h"

/* Where nothing of these was tried, the modem's own alert says all: insert the SIM, type the PUK. */
#define RECOVERY_RESETS                                                                                      \
        (LADDER_STEP_BIT(LADDER_STEP_SMSD) | LADDER_STEP_BIT(LADDER_STEP_RESET) |                            \
         LADDER_STEP_BIT(LADDER_STEP_USB) | LADDER_STEP_BIT(LADDER_STEP_POWER))

struct gateway;

/* One AT command on its way. */
struct recovery_at {
        bool opening, open;
        bool spare; /* on the modem port, beside smsd */
        unsigned modem, generation;
        char command[24];
        struct at_parser parser;
        usec_t until; /* the answer's time; USEC_INFINITY: nothing is on its way */
};

/* What the adapters told of the device last. */
struct recovery_facts {
        struct recovery_seen_event seen;
        bool known, asked;
        usec_t at; /* asked, or told, at */
};

/* A person's step, from the command to its answer. */
struct recovery_hand {
        unsigned token;        /* 0: nobody waits */
        char by[64];           /* who */
        enum ladder_step step; /* NONE: what suits */
        bool begun;            /* the ladder has taken it */
        usec_t at;             /* it was asked for, then: taken, at */
};

struct recovery {
        char name[SMSD_MODEM_NAME_MAX]; /* the slot's */
        struct ladder ladder;
        struct recovery_at at;
        struct recovery_facts facts;
        struct recovery_hand hand;
        struct recovery_record saved; /* as the next life would find it */
        enum recovery_off off;
        char off_path[USB_PATH_MAX];
        unsigned ticket;          /* of the order that is being carried out, 0 none */
        unsigned switch_token;    /* of the switch that is under way, 0 none */
        bool switching_on;        /* the switch is none of the ladder's: what was left off */
        usec_t switch_on_at;      /* what is left off is switched on not before */
        usec_t switch_until;      /* its answer is waited for so long */
        int modem;                /* the place of the modem that sits there, or sat last; -1 unknown */
        bool there;               /* its ports are there, as the ladder was told last */
        bool gave_up;             /* told, and not well since */
        enum failure_kind kind;   /* as the ladder saw it when it decided last */
        usec_t begun_at;          /* the step that was told last began at */
        enum ladder_step shown;   /* its end is not told yet */
        usec_t taken_until;       /* another program has the port: nothing automatic is done */
        usec_t spare_taken_until; /* ... the modem port: AT goes to the other */
        bool off_told;            /* that it cannot be switched on */
        usec_t known_at;          /* it was judged last at */
        usec_t notice_at;         /* people were told of a reset of [provision]'s at, 0 not */
        usec_t silent_since;      /* smsd has had no answer since, 0 it has */
        usec_t returned_at;       /* it came back from the step that was taken last, 0 not */
};

struct gateway_recovery {
        unsigned n;
        unsigned switch_token;                  /* of the last switch */
        struct recovery items[SMSD_MODEMS_MAX]; /* the pages behind n stay untouched */
};

/* --- gateway_recovery.c, for the rest of the gateway --- */

void gateway_recovery_event(struct gateway *gateway, const struct event *event, struct action_list *actions);
/* True when the event is an answer to an AT command of ours. */
bool gateway_recovery_port_event(struct gateway *gateway, const struct event *event,
                                 struct action_list *actions);
void gateway_recovery_step(struct gateway *gateway, struct action_list *actions);
/* When time alone lets a recovery go on; USEC_INFINITY: it does not. */
usec_t gateway_recovery_deadline(const struct gateway *gateway);
void gateway_recovery_reloaded(struct gateway *gateway);

/* smsd is not to be started now: a modem is being reset. */
bool gateway_recovery_blocks_start(const struct gateway *gateway);
/* The slot's modem is being recovered: what is known against it stays as it was told. */
bool gateway_recovery_is_under_way(const struct gateway *gateway, const char *slot);
/* The same until smsd has it again: then whether the step has helped shows there, and it is looked at. */
bool gateway_recovery_has(const struct gateway *gateway, const struct slot *slot);
/* The modem in this place is in our hands: nobody else opens its port. */
bool gateway_recovery_owns(const struct gateway *gateway, unsigned modem);
/* The slot's modem is being recovered: its silence and absence are our own doing, for so long as it may need.
 */
bool gateway_recovery_expects_absence(const struct gateway *gateway, const char *slot);

/* --- gateway_recovery_leave.c --- */

enum recovery_leave {
        RECOVERY_LEAVE_GRANTED, /* now: right before the command goes out it is counted by ..._spend() */
        RECOVERY_LEAVE_WAIT,    /* ask again in each step, at *ret_at at the latest */
        RECOVERY_LEAVE_REFUSED, /* the budget is spent until *ret_at; USEC_INFINITY: there is none */
};

/* May the slot's modem be reset by somebody else than its ladder? Asks for what is to be known, and tells
 * people before the default route is cut. */
enum recovery_leave gateway_recovery_ask_leave(struct gateway *gateway, const struct slot *slot,
                                               struct action_list *actions, usec_t *ret_at);
void gateway_recovery_spend_leave(struct gateway *gateway, const struct slot *slot,
                                  struct action_list *actions);

/* When the notice that was given for it has left, 0: none was given. */
usec_t gateway_recovery_notice_over(const struct gateway *gateway, const struct slot *slot);

/* --- gateway_recovery_judge.c --- */

/*
 * What of the slot's health is worked on. True: it is known, FAILURE_NONE for a modem that works. False: it
 * cannot be judged now, what was told last stands.
 */
bool recovery_failure(const struct gateway *gateway, const struct slot *slot, enum failure_kind *ret_kind);

/* --- gateway_recovery_hand.c --- */

void gateway_recovery_command(struct gateway *gateway, const struct command *command,
                              struct action_list *actions);

/* --- gateway_recovery_words.c --- */

/* What is wrong, what is being done, what comes next: "" nothing. */
void gateway_recovery_describe(const struct gateway *gateway, const char *slot, char *text, size_t size);
/* The first modem that is being reset, for the verdict. False: none is. */
bool gateway_recovery_describe_block(const struct gateway *gateway, char *text, size_t size);
/* The slot's recovery for the status. */
void gateway_recovery_snapshot(const struct gateway *gateway, const char *slot, int64_t realtime_offset,
                               struct snapshot_modem *to);
/* Sweeps what was given up into the book of alerts. */
void gateway_alerts_recovery(struct gateway *gateway);

/* --- between the files --- */

const struct recovery *recovery_find(const struct gateway *gateway, const char *name);
struct recovery *recovery_of(struct gateway *gateway, const char *name);
void recovery_take_record(struct gateway *gateway, const struct recovery_record *record);
/* Before what it tells of is done: a controller that is killed in the middle has paid for it. */
void recovery_save(struct recovery *recovery, struct action_list *actions);

void recovery_order_switch(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                           enum recovery_off off, bool on, struct action_list *actions);
void recovery_switch_on_left_over(struct gateway *gateway, struct recovery *recovery,
                                  struct action_list *actions);
void recovery_switched(struct gateway *gateway, const struct event *event, struct action_list *actions);

/* The modem that the slot stands for: in it, or (refused, not up yet) where it was; NULL: it is away. */
const struct modem *recovery_modem(const struct gateway *gateway, const struct slot *slot);
/* Where its switches are, "" nowhere. */
const char *recovery_path(const struct gateway *gateway, const struct slot *slot);

bool recovery_is_held(const struct gateway *gateway, const struct recovery *recovery);
struct ladder_world recovery_world(const struct gateway *gateway, const struct slot *slot,
                                   const struct recovery *recovery);
/* What a decision needs to know is known; else it is asked for. */
bool recovery_look(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                   struct action_list *actions);

/* Begins; the result comes by recovery_at_done(), now or later. */
void recovery_at_begin(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                       const struct ladder_order *order, struct action_list *actions);
void recovery_at_time(struct gateway *gateway, struct recovery *recovery, struct action_list *actions);
void recovery_at_done(struct gateway *gateway, struct recovery *recovery, int result);

void recovery_hand_step(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                        struct action_list *actions);

usec_t recovery_hand_deadline(const struct gateway *gateway, const struct recovery *recovery);

void recovery_tell_order(struct gateway *gateway, struct recovery *recovery, const struct ladder_order *order,
                         struct action_list *actions);
/* The notice that is to leave through the modem before it is reset; `cause` one word. */
void recovery_announce(struct gateway *gateway, const struct recovery *recovery, const char *cause,
                       const char *text, struct action_list *actions);
void recovery_tell_end(const struct recovery *recovery, struct action_list *actions);

#endif
