/*
 * Short errands of other units of ours, see smsd_systemd_private.h: smswarden-power@.service, which does what
 * our own sandbox forbids and ends. Started by StartUnit and followed by JobRemoved, each by its unit's name:
 * the same errand does not run twice at a time, so the name says whose answer it is.
 *
 * Who asks waits with a time limit of its own: an answer that is lost with the connection is not made up, but
 * told as -ENOTCONN at once.
 */
#include "smsd_systemd_private.h"

#include "base/text.h"

#include <string.h>

static struct errand *find(struct smsd_systemd *s, const char *unit)
{
        for (unsigned i = 0; i < ERRANDS_MAX; i++)
                if (text_equal(s->errands[i].unit, unit))
                        return &s->errands[i];
        return NULL;
}

/* The place is free before the callback runs: it may begin the next one. */
static void answer(struct smsd_systemd *s, struct errand *errand, int result, const char *problem)
{
        unsigned token = errand->token;

        errand->call = sd_bus_slot_unref(errand->call);
        link_unwatch_job(s, errand->unit);
        errand->unit[0] = '\0';
        s->callbacks.ran(s->userdata, token, result, problem);
}

static int on_called(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(message);
        char problem[PROBLEM_SIZE];

        for (unsigned i = 0; i < ERRANDS_MAX; i++) {
                struct errand *errand = &s->errands[i];
                if (!errand->unit[0] || errand->call != sd_bus_get_current_slot(s->link.bus))
                        continue;
                if (!error) {
                        errand->call = sd_bus_slot_unref(errand->call);
                        continue;
                }
                int r = words_of_error(error, errand->unit, problem);
                answer(s, errand, r, problem);
        }
        return 0;
}

int errand_begin(struct smsd_systemd *s, const char *unit, unsigned token)
{
        struct errand *errand = find(s, "");

        if (!s->link.ready)
                return -ENOTCONN;
        if (find(s, unit) || !errand)
                return -EBUSY;
        int r = text_copy(errand->unit, sizeof(errand->unit), unit);
        if (r >= 0)
                r = link_watch_job(s, unit);
        if (r >= 0)
                r = sd_bus_call_method_async(s->link.bus, &errand->call, link_destination(s), SYSTEMD_PATH,
                                             SYSTEMD_MANAGER, "StartUnit", on_called, s, "ss", unit,
                                             "replace");
        if (r < 0)
                errand->unit[0] = '\0';
        errand->token = token;
        return r < 0 ? r : 0;
}

void errand_job_removed(struct smsd_systemd *s, const char *unit, const char *result)
{
        struct errand *errand = unit[0] ? find(s, unit) : NULL;
        char problem[PROBLEM_SIZE];

        if (!errand)
                return;
        int r = words_of_result(result, unit, problem);
        answer(s, errand, r, problem);
}

void errand_lost(struct smsd_systemd *s)
{
        for (unsigned i = 0; i < ERRANDS_MAX; i++)
                if (s->errands[i].unit[0])
                        answer(s, &s->errands[i], -ENOTCONN, "the connection to systemd was lost");
}

void errand_end(struct smsd_systemd *s)
{
        for (unsigned i = 0; i < ERRANDS_MAX; i++)
                s->errands[i].call = sd_bus_slot_unref(s->errands[i].call);
}
