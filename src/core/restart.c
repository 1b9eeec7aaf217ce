/*
 * The one restart path, see core/restart.h. The state machine only: how a started smsd is judged is
 * restart_verify, how smsd.conf should read is conf_plan. The only place in the program that emits
 * ACTION_SMSD_START is start_smsd() below; a test proves it.
 */
#include "core/restart.h"

#include "base/parse.h"
#include "base/text.h"
#include "core/conf_plan.h"
#include "core/restart_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define STOP_TIMEOUT         (65 * USEC_PER_SEC) /* a PDU waits up to 60 s for the modem's +CMGS */
#define STOP_TIMEOUT_DEAD    (8 * USEC_PER_SEC)  /* on a dead tty no PDU can be under way */
#define STOP_EXTENSIONS      8                   /* a multipart message: a few more PDUs */
#define KILL_AGAIN           (2 * USEC_PER_SEC)
#define KILLS_MAX            5
#define RESULT_TIMEOUT       (30 * USEC_PER_SEC) /* an action that never reports back */
#define VERIFY_TIMEOUT_AFTER (35 * USEC_PER_SEC) /* a missing device ends its handler after 30 s */
#define LOOK_OFTEN           (100 * USEC_PER_MSEC)
#define LOOK_SELDOM          USEC_PER_SEC
#define EDIT_RETRY           USEC_PER_SEC
#define READS_MAX            6

void restart_init(struct restart *restart, usec_t backoff_max)
{
        memset(restart, 0, sizeof(*restart));
        backoff_init(&restart->backoff, backoff_max);
        restart->deadline = restart->next_look = restart->recheck_at = USEC_INFINITY;
}

void restart_free(struct restart *restart)
{
        free(restart->conf_text);
        restart->conf_text = NULL;
}

bool restart_busy(const struct restart *restart)
{
        return restart->phase != RESTART_IDLE;
}

usec_t restart_deadline(const struct restart *restart)
{
        usec_t deadline = usec_min(restart->deadline, restart->recheck_at);

        return restart->phase == RESTART_VERIFYING ? usec_min(deadline, restart->next_look) : deadline;
}

static void note_problem(struct restart *restart, const char *text)
{
        if (restart->problem[0] == '\0')
                (void)text_copy(restart->problem, sizeof(restart->problem), text);
}

void restart_count_failure(struct restart *restart, usec_t now)
{
        restart->not_before = usec_add(now, backoff_fail(&restart->backoff, now));
}

static void enter(struct restart *restart, enum restart_phase phase, usec_t deadline)
{
        restart->phase = phase;
        restart->deadline = deadline;
}

/* --- the end of a run
 * ------------------------------------------------------------------------------------------------- */

