/*
 * The restart path's first half: ask smsd to end, wait until every process of it is gone, kill by exact
 * identity what does not go. "Gone" is what a scan says, never a pidfile or the main process alone: main can
 * leave its handlers behind.
 */
#include "restart_private.h"

#include "base/text.h"

#include <errno.h>
#include <signal.h>

#define STOP_TIMEOUT      (65 * USEC_PER_SEC) /* a PDU waits up to 60 s for the modem's +CMGS */
#define STOP_TIMEOUT_DEAD (8 * USEC_PER_SEC)  /* on a dead tty no PDU can be under way */
#define STOP_EXTENSIONS   8                   /* a multipart message: a few more PDUs */
#define KILL_AGAIN        (2 * USEC_PER_SEC)
#define KILLS_MAX         5
#define PRESS_AFTER       (5 * USEC_PER_SEC)
#define ASIDE_TIMEOUT     (10 * USEC_PER_SEC) /* a rename, or a copy of a message to another disk */

static bool was_termed(const struct restart *restart, struct process_id id)
{
        for (unsigned i = 0; i < restart->n_termed; i++)
                if (process_id_equal(restart->termed[i], id))
                        return true;
        return false;
}

static void signal_process(const struct restart_world *world, struct process_id id, int signal)
{
        struct action *action = action_push(world->actions, ACTION_SIGNAL);

        action->process.id = id;
        action->process.signal = signal;
}

/* Asked once: TERM lets a PDU go out first. */
static void term_once(struct restart *restart, struct process_id id, const struct restart_world *world)
{
        if (was_termed(restart, id) || restart->n_termed == ARRAY_SIZE(restart->termed))
                return;
        restart->termed[restart->n_termed++] = id;
        signal_process(world, id, SIGTERM);
}

/* Handlers without a main process, or a second main; during a stop perhaps one that somebody starts just now
 * and that has not written its pidfile yet: what it is will be seen in a moment. */
static void term_strays(struct restart *restart, const struct restart_world *world)
{
        for (unsigned i = 0; i < world->smsd->n_strays; i++) {
                struct process_id id = world->smsd->strays[i];
                if (restart->goal == RESTART_RUN || process_started(id) <= restart->stop_begun)
                        term_once(restart, id, world);
        }
}

bool restart_waits_for_job(const struct restart *restart, const struct restart_world *world)
{
        return restart->goal == RESTART_RUN && world->now < world->job_until;
}

void restart_press_handlers(struct restart *restart, const struct restart_world *world)
{
        restart->press_at = restart_waits_for_job(restart, world) ? world->job_until : USEC_INFINITY;
        if (restart->press_at != USEC_INFINITY)
                return;
        for (unsigned i = 0; i < world->smsd->n_handlers; i++)
                term_once(restart, world->smsd->handlers[i].id, world);
}

static bool tty_is_dead(const struct smsd_handler *handler, const struct restart_world *world)
{
        bool dead = handler->tty_deleted;

        for (unsigned s = 0; s < world->slots->n && !dead; s++) {
                const struct slot *slot = &world->slots->items[s];
                dead = handler->tty[0] && text_equal(slot->serving, handler->tty) &&
                       !slot_modem(slot, world->modems) &&
                       !modems_have_port(world->modems, world->n_modems, handler->tty);
        }
        return dead;
}

static bool all_ttys_dead(const struct smsd_state *smsd, const struct restart_world *world)
{
        for (unsigned i = 0; i < smsd->n_handlers; i++)
                if (!tty_is_dead(&smsd->handlers[i], world))
                        return false;
        return smsd->n_handlers > 0;
}

/*
 * TERM is heard between two AT commands, and on a dead tty each of them takes 5 s: the modem would come back
 * under other numbers meanwhile. What the kernel calls deleted is dead for certain, nothing can be under way
 * there that a kill could break; what only our picture of the modems says is not enough.
 */
