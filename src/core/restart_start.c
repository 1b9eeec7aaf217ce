/*
 * The restart path's second half: smsd.conf is written if it differs, the hold is cleared and smsd started,
 * the start is verified. The only place in the program that emits ACTION_SMSD_START is start_smsd() here; a
 * test proves it.
 */
#include "restart_private.h"

#include "base/text.h"
#include "core/conf_plan.h"
#include "core/restart_verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERIFY_TIMEOUT_AFTER (35 * USEC_PER_SEC) /* a missing device ends its handler after 30 s */
#define LOOK_SELDOM          USEC_PER_SEC
#define EDIT_RETRY           USEC_PER_SEC
#define READS_MAX            6

void restart_read_conf(struct restart *restart, const struct restart_world *world)
{
        restart_enter(restart, RESTART_READING, usec_add(world->now, RESTART_RESULT_TIMEOUT));
        restart->wait_to_read = restart->reading_good = false;
        restart->reads++;
        action_push(world->actions, ACTION_CONF_READ);
}

/* The single place that starts smsd. The hold and the old scripts' flag are cleared right before, always. */
static void start_smsd(struct restart *restart, const struct restart_world *world)
{
        if (restart->goal == RESTART_STOP) {
                restart_finish(restart, RESTART_OUTCOME_STOPPED, world);
                return;
        }
        if (restart_waits_for_job(restart, world)) {
                restart_begin_stopping(restart, world);
                return;
        }
        restart_expect(restart, world);
        if (restart->n_expected == 0) {
                restart_fail(restart, "no modem is usable any more: smsd will be started when one is ready",
                             world);
                return;
        }
        restart_enter(restart, RESTART_STARTING,
                      usec_add(world->now, world->unit_known ? RESTART_JOB_TIMEOUT : RESTART_RESULT_TIMEOUT));
        restart->job_seen = restart->unstarted = false;
        restart->started = world->now;
        restart->handlers_seen = 0;
        restart->looked = false;
        smsd_state_forget_log(world->smsd);
        /* What the ended smsd left in stats/status is the base that a fresh word of the new one is told from.
         */
        action_push(world->actions, ACTION_STATUS_READ);
        action_push(world->actions, ACTION_HOLD_CLEAR);
        action_push(world->actions, ACTION_SMSD_START);
        restart->total++;
}

static void write_conf(struct restart *restart, char *text, size_t length, const struct restart_world *world)
{
        struct action *action = action_push(world->actions, ACTION_CONF_WRITE);

        free(restart->new_text);
        restart->new_text = text;
        restart->new_length = length;
        action->conf.text = text;
        action->conf.length = length;
        restart_enter(restart, RESTART_WRITING, usec_add(world->now, RESTART_RESULT_TIMEOUT));
}

/* An own copy, ended by a NUL; NULL when out of memory. */
static char *copy_text(const char *text, size_t length)
{
        char *copy = malloc(length + 1);

        if (!copy)
                return NULL;
        memcpy(copy, text, length);
        copy[length] = '\0';
        return copy;
}

static void take_conf_text(struct restart *restart, char *text, size_t length)
{
        free(restart->conf_text);
        restart->conf_text = text;
        restart->conf_length = text ? length : 0;
}

static void conf_read_failed(struct restart *restart, int result, const struct restart_world *world)
{
        char problem[192];

        (void)text_format(problem, sizeof(problem), "smsd.conf cannot be read: %s", strerror(-result));
        restart_fail(restart, problem, world);
}

static void plain_conf_was_read(struct restart *restart, const struct conf_event *event,
                                const struct restart_world *world)
{
        struct smsd_conf conf = {.text = event->text, .length = event->length};
        struct smsd_conf_error error = {0};
        char problem[256], *text = NULL;
        size_t length = 0;

        if (event->result < 0) {
                conf_read_failed(restart, event->result, world);
                return;
        }
        take_conf_text(restart, copy_text(event->text, event->length), event->length);
        conf_plan_learn(&conf, world->slots);
        int r = conf_plan_edit(&conf, world->slots, world->modems, &text, &length, &error);
        if (r > 0) {
                write_conf(restart, text, length, world);
                return;
        }
        if (r < 0) {
                (void)text_format(problem, sizeof(problem), "smsd.conf line %u: %s; it was left as it is",
                                  error.line, error.message);
                restart_note_problem(restart, problem);
        }
        start_smsd(restart, world);
}

