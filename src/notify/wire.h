/*
 * libcurl's transfers on the event loop: one multi handle, its sockets and its timer are sources of sd-event.
 * Nothing is judged here.
 */
#ifndef NOTIFY_WIRE_H
#define NOTIFY_WIRE_H

#include <curl/curl.h>
#include <systemd/sd-event.h>

struct wire;

/* What ends a transfer, from the loop: the handle is the caller's again, to be asked and cleaned up. */
struct wire_end {
        void (*ended)(void *userdata, CURLcode code);
        void *userdata;
};

/* 0, -ENOMEM or what sd-event says. */
int wire_new(struct wire **ret, sd_event *event);

/* All transfers must be off before. NULL is fine; returns NULL. */
struct wire *wire_free(struct wire *wire);

/* Begins; `end` must stay there until the transfer has ended or is taken off. Uses CURLOPT_PRIVATE. */
int wire_put(struct wire *wire, CURL *easy, struct wire_end *end);

/* Ends a transfer without a word; one that is not on is fine. */
void wire_take_off(struct wire *wire, CURL *easy);

#endif
