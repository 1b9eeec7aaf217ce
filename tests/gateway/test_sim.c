/*
 * SIMs that cannot be used: no attempt is wasted on one, a person is told what to do, and what they do works.
 * A SIM's attempts are counted at the modem, not in anybody's log.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <signal.h>
#include <string.h>

/* Long enough for everything that could start smsd again: its exit, two looks of the health check, a backoff.
 */
#define QUIET 6000

static unsigned attempts(const struct gateway *g)
{
        return gateway_commands(g, 0, "AT+CPIN=");
}

static void set_pin(struct gateway *g, const char *before, const char *after)
{
        _cleanup_free_ char *text = gateway_read(g->conf);
        _cleanup_free_ char *edited = gateway_replaced(text, before, after);

        gateway_write(g->conf, edited);
}

static void wait_refused(struct gateway *g)
{
        gateway_wait_reason(g, "the SIM refused the PIN", 15000);
        gateway_wait_verdict(g, VERDICT_DOWN, 5000);
        assert_non_null(strstr(g->snapshot.next_action, "correct `pin`"));
}

static void a_wrong_pin_costs_one_attempt(struct gateway *g)
{
        char message[512];

        gateway_modem(g, "pin 0 1234");
        gateway_plug(g, "");
        wait_refused(g);
        assert_int_equal(attempts(g), 1);
        gateway_no_start(g, QUIET);
        assert_int_equal(gateway_starts(g), 1);

        gateway_kill_daemon(g);
        gateway_start_daemon(g);
        wait_refused(g);
        gateway_no_start(g, 1000);

        gateway_modem(g, "unplug 0");
        gateway_modem(g, "wait-plugged 0 0 2000");
        gateway_plug(g, "first=5");
        gateway_wait_modem(g, "GSM1", "ready", 5000);
        wait_refused(g);
        gateway_no_start(g, 1000);

        /* A start without a correction is refused in effect, and says why. */
        assert_int_equal(gateway_person(g, COMMAND_START, false, message), 1);
        assert_non_null(strstr(message, "the SIM refused the PIN"));
        assert_int_equal(gateway_starts(g), 1);
        assert_int_equal(attempts(g), 1);

        set_pin(g, "pin = 9999", "pin = 1234");
        gateway_start(g);
        gateway_working(g, 0);
        assert_int_equal(attempts(g), 2);
        gateway_send(g, "one", "With the right PIN");
        gateway_wait_sent(g, 0, 1, 15000);
}

/* The modem does not say how many attempts are left: what is remembered is all that protects the SIM. */
static void another_wrong_pin_costs_one_more(struct gateway *g)
{
        gateway_modem(g, "pin 0 1234");
        gateway_modem(g, "answer 0 AT+QPINC ERROR");
        gateway_plug(g, "");
        wait_refused(g);
        set_pin(g, "pin = 9999", "pin = 8888");
        gateway_no_start(g, 1000); /* an edit is no order */
        assert_int_equal(gateway_person(g, COMMAND_START, false, NULL), 1);
        wait_refused(g);
        gateway_no_start(g, QUIET / 2);
        assert_int_equal(gateway_starts(g), 2);
        assert_int_equal(attempts(g), 2);
}

static void the_last_attempt_wants_force(struct gateway *g)
{
        char message[512];

        gateway_modem(g, "pin 0 1234");
        gateway_plug(g, "");
        wait_refused(g);
        set_pin(g, "pin = 9999", "pin = 8888");
        assert_int_equal(gateway_person(g, COMMAND_START, false, NULL), 1);
        wait_refused(g);
        set_pin(g, "pin = 8888", "pin = 7777");
        assert_int_equal(gateway_person(g, COMMAND_START, false, message), 1);
        assert_non_null(strstr(message, "--force"));
        assert_int_equal(attempts(g), 2);
        set_pin(g, "pin = 7777", "pin = 1234");
        assert_int_equal(gateway_person(g, COMMAND_START, true, NULL), 0);
        gateway_working(g, 0);
        assert_int_equal(attempts(g), 3);
}

