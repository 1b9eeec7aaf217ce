/*
 * Who sits in a slot, on the gateway as a whole: a new modem or SIM is set up before smsd has it, once for
 * each change and with one reset at most, whatever dies when; a strange one is not used.
 */
#include "setup_rig.h"

static void test_before_smsd_and_once(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig_begin(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig->settings.usbnet, 1);
        assert_string_equal(rig->settings.apn, "banga");
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig_verdict(rig), VERDICT_RECOVERING);
        unplug(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_RECOVERING); /* it is expected back */
        plug(rig);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->spool.n, 0); /* a first modem is no news, its restart no trouble */

        unsigned asked = rig->settings.asked;
        for (unsigned i = 0; i < 5; i++)
                restart_modem(rig);
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->settings.asked, asked);
        assert_int_equal(rig->settings.written, 2);
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig->counts[ACTION_APN_FIND], 1);
}

/* A modem without USB (a UART) restarts where it is: it is asked again when it has had its time. */
static void test_a_modem_that_stays(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig_begin(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_another_sim(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        set_up(rig);
        unsigned asked = rig->settings.asked;
        unplug(rig);
        (void)text_copy(rig->imsi, sizeof(rig->imsi), OTHER_SIM);
        rig->apn = "internet.tele2.lt";
        plug(rig);
        assert_string_equal(rig->settings.apn, "internet.tele2.lt");
        assert_int_equal(rig->settings.asked, asked + 2); /* its APN, and read back; nothing of the modem */
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_CHANGED), 1);
        const struct alert *alert = &rig_last(&rig->spool, ALERT_MODEM_CHANGED)->alert;
        assert_string_equal(alert->summary, "GSM1: another SIM (IMSI) sits in GSM1 now");
        assert_null(strstr(rig->told, OTHER_SIM));
        assert_string_equal(rig->record.imsi, OTHER_SIM);
}

static void test_another_modem(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        set_up(rig);
        unplug(rig);
        (void)text_copy(rig->imei, sizeof(rig->imei), OTHER_IMEI);
        rig->settings.usbnet = 0;
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 2);
        restart_modem(rig);
        assert_int_equal(rig->settings.usbnet, 1);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_CHANGED), 1);
        assert_null(strstr(rig->told, OTHER_IMEI));
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* Another [provision] is another wish: it waits until smsd is stopped anyway. */
static void test_another_wish(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        set_up(rig);
        rig->config.provision.config.usbnet = 3;
        reload(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->settings.usbnet, 1);
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->settings.usbnet, 1); /* the port is the person's */
        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->settings.usbnet, 3);
        assert_int_equal(rig->settings.resets, 2);
        restart_modem(rig);
        assert_int_equal(rig->n_replies[2], 1);
        assert_int_equal(rig->replies[2], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_nothing_is_asked_for(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        unplug(rig);
        (void)text_copy(rig->imsi, sizeof(rig->imsi), OTHER_SIM);
        plug(rig);
        assert_int_equal(rig->settings.asked + rig->settings.written, 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_CHANGED), 1);
}

static void test_observe_writes_nothing(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->config.mode = MODE_OBSERVE;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->settings.asked + rig->settings.written, 0);
}

/* smsd enters the PIN: nobody else does. */
static void test_a_locked_sim_waits(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->sim = SIM_PIN;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->settings.asked, 0);
        unplug(rig);
        rig->sim = SIM_READY;
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 1);
}

/* --- the reset, in two phases --- */

static void test_no_reset_without_the_note(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->note_result = -ENOSPC;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_RESET_NOTE], 1);
        assert_int_equal(rig->settings.resets, 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_non_null(strstr(rig->told, "takes effect at the modem's next reset"));
}

static void test_no_reset_without_an_answer(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->withheld[ACTION_RESET_NOTE] = true;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->settings.resets, 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_no_reset_unless_allowed(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->config.provision.reset = false;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->settings.usbnet, 1);
        assert_int_equal(rig->settings.resets, 0);
        assert_int_equal(rig->counts[ACTION_RESET_NOTE], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->spool.n, 0); /* it is what was asked for */
}

/* Carries `actions` actions out, then the controller is killed: what was still to be done is lost. True when
 * there were so many. */
static bool live(struct rig *rig, unsigned actions)
{
        for (unsigned rounds = 0; rounds < 400; rounds++) {
                if (rig->n == 0) {
                        usec_t deadline = gateway_next_deadline(rig->gateway);
                        rig->now = deadline > rig->now ? deadline : rig->now;
                        (void)rig_event(rig, EVENT_TIMER);
                }
                struct event event = rig->queue[rig->head];
                rig->head = (rig->head + 1) % RIG_QUEUE;
                rig->n--;
                rig->now += USEC_PER_MSEC;
                gateway_step(rig->gateway, &event, rig->now, &rig->actions);
                for (unsigned i = 0; i < rig->actions.n; i++) {
                        if (actions-- == 0)
                                return true;
                        rig_perform(rig, &rig->actions.items[i]);
                }
                if (rig->counts[ACTION_SMSD_START] > 0)
                        return false;
        }
        fail_msg("smsd was never started");
        return false;
}

/* Killed behind any action of its first plug: in the end all is set, and the modem was reset once at most. */
static void test_killed_anywhere(void **state)
{
        unsigned moments = 0, resets = 0;
        (void)state;

        for (unsigned actions = 0;; actions++, moments++) {
                _rig_ rig = rig_asking();
                rig_wake(rig);
                if (!live(rig, actions))
                        break;
                rig_begin(rig);
                rig_wait(rig, 5 * USEC_PER_SEC);
                restart_modem(rig);
                rig_wait(rig, USEC_PER_MIN);
                assert_in_range(rig->settings.resets, 0, 1);
                assert_int_equal(rig->settings.usbnet, 1);
                assert_string_equal(rig->settings.apn, "banga");
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
                resets += rig->settings.resets;
        }
        assert_true(moments > 30);
        /* Only who dies between the note and the reset never sends it. */
        assert_in_range(resets, moments - 3, moments);
}

