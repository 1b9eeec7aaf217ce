/*
 * What systemd tells of smsd's unit, and what follows from it: a stop by somebody is a hold, a start or a
 * restart by somebody is waited for and adopted, and when the whole system goes down nothing is touched any
 * more.
 *
 * systemd's word and the end of a process come in any order. So nobody judges why smsd ended, and nobody
 * starts it again, before the unit was looked at anew (without a systemd that is answered at once). It never
 * says whether smsd works: the processes do.
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_TIME   (1500 * USEC_PER_MSEC) /* a look that is not answered tells nothing */
#define JOB_TIME    (100 * USEC_PER_SEC)   /* a job of somebody that lasts longer is waited for no more */
#define LAUNCH      (10 * USEC_PER_SEC)    /* a start by hand goes into the background before, on any box */
#define CHILD_SHOWS (USEC_PER_SEC)         /* what it has left behind is a main process before */
#define STARTED_BY  (5 * USEC_PER_SEC) /* who is seen to run so soon after a start job was started by it */

/* --- looking --- */

void gateway_look_at_unit(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_unit *unit = &gateway->unit;

        unit->fresh = false;
        unit->look_again = unit->asked_until != 0; /* the answer on its way may be older than the question */
        if (unit->look_again)
                return;
        unit->asked_until = usec_add(gateway->now, LOOK_TIME);
        action_push(actions, ACTION_UNIT_LOOK);
}

static void take_answer(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_unit *unit = &gateway->unit;

        /* Its kind decides everything, and systemd is about to tell it. */
        if (unit->asked_until == 0 || unit->state.job == UNIT_JOB_OTHER)
                return;
        bool again = unit->look_again;
        unit->asked_until = 0;
        unit->look_again = false;
        if (again)
                gateway_look_at_unit(gateway, actions);
        else
                unit->fresh = true;
}

/* --- who waits for whom --- */

usec_t gateway_job_until(const struct gateway *gateway)
{
        usec_t until = gateway->unit.job_since ? usec_add(gateway->unit.job_since, JOB_TIME) : 0;

        return gateway->now < until ? until : 0;
}

static bool stop_is_unjudged(const struct gateway *gateway)
{
        return gateway->unit.stop_since != 0 && !gateway->unit.stop_taken;
}

bool gateway_waits_for_unit(const struct gateway *gateway)
{
        return gateway_job_until(gateway) != 0 || gateway->unit.unseen || gateway->loss.pending ||
               (stop_is_unjudged(gateway) && !gateway->unit.fresh);
}

usec_t gateway_unit_deadline(const struct gateway *gateway)
{
        usec_t until = gateway->unit.asked_until ? gateway->unit.asked_until : USEC_INFINITY;
        usec_t job = gateway_job_until(gateway);
        usec_t child = usec_add(gateway->loss.at, CHILD_SHOWS);

        if (gateway->loss.pending && gateway->loss.launcher && gateway->now < child)
                until = usec_min(until, child);
        return usec_min(until, job ? job : USEC_INFINITY);
}

/* --- what has changed --- */

static bool starts(enum unit_job job)
{
        return job == UNIT_JOB_START || job == UNIT_JOB_RESTART || job == UNIT_JOB_OTHER;
}

static void note_job(struct gateway *gateway, enum unit_job before, struct action_list *actions)
{
        struct gateway_unit *unit = &gateway->unit;
        enum unit_job job = unit->state.job;

        /* A restart job turns into a start job when smsd has ended: each half has its own time. */
        if (job != UNIT_JOB_NONE && job != before && before != UNIT_JOB_OTHER)
                unit->job_since = gateway->now;
        if (job == UNIT_JOB_STOP)
                unit->started_by = UNIT_JOB_NONE;
        if (starts(job)) {
                if (unit->started_by != UNIT_JOB_RESTART || before == UNIT_JOB_NONE)
                        unit->started_by = job;
                unit->started_until = USEC_INFINITY;
        }
        if (job != UNIT_JOB_NONE || before == UNIT_JOB_NONE)
                return;
        unit->job_since = 0;
        unit->started_until = usec_add(gateway->now, STARTED_BY);
        unit->unseen = true; /* what came of it, the processes tell */
        action_push(actions, ACTION_SCAN);
        gateway_smsd_opened(gateway);
}

