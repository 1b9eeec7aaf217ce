/*
 * core/unit_check: the unit as our drop-in makes it is clean; each thing that somebody can set is found,
 * once, with the file that sets it.
 */
#include "core/unit_check.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OURS   "/usr/lib/systemd/system/smstools.service.d/50-smswarden.conf"
#define THEIRS "/etc/systemd/system/smstools.service.d/override.conf"

static const struct unit_wanted wanted = {.smsd = "/usr/sbin/smsd", .smsd_conf = "/etc/smsd.conf"};

static const struct unit_properties tamed = {
    .id = "smstools.service",
    .load_state = "loaded",
    .fragment_path = "/etc/systemd/system/smstools.service",
    .n_drop_ins = 1,
    .drop_ins = {OURS},
    .type = "exec",
    .restart = "no",
    .kill_mode = "control-group",
    .send_sigkill = true,
    .timeout_stop = 90 * USEC_PER_SEC,
    .runtime_max = USEC_INFINITY,
    .exec_start_pre = "/usr/bin/systemd-tmpfiles --create; /usr/lib/smswarden/smswarden-hold clear",
    .exec_start = "/usr/sbin/smsd -t -p${PIDFILE} -i${INFOFILE} -u${USER} -g${GROUP}",
};

static void test_tamed_is_clean(void **state)
{
        struct unit_finding findings[4];

        (void)state;
        assert_int_equal(unit_check(&tamed, &wanted, findings, ARRAY_SIZE(findings)), 0);
}

/* One property at a time. */
static const struct {
        enum unit_problem problem;
        size_t offset;
        const char *text;
} texts[] = {
#define TEXT(problem, member, text)                                                                          \
        {                                                                                                    \
                UNIT_PROBLEM_##problem, offsetof(struct unit_properties, member), text                       \
        }
    TEXT(MASKED, load_state, "masked"),
    TEXT(MISSING, load_state, "not-found"),
    TEXT(BROKEN, load_state, "bad-setting"),
    TEXT(BROKEN, load_state, "error"),
    TEXT(DROP_IN, drop_ins[0], THEIRS),
    TEXT(RESTART, restart, "always"),
    TEXT(RESTART, restart, "on-failure"),
    TEXT(TYPE, type, "forking"),
    TEXT(TYPE, type, "oneshot"),
    TEXT(PID_FILE, pid_file, "/run/smsd.pid"),
    TEXT(COMMAND, exec_start, ""),
    TEXT(COMMAND, exec_start, "/usr/sbin/smsd -p/run/x"),
    TEXT(COMMAND, exec_start, "/etc/init.d/smstools start"),
    TEXT(COMMAND, exec_start, "/usr/local/bin/smsd -t"),
    TEXT(COMMAND, exec_start, "/usr/sbin/smsd -t; /bin/true"),
    TEXT(CONF, exec_start, "/usr/sbin/smsd -t -c /etc/other.conf"),
    TEXT(CONF, exec_start, "/usr/sbin/smsd -c/etc/other.conf -t"),
    TEXT(KEEPS_HOLD, exec_start_pre, "/bin/sleep 10"),
    TEXT(CONDITION, exec_condition, "/usr/bin/test -e /dev/ttyUSB2"),
    TEXT(EXEC_STOP, exec_stop, "/usr/bin/killall smsd"),
    TEXT(EXEC_STOP_POST, exec_stop_post, "/usr/bin/killall -9 smsd"),
    TEXT(KILL_MODE, kill_mode, "mixed"),
    TEXT(KILL_MODE, kill_mode, "process"),
    TEXT(ON_FAILURE, on_failure, "tell-me.service"),
    TEXT(UPHELD, upheld_by, "gateway.target"),
    TEXT(BOUND, binds_to, "dev-ttyUSB2.device"),
    TEXT(BOUND, requisite, "network-online.target"),
};

static void test_texts(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct unit_properties unit = tamed;
                struct unit_finding findings[4];

                memcpy((char *)&unit + texts[i].offset, texts[i].text, strlen(texts[i].text) + 1);
                size_t n = unit_check(&unit, &wanted, findings, ARRAY_SIZE(findings));
                if (n != 1 || findings[0].problem != texts[i].problem)
                        fail_msg("case %zu: %zu findings, the first is %d", i, n,
                                 n ? (int)findings[0].problem : -1);
                assert_true(findings[0].what[0] && findings[0].fix[0]);
        }
}

static void expect_one(const struct unit_properties *unit, enum unit_problem problem)
{
        struct unit_finding findings[4];

        assert_int_equal(unit_check(unit, &wanted, findings, ARRAY_SIZE(findings)), 1);
        assert_int_equal(findings[0].problem, problem);
}

