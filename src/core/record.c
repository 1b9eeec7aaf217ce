/*
 * The table of record kinds, see core/record.h.
 */
#include "core/record.h"

#include <stddef.h>

struct kind {
        const char *name;
        const char *topic;
        bool trouble;
};

static const struct kind kinds[RECORD_KIND_MAX] = {
    [RECORD_MODEM_PLUGGED] = {"modem-plugged", "modem", false},
    [RECORD_MODEM_LEFT] = {"modem-left", "modem", true},
    [RECORD_MODEM_READY] = {"modem-ready", "modem", false},
    [RECORD_MODEM_UNUSABLE] = {"modem-unusable", "modem", true},
    [RECORD_MODEM_REFUSED] = {"modem-refused", "modem", true},
    [RECORD_MODEM_CHANGED] = {"modem-changed", "modem", false},
    [RECORD_SIM_GUARDED] = {"sim-guarded", "modem", true},
    [RECORD_SMSD_DIED] = {"smsd-died", "smsd", true},
    [RECORD_SMSD_ENDED] = {"smsd-ended", "smsd", true},
    [RECORD_SMSD_ADOPTED] = {"smsd-adopted", "smsd", false},
    [RECORD_HANDLER_LOST] = {"handler-lost", "smsd", true},
    [RECORD_CRASH_LOOP] = {"crash-loop", "smsd", true},
    [RECORD_SMSD_STARTED] = {"smsd-started", "restart", false},
    [RECORD_SMSD_UNVERIFIED] = {"smsd-unverified", "restart", true},
    [RECORD_START_FAILED] = {"start-failed", "restart", true},
    [RECORD_SMSD_STOPPED] = {"smsd-stopped", "restart", false},
    [RECORD_HOLD_BEGUN] = {"hold-begun", "hold", true},
    [RECORD_HOLD_CONTINUED] = {"hold-continued", "hold", true},
    [RECORD_HOLD_REMINDER] = {"hold-reminder", "hold", true},
    [RECORD_HOLD_ENDED] = {"hold-ended", "hold", false},
    [RECORD_HOLD_EXPIRED] = {"hold-expired", "hold", true},
    [RECORD_HOLD_BROKEN] = {"hold-broken", "hold", false},
    [RECORD_HOLD_UNWRITTEN] = {"hold-unwritten", "hold", false},
    [RECORD_FLAG_LEFT_OVER] = {"flag-left-over", "flag", false},
    [RECORD_FLAG_REFUSED] = {"flag-refused", "flag", false},
    [RECORD_MESSAGE_REQUEUED] = {"message-requeued", "message", false},
    [RECORD_MESSAGE_SUSPECTED] = {"message-suspected", "message", false},
    [RECORD_MESSAGE_ASIDE] = {"message-quarantined", "message", false},
    [RECORD_STORAGE_CLEANED] = {"storage-cleaned", "modem", false},
    [RECORD_CONFIG_BAD] = {"config-bad", "config", false},
    [RECORD_SYSTEM_STOPPING] = {"system-stopping", "smsd", false},
    [RECORD_OBSERVED] = {"observed", "observed", false},
    [RECORD_WORKING_AGAIN] = {"working-again", "incident", false},
    [RECORD_PROVISIONED] = {"provisioned", "modem", false},
    [RECORD_PROVISION_FAILED] = {"provision-failed", "modem", false},
    [RECORD_SMSD_DISPLACED] = {"smsd-displaced", "smsd", false},
    [RECORD_RECOVERY_STEP] = {"recovery-step", "recovery", true},
    [RECORD_RECOVERY_DONE] = {"recovery-done", "recovery", false},
    [RECORD_RECOVERY_NOTICE] = {"recovery-notice", "recovery", false},
    [RECORD_RECOVERY_GAVE_UP] = {"recovery-gave-up", "recovery", true},
    [RECORD_RECOVERY_SWITCHED] = {"recovery-switched", "recovery", false},
};

static const struct kind unknown = {"?", "?", false};

static const struct kind *find(enum record_kind kind)
{
        return (unsigned)kind < RECORD_KIND_MAX && kinds[kind].name ? &kinds[kind] : &unknown;
}

const char *record_kind_to_string(enum record_kind kind)
{
        return find(kind)->name;
}

const char *record_kind_topic(enum record_kind kind)
{
        return find(kind)->topic;
}

bool record_kind_is_trouble(enum record_kind kind)
{
        return find(kind)->trouble;
}
