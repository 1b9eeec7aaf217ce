/*
 * The recovery ladder of one modem: from asking again to a power cut, one step at a time, the weakest first,
 * each with the time that a modem needs to show that it helped. What is done for which failure is one table
 * (src/core/ladder_course.c); the rules that no table can break are here:
 *
 *   - a step is taken once in an episode; the episode ends after a settle time of health, not at its first
 *     sign. A modem that flaps every 20 s climbs the ladder once and is not reset every 20 s;
 *   - resets have a budget per hour and per day, and so have the stops of smsd, which the other modems feel;
 *   - a modem that carries the default route has a smaller budget, and is reset only after a notice has had
 *     30 s to leave through it;
 *   - a modem that is not fed well (-71, -110) is not reset, whatever else it looks like meanwhile;
 *   - smsd lets go of the port first, and is not started before the modem is back;
 *   - nothing begins during a hold; what has begun is brought to its end, for a modem must not stay off;
 *   - what a reset of our own does to the bus and to the modem's answers is no new failure.
 *
 * The caller tells what it sees (ladder_fail, ladder_well, ladder_absent, ladder_present, ladder_done), then
 * asks ladder_next until it answers ORDER_NONE, and again at ladder_deadline. When a step's time is over,
 * what was told last decides: in LADDER_WATCHING the caller looks at the modem often enough. Time is
 * CLOCK_BOOTTIME.
 */
#ifndef CORE_LADDER_H
#define CORE_LADDER_H

#include "base/usec.h"
#include "core/failure.h"

#include <stdbool.h>
#include <stddef.h>

#define LADDER_SETTLE       (10 * USEC_PER_MIN) /* health that ends an episode */
#define LADDER_NOTICE       (30 * USEC_PER_SEC) /* between the notice and the reset */
#define LADDER_NOTICE_STALE (15 * USEC_PER_MIN) /* a notice so old is given again */
#define LADDER_BOOT         (60 * USEC_PER_SEC) /* from the bus to the first useful answer */
#define LADDER_QUIET        (10 * USEC_PER_MIN) /* neither CFUN nor reset so long after a brown-out */
#define LADDER_ROUTE_MEMORY USEC_PER_HOUR /* the smaller budget holds so long after the route was seen */
#define LADDER_RETRY_FIRST  USEC_PER_HOUR /* after giving up; later: */
#define LADDER_RETRY        USEC_PER_DAY
#define LADDER_BUDGET_MAX   32 /* no budget is larger */

/* From the weakest to the strongest. */
enum ladder_step {
        LADDER_STEP_NONE,
        LADDER_STEP_AT,    /* ask again: 3 times 500 ms */
        LADDER_STEP_SMSD,  /* smsd is stopped, and started again by the one path */
        LADDER_STEP_CFUN,  /* the radio and the SIM off and on */
        LADDER_STEP_RESET, /* the modem restarts itself */
        LADDER_STEP_USB,   /* `authorized` off and on */
        LADDER_STEP_POWER, /* its port's power, or the user's command, off and on */
        LADDER_STEP_MAX
};

#define LADDER_STEP_BIT(step) (1u << (step))

enum ladder_state {
        LADDER_IDLE,      /* nothing is wrong */
        LADDER_PATIENT,   /* it may come back by itself */
        LADDER_HELD,      /* a hold lasts */
        LADDER_SPENT,     /* the budget is spent */
        LADDER_QUEUED,    /* another modem is sending: smsd is not stopped now */
        LADDER_ANNOUNCED, /* the default route is on it: the notice is leaving */
        LADDER_STOPPING,  /* smsd is to let go of the port */
        LADDER_ACTING,    /* a step is being carried out */
        LADDER_WATCHING,  /* it was; the modem has its time */
        LADDER_SETTLING,  /* it is well, and not trusted yet */
        LADDER_GAVE_UP,   /* software cannot help; tried again slowly */
        LADDER_STATE_MAX
};

