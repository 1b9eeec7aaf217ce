/*
 * When a message that smsd gave up is sent again by itself (`[queue] retry_failed`): after 2 minutes, then
 * 10, then every hour, as often as the configuration says. Decides only; who moves files asks here before.
 *
 * Never by itself: what smsd refused before any modem saw it, and what the network refused for good (the
 * number does not exist, the subscription forbids it): each attempt would fail alike. What nobody answered
 * ("Unknown") is sent again: the network may have taken it, so it may come twice, and that is why
 * retry_failed is 0 unless a person wants it.
 */
#ifndef CORE_QUEUE_RETRY_H
#define CORE_QUEUE_RETRY_H

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most so often is one message sent again by a person's `queue requeue`; --force goes past it. */
#define QUEUE_REQUEUES_MAX 3

/* Behind so many that wait for smsd no retry is put: what is new goes first. */
#define QUEUE_RETRY_WAITING_MAX 5

/* So long they have to go out, before more are put behind them. */
#define QUEUE_RETRY_PACE (30 * USEC_PER_SEC)

enum retry_judgement {
        RETRY_OFF,   /* not asked for */
        RETRY_FINAL, /* it would fail again, whatever is done here */
        RETRY_SPENT, /* it had its attempts */
        RETRY_LATER, /* not yet */
        RETRY_NOW,
};

struct retry_message {
        const char *fail_reason; /* as smsd wrote it, "" unknown */
        unsigned requeued;       /* core/message_file.h */
        usec_t age;              /* since it failed: the longer one of what the wall clock says (0 for the
                                    future) and of how long we have seen it lie there, so that no jump of
                                    that clock keeps it for ever */
};

/* ret_wait: for RETRY_LATER how long, else USEC_INFINITY (0 for RETRY_NOW); may be NULL. */
enum retry_judgement queue_retry_judge(unsigned limit, const struct retry_message *message, usec_t *ret_wait);

/*
 * How many messages may be put into outgoing now: none while nothing can be sent (they would only grow old
 * there, and be counted), none before those that wait. Counts below 0 are unknown: none.
 */
unsigned queue_retry_room(bool can_send, int64_t outgoing, int64_t checked);

/* Which of them go now, and when to look again. */
struct retry_plan {
        unsigned n;
        size_t chosen[QUEUE_RETRY_WAITING_MAX]; /* indices, the one that is due for the longest time first */
        usec_t wait;                            /* until the next is due; USEC_INFINITY: none will be */
};

/*
 * Plans the retries of all messages of the failed folder, at most `room` of them (queue_retry_room). Where
 * more are due than there is room, the next look is in QUEUE_RETRY_PACE.
 */
void queue_retry_plan(unsigned limit, const struct retry_message *messages, size_t n, unsigned room,
                      struct retry_plan *ret_plan);

/* Whether a message that failed so fails for good. */
bool queue_retry_is_final(const char *fail_reason);

/*
 * Whether smsd gave it up before it went out, because it was told to end: then it says "Unknown", as it does
 * when the modem does not answer to the PDU, but has made no PDU of it (measured with 3.1.21: it waits for
 * the network first, and keeps each PDU in the failed file unless store_sent_pdu = 0).
 */
bool queue_retry_is_unsent(const char *fail_reason, bool pdu);

/* The code in "+CMS ERROR: 38 (Network out of order)", -1 when there is none. */
int queue_retry_cms_error(const char *fail_reason);

#endif
