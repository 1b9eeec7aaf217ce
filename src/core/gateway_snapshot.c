/*
 * The state for people: one verdict with its reason and the next action, and the facts behind it.
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

/* --- the verdict --- */

static void set_verdict(struct snapshot *s, enum verdict verdict, const char *reason, const char *action)
{
        s->verdict = verdict;
        (void)text_copy(s->reason, sizeof(s->reason), reason);
        (void)text_copy(s->next_action, sizeof(s->next_action), action);
}

static void judge_held(const struct gateway *gateway, usec_t now, struct snapshot *s)
{
        char left[32], reason[sizeof(s->reason)];

        format_duration(left, sizeof(left), usec_sub(gateway->hold.record.until, now));
        (void)text_format(
            reason, sizeof(reason), "%s holds smsd (%s); it is started again in %s", gateway->hold.record.by,
            gateway->hold.record.reason[0] ? gateway->hold.record.reason : "no reason given", left);
        set_verdict(s, VERDICT_HELD, reason, "nothing, or `smswarden start` to end the hold now");
}

static void judge_restarting(const struct gateway *gateway, struct snapshot *s)
{
        char reason[sizeof(s->reason)];

        (void)text_format(reason, sizeof(reason), "smsd is being %s (%s): %s",
                          gateway->restart.goal == RESTART_STOP ? "stopped" : "started",
                          restart_cause_to_string(gateway->restart.cause),
                          restart_phase_to_string(gateway->restart.phase));
        set_verdict(s, VERDICT_RECOVERING, reason, "nothing: wait some seconds");
}

static void judge_recovering(const struct gateway *gateway, struct snapshot *s)
{
        char reason[sizeof(s->reason)] = "";

        (void)gateway_recovery_describe_block(gateway, reason, sizeof(reason));
        set_verdict(s, VERDICT_RECOVERING, reason, "nothing: smsd is started when the modem is back");
}

/* One whose ports do not come in their time is not. */
static bool modem_on_its_way(const struct gateway *gateway, usec_t now)
{
        const struct modem *modem = gateway_relevant_modem(gateway);

        return modem &&
               (modem->state == MODEM_PROBING || (modem->state == MODEM_SETTLING && now < modem->give_up));
}

/* It is away, or does not come up, for want of current: to plug it in would not help. */
static const struct slot *starved_slot(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway->slots.items[i].health.verdict.kind == FAILURE_BROWN_OUT)
                        return &gateway->slots.items[i];
        return NULL;
}

static void judge_down(const struct gateway *gateway, usec_t now, struct snapshot *s)
{
        char wait[32], reason[sizeof(s->reason)], action[sizeof(s->next_action)];

        if (gateway_startable(gateway) > 0 && gateway->config.mode == MODE_CONTROL) {
                format_duration(wait, sizeof(wait), usec_sub(gateway->restart.not_before, now));
                (void)text_format(
                    reason, sizeof(reason), "smsd does not run%s%.200s; the next start is in %s",
                    gateway->restart.last_problem[0] ? ": " : "", gateway->restart.last_problem, wait);
                bool loop = backoff_is_loop(&gateway->restart.backoff);
                set_verdict(s, loop ? VERDICT_DOWN : VERDICT_RECOVERING, reason,
                            loop ? gateway_describe_failure_action(gateway) : "nothing: smswarden starts it");
                return;
        }
        gateway_describe_waiting(gateway, reason, sizeof(reason), action, sizeof(action));
        const struct slot *starved = starved_slot(gateway);
        if (starved) {
                (void)text_format(reason, sizeof(reason), "%s: %s", starved->config.name,
                                  starved->health.verdict.what);
                (void)text_copy(action, sizeof(action), starved->health.verdict.next_action);
        }
        set_verdict(s,
                    modem_on_its_way(gateway, now) || gateway_modem_is_away(gateway) ? VERDICT_RECOVERING
                                                                                     : VERDICT_DOWN,
                    reason, action);
}

