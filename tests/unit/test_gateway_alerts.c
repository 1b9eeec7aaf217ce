/*
 * Who is told of what, in virtual time: the user's table row by row, one alert for one trouble, and a
 * controller that is killed in between.
 */
#include "rig.h"

static void hold_for(struct rig *rig, usec_t length)
{
        struct event *event = rig_event(rig, EVENT_COMMAND);

        event->command = (struct command){
            .kind = COMMAND_STOP, .token = 1, .by = "rom", .reason = "new antenna", .duration = length};
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_true(gateway_is_held(rig->gateway));
}

static void crash(struct rig *rig)
{
        rig_exit(rig, 1, -SIGSEGV, false);
        rig_exit(rig, 0, -SIGSEGV, true);
        rig_go(rig);
}

static unsigned told_in_all(const struct rig *rig)
{
        return rig->spool.n;
}

static const struct alert *last(const struct rig *rig, enum alert_kind kind)
{
        return &rig_last(&rig->spool, kind)->alert;
}

static void assert_says(const char *text, const char *part)
{
        if (!strstr(text, part))
                fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* Nothing is told of a box that works, whatever the time. */
static void test_silence(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_wait(rig, 3 * USEC_PER_DAY);
        assert_int_equal(told_in_all(rig), 0);
        assert_int_equal(rig->counts[ACTION_DELIVER], 0);
        assert_int_equal(rig->counts[ACTION_HEARTBEAT], 0);
}

/* --- the table: holds --- */

static void test_hold_younger_than_ten_minutes(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        hold_for(rig, 0);
        rig_wait(rig, 9 * USEC_PER_MIN);
        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(told_in_all(rig), 0);
        assert_non_null(strstr(rig->told, "rom holds smsd"));
}

static void test_hold_of_ten_minutes(void **state)
{
        _rig_ rig = rig_working();
        usec_t begun = rig->now;
        (void)state;

        hold_for(rig, 0);
        rig_wait(rig, 11 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 1);
        const struct rig_message *message = rig_last(&rig->spool, ALERT_HOLD);
        assert_in_range(message->at - begun, 10 * USEC_PER_MIN, 10 * USEC_PER_MIN + USEC_PER_SEC);
        assert_int_equal(message->alert.severity, SEVERITY_WARNING);
        assert_string_equal(message->alert.key, "hold");
        assert_says(message->alert.summary, "rom");
        assert_says(message->alert.summary, "new antenna");
        assert_says(message->alert.summary, "SMS is down for 10min");
        assert_says(message->alert.summary, "ends in 19min 59s");
        assert_says(message->alert.next_action, "smswarden start");
        assert_in_range(message->alert.since, begun, begun + USEC_PER_SEC);
        assert_int_equal(message->alert.until, message->alert.since + 30 * USEC_PER_MIN);

        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(last(rig, ALERT_HOLD)->state, ALERT_RESOLVED);
        assert_says(last(rig, ALERT_HOLD)->summary, "smsd was started and verified");
        rig_wait(rig, USEC_PER_DAY);
        assert_int_equal(told_in_all(rig), 2);
}

/* A long one, planned: hourly, with how long it lasts already. */
static void test_long_hold_is_never_silent(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        hold_for(rig, 4 * USEC_PER_HOUR);
        for (unsigned i = 1; i <= 4; i++) {
                rig_wait(rig, i == 1 ? 11 * USEC_PER_MIN : USEC_PER_HOUR);
                assert_int_equal(rig_fired(&rig->spool, ALERT_HOLD), i);
                assert_int_equal(last(rig, ALERT_HOLD)->told, i - 1);
        }
        assert_says(last(rig, ALERT_HOLD)->summary, "down for 3h 10min");
        assert_says(last(rig, ALERT_HOLD)->summary, "possibly forgotten");
        assert_int_equal(told_in_all(rig), 4);
}

static void test_hold_is_ended_by_its_end(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        hold_for(rig, 0);
        rig_wait(rig, 31 * USEC_PER_MIN);
        assert_int_equal(rig_fired(&rig->spool, ALERT_HOLD), 2);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_HOLD), 1);
        const struct alert *critical = &rig->spool.messages[1].alert;
        assert_int_equal(critical->severity, SEVERITY_CRITICAL);
        assert_int_equal(critical->state, ALERT_FIRING);
        assert_says(critical->summary, "was ended by its end");
        assert_says(critical->summary, "smsd was started and verified");
        assert_says(critical->summary, "SMS was down for 30min");
        assert_int_equal(rig->spool.messages[2].alert.severity, SEVERITY_CRITICAL);
        assert_int_equal(told_in_all(rig), 3);
        rig_wait(rig, USEC_PER_DAY);
        assert_int_equal(told_in_all(rig), 3);
}

