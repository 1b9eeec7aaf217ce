/*
 * Who is told when it matters: from smsd's end, a hold or a message given up to the request that a receiver
 * gets, through the real spool and the real smswarden-notify; once, whatever is killed in between.
 */
#include "alert_server.h"
#include "base/text.h"
#include "gateway_tools.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FIRING   "\"state\":\"firing\""
#define RESOLVED "\"state\":\"resolved\""
#define DOWN     "\"kind\":\"smsd-down\""
#define HOLD     "\"kind\":\"hold\""
#define TEST     "\"kind\":\"test\""
#define FAILED   "\"kind\":\"message-failed\""

static bool nothing_more(struct gateway *g, const void *userdata)
{
        const struct alert_server *server = userdata;

        (void)g;
        return alert_server_count(server, DOWN, FIRING) == 1 &&
               alert_server_count(server, DOWN, RESOLVED) == 1;
}

static void a_crash_is_told_once_and_its_end(struct gateway *g)
{
        struct alert_server server;

        alert_server_use(&server, g, "");
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        assert_int_equal(alert_server_count(&server, "", ""), 0);
        gateway_signal(smsd, SIGKILL);
        gateway_working(g, smsd);
        alert_server_wait(g, &server, DOWN, FIRING, 1, 10000);
        alert_server_wait(g, &server, DOWN, RESOLVED, 1, 10000);
        assert_int_equal(alert_server_count(&server, "\"severity\":\"critical\"", FIRING), 1);
        gateway_stays(g, 3000, "no second message", nothing_more, &server);
        const struct snapshot *s = gateway_snapshot(g);
        if (s->alerts.n_open > 0)
                fail_msg("%s is open: %s", s->alerts.open[0].key, s->alerts.open[0].summary);
        assert_int_equal(s->alerts.n_receivers, 1);
        assert_string_equal(s->alerts.receivers[0].name, "vps");
        assert_int_equal(s->alerts.receivers[0].delivered, 2);
        assert_int_equal(s->alerts.waiting, 0);
        alert_server_stop(&server);
}

static void a_hold_is_told_and_its_end(struct gateway *g)
{
        struct alert_server server;

        alert_server_use(&server, g, "");
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_stop(g, 5 * USEC_PER_SEC);
        alert_server_wait(g, &server, HOLD, FIRING, 1, 10000);
        assert_int_equal(alert_server_count(&server, HOLD, "\"severity\":\"warning\""), 1);
        gateway_wait_held(g, "cli");
        gateway_working(g, smsd); /* its end has ended it */
        alert_server_wait(g, &server, HOLD, "\"severity\":\"critical\",", 2, 15000);
        alert_server_wait(g, &server, HOLD, FIRING, 2, 5000);
        alert_server_wait(g, &server, HOLD, RESOLVED, 1, 10000);
        assert_int_equal(alert_server_count(&server, DOWN, ""), 0);
        alert_server_stop(&server);
}

static bool is_in_the_book(struct gateway *g, const void *userdata)
{
        _cleanup_free_ char *book = gateway_read(gateway_path(g, "state/alerts/book"));

        return strstr(book, userdata) != NULL;
}

/* The crash is in the book, and not told yet: its outcome is awaited. */
static void a_controller_killed_before_it_told_tells_once(struct gateway *g)
{
        struct alert_server server;

        alert_server_use(&server, g, "");
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_modem(g, "delay 0 * 8000");
        gateway_signal(smsd, SIGKILL);
        gateway_wait(g, 5000, "the alert is in the book", is_in_the_book, "smsd-down");
        assert_int_equal(alert_server_count(&server, DOWN, ""), 0);
        gateway_kill_daemon(g);
        gateway_modem(g, "delay 0 * 0");
        gateway_start_daemon(g);
        gateway_working(g, 0);
        alert_server_wait(g, &server, DOWN, FIRING, 1, 15000);
        alert_server_wait(g, &server, DOWN, RESOLVED, 1, 15000);
        gateway_stays(g, 2000, "no second message", nothing_more, &server);
        alert_server_stop(&server);
}