/* What went wrong although SMS flow: a configuration that could not be written or was refused. */
static void add_last_problem(const struct gateway *gateway, struct snapshot *s)
{
        if (s->verdict == VERDICT_WORKING &&
            gateway_describe_conf_problem(gateway, s->reason, sizeof(s->reason), s->next_action,
                                          sizeof(s->next_action)))
                s->verdict = VERDICT_DEGRADED;
}

static void judge(const struct gateway *gateway, usec_t now, struct snapshot *s)
{
        if (!gateway_knows_enough(gateway))
                set_verdict(s, VERDICT_RECOVERING, "smswarden has just begun and looks around",
                            "nothing: wait a second");
        else if (gateway->hold.active && (!gateway->smsd.running || restart_busy(&gateway->restart)))
                judge_held(gateway, now, s);
        else if (restart_busy(&gateway->restart))
                judge_restarting(gateway, s);
        else if (!gateway->smsd.running && gateway_recovery_blocks_start(gateway))
                judge_recovering(gateway, s);
        else if (!gateway->smsd.running && gateway->unit.stopping)
                set_verdict(s, VERDICT_DOWN, "the system is shutting down", "nothing");
        else if (!gateway->smsd.running && gateway_waits_for_unit(gateway))
                set_verdict(s, VERDICT_RECOVERING,
                            "smsd has just ended, or somebody starts or stops it by systemctl",
                            "nothing: wait some seconds");
        else if (gateway->smsd.running)
                gateway_judge_running(gateway, now, s);
        else
                judge_down(gateway, now, s);
        add_last_problem(gateway, s);
        gateway_add_evidence(gateway, now, s);
}

/* --- the facts --- */

static snapshot_time_t show_time(usec_t boottime, int64_t realtime_offset)
{
        return boottime == 0 || boottime == USEC_INFINITY ? 0 : (snapshot_time_t)boottime + realtime_offset;
}

static const char *known_word(const char *word)
{
        return text_equal(word, "unknown") ? "" : word;
}

/* Who is plugged in is not who is remembered: one that pin_imei does not let in. */
static bool slot_is_other(const struct modem_record *record, const struct modem *modem)
{
        return record && record->imei[0] && modem->facts.imei[0] &&
               !text_equal(record->imei, modem->facts.imei);
}

static void fill_modem(struct snapshot_modem *to, const char *name, const struct modem *modem,
                       const struct modem_record *record)
{
        memset(to, 0, sizeof(*to));
        (void)text_copy(to->name, sizeof(to->name), name);
        (void)text_copy(to->state, sizeof(to->state),
                        modem_state_to_string(modem ? modem->state : MODEM_ABSENT));
        (void)text_copy(to->reason, sizeof(to->reason), modem ? modem->reason : "");
        to->interface = modem ? modem_interface(modem) : -1;
        to->storage_used = to->storage_total = -1;
        to->recovery.resets_left_hour = to->recovery.resets_left_day = -1;
        if (record) {
                (void)text_copy(to->model, sizeof(to->model), record->model);
                (void)text_copy(to->firmware, sizeof(to->firmware), record->firmware);
                (void)text_copy(to->imei, sizeof(to->imei), record->imei);
                (void)text_copy(to->imsi, sizeof(to->imsi), record->imsi);
                (void)text_copy(to->iccid, sizeof(to->iccid), record->iccid);
        }
        if (!modem)
                return;
        if (slot_is_other(record, modem)) {
                (void)text_copy(to->model, sizeof(to->model), modem->facts.model);
                (void)text_copy(to->firmware, sizeof(to->firmware), modem->facts.firmware);
                (void)text_copy(to->imei, sizeof(to->imei), modem->facts.imei);
                (void)text_copy(to->imsi, sizeof(to->imsi), modem->facts.imsi);
                (void)text_copy(to->iccid, sizeof(to->iccid), modem->facts.iccid);
        }
        (void)text_copy(to->usb, sizeof(to->usb), modem->device.path);
        (void)text_copy(to->device, sizeof(to->device), modem->node);
        (void)text_copy(to->sim, sizeof(to->sim), known_word(sim_state_to_string(modem->facts.sim)));
        (void)text_copy(to->registration, sizeof(to->registration),
                        known_word(registration_to_string(modem->facts.registration)));
        (void)text_copy(to->operator_name, sizeof(to->operator_name), modem->facts.operator_name);
        (void)text_copy(to->technology, sizeof(to->technology), modem->facts.technology);
        (void)text_copy(to->band, sizeof(to->band), modem->facts.band);
        to->signal_dbm = modem->facts.signal_dbm;
        to->storage_used = modem->facts.storage_used;
        to->storage_total = modem->facts.storage_total;
}