/* Its end comes before anybody was told of it: told all the same, once. */
static void test_short_hold_is_ended_by_its_end(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        hold_for(rig, 5 * USEC_PER_MIN);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(rig->spool.messages[0].alert.severity, SEVERITY_CRITICAL);
        assert_int_equal(rig->spool.messages[1].alert.state, ALERT_RESOLVED);
}

/* Its end comes, and smsd cannot be started: one outage, one alert, with what to do by hand. */
static void test_hold_ends_in_vain(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        hold_for(rig, 0);
        rig->start_result = -ENOENT;
        rig->problem = "smstools.service: Failed to locate executable";
        rig_wait(rig, 30 * USEC_PER_MIN);
        assert_int_equal(rig_fired(&rig->spool, ALERT_HOLD), 2);
        assert_int_equal(rig_fired(&rig->spool, ALERT_SMSD_DOWN), 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_CRASH_LOOP), 0);
        assert_says(last(rig, ALERT_HOLD)->summary, "could not be started");
        assert_says(last(rig, ALERT_HOLD)->evidence, "Failed to locate executable");
        assert_says(last(rig, ALERT_HOLD)->next_action, "systemctl restart");
        rig->start_result = 0;
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(last(rig, ALERT_HOLD)->state, ALERT_RESOLVED);
        assert_int_equal(told_in_all(rig), 3);
}

/* --- the table: smsd down --- */

/* One message, after the outcome, then its resolve. */
static void test_crash_that_heals(void **state)
{
        _rig_ rig = rig_working();
        usec_t begun = rig->now;
        (void)state;

        rig_log_line(rig, "2026-01-17 19:53:10,3, GSM1: write_to_modem: error 5: Input/output error");
        crash(rig);
        rig_wait(rig, 9 * USEC_PER_SEC);
        assert_int_equal(told_in_all(rig), 2);
        const struct rig_message *message = &rig->spool.messages[0];
        assert_in_range(message->at - begun, 0, 9 * USEC_PER_SEC);
        assert_string_equal(message->alert.key, "smsd-down");
        assert_int_equal(message->alert.severity, SEVERITY_CRITICAL);
        assert_int_equal(message->alert.state, ALERT_FIRING);
        assert_string_equal(message->alert.cause, "crash");
        assert_says(message->alert.summary, "died, signal 11");
        assert_says(message->alert.summary, "works again after");
        assert_says(message->alert.evidence, "Input/output error");
        assert_int_equal(rig->spool.messages[1].alert.state, ALERT_RESOLVED);
        assert_int_not_equal(rig->spool.messages[1].alert.ended, 0);
        rig_wait(rig, USEC_PER_DAY);
        assert_int_equal(told_in_all(rig), 2);
}

/* No outcome for ten seconds: told without it. */
static void test_crash_without_outcome(void **state)
{
        _rig_ rig = rig_working();
        usec_t begun = rig->now;
        (void)state;

        rig->frozen = true;
        rig->status.modems[0].state = HANDLER_RECEIVING;
        rig->withheld[ACTION_SMSD_START] = true;
        crash(rig);
        rig_wait(rig, 9 * USEC_PER_SEC);
        assert_int_equal(told_in_all(rig), 0);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(told_in_all(rig), 1);
        assert_in_range(rig_last(&rig->spool, ALERT_SMSD_DOWN)->at - begun, 10 * USEC_PER_SEC,
                        11 * USEC_PER_SEC);
        assert_says(last(rig, ALERT_SMSD_DOWN)->next_action, "smswarden starts it again");
        rig->frozen = false;
        rig->withheld[ACTION_SMSD_START] = false;
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(last(rig, ALERT_SMSD_DOWN)->state, ALERT_RESOLVED);
}

