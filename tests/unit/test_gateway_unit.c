/*
 * systemd's word on smsd's unit: what others do with systemctl, in every order in which their doing and its
 * consequences may be seen.
 */
#include "rig_unit.h"

static void assert_held_by_systemctl(struct rig *rig, unsigned starts)
{
        assert_true(gateway_is_held(rig->gateway));
        assert_true(rig->hold);
        assert_int_equal(rig->hold_record.source, HOLD_SOURCE_SYSTEMCTL);
        assert_string_equal(rig->hold_record.by, "systemctl");
        assert_int_equal(rig->hold_record.until - rig->hold_record.since, 30 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_HOLD_WRITE], 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], starts);
        assert_no_failure(rig);
}

/* --- what is shown --- */

static void test_state_is_shown(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        assert_string_equal(snapshot_of(rig)->smsd.unit.name, "smstools.service");
        assert_string_equal(snapshot_of(rig)->smsd.unit.active, "active");
        assert_string_equal(snapshot_of(rig)->smsd.unit.sub, "running");
        rig->unit.known = false; /* the bus is gone */
        rig_unit(rig);
        rig_go(rig);
        assert_string_equal(snapshot_of(rig)->smsd.unit.active, "");
        _rig_ direct = rig_working();
        assert_string_equal(snapshot_of(direct)->smsd.unit.active, "");
}

