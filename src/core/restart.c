/*
 * The one restart path, see core/restart.h: requests, the phases, the end of a run. restart_stop.c and
 * restart_start.c are its two halves, restart_verify.c judges a started smsd, conf_plan.c says how smsd.conf
 * should read.
 */
#include "restart_private.h"

#include "base/parse.h"
#include "base/text.h"
#include "core/restart_verify.h"

#include <stdlib.h>
#include <string.h>

void restart_init(struct restart *restart, usec_t backoff_max)
{
        memset(restart, 0, sizeof(*restart));
        backoff_init(&restart->backoff, backoff_max);
        restart->deadline = restart->next_look = restart->recheck_at = USEC_INFINITY;
}

void restart_free(struct restart *restart)
{
        free(restart->conf_text);
        free(restart->new_text);
        restart->conf_text = restart->new_text = NULL;
}

bool restart_busy(const struct restart *restart)
{
        return restart->phase != RESTART_IDLE;
}

usec_t restart_deadline(const struct restart *restart)
{
        usec_t deadline = usec_min(restart->deadline, restart->recheck_at);

        if (restart->setback != SETBACK_NONE)
                return USEC_INFINITY; /* the look at the unit has its own */
        if (restart->phase == RESTART_STOPPING)
                deadline = usec_min(deadline, usec_min(restart->press_at, restart->release_at));
        return restart->phase == RESTART_VERIFYING ? usec_min(deadline, restart->next_look) : deadline;
}

void restart_note_problem(struct restart *restart, const char *text)
{
        if (restart->problem[0] == '\0')
                (void)text_copy(restart->problem, sizeof(restart->problem), text);
}

void restart_count_failure(struct restart *restart, usec_t now)
{
        restart->not_before = usec_add(now, backoff_fail(&restart->backoff, now));
}

void restart_tell_loop(const struct restart *restart, struct action_list *actions)
{
        if (backoff_is_loop(&restart->backoff))
                action_record(actions, RECORD_CRASH_LOOP, SEVERITY_CRITICAL, NULL,
                              "smsd has failed %u times in a row: restarts are slowed down",
                              restart->backoff.failures);
}

void restart_enter(struct restart *restart, enum restart_phase phase, usec_t deadline)
{
        restart->phase = phase;
        restart->deadline = deadline;
}

/* --- the end of a run --- */

void restart_answer_all(struct restart *restart, const struct restart_world *world, int result,
                        const char *message)
{
        for (unsigned i = 0; i < restart->n_tokens; i++)
                action_reply(world->actions, restart->tokens[i], result, "%s", message);
        restart->n_tokens = 0;
}

static void report(const struct restart *restart, const struct restart_world *world, const char *message)
{
        enum severity severity =
            restart->last_outcome == RESTART_OUTCOME_FAILED ? SEVERITY_CRITICAL
            : restart->last_outcome == RESTART_OUTCOME_UNVERIFIED || restart->last_problem[0]
                ? SEVERITY_WARNING
                : SEVERITY_INFO;

        static const enum record_kind kinds[] = {
            [RESTART_OUTCOME_NONE] = RECORD_START_FAILED,
            [RESTART_OUTCOME_OK] = RECORD_SMSD_STARTED,
            [RESTART_OUTCOME_STOPPED] = RECORD_SMSD_STOPPED,
            [RESTART_OUTCOME_UNVERIFIED] = RECORD_SMSD_UNVERIFIED,
            [RESTART_OUTCOME_FAILED] = RECORD_START_FAILED,
        };
        struct action *action =
            action_record(world->actions, kinds[restart->last_outcome], severity, NULL, "%s", message);

        action->record.duration = restart->last_duration;
        (void)text_copy(action->record.cause, sizeof(action->record.cause),
                        restart_cause_to_string(restart->last_cause));
}

static void describe(const struct restart *restart, char *message, size_t size)
{
        char duration[32];

        format_duration(duration, sizeof(duration), restart->last_duration);
        switch (restart->last_outcome) {
        case RESTART_OUTCOME_OK:
                (void)text_format(message, size, "smsd was started (%s) and verified in %s",
                                  restart_cause_to_string(restart->last_cause), duration);
                break;
        case RESTART_OUTCOME_STOPPED:
                (void)text_format(message, size, "smsd is stopped (%s)",
                                  restart_cause_to_string(restart->last_cause));
                break;
        case RESTART_OUTCOME_UNVERIFIED:
                (void)text_format(message, size, "smsd was started (%s) but is not verified",
                                  restart_cause_to_string(restart->last_cause));
                break;
        case RESTART_OUTCOME_FAILED:
        case RESTART_OUTCOME_NONE:
                (void)text_format(message, size, "smsd could not be started (%s)",
                                  restart_cause_to_string(restart->last_cause));
                break;
        }
        if (restart->last_problem[0])
                (void)text_append(message, size, ": %s", restart->last_problem);
}

