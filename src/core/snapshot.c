/*
 * One walk over the snapshot, see core/snapshot.h. Keys and order are the JSON schema 1 of the documentation;
 * new keys go behind the old ones of their object.
 */
#include "core/snapshot.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* Ends the walk at the first error. */
#define TRY(call)                                                                                            \
        do {                                                                                                 \
                int try_result = (call);                                                                     \
                if (try_result < 0)                                                                          \
                        return try_result;                                                                   \
        } while (0)

struct walk {
        const struct snapshot_visitor *to;
        void *userdata;
};

void snapshot_init(struct snapshot *snapshot)
{
        memset(snapshot, 0, sizeof(*snapshot));
        snapshot->schema = SNAPSHOT_SCHEMA;
        snapshot->verdict = VERDICT_DOWN;
        snapshot->queues.outgoing = snapshot->queues.checked = snapshot->queues.failed =
            snapshot->queues.incoming = snapshot->queues.quarantine = -1;
        snapshot->queues.oldest_s = -1;
        snapshot->alerts.waiting = snapshot->alerts.delivered = snapshot->alerts.parked =
            snapshot->alerts.dropped = -1;
}

static const char *const verdict_names[] = {
    [VERDICT_WORKING] = "working", [VERDICT_DEGRADED] = "degraded", [VERDICT_RECOVERING] = "recovering",
    [VERDICT_HELD] = "held",       [VERDICT_DOWN] = "down",
};

const char *verdict_to_string(enum verdict verdict)
{
        return (unsigned)verdict < ARRAY_SIZE(verdict_names) ? verdict_names[verdict] : "?";
}

int verdict_from_string(const char *text, enum verdict *ret_verdict)
{
        for (unsigned i = 0; i < ARRAY_SIZE(verdict_names); i++)
                if (text_equal(text, verdict_names[i])) {
                        *ret_verdict = (enum verdict)i;
                        return 0;
                }
        return -EINVAL;
}

int verdict_exit_code(enum verdict verdict)
{
        switch (verdict) {
        case VERDICT_WORKING:
                return 0;
        case VERDICT_DEGRADED:
        case VERDICT_RECOVERING:
                return 1;
        case VERDICT_DOWN:
                return 2;
        case VERDICT_HELD:
                return 3;
        }
        return 2;
}

static int visit_text(const struct walk *walk, const char *key, char *value, size_t size)
{
        return walk->to->text(walk->userdata, key, value, size);
}

static int visit_number(const struct walk *walk, const char *key, int64_t *value, int64_t null_value)
{
        return walk->to->number(walk->userdata, key, value, null_value);
}

static int visit_int(const struct walk *walk, const char *key, int *value, int null_value)
{
        int64_t wide = *value;

        TRY(visit_number(walk, key, &wide, null_value));
        if (wide < INT32_MIN || wide > INT32_MAX)
                return -ERANGE;
        *value = (int)wide;
        return 0;
}

static int visit_unsigned(const struct walk *walk, const char *key, unsigned *value)
{
        int64_t wide = *value;

        TRY(visit_number(walk, key, &wide, -1));
        if (wide < 0 || wide > UINT32_MAX)
                return -ERANGE;
        *value = (unsigned)wide;
        return 0;
}

static int visit_boolean(const struct walk *walk, const char *key, bool *value)
{
        return walk->to->boolean(walk->userdata, key, value);
}

static int visit_time(const struct walk *walk, const char *key, snapshot_time_t *value)
{
        return walk->to->time(walk->userdata, key, value);
}

static int begin(const struct walk *walk, const char *key)
{
        return walk->to->begin_object(walk->userdata, key);
}

static int end(const struct walk *walk)
{
        return walk->to->end_object(walk->userdata);
}

#define VISIT_TEXT(walk, key, field) TRY(visit_text(walk, key, field, sizeof(field)))

static int visit_controller(const struct walk *walk, struct snapshot *s)
{
        TRY(begin(walk, "controller"));
        TRY(visit_boolean(walk, "running", &s->controller.running));
        VISIT_TEXT(walk, "mode", s->controller.mode);
        VISIT_TEXT(walk, "version", s->controller.version);
        VISIT_TEXT(walk, "config", s->controller.config);
        return end(walk);
}

static int visit_verdict(const struct walk *walk, struct snapshot *s)
{
        char verdict[16];

        (void)text_copy(verdict, sizeof(verdict), verdict_to_string(s->verdict));
        VISIT_TEXT(walk, "verdict", verdict);
        TRY(verdict_from_string(verdict, &s->verdict));
        VISIT_TEXT(walk, "reason", s->reason);
        VISIT_TEXT(walk, "next_action", s->next_action);
        TRY(visit_boolean(walk, "can_send", &s->can_send));
        return visit_boolean(walk, "can_receive", &s->can_receive);
}

