/*
 * smswarden-notify: delivers what lies in the spool of alerts, and ends. Options and configuration here, the
 * rest in engine.c. It needs the network, its own folder and to read the spool; it touches no modem, no smsd
 * and nothing of the controller's. Exit codes: 0; 64 usage; 78 the configuration cannot be used; 75 something
 * came while it was ending, or another one runs: start it again; 1 something else failed.
 */
#include "engine.h"

#include "adapters/config_file.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>

#define FOLDER_MODE 0750

struct options {
        const char *config;
        const char *spool, *state;
};

static const char help[] =
    "Usage: smswarden-notify [--config FILE] [--spool FOLDER] [--state FOLDER] [--help] [--version]\n"
    "\n"
    "Delivers the alerts of smswardend, which starts it, and ends when there are none left. TERM ends it at\n"
    "once and loses nothing, HUP reads the configuration again.\n"
    "\n"
    "  --config FILE    the configuration, default " CONFIG_FILE_DEFAULT "\n"
    "  --spool FOLDER   where the alerts are, default STATE_DIR/alerts\n"
    "  --state FOLDER   its own folder, default state_dir of [alerts]\n"
    "  --help           print this\n"
    "  --version        print the version\n";

/* Returns -1 to go on, or the exit code. */
static int parse_options(int argc, char *argv[], struct options *ret_options)
{
        const struct program_option known[] = {
            {.name = "config", .value = &ret_options->config, .must_exist = true},
            {.name = "spool", .value = &ret_options->spool},
            {.name = "state", .value = &ret_options->state},
        };
        const struct program program = {.name = "smswarden-notify",
                                        .version = SMSWARDEN_VERSION,
                                        .help = help,
                                        .options = known,
                                        .n = ARRAY_SIZE(known)};
        const char *word;

        return program_parse(&program, argc, argv, &word);
}

/* Where our folder is when the configuration that says it is refused. */
static const char *find_state(const struct options *options)
{
        static struct config defaults;
        const char *given = getenv("STATE_DIRECTORY");

        config_init(&defaults);
        if (options->state)
                return options->state;
        return given ? given : defaults.alerts.state_dir;
}

/* That the configuration is refused is a thing to tell people: so we keep a good copy, too, for the
 * controller's is root's alone. */
static int load_config(const struct options *options, struct config *config, bool *ret_good)
{
        struct config_file_error error, good_error;
        const char *folder = find_state(options);

        *ret_good = config_file_load(options->config, config, &error) >= 0;
        if (*ret_good)
                return 0;
        log_error("%s", error.message);
        if (config_file_load_good(folder, config, &good_error) < 0) {
                log_error("no configuration that worked before can be used (%s)", good_error.message);
                return -EX_CONFIG;
        }
        log_warning("the last good configuration (%s/smswarden.conf.good) is used", folder);
        return 0;
}

/* One at a time: two would tell everything twice. The folder itself is the lock. */
static int lock_state(const char *folder)
{
        if (mkdir(folder, FOLDER_MODE) < 0 && errno != EEXIST)
                return -errno;
        _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        int locked = fd;
        fd = -1;
        return locked;
}

static void keep_good_config(const struct options *options, const char *folder)
{
        int r = config_file_save_good(folder, options->config);
        if (r < 0)
                log_warning("the configuration cannot be kept as the last good one in %s: %s", folder,
                            strerror(-r));
}

static int tell_end(int end)
{
        switch (end) {
        case ENGINE_DONE:
                return EXIT_SUCCESS;
        case ENGINE_AGAIN:
                return EX_TEMPFAIL;
        default:
                log_error("smswarden-notify cannot go on: %s", strerror(-end));
                return EXIT_FAILURE;
        }
}

/* Returns the exit code, or -1 when all is to begin anew. */
static int run(const struct options *options, struct engine *engine, bool good)
{
        _cleanup_close_ int lock = lock_state(engine->state);

        if (lock == -EWOULDBLOCK) {
                log_notice("another smswarden-notify works in %s", engine->state);
                return EX_TEMPFAIL;
        }
        if (lock < 0) {
                log_error("%s cannot be used: %s", engine->state, strerror(-lock));
                return EXIT_FAILURE;
        }
        if (good)
                keep_good_config(options, engine->state);
        int end = engine_run(engine);
        engine_done(engine, end == ENGINE_TERMINATED);
        if (end == ENGINE_TERMINATED)
                _exit(EXIT_SUCCESS); /* at once: what libraries do at an exit is not needed */
        return end == ENGINE_RELOAD ? -1 : tell_end(end);
}

static int serve(const struct options *options)
{
        static struct config config;
        char spool[PATH_MAX];
        bool good;

        if (load_config(options, &config, &good) < 0)
                return EX_CONFIG;
        (void)text_format(spool, sizeof(spool), "%s/alerts", config.state_dir); /* fits: it is bounded */
        struct engine engine = {.config = &config,
                                .spool = options->spool ? options->spool : spool,
                                .state = options->state ? options->state : config.alerts.state_dir};
        return run(options, &engine, good);
}

int main(int argc, char *argv[])
{
        struct options options = {.config = CONFIG_FILE_DEFAULT};
        int code = parse_options(argc, argv, &options);

        if (code >= 0)
                return code;
        (void)umask(027);
        code = serve(&options);
        if (code >= 0)
                return code;
        /* Anew from the very begin: no part of the old configuration can be left over. */
        (void)execv("/proc/self/exe", argv);
        log_error("the configuration cannot be read again: %s", strerror(errno));
        return EX_TEMPFAIL;
}
