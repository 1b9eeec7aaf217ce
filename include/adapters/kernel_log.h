/*
 * The kernel's log as /dev/kmsg gives it: what was written since the last look, in records. It is not
 * watched: a firewall that logs each packet would wake us for each, so whoever wants to know looks now and
 * then.
 */
#ifndef ADAPTERS_KERNEL_LOG_H
#define ADAPTERS_KERNEL_LOG_H

#include <stddef.h>

struct kernel_log;

/* Opens `path` (NULL: /dev/kmsg); what stands there already is passed over. 0, or what the system says:
 * -EPERM without CAP_SYSLOG where kernel.dmesg_restrict is set, -ENOENT in a container. */
int kernel_log_open(struct kernel_log **ret_log, const char *path);

/*
 * Hands over every record since the last look, a bounded number of them: what is behind those is passed over,
 * for in a flood the next minute's is as good. Returns 0, or a negative errno; then it is to be freed.
 */
int kernel_log_read(struct kernel_log *log, void (*record)(void *userdata, const char *text, size_t length),
                    void *userdata);

/* NULL is fine; returns NULL. */
struct kernel_log *kernel_log_free(struct kernel_log *log);

#endif
