/*
 * The pause before the next attempt, see retry.h. Pauses are counted on CLOCK_BOOTTIME: a jump of the wall
 * clock neither ends nor prolongs them, and a suspended machine has waited, too.
 */
#include "retry.h"

#include "base/clock.h"
#include "core/delivery.h"

#include <sys/random.h>

#define SOON     USEC_PER_SEC /* an address has come: its route comes a moment later */
#define ACCURACY (50 * USEC_PER_MSEC)

/* Jitter, no secret: without the kernel's (at a very early boot) the clock will do. */
static uint32_t some_number(void)
{
        uint32_t number;

        if (getrandom(&number, sizeof(number), GRND_NONBLOCK) == (ssize_t)sizeof(number))
                return number;
        return (uint32_t)clock_boottime();
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct retry *retry = userdata;

        (void)source;
        (void)usec;
        retry->elapsed(retry->userdata);
        return 0;
}

int retry_init(struct retry *retry, sd_event *event, void (*elapsed)(void *userdata), void *userdata)
{
        *retry = (struct retry){.elapsed = elapsed, .userdata = userdata};
        int r = sd_event_add_time(event, &retry->timer, CLOCK_BOOTTIME, 0, ACCURACY, on_time, retry);
        return r < 0 ? r : sd_event_source_set_enabled(retry->timer, SD_EVENT_OFF);
}

void retry_done(struct retry *retry)
{
        retry->timer = sd_event_source_disable_unref(retry->timer);
}

void retry_later(struct retry *retry, unsigned attempts, usec_t retry_after)
{
        usec_t delay = delivery_retry_delay(attempts, retry_after, some_number());

        /* Only a wrong pointer makes these fail. */
        (void)sd_event_source_set_time(retry->timer, usec_add(clock_boottime(), delay));
        (void)sd_event_source_set_enabled(retry->timer, SD_EVENT_ONESHOT);
}

void retry_hasten(struct retry *retry)
{
        uint64_t due = 0;
        usec_t soon = usec_add(clock_boottime(), SOON);

        if (retry_waits(retry) && sd_event_source_get_time(retry->timer, &due) >= 0 && due > soon)
                (void)sd_event_source_set_time(retry->timer, soon);
}

void retry_stop(struct retry *retry)
{
        (void)sd_event_source_set_enabled(retry->timer, SD_EVENT_OFF);
}

bool retry_waits(const struct retry *retry)
{
        return sd_event_source_get_enabled(retry->timer, NULL) > 0;
}
