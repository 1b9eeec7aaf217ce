/*
 * What the parts of the control bus share: the bus (control_bus.c: socket, limits, commands in flight) and
 * one connection (control_peer.c: its sd_bus and the gate in front of it).
 */
#ifndef ADAPTERS_CONTROL_PRIVATE_H
#define ADAPTERS_CONTROL_PRIVATE_H

#include "adapters/control_bus.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#define CONTROL_OBJECT    "/org/smswarden/Gateway1"
#define CONTROL_INTERFACE "org.smswarden.Gateway1"

struct control_peer {
        struct control_bus *control; /* the owner */
        uid_t uid;                   /* by SO_PEERCRED */
        bool dead;                   /* to be freed by the sweep, never in the middle of a dispatch */
        int fd;                      /* the connection, as the gate reads it */
        int feed;                    /* write end of the pipe from which sd-bus reads */
        size_t fed;                  /* bytes passed on since sd-bus completed a message */
        sd_bus *bus;
        sd_event_source *input;
        sd_event_source *idle;
};

struct pending_command {
        unsigned token; /* 0: free */
        struct control_peer *peer;
        sd_bus_message *call;
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
        struct control_peer *peers[CONTROL_BUS_PEERS_MAX];
        struct pending_command pending[CONTROL_BUS_COMMANDS_MAX];
        struct snapshot snapshot; /* scratch */
};

/* True for who may control and see everything: root and our own account. */
bool control_is_trusted(uid_t uid);

/* Takes the connection over, in any case. 0 or a negative errno. */
int control_peer_new(struct control_peer **ret, struct control_bus *control, int fd, uid_t uid);
struct control_peer *control_peer_free(struct control_peer *peer);

/* The connection is to be ended as soon as nothing is dispatched any more. */
void control_peer_drop(struct control_peer *peer);

/* Keeps `call` until it is answered. Returns its token, or 0 when too many wait. */
unsigned control_bus_keep(struct control_bus *control, struct control_peer *peer, sd_bus_message *call);
bool control_bus_waits(const struct control_bus *control, const struct control_peer *peer);

#endif