static bool fails(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);

        (void)userdata;
        return s->alerts.n_receivers == 1 && s->alerts.receivers[0].failing_since != 0 &&
               s->alerts.waiting > 0;
}

static bool all_delivered(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);

        (void)userdata;
        return s->alerts.waiting == 0 && s->alerts.receivers[0].failing_since == 0;
}

static void a_receiver_that_is_away_is_said_and_tried_again(struct gateway *g)
{
        struct alert_server server;

        alert_server_use(&server, g, "");
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        alert_server_stop(&server);
        gateway_signal(smsd, SIGKILL);
        gateway_wait(g, 20000, "the receiver fails", fails, NULL);
        assert_non_null(strstr(g->snapshot.alerts.receivers[0].problem, "refused"));
        gateway_working(g, smsd); /* nothing of that delays the gateway */
        alert_server_again(&server);
        alert_server_wait(g, &server, DOWN, FIRING, 1, 40000);
        alert_server_wait(g, &server, DOWN, RESOLVED, 1, 10000);
        gateway_wait(g, 5000, "all is delivered", all_delivered, NULL);
        alert_server_stop(&server);
}

/* Also when its notifier is killed, again and again. */
static void a_killed_notifier_is_started_again(struct gateway *g)
{
        struct alert_server server;

        alert_server_use(&server, g, "");
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        alert_server_stop(&server);
        gateway_signal(smsd, SIGKILL);
        gateway_wait(g, 20000, "the receiver fails", fails, NULL);
        gateway_kill_daemon(g); /* it goes with the controller */
        alert_server_again(&server);
        gateway_start_daemon(g);
        alert_server_wait(g, &server, DOWN, FIRING, 1, 20000);
        alert_server_wait(g, &server, DOWN, RESOLVED, 1, 20000);
        gateway_wait(g, 5000, "all is delivered", all_delivered, NULL);
        alert_server_stop(&server);
}

/* --- test-alert --- */

