/* Who is who among processes that all look alike: pictures of the process table and what is made of them. */
#include "core/smsd_state.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OURS    1
#define PIDFILE 2
#define DELETED 4

struct row {
        pid_t pid, parent;
        unsigned flags;
        const char *tty;
};

static void fill(struct process_list *list, const struct row *rows)
{
        memset(list, 0, sizeof(*list));
        for (; rows->pid; rows++) {
                struct smsd_process *process = &list->processes[list->n++];
                process->id = (struct process_id){rows->pid, (uint64_t)rows->pid * 10};
                process->parent = rows->parent;
                process->ours = rows->flags & OURS;
                process->in_pidfile = rows->flags & PIDFILE;
                process->tty_deleted = rows->flags & DELETED;
                (void)text_copy(process->tty, sizeof(process->tty), rows->tty ? rows->tty : "");
        }
}

static bool scan(struct smsd_state *state, const struct row *rows, usec_t now)
{
        static struct process_list list;

        fill(&list, rows);
        return smsd_state_scan(state, &list, false, now);
}

static void test_pictures(void **state)
{
        static const struct {
                struct row rows[6];
                pid_t main;
                unsigned handlers, strays, foreign;
        } cases[] = {
            {{{0}}, 0, 0, 0, 0},
            {{{10, 1, OURS | PIDFILE, ""}}, 10, 0, 0, 0},
            {{{10, 1, OURS, ""}}, 10, 0, 0, 0}, /* its first milliseconds */
            {{{10, 1, OURS | PIDFILE, ""}, {11, 10, OURS, "/dev/ttyUSB2"}, {12, 10, OURS, ""}}, 10, 2, 0, 0},
            {{{11, 1, OURS, "/dev/ttyUSB2"}}, 0, 0, 1, 0}, /* an orphan that we never knew */
            {{{11, 1, OURS, "/dev/ttyUSB2"}, {20, 1, OURS | PIDFILE, ""}, {21, 20, OURS, "/dev/ttyUSB2"}},
             20,
             1,
             1,
             0},
            {{{10, 1, OURS, ""}, {11, 10, OURS, "a"}, {20, 1, OURS | PIDFILE, ""}, {21, 20, OURS, "a"}},
             20,
             1,
             2,
             0},
            {{{10, 1, 0, ""}, {11, 10, 0, "/dev/ttyUSB9"}}, 0, 0, 0, 2},
            {{{10, 1, 0, ""}, {20, 1, OURS | PIDFILE, ""}, {21, 20, OURS, "/dev/ttyUSB2"}}, 20, 1, 0, 1},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct smsd_state smsd;
                smsd_state_init(&smsd);
                assert_int_equal(scan(&smsd, cases[i].rows, USEC_PER_SEC), cases[i].main != 0);
                assert_int_equal(smsd.running, cases[i].main != 0);
                if (cases[i].main)
                        assert_int_equal(smsd.main.pid, cases[i].main);
                assert_int_equal(smsd.n_handlers, cases[i].handlers);
                assert_int_equal(smsd.n_strays, cases[i].strays);
                assert_int_equal(smsd.n_foreign, cases[i].foreign);
        }
}

static const struct row healthy[] = {{10, 1, OURS | PIDFILE, ""}, {11, 10, OURS, "/dev/ttyUSB2"}, {0}};

/* Main is killed: its handler is an orphan, whether the exit or the next scan tells first; it never becomes
 * main. */
static void test_orphan(void **state)
{
        static const struct row orphan[] = {{11, 1, OURS, ""}, {0}};
        struct smsd_state smsd;
        (void)state;

        for (unsigned told = 0; told < 2; told++) {
                smsd_state_init(&smsd);
                (void)scan(&smsd, healthy, USEC_PER_SEC);
                if (told) {
                        assert_true(smsd_state_exited(&smsd, (struct process_id){10, 100}));
                        assert_int_equal(smsd.n_strays, 1);
                }
                assert_false(scan(&smsd, orphan, 2 * USEC_PER_SEC));
                assert_false(smsd.running);
                assert_int_equal(smsd.n_strays, 1);
                assert_int_equal(smsd.n_ours, 1);
        }
}

/* The child of a start that goes into the background: seen as its handler, then as nothing for sure, then by
 * its pidfile. */
static void test_into_the_background(void **state)
{
        static const struct row launcher[] = {{10, 1, OURS, ""}, {11, 10, OURS, ""}, {0}},
                                child[] = {{11, 1, OURS, ""}, {0}},
                                named[] = {{11, 1, OURS | PIDFILE, ""}, {0}};
        struct smsd_state smsd;
        (void)state;

        smsd_state_init(&smsd);
        assert_true(scan(&smsd, launcher, USEC_PER_SEC));
        assert_false(smsd.undecided);
        assert_true(smsd_state_exited(&smsd, (struct process_id){10, 100}));
        assert_false(scan(&smsd, child, 2 * USEC_PER_SEC));
        assert_true(smsd.undecided);
        assert_true(scan(&smsd, named, 3 * USEC_PER_SEC));
        assert_false(smsd.undecided);
        assert_int_equal(smsd.main.pid, 11);
        assert_int_equal(smsd.n_strays, 0);
}

