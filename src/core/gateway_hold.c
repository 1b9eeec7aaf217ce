/*
 * Holds and who may break them; the old scripts' flag; a person's commands. A hold never outlives a running
 * gateway, never lacks an end, and is broken only by a person or by its end.
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

#define FLAG_BESIDE_MAX USEC_PER_MIN         /* a flag beside a running smsd is left over, not meant */
#define FLAG_OLDER      (50 * USEC_PER_MSEC) /* what the clocks of files and of processes may differ by */
#define BECOMES_MAIN    (3 * USEC_PER_SEC)

/* --- beginning and end --- */

static void write_hold(const struct gateway *gateway, struct action_list *actions)
{
        action_push(actions, ACTION_HOLD_WRITE)->hold = gateway->hold.record;
}

void gateway_hold_found(struct gateway *gateway, const struct hold_record *record,
                        struct action_list *actions)
{
        char left[32];

        hold_begin(&gateway->hold, record, gateway->config.hold_notify_after);
        format_duration(left, sizeof(left), usec_sub(gateway->hold.record.until, gateway->now));
        action_record(actions, RECORD_HOLD_CONTINUED, SEVERITY_INFO, NULL,
                      "the hold of %s goes on, it ends in %s", record->by, left);
}

static void end_hold(struct gateway *gateway, struct action_list *actions)
{
        hold_end(&gateway->hold);
        gateway->flag.first_seen = 0;
        if (gateway->config.mode == MODE_CONTROL)
                action_push(actions, ACTION_HOLD_CLEAR);
}

void gateway_hold_stored(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        bool before = gateway->hold_unwritten;

        gateway->hold_unwritten = event->result < 0;
        if (event->result < 0 && !before)
                action_record(actions, RECORD_HOLD_UNWRITTEN, SEVERITY_WARNING, NULL,
                              "the hold's file could not be %s: %s",
                              event->kind == EVENT_HOLD_WRITTEN ? "written" : "removed",
                              strerror(-event->result));
}

/* The file says what is: a hold that is over must not be found by the next life, one that lasts must. */
void gateway_hold_repeat(struct gateway *gateway, struct action_list *actions)
{
        if (gateway->config.mode != MODE_CONTROL || gateway->unit.stopping || restart_busy(&gateway->restart))
                return;
        if (gateway->hold.active)
                write_hold(gateway, actions);
        else
                action_push(actions, ACTION_HOLD_CLEAR);
}

/* /proc tells start times in ticks of 10 ms, rounded down: in doubt it is the one that was to be stopped. */
static bool started_anew(const struct gateway *gateway, struct process_id id)
{
        return process_started(id) > gateway->hold.anew_since;
}

/* Only who was started after the stop was asked for breaks the hold: this controller may have begun in the
 * middle of the stop. Orphans beside a main process that somebody started since are the restart path's, not
 * the hold's; and one that was started a moment ago has not written its pidfile yet. */
bool gateway_stop_is_unfinished(const struct gateway *gateway)
{
        const struct smsd_state *smsd = &gateway->smsd;

        if (smsd->running)
                return !gateway->hold.reached && !started_anew(gateway, smsd->main);
        for (unsigned i = 0; i < smsd->n_strays; i++)
                if (!started_anew(gateway, smsd->strays[i]) ||
                    usec_sub(gateway->now, process_started(smsd->strays[i])) >= BECOMES_MAIN)
                        return true;
        return false;
}

void gateway_hold_broken(struct gateway *gateway, struct action_list *actions)
{
        action_record(
            actions, RECORD_HOLD_BROKEN, SEVERITY_WARNING, NULL,
            "smsd (pid %d) was started by somebody during the hold of %s: the hold is ended, smsd is adopted",
            (int)gateway->smsd.main.pid, gateway->hold.record.by);
        backoff_reset(&gateway->restart.backoff);
        gateway->settling = true; /* its handlers may still be on their way */
        end_hold(gateway, actions);
}

static void expire(struct gateway *gateway, struct action_list *actions)
{
        char lasted[32];

        format_duration(lasted, sizeof(lasted), usec_sub(gateway->now, gateway->hold.record.since));
        action_record(actions, RECORD_HOLD_EXPIRED, SEVERITY_CRITICAL, NULL,
                      "the hold of %s (%s) is over after %s: smsd is started again", gateway->hold.record.by,
                      gateway->hold.record.reason[0] ? gateway->hold.record.reason : "no reason given",
                      lasted);
        gateway->flag.over = gateway->hold.record.source == HOLD_SOURCE_LEGACY;
        end_hold(gateway, actions);
        gateway->cause = CAUSE_HOLD_END;
        gateway->restart.not_before = 0;
}