/* --- what goes wrong --- */

static void test_what_fails_is_told_once(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->settings.refuses = true;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->settings.resets, 0);
        assert_int_equal(rig_fired(&rig->spool, ALERT_PROVISION_FAILED), 1);
        const struct alert *alert = &rig_last(&rig->spool, ALERT_PROVISION_FAILED)->alert;
        assert_string_equal(alert->key, "provision-failed/GSM1");
        assert_non_null(strstr(alert->summary, "usbnet"));
        unsigned written = rig->settings.written;
        restart_modem(rig);
        assert_int_equal(rig->settings.written, written);
        assert_int_equal(rig_fired(&rig->spool, ALERT_PROVISION_FAILED), 1);
}

static void test_three_attempts(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->settings.mute = true;
        rig_begin(rig);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig_fired(&rig->spool, ALERT_PROVISION_FAILED), 1);
        assert_int_equal(rig->record.setup_attempts, 3);
        assert_int_equal(rig->record.setup_open, 0);
}

static void test_no_name_is_known(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->apn = NULL;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(rig->settings.apn, "internet");
        assert_int_equal(rig->settings.usbnet, 1);
        assert_non_null(
            strstr(rig_last(&rig->spool, ALERT_PROVISION_FAILED)->alert.summary, "none is known"));
}

static void test_the_list_does_not_answer(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->withheld[ACTION_APN_FIND] = true;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->settings.usbnet, 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* Somebody holds smsd in the middle: the port is theirs at once, and it goes on afterwards. */
static void test_held_in_the_middle(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->settings.mute = true;
        rig_begin(rig);
        rig_wait(rig, 300 * USEC_PER_MSEC);
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, USEC_PER_SEC);
        unsigned written = rig->counts[ACTION_PORT_WRITE];
        rig->settings.mute = false;
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_PORT_WRITE], written);
        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 1);
        restart_modem(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* systemctl start in the middle: smsd has the port, nothing more is sent, and it is made up for later. */
static void test_smsd_is_started_in_the_middle(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->settings.mute = true;
        rig_begin(rig);
        rig_wait(rig, 300 * USEC_PER_MSEC);
        (void)rig_smsd(rig);
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, USEC_PER_SEC);
        unsigned written = rig->counts[ACTION_PORT_WRITE];
        rig->settings.mute = false;
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_PORT_WRITE], written);
        assert_int_equal(rig->list.n, 2);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        rig_exit(rig, 1, -SIGSEGV, false);
        rig_exit(rig, 0, -SIGSEGV, true);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 1);
        restart_modem(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_observed_from_the_middle_on(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->settings.mute = true;
        rig_begin(rig);
        rig_wait(rig, 300 * USEC_PER_MSEC);
        rig->settings.mute = false;
        rig->config.mode = MODE_OBSERVE;
        reload(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->settings.asked + rig->settings.written + rig->settings.resets, 0);
}

/* --- pin_imei --- */

static void test_a_strange_modem(void **state)
{
        _rig_ rig = rig_pinned(OTHER_IMEI);
        struct snapshot snapshot;
        (void)state;

        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig->settings.asked + rig->settings.written, 0);
        assert_false(rig->recorded);
        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        assert_int_equal(snapshot.verdict, VERDICT_DOWN);
        assert_non_null(strstr(snapshot.reason, "pin_imei"));
        assert_non_null(strstr(snapshot.next_action, "pin_imei"));
        assert_string_equal(rig_last(&rig->spool, ALERT_MODEM_UNUSABLE)->alert.cause, "strange-modem");
        assert_null(strstr(rig->told, rig->imei));

        rig_command(rig, COMMAND_START, 1, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->replies[1], 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);

        rig_command(rig, COMMAND_START, 2, true); /* once, and nothing is set up or remembered */
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->replies[2], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->settings.asked, 0);
        assert_string_equal(rig->record.imei, "");

        restart_modem(rig);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        unplug(rig);
        (void)text_copy(rig->imei, sizeof(rig->imei), OTHER_IMEI);
        plug(rig);
        restart_modem(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_string_equal(rig->record.imei, OTHER_IMEI);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_before_smsd_and_once),
            cmocka_unit_test(test_a_modem_that_stays),
            cmocka_unit_test(test_another_sim),
            cmocka_unit_test(test_another_modem),
            cmocka_unit_test(test_another_wish),
            cmocka_unit_test(test_nothing_is_asked_for),
            cmocka_unit_test(test_observe_writes_nothing),
            cmocka_unit_test(test_a_locked_sim_waits),
            cmocka_unit_test(test_no_reset_without_the_note),
            cmocka_unit_test(test_no_reset_without_an_answer),
            cmocka_unit_test(test_no_reset_unless_allowed),
            cmocka_unit_test(test_killed_anywhere),
            cmocka_unit_test(test_what_fails_is_told_once),
            cmocka_unit_test(test_three_attempts),
            cmocka_unit_test(test_no_name_is_known),
            cmocka_unit_test(test_the_list_does_not_answer),
            cmocka_unit_test(test_held_in_the_middle),
            cmocka_unit_test(test_smsd_is_started_in_the_middle),
            cmocka_unit_test(test_observed_from_the_middle_on),
            cmocka_unit_test(test_a_strange_modem),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
