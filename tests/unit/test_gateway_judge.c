/*
 * Which of what is wrong with a modem reaches the recovery, and when: it is what the status says, and nothing
 * else. Each test is a case in which smsd's own signs, the probe or the look know it alone.
 */
#include "rig.h"

#include "../src/core/gateway_private.h"

#define SEC *USEC_PER_SEC
#define MIN *USEC_PER_MIN
#define H   *USEC_PER_HOUR

static const struct snapshot_modem *shown(struct rig *rig)
{
        static struct snapshot snapshot;

        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        return &snapshot.modems[0];
}

static unsigned count(const char *text, const char *wanted)
{
        unsigned n = 0;

        for (const char *p = text; (p = strstr(p, wanted)); p += strlen(wanted))
                n++;
        return n;
}

static struct rig *rig_with(const struct modem_config *config)
{
        struct rig *rig = rig_new();

        rig->config.n_modems = 1;
        rig->config.modems[0] = *config;
        return rig;
}

static struct modem_config config_of(const char *health_port)
{
        struct modem_config config;

        modem_config_init(&config, "GSM1");
        (void)text_copy(config.health_port, sizeof(config.health_port), health_port);
        return config;
}

/* The probe alone knows: it was never answered, smsd has never had it, and there is no port beside. */
static void test_mute_from_the_plug_on(void **state)
{
        const struct modem_config config = config_of("none");
        _rig_ rig = rig_with(&config);
        (void)state;

        rig->silent = rig->hung = rig->handler_dies = true;
        rig_begin(rig);
        rig_wait(rig, 10 MIN);
        assert_int_equal(count(rig->commands, "usb-on"), 1);
        assert_int_equal(rig->health.looks, 0);
}

/* It answers the probe, and smsd's handler ends on it all the same. */
static void test_handlers_that_end_again_and_again(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_forget(rig);
        rig->commands[0] = '\0';
        rig->handler_dies = true;
        rig_exit(rig, 1, 0, false);
        rig_wait(rig, 4 MIN);
        assert_int_equal(rig->resets, 0);
        for (unsigned i = 0; i < 60 && rig->resets == 0; i++)
                rig_wait(rig, 1 MIN);
        assert_true(rig->resets > 0);
        rig->handler_dies = false;
        rig_wait(rig, 30 MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* Nobody repeats it: without stats/status that is over. */
static void test_what_was_said_long_ago(void **state)
{
        static const enum smsd_log_kind kinds[] = {SMSD_LOG_NOT_REGISTERED, SMSD_LOG_REGISTRATION_DENIED};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                const struct modem_config config = config_of("none");
                _rig_ rig = rig_with(&config);
                (void)state;

                rig->no_stats = true;
                rig_begin(rig);
                rig_wait(rig, 1 H);
                rig_forget(rig);
                rig->commands[0] = '\0';
                rig_log(rig, kinds[i]);
                rig_wait(rig, 2 MIN);
                assert_int_not_equal(rig_verdict(rig), VERDICT_WORKING);
                rig_wait(rig, 3 H);
                assert_string_equal(rig->commands, "");
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
                assert_int_equal(rig_fired(&rig->spool, ALERT_RECOVERY_FAILED), 0);
        }
}

/* Whatever ails another one's modem: it is not let in, and not reset. */
static void test_a_modem_that_is_not_let_in(void **state)
{
        struct modem_config config = config_of("auto");
        (void)text_copy(config.pin_imei, sizeof(config.pin_imei), "490154203237518");
        _rig_ rig = rig_with(&config);
        (void)state;

        rig->health.creg = "0,2";
        rig_begin(rig);
        rig_wait(rig, 5 H);
        assert_string_equal(rig->commands, "");
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
}

/* The step has helped, as its probe finds; that smsd cannot be started is another matter. */
static void test_helped_and_smsd_does_not_start(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_forget(rig);
        rig->commands[0] = '\0';
        rig->sim = SIM_ABSENT;
        rig->handler_dies = true;
        rig_exit(rig, 1, 0, false);
        while (!strstr(rig->commands, "AT+CFUN=1\n"))
                rig_wait(rig, 1 SEC);
        rig->sim = SIM_READY;
        rig->handler_dies = false;
        rig->start_result = -EIO;
        rig->problem = "no such program";
        rig_wait(rig, 9 MIN);
        assert_string_equal(shown(rig)->recovery.state, "settling");
        assert_string_equal(rig->commands, "AT+CFUN=0\nAT+CFUN=1\n");
}

/* smsd works: that the other port does not is no failure, and no reason to go on after a step. */
static void test_the_other_port_stays_silent(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_forget(rig);
        rig->commands[0] = '\0';
        rig->frozen = true;
        for (unsigned i = 0; i < 20 && rig->counts[ACTION_SMSD_STOP] == 0; i++)
                rig_wait(rig, 30 SEC);
        rig->frozen = false;
        rig->health.silent = true;
        rig_wait(rig, 3 H);
        assert_string_equal(shown(rig)->health.cause, "half-answered");
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_string_equal(rig->commands, "");
        assert_string_equal(shown(rig)->recovery.state, "");
}

/* Denied, as the probe says; smsd's handler ends on that. No reset, and a word for people. */
static void test_denied_by_the_probe(void **state)
{
        const struct modem_config config = config_of("none");
        _rig_ rig = rig_with(&config);
        (void)state;

        rig->health.creg = "0,3";
        rig->handler_dies = true;
        rig_begin(rig);
        rig_wait(rig, 1 H);
        assert_string_equal(rig->commands, "");
        assert_string_equal(shown(rig)->recovery.state, "gave-up");
        assert_non_null(strstr(shown(rig)->recovery.text, "the network refuses"));
        assert_string_equal(shown(rig)->health.cause, "denied");
}

/* What a program on smsd's port explains is not waited for any longer. */
static void test_a_wait_that_is_explained(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->health.creg = "0,2";
        rig_log(rig, SMSD_LOG_NOT_REGISTERED);
        rig_wait(rig, 2 MIN);
        assert_non_null(strstr(shown(rig)->recovery.text, "to come back by itself"));
        rig->health.creg = NULL;
        rig->health.holder = (struct port_holder){.id = {77, 5}, .command = "minicom"};
        rig_wait(rig, 2 MIN);
        assert_string_equal(shown(rig)->health.cause, "port-held");
        assert_string_equal(shown(rig)->recovery.text, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_mute_from_the_plug_on),
            cmocka_unit_test(test_a_wait_that_is_explained),
            cmocka_unit_test(test_handlers_that_end_again_and_again),
            cmocka_unit_test(test_what_was_said_long_ago),
            cmocka_unit_test(test_a_modem_that_is_not_let_in),
            cmocka_unit_test(test_helped_and_smsd_does_not_start),
            cmocka_unit_test(test_the_other_port_stays_silent),
            cmocka_unit_test(test_denied_by_the_probe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
