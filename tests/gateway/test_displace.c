/*
 * A modem that smsd has before it was asked who it is: in an smsd of the boot, started by hand here, with the
 * daemon not there yet, or with another wish in smswarden.conf. smsd lets go of it and does not send through
 * it; the others go on. Words and numbers are counted at the software modems.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <signal.h>
#include <string.h>

#define RIGHT "867424030000016"
#define WRONG "867424039999990"
#define TELE2 "246030000000001"
#define PIN   "[modem GSM1]\npin_imei = " RIGHT "\n"

#define ASKED_USBNET "AT+QCFG=\"usbnet\"\\r"
#define SET_APN      "AT+CGDCONT=1,"

static bool no_process(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_processes(g) == 0;
}

/* A box that worked, and is switched off: smsd.conf names the modem's device. */
static void switch_off(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_kill_daemon(g);
        gateway_signal(smsd, SIGTERM);
        (void)gateway_wait(g, 10000, "smsd has ended", no_process, NULL);
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
}

/* smsd is there before the daemon, and has the modem. */
static pid_t boot_with_smsd(struct gateway *g)
{
        unsigned before = gateway_smsd_logged(g, "GSM1: Modem handler 0 has started");

        gateway_plug(g, "");
        pid_t smsd = gateway_start_smsd(g, g->conf);
        for (int64_t end = gateway_now() + 10000;
             gateway_smsd_logged(g, "GSM1: Modem handler 0 has started") == before;)
                assert_true(gateway_now() < end);
        gateway_start_daemon(g);
        return smsd;
}

static void a_strange_modem_under_smsd_is_let_go_of(struct gateway *g)
{
        switch_off(g);
        gateway_modem(g, "identity 0 imei=" WRONG);
        pid_t smsd = boot_with_smsd(g);
        gateway_wait_reason(g, "pin_imei", 30000);
        gateway_wait_exit(smsd, 30000);
        gateway_wait_verdict(g, VERDICT_DOWN, 5000);
        assert_non_null(strstr(g->snapshot.next_action, "put the right modem back"));
        gateway_send(g, "one", "Not through it");
        gateway_no_start(g, 3000);
        assert_int_equal(gateway_sent(g, 0, "Not through it"), 0);
        assert_int_equal(gateway_logged(g, WRONG), 0);

        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        gateway_modem(g, "identity 0 imei=" RIGHT);
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_wait_sent(g, 0, 1, 15000);
}

/* The same USB path, under an smsd that runs on: with the daemon there, and with it away. */
static void swap_under_smsd(struct gateway *g, bool killed)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        unsigned starts = gateway_starts(g);
        if (killed)
                gateway_kill_daemon(g);
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        gateway_modem(g, "identity 0 imei=" WRONG);
        gateway_plug(g, "");
        if (killed)
                gateway_start_daemon(g);
        gateway_wait_reason(g, "pin_imei", 40000);
        (void)gateway_wait(g, 10000, "smsd has ended", no_process, NULL);
        gateway_send(g, "one", "Not through it");
        gateway_no_start(g, 2000);
        assert_int_equal(gateway_starts(g), starts);
        assert_int_equal(gateway_sent(g, 0, "Not through it"), 0);
}

static void a_swap_under_smsd_is_refused(struct gateway *g)
{
        swap_under_smsd(g, false);
}

static void a_swap_without_the_daemon_is_refused(struct gateway *g)
{
        swap_under_smsd(g, true);
}

static void the_right_modem_under_smsd_goes_on(struct gateway *g)
{
        switch_off(g);
        pid_t smsd = boot_with_smsd(g);
        assert_int_equal(gateway_working(g, 0), smsd);
        gateway_no_start(g, 15000); /* the look has been */
        assert_int_equal(gateway_working(g, 0), smsd);
        assert_true(gateway_commands(g, 0, "AT+CPMS?") > 0);
}

