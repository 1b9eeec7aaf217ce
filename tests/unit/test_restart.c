/*
 * The one path: what it waits for, whom it kills, what it writes, how requests merge, and how it fails.
 */
#include "rig.h"

/* A PDU may take 60 s: so long TERM must do; then exactly this process is killed. */
static void test_stop_waits_for_a_pdu(void **state)
{
        _rig_ rig = rig_working();
        pid_t main = rig->list.processes[0].id.pid;
        uint64_t main_start = rig->list.processes[0].id.start_time;
        (void)state;

        rig->stubborn = true;
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 60 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_int_equal(rig->last[ACTION_SMSD_STOP].process.id.pid, main);
        for (unsigned i = 0; i < rig->list.n; i++)
                assert_true(rig->last[ACTION_SIGNAL].process.signal != SIGKILL);
        assert_int_equal(rig->list.n, 2);

        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig_find(rig, main), -1);
        assert_int_equal(rig->last[ACTION_SIGNAL].process.signal, SIGKILL);
        assert_int_equal(rig->last[ACTION_SIGNAL].process.id.start_time, main_start);
        assert_int_equal(rig->replies[1], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        assert_non_null(strstr(rig->told, "did not stop in time"));
}

/* A main process that hangs forwards nothing: its handlers are asked themselves, in time for their PDU. */
static void test_handlers_of_a_hanging_main(void **state)
{
        _rig_ rig = rig_working();
        pid_t handler = rig->list.processes[1].id.pid;
        (void)state;

        rig->stubborn = true;
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 4 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SIGNAL], 0);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(rig->last[ACTION_SIGNAL].process.id.pid, handler);
        assert_int_equal(rig->last[ACTION_SIGNAL].process.signal, SIGTERM);
        rig_wait(rig, 30 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SIGNAL], 1);
}

static void test_multipart_is_waited_for(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = rig->sending = true;
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 3 * USEC_PER_MIN);
        assert_int_equal(rig->list.n, 2);
        rig->stubborn = false;
        rig_stop(rig, rig->list.processes[0].id.pid);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->replies[1], 0);
        assert_null(strstr(rig->told, "was killed"));
}

/* Whoever starts another smsd while we wait is asked too, not killed. */
static void test_another_main_is_asked_too(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = true;
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 2 * USEC_PER_SEC);
        rig->stubborn = false;
        rig->list.n = 0;
        pid_t other = rig_smsd(rig);
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 2);
        assert_int_equal(rig_find(rig, other), -1);
}

static void test_orphans_end_before_a_start(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = true;
        rig_exit(rig, 0, -SIGKILL, true);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->last[ACTION_SIGNAL].process.signal, SIGTERM);
        rig->stubborn = false;
        rig_exit(rig, 0, 0, false);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
}

/* --- smsd.conf --- */

static void test_refused_conf_is_rolled_back(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->refuses = true;
        (void)text_append(rig->conf, sizeof(rig->conf), "bogus = 1\n");
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 30 * USEC_PER_SEC);
        assert_string_equal(rig->conf, RIG_CONF);
        assert_non_null(strstr(rig->refused, "bogus"));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 3);
        assert_int_equal(rig->list.n, 2);
        assert_int_equal(rig_verdict(rig), VERDICT_DEGRADED); /* SMS flow, but the edit is not in force */
        assert_non_null(strstr(rig->told, "smsd.conf.refused"));
}

static void test_both_refused(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->refuses = true;
        (void)text_append(rig->conf, sizeof(rig->conf), "bogus = 1\n");
        (void)text_copy(rig->good, sizeof(rig->good), rig->conf);
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->replies[1], 1);
        assert_int_equal(rig->counts[ACTION_CONF_WRITE], 0);
        unsigned starts = rig->counts[ACTION_SMSD_START];
        rig_wait(rig, 10 * USEC_PER_MIN); /* it goes on, once a minute at most */
        assert_in_range(rig->counts[ACTION_SMSD_START], starts + 5, starts + 14);
}

/* What was edited after smsd had read it is not kept as the last good one. */
static void test_edit_during_the_start_is_not_kept(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_forget(rig);
        rig_command(rig, COMMAND_RESTART, 1, false);
        while (rig->counts[ACTION_SMSD_START] == 0)
                rig_wait(rig, USEC_PER_MSEC);
        (void)text_append(rig->conf, sizeof(rig->conf), "bogus = 1\n");
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_CONF_KEEP], 1);
        assert_string_equal(rig->good, RIG_CONF);
}

/* The modem sits on another node, and smsd.conf cannot be written, for a while or at all. */
static void test_writing_fails(void **state)
{
        static const struct {
                int result;
                unsigned writings;
        } cases[] = {{-ENOSPC, 1}, {-EROFS, 1}, {-EIO, 1}, {-EBUSY, 6}, {-ESTALE, 6}};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _rig_ rig = rig_new();
                rig->tty = 5;
                rig->conf_result = cases[i].result;
                rig_begin(rig);
                rig_wait(rig, 20 * USEC_PER_SEC);
                assert_int_equal(rig->counts[ACTION_CONF_WRITE], cases[i].writings);
                assert_int_equal(rig->counts[ACTION_SMSD_START], 1); /* the old one is in force */
                assert_string_equal(rig->conf, RIG_CONF);
                assert_non_null(strstr(rig->told, "could not be written"));
        }
}

