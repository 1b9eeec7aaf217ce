/*
 * systemd, as far as smsd's unit goes: jobs of ours and of others, one at a time, the later one replaces the
 * other (equal ones are merged); what it tells of them, a little later; a shutdown. The unit is as our
 * drop-in makes it: its main process is known, its end takes the handlers along by TERM, nobody restarts it.
 */
#include "world.h"

#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define LOOK_EVERY   (4 * USEC_PER_MSEC) /* how a job goes on */
#define STOP_TIMEOUT (95 * USEC_PER_SEC)

/* --- what it tells */

static bool has_main(const struct world *world)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].unit && world->processes[i].main)
                        return true;
        return false;
}

static bool has_processes(const struct world *world)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].unit)
                        return true;
        return false;
}

static struct event *state_now(struct world *world)
{
        struct event *event = controller_event(world, EVENT_UNIT);
        const struct world_unit *unit = &world->unit;

        memset(&event->unit, 0, sizeof(event->unit));
        if (world->direct)
                return event;
        event->unit.known = world->now >= unit->away_until;
        event->unit.job = unit->own ? UNIT_JOB_NONE : unit->job;
        event->unit.stopped = unit->stopped;
        event->unit.system_stopping = unit->system_stopping;
        (void)text_copy(event->unit.active, sizeof(event->unit.active),
                        has_main(world)        ? "active"
                        : has_processes(world) ? "deactivating"
                                               : "inactive");
        (void)text_copy(event->unit.sub, sizeof(event->unit.sub),
                        has_main(world)        ? "running"
                        : has_processes(world) ? "stop-sigterm"
                                               : "dead");
        return event;
}

static usec_t delay(struct world *world)
{
        return world_chance(world, 100, world_percent(world, 10) ? 40 * USEC_PER_MSEC : 3 * USEC_PER_MSEC);
}

static void tell(struct world *world)
{
        if (world->direct || !world->controller.gateway || world->now < world->unit.away_until)
                return;
        struct event *event = state_now(world);
        if (event->unit.job != UNIT_JOB_NONE && world->unit.began == world->now && world_percent(world, 30)) {
                event->unit.job = UNIT_JOB_OTHER; /* its kind is asked for */
                controller_post(world, event, CHANNEL_UNIT, delay(world));
                event = state_now(world);
        }
        controller_post(world, event, CHANNEL_UNIT, delay(world));
}

void unit_look(struct world *world)
{
        controller_post(world, state_now(world), CHANNEL_UNIT,
                        world->direct ? 300 : world_chance(world, 300, 4 * USEC_PER_MSEC));
}

/* --- jobs */

static void answer(struct world *world, enum event_kind kind, int result, pid_t pid)
{
        struct event *event = controller_event(world, kind);

        if (kind == EVENT_STOP_DONE) {
                event->stopped.result = result;
                event->stopped.problem[0] = '\0';
        } else {
                event->started.result = result;
                event->started.id = (struct process_id){0};
                (void)text_copy(event->started.problem, sizeof(event->started.problem),
                                result < 0 ? "systemd says no" : "");
                if (world->tells_main && smsd_find(world, pid))
                        event->started.id = smsd_find(world, pid)->id;
        }
        controller_post(world, event, CHANNEL_UNIT, delay(world));
}

/* Our job is over; nobody waits for one of an earlier life. */
static void answer_own(struct world *world, int result, pid_t pid)
{
        struct world_unit *unit = &world->unit;

        if (unit->own_life == world->controller.life)
                answer(world, unit->own_stop ? EVENT_STOP_DONE : EVENT_START_DONE, result, pid);
}

static void term_all(struct world *world, int signal)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].unit)
                        smsd_kill(world, world->processes[i].id.pid, signal, !world->unit.own);
}

static void begin_job(struct world *world, enum unit_job job, bool own)
{
        struct world_unit *unit = &world->unit;

        if (unit->job != UNIT_JOB_NONE && unit->own)
                answer_own(world, -ECANCELED, 0);
        if (!own)
                world_trace(world, "somebody's %s job on the unit", unit_job_to_string(job));
        unit->job = job;
        unit->own = own;
        unit->person_stop = job == UNIT_JOB_STOP && (own ? unit->person_stop : !unit->system_stopping);
        unit->by_shutdown = !own && unit->system_stopping;
        unit->began = world->now;
        unit->serial++;
        tell(world);
        if (job == UNIT_JOB_STOP || job == UNIT_JOB_RESTART)
                term_all(world, SIGTERM);
        world_plan(world, world_chance(world, 200, 2 * USEC_PER_MSEC), HAPPENS_UNIT, unit->serial, 0);
}