static void test_numbers(void **state)
{
        struct unit_properties unit;

        (void)state;
#define EXPECT(member, value, problem)                                                                       \
        do {                                                                                                 \
                unit = tamed;                                                                                \
                unit.member = value;                                                                         \
                expect_one(&unit, UNIT_PROBLEM_##problem);                                                   \
        } while (0)
        EXPECT(need_daemon_reload, true, STALE);
        EXPECT(n_drop_ins, 0, DROP_IN);
        EXPECT(remain_after_exit, true, REMAINS);
        EXPECT(send_sigkill, false, NO_SIGKILL);
        EXPECT(restart_force, true, RESTART_FORCE);
        EXPECT(timeout_stop, 15 * USEC_PER_SEC, STOP_TOO_SHORT);
        EXPECT(runtime_max, USEC_PER_DAY, RUNTIME_MAX);
        EXPECT(watchdog, USEC_PER_MIN, WATCHDOG);
        unit = tamed;
        unit.timeout_stop = USEC_INFINITY; /* patient enough */
        unit.watchdog = USEC_INFINITY;
        assert_int_equal(unit_check(&unit, &wanted, NULL, 0), 0);
}

static void test_the_file_to_blame(void **state)
{
        struct unit_properties unit = tamed;
        struct unit_finding finding;

        (void)state;
        (void)text_copy(unit.restart, sizeof(unit.restart), "always");
        (void)text_copy(unit.drop_ins[unit.n_drop_ins++], UNIT_CHECK_PATH_MAX, THEIRS);
        assert_int_equal(unit_check(&unit, &wanted, &finding, 1), 1);
        assert_string_equal(finding.fix, "take Restart= out of " THEIRS ", then systemctl daemon-reload");
        /* One that is read before ours cannot be it. */
        (void)text_copy(unit.drop_ins[0], UNIT_CHECK_PATH_MAX, THEIRS);
        (void)text_copy(unit.drop_ins[1], UNIT_CHECK_PATH_MAX, OURS);
        assert_int_equal(unit_check(&unit, &wanted, &finding, 1), 1);
        assert_null(strstr(finding.fix, THEIRS));
}

/* The user's own unit of the old days, tamed by nothing: one sentence, not nine. */
static void test_without_our_drop_in(void **state)
{
        const struct unit_properties unit = {
            .id = "smstools.service",
            .load_state = "loaded",
            .type = "forking",
            .restart = "always",
            .pid_file = "/run/smsd.pid",
            .exec_stop = "/usr/bin/killall smsd",
        };

        (void)state;
        expect_one(&unit, UNIT_PROBLEM_DROP_IN);
}

static void test_another_file_in_the_place_of_ours(void **state)
{
        struct unit_properties unit = tamed;

        (void)state;
        (void)text_copy(unit.drop_ins[0], UNIT_CHECK_PATH_MAX,
                        "/etc/systemd/system/smstools.service.d/50-smswarden.conf");
        assert_int_equal(unit_check(&unit, &wanted, NULL, 0), 0); /* a copy */
        unit.exec_start_pre[0] = unit.type[0] = '\0';
        expect_one(&unit, UNIT_PROBLEM_DROP_IN); /* /dev/null */
}

static void test_more_than_fit(void **state)
{
        struct unit_properties unit = tamed;
        struct unit_finding findings[2];

        (void)state;
        (void)text_copy(unit.restart, sizeof(unit.restart), "always");
        (void)text_copy(unit.kill_mode, sizeof(unit.kill_mode), "mixed");
        unit.need_daemon_reload = unit.remain_after_exit = true;
        memset(findings, 0x5a, sizeof(findings));
        assert_int_equal(unit_check(&unit, &wanted, findings, 1), 4);
        assert_int_equal(findings[0].problem, UNIT_PROBLEM_STALE);
        assert_int_equal(findings[1].what[0], 0x5a);
}

static void test_another_conf_is_wanted(void **state)
{
        const struct unit_wanted other = {.smsd = "/usr/sbin/smsd", .smsd_conf = "/etc/other.conf"};
        struct unit_properties unit = tamed;
        struct unit_finding finding;

        (void)state;
        assert_int_equal(unit_check(&unit, &other, &finding, 1), 1);
        assert_int_equal(finding.problem, UNIT_PROBLEM_CONF);
        (void)text_copy(unit.exec_start, sizeof(unit.exec_start), "/usr/sbin/smsd -t -c/etc/other.conf");
        assert_int_equal(unit_check(&unit, &other, &finding, 1), 0);
}

static void test_fatal(void **state)
{
        (void)state;
        assert_true(unit_problem_is_fatal(UNIT_PROBLEM_MASKED));
        assert_true(unit_problem_is_fatal(UNIT_PROBLEM_MISSING));
        assert_true(unit_problem_is_fatal(UNIT_PROBLEM_BROKEN));
        assert_false(unit_problem_is_fatal(UNIT_PROBLEM_STALE));
        assert_false(unit_problem_is_fatal(UNIT_PROBLEM_RESTART));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_tamed_is_clean),
            cmocka_unit_test(test_texts),
            cmocka_unit_test(test_numbers),
            cmocka_unit_test(test_the_file_to_blame),
            cmocka_unit_test(test_without_our_drop_in),
            cmocka_unit_test(test_another_file_in_the_place_of_ours),
            cmocka_unit_test(test_more_than_fit),
            cmocka_unit_test(test_another_conf_is_wanted),
            cmocka_unit_test(test_fatal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
