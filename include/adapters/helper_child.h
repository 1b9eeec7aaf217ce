/*
 * A program of ours as a child of ours, where no systemd starts it: one at a time, without a shell, without
 * what makes us root. It ends with us, whatever way we end.
 */
#ifndef ADAPTERS_HELPER_CHILD_H
#define ADAPTERS_HELPER_CHILD_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct helper_child;

struct helper_child_options {
        const char *const *arguments; /* ended by NULL; the first is the program, an absolute path */
        const char *account;          /* whose rights it is to have, with its groups; NULL: ours */
};

/*
 * Starts it; `ended` is told once of its end, from the event loop, and may free it: exit code, or -signal.
 * SIGCHLD must be blocked, and whoever reaps all children must leave this one. 0; -ESRCH: there is no such
 * account; -ENOMEM; or why it could not be executed.
 */
int helper_child_new(struct helper_child **ret, sd_event *event, const struct helper_child_options *options,
                     void (*ended)(void *userdata, int status), void *userdata);

/* Ends it with TERM when it still runs. NULL is fine; returns NULL. */
struct helper_child *helper_child_free(struct helper_child *child);

pid_t helper_child_pid(const struct helper_child *child); /* 0: it has ended */
void helper_child_signal(const struct helper_child *child, int signal);

static inline void helper_child_cleanup(struct helper_child **child)
{
        *child = helper_child_free(*child);
}

#endif