static int visit_handlers(const struct walk *walk, struct snapshot *s)
{
        TRY(walk->to->begin_array(walk->userdata, "handlers", &s->smsd.n_handlers, SMSD_MODEMS_MAX));
        for (unsigned i = 0; i < s->smsd.n_handlers; i++) {
                struct snapshot_handler *handler = &s->smsd.handlers[i];
                TRY(begin(walk, NULL));
                VISIT_TEXT(walk, "modem", handler->modem);
                TRY(visit_int(walk, "pid", &handler->pid, 0));
                VISIT_TEXT(walk, "device", handler->device);
                VISIT_TEXT(walk, "state", handler->state);
                TRY(end(walk));
        }
        return walk->to->end_array(walk->userdata);
}

static int visit_smsd(const struct walk *walk, struct snapshot *s)
{
        TRY(begin(walk, "smsd"));
        TRY(visit_boolean(walk, "running", &s->smsd.running));
        TRY(visit_int(walk, "pid", &s->smsd.pid, 0));
        TRY(visit_time(walk, "since", &s->smsd.since));
        TRY(visit_handlers(walk, s));
        TRY(begin(walk, "unit"));
        VISIT_TEXT(walk, "name", s->smsd.unit.name);
        VISIT_TEXT(walk, "active", s->smsd.unit.active);
        VISIT_TEXT(walk, "sub", s->smsd.unit.sub);
        TRY(end(walk));
        VISIT_TEXT(walk, "last_error", s->smsd.last_error);
        return end(walk);
}

static int visit_hold(const struct walk *walk, struct snapshot *s)
{
        TRY(begin(walk, "hold"));
        TRY(visit_boolean(walk, "active", &s->hold.active));
        VISIT_TEXT(walk, "by", s->hold.by);
        VISIT_TEXT(walk, "reason", s->hold.reason);
        TRY(visit_time(walk, "since", &s->hold.since));
        TRY(visit_time(walk, "until", &s->hold.until));
        VISIT_TEXT(walk, "source", s->hold.source);
        return end(walk);
}

static int visit_health(const struct walk *walk, struct snapshot_modem *modem)
{
        TRY(begin(walk, "health"));
        VISIT_TEXT(walk, "state", modem->health.state);
        VISIT_TEXT(walk, "cause", modem->health.cause);
        VISIT_TEXT(walk, "failure", modem->health.failure);
        TRY(visit_time(walk, "since", &modem->health.since));
        TRY(visit_time(walk, "asked", &modem->health.asked));
        TRY(visit_boolean(walk, "can_send", &modem->health.can_send));
        TRY(visit_boolean(walk, "can_receive", &modem->health.can_receive));
        VISIT_TEXT(walk, "what", modem->health.what);
        VISIT_TEXT(walk, "evidence", modem->health.evidence);
        VISIT_TEXT(walk, "next_action", modem->health.next_action);
        return end(walk);
}

static int visit_recovery(const struct walk *walk, struct snapshot_modem *modem)
{
        TRY(begin(walk, "recovery"));
        VISIT_TEXT(walk, "state", modem->recovery.state);
        VISIT_TEXT(walk, "step", modem->recovery.step);
        VISIT_TEXT(walk, "text", modem->recovery.text);
        TRY(visit_time(walk, "next_at", &modem->recovery.next_at));
        TRY(visit_int(walk, "resets_left_hour", &modem->recovery.resets_left_hour, -1));
        TRY(visit_int(walk, "resets_left_day", &modem->recovery.resets_left_day, -1));
        return end(walk);
}

static int visit_modem(const struct walk *walk, struct snapshot_modem *modem)
{
        TRY(begin(walk, NULL));
        VISIT_TEXT(walk, "name", modem->name);
        VISIT_TEXT(walk, "state", modem->state);
        VISIT_TEXT(walk, "model", modem->model);
        VISIT_TEXT(walk, "firmware", modem->firmware);
        VISIT_TEXT(walk, "imei", modem->imei);
        VISIT_TEXT(walk, "imsi", modem->imsi);
        VISIT_TEXT(walk, "usb", modem->usb);
        VISIT_TEXT(walk, "device", modem->device);
        TRY(visit_int(walk, "interface", &modem->interface, -1));
        VISIT_TEXT(walk, "iccid", modem->iccid);
        VISIT_TEXT(walk, "sim", modem->sim);
        VISIT_TEXT(walk, "registration", modem->registration);
        VISIT_TEXT(walk, "operator", modem->operator_name);
        VISIT_TEXT(walk, "technology", modem->technology);
        VISIT_TEXT(walk, "band", modem->band);
        TRY(visit_int(walk, "signal_dbm", &modem->signal_dbm, 0));
        TRY(begin(walk, "storage"));
        TRY(visit_int(walk, "used", &modem->storage_used, -1));
        TRY(visit_int(walk, "total", &modem->storage_total, -1));
        TRY(end(walk));
        VISIT_TEXT(walk, "reason", modem->reason);
        TRY(visit_health(walk, modem));
        TRY(visit_recovery(walk, modem));
        return end(walk);
}

static int visit_modems(const struct walk *walk, const char *key, struct snapshot_modem *modems, unsigned *n,
                        unsigned max)
{
        TRY(walk->to->begin_array(walk->userdata, key, n, max));
        for (unsigned i = 0; i < *n; i++)
                TRY(visit_modem(walk, &modems[i]));
        return walk->to->end_array(walk->userdata);
}