static void watch_dead_ttys(struct restart *restart, const struct restart_world *world)
{
        for (unsigned i = 0; i < world->smsd->n_handlers && restart->release_at == USEC_INFINITY; i++)
                if (world->smsd->handlers[i].tty_deleted)
                        restart->release_at = usec_add(world->now, SMSD_RELEASE_AFTER);
}

void restart_release_ttys(struct restart *restart, const struct restart_world *world)
{
        restart->release_at = USEC_INFINITY;
        for (unsigned i = 0; i < world->smsd->n_handlers; i++)
                if (world->smsd->handlers[i].tty_deleted)
                        signal_process(world, world->smsd->handlers[i].id, SIGKILL);
        action_push(world->actions, ACTION_SCAN);
}

/* Whoever is the main process now: somebody may start another while we wait for the end of the first. */
static void ask_main(struct restart *restart, const struct restart_world *world)
{
        const struct smsd_state *smsd = world->smsd;

        if (!smsd->running || process_id_equal(restart->asked, smsd->main))
                return;
        restart->asked = smsd->main;
        restart->press_at = usec_add(world->now, PRESS_AFTER);
        restart->deadline =
            usec_add(world->now, all_ttys_dead(smsd, world) ? STOP_TIMEOUT_DEAD : STOP_TIMEOUT);
        action_push(world->actions, ACTION_SMSD_STOP)->process.id = smsd->main;
}

static void ask_to_stop(struct restart *restart, const struct restart_world *world)
{
        ask_main(restart, world);
        term_strays(restart, world);
        watch_dead_ttys(restart, world);
}

void restart_begin_stopping(struct restart *restart, const struct restart_world *world)
{
        restart_enter(restart, RESTART_STOPPING, usec_add(world->now, STOP_TIMEOUT));
        restart->stop_again = restart->job_waited = false;
        restart->aside = restart->aside_over = false;
        restart->setback = SETBACK_NONE;
        restart->stop_begun = world->anew_since ? world->anew_since : world->now;
        restart->stop_of = world->smsd->running ? world->smsd->main : (struct process_id){0};
        restart->asked = (struct process_id){0};
        restart->press_at = restart->release_at = USEC_INFINITY;
        restart->extensions = restart->kills = restart->n_termed = 0;
        restart->recheck_at = USEC_INFINITY;
        /* Never act on an old picture: somebody may have started smsd a moment ago. */
        action_push(world->actions, ACTION_SCAN);
}

/* Whoever runs now was started by somebody's job: what was wanted is there, and whether it is served well is
 * seen as with every smsd that is adopted. A person who asked for a restart gets one. */
static bool somebody_has_started(const struct restart *restart, const struct smsd_state *smsd)
{
        return restart->goal == RESTART_RUN && restart->job_seen && restart->n_tokens == 0 && smsd->running &&
               !process_id_equal(smsd->main, restart->first_main) &&
               !process_id_equal(smsd->main, restart->main);
}

/*
 * No smsd is left: the one moment in which a message may be taken out of its hands, and every path comes by
 * here. Whoever starts smsd next waits for it, but not for ever.
 */
static bool puts_aside(struct restart *restart, const struct restart_world *world)
{
        bool before = restart->aside;

        restart->aside = world->poisoned && !restart->aside_over && world->smsd->n_ours == 0;
        if (restart->aside && !before)
                restart->deadline = usec_add(world->now, ASIDE_TIMEOUT);
        return restart->aside;
}

bool restart_waits_for_aside(const struct restart *restart)
{
        return restart->phase == RESTART_STOPPING && restart->aside;
}

/* Somebody may have started smsd meanwhile: it is looked for once more. */
static void aside_is_over(struct restart *restart, const struct restart_world *world)
{
        restart->aside = false;
        restart->aside_over = true;
        restart->deadline = usec_add(world->now, STOP_TIMEOUT);
        action_push(world->actions, ACTION_SCAN);
}

