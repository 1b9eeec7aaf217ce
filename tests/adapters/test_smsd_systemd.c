/*
 * The systemd backend's jobs and what it says of other people's, against the fake of systemd_fake.h: every
 * result and every refusal has its own sentence, every call is answered once, whichever comes first.
 */
#include "systemd_fake.h"

static void start(struct fake *f)
{
        assert_int_equal(smsd_systemd_start(f->backend), 0);
}

static void stop(struct fake *f)
{
        assert_int_equal(smsd_systemd_stop(f->backend), 0);
}

static void expect_problem(struct fake *f, const char *piece)
{
        if (piece[0] == '\0')
                assert_string_equal(f->problem, "");
        else if (!strstr(f->problem, piece))
                fail_msg("\"%s\" does not say \"%s\"", f->problem, piece);
}

/* Exactly one answer, also after all that was still on its way. */
static void expect_once(struct fake *f, unsigned started, unsigned stopped)
{
        fake_settle(f);
        assert_int_equal(f->n_started, started);
        assert_int_equal(f->n_stopped, stopped);
}

static void test_first_state(void **state)
{
        struct fake *f = *state;

        assert_true(f->state.known);
        assert_string_equal(f->state.active, "active");
        assert_string_equal(f->state.sub, "running");
        assert_int_equal(f->state.job, UNIT_JOB_NONE);
        assert_false(f->state.stopped || f->state.system_stopping);
        assert_int_equal(f->connections[FAKE_BUS], 1);
        assert_int_equal(f->connections[FAKE_PRIVATE], 0);
}

static void test_names(void **state)
{
        static const char *const bad[] = {"",
                                          ".service",
                                          "smstools",
                                          "a/b.service",
                                          "x.service;y",
                                          "smstools.timer",
                                          "a b.service",
                                          "\xc3\xa9.service"};
        struct fake *f = *state;
        const struct smsd_systemd_callbacks callbacks = {fake_on_stopped, fake_on_started, fake_on_unit,
                                                         fake_on_ran};
        struct smsd_systemd *backend = NULL;

        for (size_t i = 0; i < 2 * ARRAY_SIZE(bad); i++) {
                const char *name = bad[i / 2];
                const struct smsd_systemd_options options = {.unit = i % 2 ? name : FAKE_UNIT,
                                                             .hold_end_unit = i % 2 ? "e.service" : name};
                assert_int_equal(smsd_systemd_new(&backend, f->event, &options, &callbacks, f), -EINVAL);
                assert_null(backend);
        }
        assert_null(smsd_systemd_free(NULL));
}

/* --- results --- */

static const struct {
        const char *result;
        int expected;
        const char *piece;
} results[] = {
    {"done", 0, ""},
    {"canceled", -ECANCELED, "somebody cancelled the job of smstools.service"},
    {"timeout", -ETIMEDOUT, "journalctl -u smstools.service"},
    {"failed", -EREMOTEIO, "smstools.service failed: journalctl -u smstools.service"},
    {"dependency", -ENOLINK, "list-dependencies"},
    {"skipped", -EBADR, "skipped"},
    {"collected", -ESTALE, "dropped"},
    {"assert", -EPROTO, "Assert"},
    {"unsupported", -EOPNOTSUPP, "cannot run units"},
    {"invalid", -ENOEXEC, "ExecStart"},
    {"once", -EALREADY, "once per boot"},
    {"new\nkind", -EIO, "\"new\\nkind\""},
};

static void run_result(struct fake *f, const char *result, bool is_stop, bool removed_first)
{
        f->result = result;
        f->removed_first = removed_first;
        f->active = "active";
        f->n_started = f->n_stopped = 0;
        if (is_stop)
                stop(f);
        else
                start(f);
        fake_until(f, f->n_started + f->n_stopped > 0);
        expect_once(f, !is_stop, is_stop);
}

static void test_results(void **state)
{
        struct fake *f = *state;

        for (size_t i = 0; i < 4 * ARRAY_SIZE(results); i++) {
                bool is_stop = i % 2, removed_first = i % 4 / 2;
                run_result(f, results[i / 4].result, is_stop, removed_first);
                assert_int_equal(is_stop ? f->stopped_result : f->started_result, results[i / 4].expected);
                expect_problem(f, results[i / 4].piece);
                assert_int_equal(f->state.job, UNIT_JOB_NONE); /* ours was never told */
                assert_false(f->state.stopped);
        }
}

