/*
 * The recovery of a modem in the gateway as a whole, in virtual time: what hangs is reset, weakest step first
 * and within its budget; what a reset would harm, or not help, is left alone.
 */
#include "rig.h"

#define SEC *USEC_PER_SEC
#define MIN *USEC_PER_MIN
#define H   *USEC_PER_HOUR

/* It works, and its USB path is known as one that was used. */
static struct rig *recovery_rig(void)
{
        struct rig *rig = rig_working();

        rig->away = 15 SEC;
        rig_forget(rig);
        rig->commands[0] = '\0';
        return rig;
}

/* smsd has no answer any more. */
static void fall_silent(struct rig *rig)
{
        rig->silent = true;
        rig_log(rig, SMSD_LOG_TIMEOUT);
}

static unsigned count(const char *text, const char *wanted)
{
        unsigned n = 0;

        for (const char *p = text; (p = strstr(p, wanted)); p += strlen(wanted))
                n++;
        return n;
}

static void assert_says(const char *text, const char *wanted)
{
        if (!strstr(text, wanted))
                fail_msg("\"%s\" does not say \"%s\"", text, wanted);
}

/* --- the steps --- */

static void test_silent_modem_restarts_itself(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        fall_silent(rig);
        rig_wait(rig, 89 SEC);
        assert_string_equal(rig->commands, ""); /* it may come back by itself */
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        rig_wait(rig, 2 SEC);
        assert_string_equal(rig->commands, "AT\nAT\n"); /* beside smsd, on the modem port */
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        rig_wait(rig, 2 SEC);
        assert_string_equal(rig->commands, "AT\nAT\nAT\nAT+CFUN=1,1\n");
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        rig_wait(rig, 60 SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->resets, 1);
        rig_wait(rig, 10 MIN);
        assert_int_equal(rig->resets, 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_LOST), 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_SMSD_DOWN), 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_RECOVERY_FAILED), 0);
        assert_says(rig->told, "left: it is being reset");
}

static struct rig *rig_with_health_port(const char *port)
{
        struct rig *rig = recovery_rig();

        rig->config.n_modems = 1;
        modem_config_init(&rig->config.modems[0], "GSM1");
        (void)text_copy(rig->config.modems[0].health_port, DEVICE_NODE_MAX, port);
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_wait(rig, 1 SEC);
        return rig;
}

/* As for the looks: nothing is sent beside smsd where that is not wanted, and it goes where that is said. */
static void test_the_port_beside_smsd(void **state)
{
        _rig_ unwanted = rig_with_health_port("none");
        (void)state;

        fall_silent(unwanted);
        while (unwanted->commands[0] == '\0')
                rig_wait(unwanted, 1 SEC);
        assert_int_equal(unwanted->counts[ACTION_SMSD_STOP], 1);
        assert_string_equal(unwanted->last[ACTION_PORT_OPEN].port.path, "/dev/ttyUSB2");

        _rig_ named = rig_with_health_port("/dev/ttyUSB9");
        fall_silent(named);
        while (named->commands[0] == '\0')
                rig_wait(named, 1 SEC);
        assert_int_equal(named->counts[ACTION_SMSD_STOP], 0);
        assert_string_equal(named->last[ACTION_PORT_OPEN].port.path, "/dev/ttyUSB9");
        assert_string_equal(named->last[ACTION_PORT_OPEN].port.avoid, "/dev/ttyUSB2");
}

static void test_deaf_modem_is_taken_off_the_bus(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->hung = true;
        fall_silent(rig);
        rig_wait(rig, 5 MIN);
        assert_string_equal(rig->commands, "AT\nAT\nAT\nAT+CFUN=1,1\nusb-off 1-1.2\nusb-on 1-1.2\n");
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_LOST), 0);
}

