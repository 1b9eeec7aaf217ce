/*
 * Units of ours that do one thing and end: started, followed to their end, answered once.
 */
#include "systemd_fake.h"

#define OFF "smswarden-power@usb-off:1-1.2.service"
#define ON  "smswarden-power@usb-on:1-1.2.service"

/* Each by its own name, in whichever order they end; other units' jobs are nothing to them. */
static void test_each_has_its_answer(void **state)
{
        struct fake *f = *state;

        assert_int_equal(smsd_systemd_run(f->backend, OFF, 7), 0);
        assert_int_equal(smsd_systemd_run(f->backend, OFF, 8), -EBUSY);
        assert_int_equal(smsd_systemd_run(f->backend, ON, 9), 0);
        fake_until(f, f->errands == 2);
        fake_job_removed(f, 1, FAKE_HELPER, "done");
        fake_job_removed(f, 2, ON, "failed");
        fake_until(f, f->n_ran == 1);
        assert_int_equal(f->ran_token, 9);
        assert_int_equal(f->ran_result, -EREMOTEIO);
        assert_non_null(strstr(f->problem, ON));
        fake_job_removed(f, 3, OFF, "done");
        fake_until(f, f->n_ran == 2);
        assert_int_equal(f->ran_token, 7);
        assert_int_equal(f->ran_result, 0);
        fake_job_removed(f, 4, OFF, "done");
        fake_settle(f);
        assert_int_equal(f->n_ran, 2);
        assert_int_equal(smsd_systemd_run(f->backend, OFF, 10), 0); /* and again */
        fake_until(f, f->errands == 3);
        fake_job_removed(f, 5, OFF, "done");
        fake_until(f, f->n_ran == 3);
}

static void test_refused(void **state)
{
        struct fake *f = *state;

        assert_int_equal(smsd_systemd_run(f->backend, "smswarden-power@usb off.service", 1), -EINVAL);
        assert_int_equal(smsd_systemd_run(f->backend, "smswarden-power@", 1), -EINVAL);
        f->helper_error = FAKE_ERROR "NoSuchUnit";
        assert_int_equal(smsd_systemd_run(f->backend, OFF, 3), 0);
        fake_until(f, f->n_ran == 1);
        assert_int_equal(f->ran_token, 3);
        assert_int_equal(f->ran_result, -ENOENT);
}

static void test_too_many(void **state)
{
        struct fake *f = *state;
        char unit[64];
        unsigned taken = 0;

        for (unsigned i = 1; i <= 20; i++) {
                (void)text_format(unit, sizeof(unit), "smswarden-power@usb-off:1-%u.service", i);
                int r = smsd_systemd_run(f->backend, unit, i);
                assert_true(r == 0 || r == -EBUSY);
                taken += r == 0;
        }
        assert_in_range(taken, 4, 16);
        fake_until(f, f->errands == taken);
}

/* What is not known any more is not made up, and who waits is told. */
static void test_connection_is_lost(void **state)
{
        struct fake *f = *state;

        unsigned before = f->subscribes;
        assert_int_equal(smsd_systemd_run(f->backend, OFF, 4), 0);
        fake_until(f, f->errands == 1);
        fake_drop_all(f);
        fake_until(f, f->n_ran == 1);
        assert_int_equal(f->ran_token, 4);
        assert_int_equal(f->ran_result, -ENOTCONN);
        assert_int_equal(smsd_systemd_run(f->backend, OFF, 5), -ENOTCONN);
        fake_until(f, f->subscribes > before); /* the other way is there */
        fake_settle(f);
        assert_int_equal(smsd_systemd_run(f->backend, OFF, 6), 0);
        fake_until(f, f->errands == 2);
        fake_job_removed(f, 6, OFF, "done");
        fake_until(f, f->n_ran == 2);
        assert_int_equal(f->ran_result, 0);
}

static void test_freed_meanwhile(void **state)
{
        struct fake *f = *state;

        assert_int_equal(smsd_systemd_run(f->backend, OFF, 4), 0);
        f->backend = smsd_systemd_free(f->backend);
        assert_int_equal(f->n_ran, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_each_has_its_answer, fake_setup_running, fake_teardown),
            cmocka_unit_test_setup_teardown(test_refused, fake_setup_running, fake_teardown),
            cmocka_unit_test_setup_teardown(test_too_many, fake_setup_running, fake_teardown),
            cmocka_unit_test_setup_teardown(test_connection_is_lost, fake_setup_running, fake_teardown),
            cmocka_unit_test_setup_teardown(test_freed_meanwhile, fake_setup_running, fake_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