static int run_test_alert(struct gateway *g, const char *name, char *output, size_t size)
{
        char command[512], build[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", build, sizeof(build) - 1);

        assert_true(n > 0);
        build[n] = '\0';
        for (int i = 0; i < 3; i++)
                *strrchr(build, '/') = '\0';
        (void)text_format(command, sizeof(command), "%s/smswarden --config %s test-alert %s 2>&1", build,
                          g->warden_conf, name);
        FILE *pipe = popen(command, "re");
        assert_non_null(pipe);
        size_t length = fread(output, 1, size - 1, pipe);
        output[length] = '\0';
        int status = pclose(pipe);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void a_test_alert_is_followed_to_its_receivers(struct gateway *g)
{
        struct alert_server server;
        char output[1024];

        alert_server_use(&server, g,
                         "[notify script]\ntype = exec\nurl = /bin/true\nmin_severity = critical\n");
        assert_int_equal(run_test_alert(g, "", output, sizeof(output)), 0);
        assert_non_null(strstr(output, "vps: delivered in "));
        assert_non_null(strstr(output, "script: delivered in "));
        alert_server_wait(g, &server, TEST, FIRING, 1, 5000);
        assert_int_equal(run_test_alert(g, "script", output, sizeof(output)), 0);
        assert_null(strstr(output, "vps"));
        assert_int_not_equal(run_test_alert(g, "nobody", output, sizeof(output)), 0);
        if (!strstr(output, "there is no receiver nobody; there is: vps, script"))
                fail_msg("test-alert says: %s", output);
        alert_server_set_answer(&server, "403");
        assert_int_equal(run_test_alert(g, "vps", output, sizeof(output)), 1);
        assert_non_null(strstr(output, "vps: refused: "));
        assert_non_null(strstr(output, "403"));
        assert_int_equal(alert_server_count(&server, TEST, ""), 2);
        assert_int_equal(gateway_snapshot(g)->alerts.receivers[0].parked, 1);
        alert_server_stop(&server);
}

static void without_receivers_a_test_alert_says_so(struct gateway *g)
{
        char output[1024];

        assert_int_not_equal(run_test_alert(g, "", output, sizeof(output)), 0);
        assert_non_null(strstr(output, "[notify"));
        assert_int_equal(access(gateway_path(g, "notify"), F_OK), -1); /* nothing was started for it */
}

/* --- messages that smsd gave up --- */

static void a_message_given_up_is_told_over_all_lives_once(struct gateway *g)
{
        struct alert_server server;

        gateway_write(gateway_path(g, "spool/failed/of-old"), "To: 37061111111\n\nlong ago\n");
        alert_server_use(&server, g, "");
        gateway_write(gateway_path(g, "new"),
                      "To: 37061234512\nModem: GSM1\nFail_reason: +CMS ERROR: 38\n\nSecret\n");
        assert_int_equal(rename(gateway_path(g, "new"), gateway_path(g, "spool/failed/GSM1.abc")), 0);
        alert_server_wait(g, &server, FAILED, FIRING, 1, 10000);
        assert_int_equal(alert_server_count(&server, "3706*****12", "+CMS ERROR: 38"), 1);
        assert_int_equal(alert_server_count(&server, "GSM1.abc", "\"modem\":\"GSM1\""), 1);
        assert_int_equal(alert_server_count(&server, "37061234512", ""), 0);
        assert_int_equal(alert_server_count(&server, "Secret", ""), 0);
        gateway_kill_daemon(g);
        gateway_write(gateway_path(g, "new"), "To: 37062222222\n\nx\n");
        assert_int_equal(rename(gateway_path(g, "new"), gateway_path(g, "spool/failed/while-dead")), 0);
        gateway_start_daemon(g);
        alert_server_wait(g, &server, FAILED, FIRING, 2, 10000);
        assert_int_equal(alert_server_count(&server, "while-dead", "3706*****22"), 1);
        alert_server_stop(&server);
}

/* The real smsd sends it. */
static void an_alert_goes_by_sms_when_there_is_no_other_way(struct gateway *g)
{
        _cleanup_free_ char *conf = gateway_read(g->warden_conf);
        char text[8192];

        assert_int_equal(text_format(text, sizeof(text),
                                     "%s\n[notify boss]\ntype = sms\nurl = +37069999999\n"
                                     "min_severity = warning\nbudget = 2\n",
                                     conf),
                         0);
        gateway_write(g->warden_conf, text);
        gateway_start_daemon(g);
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 ok");
        /* What lasts: a crash that has healed is worth no SMS. */
        gateway_write(gateway_path(g, "new"), "To: 37061234512\n\nx\n");
        assert_int_equal(rename(gateway_path(g, "new"), gateway_path(g, "spool/failed/lost")), 0);
        gateway_wait_sent(g, 0, 1, 30000);
        _cleanup_free_ char *sent = gateway_ask(g, "sent 0");
        assert_int_equal(gateway_count(sent, "37069999999"), 1);
        assert_non_null(strstr(sent, "given up"));
        assert_int_equal(access(gateway_path(g, "notify"), F_OK), -1); /* no notifier for it */
}

int main(int argc, char **argv)
{
        static const struct gateway_test tests[] = {
            GATEWAY_TEST(a_crash_is_told_once_and_its_end, .no_daemon = true),
            GATEWAY_TEST(a_hold_is_told_and_its_end, .no_daemon = true, .warden = "notify_after = 1s\n"),
            GATEWAY_TEST(a_controller_killed_before_it_told_tells_once, .no_daemon = true),
            GATEWAY_TEST(a_receiver_that_is_away_is_said_and_tried_again, .no_daemon = true),
            GATEWAY_TEST(a_killed_notifier_is_started_again, .no_daemon = true),
            GATEWAY_TEST(a_test_alert_is_followed_to_its_receivers, .no_daemon = true),
            GATEWAY_TEST(without_receivers_a_test_alert_says_so),
            GATEWAY_TEST(a_message_given_up_is_told_over_all_lives_once, .no_daemon = true),
            GATEWAY_TEST(an_alert_goes_by_sms_when_there_is_no_other_way, .no_daemon = true),
        };

        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
