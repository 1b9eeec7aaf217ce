/*
 * What is remembered of a modem slot over restarts of the controller: who sat in it, and the guard that
 * forbids automatic starts. Kept as a small text file per slot in STATE_DIR/modems/.
 */
#ifndef CORE_MODEM_RECORD_H
#define CORE_MODEM_RECORD_H

#include "core/poison.h"
#include "core/process.h"
#include "core/smsd_conf.h"
#include "core/usb_device.h"

#include <stdbool.h>
#include <stdint.h>

/* Why smsd is not started for a slot until a person acts. */
enum guard {
        GUARD_NONE,
        GUARD_PIN_REFUSED,  /* smsd's PIN was refused: each further start costs one of the SIM's attempts */
        GUARD_PIN_ATTEMPTS, /* the SIM asks for its PIN and has fewer than 3 attempts left */
        GUARD_PIN_MISSING,  /* the SIM asks for its PIN and smsd.conf has none */
        GUARD_PUK,          /* the SIM is locked: only its PUK, typed by a person, helps */
        GUARD_STRANGE,      /* another modem than pin_imei lets in; never remembered */
};

struct modem_record {
        char name[SMSD_MODEM_NAME_MAX];
        char usb[USB_PATH_MAX];
        char imei[16];
        char imsi[16];
        char iccid[24];
        char model[32];
        char firmware[48];
        enum guard guard;
        uint64_t guard_pin; /* hash of the PIN that was refused, 0 unknown: another PIN in smsd.conf lifts the
                               guard */
        struct poison poison; /* what it was sending when it crashed last */
        struct process_id
            let_in; /* the smsd that a person started on a modem that pin_imei refuses; 0 none */
        /* What became of its last change (core/sim_identity). */
        unsigned setup_open;      /* PROVISION_SCOPE_ bits: what still is to be set up */
        unsigned setup_attempts;  /* begun for this change */
        bool setup_reset_spent;   /* its one reset was sent, or was about to be */
        unsigned setup_reset_due; /* the same bits: written, its reset is still to be made */
        uint64_t setup_asked;     /* hash of the [provision] that it is, or was, set up with; 0 none */
};

void modem_record_init(struct modem_record *record, const char *name);
bool modem_record_equal(const struct modem_record *a, const struct modem_record *b);

/* The file's text. Returns its length, or -ENOBUFS. */
int modem_record_encode(const struct modem_record *record, char *target, size_t size);

/* Reads the text back; every value is checked. Returns 0 or -EBADMSG (record untouched). */
int modem_record_decode(const char *text, size_t length, struct modem_record *ret_record);

const char *guard_to_string(enum guard guard); /* none pin-refused pin-attempts pin-missing puk strange */
int guard_from_string(const char *text, enum guard *ret_guard);

#endif