void gateway_describe_hold(const struct gateway *gateway, char *text, size_t size)
{
        const struct hold_record *record = &gateway->hold.record;
        char lasted[32], left[32];

        format_duration(lasted, sizeof(lasted), usec_sub(gateway->now, record->since));
        format_duration(left, sizeof(left), usec_sub(record->until, gateway->now));
        (void)text_format(
            text, size, "SMS is down for %s by the hold of %.60s (%.150s), possibly forgotten; it ends in %s",
            lasted, record->by, record->reason[0] ? record->reason : "no reason given", left);
}

static void remind(struct gateway *gateway, struct action_list *actions)
{
        char text[ACTION_MESSAGE_MAX - 64];

        gateway_describe_hold(gateway, text, sizeof(text));
        action_record(actions, RECORD_HOLD_REMINDER, SEVERITY_WARNING, NULL,
                      "%s, `smswarden start` ends it now", text);
}

void gateway_refuse_waiting(struct gateway *gateway, const char *message, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->n_waiting; i++)
                action_reply(actions, gateway->waiting[i], 1, "%s", message);
        gateway->n_waiting = 0;
        gateway->waiting_until = USEC_INFINITY;
}

static void give_up_waiting(struct gateway *gateway, struct action_list *actions)
{
        char reason[384], action[384], message[ACTION_MESSAGE_MAX];

        gateway_describe_waiting(gateway, reason, sizeof(reason), action, sizeof(action));
        (void)text_format(message, sizeof(message), "smsd was not started: %.160s; what to do: %.160s",
                          reason, action);
        gateway_refuse_waiting(gateway, message, actions);
}

/* Is any modem on its way to be ready? Then a start waits for it. */
static bool modem_is_coming(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (gateway->modems[i].state == MODEM_SETTLING || gateway->modems[i].state == MODEM_PROBING)
                        return true;
        return gateway_modem_is_away(gateway);
}

/* The modem that a start waited for has made up its mind, and may not be used (its SIM, its PIN). */
static void shorten_waiting(struct gateway *gateway)
{
        if (gateway->n_waiting > 0 && !restart_busy(&gateway->restart) && !modem_is_coming(gateway) &&
            gateway_startable(gateway) == 0)
                gateway->waiting_until =
                    usec_min(gateway->waiting_until, usec_add(gateway->now, USEC_PER_SEC));
}

void gateway_hold_time(struct gateway *gateway, struct action_list *actions)
{
        if (gateway->unit.stopping)
                return;
        if (hold_expired(&gateway->hold, gateway->now))
                expire(gateway, actions);
        else if (hold_remind(&gateway->hold, gateway->now))
                remind(gateway, actions);
        shorten_waiting(gateway);
        /* Somebody's job is worth some patience: what comes of it may be all that was wanted. So is the reset
         * of a modem. */
        if (gateway->n_waiting > 0 &&
            (gateway_waits_for_unit(gateway) || gateway_recovery_blocks_start(gateway)) &&
            gateway->waiting_until <= gateway->now)
                gateway->waiting_until = usec_add(gateway->now, USEC_PER_SEC);
        if (gateway->waiting_until <= gateway->now && !restart_busy(&gateway->restart))
                give_up_waiting(gateway, actions);
}

/* --- the old scripts' flag --- */

void gateway_look_for_flag(struct gateway *gateway, struct action_list *actions)
{
        if (gateway->flag.asked)
                return;
        if (gateway->config.legacy_flag[0] == '\0') {
                gateway->flag.fresh = true;
                return;
        }
        gateway->flag.asked = true;
        action_push(actions, ACTION_FLAG_LOOK);
}

/* Written before this smsd was started: the flag of a stop that is over. */
static bool flag_is_older(const struct gateway *gateway, const struct flag_event *flag)
{
        usec_t written = usec_sub(gateway->now, flag->age);

        return flag->age_plausible && usec_add(written, FLAG_OLDER) <= process_started(gateway->smsd.main);
}

static void flag_beside_smsd(struct gateway *gateway, const struct flag_event *flag,
                             struct action_list *actions)
{
        if (gateway->flag.beside_since == 0)
                gateway->flag.beside_since = gateway->now;
        if (!flag_is_older(gateway, flag) &&
            usec_sub(gateway->now, gateway->flag.beside_since) < FLAG_BESIDE_MAX)
                return;
        gateway->flag.beside_since = 0;
        action_record(actions, RECORD_FLAG_LEFT_OVER, SEVERITY_WARNING, NULL,
                      "the flag %.100s lay beside a running smsd: removed", gateway->config.legacy_flag);
        if (gateway->config.mode == MODE_CONTROL)
                action_push(actions, ACTION_HOLD_CLEAR);
}

