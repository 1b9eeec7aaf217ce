/*
 * smsd's port is hung up under it: on a real box by the end of a session whose leader, without a terminal,
 * had opened the port without O_NOCTTY. (A pty's sessions end without that: here root asks for it.) smsd says
 * so every ten seconds and never opens the port anew.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

static void hang_up(struct gateway *g)
{
        _cleanup_free_ char *node = gateway_ask(g, "node 0 at");

        node[strcspn(node, "\n")] = '\0';
        _cleanup_close_ int port = open(node, O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(port >= 0);
        assert_int_equal(ioctl(port, TIOCVHANGUP), 0);
}

static bool has_cause(struct gateway *g, const void *userdata)
{
        return text_equal(gateway_slot(g, "GSM1")->health.cause, userdata);
}

static void wait_cause(struct gateway *g, const char *cause, int64_t patience)
{
        (void)gateway_wait(g, patience, cause, has_cause, cause);
        assert_int_not_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
}

static void smsd_opens_it_anew(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_send(g, "before", "Before the hangup");
        gateway_wait_smsd_logged(g, "SMS sent", 15000);

        int64_t begin = gateway_now();
        hang_up(g);
        wait_cause(g, "write-failed", 15000);
        int64_t doubted = gateway_now() - begin;
        wait_cause(g, "hung-up", 15000);
        int64_t certain = gateway_now() - begin;
        assert_int_equal(gateway_snapshot(g)->verdict, VERDICT_DOWN);
        gateway_working(g, smsd);
        print_message("degraded %lld ms, down %lld ms, working %lld ms after the hangup\n",
                      (long long)doubted, (long long)certain, (long long)(gateway_now() - begin));
        assert_true(gateway_now() - begin < 60000);
        assert_string_equal(g->snapshot.restarts.last.cause, "recovery");
        assert_int_equal(gateway_starts(g), 2);
        assert_int_equal(gateway_commands(g, 0, "AT+CFUN=1,1"), 0);
        gateway_send(g, "after", "After the hangup");
        gateway_wait_sent(g, 0, 2, 15000);
}

/* Amid smsd's first questions, too, where it logs an empty IMSI; and for as long as nobody restarts it. */
static void nobody_calls_it_working(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        hang_up(g);
        wait_cause(g, "hung-up", 30000);
        for (int64_t end = gateway_now() + 25000; gateway_now() < end;)
                assert_int_not_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(smsd_opens_it_anew),
    GATEWAY_TEST(nobody_calls_it_working, .warden = "[recovery]\nautomatic = no\n"),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