/* The pin is written while both are served. */
static void the_other_modem_goes_on(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_wait_modem(g, "GSM1", "ready", 15000); /* the first has the first slot */
        gateway_modem(g, "plug 1");
        gateway_wait_verdict(g, VERDICT_WORKING, 40000);
        unsigned starts = gateway_starts(g);
        _cleanup_free_ char *text = gateway_read(g->warden_conf);
        _cleanup_free_ char *edited = gateway_replaced(text, "[modem GSM1]\n", PIN);
        _cleanup_free_ char *wrong = gateway_replaced(edited, RIGHT, WRONG);
        gateway_write(g->warden_conf, wrong);
        gateway_signal(g->daemon, SIGHUP);
        gateway_wait_starts(g, starts + 1, 30000);
        gateway_wait_logged(g, "smsd lets go of GSM1: pin_imei does not let its modem in", 1000);
        assert_string_equal(gateway_device(g, "GSM1"), "GSM1-parked");
        for (unsigned i = 0; i < 4; i++) {
                char name[8];
                (void)text_format(name, sizeof(name), "m%u", i);
                gateway_send(g, name, "By the other");
        }
        gateway_wait_sent(g, 1, 4, 30000);
        assert_int_equal(gateway_sent(g, 0, "By the other"), 0);
        gateway_no_start(g, 3000);
}

static void another_sim_under_smsd_is_set_up_once(struct gateway *g)
{
        switch_off(g);
        unsigned apns = gateway_commands(g, 0, SET_APN);
        gateway_modem(g, "identity 0 imsi=" TELE2);
        pid_t smsd = boot_with_smsd(g);
        gateway_wait_logged(g, "another SIM (IMSI) sits in GSM1 now", 30000);
        gateway_wait_logged(g, "to \"internet.tele2.lt\"", 30000);
        gateway_working(g, smsd);
        assert_int_equal(gateway_commands(g, 0, SET_APN), apns + 1);
        unsigned starts = gateway_starts(g);
        gateway_no_start(g, 15000);
        assert_int_equal(gateway_starts(g), starts);
        assert_int_equal(gateway_commands(g, 0, SET_APN), apns + 1);
        gateway_send(g, "one", "By the new SIM");
        gateway_wait_sent(g, 0, 1, 15000);
}

/* smsd began at boot without its modem, and would have it the moment that it is plugged in. */
static void a_new_modem_is_set_up_before_a_waiting_smsd_has_it(struct gateway *g)
{
        switch_off(g);
        unsigned asked = gateway_commands(g, 0, ASKED_USBNET);
        gateway_modem(g, "identity 0 imei=" WRONG);
        pid_t smsd = gateway_start_smsd(g, g->conf);
        gateway_wait_smsd_logged(g, "error: No such file or directory", 10000);
        gateway_start_daemon(g);
        gateway_wait_logged(g, "smsd lets go of GSM1: it waits for its modem", 30000);
        gateway_wait_exit(smsd, 40000);
        unsigned starts = gateway_starts(g);
        gateway_plug(g, "");
        gateway_wait_logged(g, "usbnet is 1 as asked for", 20000); /* the modem keeps it over its identity */
        gateway_working(g, 0);
        assert_int_equal(gateway_starts(g), starts + 1);
        assert_int_equal(gateway_commands(g, 0, ASKED_USBNET), asked + 1);
        _cleanup_free_ char *log = gateway_read(g->daemon_log);
        assert_non_null(
            strstr(strstr(log, "usbnet is 1 as asked for"), " smsd-start\n")); /* then, not before */
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_strange_modem_under_smsd_is_let_go_of, .warden = PIN),
    GATEWAY_TEST(a_swap_under_smsd_is_refused, .warden = PIN),
    GATEWAY_TEST(a_swap_without_the_daemon_is_refused, .warden = PIN),
    GATEWAY_TEST(the_right_modem_under_smsd_goes_on, .warden = PIN),
    GATEWAY_TEST(the_other_modem_goes_on, .modems = 2, .warden = "[modem GSM1]\n[modem GSM2]\n"),
    GATEWAY_TEST(another_sim_under_smsd_is_set_up_once, .warden = "[provision]\napn = auto\n"),
    GATEWAY_TEST(a_new_modem_is_set_up_before_a_waiting_smsd_has_it, .warden = "[provision]\nusbnet = ecm\n"),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
