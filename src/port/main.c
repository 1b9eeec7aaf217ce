/*
 * smswarden-port: udev's helper. The rules run it for a tty or a USB device that has just come; it prints
 * what that is (core/port_answer) as KEY=value lines for IMPORT{program}. A stranger gets no line.
 *
 * It reads three files of sysfs, the profiles and the configuration, opens no port, waits for nothing and
 * keeps no state: udev holds the device back from everybody while it runs, so it has to be quick.
 */
#include "adapters/config_file.h"
#include "adapters/profile_file.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/port_answer.h"
#include "core/usb_descriptors.h"
#include "core/usb_path.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>

#define PROFILES_SHIPPED SMSWARDEN_DATADIR "/profiles.d"
#define DESCRIPTORS_MAX  8192 /* a modem's are a few hundred bytes */
#define USAGE            64

struct options {
        const char *sysfs, *config, *profiles, *devpath;
};

/* As much as there is and fits: sysfs gives a page at a time. */
static ssize_t read_file(const char *folder, const char *name, void *target, size_t size)
{
        char path[PATH_MAX];

        if (text_format(path, sizeof(path), "%s/%s", folder, name) < 0)
                return -ENAMETOOLONG;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return fd < 0 ? -errno : file_read_full(fd, target, size);
}

/* An attribute's first line; "" when there is none. */
static void read_line(const char *folder, const char *name, char *target, size_t size)
{
        ssize_t length = read_file(folder, name, target, size - 1);

        target[length > 0 ? length : 0] = '\0';
        target[strcspn(target, "\n")] = '\0';
}

/* The configuration in which the device is; 0: not configured yet. */
static unsigned read_configuration(const char *folder, const struct usb_place *place)
{
        char text[16];
        unsigned value = 0;

        if (place->configuration >= 0)
                return (unsigned)place->configuration;
        read_line(folder, "bConfigurationValue", text, sizeof(text));
        (void)parse_unsigned(text, 0, UINT8_MAX, &value);
        return value;
}

static int read_device(const char *folder, const struct usb_place *place, struct usb_device *ret_device)
{
        uint8_t descriptors[DESCRIPTORS_MAX];
        ssize_t length = read_file(folder, "descriptors", descriptors, sizeof(descriptors));

        if (length < 0)
                return (int)length;
        int r =
            usb_descriptors_parse(descriptors, (size_t)length, read_configuration(folder, place), ret_device);
        if (r < 0)
                return r;
        read_line(folder, "product", ret_device->model, sizeof(ret_device->model));
        return text_copy(ret_device->path, sizeof(ret_device->path), place->path);
}

/* As the daemon has them; NULL: the built-in ones. */
static struct profile_table *load_profiles(const struct options *options)
{
        struct profile_file_result result;
        struct profile_table *table;
        char own[PATH_MAX];

        if (profile_file_own_folder(options->config, own, sizeof(own)) < 0 ||
            profile_file_load(options->profiles, own, &table, &result) < 0)
                return NULL;
        if (result.refused > 0)
                log_warning("%s; the profile is not used", result.error.message);
        return table;
}

/* The defaults when it cannot be read: then there is no extra name, which is told. NULL: out of memory. */
static struct config *load_config(const char *path, const struct profile_table *profiles)
{
        struct config_file_error error;
        struct config *config = malloc(sizeof(*config));

        if (!config)
                return NULL;
        if (config_file_load(path, config, &error) < 0) {
                log_warning("%s; names of the configuration are not given", error.message);
                config_init(config);
        }
        config->profiles = profiles;
        return config;
}

static int answer(const struct options *options)
{
        const char *devpath = options->devpath;
        char folder[PATH_MAX], text[PORT_ANSWER_MAX];
        struct usb_place place;
        struct usb_device device;

        if (text_starts_with(devpath, "/sys/"))
                devpath += strlen("/sys");
        if (usb_path_find(devpath, &place) < 0)
                return 0; /* not on USB */
        int r = text_format(folder, sizeof(folder), "%s%.*s", options->sysfs, (int)place.length, devpath);
        if (r == 0)
                r = read_device(folder, &place, &device);
        if (r < 0)
                return r;
        _cleanup_free_ struct profile_table *profiles = load_profiles(options);
        _cleanup_free_ struct config *config = load_config(options->config, profiles);
        r = port_answer(&device, place.interface, config, text, sizeof(text));
        if (r < 0)
                return r;
        return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

static int usage(void)
{
        fputs("usage: smswarden-port [--sysfs FOLDER] [--config FILE] [--profiles FOLDER] [DEVPATH]\n"
              "Tells udev what the tty or USB device DEVPATH (default: $DEVPATH) of a modem is.\n",
              stderr);
        return USAGE;
}

static int parse_options(int argc, char **argv, struct options *options)
{
        static const struct option known[] = {{"sysfs", required_argument, NULL, 's'},
                                              {"config", required_argument, NULL, 'c'},
                                              {"profiles", required_argument, NULL, 'p'},
                                              {0}};

        for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
                if (c == 's')
                        options->sysfs = optarg;
                else if (c == 'c')
                        options->config = optarg;
                else if (c == 'p')
                        options->profiles = optarg;
                else
                        return -EINVAL;
        }
        if (optind < argc)
                options->devpath = argv[optind++];
        return optind == argc && options->devpath ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
        struct options options = {.sysfs = "/sys",
                                  .config = CONFIG_FILE_DEFAULT,
                                  .profiles = PROFILES_SHIPPED,
                                  .devpath = getenv("DEVPATH")};

        if (parse_options(argc, argv, &options) < 0)
                return usage();
        int r = answer(&options);
        if (r < 0)
                log_error("smswarden-port: cannot judge %s: %s", options.devpath, strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
