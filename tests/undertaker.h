/*
 * A child that outlives its test, whatever way that dies, and tidies up behind it: it waits for the end of a
 * pipe.
 */
#ifndef TESTS_UNDERTAKER_H
#define TESTS_UNDERTAKER_H

#include "base/cleanup.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cmocka.h>

struct undertaker {
        pid_t pid;
        int life; /* our end of the pipe: when it closes, the work begins */
};

/* `bury` is called in the child, with `folder` as it is now. */
static inline void undertaker_hire(struct undertaker *undertaker, void (*bury)(const char *folder),
                                   const char *folder)
{
        int pipes[2];
        char byte;

        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        undertaker->pid = fork();
        assert_true(undertaker->pid >= 0);
        if (undertaker->pid == 0) {
                (void)setsid(); /* a Ctrl-C is for the test, not for who tidies up behind it */
                (void)dup2(pipes[0], 3);
                (void)close_range(4, ~0U, 0);
                while (read(3, &byte, 1) < 0 && errno == EINTR)
                        ;
                bury(folder);
                _exit(0);
        }
        (void)close(pipes[0]);
        undertaker->life = pipes[1];
}

/* Lets it do its work, and waits for it. */
static inline void undertaker_call(struct undertaker *undertaker)
{
        undertaker->life = close_fd(undertaker->life);
        (void)waitpid(undertaker->pid, NULL, 0);
}

#endif
