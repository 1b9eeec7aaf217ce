/*
 * smsd that does not stay: starts slow down, the status says so, and it recovers. And what lies in its way.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static bool is_new(struct gateway *g, const void *userdata)
{
        pid_t pid = gateway_smsd(g);

        return pid > 0 && pid != *(const pid_t *)userdata;
}

/* Kills smsd as soon as it is there; returns how long its successor took to come. */
static int64_t kill_and_wait(struct gateway *g, pid_t *pid)
{
        gateway_signal(*pid, SIGKILL);
        int64_t took = gateway_wait(g, 20000, "another smsd", is_new, pid);
        *pid = gateway_smsd(g);
        return took;
}

static void a_crash_loop_slows_down(struct gateway *g)
{
        static const int64_t wanted[] = {0, 1000, 2000, 4000};

        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
                if (i == ARRAY_SIZE(wanted) - 1) {
                        gateway_signal(pid, SIGKILL);
                        gateway_wait_reason(g, "the next start is in", 2000);
                        gateway_wait_verdict(g, VERDICT_DOWN, 2000);
                        assert_true(gateway_logged(g, "times in a row: restarts are slowed down") > 0);
                        gateway_wait(g, 20000, "another smsd", is_new, &pid);
                        pid = gateway_smsd(g);
                        continue;
                }
                int64_t took = kill_and_wait(g, &pid);
                assert_in_range(took, wanted[i] > 100 ? wanted[i] - 50 : 0, wanted[i] + 1500);
        }
        gateway_working(g, 0);
        assert_string_equal(g->snapshot.restarts.last.cause, "crash");
        gateway_send(g, "one", "Here again");
        gateway_wait_sent(g, 0, 1, 15000);
}

/* A child of ours has the pid that a forgotten pidfile names. */
static void a_strangers_pid_in_the_pidfile(struct gateway *g)
{
        char pid[16];
        pid_t stranger = fork();

        if (stranger == 0) {
                (void)execlp("sleep", "sleep", "600", (char *)NULL);
                _exit(127);
        }
        assert_true(stranger > 0);
        assert_int_equal(text_format(pid, sizeof(pid), "%d\n", (int)stranger), 0);
        gateway_write(gateway_path(g, "run/smsd.pid"), pid);
        gateway_start_daemon(g);
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        /* Once more, while smsd runs and must be stopped. */
        gateway_write(gateway_path(g, "run/smsd.pid"), pid);
        assert_int_equal(gateway_person(g, COMMAND_RESTART, false, NULL), 0);
        gateway_working(g, smsd);
        assert_true(gateway_is_alive(stranger));
        gateway_signal(stranger, SIGKILL);
        assert_int_equal(waitpid(stranger, NULL, 0), stranger);
}

#define MODEMS 16

static bool all_served(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);

        (void)userdata;
        return s->verdict == VERDICT_WORKING && s->smsd.n_handlers == MODEMS;
}

static void sixteen_at_once(struct gateway *g)
{
        gateway_wait_down(g);
        int64_t begun = gateway_now();
        for (unsigned i = 0; i < MODEMS; i++)
                gateway_modem(g, "plug %u", i);
        gateway_wait(g, 60000, "all are served", all_served, NULL);
        print_message("sixteen modems: %lld ms, %u starts\n", (long long)(gateway_now() - begun),
                      gateway_starts(g));
        assert_int_equal(gateway_starts(g), 1);
        for (unsigned i = 0; i < MODEMS; i++)
                for (unsigned k = 0; k < i; k++)
                        assert_string_not_equal(g->snapshot.modems[i].usb, g->snapshot.modems[k].usb);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_crash_loop_slows_down),
    GATEWAY_TEST(a_strangers_pid_in_the_pidfile, .no_daemon = true),
    GATEWAY_TEST(sixteen_at_once, .modems = MODEMS),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
