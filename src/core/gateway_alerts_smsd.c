/*
 * What is wrong with smsd itself: held, down, in a loop of crashes, on a configuration that nobody meant. One
 * outage is one alert: an end without a hold is smsd-down until smsd is verified, also when starts fail; a
 * hold that its end has ended is the hold's alert until then; nothing of the kind while a hold lasts, or
 * while the modem is what is missing.
 *
 * How an outage began is read from the step's records, as the incident is (core/incident): they are what a
 * person will find in the log.
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

#define DOWN_TOO_LONG (2 * USEC_PER_MIN) /* a start that somebody asked for takes less */

#define BY_HAND                                                                                              \
        "see smsd's log and `smswarden status`; `smswarden restart` tries at once, `systemctl restart "      \
        "%.64s` or smsd by hand works as well; smswarden goes on trying"

#define OBSERVING "start smsd by hand, or set mode = control"

/* --- how it began --- */

static void begin_outage(struct gateway *gateway, enum restart_cause cause, const char *message)
{
        struct gateway_outage *outage = &gateway->alerts.outage;

        if (!outage->open) {
                outage->since = gateway->now;
                outage->failed = false;
        }
        outage->open = true;
        outage->cause = cause;
        /* It was started well, and has ended again. A start that fails is the outage's own matter. */
        gateway->alerts.loop |=
            backoff_is_loop(&gateway->restart.backoff) && gateway->restart.last_outcome == RESTART_OUTCOME_OK;
        gateway_alerts_say(outage->summary, "%s", message);
        /* The start clears what the log has said. */
        if (gateway->smsd.last_error[0])
                gateway_alerts_say(outage->evidence, "smsd's last error: %s", gateway->smsd.last_error);
        else
                gateway_alerts_say(outage->evidence, "smsd's log tells no error");
}

static void start_failed(struct gateway *gateway, const char *message)
{
        struct gateway_outage *outage = &gateway->alerts.outage;

        if (outage->open)
                gateway_alerts_say(outage->evidence, "%s", message);
        else
                begin_outage(gateway, gateway->restart.last_cause, message);
        outage->failed = true;
}

static void note_record(struct gateway *gateway, const struct action *action)
{
        const char *message = action->record.message;
        struct alert *alert;

        switch (action->record.kind) {
        case RECORD_SMSD_DIED:
                begin_outage(gateway, CAUSE_CRASH, message);
                break;
        case RECORD_SMSD_ENDED:
                begin_outage(gateway, CAUSE_EXTERNAL_STOP, message);
                break;
        case RECORD_HANDLER_LOST:
                /* While it serves others smsd is not down: what becomes of the one is the modem's matter. */
                if (!gateway_company_is_served(gateway, NULL))
                        begin_outage(gateway, CAUSE_HANDLER_LOST, message);
                break;
        case RECORD_START_FAILED:
                if (action->record.severity == SEVERITY_CRITICAL)
                        start_failed(gateway, message);
                break;
        case RECORD_MODEM_CHANGED:
                if (alert_book_post(&gateway->alerts.book, ALERT_MODEM_CHANGED, action->record.modem,
                                    gateway->now, &alert) < 0)
                        break;
                (void)text_copy(alert->modem, sizeof(alert->modem), action->record.modem);
                (void)text_copy(alert->cause, sizeof(alert->cause), "changed");
                gateway_alerts_say(alert->summary, "%s: %s", action->record.modem, message);
                gateway_alerts_say(alert->next_action, "nothing, when you changed it; else find out who did: "
                                                       "`smswarden modems` shows what sits there");
                break;
        case RECORD_PROVISION_FAILED: /* an info: it is tried again */
                if (action->record.severity < SEVERITY_WARNING ||
                    alert_book_post(&gateway->alerts.book, ALERT_PROVISION_FAILED, action->record.modem,
                                    gateway->now, &alert) < 0)
                        break;
                (void)text_copy(alert->modem, sizeof(alert->modem), action->record.modem);
                (void)text_copy(alert->cause, sizeof(alert->cause), "provision");
                gateway_alerts_say(alert->summary, "%s", message);
                gateway_alerts_say(alert->next_action,
                                   "correct [provision] in smswarden.conf and reload; what was corrected is "
                                   "tried once more after `smswarden stop`, `smswarden start`");
                break;
        default:
                break;
        }
}

