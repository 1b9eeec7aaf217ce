/*
 * The agent that asks for a password on this terminal when polkit wants one: polkit's own pkttyagent, as a
 * child, for as long as a call takes.
 */
#ifndef CLI_POLKIT_AGENT_H
#define CLI_POLKIT_AGENT_H

#include <sys/types.h>

struct polkit_agent {
        pid_t pid; /* 0: none */
};

/*
 * Returns when the agent is registered. There is none without a terminal, or without polkit: that is no
 * error, polkit may allow without asking.
 */
void polkit_agent_begin(struct polkit_agent *agent);

void polkit_agent_end(struct polkit_agent *agent);

#endif
