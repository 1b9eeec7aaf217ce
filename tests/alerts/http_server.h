/*
 * A small HTTP server with faults, in threads of the test: what it is asked is recorded, what it answers, or
 * how it fails to, is told in advance, request by request.
 */
#ifndef TESTS_ALERTS_HTTP_SERVER_H
#define TESTS_ALERTS_HTTP_SERVER_H

#include "base/usec.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum http_fault {
        HTTP_ANSWER,       /* none */
        HTTP_RESET_HEAD,   /* resets after the request's head: its body is not read */
        HTTP_RESET,        /* resets after the request */
        HTTP_RESET_ANSWER, /* resets in the middle of the answer's body */
        HTTP_CLOSE,        /* closes after the request, without a word */
        HTTP_SILENT,       /* reads the request and says nothing */
        HTTP_LORIS,        /* one byte of the answer in 100 ms */
        HTTP_HUGE,         /* the answer's body has no end */
        HTTP_GARBAGE,      /* the answer is no HTTP */
};

struct http_answer {
        enum http_fault fault;
        unsigned status;     /* 0: 200 */
        const char *headers; /* further ones, with their line ends; NULL none */
        const char *body;    /* NULL none */
};

struct http_request {
        usec_t at; /* CLOCK_BOOTTIME, when it was read */
        char method[16], target[512];
        char head[4096];
        char body[16384];
        size_t length;
        unsigned connection; /* the number of it */
};

struct http_server;

/* Has a port of 127.0.0.1, and refuses connections until http_server_listen(). `tls` NULL: plain; else taken
 * over. */
struct http_server *http_server_new(SSL_CTX *tls);
void http_server_listen(struct http_server *server);
void http_server_free(struct http_server *server);

unsigned http_server_port(const struct http_server *server);

/* The n-th request from now on is answered by answers[n], all further ones by the last. The texts stay there.
 */
void http_server_script(struct http_server *server, const struct http_answer *answers, unsigned n);

/* Runs `hook` in the server's thread for each request, before it is answered. */
void http_server_hook(struct http_server *server, void (*hook)(void *userdata), void *userdata);

/* Waits until there are `n` requests in all, at most `limit`. Returns how many there are. */
unsigned http_server_wait(struct http_server *server, unsigned n, usec_t limit);

unsigned http_server_count(struct http_server *server);

/* Connections so far, also such that asked nothing. */
unsigned http_server_connections(struct http_server *server);

/* The n-th, from 0; stays there until the server is freed. */
const struct http_request *http_server_request(struct http_server *server, unsigned n);

/* The value of a header, "" none. */
void http_request_header(const struct http_request *request, const char *name, char *target, size_t size);

#endif
