/*
 * The ladder in words: what is wrong, what is being done about it, and what comes next.
 */
#include "ladder_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>

#define WAIT_TEXT_MAX 32

const char *ladder_state_to_string(enum ladder_state state)
{
        static const char *const names[] = {
            [LADDER_IDLE] = "idle",         [LADDER_PATIENT] = "patient", [LADDER_HELD] = "held",
            [LADDER_SPENT] = "spent",       [LADDER_QUEUED] = "queued",   [LADDER_ANNOUNCED] = "announced",
            [LADDER_STOPPING] = "stopping", [LADDER_ACTING] = "acting",   [LADDER_WATCHING] = "watching",
            [LADDER_SETTLING] = "settling", [LADDER_GAVE_UP] = "gave-up",
        };
        return state < LADDER_STATE_MAX ? names[state] : "unknown";
}

const char *ladder_step_words(enum ladder_step step)
{
        return ladder_script(step)->words;
}

/* What will be done next, as it looks now. */
static const char *next_words(const struct ladder *ladder)
{
        enum ladder_step step =
            ladder->forced != LADDER_STEP_NONE ? ladder->forced : ladder_next_step(ladder);

        return ladder_script(step)->words;
}

/* Why the last rung is left out: people ask. */
static const char *power_words(const struct ladder *ladder)
{
        const struct ladder_rung *rungs = ladder_course(ladder->kind)->rungs;
        unsigned i = 0;

        while (i < LADDER_RUNGS_MAX && rungs[i].step != LADDER_STEP_NONE &&
               rungs[i].step != LADDER_STEP_POWER)
                i++;
        if (i == LADDER_RUNGS_MAX || rungs[i].step == LADDER_STEP_NONE)
                return "";
        switch (ladder_refusal(&ladder->world, LADDER_STEP_POWER)) {
        case -EPERM:
                return "; its power was not cut, for other ports of the hub would lose theirs";
        case -EOPNOTSUPP:
                return "; there is no way to cut its power";
        default:
                return "";
        }
}

static void describe_spent(const struct ladder *ladder, usec_t now, const char *wait, char *target,
                           size_t size)
{
        unsigned hour = ladder_resets_within(ladder, USEC_PER_HOUR, now);
        unsigned day = ladder_resets_within(ladder, USEC_PER_DAY, now);

        (void)text_append(target, size,
                          "%s is due, but the budget is spent (%u resets in the last hour, %u in the "
                          "last day): waits %s",
                          next_words(ladder), hour, day, wait);
}

static void describe_given_up(const struct ladder *ladder, const char *wait, char *target, size_t size)
{
        const struct ladder_course *course = ladder_course(ladder->kind);

        if (course->rungs[0].step == LADDER_STEP_NONE)
                (void)text_append(target, size, "no reset helps; %s", course->advice);
        else
                (void)text_append(target, size, "what software may do has not helped%s; %s",
                                  power_words(ladder), course->advice);
        if (ladder->until != USEC_INFINITY)
                (void)text_append(target, size, "; tried again in %s", wait);
}

static void describe_watching(const struct ladder *ladder, const char *wait, char *target, size_t size)
{
        const char *words = ladder_script(ladder->step)->words;

        if (ladder->result < 0)
                (void)text_append(target, size, "%s did not work", words);
        else
                (void)text_append(target, size, "%s is done, watched for %s", words, wait);
        if (ladder->kind != FAILURE_NONE)
                (void)text_append(target, size, "; then, if needed: %s", next_words(ladder));
}

static void describe_patience(const struct ladder *ladder, usec_t now, const char *wait, char *target,
                              size_t size)
{
        if (now < ladder->quiet_until && ladder->until == ladder->quiet_until)
                (void)text_append(target, size, "it was not fed well a moment ago: no reset for %s; then: %s",
                                  wait, next_words(ladder));
        else
                (void)text_append(target, size, "it is given %s to come back by itself; then: %s", wait,
                                  next_words(ladder));
}

static void describe_state(const struct ladder *ladder, usec_t now, char *target, size_t size)
{
        const char *words = ladder_script(ladder->step)->words;
        char wait[WAIT_TEXT_MAX];

        format_duration(wait, sizeof(wait), usec_sub(ladder->until, now));
        switch (ladder->state) {
        case LADDER_PATIENT:
                describe_patience(ladder, now, wait, target, size);
                return;
        case LADDER_HELD:
                (void)text_append(target, size, "nothing is done during the hold; then: %s",
                                  next_words(ladder));
                return;
        case LADDER_SPENT:
                describe_spent(ladder, now, wait, target, size);
                return;
        case LADDER_QUEUED:
                (void)text_append(target, size, "%s is due, but smsd is sending through another modem",
                                  next_words(ladder));
                return;
        case LADDER_ANNOUNCED:
                (void)text_append(target, size, "the default route is on it: %s in %s", next_words(ladder),
                                  wait);
                return;
        case LADDER_STOPPING:
                (void)text_append(target, size, "smsd is being stopped for %s", next_words(ladder));
                return;
        case LADDER_ACTING:
                (void)text_append(target, size, "%s is under way", words);
                return;
        case LADDER_WATCHING:
                describe_watching(ladder, wait, target, size);
                return;
        case LADDER_SETTLING:
                (void)text_append(target, size, "it is trusted again in %s", wait);
                return;
        case LADDER_GAVE_UP:
                describe_given_up(ladder, wait, target, size);
                return;
        case LADDER_IDLE:
        case LADDER_STATE_MAX:
                break;
        }
        (void)text_append(target, size, "nothing has been done yet");
}

void ladder_describe(const struct ladder *ladder, usec_t now, char *target, size_t size)
{
        target[0] = '\0';
        if (ladder->state == LADDER_IDLE && ladder->kind == FAILURE_NONE &&
            ladder->forced == LADDER_STEP_NONE)
                return;
        (void)text_format(target, size, "%s: ",
                          ladder->kind == FAILURE_NONE ? "the modem works" : failure_describe(ladder->kind));
        describe_state(ladder, now, target, size);
}
