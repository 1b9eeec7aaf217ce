/*
 * The file stats/status that smsd rewrites when a modem handler changes its state: a line per modem,
 * `GSM1:\t<time of last init>,\tIdle,...,\tssi: ...`. It goes stale when smsd is killed: judge it together
 * with the processes.
 */
#ifndef CORE_SMSD_STATUS_H
#define CORE_SMSD_STATUS_H

#include "core/smsd_conf.h"

#include <stddef.h>
#include <stdint.h>

enum handler_state {
        HANDLER_UNKNOWN,
        HANDLER_IDLE,
        HANDLER_SENDING,
        HANDLER_RECEIVING,
        HANDLER_BLOCKED,
        HANDLER_SUSPENDED,
        HANDLER_TROUBLE
};

struct smsd_status_modem {
        char name[SMSD_MODEM_NAME_MAX];
        enum handler_state state;
        int64_t since_realtime; /* the line's time, local time of the box turned into seconds since the epoch;
                                   -1 unknown */
        char since_text[32];    /* the time as written, for comparing two readings without a time zone */
        int signal_dbm;         /* from ssi, 0 unknown */
};

struct smsd_status {
        unsigned n;
        struct smsd_status_modem modems[SMSD_MODEMS_MAX];
};

/* Reads the text of stats/status; lines that do not fit are passed over. Returns the number of modems found.
 */
unsigned smsd_status_parse(const char *text, size_t length, struct smsd_status *ret_status);

const struct smsd_status_modem *smsd_status_find(const struct smsd_status *status, const char *name);

const char *handler_state_to_string(
    enum handler_state state); /* Unknown Idle Sending Receiving Blocked Suspended Trouble */

#endif
