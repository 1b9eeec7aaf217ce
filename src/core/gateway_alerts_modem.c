/*
 * What is wrong with the modems, slot by slot, one alert for one trouble: lost, unusable, without network,
 * stuck. A slot whose trouble is its modem's explains why smsd does not serve it; nobody is told that twice.
 * The words are those of the verdict (gateway_health.c, gateway_words.c).
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

#define UNVERIFIED_TOO_LONG (5 * USEC_PER_MIN)
#define NETWORK_TOO_LONG    USEC_PER_HOUR /* the modem's own search after a cell loss takes up to 50 minutes */

struct finding {
        enum alert_kind kind;
        const char *cause;         /* NULL: nothing is found */
        const struct modem *modem; /* the one to blame that sits in no slot, NULL the slot's */
};

static const enum alert_kind slot_kinds[] = {ALERT_MODEM_LOST,  ALERT_MODEM_UNUSABLE, ALERT_MODEM_NETWORK,
                                             ALERT_MODEM_STUCK, ALERT_MODEM_TIMEOUTS, ALERT_MODEM_POWER,
                                             ALERT_MODEM_RESET, ALERT_MODEM_STORAGE,  ALERT_PORT_HELD};

/* --- what is found --- */

static const char *guard_cause(enum guard guard)
{
        switch (guard) {
        case GUARD_PIN_REFUSED:
                return "sim-pin-refused";
        case GUARD_PIN_ATTEMPTS:
                return "sim-pin-attempts";
        case GUARD_PIN_MISSING:
                return "sim-pin-missing";
        case GUARD_PUK:
                return "sim-puk";
        case GUARD_STRANGE:
                return "strange-modem";
        case GUARD_NONE:
                break;
        }
        return "";
}

static const char *modem_cause(const struct modem *modem)
{
        if (modem->state == MODEM_FAILED)
                return "refused";
        if (modem->state == MODEM_SETTLING)
                return "no-port";
        switch (modem->facts.sim) {
        case SIM_ABSENT:
                return "sim-absent";
        case SIM_BUSY:
        case SIM_FAILURE:
                return "sim-failure";
        case SIM_PIN:
                return "sim-pin";
        case SIM_PUK:
                return "sim-puk";
        case SIM_UNKNOWN:
        case SIM_READY:
                break;
        }
        return modem->state == MODEM_PROBING ? "port-held" : "silent";
}

/* It has had its time, and cannot be used; not by the look of the moment. */
static bool is_unusable(const struct gateway *gateway, const struct modem *modem)
{
        switch (modem->state) {
        case MODEM_FAILED:
        case MODEM_DEGRADED:
                return true;
        case MODEM_SETTLING:
        case MODEM_PROBING:
                return gateway->now >= modem->give_up;
        case MODEM_ABSENT:
        case MODEM_READY:
        case MODEM_RECOVERING:
                break;
        }
        return false;
}

static bool could_sit_in(const struct slot *slot, const struct modem *modem)
{
        switch (slot->config.match) {
        case MATCH_USB:
                return !modem->fixed && text_equal(modem->device.path, slot->config.match_value);
        case MATCH_DEVICE:
                return modem->fixed && text_equal(modem->node, slot->config.match_value);
        case MATCH_AUTO:
        case MATCH_IMEI:
        case MATCH_IMSI:
                break;
        }
        return true;
}

/* The next modem without a slot that may be this one's: one that is well would sit in it already. */
static const struct modem *next_free(struct gateway *gateway, const struct slot *slot, unsigned *next)
{
        while (*next < gateway->n_modems) {
                unsigned i = (*next)++;
                const struct modem *modem = &gateway->modems[i];
                if (modem_present(modem) && !modem_usable(modem) && could_sit_in(slot, modem) &&
                    !slots_of_modem(&gateway->slots, i))
                        return modem;
        }
        return NULL;
}

/* A box that has just begun knows its modem's absence only when a modem would have come up; or when it had.
 */
static bool has_just_begun(const struct gateway *gateway, const struct slot *slot)
{
        return !slot->came_up && gateway->now < usec_add(gateway->alerts.begun_at, slot->config.boot_timeout);
}

static struct finding judge_empty(struct gateway *gateway, const struct slot *slot, unsigned *next)
{
        unsigned from_first = 0;
        const struct modem *modem =
            next_free(gateway, slot, slot->config.match == MATCH_AUTO ? next : &from_first);

