/*
 * polkit's terminal agent, see polkit_agent.h. The agent closes its end of a pipe when it is registered; an
 * agent that never does is not waited for longer than BEGIN_TIMEOUT_MS.
 *
 * Without --fallback: polkit takes a fallback agent in a logind session only, and a box like this may have
 * none; and the question belongs where the command was typed.
 */
#include "polkit_agent.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define AGENT            "/usr/bin/pkttyagent"
#define BEGIN_TIMEOUT_MS 5000

static _Noreturn void run_agent(int notify)
{
        char number[16];

        (void)text_format(number, sizeof(number), "%d", notify);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && fcntl(notify, F_SETFD, 0) == 0)
                (void)execl(AGENT, AGENT, "--notify-fd", number, (char *)NULL);
        _exit(1);
}

void polkit_agent_begin(struct polkit_agent *agent)
{
        int ends[2];

        if (!isatty(STDIN_FILENO) || access(AGENT, X_OK) < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return;
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
                run_agent(ends[1]);
        (void)close_fd(ends[1]);
        if (pid > 0) {
                struct pollfd registered = {.fd = ends[0]};
                agent->pid = pid;
                (void)poll(&registered, 1,
                           BEGIN_TIMEOUT_MS); /* without an agent polkit refuses, and says so */
        }
        (void)close_fd(ends[0]);
}

/* TERM, so that it gives the terminal its echo back. */
void polkit_agent_end(struct polkit_agent *agent)
{
        if (agent->pid <= 0)
                return;
        (void)kill(agent->pid, SIGTERM);
        (void)kill(agent->pid, SIGCONT);
        (void)waitpid(agent->pid, NULL, 0);
        agent->pid = 0;
}
