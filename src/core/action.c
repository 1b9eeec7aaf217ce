/*
 * The bounded list of actions, see core/action.h.
 */
#include "core/action.h"

#include "base/text.h"
#include "core/at_exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

void action_list_init(struct action_list *list)
{
        list->n = 0;
        list->overflown = false;
}

/* The last slot is the scratch: what lands there when the list is full is never counted. */
bool action_list_fits(struct action_list *list, unsigned n)
{
        if (list->n + n <= ACTIONS_MAX - 1)
                return true;
        list->overflown = true;
        return false;
}

struct action *action_push(struct action_list *list, enum action_kind kind)
{
        /* What is only said goes first, so that nothing that is to be done or answered is lost. */
        unsigned limit = kind == ACTION_RECORD ? ACTIONS_MAX - ACTIONS_RESERVED : ACTIONS_MAX - 1;
        struct action *action = &list->items[list->n];

        if (list->n >= limit)
                list->overflown = true;
        else
                list->n++;
        memset(action, 0, sizeof(*action));
        action->kind = kind;
        return action;
}

struct action *action_port(struct action_list *list, enum action_kind kind, unsigned modem,
                           unsigned generation, const char *path)
{
        struct action *action = action_push(list, kind);

        action->port.modem = modem;
        action->port.generation = generation;
        (void)text_copy(action->port.path, sizeof(action->port.path), path);
        return action;
}

static_assert(sizeof(((struct action *)NULL)->port.data) >= AT_OUTPUT_MAX, "every command fits");

void action_port_write(struct action_list *list, unsigned modem, unsigned generation, const char *data,
                       size_t length)
{
        if (length == 0)
                return;
        struct action *action = action_port(list, ACTION_PORT_WRITE, modem, generation, "");
        action->port.length = length < sizeof(action->port.data) ? length : sizeof(action->port.data);
        memcpy(action->port.data, data, action->port.length);
}

struct action *action_record(struct action_list *list, enum record_kind kind, enum severity severity,
                             const char *modem, const char *format, ...)
{
        struct action *action = action_push(list, ACTION_RECORD);
        va_list arguments;

        action->record.kind = kind;
        action->record.severity = severity;
        (void)text_copy(action->record.modem, sizeof(action->record.modem), modem ? modem : "");
        va_start(arguments, format);
        (void)vsnprintf(action->record.message, sizeof(action->record.message), format, arguments);
        va_end(arguments);
        return action;
}

void action_reply(struct action_list *list, unsigned token, int result, const char *format, ...)
{
        struct action *action = action_push(list, ACTION_REPLY);
        va_list arguments;

        action->reply.token = token;
        action->reply.result = result;
        va_start(arguments, format);
        (void)vsnprintf(action->reply.message, sizeof(action->reply.message), format, arguments);
        va_end(arguments);
}

static const char *const switch_names[USB_SWITCH_MAX] = {
    [USB_SWITCH_AUTHORIZE_OFF] = "usb-off",   [USB_SWITCH_AUTHORIZE_ON] = "usb-on",
    [USB_SWITCH_PORT_OFF] = "port-off",       [USB_SWITCH_PORT_ON] = "port-on",
    [USB_SWITCH_COMMAND_OFF] = "command-off", [USB_SWITCH_COMMAND_ON] = "command-on",
};

const char *usb_switch_to_string(enum usb_switch what)
{
        return (unsigned)what < USB_SWITCH_MAX ? switch_names[what] : "?";
}

int usb_switch_from_string(const char *text, enum usb_switch *ret_what)
{
        for (unsigned i = 0; i < USB_SWITCH_MAX; i++)
                if (text_equal(text, switch_names[i])) {
                        *ret_what = (enum usb_switch)i;
                        return 0;
                }
        return -EINVAL;
}

const char *action_kind_to_string(enum action_kind kind)
{
        static const char *const names[ACTION_KIND_MAX] = {
            [ACTION_PORT_OPEN] = "port-open",
            [ACTION_PORT_WRITE] = "port-write",
            [ACTION_PORT_CLOSE] = "port-close",
            [ACTION_SCAN] = "scan",
            [ACTION_SMSD_STOP] = "smsd-stop",
            [ACTION_SIGNAL] = "signal",
            [ACTION_CONF_READ] = "conf-read",
            [ACTION_CONF_READ_GOOD] = "conf-read-good",
            [ACTION_CONF_WRITE] = "conf-write",
            [ACTION_CONF_KEEP] = "conf-keep",
            [ACTION_CONF_SET_ASIDE] = "conf-set-aside",
            [ACTION_HOLD_WRITE] = "hold-write",
            [ACTION_HOLD_CLEAR] = "hold-clear",
            [ACTION_FLAG_LOOK] = "flag-look",
            [ACTION_UNIT_LOOK] = "unit-look",
            [ACTION_SMSD_START] = "smsd-start",
            [ACTION_STATUS_READ] = "status-read",
            [ACTION_MODEM_SAVE] = "modem-save",
            [ACTION_RECORD] = "record",
            [ACTION_ALERT_SPOOL] = "alert-spool",
            [ACTION_ALERTS_SAVE] = "alerts-save",
            [ACTION_DELIVER] = "deliver",
            [ACTION_ALERT_SMS] = "alert-sms",
            [ACTION_MESSAGES_LIST] = "messages-list",
            [ACTION_MESSAGE_REQUEUE] = "message-requeue",
            [ACTION_MESSAGE_QUARANTINE] = "message-quarantine",
            [ACTION_HEARTBEAT] = "heartbeat",
            [ACTION_APN_FIND] = "apn-find",
            [ACTION_RESET_NOTE] = "reset-note",
            [ACTION_HOLDER_LOOK] = "holder-look",
            [ACTION_KERNEL_READ] = "kernel-read",
            [ACTION_REPLY] = "reply",
            [ACTION_RECOVERY_LOOK] = "recovery-look",
            [ACTION_USB_SWITCH] = "usb-switch",
            [ACTION_RECOVERY_SAVE] = "recovery-save",
        };

        return (unsigned)kind < ACTION_KIND_MAX ? names[kind] : "?";
}
