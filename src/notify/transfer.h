/*
 * One attempt to give somebody something: a request by HTTP, a mail by SMTP, the standard input of a program.
 * Each ends with an outcome, told once and from the loop; to free it before that calls it off.
 */
#ifndef NOTIFY_TRANSFER_H
#define NOTIFY_TRANSFER_H

#include "base/usec.h"
#include "core/delivery.h"
#include "receiver.h"
#include "wire.h"

#include <systemd/sd-event.h>

#define TRANSFER_CONNECT_TIMEOUT 10 /* seconds: name, connection and TLS */
#define TRANSFER_TIMEOUT         60 /* all of it */

struct outcome {
        enum delivery_verdict verdict;
        bool unreached;     /* nobody has answered: it may be for the network */
        usec_t retry_after; /* what the receiver asked for, 0 nothing */
        char problem[192];  /* why it is not DONE: escaped, without secrets */
};

/* Whom it is for. What it points to stays there as long as the attempt. */
struct destination {
        const char *ca_file;          /* "" the system's */
        bool plain_http;              /* http:// and smtp:// without TLS are allowed */
        const char *user, *from, *to; /* "" none */
        const struct secrets *secrets;
};

/* May free the transfer. */
typedef void (*transfer_done_fn)(void *userdata, const struct outcome *outcome);

struct transfer;

/* The request stays there until the end. 0, or -ENOMEM and the like: nothing has begun. */
int transfer_new(struct transfer **ret, struct wire *wire, enum receiver_transport transport,
                 const struct destination *destination, const struct request *request, transfer_done_fn done,
                 void *userdata);
struct transfer *transfer_free(struct transfer *transfer);

struct exec;

/* Runs the program at request->url with request->body as its standard input. 0, or what the system says: it
 * was not started. */
int exec_new(struct exec **ret, sd_event *event, const struct request *request, transfer_done_fn done,
             void *userdata);

/* Kills it, with all of its process group, when it still runs. */
struct exec *exec_free(struct exec *exec);

#endif
