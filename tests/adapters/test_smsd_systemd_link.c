/*
 * The systemd backend's connection and its hold timer, against the fake of systemd_fake.h: lost in the
 * middle of everything, forged, dead, and made again. A job under way is answered once, whatever happens.
 */
#include "systemd_fake.h"

static void expect_answers(struct fake *f, unsigned started, unsigned stopped)
{
        fake_settle(f);
        assert_int_equal(f->n_started, started);
        assert_int_equal(f->n_stopped, stopped);
}

/* --- which way --- */

static void test_private_when_no_bus(void **state)
{
        struct fake *f = *state;

        fake_listen(f, FAKE_PRIVATE);
        fake_new_backend(f);
        fake_until(f, f->n_unit == 1);
        assert_true(f->state.known);
        assert_int_equal(f->connections[FAKE_PRIVATE], 1);
        assert_int_equal(smsd_systemd_start(f->backend), 0);
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, 0);
        expect_answers(f, 1, 0);
}

static void test_there_and_back(void **state)
{
        struct fake *f = *state;

        fake_close(f, FAKE_BUS);
        fake_drop_all(f);
        fake_until(f, f->subscribes == 2);
        assert_int_equal(f->connections[FAKE_PRIVATE], 1);
        fake_listen(f, FAKE_BUS);
        fake_close(f, FAKE_PRIVATE);
        fake_drop_all(f);
        fake_until(f, f->subscribes == 3);
        assert_int_equal(f->connections[FAKE_BUS], 2);
        fake_settle(f);
        assert_true(f->state.known);
}

/* Nothing there at first: it is found when it comes. */
static void test_late_systemd(void **state)
{
        struct fake *f = *state;

        fake_new_backend(f);
        assert_int_equal(smsd_systemd_look(f->backend), 0);
        fake_until(f, f->n_unit == 1);
        assert_false(f->state.known);
        fake_listen(f, FAKE_BUS);
        fake_until(f, f->n_unit == 2);
        assert_true(f->state.known);
}

/* A daemon that accepts and is silent, on both ways. */
static void test_look_at_the_dead(void **state)
{
        struct fake *f = *state;

        f->mute = true;
        fake_listen(f, FAKE_BUS);
        fake_listen(f, FAKE_PRIVATE);
        fake_new_backend(f);
        for (unsigned i = 1; i <= 2; i++) {
                usec_t asked = fake_now();
                assert_int_equal(smsd_systemd_look(f->backend), 0);
                assert_int_equal(smsd_systemd_look(f->backend), 0); /* one answer for both */
                assert_int_equal(f->n_unit, i - 1);                 /* from the loop only */
                fake_until(f, f->n_unit == i);
                assert_true(fake_now() - asked < USEC_PER_SEC);
                assert_false(f->state.known);
        }
        fake_ahead += 6; /* the try is given up, the other way is tried */
        fake_until(f, f->connections[FAKE_PRIVATE] == 1);
        f->mute = false;
        fake_ahead += 6;
        fake_until(f, f->state.known);
}

static void test_look_at_one_that_died(void **state)
{
        struct fake *f = *state;

        f->mute = true;
        usec_t asked = fake_now();
        assert_int_equal(smsd_systemd_look(f->backend), 0);
        fake_until(f, f->n_unit == 2);
        assert_true(fake_now() - asked < USEC_PER_SEC);
        assert_false(f->state.known);
        /* it wakes up, or is left for the other way: the state is told then */
        f->mute = false;
        fake_ahead += 11;
        fake_until(f, f->state.known);
}

/* A bus without systemd on it. */
static void test_refused_subscription(void **state)
{
        struct fake *f = *state;

        f->no_systemd[FAKE_BUS] = true;
        fake_listen(f, FAKE_BUS);
        fake_listen(f, FAKE_PRIVATE);
        fake_new_backend(f);
        fake_until(f, f->n_unit == 1);
        assert_true(f->state.known);
        assert_int_equal(f->connections[FAKE_PRIVATE], 1);
}

