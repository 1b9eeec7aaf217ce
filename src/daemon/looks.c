/*
 * What the core looks at for a modem's health beside the modem itself: who else has smsd's port open, and
 * what the kernel says of USB errors and of the supply voltage.
 */
#include "daemon.h"

#include "adapters/port_holder.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

/* Without the kernel's log brown-outs are recognised by what they do to the modem only. In a container that
 * is how it is. */
static void kernel_failed(struct daemon *daemon, int error)
{
        if (!daemon->kernel_failing)
                log_info("the kernel's log cannot be read (%s): USB errors and undervoltage stay unseen",
                         strerror(-error));
        daemon->kernel_failing = true;
}

static void on_kernel(void *userdata, int result, const struct kernel_lines *lines)
{
        struct daemon *daemon = userdata;

        if (result < 0) {
                kernel_failed(daemon, result);
                return;
        }
        daemon->kernel_failing = false;
        for (unsigned i = 0; i < lines->n; i++)
                daemon_enqueue(daemon, EVENT_KERNEL)->kernel = lines->errors[i];
        if (lines->voltage.kind != KERNEL_OTHER)
                daemon_enqueue(daemon, EVENT_KERNEL)->kernel = lines->voltage;
}

void daemon_start_looks(struct daemon *daemon)
{
        int r = kernel_log_new(&daemon->kernel, daemon->event, &(struct kernel_log_options){0}, on_kernel,
                               daemon);

        if (r < 0)
                kernel_failed(daemon, r);
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

void daemon_read_kernel(struct daemon *daemon)
{
        if (daemon->kernel)
                kernel_log_look(daemon->kernel);
}
