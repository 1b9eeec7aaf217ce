/*
 * Messages per minute through smsd and its modem, with the controller beside them and without, in turn and
 * always with the same smsd: the daemon adopts it and leaves it running. Counted at the modem, from the first
 * message of a batch to its last, so that smsd's pauses before it looks for a new one do not count.
 */
#include "bench/bench.h"

#include "base/text.h"
#include "bench/transcript.h"

#include <string.h>

#define BATCH 20

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

static bool has_adopted(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->verdict == VERDICT_WORKING;
}

static double measure(struct gateway *g, unsigned round, bool beside)
{
        if (beside) {
                gateway_start_daemon(g);
                gateway_wait(g, 30000, "smsd is adopted", has_adopted, NULL);
        }
        double rate = messages_per_minute(g, round);
        if (beside)
                gateway_end_daemon(g);
        return rate;
}

/* Each pair in the other order than the one before: what changes with time meets both alike. */
void row_throughput(struct gateway *g)
{
        gateway_plug(g, "gap=0");
        pid_t smsd = gateway_working(g, 0);
        gateway_end_daemon(g);
        for (unsigned round = 0; round < 2 * RUNS; round++) {
                bool beside = (round + round / 2) % 2 == 1;
                double rate = measure(g, round, beside);
                samples_add(beside ? &results->measured[FIGURE_THROUGHPUT]
                                   : &results->reference[FIGURE_THROUGHPUT],
                            rate);
        }
        assert_true(gateway_is_alive(smsd)); /* the same one all the time */
        bench_end_smsd(g, smsd);
}