/* The pauses grow: a box without systemd is not kept busy. */
static void test_pauses(void **state)
{
        struct fake *f = *state;

        f->no_systemd[FAKE_BUS] = f->no_systemd[FAKE_PRIVATE] = true;
        fake_listen(f, FAKE_BUS);
        fake_listen(f, FAKE_PRIVATE);
        fake_new_backend(f);
        usec_t begin = fake_now();
        fake_until(f, f->connections[FAKE_PRIVATE] == 4);
        /* 100 + 200 + 400 ms between four pairs */
        assert_true(fake_now() - begin >= 700 * USEC_PER_MSEC);
        assert_true(f->connections[FAKE_BUS] <= 5);
        assert_int_equal(f->n_unit, 0);
}

/* --- a job and no connection --- */

static void test_no_connection(void **state)
{
        struct fake *f = *state;

        fake_new_backend(f);
        assert_int_equal(smsd_systemd_start(f->backend), 0);
        assert_int_equal(smsd_systemd_stop(f->backend), -EBUSY);
        fake_settle(f);
        assert_int_equal(f->n_started, 0);
        fake_ahead += 11;
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, -ENOTCONN);
        assert_non_null(strstr(f->problem, "no connection to systemd"));
        assert_int_equal(smsd_systemd_stop(f->backend), 0);
        fake_listen(f, FAKE_PRIVATE);
        fake_until(f, f->n_stopped == 1);
        assert_int_equal(f->stopped_result, 0);
        expect_answers(f, 1, 1);
        assert_int_equal(f->restarts, 0);
}

/* The connection goes away together with the call. */
static void test_lost_call(void **state)
{
        static const struct {
                bool is_stop, carried_out;
        } rows[] = {{false, false}, {false, true}, {true, false}, {true, true}};
        struct fake *f = *state;
        unsigned started = 0, stopped = 0;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                f->active = "active";
                fake_settle(f);
                f->restarts = f->stops = 0;
                f->lose_call = true;
                f->carry_out = rows[i].carried_out;
                started += !rows[i].is_stop;
                stopped += rows[i].is_stop;
                assert_int_equal(
                    rows[i].is_stop ? smsd_systemd_stop(f->backend) : smsd_systemd_start(f->backend), 0);
                fake_until(f, f->n_started == started && f->n_stopped == stopped);
                assert_int_equal(rows[i].is_stop ? f->stopped_result : f->started_result, 0);
                expect_answers(f, started, stopped);
                /* sent again only when nothing had come of it */
                assert_int_equal(f->restarts + f->stops, rows[i].carried_out ? 1 : 2);
        }
}

static void begin(struct fake *f, bool is_stop)
{
        f->result = NULL;
        assert_int_equal(is_stop ? smsd_systemd_stop(f->backend) : smsd_systemd_start(f->backend), 0);
        fake_until(f, f->job != 0);
        fake_settle(f);
}

/* What has become of a job while nobody listened. */
static void test_lost_in_mid_job(void **state)
{
        static const struct {
                bool is_stop;
                const char *active, *job_type; /* a job: somebody else's */
                bool started;
                int expected;
                const char *piece;
        } rows[] = {
            {false, "active", NULL, true, 0, ""},
            {false, "failed", NULL, true, -EREMOTEIO, "failed: journalctl"},
            {false, "inactive", NULL, false, -ESTALE, "is gone and the unit is inactive"},
            {false, "active", NULL, false, -ESTALE, "is gone and the unit is active"},
            {false, "deactivating", "stop", false, -ECANCELED, "systemctl stop of smstools.service"},
            {true, "inactive", NULL, false, 0, ""},
            {true, "failed", NULL, false, 0, ""},
            {true, "active", NULL, false, -ESTALE, "is gone and the unit is active"},
            {true, "activating", "start", true, -ECANCELED, "systemctl start of smstools.service"},
        };
        struct fake *f = *state;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                f->active = "active";
                f->n_started = f->n_stopped = 0;
                begin(f, rows[i].is_stop);
                f->active = rows[i].active;
                f->job = rows[i].job_type ? 500 : 0;
                f->job_type = rows[i].job_type;
                f->left_inactive = rows[i].started ? fake_now() : 0;
                fake_drop_all(f);
                fake_until(f, f->n_started + f->n_stopped == 1);
                assert_int_equal(rows[i].is_stop ? f->stopped_result : f->started_result, rows[i].expected);
                if (!strstr(f->problem, rows[i].piece))
                        fail_msg("row %zu: %s", i, f->problem);
                f->job = 0;
                expect_answers(f, !rows[i].is_stop, rows[i].is_stop);
        }
        assert_int_equal(f->restarts, 5);
        assert_int_equal(f->stops, 4);
}

