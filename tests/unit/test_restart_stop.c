/*
 * The first half of the restart path: a stop waits for what smsd has under way, and kills what hangs, by pid
 * and start time.
 */
#include "rig.h"

static bool is_there(const struct rig *rig, struct process_id id)
{
        int i = rig_find(rig, id.pid);

        return i >= 0 && process_id_equal(rig->list.processes[i].id, id);
}

static void test_a_hanging_smsd_is_killed_after_65_s(void **state)
{
        _rig_ rig = rig_working();
        struct process_id main = rig->list.processes[0].id, handler = rig->list.processes[1].id;
        (void)state;

        rig->stubborn = true;
        rig_command(rig, COMMAND_STOP, 7, false);
        rig_go(rig);
        rig_wait(rig, 64 * USEC_PER_SEC); /* a PDU may take 60 */
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_int_equal(rig->last[ACTION_SIGNAL].process.signal, SIGTERM); /* the handlers are asked too */
        assert_true(is_there(rig, main) && is_there(rig, handler));
        assert_int_equal(rig->n_replies[7], 0); /* who asked still waits */
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(rig->list.n, 0);
        const struct action *last = &rig->last[ACTION_SIGNAL];
        assert_int_equal(last->process.signal, SIGKILL);
        assert_true(process_id_equal(last->process.id, main) || process_id_equal(last->process.id, handler));
        assert_int_equal(rig->n_replies[7], 1);
        assert_int_equal(rig->replies[7], 0);
        assert_non_null(strstr(rig->told, "smsd did not stop in time and was killed"));
        assert_true(gateway_is_held(rig->gateway));
}

/* A message in several parts may take several times as long; the infofile says so. */
static void test_a_long_message_is_waited_for(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = rig->sending = true;
        rig_command(rig, COMMAND_STOP, 7, false);
        rig_go(rig);
        rig_wait(rig, 250 * USEC_PER_SEC);
        assert_int_equal(rig->list.n, 2);
        rig->sending = false;
        rig_wait(rig, 80 * USEC_PER_SEC);
        assert_int_equal(rig->list.n, 0);
}

/* It may have a PDU under way as well. */
static void test_an_orphan_is_asked_before_it_is_killed(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = true;
        struct process_id handler = rig->list.processes[1].id;
        rig_exit(rig, 0, -SIGKILL, true); /* main */
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SIGNAL], 1);
        assert_int_equal(rig->last[ACTION_SIGNAL].process.signal, SIGTERM);
        assert_true(process_id_equal(rig->last[ACTION_SIGNAL].process.id, handler));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1); /* none beside it */
        rig_wait(rig, 70 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        assert_false(is_there(rig, handler));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_hanging_smsd_is_killed_after_65_s),
            cmocka_unit_test(test_a_long_message_is_waited_for),
            cmocka_unit_test(test_an_orphan_is_asked_before_it_is_killed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
