/*
 * Messages that the gateway moves by itself, with the real smsd: one that crashes the modem goes into
 * quarantine at the second crash, and the others go out; one that failed is sent again, and again, and then
 * stays failed with one alert; whatever becomes of the controller in between.
 */
#include "alert_server.h"
#include "base/text.h"
#include "gateway_tools.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FIRING "\"state\":\"firing\""
#define FAILED "\"kind\":\"message-failed\""
#define ASIDE  "\"kind\":\"message-quarantined\""

static bool is_there(struct gateway *g, const void *userdata)
{
        return access(gateway_path(g, userdata), F_OK) == 0;
}

static bool is_gone(struct gateway *g, const void *userdata)
{
        return !is_there(g, userdata);
}

/* --- poison --- */

static bool is_on_its_way(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return is_there(g, "spool/checked/crasher.LOCK") && is_there(g, "spool/checked/crasher");
}

static bool is_hung(struct gateway *g, const void *userdata)
{
        _cleanup_free_ char *list = gateway_ask(g, "list");

        (void)userdata;
        return strstr(list, " hangs") != NULL;
}

/* The modem swallows the PDU and nothing more, then it leaves the bus, and is back. */
static void crash(struct gateway *g)
{
        gateway_wait(g, 20000, "smsd sends it", is_on_its_way, NULL);
        gateway_wait(g, 10000, "the modem crashed", is_hung, NULL);
        gateway_modem(g, "unplug 0");
        gateway_wait_down(g);
        gateway_modem(g, "plug 0");
}

static bool shows_quarantine(struct gateway *g, const void *userdata)
{
        return gateway_snapshot(g)->queues.quarantine == *(const int64_t *)userdata;
}

static void poison_is_put_aside_and_the_others_go_out(struct gateway *g)
{
        static const int64_t one = 1;
        struct alert_server server;

        alert_server_use(&server, g, "");
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "poison 0 poison");
        gateway_send(g, "crasher", "poison");
        crash(g);
        gateway_send(g, "other", "goes out");
        gateway_wait(g, 20000, "smsd sends it again", is_on_its_way, NULL);
        assert_int_equal(gateway_logged(g, "crashed while it sent the message crasher"), 1);
        gateway_kill_daemon(g); /* the first crash is not forgotten */
        gateway_start_daemon(g);
        crash(g);
        gateway_wait(g, 20000, "the other one is in sent/", is_there, "spool/sent/other");
        assert_true(is_there(g, "state/quarantine/crasher"));
        assert_true(is_gone(g, "spool/checked/crasher") && is_gone(g, "spool/failed/crasher"));
        alert_server_wait(g, &server, ASIDE, FIRING, 1, 10000);
        alert_server_wait(g, &server, ASIDE, "\"severity\":\"warning\"", 1, 100);
        gateway_wait(g, 5000, "the status shows it", shows_quarantine, &one);
        gateway_working(g, 0);
        alert_server_stop(&server);
}

/* --- failed --- */

/* As if it had failed yesterday: a new controller finds it so. */
static void a_day_passes(struct gateway *g, const char *name)
{
        const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - 24L * 3600}};

        gateway_end_daemon(g);
        assert_int_equal(utimensat(AT_FDCWD, gateway_path(g, name), times, 0), 0);
        gateway_start_daemon(g);
}

static bool has_count(struct gateway *g, const void *userdata)
{
        _cleanup_free_ char *text = gateway_read(gateway_path(g, "spool/failed/m"));

        return strstr(text, "Fail_reason:") && text_starts_with(text, userdata) &&
               is_gone(g, "spool/failed/m.LOCK") && is_gone(g, "spool/checked/m.LOCK");
}

static void a_failed_message_is_sent_again_and_then_stays(struct gateway *g)
{
        struct alert_server server;

        alert_server_use(&server, g, "[queue]\nretry_failed = 2\n");
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 error 38");
        gateway_send(g, "m", "again and again");
        gateway_wait(g, 20000, "it failed", has_count, "To: ");
        a_day_passes(g, "spool/failed/m");
        gateway_wait(g, 30000, "it failed again", has_count, "Smswarden_requeued: 1\n");
        assert_int_equal(gateway_logged(g, "the failed message m is sent again (1 of 2 times)"), 1);
        assert_int_equal(alert_server_count(&server, FAILED, ""), 0);
        a_day_passes(g, "spool/failed/m");
        gateway_wait(g, 30000, "it failed again", has_count, "Smswarden_requeued: 2\n");
        alert_server_wait(g, &server, FAILED, FIRING, 1, 15000);
        assert_int_equal(
            alert_server_count(&server, FAILED, "it was sent again 2 times, and is not any more"), 1);
        assert_int_equal(alert_server_count(&server, FAILED, "smswarden queue requeue m"), 1);
        a_day_passes(g, "spool/failed/m");
        gateway_working(g, 0);
        gateway_stays(g, 4000, "it stays failed", has_count, "Smswarden_requeued: 2\n");
        assert_int_equal(alert_server_count(&server, FAILED, ""), 1);
        alert_server_stop(&server);
}

static void without_retry_failed_it_stays_where_it_is(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 error 38");
        gateway_send(g, "m", "once");
        gateway_wait(g, 20000, "it failed", has_count, "To: ");
        a_day_passes(g, "spool/failed/m");
        gateway_working(g, 0);
        gateway_stays(g, 4000, "it stays failed", has_count, "To: ");
}

/* A controller that was killed in the middle of a move. */
static void what_was_half_moved_is_put_right_at_the_start(struct gateway *g)
{
        gateway_write(gateway_path(g, "spool/failed/.m.smswarden-move"), "To: 37060000001\n\nhidden");
        gateway_write(gateway_path(g, "spool/outgoing/.m.smswarden-copy"), "Smswarden_requeued: 1\nTo: 3706");
        gateway_start_daemon(g);
        gateway_wait(g, 5000, "it is back", is_there, "spool/failed/m");
        assert_true(is_gone(g, "spool/failed/.m.smswarden-move"));
        assert_true(is_gone(g, "spool/outgoing/.m.smswarden-copy"));
}

#define ONE_ATTEMPT .smsd_modem = "send_retries = 0\n"
#define GO_ON       .smsd_global = "errorsleeptime = 1\nblockafter = 100\n"

static const struct gateway_test tests[] = {
    GATEWAY_TEST(poison_is_put_aside_and_the_others_go_out, .no_daemon = true, GO_ON),
    GATEWAY_TEST(a_failed_message_is_sent_again_and_then_stays, .no_daemon = true, ONE_ATTEMPT, GO_ON),
    GATEWAY_TEST(without_retry_failed_it_stays_where_it_is, ONE_ATTEMPT, GO_ON),
    GATEWAY_TEST(what_was_half_moved_is_put_right_at_the_start, .no_daemon = true),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
