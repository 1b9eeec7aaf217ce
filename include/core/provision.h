/*
 * Provisioning: one AT dialogue that gives a new modem, or a new SIM, the settings that the configuration
 * asks for. No I/O: bytes in by provision_receive, bytes out by provision_output, time as a parameter, as in
 * core/at_dialogue.h.
 *
 * Whether it is due at all is core/sim_identity's decision; with a scope of 0, or with nothing asked for, not
 * a byte is sent. Otherwise:
 *
 *   ATE0, AT+CMEE=1      until the port answers; again after a self-reset (RDY)
 *   AT+CGSN, AT+CIMI     are these still the modem and the SIM that the job is for? If not, or if that cannot
 *                        be learnt, nothing is written: PROVISION_STRANGER
 *   for each setting     read it; if it differs: write it, read it back (the modem's OK alone proves nothing)
 *   PROVISION_RESET_DUE  when a setting that needs one was changed, and only then. The dialogue waits here:
 *                        the caller notes on disk that the one reset of this change is spent, asks its budget
 *                        and its routes, and then calls provision_reset or provision_decline_reset
 *   AT+CFUN=1,1          the USB device leaves; provision_port_lost is its expected end
 *
 * A value that cannot be read is not written: the modem does not know the setting. Nobody else may use the
 * port meanwhile: CNMI and CPMS are what smsd works with, so smsd is not running.
 *
 * What goes into a command was checked by provision_config_check and provision_apn_is_valid: no quote, no
 * control character, no semicolon gets there. What the modem says is bounded and printable in the items.
 */
#ifndef CORE_PROVISION_H
#define CORE_PROVISION_H

#include "base/usec.h"
#include "core/at_exchange.h"
#include "core/modem_facts.h"

#include <stdbool.h>
#include <stddef.h>

/* 3GPP 23.003 9.1.1: 63 octets encoded, which is one more than the text has. */
#define PROVISION_APN_MAX    63
#define PROVISION_CNMI_MAX   16
#define PROVISION_VALUE_MAX  80
#define PROVISION_OUTPUT_MAX AT_OUTPUT_MAX
#define PROVISION_TEXT_MAX   320 /* one clause of provision_to_text always fits */

enum provision_apn { PROVISION_APN_NONE, PROVISION_APN_AUTO, PROVISION_APN_TEXT };

/* What is asked for; all of provision_config_init asks for nothing. */
struct provision_config {
        int usbnet; /* AT+QCFG="usbnet": 0 RmNet, 1 ECM, 2 MBIM, 3 RNDIS; -1 as it is */
        enum provision_apn apn_mode;
        char apn[PROVISION_APN_MAX];   /* with PROVISION_APN_TEXT */
        int ims;                       /* AT+QCFG="ims": 0 as the SIM's operator wants it, 1 on, 2 off; -1 */
        int nwscanmode;                /* AT+QCFG="nwscanmode": 0 auto, 1 GSM, 2 WCDMA, 3 LTE, ... 8; -1 */
        char cnmi[PROVISION_CNMI_MAX]; /* "2,1,0,0,0"; "" as it is */
        char cpms[3][3];               /* SM, ME or MT for reading, sending, receiving; "" as it is */
};

/* In the order in which they are set: what needs a reset comes last. */
enum provision_setting {
        PROVISION_CNMI,
        PROVISION_CPMS,
        PROVISION_APN,
        PROVISION_NWSCANMODE,
        PROVISION_IMS,
        PROVISION_USBNET,
        PROVISION_SETTINGS
};

/* What the change is: a setting belongs to one of them or to both. */
#define PROVISION_SCOPE_MODEM 1u /* all settings */
#define PROVISION_SCOPE_SIM   2u /* APN, nwscanmode, ims: what depends on the operator */

struct provision_job {
        struct provision_config config;
        unsigned scope;              /* PROVISION_SCOPE_ bits; 0: the same modem and SIM, nothing is sent */
        char imei[16];               /* that the decision was made for; must be known */
        char imsi[16];               /* "": not known: what belongs to the SIM too is left for later */
        char apn[PROVISION_APN_MAX]; /* with PROVISION_APN_AUTO: the one found; "": none was, see apn_why */
        char apn_why[96];            /* one clause for the record */
        bool may_reset;              /* the reset of this change is not spent yet */
        bool reset_owed; /* an earlier attempt was cut short and may have written what needs the reset */
};

enum provision_outcome {
        PROVISION_UNWANTED, /* not asked for */
        PROVISION_PENDING,  /* not reached yet */
        PROVISION_SAME,     /* it was so already */
        PROVISION_CHANGED,  /* written and read back */
        PROVISION_FAILED,
};

