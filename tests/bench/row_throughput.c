/*
 * Messages per minute through smsd and its modem, with the controller beside them and without, in turn and
 * always with the same smsd. "Without" is a daemon that is stopped (SIGSTOP): it does nothing and reads
 * nothing, and what it missed it has caught up before it is measured again. Counted at the modem, from the
 * first message of a batch to its last, so that smsd's pauses before it looks for a new one do not count.
 */
#include "bench/bench.h"

#include "base/text.h"
#include "bench/transcript.h"

#include <signal.h>
#include <time.h>

#define BATCH 12
#define PAIRS 14

static void put_batch(struct gateway *g, unsigned round)
{
        char name[32], text[64];

        for (unsigned i = 0; i < BATCH; i++) {
                (void)text_format(name, sizeof(name), "message.%u.%u", round, i);
                (void)text_format(text, sizeof(text), "Message %u of batch %u.", i, round);
                gateway_send(g, name, text);
        }
}

static double messages_per_minute(struct gateway *g, unsigned round)
{
        unsigned before = round * BATCH;

        put_batch(g, round);
        gateway_wait_sent(g, 0, before + 1, 30000);
        usec_t begun = bench_now();
        gateway_wait_sent(g, 0, before + BATCH, 120000);
        return (BATCH - 1) * 60000 / bench_ms(begun, bench_now());
}

static void measure(struct gateway *g, unsigned round, bool beside)
{
        const struct timespec pause = {.tv_nsec = 500000000};
        struct samples *samples =
            beside ? &results->measured[FIGURE_THROUGHPUT] : &results->reference[FIGURE_THROUGHPUT];

        gateway_signal(g->daemon, beside ? SIGCONT : SIGSTOP);
        if (beside)
                (void)gateway_smsd(g); /* it has answered: what it missed is read */
        (void)nanosleep(&pause, NULL);
        samples_add(samples, messages_per_minute(g, round));
}

/* Each pair in the other order than the one before: what changes with time meets both alike. */
void row_throughput(struct gateway *g)
{
        gateway_plug(g, "gap=0");
        pid_t smsd = gateway_working(g, 0);

        for (unsigned round = 0; round < 2 * PAIRS; round++)
                measure(g, round, (round + round / 2) % 2 == 0);
        gateway_signal(g->daemon, SIGCONT);
        assert_int_equal(gateway_working(g, 0), smsd); /* the same one all the time */
}
