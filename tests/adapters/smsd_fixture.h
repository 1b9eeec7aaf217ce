/*
 * A folder with a real smsd in it: a copy of the binary (so that tests which run at the same time do not see
 * each other), a configuration, the spool, and a pty where the modem would be. Nobody answers on the pty:
 * smsd waits there, which is all these tests need.
 */
#ifndef SMSD_FIXTURE_H
#define SMSD_FIXTURE_H

#include "base/cleanup.h"
#include "core/process.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <cmocka.h>

#define PATIENCE_USEC (20 * 1000000LL)

struct box {
        char folder[64];
        char smsd[128], conf[128], pidfile[128], infofile[128], log[128], output[128];
        char tty[64];
        int pty;
        sd_event *event;
};

static inline int64_t now_usec(void)
{
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline void box_path(const struct box *box, char target[128], const char *name)
{
        assert_true(snprintf(target, 128, "%s/%s", box->folder, name) < 128);
}

static inline void write_file(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static inline void copy_file(const char *from, const char *to)
{
        _cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC),
                            out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
        char buffer[65536];
        ssize_t n;

        assert_true(in >= 0 && out >= 0);
        while ((n = read(in, buffer, sizeof(buffer))) > 0)
                assert_int_equal(write(out, buffer, (size_t)n), n);
        assert_int_equal(n, 0);
}

/* `extra`: more global lines. */
static inline void box_write_conf(const struct box *box, const char *path, const char *pidfile,
                                  const char *extra)
{
        char text[4096];
        const char *f = box->folder;

        assert_true(snprintf(text, sizeof(text),
                             "devices = GSM1\noutgoing = %s/outgoing\nchecked = %s/checked\nincoming = "
                             "%s/incoming\nfailed = %s/failed\n"
                             "sent = %s/sent\nlogfile = %s\ninfofile = %s\npidfile = %s\nstats = "
                             "%s/stats\nloglevel = 5\n%s\n"
                             "[GSM1]\ndevice = %s\nincoming = yes\n",
                             f, f, f, f, f, box->log, box->infofile, pidfile, f, extra,
                             box->tty) < (int)sizeof(text));
        write_file(path, text);
}

static inline void box_open_pty(struct box *box)
{
        box->pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(box->pty >= 0);
        assert_int_equal(grantpt(box->pty), 0);
        assert_int_equal(unlockpt(box->pty), 0);
        assert_int_equal(ptsname_r(box->pty, box->tty, sizeof(box->tty)), 0);
        assert_int_equal(chmod(box->tty, 0666), 0);
}

static inline struct box *box_new(const char *extra)
{
        static const char *const folders[] = {"outgoing", "checked", "incoming", "failed", "sent", "stats"};
        struct box *box = calloc(1, sizeof(*box));
        char path[128];

        assert_non_null(box);
        (void)strcpy(box->folder, "/tmp/smswarden-test-XXXXXX");
        assert_non_null(mkdtemp(box->folder));
        assert_int_equal(chmod(box->folder, 0777), 0);
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                box_path(box, path, folders[i]);
                assert_int_equal(mkdir(path, 0777), 0);
                assert_int_equal(chmod(path, 0777), 0);
        }
        box_path(box, box->smsd, "smsd");
        box_path(box, box->conf, "smsd.conf");
        box_path(box, box->pidfile, "smsd.pid");
        box_path(box, box->infofile, "smsd.working");
        box_path(box, box->log, "smsd.log");
        box_path(box, box->output, "output");
        copy_file("/usr/sbin/smsd", box->smsd);
        box_open_pty(box);
        box_write_conf(box, box->conf, box->pidfile, extra);
        assert_true(sd_event_new(&box->event) >= 0);
        return box;
}

static inline void remove_tree(const char *path)
{
        const char *const arguments[] = {"rm", "-rf", "--", path, NULL};
        pid_t pid = fork();

        if (pid == 0) {
                (void)execvp("rm", (char *const *)arguments);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static inline void box_free(struct box *box)
{
        (void)sd_event_unref(box->event);
        (void)close_fd(box->pty);
        remove_tree(box->folder);
        free(box);
}

/* Runs the event loop until the condition holds; it is asked again at least every 5 ms. */
static inline bool run_until(sd_event *event, bool (*condition)(void *userdata), void *userdata,
                             int64_t patience_usec)
{
        int64_t deadline = now_usec() + patience_usec;

        while (!condition(userdata)) {
                if (now_usec() > deadline)
                        return false;
                assert_true(sd_event_run(event, 5000) >= 0);
        }
        return true;
}

/* Starts smsd the way a person does: our child, but without any help of the code under test. */
static inline pid_t start_by_hand(const struct box *box, const char *conf_option, const char *conf)
{
        pid_t pid = fork();

        if (pid == 0) {
                int null = open("/dev/null", O_RDWR);
                (void)dup2(null, 0);
                (void)dup2(null, 1);
                (void)dup2(null, 2);
                (void)execl(box->smsd, "smsd", "-t", conf_option, conf, (char *)NULL);
                _exit(127);
        }
        assert_true(pid > 0);
        return pid;
}

#endif