static int visit_restarts(const struct walk *walk, struct snapshot *s)
{
        TRY(begin(walk, "restarts"));
        TRY(visit_unsigned(walk, "total", &s->restarts.total));
        TRY(begin(walk, "last"));
        TRY(visit_time(walk, "at", &s->restarts.last.at));
        VISIT_TEXT(walk, "cause", s->restarts.last.cause);
        VISIT_TEXT(walk, "result", s->restarts.last.result);
        TRY(visit_number(walk, "ms", &s->restarts.last.ms, -1));
        VISIT_TEXT(walk, "problem", s->restarts.last.problem);
        TRY(end(walk));
        return end(walk);
}

static int visit_alert(const struct walk *walk, struct snapshot_alert *alert)
{
        TRY(begin(walk, NULL));
        VISIT_TEXT(walk, "key", alert->key);
        VISIT_TEXT(walk, "severity", alert->severity);
        VISIT_TEXT(walk, "summary", alert->summary);
        TRY(visit_time(walk, "since", &alert->since));
        TRY(visit_unsigned(walk, "count", &alert->count));
        return end(walk);
}

static int visit_receiver(const struct walk *walk, struct snapshot_receiver *receiver)
{
        TRY(begin(walk, NULL));
        VISIT_TEXT(walk, "name", receiver->name);
        VISIT_TEXT(walk, "type", receiver->type);
        TRY(visit_number(walk, "delivered", &receiver->delivered, -1));
        TRY(visit_number(walk, "parked", &receiver->parked, -1));
        TRY(visit_time(walk, "last_delivered", &receiver->last_delivered));
        TRY(visit_time(walk, "failing_since", &receiver->failing_since));
        VISIT_TEXT(walk, "problem", receiver->problem);
        VISIT_TEXT(walk, "test", receiver->test);
        TRY(visit_boolean(walk, "test_delivered", &receiver->test_delivered));
        return end(walk);
}

static int visit_alerts(const struct walk *walk, struct snapshot *s)
{
        TRY(begin(walk, "alerts"));
        TRY(visit_number(walk, "waiting", &s->alerts.waiting, -1));
        TRY(visit_number(walk, "delivered", &s->alerts.delivered, -1));
        TRY(visit_time(walk, "last", &s->alerts.last));
        TRY(visit_number(walk, "parked", &s->alerts.parked, -1));
        TRY(visit_number(walk, "dropped", &s->alerts.dropped, -1));
        TRY(walk->to->begin_array(walk->userdata, "open", &s->alerts.n_open, SNAPSHOT_ALERTS_MAX));
        for (unsigned i = 0; i < s->alerts.n_open; i++)
                TRY(visit_alert(walk, &s->alerts.open[i]));
        TRY(walk->to->end_array(walk->userdata));
        TRY(walk->to->begin_array(walk->userdata, "receivers", &s->alerts.n_receivers, CONFIG_RECEIVERS_MAX));
        for (unsigned i = 0; i < s->alerts.n_receivers; i++)
                TRY(visit_receiver(walk, &s->alerts.receivers[i]));
        TRY(walk->to->end_array(walk->userdata));
        return end(walk);
}

static int visit_rest(const struct walk *walk, struct snapshot *s)
{
        TRY(visit_alerts(walk, s));
        TRY(begin(walk, "queues"));
        TRY(visit_number(walk, "outgoing", &s->queues.outgoing, -1));
        TRY(visit_number(walk, "checked", &s->queues.checked, -1));
        TRY(visit_number(walk, "failed", &s->queues.failed, -1));
        TRY(visit_number(walk, "incoming", &s->queues.incoming, -1));
        TRY(visit_number(walk, "quarantine", &s->queues.quarantine, -1));
        TRY(visit_number(walk, "oldest_s", &s->queues.oldest_s, -1));
        TRY(end(walk));
        TRY(begin(walk, "traffic"));
        TRY(visit_time(walk, "last_sent", &s->traffic.last_sent));
        TRY(visit_time(walk, "last_received", &s->traffic.last_received));
        TRY(end(walk));
        TRY(visit_modems(walk, "other_modems", s->others, &s->n_others, ARRAY_SIZE(s->others)));
        VISIT_TEXT(walk, "evidence", s->evidence);
        return 0;
}

int snapshot_visit(struct snapshot *snapshot, const struct snapshot_visitor *visitor, void *userdata)
{
        const struct walk walk = {.to = visitor, .userdata = userdata};

        TRY(begin(&walk, NULL));
        TRY(visit_unsigned(&walk, "schema", &snapshot->schema));
        TRY(visit_controller(&walk, snapshot));
        TRY(visit_verdict(&walk, snapshot));
        TRY(visit_smsd(&walk, snapshot));
        TRY(visit_hold(&walk, snapshot));
        TRY(visit_modems(&walk, "modems", snapshot->modems, &snapshot->n_modems, SMSD_MODEMS_MAX));
        TRY(visit_restarts(&walk, snapshot));
        TRY(visit_rest(&walk, snapshot));
        return end(&walk);
}