struct provision_item {
        enum provision_outcome outcome;
        bool written; /* a write went out; with FAILED: what the modem has now is not known for sure */
        char from[PROVISION_VALUE_MAX]; /* what it was, "" not set or not known */
        char to[PROVISION_VALUE_MAX];   /* what was asked for */
        char error[96];                 /* FAILED: one clause, with the modem's own error where it gave one */
};

enum provision_verdict {
        PROVISION_RUNNING,
        PROVISION_RESET_DUE, /* all is set; the caller's turn */
        PROVISION_DONE,      /* the items say what was done */
        PROVISION_SILENT,    /* no AT answer: nothing was written in vain */
        PROVISION_STRANGER,  /* not the modem and SIM that the job is for, or that could not be learnt */
        PROVISION_LOST,      /* the port went, or the modem reset itself again and again */
};

enum provision_reset {
        PROVISION_RESET_NONE, /* nothing needs it */
        PROVISION_RESET_OWED, /* needed, and not (yet) done */
        PROVISION_RESET_SENT, /* accepted, or the modem went without a word */
        PROVISION_RESET_REFUSED,
};

struct provision_dialogue {
        struct at_exchange exchange;
        struct provision_job job;
        struct modem_facts facts; /* the numbers read here */
        struct provision_item items[PROVISION_SETTINGS];
        enum provision_verdict verdict;
        enum provision_reset reset;
        unsigned phase;
        unsigned setting;                /* the current one */
        unsigned unanswered;             /* settings in a row without any answer */
        unsigned restarts;               /* self-resets seen */
        char value[PROVISION_VALUE_MAX]; /* what the read in flight brought */
        char pdp_type[8];                /* of the context that the APN is set for */
};

/* Asks for nothing. */
void provision_config_init(struct provision_config *config);

/* True when nothing is asked for. */
bool provision_config_is_empty(const struct provision_config *config);

/*
 * 0, or -EINVAL with one clause for a person in *ret_why (static). Refused is also what would starve smsd: a
 * CNMI that routes messages or status reports past the storage.
 */
int provision_config_check(const struct provision_config *config, const char **ret_why);

/* An APN network identifier: 3GPP 23.003 9.1 and 9.1.1. */
bool provision_apn_is_valid(const char *apn);

/* <mode>,<mt>,<bm>,<ds>,<bfr> in the ranges of 3GPP 27.005 3.4.1, and nothing routed past the storage. */
bool provision_cnmi_is_valid(const char *cnmi);

/* "ME" or "ME,ME,ME" (SM, ME, MT; quotes are not part of it). 0, or -EINVAL with the target untouched. */
int provision_cpms_parse(const char *text, char ret_cpms[3][3]);

/*
 * Begins at `now`; gives up at `give_up` (absolute). 0; -EINVAL when the job holds a value that was not
 * checked or no IMEI: nothing is sent then, nor when there is nothing to do (DONE at once).
 */
int provision_start(struct provision_dialogue *dialogue, const struct provision_job *job, usec_t now,
                    usec_t give_up);

/* Bytes from the port; any bytes in any pieces. Once decided they are ignored. */
void provision_receive(struct provision_dialogue *dialogue, const char *data, size_t size, usec_t now);

/* Time has passed. */
void provision_tick(struct provision_dialogue *dialogue, usec_t now);

/* When provision_tick is wanted next; USEC_INFINITY once decided and while a reset is due. */
usec_t provision_deadline(const struct provision_dialogue *dialogue);

/* Copies what has to be written now into `target` (at least PROVISION_OUTPUT_MAX bytes) and forgets it.
 * Returns the number of bytes, 0 for none. */
size_t provision_output(struct provision_dialogue *dialogue, char *target, size_t size);

/* Sends the reset that is due, at most once; then RUNNING until it is answered, 15 s at most. */
void provision_reset(struct provision_dialogue *dialogue, usec_t now);

/* No reset now: DONE, and the reset stays owed. */
void provision_decline_reset(struct provision_dialogue *dialogue);

/* The port is gone, or a read or write failed (EIO). After the reset was sent: that is how it looks. */
void provision_port_lost(struct provision_dialogue *dialogue);

/* True when no setting failed. */
bool provision_is_complete(const struct provision_dialogue *dialogue);

/*
 * All of it for the record, clause by clause: `APN changed from "internet" to "banga"; ims is 1 as asked for;
 * usbnet changed from 0 to 1; the modem was reset`. 0, or -ENAMETOOLONG when cut.
 */
int provision_to_text(const struct provision_dialogue *dialogue, char *target, size_t size);

const char *provision_verdict_to_sentence(enum provision_verdict verdict);

#endif
