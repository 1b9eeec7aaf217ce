/*
 * smsd dies: how soon the next one has done its first poll, against a start by hand; how soon its successor
 * is executed when nothing of the old one is left over; and how soon while a thousand alerts come, which
 * nobody takes. The daemon is restarted for each run: the second crash within a minute waits a second, on
 * purpose.
 */
#include "bench/bench.h"

#include "base/text.h"
#include "bench/transcript.h"
#include "gateway/gateway_tools.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define FLOOD 1000 /* messages that smsd gives up within a second */

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

/*
 * Main and handler are killed together; the next execution opens the binary. The time begins with the signal,
 * which is a little before the exit: the end of a process carries no time of its own, and we may be late to
 * hear of it.
 */
static double kill_all(struct gateway *g, pid_t smsd)
{
        _cleanup_close_ int opened = inotify_init1(IN_CLOEXEC);
        struct pollfd wait = {.fd = opened, .events = POLLIN};
        pid_t handler = gateway_handler(g);

        assert_true(handler > 0);
        assert_true(inotify_add_watch(opened, g->smsd, IN_OPEN) >= 0);
        usec_t begun = bench_now();
        gateway_signal(smsd, SIGKILL);
        gateway_signal(handler, SIGKILL);
        assert_int_equal(poll(&wait, 1, 10000), 1);
        double ms = bench_ms(begun, bench_now());
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

static bool has_adopted(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->smsd.n_handlers > 0;
}

/* A controller that saw no crash yet, and an smsd that it adopted. Returns smsd's pid. */
static pid_t begin_anew(struct gateway *g)
{
        if (g->daemon > 0)
                gateway_end_daemon(g);
        gateway_start_daemon(g);
        gateway_wait(g, 10000, "smsd is adopted", has_adopted, NULL);
        return g->snapshot.smsd.pid;
}

void row_crash(struct gateway *g)
{
        prepare(g);
        for (int i = 0; i < RUNS; i++) {
                pid_t smsd;
                samples_add(&results->reference[FIGURE_CRASH], start_by_hand(g, &smsd));
                samples_add(&results->measured[FIGURE_CRASH], kill_main(g, begin_anew(g)));
                (void)waitpid(smsd, NULL, 0);
                samples_add(&results->measured[FIGURE_SUCCESSOR], kill_all(g, begin_anew(g)));
                smsd = gateway_smsd(g);
                gateway_end_daemon(g);
                bench_end_smsd(g, smsd);
        }
}

/* --- while alerts come --- */

/* A receiver that takes connections and never says a word. */
static int add_black_hole(const struct gateway *g)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof(address);
        _cleanup_free_ char *conf = gateway_read(g->warden_conf);
        char text[8192];
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
        assert_int_equal(listen(fd, 16), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
        assert_int_equal(text_format(text, sizeof(text),
                                     "%s\n[notify hole]\ntype = webhook\nurl = http://127.0.0.1:%u/\n"
                                     "plain_http = yes\nmin_severity = warning\n",
                                     conf, ntohs(address.sin_port)),
                         0);
        gateway_write(g->warden_conf, text);
        return fd;
}

static const char *flood_path(const struct gateway *g, const char *folder, int round, unsigned i)
{
        char name[64];

        (void)text_format(name, sizeof(name), "%s/flood.%d.%03u", folder, round, i);
        return gateway_path(g, name);
}

/* Alerts in the spool. */
static unsigned count_alerts(const struct gateway *g)
{
        DIR *folder = opendir(gateway_path(g, "state/alerts"));
        unsigned n = 0;

        for (const struct dirent *entry; folder && (entry = readdir(folder));)
                n += strstr(entry->d_name, "-warning.json") != NULL;
        if (folder)
                (void)closedir(folder);
        return n;
}

static bool has_alerts(struct gateway *g, const void *userdata)
{
        return count_alerts(g) >= *(const unsigned *)userdata;
}

/* Moves them, one each millisecond, in a child that it returns. */
static pid_t begin_flood(struct gateway *g, int round)
{
        for (unsigned i = 0; i < FLOOD; i++)
                gateway_write(flood_path(g, "tmp", round, i), "To: 37061234512\nFail_reason: none\n\nx\n");
        pid_t pid = fork();
        assert_true(pid >= 0);
        for (unsigned i = 0; pid == 0 && i < FLOOD; i++) {
                if (rename(flood_path(g, "tmp", round, i), flood_path(g, "spool/failed", round, i)) < 0)
                        _exit(EXIT_FAILURE);
                (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        if (pid == 0)
                _exit(EXIT_SUCCESS);
        return pid;
}

/* In the middle of it; all of them are in the spool before it returns, so that what is measured next has its
 * peace. */
static double kill_in_flood(struct gateway *g, int round)
{
        int status = -1;
        pid_t smsd = begin_anew(g);
        unsigned before = count_alerts(g), some = before + 10, all = before + FLOOD;
        pid_t flood = begin_flood(g, round);

        gateway_wait(g, 10000, "alerts come", has_alerts, &some);
        double ms = kill_all(g, smsd);
        assert_int_equal(waitpid(flood, &status, 0), flood);
        assert_int_equal(status, 0);
        gateway_wait(g, 60000, "all alerts are in the spool", has_alerts, &all);
        return ms;
}

/* The spool is in memory: a disk would stretch the second to half a minute (the loop does not wait for it).
 */
void row_flood(struct gateway *g)
{
        _cleanup_close_ int hole = add_black_hole(g);

        assert_true(gateway_private_mounts());
        assert_int_equal(mount("tmpfs", g->state, "tmpfs", 0, NULL), 0);
        prepare(g);
        for (int i = 0; i < RUNS; i++) {
                pid_t smsd = gateway_start_smsd(g, g->conf);
                samples_add(&results->reference[FIGURE_FLOOD], kill_all(g, begin_anew(g)));
                samples_add(&results->measured[FIGURE_FLOOD], kill_in_flood(g, i));
                (void)waitpid(smsd, NULL, 0);
                smsd = gateway_smsd(g);
                gateway_end_daemon(g);
                bench_end_smsd(g, smsd);
        }
        assert_int_equal(umount2(g->state, MNT_DETACH), 0);
}