static void test_somebody_ends_smsd(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_exit(rig, 1, 0, true);
        rig_exit(rig, 0, 0, true);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_string_equal(rig->spool.messages[0].alert.cause, "external-stop");
        assert_says(rig->spool.messages[0].alert.summary, "without a hold");
}

static void test_handler_that_dies_alone(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_exit(rig, 1, -SIGSEGV, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_string_equal(rig->spool.messages[0].alert.cause, "handler-lost");
        assert_string_equal(rig->spool.messages[0].alert.key, "smsd-down");
}

/* Told at once when the start fails, again after 10 min, 1 h, then daily; one alert until it is verified. */
static void test_restart_fails(void **state)
{
        static const usec_t repeats[] = {10 * USEC_PER_MIN, 50 * USEC_PER_MIN, USEC_PER_DAY, USEC_PER_DAY};
        _rig_ rig = rig_working();
        usec_t begun = rig->now;
        (void)state;

        rig->start_result = -ENOENT;
        crash(rig);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(told_in_all(rig), 1);
        assert_in_range(rig->spool.messages[0].at - begun, 0, USEC_PER_SEC);
        assert_says(last(rig, ALERT_SMSD_DOWN)->evidence, "could not be started");
        assert_true(last(rig, ALERT_SMSD_DOWN)->next_action[0]);
        for (unsigned i = 0; i < ARRAY_SIZE(repeats); i++) {
                usec_t before = rig_last(&rig->spool, ALERT_SMSD_DOWN)->at;
                rig_wait(rig, repeats[i] + 2 * USEC_PER_SEC);
                assert_int_equal(told_in_all(rig), i + 2);
                assert_in_range(rig_last(&rig->spool, ALERT_SMSD_DOWN)->at - before, repeats[i],
                                repeats[i] + USEC_PER_SEC);
        }
        rig->start_result = 0;
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), ARRAY_SIZE(repeats) + 2);
        assert_int_equal(last(rig, ALERT_SMSD_DOWN)->state, ALERT_RESOLVED);
        assert_says(last(rig, ALERT_SMSD_DOWN)->summary, "works again after 2d");
}

/* The first message told of no outcome: the failure is an update, at once, and the only one. */
static void test_failure_after_the_first_message(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->withheld[ACTION_SMSD_START] = true;
        crash(rig);
        rig_wait(rig, 11 * USEC_PER_SEC);
        assert_int_equal(told_in_all(rig), 1);
        rig_wait(rig, 9 * USEC_PER_MIN); /* the starts are not confirmed in time, again and again */
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(last(rig, ALERT_SMSD_DOWN)->told, 1);
        assert_says(last(rig, ALERT_SMSD_DOWN)->next_action, "smswarden restart");
}

/* It starts, and dies again and again. */
static void test_crash_loop(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        for (unsigned i = 0; i < 30; i++) {
                if (rig->list.n == 2)
                        crash(rig);
                rig_wait(rig, 20 * USEC_PER_SEC);
        }
        unsigned first = 0;
        for (unsigned i = 0; i < rig->spool.n; i++)
                first += rig->spool.messages[i].alert.kind == ALERT_CRASH_LOOP &&
                         rig->spool.messages[i].alert.told == 0;
        assert_int_equal(first, 1);
        assert_in_range(rig_fired(&rig->spool, ALERT_CRASH_LOOP), 1, 2); /* a start failed meanwhile */
        assert_in_range(rig_fired(&rig->spool, ALERT_SMSD_DOWN), 1, 2);
        assert_int_equal(rig_fired(&rig->spool, ALERT_SMSD_DOWN), rig_resolved(&rig->spool, ALERT_SMSD_DOWN));
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_CRASH_LOOP), 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_SMSD_DOWN), rig_resolved(&rig->spool, ALERT_SMSD_DOWN));
}