/* A job may end as it likes: when the unit is down, the stop is done. */
static void test_stop_that_failed_but_is_down(void **state)
{
        struct fake *f = *state;

        f->result = NULL;
        stop(f);
        fake_until(f, f->job != 0);
        f->active = "failed";
        fake_end_job(f, f->job, "timeout");
        fake_until(f, f->n_stopped == 1);
        assert_int_equal(f->stopped_result, 0);
        expect_problem(f, "");
}

static const struct {
        const char *name;
        int expected;
        const char *piece;
} errors[] = {
    {FAKE_ERROR "UnitMasked", -ERFKILL, "systemctl unmask smstools.service"},
    {FAKE_ERROR "NoSuchUnit", -ENOENT, "has no unit smstools.service"},
    {FAKE_ERROR "LoadFailed", -EIO, "cannot load smstools.service"},
    {FAKE_ERROR "BadUnitSetting", -ENOEXEC, "systemd-analyze verify smstools.service"},
    {FAKE_ERROR "TransactionIsDestructive", -EDEADLK, "shutdown"},
    {FAKE_ERROR "TransactionJobsConflicting", -EDEADLK, "contradicts"},
    {FAKE_ERROR "TransactionOrderIsCyclic", -EDEADLK, "circle"},
    {FAKE_ERROR "OnlyByDependency", -EPERM, "by hand"},
    {FAKE_ERROR "JobTypeNotApplicable", -EPERM, "cannot be started or stopped"},
    {FAKE_ERROR "ShuttingDown", -ECANCELED, "goes down"},
    {SD_BUS_ERROR_ACCESS_DENIED, -EACCES, "root"},
    {SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, -EACCES, "password"},
    {SD_BUS_ERROR_LIMITS_EXCEEDED, -EAGAIN, "too much"},
    {SD_BUS_ERROR_NO_MEMORY, -ENOMEM, "memory"},
    {SD_BUS_ERROR_UNKNOWN_METHOD, -EOPNOTSUPP, "control = direct"},
    {"org.example.Strange", -EIO, "systemd refuses a job for smstools.service: \\x1b[31m\\n"},
};

static void test_errors(void **state)
{
        struct fake *f = *state;

        f->error_message =
            "\x1b[31m\n and more than a screen shows: "
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
        for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
                f->error = errors[i].name;
                start(f);
                fake_until(f, f->n_started == i + 1);
                assert_int_equal(f->started_result, errors[i].expected);
                assert_int_equal(f->id.pid, 0);
                expect_problem(f, errors[i].piece);
                assert_true(strlen(f->problem) < 220);
        }
        expect_once(f, ARRAY_SIZE(errors), 0);
}

static void test_stop_of_nothing(void **state)
{
        struct fake *f = *state;

        f->error = FAKE_ERROR "NoSuchUnit";
        stop(f);
        fake_until(f, f->n_stopped == 1);
        assert_int_equal(f->stopped_result, 0);
        expect_problem(f, "");
}

static void test_main_pid(void **state)
{
        struct fake *f = *state;

        f->main_pid = (uint32_t)getpid();
        start(f);
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->id.pid, getpid());
        assert_true(f->id.start_time > 0);
        f->main_pid = 0; /* Debian's generated unit */
        start(f);
        fake_until(f, f->n_started == 2);
        assert_int_equal(f->id.pid, 0);
        assert_int_equal(f->started_result, 0);
        f->main_pid = UINT32_MAX;
        start(f);
        fake_until(f, f->n_started == 3);
        assert_int_equal(f->id.pid, 0);
}

/* systemd calls it done. */
static void test_condition(void **state)
{
        struct fake *f = *state;

        f->result = NULL;
        start(f);
        fake_until(f, f->job != 0);
        f->active = "inactive";
        f->condition = 0;
        fake_end_job(f, f->job, "done");
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, -EBADR);
        expect_problem(f, "Condition");
}

