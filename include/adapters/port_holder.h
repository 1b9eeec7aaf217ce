/*
 * Who has a serial port open: for never probing a port that is in use, and for naming its user to a person.
 * One pass over /proc when asked; nothing is kept. Seeing other users' processes needs root (CAP_SYS_PTRACE).
 */
#ifndef ADAPTERS_PORT_HOLDER_H
#define ADAPTERS_PORT_HOLDER_H

#include "core/process.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Looks for a process other than this one that has the character device `path` (or what it links to) open,
 * under whatever name it opened it. Returns 0 and the first such process, 1 when there is none to be seen,
 * -ENOTTY when path is no character device, or another negative errno. ret_holder is filled on 0 only; its
 * command and unit are fit to be shown.
 */
int port_holder_find(const char *path, struct port_holder *ret_holder);

/*
 * The same, passing over every process that `is_known` knows, or that descends from one: smsd, and the
 * scripts it runs, which inherit its port.
 */
int port_holder_find_stranger(const char *path, bool (*is_known)(void *userdata, pid_t pid), void *userdata,
                              struct port_holder *ret_holder);

#endif
