/*
 * The table of failures: a row for each finding of docs/health.md, produced at the software EC25 with the
 * real daemon and the real smsd. A row says how it comes about, what the status must say then, what is done
 * about it first, and how it is taken away; then SMS must work again, or a person must be told what to do.
 *
 * The rows of a group run beside each other, each as a program of its own: nearly all of their time is
 * waiting. Each prints a line for docs/health.md's table.
 */
#ifndef FAILURE_ROWS_H
#define FAILURE_ROWS_H

#include "gateway_tools.h"

struct failure_row {
        const char *finding;
        const char *how;      /* for the table */
        const char *evidence; /* a part of it; "": none is wanted */
        enum verdict verdict; /* of the whole, when the finding stands */
        const char *first;    /* a part of what is done first, see failure_first_action() */
        const char *advice;   /* a part of what a person is told to do; NULL: "nothing" is allowed */
        /* Before it: NULL is a modem that works. */
        void (*prepare)(struct gateway *g);
        /* The failure: commands to the software EC25, a line each, and then the function. */
        const char *fail;
        void (*produce)(struct gateway *g);
        /* How it is taken away, likewise. Neither: smswarden mends it by itself. */
        const char *mend;
        void (*repair)(struct gateway *g);
        bool stays;   /* nothing in this test's time takes it away: a person is told what to do */
        bool quick;   /* seen for less than a second */
        bool nightly; /* it takes minutes */
        bool awaited; /* run from when on the core knows the finding */
        struct gateway_options options;
};

struct failure_group {
        const struct failure_row *rows;
        size_t n;
};

extern const struct failure_group failures_of_usb, failures_of_sim, failures_of_network, failures_of_smsd;

bool failure_is_finding(const char *word);

/* Runs all rows of a group, or the one that the first argument names. Returns main's exit code. */
int failure_rows_main(const struct failure_group *group, int argc, char **argv);

/* --- for the rows --- */

/* A program of this name has a port open, until failure_end_helper(). */
void failure_hold_port(struct gateway *g, const char *name, const char *port);
void failure_end_helper(struct gateway *g);
/* `smswarden reset-modem GSM1 --step STEP` by somebody who waits for its end; failure_end_helper(). */
void failure_reset_beside(struct gateway *g, const char *step);
/* A modem that works, and searches: it is looked at every 30 s, not every 5 min. The row's `fail` begins with
 * FAILURE_FOUND. For what smsd does not tell of. */
#define FAILURE_FOUND "reg 0 home\nanswer 0 AT+CSQ\n"
void failure_prepare_doubted(struct gateway *g);
/* A modem that works, and a hold; then somebody starts smsd around the controller. */
void failure_prepare_held(struct gateway *g);
void failure_start_smsd(struct gateway *g);
/* The modem was asked on its second port, and answered. */
void failure_wait_asked(struct gateway *g);

#endif