static void test_missing_program(void **state)
{
        struct fake *f = *state;

        f->result = NULL;
        start(f);
        fake_until(f, f->job != 0);
        f->active = "failed";
        f->exit_status = 203;
        fake_end_job(f, f->job, "failed");
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, -ENOEXEC);
        expect_problem(f, "/usr/sbin/smsd cannot be executed");
}

static void test_one_at_a_time(void **state)
{
        struct fake *f = *state;

        f->result = NULL;
        start(f);
        assert_int_equal(smsd_systemd_start(f->backend), -EBUSY);
        assert_int_equal(smsd_systemd_stop(f->backend), -EBUSY);
        fake_until(f, f->job != 0);
        fake_settle(f);
        assert_int_equal(smsd_systemd_stop(f->backend), -EBUSY);
        fake_end_job(f, f->job, "done");
        fake_until(f, f->n_started == 1);
        f->result = "done";
        stop(f);
        fake_until(f, f->n_stopped == 1);
        assert_int_equal(f->restarts, 1);
        assert_int_equal(f->stops, 1);
}

/* It goes on in systemd; what it does later is not taken for somebody else's. */
static void test_job_that_never_ends(void **state)
{
        struct fake *f = *state;
        uint32_t job;

        f->result = NULL;
        stop(f);
        fake_until(f, f->job != 0);
        fake_later(f, 99);
        assert_int_equal(f->n_stopped, 0);
        fake_later(f, 2);
        fake_until(f, f->n_stopped == 1);
        assert_int_equal(f->stopped_result, -ETIMEDOUT);
        expect_problem(f, "in 100 s");
        job = f->job;
        fake_settle(f);
        assert_int_equal(f->state.job, UNIT_JOB_NONE);
        f->active = "inactive";
        fake_end_job(f, job, "done");
        expect_once(f, 0, 1);
        assert_false(f->state.stopped);
}

/* The late answer of a call that was given up must not be taken for the answer of the next one. */
static void test_answer_that_never_comes(void **state)
{
        struct fake *f = *state;

        f->deaf = true;
        f->result = NULL;
        start(f);
        fake_until(f, f->restarts == 1);
        fake_later(f, 11); /* the call's own time is over: asked again over the other way */
        fake_until(f, f->connections[FAKE_PRIVATE] == 1);
        fake_settle(f);
        assert_int_equal(f->n_started, 0);
        f->deaf = false;
        fake_carry_out(f, false);
        fake_end_job(f, f->job, "done");
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, 0);
        assert_int_equal(f->restarts, 1);
        expect_once(f, 1, 0);
}

/* --- replaced --- */

static void replace(struct fake *f, const char *type, bool is_stop)
{
        f->result = NULL;
        if (is_stop)
                stop(f);
        else
                start(f);
        fake_until(f, f->job != 0);
        fake_settle(f);
        uint32_t ours = f->job;
        f->job = 777;
        f->job_type = type;
        fake_job_removed(f, ours, FAKE_UNIT, "canceled");
        fake_job_new(f, 777, FAKE_UNIT);
}

static void test_replaced_start(void **state)
{
        struct fake *f = *state;

        replace(f, "stop", false);
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, -ECANCELED);
        expect_problem(f, "systemctl stop of smstools.service by somebody else replaced our job");
        assert_true(f->job_at > 0 && f->job_at < f->started_at); /* the core must know why */
        assert_int_equal(f->state.job, UNIT_JOB_STOP);
        f->active = "inactive";
        fake_end_job(f, 777, "done");
        fake_until(f, f->state.stopped);
        expect_once(f, 1, 0);
}

static void test_replaced_stop(void **state)
{
        struct fake *f = *state;

        replace(f, "start", true);
        fake_until(f, f->n_stopped == 1);
        assert_int_equal(f->stopped_result, -ECANCELED);
        expect_problem(f, "systemctl start of smstools.service");
        expect_once(f, 0, 1);
}

/* Their job is over before anybody could ask what it was. */
static void test_replaced_quickly(void **state)
{
        struct fake *f = *state;

        replace(f, "stop", false);
        f->active = "inactive";
        fake_end_job(f, 777, "done");
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, -ECANCELED);
        expect_problem(f, "by somebody else");
        assert_true(f->state.stopped);
}

