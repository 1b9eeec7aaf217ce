/*
 * Where a test's alerts go: a web server of a few lines, on a port that the kernel chose. It is a child and
 * dies with the test; what it is sent it writes down, one line per request.
 */
#ifndef ALERT_SERVER_H
#define ALERT_SERVER_H

#include "gateway_fixture.h"

struct alert_server {
        char log[96], answer[96];
        unsigned port;
        int fd;
        pid_t pid; /* 0: nobody listens */
};

void alert_server_start(struct alert_server *server, struct gateway *g);
/* Nobody listens any more; the port stays ours to come back to. */
void alert_server_stop(struct alert_server *server);
void alert_server_again(struct alert_server *server);
/* What it answers from now on: 200, 403 ... */
void alert_server_set_answer(const struct alert_server *server, const char *status);

/* Lines of its log that hold both texts; "" matches all. */
unsigned alert_server_count(const struct alert_server *server, const char *first, const char *second);
/* Waits until there are so many; fails when there are more. */
void alert_server_wait(struct gateway *g, const struct alert_server *server, const char *first,
                       const char *second, unsigned count, int64_t patience);

/* Names it as the webhook [notify vps] and adds `more`, then starts the daemon. */
void alert_server_use(struct alert_server *server, struct gateway *g, const char *more);

#endif