/* What was wished is no outage. */
static void test_a_wished_restart_is_no_alert(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        for (unsigned i = 1; i < 5; i++) {
                rig_command(rig, COMMAND_RESTART, i, false);
                rig_wait(rig, 10 * USEC_PER_MIN);
        }
        assert_int_equal(told_in_all(rig), 0);
}

static void test_no_alert_on_the_way_down(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->systemd = true;
        rig->unit.known = true;
        rig->unit.system_stopping = true;
        rig_event(rig, EVENT_UNIT)->unit = rig->unit;
        rig_go(rig);
        crash(rig);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 0);
}

/* --- one cause, one alert --- */

static void test_modem_is_unplugged(void **state)
{
        _rig_ rig = rig_working();
        usec_t begun = rig->now;
        (void)state;

        rig->plugged = false;
        rig->list.processes[1].tty_deleted = true;
        rig_usb(rig);
        rig_wait(rig, 9 * USEC_PER_SEC);
        assert_int_equal(told_in_all(rig), 0);
        rig_wait(rig, 50 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 1);
        const struct rig_message *message = rig_last(&rig->spool, ALERT_MODEM_LOST);
        assert_in_range(message->at - begun, 10 * USEC_PER_SEC, 12 * USEC_PER_SEC);
        assert_string_equal(message->alert.key, "modem-lost/GSM1");
        assert_string_equal(message->alert.modem, "GSM1");
        assert_int_equal(message->alert.severity, SEVERITY_CRITICAL);
        assert_says(message->alert.evidence, "1-1.2");
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(last(rig, ALERT_MODEM_LOST)->state, ALERT_RESOLVED);
}

/* The patience that a box has with a modem at its begin is not for one that had come up already. */
static void test_modem_is_unplugged_soon(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig_begin(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->list.n, 2);
        rig->plugged = false;
        rig->list.processes[1].tty_deleted = true;
        rig_usb(rig);
        rig_wait(rig, 12 * USEC_PER_SEC);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_LOST), 1);
}

/* A handler dies of the unplugging before that is told: the modem's alert, and no other. */
static void test_handler_dies_of_the_unplugging(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_exit(rig, 1, 0, false);
        rig_wait(rig, 100 * USEC_PER_MSEC);
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_LOST), 1);
        assert_int_equal(told_in_all(rig), rig_fired(&rig->spool, ALERT_MODEM_LOST) +
                                               rig_told(&rig->spool, ALERT_SMSD_DOWN, ALERT_FIRING) +
                                               rig_told(&rig->spool, ALERT_SMSD_DOWN, ALERT_RESOLVED));
}

/* A modem that goes away and comes back all the time: one alert with a count, and one resolve. */
static void test_flapping_modem(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        for (unsigned i = 0; i < 60; i++) {
                rig->plugged = false;
                if (rig->list.n == 2)
                        rig->list.processes[1].tty_deleted = true;
                rig_usb(rig);
                rig_wait(rig, 15 * USEC_PER_SEC);
                rig->plugged = true;
                rig_usb(rig);
                rig_wait(rig, 15 * USEC_PER_SEC);
        }
        assert_int_equal(rig_resolved(&rig->spool, ALERT_MODEM_LOST), 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_LOST), 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_SMSD_DOWN), 0);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_MODEM_LOST), 1);
        assert_int_equal(last(rig, ALERT_MODEM_LOST)->count, 60);
        assert_int_equal(told_in_all(rig), 2);
}

static void test_sim_is_pulled(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_leave_alone(rig);
        rig->sim = SIM_ABSENT;
        rig->handler_dies = true;
        rig_exit(rig, 1, 0, false);
        rig_wait(rig, 30 * USEC_PER_MIN);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_UNUSABLE), 1);
        assert_int_equal(told_in_all(rig), 1);
        assert_string_equal(last(rig, ALERT_MODEM_UNUSABLE)->cause, "sim-absent");
        assert_says(last(rig, ALERT_MODEM_UNUSABLE)->next_action, "SIM");
        rig->sim = SIM_READY;
        rig->handler_dies = false;
        rig_wait(rig, 30 * USEC_PER_MIN);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_MODEM_UNUSABLE), 1);
        assert_int_equal(told_in_all(rig), 2);
}

