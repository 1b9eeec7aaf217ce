/*
 * smsd dies: how soon the next one has done its first poll, against a start by hand; and how soon its
 * successor is executed when nothing of the old one is left over. The daemon is restarted for each run, so
 * that no run is slowed down as part of a crash loop.
 */
#include "bench/bench.h"

#include "bench/transcript.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
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

/* When the descriptor has something to tell, on CLOCK_BOOTTIME. */
static usec_t wait_ready(int fd)
{
        struct pollfd wait = {.fd = fd, .events = POLLIN};

        assert_int_equal(poll(&wait, 1, 10000), 1);
        return bench_now();
}

/* Main and handler die together; the next execution opens the binary. */
static double kill_all(struct gateway *g, pid_t smsd)
{
        _cleanup_close_ int exited = pidfd_open(smsd, 0);
        _cleanup_close_ int opened = inotify_init1(IN_CLOEXEC);
        pid_t handler = gateway_handler(g);

        assert_true(exited >= 0 && handler > 0);
        assert_true(inotify_add_watch(opened, g->smsd, IN_OPEN) >= 0);
        gateway_signal(smsd, SIGKILL);
        gateway_signal(handler, SIGKILL);
        usec_t end = wait_ready(exited);
        double ms = bench_ms(end, wait_ready(opened));
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

void row_crash(struct gateway *g)
{
        prepare(g);
        for (int i = 0; i < RUNS; i++) {
                pid_t smsd;
                samples_add(&results->reference[FIGURE_CRASH], start_by_hand(g, &smsd));
                gateway_start_daemon(g);
                gateway_working(g, 0);
                samples_add(&results->measured[FIGURE_CRASH], kill_main(g, smsd));
                (void)waitpid(smsd, NULL, 0);
                samples_add(&results->measured[FIGURE_SUCCESSOR], kill_all(g, gateway_smsd(g)));
                smsd = gateway_smsd(g);
                gateway_end_daemon(g);
                bench_end_smsd(g, smsd);
        }
}
