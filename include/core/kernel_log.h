/*
 * What the kernel's log says of the modems' feeding: USB errors -71 and -110 by port, undervoltage of a
 * Raspberry Pi. Lines as /dev/kmsg has them, or their messages alone; only the kernel's own are believed, for
 * others may write there too.
 */
#ifndef CORE_KERNEL_LOG_H
#define CORE_KERNEL_LOG_H

#include "base/usec.h"
#include "core/usb_device.h"

#include <stdbool.h>
#include <stddef.h>

#define KERNEL_LOG_WINDOW (10 * USEC_PER_MIN) /* what is older counts no more */
#define KERNEL_PORTS_MAX  16                  /* USB ports with errors that are remembered at a time */
#define KERNEL_ERRORS_MAX 8                   /* ... and errors of each */
#define KERNEL_LINES_MAX  32                  /* errors of one look at the log */

enum kernel_line_kind {
        KERNEL_OTHER,
        KERNEL_USB_ERROR,      /* -71, -110 at `usb` */
        KERNEL_UNDERVOLTAGE,   /* the supply is too weak now */
        KERNEL_VOLTAGE_NORMAL, /* and no longer */
};

struct kernel_line {
        enum kernel_line_kind kind;
        int error;              /* USB_ERROR: 71 or 110 */
        char usb[USB_PATH_MAX]; /* USB_ERROR: "1-1.2" */
};

/* One record of /dev/kmsg, "6,1234,5678901,-;usb 1-1.2: device descriptor read/64, error -71\n...", of any
 * bytes. Never fails: what is not understood is OTHER. */
void kernel_line_parse(const char *record, size_t length, struct kernel_line *ret_line);

/* The message of such a record alone, where somebody else knows that the kernel wrote it. */
void kernel_message_parse(const char *message, size_t length, struct kernel_line *ret_line);

/* What matters of a look's lines, however many hundred times they say the same. All zero: nothing was said.
 */
struct kernel_lines {
        struct kernel_line
            errors[KERNEL_LINES_MAX]; /* in their order, no more of a port than are remembered */
        unsigned n;
        struct kernel_line voltage; /* the last word of it, or OTHER */
};

/* Takes what matters, oldest first. */
void kernel_lines_take(struct kernel_lines *lines, const struct kernel_line *line);

/* What was said in the last ten minutes. All zero: nothing. */
struct kernel_trouble {
        struct kernel_port {
                char usb[USB_PATH_MAX];
                int error;                    /* the last one */
                usec_t at[KERNEL_ERRORS_MAX]; /* a ring; 0 none */
                unsigned next;
        } ports[KERNEL_PORTS_MAX];
        bool undervoltage;      /* it lasts */
        usec_t undervoltage_at; /* it was there last, 0 never */
};

void kernel_trouble_take(struct kernel_trouble *trouble, const struct kernel_line *line, usec_t now);

/* Errors at the port within the window; the last one in ret_error (untouched when there is none). */
unsigned kernel_trouble_errors(const struct kernel_trouble *trouble, const char *usb, usec_t now,
                               int *ret_error);

/* Now, or within the window. */
bool kernel_trouble_undervoltage(const struct kernel_trouble *trouble, usec_t now);

#endif
