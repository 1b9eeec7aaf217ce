/*
 * The book of what is wrong now, and when who is to be told of it. Pure: conditions in, messages out.
 *
 * The gateway sweeps: alert_book_begin(); alert_book_raise() for each condition that is there;
 * alert_book_end(): what was not raised is over. alert_book_tell() emits what is due.
 *
 * Rules (each kind's numbers are one table in alert_book.c, shown in docs/alerts.md):
 * - A condition is told after its kind's `delay` (a crash: after the outcome, or 10 s), or at once when its
 *   severity rises (a hold that its end has ended: after the outcome, or 10 s). An info alone is recorded,
 *   never told.
 * - It is repeated as its kind says (a hold: hourly; a failed restart: after 10 min, 1 h, then daily).
 * - Its end is told once its condition has stayed away for `quiet`. What comes back before that is the same
 *   alert with a higher count; a kind that was told, ended and came again within `again` ends the next time
 *   only after a longer quiet (flapping): one alert with a count, and one resolve.
 * - What was never told needs no resolve - except where the table says that a trouble that healed is told
 *   (smsd-down: one message after the outcome, then its resolve).
 * - Momentary alerts (a message given up, a test) are told once and forgotten when they are in the spool.
 * - What could not be spooled (a full disk) is tried again, also when it is over meanwhile; the book is saved
 *   whenever it changes, so that a killed controller resolves and repeats what its predecessor began. It is
 *   saved only while no message is on its way, and before the next one is: what it says of a message is true.
 */
#ifndef CORE_ALERT_BOOK_H
#define CORE_ALERT_BOOK_H

#include "core/alert_sms.h"

#include <stdbool.h>

#define ALERTS_MAX       128
#define ALERTS_RECENT    16
#define ALERTS_IN_FLIGHT 16                 /* messages on their way into the spool */
#define ALERTS_GRACE     (2 * USEC_PER_MIN) /* what was restored waits so long for its condition */

struct action_list;

struct alert_entry {
        struct alert alert; /* as it is now; kind, key: the entry's name */
        bool used;
        bool active;   /* the condition is there (since the last sweep) */
        bool raised;   /* by the sweep under way */
        bool decided;  /* its outcome is known: no need to wait for `delay` */
        bool told;     /* it is in the spool with its present severity: its resolve is due one day */
        bool update;   /* the outcome is news: told again at once */
        bool owed;     /* a message was begun: it is told even when its reason has gone meanwhile */
        bool flapping; /* its quiet is the long one */
        bool closed;   /* it ends without any quiet */
        bool spooling; /* a message is on its way into the spool */
        bool restored; /* from the book of an earlier life: not raised in this one yet */
        enum severity told_severity, spooling_severity;
        usec_t news_at;    /* it was raised, or its severity rose: `delay` counts from here */
        usec_t cleared_at; /* the condition went away; 0: it is there */
        usec_t tell_at;    /* told: the next repeat, USEC_INFINITY none */
        usec_t retry_at;   /* nothing is spooled before: the last message could not be */
        unsigned failures; /* to spool it */
        unsigned repeats;
        unsigned generation; /* of the spooling message */
};

/* An alert that was told and has ended. */
struct alert_ended {
        char key[ALERT_KEY_MAX];
        usec_t at;
};

struct alert_book {
        struct alert_entry entries[ALERTS_MAX];
        struct alert_entry scratch; /* what is raised while the book is full lands here */
        struct alert_ended recent[ALERTS_RECENT];
        unsigned next_recent;
        unsigned n;         /* places in use or free below that */
        unsigned in_flight; /* messages on their way into the spool */
        unsigned generation;
        bool dirty;                /* to be saved */
        bool saving;               /* ACTION_ALERTS_SAVE is out */
        usec_t save_at;            /* not before: the last time failed */
        usec_t forget_restored_at; /* until then what was restored waits for its condition to show again; 0:
                                      from the first sweep on it is known */
        unsigned lost;             /* raised while the book was full */
        struct alert_sms sms;      /* kept with it: who changes it sets `dirty` */
};

/* Told once, and forgotten when it is in the spool: it has no end. */
bool alert_kind_is_momentary(enum alert_kind kind);

/* The severity that it has until somebody says otherwise. */
enum severity alert_kind_severity(enum alert_kind kind);

/* In memory that is zero: what is not used stays untouched. */
void alert_book_init(struct alert_book *book);

/* What an earlier life had told or was about to tell. `told`: its message was in the spool. */
void alert_book_restore(struct alert_book *book, const struct alert *alert, bool told, usec_t now);

void alert_book_begin(struct alert_book *book);

/*
 * The condition is there. Returns its alert, so that severity (the kind's own until then) and texts can be
 * brought up to date; kind, key, modem (from `subject`: "" none, else the modem's name) and count are the
 * book's; since as well, but who knows better may set it (the delay counts from the raise all the same).
 * `decided` is set by the caller through alert_book_decide(). Never NULL (a scratch when the book is full).
 */
struct alert *alert_book_raise(struct alert_book *book, enum alert_kind kind, const char *subject,
                               usec_t now);

/* The outcome is known (verified, failed): what waits for it is told now; what was told without it is told
 * once more, with it. Only the first outcome of an alert is news. */
void alert_book_decide(struct alert_book *book, enum alert_kind kind, const char *subject);

/* The open alert of that name, so that its texts can tell its outcome; NULL: none is open, or its end is on
 * its way already. */
struct alert *alert_book_find(struct alert_book *book, enum alert_kind kind, const char *subject);

/* The condition of the open alert of this key is there. */
bool alert_book_is_active(struct alert_book *book, const char *key);

/* It cannot be judged now: when it was told, it stays as it is. `subject` NULL: all of this kind. */
void alert_book_keep(struct alert_book *book, enum alert_kind kind, const char *subject);

/* It is no trouble of its own (any more): another alert tells of it. What was not told is forgotten, what was
 * ends without a quiet. Not in a sweep that raised it. */
void alert_book_close(struct alert_book *book, enum alert_kind kind, const char *subject, usec_t now);

/* A momentary alert with its own key "KIND/SUBJECT"; the same again while it waits is -EALREADY, a full book
 * -ENOBUFS. */
int alert_book_post(struct alert_book *book, enum alert_kind kind, const char *subject, usec_t now,
                    struct alert **ret_alert);

void alert_book_end(struct alert_book *book, usec_t now);

/* Emits ACTION_ALERT_SPOOL for what is due and ACTION_ALERTS_SAVE when the book changed. */
void alert_book_tell(struct alert_book *book, usec_t now, struct action_list *actions);

/* The alert that this answer to ACTION_ALERT_SPOOL is about, as it was told; NULL: it is no answer of ours.
 */
const struct alert *alert_book_spooling(struct alert_book *book, const char *key, unsigned generation);

/* The answer to ACTION_ALERT_SPOOL. */
void alert_book_spooled(struct alert_book *book, const char *key, unsigned generation, int result,
                        usec_t now);

/* The answer to ACTION_ALERTS_SAVE. */
void alert_book_saved(struct alert_book *book, int result, usec_t now);

/* When alert_book_tell() (or a sweep) has something to do, USEC_INFINITY: only with a new condition. */
usec_t alert_book_deadline(const struct alert_book *book);

#endif
