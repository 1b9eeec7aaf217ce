/*
 * Which process has which device file open, from /proc.
 */
#ifndef EC25_PROC_FDS_H
#define EC25_PROC_FDS_H

#include <stdbool.h>

struct proc_fd {
        int pid, fd;
        const char *target; /* "/dev/ttyUSB2" */
        bool deleted;       /* the name was gone; " (deleted)" is cut off the target */
};

/* Calls `found` for every open file below /dev of every process but ours. -errno when /proc cannot be read.
 */
int proc_fds(void (*found)(const struct proc_fd *fd, void *userdata), void *userdata);

#endif