/* A stop is told twice: as the job, and as its outcome. */
static void note_stop(struct gateway *gateway, const struct unit_state *before, struct action_list *actions)
{
        struct gateway_unit *unit = &gateway->unit;
        bool job = unit->state.job == UNIT_JOB_STOP && before->job != UNIT_JOB_STOP;
        bool outcome = unit->state.stopped && unit->stop_since == 0;

        if (unit->state.known && unit->state.job != UNIT_JOB_STOP && !unit->state.stopped) {
                unit->stop_since = 0;
                unit->stop_taken = false;
        }
        if (!job && !outcome)
                return;
        unit->stop_since = gateway->loss.pending ? gateway->loss.at : gateway->now;
        unit->stop_taken = unit->stopping;
        unit->stop_before_us = !unit->heard && !job;
        /* A shutdown stops units too, and may be known a moment later only. */
        if (unit->asked_until == 0 && !unit->stop_taken)
                gateway_look_at_unit(gateway, actions);
}

void gateway_overrule_stop(struct gateway *gateway)
{
        if (stop_is_unjudged(gateway))
                gateway->unit.stop_taken = true;
}

static void note_shutdown(struct gateway *gateway, bool stopping, struct action_list *actions)
{
        struct restart_world world = gateway_world(gateway, actions);

        if (stopping == gateway->unit.stopping)
                return;
        gateway_overrule_stop(gateway);
        gateway->unit.stopping = stopping;
        if (!stopping) {
                action_record(actions, RECORD_SYSTEM_STOPPING, SEVERITY_INFO, NULL,
                              "the shutdown of the system was called off: smsd is looked after again");
                gateway->flag.fresh = gateway->unit.fresh = false;
                gateway->unit.unseen = true;
                action_push(actions, ACTION_SCAN);
                return;
        }
        action_record(actions, RECORD_SYSTEM_STOPPING, SEVERITY_INFO, NULL,
                      "the system is shutting down: smsd is left to it");
        restart_abandon(&gateway->restart, GATEWAY_SHUTTING_DOWN, &world);
        gateway_refuse_waiting(gateway, GATEWAY_SHUTTING_DOWN, actions);
        gateway->alone_at = USEC_INFINITY;
}

/* --- a stop by somebody --- */

static void take_stop(struct gateway *gateway, struct action_list *actions)
{
        struct hold_record record = {.source = HOLD_SOURCE_SYSTEMCTL, .since = gateway->unit.stop_since};
        struct restart_world world = gateway_world(gateway, actions);
        char length[32];

        gateway->unit.stop_taken = true;
        if (gateway->hold.active)
                return;
        (void)text_copy(record.by, sizeof(record.by), "systemctl");
        (void)text_format(record.reason, sizeof(record.reason), "systemctl stop %.200s",
                          gateway->config.unit);
        format_duration(length, sizeof(length), gateway->config.hold_default);
        action_record(actions, RECORD_HOLD_BEGUN, SEVERITY_INFO, NULL,
                      "%.100s was stopped by systemctl: this is a hold of %s", gateway->config.unit, length);
        gateway_hold_taken(gateway, &record, actions);
        gateway_refuse_waiting(gateway, "overtaken by a stop of smsd", actions);
        if (restart_busy(&gateway->restart))
                restart_request(&gateway->restart, RESTART_STOP, CAUSE_STOP, 0, &world);
}

/* While smsd runs and nobody else acts on it, the outcome of a stop job is awaited: it may be cancelled. */
static bool is_stopped(const struct gateway *gateway)
{
        const struct gateway_unit *unit = &gateway->unit;

        return unit->state.stopped || !gateway->smsd.running || restart_busy(&gateway->restart);
}

/* --- the end of smsd --- */

static bool says_running(const struct gateway_unit *unit)
{
        return text_equal(unit->state.active, "active") && text_equal(unit->state.sub, "running");
}

