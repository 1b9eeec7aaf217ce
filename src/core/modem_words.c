/*
 * What a modem's states are called: in the status, in JSON and on D-Bus alike.
 */
#include "core/modem.h"

const char *modem_state_to_string(enum modem_state state)
{
        switch (state) {
        case MODEM_ABSENT:
                return "absent";
        case MODEM_SETTLING:
                return "settling";
        case MODEM_PROBING:
                return "probing";
        case MODEM_READY:
                return "ready";
        case MODEM_DEGRADED:
                return "degraded";
        case MODEM_RECOVERING:
                return "recovering";
        case MODEM_FAILED:
                return "failed";
        }
        return "?";
}