/* systemd gives our stop the id of a stop that is there: it stays theirs. */
static void test_merged(void **state)
{
        struct fake *f = *state;

        f->job = 100;
        f->job_type = "stop";
        fake_job_new(f, 100, FAKE_UNIT);
        fake_until(f, f->state.job == UNIT_JOB_STOP);
        f->result = NULL;
        stop(f); /* the fake's next id is 100 as well */
        fake_until(f, f->stops == 1);
        fake_settle(f);
        assert_int_equal(f->state.job, UNIT_JOB_STOP);
        f->active = "inactive";
        fake_end_job(f, 100, "done");
        fake_until(f, f->n_stopped == 1);
        assert_int_equal(f->stopped_result, 0);
        expect_once(f, 0, 1);
        assert_true(f->state.stopped);
}

/* Their stop was cancelled by our start: nobody has stopped anything. */
static void test_we_replace_theirs(void **state)
{
        struct fake *f = *state;

        f->job = 50;
        f->job_type = "stop";
        fake_job_new(f, 50, FAKE_UNIT);
        fake_until(f, f->state.job == UNIT_JOB_STOP);
        f->result = NULL;
        f->active = "inactive";
        fake_job_removed(f, 50, FAKE_UNIT, "canceled");
        start(f);
        fake_until(f, f->restarts == 1);
        fake_settle(f);
        assert_int_equal(f->state.job, UNIT_JOB_NONE);
        assert_false(f->state.stopped);
        fake_end_job(f, f->job, "failed");
        fake_until(f, f->n_started == 1);
        expect_once(f, 1, 0);
        assert_false(f->state.stopped);
}

/* --- other people's jobs --- */

static void other_job(struct fake *f, uint32_t id, const char *type, enum unit_job expected)
{
        f->job = id;
        f->job_type = type;
        fake_job_new(f, id, FAKE_UNIT);
        fake_until(f, f->state.job == expected);
}

static void test_other_jobs(void **state)
{
        static const struct {
                const char *type;
                enum unit_job job;
                const char *active_after;
                bool stopped;
        } rows[] = {
            {"stop", UNIT_JOB_STOP, "inactive", true},
            {"start", UNIT_JOB_START, "active", false},
            {"stop", UNIT_JOB_STOP, "failed", true},
            {"restart", UNIT_JOB_RESTART, "active", false},
            {"restart", UNIT_JOB_RESTART, "failed", false},
            {"start", UNIT_JOB_START, "failed", false},
            {"stop", UNIT_JOB_STOP, "active", false},
            {"reload", UNIT_JOB_OTHER, "active", false},
            {"try-restart", UNIT_JOB_RESTART, "active", false},
        };
        struct fake *f = *state;

        for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
                f->active = "active";
                fake_settle(f);
                other_job(f, 200 + i, rows[i].type, rows[i].job);
                assert_false(f->state.stopped);
                f->active = rows[i].active_after;
                fake_end_job(f, 200 + i, "done");
                fake_until(f, f->state.job == UNIT_JOB_NONE);
                assert_int_equal(f->state.stopped, rows[i].stopped);
        }
        expect_once(f, 0, 0);
}

/* systemd turns a restart whose stop is done into a start: it was a restart all the same. */
static void test_restart_becomes_start(void **state)
{
        struct fake *f = *state;

        other_job(f, 300, "restart", UNIT_JOB_RESTART);
        f->active = "inactive";
        f->job_type = "start";
        fake_unit_changed(f);
        fake_until(f, text_equal(f->state.active, "inactive"));
        assert_int_equal(f->state.job, UNIT_JOB_RESTART);
        assert_false(f->state.stopped);
}

/* A job of which only the beginning and the end were heard is judged by what it left. */
static void test_unknown_kind(void **state)
{
        struct fake *f = *state;

        fake_job_new(f, 301, FAKE_UNIT);
        f->active = "inactive";
        fake_job_removed(f, 301, FAKE_UNIT, "done");
        fake_until(f, f->state.stopped);
        assert_int_equal(f->state.job, UNIT_JOB_NONE);
        f->active = "active";
        fake_unit_changed(f);
        fake_until(f, !f->state.stopped);
        fake_job_new(f, 302, FAKE_UNIT);
        fake_job_removed(f, 302, FAKE_UNIT, "done");
        fake_settle(f);
        assert_false(f->state.stopped);
}

