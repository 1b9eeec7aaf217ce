/*
 * What the parts of the control bus share:
 *
 *   control_bus.c     the socket of the peer bus, its limits, the commands in flight
 *   control_peer.c    one connection of the peer bus: its sd_bus and the gate in front of it
 *   control_system.c  the connection to the system bus, and the name there
 *   control_polkit.c  on the system bus: who asks, and whether they may
 *   control_object.c  the object's methods, the same on both
 *   control_values.c  the object's properties, and telling their changes
 */
#ifndef ADAPTERS_CONTROL_PRIVATE_H
#define ADAPTERS_CONTROL_PRIVATE_H

#include "adapters/control_bus.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#define CONTROL_NAME      "org.smswarden.Gateway1"
#define CONTROL_OBJECT    "/org/smswarden/Gateway1"
#define CONTROL_INTERFACE "org.smswarden.Gateway1"
#define CONTROL_ACTION    "org.smswarden.control"
#define CONTROL_DENIED    "only root may control the gateway"

/* Where a call came from; the object's userdata. */
struct control_line {
        struct control_bus *control; /* the owner */
        struct control_peer *peer;   /* NULL: the system bus */
};

struct control_peer {
        struct control_line line;
        uid_t uid;  /* by SO_PEERCRED */
        bool dead;  /* to be freed by the sweep, never in the middle of a dispatch */
        int fd;     /* the connection, as the gate reads it */
        int feed;   /* write end of the pipe from which sd-bus reads */
        size_t fed; /* bytes passed on since sd-bus completed a message */
        sd_bus *bus;
        sd_event_source *input;
        sd_event_source *idle;
};

/* What somebody with the right to it wants done. */
struct control_wish {
        bool reload; /* that, and `command` means nothing */
        struct command command;
};

struct control_asking {
        struct control_system *system;
        unsigned id; /* 0: free */
        uid_t uid;
        bool uid_known;
        sd_bus_message *call;
        sd_bus_slot *slot; /* of the question under way */
        struct control_wish wish;
};

enum control_name_state { NAME_UNTOLD, NAME_AWAY, NAME_REFUSED, NAME_TAKEN, NAME_OURS };

struct control_system {
        struct control_line line;
        char *address; /* NULL: the box's own */
        sd_bus *bus;   /* NULL: between two connections */
        bool dead;     /* ended; `retry` clears up */
        bool up;       /* the bus daemon has answered us */
        usec_t up_since;
        usec_t delay; /* before the next try */
        enum control_name_state told;
        sd_event_source *retry;
        unsigned last_id;
        struct control_asking asking[CONTROL_BUS_ASKING_MAX];
};

struct pending_command {
        unsigned token;            /* 0: free */
        struct control_peer *peer; /* NULL: it came by the system bus */
        sd_bus_message *call;
};

struct control_modem {
        char name[sizeof(((struct snapshot_modem *)NULL)->name)];
        char state[16];
        char reason[sizeof(((struct snapshot_modem *)NULL)->reason)];
        char device[DEVICE_NODE_MAX];
        char sim[16];
        char registration[16];
};

/* The properties as they were read last. */
struct control_values {
        bool stale;       /* the gateway moved on since */
        unsigned changed; /* a bit for each property that was never told as it is */
        usec_t told;      /* CLOCK_MONOTONIC of the last signal */
        sd_event_source *turn, *later;
        char version[16], mode[16], verdict[16];
        char reason[384], next_action[384], evidence[256];
        int can_send, can_receive, smsd_running, hold_active;
        char hold_by[64], hold_reason[256];
        uint64_t hold_until;
        uint32_t restarts_total;
        unsigned n_modems;
        struct control_modem modems[SMSD_MODEMS_MAX];
};

struct control_bus {
        sd_event *event;
        struct control_bus_callbacks callbacks;
        void *userdata;
        int fd;
        char path[108];
        sd_event_source *listen;
        sd_event_source *resume; /* listens again after the descriptors ran out */
        sd_event_source *sweep;
        sd_id128_t id;
        unsigned last_token;
        unsigned n_peers;
        struct control_peer *peers[CONTROL_BUS_PEERS_MAX];
        struct control_system *system; /* NULL: not asked for */
        struct pending_command pending[CONTROL_BUS_COMMANDS_MAX];
        struct control_values values;
        struct snapshot snapshot; /* scratch */
};

/* --- control_bus.c --- */

/* True for who may control and see everything: root and our own account. */
bool control_is_trusted(uid_t uid);

/* Disables the source and lets it go. NULL is fine; returns NULL. */
sd_event_source *control_end_source(sd_event_source *source);

/* Keeps `call` until it is answered. Returns its token, or 0 when too many wait. */
unsigned control_bus_keep(struct control_bus *control, struct control_peer *peer, sd_bus_message *call);
bool control_bus_waits(const struct control_bus *control, const struct control_peer *peer);

/* Nobody waits any more for the commands that came from there (NULL: the system bus). */
void control_bus_forget(struct control_bus *control, const struct control_peer *peer);

/* --- control_peer.c --- */

/* Takes the connection over, in any case. 0 or a negative errno. */
int control_peer_new(struct control_peer **ret, struct control_bus *control, int fd, uid_t uid);
struct control_peer *control_peer_free(struct control_peer *peer);

/* The connection is to be ended as soon as nothing is dispatched any more. */
void control_peer_drop(struct control_peer *peer);

/* False when its answers pile up. */
bool control_peer_reads(const struct control_peer *peer);

/* --- control_system.c --- */

struct control_system *control_system_free(struct control_system *system);

/* Somebody may be listening on the system bus. */
bool control_system_is_up(const struct control_system *system);

/* Ends the connection when the bus daemon does not take what we send. False then, and when it has ended. */
bool control_system_flows(struct control_system *system);

/* --- control_polkit.c --- */

/* Grants the wish of who sent `call`, or refuses it, as soon as that is known. 1, or a negative errno with
 * `error` set: refused at once. */
int control_polkit_ask(struct control_system *system, sd_bus_message *call, const struct control_wish *wish,
                       sd_bus_error *error);

/* The connection has ended: nobody waits. */
void control_polkit_forget(struct control_system *system);

/* --- control_object.c --- */

/* Puts the object on a bus; `line` must outlive it. */
int control_object_add(sd_bus *bus, struct control_line *line);

/* Does what `uid` wants, who may; `call` is answered then or later. 1, or a negative errno with `error` set.
 */
int control_object_grant(struct control_line *line, sd_bus_message *call, struct control_wish *wish,
                         uid_t uid, sd_bus_error *error);

/* --- control_values.c --- */

int control_values_start(struct control_bus *control);
void control_values_stop(struct control_bus *control);
int control_values_get(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *line, sd_bus_error *error);

#endif
