/*
 * More questions to a gateway, for the tests of what must not happen: what a person reads in the status, how
 * often something was said or started, files byte by byte, places where nothing can be written.
 */
#ifndef GATEWAY_TOOLS_H
#define GATEWAY_TOOLS_H

#include "gateway_fixture.h"

/* A path below the gateway's folder, in one of eight buffers in turn. */
const char *gateway_path(const struct gateway *g, const char *name);

/* Until the verdict's reason (the second: what to do next) has this text. */
void gateway_wait_reason(struct gateway *g, const char *text, int64_t patience);
void gateway_wait_advice(struct gateway *g, const char *text, int64_t patience);
void gateway_wait_starts(struct gateway *g, unsigned count, int64_t patience);
/* Until a slot's modem (name NULL: the first one without a slot) is in the state. */
void gateway_wait_modem(struct gateway *g, const char *name, const char *state, int64_t patience);
/* Nothing may start smsd for so long. */
void gateway_no_start(struct gateway *g, int64_t duration);

/* How often the AT port of a modem got this (any part of a command line), from its transcript. */
unsigned gateway_commands(const struct gateway *g, unsigned modem, const char *text);

/* The path of a port of modem 0, "/dev/shm/ec25.../ttyUSB3", in one of four buffers in turn. port: as
 * gateway_node's. */
const char *gateway_node_path(struct gateway *g, const char *port);
/* Another program writes a command, one that was not written before, to a port of modem 0; it is answered to
 * nobody. */
void gateway_say(struct gateway *g, const char *port, const char *format, ...) _printf_(3, 4);

/* Replaces the first `before` by `after`; malloc'ed. Fails when there is none. */
char *gateway_replaced(const char *text, const char *before, const char *after);
void gateway_assert_file(const char *path, const char *expected);
/* Moves smsd.conf into etc/ (a folder of its own). The configuration must name it there. */
void gateway_move_conf(struct gateway *g);

/* False where the file system knows no such flag. */
bool gateway_set_immutable(const char *path, bool on);
/* From now on mounts are this program's own (and its children's); false where that is not allowed. */
bool gateway_private_mounts(void);

/* restart, start (forced), ...: returns the result, the sentence in ret_message (512 bytes or NULL). */
int gateway_person(struct gateway *g, enum command_kind kind, bool force, char *ret_message);

#endif
