/*
 * smswarden: what people type. Parses the command line, reads the configuration as far as it needs it (where
 * the controller listens, which smsd.conf), and runs one command.
 */
#include "cli.h"

#include "adapters/config_file.h"
#include "adapters/profile_file.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

void cli_complain(const char *format, ...)
{
        char text[1024];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        (void)fprintf(stderr, "smswarden: %s\n", text);
}

/*
 * A configuration that is wrong, or may not be read by this user, must not keep anybody from looking. The
 * controller goes on with the last good one, so that tells where to find it; it is kept for root alone, and
 * the defaults name the same paths on nearly every box. `status` tells of it.
 */
static const char *load_substitute(struct cli *cli)
{
        struct config_file_error error;
        char folder[CONFIG_PATH_MAX];

        config_init(&cli->config);
        if (config_file_find_state_dir(cli->options.config, folder, sizeof(folder)) < 0)
                (void)text_copy(folder, sizeof(folder), cli->config.state_dir);
        return config_file_load_good(folder, &cli->config, &error) == 0
                   ? "the last good configuration is used"
                   : "the defaults are used";
}

/* As far as they can be read; the built-in ones else. What is wrong with them, the controller tells. */
static void load_profiles(struct cli *cli)
{
        struct profile_file_result ignored;
        char own[PATH_MAX];

        if (profile_file_own_folder(cli->options.config, own, sizeof(own)) == 0 &&
            profile_file_load(SMSWARDEN_DATADIR "/profiles.d", own, &cli->profiles, &ignored) == 0)
                cli->config.profiles = cli->profiles;
}

static void load_config(struct cli *cli)
{
        struct config_file_error error;
        int r = config_file_load(cli->options.config, &cli->config, &error);

        if (r < 0)
                (void)text_format(cli->config_problem, sizeof(cli->config_problem), "%.200s; %s",
                                  error.message, load_substitute(cli));
        load_profiles(cli);
}

/* Output that could not be written is a failure: `smswarden status > /dev/full`. */
static int finish(int code)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return code;
        cli_complain("cannot write: %s", strerror(errno));
        return code == EXIT_DONE ? EXIT_FAILED : code;
}

static int run(struct cli *cli, cli_command_fn command)
{
        if (cli->options.help) {
                cli_print_help();
                return EXIT_DONE;
        }
        if (cli->options.version) {
                (void)printf("smswarden %s\n", SMSWARDEN_VERSION);
                return EXIT_DONE;
        }
        load_config(cli);
        return command(cli);
}

int main(int argc, char **argv)
{
        _cleanup_free_ struct cli *cli = calloc(1, sizeof(*cli));
        cli_command_fn command = NULL;

        if (!cli) {
                cli_complain("out of memory");
                return EXIT_FAILED;
        }
        if (cli_options_parse(&cli->options, &command, argc, argv) < 0)
                return EXIT_USAGE;
        int code = finish(run(cli, command));
        free(cli->profiles);
        return code;
}