enum ladder_order_kind {
        ORDER_NONE,
        ORDER_ANNOUNCE, /* tell people that the modem with the default route will be reset in LADDER_NOTICE */
        ORDER_STOP_SMSD, /* ask the one path to stop smsd; ladder_needs_smsd_stopped says until when */
        ORDER_AT,        /* send a command; done when the final result is here */
        ORDER_USB_OFF,   /* the rest: done when carried out */
        ORDER_USB_ON,
        ORDER_POWER_OFF,
        ORDER_POWER_ON,
        ORDER_GIVE_UP, /* alert loudly: ladder_describe, failure_advice */
};

struct ladder_order {
        enum ladder_order_kind kind;
        const char *at; /* AT: the command, without its end of line; a constant */
        usec_t
            timeout; /* AT: how long to wait for the final result; the others: when the ladder gives it up */
        unsigned ticket; /* not 0: ladder_done is waited for, with this */
};

enum ladder_power { LADDER_POWER_NONE, LADDER_POWER_HUB_PORT, LADDER_POWER_COMMAND };

/* What holds at the moment of a decision. Zeros: nothing special. */
struct ladder_world {
        bool held;         /* nothing automatic begins */
        bool smsd_stopped; /* no smsd process is left */
        bool port_free;    /* an AT port of the modem is there that nobody holds: AT needs no stop of smsd */
        bool others_sending; /* a stop of smsd would come amid another modem's message */
        bool default_route;  /* it is on this modem's network interface */
        enum ladder_power power;
        bool ganged;         /* HUB_PORT: other ports lose their power too, or nobody knows */
        bool ganged_allowed; /* the user has allowed that for this modem, by name */
        unsigned without;    /* steps that do not suit this modem (its profile): LADDER_STEP_BITs */
};

/* At most LADDER_BUDGET_MAX each; 0: never. */
struct ladder_budget {
        unsigned per_hour, per_day;             /* resets: RESET, USB, POWER */
        unsigned route_per_hour, route_per_day; /* the same on the modem with the default route */
        unsigned stops_per_hour, stops_per_day; /* of smsd, for this modem's sake */
};

#define LADDER_BUDGET_DEFAULT                                                                                \
        {                                                                                                    \
                .per_hour = 3, .per_day = 8, .route_per_hour = 1, .route_per_day = 3, .stops_per_hour = 6,   \
                .stops_per_day = 24                                                                          \
        }

/* The times of the last ones, newest first. */
struct ladder_ledger {
        unsigned n;
        usec_t at[LADDER_BUDGET_MAX];
};

/* What outlives the controller, in the same boot: what was spent, and how far this episode has come. Plain
 * data. */
struct ladder_memory {
        struct ladder_ledger resets, stops;
        unsigned tried, rounds;
        usec_t retry_at, acted_at;
};

struct ladder {
        struct ladder_budget budget;
        enum ladder_state state;
        usec_t until;              /* of the state */
        struct ladder_world world; /* as it was seen last */

        enum failure_kind kind; /* NONE: well, or not known to be ill */
        usec_t failing_since;   /* without a break */
        usec_t well_since;
        usec_t quiet_until; /* no reset before: it is not fed well */
        usec_t route_until; /* the default route was on it a while before */
        bool route;         /* so the smaller budget holds */

        unsigned tried;          /* steps of this round: LADDER_STEP_BITs */
        unsigned rounds;         /* how often it was given up in this episode */
        usec_t retry_at;         /* given up: when to begin anew; USEC_INFINITY never; 0: not given up */
        bool noticed;            /* the notice went out, */
        usec_t noticed_at;       /* then */
        enum ladder_step forced; /* a person asked for it and it has not begun */

        enum ladder_step step; /* ACTING, WATCHING: this one; else the last one */
        usec_t acted_at;       /* when it began */
        unsigned part;         /* ACTING: of the step */
        unsigned tries;        /* of the part */
        bool ordered;          /* the part's order is out */
        unsigned ticket;       /* of the last order */
        int result;            /* of the step: 0, or the errno of the first part that failed */
        bool effect;           /* some part of it was carried out */
        bool exclusive;        /* smsd was stopped for it */
        bool refundable;       /* the newest entry of `resets` is this step's, and may not have been used */
        bool left, returned;   /* the modem, since the step began */