/* What smsd itself says of a modem is newer than the probe. */
static void add_smsd_words(const struct gateway *gateway, const struct slot *slot, struct snapshot_modem *to)
{
        const struct smsd_status_modem *status = smsd_status_find(&gateway->smsd.status, slot->config.name);

        if (!slot_modem(slot, gateway->modems))
                return; /* its last words are about a modem that is gone */
        if (gateway->smsd.status_known && status && status->signal_dbm)
                to->signal_dbm = status->signal_dbm;
        /* The probe heard otherwise once; smsd polls only a modem that is registered. */
        bool outdated = !text_equal(to->registration, "home") && !text_equal(to->registration, "roaming");
        if (slot->unregistered)
                (void)text_copy(to->registration, sizeof(to->registration), "none");
        else if (slot->answered && outdated)
                to->registration[0] = '\0';
}

static void fill_modems(const struct gateway *gateway, int64_t realtime_offset, struct snapshot *s)
{
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                fill_modem(&s->modems[s->n_modems], slot->config.name, slot_modem(slot, gateway->modems),
                           &slot->record);
                gateway_fill_health(gateway, slot, realtime_offset, &s->modems[s->n_modems]);
                add_smsd_words(gateway, slot, &s->modems[s->n_modems]);
                gateway_recovery_snapshot(gateway, slot->config.name, realtime_offset,
                                          &s->modems[s->n_modems++]);
        }
        for (unsigned i = 0; i < gateway->n_modems && s->n_others < ARRAY_SIZE(s->others); i++) {
                bool bound = false;
                for (unsigned k = 0; k < gateway->slots.n; k++)
                        bound |= gateway->slots.items[k].modem == (int)i;
                if (!bound && modem_present(&gateway->modems[i]))
                        fill_modem(&s->others[s->n_others++], "", &gateway->modems[i], NULL);
        }
}

static const char *modem_name_on(const struct gateway *gateway, const char *tty)
{
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct modem *modem = slot_modem(&gateway->slots.items[i], gateway->modems);
                if (tty[0] && ((modem && text_equal(modem->target, tty)) ||
                               text_equal(gateway->slots.items[i].serving, tty)))
                        return gateway->slots.items[i].config.name;
        }
        return "";
}

static void fill_smsd(const struct gateway *gateway, int64_t realtime_offset, struct snapshot *s)
{
        const struct smsd_state *smsd = &gateway->smsd;

        s->smsd.running = smsd->running;
        s->smsd.pid = smsd->running ? smsd->main.pid : 0;
        s->smsd.since = smsd->running ? show_time(process_started(smsd->main), realtime_offset) : 0;
        for (unsigned i = 0; i < smsd->n_handlers; i++) {
                struct snapshot_handler *to = &s->smsd.handlers[s->smsd.n_handlers++];
                const char *name = modem_name_on(gateway, smsd->handlers[i].last);
                const struct smsd_status_modem *status = smsd_status_find(&smsd->status, name);
                (void)text_copy(to->modem, sizeof(to->modem), name);
                to->pid = smsd->handlers[i].id.pid;
                (void)text_copy(to->device, sizeof(to->device), smsd->handlers[i].last);
                if (smsd->handlers[i].tty_deleted)
                        (void)text_append(to->device, sizeof(to->device), " (deleted)");
                (void)text_copy(to->state, sizeof(to->state),
                                smsd->status_known && status ? handler_state_to_string(status->state) : "");
        }
        (void)text_copy(s->smsd.unit.name, sizeof(s->smsd.unit.name), gateway->config.unit);
        (void)text_copy(s->smsd.unit.active, sizeof(s->smsd.unit.active), gateway->unit.state.active);
        (void)text_copy(s->smsd.unit.sub, sizeof(s->smsd.unit.sub), gateway->unit.state.sub);
        (void)text_copy(s->smsd.last_error, sizeof(s->smsd.last_error), smsd->last_error);
        s->traffic.last_sent = smsd->last_sent * (int64_t)USEC_PER_SEC;
        s->traffic.last_received = smsd->last_received * (int64_t)USEC_PER_SEC;
}

