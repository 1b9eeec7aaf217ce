/*
 * A child that is stopped before and behind each of its system calls, so that a test does there what a crash
 * or a person would do: no luck is involved, and each interleaving is seen in each run. The child calls
 * ptrace(PTRACE_TRACEME) and raises SIGSTOP.
 */
#ifndef TESTS_TRACED_H
#define TESTS_TRACED_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Waits for its SIGSTOP; it dies with us from then on. */
static inline void traced_begin(pid_t pid)
{
        int status;

        assert_true(pid >= 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSTOPPED(status));
        assert_int_equal(
            ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)), 0);
}

/* On to the next stop before or behind a system call; signals are passed on. False: it has ended, with its
 * status. */
static inline bool traced_next_stop(pid_t pid, int *status)
{
        int forward = 0;

        for (;;) {
                /* ESRCH: killed a moment ago; waitpid() tells. */
                assert_true(ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)forward) == 0 ||
                            errno == ESRCH);
                assert_int_equal(waitpid(pid, status, 0), pid);
                if (!WIFSTOPPED(*status))
                        return false;
                if (WSTOPSIG(*status) == (SIGTRAP | 0x80))
                        return true;
                forward = WSTOPSIG(*status) == SIGTRAP ? 0 : WSTOPSIG(*status); /* SIGTRAP: its exec */
        }
}

#endif
