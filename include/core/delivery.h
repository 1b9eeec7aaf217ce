/*
 * Delivery of alerts: what became of them at each receiver, as smswarden-notify keeps it (a file per receiver
 * in its own folder) and the controller reads it; and the decisions of a delivery - what an answer means,
 * when the next attempt is due, whether a receiver wants an alert at all. Pure.
 */
#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

#include "core/alert.h"
#include "core/config.h"

/* One receiver's state. Times are microseconds since the epoch (wall clock, for people), 0 none. */
struct delivery_receiver {
        char name[32];
        char spool[40];     /* position counts in this spool; another one: from its begin */
        uint64_t position;  /* every alert up to here is delivered, parked, or not for this receiver */
        uint64_t damaged;   /* files up to here that are no messages were told of in the log */
        uint64_t delivered; /* alerts, in all */
        uint64_t parked;    /* alerts that it refused for good, in all */
        int64_t last_delivered;
        int64_t failing_since; /* the attempts fail since, 0 they do not */
        unsigned attempts;     /* failed ones of the alert at hand */
        char problem[192];    /* why the last attempt failed or the last alert was parked, escaped; "" none */
        uint64_t parked_last; /* sequence of the alert that was parked last, 0 none */
        char test[ALERT_ID_MAX]; /* id of the last test alert that was delivered or parked */
        bool test_delivered;
};

struct delivery {
        unsigned n;
        struct delivery_receiver receivers[CONFIG_RECEIVERS_MAX];
        uint64_t waiting; /* alerts in the spool that some receiver has not been given yet */
};

/* The heartbeat's state has the form of a receiver's, under this name: `position` is the number of the last
 * one that arrived, `problem` why the next one has not. No receiver may be called so. */
#define DELIVERY_HEARTBEAT "heartbeat"

/* Always enough for delivery_encode(). */
#define DELIVERY_TEXT_MAX 1024

enum delivery_verdict { DELIVERY_DONE, DELIVERY_RETRY, DELIVERY_PARK };

/* The receiver of that name, NULL none. */
const struct delivery_receiver *delivery_find(const struct delivery *delivery, const char *name);

/* True when the receiver is to be given this alert: its min_severity and match; an alert that is for one
 * receiver only (a test) is for that one, whatever these say, and for no other. */
bool delivery_wants(const struct receiver_config *receiver, const struct alert *alert);

/* What an HTTP status means: 2xx done; 408, 425, 429, 5xx and what is no final answer (1xx, 0): retry; other
 * 4xx, and 3xx, which is never followed: park. */
enum delivery_verdict delivery_judge_http(unsigned status);

/* When to try again after `attempts` failures (>= 1): 1 s, doubling, at most 5 min, with jitter: `random` is
 * any number, the result lies in 75..125 %. `retry_after`: what the receiver asked for, 0 nothing; obeyed up
 * to an hour: never earlier than that, later when the other is longer. */
usec_t delivery_retry_delay(unsigned attempts, usec_t retry_after, uint32_t random);

/* One receiver's state as text (`key=value` lines) and back. Encode: length, or -ENAMETOOLONG; decode: 0 or
 * -EBADMSG, with the output untouched. Keys that are not known are passed over. */
int delivery_encode(const struct delivery_receiver *receiver, char *target, size_t size);
int delivery_decode(const char *text, size_t length, struct delivery_receiver *ret_receiver);

#endif