static void test_same_pid_another_process(void **state)
{
        struct smsd_state smsd;
        struct process_list list;
        (void)state;

        smsd_state_init(&smsd);
        (void)scan(&smsd, healthy, USEC_PER_SEC);
        assert_false(scan(&smsd, healthy, 2 * USEC_PER_SEC));
        assert_int_equal(smsd.since, USEC_PER_SEC);
        fill(&list, healthy);
        list.processes[0].id.start_time++;
        assert_true(smsd_state_scan(&smsd, &list, false, 3 * USEC_PER_SEC)); /* another life */
        assert_int_equal(smsd.since, 3 * USEC_PER_SEC);
        assert_false(smsd_state_exited(&smsd, (struct process_id){10, 100}));
        assert_true(smsd.running);
}

static void test_ports(void **state)
{
        static const struct row dead[] = {
            {10, 1, OURS | PIDFILE, ""}, {11, 10, OURS | DELETED, "/dev/ttyUSB2"}, {0}};
        struct smsd_state smsd;
        (void)state;

        smsd_state_init(&smsd);
        (void)scan(&smsd, healthy, USEC_PER_SEC);
        assert_true(smsd_state_holds(&smsd, "/dev/ttyUSB2"));
        assert_false(smsd_state_holds(&smsd, "/dev/ttyUSB3"));
        assert_false(smsd_state_holds(&smsd, ""));
        smsd.handlers[0].told_at = 5;
        (void)scan(&smsd, dead, USEC_PER_SEC);
        assert_false(smsd_state_holds(&smsd, "/dev/ttyUSB2")); /* the new ttyUSB2 is another */
        assert_int_equal(smsd.handlers[0].told_at, 5);
}

static void test_words(void **state)
{
        static const struct {
                enum smsd_log_kind kind;
                bool cleanly, refused, failure;
        } cases[] = {
            {SMSD_LOG_MAIN_TERMINATED, true, false, false}, {SMSD_LOG_MAIN_STARTED, false, false, false},
            {SMSD_LOG_CONFIG_REFUSED, false, true, true},   {SMSD_LOG_PIN_REFUSED, false, false, true},
            {SMSD_LOG_SIM_ERROR, false, false, true},       {SMSD_LOG_TIMEOUT, false, false, true},
            {SMSD_LOG_SENT, false, false, false},           {SMSD_LOG_OTHER, false, false, false},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct smsd_state smsd;
                struct smsd_log_line line = {.kind = cases[i].kind};
                smsd_state_init(&smsd);
                smsd_state_log(&smsd, &line, "word", 7, USEC_PER_SEC);
                assert_int_equal(smsd.ended_cleanly, cases[i].cleanly);
                assert_int_equal(smsd.config_refused, cases[i].refused);
                assert_string_equal(smsd.last_error, cases[i].failure ? "word" : "");
                assert_int_equal(smsd.last_sent, cases[i].kind == SMSD_LOG_SENT ? 7 : 0);
                smsd_state_forget_log(&smsd);
                assert_false(smsd.ended_cleanly || smsd.config_refused || smsd.last_error[0]);
        }
}

/* More processes than there is room for: nothing is written behind the end. */
static void test_flood(void **state)
{
        static struct process_list list;
        struct smsd_state smsd;
        (void)state;

        smsd_state_init(&smsd);
        list.n = SMSD_PROCESSES_MAX;
        for (unsigned i = 0; i < list.n; i++) {
                list.processes[i].id = (struct process_id){(pid_t)i + 10, 1};
                list.processes[i].parent = i ? 10 : 1;
                list.processes[i].ours = true;
        }
        assert_true(smsd_state_scan(&smsd, &list, false, 1));
        assert_int_equal(smsd.n_handlers, SMSD_MODEMS_MAX);
        assert_int_equal(smsd.n_ours, SMSD_PROCESSES_MAX);
        assert_true(smsd_state_exited(&smsd, smsd.main));
        assert_int_equal(smsd.n_strays, SMSD_MODEMS_MAX);
}

/* keep_open = no: the port is closed between two polls, and still the handler's own. */
static void test_a_closed_port_is_still_the_handlers(void **state)
{
        static const struct row closed[] = {{10, 1, OURS | PIDFILE, ""}, {11, 10, OURS, ""}, {0}};
        static const struct row moved[] = {{10, 1, OURS | PIDFILE, ""}, {11, 10, OURS, "/dev/ttyUSB6"}, {0}};
        static const struct row another[] = {{10, 1, OURS | PIDFILE, ""}, {12, 10, OURS, ""}, {0}};
        struct smsd_state smsd;
        (void)state;

        smsd_state_init(&smsd);
        (void)scan(&smsd, healthy, USEC_PER_SEC);
        for (unsigned i = 2; i < 5; i++)
                (void)scan(&smsd, closed, i * USEC_PER_SEC);
        assert_non_null(smsd_state_handler_on(&smsd, "/dev/ttyUSB2"));
        assert_true(smsd_state_holds(&smsd, "/dev/ttyUSB2"));
        (void)scan(&smsd, moved, 5 * USEC_PER_SEC);
        assert_null(smsd_state_handler_on(&smsd, "/dev/ttyUSB2"));
        assert_non_null(smsd_state_handler_on(&smsd, "/dev/ttyUSB6"));
        /* What another process had says nothing of this one. */
        (void)scan(&smsd, another, 6 * USEC_PER_SEC);
        assert_null(smsd_state_handler_on(&smsd, "/dev/ttyUSB6"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_pictures),
            cmocka_unit_test(test_a_closed_port_is_still_the_handlers),
            cmocka_unit_test(test_orphan),
            cmocka_unit_test(test_into_the_background),
            cmocka_unit_test(test_same_pid_another_process),
            cmocka_unit_test(test_ports),
            cmocka_unit_test(test_words),
            cmocka_unit_test(test_flood),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
