/*
 * Health end to end: each state in which SMS do not flow gives its verdict, with the modem's own words, and
 * none of them ends as "working"; the modem is asked on its second port only, with reading commands, and not
 * at all where that is not wanted.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_LOOK 25000 /* 10 s after the plug, or 30 s after a doubt */

/* What a slot's health says; a status that calls it working is a failure at once. */
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

static void wait_cause(struct gateway *g, const char *cause, const char *evidence, int64_t patience)
{
        const struct wanted wanted = {cause, evidence};

        (void)gateway_wait(g, patience, cause, has_cause, &wanted);
        if (!text_equal(cause, "well"))
                assert_int_not_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
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

/* Of modem 0. */
static const char *gateway_node_path(struct gateway *g, const char *port, char *path, size_t size)
{
        _cleanup_free_ char *answer = gateway_ask(g, "node 0 %s", port);

        answer[strcspn(answer, "\n")] = '\0';
        (void)text_copy(path, size, answer);
        return path;
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

/* --- what the modem says --- */

/* Works, then the command spoils it before the first look. */
static void spoilt(struct gateway *g, const char *command, const char *cause, const char *evidence)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "%s", command);
        wait_cause(g, cause, evidence, FIRST_LOOK);
        assert_true(g->snapshot.modems[0].health.next_action[0]);
        asked_only(g);
}

static void down(struct gateway *g, const char *reason)
{
        gateway_wait_verdict(g, VERDICT_DOWN, 30000);
        assert_non_null(strstr(gateway_snapshot(g)->reason, reason));
        assert_false(g->snapshot.can_send || g->snapshot.can_receive);
}

static void a_network_that_refuses_is_named(struct gateway *g)
{
        spoilt(g, "reg 0 denied", "denied", "+CREG: 0,3 (denied)");
        down(g, "the network refuses");
}

static void no_network_is_named(struct gateway *g)
{
        spoilt(g, "reg 0 searching", "no-signal", "+CSQ: 99,99, +QCSQ: \"NOSERVICE\"");
}

static void no_signal_is_named(struct gateway *g)
{
        spoilt(g, "signal 0 99", "no-signal", "+QCSQ: \"NOSERVICE\"");
        down(g, "no signal");
}

static void a_sim_that_went_is_named(struct gateway *g)
{
        spoilt(g, "sim 0 absent", "sim-absent", "+CME ERROR: 10");
}

static void a_sim_that_fails_is_named(struct gateway *g)
{
        spoilt(g, "sim 0 failure", "sim-failure", "+CME ERROR: 13");
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

/* smsd takes nothing here, so what lies there stays. */
static void a_full_memory_is_named(struct gateway *g)
{
        gateway_modem(g, "capacity 0 1");
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "receive 0 +37060000001 never seen");
        gateway_modem(g, "wait-stored 0 1 5000");
        wait_cause(g, "storage-full", "storage full: 1 of 1", FIRST_LOOK);
        gateway_wait_verdict(g, VERDICT_DEGRADED, 30000);
        assert_true(gateway_snapshot(g)->can_send);
        assert_false(g->snapshot.can_receive);
        asked_only(g);
}

/* Somebody else says AT+CFUN=4. */
static void a_radio_that_is_off_is_named(struct gateway *g)
{
        char path[PATH_MAX];

        gateway_plug(g, "");
        gateway_working(g, 0);
        int fd = open(gateway_node_path(g, "modem", path, sizeof(path)), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "AT+CFUN=4\r", 10), 10);
        gateway_modem(g, "wait-command 0 AT+CFUN=4 2000 1");
        (void)close(fd);
        wait_cause(g, "radio-off", "+CFUN: 4", FIRST_LOOK);
}

/* --- other programs --- */

/* A program of this name has the port open until it is ended. */
static pid_t hold_port(struct gateway *g, const char *name, const char *port)
{
        char path[PATH_MAX];

        (void)gateway_node_path(g, port, path, sizeof(path));
        pid_t pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                int fd = open(path, O_RDWR | O_NOCTTY);
                if (fd >= 0 && prctl(PR_SET_NAME, name) == 0)
                        for (;;)
                                (void)pause();
                _exit(1);
        }
        assert_true(pid > 0);
        return pid;
}

static void who_holds_smsds_port_is_named(struct gateway *g)
{
        char evidence[64];

        gateway_plug(g, "");
        gateway_working(g, 0);
        pid_t pid = hold_port(g, "minicom", "at");
        (void)text_format(evidence, sizeof(evidence), "minicom (pid %d", (int)pid);
        wait_cause(g, "port-held", evidence, FIRST_LOOK);
        assert_non_null(strstr(g->snapshot.modems[0].health.next_action, "end that program"));
        down(g, "another program");
        gateway_signal(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        gateway_wait_verdict(g, VERDICT_WORKING, 60000);
}

static void modem_manager_is_named(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        pid_t pid = hold_port(g, "ModemManager", "at");
        wait_cause(g, "modem-manager", "ModemManager (pid", FIRST_LOOK);
        assert_non_null(strstr(g->snapshot.modems[0].health.next_action, "ID_MM_DEVICE_IGNORE"));
        gateway_signal(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

/* Its second port is somebody's: it is not touched, and smsd's own signs suffice. */
static void a_second_port_in_use_is_left_alone(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t pid = hold_port(g, "pppd", "modem");
        gateway_working(g, 0);
        (void)usleep(15 * 1000 * 1000);
        wait_cause(g, "well", "pppd (pid", FIRST_LOOK);
        assert_int_equal(gateway_bytes(g, 0, "modem"), 0);
        assert_int_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
        gateway_signal(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

/* --- the bus --- */

static void a_crashed_modem_is_named(struct gateway *g)
{
        gateway_plug(g, "composition=qhsusb_bulk");
        wait_cause(g, "crashed", "QHSUSB__BULK", FIRST_LOOK);
}

static void a_modem_in_download_mode_is_named(struct gateway *g)
{
        gateway_plug(g, "composition=edl");
        wait_cause(g, "download-mode", "05c6:9008", FIRST_LOOK);
}

static void a_modem_that_left_is_named(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "unplug 0");
        wait_cause(g, "gone", "not on the bus", FIRST_LOOK);
        gateway_wait_verdict(g, VERDICT_DOWN, 15000);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_modem_that_works_is_asked_and_says_so),
    GATEWAY_TEST(nothing_is_sent_where_none_is_wanted, .warden = "[modem GSM1]\nhealth_port = none\n"),
    GATEWAY_TEST(a_network_that_refuses_is_named),
    GATEWAY_TEST(no_network_is_named),
    GATEWAY_TEST(no_signal_is_named),
    GATEWAY_TEST(a_sim_that_went_is_named),
    GATEWAY_TEST(a_sim_that_fails_is_named),
    GATEWAY_TEST(roaming_works),
    GATEWAY_TEST(a_full_memory_is_named, .smsd_modem = "incoming = no\n"),
    GATEWAY_TEST(a_radio_that_is_off_is_named),
    GATEWAY_TEST(who_holds_smsds_port_is_named),
    GATEWAY_TEST(modem_manager_is_named),
    GATEWAY_TEST(a_second_port_in_use_is_left_alone),
    GATEWAY_TEST(a_crashed_modem_is_named),
    GATEWAY_TEST(a_modem_in_download_mode_is_named),
    GATEWAY_TEST(a_modem_that_left_is_named),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
