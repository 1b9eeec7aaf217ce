/*
 * The alerts that the verdict on a modem makes (core/health, gateway_verdict.c) beside those of smsd's own
 * signs (gateway_alerts_modem.c): one trouble is one alert. What explains more takes the other's place; where
 * both say the same, the verdict's evidence is told.
 */
#include "gateway_private.h"

#include "base/text.h"

/* A failure must stand before anybody is told; what is no failure (a restart by itself, a weak supply) is
 * told as it is seen. */
static bool has_alert(const struct gateway *gateway, const struct slot *slot)
{
        const struct health_verdict *verdict = &slot->health.verdict;

        if (verdict->alert == ALERT_KIND_MAX || verdict->alert == ALERT_MODEM_STORAGE)
                return false;
        return verdict->state != HEALTH_ILL || health_stands(&slot->health, gateway->now);
}

static void fill(const struct gateway *gateway, const struct slot *slot, struct alert *alert)
{
        const struct health_verdict *verdict = &slot->health.verdict;

        (void)text_copy(alert->cause, sizeof(alert->cause), verdict->cause);
        gateway_alerts_say(alert->summary, "%s: %s", slot->config.name, verdict->what);
        gateway_alerts_say(alert->evidence, "%s", verdict->evidence);
        gateway_alerts_advise(gateway, alert, verdict->next_action);
}

/* The cause of all else. */
static bool explains_all(enum alert_kind kind)
{
        return kind == ALERT_MODEM_POWER || kind == ALERT_PORT_HELD;
}

bool gateway_alerts_verdict(struct gateway *gateway, const struct slot *slot, enum alert_kind other)
{
        const struct health_verdict *verdict = &slot->health.verdict;
        bool wanted = other == ALERT_KIND_MAX ? verdict->alert != ALERT_MODEM_LOST /* it has its own time */
                                              : explains_all(verdict->alert);

        if (restart_busy(&gateway->restart) || !wanted || !has_alert(gateway, slot))
                return false;
        if (other != ALERT_KIND_MAX)
                alert_book_keep(&gateway->alerts.book, other, slot->config.name);
        struct alert *alert =
            alert_book_raise(&gateway->alerts.book, verdict->alert, slot->config.name, gateway->now);
        alert->severity = verdict->severity;
        fill(gateway, slot, alert);
        return true;
}

void gateway_alerts_explain(const struct gateway *gateway, const struct slot *slot, struct alert *alert)
{
        if (slot->health.verdict.alert != alert->kind || !has_alert(gateway, slot))
                return;
        if (gateway_verdict_explains(gateway, slot))
                fill(gateway, slot, alert);
        else if (slot->health.verdict.evidence[0])
                gateway_alerts_say(alert->evidence, "%s; smsd's last error: %s",
                                   slot->health.verdict.evidence,
                                   gateway->smsd.last_error[0] ? gateway->smsd.last_error : "none");
}

/* Whatever else is wrong. A look that was not answered knows nothing of it: then it stays as it was told. */
void gateway_alerts_storage(struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);
        enum health_storage storage = slot->health.verdict.storage;

        if (storage == STORAGE_UNKNOWN)
                alert_book_keep(&gateway->alerts.book, ALERT_MODEM_STORAGE, slot->config.name);
        if (!modem || (storage != STORAGE_FULL && storage != STORAGE_NEARLY_FULL))
                return;
        struct alert *alert =
            alert_book_raise(&gateway->alerts.book, ALERT_MODEM_STORAGE, slot->config.name, gateway->now);
        bool full = storage == STORAGE_FULL;
        alert->severity = full ? SEVERITY_CRITICAL : SEVERITY_WARNING;
        (void)text_copy(alert->cause, sizeof(alert->cause), full ? "storage-full" : "storage-nearly-full");
        gateway_alerts_say(alert->summary, "%s: the modem's memory for messages is %s", slot->config.name,
                           full ? "full: nothing more is received" : "nearly full");
        gateway_alerts_say(alert->evidence, "%d of %d places are taken", modem->facts.storage_used,
                           modem->facts.storage_total);
        gateway_alerts_advise(
            gateway, alert,
            "see why smsd does not take them (`incoming`, `memory_start` in smsd.conf); delete read "
            "messages, or set cleanup = yes in [storage]");
}
