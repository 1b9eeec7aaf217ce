/*
 * What people read later with `smswarden history`: each record and each alert as a line of STATE_DIR/history.
 * Never a failure of the daemon: a history that cannot be written is said once, and tried again with the next
 * line.
 */
#include "daemon.h"

#include "base/boot_id.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

/* An alert's first sign may be a little older than the incident that it makes. */
#define INCIDENT_SLACK (5 * USEC_PER_SEC)

void daemon_history_begin(struct daemon *daemon)
{
        int r = boot_id_get(daemon->history.boot);

        if (r >= 0)
                r = history_file_new(&daemon->history.file, daemon->config.state_dir);
        if (r < 0)
                log_warning("there will be no history in %s: %s", daemon->config.state_dir, strerror(-r));
}

void daemon_history_end(struct daemon *daemon)
{
        daemon->history.file = history_file_free(daemon->history.file);
}

static void append(struct daemon *daemon, struct history_entry *entry)
{
        struct daemon_history *history = &daemon->history;

        if (!history->file)
                return;
        entry->at = (int64_t)clock_boottime() + clock_realtime_offset();
        (void)text_copy(entry->boot, sizeof(entry->boot), history->boot);
        int r = history_file_append(history->file, entry);
        if (r < 0 && !history->failing)
                log_warning("the history in %s cannot be written: %s; it is tried again with each line",
                            daemon->config.state_dir, strerror(-r));
        if (r >= 0 && history->failing)
                log_notice("the history in %s is written again", daemon->config.state_dir);
        history->failing = r < 0;
}

/* The incident that the records tell of now, or told of last. */
static void follow_incident(struct daemon_history *history, const struct action *record)
{
        if (!record->record.incident)
                return;
        history->incident = record->record.incident;
        history->incident_end = record->record.kind == RECORD_WORKING_AGAIN ? clock_boottime() : 0;
}

void daemon_history_record(struct daemon *daemon, const struct action *record)
{
        struct history_entry entry = {
            .severity = record->record.severity,
            .incident = record->record.incident,
            .duration = record->record.duration,
        };

        follow_incident(&daemon->history, record);
        (void)text_copy(entry.event, sizeof(entry.event), record_kind_to_string(record->record.kind));
        (void)text_copy(entry.modem, sizeof(entry.modem), record->record.modem);
        (void)text_copy(entry.cause, sizeof(entry.cause), record->record.cause);
        (void)text_copy(entry.message, sizeof(entry.message), record->record.message);
        append(daemon, &entry);
}

/* An alert is told after the outcome: it belongs to the incident during which it began, over or not. */
static uint64_t incident_of(const struct daemon_history *history, const struct alert *alert)
{
        bool open = history->incident && !history->incident_end;
        bool within = alert->since > 0 && usec_add(alert->since, INCIDENT_SLACK) >= history->incident &&
                      alert->since <= history->incident_end;

        return open || within ? history->incident : 0;
}

void daemon_history_alert(struct daemon *daemon, const struct alert *alert)
{
        struct history_entry entry = {
            .severity = alert->state == ALERT_RESOLVED ? SEVERITY_INFO : alert->severity,
            .incident = incident_of(&daemon->history, alert),
        };

        (void)text_copy(entry.event, sizeof(entry.event), "alert");
        (void)text_copy(entry.modem, sizeof(entry.modem), alert->modem);
        (void)text_copy(entry.cause, sizeof(entry.cause), alert->cause);
        (void)text_format(entry.message, sizeof(entry.message), "%s%s",
                          alert->state == ALERT_RESOLVED ? "resolved: " : "", alert->summary);
        if (alert->state == ALERT_RESOLVED && alert->since > 0 && alert->ended > alert->since)
                entry.duration = alert->ended - alert->since;
        if (alert->count > 1)
                (void)text_append(entry.message, sizeof(entry.message), " (%u times)", alert->count);
        append(daemon, &entry);
}