void gateway_alerts_note(struct gateway *gateway, const struct action_list *actions)
{
        for (unsigned i = 0; i < actions->n; i++)
                if (actions->items[i].kind == ACTION_RECORD)
                        note_record(gateway, &actions->items[i]);
}

void gateway_alerts_restored(struct gateway *gateway, const struct alert *alert)
{
        struct gateway_outage *outage = &gateway->alerts.outage;
        struct gateway_hold_over *over = &gateway->alerts.over;

        if (alert->kind == ALERT_SMSD_DOWN) {
                *outage = (struct gateway_outage){.open = true, .since = alert->since};
                outage->cause = text_equal(alert->cause, restart_cause_to_string(CAUSE_HANDLER_LOST))
                                    ? CAUSE_HANDLER_LOST
                                    : CAUSE_CRASH;
                (void)text_copy(outage->summary, sizeof(outage->summary), alert->summary);
                (void)text_copy(outage->evidence, sizeof(outage->evidence), alert->evidence);
        }
        if (alert->kind == ALERT_HOLD)
                *over = (struct gateway_hold_over){.open = true,
                                                   .expired = alert->severity == SEVERITY_CRITICAL ||
                                                              (alert->until && alert->until <= gateway->now),
                                                   .record = {.since = alert->since, .until = alert->until},
                                                   .at = alert->until};
}

static void advise_by_hand(const struct gateway *gateway, struct alert *alert)
{
        char action[ALERT_TEXT_MAX];

        (void)text_format(action, sizeof(action), BY_HAND, gateway->config.unit);
        gateway_alerts_advise(gateway, alert, action);
}

/* --- is it over? --- */

/* smsd runs, serves what it could, and was answered. */
static bool is_up(const struct gateway *gateway, struct gateway_slots_seen seen)
{
        return gateway_runs_well(gateway) && seen.unverified == 0;
}

/* How long SMS was away, for a person. */
static void format_away(char *target, size_t size, usec_t since, usec_t now)
{
        (void)text_copy(target, size, "an unknown time");
        if (since > 0)
                format_duration(target, size, usec_sub(now, since));
}

/* --- the hold --- */

static const char *who(const struct hold_record *record)
{
        return record->by[0] ? record->by : "somebody";
}

static const char *why(const struct hold_record *record)
{
        return record->reason[0] ? record->reason : "no reason given";
}

/* `open`: the hold's alert as it is, NULL none yet. */
static void raise_hold(struct gateway *gateway, const struct alert *open)
{
        const struct hold_record *record = &gateway->hold.record;
        char text[ALERT_TEXT_MAX];

        /* A hold that was told goes on, whoever takes it over. */
        if (usec_sub(gateway->now, record->since) < gateway->config.hold_notify_after &&
            !(open && open->told > 0))
                return;
        struct alert *alert = alert_book_raise(&gateway->alerts.book, ALERT_HOLD, "", gateway->now);
        gateway_describe_hold(gateway, text, sizeof(text));
        gateway_alerts_say(alert->summary, "%s", text);
        alert->since = usec_min(alert->since, record->since);
        alert->until = record->until;
        (void)text_copy(alert->cause, sizeof(alert->cause), hold_source_to_string(record->source));
        gateway_alerts_say(alert->evidence, "held by %s: %s", who(record), why(record));
        gateway_alerts_advise(
            gateway, alert, "run `smswarden start` when the work is done; at its end smsd is started again");
}

static void say_how_it_ended(struct gateway *gateway, struct alert *alert, const char *outcome)
{
        const struct gateway_hold_over *over = &gateway->alerts.over;
        char away[32];

        format_away(away, sizeof(away), over->record.since, gateway->now);
        gateway_alerts_say(alert->summary, "the hold of %.60s (%.120s) %s: %s; SMS was down for %s",
                           who(&over->record), why(&over->record),
                           over->expired ? "was ended by its end" : "is over", outcome, away);
}