static void fill_hold(const struct gateway *gateway, int64_t realtime_offset, struct snapshot *s)
{
        static const char *const sources[] = {"cli", "legacy", "systemctl"};

        s->hold.active = gateway->hold.active;
        if (!gateway->hold.active)
                return;
        (void)text_copy(s->hold.by, sizeof(s->hold.by), gateway->hold.record.by);
        (void)text_copy(s->hold.reason, sizeof(s->hold.reason), gateway->hold.record.reason);
        (void)text_copy(s->hold.source, sizeof(s->hold.source), sources[gateway->hold.record.source]);
        s->hold.since = show_time(gateway->hold.record.since, realtime_offset);
        s->hold.until = show_time(gateway->hold.record.until, realtime_offset);
}

static void fill_restarts(const struct gateway *gateway, int64_t realtime_offset, struct snapshot *s)
{
        const struct restart *restart = &gateway->restart;

        s->restarts.total = restart->total;
        if (restart->last_outcome == RESTART_OUTCOME_NONE)
                return;
        s->restarts.last.at = show_time(restart->last_at, realtime_offset);
        (void)text_copy(s->restarts.last.cause, sizeof(s->restarts.last.cause),
                        restart_cause_to_string(restart->last_cause));
        (void)text_copy(s->restarts.last.result, sizeof(s->restarts.last.result),
                        restart_outcome_to_string(restart->last_outcome));
        (void)text_copy(s->restarts.last.problem, sizeof(s->restarts.last.problem), restart->last_problem);
        s->restarts.last.ms = (int64_t)(restart->last_duration / USEC_PER_MSEC);
}

static bool is_open(const struct alert_entry *entry)
{
        return entry->used && !alert_kind_is_momentary(entry->alert.kind) &&
               (entry->told || (entry->active && entry->alert.severity > SEVERITY_INFO));
}

/* The most severe first, and of those the oldest. */
static bool is_shown_before(const struct alert *a, const struct alert *b)
{
        return a->severity != b->severity ? a->severity > b->severity : a->since < b->since;
}

/* Returns the new number of `shown`. */
static unsigned insert_open(const struct alert *shown[SNAPSHOT_ALERTS_MAX], unsigned n,
                            const struct alert *alert)
{
        unsigned at = n;

        while (at > 0 && is_shown_before(alert, shown[at - 1]))
                at--;
        if (at == SNAPSHOT_ALERTS_MAX)
                return n;
        n = n < SNAPSHOT_ALERTS_MAX ? n + 1 : n;
        for (unsigned i = n - 1; i > at; i--)
                shown[i] = shown[i - 1];
        shown[at] = alert;
        return n;
}

static void fill_open(const struct gateway *gateway, int64_t realtime_offset, struct snapshot *s)
{
        const struct alert_book *book = &gateway->alerts.book;
        const struct alert *shown[SNAPSHOT_ALERTS_MAX] = {NULL};
        unsigned n = 0;

        for (unsigned i = 0; i < book->n; i++)
                if (is_open(&book->entries[i]))
                        n = insert_open(shown, n, &book->entries[i].alert);
        s->alerts.n_open = n;
        for (unsigned i = 0; i < n; i++) {
                struct snapshot_alert *to = &s->alerts.open[i];
                const struct alert *alert = shown[i];
                (void)text_copy(to->key, sizeof(to->key), alert->key);
                (void)text_copy(to->severity, sizeof(to->severity), severity_to_string(alert->severity));
                (void)text_copy(to->summary, sizeof(to->summary), alert->summary);
                to->since = alert->since ? show_time(alert->since, realtime_offset) : alert->since_realtime;
                to->count = alert->count;
        }
}