/* A stop of ours is none of somebody else's, and nothing is told of the way there. */
static void test_own_stop_is_not_theirs(void **state)
{
        struct fake *f = *state;

        stop(f);
        fake_until(f, f->n_stopped == 1);
        fake_settle(f);
        assert_string_equal(f->state.active, "inactive");
        assert_false(f->state.stopped);
}

static void test_changes_during_our_job(void **state)
{
        struct fake *f = *state;

        f->result = NULL;
        start(f);
        fake_until(f, f->job != 0);
        fake_settle(f);
        unsigned told = f->n_unit, asked = f->lists;
        f->active = "deactivating";
        for (unsigned i = 0; i < 100; i++)
                fake_unit_changed(f);
        fake_settle(f);
        assert_int_equal(f->lists, asked + 2); /* of the two looks */
        assert_int_equal(f->n_unit, told + 2);
        assert_int_equal(f->state.job, UNIT_JOB_NONE);
}

/* The stop job that a shutdown brings must not look like one of a person, not for a moment. */
static void test_shutdown(void **state)
{
        struct fake *f = *state;

        f->system_state = "stopping";
        f->job = 400;
        f->job_type = "stop";
        fake_job_new(f, 399, "shutdown.target");
        fake_job_new(f, 400, FAKE_UNIT);
        fake_until(f, f->state.job == UNIT_JOB_STOP || f->state.system_stopping);
        assert_true(f->state.system_stopping);
        /* and back: systemctl cancel */
        f->system_state = "running";
        f->job = 0;
        fake_job_removed(f, 400, FAKE_UNIT, "canceled");
        fake_job_removed(f, 399, "shutdown.target", "canceled");
        fake_until(f, !f->state.system_stopping);
        assert_false(f->state.stopped);
}

static void test_only_changes_are_told(void **state)
{
        struct fake *f = *state;
        unsigned told = f->n_unit, asked = f->lists;

        fake_unit_changed(f);
        fake_until(f, f->lists > asked);
        fake_settle(f);
        assert_int_equal(f->n_unit, told + 2); /* the two looks */
        f->sub = "exited";
        fake_unit_changed(f);
        fake_until(f, f->n_unit == told + 3);
        assert_string_equal(f->state.sub, "exited");
}

static void test_hostile_state(void **state)
{
        struct fake *f = *state;

        f->active = "\x1b[2Jactive and long";
        f->sub = "a\nb";
        fake_settle(f);
        assert_string_equal(f->state.active, "\\x1b[2Jactive a");
        assert_string_equal(f->state.sub, "a\\nb");
}

/* A busy system: other units' jobs cost nothing and change nothing. */
static void test_storm(void **state)
{
        struct fake *f = *state;
        unsigned asked = f->lists, told = f->n_unit;

        f->result = NULL;
        start(f);
        fake_until(f, f->job != 0);
        for (uint32_t i = 0; i < 3000; i++) {
                fake_job_new(f, 1000 + i, "other.service");
                fake_job_removed(f, 1000 + i, "other.service", "failed");
                fake_job_removed(f, f->job, "smstools.service.service", "failed");
                assert_true(sd_event_run(f->event, 0) >= 0);
        }
        assert_int_equal(f->lists, asked);
        assert_int_equal(f->n_unit, told);
        fake_end_job(f, f->job, "done");
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, 0);
}

/* More ends of jobs, while our call is not answered, than can be remembered: the unit is asked. */
static void test_storm_of_our_unit(void **state)
{
        struct fake *f = *state;

        f->hold_call = true;
        f->result = NULL;
        start(f);
        fake_until(f, f->restarts == 1);
        for (uint32_t i = 0; i < 50; i++) {
                fake_job_new(f, 1000 + i, FAKE_UNIT);
                fake_job_removed(f, 1000 + i, FAKE_UNIT, "canceled");
        }
        uint32_t ours = f->job;
        fake_carry_out(f, false);
        fake_end_job(f, ours, "done");
        fake_settle(f);
        assert_int_equal(f->n_started, 0);
        fake_answer(f, ours);
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, 0);
        expect_once(f, 1, 0);
}

