/*
 * Much at once: the daemon was away for a moment (stopped, as on a box that swaps), and finds commands and a
 * burst of news waiting together. Nobody waits for an answer in vain, and what was read stays what it was.
 */
#include "base/text.h"
#include "gateway_fixture.h"
#include "gateway_tools.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PERSONS 4

/* One more person on a connection of their own; their exit code is the command's result. */
static pid_t ask_aside(const struct gateway *g, enum command_kind kind)
{
        const struct control_request request = {.kind = kind, .reason = "at the same time"};
        struct control_client *client = NULL;
        char path[128], message[512];
        int result = -1;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        if (text_format(path, sizeof(path), "%s/bus", g->run) < 0 ||
            control_client_connect(&client, path, 20 * USEC_PER_SEC) < 0)
                _exit(90);
        if (control_client_command(client, &request, 60 * USEC_PER_SEC, &result, message, sizeof(message)) <
            0)
                _exit(91);
        _exit(result);
}

static int result_of(pid_t pid)
{
        int status = 0;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void persons_who_ask_at_the_same_moment_are_all_answered(struct gateway *g)
{
        pid_t persons[PERSONS];

        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        for (unsigned round = 0; round < 3; round++) {
                gateway_signal(g->daemon, SIGSTOP);
                for (unsigned i = 0; i < PERSONS; i++)
                        persons[i] = ask_aside(g, COMMAND_RESTART);
                gateway_signal(g->daemon, SIGCONT);
                for (unsigned i = 0; i < PERSONS; i++)
                        assert_int_equal(result_of(persons[i]), 0);
                smsd = gateway_working(g, smsd);
        }
}

/* As smsd writes them; this one is recognized, so that each makes an event. */
static void write_log(const struct gateway *g, unsigned lines)
{
        FILE *log = fopen(g->smsd_log, "ae");

        assert_non_null(log);
        for (unsigned i = 0; i < lines; i++)
                assert_true(
                    fprintf(log, "2026-11-23 03:00:%02u,5, GSM1: MODEM IS NOT REGISTERED, WAITING %u SEC.\n",
                            i % 60, i) > 0);
        assert_int_equal(fclose(log), 0);
}

/* Where three answers come to one step, and the queue is full of news. */
static void a_burst_of_news_loses_no_answer(struct gateway *g)
{
        _cleanup_free_ char *conf = gateway_read(g->conf);
        _cleanup_free_ char *broken = gateway_replaced(conf, "devices = GSM1", "devices =");

        gateway_write(g->conf, broken);
        gateway_start_daemon(g);
        gateway_wait_reason(g, "devices is empty", 5000);
        gateway_signal(g->daemon, SIGSTOP);
        write_log(g, 3000);
        (void)sleep(6); /* the time itself is what is tested: the next look is due, after 5 s */
        gateway_signal(g->daemon, SIGCONT);
        gateway_wait_logged(g, "lost in a storm", 5000);
        gateway_write(g->conf, conf);
        gateway_plug(g, "");
        gateway_working(g, 0);
}

/* Two readings of smsd.conf are under way then, each of its own text. */
static void a_reload_at_the_moment_of_a_look_reads_smsd_conf_twice(struct gateway *g)
{
        gateway_wait_reason(g, "devices is empty", 5000);
        gateway_signal(g->daemon, SIGSTOP);
        gateway_signal(g->daemon, SIGHUP);
        (void)sleep(6); /* the time itself is what is tested: the next look is due, after 5 s */
        gateway_signal(g->daemon, SIGCONT);
        gateway_wait_logged(g, "read again", 5000);
        gateway_wait_reason(g, "devices is empty", 5000);
        assert_int_equal(gateway_logged(g, "AddressSanitizer"), 0);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(persons_who_ask_at_the_same_moment_are_all_answered),
    GATEWAY_TEST(a_burst_of_news_loses_no_answer, .no_daemon = true),
    GATEWAY_TEST(
        a_reload_at_the_moment_of_a_look_reads_smsd_conf_twice,
        .smsd_conf =
            "devices =\nlogfile = %s/smsd.log\n# no modem yet, and some text that is worth a look\n"),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