static void keep_conf(const struct restart *restart, const struct restart_world *world)
{
        struct action *action = action_push(world->actions, ACTION_CONF_KEEP);

        action->conf.text = restart->conf_text;
        action->conf.length = restart->conf_length;
}

void restart_finish(struct restart *restart, enum restart_outcome outcome, const struct restart_world *world)
{
        char message[ACTION_MESSAGE_MAX];

        free(restart->new_text);
        restart->new_text = NULL;
        restart->last_cause = restart->cause;
        restart->last_outcome = outcome;
        restart->last_at = world->now;
        restart->last_duration = usec_sub(world->now, restart->begun);
        (void)text_copy(restart->last_problem, sizeof(restart->last_problem), restart->problem);
        restart_enter(restart, RESTART_IDLE, USEC_INFINITY);
        if (outcome == RESTART_OUTCOME_FAILED)
                restart_count_failure(restart, world->now);
        if (outcome == RESTART_OUTCOME_OK)
                keep_conf(restart, world);
        describe(restart, message, sizeof(message));
        report(restart, world, message);
        if (outcome == RESTART_OUTCOME_FAILED)
                restart_tell_loop(restart, world->actions);
        restart_answer_all(restart, world,
                           outcome == RESTART_OUTCOME_OK || outcome == RESTART_OUTCOME_STOPPED ? 0 : 1,
                           message);
}

void restart_fail(struct restart *restart, const char *problem, const struct restart_world *world)
{
        restart_note_problem(restart, problem);
        restart_finish(restart, RESTART_OUTCOME_FAILED, world);
}

void restart_abandon(struct restart *restart, const char *message, const struct restart_world *world)
{
        if (!restart_busy(restart))
                return;
        free(restart->new_text);
        restart->new_text = NULL;
        restart->setback = SETBACK_NONE;
        restart_answer_all(restart, world, 1, message);
        restart_enter(restart, RESTART_IDLE, USEC_INFINITY);
}

/* --- a setback --- */

bool restart_set_back(struct restart *restart, enum restart_setback setback,
                      const struct restart_world *world)
{
        if (!world->unit_known)
                return false;
        restart->setback = setback;
        restart->unit_wanted = true;
        return true;
}

/* Somebody's stop is a hold by now, and their start or restart is waited for: no failure of ours. */
static void settle_setback(struct restart *restart, const struct restart_world *world)
{
        enum restart_setback setback = restart->setback;

        if (!world->unit_fresh)
                return;
        restart->setback = SETBACK_NONE;
        if (restart->goal == RESTART_STOP || restart->job_seen)
                restart_begin_stopping(restart, world);
        else if (setback == SETBACK_MAIN)
                restart_main_ended(restart, restart->setback_refused, world);
        else if (setback == SETBACK_HANDLER)
                restart_handler_failed(restart, world);
        else
                restart_fail(restart, restart->setback_problem, world);
}

/* --- requests and events --- */

static void begin(struct restart *restart, enum restart_goal goal, enum restart_cause cause,
                  const struct restart_world *world)
{
        restart->goal = goal;
        restart->cause = cause;
        restart->begun = world->now;
        restart->problem[0] = '\0';
        restart->reads = 0;
        restart->rolled_back = restart->partly = false;
        restart->main = (struct process_id){0};
        restart->first_main = world->smsd->running ? world->smsd->main : (struct process_id){0};
        restart->job_seen = restart->yielded = restart->unstarted = false;
        restart_begin_stopping(restart, world);
}

static void add_token(struct restart *restart, unsigned token, const struct restart_world *world)
{
        if (token == 0)
                return;
        if (restart->n_tokens == ARRAY_SIZE(restart->tokens))
                action_reply(world->actions, token, 1, "too many commands wait already: try again");
        else
                restart->tokens[restart->n_tokens++] = token;
}

/* A stop overtakes a start: who waits for the start is told so. */
static void turn_to_stop(struct restart *restart, enum restart_cause cause, const struct restart_world *world)
{
        restart_answer_all(restart, world, 1, "overtaken by a stop of smsd");
        restart->goal = RESTART_STOP;
        restart->cause = cause;
        if (restart->phase == RESTART_STARTING)
                restart->stop_again = true;
        else if (restart->phase == RESTART_VERIFYING)
                restart_begin_stopping(restart, world);
}

bool restart_would_read(const struct restart *restart)
{
        return restart->phase == RESTART_STOPPING || (restart_busy(restart) && restart->goal == RESTART_STOP);
}

