/*
 * Which messages of the spool may have to go by SMS one day, and what of that was done: the record of the
 * last way out (core/gateway_alerts_sms), kept in the alerts' book, so that a controller that is started anew
 * while the network is away knows what nobody has been told. Plain data, and how a message changes it.
 */
#ifndef CORE_ALERT_SMS_H
#define CORE_ALERT_SMS_H

#include "core/alert.h"

#include <stdbool.h>
#include <stdint.h>

#define ALERT_SMS_CANDIDATES 8

/* A message in the spool that may have to go by SMS. */
struct alert_sms_candidate {
        bool used;
        bool on_its_way; /* ACTION_ALERT_SMS is out; forgotten with the controller: it may go twice then */
        uint64_t sequence;
        usec_t told_at;  /* 0: in another life, nobody knows when */
        usec_t retry_at; /* forgotten with the controller */
        uint32_t sent;   /* bit set over `budgets`: who has it */
        unsigned budget; /* on_its_way: whose */
        struct alert alert;
};

/* What a receiver has had of its day. */
struct alert_sms_budget {
        char receiver[32]; /* its name, "" a free place */
        usec_t since;      /* a day is counted from here */
        unsigned spent;
};

struct alert_sms {
        struct alert_sms_candidate candidates[ALERT_SMS_CANDIDATES];
        struct alert_sms_budget budgets[CONFIG_RECEIVERS_MAX];
};

/*
 * The message lies in the spool: a firing alert becomes a candidate, in the place of the oldest when there is
 * no other - unless it was one before with the same severity; a resolved one is none any more.
 */
void alert_sms_note(struct alert_sms *sms, const struct alert *alert, uint64_t sequence, usec_t now);

/* Nothing to be remembered: so it is on most boxes at most times, and costs no memory then. */
bool alert_sms_is_empty(const struct alert_sms *sms);

/* CLOCK_BOOTTIME of another boot means nothing. Each day begins anew. */
void alert_sms_new_boot(struct alert_sms *sms);

#endif
