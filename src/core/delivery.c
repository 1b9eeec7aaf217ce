/*
 * The decisions of a delivery, see core/delivery.h, and the text form of a receiver's state. Nothing here
 * knows how anything is sent; the file that the text goes into, and who reads it, are an adapter's.
 *
 * The text is read by a process that trusts its writer little: every value is checked, a key that is not
 * known is passed over (a newer version wrote it), one that came twice makes all of it worthless.
 */
#include "core/delivery.h"

#include "base/pairs.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define RETRY_FIRST        USEC_PER_SEC
#define RETRY_MAX          (5 * USEC_PER_MIN)
#define RETRY_DOUBLINGS    9 /* 512 s: more than the most */
#define RETRY_AFTER_MAX    USEC_PER_HOUR
#define LINE_MAX_LENGTH    256 /* a key and the longest value */
#define JITTER_SPAN        500 /* thousandths: 750 .. 1250 */
#define JITTER_LEAST       750
#define BOOLEAN_TEXT(flag) ((flag) ? "yes" : "no")

/* --- who wants what --- */

/* `*` any number of characters, `?` one. Goes back to the last star only, so it takes length x length steps
 * at the most. */
static bool pattern_matches(const char *pattern, size_t length, const char *text)
{
        const char *end = pattern + length, *star = NULL, *resume = NULL;

        while (*text) {
                if (pattern < end && *pattern == '*') {
                        star = ++pattern;
                        resume = text;
                } else if (pattern < end && (*pattern == '?' || *pattern == *text)) {
                        pattern++;
                        text++;
                } else if (star) {
                        pattern = star;
                        text = ++resume;
                } else {
                        return false;
                }
        }
        while (pattern < end && *pattern == '*')
                pattern++;
        return pattern == end;
}

static bool is_matched(const char *patterns, const struct alert *alert)
{
        const char *kind = alert_kind_to_string(alert->kind);
        const char *p = patterns + strspn(patterns, " \t");

        if (*p == '\0')
                return true;
        while (*p) {
                size_t length = strcspn(p, " \t");
                if (pattern_matches(p, length, kind) || pattern_matches(p, length, alert->key))
                        return true;
                p += length + strspn(p + length, " \t");
        }
        return false;
}

const struct delivery_receiver *delivery_find(const struct delivery *delivery, const char *name)
{
        for (unsigned i = 0; i < delivery->n; i++)
                if (text_equal(delivery->receivers[i].name, name))
                        return &delivery->receivers[i];
        return NULL;
}

bool delivery_wants(const struct receiver_config *receiver, const struct alert *alert)
{
        if (alert->only[0])
                return text_equal(alert->only, receiver->name);
        if (alert->kind == ALERT_TEST)
                return true; /* it asks whether the way is open, not how bad things are */
        return alert->severity >= receiver->min_severity && is_matched(receiver->match, alert);
}

/* --- what an answer means --- */

/*
 * 2xx            done
 * 408 425 429    it says itself: later
 * 3xx            parked: a redirect is never followed, for it may lead out of TLS or to another host
 * other 4xx      parked: this request will never be right
 * 5xx            its fault, and it may pass
 * anything else  no final answer, or no HTTP
 */
enum delivery_verdict delivery_judge_http(unsigned status)
{
        if (status >= 200 && status <= 299)
                return DELIVERY_DONE;
        if (status == 408 || status == 425 || status == 429)
                return DELIVERY_RETRY;
        return status >= 300 && status <= 499 ? DELIVERY_PARK : DELIVERY_RETRY;
}

usec_t delivery_retry_delay(unsigned attempts, usec_t retry_after, uint32_t random)
{
        unsigned doublings = attempts > 0 ? attempts - 1 : 0;
        usec_t delay = RETRY_MAX;

        if (doublings < RETRY_DOUBLINGS)
                delay = usec_min(RETRY_FIRST << doublings, RETRY_MAX);
        delay = delay / 1000 * (JITTER_LEAST + random % (JITTER_SPAN + 1));
        /* What it asked for is the least; to come later is allowed. */
        retry_after = usec_min(retry_after, RETRY_AFTER_MAX);
        return delay > retry_after ? delay : retry_after;
}

/* --- the text --- */