        if (modem && is_unusable(gateway, modem))
                return (struct finding){ALERT_MODEM_UNUSABLE, modem_cause(modem), modem};
        if (modem || gateway->now < slot->away_until)
                return (struct finding){.cause = NULL}; /* it is on its way */
        if (has_just_begun(gateway, slot) &&
            !alert_book_find(&gateway->alerts.book, ALERT_MODEM_LOST, slot->config.name))
                return (struct finding){.cause = NULL};
        return (struct finding){ALERT_MODEM_LOST, "not-plugged-in", NULL};
}

static struct finding judge_unserved(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);
        enum guard guard = slot_guard(slot, gateway->modems);
        enum restart_cause cause = gateway->alerts.outage.cause;
        /* Where the network denies it handlers end, not the main process. */
        bool main_ended =
            gateway->alerts.outage.open && (cause == CAUSE_CRASH || cause == CAUSE_EXTERNAL_STOP);

        if (guard != GUARD_NONE)
                return (struct finding){ALERT_MODEM_UNUSABLE, guard_cause(guard), NULL};
        if (is_unusable(gateway, modem))
                return (struct finding){ALERT_MODEM_UNUSABLE, modem_cause(modem), NULL};
        if (gateway_slot_is_denied(gateway, slot) && !main_ended)
                return (struct finding){ALERT_MODEM_NETWORK, "denied", NULL};
        if (!gateway_company_may_restart(gateway, slot))
                return (struct finding){ALERT_MODEM_STUCK, "fails-again", NULL};
        return (struct finding){.cause = NULL};
}

static bool is_unverified_for_long(const struct gateway *gateway, const struct slot *slot)
{
        usec_t since =
            gateway->smsd.since > gateway->restart.last_at ? gateway->smsd.since : gateway->restart.last_at;

        return slot->poll_interval > 0 && usec_sub(gateway->now, since) > UNVERIFIED_TOO_LONG;
}

static struct finding judge_served(const struct gateway *gateway, const struct slot *slot,
                                   enum slot_health health)
{
        static const char *const causes[] = {
            [SLOT_UNVERIFIED] = "unverified", [SLOT_UNREGISTERED] = "unregistered",
            [SLOT_BLOCKED] = "blocked",       [SLOT_SILENT] = "silent",
            [SLOT_STUCK] = "stuck",           [SLOT_TROUBLE] = "trouble",
            [SLOT_HUNG_UP] = "hung-up"};

        switch (health) {
        case SLOT_WELL:
        case SLOT_UNSERVED:
                break;
        case SLOT_UNREGISTERED:
                return (struct finding){ALERT_MODEM_NETWORK, causes[health], NULL};
        case SLOT_UNVERIFIED:
                if (!is_unverified_for_long(gateway, slot))
                        break;
                return (struct finding){ALERT_MODEM_STUCK, causes[health], NULL};
        case SLOT_BLOCKED:
        case SLOT_HUNG_UP:
        case SLOT_SILENT:
        case SLOT_STUCK:
        case SLOT_TROUBLE:
                return (struct finding){ALERT_MODEM_STUCK, causes[health], NULL};
        }
        return (struct finding){.cause = NULL};
}

static struct finding judge(struct gateway *gateway, const struct slot *slot, enum slot_health health,
                            unsigned *next)
{
        if (!slot_modem(slot, gateway->modems))
                return judge_empty(gateway, slot, next);
        return health == SLOT_UNSERVED ? judge_unserved(gateway, slot) : judge_served(gateway, slot, health);
}

/* --- what is said --- */

static const char *last_error(const struct gateway *gateway)
{
        return gateway->smsd.last_error[0] ? gateway->smsd.last_error : "none";
}

static void describe(const struct gateway *gateway, const struct slot *slot, enum slot_health health,
                     const struct finding *finding, struct alert *alert)
{
        const struct modem *blamed = finding->modem ? finding->modem : slot_modem(slot, gateway->modems);
        char reason[ALERT_TEXT_MAX], why[ALERT_TEXT_MAX], action[ALERT_TEXT_MAX];
        bool modems_own =
            finding->kind == ALERT_MODEM_UNUSABLE && slot_guard(slot, gateway->modems) == GUARD_NONE;

        if (modems_own && blamed) {
                gateway_describe_modem(blamed, why, sizeof(why), action, sizeof(action));
                (void)text_format(reason, sizeof(reason), "%s is not served: %.300s", slot->config.name, why);
        } else {
                gateway_describe_slot(gateway, slot, health, reason, sizeof(reason), action, sizeof(action));
        }
        (void)text_clean(alert->summary, sizeof(alert->summary), reason);
        gateway_alerts_advise(gateway, alert, action);
        (void)text_copy(alert->cause, sizeof(alert->cause), finding->cause);
}

