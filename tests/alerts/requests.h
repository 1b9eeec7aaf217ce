/*
 * Receivers asked for their requests, without secrets.
 */
#ifndef TESTS_ALERTS_REQUESTS_H
#define TESTS_ALERTS_REQUESTS_H

#include "notify/receiver.h"

#include <jansson.h>

/* A receiver that needs nothing else; vps-*: of the loopback interface. */
struct receiver_config config_of(const char *type, const char *url);

/* What the type says, and the request when that is 0. */
int make_request(const struct receiver_config *config, const struct alert_message *message,
                 struct request *ret_request, char problem[256]);

/* The body of a request that has to succeed, as JSON; the caller owns it. */
json_t *body_of(const struct receiver_config *config, const struct alert_message *message);

/* The text of this key; fails when there is none. */
const char *string_of(const json_t *object, const char *key);

#endif
