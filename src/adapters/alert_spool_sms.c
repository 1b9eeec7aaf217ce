/*
 * See alert_spool_sms.h. "sms":[{"sms_sequence","sms_told_boottime","sms_sent":[RECEIVER,...],the alert's
 * keys},...],"sms_budgets":[{"receiver","since_boottime","spent"},...]. What is under way is not kept: it is
 * counted as sent.
 */
#include "alert_spool_sms.h"

#include "base/text.h"

#include <string.h>

/* --- writing --- */

static int append(json_t *list, json_t **ret_object)
{
        json_t *object = json_object();

        if (json_array_append_new(list, object) < 0) /* takes it, also when it fails */
                return -ENOMEM;
        *ret_object = object;
        return 0;
}

static int pack_sent(json_t *object, const struct alert_sms *sms, uint32_t sent)
{
        json_t *list = json_array();
        int r = alert_json_set(object, "sms_sent", list);

        for (unsigned i = 0; r == 0 && i < CONFIG_RECEIVERS_MAX; i++)
                if (sent & (1U << i) &&
                    json_array_append_new(list, json_string(sms->budgets[i].receiver)) < 0)
                        r = -ENOMEM;
        return r;
}

static int pack_candidate(json_t *list, const struct alert_sms *sms,
                          const struct alert_sms_candidate *candidate)
{
        json_t *object;
        int r = append(list, &object);

        if (r == 0)
                r = alert_json_set(object, "sms_sequence", alert_json_number(candidate->sequence));
        if (r == 0)
                r = alert_json_set(object, "sms_told_boottime", alert_json_number(candidate->told_at));
        if (r == 0)
                r = pack_sent(object, sms, candidate->sent);
        return r < 0 ? r : spool_book_pack_alert(object, &candidate->alert);
}

/* An alert that cannot be told does not take the others along. */
static int pack_candidates(json_t *list, const struct alert_sms *sms)
{
        int r = 0;

        for (unsigned i = 0; r == 0 && i < ALERT_SMS_CANDIDATES; i++) {
                if (!sms->candidates[i].used)
                        continue;
                r = pack_candidate(list, sms, &sms->candidates[i]);
                if (r == -EINVAL)
                        r = json_array_remove(list, json_array_size(list) - 1) < 0 ? -ENOMEM : 0;
        }
        return r;
}

static int pack_budget(json_t *list, const struct alert_sms_budget *budget)
{
        json_t *object;
        int r = append(list, &object);

        if (r == 0)
                r = alert_json_set(object, "receiver", json_string(budget->receiver));
        if (r == 0)
                r = alert_json_set(object, "since_boottime", alert_json_number(budget->since));
        return r < 0 ? r : alert_json_set(object, "spent", json_integer(budget->spent));
}

int spool_sms_pack(json_t *book, const struct alert_sms *sms)
{
        json_t *candidates = json_array(), *budgets = json_array();
        int r = alert_json_set(book, "sms", candidates), r2 = alert_json_set(book, "sms_budgets", budgets);

        if (r < 0 || r2 < 0)
                return r < 0 ? r : r2;
        r = pack_candidates(candidates, sms);
        for (unsigned i = 0; r == 0 && i < CONFIG_RECEIVERS_MAX; i++)
                if (sms->budgets[i].receiver[0])
                        r = pack_budget(budgets, &sms->budgets[i]);
        return r;
}

/* --- reading --- */

static int find_budget(const struct alert_sms *sms, const char *receiver)
{
        for (unsigned i = 0; i < CONFIG_RECEIVERS_MAX; i++)
                if (receiver[0] && text_equal(sms->budgets[i].receiver, receiver))
                        return (int)i;
        return -1;
}

static int unpack_budget(const json_t *object, struct alert_sms_budget *budget)
{
        uint64_t spent;
        int r = alert_json_get_text(object, "receiver", budget->receiver, sizeof(budget->receiver));

        if (r == 0)
                r = alert_json_get_number(object, "since_boottime", 0, INT64_MAX, &budget->since);
        if (r == 0)
                r = alert_json_get_number(object, "spent", 0, UINT32_MAX, &spent);
        if (r == 0)
                budget->spent = (unsigned)spent;
        return r < 0 || budget->receiver[0] == '\0' ? -EBADMSG : 0;
}

static int unpack_sent(const json_t *list, const struct alert_sms *sms, uint32_t *sent)
{
        const json_t *name;
        size_t i;

        if (!json_is_array(list))
                return -EBADMSG;
        json_array_foreach(list, i, name)
        {
                int at = json_is_string(name) ? find_budget(sms, json_string_value(name)) : -1;
                if (at < 0)
                        return -EBADMSG;
                *sent |= 1U << at;
        }
        return 0;
}

static int unpack_candidate(const json_t *object, const struct alert_sms *sms,
                            struct alert_sms_candidate *candidate)
{
        int r = alert_json_get_number(object, "sms_sequence", 1, INT64_MAX, &candidate->sequence);

        if (r == 0)
                r = alert_json_get_number(object, "sms_told_boottime", 0, INT64_MAX, &candidate->told_at);
        if (r == 0)
                r = unpack_sent(json_object_get(object, "sms_sent"), sms, &candidate->sent);
        if (r == 0)
                r = spool_book_unpack_alert(object, &candidate->alert);
        candidate->used = r == 0;
        return r;
}

int spool_sms_unpack(const json_t *book, struct alert_sms *ret_sms)
{
        const json_t *candidates = json_object_get(book, "sms"),
                     *budgets = json_object_get(book, "sms_budgets");
        size_t n = json_array_size(candidates), n_budgets = json_array_size(budgets);
        int r = 0;

        if (!candidates && !budgets)
                return 0;
        if (!json_is_array(candidates) || !json_is_array(budgets) || n > ALERT_SMS_CANDIDATES ||
            n_budgets > CONFIG_RECEIVERS_MAX)
                return -EBADMSG;
        for (size_t i = 0; r == 0 && i < n_budgets; i++)
                r = unpack_budget(json_array_get(budgets, i), &ret_sms->budgets[i]);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = unpack_candidate(json_array_get(candidates, i), ret_sms, &ret_sms->candidates[i]);
        return r < 0 ? -EBADMSG : 0;
}
