/*
 * What the core looks at for a modem's health beside the modem itself: who else has smsd's port open, and
 * what the kernel says of USB errors and of the supply voltage.
 */
#include "daemon.h"

#include "adapters/kernel_log.h"
#include "adapters/port_holder.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

#define TOLD_MAX 16 /* lines of one look */

/* Without it brown-outs are recognised by what they do to the modem only. In a container that is how it is.
 */
void daemon_start_looks(struct daemon *daemon)
{
        int r = kernel_log_open(&daemon->kernel, NULL);

        if (r < 0)
                log_info("the kernel's log cannot be read (%s): USB errors and undervoltage stay unseen",
                         strerror(-r));
}

void daemon_stop_looks(struct daemon *daemon)
{
        daemon->kernel = kernel_log_free(daemon->kernel);
}

static bool is_smsd(void *userdata, pid_t pid)
{
        const struct daemon *daemon = userdata;

        return process_table_watches(daemon->processes, pid);
}

void daemon_look_for_holder(struct daemon *daemon, const struct action *action)
{
        struct port_holder holder = {0};
        int r = port_holder_find_stranger(action->port.path, is_smsd, daemon, &holder);
        struct event *event = daemon_enqueue(daemon, EVENT_HOLDER);

        event->holder.modem = action->port.modem;
        event->holder.result = r;
        event->holder.holder = holder;
}

struct kernel_look {
        struct daemon *daemon;
        unsigned told;
};

/* A loop says the same hundreds of times. */
static void on_record(void *userdata, const char *text, size_t length)
{
        struct kernel_look *look = userdata;
        struct kernel_line line;

        kernel_line_parse(text, length, &line);
        if (line.kind == KERNEL_OTHER || look->told++ >= TOLD_MAX)
                return;
        daemon_enqueue(look->daemon, EVENT_KERNEL)->kernel = line;
}

void daemon_read_kernel(struct daemon *daemon)
{
        struct kernel_look look = {.daemon = daemon};
        int r = daemon->kernel ? kernel_log_read(daemon->kernel, on_record, &look) : 0;

        if (r >= 0)
                return;
        log_warning("the kernel's log cannot be read any more: %s", strerror(-r));
        daemon->kernel = kernel_log_free(daemon->kernel);
}
