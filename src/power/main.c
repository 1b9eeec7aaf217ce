/*
 * smswarden-power: switches one USB device, and ends. For systemd alone (smswarden-power@.service), which
 * runs it outside of smswardend's sandbox: that one may not write to /sys, nor run a command of the user's.
 *
 * What it may do is said by one word, "VERB:PATH" (the instance of the unit), and nothing else is taken from
 * whoever starts it: PATH must be a USB device's name in the kernel's own form, the command is the one of the
 * configuration.
 */
#include "adapters/config_file.h"
#include "adapters/usb_power.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"
#include "core/action.h"
#include "core/usb_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define WORD "VERB:PATH"

static const char help[] =
    "Usage: smswarden-power [--config FILE] " WORD "\n"
    "\n"
    "Called by systemd, for smswardend. For people there is smswarden reset-modem.\n"
    "\n"
    "  usb-off usb-on          the kernel lets go of the device at PATH (1-1.2), and takes it back\n"
    "  port-off port-on        its hub's port is without power, and has it again\n"
    "  command-off command-on  the same by [recovery] power_command\n"
    "  --config FILE           the configuration, default " CONFIG_FILE_DEFAULT "\n"
    "  --sysfs DIR             where sysfs is, default /sys, for tests\n"
    "  --help, --version\n";

struct wish {
        enum usb_switch what;
        char path[USB_PATH_MAX];
};

static int parse_wish(const char *word, struct wish *ret_wish)
{
        const char *colon = strchr(word, ':');
        char verb[16];

        if (!colon || text_copy_n(verb, sizeof(verb), word, (size_t)(colon - word)) < 0 ||
            usb_switch_from_string(verb, &ret_wish->what) < 0)
                return -EINVAL;
        if (!usb_path_is_valid(colon + 1, strlen(colon + 1)))
                return -EINVAL;
        return text_copy(ret_wish->path, sizeof(ret_wish->path), colon + 1);
}

static bool is_of_the_user(enum usb_switch what)
{
        return what == USB_SWITCH_COMMAND_OFF || what == USB_SWITCH_COMMAND_ON;
}

/* The configuration is read for the user's command alone. */
static int begin(struct usb_power *power, const struct wish *wish, const char *config_path)
{
        static struct config config;

        if (is_of_the_user(wish->what)) {
                (void)config_file_load_usable(config_path, &config); /* as smswardend has it */
                if (config.recovery.power_command[0] == '\0')
                        return -ENOENT;
        }
        return usb_power_switch(power, wish->what, wish->path, config.recovery.power_command, 1);
}

static void on_done(void *userdata, unsigned token, int result)
{
        (void)token;
        /* sd_event_exit() takes no negative code. */
        (void)sd_event_exit(userdata, -result);
}

static void free_event(sd_event **event)
{
        *event = sd_event_unref(*event);
}

/* 0 or a negative errno. */
static int run(const struct wish *wish, const char *config_path, const char *sysfs)
{
        const struct usb_power_options options = {.sysfs_root = sysfs};
        _cleanup_(free_event) sd_event *event = NULL;
        _cleanup_(usb_power_cleanup) struct usb_power *power = NULL;
        int r = sd_event_new(&event);

        if (r >= 0)
                r = usb_power_new(&power, event, &options, on_done, event);
        if (r >= 0)
                r = begin(power, wish, config_path);
        if (r < 0)
                return r;
        r = sd_event_loop(event);
        return r > 0 ? -r : r;
}

static int power_main(const char *word, const char *config_path, const char *sysfs)
{
        struct wish wish;

        if (parse_wish(word, &wish) < 0) {
                (void)fprintf(stderr, "smswarden-power: " WORD " is wanted; see smswarden-power --help\n");
                return EX_USAGE;
        }
        int r = run(&wish, config_path, sysfs);
        /* Unplugged meanwhile: when it is plugged in again, it is on. */
        if (r == -ENODEV && wish.what == USB_SWITCH_AUTHORIZE_ON)
                r = 0;
        if (r >= 0)
                log_info("%s at USB %s: done", usb_switch_to_string(wish.what), wish.path);
        else
                log_error("%s at USB %s: %s", usb_switch_to_string(wish.what), wish.path, strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
        const char *config = CONFIG_FILE_DEFAULT, *sysfs = NULL, *word;
        const struct program_option known[] = {
            {.name = "config", .value = &config},
            {.name = "sysfs", .value = &sysfs},
        };
        const struct program program = {.name = "smswarden-power",
                                        .version = SMSWARDEN_VERSION,
                                        .help = help,
                                        .options = known,
                                        .n = ARRAY_SIZE(known),
                                        .word = WORD};
        int code = program_parse(&program, argc, argv, &word);

        return code >= 0 ? code : power_main(word, config, sysfs);
}
