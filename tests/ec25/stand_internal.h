/*
 * Inside the stand: stand.c plugs and moves, stand_io.c carries bytes and writes transcripts, numbers.c gives
 * tty names.
 */
#ifndef EC25_STAND_INTERNAL_H
#define EC25_STAND_INTERNAL_H

#include "base/cleanup.h"
#include "ec25/pty.h"
#include "ec25/stand.h"
#include "ec25/usbip_device.h"
#include "ec25/vhci.h"

#include <limits.h>
#include <stdio.h>

#define WORD_SIZE 64

enum line_state { LINE_NONE, LINE_COMING, LINE_PRESENT };

struct line {
        struct stand *stand;
        struct unit *unit;
        const struct usb_interface *interface;
        enum line_state state;
        enum ec25_port port;
        usec_t due;
        unsigned number;
        char name[16];
        char node[PATH_MAX / 4], by_path[PATH_MAX / 4], by_id[PATH_MAX / 4], pts[32];
        struct pty pty;
        bool used;    /* since the last time when nobody had it open */
        bool blocked; /* the host does not read: wait for EPOLLOUT */
        uint64_t read, written;
};

struct unit {
        struct stand *stand;
        unsigned index;
        struct ec25 *model;
        bool plugged, authorized;
        struct composition composition;
        char product[256], manufacturer[256], serial[256], usb[USB_PATH_SIZE];
        struct plug_options options; /* its pointers: into the fields above */
        unsigned devnum;
        struct line lines[STAND_LINES];
        size_t count;
        usec_t leave_at, back_at;
        bool stay_away;
        int watch; /* inotify, of `authorized` */
        FILE *transcripts[EC25_PORTS + 1];

        /* With the kernel's own USB stack. */
        struct usbip_device *device;    /* NULL: not attached (yet) */
        usec_t attach_at, attach_until; /* when to try, and to give up */
        char bus_id[VHCI_BUS_ID];       /* as of the last look; "" before the kernel has numbered it */
};

/* One tty number. */
struct number {
        bool present, stale; /* stale: by a test's word */
        bool seen;           /* the kernel gave it to `owner` */
        struct pty dead;     /* keeps /dev/pts/N reserved while somebody may hold the dead port */
        unsigned owner;      /* the modem that left it */
};

struct stand {
        char directory[PATH_MAX / 8], nodes[64];
        char vhci[PATH_MAX / 8]; /* the controller's folder in sysfs; "": ptys */
        struct tree *tree;
        int epoll, inotify;
        struct unit *units;
        unsigned count, devnum;
        struct number numbers[2][TTY_NUMBERS]; /* ttyUSB, ttyACM */
        bool retry;
};

/* -- numbers.c -- */
/* The lowest free number from `first`; looks who still holds dead ports. -ENOSPC. */
int number_take(struct stand *stand, enum tty_kind kind, unsigned first);
/* Frees those dead ports that nobody holds any more. */
void numbers_sweep(struct stand *stand);
void number_leave(struct stand *stand, enum tty_kind kind, unsigned number, unsigned owner, struct pty *pty);
const char *tty_prefix(enum tty_kind kind);
/* A tty that the kernel named, "ttyUSB2": remembers whose it is. */
void number_seen(struct stand *stand, const char *name, unsigned owner);
/* Was it that modem's, when last seen? */
bool number_was_of(struct stand *stand, const char *name, unsigned owner);

/* -- stand_io.c -- */
int line_attach(struct line *line);
void line_hang_up(struct line *line);
void line_event(struct line *line, unsigned events);
/* One line in the transcript; direction: < to the modem, > from it. */
void note_bytes(struct line *line, char direction, const void *bytes, size_t length);
void unit_pump(struct stand *stand, struct unit *unit, usec_t now);
void transcript_note(struct unit *unit, enum ec25_port port, const char *note, const char *detail);
void transcripts_close(struct unit *unit);

/* -- stand_usbip.c: the same over the kernel's own USB stack -- */
static inline bool stand_uses_kernel(const struct stand *stand)
{
        return stand->vhci[0] != '\0';
}

/* 0; -EBUSY: the port is another modem's; -EOPNOTSUPP: that is for the kernel to choose. */
int unit_usb_may_plug(const struct unit *unit, const struct plug_options *options);
/* Plans the attach. */
void unit_usb_plug(struct unit *unit, usec_t now);
void unit_usb_leave(struct unit *unit);
/* Does what is due; negative: the device could not be attached. */
int unit_usb_advance(struct unit *unit, usec_t now);
/* The connection has something; negative: it is of no more use. */
int unit_usb_event(struct unit *unit);
void unit_usb_pump(struct unit *unit, usec_t now);
/* Looks into sysfs: bus id, names of the ttys. */
void unit_usb_look(struct unit *unit);
int unit_usb_holders(struct unit *unit, void (*found)(const struct stand_holder *, void *), void *userdata);

#endif