/* systemd says that smsd runs, and the picture of the processes is older than that. */
static bool must_look_again(struct gateway *gateway, struct action_list *actions)
{
        if (gateway->loss.seen_again || gateway->smsd.running || !says_running(&gateway->unit))
                return false;
        gateway->loss.seen_again = gateway->unit.unseen = true;
        action_push(actions, ACTION_SCAN);
        return true;
}

/* Somebody's job explains it. */
static bool ended_by_job(const struct gateway *gateway)
{
        const struct gateway_unit *unit = &gateway->unit;
        bool runs_anew = gateway->smsd.running && says_running(unit);

        return gateway->hold.active || unit->state.job != UNIT_JOB_NONE || unit->stop_since != 0 ||
               runs_anew || (unit->started_by != UNIT_JOB_NONE && gateway->now < unit->started_until);
}

/* --- a start that goes into the background --- */

/* smsd without -t (a person, an old script) leaves its work to a child and ends: nothing is lost then. */
static bool may_be_launcher(const struct gateway *gateway, const struct event *event)
{
        usec_t age = usec_sub(gateway->now, process_started(event->exited.id));

        return age < LAUNCH && !(event->exited.status_known && event->exited.status != 0);
}

static bool waits_for_child(const struct gateway *gateway)
{
        const struct gateway_loss *loss = &gateway->loss;

        return loss->launcher && gateway->now < usec_add(loss->at, CHILD_SHOWS) &&
               (!loss->scanned || gateway->smsd.undecided);
}

/* Who runs now was there when it ended, and was started after it. */
static bool was_launcher(const struct gateway *gateway)
{
        const struct gateway_loss *loss = &gateway->loss;
        struct process_id main = gateway->smsd.main;

        return loss->launcher && gateway->smsd.running && !gateway->smsd.undecided &&
               main.start_time >= loss->id.start_time && process_started(main) <= loss->at;
}

static void tell_loss(struct gateway *gateway, bool clean, struct action_list *actions)
{
        const struct gateway_loss *loss = &gateway->loss;
        char how[32] = "";

        restart_count_failure(&gateway->restart, loss->at);
        if (loss->status_known && !clean)
                (void)text_format(how, sizeof(how), loss->status < 0 ? ", signal %d" : ", status %d",
                                  abs(loss->status));
        action_record(actions, clean ? RECORD_SMSD_ENDED : RECORD_SMSD_DIED,
                      clean ? SEVERITY_WARNING : SEVERITY_CRITICAL, NULL, "smsd (pid %d) %s%s%s%.120s",
                      (int)loss->id.pid, clean ? "was ended by somebody, without a hold" : "died", how,
                      gateway->smsd.last_error[0] ? "; its last error: " : "", gateway->smsd.last_error);
        restart_tell_loop(&gateway->restart, actions);
}

/* What ended by a job and is started by one, was restarted: the first half may be over before it is told. */
static void ended_for_restart(struct gateway *gateway)
{
        struct gateway_unit *unit = &gateway->unit;

        if (unit->started_by == UNIT_JOB_NONE && !gateway->smsd.running)
                return;
        if (unit->started_by == UNIT_JOB_NONE)
                unit->started_until = usec_add(gateway->now, STARTED_BY);
        unit->started_by = UNIT_JOB_RESTART;
}

static void judge_loss(struct gateway *gateway, struct action_list *actions)
{
        const struct gateway_loss *loss = &gateway->loss;
        bool clean = loss->status_known ? loss->status == 0 : gateway->smsd.ended_cleanly;
        bool by_job = gateway->unit.heard && ended_by_job(gateway);

        gateway->loss.pending = false;
        if (!by_job && was_launcher(gateway))
                return;
        gateway->cause = clean || by_job ? CAUSE_EXTERNAL_STOP : CAUSE_CRASH;
        if (gateway->unit.stopping)
                action_record(actions, RECORD_SYSTEM_STOPPING, SEVERITY_INFO, NULL,
                              "smsd (pid %d) has ended with the system", (int)loss->id.pid);
        else if (!by_job)
                tell_loss(gateway, clean, actions);
        else
                ended_for_restart(gateway);
        if (gateway->smsd.running && !restart_busy(&gateway->restart))
                gateway_tell_adoption(gateway, actions);
}

