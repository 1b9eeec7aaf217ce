/*
 * A modem that smsd had before it could be asked who it is: smsd lets go of one that is not let in, or that
 * is to be set up first, once; and of no other.
 */
#include "company.h"
#include "setup_rig.h"

/* smsd was started around us, and has the modem when we begin. */
static void adopt(struct rig *rig, usec_t duration)
{
        (void)rig_smsd(rig);
        rig_begin(rig);
        rig_wait(rig, duration);
}

static void end_smsd(struct rig *rig)
{
        rig->list.n = 0;
        rig_forget(rig);
}

/* Its first plug in an earlier life; then another life finds an smsd that was started meanwhile. */
static struct rig *rig_known(void)
{
        struct rig *rig = rig_asking();

        set_up(rig);
        end_smsd(rig);
        return rig;
}

static void assert_refused(struct rig *rig)
{
        struct snapshot snapshot;

        assert_int_equal(rig->list.n, 0);
        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        assert_int_equal(snapshot.verdict, VERDICT_DOWN);
        assert_non_null(strstr(snapshot.reason, "pin_imei"));
        assert_non_null(strstr(snapshot.next_action, "pin_imei"));
        assert_string_equal(rig_last(&rig->spool, ALERT_MODEM_UNUSABLE)->alert.cause, "strange-modem");
}

/* Its second port tells who it is. */
static void test_a_strange_modem_under_smsd(void **state)
{
        _rig_ rig = rig_pinned(OTHER_IMEI);
        (void)state;

        adopt(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->list.n, 0);
        rig_wait(rig, USEC_PER_HOUR);
        assert_refused(rig);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig->settings.asked + rig->settings.written, 0);
        assert_null(strstr(rig->told, rig->imei));
        assert_false(rig->recorded);

        (void)rig_smsd(rig); /* somebody insists */
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, USEC_PER_MIN);
        assert_refused(rig);
}

/* smsd's log tells it. */
static void test_smsd_says_who_it_is(void **state)
{
        _rig_ rig = rig_pinned(OTHER_IMEI);
        char line[128];
        (void)state;

        rig->health.silent = true;
        (void)rig_smsd(rig);
        rig_begin(rig);
        (void)text_format(line, sizeof(line), "2026-11-23 10:00:00,5, GSM1: IMEI: %s", rig->imei);
        rig_log_line(rig, line);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->list.n, 0);
        rig_wait(rig, USEC_PER_MIN);
        assert_refused(rig);
}

/* No second port: it is asked on its own, and whichever it is, once. */
static void test_nobody_can_tell(void **state)
{
        for (unsigned right = 0; right < 2; right++) {
                _rig_ rig = rig_pinned(right ? "862061045678901" : OTHER_IMEI);
                (void)state;

                rig->config.provision.config.usbnet = -1;
                rig->config.provision.config.apn_mode = PROVISION_APN_NONE;
                (void)text_copy(rig->config.modems[0].health_port, DEVICE_NODE_MAX, "none");
                adopt(rig, USEC_PER_HOUR);
                assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
                assert_int_equal(rig->counts[ACTION_SMSD_START], right);
                if (right)
                        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
                else
                        assert_refused(rig);
        }
}

static void test_the_right_modem_goes_on(void **state)
{
        _rig_ rig = rig_pinned("862061045678901");
        (void)state;

        rig->config.provision.config.usbnet = -1;
        rig->config.provision.config.apn_mode = PROVISION_APN_NONE;
        adopt(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        assert_int_equal(rig->list.n, 2);
        assert_string_equal(rig->record.imei, "862061045678901");
        assert_string_equal(rig->record.imsi, "246012345678901");
}

/* --force is for this smsd, over the end of the controller too. */
static void test_a_person_let_it_in(void **state)
{
        _rig_ rig = rig_pinned(OTHER_IMEI);
        (void)state;

        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        rig_command(rig, COMMAND_START, 1, true);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->replies[1], 0);
        assert_int_equal(rig->list.n, 2);
        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->list.n, 2);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);

        end_smsd(rig);
        adopt(rig, USEC_PER_MIN); /* another smsd is not meant */
        assert_refused(rig);
}

