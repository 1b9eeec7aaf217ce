/*
 * Who sits in a slot, compared with who sat there: the same modem and SIM, a new one, or one that is not let
 * in. And the account of what a change still is to be given, so that each change is provisioned once,
 * survives a crash in the middle, and costs one reset at most.
 *
 * Pure: the memory is a plain struct that its caller keeps in the slot's record (core/modem_record) and saves
 * before each step whose loss would make it happen twice: after identity_accept, identity_begin and
 * identity_spend_reset.
 */
#ifndef CORE_SIM_IDENTITY_H
#define CORE_SIM_IDENTITY_H

#include "core/provision.h"

#include <stdbool.h>

/* A change is tried this often when the dialogue is cut short (unplugged, crashed, silent). */
#define IDENTITY_ATTEMPTS_MAX 3

enum identity {
        IDENTITY_UNKNOWN,   /* the IMEI is not known (yet): nothing is decided */
        IDENTITY_STRANGE,   /* another modem than the pinned one: it is not used, and nothing is recorded */
        IDENTITY_FIRST,     /* nothing was remembered */
        IDENTITY_SAME,      /* also when the SIM is not known now and the modem is the same */
        IDENTITY_NEW_SIM,   /* the same modem with another SIM, or with its first one */
        IDENTITY_NEW_MODEM, /* another modem; the SIM is the same, or not known */
        IDENTITY_NEW_BOTH,
};

struct identity_memory {
        char imei[16]; /* the modem and SIM that were last accepted, "" none */
        char imsi[16];
        unsigned open;      /* PROVISION_SCOPE_ bits: what still is to be set up */
        unsigned attempts;  /* begun for this change */
        bool reset_spent;   /* the one reset of this change was sent */
        unsigned reset_due; /* the same bits: written, and its reset waits for its turn */
};

void identity_memory_init(struct identity_memory *memory);

/*
 * Judges what was heard: `imei` and `imsi` as in modem_facts, "" when not known; `pinned` is the one IMEI
 * that is let in, "" any. An IMEI is compared by its first 14 digits, for the check digit is not always told.
 * The same subscription on another card (same IMSI, new ICCID) is the same SIM.
 */
enum identity identity_judge(const struct identity_memory *memory, const char *pinned, const char *imei,
                             const char *imsi);

/* Takes the change over. A new one opens what belongs to it, with attempts and reset of its own. A SIM that
 * is not known stays remembered as it was, unless the modem is new. */
void identity_accept(struct identity_memory *memory, enum identity identity, const char *imei,
                     const char *imsi);

/* The scope of a provision_job that is due now, 0: none. */
unsigned identity_due(const struct identity_memory *memory);

/*
 * Fills scope, imei, imsi, may_reset and reset_owed of `job` and counts the attempt. Save the memory before
 * provision_start.
 */
void identity_begin(struct identity_memory *memory, struct provision_job *job);

/* The reset is about to be sent: save the memory, then provision_reset. */
void identity_spend_reset(struct identity_memory *memory);

/* The reset may not be made now: the change will be closed as written, its reset due. */
void identity_postpone_reset(struct identity_memory *memory);

/* The turn of the reset that is due has come: what it is for is set up once more, which asks and resets. */
void identity_reopen(struct identity_memory *memory);

/* It restarted by itself, or was unplugged: what was written has taken effect. False: nothing was due. */
bool identity_has_restarted(struct identity_memory *memory);

/*
 * The dialogue is over. DONE closes the change, failed settings included: they are recorded and alerted, not
 * tried for ever. `sim_too` is false when the job's IMSI was not known: what belongs to the SIM stays open.
 * SILENT and LOST leave it open for another attempt, and so does STRANGER, whose modem or SIM will be judged.
 */
void identity_finish(struct identity_memory *memory, enum provision_verdict verdict, bool sim_too);

/* All attempts were cut short: closes the change, so that it is told once. False: there is nothing to give
 * up. */
bool identity_give_up(struct identity_memory *memory);

/* 15 digits. */
bool identity_pin_is_valid(const char *imei);

#endif
