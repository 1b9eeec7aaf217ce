/*
 * The recovery's hands: what is known of a USB device and the box's way out, its switches, and the memory of
 * budgets in STATE_DIR/recovery/. Under systemd our own sandbox forbids to write to /sys and to run a command
 * of the user's, so smswarden-power@.service does it, one word at a time; else children of ours do.
 */
#include "daemon.h"

#include "adapters/usb_network.h"
#include "base/boot_id.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>
#include <sys/stat.h>

/* --- memory --- */

void daemon_save_recovery(const struct daemon *daemon, const struct recovery_record *record)
{
        char path[CONFIG_PATH_MAX + 300], text[RECOVERY_RECORD_TEXT_MAX], boot[RECOVERY_BOOT_ID_SIZE];
        int r = daemon_slot_path(daemon, "recovery", record->name, path, sizeof(path));

        if (r >= 0)
                r = boot_id_get(boot);
        if (r >= 0)
                r = recovery_record_encode(record, boot, text, sizeof(text));
        if (r >= 0)
                r = file_replace(path, text, (size_t)r, 0600);
        if (r < 0)
                log_error("the resets of modem %s cannot be kept in %s/recovery: %s", record->name,
                          daemon->config.state_dir, strerror(-r));
}

static int restore(struct daemon *daemon, const char *text, size_t length)
{
        char boot[RECOVERY_BOOT_ID_SIZE];
        struct recovery_record record;

        if (boot_id_get(boot) < 0)
                boot[0] = '\0'; /* of no boot that is written down */
        int r = recovery_record_decode(text, length, boot, &record);
        if (r >= 0)
                daemon_enqueue(daemon, EVENT_RECOVERY_RECORD)->recovery = record;
        return r;
}

void daemon_restore_recovery(struct daemon *daemon)
{
        char folder[CONFIG_PATH_MAX + 16];

        (void)text_format(folder, sizeof(folder), "%s/recovery", daemon->config.state_dir);
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                log_error("the folder %s cannot be made: %s", folder, strerror(errno));
        daemon_each_slot_file(daemon, "recovery", RECOVERY_RECORD_TEXT_MAX - 1, restore);
}

/* --- switches --- */

static void on_switched(void *userdata, unsigned token, int result)
{
        struct event *event = daemon_enqueue(userdata, EVENT_USB_SWITCHED);

        event->switched.token = token;
        event->switched.result = result;
}

void daemon_errand_ran(struct daemon *daemon, unsigned token, int result, const char *problem)
{
        if (result < 0)
                log_warning("a modem could not be switched: %s", problem);
        on_switched(daemon, token, result);
}

static int open_switches(struct daemon *daemon)
{
        static const struct usb_power_options options = {0};

        return daemon->power ? 0
                             : usb_power_new(&daemon->power, daemon->event, &options, on_switched, daemon);
}

static int switch_here(struct daemon *daemon, const struct action *action)
{
        int r = open_switches(daemon);

        return r < 0 ? r
                     : usb_power_switch(daemon->power, action->usb_switch.what, action->usb_switch.path,
                                        daemon->config.recovery.power_command, action->usb_switch.token);
}

static int ask_unit(struct daemon *daemon, const struct action *action)
{
        char unit[128];
        int r = text_format(unit, sizeof(unit), "smswarden-power@%s:%s.service",
                            usb_switch_to_string(action->usb_switch.what), action->usb_switch.path);

        return r < 0 ? r : smsd_systemd_run(daemon->systemd, unit, action->usb_switch.token);
}

void daemon_switch_usb(struct daemon *daemon, const struct action *action)
{
        int r = daemon->systemd ? ask_unit(daemon, action) : switch_here(daemon, action);

        if (r < 0)
                on_switched(daemon, action->usb_switch.token, r);
}

/* --- looking --- */

void daemon_look_at_usb(struct daemon *daemon, const struct action *action)
{
        const char *path = action->usb_switch.path;
        struct recovery_seen_event *seen = &daemon_enqueue(daemon, EVENT_RECOVERY_SEEN)->recovery_seen;
        struct usb_networks networks;

        (void)text_copy(seen->path, sizeof(seen->path), path);
        if (open_switches(daemon) >= 0)
                seen->switchable = usb_power_can_switch(daemon->power, path);
        seen->present = usb_network_find(NULL, path, &networks) == 0;
        seen->default_route =
            seen->present && networks.n > 0 && usb_network_has_default_route(NULL, &networks) > 0;
}

void daemon_stop_recovery(struct daemon *daemon)
{
        daemon->power = usb_power_free(daemon->power);
}