/* The job outlives three connections. */
static void test_job_goes_on(void **state)
{
        struct fake *f = *state;

        begin(f, false);
        for (unsigned i = 2; i <= 4; i++) {
                fake_drop_all(f);
                fake_until(f, f->subscribes == i);
                fake_settle(f);
                assert_int_equal(f->n_started, 0);
                assert_int_equal(f->state.job, UNIT_JOB_NONE);
        }
        fake_carry_out(f, false);
        fake_end_job(f, f->job, "done");
        fake_until(f, f->n_started == 1);
        expect_answers(f, 1, 0);
        assert_int_equal(f->restarts, 1);
}

/* Between the result and the answer. */
static void test_lost_at_the_end(void **state)
{
        struct fake *f = *state;

        begin(f, false);
        f->mute = true;
        fake_end_job(f, f->job, "dependency");
        fake_until(f, f->muted > 0);
        f->mute = false;
        fake_drop_all(f);
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, -ENOLINK);
        expect_answers(f, 1, 0);
}

/* --- systemd itself anew --- */

static void test_reload(void **state)
{
        struct fake *f = *state;

        begin(f, false);
        fake_emit(f, "Reloading", "b", 1);
        fake_carry_out(f, false);
        f->job = 0; /* unheard */
        fake_emit(f, "Reloading", "b", 0);
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, 0);
        assert_int_equal(f->subscribes, 2);
        assert_int_equal(f->connections[FAKE_BUS] + f->connections[FAKE_PRIVATE], 1);
        expect_answers(f, 1, 0);
}

/* It ends while we ask whether it is still there, and were told that it is. */
static void test_end_during_the_question(void **state)
{
        struct fake *f = *state;

        for (unsigned i = 1; i <= 2; i++) {
                bool known = i == 1;
                if (known)
                        begin(f, false);
                else {
                        f->result = NULL;
                        f->deaf = true;
                        assert_int_equal(smsd_systemd_start(f->backend), 0);
                        fake_until(f, f->restarts == 2);
                }
                unsigned asked = f->lists;
                if (known)
                        fake_emit(f, "Reloading", "b", 0);
                else
                        fake_drop_all(f);
                fake_until(f, f->lists > asked);
                fake_carry_out(f, false);
                fake_end_job(f, f->job, "done");
                fake_until(f, f->n_started == i);
                assert_int_equal(f->started_result, 0);
                assert_int_equal(f->restarts, i);
        }
}

static void owner_changed(struct fake *f, const char *sender, const char *name)
{
        fake_emit_from(f, sender, "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss",
                       name, FAKE_OWNER, ":1.2");
}

static void test_reexec(void **state)
{
        struct fake *f = *state;

        begin(f, true);
        f->active = "inactive";
        f->job = 0; /* unheard */
        owner_changed(f, "org.freedesktop.DBus", "org.freedesktop.systemd1");
        fake_until(f, f->n_stopped == 1);
        assert_int_equal(f->stopped_result, 0);
        assert_int_equal(f->subscribes, 2);
        expect_answers(f, 0, 1);
}