static bool start_after_hold_failed(const struct gateway *gateway)
{
        const struct restart *restart = &gateway->restart;

        return restart->last_outcome == RESTART_OUTCOME_FAILED && restart->last_at >= gateway->alerts.over.at;
}

static void raise_hold_over(struct gateway *gateway, struct gateway_slots_seen seen)
{
        struct alert_book *book = &gateway->alerts.book;
        const struct gateway_hold_over *over = &gateway->alerts.over;
        struct alert *alert = alert_book_raise(book, ALERT_HOLD, "", gateway->now);
        char reason[ALERT_TEXT_MAX], action[ALERT_TEXT_MAX];

        alert->since = over->record.since;
        alert->until = over->record.until;
        if (over->expired)
                alert->severity = SEVERITY_CRITICAL;
        if (start_after_hold_failed(gateway)) {
                say_how_it_ended(gateway, alert, "smsd could not be started");
                gateway_alerts_say(alert->evidence, "%s", gateway->restart.last_problem);
                advise_by_hand(gateway, alert);
                alert_book_decide(book, ALERT_HOLD, "");
        } else if (gateway->config.mode == MODE_OBSERVE) {
                say_how_it_ended(gateway, alert, "smsd does not run");
                gateway_alerts_advise(gateway, alert, OBSERVING);
        } else if (seen.good == 0) {
                gateway_describe_waiting(gateway, reason, sizeof(reason), action, sizeof(action));
                say_how_it_ended(gateway, alert, "smsd cannot be started");
                gateway_alerts_say(alert->evidence, "%s", reason);
                gateway_alerts_advise(gateway, alert, action);
        } else {
                say_how_it_ended(gateway, alert, "smsd is being started");
                gateway_alerts_advise(gateway, alert, "nothing: smswarden starts smsd");
        }
}

static void note_hold(struct gateway *gateway)
{
        struct gateway_alerts *alerts = &gateway->alerts;
        bool ended = alerts->was_held && !gateway->hold.active;

        alerts->was_held = gateway->hold.active;
        if (gateway->hold.active)
                alerts->over.open = false;
        if (!ended)
                return;
        alerts->over = (struct gateway_hold_over){.open = true,
                                                  .expired = gateway->now >= gateway->hold.record.until,
                                                  .record = gateway->hold.record,
                                                  .at = gateway->now};
}

void gateway_alerts_hold(struct gateway *gateway, struct gateway_slots_seen seen)
{
        struct gateway_hold_over *over = &gateway->alerts.over;

        note_hold(gateway);
        struct alert *alert = alert_book_find(&gateway->alerts.book, ALERT_HOLD, "");
        if (gateway->hold.active) {
                raise_hold(gateway, alert);
                return;
        }
        if (!over->open)
                return;
        if (is_up(gateway, seen)) {
                over->open = false;
                if (alert)
                        say_how_it_ended(gateway, alert, "smsd was started and verified");
                return;
        }
        /* A person ended it: what fails from here on is smsd-down. */
        if (!over->expired && (gateway->alerts.outage.open || !alert || alert->told == 0))
                over->open = false;
        if (over->open)
                raise_hold_over(gateway, seen);
}

/* --- down --- */

static void advise(struct gateway *gateway, struct alert *alert)
{
        if (gateway->config.mode == MODE_OBSERVE)
                gateway_alerts_advise(gateway, alert, OBSERVING);
        else if (!gateway->alerts.outage.failed)
                gateway_alerts_advise(gateway, alert, "nothing: smswarden starts it again");
        else if (gateway->restart.unstarted)
                gateway_alerts_advise(gateway, alert, gateway_describe_failure_action(gateway));
        else
                advise_by_hand(gateway, alert);
}

