/*
 * The pty that plays one USB serial port while it is plugged in. Raw from the start; nobody of ours keeps it
 * open, so that it is known whether a host program has (bytes for an unopened USB port are lost).
 */
#ifndef EC25_PTY_H
#define EC25_PTY_H

#include <stdbool.h>
#include <stddef.h>

struct pty {
        int master; /* -1: hung up */
        int keeper; /* after the hang-up: keeps the number /dev/pts/N from being given away; -1 otherwise */
        unsigned index;
};

#define PTY_NONE                                                                                             \
        {                                                                                                    \
                .master = -1, .keeper = -1                                                                   \
        }

/* 0 or a negative errno. The master does not block. */
int pty_open(struct pty *ret_pty);
/* Has a host program the other end open? */
bool pty_is_open(const struct pty *pty);
/* The device is gone: holders read EOF and write EIO. What they hold is called "/dev/pts/N (deleted)" from
 * now on. */
void pty_hang_up(struct pty *pty);
/* The last host program has closed it: unread bytes and TIOCEXCL end with it, as on a real tty. */
void pty_forget_session(const struct pty *pty);
/* Forgets everything. */
void pty_close(struct pty *pty);

/* A process other than ours that has a pty open. */
struct pty_holder {
        int pid;
        int fd;
        unsigned index;
        bool deleted;
};

/* Calls `found` for every holder of any pty. -errno when /proc cannot be read. */
int pty_holders(void (*found)(const struct pty_holder *holder, void *userdata), void *userdata);

#endif
