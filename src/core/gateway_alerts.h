/*
 * What the gateway remembers for its alerts; a part of struct gateway, for the gateway_alerts*.c files only.
 * The rest of the gateway knows gateway_alerts_event(), gateway_alerts_step() and the deadline.
 */
#ifndef CORE_GATEWAY_ALERTS_H
#define CORE_GATEWAY_ALERTS_H

#include "base/cleanup.h"
#include "core/alert_book.h"
#include "core/delivery.h"
#include "core/event.h"
#include "core/hold_record.h"
#include "core/restart.h"

#define TIMEOUT_MINUTES  10
#define GATEWAY_HOST_MAX 64

/* smsd went down without anybody's wish, until it is verified again. */
struct gateway_outage {
        bool open;
        bool failed; /* a start did not help */
        enum restart_cause cause;
        usec_t since;
        char summary[ALERT_TEXT_MAX];
        char evidence[ALERT_TEXT_MAX];
};

/* A hold has ended, until smsd is verified. */
struct gateway_hold_over {
        bool open;
        bool expired; /* by its end: somebody forgot it */
        struct hold_record record;
        usec_t at;
};

/* How often a modem let smsd wait, by minute. */
struct gateway_timeouts {
        char modem[SMSD_MODEM_NAME_MAX];
        unsigned counts[TIMEOUT_MINUTES];
        uint64_t minute; /* of the last count */
        unsigned last;   /* smsd counts on until the modem answers */
};

struct gateway_alerts {
        struct alert_book book;
        struct gateway_outage outage;
        struct gateway_hold_over over;
        bool was_held;
        bool loop; /* smsd is started, and ends again, and again */
        usec_t begun_at;
        usec_t down_since; /* smsd does not run, and could, since; 0 it does or could not */
        struct gateway_timeouts timeouts[SMSD_MODEMS_MAX];
        unsigned n_timeouts;
        int64_t outgoing, checked, failed, incoming, quarantine; /* files in them, -1 unknown */
        usec_t oldest_incoming;
        usec_t oldest_waiting; /* file in outgoing and checked; 0 none, or before this boot */
        bool failed_waits;     /* there was no place for the alert of this message */
        struct message_failed_event failed_message;
        char config_problem[ALERT_TEXT_MAX]; /* of smswarden's own configuration, "" none */
        struct delivery delivery;
        bool deliver; /* something new lies in the spool */
        usec_t deliver_at;
        usec_t heartbeat_at; /* USEC_INFINITY: none is wanted */
        char host[GATEWAY_HOST_MAX];
};

/* What the slots' own alerts say of smsd: who is down for a reason of its own is no smsd-down. */
struct gateway_slots_seen {
        unsigned good;       /* smsd could serve it, and nothing is known against its modem */
        unsigned troubled;   /* it has an alert of its own */
        unsigned unverified; /* smsd serves it, and was not answered yet */
};

struct gateway;

/* gateway_alerts.c: a text of an alert (ALERT_TEXT_MAX bytes): clean, cut at a whole character. */
void gateway_alerts_say(char *target, const char *format, ...) _printf_(2, 3);
/* What a person does about it; in observe mode it says that nothing is done by itself. */
void gateway_alerts_advise(const struct gateway *gateway, struct alert *alert, const char *action);

/* gateway_alerts_message.c */
void gateway_alerts_failed(struct gateway *gateway, const struct message_failed_event *failed);

/* gateway_alerts_modem.c */
struct gateway_slots_seen gateway_alerts_slots(struct gateway *gateway);
void gateway_alerts_incoming(struct gateway *gateway);
void gateway_alerts_timeout(struct gateway *gateway, const char *modem, int timeouts);

/* gateway_alerts_health.c */
struct slot;
/* Raises what the verdict says. `other`: what smsd's own signs say, ALERT_KIND_MAX nothing. True when the
 * verdict's takes its place. */
bool gateway_alerts_verdict(struct gateway *gateway, const struct slot *slot, enum alert_kind other);
/* Adds to such an alert what the verdict knows of it. */
void gateway_alerts_explain(const struct gateway *gateway, const struct slot *slot, struct alert *alert);
void gateway_alerts_storage(struct gateway *gateway, const struct slot *slot);

/* gateway_alerts_smsd.c */
void gateway_alerts_note(struct gateway *gateway, const struct action_list *actions);
void gateway_alerts_restored(struct gateway *gateway, const struct alert *alert);
void gateway_alerts_hold(struct gateway *gateway, struct gateway_slots_seen seen);
void gateway_alerts_smsd(struct gateway *gateway, struct gateway_slots_seen seen);
void gateway_alerts_conf(struct gateway *gateway);

/* gateway_alerts_sms.c */
void gateway_sms_restored(struct gateway *gateway, const struct alert_sms *found);
void gateway_sms_spooled(struct gateway *gateway, const struct alert *alert, uint64_t sequence);
void gateway_sms_answered(struct gateway *gateway, uint64_t sequence, int result);
void gateway_sms_send(struct gateway *gateway, struct action_list *actions);
usec_t gateway_sms_deadline(const struct gateway *gateway);

#endif
