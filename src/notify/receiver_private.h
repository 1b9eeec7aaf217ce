/*
 * What the receiver types share: the parts of a request, built so that nothing foreign can leave the place it
 * was put in. Text goes into JSON by jansson, into headers through request_header() alone.
 */
#ifndef NOTIFY_RECEIVER_PRIVATE_H
#define NOTIFY_RECEIVER_PRIVATE_H

#include "receiver.h"

#include "base/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TITLE_MAX 768  /* holds every alert_title() */
#define TEXT_MAX  4096 /* holds every alert_text() */
#define TIME_MAX  32

/* Where formats are told and answered: `problem` with its size. */
struct complaint {
        char *text;
        size_t size;
};

/* Says why; returns -EINVAL for the caller to pass on. */
int complain(const struct complaint *complaint, const char *format, ...) _printf_(2, 3);

/* The address: the secret one when there is one. */
const char *receiver_url(const struct receiver_config *config, const struct secrets *secrets);

/* Adds "Name: value". -EINVAL: too long, too many, or a character that no header may hold. */
int request_header(struct request *request, const char *format, ...) _printf_(2, 3);

/*
 * A POST of `body` (taken over, NULL: -ENOMEM) to `url`, with the headers that all have: Content-Type,
 * Idempotency-Key (message NULL: none) and the bearer token. On failure nothing is held.
 */
int request_post(struct request *ret_request, const char *url, const struct secrets *secrets,
                 const struct alert_message *message, json_t *body, const struct complaint *complaint);

/* As json_string(), for text that may be no UTF-8: that is escaped. NULL: no memory. */
json_t *json_text(const char *text);

/* The path of an address; the address with another path. 0, -ENOMEM, -EINVAL (no http(s) address, too long).
 */
int url_path(const char *url, char *target, size_t size);
int url_with_path(const char *url, const char *path, char *target, size_t size);

/* Microseconds since the epoch as "2026-11-23T08:00:00Z"; 0 (unknown): "". */
void time_text(char target[TIME_MAX], int64_t realtime);

/* False for what a clock says that was never set: before 2025. */
bool time_plausible(int64_t realtime);

static inline void cleanup_json(json_t **json)
{
        json_decref(*json);
}
#define _cleanup_json_    _cleanup_(cleanup_json)
#define _cleanup_request_ _cleanup_(request_free)

typedef int receiver_format(const struct receiver_config *config, const struct secrets *secrets,
                            const struct alert_message *message, struct request *ret_request, char *problem,
                            size_t size);

receiver_format webhook_format, vps_message_format, vps_status_format, alertmanager_format, ntfy_format,
    smtp_format;

#endif