/* What smsd said against its configuration. */
static const char *refusal(const struct restart_world *world)
{
        return world->smsd->last_error[0] ? world->smsd->last_error : "it exited with status 1 at once";
}

static void no_good_conf(struct restart *restart, const struct restart_world *world)
{
        char problem[256];

        (void)text_format(problem, sizeof(problem),
                          "smsd refused smsd.conf (%.100s) and no configuration that worked before is kept: "
                          "correct smsd.conf and run `smswarden start`",
                          refusal(world));
        restart_fail(restart, problem, world);
}

static bool is_same_text(const struct restart *restart, const struct conf_event *event)
{
        return restart->conf_text && restart->conf_length == event->length &&
               memcmp(restart->conf_text, event->text, event->length) == 0;
}

static void good_conf_was_read(struct restart *restart, const struct conf_event *event,
                               const struct restart_world *world)
{
        struct smsd_conf conf = {.text = event->text, .length = event->length};
        struct smsd_conf_error error = {0};
        char *text = NULL;
        size_t length = 0;

        if (event->result < 0) {
                no_good_conf(restart, world);
                return;
        }
        int r = conf_plan_edit(&conf, world->slots, world->modems, &text, &length, &error);
        if (r <= 0 && is_same_text(restart, event)) {
                restart_fail(restart, "smsd refuses smsd.conf, which worked before: see its log", world);
                return;
        }
        if (r <= 0) {
                text = copy_text(event->text, event->length);
                length = event->length;
        }
        if (!text) {
                restart_fail(restart, "out of memory", world);
                return;
        }
        action_push(world->actions, ACTION_CONF_SET_ASIDE);
        write_conf(restart, text, length, world);
}

void restart_conf_was_read(struct restart *restart, const struct conf_event *event,
                           const struct restart_world *world)
{
        if (restart->wait_to_read || event->good != restart->reading_good ||
            (!event->good && world->conf_is_old))
                return;
        if (restart->goal == RESTART_STOP)
                restart_finish(restart, RESTART_OUTCOME_STOPPED, world);
        else if (event->good)
                good_conf_was_read(restart, event, world);
        else
                plain_conf_was_read(restart, event, world);
}

/* The good one is in force (or not): only now can it be said. */
static void good_conf_was_written(struct restart *restart, int result, const struct restart_world *world)
{
        char problem[256];

        if (result < 0) {
                (void)text_format(problem, sizeof(problem),
                                  "smsd refused smsd.conf (%.100s), and the last good one could not be put "
                                  "back: %s",
                                  refusal(world), strerror(-result));
                restart_fail(restart, problem, world);
                return;
        }
        (void)text_format(problem, sizeof(problem),
                          "smsd refused smsd.conf (%.100s): the last good one is back, the refused one is "
                          "kept as smsd.conf.refused",
                          refusal(world));
        restart_note_problem(restart, problem);
        start_smsd(restart, world);
}

/* Somebody edited it meanwhile: what they wrote is read and tried, also when it was to be rolled back. */
static void read_again(struct restart *restart, int result, const struct restart_world *world)
{
        restart->rolled_back = restart->reading_good = false;
        restart->wait_to_read = true;
        restart_enter(restart, RESTART_READING, usec_add(world->now, result == -EBUSY ? EDIT_RETRY : 0));
}

/* A modem whose SIM must not be tried, or that is not to be used (yet), is kept away from smsd by smsd.conf
 * alone. */
static bool any_slot_is_guarded(const struct restart_world *world)
{
        for (unsigned i = 0; i < world->slots->n; i++)
                if (world->slots->items[i].reserved ||
                    slot_guard(&world->slots->items[i], world->modems) != GUARD_NONE)
                        return true;
        return false;
}

