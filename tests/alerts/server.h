/*
 * Real servers for smswarden-notify to deliver to: children of the test, on a port that the kernel chooses,
 * with all they write in the test's folder.
 */
#ifndef TESTS_ALERTS_SERVER_H
#define TESTS_ALERTS_SERVER_H

#include <sys/types.h>

struct server {
        pid_t pid;
        unsigned port;
};

/* Starts the program (output goes to `log`) and waits until it listens on 127.0.0.1. Fails the test when it
 * does not within 30 s, with its output. */
struct server server_start(const char *const argv[], const char *log);

/* Ends it; a server that was never started is fine. */
void server_stop(struct server *server);

/* Between two looks at something that tells nobody when it changes. */
void pause_ms(long milliseconds);

#endif