static void test_pin_is_refused(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->sim = SIM_PIN;
        rig_log(rig, SMSD_LOG_PIN_REFUSED);
        rig_exit(rig, 1, 0, false);
        rig_wait(rig, 30 * USEC_PER_MIN);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_UNUSABLE), 1);
        assert_int_equal(told_in_all(rig), 1);
        assert_string_equal(last(rig, ALERT_MODEM_UNUSABLE)->cause, "sim-pin-refused");
        assert_says(last(rig, ALERT_MODEM_UNUSABLE)->next_action, "pin");
}

static void test_network_is_lost(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->health.creg = "0,2";
        rig_leave_alone(rig);
        rig_log(rig, SMSD_LOG_NOT_REGISTERED);
        rig->frozen = true; /* it does not poll meanwhile */
        rig_wait(rig, 4 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 0);
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 1);
        assert_int_equal(last(rig, ALERT_MODEM_NETWORK)->severity, SEVERITY_WARNING);
        rig_wait(rig, USEC_PER_HOUR); /* nothing can be sent for an hour */
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(last(rig, ALERT_MODEM_NETWORK)->severity, SEVERITY_CRITICAL);
        assert_says(last(rig, ALERT_MODEM_NETWORK)->evidence, "+CREG: 0,2 (searching)");
        rig->frozen = false;
        rig->health.creg = NULL;
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 3);
        assert_int_equal(last(rig, ALERT_MODEM_NETWORK)->state, ALERT_RESOLVED);
}

static void test_modem_is_silent(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_leave_alone(rig);
        rig->config.alerts.modem_timeouts = 10;
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig->frozen = true;
        rig_log_line(rig,
                     "2026-01-17 19:53:10,3, GSM1: Modem is not ready to answer commands (Timeouts: 22)");
        rig_wait(rig, 30 * USEC_PER_SEC);
        assert_int_equal(told_in_all(rig), 0);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_STUCK), 1);
        assert_int_equal(told_in_all(rig), 1); /* its timeouts are the same trouble */
        assert_string_equal(last(rig, ALERT_MODEM_STUCK)->cause, "silent");
}

/* It answers each time in the end. */
static void test_timeouts(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->config.alerts.modem_timeouts = 10;
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        for (unsigned i = 0; i < 12; i++) {
                struct event *event = rig_event(rig, EVENT_SMSD_LOG);
                event->log.line = (struct smsd_log_line){
                    .kind = SMSD_LOG_TIMEOUT, .source = "GSM1", .modem = "GSM1", .detail = 1};
                rig_go(rig);
                rig_log(rig, SMSD_LOG_RECEIVED);
                rig_wait(rig, 20 * USEC_PER_SEC);
                assert_int_equal(told_in_all(rig), i >= 10);
        }
        assert_says(last(rig, ALERT_MODEM_TIMEOUTS)->summary, "11 times");
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(last(rig, ALERT_MODEM_TIMEOUTS)->state, ALERT_RESOLVED);
}

/* Whoever holds smsd may be changing the modem. */
static void test_modem_is_changed_in_a_hold(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        hold_for(rig, 0);
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_MIN);
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 0);
}

static void test_config_is_refused(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        (void)text_append(rig->conf, sizeof(rig->conf), "bogus = 1\n");
        rig->refuses = true;
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(rig_fired(&rig->spool, ALERT_CONFIG_REFUSED), 1);
        assert_int_equal(told_in_all(rig), 1);
        assert_int_equal(last(rig, ALERT_CONFIG_REFUSED)->severity, SEVERITY_CRITICAL);
        assert_says(last(rig, ALERT_CONFIG_REFUSED)->summary, "smsd refused smsd.conf");
        rig_command(rig, COMMAND_RESTART, 2, false);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_CONFIG_REFUSED), 1);
}

