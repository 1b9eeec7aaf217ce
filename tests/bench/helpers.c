/*
 * What several rows need, see bench.h.
 */
#include "bench/bench.h"

#include "base/text.h"
#include "bench/transcript.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define POLL_TIMEOUT (30 * USEC_PER_SEC)

void bench_path(char target[PATH_MAX], const char *name)
{
        char self[PATH_MAX];
        ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_true(length > 0);
        self[length] = '\0';
        for (int i = 0; i < 3; i++)
                *strrchr(self, '/') = '\0';
        assert_int_equal(text_format(target, PATH_MAX, "%s/%s", self, name), 0);
}

double bench_ms(usec_t from, usec_t to)
{
        return ((double)to - (double)from) / 1000;
}

static void modem_folder(const struct gateway *g, char target[96])
{
        assert_int_equal(text_format(target, 96, "%s/modem", g->folder), 0);
}

usec_t bench_first_poll(const struct gateway *g, unsigned modem, usec_t since)
{
        char folder[96];
        usec_t done = 0;

        modem_folder(g, folder);
        int r = transcript_first_poll(folder, modem, since, POLL_TIMEOUT, &done);
        if (r < 0)
                fail_msg("smsd never polled modem %u: %s", modem, strerror(-r));
        return done;
}

usec_t bench_last_attached(const struct gateway *g, unsigned modem)
{
        char folder[96];

        modem_folder(g, folder);
        usec_t attached = transcript_last_attached(folder, modem);
        assert_true(attached > 0);
        return attached;
}

double bench_memory(pid_t pid, const char *key)
{
        char path[64], line[256];
        double kilobytes = -1;

        (void)text_format(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file))
                if (text_starts_with(line, key))
                        kilobytes = strtod(line + strlen(key), NULL);
        assert_true(kilobytes >= 0);
        return kilobytes;
}

static bool none_left(struct gateway *g, const void *userdata)
{
        (void)userdata;
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ; /* its handlers became ours */
        return gateway_processes(g) == 0;
}

void bench_end_smsd(struct gateway *g, pid_t main)
{
        assert_int_equal(g->daemon, 0); /* it would start the next one */
        if (gateway_is_alive(main))
                gateway_signal(main, SIGTERM);
        gateway_wait(g, 30000, "smsd ends", none_left, NULL);
}
