/*
 * The control bus: how people and programs on this box talk to the daemon. D-Bus peer to peer on a unix
 * socket, so that it works with no bus daemon; everybody may read, root (and the daemon's own account)
 * may control. Who asks is what the kernel says of the connection (SO_PEERCRED), never what a message says.
 *
 *   object /org/smswarden/Gateway1, interface org.smswarden.Gateway1
 *     Snapshot()                                  -> a{sv}   the keys of `status --json`, see below
 *     Stop(t duration_usec, s reason, b force)    -> i result, s message
 *     Start(s reason, b force)                    -> i result, s message
 *     Restart(s reason, b force)                  -> i result, s message
 *
 * Snapshot: objects are a{sv}, arrays aa{sv}, numbers x, texts s, times x (microseconds since the epoch);
 * what is null is left out. Readers without control see no IMSI, no ICCID, and no run of 7 and more digits
 * (phone numbers) in free text.
 *
 * A hostile client costs itself only: connections, the bytes of a message and the answers that wait to be
 * read are bounded, nothing here blocks, and all of it runs at a lower priority than the rest of the loop.
 */
#ifndef ADAPTERS_CONTROL_BUS_H
#define ADAPTERS_CONTROL_BUS_H

#include "core/event.h"
#include "core/snapshot.h"

#include <systemd/sd-event.h>

#define CONTROL_BUS_PEERS_MAX          64 /* connections in all; 16 of them are kept for those who may control */
#define CONTROL_BUS_PEERS_PER_USER_MAX 16
#define CONTROL_BUS_COMMANDS_MAX       16 /* commands that wait for their answer */
#define CONTROL_BUS_MESSAGE_MAX        16384
#define CONTROL_BUS_PRIORITY           100 /* of its event sources, behind SD_EVENT_PRIORITY_NORMAL */

struct control_bus;

/* Called from the event loop; none may free the bus. All must be set. */
struct control_bus_callbacks {
        /* Somebody who may control asks; the text in it is escaped. To be answered by control_bus_reply(),
         * now or later. `command` is borrowed for the call. */
        void (*command)(void *userdata, const struct command *command);
        /* Somebody looks: fill the whole snapshot now. */
        void (*snapshot)(void *userdata, struct snapshot *ret_snapshot);
        /* Somebody who may control asks to read the configuration again. */
        void (*reload)(void *userdata);
};

/*
 * Listens on `socket_path`; what lies there of a dead daemon is replaced. The caller has made sure that there
 * is no second daemon, and that the folder is writable by itself only. 0, -ENAMETOOLONG, -EEXIST (something
 * that is no socket is there), -ENOMEM, or what the socket calls say.
 */
int control_bus_new(struct control_bus **ret, sd_event *event, const char *socket_path,
                    const struct control_bus_callbacks *callbacks, void *userdata);

/* Closes all connections at once and removes the socket. NULL is fine; returns NULL. */
struct control_bus *control_bus_free(struct control_bus *bus);

/*
 * Answers the command `token`: result 0 done, 1 failed, 2 refused. Nothing happens when who asked has left or
 * was answered already. `message` is one line; foreign text in it is escaped.
 */
void control_bus_reply(struct control_bus *bus, unsigned token, int result, const char *message);

static inline void control_bus_cleanup(struct control_bus **bus)
{
        *bus = control_bus_free(*bus);
}

#endif