static void end_job(struct world *world)
{
        world->unit.job = UNIT_JOB_NONE;
        world->unit.ended = world->now;
        world->unit.own = false;
        tell(world);
}

static void start_done(struct world *world)
{
        struct world_unit *unit = &world->unit;
        bool fault = world->now < world->controller.start_fault_until;
        bool person = !unit->own || world->now < world->controller.person_until;
        bool own = unit->own;
        pid_t pid = fault ? 0 : smsd_start(world, true, person);

        if (!fault) {
                unit->stopped = false;
                promises_person_started(world, own);
        }
        if (smsd_find(world, pid))
                smsd_find(world, pid)->unit = true;
        if (own) {
                answer_own(world, fault ? -ENOEXEC : 0, pid);
                world->controller.person_until = 0;
        }
        end_job(world);
}

void unit_happens(struct world *world, unsigned serial)
{
        struct world_unit *unit = &world->unit;
        bool own = unit->own;

        if (serial != unit->serial || unit->job == UNIT_JOB_NONE)
                return;
        if (unit->job == UNIT_JOB_START && has_main(world)) {
                end_job(world);
                return;
        }
        if (has_processes(world)) {
                if (world->now - unit->began > STOP_TIMEOUT)
                        term_all(world, SIGKILL);
                world_plan(world, LOOK_EVERY, HAPPENS_UNIT, serial, 0);
                return;
        }
        if (unit->job == UNIT_JOB_STOP) {
                unit->stopped |= !own;
                if (own)
                        answer_own(world, 0, 0);
                else
                        promises_unit_stopped(world);
                end_job(world);
                return;
        }
        if (unit->job == UNIT_JOB_RESTART && !own) {
                unit->job = UNIT_JOB_START; /* its second half */
                tell(world);
        }
        start_done(world);
}

void unit_main_ended(struct world *world, const struct world_process *p)
{
        if (!p->unit)
                return;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].unit && !world->processes[i].main)
                        smsd_kill(world, world->processes[i].id.pid, SIGTERM, false);
        tell(world);
}

/* --- ours */

void unit_stop(struct world *world, const struct world_process *p)
{
        struct world_unit *unit = &world->unit;

        if (!p || !p->unit) {
                if (p)
                        smsd_kill(world, p->id.pid, SIGTERM, false);
                answer(world, EVENT_STOP_DONE, 0, 0);
                return;
        }
        if (unit->job == UNIT_JOB_STOP) { /* merged with somebody's, or with our own of an earlier life */
                answer(world, EVENT_STOP_DONE, 0, 0);
                return;
        }
        unit->own_stop = true;
        unit->own_life = world->controller.life;
        begin_job(world, UNIT_JOB_STOP, true);
}

void unit_start(struct world *world)
{
        if (world->unit.job != UNIT_JOB_NONE && world->unit.own) {
                answer_own(world, 0, 0); /* smsd has ended, its stop job is about to */
                world->unit.job = UNIT_JOB_NONE;
        }
        world->unit.own_stop = false;
        world->unit.own_life = world->controller.life;
        begin_job(world, UNIT_JOB_RESTART, true);
}

/* --- others' */

void unit_command(struct world *world, enum unit_job job)
{
        struct world_unit *unit = &world->unit;

        if (world->direct || unit->system_stopping)
                return;
        if (unit->job == job) /* merged; with ours nobody can tell */
                return;
        if (job == UNIT_JOB_START && has_main(world) && unit->job == UNIT_JOB_NONE)
                return;
        begin_job(world, job, false);
}

void unit_shutdown(struct world *world, bool stopping)
{
        struct world_unit *unit = &world->unit;

        if (world->direct || unit->system_stopping == stopping)
                return;
        world_trace(world, stopping ? "the system shuts down" : "the shutdown is called off");
        unit->system_stopping = stopping;
        unit->stopping_since = world->now;
        if (!stopping) /* told when the bus is back */
                unit->stopping_since = usec_max(world->now, unit->away_until);
        if (stopping)
                begin_job(world, UNIT_JOB_STOP, false);
        else
                tell(world);
}

void unit_away(struct world *world, usec_t duration)
{
        if (world->direct)
                return;
        world->unit.away_until = world->now + duration;
        controller_post(world, state_now(world), CHANNEL_UNIT, delay(world));
        world_plan(world, duration + 1, HAPPENS_UNIT_BACK, 0, 0);
}

void unit_back(struct world *world)
{
        if (world->now >= world->unit.away_until)
                tell(world);
}

void unit_forget(struct world *world)
{
        unsigned serial = world->unit.serial;

        world->unit = (struct world_unit){.serial = serial + 1};
}
