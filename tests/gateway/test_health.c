/*
 * The look at a modem's health end to end: it is asked on its second port only, with reading commands, and
 * not at all where that is not wanted. What each failure gives is the table of failures (failure_rows.h).
 */
#include "base/text.h"
#include "failure_rows.h"

#include <string.h>
#include <unistd.h>

#define FIRST_LOOK 25000 /* 10 s after the plug, or 30 s after a doubt */

/* What a slot's health says. */
struct wanted {
        const char *cause, *evidence;
};

static bool has_cause(struct gateway *g, const void *userdata)
{
        const struct wanted *wanted = userdata;
        const struct snapshot_modem *modem = gateway_slot(g, "GSM1");

        return text_equal(modem->health.cause, wanted->cause) &&
               strstr(modem->health.evidence, wanted->evidence);
}

/* Commands on the second port that are no questions. */
static void asked_only(const struct gateway *g)
{
        char path[128];

        (void)text_format(path, sizeof(path), "%s/modem/transcript/0-modem", g->folder);
        _cleanup_free_ char *transcript = gateway_read(path);
        assert_non_null(strstr(transcript, "AT+CPIN?"));
        assert_null(strstr(transcript, "AT+CMGF"));
        assert_null(strstr(transcript, "AT+CNMI"));
        assert_null(strstr(transcript, "AT+CPMS="));
        assert_null(strstr(transcript, "AT+CFUN="));
        assert_null(strstr(transcript, "AT+COPS="));
        assert_null(strstr(transcript, "AT+CMGD"));
}

static void a_modem_that_works_is_asked_and_says_so(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        (void)gateway_wait(g, FIRST_LOOK, "its answers", has_cause, &(struct wanted){"well", ""});
        gateway_modem(g, "wait-command 0 AT+CPMS? %d", FIRST_LOOK);
        for (int i = 0; i < 100 && !gateway_slot(g, "GSM1")->health.asked; i++)
                (void)usleep(300000);
        const struct snapshot *s = gateway_snapshot(g);
        assert_int_equal(s->verdict, VERDICT_WORKING);
        assert_true(s->can_send && s->can_receive);
        assert_non_null(strstr(s->evidence, "+CPIN: READY, +CREG: 0,1 (asked"));
        assert_string_equal(s->modems[0].registration, "home");
        assert_true(s->modems[0].health.can_send);
        asked_only(g);
        assert_int_equal(gateway_starts(g), 1);
}

static void nothing_is_sent_where_none_is_wanted(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        (void)usleep(20 * 1000 * 1000);
        assert_int_equal(gateway_bytes(g, 0, "modem"), 0);
        assert_int_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
}

static void roaming_works(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_modem(g, "reg 0 roaming");
        gateway_working(g, 0);
        gateway_modem(g, "wait-command 0 AT+CPMS? %d", FIRST_LOOK);
        for (int i = 0; i < 100 && !gateway_slot(g, "GSM1")->health.asked; i++)
                (void)usleep(300000);
        assert_string_equal(gateway_slot(g, "GSM1")->health.cause, "well");
        assert_string_equal(gateway_slot(g, "GSM1")->registration, "roaming");
}

/* Its second port is somebody's: it is not touched, and smsd's own signs suffice. */
static void a_second_port_in_use_is_left_alone(struct gateway *g)
{
        gateway_plug(g, "");
        failure_hold_port(g, "pppd", "modem");
        gateway_working(g, 0);
        (void)usleep(15 * 1000 * 1000);
        (void)gateway_wait(g, FIRST_LOOK, "who has it", has_cause, &(struct wanted){"well", "pppd (pid"});
        assert_int_equal(gateway_bytes(g, 0, "modem"), 0);
        assert_int_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
        failure_end_helper(g);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_modem_that_works_is_asked_and_says_so),
    GATEWAY_TEST(nothing_is_sent_where_none_is_wanted, .warden = "[modem GSM1]\nhealth_port = none\n"),
    GATEWAY_TEST(roaming_works),
    GATEWAY_TEST(a_second_port_in_use_is_left_alone),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
