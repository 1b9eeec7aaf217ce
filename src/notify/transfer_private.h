/* What the files of a transfer by libcurl share. */
#ifndef NOTIFY_TRANSFER_PRIVATE_H
#define NOTIFY_TRANSFER_PRIVATE_H

#include "transfer.h"

#define ANSWER_MAX   4096  /* bytes of an answer that are kept for the reason */
#define ANSWER_LIMIT 65536 /* more are not waited for */

/* HTTP and SMTP. */
struct protocol {
        /* Sets what only this protocol needs. Negative errno: nothing can be sent. */
        int (*prepare)(struct transfer *transfer);
        /* What the end means; `outcome` is zero. */
        void (*judge)(const struct transfer *transfer, CURLcode code, struct outcome *outcome);
};

extern const struct protocol protocol_http, protocol_smtp;

struct transfer {
        struct wire *wire;
        const struct protocol *protocol;
        const struct destination *destination;
        const struct request *request;
        transfer_done_fn done;
        void *userdata;
        struct wire_end end;
        CURL *easy;
        struct curl_slist *list; /* headers, or recipients */
        char host[256];          /* of the address, for people; escaped */
        char error[CURL_ERROR_SIZE];
        size_t sent;          /* of a mail */
        curl_socket_t socket; /* SMTP: CURL_SOCKET_BAD none */
        bool leaving;         /* SMTP: QUIT was said */
        size_t answered;      /* in all */
        size_t length;        /* kept of it */
        char answer[ANSWER_MAX + 1];
};

/* curl_easy_setopt, every one of them can fail for want of memory. */
#define SET(code, easy, option, value)                                                                       \
        do {                                                                                                 \
                if ((code) == CURLE_OK)                                                                      \
                        (code) = curl_easy_setopt(easy, option, value);                                      \
        } while (0)

/* One more header, or recipient. 0 or -ENOMEM. */
int transfer_add(struct transfer *transfer, const char *text);

/* CURLPROTO_*: no other protocol is spoken, whatever the address says. */
CURLcode transfer_set_protocols(const struct transfer *transfer, long allowed);

/* The length of the answer that is kept, without what ends its last line. */
int transfer_answer_length(const struct transfer *transfer);

/* Keeps the begin of an answer. False when there was too much of it. */
bool transfer_keep(struct transfer *transfer, const char *data, size_t length);

/* "HOST TEXT" as the outcome's problem: masked, escaped, bounded. The text may be foreign. */
void transfer_tell(const struct transfer *transfer, struct outcome *outcome, const char *text);

/* The problem of a transfer that did not come to an answer, in words. */
void transfer_tell_code(const struct transfer *transfer, struct outcome *outcome, CURLcode code);

#endif