static void force_passes_once(struct gateway *g)
{
        gateway_modem(g, "pin 0 1234");
        gateway_plug(g, "");
        wait_refused(g);
        assert_int_equal(gateway_person(g, COMMAND_START, true, NULL), 1);
        assert_int_equal(attempts(g), 2);
        wait_refused(g);
        gateway_no_start(g, QUIET / 2);
        assert_int_equal(gateway_starts(g), 2);
        assert_int_equal(attempts(g), 2);
}

static void the_right_pin_is_no_matter(struct gateway *g)
{
        gateway_modem(g, "pin 0 1234");
        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        gateway_signal(pid, SIGKILL);
        gateway_working(g, pid);
        assert_int_equal(attempts(g), 1);
}

static void a_locked_sim_starts_nothing(struct gateway *g)
{
        char message[512];

        gateway_modem(g, "sim 0 puk");
        gateway_modem(g, "delay 0 AT+CPIN? 1000");
        gateway_plug(g, "");
        gateway_wait_modem(g, NULL, "probing", 3000);
        /* A start that waits for the modem is answered when that has said no, not when patience ends. */
        int64_t begun = gateway_now();
        assert_int_equal(gateway_person(g, COMMAND_START, false, message), 1);
        assert_non_null(strstr(message, "PUK"));
        assert_true(gateway_now() - begun < 8000);
        gateway_wait_reason(g, "the SIM is locked and asks for its PUK", 15000);
        assert_non_null(strstr(g->snapshot.next_action, "PUK"));
        gateway_no_start(g, QUIET / 2);
        assert_int_equal(gateway_starts(g), 0);
        assert_int_equal(attempts(g), 0);
        /* Somebody unlocks it in a phone and puts it back. */
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "sim 0 ready");
        gateway_plug(g, "");
        gateway_working(g, 0);
}

static void a_pin_that_is_missing_is_asked_for(struct gateway *g)
{
        gateway_modem(g, "pin 0 1234");
        gateway_plug(g, "");
        gateway_wait_reason(g, "smsd.conf has none", 15000);
        assert_non_null(strstr(g->snapshot.next_action, "add `pin = ...`"));
        gateway_no_start(g, QUIET / 2);
        assert_int_equal(gateway_starts(g), 0);
        set_pin(g, "incoming = yes\n", "incoming = yes\npin = 1234\n");
        gateway_start(g);
        gateway_working(g, 0);
        assert_int_equal(attempts(g), 1);
}

static void a_sim_is_put_in(struct gateway *g)
{
        gateway_modem(g, "sim 0 absent");
        gateway_plug(g, "");
        gateway_wait_reason(g, "no SIM card is found", 15000);
        assert_non_null(strstr(g->snapshot.next_action, "put a SIM card in"));
        gateway_no_start(g, QUIET / 2);
        assert_int_equal(gateway_starts(g), 0);
        gateway_modem(g, "sim 0 ready");
        gateway_working(g, 0);
        assert_int_equal(gateway_starts(g), 1);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_wrong_pin_costs_one_attempt, .smsd_modem = "pin = 9999"),
    GATEWAY_TEST(another_wrong_pin_costs_one_more, .smsd_modem = "pin = 9999"),
    GATEWAY_TEST(the_last_attempt_wants_force, .smsd_modem = "pin = 9999"),
    GATEWAY_TEST(force_passes_once, .smsd_modem = "pin = 9999"),
    GATEWAY_TEST(the_right_pin_is_no_matter, .smsd_modem = "pin = 1234"),
    GATEWAY_TEST(a_locked_sim_starts_nothing),
    GATEWAY_TEST(a_pin_that_is_missing_is_asked_for),
    GATEWAY_TEST(a_sim_is_put_in),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