void gateway_hold_taken(struct gateway *gateway, struct hold_record *record, struct action_list *actions)
{
        record->until = usec_add(record->since, gateway->config.hold_default);
        hold_begin(&gateway->hold, record, gateway->config.hold_notify_after);
        /* They have stopped smsd already, or it died: who runs from now on was started behind that. When it
         * ended we learn a little later, and somebody may have started it anew meanwhile: what counts is when
         * it was seen for the last time. */
        gateway->hold.reached = !gateway->smsd.running;
        if (gateway->hold.reached && gateway->smsd.running_at)
                gateway->hold.anew_since = usec_min(gateway->hold.anew_since, gateway->smsd.running_at);
        if (gateway->config.mode == MODE_CONTROL && !hold_expired(&gateway->hold, gateway->now))
                write_hold(gateway, actions);
}

/* The flag becomes a hold with an owner and an end, unless it is older than a hold may be. */
static void take_flag(struct gateway *gateway, const struct flag_event *flag, struct action_list *actions)
{
        struct hold_record record = {.source = HOLD_SOURCE_LEGACY, .since_realtime = flag->realtime};
        char length[32];

        if (gateway->flag.first_seen == 0) {
                bool at_start = !gateway->enumerated;
                gateway->flag.first_seen =
                    at_start && flag->age_plausible ? usec_sub(gateway->now, flag->age) : gateway->now;
        }
        record.since = gateway->flag.first_seen;
        (void)text_copy(record.by, sizeof(record.by), flag->owner);
        (void)text_format(record.reason, sizeof(record.reason), "flag %.200s", gateway->config.legacy_flag);
        format_duration(length, sizeof(length), gateway->config.hold_default);
        action_record(actions, RECORD_HOLD_BEGUN, SEVERITY_INFO, NULL,
                      "%s stopped smsd by the flag %.100s: this is a hold of %s", record.by,
                      gateway->config.legacy_flag, length);
        gateway_hold_taken(gateway, &record, actions);
}

static void flag_refused(struct gateway *gateway, const struct flag_event *flag, struct action_list *actions)
{
        if (text_equal(gateway->flag.refusal, flag->refusal))
                return;
        (void)text_copy(gateway->flag.refusal, sizeof(gateway->flag.refusal), flag->refusal);
        action_record(actions, RECORD_FLAG_REFUSED, SEVERITY_WARNING, NULL,
                      "%.100s is not taken as a manual stop: it %s (owner %s); remove it",
                      gateway->config.legacy_flag, flag->refusal, flag->owner);
}

static void flag_absent(struct gateway *gateway, struct action_list *actions)
{
        gateway->flag.first_seen = gateway->flag.beside_since = 0;
        gateway->flag.over = false;
        if (!gateway->hold.active || gateway->hold.record.source != HOLD_SOURCE_LEGACY)
                return;
        action_record(actions, RECORD_HOLD_ENDED, SEVERITY_INFO, NULL,
                      "the flag %.100s was removed: the hold is over", gateway->config.legacy_flag);
        end_hold(gateway, actions);
        gateway->cause = CAUSE_HOLD_END;
        gateway->restart.not_before = 0;
}

void gateway_flag_seen(struct gateway *gateway, const struct flag_event *flag, struct action_list *actions)
{
        gateway->flag.asked = false;
        gateway->flag.fresh = true;
        if (gateway->unit.stopping)
                return;
        if (flag->state != FLAG_REFUSED)
                gateway->flag.refusal[0] = '\0';
        if (flag->state == FLAG_REFUSED) {
                flag_refused(gateway, flag, actions);
                return;
        }
        if (flag->state == FLAG_ABSENT) {
                flag_absent(gateway, actions);
                return;
        }
        gateway->flag.over &= gateway->config.mode == MODE_OBSERVE && !gateway->smsd.running;
        if (gateway->smsd.running && !gateway->hold.active)
                flag_beside_smsd(gateway, flag, actions);
        else if (!gateway->hold.active && !gateway->flag.over && gateway->smsd.scanned &&
                 !restart_busy(&gateway->restart))
                take_flag(gateway, flag, actions);
}

/* --- commands --- */

