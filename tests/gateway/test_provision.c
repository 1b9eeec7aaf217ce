/*
 * A new modem or SIM on the whole gateway: set up once, before smsd has it, and never again for the same; a
 * modem that pin_imei does not let in is not used. What was sent is counted at the modem.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <signal.h>
#include <string.h>

#define BITE  "246020000000001" /* one operator has these digits: its name is clear */
#define TELE2 "246030000000001"
#define ALL   "[provision]\napn = auto\nusbnet = ecm\nims = on\n"

#define ASKED_USBNET "AT+QCFG=\"usbnet\"\\r"
#define SET_USBNET   "AT+QCFG=\"usbnet\",1"
#define SET_APN      "AT+CGDCONT=1,"
#define RESET        "AT+CFUN=1,1"

static unsigned sent(const struct gateway *g, const char *text)
{
        return gateway_commands(g, 0, text);
}

static void insert_sim(struct gateway *g, const char *imsi)
{
        gateway_modem(g, "identity 0 imsi=%s", imsi);
}

static void replug(struct gateway *g)
{
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        gateway_wait_modem(g, "GSM1", "absent", 5000);
        gateway_plug(g, "");
}

/* The modem leaves by the reset and comes back: the first words of smsd are from after that. */
static void each_sim_is_set_up_once(struct gateway *g)
{
        insert_sim(g, BITE);
        gateway_plug(g, "back=300");
        gateway_working(g, 0);
        assert_int_equal(sent(g, SET_USBNET), 1);
        assert_int_equal(sent(g, SET_APN "\"IPV4V6\",\"banga\""), 1);
        assert_int_equal(sent(g, RESET), 1);
        assert_int_equal(gateway_starts(g), 1);
        gateway_wait_logged(g,
                            "GSM1 was set up: APN changed from \"internet\" to \"banga\"; ims is 1 as asked "
                            "for; usbnet changed from 0 to 1; the modem was reset",
                            1000);

        /* The same modem with the same SIM: not even a question. */
        unsigned asked = sent(g, ASKED_USBNET);
        replug(g);
        gateway_working(g, 0);
        assert_int_equal(sent(g, ASKED_USBNET), asked);
        assert_int_equal(sent(g, SET_APN), 1);
        assert_int_equal(gateway_logged(g, "another "), 0);

        /* Another SIM: what depends on its operator; nothing of that needs a reset. */
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        insert_sim(g, TELE2);
        gateway_plug(g, "");
        gateway_wait_logged(g, "another SIM (IMSI) sits in GSM1 now", 15000);
        gateway_wait_logged(g, "\"banga\" to \"internet.tele2.lt\"", 15000);
        gateway_working(g, 0);
        assert_int_equal(sent(g, ASKED_USBNET), asked);
        assert_int_equal(sent(g, SET_APN), 2);
        assert_int_equal(sent(g, RESET), 1);

        replug(g);
        gateway_working(g, 0);
        assert_int_equal(sent(g, SET_APN), 2);
        gateway_send(g, "one", "By the new SIM");
        gateway_wait_sent(g, 0, 1, 15000);
}

/* Nothing of it is asked for: another SIM is told, and used. */
static void nothing_is_sent_unasked(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        insert_sim(g, TELE2);
        gateway_plug(g, "");
        gateway_wait_logged(g, "another SIM (IMSI) sits in GSM1 now", 15000);
        gateway_working(g, 0);
        assert_int_equal(sent(g, "AT+QCFG"), 0);
        assert_int_equal(sent(g, "AT+CGDCONT"), 0);
        _cleanup_free_ char *history = gateway_read(gateway_path(g, "state/history"));
        assert_int_equal(gateway_count(history, "GSM1: another SIM (IMSI)"), 1); /* the alert */
        assert_int_equal(gateway_count(history, TELE2), 0);
        assert_int_equal(gateway_logged(g, TELE2), 0);
}

static void killed_while_it_writes(struct gateway *g)
{
        gateway_modem(g, "delay 0 AT+QCFG=\"usbnet\",1 2000");
        gateway_plug(g, "back=300");
        gateway_modem(g, "wait-command 0 AT+QCFG=\"usbnet\",1 20000 1");
        gateway_kill_daemon(g);
        gateway_modem(g, "delay 0 AT+QCFG=\"usbnet\",1 0");
        gateway_start_daemon(g);
        gateway_working(g, 0);
        assert_int_equal(sent(g, RESET), 1);
        replug(g);
        gateway_working(g, 0);
        assert_int_equal(sent(g, RESET), 1);
}

static void killed_while_it_resets(struct gateway *g)
{
        gateway_plug(g, "back=1500");
        gateway_modem(g, "wait-command 0 AT+CFUN=1,1 20000 1");
        gateway_kill_daemon(g);
        gateway_start_daemon(g);
        gateway_working(g, 0);
        assert_int_equal(sent(g, RESET), 1);
        assert_int_equal(sent(g, SET_USBNET), 1);
}

static unsigned sent_by(const struct gateway *g, unsigned modem, const char *text)
{
        return gateway_commands(g, modem, text);
}

static bool first_is_served(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->can_send;
}

