/*
 * What each fork and exec needs, see base/child.h.
 */
#include "base/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define OLD_FDS_MAX 1024 /* where the kernel has no close_range (before 5.9) */

int child_wait_for_exec(int fd)
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

void child_close_descriptors(void)
{
        if (close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
                return;
        for (int fd = STDERR_FILENO + 1; fd < OLD_FDS_MAX; fd++)
                (void)close(fd);
}

void child_reap(pid_t pid)
{
        siginfo_t info;

        while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
                ;
}
