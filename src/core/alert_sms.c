/*
 * See core/alert_sms.h.
 */
#include "core/alert_sms.h"

#include "base/text.h"

#include <string.h>

static struct alert_sms_candidate *find(struct alert_sms *sms, const char *key)
{
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++)
                if (sms->candidates[i].used && text_equal(sms->candidates[i].alert.key, key))
                        return &sms->candidates[i];
        return NULL;
}

/* A free place, else that of the oldest: what is new matters more. */
static struct alert_sms_candidate *place(struct alert_sms *sms)
{
        struct alert_sms_candidate *oldest = &sms->candidates[0];

        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++) {
                if (!sms->candidates[i].used)
                        return &sms->candidates[i];
                if (sms->candidates[i].sequence < oldest->sequence)
                        oldest = &sms->candidates[i];
        }
        return oldest;
}

/* A hold that became critical is news for who was told of a warning only. */
static bool is_news(const struct alert_sms_candidate *known, const struct alert *alert)
{
        return !known || alert->severity > known->alert.severity;
}

void alert_sms_note(struct alert_sms *sms, const struct alert *alert, uint64_t sequence, usec_t now)
{
        struct alert_sms_candidate *known = find(sms, alert->key);

        if (alert->state == ALERT_RESOLVED) {
                if (known)
                        known->used = false; /* over: nobody is to be woken by it any more */
                return;
        }
        if (!is_news(known, alert))
                return;
        if (!known)
                known = place(sms);
        *known =
            (struct alert_sms_candidate){.used = true, .sequence = sequence, .told_at = now, .alert = *alert};
}

bool alert_sms_is_empty(const struct alert_sms *sms)
{
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++)
                if (sms->candidates[i].used)
                        return false;
        for (unsigned i = 0; i < CONFIG_RECEIVERS_MAX; i++)
                if (sms->budgets[i].receiver[0])
                        return false;
        return true;
}

void alert_sms_new_boot(struct alert_sms *sms)
{
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++) {
                struct alert_sms_candidate *candidate = &sms->candidates[i];
                if (!candidate->used)
                        continue;
                candidate->told_at = 0;
                candidate->alert.since = candidate->alert.until = candidate->alert.ended = 0;
        }
        for (unsigned i = 0; i < CONFIG_RECEIVERS_MAX; i++)
                sms->budgets[i].since = sms->budgets[i].spent = 0;
}