int delivery_encode(const struct delivery_receiver *receiver, char *target, size_t size)
{
        char problem[sizeof(receiver->problem)];

        (void)text_clean(problem, sizeof(problem), receiver->problem); /* cut is as good */
        int r = text_format(
            target, size,
            "# smswarden-notify: what became of the alerts at this receiver\n"
            "name=%s\nspool=%s\nposition=%" PRIu64 "\ndelivered=%" PRIu64 "\nparked=%" PRIu64
            "\ndamaged=%" PRIu64 "\nlast_delivered=%" PRId64 "\nfailing_since=%" PRId64
            "\nattempts=%u\nproblem=%s\nparked_last=%" PRIu64 "\ntest=%s\ntest_delivered=%s\n",
            receiver->name, receiver->spool, receiver->position, receiver->delivered, receiver->parked,
            receiver->damaged, receiver->last_delivered, receiver->failing_since, receiver->attempts, problem,
            receiver->parked_last, receiver->test, BOOLEAN_TEXT(receiver->test_delivered));
        return r < 0 ? r : (int)strlen(target);
}

/* Readers of one value: 0, or negative for one that cannot be. `size` is that of the field. */
static int take_name(void *target, size_t size, const char *value)
{
        int r = config_name_check(value, size);

        return r < 0 ? r : text_copy(target, size, value);
}

/* An id, or nothing. */
static int take_id(void *target, size_t size, const char *value)
{
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";

        if (value[0] && !text_only(value, allowed, size - 1))
                return -EINVAL;
        return text_copy(target, size, value);
}

/* Fit to be shown as it is. */
static int take_text(void *target, size_t size, const char *value)
{
        char clean[LINE_MAX_LENGTH];

        if (text_clean(clean, sizeof(clean), value) < 0 || !text_equal(clean, value))
                return -EINVAL;
        return text_copy(target, size, value);
}

static int take_number(void *target, size_t size, const char *value)
{
        uint64_t *number = target;

        (void)size;
        return parse_u64(value, 0, UINT64_MAX, number);
}

static int take_time(void *target, size_t size, const char *value)
{
        int64_t *time = target;
        uint64_t number;
        int r = parse_u64(value, 0, INT64_MAX, &number);

        (void)size;
        if (r == 0)
                *time = (int64_t)number;
        return r;
}

static int take_count(void *target, size_t size, const char *value)
{
        unsigned *count = target;

        (void)size;
        return parse_unsigned(value, 0, UINT_MAX, count);
}

static int take_flag(void *target, size_t size, const char *value)
{
        bool *flag = target;

        (void)size;
        return parse_boolean(value, flag);
}

#define FIELD(field)                                                                                         \
        offsetof(struct delivery_receiver, field), sizeof(((struct delivery_receiver *)NULL)->field)

static const struct key {
        const char *name;
        int (*take)(void *target, size_t size, const char *value);
        size_t offset, size;
} keys[] = {
    {"name", take_name, FIELD(name)}, /* the first three must be there */
    {"spool", take_id, FIELD(spool)},
    {"position", take_number, FIELD(position)},
    {"damaged", take_number, FIELD(damaged)},
    {"delivered", take_number, FIELD(delivered)},
    {"parked", take_number, FIELD(parked)},
    {"last_delivered", take_time, FIELD(last_delivered)},
    {"failing_since", take_time, FIELD(failing_since)},
    {"attempts", take_count, FIELD(attempts)},
    {"problem", take_text, FIELD(problem)},
    {"parked_last", take_number, FIELD(parked_last)},
    {"test", take_id, FIELD(test)},
    {"test_delivered", take_flag, FIELD(test_delivered)},
};

#define KEYS_NEEDED 0x7U

struct parsed {
        struct delivery_receiver receiver;
        unsigned seen; /* a bit for each key */
};

static int take_pair(void *userdata, const char *name, const char *value)
{
        struct parsed *parsed = userdata;

        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
                if (!text_equal(name, keys[i].name))
                        continue;
                if (parsed->seen & (1U << i) ||
                    keys[i].take((char *)&parsed->receiver + keys[i].offset, keys[i].size, value) < 0)
                        return -EBADMSG;
                parsed->seen |= 1U << i;
        }
        return 0;
}

int delivery_decode(const char *text, size_t length, struct delivery_receiver *ret_receiver)
{
        struct parsed parsed = {0};

        if (pairs_read(text, length, take_pair, &parsed) < 0 || (parsed.seen & KEYS_NEEDED) != KEYS_NEEDED)
                return -EBADMSG;
        *ret_receiver = parsed.receiver;
        return 0;
}