static void test_power_is_cut_only_by_name(void **state)
{
        for (int allowed = 0; allowed < 2; allowed++) {
                _rig_ rig = recovery_rig();
                (void)state;

                rig->hung = rig->deaf = rig->switchable = true;
                rig->config.n_modems = 1;
                modem_config_init(&rig->config.modems[0], "GSM1");
                rig->config.modems[0].ganged_power = allowed;
                rig_event(rig, EVENT_RELOAD)->config = &rig->config;
                rig_wait(rig, 1 SEC);
                fall_silent(rig);
                rig_wait(rig, 12 MIN);
                assert_int_equal(count(rig->commands, "usb-on"), 1);
                assert_int_equal(count(rig->commands, "port-off"), allowed);
                assert_int_equal(count(rig->commands, "port-on"), allowed);
                assert_int_equal(rig_fired(&rig->spool, ALERT_RECOVERY_FAILED), !allowed);
                assert_int_equal(rig_verdict(rig) == VERDICT_WORKING, allowed);
        }
}

static void test_power_command_of_the_user(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->hung = rig->deaf = true;
        (void)text_copy(rig->config.recovery.power_command, CONFIG_PATH_MAX, "/usr/local/bin/relay");
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        fall_silent(rig);
        rig_wait(rig, 12 MIN);
        assert_int_equal(count(rig->commands, "command-off 1-1.2\ncommand-on 1-1.2\n"), 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_giving_up_is_loud_and_slow(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->hung = rig->deaf = true;
        rig->switch_result = -EIO;
        fall_silent(rig);
        rig_wait(rig, 15 MIN);
        unsigned before = count(rig->commands, "AT+CFUN=1,1");
        assert_int_equal(rig_fired(&rig->spool, ALERT_RECOVERY_FAILED), 1);
        rig_wait(rig, 40 MIN);
        assert_int_equal(count(rig->commands, "AT+CFUN=1,1"), before);
        rig_wait(rig, 30 MIN);
        assert_int_equal(count(rig->commands, "AT+CFUN=1,1"), before + 1); /* after an hour, once */
        rig_wait(rig, 20 H);
        assert_int_equal(count(rig->commands, "AT+CFUN=1,1"), before + 1);
        rig->silent = rig->hung = rig->deaf = false;
        rig->status.modems[0].state = HANDLER_IDLE; /* its next poll goes through */
        rig_wait(rig, 30 MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_RECOVERY_FAILED), 1);
}

static void test_stuck_smsd_is_restarted_first(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->frozen = true;
        rig_wait(rig, 5 MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_string_equal(rig->commands, "");
        rig->frozen = false;
        rig_wait(rig, 10 MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->resets, 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* It is opened anew, by the one path; the modem is left alone. */
static void test_a_port_that_was_hung_up(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        for (unsigned i = 0; i < 12 && rig->counts[ACTION_SMSD_STOP] == 0; i++) {
                rig_log(rig, SMSD_LOG_WRITE_ERROR);
                rig_wait(rig, 10 SEC);
        }
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        rig_wait(rig, 5 SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        rig_wait(rig, 30 MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_string_equal(rig->commands, "");
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_STUCK), 0);
}

/* --- budgets --- */

/* Nothing helps, for a day. */
static void test_budget_of_a_day(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->hung = true; /* USB heals it, and half an hour later it hangs again */
        for (unsigned i = 0; i < 48; i++) {
                rig->commands[0] = '\0';
                rig->hung = true;
                fall_silent(rig);
                rig_wait(rig, 30 MIN);
        }
        assert_in_range(rig->resets, 4, 8);
}

static void test_budget_outlives_the_controller(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        for (unsigned i = 0; i < 8; i++) { /* each time it hangs anew, another controller begins */
                rig->hung = true;
                fall_silent(rig);
                rig_wait(rig, 6 MIN);
                rig_begin(rig);
                rig_wait(rig, 1 MIN);
        }
        assert_in_range(rig->resets, 1, 3);
}

static void test_what_was_left_off_is_switched_on(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->withheld[ACTION_USB_SWITCH] = true; /* the controller dies when it has switched off */
        rig->hung = true;
        fall_silent(rig);
        while (rig->counts[ACTION_USB_SWITCH] == 0)
                rig_wait(rig, 1 SEC);
        assert_int_equal(rig->recovery.off, RECOVERY_OFF_USB);
        assert_string_equal(rig->recovery.usb, "1-1.2");
        rig->withheld[ACTION_USB_SWITCH] = false;
        rig->plugged = false;
        rig->list.n = 0;
        rig->commands[0] = '\0';
        rig_begin(rig);
        rig_wait(rig, 1 MIN);
        assert_string_equal(rig->commands, "usb-on 1-1.2\n");
        assert_int_equal(rig->recovery.off, RECOVERY_OFF_NOTHING);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* The successor asks before it is connected to systemd. */
static void test_what_was_left_off_waits_for_systemd_only(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->withheld[ACTION_USB_SWITCH] = true;
        rig->hung = true;
        fall_silent(rig);
        while (rig->counts[ACTION_USB_SWITCH] == 0)
                rig_wait(rig, 1 SEC);
        rig->withheld[ACTION_USB_SWITCH] = false;
        rig->plugged = false;
        rig->list.n = 0;
        rig->switch_result = -ENOTCONN;
        rig->told[0] = '\0';
        rig_begin(rig);
        rig_wait(rig, 1 SEC);
        assert_int_equal(rig->recovery.off, RECOVERY_OFF_USB);
        rig->switch_result = 0;
        rig_wait(rig, 3 SEC);
        assert_int_equal(rig->recovery.off, RECOVERY_OFF_NOTHING);
        assert_null(strstr(rig->told, "cannot be switched on"));
        assert_says(rig->told, "was left switched off: it is on again");
}

/* --- where a reset would harm, or help nothing --- */

static void test_flapping_for_an_hour(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        for (unsigned i = 0; i < 90; i++) {
                rig->plugged = false;
                rig_usb(rig);
                rig_wait(rig, 20 SEC);
                rig->plugged = true;
                rig_usb(rig);
                rig_wait(rig, 20 SEC);
        }
        assert_int_equal(rig->resets, 0);
        rig_wait(rig, 2 MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* Hung in each of its short lives: it climbs within its budget, whatever it shows between. */
static void test_flapping_and_hung(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        for (unsigned i = 0; i < 90; i++) {
                rig->hung = true;
                fall_silent(rig);
                rig_wait(rig, 20 SEC);
                rig->plugged = false;
                rig_usb(rig);
                rig_wait(rig, 5 SEC);
                rig->plugged = true;
                rig_usb(rig);
                rig_wait(rig, 15 SEC);
        }
        assert_in_range(rig->resets, 0, 3);
}

/* As a real smsd says it: after each start, again and again. */
static void without_network(struct rig *rig, usec_t duration)
{
        rig->health.creg = "0,2";
        for (usec_t i = 0; i < duration / (1 MIN); i++) {
                if (rig->list.n > 1)
                        rig_log(rig, SMSD_LOG_NOT_REGISTERED);
                rig_wait(rig, 1 MIN);
        }
}

static void test_cell_is_lost_for_50_minutes(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->frozen = true; /* it polls only what is registered */
        without_network(rig, 19 MIN);
        assert_string_equal(rig->commands, "");
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        without_network(rig, 31 MIN);
        assert_in_range(rig->resets, 0, 1);
        rig->frozen = false;
        rig->health.creg = NULL;
        rig_log(rig, SMSD_LOG_REGISTERED);
        rig_wait(rig, 5 MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_in_range(rig->resets, 0, 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_RECOVERY_FAILED), 0);
}

static void test_locked_sim_is_never_reset(void **state)
{
        static const enum sim_state sims[] = {SIM_PUK, SIM_PIN};

        for (size_t i = 0; i < ARRAY_SIZE(sims); i++) {
                _rig_ rig = recovery_rig();
                (void)state;

                rig->sim = sims[i];
                rig->attempts = 2;
                rig_log(rig, sims[i] == SIM_PUK ? SMSD_LOG_SIM_LOCKED : SMSD_LOG_PIN_REFUSED);
                rig_exit(rig, 1, 0, false);
                rig_wait(rig, 10 H);
                assert_string_equal(rig->commands, "");
                assert_int_equal(rig->resets, 0);
        }
}

static void test_sim_that_is_missing_is_no_reason_for_a_reset(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->sim = SIM_ABSENT;
        rig->handler_dies = true;
        rig_exit(rig, 1, 0, false);
        rig_wait(rig, 30 MIN);
        assert_string_equal(rig->commands, "AT+CFUN=0\nAT+CFUN=1\n");
        assert_int_equal(rig->resets, 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_UNUSABLE), 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_RECOVERY_FAILED), 0);
}

static void test_modem_in_a_persons_hand_is_left_alone(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 3 H);
        assert_string_equal(rig->commands, "");
        assert_int_equal(rig->resets, 0);
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, 2 MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* Somebody asks the modem by a terminal program: it is not reset under their hands. */
static void test_port_in_other_hands(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->hung = true;
        fall_silent(rig);
        rig->open_result = -EBUSY;
        rig_wait(rig, 2 H);
        assert_int_equal(rig->resets, 0);
        assert_int_equal(count(rig->commands, "usb"), 0);
}

static void test_nothing_is_done_in_a_hold(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->hung = true;
        fall_silent(rig);
        rig_wait(rig, 80 SEC);
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 25 MIN);
        assert_string_equal(rig->commands, "");
        rig_wait(rig, 20 MIN); /* the hold is over */
        assert_int_equal(rig->resets, 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_nothing_is_done_when_it_is_not_wished(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig_leave_alone(rig);
        rig->hung = true;
        fall_silent(rig);
        rig_wait(rig, 3 H);
        assert_string_equal(rig->commands, "");
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
}

/* --- the way out is on it --- */

static void test_default_route_is_announced(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig->default_route = true;
        fall_silent(rig);
        while (rig_fired(&rig->spool, ALERT_RESET_AHEAD) == 0)
                rig_wait(rig, 1 SEC);
        usec_t announced = rig->now;
        assert_int_equal(count(rig->commands, "AT+CFUN"), 0);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0); /* it serves the others until then */
        while (count(rig->commands, "AT+CFUN") == 0)
                rig_wait(rig, 1 SEC);
        assert_in_range(rig->now - announced, 28 SEC, 33 SEC);
        rig_wait(rig, 5 MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        rig->hung = true; /* one in an hour */
        fall_silent(rig);
        rig_wait(rig, 30 MIN);
        assert_int_equal(rig->resets, 1);
}

/* --- by hand --- */

static void ask(struct rig *rig, unsigned token, const char *modem, const char *step)
{
        rig_command(rig, COMMAND_RESET_MODEM, token, false);
        struct command *command = &rig->queue[(rig->head + rig->n - 1) % RIG_QUEUE].command;
        (void)text_copy(command->modem, sizeof(command->modem), modem);
        (void)text_copy(command->step, sizeof(command->step), step);
}

static void test_by_hand(void **state)
{
        static const struct {
                const char *modem, *step;
                int result;
                const char *said, *commands;
        } cases[] = {
            {"GSM1", "", 0, "smsd serves it", "AT+CFUN=1,1\n"},
            {"", "reset", 0, "the modem is back after 15s, smsd serves it", "AT+CFUN=1,1\n"},
            {"GSM1", "usb", 0, "USB off and on: done, the modem is back after 5s, smsd serves it",
             "usb-off 1-1.2\nusb-on 1-1.2\n"},
            {"GSM1", "at", 0, "the modem answers AT", "AT\n"},
            {"GSM1", "cfun", 0, "smsd serves it", "AT+CFUN=0\nAT+CFUN=1\n"},
            {"GSM1", "smsd", 0, "smsd serves it", ""},
            {"GSM1", "power", 2, "there is no way to cut its power", ""},
            {"GSM1", "hammer", 2, "there is no step hammer; there are at, smsd", ""},
            {"GSM9", "usb", 2, "there is no modem GSM9; there are GSM1", ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _rig_ rig = recovery_rig();
                ask(rig, 3, cases[i].modem, cases[i].step);
                rig_wait(rig, 2 MIN);
                if (rig->n_replies[3] != 1)
                        fail_msg("%s: %u answers", cases[i].step, rig->n_replies[3]);
                assert_says(rig->said, cases[i].said);
                assert_int_equal(rig->replies[3], cases[i].result);
                assert_string_equal(rig->commands, cases[i].commands);
                rig_wait(rig, 5 MIN);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
                assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_LOST), 0);
        }
}

static void test_by_hand_in_a_hold(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 1 MIN);
        ask(rig, 2, "GSM1", "usb");
        rig_wait(rig, 1 MIN);
        assert_int_equal(rig->n_replies[2], 1);
        assert_int_equal(rig->replies[2], 0);
        assert_says(rig->said, "smsd is held and stays stopped");
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
}

static void test_by_hand_when_it_does_not_help(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        rig_leave_alone(rig);
        rig->silent = rig->hung = true;
        ask(rig, 2, "GSM1", "reset");
        rig_wait(rig, 2 MIN);
        assert_int_equal(rig->n_replies[2], 1);
        assert_int_equal(rig->replies[2], 1);
        assert_says(rig->said, "did not work: no answer in time");
        rig->switch_result = -EIO;
        ask(rig, 3, "GSM1", "usb");
        rig_wait(rig, 2 MIN);
        assert_int_equal(rig->replies[3], 1);
        assert_says(rig->said, "USB off and on did not work: Input/output error");
}

/* Who asks for a start amid a reset gets it behind the reset. */
static void test_start_amid_a_reset(void **state)
{
        _rig_ rig = recovery_rig();
        (void)state;

        ask(rig, 2, "GSM1", "usb");
        rig_wait(rig, 1 SEC);
        assert_int_equal(rig->list.n, 0);
        rig_command(rig, COMMAND_RESTART, 3, false);
        rig_wait(rig, 1 SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        rig_wait(rig, 1 MIN);
        assert_int_equal(rig->n_replies[2], 1);
        assert_int_equal(rig->replies[2], 0);
        assert_int_equal(rig->n_replies[3], 1);
        assert_int_equal(rig->replies[3], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_silent_modem_restarts_itself),
            cmocka_unit_test(test_the_port_beside_smsd),
            cmocka_unit_test(test_deaf_modem_is_taken_off_the_bus),
            cmocka_unit_test(test_power_is_cut_only_by_name),
            cmocka_unit_test(test_power_command_of_the_user),
            cmocka_unit_test(test_giving_up_is_loud_and_slow),
            cmocka_unit_test(test_stuck_smsd_is_restarted_first),
            cmocka_unit_test(test_a_port_that_was_hung_up),
            cmocka_unit_test(test_budget_of_a_day),
            cmocka_unit_test(test_budget_outlives_the_controller),
            cmocka_unit_test(test_what_was_left_off_is_switched_on),
            cmocka_unit_test(test_what_was_left_off_waits_for_systemd_only),
            cmocka_unit_test(test_flapping_for_an_hour),
            cmocka_unit_test(test_flapping_and_hung),
            cmocka_unit_test(test_cell_is_lost_for_50_minutes),
            cmocka_unit_test(test_locked_sim_is_never_reset),
            cmocka_unit_test(test_sim_that_is_missing_is_no_reason_for_a_reset),
            cmocka_unit_test(test_modem_in_a_persons_hand_is_left_alone),
            cmocka_unit_test(test_port_in_other_hands),
            cmocka_unit_test(test_nothing_is_done_in_a_hold),
            cmocka_unit_test(test_nothing_is_done_when_it_is_not_wished),
            cmocka_unit_test(test_default_route_is_announced),
            cmocka_unit_test(test_by_hand),
            cmocka_unit_test(test_by_hand_in_a_hold),
            cmocka_unit_test(test_by_hand_when_it_does_not_help),
            cmocka_unit_test(test_start_amid_a_reset),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
