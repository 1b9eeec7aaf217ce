/*
 * The transient timer that ends a hold when we are dead by then, see smsd_systemd_private.h. It owns what is
 * wanted and carries it out in order: stop the old timer, wait until systemd has forgotten it (its name is
 * free then), start the new one. What is wanted anew meanwhile is carried out after that, once, the last
 * wish only.
 *
 * Best effort: the daemon ends its holds itself. What fails is logged; a lost connection begins anew.
 */
#include "smsd_systemd_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

#define LEAVE_TIMEOUT (2 * USEC_PER_SEC) /* for systemd to forget a stopped timer */
#define TRIES_MAX     3
#define ACCURACY      USEC_PER_SEC

static void carry_out(struct smsd_systemd *s);

static void complain(const char *what, const sd_bus_error *error)
{
        char foreign[160];
        const char *message = error && error->message ? error->message : "no memory";

        (void)text_escape(foreign, sizeof(foreign), message, strnlen(message, sizeof(foreign)));
        log_warning("systemd could not %s the timer that ends the hold without smswardend: %s", what,
                    foreign);
}

static void finish(struct smsd_systemd *s)
{
        systemd_disarm(s->hold.timer);
        s->hold.step = HOLD_TIMER_IDLE;
        carry_out(s);
}

/* True when the answer is one of systemd. A lost connection has put everything back already. */
static bool is_answer(struct smsd_systemd *s, sd_bus_message *message, enum timer_step step)
{
        const sd_bus_error *error = sd_bus_message_get_error(message);

        if (sd_bus_message_get_bus(message) != s->link.bus || s->hold.step != step)
                return false;
        if (error && error_is_of_connection(error)) {
                link_lost(s);
                return false;
        }
        return true;
}

/* --- start --- */

static void try_again(struct smsd_systemd *s)
{
        s->hold.due = true;
        finish(s);
}

static int on_started(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(message);

        if (!is_answer(s, message, HOLD_TIMER_STARTING))
                return 0;
        if (error && sd_bus_error_has_name(error, SYSTEMD_ERROR "UnitExists") &&
            ++s->hold.tries < TRIES_MAX) {
                try_again(s);
                return 0;
        }
        if (error)
                complain("start", error);
        s->hold.tries = 0;
        finish(s);
        return 0;
}

static int append_properties(sd_bus_message *message, usec_t delay)
{
        return sd_bus_message_append(message, "a(sv)a(sa(sv))", 4, "Description", "s",
                                     "End of the hold on the SMS gateway", "TimersMonotonic", "a(st)", 1,
                                     "OnActiveSec", delay, "AccuracyUSec", "t", ACCURACY, "RemainAfterElapse",
                                     "b", 0, 0);
}

static int start_timer(struct smsd_systemd *s)
{
        sd_bus_message *message = NULL;
        /* An end that passed meanwhile: at once; 0 would never elapse. */
        usec_t delay = usec_sub(s->hold.end, clock_monotonic());
        int r = sd_bus_message_new_method_call(s->link.bus, &message, link_destination(s), SYSTEMD_PATH,
                                               SYSTEMD_MANAGER, "StartTransientUnit");

        if (r >= 0)
                r = sd_bus_message_append(message, "ss", s->hold.unit, "replace");
        if (r >= 0)
                r = append_properties(message, delay > 0 ? delay : 1);
        if (r >= 0)
                r = sd_bus_call_async(s->link.bus, NULL, message, on_started, s, 0);
        (void)sd_bus_message_unref(message);
        return r;
}

static void old_one_left(struct smsd_systemd *s)
{
        systemd_disarm(s->hold.timer);
        if (!s->hold.wanted) {
                finish(s);
                return;
        }
        s->hold.step = HOLD_TIMER_STARTING;
        s->hold.due = false; /* this start carries out the newest wish */
        if (start_timer(s) < 0)
                link_lost(s);
}

/* --- stop --- */

static int on_leave_timeout(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        struct smsd_systemd *s = userdata;

        if (s->hold.step == HOLD_TIMER_LEAVING)
                old_one_left(s);
        return 0;
}

void hold_timer_removed(struct smsd_systemd *s)
{
        s->hold.removed = true;
        if (s->hold.step == HOLD_TIMER_LEAVING)
                old_one_left(s);
}

static int on_stopped(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(message);
        bool missing = error && sd_bus_error_has_name(error, SYSTEMD_ERROR "NoSuchUnit");

        if (!is_answer(s, message, HOLD_TIMER_STOPPING))
                return 0;
        if (error && !missing)
                complain("stop", error);
        s->hold.step = HOLD_TIMER_LEAVING;
        if (error || s->hold.removed || systemd_arm(s, &s->hold.timer, LEAVE_TIMEOUT, on_leave_timeout) < 0)
                old_one_left(s);
        return 0;
}

static void carry_out(struct smsd_systemd *s)
{
        if (!s->hold.due || s->hold.step != HOLD_TIMER_IDLE || !s->link.ready)
                return;
        s->hold.step = HOLD_TIMER_STOPPING;
        s->hold.due = false;
        s->hold.removed = false;
        if (sd_bus_call_method_async(s->link.bus, NULL, link_destination(s), SYSTEMD_PATH, SYSTEMD_MANAGER,
                                     "StopUnit", on_stopped, s, "ss", s->hold.unit, "replace") < 0)
                link_lost(s);
}

/* A timer whose service is missing is taken first and fails then. */
void hold_timer_job_removed(struct smsd_systemd *s, const char *result)
{
        const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST("", result);

        if (s->hold.wanted && !text_equal(result, "done") && !text_equal(result, "canceled"))
                complain("start", &error);
}

/* --- wishes and the connection --- */

int hold_timer_want(struct smsd_systemd *s, bool wanted, usec_t delay)
{
        s->hold.wanted = wanted;
        s->hold.end = usec_add(clock_monotonic(), delay);
        s->hold.due = true;
        carry_out(s);
        return 0;
}

void hold_timer_ready(struct smsd_systemd *s)
{
        carry_out(s);
}

void hold_timer_lost(struct smsd_systemd *s)
{
        if (s->hold.step != HOLD_TIMER_IDLE)
                s->hold.due = true;
        s->hold.step = HOLD_TIMER_IDLE;
        systemd_disarm(s->hold.timer);
}
