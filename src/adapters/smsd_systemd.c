/*
 * The `systemd` backend, see adapters/smsd_systemd.h. This file is the table of contents: it owns the object,
 * offers the public functions, and passes what one part learns on to the others. What the parts are is
 * written in smsd_systemd_private.h.
 */
#include "smsd_systemd_private.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

#define UNIT_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@"
#define SERVICE_SUFFIX  ".service"

/* --- time --- */

int systemd_arm(struct smsd_systemd *s, sd_event_source **source, usec_t delay,
                sd_event_time_handler_t handler)
{
        usec_t time = usec_add(clock_monotonic(), delay);

        if (!*source)
                return sd_event_add_time(s->event, source, CLOCK_MONOTONIC, time, TIMER_ACCURACY, handler, s);
        int r = sd_event_source_set_time(*source, time);
        return r < 0 ? r : sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
}

void systemd_disarm(sd_event_source *source)
{
        if (source)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* --- from one part to the others --- */

void systemd_on_ready(struct smsd_systemd *s)
{
        own_job_ready(s);
        hold_timer_ready(s);
        helper_ready(s);
        inquiry_ask(s);
}

void systemd_on_lost(struct smsd_systemd *s, bool both)
{
        inquiry_reset(s);
        own_job_lost(s);
        hold_timer_lost(s);
        errand_lost(s);
        if (both)
                unit_watch_unknown(s);
}

void systemd_on_job_new(struct smsd_systemd *s, uint32_t id)
{
        own_job_new(s, id);
        if (!own_job_may_be(s, id))
                unit_watch_other(s, id);
}

void systemd_on_job_removed(struct smsd_systemd *s, uint32_t id, const char *result)
{
        if (id == s->watch.other.id)
                inquiry_ask(s);
        own_job_removed(s, id, result);
}

/* The state first: who learns that his job was replaced must know by whom. */
void systemd_on_facts(struct smsd_systemd *s, const struct unit_facts *facts)
{
        unit_watch_facts(s, facts);
        own_job_facts(s, facts);
}

/* --- the public functions --- */

static int check_unit(const char *unit)
{
        size_t length = unit ? strlen(unit) : 0, suffix = strlen(SERVICE_SUFFIX);

        if (length <= suffix || length >= UNIT_NAME_SIZE || strspn(unit, UNIT_CHARACTERS) != length)
                return -EINVAL;
        return text_equal(unit + length - suffix, SERVICE_SUFFIX) ? 0 : -EINVAL;
}

static int copy_names(struct smsd_systemd *s, const struct smsd_systemd_options *options)
{
        size_t stem = strlen(options->hold_end_unit) - strlen(SERVICE_SUFFIX);
        const char *path = options->private_socket ? options->private_socket : SYSTEMD_PRIVATE;

        (void)text_copy(s->unit, sizeof(s->unit), options->unit);
        (void)text_format(s->hold.unit, sizeof(s->hold.unit), "%.*s.timer", (int)stem,
                          options->hold_end_unit);
        if (options->bus_address && !(s->bus_address = strdup(options->bus_address)))
                return -ENOMEM;
        if (asprintf(&s->private_address, "unix:path=%s", path) < 0) {
                s->private_address = NULL;
                return -ENOMEM;
        }
        return sd_bus_path_encode(SYSTEMD_PATH "/unit", s->unit, &s->unit_path);
}

int smsd_systemd_new(struct smsd_systemd **ret, sd_event *event, const struct smsd_systemd_options *options,
                     const struct smsd_systemd_callbacks *callbacks, void *userdata)
{
        int r = check_unit(options->unit);

        if (r == 0)
                r = check_unit(options->hold_end_unit);
        if (r < 0)
                return r;
        _cleanup_(smsd_systemd_cleanup) struct smsd_systemd *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->callbacks = *callbacks;
        s->userdata = userdata;
        r = copy_names(s, options);
        if (r < 0)
                return r;
        r = link_init(s);
        if (r < 0)
                return r;
        *ret = s;
        s = NULL;
        return 0;
}

struct smsd_systemd *smsd_systemd_free(struct smsd_systemd *s)
{
        if (!s)
                return NULL;
        s->job.call = sd_bus_slot_unref(s->job.call);
        s->job.timer = sd_event_source_disable_unref(s->job.timer);
        s->watch.timer = sd_event_source_disable_unref(s->watch.timer);
        s->hold.timer = sd_event_source_disable_unref(s->hold.timer);
        errand_end(s);
        link_end(s);
        (void)sd_event_unref(s->event);
        free(s->unit_path);
        free(s->bus_address);
        free(s->private_address);
        free(s);
        return NULL;
}

int smsd_systemd_stop(struct smsd_systemd *s)
{
        return own_job_begin(s, OWN_JOB_STOP);
}

int smsd_systemd_start(struct smsd_systemd *s)
{
        return own_job_begin(s, OWN_JOB_START);
}

int smsd_systemd_look(struct smsd_systemd *s)
{
        return unit_watch_look(s);
}

int smsd_systemd_set_hold_timer(struct smsd_systemd *s, usec_t delay)
{
        return hold_timer_want(s, true, delay);
}

int smsd_systemd_clear_hold_timer(struct smsd_systemd *s)
{
        return hold_timer_want(s, false, 0);
}

int smsd_systemd_start_helper(struct smsd_systemd *s, const char *unit)
{
        int r = check_unit(unit);

        return r < 0 ? r : helper_want(s, unit, HELPER_START);
}

int smsd_systemd_reload_helper(struct smsd_systemd *s, const char *unit)
{
        int r = check_unit(unit);

        return r < 0 ? r : helper_want(s, unit, HELPER_RELOAD);
}

int smsd_systemd_run(struct smsd_systemd *s, const char *unit, unsigned token)
{
        int r = check_unit(unit);

        return r < 0 ? r : errand_begin(s, unit, token);
}
