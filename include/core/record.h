/*
 * What a person should be able to read later, by kind: each has a name, a topic that its line in the log
 * begins with, and (in the journal) a message id with a catalog entry that says what to do. Alerts are raised
 * by kind too.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stdbool.h>

enum record_kind {
        RECORD_MODEM_PLUGGED,
        RECORD_MODEM_LEFT,
        RECORD_MODEM_READY,
        RECORD_MODEM_UNUSABLE, /* it answers, or not, and cannot be used: SIM, PIN, silence */
        RECORD_MODEM_REFUSED,  /* a known device that is no modem now: crashed, download mode */
        RECORD_MODEM_CHANGED,  /* another modem or SIM than before sits there */
        RECORD_SIM_GUARDED,    /* a start would cost an attempt of the PIN: there is none */
        RECORD_SMSD_DIED,
        RECORD_SMSD_ENDED, /* by somebody, without a hold */
        RECORD_SMSD_ADOPTED,
        RECORD_HANDLER_LOST,
        RECORD_CRASH_LOOP,
        RECORD_SMSD_STARTED, /* and verified */
        RECORD_SMSD_UNVERIFIED,
        RECORD_START_FAILED,
        RECORD_SMSD_STOPPED,
        RECORD_HOLD_BEGUN,
        RECORD_HOLD_CONTINUED, /* found by a controller that began during it */
        RECORD_HOLD_REMINDER,
        RECORD_HOLD_ENDED,   /* by a person */
        RECORD_HOLD_EXPIRED, /* by its end */
        RECORD_HOLD_BROKEN,  /* somebody started smsd around the controller */
        RECORD_HOLD_UNWRITTEN,
        RECORD_FLAG_LEFT_OVER,
        RECORD_FLAG_REFUSED,
        RECORD_MESSAGE_REQUEUED,  /* a failed message is sent again by itself */
        RECORD_MESSAGE_SUSPECTED, /* the modem crashed while it sent this one */
        RECORD_MESSAGE_ASIDE,     /* and again: it is in quarantine */
        RECORD_STORAGE_CLEANED,   /* read messages were deleted from a modem's memory */
        RECORD_CONFIG_BAD,
        RECORD_SYSTEM_STOPPING, /* shutdown, reboot; or it was called off */
        RECORD_OBSERVED,
        RECORD_WORKING_AGAIN, /* the end of an incident */
        /* A new modem or SIM has the settings of [provision], or not all of them. */
        RECORD_PROVISIONED,
        RECORD_PROVISION_FAILED,
        RECORD_SMSD_DISPLACED, /* smsd must let go of a modem: it is not let in, or is to be set up first */
        /* the recovery ladder */
        RECORD_RECOVERY_STEP,     /* a step begins */
        RECORD_RECOVERY_DONE,     /* it was carried out, or was not */
        RECORD_RECOVERY_NOTICE,   /* the modem with the default route will be reset */
        RECORD_RECOVERY_GAVE_UP,  /* software does not help */
        RECORD_RECOVERY_SWITCHED, /* what an earlier life left off is on again, or cannot be */
        RECORD_KIND_MAX
};

/* "hold-begun"; "?" for no kind. The names are part of the journal's interface (SMSWARDEN_EVENT=). */
const char *record_kind_to_string(enum record_kind kind);

/* "hold": what the line is about. */
const char *record_kind_topic(enum record_kind kind);

/* True for what may begin an incident: SMS does not work, or not for long any more. */
bool record_kind_is_trouble(enum record_kind kind);

#endif
