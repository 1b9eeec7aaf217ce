/*
 * smswarden-notify in a folder of its own, with a spool that the test fills.
 */
#ifndef TESTS_ALERTS_NOTIFIER_H
#define TESTS_ALERTS_NOTIFIER_H

#include "base/cleanup.h"
#include "core/delivery.h"

#include <sys/types.h>

#define NOTIFIER_LIMIT (20 * USEC_PER_SEC) /* for what should take moments */

struct notifier {
        char folder[128], config[160], spool[160], state[160], log[160], program[512];
        pid_t pid; /* 0: it does not run */
};

/* All fail the test when something fails. `done` kills it when it still runs. */
void notifier_init(struct notifier *notifier);
void notifier_done(struct notifier *notifier);

/* Adds lines to the configuration. */
void notifier_configure(const struct notifier *notifier, const char *format, ...) _printf_(2, 3);

/* Puts a message into the spool, as the controller does. */
void notifier_put(const struct notifier *notifier, const struct alert_message *message);

/* Number `sequence`, of kind smsd-down. */
void notifier_put_number(const struct notifier *notifier, uint64_t sequence);

void notifier_put_heartbeat(const struct notifier *notifier, uint64_t number);

/* In a child: becomes it, its words in the log. Does not return. */
void notifier_exec(const struct notifier *notifier) __attribute__((noreturn));

/* Starts it. */
void notifier_start(struct notifier *notifier);

/* Waits for its end: the exit code, or -signal. */
int notifier_end(struct notifier *notifier);

/* Both. */
int notifier_run(struct notifier *notifier);

/* Both, and fails the test with its log unless that went well. */
void notifier_run_well(struct notifier *notifier);

/* The message into the spool, and from there to everybody. */
void notifier_deliver(struct notifier *notifier, const struct alert_message *message);

/* What it has on the disk of a receiver; zero: nothing. */
struct delivery_receiver notifier_state(const struct notifier *notifier, const char *name);

/* The alert at hand could not be delivered so far. */
bool notifier_has_failed(const struct delivery_receiver *state);

/* Waits until `right` says so of the receiver's state. */
void notifier_wait_state(const struct notifier *notifier, const char *name,
                         bool (*right)(const struct delivery_receiver *state));

/* What it has logged so far; the caller frees. */
char *notifier_log(const struct notifier *notifier);

/* Writes a file in its folder and returns the path. */
const char *notifier_file(const struct notifier *notifier, const char *name, const char *text, mode_t mode,
                          char path[256]);

#endif
