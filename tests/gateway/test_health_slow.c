/*
 * What takes the real smsd, or several looks, minutes to show; in a program of its own, so that it runs
 * beside others.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <string.h>

static bool has_cause(struct gateway *g, const void *userdata)
{
        return text_equal(gateway_slot(g, "GSM1")->health.cause, userdata);
}

static bool has_failure(struct gateway *g, const void *userdata)
{
        return text_equal(gateway_slot(g, "GSM1")->health.failure, userdata);
}

static bool was_asked(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_slot(g, "GSM1")->health.asked > 0;
}

static bool has_evidence(struct gateway *g, const void *userdata)
{
        return strstr(gateway_slot(g, "GSM1")->health.evidence, userdata) != NULL;
}

static void wait_cause(struct gateway *g, const char *cause, int64_t patience)
{
        (void)gateway_wait(g, patience, cause, has_cause, cause);
        assert_int_not_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
}

/* Silent on both ports: smsd says so after two minutes; the second port's silence alone says nothing. */
static void a_modem_that_hangs_is_silent(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        (void)gateway_wait(g, 120000, "a look", was_asked,
                           NULL); /* a port that never answered proves nothing */
        gateway_modem(g, "hang 0 usb");
        wait_cause(g, "silent", 200000);
        gateway_wait_verdict(g, VERDICT_DOWN, 40000);
        (void)gateway_wait(g, 40000, "a failure", has_failure, "silent");
        (void)gateway_wait(g, 50000, "both ports in the evidence", has_evidence,
                           "no answer to AT on its spare port, and none for smsd");
        gateway_modem(g, "wake 0");
        gateway_wait_verdict(g, VERDICT_WORKING, 120000);
}

/* Looks every 30 s, for the network refuses it; between the third and the fourth it restarts. */
static void a_restart_by_itself_shows_in_its_echo(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "reg 0 denied");
        for (unsigned i = 1; i <= 3; i++) {
                gateway_modem(g, "wait-command 0 AT+CEREG? 50000 %u", i);
                (void)gateway_snapshot(g); /* who says nothing for a minute is cut off */
        }
        gateway_modem(g, "reg 0 home");
        gateway_modem(g, "reset 0");
        wait_cause(g, "self-reset", 60000);
        assert_non_null(strstr(g->snapshot.modems[0].health.evidence, "echo is on again"));
        gateway_wait_verdict(g, VERDICT_WORKING, 120000);
}

/* What the recovery does about it is test_recovery's. */
#define UNTOUCHED .warden = "[recovery]\nautomatic = no\n"

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_modem_that_hangs_is_silent, UNTOUCHED),
    GATEWAY_TEST(a_restart_by_itself_shows_in_its_echo, UNTOUCHED),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
