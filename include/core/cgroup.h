/*
 * The systemd unit that a process belongs to, out of the text of /proc/PID/cgroup.
 */
#ifndef CORE_CGROUP_H
#define CORE_CGROUP_H

#include <stddef.h>

/*
 * The deepest service or scope of the process's cgroup path (unified hierarchy, or systemd's own where
 * cgroups are of version 1). Printable ASCII; "" when there is none, and when the name does not fit: a cut
 * unit name would name another unit.
 */
void cgroup_unit(const char *text, char *ret_unit, size_t size);

#endif