static void add_evidence(const struct gateway *gateway, const struct slot *slot, struct alert *alert)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);
        const struct modem_record *record = &slot->record;
        const char *where = modem ? modem->device.path : record->usb;

        if (modem && alert->kind == ALERT_MODEM_NETWORK)
                gateway_alerts_say(alert->evidence,
                                   "registration %s, signal %d dBm%s%s; smsd's last error: %s",
                                   registration_to_string(modem->facts.registration), modem->facts.signal_dbm,
                                   modem->facts.operator_name[0] ? ", operator " : "",
                                   modem->facts.operator_name, last_error(gateway));
        else if (modem && alert->kind != ALERT_MODEM_UNUSABLE)
                gateway_alerts_say(alert->evidence, "smsd's last error: %s", last_error(gateway));
        else if (where[0] || record->model[0])
                gateway_alerts_say(alert->evidence, "%s %s at USB %s%s%s", modem ? "it is" : "seen last:",
                                   record->model[0] ? record->model : "a modem of unknown model",
                                   where[0] ? where : "(unknown)", modem ? ", its SIM: " : "",
                                   modem ? sim_state_to_string(modem->facts.sim) : "");
        else
                gateway_alerts_say(alert->evidence, "no modem was seen for %s so far", slot->config.name);
}

/* What is done about it is part of it. */
static void add_recovery(const struct gateway *gateway, const struct slot *slot, struct alert *alert)
{
        char text[ALERT_TEXT_MAX], evidence[ALERT_TEXT_MAX];

        gateway_recovery_describe(gateway, slot->config.name, text, sizeof(text));
        if (text[0] == '\0')
                return;
        (void)text_copy(evidence, sizeof(evidence), alert->evidence);
        gateway_alerts_say(alert->evidence, "%.150s; recovery: %.220s", evidence, text);
}

/* True when it was told already. */
static bool raise_slot(struct gateway *gateway, const struct slot *slot, enum slot_health health,
                       const struct finding *finding)
{
        struct alert *alert =
            alert_book_raise(&gateway->alerts.book, finding->kind, slot->config.name, gateway->now);

        if (finding->kind == ALERT_MODEM_NETWORK &&
            usec_sub(gateway->now, alert->since) >= NETWORK_TOO_LONG && !gateway_any_slot_well(gateway))
                alert->severity = SEVERITY_CRITICAL;
        describe(gateway, slot, health, finding, alert);
        add_evidence(gateway, slot, alert);
        gateway_alerts_explain(gateway, slot, alert);
        add_recovery(gateway, slot, alert);
        return alert->told > 0;
}

/* --- timeouts --- */

static struct gateway_timeouts *find_timeouts(struct gateway *gateway, const char *modem, bool add)
{
        struct gateway_alerts *alerts = &gateway->alerts;

        for (unsigned i = 0; i < alerts->n_timeouts; i++)
                if (text_equal(alerts->timeouts[i].modem, modem))
                        return &alerts->timeouts[i];
        if (!add || alerts->n_timeouts == SMSD_MODEMS_MAX)
                return NULL;
        struct gateway_timeouts *timeouts = &alerts->timeouts[alerts->n_timeouts++];
        (void)text_copy(timeouts->modem, sizeof(timeouts->modem), modem);
        return timeouts;
}

/* The counts of minutes that are over ten minutes old are dropped. */
static void forget_old(struct gateway_timeouts *timeouts, usec_t now)
{
        uint64_t minute = now / USEC_PER_MIN;

        if (minute - timeouts->minute >= TIMEOUT_MINUTES)
                memset(timeouts->counts, 0, sizeof(timeouts->counts));
        for (uint64_t m = timeouts->minute; m < minute && m < timeouts->minute + TIMEOUT_MINUTES; m++)
                timeouts->counts[(m + 1) % TIMEOUT_MINUTES] = 0;
        timeouts->minute = minute;
}

void gateway_alerts_timeout(struct gateway *gateway, const char *modem, int timeouts)
{
        struct gateway_timeouts *seen = find_timeouts(gateway, modem, true);
        unsigned total = timeouts > 0 ? (unsigned)timeouts : 0;

        if (!seen)
                return;
        forget_old(seen, gateway->now);
        /* smsd tells a total that begins anew when the modem has answered. */
        unsigned fresh = total > seen->last ? total - seen->last : total;
        seen->counts[seen->minute % TIMEOUT_MINUTES] += fresh > 0 ? fresh : 1;
        seen->last = total;
}