/* Everybody on the bus may send us a signal; what is not systemd's does nothing. */
static void test_forged(void **state)
{
        struct fake *f = *state;
        char path[64];

        begin(f, false);
        unsigned asked = f->lists;
        fake_job_path(path, f->job);
        fake_emit_from(f, ":1.66", FAKE_PATH, FAKE_MANAGER, "JobRemoved", "uoss", f->job, path, FAKE_UNIT,
                       "failed");
        fake_emit_from(f, ":1.66", FAKE_PATH, FAKE_MANAGER, "JobNew", "uos", 600, path, FAKE_UNIT);
        fake_emit_from(f, "org.freedesktop.systemd1", FAKE_PATH, FAKE_MANAGER, "JobRemoved", "uoss", f->job,
                       path, FAKE_UNIT, "failed");
        fake_emit_from(f, ":1.66", FAKE_PATH, FAKE_MANAGER, "Reloading", "b", 0);
        owner_changed(f, ":1.66", "org.freedesktop.systemd1");
        owner_changed(f, "org.freedesktop.DBus", "org.example.Other");
        fake_emit_from(f, ":1.66", "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                       "Disconnected", "");
        fake_emit(f, "JobRemoved", "s", "short");
        fake_settle(f);
        assert_int_equal(f->lists, asked + 2); /* the looks */
        assert_int_equal(f->subscribes, 1);
        assert_int_equal(f->n_started, 0);
        assert_int_equal(f->connections[FAKE_BUS], 1);
        fake_end_job(f, f->job, "done");
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, 0);
}

/* Freed at any moment; no callback comes any more. */
static void test_free_in_the_middle(void **state)
{
        struct fake *f = *state;

        for (unsigned steps = 0; steps < 60; steps++) {
                f->backend = smsd_systemd_free(f->backend);
                f->n_started = f->n_unit = 0;
                fake_new_backend(f);
                assert_int_equal(smsd_systemd_start(f->backend), 0);
                assert_int_equal(smsd_systemd_look(f->backend), 0);
                assert_int_equal(smsd_systemd_set_hold_timer(f->backend, USEC_PER_MIN), 0);
                for (unsigned i = 0; i < steps; i++)
                        assert_true(sd_event_run(f->event, 0) >= 0);
                unsigned told = f->n_started + f->n_unit;
                f->backend = smsd_systemd_free(f->backend);
                while (sd_event_run(f->event, 0) > 0)
                        ;
                assert_int_equal(f->n_started + f->n_unit, told);
        }
}

/* --- the hold timer --- */

static void set(struct fake *f, usec_t delay)
{
        assert_int_equal(smsd_systemd_set_hold_timer(f->backend, delay), 0);
}

static void test_timer(void **state)
{
        struct fake *f = *state;

        set(f, 30 * USEC_PER_MIN);
        fake_until(f, f->timer.exists);
        assert_string_equal(f->timer.base, "OnActiveSec");
        assert_true(f->timer.delay <= 30 * USEC_PER_MIN);
        assert_true(f->timer.delay > 30 * USEC_PER_MIN - 5 * USEC_PER_SEC);
        assert_int_equal(f->timer.accuracy, USEC_PER_SEC);
        assert_int_equal(f->timer.remain, 0);
        assert_string_equal(f->timer.problem, "");
        assert_int_equal(smsd_systemd_clear_hold_timer(f->backend), 0);
        fake_until(f, !f->timer.exists);
        fake_settle(f);
        assert_int_equal(f->timer.starts, 1);
}

/* The old one's name is free only when systemd has forgotten it. */
static void test_timer_replaced(void **state)
{
        struct fake *f = *state;

        set(f, USEC_PER_HOUR);
        fake_until(f, f->timer.exists);
        f->keep_timer = true;
        set(f, USEC_PER_MIN);
        fake_until(f, f->timer.stops == 2);
        fake_settle(f);
        assert_int_equal(f->timer.starts, 1);
        fake_forget_timer(f);
        fake_until(f, f->timer.exists);
        assert_int_equal(f->timer.starts, 2);
        assert_true(f->timer.delay <= USEC_PER_MIN);
}

