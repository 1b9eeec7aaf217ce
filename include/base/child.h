/*
 * What every adapter needs that starts a program: no signals of ours in the child, whether the exec worked,
 * and a child that leaves no zombie. What else the child sets up before its exec is the adapter's own.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <sys/types.h>

/*
 * Waits for the child's exec on the reading end of a pipe whose other end is close-on-exec in the child: it
 * closes by itself when the exec succeeds, and brings a negative errno (an int) when it does not. 0, that
 * errno, or -EIO for anything else.
 */
int child_wait_for_exec(int fd);

/* In the child: what is blocked and ignored is inherited, and none of the program's business. */
void child_reset_signals(void);

/* In the child: the environment without what systemd has said to us alone. */
void child_reset_environment(void);

/* In the child: whatever we have open but stdin, stdout and stderr. */
void child_close_descriptors(void);

/* Waits for the end of a child that is ending, so that it leaves no zombie. */
void child_reap(pid_t pid);

#endif