        struct ladder_ledger resets, stops;
};

/* `budget` NULL: the default. Numbers beyond LADDER_BUDGET_MAX are cut to it. */
void ladder_init(struct ladder *ladder, const struct ladder_budget *budget);

/* The configuration changed; the ledgers stay. */
void ladder_set_budget(struct ladder *ladder, const struct ladder_budget *budget);

/* --- what is seen --- */

/*
 * The verdict on this modem is `kind` (not NONE, MAX), now; may be said as often as it is found. In the time
 * that a step of ours needs it is only remembered.
 */
void ladder_fail(struct ladder *ladder, enum failure_kind kind, usec_t now);

/* The verdict is: it works (it answers and is registered; never for want of better knowledge). */
void ladder_well(struct ladder *ladder, usec_t now);

/* Its ports left; they are there again. Also when they did so because of us. */
void ladder_absent(struct ladder *ladder, usec_t now);
void ladder_present(struct ladder *ladder, usec_t now);

/* The order with this ticket was carried out (>= 0) or not (negative errno; -EBUSY: somebody else has the
 * port, the step counts as not tried - who says so holds it off for a while). An old ticket is ignored. */
void ladder_done(struct ladder *ladder, unsigned ticket, int result, usec_t now);

/* --- what is to be done --- */

/* The next order. Call it after each of the above, and at the deadline, until it is ORDER_NONE. */
struct ladder_order ladder_next(struct ladder *ladder, const struct ladder_world *world, usec_t now);

/* When to call it next, if nothing happens before. */
usec_t ladder_deadline(const struct ladder *ladder);

/*
 * A person wants this step, now: past hold, patience, budget (it counts all the same) and brown-out, not past
 * the notice on the modem with the default route, nor past smsd's stop. 0; -EBUSY: a step is under way, or
 * the first minute of one that cuts the network is not over; -EINVAL: no such step; -EOPNOTSUPP: there is no
 * way to cut the power, or the step does not suit the modem; -EPERM: the hub's ports are ganged and that is
 * not allowed.
 */
int ladder_force(struct ladder *ladder, enum ladder_step step, const struct ladder_world *world, usec_t now);

/* --- a reset that is not the ladder's --- */

/* When the budget, and the quiet after a brown-out, let somebody else reset it ([provision], at the end of a
 * set-up): a time that may have passed, USEC_INFINITY never. The notice is the caller's. */
usec_t ladder_reset_allowed_at(struct ladder *ladder, const struct ladder_world *world, usec_t now);

/* It is reset by somebody else, now: counted as one of the ladder's own. */
void ladder_spend_reset(struct ladder *ladder, usec_t now);

/* --- questions --- */

/* While true no smsd is to be started. */
bool ladder_needs_smsd_stopped(const struct ladder *ladder);

/* True while the modem's leaving and its silence are our own doing. */
bool ladder_expects_absence(const struct ladder *ladder);

/* How many resets were there in the `window` up to now. */
unsigned ladder_resets_within(const struct ladder *ladder, usec_t window, usec_t now);

/*
 * What is wrong, what is being done and what comes next, for a person: "the modem does not answer:
 * AT+CFUN=1,1 was done, it has 45s to come back; next: USB off and on". "" while nothing is wrong.
 */
void ladder_describe(const struct ladder *ladder, usec_t now, char *target, size_t size);

/* --- over a restart of the controller, in the same boot --- */

void ladder_remember(const struct ladder *ladder, struct ladder_memory *ret_memory);

/* Takes over what was kept; times later than `now` are dropped. An episode goes on: what it has tried is not
 * tried again before the modem was well for the settle time, counted from now. */
void ladder_recall(struct ladder *ladder, const struct ladder_memory *memory, usec_t now);

/* --- words --- */

/* "USB off and on": half a sentence. */
const char *ladder_step_words(enum ladder_step step);
const char *ladder_step_to_string(enum ladder_step step); /* none at smsd cfun reset usb power */
int ladder_step_from_string(const char *text, enum ladder_step *ret_step); /* 0, -EINVAL; not "none" */
const char *ladder_state_to_string(enum ladder_state state);

#endif