void gateway_main_ended(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        gateway->loss = (struct gateway_loss){.pending = true,
                                              .id = event->exited.id,
                                              .status_known = event->exited.status_known,
                                              .status = event->exited.status,
                                              .at = gateway->now,
                                              .launcher = may_be_launcher(gateway, event)};
        gateway_look_at_unit(gateway, actions);
        if (gateway->loss.launcher)
                gateway_smsd_opened(gateway); /* its child has all before it */
        if (!gateway->unit.state.known && !gateway->loss.launcher)
                return;
        gateway->unit.unseen = gateway->unit.state.known; /* a restart by somebody may be through already */
        action_push(actions, ACTION_SCAN);
}

/* --- the judgement --- */

static void judge(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_unit *unit = &gateway->unit;

        if (!unit->fresh || !gateway->smsd.scanned)
                return;
        /* It was before our time, and whoever runs now was started since. */
        bool outlived = unit->stop_before_us && gateway->smsd.running;
        if (unit->stopping || outlived)
                gateway_overrule_stop(gateway);
        if (stop_is_unjudged(gateway) && is_stopped(gateway))
                take_stop(gateway, actions);
        if (gateway->loss.pending && !unit->unseen && !waits_for_child(gateway) &&
            !must_look_again(gateway, actions))
                judge_loss(gateway, actions);
}

void gateway_unit_heard(struct gateway *gateway, const struct unit_state *state, struct action_list *actions)
{
        static const struct unit_state nothing;
        struct gateway_unit *unit = &gateway->unit;
        struct unit_state before = unit->state;

        unit->state = state->known ? *state : nothing;
        if (!state->known) /* silence (systemd reads its units anew) ends nobody's job, nor undoes a stop */
                unit->state.job = before.job;
        note_job(gateway, before.job, actions);
        note_stop(gateway, &before, actions);
        /* On the way down the bus goes first: silence calls no shutdown off. */
        if (state->known)
                note_shutdown(gateway, state->system_stopping, actions);
        if (!state->known)
                unit->unseen = false;
        unit->heard |= state->known;
        take_answer(gateway, actions);
        judge(gateway, actions);
}

void gateway_unit_seen(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_unit *unit = &gateway->unit;
        bool in_vain = unit->unseen && unit->state.job == UNIT_JOB_NONE && starts(unit->started_by) &&
                       !gateway->smsd.running && !gateway->loss.pending;

        unit->unseen = false;
        gateway->loss.scanned = true;
        if (in_vain && !restart_busy(&gateway->restart)) {
                unit->started_by = UNIT_JOB_NONE;
                action_record(actions, RECORD_START_FAILED, SEVERITY_WARNING, NULL,
                              "somebody's start of %.100s by systemctl has brought no smsd up",
                              gateway->config.unit);
        }
        judge(gateway, actions);
}

void gateway_unit_time(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_unit *unit = &gateway->unit;
        bool unjudged = gateway->loss.pending || stop_is_unjudged(gateway);

        /* A run of the path that began meanwhile wants another look. */
        if (unjudged && !unit->fresh && unit->asked_until == 0)
                gateway_look_at_unit(gateway, actions);
        if (unit->asked_until == 0 && gateway->loss.pending && gateway->loss.launcher &&
            !waits_for_child(gateway))
                judge(gateway, actions);
        if (unit->asked_until == 0 || gateway->now < unit->asked_until)
                return;
        unit->asked_until = 0;
        unit->look_again = false;
        unit->fresh = true;
        judge(gateway, actions);
}

/* --- words --- */

void gateway_tell_adoption(struct gateway *gateway, struct action_list *actions)
{
        struct gateway_unit *unit = &gateway->unit;
        bool by_job = unit->started_by != UNIT_JOB_NONE && gateway->now < unit->started_until;
        const char *how = !by_job                                ? "started by somebody else"
                          : unit->started_by == UNIT_JOB_RESTART ? "restarted by systemctl"
                                                                 : "started by systemctl";

        unit->started_by = UNIT_JOB_NONE;
        if (gateway->enumerated)
                action_record(actions, RECORD_SMSD_ADOPTED, SEVERITY_INFO, NULL,
                              "smsd (pid %d) was %s and is adopted", (int)gateway->smsd.main.pid, how);
}
