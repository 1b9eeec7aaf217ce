/*
 * The health of one modem over time: the verdict that holds, since when, and when to look again, see
 * core/health.h. What a picture means is health_findings.c's business.
 */
#include "core/health.h"

#include "base/text.h"

/* The multiple of the grid that is nearest to now + interval. */
static usec_t on_grid(usec_t now, usec_t interval)
{
        usec_t when = usec_add(now, interval + HEALTH_GRID / 2);

        return when == USEC_INFINITY ? when : when - when % HEALTH_GRID;
}

void health_init(struct health *health, usec_t now)
{
        *health = (struct health){.since = now, .next = now};
        health->verdict.cause = "unknown";
        health->verdict.what = "nothing has answered yet";
        health->verdict.alert = ALERT_KIND_MAX;
        (void)text_copy(health->verdict.next_action, sizeof(health->verdict.next_action),
                        "nothing: it is asked again");
}

bool health_update(struct health *health, const struct health_picture *picture, bool looked, usec_t now)
{
        const char *before = health->verdict.cause;

        health_judge(picture, &health->verdict);
        bool well = health->verdict.state == HEALTH_WELL;
        if (looked)
                health->next = on_grid(now, well ? HEALTH_WELL_INTERVAL : HEALTH_DOUBT_INTERVAL);
        else if (!well)
                health->next = usec_min(health->next, on_grid(now, HEALTH_DOUBT_INTERVAL));
        if (text_equal(before, health->verdict.cause))
                return false;
        health->since = now;
        return true;
}

bool health_stands(const struct health *health, usec_t now)
{
        return health->verdict.state == HEALTH_ILL && usec_sub(now, health->since) >= HEALTH_PERSIST;
}

void health_doubt(struct health *health, usec_t now)
{
        health->next = usec_min(health->next, on_grid(now, HEALTH_GRID / 2));
}

usec_t health_deadline(const struct health *health)
{
        return health->next;
}

bool health_wants_all(const struct health *health)
{
        return health->verdict.state != HEALTH_WELL;
}

const char *health_state_to_string(enum health_state state)
{
        static const char *const words[] = {"unknown", "well", "doubtful", "ill"};

        return (size_t)state < ARRAY_SIZE(words) ? words[state] : "unknown";
}
