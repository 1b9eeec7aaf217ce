/*
 * Another unit of ours that systemd is to start, see smsd_systemd_private.h: smswarden-notify.service. Nobody
 * waits for it, and what fails is asked for again by who wants it; so there is one wish, which waits for a
 * connection when there is none.
 */
#include "smsd_systemd_private.h"

#include "base/log.h"
#include "base/text.h"

#include <string.h>

static const char *method_of(enum helper_wish wish)
{
        return wish == HELPER_START ? "StartUnit" : "ReloadOrTryRestartUnit";
}

/* Once, until it works again: it will be asked for again and again. */
static void complain(struct smsd_systemd *s, const sd_bus_error *error)
{
        char foreign[160];

        if (s->helper.told)
                return;
        s->helper.told = true;
        (void)text_escape(foreign, sizeof(foreign), error->message ? error->message : error->name,
                          strnlen(error->message ? error->message : error->name, sizeof(foreign)));
        log_warning("systemd does not start %s: %s", s->helper.unit, foreign);
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(message);

        if (sd_bus_message_get_bus(message) != s->link.bus)
                return 0;
        if (!error)
                s->helper.told = false;
        else if (error_is_of_connection(error))
                link_lost(s);
        else
                complain(s, error);
        return 0;
}

static void carry_out(struct smsd_systemd *s)
{
        enum helper_wish wish = s->helper.wish;

        if (wish == HELPER_NOTHING || !s->link.ready)
                return;
        s->helper.wish = HELPER_NOTHING;
        if (sd_bus_call_method_async(s->link.bus, NULL, link_destination(s), SYSTEMD_PATH, SYSTEMD_MANAGER,
                                     method_of(wish), on_answer, s, "ss", s->helper.unit, "replace") < 0)
                link_lost(s);
}

void helper_ready(struct smsd_systemd *s)
{
        carry_out(s);
}

/* A reload is for who runs: it is of no use behind a start, which reads everything anew. */
int helper_want(struct smsd_systemd *s, const char *unit, enum helper_wish wish)
{
        int r = text_copy(s->helper.unit, sizeof(s->helper.unit), unit);

        if (r < 0)
                return r;
        if (s->helper.wish != HELPER_START)
                s->helper.wish = wish;
        carry_out(s);
        return 0;
}
