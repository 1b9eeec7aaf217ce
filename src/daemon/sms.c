/*
 * An alert by our own gateway: a file for smsd, which the core has decided on. No other program of ours may
 * write into smsd's folders.
 */
#include "daemon.h"

#include "adapters/outgoing_file.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

void daemon_send_alert(struct daemon *daemon, const struct action *action)
{
        char name[96];

        /* A spool that was made anew begins to count anew: the time keeps its files apart from older ones. */
        (void)text_format(name, sizeof(name), "smswarden-alert-%lld-%llu",
                          (long long)(clock_realtime() / (int64_t)USEC_PER_SEC),
                          (unsigned long long)action->sms.sequence);
        int r = daemon->files.outgoing[0]
                    ? outgoing_file_put(daemon->files.outgoing, name, action->sms.number, action->sms.text)
                    : -ENOENT;
        if (r < 0)
                log_warning("the alert for %s cannot be queued at smsd in %s: %s", action->sms.receiver,
                            daemon->files.outgoing, strerror(-r));
        struct event *event = daemon_enqueue(daemon, EVENT_ALERT_SMS);
        event->sms.result = r;
        event->sms.sequence = action->sms.sequence;
}
