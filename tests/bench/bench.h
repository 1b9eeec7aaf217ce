/*
 * The benchmark: rows of the table, each measured on gateways of tests/gateway (the real daemon, the real
 * smsd, the software EC25). A row is a gateway test that leaves samples; `make bench` prints their medians.
 */
#ifndef BENCH_H
#define BENCH_H

#include "bench/table.h"
#include "gateway/gateway_fixture.h"

#define RUNS 7 /* samples of each figure at least */

enum figure_name {
        FIGURE_PLUG,
        FIGURE_CRASH,
        FIGURE_SUCCESSOR,
        FIGURE_FLOOD,
        FIGURE_STATUS,
        FIGURE_RESIDENT,
        FIGURE_DIRTY,
        FIGURE_WAKEUPS,
        FIGURE_EVENTS,
        FIGURE_STORM,
        FIGURE_MANY,
        FIGURE_THROUGHPUT,
        FIGURE_SMS,
        FIGURES
};

/* Shared by the processes that measure. */
struct results {
        struct samples reference[FIGURES];
        struct samples measured[FIGURES];
};
extern struct results *results;

/* The rows, each a test on a gateway. */
void row_plug(struct gateway *g);      /* no daemon yet */
void row_crash(struct gateway *g);     /* plain, no daemon yet: FIGURE_CRASH and FIGURE_SUCCESSOR */
void row_flood(struct gateway *g);     /* as row_crash */
void row_status(struct gateway *g);    /* plain */
void row_storm(struct gateway *g);     /* a slot for another modem */
void row_one_modem(struct gateway *g); /* one run of the reference of FIGURE_MANY */
void row_many_modems(struct gateway *g);
void row_throughput(struct gateway *g); /* plain: FIGURE_THROUGHPUT and FIGURE_SMS */
/* An idle minute: tells through a pipe that it begins, then sleeps. One of several at the same time. */
void row_idle(struct gateway *g);

/* FIGURE_EVENTS: needs no gateway. */
void row_events(void);

/* --- helpers --- */

/* build/... as bench itself lies in build/tests/bench/. */
void bench_path(char target[PATH_MAX], const char *name);

double bench_ms(usec_t from, usec_t to);

/* The end of smsd's first poll on the modem since then. */
usec_t bench_first_poll(const struct gateway *g, unsigned modem, usec_t since);
usec_t bench_last_attached(const struct gateway *g, unsigned modem);

/* "Rss:", "Private_Dirty:" of a process, kilobytes. */
double bench_memory(pid_t pid, const char *key);

/* Ends an smsd that no controller looks after, by TERM to its main process. */
void bench_end_smsd(struct gateway *g, pid_t main);

#endif