void restart_conf_was_written(struct restart *restart, int result, const struct restart_world *world)
{
        char problem[192];

        if (result >= 0) {
                struct smsd_conf conf = {.text = restart->new_text, .length = restart->new_length};
                conf_plan_learn(&conf, world->slots);
                take_conf_text(restart, restart->new_text, restart->new_length);
        } else
                free(restart->new_text);
        restart->new_text = NULL;
        if ((result == -ESTALE || result == -EBUSY) && restart->reads < READS_MAX) {
                read_again(restart, result, world);
                return;
        }
        if (restart->rolled_back) {
                good_conf_was_written(restart, result, world);
                return;
        }
        if (result < 0) {
                (void)text_format(problem, sizeof(problem),
                                  "smsd.conf could not be written (%s): the old one is in force",
                                  strerror(-result));
                restart_note_problem(restart, problem);
                if (any_slot_is_guarded(world)) {
                        restart_finish(restart, RESTART_OUTCOME_FAILED, world);
                        return;
                }
        }
        start_smsd(restart, world);
}

/* --- start and verify --- */

void restart_look(struct restart *restart, const struct restart_world *world)
{
        bool early = usec_sub(world->now, restart->started) < 5 * USEC_PER_SEC;

        restart->next_look = usec_add(world->now, early ? RESTART_LOOK_OFTEN : LOOK_SELDOM);
        action_push(world->actions, ACTION_SCAN);
        action_push(world->actions, ACTION_STATUS_READ);
}

static void start_failed(struct restart *restart, const struct event *event,
                         const struct restart_world *world)
{
        char *problem = restart->setback_problem;

        restart->unstarted = true;
        if (event->started.problem[0])
                (void)text_copy(problem, sizeof(restart->setback_problem), event->started.problem);
        else
                (void)text_format(problem, sizeof(restart->setback_problem), "the start of smsd failed: %s",
                                  strerror(-event->started.result));
        if (!restart_set_back(restart, SETBACK_START, world))
                restart_fail(restart, problem, world);
}

void restart_was_started(struct restart *restart, const struct event *event,
                         const struct restart_world *world)
{
        restart->main = event->started.id;
        if (restart->stop_again) {
                restart_begin_stopping(restart, world);
                return;
        }
        if (event->started.result < 0) {
                start_failed(restart, event, world);
                return;
        }
        restart_enter(restart, RESTART_VERIFYING, usec_add(world->now, VERIFY_TIMEOUT_AFTER));
        restart->recheck_at = usec_add(world->now, VERIFY_TIMEOUT_AFTER);
        restart->next_look = usec_add(world->now, RESTART_LOOK_OFTEN / 5);
}

/* smsd ended at once: is it the configuration? Then the last good one goes back, once. */
static void start_was_refused(struct restart *restart, const struct restart_world *world)
{
        char problem[256];

        restart->problem[0] = '\0';
        if (restart->rolled_back) {
                (void)text_format(problem, sizeof(problem), "smsd refuses the last good smsd.conf too: %s",
                                  refusal(world));
                restart_fail(restart, problem, world);
                return;
        }
        restart->rolled_back = true;
        restart->reading_good = true;
        restart_enter(restart, RESTART_READING, usec_add(world->now, RESTART_RESULT_TIMEOUT));
        action_push(world->actions, ACTION_CONF_READ_GOOD);
}

void restart_main_ended(struct restart *restart, bool refused, const struct restart_world *world)
{
        char problem[256];

        if (refused && !restart->handlers_seen) {
                start_was_refused(restart, world);
                return;
        }
        (void)text_format(problem, sizeof(problem), "smsd ended right after its start%s%.160s",
                          world->smsd->last_error[0] ? ": " : "", world->smsd->last_error);
        restart_fail(restart, problem, world);
}

