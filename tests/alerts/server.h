/*
 * Real servers for smswarden-notify to deliver to: started as children of the test, on a port that the kernel
 * chooses, with all they write in the test's folder; and a small HTTP server that keeps what it is sent.
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

/* Keeps the body of each request as `folder`/000001, 000002, ... and answers 200. */
struct server sink_start(const char *folder);

/* How many it has by now. */
unsigned sink_count(const char *folder);

/* Runs the program to its end, 30 s at most; its exit code. */
int run_program(const char *const argv[], const char *log);

#endif