static void test_edit_between_read_and_write(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->tty = 5;
        rig->edited_meanwhile = true;
        rig_begin(rig);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_CONF_WRITE], 2);
        assert_non_null(strstr(rig->conf, "# mine\n"));
        assert_non_null(strstr(rig->conf, "/dev/ttyUSB5"));
}

/* --- failing and merging --- */

static void test_start_fails_and_backs_off(void **state)
{
        static const unsigned starts_after[][2] = {{1, 2},  {2, 3},  {4, 4},  {8, 5},
                                                   {16, 6}, {32, 7}, {64, 8}, {126, 9}};
        _rig_ rig = rig_new();
        (void)state;

        rig->start_result = -ENOEXEC;
        rig_begin(rig);
        while (rig->counts[ACTION_SMSD_START] < 2) /* the first failure is answered at once */
                rig_wait(rig, 10 * USEC_PER_MSEC);
        usec_t first = rig->now;
        for (size_t i = 0; i < ARRAY_SIZE(starts_after); i++) {
                usec_t until = first + starts_after[i][0] * USEC_PER_SEC - 500 * USEC_PER_MSEC;
                rig_wait(rig, until > rig->now ? until - rig->now : 0);
                assert_in_range(rig->counts[ACTION_SMSD_START], starts_after[i][1], starts_after[i][1] + 1);
        }
        rig_wait(rig, USEC_PER_HOUR);
        assert_in_range(rig->counts[ACTION_SMSD_START], 65, 72); /* never gives up, never above the maximum */
        rig->start_result = 0;
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_requests_merge(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = true;
        for (unsigned token = 1; token <= 5; token++)
                rig_command(rig, COMMAND_RESTART, token, false);
        rig_wait(rig, USEC_PER_SEC);
        rig->stubborn = false;
        rig_stop(rig, rig->list.processes[0].id.pid);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        for (unsigned token = 1; token <= 5; token++) {
                assert_int_equal(rig->n_replies[token], 1);
                assert_int_equal(rig->replies[token], 0);
        }
}

static void test_stop_and_start_overtake(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = true;
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, USEC_PER_SEC);
        rig_command(rig, COMMAND_STOP, 2, false);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(rig->replies[1], 1);
        assert_true(gateway_is_held(rig->gateway));
        rig_command(rig, COMMAND_START, 3, false);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(rig->replies[2], 1);
        assert_false(gateway_is_held(rig->gateway));
        rig->stubborn = false;
        rig_stop(rig, rig->list.processes[0].id.pid);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->replies[3], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
}

/* `start` during a run has what it wants when that run went well. */
static void test_start_does_not_restart(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig_begin(rig);
        while (rig->counts[ACTION_SMSD_START] == 0)
                rig_wait(rig, USEC_PER_MSEC);
        rig_command(rig, COMMAND_START, 1, false);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->n_replies[1], 1);
        assert_int_equal(rig->replies[1], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(rig->replies[2], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
}

static void test_every_command_is_answered_once(void **state)
{
        static const enum command_kind kinds[] = {COMMAND_STOP, COMMAND_START, COMMAND_RESTART};
        _rig_ rig = rig_working();
        (void)state;

        rig->plugged = false; /* so that starts must wait */
        rig->list.processes[1].tty_deleted = true;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        for (unsigned token = 1; token < RIG_REPLIES; token++) {
                rig_command(rig, kinds[token * 7 % 3], token, token % 5 == 0);
                rig_go(rig);
        }
        rig_wait(rig, 3 * USEC_PER_MIN);
        for (unsigned token = 1; token < RIG_REPLIES; token++)
                assert_int_equal(rig->n_replies[token], 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_stop_waits_for_a_pdu),
            cmocka_unit_test(test_handlers_of_a_hanging_main),
            cmocka_unit_test(test_multipart_is_waited_for),
            cmocka_unit_test(test_another_main_is_asked_too),
            cmocka_unit_test(test_orphans_end_before_a_start),
            cmocka_unit_test(test_refused_conf_is_rolled_back),
            cmocka_unit_test(test_both_refused),
            cmocka_unit_test(test_edit_during_the_start_is_not_kept),
            cmocka_unit_test(test_writing_fails),
            cmocka_unit_test(test_edit_between_read_and_write),
            cmocka_unit_test(test_start_fails_and_backs_off),
            cmocka_unit_test(test_requests_merge),
            cmocka_unit_test(test_stop_and_start_overtake),
            cmocka_unit_test(test_start_does_not_restart),
            cmocka_unit_test(test_every_command_is_answered_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
