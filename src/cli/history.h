/*
 * The history as the CLI has it: the controller's entries (adapters/history_file) and the SMS of smsd's log
 * as one sequence, for `history` and `explain`.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "adapters/history_file.h"
#include "core/config.h"
#include "core/smsd_conf.h"
#include "screen.h"

#include <stdbool.h>

/* --- entries: history_words.c --- */

/* What an SMS in smsd's log is called as an event. */
#define HISTORY_SMS_SENT     "sms-sent"
#define HISTORY_SMS_RECEIVED "sms-received"
#define HISTORY_SMS_REPORT   "sms-report"
#define HISTORY_SMS_FAILED   "sms-failed"
#define HISTORY_END          "working-again"

#define HISTORY_NAME_MAX 12

bool history_is_sms(const struct history_entry *entry);
bool history_is_trouble(const struct history_entry *entry);

/* "hold", "smsd", "alert", "sms": what the entry is about; an event that is not known is its own topic. */
const char *history_topic(const struct history_entry *entry);

/* --kind: topics, separated by commas, as bits. 0, or -EINVAL. What belongs to an incident has that topic
 * too. */
int history_parse_topics(const char *text, unsigned *ret_topics);
unsigned history_topic_bits(const struct history_entry *entry);
#define HISTORY_TOPICS "modem, smsd, restart, hold, flag, config, observed, incident, alert, sms"

/* "i-7k3q2m": an incident's name, short enough to be typed; "" for an entry without one. */
void history_incident_name(const struct history_entry *entry, char target[HISTORY_NAME_MAX]);
/* True when a person who types `typed` means that name: its begin is enough, and o is 0, l is 1. */
bool history_name_matches(const char *name, const char *typed);
bool history_same_incident(const struct history_entry *a, const struct history_entry *b);

/* --- smsd's log: smsd_log_tail.c --- */

#define SMSD_LOG_TAIL_MAX ((size_t)1024 * 1024)

/* The last part of smsd's log, behind that of its predecessor (.1) when that is not compressed. */
struct smsd_log_tail {
        char *text;
        size_t length, position;
        int error; /* why there is nothing: -EACCES, -ENOENT (smsd writes to syslog), ... */
};

void smsd_log_tail_read(struct smsd_log_tail *ret_tail, const struct smsd_conf *conf);
void smsd_log_tail_done(struct smsd_log_tail *tail);
/* The next line, without its end; false: none is left. */
bool smsd_log_tail_next(struct smsd_log_tail *tail, const char **ret_line, size_t *ret_length);
/* True when the line tells of an SMS. `masked`: numbers of people are. */
bool smsd_log_to_entry(const char *line, size_t length, bool masked, struct history_entry *ret_entry);

/* --- both in one: history_walk.c --- */

struct history_request {
        const char *state_dir;
        const struct smsd_conf *conf; /* NULL: no SMS */
        int64_t since, now;           /* microseconds since the epoch */
        unsigned topics;              /* 0 all */
        bool masked;
};

struct history_totals {
        unsigned seen, wanted;
        int64_t last;  /* the latest entry's time, 0 none */
        int log_error; /* why smsd's log was not read, 0 it was */
};

/*
 * Each entry in the order of time, `wanted` when the request asks for it (the others are for keeping track of
 * incidents). Entries of one source stay in the order of their writing, whatever the clock did meanwhile:
 * what stands behind a wanted entry is not older than that. Holds nothing but the log's tail. Returns 0, what
 * `each` returned instead, or a negative errno (-EACCES: the history may not be read).
 */
int history_walk(const struct history_request *request,
                 int (*each)(void *userdata, const struct history_entry *entry, bool wanted), void *userdata,
                 struct history_totals *ret_totals);

/* --- for people: history_view.c --- */

#define HISTORY_PENDING_MAX 4

/* A run of SMS that may become one line. */
struct history_run {
        unsigned n, sent, received, reports;
        int64_t end;
        struct history_entry first[HISTORY_PENDING_MAX];
};

struct history_view {
        struct screen screen;
        unsigned width; /* of the terminal; 0: none, lines are not wrapped and begin with their date */
        bool utf8;
        bool fold;             /* a long run of SMS becomes one line */
        unsigned modem_column; /* 0: a modem is named where it is not this one: */
        char only_modem[SMSD_MODEM_NAME_MAX];
        /* private */
        int day;                   /* the heading that was printed: year * 1000 + day, 0 none */
        bool open;                 /* the bracket of incident `last` */
        struct history_entry last; /* the first that was seen of the last incident; incident 0: none yet */
        struct history_run run;
};

/* To stdout, as wide as its terminal is. conf (NULL: unknown) tells how many modems there are. */
void history_view_init(struct history_view *view, const struct smsd_conf *conf);
/* Shows the entry when it is wanted. */
void history_view_entry(struct history_view *view, const struct history_entry *entry, bool wanted);
/* Shows what was kept back. */
void history_view_flush(struct history_view *view);

/* command_history.c: false: the system was booted since. */
bool history_is_of_this_boot(const struct history_entry *entry, int64_t now);

/* "2026-11-23 08:00:03", the box's time. size >= 20. */
void history_clock(char *target, size_t size, int64_t at);

/* One line of JSON; every key is there. 0 or a negative errno: history_json.c */
int history_json(FILE *file, const struct history_entry *entry);

#endif
