/*
 * "A restart is done when" (facts measured on smsd 3.1.21) as one pure judgement over processes and status.
 */
#ifndef CORE_RESTART_VERIFY_H
#define CORE_RESTART_VERIFY_H

#include "core/restart.h"

enum verify_result {
        VERIFY_PENDING,
        VERIFY_OK,
        VERIFY_MAIN_LOST,     /* the main process ended */
        VERIFY_HANDLER_LOST,  /* a handler ended under a living main process */
        VERIFY_MODEM_LEFT,    /* the modem was unplugged meanwhile */
        VERIFY_TIMEOUT_ALIVE, /* all processes are right, the modem has not answered smsd */
        VERIFY_TIMEOUT,
};

/* Fills restart->expected from the startable slots. */
void restart_expect(struct restart *restart, const struct restart_world *world);

enum verify_result restart_verify(struct restart *restart, const struct restart_world *world);

/* True when a modem that the run is for is served. */
bool restart_serves_any(const struct restart *restart, const struct restart_world *world);

/* What left meanwhile is expected no longer. */
void restart_expect_no_more(struct restart *restart, const struct restart_world *world);

#endif