static void test_own_config_is_refused(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        (void)text_copy(rig_event(rig, EVENT_CONFIG_REFUSED)->config_problem, 256,
                        "smswarden.conf:3: unknown key \"foo\"");
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(told_in_all(rig), 1);
        assert_string_equal(last(rig, ALERT_CONFIG_REFUSED)->key, "config-refused/smswarden.conf");
        (void)rig_event(rig, EVENT_CONFIG_REFUSED);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(last(rig, ALERT_CONFIG_REFUSED)->state, ALERT_RESOLVED);
}

/* --- messages --- */

static void test_incoming_unread(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->config.alerts.incoming_unread = 10;
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_event(rig, EVENT_QUEUES)->queues.incoming = 10;
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 0);
        rig_event(rig, EVENT_QUEUES)->queues.incoming = 11;
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 1);
        assert_says(last(rig, ALERT_INCOMING_UNREAD)->summary, "11 received messages");
        rig_event(rig, EVENT_QUEUES)->queues.incoming = 0;
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
}

static void test_message_is_given_up(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        for (unsigned i = 0; i < 3; i++) {
                struct event *event = rig_event(rig, EVENT_MESSAGE_FAILED);
                (void)text_format(event->failed.file, sizeof(event->failed.file), "GSM1.%u", i);
                (void)text_copy(event->failed.modem, sizeof(event->failed.modem), "GSM1");
                (void)text_copy(event->failed.recipient, sizeof(event->failed.recipient), "+3706*****12");
                (void)text_copy(event->failed.reason, sizeof(event->failed.reason), "Modem said 500");
                if (i > 0)
                        (void)text_copy(event->failed.again, sizeof(event->failed.again),
                                        "smswarden queue requeue GSM1.2");
        }
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(told_in_all(rig), 3);
        const struct alert *alert = last(rig, ALERT_MESSAGE_FAILED);
        assert_string_equal(alert->key, "message-failed/GSM1.2");
        assert_int_equal(alert->severity, SEVERITY_WARNING);
        assert_says(alert->summary, "+3706*****12");
        assert_says(alert->summary, "Modem said 500");
        assert_string_equal(alert->next_action, "to send it again: smswarden queue requeue GSM1.2");
}

/* --- lives of the controller --- */

/* Killed within the ten seconds: the next life tells it, whether smsd runs by then or not. */
static void test_killed_before_it_was_told(void **state)
{
        (void)state;
        for (int runs = 0; runs < 2; runs++) {
                _rig_ rig = rig_working();
                rig->withheld[ACTION_SMSD_START] = true;
                crash(rig);
                rig_wait(rig, USEC_PER_SEC);
                assert_int_equal(told_in_all(rig), 0);
                rig->withheld[ACTION_SMSD_START] = false;
                if (runs)
                        (void)rig_smsd(rig); /* systemd has started it meanwhile */
                rig_begin(rig);
                rig_wait(rig, 5 * USEC_PER_MIN);
                assert_int_equal(told_in_all(rig), 2);
                assert_int_equal(rig->spool.messages[0].alert.kind, ALERT_SMSD_DOWN);
                assert_string_equal(rig->spool.messages[0].alert.cause, "crash");
                assert_says(rig->spool.messages[0].alert.summary, "died, signal 11");
                assert_int_equal(rig->spool.messages[1].alert.state, ALERT_RESOLVED);
        }
}

/* Told, then killed: no second first message, and the end is told. */
static void test_killed_after_it_was_told(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->start_result = -ENOENT;
        crash(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 1);
        rig_begin(rig);
        rig_wait(rig, 5 * USEC_PER_MIN);
        for (unsigned i = 1; i < told_in_all(rig); i++)
                assert_true(rig->spool.messages[i].alert.told > 0);
        assert_in_range(told_in_all(rig), 1, 2);
        rig->start_result = 0;
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(last(rig, ALERT_SMSD_DOWN)->state, ALERT_RESOLVED);
        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_SMSD_DOWN), 1);
}

