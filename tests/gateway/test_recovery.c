/*
 * A modem that hangs is brought back, by itself and by hand: with the real smsd, and a modem that really
 * leaves the bus. What is our own doing is no loss and no crash.
 */
#include "base/text.h"
#include "gateway_fixture.h"
#include "gateway_tools.h"

#include <string.h>

/* `step` by hand; must be done, and say `words`. */
static void reset(struct gateway *g, const char *step, const char *words)
{
        const struct control_request request = {.kind = COMMAND_RESET_MODEM, .step = step};
        char message[512];

        int r = gateway_command(g, &request, message);
        if (r != 0 || !strstr(message, words))
                fail_msg("%s: %d \"%s\"", step, r, message);
}

static void refused(struct gateway *g, const char *modem, const char *step, const char *words)
{
        const struct control_request request = {.kind = COMMAND_RESET_MODEM, .modem = modem, .step = step};
        char message[512];

        int r = gateway_command(g, &request, message);
        if (r != 2 || !strstr(message, words))
                fail_msg("%s: %d \"%s\"", step, r, message);
}

static void assert_no_loss(struct gateway *g)
{
        const struct snapshot *s = gateway_snapshot(g);

        for (unsigned i = 0; i < s->alerts.n_open; i++)
                if (text_starts_with(s->alerts.open[i].key, "modem-lost") ||
                    text_starts_with(s->alerts.open[i].key, "smsd-down"))
                        fail_msg("open: %s: %s", s->alerts.open[i].key, s->alerts.open[i].summary);
}

/* --- by hand --- */

static void the_modem_restarts_itself(struct gateway *g)
{
        gateway_plug(g, "boot=1000 back=3000");
        pid_t smsd = gateway_working(g, 0);

        reset(g, "reset", "the modem is back after");
        gateway_working(g, smsd);
        assert_int_equal(gateway_commands(g, 0, "AT+CFUN=1,1"), 1);
        assert_string_equal(g->snapshot.restarts.last.cause, "recovery");
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB2"); /* nobody held the old number */
        assert_no_loss(g);
        assert_int_equal(gateway_logged(g, "left: it is being reset"), 1);
        gateway_send(g, "after", "After the reset");
        gateway_wait_sent(g, 0, 1, 15000);
}

static void usb_is_taken_away_and_given_back(struct gateway *g)
{
        gateway_plug(g, "boot=1000");
        pid_t smsd = gateway_working(g, 0);

        reset(g, "usb", "USB off and on: done, the modem is back after");
        gateway_working(g, smsd);
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB2");
        assert_no_loss(g);
}

static void weaker_steps(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);

        reset(g, "at", "the modem answers AT"); /* beside smsd, on the modem port */
        assert_int_equal(gateway_smsd(g), smsd);
        assert_true(gateway_bytes(g, 0, "modem") > 0);
        reset(g, "smsd", "a restart of smsd: done, smsd serves it");
        smsd = gateway_working(g, smsd);
        reset(g, "cfun", "smsd serves it");
        assert_int_equal(gateway_commands(g, 0, "AT+CFUN=0"), 1);
        gateway_working(g, smsd);
        assert_int_equal(gateway_starts(g), 3);
}

static void what_cannot_be_done_is_said(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);

        refused(g, NULL, "power", "there is no way to cut its power");
        refused(g, "GSM7", "usb", "there is no modem GSM7; there are GSM1");
        refused(g, "GSM1", "hammer", "there is no step hammer");
        assert_int_equal(gateway_smsd(g), smsd);
        gateway_modem(g, "unplug 0");
        gateway_wait_down(g);
        refused(g, "GSM1", "reset", "it is not plugged in");
}

static void a_held_gateway_stays_held(struct gateway *g)
{
        gateway_plug(g, "boot=1000");
        gateway_working(g, 0);
        gateway_stop(g, 10 * USEC_PER_MIN);
        reset(g, "usb", "smsd is held and stays stopped");
        assert_int_equal(gateway_processes(g), 0);
        gateway_start(g);
        gateway_working(g, 0);
}