static void judge_timeouts(struct gateway *gateway, const struct slot *slot)
{
        struct gateway_timeouts *seen = find_timeouts(gateway, slot->config.name, false);
        unsigned limit = gateway->config.alerts.modem_timeouts, n = 0;

        if (!seen || limit == 0)
                return;
        forget_old(seen, gateway->now);
        for (unsigned i = 0; i < TIMEOUT_MINUTES; i++)
                n += seen->counts[i];
        if (n <= limit)
                return;
        struct alert *alert =
            alert_book_raise(&gateway->alerts.book, ALERT_MODEM_TIMEOUTS, slot->config.name, gateway->now);
        (void)text_copy(alert->cause, sizeof(alert->cause), "timeouts");
        gateway_alerts_say(alert->summary, "%s: the modem did not answer smsd %u times within 10 minutes",
                           slot->config.name, n);
        gateway_alerts_say(alert->evidence, "smsd's last error: %s", last_error(gateway));
        gateway_alerts_advise(
            gateway, alert,
            "check the modem's power supply and USB cable; if it goes on, power it off and on");
}

/* --- all of them --- */

/* It is back, or its SIM is; that is over when smsd works with it, or when something else is told. */
static void keep_until_served(struct gateway *gateway, const struct slot *slot, enum slot_health health,
                              bool told)
{
        if (told || (health != SLOT_UNSERVED && health != SLOT_UNVERIFIED))
                return;
        alert_book_keep(&gateway->alerts.book, ALERT_MODEM_LOST, slot->config.name);
        alert_book_keep(&gateway->alerts.book, ALERT_MODEM_UNUSABLE, slot->config.name);
}

static bool is_unjudged(const struct gateway *gateway, enum alert_kind kind)
{
        /* Whoever holds smsd may be changing the modem; and while smsd is restarted it tells nothing. */
        return gateway->hold.active || (restart_busy(&gateway->restart) && kind != ALERT_MODEM_LOST &&
                                        kind != ALERT_MODEM_UNUSABLE && kind != ALERT_MODEM_TIMEOUTS);
}

/* A reset of ours is no news about its modem: what was told stays told. */
static void keep_all(struct gateway *gateway, const struct slot *slot)
{
        for (size_t i = 0; i < ARRAY_SIZE(slot_kinds); i++)
                alert_book_keep(&gateway->alerts.book, slot_kinds[i], slot->config.name);
}

struct gateway_slots_seen gateway_alerts_slots(struct gateway *gateway)
{
        struct gateway_slots_seen seen = {0};
        unsigned next = 0;

        for (size_t i = 0; i < ARRAY_SIZE(slot_kinds); i++)
                if (is_unjudged(gateway, slot_kinds[i]))
                        alert_book_keep(&gateway->alerts.book, slot_kinds[i], NULL);
        if (gateway->hold.active)
                return seen;
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                struct slot *slot = &gateway->slots.items[i];
                bool startable = slot_startable(slot, gateway->modems);
                enum slot_health health = gateway_slot_health(gateway, slot, gateway->now);
                slot->came_up = slot->came_up || startable;
                if (health != SLOT_WELL && gateway_recovery_is_under_way(gateway, slot->config.name)) {
                        keep_all(gateway, slot);
                        seen.troubled++;
                        continue;
                }
                struct finding finding = judge(gateway, slot, health, &next);
                bool replaced =
                    gateway_alerts_verdict(gateway, slot, finding.cause ? finding.kind : ALERT_KIND_MAX);
                keep_until_served(gateway, slot, health,
                                  finding.cause && !replaced && raise_slot(gateway, slot, health, &finding));
                gateway_alerts_storage(gateway, slot);
                seen.troubled += finding.cause != NULL;
                seen.good += !finding.cause && startable;
                seen.unverified += startable && health == SLOT_UNVERIFIED;
                if (!finding.cause || finding.kind == ALERT_MODEM_NETWORK)
                        judge_timeouts(gateway, slot);
        }
        return seen;
}

void gateway_alerts_incoming(struct gateway *gateway)
{
        const struct gateway_alerts *alerts = &gateway->alerts;
        char age[32] = "an unknown time";

        if (gateway->config.alerts.incoming_unread == 0 ||
            alerts->incoming <= (int64_t)gateway->config.alerts.incoming_unread)
                return;
        struct alert *alert =
            alert_book_raise(&gateway->alerts.book, ALERT_INCOMING_UNREAD, "", gateway->now);
        if (alerts->oldest_incoming)
                format_duration(age, sizeof(age), usec_sub(gateway->now, alerts->oldest_incoming));
        (void)text_copy(alert->cause, sizeof(alert->cause), "unread");
        gateway_alerts_say(alert->summary, "%lld received messages lie unread in smsd's incoming folder",
                           (long long)alerts->incoming);
        gateway_alerts_say(alert->evidence, "the oldest lies there for %s", age);
        gateway_alerts_advise(gateway, alert,
                              "check the program that reads them: `eventhandler` in smsd.conf, or what "
                              "watches the incoming folder");
}
