/*
 * What each fork and exec needs, see base/child.h.
 */
#include "base/child.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The pipe closes by itself when the exec succeeds, and brings an errno when it does not. */
static int wait_for_exec(int fd)
{
        int error = 0;
        ssize_t n;

        do
                n = read(fd, &error, sizeof(error));
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return n == 0 ? 0 : n == (ssize_t)sizeof(error) && error < 0 ? error : -EIO;
}

int child_start(child_run_fn *run, const void *what, pid_t *ret_pid)
{
        int pipe_fds[2];

        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int reader = pipe_fds[0];
        int writer = pipe_fds[1];
        pid_t pid = fork();
        if (pid == 0) {
                int error = run(what, &writer);
                ssize_t written _unused_ = write(writer, &error, sizeof(error));
                _exit(127);
        }
        int r = pid < 0 ? -errno : 0;
        (void)close_fd(writer);
        if (r < 0)
                return r;
        r = wait_for_exec(reader);
        if (r < 0) {
                child_reap(pid);
                return r;
        }
        *ret_pid = pid;
        return 0;
}

void child_reset_signals(void)
{
        sigset_t none;

        for (int number = 1; number < NSIG; number++)
                (void)signal(number, SIG_DFL); /* some have no action */
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Its lock is nobody's at the fork: none of our threads changes the environment. */
void child_reset_environment(void)
{
        static const char *const ours_alone[] = {"NOTIFY_SOCKET",  "WATCHDOG_PID", "WATCHDOG_USEC",
                                                 "LISTEN_PID",     "LISTEN_FDS",   "LISTEN_FDNAMES",
                                                 "JOURNAL_STREAM", "INVOCATION_ID"};

        for (size_t i = 0; i < sizeof(ours_alone) / sizeof(ours_alone[0]); i++)
                (void)unsetenv(ours_alone[i]);
}

void child_close_from(int first)
{
        if (close_range((unsigned)first, ~0U, 0) == 0)
                return;
        /* A kernel before 5.9. */
        for (long fd = first, end = sysconf(_SC_OPEN_MAX); fd < end; fd++)
                (void)close((int)fd);
}

void child_reap(pid_t pid)
{
        siginfo_t info;

        while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
                ;
}
