/*
 * The words of alerts, see core/alert.h.
 */
#include "core/alert.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>

static const char *const kind_words[ALERT_KIND_MAX] = {
    [ALERT_HOLD] = "hold",
    [ALERT_SMSD_DOWN] = "smsd-down",
    [ALERT_CRASH_LOOP] = "crash-loop",
    [ALERT_MODEM_LOST] = "modem-lost",
    [ALERT_MODEM_UNUSABLE] = "modem-unusable",
    [ALERT_MODEM_NETWORK] = "modem-network",
    [ALERT_MODEM_STUCK] = "modem-stuck",
    [ALERT_MODEM_CHANGED] = "modem-changed",
    [ALERT_MODEM_TIMEOUTS] = "modem-timeouts",
    [ALERT_CONFIG_REFUSED] = "config-refused",
    [ALERT_MESSAGE_FAILED] = "message-failed",
    [ALERT_INCOMING_UNREAD] = "incoming-unread",
    [ALERT_TEST] = "test",
};

static const char *const state_words[] = {
    [ALERT_FIRING] = "firing",
    [ALERT_RESOLVED] = "resolved",
};

const char *alert_kind_to_string(enum alert_kind kind)
{
        return kind_words[kind];
}

int alert_kind_from_string(const char *text, enum alert_kind *ret_kind)
{
        for (size_t i = 0; i < ARRAY_SIZE(kind_words); i++)
                if (text_equal(text, kind_words[i])) {
                        *ret_kind = (enum alert_kind)i;
                        return 0;
                }
        return -EINVAL;
}

const char *alert_state_to_string(enum alert_state state)
{
        return state_words[state];
}

int alert_state_from_string(const char *text, enum alert_state *ret_state)
{
        for (size_t i = 0; i < ARRAY_SIZE(state_words); i++)
                if (text_equal(text, state_words[i])) {
                        *ret_state = (enum alert_state)i;
                        return 0;
                }
        return -EINVAL;
}