/* An sms receiver has no state: what became of its message is smsd's to tell. */
static void fill_receiver(const struct gateway *gateway, const struct receiver_config *config,
                          struct snapshot *s)
{
        const struct delivery_receiver *from = delivery_find(&gateway->alerts.delivery, config->name);
        struct snapshot_receiver *to = &s->alerts.receivers[s->alerts.n_receivers++];

        (void)text_copy(to->name, sizeof(to->name), config->name);
        (void)text_copy(to->type, sizeof(to->type), config->type);
        to->delivered = from ? (int64_t)from->delivered : -1;
        to->parked = from ? (int64_t)from->parked : -1;
        if (!from)
                return;
        to->last_delivered = from->last_delivered;
        to->failing_since = from->failing_since;
        (void)text_copy(to->problem, sizeof(to->problem), from->problem);
        (void)text_copy(to->test, sizeof(to->test), from->test);
        to->test_delivered = from->test_delivered;
        s->alerts.delivered += to->delivered;
        s->alerts.parked += to->parked;
        if (to->last_delivered > s->alerts.last)
                s->alerts.last = to->last_delivered;
}

static void fill_alerts(const struct gateway *gateway, int64_t realtime_offset, struct snapshot *s)
{
        s->alerts.waiting = (int64_t)gateway->alerts.delivery.waiting;
        s->alerts.delivered = s->alerts.parked = 0;
        for (unsigned i = 0; i < gateway->config.n_receivers; i++)
                fill_receiver(gateway, &gateway->config.receivers[i], s);
        fill_open(gateway, realtime_offset, s);
}

static void fill_queues(const struct gateway *gateway, usec_t now, struct snapshot *s)
{
        s->queues.outgoing = gateway->alerts.outgoing;
        s->queues.checked = gateway->alerts.checked;
        s->queues.failed = gateway->alerts.failed;
        s->queues.incoming = gateway->alerts.incoming;
        s->queues.quarantine = gateway->alerts.quarantine;
        if (gateway->alerts.oldest_waiting)
                s->queues.oldest_s = (int64_t)(usec_sub(now, gateway->alerts.oldest_waiting) / USEC_PER_SEC);
}

void gateway_snapshot_verdict(const struct gateway *gateway, usec_t now, int64_t realtime_offset,
                              struct snapshot *ret_snapshot)
{
        memset(ret_snapshot, 0, offsetof(struct snapshot, smsd));
        memset(&ret_snapshot->hold, 0, sizeof(ret_snapshot->hold));
        judge(gateway, now, ret_snapshot);
        fill_hold(gateway, realtime_offset, ret_snapshot);
}

void gateway_snapshot(const struct gateway *gateway, usec_t now, int64_t realtime_offset,
                      struct snapshot *ret_snapshot)
{
        snapshot_init(ret_snapshot);
        ret_snapshot->controller.running = true;
        (void)text_copy(ret_snapshot->controller.mode, sizeof(ret_snapshot->controller.mode),
                        gateway_mode_to_string(gateway->config.mode));
        (void)text_copy(ret_snapshot->controller.config, sizeof(ret_snapshot->controller.config), "current");
        judge(gateway, now, ret_snapshot);
        fill_smsd(gateway, realtime_offset, ret_snapshot);
        fill_hold(gateway, realtime_offset, ret_snapshot);
        fill_modems(gateway, realtime_offset, ret_snapshot);
        fill_restarts(gateway, realtime_offset, ret_snapshot);
        fill_alerts(gateway, realtime_offset, ret_snapshot);
        fill_queues(gateway, now, ret_snapshot);
}
