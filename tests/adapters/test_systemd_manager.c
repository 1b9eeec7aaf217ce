/*
 * adapters/systemd_manager against a systemd that says what the test wants: jobs and what becomes of them,
 * refusals, properties, and one that never answers.
 */
#include "adapters/systemd_manager.h"

#include "fake_manager.h"
#include "temp_folder.h"

#include <errno.h>
#include <time.h>

#define TIMEOUT     (5 * USEC_PER_SEC)
#define SHORT       (200 * USEC_PER_MSEC)
#define NOT_FOREVER (3 * USEC_PER_SEC)

struct fixture {
        char folder[64];
        struct fake_manager fake;
        struct systemd_manager *manager;
        char problem[512];
};

static usec_t monotonic(void)
{
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/test_systemd_manager.XXXXXX");
        if (!mkdtemp(f->folder))
                return -1;
        fake_manager_start(&f->fake, f->folder, true);
        *state = f;
        return systemd_manager_new_at(&f->manager, f->fake.address, TIMEOUT);
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        (void)systemd_manager_free(f->manager);
        fake_manager_stop(&f->fake);
        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

static void set(char *target, const char *text)
{
        strcpy(target, text);
}

static int restart(struct fixture *f, usec_t timeout)
{
        return systemd_manager_restart(f->manager, "smstools.service", timeout, f->problem,
                                       sizeof(f->problem));
}

static void test_states(void **state)
{
        struct fixture *f = *state;
        char sub[32] = "";

        assert_int_equal(systemd_manager_sub_state(f->manager, "x.timer", sub), 0);
        assert_string_equal(sub, "waiting");
        assert_int_equal(systemd_manager_is_active(f->manager, "x.timer"), 1);
        set(f->fake.script->active_state, "failed");
        assert_int_equal(systemd_manager_is_active(f->manager, "x.timer"), 0);
        f->fake.script->not_loaded = true;
        assert_int_equal(systemd_manager_sub_state(f->manager, "x.timer", sub), 0);
        assert_string_equal(sub, "dead");
        assert_int_equal(systemd_manager_is_active(f->manager, "x.timer"), 0);
        assert_int_equal(systemd_manager_is_stopping(f->manager), 0);
        set(f->fake.script->system_state, "stopping");
        assert_int_equal(systemd_manager_is_stopping(f->manager), 1);
        set(f->fake.script->system_state, "degraded");
        assert_int_equal(systemd_manager_is_stopping(f->manager), 0);
}

static void test_jobs(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(systemd_manager_job(f->manager, "StopUnit", "x.timer", f->problem, 512), 0);
        assert_int_equal(f->fake.script->stops, 1);
        assert_int_equal(systemd_manager_reload(f->manager, f->problem, 512), 0);
        assert_int_equal(f->fake.script->reloads, 1);
        set(f->fake.script->error, "NoSuchUnit");
        assert_true(systemd_manager_job(f->manager, "StopUnit", "x.timer", f->problem, 512) < 0);
        assert_string_equal(f->problem, "because \\x1b[31mof the test");
}

static void test_a_restart_is_followed(void **state)
{
        struct fixture *f = *state;

        f->fake.script->other_jobs_first = true;
        assert_int_equal(restart(f, TIMEOUT), 0);
        assert_int_equal(f->fake.script->restarts, 1);
        assert_int_equal(restart(f, TIMEOUT), 0); /* and again over the same connection */
}

static void test_results(void **state)
{
        static const struct {
                const char *result;
                int code;
        } cases[] = {
            {"failed", -EIO},         {"dependency", -EIO}, {"timeout", -ETIMEDOUT},
            {"canceled", -ECANCELED}, {"skipped", -EIO},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                set(f->fake.script->job_result, cases[i].result);
                assert_int_equal(restart(f, TIMEOUT), cases[i].code);
                assert_non_null(strstr(f->problem, "systemctl status smstools.service"));
        }
}

static void test_refusals(void **state)
{
        static const struct {
                const char *error;
                int code;
                const char *words;
        } cases[] = {
            {"NoSuchUnit", -ENOENT, "no unit smstools.service"},
            {"UnitMasked", -EPERM, "systemctl unmask smstools.service"},
            {"TransactionIsDestructive", -ECANCELED, "a shutdown?"},
            {"SomethingNew", -EIO, "because \\x1b[31mof the test"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                set(f->fake.script->error, cases[i].error);
                assert_int_equal(restart(f, TIMEOUT), cases[i].code);
                assert_non_null(strstr(f->problem, cases[i].words));
        }
}

static void test_a_job_that_never_ends(void **state)
{
        struct fixture *f = *state;
        usec_t begun = monotonic();

        set(f->fake.script->job_result, "");
        assert_int_equal(restart(f, SHORT), -ETIMEDOUT);
        assert_true(monotonic() - begun < NOT_FOREVER);
        assert_non_null(strstr(f->problem, "does not say"));
}

static void test_the_connection_breaks(void **state)
{
        struct fixture *f = *state;
        char sub[32] = "untouched";

        assert_int_equal(kill(f->fake.pid, SIGKILL), 0);
        assert_true(systemd_manager_sub_state(f->manager, "x.timer", sub) < 0);
        assert_string_equal(sub, "untouched");
        assert_true(restart(f, TIMEOUT) < 0);
        assert_non_null(strstr(f->problem, "cannot be asked"));
}

static void test_properties(void **state)
{
        struct fixture *f = *state;
        static struct unit_properties unit;

        assert_int_equal(systemd_manager_unit_properties(f->manager, "smstools.service", &unit), 0);
        assert_string_equal(unit.id, "smstools.service");
        assert_string_equal(unit.load_state, "loaded");
        assert_true(unit.need_daemon_reload && unit.remain_after_exit && unit.restart_force);
        assert_int_equal(unit.n_drop_ins, 2);
        assert_string_equal(unit.drop_ins[0], "/usr/lib/a/50-smswarden.conf");
        assert_string_equal(unit.drop_ins[1], "/etc/b/\\x1b[31m.conf");
        assert_string_equal(unit.on_failure, "one.service two.service");
        assert_string_equal(unit.type, "exec");
        assert_int_equal(unit.timeout_stop, 90 * USEC_PER_SEC);
        assert_string_equal(unit.exec_start, "/usr/sbin/smsd -t; /usr/sbin/smsd");
        assert_string_equal(unit.exec_stop, "");
}

static void test_silence(void **state)
{
        struct fixture *f = *state;
        static struct unit_properties unit;
        struct systemd_manager *manager = NULL;
        usec_t begun = monotonic();

        f->manager = systemd_manager_free(f->manager); /* the other end serves one at a time */
        assert_int_equal(systemd_manager_new_at(&manager, f->fake.address, SHORT), 0);
        set(f->fake.script->silent, "GetAll");
        assert_int_equal(systemd_manager_unit_properties(manager, "x", &unit), -ETIMEDOUT);
        assert_null(systemd_manager_free(manager));
        assert_true(monotonic() - begun < NOT_FOREVER);
}

/* All units anew: that takes longer than any other answer. */
static void test_slow_reload(void **state)
{
        struct fixture *f = *state;
        struct systemd_manager *manager = NULL;

        f->manager = systemd_manager_free(f->manager);
        assert_int_equal(systemd_manager_new_at(&manager, f->fake.address, SHORT), 0);
        f->fake.script->reload_time = 3 * SHORT;
        assert_int_equal(systemd_manager_reload(manager, f->problem, 512), 0);
        assert_null(systemd_manager_free(manager));
}

static void test_nobody_accepts(void **state)
{
        struct fake_manager fake;
        struct systemd_manager *manager = NULL;
        char folder[] = "/tmp/test_systemd_manager.XXXXXX";
        usec_t begun;

        (void)state;
        assert_non_null(mkdtemp(folder));
        fake_manager_start(&fake, folder, false);
        begun = monotonic();
        assert_int_equal(systemd_manager_new_at(&manager, fake.address, SHORT), -ETIMEDOUT);
        assert_true(monotonic() - begun < NOT_FOREVER);
        assert_null(manager);
        fake_manager_stop(&fake);
        temp_folder_remove(folder);
        assert_true(systemd_manager_new_at(&manager, fake.address, SHORT) < 0); /* no socket at all */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_states),
            TEST(test_jobs),
            TEST(test_a_restart_is_followed),
            TEST(test_results),
            TEST(test_refusals),
            TEST(test_a_job_that_never_ends),
            TEST(test_the_connection_breaks),
            TEST(test_properties),
            TEST(test_silence),
            TEST(test_slow_reload),
            cmocka_unit_test(test_nobody_accepts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
