/*
 * The test stand: modems (struct ec25) on ptys, the names of their ttys, the USB tree, and the clock that
 * moves them. One epoll fd, no threads; while nothing happens it sleeps without a timer.
 *
 * Kernel habits kept here: a tty takes the lowest free number, in the order of the interfaces; a number whose
 * dead port is still held by somebody stays taken.
 */
#ifndef EC25_STAND_H
#define EC25_STAND_H

#include "ec25/composition.h"
#include "ec25/model.h"
#include "ec25/tree_usb.h"

#define STAND_MODEMS 64
#define STAND_LINES  8
#define TTY_NUMBERS  512

struct stand;

struct plug_options {
        const char *composition; /* NULL: as before, "qmi" at first */
        const char *usb;         /* NULL: as before */
        const char *product;     /* NULL: that of the composition */
        const char *manufacturer;
        const char *serial;
        unsigned first;              /* the lowest tty number to take */
        unsigned order[STAND_LINES]; /* in which the ttys appear: indices of the ttys of the device */
        size_t ordered;              /* 0: in the order of the interfaces */
        usec_t gap;                  /* between one tty and the next */
        usec_t boot;                 /* from power to RDY */
        usec_t back;                 /* from leaving to being back, after AT+CFUN=1,1 */
        unsigned port;               /* of vhci_hcd; VHCI_ANY_PORT: its own number, or any that is free */
};

/* How the modems are shown. */
struct stand_transport {
        bool tree;        /* a sysfs for umockdev beside the ptys */
        const char *vhci; /* the kernel's own USB stack, through this folder of vhci_hcd; NULL: ptys */
};

struct stand_line {
        const char *port; /* diag nmea at modem none */
        const char *node; /* the path to open */
        const char *by_path;
        const char *pts;
        uint64_t read, written; /* by the host */
        bool present;
};

/* `directory` must exist. With the kernel's USB stack the nodes are in /dev. With ptys nodes and tree are
 * made elsewhere (see stand_nodes), with links in it, and go with the stand. */
int stand_new(const char *directory, unsigned modems, const struct stand_transport *transport,
              struct stand **ret_stand);
struct stand *stand_free(struct stand *stand);

/* What a process under test needs. */
const char *stand_nodes(const struct stand *stand);
const char *stand_tree_root(const struct stand *stand); /* NULL without a tree */

unsigned stand_count(const struct stand *stand);
struct ec25 *stand_modem(struct stand *stand, unsigned modem);
bool stand_plugged(const struct stand *stand, unsigned modem);
const char *stand_usb_path(const struct stand *stand, unsigned modem);
const char *stand_composition(const struct stand *stand, unsigned modem);
/* Lines of a plugged modem, in the order of the interfaces. False past the last. */
bool stand_line(const struct stand *stand, unsigned modem, size_t index, struct stand_line *ret_line);

/* What plug takes when nothing is said: those of the last plug. */
void stand_defaults(const struct stand *stand, unsigned modem, struct plug_options *ret_options);
/* -EALREADY, -EBUSY (the USB path or port is taken), -EINVAL, -ENOSPC (no tty number), -EOPNOTSUPP (the
 * kernel decides that). */
int stand_plug(struct stand *stand, unsigned modem, const struct plug_options *options);
int stand_unplug(struct stand *stand, unsigned modem); /* -ENODEV */
/* Every read and write on the modem's ports fails from now on, but the device does not leave. -ENODEV. */
int stand_eio(struct stand *stand, unsigned modem);
/* A tty name that stays taken (true) or is free again (false). -EINVAL, -EOPNOTSUPP (the kernel decides). */
int stand_stale(struct stand *stand, const char *name, bool stale);

/* Calls `found` for each process that has a present port of the modem, or a dead one of it, open. */
struct stand_holder {
        const char *node; /* the name of the port, ttyUSB2 */
        int pid, fd;
        bool dead;
};
int stand_holders(struct stand *stand, unsigned modem, void (*found)(const struct stand_holder *, void *),
                  void *userdata);

usec_t stand_now(void);
/* The epoll fd, readable when stand_dispatch has work. */
int stand_fd(const struct stand *stand);
int stand_dispatch(struct stand *stand);
/* Moves everything that is due; call it after anything was done to a modem. */
void stand_advance(struct stand *stand);
usec_t stand_next_deadline(const struct stand *stand);

#endif