static void test_timer_storm(void **state)
{
        struct fake *f = *state;

        for (unsigned i = 1; i <= 50; i++) {
                set(f, USEC_PER_HOUR);
                assert_int_equal(smsd_systemd_clear_hold_timer(f->backend), 0);
                set(f, i * USEC_PER_MIN);
        }
        fake_until(f,
                   f->timer.exists && f->timer.delay > 49 * USEC_PER_MIN && f->timer.delay < USEC_PER_HOUR);
        fake_settle(f);
        fake_settle(f);
        assert_true(f->timer.exists);
        assert_int_equal(f->timer.starts, 1);
}

/* A name that stays taken is not tried for ever. */
static void test_timer_exists(void **state)
{
        struct fake *f = *state;

        f->timer_exists_error = true;
        set(f, USEC_PER_MIN);
        fake_until(f, f->timer.starts == 3);
        fake_settle(f);
        fake_settle(f);
        assert_int_equal(f->timer.starts, 3);
        f->timer_exists_error = false;
        set(f, USEC_PER_MIN);
        fake_until(f, f->timer.exists);
}

/* systemd never says that it forgot the old one: after a while it is tried all the same. */
static void test_timer_stays(void **state)
{
        struct fake *f = *state;

        f->timer.exists = f->keep_timer = true;
        set(f, USEC_PER_MIN);
        fake_until(f, f->timer.stops == 1);
        fake_settle(f);
        assert_int_equal(f->timer.starts, 0);
        f->timer.exists = false;
        fake_later(f, 3);
        fake_until(f, f->timer.starts == 1);
}

/* The end of the hold does not move when the connection is away. */
static void test_timer_lost_connection(void **state)
{
        struct fake *f = *state;

        f->timer.exists = f->keep_timer = true;
        set(f, USEC_PER_MIN);
        fake_until(f, f->timer.stops == 1);
        fake_ahead += 20;
        f->timer.exists = f->keep_timer = false;
        fake_drop_all(f);
        fake_until(f, f->timer.exists);
        assert_int_equal(f->timer.stops, 2);
        assert_true(f->timer.delay <= 40 * USEC_PER_SEC);
        /* an end that has passed meanwhile */
        fake_close(f, FAKE_BUS);
        fake_close(f, FAKE_PRIVATE);
        fake_drop_all(f);
        f->timer.exists = false;
        fake_until(f, !f->state.known || f->n_unit);
        set(f, USEC_PER_MIN);
        fake_ahead += 120;
        fake_listen(f, FAKE_PRIVATE);
        fake_until(f, f->timer.exists);
        assert_in_range(f->timer.delay, 1, USEC_PER_SEC);
}

#define BARE(test)    cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)
#define RUNNING(test) cmocka_unit_test_setup_teardown(test, fake_setup_running, fake_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            BARE(test_private_when_no_bus),
            RUNNING(test_there_and_back),
            BARE(test_late_systemd),
            BARE(test_look_at_the_dead),
            RUNNING(test_look_at_one_that_died),
            BARE(test_refused_subscription),
            BARE(test_pauses),
            BARE(test_no_connection),
            RUNNING(test_lost_call),
            RUNNING(test_lost_in_mid_job),
            RUNNING(test_job_goes_on),
            RUNNING(test_lost_at_the_end),
            RUNNING(test_reload),
            RUNNING(test_end_during_the_question),
            RUNNING(test_reexec),
            RUNNING(test_forged),
            RUNNING(test_free_in_the_middle),
            RUNNING(test_timer),
            RUNNING(test_timer_replaced),
            RUNNING(test_timer_storm),
            RUNNING(test_timer_exists),
            RUNNING(test_timer_stays),
            RUNNING(test_timer_lost_connection),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
