/*
 * What people are told of their messages: one that smsd gave up, and whether it is sent again; one that was
 * put aside because the modem crashes on it. Each is told once.
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"
#include "core/queue_retry.h"

#include <errno.h>
#include <string.h>

/* The command where there is one, else what a person does by hand. */
static const char *command_of(const struct message_failed_event *failed)
{
        return failed->again[0]
                   ? failed->again
                   : "`smswarden queue requeue` and its name, which is not one to be pasted into "
                     "a shell";
}

static void say_later(const struct gateway *gateway, const struct message_failed_event *failed, usec_t wait,
                      struct alert *alert)
{
        char when[48] = "as soon as SMS can be sent";

        if (wait > USEC_PER_MIN) /* nobody cares for the seconds */
                wait = (wait + USEC_PER_MIN / 2) / USEC_PER_MIN * USEC_PER_MIN;
        if (wait > 0) {
                (void)text_copy(when, sizeof(when), "in ");
                format_duration(when + 3, sizeof(when) - 3, wait);
        }
        gateway_alerts_say(alert->next_action, "nothing: it is sent again %s (%u of %u times); now: %s", when,
                           failed->requeued + 1, gateway_retries(gateway), command_of(failed));
}

/* What heals by itself, perhaps, is worth a line in the history, and nobody's sleep. */
static void advise_failed(const struct gateway *gateway, const struct message_failed_event *failed,
                          struct alert *alert)
{
        const struct retry_message message = {.fail_reason = failed->reason,
                                              .requeued = failed->requeued,
                                              .age = usec_sub(gateway->now, failed->since)};
        usec_t wait = 0;

        switch (queue_retry_judge(gateway_retries(gateway), &message, &wait)) {
        case RETRY_OFF:
                gateway_alerts_say(alert->next_action, "to send it again: %s", command_of(failed));
                break;
        case RETRY_FINAL:
                gateway_alerts_say(alert->next_action,
                                   "it would fail again as it is, and is not sent again by itself; all the "
                                   "same: %s",
                                   command_of(failed));
                break;
        case RETRY_SPENT:
                gateway_alerts_say(alert->next_action,
                                   "it was sent again %u times, and is not any more; once more: %s",
                                   failed->requeued, command_of(failed));
                break;
        case RETRY_LATER:
        case RETRY_NOW:
                alert->severity = SEVERITY_INFO;
                say_later(gateway, failed, wait, alert);
                break;
        }
}

/* It did not fail: it was not tried. */
static void say_unsent(const struct message_failed_event *failed, struct alert *alert)
{
        alert->severity = SEVERITY_INFO;
        gateway_alerts_say(alert->summary, "a message to %s was not sent yet when smsd was stopped",
                           failed->recipient[0] ? failed->recipient : "an unknown number");
        gateway_alerts_say(alert->next_action, "nothing: it is queued again");
}

static void say_failed(const struct gateway *gateway, const struct message_failed_event *failed,
                       struct alert *alert)
{
        advise_failed(gateway, failed, alert);
        gateway_alerts_say(alert->summary, "a message to %s %s: %s",
                           failed->recipient[0] ? failed->recipient : "an unknown number",
                           alert->severity == SEVERITY_INFO ? "failed" : "was given up",
                           failed->reason[0] ? failed->reason : "smsd tells no reason");
}

void gateway_alerts_failed(struct gateway *gateway, const struct message_failed_event *failed)
{
        struct gateway_alerts *alerts = &gateway->alerts;
        struct alert *alert;
        int r = alert_book_post(&alerts->book, ALERT_MESSAGE_FAILED,
                                failed->key[0] ? failed->key : failed->file, gateway->now, &alert);

        alerts->failed_waits = r == -ENOBUFS;
        if (alerts->failed_waits)
                alerts->failed_message = *failed;
        if (r < 0)
                return;
        (void)text_copy(alert->modem, sizeof(alert->modem), failed->modem);
        (void)text_copy(alert->cause, sizeof(alert->cause), "given-up");
        alert->since = failed->since;
        if (gateway_unsent_is_queued(gateway, failed))
                say_unsent(failed, alert);
        else
                say_failed(gateway, failed, alert);
        gateway_alerts_say(alert->evidence, "file %s in smsd's failed folder%s", failed->file,
                           failed->more ? ", and more behind it" : "");
}

static void say_aside(const struct gateway *gateway, const struct poisoned *poisoned, const char *name,
                      struct alert *alert)
{
        gateway_alerts_say(alert->summary, "a message to %s was put aside: %s crashed twice while it sent it",
                           poisoned->recipient[0] ? poisoned->recipient : "an unknown number",
                           poisoned->modem);
        gateway_alerts_say(
            alert->evidence, "file %s, now in %s/quarantine%s", name, gateway->config.state_dir,
            poisoned->last ? "; it is not the first one, and none went out in between: no more "
                             "are put aside until one does"
                           : "");
        gateway_alerts_say(alert->next_action,
                           "%s`smswarden queue` shows it; `smswarden queue release` sends "
                           "it once more, `smswarden queue remove` throws it away",
                           poisoned->last ? "look at the modem's power supply first; " : "");
}

bool gateway_alerts_quarantined(struct gateway *gateway, const struct poisoned *poisoned)
{
        struct alert *alert;
        char name[192];

        (void)text_escape(name, sizeof(name), poisoned->name, strlen(poisoned->name));
        int r = alert_book_post(&gateway->alerts.book, ALERT_MESSAGE_ASIDE, name, gateway->now, &alert);
        if (r < 0)
                return r != -ENOBUFS;
        (void)text_copy(alert->modem, sizeof(alert->modem), poisoned->modem);
        (void)text_copy(alert->cause, sizeof(alert->cause), "poison");
        if (poisoned->result == MESSAGE_DONE) {
                say_aside(gateway, poisoned, name, alert);
                return true;
        }
        alert->severity = SEVERITY_CRITICAL;
        gateway_alerts_say(alert->summary, "a message on which %s crashes could not be put aside: %s",
                           poisoned->modem,
                           poisoned->result < 0 ? strerror(-poisoned->result) : "somebody else is at it");
        gateway_alerts_say(alert->evidence, "file %s in smsd's checked folder", name);
        gateway_alerts_say(alert->next_action, "`smswarden stop`, move it out of smsd's checked folder, "
                                               "`smswarden start`");
        return true;
}
