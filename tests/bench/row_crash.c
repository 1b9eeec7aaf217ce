/*
 * smsd dies: how soon the next one has done its first poll, against a start by hand; and how soon its
 * successor is executed when nothing of the old one is left over. The daemon is restarted for each run: the
 * second crash within a minute waits a second, on purpose.
 */
#include "bench/bench.h"

#include "bench/transcript.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>

static double start_by_hand(struct gateway *g, pid_t *ret_smsd)
{
        usec_t begun = bench_now();

        *ret_smsd = gateway_start_smsd(g, g->conf);
        return bench_ms(begun, bench_first_poll(g, 0, begun));
}

static double kill_main(struct gateway *g, pid_t smsd)
{
        usec_t begun = bench_now();

        gateway_signal(smsd, SIGKILL);
        double ms = bench_ms(begun, bench_first_poll(g, 0, begun));
        gateway_working(g, smsd);
        return ms;
}

/*
 * Main and handler are killed together; the next execution opens the binary. The time begins with the signal,
 * which is a little before the exit: the end of a process carries no time of its own, and we may be late to
 * hear of it.
 */
static double kill_all(struct gateway *g, pid_t smsd)
{
        _cleanup_close_ int opened = inotify_init1(IN_CLOEXEC);
        struct pollfd wait = {.fd = opened, .events = POLLIN};
        pid_t handler = gateway_handler(g);

        assert_true(handler > 0);
        assert_true(inotify_add_watch(opened, g->smsd, IN_OPEN) >= 0);
        usec_t begun = bench_now();
        gateway_signal(smsd, SIGKILL);
        gateway_signal(handler, SIGKILL);
        assert_int_equal(poll(&wait, 1, 10000), 1);
        double ms = bench_ms(begun, bench_now());
        gateway_working(g, smsd);
        return ms;
}

/* Finds the modem and writes smsd.conf once; the daemon leaves smsd running. */
static void prepare(struct gateway *g)
{
        gateway_start_daemon(g);
        gateway_plug(g, "gap=0");
        pid_t smsd = gateway_working(g, 0);
        gateway_end_daemon(g);
        bench_end_smsd(g, smsd);
}

static bool has_adopted(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->smsd.n_handlers > 0;
}

/* A controller that saw no crash yet, and an smsd that it adopted. Returns smsd's pid. */
static pid_t begin_anew(struct gateway *g)
{
        if (g->daemon > 0)
                gateway_end_daemon(g);
        gateway_start_daemon(g);
        gateway_wait(g, 10000, "smsd is adopted", has_adopted, NULL);
        return g->snapshot.smsd.pid;
}

void row_crash(struct gateway *g)
{
        prepare(g);
        for (int i = 0; i < RUNS; i++) {
                pid_t smsd;
                samples_add(&results->reference[FIGURE_CRASH], start_by_hand(g, &smsd));
                samples_add(&results->measured[FIGURE_CRASH], kill_main(g, begin_anew(g)));
                (void)waitpid(smsd, NULL, 0);
                samples_add(&results->measured[FIGURE_SUCCESSOR], kill_all(g, begin_anew(g)));
                smsd = gateway_smsd(g);
                gateway_end_daemon(g);
                bench_end_smsd(g, smsd);
        }
}
