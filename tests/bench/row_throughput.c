/*
 * Messages per minute through smsd and its modem, with the controller beside them and without, in turn and
 * always with the same smsd. "Without" is a daemon that is stopped (SIGSTOP): it does nothing and reads
 * nothing, and what it missed it has caught up before it is measured again. Counted at the modem, from one
 * message of a batch to the next, so that smsd's pauses before it looks for a new batch do not count.
 * How many they are differs by some percent from batch to batch on a machine with other work; what the daemon
 * itself can take from them is the processor time that it needs for one, which is measured beside.
 */
#include "bench/bench.h"

#include "base/text.h"
#include "bench/transcript.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 12
#define PAIRS 10

static void settle(void)
{
        const struct timespec pause = {.tv_nsec = 500000000};

        (void)nanosleep(&pause, NULL);
}

static void put_batch(struct gateway *g, unsigned round)
{
        char name[32], text[64];

        for (unsigned i = 0; i < BATCH; i++) {
                (void)text_format(name, sizeof(name), "message.%u.%u", round, i);
                (void)text_format(text, sizeof(text), "Message %u of batch %u.", i, round);
                gateway_send(g, name, text);
        }
}

/* By the median of the times from one message to the next: what else goes on on the machine hits single ones.
 */
static double messages_per_minute(struct gateway *g, unsigned round)
{
        struct samples intervals = {0};
        usec_t before = 0;

        put_batch(g, round);
        for (unsigned i = 0; i < BATCH; i++) {
                gateway_wait_sent(g, 0, round * BATCH + i + 1, 30000);
                usec_t sent = bench_now();
                if (i > 0)
                        samples_add(&intervals, bench_ms(before, sent));
                before = sent;
        }
        return 60000 / samples_median(&intervals);
}

/* Milliseconds that the daemon has run. */
static double daemon_ran(const struct gateway *g)
{
        char path[64];

        (void)text_format(path, sizeof(path), "/proc/%d/schedstat", (int)g->daemon);
        _cleanup_free_ char *text = gateway_read(path);
        return strtod(text, NULL) / 1e6;
}

static void measure_beside(struct gateway *g, unsigned round)
{
        gateway_signal(g->daemon, SIGCONT);
        (void)gateway_smsd(g); /* it has answered: what it missed is read */
        settle();
        double before = daemon_ran(g);
        samples_add(&results->measured[FIGURE_THROUGHPUT], messages_per_minute(g, round));
        samples_add(&results->measured[FIGURE_SMS], (daemon_ran(g) - before) / BATCH);
}

static void measure_without(struct gateway *g, unsigned round)
{
        gateway_signal(g->daemon, SIGSTOP);
        settle();
        double rate = messages_per_minute(g, round);
        samples_add(&results->reference[FIGURE_THROUGHPUT], rate);
        samples_add(&results->reference[FIGURE_SMS], 60000 / rate);
}

/* Each pair in the other order than the one before: what changes with time meets both alike. */
void row_throughput(struct gateway *g)
{
        gateway_plug(g, "gap=0");
        pid_t smsd = gateway_working(g, 0);

        for (unsigned round = 0; round < 2 * PAIRS; round++)
                if ((round + round / 2) % 2 == 0)
                        measure_beside(g, round);
                else
                        measure_without(g, round);
        gateway_signal(g->daemon, SIGCONT);
        assert_int_equal(gateway_working(g, 0), smsd); /* the same one all the time */
}
