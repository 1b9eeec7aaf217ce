/*
 * What the kernel has said since the last look that matters for the modems' feeding: out of /dev/kmsg where
 * we may open it, else out of the journal, where journald puts the same lines. Neither is watched: a firewall
 * that logs each packet would wake us for each, and the journal for every line of everybody's. Whoever wants
 * to know looks now and then.
 */
#ifndef ADAPTERS_KERNEL_LOG_H
#define ADAPTERS_KERNEL_LOG_H

#include "core/kernel_log.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct kernel_log;

/* NULL is the machine's own. */
struct kernel_log_options {
        const char *kmsg;    /* /dev/kmsg */
        const char *journal; /* a folder of journal files; the machine's are below /run/log and /var/log */
};

/*
 * What a look has brought; nobody frees `lines`. result: 0, or why nothing could be read, then `lines` are
 * none: -ENOENT no journal is kept, -ETIMEDOUT it took too long, -EIO the disk failed, or another errno. The
 * next look may work.
 */
typedef void kernel_log_fn(void *userdata, int result, const struct kernel_lines *lines);

/* What stands there already is passed over. 0 or -ENOMEM; whether there is anything to read says a look.
 * SIGCHLD must be blocked, and whoever reaps all children must leave ours. */
int kernel_log_new(struct kernel_log **ret_log, sd_event *event, const struct kernel_log_options *options,
                   kernel_log_fn *told, void *userdata);

/*
 * Looks once; `told` is called once, within the call or soon after, from the event loop. While a look is
 * under way another one is none. It is bounded, and of a flood the rest is passed over: the next look's is
 * as good.
 */
void kernel_log_look(struct kernel_log *log);

/* Whether the child is the one that reads. */
bool kernel_log_owns(const struct kernel_log *log, pid_t pid);

/* NULL is fine; returns NULL. */
struct kernel_log *kernel_log_free(struct kernel_log *log);

#endif
