/*
 * The switches of the modems: `authorized`, port power, the user's command, asked of the daemon one by one. A
 * modem must not stay off: what was switched off is remembered until it is on again, in whichever life.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define SWITCH_ON_AGAIN USEC_PER_MIN       /* what is left off */
#define SWITCH_ON_SOON  (2 * USEC_PER_SEC) /* systemd was not there to be asked */
#define SWITCH_ANSWER   (2 * USEC_PER_MIN)

static void begin_switch(struct gateway *gateway, struct recovery *recovery, enum usb_switch what,
                         const char *path, struct action_list *actions)
{
        struct action *action = action_push(actions, ACTION_USB_SWITCH);

        if (++gateway->recovery.switch_token == 0)
                gateway->recovery.switch_token = 1;
        recovery->switch_token = gateway->recovery.switch_token;
        recovery->switch_until = usec_add(gateway->now, SWITCH_ANSWER);
        action->usb_switch.what = what;
        action->usb_switch.token = recovery->switch_token;
        (void)text_copy(action->usb_switch.path, sizeof(action->usb_switch.path), path);
}

static enum usb_switch switch_of(const struct gateway *gateway, enum recovery_off off, bool on)
{
        if (off == RECOVERY_OFF_USB)
                return on ? USB_SWITCH_AUTHORIZE_ON : USB_SWITCH_AUTHORIZE_OFF;
        if (gateway->config.recovery.power_command[0])
                return on ? USB_SWITCH_COMMAND_ON : USB_SWITCH_COMMAND_OFF;
        return on ? USB_SWITCH_PORT_ON : USB_SWITCH_PORT_OFF;
}

void recovery_order_switch(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                           enum recovery_off off, bool on, struct action_list *actions)
{
        const char *path = on && recovery->off_path[0] ? recovery->off_path : recovery_path(gateway, slot);

        if (path[0] == '\0') {
                ladder_done(&recovery->ladder, recovery->ticket, -ENODEV, gateway->now);
                return;
        }
        recovery->switching_on = false;
        if (!on) {
                recovery->off = off;
                (void)text_copy(recovery->off_path, sizeof(recovery->off_path), path);
                recovery_save(recovery, actions);
        }
        begin_switch(gateway, recovery, switch_of(gateway, off, on), path, actions);
}

void recovery_switch_on_left_over(struct gateway *gateway, struct recovery *recovery,
                                  struct action_list *actions)
{
        bool answered = recovery->switch_token == 0 || recovery->switch_until <= gateway->now;

        if (recovery->off == RECOVERY_OFF_NOTHING || recovery->ladder.state == LADDER_ACTING || !answered ||
            gateway->now < recovery->switch_on_at)
                return;
        recovery->switching_on = true;
        recovery->switch_on_at = usec_add(gateway->now, SWITCH_ON_AGAIN);
        begin_switch(gateway, recovery, switch_of(gateway, recovery->off, true), recovery->off_path, actions);
}

static void forget_off(struct recovery *recovery)
{
        recovery->off = RECOVERY_OFF_NOTHING;
        recovery->off_path[0] = '\0';
}

/*
 * A controller that has just begun asks before it is connected to systemd: that says nothing of the modem,
 * which need not be off for another minute.
 */
static void left_over_switched(struct gateway *gateway, struct recovery *recovery, int result,
                               struct action_list *actions)
{
        bool gone = result == -ENODEV && recovery->off == RECOVERY_OFF_USB; /* plugged in anew it is on */

        if (result == -ENOTCONN) {
                recovery->switch_on_at = usec_add(gateway->now, SWITCH_ON_SOON);
                return;
        }
        bool told = recovery->off_told;
        recovery->off_told = result < 0 && !gone;
        if (!recovery->off_told)
                forget_off(recovery);
        else if (told)
                return;
        action_record(actions, RECORD_RECOVERY_SWITCHED,
                      result >= 0 || gone ? SEVERITY_INFO : SEVERITY_WARNING, recovery->name,
                      result >= 0 ? "the modem was left switched off: it is on again"
                      : gone      ? "the modem was left switched off: it is not there any more"
                                  : "the modem was left switched off and cannot be switched on (%s): tried "
                                    "again each minute",
                      strerror(result < 0 ? -result : 0));
}

void recovery_switched(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->recovery.n; i++) {
                struct recovery *recovery = &gateway->recovery.items[i];
                int result = event->switched.result;
                if (recovery->switch_token == 0 || recovery->switch_token != event->switched.token)
                        continue;
                recovery->switch_token = 0;
                if (recovery->switching_on) {
                        left_over_switched(gateway, recovery, result, actions);
                        continue;
                }
                /* The second part of each of these steps is the one that switches on. */
                if (result >= 0 && recovery->ladder.part > 0)
                        forget_off(recovery);
                ladder_done(&recovery->ladder, recovery->ticket, result, gateway->now);
        }
}