void restart_request(struct restart *restart, enum restart_goal goal, enum restart_cause cause,
                     unsigned token, const struct restart_world *world)
{
        if (!restart_busy(restart)) {
                begin(restart, goal, cause, world);
                add_token(restart, token, world);
                return;
        }
        if (goal == RESTART_STOP && restart->goal == RESTART_RUN)
                turn_to_stop(restart, cause, world);
        else if (goal == RESTART_RUN && restart->goal == RESTART_STOP) {
                restart_answer_all(restart, world, 1, "overtaken by a start of smsd");
                restart->goal = RESTART_RUN;
                restart->cause = cause;
                restart->stop_again = false;
        }
        add_token(restart, token, world);
}

static void phase_timeout(struct restart *restart, const struct restart_world *world)
{
        switch (restart->phase) {
        case RESTART_IDLE:
                break;
        case RESTART_STOPPING:
                restart_stopping_timeout(restart, world);
                break;
        case RESTART_READING:
                if (restart->wait_to_read)
                        restart_read_conf(restart, world);
                else
                        restart_fail(restart, "reading smsd.conf took too long", world);
                break;
        case RESTART_WRITING:
                restart_fail(restart, "writing smsd.conf took too long", world);
                break;
        case RESTART_STARTING:
                restart_fail(restart, "the start of smsd was not confirmed in time", world);
                break;
        case RESTART_VERIFYING:
                restart_judge(restart, world);
                break;
        }
}

static void time_passed(struct restart *restart, const struct restart_world *world)
{
        if (restart->recheck_at <= world->now) {
                restart->recheck_at = USEC_INFINITY;
                action_push(world->actions, ACTION_SCAN);
                action_push(world->actions, ACTION_STATUS_READ);
        }
        if (restart->phase == RESTART_STOPPING && restart->press_at <= world->now)
                restart_press_handlers(restart, world);
        if (restart->phase == RESTART_STOPPING && restart->release_at <= world->now)
                restart_release_ttys(restart, world);
        if (restart->deadline <= world->now)
                phase_timeout(restart, world);
        if (restart->phase == RESTART_VERIFYING && restart->next_look <= world->now)
                restart_look(restart, world);
}

void restart_event(struct restart *restart, const struct event *event, const struct restart_world *world)
{
        restart->job_seen |= world->job_until != 0;
        if (restart->setback != SETBACK_NONE) {
                settle_setback(restart, world);
                return;
        }
        switch (restart->phase) {
        case RESTART_IDLE:
                break;
        case RESTART_STOPPING:
                restart_stopping_event(restart, event, world);
                break;
        case RESTART_READING:
                if (event->kind == EVENT_CONF_READ)
                        restart_conf_was_read(restart, &event->conf, world);
                break;
        case RESTART_WRITING:
                if (event->kind == EVENT_CONF_WRITTEN)
                        restart_conf_was_written(restart, event->result, world);
                break;
        case RESTART_STARTING:
                if (event->kind == EVENT_START_DONE)
                        restart_was_started(restart, event, world);
                break;
        case RESTART_VERIFYING:
                restart_verifying_event(restart, event, world);
                break;
        }
        time_passed(restart, world);
}

const char *restart_cause_to_string(enum restart_cause cause)
{
        static const char *const names[CAUSE_MAX] = {
            [CAUSE_NONE] = "none",
            [CAUSE_BOOT] = "boot",
            [CAUSE_PLUG] = "plug",
            [CAUSE_MOVED] = "moved",
            [CAUSE_CRASH] = "crash",
            [CAUSE_HANDLER_LOST] = "handler-lost",
            [CAUSE_EXTERNAL_STOP] = "external-stop",
            [CAUSE_STRAY] = "stray",
            [CAUSE_HOLD_END] = "hold-end",
            [CAUSE_START] = "start",
            [CAUSE_RESTART] = "restart",
            [CAUSE_STOP] = "stop",
            [CAUSE_UNPLUG] = "unplug",
            [CAUSE_RECOVERY] = "recovery",
            [CAUSE_IDENTITY] = "identity",
        };

        return (unsigned)cause < CAUSE_MAX ? names[cause] : "?";
}

const char *restart_outcome_to_string(enum restart_outcome outcome)
{
        switch (outcome) {
        case RESTART_OUTCOME_NONE:
                return "none";
        case RESTART_OUTCOME_OK:
                return "ok";
        case RESTART_OUTCOME_STOPPED:
                return "stopped";
        case RESTART_OUTCOME_UNVERIFIED:
                return "unverified";
        case RESTART_OUTCOME_FAILED:
                return "failed";
        }
        return "?";
}

const char *restart_phase_to_string(enum restart_phase phase)
{
        switch (phase) {
        case RESTART_IDLE:
                return "idle";
        case RESTART_STOPPING:
                return "stopping";
        case RESTART_READING:
                return "reading smsd.conf";
        case RESTART_WRITING:
                return "writing smsd.conf";
        case RESTART_STARTING:
                return "starting";
        case RESTART_VERIFYING:
                return "verifying";
        }
        return "?";
}