static void raise_down(struct gateway *gateway)
{
        struct gateway_outage *outage = &gateway->alerts.outage;
        struct alert_book *book = &gateway->alerts.book;

        if (!outage->open) { /* nobody saw it end */
                begin_outage(gateway, gateway->cause,
                             gateway->smsd.running ? "smsd runs, but does not serve a modem that is ready"
                                                   : "smsd does not run, without a hold");
                outage->since = gateway->alerts.down_since;
        }
        struct alert *alert = alert_book_raise(book, ALERT_SMSD_DOWN, "", gateway->now);
        (void)text_copy(alert->cause, sizeof(alert->cause), restart_cause_to_string(outage->cause));
        (void)text_copy(alert->summary, sizeof(alert->summary), outage->summary);
        (void)text_copy(alert->evidence, sizeof(alert->evidence), outage->evidence);
        advise(gateway, alert);
        if (outage->failed)
                alert_book_decide(book, ALERT_SMSD_DOWN, "");
}

static void clear_outage(struct gateway_alerts *alerts)
{
        alerts->outage.open = alerts->outage.failed = false;
        alerts->down_since = 0;
}

/* It is verified: whoever is told now, first or last, is told the outcome. */
static void end_outage(struct gateway *gateway)
{
        struct gateway_outage *outage = &gateway->alerts.outage;
        struct alert *alert = alert_book_find(&gateway->alerts.book, ALERT_SMSD_DOWN, "");
        char away[32];

        format_away(away, sizeof(away), outage->since, gateway->now);
        if (outage->open && !alert) /* it was over before it could be told, or its modem was asked first */
                alert = alert_book_raise(&gateway->alerts.book, ALERT_SMSD_DOWN, "", gateway->now);
        if (outage->open) {
                (void)text_copy(alert->cause, sizeof(alert->cause), restart_cause_to_string(outage->cause));
                gateway_alerts_say(alert->summary, "%.260s; it works again after %s", outage->summary, away);
                (void)text_copy(alert->evidence, sizeof(alert->evidence), outage->evidence);
                gateway_alerts_say(alert->next_action,
                                   "nothing: smsd runs and is verified; see its log for the cause");
                alert_book_decide(&gateway->alerts.book, ALERT_SMSD_DOWN, "");
        }
        clear_outage(&gateway->alerts);
}

static void forget_outage(struct gateway *gateway, const char *instead)
{
        struct alert_book *book = &gateway->alerts.book;
        struct alert *alert = alert_book_find(book, ALERT_SMSD_DOWN, "");

        clear_outage(&gateway->alerts);
        if (!alert)
                return;
        if (alert->told > 0)
                gateway_alerts_say(alert->evidence, "%s", instead);
        alert_book_close(book, ALERT_SMSD_DOWN, "", gateway->now);
}

static bool is_loop(struct gateway *gateway, struct gateway_slots_seen seen)
{
        const struct backoff *backoff = &gateway->restart.backoff;

        if (!backoff_is_loop(backoff) ||
            usec_sub(gateway->now, backoff->last_failure) >= BACKOFF_FORGET_AFTER)
                gateway->alerts.loop = false;
        return gateway->alerts.loop && seen.good > 0;
}

static void raise_loop(struct gateway *gateway)
{
        struct gateway_outage *outage = &gateway->alerts.outage;
        struct alert_book *book = &gateway->alerts.book;
        struct alert *alert = alert_book_raise(book, ALERT_CRASH_LOOP, "", gateway->now);

        (void)text_copy(alert->cause, sizeof(alert->cause), "crash-loop");
        gateway_alerts_say(alert->summary, "smsd has failed %u times in a row: restarts are slowed down",
                           gateway->restart.backoff.failures);
        if (outage->open)
                gateway_alerts_say(alert->evidence, "%.200s; %.150s", outage->summary, outage->evidence);
        gateway_alerts_advise(gateway, alert, gateway_describe_failure_action(gateway));
        if (outage->failed)
                alert_book_decide(book, ALERT_CRASH_LOOP, "");
        forget_outage(gateway, "its crashes go on: see the alert crash-loop");
}