static void answer_all(struct restart *restart, const struct restart_world *world, int result,
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

        action_record(world->actions, RECORD_RESTART, severity, NULL, "%s", message);
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

static void finish(struct restart *restart, enum restart_outcome outcome, const struct restart_world *world)
{
        char message[ACTION_MESSAGE_MAX];

        free(restart->conf_text);
        restart->conf_text = NULL;
        restart->last_cause = restart->cause;
        restart->last_outcome = outcome;
        restart->last_at = world->now;
        restart->last_duration = usec_sub(world->now, restart->begun);
        (void)text_copy(restart->last_problem, sizeof(restart->last_problem), restart->problem);
        enter(restart, RESTART_IDLE, USEC_INFINITY);
        if (outcome == RESTART_OUTCOME_FAILED)
                restart_count_failure(restart, world->now);
        if (outcome == RESTART_OUTCOME_OK)
                action_push(world->actions, ACTION_CONF_KEEP);
        for (unsigned i = 0; i < world->slots->n; i++)
                world->slots->items[i].pass_guard = false;
        describe(restart, message, sizeof(message));
        report(restart, world, message);
        answer_all(restart, world,
                   outcome == RESTART_OUTCOME_OK || outcome == RESTART_OUTCOME_STOPPED ? 0 : 1, message);
}

static void fail(struct restart *restart, const char *problem, const struct restart_world *world)
{
        note_problem(restart, problem);
        finish(restart, RESTART_OUTCOME_FAILED, world);
}

/* --- stop
 * -------------------------------------------------------------------------------------------------------------
 */

static void read_conf(struct restart *restart, const struct restart_world *world)
{
        enter(restart, RESTART_READING, usec_add(world->now, RESULT_TIMEOUT));
        restart->wait_to_read = restart->reading_good = false;
        restart->reads++;
        action_push(world->actions, ACTION_CONF_READ);
}

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

/* Handlers without a main process (or a second main) are asked one by one, once: TERM lets a PDU go out
 * first. */
static void term_strays(struct restart *restart, const struct restart_world *world)
{
        const struct smsd_state *smsd = world->smsd;

        for (unsigned i = 0; i < smsd->n_strays; i++) {
                if (was_termed(restart, smsd->strays[i]) || restart->n_termed == ARRAY_SIZE(restart->termed))
                        continue;
                restart->termed[restart->n_termed++] = smsd->strays[i];
                signal_process(world, smsd->strays[i], SIGTERM);
        }
}

static bool all_ttys_dead(const struct smsd_state *smsd, const struct restart_world *world)
{
        for (unsigned i = 0; i < smsd->n_handlers; i++) {
                const struct smsd_handler *handler = &smsd->handlers[i];
                bool dead = handler->tty_deleted;
                for (unsigned s = 0; s < world->slots->n && !dead; s++) {
                        const struct slot *slot = &world->slots->items[s];
                        dead = handler->tty[0] && text_equal(slot->serving, handler->tty) &&
                               !slot_modem(slot, world->modems);
                }
                if (!dead)
                        return false;
        }
        return smsd->n_handlers > 0;
}

static void ask_to_stop(struct restart *restart, const struct restart_world *world)
{
        if (!restart->stop_asked && world->smsd->running) {
                struct action *action = action_push(world->actions, ACTION_SMSD_STOP);
                action->process.id = world->smsd->main;
                restart->deadline = usec_add(world->now, all_ttys_dead(world->smsd, world) ? STOP_TIMEOUT_DEAD
                                                                                           : STOP_TIMEOUT);
        }
        restart->stop_asked = true;
        term_strays(restart, world);
}

static void begin_stopping(struct restart *restart, const struct restart_world *world)
{
        enter(restart, RESTART_STOPPING, usec_add(world->now, STOP_TIMEOUT));
        restart->stop_asked = restart->stop_again = false;
        restart->extensions = restart->kills = restart->n_termed = 0;
        restart->recheck_at = USEC_INFINITY;
        /* Never act on an old picture: somebody may have started smsd a moment ago. */
        action_push(world->actions, ACTION_SCAN);
}

static void stopping_scanned(struct restart *restart, const struct restart_world *world)
{
        if (world->smsd->n_ours > 0) {
                ask_to_stop(restart, world);
                return;
        }
        if (restart->goal == RESTART_STOP)
                finish(restart, RESTART_OUTCOME_STOPPED, world);
        else
                read_conf(restart, world);
}

static void stopping_timeout(struct restart *restart, const struct restart_world *world)
{
        const struct smsd_state *smsd = world->smsd;

        if (smsd->sending && restart->extensions < STOP_EXTENSIONS && restart->kills == 0) {
                restart->extensions++;
                restart->deadline = usec_add(world->now, STOP_TIMEOUT);
                action_push(world->actions, ACTION_SCAN);
                return;
        }
        if (restart->kills == KILLS_MAX) {
                fail(restart,
                     "an smsd process does not end, not even by SIGKILL: it hangs in the kernel; unplug the "
                     "modem or reboot",
                     world);
                return;
        }
        if (restart->kills++ == 0)
                note_problem(restart, "smsd did not stop in time and was killed");
        for (unsigned i = 0; i < smsd->n_ours; i++)
                signal_process(world, smsd->ours[i], SIGKILL);
        restart->deadline = usec_add(world->now, KILL_AGAIN);
        action_push(world->actions, ACTION_SCAN);
}

/* --- write
 * ------------------------------------------------------------------------------------------------------------
 */

/* The single place that starts smsd. The hold and the old scripts' flag are cleared right before, always. */
static void start_smsd(struct restart *restart, const struct restart_world *world)
{
        if (restart->goal == RESTART_STOP) {
                finish(restart, RESTART_OUTCOME_STOPPED, world);
                return;
        }
        restart_expect(restart, world);
        if (restart->n_expected == 0) {
                fail(restart, "no modem is usable any more: smsd will be started when one is ready", world);
                return;
        }
        enter(restart, RESTART_STARTING, usec_add(world->now, RESULT_TIMEOUT));
        restart->started = world->now;
        restart->handlers_seen = 0;
        smsd_state_forget_log(world->smsd);
        action_push(world->actions, ACTION_HOLD_CLEAR);
        action_push(world->actions, ACTION_SMSD_START);
        restart->total++;
}

static void write_conf(struct restart *restart, char *text, size_t length, const struct restart_world *world)
{
        struct action *action = action_push(world->actions, ACTION_CONF_WRITE);

        free(restart->conf_text);
        restart->conf_text = text;
        action->conf.text = text;
        action->conf.length = length;
        enter(restart, RESTART_WRITING, usec_add(world->now, RESULT_TIMEOUT));
}

static void conf_read_failed(struct restart *restart, int result, const struct restart_world *world)
{
        char problem[192];

        (void)text_format(problem, sizeof(problem), "smsd.conf cannot be read: %s", strerror(-result));
        fail(restart, problem, world);
}

static void conf_was_read(struct restart *restart, const struct conf_event *event,
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
        conf_plan_learn(&conf, world->slots);
        int r = conf_plan_edit(&conf, world->slots, world->modems, &text, &length, &error);
        if (r > 0) {
                write_conf(restart, text, length, world);
                return;
        }
        if (r < 0) {
                (void)text_format(problem, sizeof(problem), "smsd.conf line %u: %s; it was left as it is",
                                  error.line, error.message);
                note_problem(restart, problem);
        }
        start_smsd(restart, world);
}

static void good_conf_was_read(struct restart *restart, const struct conf_event *event,
                               const struct restart_world *world)
{
        struct smsd_conf conf = {.text = event->text, .length = event->length};
        struct smsd_conf_error error = {0};
        char *text = NULL;
        size_t length = 0;

        if (event->result < 0) {
                fail(restart,
                     "no configuration that worked before is kept: correct smsd.conf and run `smswarden "
                     "start`",
                     world);
                return;
        }
        int r = conf_plan_edit(&conf, world->slots, world->modems, &text, &length, &error);
        if (r <= 0) {
                text = malloc(event->length + 1);
                if (!text) {
                        fail(restart, "out of memory", world);
                        return;
                }
                memcpy(text, event->text, event->length);
                text[event->length] = '\0';
                length = event->length;
        }
        action_push(world->actions, ACTION_CONF_SET_ASIDE);
        write_conf(restart, text, length, world);
}

static void conf_was_written(struct restart *restart, int result, const struct restart_world *world)
{
        char problem[192];

        free(restart->conf_text);
        restart->conf_text = NULL;
        if ((result == -ESTALE || result == -EBUSY) && restart->reads < READS_MAX) {
                enter(restart, RESTART_READING, usec_add(world->now, result == -EBUSY ? EDIT_RETRY : 0));
                restart->wait_to_read = true;
                return;
        }
        if (result < 0) {
                (void)text_format(problem, sizeof(problem),
                                  "smsd.conf could not be written (%s): the old one is in force",
                                  strerror(-result));
                note_problem(restart, problem);
        }
        start_smsd(restart, world);
}

/* --- start and verify
 * ------------------------------------------------------------------------------------------------- */

static void look(struct restart *restart, const struct restart_world *world)
{
        bool early = usec_sub(world->now, restart->started) < 5 * USEC_PER_SEC;

        restart->next_look = usec_add(world->now, early ? LOOK_OFTEN : LOOK_SELDOM);
        action_push(world->actions, ACTION_SCAN);
        action_push(world->actions, ACTION_STATUS_READ);
}

static void was_started(struct restart *restart, int result, struct process_id id,
                        const struct restart_world *world)
{
        char problem[192];

        if (result < 0) {
                (void)text_format(problem, sizeof(problem), "the start of smsd failed: %s",
                                  strerror(-result));
                fail(restart, problem, world);
                return;
        }
        if (restart->stop_again) {
                begin_stopping(restart, world);
                return;
        }
        restart->main = id;
        enter(restart, RESTART_VERIFYING, usec_add(world->now, VERIFY_TIMEOUT_AFTER));
        restart->recheck_at = usec_add(world->now, VERIFY_TIMEOUT_AFTER);
        restart->next_look = usec_add(world->now, LOOK_OFTEN / 5);
}

/* smsd ended at once: is it the configuration? Then the last good one goes back, once. */
static void start_was_refused(struct restart *restart, const struct restart_world *world)
{
        char problem[256];
        const char *evidence =
            world->smsd->last_error[0] ? world->smsd->last_error : "it exited with status 1 at once";

        if (restart->rolled_back) {
                (void)text_format(problem, sizeof(problem), "smsd refuses the last good smsd.conf too: %s",
                                  evidence);
                restart->problem[0] = '\0';
                fail(restart, problem, world);
                return;
        }
        (void)text_format(problem, sizeof(problem),
                          "smsd refused smsd.conf (%.120s): the last good one is back, the refused one is "
                          "kept as smsd.conf.refused",
                          evidence);
        restart->problem[0] = '\0';
        note_problem(restart, problem);
        restart->rolled_back = true;
        restart->reading_good = true;
        enter(restart, RESTART_READING, usec_add(world->now, RESULT_TIMEOUT));
        action_push(world->actions, ACTION_CONF_READ_GOOD);
}

static void main_ended(struct restart *restart, bool refused, const struct restart_world *world)
{
        char problem[256];

        if (refused && !restart->handlers_seen) {
                start_was_refused(restart, world);
                return;
        }
        (void)text_format(problem, sizeof(problem), "smsd ended right after its start%s%.160s",
                          world->smsd->last_error[0] ? ": " : "", world->smsd->last_error);
        fail(restart, problem, world);
}

static void timed_out_alive(struct restart *restart, const struct restart_world *world)
{
        char problem[256];

        (void)text_format(problem, sizeof(problem), "smsd runs, but the modem has not answered it%s%.140s",
                          world->smsd->last_error[0] ? ": " : "", world->smsd->last_error);
        note_problem(restart, problem);
        finish(restart, RESTART_OUTCOME_UNVERIFIED, world);
}

static void handler_failed(struct restart *restart, const char *what, const struct restart_world *world)
{
        char problem[256];

        (void)text_format(problem, sizeof(problem), "%s%s%.160s", what,
                          world->smsd->last_error[0] ? ": " : "", world->smsd->last_error);
        fail(restart, problem, world);
}

static void judge(struct restart *restart, const struct restart_world *world)
{
        switch (restart_verify(restart, world)) {
        case VERIFY_PENDING:
                break;
        case VERIFY_OK:
                finish(restart, RESTART_OUTCOME_OK, world);
                break;
        case VERIFY_MAIN_LOST:
                main_ended(restart, world->smsd->config_refused, world);
                break;
        case VERIFY_HANDLER_LOST:
                handler_failed(restart, "a modem handler of smsd ended", world);
                break;
        case VERIFY_MODEM_LEFT:
                note_problem(restart, "the modem left while smsd was started");
                restart->goal = RESTART_STOP;
                begin_stopping(restart, world);
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
                main_ended(restart,
                           world->smsd->config_refused ||
                               (event->exited.status_known && event->exited.status == 1),
                           world);
        else
                action_push(world->actions, ACTION_SCAN);
}

/* --- requests and events
 * ---------------------------------------------------------------------------------------------- */

static void begin(struct restart *restart, enum restart_goal goal, enum restart_cause cause,
                  const struct restart_world *world)
{
        restart->goal = goal;
        restart->cause = cause;
        restart->begun = world->now;
        restart->problem[0] = '\0';
        restart->reads = 0;
        restart->rolled_back = false;
        restart->main = (struct process_id){0};
        begin_stopping(restart, world);
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
        answer_all(restart, world, 1, "overtaken by a stop of smsd");
        restart->goal = RESTART_STOP;
        restart->cause = cause;
        if (restart->phase == RESTART_STARTING)
                restart->stop_again = true;
        else if (restart->phase == RESTART_VERIFYING)
                begin_stopping(restart, world);
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
                answer_all(restart, world, 1, "overtaken by a start of smsd");
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
                stopping_timeout(restart, world);
                break;
        case RESTART_READING:
                if (restart->wait_to_read)
                        read_conf(restart, world);
                else
                        fail(restart, "reading smsd.conf took too long", world);
                break;
        case RESTART_WRITING:
                fail(restart, "writing smsd.conf took too long", world);
                break;
        case RESTART_STARTING:
                fail(restart, "the start of smsd was not confirmed in time", world);
                break;
        case RESTART_VERIFYING:
                judge(restart, world);
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
        if (restart->deadline <= world->now)
                phase_timeout(restart, world);
        if (restart->phase == RESTART_VERIFYING && restart->next_look <= world->now)
                look(restart, world);
}

static void stopping_event(struct restart *restart, const struct event *event,
                           const struct restart_world *world)
{
        if (event->kind == EVENT_PROCESSES)
                stopping_scanned(restart, world);
        /* Every exit is confirmed by a scan: main may have left its handlers behind. */
        if (event->kind == EVENT_PROCESS_EXITED || event->kind == EVENT_STOP_DONE)
                action_push(world->actions, ACTION_SCAN);
}

static void verifying_event(struct restart *restart, const struct event *event,
                            const struct restart_world *world)
{
        if (event->kind == EVENT_PROCESS_EXITED)
                verifying_exit(restart, event, world);
        else if (event->kind == EVENT_SMSD_LOG)
                restart->next_look = usec_min(restart->next_look, usec_add(world->now, LOOK_OFTEN / 5));
        else
                judge(restart, world);
}

void restart_event(struct restart *restart, const struct event *event, const struct restart_world *world)
{
        switch (restart->phase) {
        case RESTART_IDLE:
                break;
        case RESTART_STOPPING:
                stopping_event(restart, event, world);
                break;
        case RESTART_READING:
                if (event->kind == EVENT_CONF_READ && !restart->wait_to_read &&
                    event->conf.good == restart->reading_good)
                        (event->conf.good ? good_conf_was_read : conf_was_read)(restart, &event->conf, world);
                break;
        case RESTART_WRITING:
                if (event->kind == EVENT_CONF_WRITTEN)
                        conf_was_written(restart, event->result, world);
                break;
        case RESTART_STARTING:
                if (event->kind == EVENT_START_DONE)
                        was_started(restart, event->started.result, event->started.id, world);
                break;
        case RESTART_VERIFYING:
                verifying_event(restart, event, world);
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