/* --- by itself --- */

static bool is_reset(struct gateway *g, const void *userdata)
{
        assert_no_loss(g);
        return gateway_logged(g, userdata) > 0;
}

static void a_hang_that_the_bus_cures(struct gateway *g)
{
        gateway_plug(g, "boot=1000");
        pid_t smsd = gateway_working(g, 0);

        gateway_modem(g, "hang 0 usb");
        /* smsd itself takes 22 timeouts of 5 s to say it. */
        gateway_wait(g, 240000, "USB is switched", is_reset, "USB off and on is done");
        gateway_working(g, smsd);
        assert_int_equal(gateway_logged(g, "AT+CFUN=1,1) did not work"), 1); /* the weaker step came first */
        assert_no_loss(g);
        gateway_send(g, "after", "After the hang");
        gateway_wait_sent(g, 0, 1, 15000);
}

/* The controller dies when the modem is off: its successor switches it on. */
static void what_was_left_off_is_switched_on(struct gateway *g)
{
        char text[512];

        gateway_plug(g, "boot=1000");
        gateway_working(g, 0);
        gateway_kill_daemon(g);
        (void)text_format(text, sizeof(text), "name=GSM1\nboot_id=\noff=usb\nusb=%s\n", "1-1.1");
        gateway_write(gateway_path(g, "state/recovery/GSM1"), text);
        _cleanup_free_ char *tree = NULL;
        (void)text_format(text, sizeof(text), "%s/modem/umockdev/sys/bus/usb/devices/1-1.1/authorized",
                          g->folder);
        gateway_write(text, "0\n");
        gateway_start_daemon(g);
        gateway_wait_logged(g, "was left switched off: it is on again", 10000);
        gateway_working(g, 0);
}

/* The other modem's messages go on: each is sent, and none twice. */
static void the_others_messages_are_neither_lost_nor_doubled(struct gateway *g)
{
        const struct control_request request = {.kind = COMMAND_RESET_MODEM, .modem = "GSM2", .step = "usb"};
        char name[32], text[64], message[512];

        gateway_plug(g, "");
        gateway_modem(g, "plug 1");
        gateway_wait_modem(g, "GSM1", "ready", 30000);
        gateway_wait_modem(g, "GSM2", "ready", 30000);
        gateway_working(g, 0);
        for (unsigned i = 0; i < 6; i++) {
                (void)text_format(name, sizeof(name), "m%u", i);
                (void)text_format(text, sizeof(text), "Message number %u", i);
                gateway_send(g, name, text);
        }
        int r = gateway_command(g, &request, message);
        if (r != 0)
                fail_msg("%d \"%s\"", r, message);
        for (unsigned i = 0; i < 6; i++) {
                (void)text_format(text, sizeof(text), "Message number %u", i);
                int64_t until = gateway_now() + 60000;
                while (gateway_sent(g, 0, text) + gateway_sent(g, 1, text) == 0 && gateway_now() < until)
                        (void)gateway_snapshot(g);
                assert_int_equal(gateway_sent(g, 0, text) + gateway_sent(g, 1, text), 1);
        }
        gateway_wait_modem(g, "GSM1", "ready", 30000);
        assert_no_loss(g);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(the_modem_restarts_itself),
    GATEWAY_TEST(usb_is_taken_away_and_given_back),
    GATEWAY_TEST(weaker_steps),
    GATEWAY_TEST(what_cannot_be_done_is_said),
    GATEWAY_TEST(a_held_gateway_stays_held),
    GATEWAY_TEST(a_hang_that_the_bus_cures, .warden = "[recovery]\nsilent_after = 5s\n"),
    GATEWAY_TEST(what_was_left_off_is_switched_on),
    GATEWAY_TEST(the_others_messages_are_neither_lost_nor_doubled, .modems = 2),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
