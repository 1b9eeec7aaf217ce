/*
 * When a failed message is sent again, see queue_retry.h.
 */
#include "core/queue_retry.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"

#include <string.h>

#define CMS_ERROR "CMS ERROR:"

static const usec_t delays[] = {2 * USEC_PER_MIN, 10 * USEC_PER_MIN, USEC_PER_HOUR};

/* smsd's own words, for what it will never send (smsd.c: spool1sms, send1sms). */
static const char *const smsd_refusals[] = {
    "Rejected by checkhandler",
    "No destination",
    "Destination is blacklisted",
    "Destination is not whitelisted",
    "Destination number does not match any provider",
    "Wrong provider queue",
    "Invalid ", /* alphabet, number type, message reference, language/language_ext, key (To) ... */
    "No text",  /* or data */
    "No data",
    "Too long ",
    "Failure with language shift tables",
    "Incorrect first byte of UDH",
};

/*
 * 3GPP TS 24.011 E-2 (RP cause) and 23.040 9.2.3.22 (TP failure cause, from 128 on): what another attempt
 * does not change. Not here: memory full, network or destination out of order, congestion, temporary failure,
 * anything of the modem or the SIM (from 300 on), which a person or a restart puts right.
 */
static const unsigned char final_codes[] = {
    1,   /* unassigned number */
    8,   /* operator determined barring */
    10,  /* call barred */
    28,  /* unidentified subscriber */
    29,  /* facility rejected */
    30,  /* unknown subscriber */
    50,  /* requested facility not subscribed */
    69,  /* requested facility not implemented */
    81,  /* invalid short message transfer reference value */
    95,  /* semantically incorrect message */
    96,  /* invalid mandatory information */
    97,  /* message type not implemented */
    99,  /* information element not implemented */
    111, /* protocol error */
    128, /* telematic interworking not supported */
    129, /* short message type 0 not supported */
    130, /* cannot replace short message */
    143, /* unspecified TP-PID error */
    144, /* data coding scheme not supported */
    145, /* message class not supported */
    159, /* unspecified TP-DCS error */
    176, /* TPDU not supported */
    193, /* no SC subscription */
    195, /* invalid SME address */
    196, /* destination SME barred */
    197, /* SM rejected, duplicate SM */
};

int queue_retry_cms_error(const char *fail_reason)
{
        const char *code = strstr(fail_reason, CMS_ERROR);
        char digits[8];
        unsigned value;

        if (!code)
                return -1;
        code += strlen(CMS_ERROR);
        code += strspn(code, " ");
        if (text_copy_n(digits, sizeof(digits), code, strspn(code, "0123456789")) < 0 ||
            parse_unsigned(digits, 0, 65535, &value) < 0)
                return -1;
        return (int)value;
}

bool queue_retry_is_final(const char *fail_reason)
{
        int code = queue_retry_cms_error(fail_reason);

        for (unsigned i = 0; i < ARRAY_SIZE(final_codes); i++)
                if (code == final_codes[i])
                        return true;
        for (unsigned i = 0; i < ARRAY_SIZE(smsd_refusals); i++)
                if (text_starts_with(fail_reason, smsd_refusals[i]))
                        return true;
        return false;
}

bool queue_retry_is_unsent(const char *fail_reason, bool pdu)
{
        return text_equal(fail_reason, "Unknown") && !pdu;
}

static enum retry_judgement judge(unsigned limit, const struct retry_message *message, usec_t *wait)
{
        unsigned last = ARRAY_SIZE(delays) - 1;

        if (limit == 0)
                return RETRY_OFF;
        if (queue_retry_is_final(message->fail_reason))
                return RETRY_FINAL;
        if (message->requeued >= limit)
                return RETRY_SPENT;
        *wait = usec_sub(delays[message->requeued < last ? message->requeued : last], message->age);
        return *wait > 0 ? RETRY_LATER : RETRY_NOW;
}

enum retry_judgement queue_retry_judge(unsigned limit, const struct retry_message *message, usec_t *ret_wait)
{
        usec_t wait = USEC_INFINITY;
        enum retry_judgement judgement = judge(limit, message, &wait);

        if (ret_wait)
                *ret_wait = wait;
        return judgement;
}

/* Puts it in its place among the chosen, the oldest first; who has none any more has to wait. */
static void choose(struct retry_plan *plan, unsigned room, const struct retry_message *messages, size_t index)
{
        unsigned place = plan->n;

        while (place > 0 && messages[plan->chosen[place - 1]].age < messages[index].age)
                place--;
        if (plan->n == room)
                plan->wait = usec_min(plan->wait, QUEUE_RETRY_PACE);
        if (place == room)
                return;
        for (unsigned i = plan->n < room ? plan->n++ : room - 1; i > place; i--)
                plan->chosen[i] = plan->chosen[i - 1];
        plan->chosen[place] = index;
}

void queue_retry_plan(unsigned limit, const struct retry_message *messages, size_t n, unsigned room,
                      struct retry_plan *ret_plan)
{
        struct retry_plan plan = {.wait = USEC_INFINITY};
        unsigned most = room < QUEUE_RETRY_WAITING_MAX ? room : QUEUE_RETRY_WAITING_MAX;

        for (size_t i = 0; i < n; i++) {
                usec_t wait;
                if (queue_retry_judge(limit, &messages[i], &wait) == RETRY_NOW)
                        choose(&plan, most, messages, i);
                else
                        plan.wait = usec_min(plan.wait, wait);
        }
        *ret_plan = plan;
}

unsigned queue_retry_room(bool can_send, int64_t outgoing, int64_t checked)
{
        if (!can_send || outgoing < 0 || checked < 0 || outgoing >= QUEUE_RETRY_WAITING_MAX ||
            checked >= QUEUE_RETRY_WAITING_MAX - outgoing)
                return 0;
        return (unsigned)(QUEUE_RETRY_WAITING_MAX - outgoing - checked);
}
