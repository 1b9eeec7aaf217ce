/*
 * smswardend: options, configuration, then the daemon's loop. Exit codes: 0; 64 usage; 77 not root; 78 the
 * configuration cannot be used; 1 something else failed.
 */
#include "daemon.h"

#include "adapters/config_file.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct options {
        const char *config;
        bool check;
        bool verbose;
};

static const char help[] =
    "Usage: smswardend [--config FILE] [--check-config] [--verbose] [--help] [--version]\n"
    "\n"
    "Keeps an SMS gateway (smsd of smstools and its modem) working. Runs in the foreground and logs to the\n"
    "journal or to stderr. TERM ends it and leaves smsd running, HUP reads the configuration again.\n"
    "\n"
    "  --config FILE    the configuration, default " CONFIG_FILE_DEFAULT "\n"
    "  --check-config   read and check the configuration, say what is wrong, do nothing\n"
    "  --verbose        log every event and what was done about it\n"
    "  --help           print this\n"
    "  --version        print the version\n";

/* Returns -1 to go on, or the exit code. */
static int parse_options(int argc, char *argv[], struct options *ret_options)
{
        /* Without the usual file everything has its default; a name that was mistyped is no wish for that. */
        const struct program_option known[] = {
            {.name = "config", .value = &ret_options->config, .must_exist = true},
            {.name = "check-config", .given = &ret_options->check},
            {.name = "verbose", .given = &ret_options->verbose},
        };
        const struct program program = {.name = "smswardend",
                                        .version = SMSWARDEN_VERSION,
                                        .help = help,
                                        .options = known,
                                        .n = ARRAY_SIZE(known)};
        const char *word;

        return program_parse(&program, argc, argv, &word);
}

/* Two sections of one name are one receiver: who wrote them sees it here. */
static void print_receivers(const struct config *config)
{
        if (config->n_receivers == 0)
                (void)puts("nobody is told of alerts: there is no [notify NAME]");
        for (unsigned i = 0; i < config->n_receivers; i++) {
                const struct receiver_config *receiver = &config->receivers[i];
                (void)printf("%s%s (%s, %s%s%s)", i == 0 ? "alerts go to " : ", ", receiver->name,
                             receiver->type, severity_to_string(receiver->min_severity),
                             receiver->min_severity == SEVERITY_CRITICAL ? "" : " and above",
                             receiver->match[0] ? ", by match" : "");
        }
        if (config->n_receivers > 0)
                (void)puts("");
}

static int check_config(const char *path)
{
        static struct config config;
        _cleanup_free_ struct profile_table *profiles = NULL;
        struct config_file_error error;

        int r = daemon_read_profiles(path, &profiles, &error);
        if (r >= 0)
                r = config_file_load_with(path, profiles, &config, &error);
        if (r < 0) {
                (void)fprintf(stderr, "smswardend: %s\n", error.message);
                return EX_CONFIG;
        }
        (void)printf("%s: correct\n", path);
        print_receivers(&config);
        return 0;
}

/* Where the last good configuration is kept, when the one that names the folder is refused: as far as that
 * can be read, else where systemd or the default has it. */
static void find_state_dir(const char *path, char folder[CONFIG_PATH_MAX])
{
        const char *given = getenv("STATE_DIRECTORY");
        struct config defaults;

        if (config_file_find_state_dir(path, folder, CONFIG_PATH_MAX) == 0)
                return;
        config_init(&defaults);
        if (!given || text_copy(folder, CONFIG_PATH_MAX, given) < 0)
                (void)text_copy(folder, CONFIG_PATH_MAX, defaults.state_dir);
}

static int load_config(struct daemon *daemon, const char *path)
{
        struct config_file_error error, good_error;
        char folder[CONFIG_PATH_MAX];
        int r = daemon_start_profiles(daemon);

        if (r < 0)
                return -EX_OSERR;
        /* A profile that could not be read is no reason to refuse the configuration that names it. */
        r = config_file_load_with(path, daemon->config_problem[0] ? NULL : daemon->profiles, &daemon->config,
                                  &error);
        daemon->config.profiles = daemon->profiles;
        if (r >= 0)
                return 0;
        log_error("%s", error.message);
        (void)text_copy(daemon->config_problem, sizeof(daemon->config_problem), error.message);
        find_state_dir(path, folder);
        r = config_file_load_good(folder, &daemon->config, &good_error);
        if (r < 0) {
                log_error(
                    "no configuration that worked before can be used (%s): correct the file and start again",
                    good_error.message);
                return -EX_CONFIG;
        }
        log_line(LOG_LEVEL_CRITICAL,
                 "the last good configuration (%s/smswarden.conf.good) is used until the file is corrected",
                 folder);
        daemon->config.profiles = daemon->profiles;
        daemon->config_last_good = true;
        return 0;
}

/* Another account sees no smsd of root's: it would start a second one. */
static int check_account(void)
{
        if (geteuid() == 0)
                return 0;
        log_error(
            "smswardend must be run as root: it has to see and to end smsd, and to open the modem's port");
        return -EX_NOPERM;
}

static void keep_good_config(const struct daemon *daemon)
{
        if (daemon->config_last_good)
                return;
        int r = config_file_save_good(daemon->config.state_dir, daemon->config_path);
        if (r < 0)
                log_warning("the configuration cannot be kept as the last good one in %s: %s",
                            daemon->config.state_dir, strerror(-r));
}

static int run(struct daemon *daemon, const char *path)
{
        int r = check_account();

        daemon->config_path = path;
        if (r >= 0)
                r = load_config(daemon, path);
        if (r < 0)
                return -r;
        r = daemon_start(daemon);
        if (r >= 0) {
                keep_good_config(daemon);
                log_notice("smswardend " SMSWARDEN_VERSION " begins (mode %s)",
                           gateway_mode_to_string(daemon->config.mode));
                daemon_tell_unit_findings(daemon);
                r = sd_event_loop(daemon->event);
        }
        daemon_stop(daemon);
        if (r < 0 && r != -EALREADY)
                log_error("smswardend cannot go on: %s", strerror(-r));
        return r < 0 ? EXIT_FAILURE : r;
}

int main(int argc, char *argv[])
{
        static struct daemon daemon; /* with a value it would be in the program's file, a megabyte of zeros */
        struct options options = {.config = CONFIG_FILE_DEFAULT};
        int code = parse_options(argc, argv, &options);

        if (code >= 0)
                return code;
        daemon.lock_fd = -1;
        daemon.verbose = options.verbose;
        (void)umask(022);
        return options.check ? check_config(options.config) : run(&daemon, options.config);
}
