/*
 * Names of the events, see core/event.h.
 */
#include "core/event.h"

const char *event_kind_to_string(enum event_kind kind)
{
        static const char *const names[EVENT_KIND_MAX] = {
            [EVENT_TIMER] = "timer",
            [EVENT_MODEM_RECORD] = "modem-record",
            [EVENT_HOLD_FOUND] = "hold-found",
            [EVENT_USB_DEVICE] = "usb-device",
            [EVENT_USB_GONE] = "usb-gone",
            [EVENT_USB_ENUMERATED] = "usb-enumerated",
            [EVENT_NODE] = "node",
            [EVENT_PORT_OPENED] = "port-opened",
            [EVENT_PORT_DATA] = "port-data",
            [EVENT_PORT_CLOSED] = "port-closed",
            [EVENT_PROCESSES] = "processes",
            [EVENT_PROCESS_EXITED] = "process-exited",
            [EVENT_SMSD_OPENED] = "smsd-opened",
            [EVENT_SMSD_LOG] = "smsd-log",
            [EVENT_SMSD_STATUS] = "smsd-status",
            [EVENT_CONF_READ] = "conf-read",
            [EVENT_CONF_WRITTEN] = "conf-written",
            [EVENT_STOP_DONE] = "stop-done",
            [EVENT_START_DONE] = "start-done",
            [EVENT_HOLD_WRITTEN] = "hold-written",
            [EVENT_HOLD_CLEARED] = "hold-cleared",
            [EVENT_FLAG] = "flag",
            [EVENT_UNIT] = "unit",
            [EVENT_COMMAND] = "command",
            [EVENT_RELOAD] = "reload",
            [EVENT_ALERT_FOUND] = "alert-found",
            [EVENT_SMS_FOUND] = "sms-found",
            [EVENT_ALERT_SPOOLED] = "alert-spooled",
            [EVENT_ALERTS_SAVED] = "alerts-saved",
            [EVENT_DELIVERY] = "delivery",
            [EVENT_ALERT_SMS] = "alert-sms",
            [EVENT_MESSAGE_FAILED] = "message-failed",
            [EVENT_QUEUES] = "queues",
            [EVENT_MESSAGES] = "messages",
            [EVENT_MESSAGE_MOVED] = "message-moved",
            [EVENT_CONFIG_REFUSED] = "config-refused",
            [EVENT_APN] = "apn",
            [EVENT_RESET_NOTED] = "reset-noted",
            [EVENT_HOLDER] = "holder",
            [EVENT_KERNEL] = "kernel",
            [EVENT_RECOVERY_RECORD] = "recovery-record",
            [EVENT_RECOVERY_SEEN] = "recovery-seen",
            [EVENT_USB_SWITCHED] = "usb-switched",
        };

        return (unsigned)kind < EVENT_KIND_MAX ? names[kind] : "?";
}