/* The second is set up beside the smsd that serves the first, which goes on meanwhile. */
static void the_other_modem_goes_on(struct gateway *g)
{
        gateway_plug(g, "back=300");
        gateway_wait(g, 20000, "the first is served", first_is_served, NULL);
        gateway_modem(g, "delay 1 AT+QCFG=\"usbnet\",1 3000");
        gateway_modem(g, "plug 1 back=300");
        gateway_modem(g, "wait-command 1 AT+QCFG=\"usbnet\",1 20000 1");
        gateway_send(g, "one", "While the other is set up");
        gateway_wait_sent(g, 0, 1, 15000);
        gateway_wait_verdict(g, VERDICT_WORKING, 40000);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(sent_by(g, i, SET_USBNET), 1);
                assert_int_equal(sent_by(g, i, RESET), 1);
        }
        assert_int_equal(gateway_starts(g), 2);
}

/* smsd must not wait for ever for what the modem does not take. */
static void what_fails_is_told_and_smsd_started(struct gateway *g)
{
        gateway_modem(g, "answer 0 AT+QCFG=\"usbnet\",1 ERROR");
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_wait_logged(g, "not all settings of [provision] could be made in GSM1", 1000);
        assert_int_equal(sent(g, RESET), 0);
        replug(g);
        gateway_working(g, 0);
        assert_int_equal(gateway_logged(g, "not all settings of [provision]"), 1);
}

/* It is written, told once, and served; unplugged, it has taken effect. */
static void without_budget_the_reset_is_due(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        assert_int_equal(sent(g, SET_USBNET), 1);
        assert_int_equal(sent(g, RESET), 0);
        assert_int_equal(gateway_logged(g, "its reset is due"), 1);
        replug(g);
        gateway_wait_logged(g, "no reset is due any more", 5000);
        gateway_working(g, 0);
        assert_int_equal(sent(g, SET_USBNET), 1);
        assert_int_equal(sent(g, RESET), 0);
        assert_int_equal(gateway_logged(g, "its reset is due"), 1);
}

static void a_strange_modem_is_refused(struct gateway *g)
{
        char message[512];

        gateway_modem(g, "identity 0 imei=867424039999990");
        gateway_plug(g, "");
        gateway_wait_reason(g, "pin_imei", 15000);
        gateway_wait_verdict(g, VERDICT_DOWN, 5000);
        assert_non_null(strstr(g->snapshot.next_action, "put the right modem back"));
        gateway_no_start(g, 3000);
        assert_int_equal(gateway_person(g, COMMAND_START, false, message), 1);
        assert_non_null(strstr(message, "pin_imei"));
        assert_int_equal(gateway_starts(g), 0);
        assert_int_equal(sent(g, "AT+QCFG"), 0);
        assert_int_equal(gateway_logged(g, "867424039999990"), 0);

        /* The right one. */
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        gateway_modem(g, "identity 0 imei=867424031234565");
        gateway_plug(g, "back=300");
        gateway_working(g, 0);
        assert_int_equal(sent(g, SET_USBNET), 1);
}

static void a_person_lets_it_in(struct gateway *g)
{
        gateway_modem(g, "identity 0 imei=867424039999990");
        gateway_plug(g, "");
        gateway_wait_reason(g, "pin_imei", 15000);
        assert_int_equal(gateway_person(g, COMMAND_START, true, NULL), 0);
        gateway_working(g, 0);

        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        gateway_plug(g, "");
        gateway_wait_reason(g, "pin_imei", 15000); /* once */
        unsigned starts = gateway_starts(g);
        _cleanup_free_ char *text = gateway_read(g->warden_conf);
        _cleanup_free_ char *edited = gateway_replaced(text, "867424031234565", "867424039999990");
        gateway_write(g->warden_conf, edited);
        gateway_signal(g->daemon, SIGHUP);
        gateway_working(g, 0);
        assert_int_equal(gateway_starts(g), starts + 1);
}

/* A modem without USB: named by device=, and set up like any other. */
static void a_fixed_node_is_served(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        assert_int_equal(sent(g, "AT+CNMI=1,1,0,0,0"), 1);
        gateway_send(g, "one", "By a serial line");
        gateway_wait_sent(g, 0, 1, 15000);
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        gateway_wait_modem(g, "GSM1", "absent", 5000);
        gateway_wait_down(g); /* it keeps the number as long as somebody has it open */
        gateway_plug(g, "");
        gateway_working(g, 0);
        assert_int_equal(sent(g, "AT+CNMI=1,1,0,0,0"), 1);
        gateway_send(g, "two", "By a serial line again");
        gateway_wait_sent(g, 0, 2, 15000);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(each_sim_is_set_up_once, .warden = ALL),
    GATEWAY_TEST(nothing_is_sent_unasked),
    GATEWAY_TEST(killed_while_it_writes, .warden = "[provision]\nusbnet = ecm\n"),
    GATEWAY_TEST(killed_while_it_resets, .warden = "[provision]\nusbnet = ecm\n"),
    GATEWAY_TEST(the_other_modem_goes_on, .modems = 2, .warden = "[provision]\nusbnet = ecm\n"),
    GATEWAY_TEST(what_fails_is_told_and_smsd_started, .warden = "[provision]\nusbnet = ecm\n"),
    GATEWAY_TEST(without_budget_the_reset_is_due,
                 .warden = "[provision]\nusbnet = ecm\n[recovery]\nresets_per_hour = 0\n"),
    GATEWAY_TEST(a_strange_modem_is_refused,
                 .warden = "[modem GSM1]\npin_imei = 867424031234565\n[provision]\nusbnet = ecm\n"),
    GATEWAY_TEST(a_person_lets_it_in, .warden = "[modem GSM1]\npin_imei = 867424031234565\n"),
    GATEWAY_TEST(a_fixed_node_is_served, .plain = true, .warden = "[provision]\ncnmi = 1,1,0,0,0\n"),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