/* smsd was never begun: its log has nothing to say. */
static void test_advice_on_a_mask(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig->start_result = -ERFKILL;
        rig->problem = "smstools.service is masked: systemctl unmask smstools.service";
        end_smsd(rig);
        rig_wait(rig, 30 * USEC_PER_SEC);
        assert_int_equal(snapshot_of(rig)->verdict, VERDICT_DOWN);
        assert_non_null(strstr(snapshot_of(rig)->reason, "systemctl unmask"));
        assert_null(strstr(snapshot_of(rig)->next_action, "log"));
        rig->start_result = 0;
        rig->problem = NULL;
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* --- somebody stops it --- */

enum order {
        JOB_FIRST,
        EXIT_FIRST,
        EXIT_FIRST_THEN_OTHER,
        OUTCOME_WITH_EXIT,
        OUTCOME_BEFORE_EXIT,
        KIND_LATER
};

static void stop_in_order(struct rig *rig, enum order order)
{
        switch (order) {
        case JOB_FIRST:
                set_job(rig, UNIT_JOB_STOP);
                rig_wait(rig, 100 * USEC_PER_MSEC);
                end_smsd(rig);
                rig_wait(rig, 100 * USEC_PER_MSEC);
                break;
        case EXIT_FIRST:
                rig->unit.job = UNIT_JOB_STOP; /* to be learnt by the look only */
                end_smsd(rig);
                rig_go(rig);
                break;
        case EXIT_FIRST_THEN_OTHER:
                rig->unit.job = UNIT_JOB_OTHER;
                end_smsd(rig);
                rig_wait(rig, 300 * USEC_PER_MSEC);
                set_job(rig, UNIT_JOB_STOP);
                break;
        case OUTCOME_WITH_EXIT:
                rig->unit.stopped = true;
                set_state(rig, "inactive", "dead");
                end_smsd(rig);
                rig_go(rig);
                break;
        case OUTCOME_BEFORE_EXIT:
                rig->unit.stopped = true;
                set_state(rig, "inactive", "dead");
                rig_unit(rig);
                end_smsd(rig);
                rig_go(rig);
                break;
        case KIND_LATER:
                set_job(rig, UNIT_JOB_OTHER);
                rig_go(rig);
                end_smsd(rig);
                set_job(rig, UNIT_JOB_STOP);
                break;
        }
        stop_is_done(rig);
        rig_wait(rig, 3 * USEC_PER_SEC);
}

static void test_stop_is_a_hold(void **state)
{
        (void)state;

        for (enum order order = JOB_FIRST; order <= KIND_LATER; order++) {
                _rig_ rig = rig_working_unit();
                rig_forget(rig);
                stop_in_order(rig, order);
                assert_held_by_systemctl(rig, 0);
                assert_true(was_told(rig, "was stopped by systemctl: this is a hold of 30min"));
                assert_int_equal(rig_verdict(rig), VERDICT_HELD);
                assert_string_equal(snapshot_of(rig)->hold.source, "systemctl");
                rig_wait(rig, 29 * USEC_PER_MIN);
                assert_held_by_systemctl(rig, 0); /* its own end is no news */
                assert_true(was_told(rig, "possibly forgotten"));
                rig_wait(rig, 2 * USEC_PER_MIN);
                assert_false(gateway_is_held(rig->gateway));
                assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        }
}

/* systemd is busy (it reads all units anew) in the middle of somebody's stop, and says nothing for a while.
 */
static void test_stop_before_a_silence(void **state)
{
        (void)state;

        for (unsigned told = 0; told < 2; told++) {
                _rig_ rig = rig_working_unit();
                rig_forget(rig);
                set_job(rig, UNIT_JOB_STOP);
                rig_wait(rig, 20 * USEC_PER_MSEC);
                rig->systemd = rig->unit.known = false;
                if (told)
                        rig_unit(rig);
                rig_wait(rig, 20 * USEC_PER_MSEC);
                end_smsd(rig);
                rig_wait(rig, 3 * USEC_PER_SEC);
                assert_held_by_systemctl(rig, 0);
                rig->systemd = rig->unit.known = true;
                stop_is_done(rig);
                rig_wait(rig, 3 * USEC_PER_SEC);
                assert_held_by_systemctl(rig, 0);
                smsd_is_up(rig);
                (void)rig_event(rig, EVENT_SMSD_OPENED);
                set_job(rig, UNIT_JOB_NONE);
                rig_wait(rig, USEC_PER_SEC);
                assert_false(gateway_is_held(rig->gateway));
        }
}

/* A hold that is over does not begin anew because systemd tells again how the unit was stopped. */
static void test_silence_after_a_stop(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        somebody_stops(rig);
        assert_true(gateway_is_held(rig->gateway));
        rig->start_result = -ERFKILL; /* masked */
        rig_wait(rig, 31 * USEC_PER_MIN);
        assert_false(gateway_is_held(rig->gateway));
        rig->systemd = rig->unit.known = false;
        rig_unit(rig);
        rig_wait(rig, USEC_PER_SEC);
        rig->systemd = rig->unit.known = true;
        rig_unit(rig);
        rig_wait(rig, USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
}

/* The stop was cancelled in the silence: smsd runs on, and its later end is a crash. */
static void test_silence_and_no_stop(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        set_job(rig, UNIT_JOB_STOP);
        rig_wait(rig, 20 * USEC_PER_MSEC);
        rig->systemd = rig->unit.known = false;
        rig_unit(rig);
        rig_wait(rig, 3 * USEC_PER_SEC);
        rig->systemd = rig->unit.known = true;
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 3 * USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
        end_smsd(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
}

/* A stop may wait for a PDU: until it is done it may be cancelled, and nothing is done about a modem either.
 */
static void test_cancelled_stop_is_no_hold(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        set_job(rig, UNIT_JOB_STOP);
        rig_wait(rig, 50 * USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, USEC_PER_MIN);
        assert_false(gateway_is_held(rig->gateway));
        assert_int_equal(rig->counts[ACTION_HOLD_WRITE], 0);
        assert_int_equal(rig->list.n, 2);
}

/* Between the attempts of a crash loop somebody has enough: the unit is down already. */
static void test_stop_of_what_is_down(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig->start_result = -ENOEXEC;
        set_state(rig, "failed", "failed");
        end_smsd(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        unsigned starts = rig->counts[ACTION_SMSD_START];
        assert_true(starts > 1);
        rig->unit.stopped = true;
        rig_unit(rig);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_true(gateway_is_held(rig->gateway));
        assert_int_equal(rig->counts[ACTION_SMSD_START], starts);
}

/* What is told of a stop that was dealt with is no second one; the next stop is. */
static void test_each_stop_counts_once(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        somebody_stops(rig);
        assert_true(gateway_is_held(rig->gateway));
        rig->start_result = -ENOEXEC; /* `stopped` stays as it is */
        rig_command(rig, COMMAND_START, 1, false);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_false(gateway_is_held(rig->gateway));
        assert_true(rig->unit.stopped);
        somebody_stops(rig);
        assert_true(gateway_is_held(rig->gateway));
}

static void test_persons_start_overrules_a_stop_under_way(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        set_job(rig, UNIT_JOB_STOP);
        rig_wait(rig, USEC_PER_SEC);
        rig_command(rig, COMMAND_START, 1, false);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->n_replies[1], 0); /* it waits for the end of what is under way */
        end_smsd(rig);
        rig->unit.stopped = true;
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
        assert_int_equal(rig->replies[1], 0);
        assert_int_equal(rig->n_replies[1], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_stop_before_our_time(void **state)
{
        (void)state;

        for (unsigned runs = 0; runs < 2; runs++) {
                _rig_ rig = rig_new();
                rig->systemd = rig->unit.stopped = true;
                if (runs) /* by hand, since */
                        (void)rig_smsd(rig);
                rig_begin(rig);
                rig_wait(rig, USEC_PER_MIN);
                assert_int_equal(gateway_is_held(rig->gateway), !runs);
                assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
                assert_int_equal(rig->list.n, runs ? 2 : 0);
        }
}

static void test_observer_writes_nothing(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig->config.mode = MODE_OBSERVE;
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_wait(rig, USEC_PER_SEC);
        rig_forget(rig);
        somebody_stops(rig);
        assert_true(gateway_is_held(rig->gateway));
        assert_int_equal(rig->counts[ACTION_HOLD_WRITE], 0);
        rig->config.mode = MODE_CONTROL; /* now it is ours to keep */
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_wait(rig, USEC_PER_MIN);
        assert_held_by_systemctl(rig, 0);
}

/* --- before anything is decided, systemd is asked --- */

static void test_no_answer_is_waited_for_1500_ms(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig->withheld[ACTION_UNIT_LOOK] = true;
        rig_forget(rig);
        end_smsd(rig);
        rig_wait(rig, 1400 * USEC_PER_MSEC);
        assert_int_equal(rig->counts[ACTION_UNIT_LOOK], 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_false(was_told(rig, "smsd (pid"));
        rig_wait(rig, 200 * USEC_PER_MSEC);
        assert_true(was_told(rig, "smsd (pid"));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
}

static void test_without_systemd_nothing_is_slower(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_forget(rig);
        end_smsd(rig);
        rig_wait(rig, 100 * USEC_PER_MSEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_true(rig->counts[ACTION_UNIT_LOOK] > 0);
}

static void test_crash_is_a_crash(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        set_state(rig, "failed", "failed");
        while (rig->list.n > 0)
                rig_exit(rig, rig->list.n - 1, -SIGSEGV, true);
        rig_unit(rig);
        rig_wait(rig, 100 * USEC_PER_MSEC);
        assert_true(was_told(rig, "died, signal 11"));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_false(gateway_is_held(rig->gateway));
}

/* --- somebody restarts it, or starts it --- */

static void test_restart_is_no_crash(void **state)
{
        (void)state;

        for (unsigned order = 0; order < 3; order++) {
                _rig_ rig = rig_working_unit();
                rig_forget(rig);
                if (order == 0) {
                        set_job(rig, UNIT_JOB_RESTART);
                        rig_go(rig);
                }
                if (order == 1)
                        rig->unit.job = UNIT_JOB_RESTART;
                rig->withheld[ACTION_UNIT_LOOK] = order == 2; /* all is over when the answer comes */
                end_smsd(rig);
                rig_wait(rig, order == 2 ? 50 * USEC_PER_MSEC : USEC_PER_SEC);
                smsd_is_up(rig);
                (void)rig_event(rig, EVENT_SMSD_OPENED);
                rig->withheld[ACTION_UNIT_LOOK] = false;
                set_job(rig, UNIT_JOB_NONE);
                rig_wait(rig, 10 * USEC_PER_SEC);
                assert_no_failure(rig);
                assert_true(was_told(rig, "was restarted by systemctl and is adopted"));
                assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
                assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
                assert_int_equal(rig->counts[ACTION_HOLD_WRITE], 0);
                assert_int_equal(rig->list.n, 2);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
                rig_forget(rig); /* it has cost nothing of the patience with real crashes */
                set_state(rig, "failed", "failed");
                end_smsd(rig);
                rig_wait(rig, 100 * USEC_PER_MSEC);
                assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        }
}

/* A handler that ends a moment before main is no loss either. */
static void test_handlers_end_first(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        rig->unit.job = UNIT_JOB_RESTART;
        rig_exit(rig, 1, 0, false);
        rig_wait(rig, 40 * USEC_PER_SEC); /* another one has a PDU under way */
        assert_no_failure(rig);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        end_smsd(rig);
        rig_wait(rig, USEC_PER_SEC);
        smsd_is_up(rig);
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_no_failure(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_restart_in_vain_ends_in_the_path(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        set_job(rig, UNIT_JOB_RESTART);
        end_smsd(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0); /* none beside theirs */
        set_state(rig, "failed", "failed");
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 100 * USEC_PER_MSEC);
        assert_true(was_told(rig, "has brought no smsd up"));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
}

static void test_job_without_end_is_waited_for_100_s(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        set_job(rig, UNIT_JOB_RESTART);
        end_smsd(rig);
        rig_wait(rig, 99 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
}

/* At boot: Debian's own start of the unit is under way when we begin. */
static void test_start_at_boot_is_adopted(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->systemd = true;
        rig->unit.job = UNIT_JOB_START;
        rig_begin(rig);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        smsd_is_up(rig);
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, USEC_PER_SEC);
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 30 * USEC_PER_SEC);
        assert_true(was_told(rig, "was started by systemctl and is adopted"));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* logrotate's force-reload starts a stopped unit. */
static void test_restart_during_a_hold_breaks_it_aloud(void **state)
{
        (void)state;

        for (unsigned by_systemctl = 0; by_systemctl < 2; by_systemctl++) {
                _rig_ rig = rig_working_unit();
                if (by_systemctl)
                        somebody_stops(rig);
                else
                        rig_command(rig, COMMAND_STOP, 1, false);
                rig_wait(rig, 5 * USEC_PER_MIN);
                assert_true(gateway_is_held(rig->gateway));
                rig_forget(rig);
                set_job(rig, UNIT_JOB_RESTART);
                smsd_is_up(rig);
                (void)rig_event(rig, EVENT_SMSD_OPENED);
                rig_wait(rig, USEC_PER_SEC);
                set_job(rig, UNIT_JOB_NONE);
                rig_wait(rig, 20 * USEC_PER_SEC);
                assert_false(gateway_is_held(rig->gateway));
                assert_false(rig->hold);
                assert_true(was_told(rig, "the hold is ended"));
                assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        }
}

/* `systemctl stop; systemctl start` in one breath: who was started since the stop stays. */
static void test_stop_and_start_in_one_breath(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        set_job(rig, UNIT_JOB_STOP);
        end_smsd(rig);
        stop_is_done(rig);
        set_job(rig, UNIT_JOB_START);
        smsd_is_up(rig);
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
        assert_false(rig->hold);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        assert_int_equal(rig->list.n, 2);
}

/* --- others' jobs during our own run --- */

static void test_stop_during_a_run(void **state)
{
        (void)state;

        for (enum phase phase = IN_STOP; phase < PHASES; phase++) {
                _rig_ rig = rig_in(phase, 1);
                set_job(rig, UNIT_JOB_STOP);
                rig_go(rig);
                unsigned starts = rig->counts[ACTION_SMSD_START];
                assert_true(gateway_is_held(rig->gateway));
                assert_int_equal(rig->n_replies[1], 1);
                assert_int_equal(rig->replies[1], 1);
                let_go(rig);
                if (phase == IN_START) { /* our job was replaced by theirs */
                        struct event *event = rig_event(rig, EVENT_START_DONE);
                        event->started.result = -ECANCELED;
                }
                if (phase == IN_READ)
                        rig_read_conf(rig, false);
                if (phase == IN_WRITE)
                        (void)rig_event(rig, EVENT_CONF_WRITTEN);
                end_smsd(rig);
                stop_is_done(rig);
                rig_wait(rig, 20 * USEC_PER_SEC);
                assert_int_equal(rig->list.n, 0);
                assert_held_by_systemctl(rig, starts);
                assert_false(gateway_is_restarting(rig->gateway));
        }
}

/* The outcome of our job is told before the job that replaced it is. */
static void test_start_replaced_by_a_stop(void **state)
{
        _rig_ rig = rig_in(IN_START, 0);
        (void)state;

        rig->unit.job = UNIT_JOB_STOP;
        struct event *event = rig_event(rig, EVENT_START_DONE);
        event->started.result = -ECANCELED;
        (void)text_copy(event->started.problem, sizeof(event->started.problem), "replaced");
        rig_go(rig);
        stop_is_done(rig);
        let_go(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_held_by_systemctl(rig, 1);
        assert_int_equal(rig->list.n, 0);
}

static void test_start_replaced_by_a_restart(void **state)
{
        _rig_ rig = rig_in(IN_START, 0);
        (void)state;

        rig->unit.job = UNIT_JOB_RESTART;
        rig_event(rig, EVENT_START_DONE)->started.result = -ECANCELED;
        rig_wait(rig, 5 * USEC_PER_SEC);
        let_go(rig);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        smsd_is_up(rig);
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->list.n, 2);
        assert_no_failure(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* Also one that is noticed by nothing but the end of what we have just started. */
static void test_restart_while_we_verify(void **state)
{
        _rig_ rig = rig_in(IN_VERIFY, 0);
        (void)state;

        rig->unit.job = UNIT_JOB_RESTART;
        end_smsd(rig);
        rig_wait(rig, 3 * USEC_PER_SEC);
        let_go(rig);
        smsd_is_up(rig);
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_no_failure(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* A person who asked us for a restart gets ours, behind theirs. */
static void test_command_waits_for_somebodys_job(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig_forget(rig);
        set_job(rig, UNIT_JOB_RESTART);
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_int_equal(rig->n_replies[1], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        end_smsd(rig);
        rig_go(rig);
        smsd_is_up(rig);
        set_job(rig, UNIT_JOB_NONE);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_int_equal(rig->n_replies[1], 1);
        assert_int_equal(rig->replies[1], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_no_failure(rig);
}

/* --- what systemd cannot do --- */

static void test_systemds_own_words(void **state)
{
        _rig_ rig = rig_working_unit();
        (void)state;

        rig->start_result = -ENOEXEC;
        rig->problem = "smstools.service is masked: systemctl unmask smstools";
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_string_equal(snapshot_of(rig)->restarts.last.problem, rig->problem);
        assert_string_equal(snapshot_of(rig)->restarts.last.result, "failed");
        assert_true(was_told(rig, rig->problem));
        assert_int_equal(rig->replies[1], 1);
}

static void test_stop_that_systemd_refuses(void **state)
{
        _rig_ rig = rig_working_unit();
        struct process_id main = rig->list.processes[0].id;
        (void)state;

        rig_forget(rig);
        rig->stop_result = -ENOTCONN;
        rig->problem = "no connection to systemd";
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, USEC_PER_SEC);
        assert_true(rig->counts[ACTION_SIGNAL] > 0);
        assert_int_equal(rig_find(rig, main.pid), -1); /* by TERM to exactly this one */
        assert_true(was_told(rig, "no connection to systemd"));
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->replies[1], 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_state_is_shown),
            cmocka_unit_test(test_advice_on_a_mask),
            cmocka_unit_test(test_stop_is_a_hold),
            cmocka_unit_test(test_stop_before_a_silence),
            cmocka_unit_test(test_silence_after_a_stop),
            cmocka_unit_test(test_silence_and_no_stop),
            cmocka_unit_test(test_cancelled_stop_is_no_hold),
            cmocka_unit_test(test_stop_of_what_is_down),
            cmocka_unit_test(test_each_stop_counts_once),
            cmocka_unit_test(test_persons_start_overrules_a_stop_under_way),
            cmocka_unit_test(test_stop_before_our_time),
            cmocka_unit_test(test_observer_writes_nothing),
            cmocka_unit_test(test_no_answer_is_waited_for_1500_ms),
            cmocka_unit_test(test_without_systemd_nothing_is_slower),
            cmocka_unit_test(test_crash_is_a_crash),
            cmocka_unit_test(test_restart_is_no_crash),
            cmocka_unit_test(test_handlers_end_first),
            cmocka_unit_test(test_restart_in_vain_ends_in_the_path),
            cmocka_unit_test(test_job_without_end_is_waited_for_100_s),
            cmocka_unit_test(test_start_at_boot_is_adopted),
            cmocka_unit_test(test_restart_during_a_hold_breaks_it_aloud),
            cmocka_unit_test(test_stop_and_start_in_one_breath),
            cmocka_unit_test(test_stop_during_a_run),
            cmocka_unit_test(test_start_replaced_by_a_stop),
            cmocka_unit_test(test_start_replaced_by_a_restart),
            cmocka_unit_test(test_restart_while_we_verify),
            cmocka_unit_test(test_command_waits_for_somebodys_job),
            cmocka_unit_test(test_systemds_own_words),
            cmocka_unit_test(test_stop_that_systemd_refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