/* Somebody's job that came and went while our call was not answered. */
static void test_others_before_the_answer(void **state)
{
        struct fake *f = *state;

        f->hold_call = true;
        f->result = NULL;
        start(f);
        fake_until(f, f->restarts == 1);
        uint32_t ours = f->job;
        fake_job_removed(f, ours, FAKE_UNIT, "canceled");
        fake_job_new(f, 777, FAKE_UNIT);
        f->active = "inactive";
        fake_end_job(f, 777, "done");
        fake_answer(f, ours);
        fake_until(f, f->n_started == 1);
        assert_int_equal(f->started_result, -ECANCELED);
        expect_problem(f, "by somebody else");
        assert_true(f->state.stopped);
}

/* What changes while a question is on its way is asked after it. */
static void test_change_during_a_question(void **state)
{
        struct fake *f = *state;
        unsigned asked = f->lists;

        fake_unit_changed(f);
        fake_until(f, f->lists > asked); /* the unit was told as it was; the rest of the answer comes later */
        f->active = "inactive";
        fake_unit_changed(f);
        fake_until(f, text_equal(f->state.active, "inactive"));
        assert_int_equal(f->lists, asked + 2);
}

static void test_shutdown_without_us(void **state)
{
        struct fake *f = *state;

        f->system_state = "stopping";
        fake_job_new(f, 399, "shutdown.target");
        fake_until(f, f->state.system_stopping);
        f->system_state = "running";
        fake_job_removed(f, 399, "shutdown.target", "canceled");
        fake_until(f, !f->state.system_stopping);
}

/* A start needs no answer, waits for a connection, and disturbs no job of smsd's. */
static void test_helper(void **state)
{
        struct fake *f = *state;

        assert_int_equal(smsd_systemd_start_helper(f->backend, "no name"), -EINVAL);
        assert_int_equal(smsd_systemd_start_helper(f->backend, FAKE_HELPER), 0);
        assert_int_equal(smsd_systemd_stop(f->backend), 0);
        fake_until(f, f->helper_starts == 1 && f->n_stopped == 1);
        assert_int_equal(f->stopped_result, 0);
        assert_int_equal(smsd_systemd_reload_helper(f->backend, FAKE_HELPER), 0);
        fake_until(f, f->helper_reloads == 1);
        f->helper_error = FAKE_ERROR "NoSuchUnit";
        for (unsigned i = 2; i < 5; i++) {
                assert_int_equal(smsd_systemd_start_helper(f->backend, FAKE_HELPER), 0);
                fake_until(f, f->helper_starts == i);
        }
        f->helper_error = NULL;
        fake_drop_all(f);
        fake_until(f, f->connections[FAKE_BUS] + f->connections[FAKE_PRIVATE] == 2);
        /* several wishes before there is a connection are one */
        assert_int_equal(smsd_systemd_start_helper(f->backend, FAKE_HELPER), 0);
        assert_int_equal(smsd_systemd_reload_helper(f->backend, FAKE_HELPER), 0);
        fake_until(f, f->helper_starts == 5);
        expect_once(f, 0, 1);
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, fake_setup_running, fake_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            RUNNING(test_first_state),
            RUNNING(test_names),
            RUNNING(test_results),
            RUNNING(test_stop_that_failed_but_is_down),
            RUNNING(test_errors),
            RUNNING(test_stop_of_nothing),
            RUNNING(test_main_pid),
            RUNNING(test_condition),
            RUNNING(test_missing_program),
            RUNNING(test_one_at_a_time),
            RUNNING(test_job_that_never_ends),
            RUNNING(test_answer_that_never_comes),
            RUNNING(test_replaced_start),
            RUNNING(test_replaced_stop),
            RUNNING(test_replaced_quickly),
            RUNNING(test_merged),
            RUNNING(test_we_replace_theirs),
            RUNNING(test_other_jobs),
            RUNNING(test_restart_becomes_start),
            RUNNING(test_unknown_kind),
            RUNNING(test_own_stop_is_not_theirs),
            RUNNING(test_changes_during_our_job),
            RUNNING(test_shutdown),
            RUNNING(test_only_changes_are_told),
            RUNNING(test_hostile_state),
            RUNNING(test_storm),
            RUNNING(test_storm_of_our_unit),
            RUNNING(test_others_before_the_answer),
            RUNNING(test_change_during_a_question),
            RUNNING(test_shutdown_without_us),
            RUNNING(test_helper),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