/* What it is down for has an alert of its own, or will have: nothing to add. */
static bool is_explained(struct gateway *gateway, struct gateway_slots_seen seen)
{
        if (seen.good > 0)
                return false;
        if (seen.troubled > 0)
                forget_outage(gateway, "what is missing now is its modem: see that alert");
        else if (alert_book_find(&gateway->alerts.book, ALERT_SMSD_DOWN, ""))
                raise_down(gateway); /* its modem is being asked, or comes up */
        gateway->alerts.down_since = 0;
        return true;
}

static bool is_down_too_long(struct gateway *gateway)
{
        struct gateway_alerts *alerts = &gateway->alerts;

        if (gateway_serves_all(gateway))
                alerts->down_since = 0;
        else if (alerts->down_since == 0)
                alerts->down_since = gateway->now;
        return alerts->down_since > 0 && usec_sub(gateway->now, alerts->down_since) >= DOWN_TOO_LONG;
}

void gateway_alerts_smsd(struct gateway *gateway, struct gateway_slots_seen seen)
{
        if (gateway->hold.active || (gateway->alerts.over.open && gateway->alerts.over.expired)) {
                forget_outage(gateway, "the outage goes on as a hold: see that alert");
                alert_book_close(&gateway->alerts.book, ALERT_CRASH_LOOP, "", gateway->now);
                gateway->alerts.loop = false;
                return;
        }
        if (is_loop(gateway, seen)) {
                raise_loop(gateway);
                return;
        }
        if (is_up(gateway, seen)) {
                end_outage(gateway);
                return;
        }
        if (gateway_recovery_blocks_start(gateway)) { /* it is down for the reset of a modem */
                alert_book_keep(&gateway->alerts.book, ALERT_SMSD_DOWN, "");
                gateway->alerts.down_since = 0;
                return;
        }
        if (is_explained(gateway, seen))
                return;
        if (gateway_company_keeps_waiting(gateway)) {
                forget_outage(gateway, "smsd works, one modem fails again and again: see that alert");
                return;
        }
        /* Of what somebody else does on smsd's unit the outcome is awaited, and of a start that was wished.
         */
        bool too_long = is_down_too_long(gateway);
        if (gateway->alerts.outage.open || too_long)
                raise_down(gateway);
}

/* --- the configuration --- */

static struct alert *raise_conf(struct gateway *gateway, const char *subject, const char *summary)
{
        struct alert *alert =
            alert_book_raise(&gateway->alerts.book, ALERT_CONFIG_REFUSED, subject, gateway->now);

        (void)text_copy(alert->cause, sizeof(alert->cause), "config");
        alert->modem[0] = '\0';
        gateway_alerts_say(alert->summary, "%s", summary);
        return alert;
}

void gateway_alerts_conf(struct gateway *gateway)
{
        char reason[ALERT_TEXT_MAX], action[ALERT_TEXT_MAX];
        const char *own = gateway->alerts.config_problem;

        if (own[0])
                gateway_alerts_advise(gateway, raise_conf(gateway, "smswarden.conf", own),
                                      "correct smswarden.conf, then reload; until then the last good one is "
                                      "in force");
        if (gateway->alerts.outage.open)
                return;
        if (gateway->hold.active || restart_busy(&gateway->restart) ||
            gateway->restart.last_outcome == RESTART_OUTCOME_NONE)
                alert_book_keep(&gateway->alerts.book, ALERT_CONFIG_REFUSED,
                                ""); /* told by an earlier life */
        if (gateway->hold.active)
                return; /* whoever holds smsd may be editing it */
        if (gateway->smsd.running &&
            gateway_describe_conf_problem(gateway, reason, sizeof(reason), action, sizeof(action))) {
                gateway_alerts_advise(gateway, raise_conf(gateway, "", reason), action);
        } else if (gateway->conf_error[0] || gateway->slots.n == 0) {
                (void)text_copy(reason, sizeof(reason), gateway->conf_error);
                if (!reason[0])
                        gateway_describe_waiting(gateway, reason, sizeof(reason), action, sizeof(action));
                gateway_alerts_advise(gateway, raise_conf(gateway, "", reason),
                                      "correct smsd.conf, then run `smswarden start`");
        }
}
