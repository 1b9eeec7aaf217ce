/*
 * The control bus: how people and programs on this box talk to the daemon. D-Bus twice, with the same object:
 *
 *   peer to peer on a unix socket, so that it works with no bus daemon. Everybody may read, root (and the
 *   daemon's own account) may control. Who asks is what the kernel says of the connection (SO_PEERCRED),
 * never what a message says;
 *
 *   on the system bus as org.smswarden.Gateway1. Everybody may read what is not personal; root may control,
 * others when polkit allows it (org.smswarden.control). Who asks is what the bus daemon says of the sender.
 *
 *   object /org/smswarden/Gateway1, interface org.smswarden.Gateway1 (systemd/org.smswarden.Gateway1.xml)
 *     Snapshot()                                  -> a{sv}   the keys of `status --json`, see below
 *     Stop(t duration_usec, s reason, b force)    -> i result, s message
 *     Start(s reason, b force)                    -> i result, s message
 *     Restart(s reason, b force)                  -> i result, s message
 *     TestAlert(s receiver)                       -> i result, s message   "": to all of them
 *     Reload()
 *     properties Verdict, Reason, ... with PropertiesChanged; without personal data for root, too
 *
 * Snapshot: objects are a{sv}, arrays aa{sv}, numbers x, texts s, times x (microseconds since the epoch);
 * what is null is left out. Readers without control, and all on the system bus, see no IMSI, no ICCID, and no
 * run of 7 and more digits (phone numbers) in free text.
 *
 * A hostile client costs itself only: connections, the bytes of a message (peer to peer; the bus daemon has
 * its own limits), the commands that wait and the answers that wait to be read are bounded, nothing here
 * blocks, and all of it runs at a lower priority than the rest of the loop.
 */
#ifndef ADAPTERS_CONTROL_BUS_H
#define ADAPTERS_CONTROL_BUS_H

#include "core/event.h"
#include "core/snapshot.h"

#include <systemd/sd-event.h>

#define CONTROL_BUS_PEERS_MAX          64 /* connections in all; 16 of them are kept for those who may control */
#define CONTROL_BUS_PEERS_PER_USER_MAX 16
#define CONTROL_BUS_COMMANDS_MAX       16 /* commands that wait for their answer */
#define CONTROL_BUS_ASKING_MAX         16 /* commands on the system bus whose sender's rights are being asked for */
#define CONTROL_BUS_ASKING_PER_USER    4
#define CONTROL_BUS_MESSAGE_MAX        16384
#define CONTROL_BUS_REASON_MAX         8192 /* bytes; what is longer is refused, what is over 250 is cut */
#define CONTROL_BUS_PRIORITY           100  /* of its event sources, behind SD_EVENT_PRIORITY_NORMAL */

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

/*
 * Appears on the system bus too, now or as soon as there is one; comes back when it dies; waits when another
 * owns the name. Whatever happens there is told in the log and stops nothing here. `address`: NULL for the
 * box's own (or $DBUS_SYSTEM_BUS_ADDRESS). 0, -EALREADY, -ENOMEM or another negative errno.
 */
int control_bus_join_system(struct control_bus *bus, const char *address);

/*
 * The state of the gateway may have changed: the properties are looked at again from the event loop, and
 * those that did are told, four times a second at most. Costs a flag when nobody listens. NULL is fine.
 */
void control_bus_changed(struct control_bus *bus);

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