static void test_the_others_go_on(void **state)
{
        _rig_ rig = company_working(2);
        (void)state;

        (void)text_copy(rig->config.modems[0].pin_imei, 16, OTHER_IMEI);
        rig->handler_dies = true; /* the device that smsd.conf names for it is none */
        reload(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->list.n, 2);
        assert_true(company_handler(rig, 2) >= 0);
        assert_non_null(strstr(rig->conf, "device = /dev/smswarden/GSM1-parked"));
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
}

static void test_observed(void **state)
{
        _rig_ rig = rig_pinned(OTHER_IMEI);
        (void)state;

        rig->config.mode = MODE_OBSERVE;
        adopt(rig, USEC_PER_HOUR);
        assert_int_equal(rig->list.n, 2);
        assert_non_null(strstr(rig->told, "would take the modem of GSM1 from smsd: pin_imei refuses it"));
}

/* --- [provision] --- */

static void test_the_same_modem_goes_on(void **state)
{
        _rig_ rig = rig_known();
        (void)state;

        unsigned asked = rig->settings.asked;
        adopt(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        assert_int_equal(rig->settings.asked, asked);
        assert_int_equal(rig->list.n, 2);
}

static void test_another_sim_under_smsd(void **state)
{
        _rig_ rig = rig_known();
        (void)state;

        (void)text_copy(rig->imsi, sizeof(rig->imsi), OTHER_SIM);
        rig->apn = "internet.tele2.lt";
        unsigned asked = rig->settings.asked;
        adopt(rig, USEC_PER_MIN);
        assert_string_equal(rig->settings.apn, "internet.tele2.lt");
        assert_int_equal(rig->settings.asked, asked + 2);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_CHANGED), 1);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_int_equal(rig->record.setup_open, 0);
}

static void test_another_modem_under_smsd(void **state)
{
        _rig_ rig = rig_known();
        (void)state;

        (void)text_copy(rig->imei, sizeof(rig->imei), OTHER_IMEI);
        rig->settings.usbnet = 0;
        adopt(rig, 8 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 2);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        restart_modem(rig);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_int_equal(rig->settings.resets, 2);
}

/* It answers nobody when it is asked again: smsd has it back, and is not disturbed once more. */
static void test_one_that_falls_silent(void **state)
{
        _rig_ rig = rig_known();
        (void)state;

        rig->config.recovery.automatic = false;
        (void)text_copy(rig->imsi, sizeof(rig->imsi), OTHER_SIM);
        rig->settings.mute = true;
        adopt(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* smsd began at boot, its device missing: it would have the modem the moment that it is plugged in. */
static void test_smsd_waits_for_its_device(void **state)
{
        _rig_ rig = rig_asking();
        (void)state;

        rig->plugged = false;
        (void)rig_smsd(rig);
        rig->list.processes[1].tty[0] = '\0';
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->list.n, 0);
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->settings.resets, 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        restart_modem(rig);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* Nothing is asked for: what waits is left alone. */
static void test_smsd_may_wait(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->plugged = false;
        (void)rig_smsd(rig);
        rig->list.processes[1].tty[0] = '\0';
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->list.n, 2);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_strange_modem_under_smsd),
            cmocka_unit_test(test_smsd_says_who_it_is),
            cmocka_unit_test(test_nobody_can_tell),
            cmocka_unit_test(test_the_right_modem_goes_on),
            cmocka_unit_test(test_a_person_let_it_in),
            cmocka_unit_test(test_the_others_go_on),
            cmocka_unit_test(test_observed),
            cmocka_unit_test(test_the_same_modem_goes_on),
            cmocka_unit_test(test_another_sim_under_smsd),
            cmocka_unit_test(test_another_modem_under_smsd),
            cmocka_unit_test(test_one_that_falls_silent),
            cmocka_unit_test(test_smsd_waits_for_its_device),
            cmocka_unit_test(test_smsd_may_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
