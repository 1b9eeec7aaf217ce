/*
 * Receivers: how an alert becomes what one kind of receiver wants. Each type is a row of one table; a type
 * that speaks HTTP only fills a request in, the engine (engine.c) sends it, judges the answer and tries
 * again.
 */
#ifndef NOTIFY_RECEIVER_H
#define NOTIFY_RECEIVER_H

#include "adapters/alert_files.h"
#include "core/alert.h"
#include "core/config.h"

#include <stddef.h>

/* Secrets, read from files when the program begins (and after a reload); never logged, shown or put in argv.
 */
struct secrets {
        char url[512];      /* url_file: the whole address; "" none */
        char password[256]; /* password_file */
        char token[512];    /* token_file: bearer token */
};

#define REQUEST_HEADERS_MAX 8

/* An HTTP request or a mail, owned by who filled it in: request_free(). */
struct request {
        char url[512];
        const char *method;                     /* "POST", "GET"; static; NULL: no HTTP */
        char sender[192];                       /* SMTP: the envelope's sender, a bare address */
        char headers[REQUEST_HEADERS_MAX][768]; /* "Name: value", no line ends; "" ends the list */
        char *body;                             /* malloc, NULL none */
        size_t length;
};

void request_free(struct request *request);

struct receiver_type {
        const char *name; /* as in the configuration */
        enum receiver_transport { TRANSPORT_HTTP, TRANSPORT_SMTP, TRANSPORT_EXEC, TRANSPORT_NONE } transport;
        /* Fills the request in for this alert (HTTP: all of it; SMTP: body is the whole mail, RFC 5322; EXEC:
         * body is what goes to standard input). 1: this receiver has nothing to say about it (done); 0; or
         * -ENOMEM, -EINVAL (park, `problem` says why), -EAGAIN (not now: the interface has no address yet).
         */
        int (*format)(const struct receiver_config *config, const struct secrets *secrets,
                      const struct alert_message *message, struct request *ret_request, char *problem,
                      size_t size);
};

/* NULL: no such type. */
const struct receiver_type *receiver_type_find(const char *name);

/* The heartbeat's request. */
int heartbeat_format(const struct heartbeat_config *config, const struct secrets *secrets,
                     const struct heartbeat *heartbeat, struct request *ret_request);

#endif
