/*
 * What a long life leaves behind: a million mixed events through the daemon's own queue (a program of its
 * own, see events/), and a real daemon that is asked again and again while its modem is plugged in and out.
 */
#include "bench/bench.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define WARM_UP   50 /* plugs */
#define CYCLES    29 /* plugs in each of RUNS rounds: 203 */
#define SNAPSHOTS 10 /* in each cycle: 2030 */

/* Each allocation is a mapping of its own: none is counted that is free but cached, none is rounded by what
 * lies beside it. */
#define EXACT_MALLOC "glibc.malloc.tcache_count=0:glibc.malloc.mmap_threshold=1:glibc.malloc.mmap_max=1000000"

void row_events(void)
{
        char program[PATH_MAX], seed[16];

        bench_path(program, "tests/bench/events/events");
        for (unsigned i = 0; i < RUNS; i++) {
                char line[256] = "";
                int pipes[2], status = -1;
                assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
                (void)text_format(seed, sizeof(seed), "%u", i);
                pid_t pid = fork();
                if (pid == 0) {
                        (void)setenv("GLIBC_TUNABLES", EXACT_MALLOC, 1);
                        (void)dup2(pipes[1], STDOUT_FILENO);
                        (void)execl(program, "events", seed, (char *)NULL);
                        _exit(127);
                }
                (void)close(pipes[1]);
                _cleanup_fclose_ FILE *answer = fdopen(pipes[0], "r");
                assert_non_null(fgets(line, sizeof(line), answer));
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
                const char *heap = strstr(line, "heap ");
                assert_non_null(heap);
                samples_add(&results->measured[FIGURE_EVENTS], strtod(heap + 5, NULL));
        }
}

/* The modem is probed, is not the one that is wanted, and is told: so no cycle waits for smsd. */
static bool is_probed(struct gateway *g, const void *userdata)
{
        const struct snapshot *snapshot = gateway_snapshot(g);

        (void)userdata;
        return snapshot->n_others == 1 && text_equal(snapshot->others[0].state, "ready");
}

static bool is_gone(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->n_others == 0;
}

static void cycle(struct gateway *g)
{
        gateway_modem(g, "plug 0 gap=0");
        gateway_wait(g, 10000, "the modem is probed", is_probed, NULL);
        for (int i = 0; i < SNAPSHOTS; i++)
                (void)gateway_snapshot(g);
        gateway_modem(g, "unplug 0");
        gateway_wait(g, 10000, "the modem is gone", is_gone, NULL);
}

void row_storm(struct gateway *g)
{
        for (int i = 0; i < WARM_UP; i++)
                cycle(g);
        for (int run = 0; run < RUNS; run++) {
                double before = bench_memory(g->daemon, "Rss:");
                for (int i = 0; i < CYCLES; i++)
                        cycle(g);
                samples_add(&results->measured[FIGURE_STORM], bench_memory(g->daemon, "Rss:") - before);
        }
}
