/*
 * An alert: something a person should be told, from its first sign to its end. Raised, updated, escalated and
 * resolved by key, so that one trouble is one alert, however often it flaps.
 *
 * This header is the words: kinds, the alert as plain data, its text. When what is told is core/alert_book.
 */
#ifndef CORE_ALERT_H
#define CORE_ALERT_H

#include "base/usec.h"
#include "core/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The names (alert_kind_to_string) are an interface: `match` in the configuration, Alertmanager's alertname,
 * JSON. */
enum alert_kind {
        ALERT_HOLD,           /* SMS is down by a person's stop; critical once its end has ended it */
        ALERT_SMSD_DOWN,      /* smsd does not run, without a hold, and its modem is there */
        ALERT_CRASH_LOOP,     /* it is restarted again and again */
        ALERT_MODEM_LOST,     /* a modem that smsd is to serve is not plugged in, or gone from the bus */
        ALERT_MODEM_UNUSABLE, /* plugged in, and cannot be used: silent, crashed, SIM, PIN, PUK */
        ALERT_MODEM_NETWORK,  /* not registered, denied, no signal */
        ALERT_MODEM_STUCK, /* smsd serves it, and nothing goes: stuck, blocked, silent; or it fails again and
                              again */
        ALERT_MODEM_CHANGED,   /* another modem or SIM than before; momentary */
        ALERT_MODEM_TIMEOUTS,  /* it answers smsd too late, again and again */
        ALERT_CONFIG_REFUSED,  /* smsd refused smsd.conf, or ours was refused: an older one is in force */
        ALERT_MESSAGE_FAILED,  /* smsd gave a message up; momentary, one for each */
        ALERT_MESSAGE_ASIDE,   /* a message crashed the modem twice and is in quarantine; momentary */
        ALERT_INCOMING_UNREAD, /* nobody takes what came in: a dead eventhandler */
        /* A new modem or SIM has not all settings of [provision]; momentary. */
        ALERT_PROVISION_FAILED,
        /* what the look at the modem finds beside smsd's own signs (core/health) */
        ALERT_MODEM_POWER,   /* USB errors in a loop, undervoltage: it is not fed well */
        ALERT_MODEM_RESET,   /* it restarted by itself */
        ALERT_MODEM_STORAGE, /* its memory for messages is full, or nearly */
        ALERT_PORT_HELD,     /* another program than smsd has smsd's port open */
        ALERT_RESET_AHEAD,   /* the modem with the default route will be reset in half a minute; momentary */
        ALERT_RECOVERY_FAILED, /* the recovery ladder has come to its end: a person must act */
        ALERT_TEST,            /* asked for by a person; momentary */
        ALERT_KIND_MAX
};

enum alert_state { ALERT_FIRING, ALERT_RESOLVED };

#define ALERT_KEY_MAX  128
#define ALERT_TEXT_MAX 384
#define ALERT_ID_MAX   64

/*
 * One alert as it is told: what lies in the spool and what the receivers are given. All text is escaped
 * (text_escape: no control characters, valid UTF-8).
 */
struct alert {
        enum alert_kind kind;
        enum alert_state state;
        enum severity severity;
        char key[ALERT_KEY_MAX]; /* what is one and the same trouble: "smsd-down", "modem-lost/GSM1" */
        char modem[SMSD_MODEM_NAME_MAX];  /* "" none in particular */
        char cause[32];                   /* one word: "crash", "sim-pin", "cli"; "" none */
        char summary[ALERT_TEXT_MAX];     /* what happened, one sentence */
        char evidence[ALERT_TEXT_MAX];    /* how that is known: the last error line, the modem's answer */
        char next_action[ALERT_TEXT_MAX]; /* what a person can do; "nothing: ..." when that is so */
        char only[32];                    /* the one receiver that it is for (a test), "" all of them */
        unsigned count;                   /* how often it came since it was told first, >= 1 */
        unsigned
            told;     /* how many messages of it went before this one: 0 the first, else a repeat or update */
        usec_t since; /* CLOCK_BOOTTIME; 0: before this boot, see since_realtime */
        usec_t until; /* of a hold: its end; 0 none */
        usec_t ended; /* RESOLVED: when; 0 otherwise */
        /* Filled in by who has a clock (the spool), microseconds since the epoch; 0 unknown. */
        int64_t since_realtime, until_realtime, ended_realtime;
};

/* An alert with what the spool adds when it is written. */
struct alert_message {
        struct alert alert;
        char id[ALERT_ID_MAX]; /* BOOTID-SPOOL-SEQUENCE: the same in every repeated delivery
                                * (Idempotency-Key), and no other alert's */
        char spool[40];        /* the spool's own id: sequences of another one mean nothing */
        uint64_t sequence;     /* > 0, rising, without the promise of no gaps */
        int64_t at;            /* when it was written: wall clock, microseconds; for people */
        char host[64];         /* escaped */
};

const char *alert_kind_to_string(enum alert_kind kind);                  /* "smsd-down" */
int alert_kind_from_string(const char *text, enum alert_kind *ret_kind); /* 0, -EINVAL */
const char *alert_state_to_string(enum alert_state state);               /* "firing", "resolved" */
int alert_state_from_string(const char *text, enum alert_state *ret_state);

/*
 * One line for a subject or a title: "CRITICAL gw1: smsd crashed (exit code 1)", "RESOLVED gw1: ...", with
 * "(3 times)" when it flapped. Bounded by size, cut at a whole character.
 */
void alert_title(const struct alert_message *message, char *target, size_t size);

/*
 * The whole text for a person, several lines: title, modem, cause, evidence, since when and for how long,
 * until when (a hold), what to do, the id. Times in ISO 8601, UTC. 4096 bytes always hold it.
 */
void alert_text(const struct alert_message *message, char *target, size_t size);

/* The shortest: for one SMS, at most 150 characters of the GSM alphabet's ASCII part (others become '?'). */
void alert_short_text(const struct alert_message *message, char *target, size_t size);

#endif
