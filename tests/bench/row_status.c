/*
 * What a person or a cron job pays for `status --json` on a working gateway, beside the cheapest program
 * there is.
 */
#include "bench/bench.h"

#include "bench/transcript.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#define CALLS 50

static double run(const char *program, const char *const arguments[])
{
        posix_spawn_file_actions_t actions;
        pid_t pid;
        int status = -1;

        assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
        assert_int_equal(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0),
                         0);
        usec_t begun = bench_now();
        assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char *const *)arguments, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        usec_t end = bench_now();
        (void)posix_spawn_file_actions_destroy(&actions);
        assert_int_equal(status, 0);
        return bench_ms(begun, end);
}

void row_status(struct gateway *g)
{
        char program[PATH_MAX];

        bench_path(program, "smswarden");
        gateway_plug(g, "gap=0");
        gateway_working(g, 0);
        const char *const nothing[] = {"true", NULL};
        const char *const status[] = {"smswarden", "--config", g->warden_conf, "status", "--json", NULL};
        for (int i = 0; i < CALLS; i++) {
                samples_add(&results->reference[FIGURE_STATUS], run("/usr/bin/true", nothing));
                samples_add(&results->measured[FIGURE_STATUS], run(program, status));
        }
}
