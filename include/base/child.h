/*
 * What every adapter needs that starts a program: no signals of ours in the child, whether the exec worked,
 * and a child that leaves no zombie. What else the child sets up before its exec is the adapter's own.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <sys/types.h>

/* In the child: prepares all and executes the program. Returns only with why that failed, a negative errno.
 * `error` is the descriptor that tells it; who moves it must say so, and keep it close-on-exec. */
typedef int child_run_fn(const void *what, int *error);

/*
 * Starts `run(what)` in a child and waits for its exec. 0; or a negative errno, `run`'s own as well: then
 * there is no child.
 */
int child_start(child_run_fn *run, const void *what, pid_t *ret_pid);

/* In the child: what is blocked and ignored is inherited, and none of the program's business. */
void child_reset_signals(void);

/* In the child: the environment without what systemd has said to us alone. */
void child_reset_environment(void);

/* In the child: closes whatever we have open from this descriptor on. */
void child_close_from(int first);

/* Waits for the end of a child that is ending, so that it leaves no zombie. */
void child_reap(pid_t pid);

#endif