static void command_stop(struct gateway *gateway, const struct command *command, struct action_list *actions)
{
        usec_t length = command->duration ? command->duration : gateway->config.hold_default;
        struct hold_record record = {
            .source = HOLD_SOURCE_CLI, .since = gateway->now, .since_realtime = command->realtime};
        char text[32], maximum[32];

        format_duration(text, sizeof(text), length);
        format_duration(maximum, sizeof(maximum), gateway->config.hold_maximum);
        if (length > gateway->config.hold_maximum && !command->force) {
                action_reply(actions, command->token, 2,
                             "a hold of %s is longer than hold.maximum (%s): shorten it, or use --force",
                             text, maximum);
                return;
        }
        record.until = usec_add(gateway->now, length);
        (void)text_copy(record.by, sizeof(record.by), command->by);
        (void)text_copy(record.reason, sizeof(record.reason), command->reason);
        hold_begin(&gateway->hold, &record, gateway->config.hold_notify_after);
        write_hold(gateway, actions);
        action_record(actions, RECORD_HOLD_BEGUN, SEVERITY_INFO, NULL, "%s holds smsd for %s (%s)", record.by,
                      text, record.reason[0] ? record.reason : "no reason given");
        gateway_refuse_waiting(gateway, "overtaken by a stop of smsd", actions);
        struct restart_world world = gateway_world(gateway, actions);
        restart_request(&gateway->restart, RESTART_STOP, CAUSE_STOP, command->token, &world);
}

static void break_hold(struct gateway *gateway, const struct command *command, struct action_list *actions)
{
        if (!gateway->hold.active)
                return;
        action_record(actions, RECORD_HOLD_ENDED, SEVERITY_INFO, NULL, "%s ended the hold of %s", command->by,
                      gateway->hold.record.by);
        end_hold(gateway, actions);
}

static void wait_for_modem(struct gateway *gateway, const struct command *command, enum restart_cause cause,
                           struct action_list *actions)
{
        if (gateway->n_waiting == WAITING_MAX) {
                action_reply(actions, command->token, 1, "too many commands wait already: try again");
                return;
        }
        /* Who asked for a restart gets one, also when somebody else asks for a mere start. */
        if (gateway->n_waiting == 0 || cause == CAUSE_RESTART)
                gateway->waiting_cause = cause;
        gateway->waiting[gateway->n_waiting++] = command->token;
        if (gateway->n_waiting > 1)
                return; /* the first one's patience is everybody's */
        /* Without a modem on its way the answer to ACTION_CONF_READ decides. */
        gateway->waiting_until =
            usec_add(gateway->now, modem_is_coming(gateway) ? 120 * USEC_PER_SEC : USEC_PER_SEC);
}

static void command_start(struct gateway *gateway, const struct command *command, enum restart_cause cause,
                          struct action_list *actions)
{
        break_hold(gateway, command, actions);
        gateway_overrule_stop(gateway);
        gateway->flag.first_seen = 0;
        backoff_reset(&gateway->restart.backoff);
        gateway->restart.not_before = 0;
        /* What is up to date in the slots decides; smsd.conf may have been edited (a PIN, another device). */
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                gateway->slots.items[i].asked = true;
                gateway->slots.items[i].pass_guard |= command->force;
        }
        for (unsigned i = 0; i < gateway->n_modems; i++)
                modem_forgive(&gateway->modems[i]);
        if (cause == CAUSE_START && gateway_runs_well(gateway) && !gateway_job_until(gateway)) {
                action_reply(actions, command->token, 0, "smsd runs already (pid %d) and serves its modem",
                             (int)gateway->smsd.main.pid);
                return;
        }
        gateway_read_conf(gateway, actions);
        wait_for_modem(gateway, command, cause, actions);
}

void gateway_command(struct gateway *gateway, const struct command *command, struct action_list *actions)
{
        if (command->kind == COMMAND_TEST_ALERT) {
                gateway_alerts_test(gateway, command, actions);
                return;
        }
        if (gateway->config.mode == MODE_OBSERVE) {
                action_reply(
                    actions, command->token, 2,
                    "mode = observe: the controller touches nothing; set mode = control to use this");
                return;
        }
        if (gateway->unit.stopping) {
                action_reply(actions, command->token, 2, GATEWAY_SHUTTING_DOWN);
                return;
        }
        switch (command->kind) {
        case COMMAND_STOP:
                command_stop(gateway, command, actions);
                break;
        case COMMAND_START:
                command_start(gateway, command, CAUSE_START, actions);
                break;
        case COMMAND_RESTART:
                command_start(gateway, command, CAUSE_RESTART, actions);
                break;
        case COMMAND_RESET_MODEM:
                gateway_recovery_command(gateway, command, actions);
                break;
        case COMMAND_TEST_ALERT:
                break;
        }
}
