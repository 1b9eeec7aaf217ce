/* The pause before the next attempt: one timer. */
#ifndef NOTIFY_RETRY_H
#define NOTIFY_RETRY_H

#include "base/usec.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct retry {
        sd_event_source *timer;
        void (*elapsed)(void *userdata);
        void *userdata;
};

int retry_init(struct retry *retry, sd_event *event, void (*elapsed)(void *userdata), void *userdata);
void retry_done(struct retry *retry);

/* After this many failures (>= 1), and not before `retry_after`. */
void retry_later(struct retry *retry, unsigned attempts, usec_t retry_after);

/* In a second, when it would be later. */
void retry_hasten(struct retry *retry);

void retry_stop(struct retry *retry);
bool retry_waits(const struct retry *retry);

#endif
