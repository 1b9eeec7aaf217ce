/*
 * A daemon that has nothing to do, while smsd polls its modem every ten seconds: memory, and how often it
 * wakes up in a minute. A wake-up is a voluntary context switch: the daemon has one thread, and each time it
 * goes back to sleep counts one. The reference is a program with the same libraries that does nothing.
 */
#include "bench/bench.h"

#include "base/text.h"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define MINUTE 60

static double read_number(pid_t pid, const char *key)
{
        char path[64], line[256];
        double number = -1;

        (void)text_format(path, sizeof(path), "/proc/%d/status", (int)pid);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file))
                if (text_starts_with(line, key))
                        number = strtod(line + strlen(key), NULL);
        assert_true(number >= 0);
        return number;
}

static bool sleeps(struct gateway *g, const void *userdata)
{
        char path[64];

        (void)g;
        (void)text_format(path, sizeof(path), "/proc/%d/wchan", (int)*(const pid_t *)userdata);
        _cleanup_free_ char *where = gateway_read(path);
        return strstr(where, "pause") != NULL;
}

static double measure_empty(struct gateway *g)
{
        char program[PATH_MAX];
        char name[] = "empty", *const arguments[] = {name, NULL};
        pid_t pid;

        bench_path(program, "tests/bench/empty/empty");
        assert_int_equal(posix_spawn(&pid, program, NULL, NULL, arguments, NULL), 0);
        gateway_wait(g, 5000, "the empty program sleeps", sleeps, &pid);
        double resident = bench_memory(pid, "Rss:");
        gateway_signal(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        return resident;
}

void row_idle(struct gateway *g)
{
        const struct timespec minute = {.tv_sec = MINUTE}, settle = {.tv_sec = 37};

        gateway_plug(g, "gap=0");
        gateway_working(g, 0);
        /* A restart is looked at again 35 s later; idle begins behind that. */
        (void)nanosleep(&settle, NULL);
        samples_add(&results->reference[FIGURE_RESIDENT], measure_empty(g));
        double before = read_number(g->daemon, "voluntary_ctxt_switches:");
        (void)nanosleep(&minute, NULL);
        samples_add(&results->measured[FIGURE_WAKEUPS],
                    read_number(g->daemon, "voluntary_ctxt_switches:") - before);
        samples_add(&results->measured[FIGURE_RESIDENT], bench_memory(g->daemon, "Rss:"));
        samples_add(&results->measured[FIGURE_DIRTY], bench_memory(g->daemon, "Private_Dirty:"));
}