static void main_has_ended(struct restart *restart, bool refused, const struct restart_world *world)
{
        restart->setback_refused = refused;
        if (!restart_set_back(restart, SETBACK_MAIN, world))
                restart_main_ended(restart, refused, world);
}

static void timed_out_alive(struct restart *restart, const struct restart_world *world)
{
        char problem[256];

        (void)text_format(problem, sizeof(problem), "smsd runs, but the modem has not answered it%s%.140s",
                          world->smsd->last_error[0] ? ": " : "", world->smsd->last_error);
        restart_note_problem(restart, problem);
        restart_finish(restart, RESTART_OUTCOME_UNVERIFIED, world);
}

static void handler_failed(struct restart *restart, const char *what, const struct restart_world *world)
{
        char *problem = restart->setback_problem;

        restart->handler_ended = true;
        (void)text_format(problem, sizeof(restart->setback_problem), "%s%s%.160s", what,
                          world->smsd->last_error[0] ? ": " : "", world->smsd->last_error);
        if (!restart_set_back(restart, SETBACK_HANDLER, world))
                restart_handler_failed(restart, world);
}

/* One modem does not make a failure of smsd that serves others. */
void restart_handler_failed(struct restart *restart, const struct restart_world *world)
{
        restart->partly |= restart_serves_any(restart, world);
        restart_note_problem(restart, restart->setback_problem);
        restart_finish(restart, restart->partly ? RESTART_OUTCOME_UNVERIFIED : RESTART_OUTCOME_FAILED, world);
}

/* The others are not stopped for it: its handler is told to let go of the dead tty when the run is over. */
static void modem_left(struct restart *restart, const struct restart_world *world)
{
        restart_note_problem(restart, "the modem left while smsd was started");
        restart_expect_no_more(restart, world);
        if (restart->n_expected > 0) {
                restart->partly = true;
                restart->next_look = world->now;
                return;
        }
        restart_answer_all(restart, world, 1,
                           "the modem left while smsd was started: smsd is started as soon as it is back");
        restart->goal = RESTART_STOP;
        restart_begin_stopping(restart, world);
}

void restart_judge(struct restart *restart, const struct restart_world *world)
{
        switch (restart_verify(restart, world)) {
        case VERIFY_PENDING:
                if (restart->partly && restart->handlers_seen)
                        restart_finish(restart, RESTART_OUTCOME_UNVERIFIED, world);
                break;
        case VERIFY_OK:
                restart_finish(restart, restart->partly ? RESTART_OUTCOME_UNVERIFIED : RESTART_OUTCOME_OK,
                               world);
                break;
        case VERIFY_MAIN_LOST:
                main_has_ended(restart, world->smsd->config_refused, world);
                break;
        case VERIFY_HANDLER_LOST:
                handler_failed(restart, "a modem handler of smsd ended", world);
                break;
        case VERIFY_MODEM_LEFT:
                modem_left(restart, world);
                break;
        case VERIFY_TIMEOUT_ALIVE:
                timed_out_alive(restart, world);
                break;
        case VERIFY_TIMEOUT:
                handler_failed(restart, "smsd's modem handler did not open the modem's port", world);
                break;
        }
}

static void verifying_exit(struct restart *restart, const struct event *event,
                           const struct restart_world *world)
{
        bool is_main =
            restart->main.pid ? process_id_equal(event->exited.id, restart->main) : !world->smsd->running;

        if (is_main)
                main_has_ended(restart,
                               world->smsd->config_refused ||
                                   (event->exited.status_known && event->exited.status == 1),
                               world);
        else
                action_push(world->actions, ACTION_SCAN);
}

void restart_verifying_event(struct restart *restart, const struct event *event,
                             const struct restart_world *world)
{
        restart->looked |= event->kind == EVENT_PROCESSES;
        if (event->kind == EVENT_PROCESS_EXITED)
                verifying_exit(restart, event, world);
        else if (event->kind == EVENT_SMSD_LOG)
                restart->next_look =
                    usec_min(restart->next_look, usec_add(world->now, RESTART_LOOK_OFTEN / 5));
        else
                restart_judge(restart, world);
}
