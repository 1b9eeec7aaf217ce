/*
 * The real smswarden-notify on a spool that the test fills.
 */
#ifndef TESTS_ALERTS_DELIVERY_H
#define TESTS_ALERTS_DELIVERY_H

#include "core/alert.h"

/* A folder with spool/, state/ and what else a test puts there. */
struct delivery_fixture {
        char folder[64];
        char spool[96], state[96], config[96], log[96];
};

void delivery_set_up(struct delivery_fixture *f);
void delivery_tear_down(struct delivery_fixture *f);

/* The configuration, printf-like: the sections of receivers. */
void delivery_configure(struct delivery_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts the message into the spool, as the controller does. */
void delivery_spool(struct delivery_fixture *f, const struct alert_message *message);

/* Runs smswarden-notify until it has delivered all there is. */
void delivery_run(struct delivery_fixture *f);

/* The same for one message. */
void delivery_deliver(struct delivery_fixture *f, const struct alert_message *message);

#endif
