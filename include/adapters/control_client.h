/*
 * The other end of the control bus: for the CLI. Blocks, each call up to its timeout; who wants to wait in an
 * event loop wants something else.
 */
#ifndef ADAPTERS_CONTROL_CLIENT_H
#define ADAPTERS_CONTROL_CLIENT_H

#include "base/usec.h"
#include "core/event.h"
#include "core/snapshot.h"

struct control_client;

/*
 * Connects. 0; -ENOENT, -ECONNREFUSED: no controller runs there; -EACCES: its folder may not be entered;
 * -ETIMEDOUT: it does not answer; -ECONNRESET, -EPIPE: it has no room for one more; or what the socket says.
 */
int control_client_connect(struct control_client **ret, const char *socket_path, usec_t timeout);

/*
 * Connects over the system bus (or $DBUS_SYSTEM_BUS_ADDRESS), where polkit may allow others than root to
 * control; a person may be asked for a password meanwhile. What is read there is without IMSI and numbers.
 * Whether a controller is there shows at the first call: -EHOSTUNREACH. 0; -ENOENT, -ECONNREFUSED: no system
 * bus; -ETIMEDOUT; or what the socket says.
 */
int control_client_connect_system(struct control_client **ret, usec_t timeout);

/* NULL is fine; returns NULL. */
struct control_client *control_client_free(struct control_client *client);

/*
 * The state of the gateway. 0; -ETIMEDOUT; -EBADMSG: not understood; or the errno of the connection. Nothing
 * is written on failure.
 */
int control_client_snapshot(struct control_client *client, usec_t timeout, struct snapshot *ret_snapshot);

struct control_request {
        enum command_kind kind;
        usec_t duration;    /* STOP only; 0: the controller's default */
        const char *reason; /* NULL: none; what is not UTF-8 is escaped, what is too long is cut */
        bool force;
        const char *modem, *step; /* RESET_MODEM; NULL: the only one, what suits */
        const char *receiver;     /* TEST_ALERT: the only one that it is for; NULL: all */
};

/*
 * Asks and waits for the outcome: ret_result 0 done, 1 failed, 2 refused, with a sentence. -EACCES: who asks
 * may not, with the reason in ret_message; -EINVAL, -EBUSY: refused by the bus itself, with its sentence in
 * ret_message; -ETIMEDOUT; or the errno of the connection: what becomes of the command is not known then.
 */
int control_client_command(struct control_client *client, const struct control_request *request,
                           usec_t timeout, int *ret_result, char *ret_message, size_t size);

static inline void control_client_cleanup(struct control_client **client)
{
        *client = control_client_free(*client);
}

#endif
