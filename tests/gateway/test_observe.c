/*
 * mode = observe: beside the old scripts. It sees everything, says what it would do, and touches nothing.
 */
#include "base/text.h"
#include "ec25/client.h"
#include "gateway_tools.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define OBSERVE "[gateway]\nmode = observe\n"

static bool runs(struct gateway *g, const void *userdata)
{
        return gateway_smsd(g) == *(const pid_t *)userdata && gateway_handler(g) > 0;
}

/* smsd.conf as the old scripts would have written it. */
static void name_the_device(struct gateway *g)
{
        char node[160];

        _cleanup_free_ char *text = gateway_read(g->conf);
        assert_int_equal(
            text_format(node, sizeof(node), "%s/ttyUSB2", ec25_client_environment(g->modem, "EC25_NODES")),
            0);
        _cleanup_free_ char *right = gateway_replaced(text, "/dev/ttyUSB90", node);
        gateway_write(g->conf, right);
}

static void it_sees_and_says(struct gateway *g)
{
        struct stat before, after;
        char message[512];

        _cleanup_free_ char *conf = gateway_read(g->conf);
        assert_int_equal(stat(g->conf, &before), 0);
        gateway_plug(g, "");
        gateway_wait_modem(g, "GSM1", "ready", 10000);
        gateway_wait_logged(g, "would start smsd", 5000);
        assert_string_equal(g->snapshot.controller.mode, "observe");
        assert_int_equal(g->snapshot.verdict, VERDICT_DOWN);

        for (enum command_kind kind = COMMAND_STOP; kind <= COMMAND_RESTART; kind++) {
                assert_int_equal(gateway_person(g, kind, true, message), 2);
                assert_non_null(strstr(message, "mode = observe"));
        }
        gateway_no_start(g, 2000);
        assert_int_equal(gateway_processes(g), 0);
        assert_int_equal(gateway_logged(g, "would start smsd"), 1); /* said once */
        assert_int_equal(stat(g->conf, &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
        gateway_assert_file(g->conf, conf);
        assert_int_not_equal(access(gateway_path(g, "run/hold"), F_OK), 0);
}

/* smsd, started by hand, is killed: nobody starts it again, nobody ends what is left of it, and nobody asks
 * the modem while its port is held. */
static void what_others_start_is_theirs(struct gateway *g)
{
        name_the_device(g);
        gateway_plug(g, "");
        gateway_wait_modem(g, "GSM1", "ready", 10000);
        pid_t pid = gateway_start_smsd(g, g->conf);
        gateway_wait(g, 5000, "smsd is seen", runs, &pid);
        gateway_wait_verdict(g, VERDICT_WORKING, 15000);
        unsigned probes = gateway_commands(g, 0, "AT+QINISTAT");
        pid_t handler = gateway_handler(g);
        gateway_send(g, "one", "By hand");
        gateway_wait_sent(g, 0, 1, 15000);
        gateway_signal(pid, SIGKILL);
        gateway_wait_logged(g, ") died", 3000);
        gateway_no_start(g, 2000);
        assert_int_equal(gateway_logged(g, "would start smsd"), 2); /* before, and now */
        assert_true(gateway_is_alive(handler));
        assert_int_equal(gateway_commands(g, 0, "AT+QINISTAT"), probes);
}

static bool dead_tty_is_told(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_logged(g, "would stop smsd: it sits on the dead tty") == 1;
}

static void a_handler_on_a_dead_tty_lives(struct gateway *g)
{
        name_the_device(g);
        gateway_plug(g, "");
        gateway_wait_modem(g, "GSM1", "ready", 10000);
        pid_t pid = gateway_start_smsd(g, g->conf);
        gateway_wait(g, 5000, "smsd is seen", runs, &pid);
        gateway_wait_verdict(g, VERDICT_WORKING, 15000);
        pid_t handler = gateway_handler(g);
        gateway_modem(g, "unplug 0");
        gateway_wait(g, 5000, "it says what it would do", dead_tty_is_told, NULL);
        gateway_plug(g, "first=5");
        gateway_no_start(g, 2000);
        assert_true(gateway_is_alive(handler));
        assert_true(gateway_is_alive(pid));
}

static bool flag_is_seen(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->hold.active;
}

static bool flag_is_there(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return access(g->flag, F_OK) == 0;
}

/* The old scripts' stop is shown as the hold that it is; its end is theirs too. */
static void a_flag_stays(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_wait_modem(g, "GSM1", "ready", 10000);
        gateway_write(g->flag, "");
        gateway_wait(g, 10000, "the flag is seen", flag_is_seen, NULL);
        gateway_stays(g, 4000, "the flag is there", flag_is_there, NULL);
        assert_int_not_equal(access(gateway_path(g, "run/hold"), F_OK), 0);
        assert_int_equal(gateway_starts(g), 0);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(it_sees_and_says, .warden = OBSERVE),
    GATEWAY_TEST(what_others_start_is_theirs, .warden = OBSERVE),
    GATEWAY_TEST(a_handler_on_a_dead_tty_lives, .warden = OBSERVE),
    GATEWAY_TEST(a_flag_stays, .warden = "default = 2s\n" OBSERVE), /* its end passes in the test */
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
