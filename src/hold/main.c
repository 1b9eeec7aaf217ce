/*
 * smswarden-hold: what must be done about a hold when the daemon cannot do it. Two verbs, for systemd alone:
 * `clear`, before each start of smsd, and `end`, when a hold is over. Both work with the daemon dead, masked
 * or not there, and find nothing to do when it has been quicker. It never decides more than that: no hold is
 * begun here.
 */
#include "hold_program.h"

#include "adapters/config_file.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

static const char help[] =
    "Usage: smswarden-hold [--config FILE] [--manager ADDRESS] clear | end\n"
    "\n"
    "Called by systemd. For people there is smswarden stop and smswarden start.\n"
    "\n"
    "  clear              smsd is about to start: removes the hold and the old scripts' flag\n"
    "  end                a hold may be over: starts smsd if it is, and smswardend has not done it\n"
    "  --config FILE      the configuration, default " CONFIG_FILE_DEFAULT "\n"
    "  --manager ADDRESS  where systemd listens, an address of sd-bus, for tests\n"
    "  --help, --version\n";

/* Whatever is wrong with it, smsd must be able to start. */
static void load_config(const char *path, struct config *config)
{
        enum config_file_taken taken = config_file_load_usable(path, config);

        if (taken != CONFIG_FILE_ITSELF)
                log_warning("%s cannot be used (smswardend --check-config says why): %s", path,
                            taken == CONFIG_FILE_GOOD_COPY ? "the last good configuration is taken"
                                                           : "the defaults are taken");
}

static int run(const char *verb, const struct hold_program *program)
{
        if (text_equal(verb, "clear"))
                return hold_clear(program);
        if (text_equal(verb, "end"))
                return hold_over(program);
        (void)fprintf(stderr, "smswarden-hold: no such verb; see smswarden-hold --help\n");
        return EX_USAGE;
}

int main(int argc, char *argv[])
{
        static struct hold_program hold;
        const char *config = CONFIG_FILE_DEFAULT, *verb;
        const struct program_option known[] = {
            {.name = "config", .value = &config},
            {.name = "manager", .value = &hold.manager},
        };
        const struct program program = {.name = "smswarden-hold",
                                        .version = SMSWARDEN_VERSION,
                                        .help = help,
                                        .options = known,
                                        .n = ARRAY_SIZE(known),
                                        .word = "one verb"};
        int code = program_parse(&program, argc, argv, &verb);

        if (code >= 0)
                return code;
        (void)umask(022);
        load_config(config, &hold.config);
        return run(verb, &hold);
}
