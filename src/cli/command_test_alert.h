/*
 * What becomes of a test alert: followed in the state of the gateway until every receiver has it, or has said
 * no.
 */
#ifndef CLI_COMMAND_TEST_ALERT_H
#define CLI_COMMAND_TEST_ALERT_H

#include "adapters/control_client.h"

/* True when there is such a receiver, or none is named; else says which there are. */
bool test_alert_knows(const struct snapshot *before, const char *name, char *ret_message, size_t size);

/* `before`: the state before the test was asked for. `name`: the only receiver, NULL all. Prints a line per
 * receiver; returns the exit code. */
int test_alert_follow(struct control_client *client, const struct snapshot *before, const char *name);

#endif
