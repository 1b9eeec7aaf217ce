/*
 * Other people's jobs on the unit and its state, see smsd_systemd_private.h: what the gateway must know to
 * take a `systemctl stop` for the hold it is, and to keep its hands off while the system goes down.
 *
 * A job is told when its kind is known, and together with the state of the system: a stop job of a shutdown
 * must never look like one of a person.
 */
#include "smsd_systemd_private.h"

#include "base/text.h"

#define LOOK_TIMEOUT (800 * USEC_PER_MSEC) /* the answer is promised within a second */

static bool is_up(const char *active)
{
        return text_equal(active, "active") || text_equal(active, "activating") ||
               text_equal(active, "reloading");
}

static bool is_down(const char *active)
{
        return text_equal(active, "inactive") || text_equal(active, "failed");
}

static bool same(const struct unit_state *a, const struct unit_state *b)
{
        return a->known == b->known && text_equal(a->active, b->active) && text_equal(a->sub, b->sub) &&
               a->job == b->job && a->stopped == b->stopped && a->system_stopping == b->system_stopping;
}

static void tell(struct smsd_systemd *s, const struct unit_state *state)
{
        if (!s->watch.look && same(state, &s->watch.state))
                return;
        s->watch.look = false;
        systemd_disarm(s->watch.timer);
        s->watch.state = *state;
        s->callbacks.unit(s->userdata, &s->watch.state);
}

static int on_look_timeout(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        struct smsd_systemd *s = userdata;
        const struct unit_state unknown = {.known = false};

        if (s->watch.look)
                tell(s, &unknown);
        return 0;
}

/* Never from where the question is asked: answers come from the event loop. */
void unit_watch_unknown(struct smsd_systemd *s)
{
        if (s->watch.look)
                (void)systemd_arm(s, &s->watch.timer, 0, on_look_timeout);
}

int unit_watch_look(struct smsd_systemd *s)
{
        if (!s->watch.look) {
                int r = systemd_arm(s, &s->watch.timer, LOOK_TIMEOUT, on_look_timeout);
                if (r < 0)
                        return r;
        }
        s->watch.look = true;
        if (s->link.ready)
                inquiry_ask(s);
        else
                link_hurry(s);
        return 0;
}

/* --- somebody else's job --- */

static void end_other(struct unit_watch *watch, const char *active)
{
        bool may_be_stop = watch->other.kind == UNIT_JOB_STOP || watch->other.kind == UNIT_JOB_OTHER;

        if (watch->other.id && may_be_stop && is_down(active))
                watch->stopped = true;
        watch->other = (struct other_job){0};
}

void unit_watch_other(struct smsd_systemd *s, uint32_t id)
{
        if (s->watch.other.id == id)
                return;
        /* Two within one question: the first one was replaced, and the last one decides. */
        s->watch.other = (struct other_job){.id = id, .kind = UNIT_JOB_OTHER};
        s->watch.last_kind = UNIT_JOB_OTHER;
        inquiry_ask(s);
}

/* A restart job becomes a start job when its stop is done: what was learnt first stays. */
static void note_other(struct unit_watch *watch, const struct unit_facts *facts)
{
        if (watch->other.id != facts->job)
                watch->other = (struct other_job){.id = facts->job, .kind = UNIT_JOB_OTHER};
        if (watch->other.kind == UNIT_JOB_OTHER)
                watch->other.kind = facts->job_kind;
        watch->last_kind = watch->other.kind;
}

void unit_watch_kind(struct smsd_systemd *s, const struct unit_facts *facts)
{
        if (facts->job && facts->job == s->watch.other.id)
                note_other(&s->watch, facts);
}

static void judge_other(struct smsd_systemd *s, const struct unit_facts *facts)
{
        struct unit_watch *watch = &s->watch;

        if (facts->job && facts->job == watch->other.id)
                note_other(watch, facts);
        else if (facts->job && own_job_may_be(s, facts->job))
                end_other(watch, ""); /* ours replaced it */
        else {
                end_other(watch, facts->active);
                if (facts->job)
                        note_other(watch, facts);
        }
        if (is_up(facts->active))
                watch->stopped = false;
}

void unit_watch_facts(struct smsd_systemd *s, const struct unit_facts *facts)
{
        struct unit_state state = {.known = true, .system_stopping = facts->system_stopping};

        judge_other(s, facts);
        state.job = s->watch.other.kind;
        state.stopped = s->watch.stopped;
        (void)text_copy(state.active, sizeof(state.active), facts->active);
        (void)text_copy(state.sub, sizeof(state.sub), facts->sub);
        tell(s, &state);
}
