/*
 * Sixteen modems plugged at once against one: from the last tty until smsd has polled every one of them and
 * the controller calls it working.
 */
#include "bench/bench.h"

#include "bench/transcript.h"

#include <signal.h>

#define MANY 16

static double plug_all(struct gateway *g, unsigned n)
{
        usec_t begun = bench_now(), attached = 0, ready = 0;

        for (unsigned i = 0; i < n; i++)
                gateway_modem(g, "plug %u usb=1-1.%u gap=0", i, i + 1);
        for (unsigned i = 0; i < n; i++) {
                usec_t polled = bench_first_poll(g, i, begun), there = bench_last_attached(g, i);
                ready = polled > ready ? polled : ready;
                attached = there > attached ? there : attached;
        }
        gateway_working(g, 0);
        assert_int_equal(gateway_snapshot(g)->smsd.n_handlers, n);
        return bench_ms(attached, ready);
}

void row_one_modem(struct gateway *g)
{
        samples_add(&results->reference[FIGURE_MANY], plug_all(g, 1));
}

void row_many_modems(struct gateway *g)
{
        samples_add(&results->measured[FIGURE_MANY], plug_all(g, MANY));
}