static void test_killed_in_a_hold(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        hold_for(rig, 0);
        rig_wait(rig, 12 * USEC_PER_MIN);
        rig_begin(rig);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 1);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 3);
        assert_says(rig->spool.messages[1].alert.summary, "ended by its end");
}

/* Told of a modem that is still away when the next life begins. */
static void test_killed_while_the_modem_is_away(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->plugged = false;
        rig->list.processes[1].tty_deleted = true;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 1);
        for (unsigned i = 0; i < 5; i++) {
                rig_begin(rig);
                rig_wait(rig, 5 * USEC_PER_MIN);
        }
        assert_int_equal(told_in_all(rig), 1);
        rig->plugged = true;
        rig_begin(rig);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(last(rig, ALERT_MODEM_LOST)->state, ALERT_RESOLVED);
}

/* The disk is full. */
static void test_spool_fails(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->spool.result = rig->spool.save_result = -ENOSPC;
        crash(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(told_in_all(rig), 0);
        assert_in_range(rig->counts[ACTION_ALERT_SPOOL], 10, 200);
        assert_in_range(rig->counts[ACTION_ALERTS_SAVE], 10, 400);
        assert_int_equal(rig->counts[ACTION_DELIVER], 0);
        rig->spool.result = rig->spool.save_result = 0;
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(rig->spool.messages[0].alert.state, ALERT_FIRING);
        assert_int_equal(rig->spool.messages[1].alert.state, ALERT_RESOLVED);
}

static void test_observe(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->config.mode = MODE_OBSERVE;
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_wait(rig, USEC_PER_MIN);
        crash(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 1);
        assert_says(last(rig, ALERT_SMSD_DOWN)->next_action, "touches nothing");
        (void)rig_smsd(rig);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(told_in_all(rig), 2);
        assert_int_equal(last(rig, ALERT_SMSD_DOWN)->state, ALERT_RESOLVED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_silence),
            cmocka_unit_test(test_hold_younger_than_ten_minutes),
            cmocka_unit_test(test_hold_of_ten_minutes),
            cmocka_unit_test(test_long_hold_is_never_silent),
            cmocka_unit_test(test_hold_is_ended_by_its_end),
            cmocka_unit_test(test_short_hold_is_ended_by_its_end),
            cmocka_unit_test(test_hold_ends_in_vain),
            cmocka_unit_test(test_crash_that_heals),
            cmocka_unit_test(test_crash_without_outcome),
            cmocka_unit_test(test_somebody_ends_smsd),
            cmocka_unit_test(test_handler_that_dies_alone),
            cmocka_unit_test(test_restart_fails),
            cmocka_unit_test(test_failure_after_the_first_message),
            cmocka_unit_test(test_crash_loop),
            cmocka_unit_test(test_a_wished_restart_is_no_alert),
            cmocka_unit_test(test_no_alert_on_the_way_down),
            cmocka_unit_test(test_modem_is_unplugged_soon),
            cmocka_unit_test(test_modem_is_unplugged),
            cmocka_unit_test(test_handler_dies_of_the_unplugging),
            cmocka_unit_test(test_flapping_modem),
            cmocka_unit_test(test_sim_is_pulled),
            cmocka_unit_test(test_pin_is_refused),
            cmocka_unit_test(test_network_is_lost),
            cmocka_unit_test(test_modem_is_silent),
            cmocka_unit_test(test_timeouts),
            cmocka_unit_test(test_modem_is_changed_in_a_hold),
            cmocka_unit_test(test_config_is_refused),
            cmocka_unit_test(test_own_config_is_refused),
            cmocka_unit_test(test_incoming_unread),
            cmocka_unit_test(test_message_is_given_up),
            cmocka_unit_test(test_killed_before_it_was_told),
            cmocka_unit_test(test_killed_after_it_was_told),
            cmocka_unit_test(test_killed_in_a_hold),
            cmocka_unit_test(test_killed_while_the_modem_is_away),
            cmocka_unit_test(test_spool_fails),
            cmocka_unit_test(test_observe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