static void stopping_scanned(struct restart *restart, const struct restart_world *world)
{
        const struct smsd_state *smsd = world->smsd;

        if (restart_waits_for_job(restart, world)) {
                restart->job_waited = true;
                restart->deadline = world->job_until;
                return;
        }
        if (somebody_has_started(restart, smsd)) {
                restart->yielded = true;
                restart_abandon(restart, "", world);
                return;
        }
        /* What was to be stopped is gone, and somebody has started it anew: theirs is not ours to end. */
        bool begun_anew = restart->goal == RESTART_STOP && smsd->running &&
                          !process_id_equal(smsd->main, restart->stop_of) &&
                          !process_id_equal(smsd->main, restart->main) &&
                          process_started_since(smsd->main, restart->stop_begun);

        if (puts_aside(restart, world))
                return;
        if (smsd->n_ours > 0 && !begun_anew) {
                ask_to_stop(restart, world);
                return;
        }
        if (restart->goal == RESTART_STOP)
                restart_finish(restart, RESTART_OUTCOME_STOPPED, world);
        else
                restart_read_conf(restart, world);
}

static void go_on_after_job(struct restart *restart, const struct restart_world *world)
{
        restart->job_waited = restart_waits_for_job(restart, world);
        restart->deadline = restart->job_waited ? world->job_until : usec_add(world->now, STOP_TIMEOUT);
        if (!restart->job_waited)
                action_push(world->actions, ACTION_SCAN);
}

/* systemd could not be asked, or does not do it: TERM to exactly this process does the same. */
static void stop_failed(struct restart *restart, const struct event *event, const struct restart_world *world)
{
        if (event->stopped.result == -ECANCELED)
                return; /* by somebody else's job, which is told by itself */
        if (event->stopped.problem[0])
                restart_note_problem(restart, event->stopped.problem);
        if (world->smsd->running && process_id_equal(world->smsd->main, restart->asked))
                term_once(restart, restart->asked, world);
}

void restart_stopping_timeout(struct restart *restart, const struct restart_world *world)
{
        const struct smsd_state *smsd = world->smsd;

        if (restart_waits_for_job(restart, world) || restart->job_waited) {
                go_on_after_job(restart, world);
                return;
        }
        if (restart->aside) {
                restart_note_problem(restart,
                                     "a message that crashes the modem could not be put aside in time");
                aside_is_over(restart, world);
                return;
        }
        /* The infofile may be left over: only a handler can be sending. */
        if (smsd->sending && smsd->n_handlers + smsd->n_strays > 0 && restart->extensions < STOP_EXTENSIONS &&
            restart->kills == 0) {
                restart->extensions++;
                restart->deadline = usec_add(world->now, STOP_TIMEOUT);
                action_push(world->actions, ACTION_SCAN);
                return;
        }
        if (restart->kills == KILLS_MAX) {
                restart_fail(
                    restart,
                    "an smsd process does not end, not even by SIGKILL: it hangs in the kernel; unplug the "
                    "modem or reboot",
                    world);
                return;
        }
        if (restart->kills++ == 0)
                restart_note_problem(restart, "smsd did not stop in time and was killed");
        for (unsigned i = 0; i < smsd->n_ours; i++)
                signal_process(world, smsd->ours[i], SIGKILL);
        restart->deadline = usec_add(world->now, KILL_AGAIN);
        action_push(world->actions, ACTION_SCAN);
}

void restart_stopping_event(struct restart *restart, const struct event *event,
                            const struct restart_world *world)
{
        if (event->kind == EVENT_PROCESSES)
                stopping_scanned(restart, world);
        else if (restart->job_waited && !restart_waits_for_job(restart, world))
                go_on_after_job(restart, world);
        else if (restart->aside && !world->poisoned)
                aside_is_over(restart, world);
        if (event->kind == EVENT_STOP_DONE && event->stopped.result < 0)
                stop_failed(restart, event, world);
        /* Every exit is confirmed by a scan: main may have left its handlers behind. */
        if (event->kind == EVENT_PROCESS_EXITED || event->kind == EVENT_STOP_DONE)
                action_push(world->actions, ACTION_SCAN);
}
