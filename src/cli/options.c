/*
 * The command line. Options may stand before or behind the command; which command takes which option is a
 * table, so that an option that would be ignored is refused instead. A mistake is one line, with what would
 * have been right.
 */
#include "cli.h"

#include "base/parse.h"
#include "base/text.h"
#include "history.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum option_code {
        OPTION_CONFIG = 1,
        OPTION_JSON,
        OPTION_WATCH,
        OPTION_FOR,
        OPTION_REASON,
        OPTION_FORCE,
        OPTION_DIFF,
        OPTION_DRY_RUN,
        OPTION_UNDO,
        OPTION_ROOT,
        OPTION_SINCE,
        OPTION_FOLLOW,
        OPTION_KIND,
        OPTION_OUTGOING,
        OPTION_CHECKED,
        OPTION_FAILED,
        OPTION_QUARANTINE,
        OPTION_STEP
};

#define BIT(option) (1U << (option))

#define ANY_NUMBER 10000 /* of words */

struct command_entry {
        const char *name;
        cli_command_fn function;
        unsigned options;
        unsigned words; /* so many behind it at most */
};

static const struct command_entry commands[] = {
    {"status", command_status, BIT(OPTION_JSON) | BIT(OPTION_WATCH), 0},
    {"stop", command_stop, BIT(OPTION_FOR) | BIT(OPTION_REASON) | BIT(OPTION_FORCE), 0},
    {"start", command_start, BIT(OPTION_REASON) | BIT(OPTION_FORCE), 0},
    {"restart", command_restart, BIT(OPTION_REASON) | BIT(OPTION_FORCE), 0},
    {"reset-modem", command_reset_modem, BIT(OPTION_STEP), 1},
    {"test-alert", command_test_alert, 0, 1},
    {"modems", command_modems, 0, 0},
    {"probe", command_probe, 0, 1},
    {"config", command_config, BIT(OPTION_DIFF), 0},
    {"history", command_history, BIT(OPTION_SINCE) | BIT(OPTION_FOLLOW) | BIT(OPTION_KIND) | BIT(OPTION_JSON),
     0},
    {"explain", command_explain, 0, 1},
    {"migrate", command_migrate, BIT(OPTION_DRY_RUN) | BIT(OPTION_UNDO) | BIT(OPTION_ROOT), 0},
    {"queue", command_queue,
     BIT(OPTION_JSON) | BIT(OPTION_FORCE) | BIT(OPTION_OUTGOING) | BIT(OPTION_CHECKED) | BIT(OPTION_FAILED) |
         BIT(OPTION_QUARANTINE),
     ANY_NUMBER},
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"json", no_argument, NULL, OPTION_JSON},
    {"watch", no_argument, NULL, OPTION_WATCH},
    {"for", required_argument, NULL, OPTION_FOR},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"diff", no_argument, NULL, OPTION_DIFF},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"undo", no_argument, NULL, OPTION_UNDO},
    {"root", required_argument, NULL, OPTION_ROOT},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"follow", no_argument, NULL, OPTION_FOLLOW},
    {"kind", required_argument, NULL, OPTION_KIND},
    {"outgoing", no_argument, NULL, OPTION_OUTGOING},
    {"checked", no_argument, NULL, OPTION_CHECKED},
    {"failed", no_argument, NULL, OPTION_FAILED},
    {"quarantine", no_argument, NULL, OPTION_QUARANTINE},
    {"step", required_argument, NULL, OPTION_STEP},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "smswarden: see and steer the SMS gateway\n"
    "\n"
    "  smswarden [--config FILE] COMMAND\n"
    "\n"
    "  status [--json] [--watch]    can SMS be sent and received, and if not: why, and what to do\n"
    "                               exit 0 working, 1 degraded or recovering, 2 down, 3 held\n"
    "  stop [--for 30min] [--reason TEXT] [--force]\n"
    "                               hold: smsd is stopped and stays so until the hold ends\n"
    "  start, restart [--reason TEXT] [--force]\n"
    "                               start smsd and wait until it is verified; ends a hold\n"
    "                               --force goes past a PIN, identity or SIM guard, once\n"
    "  reset-modem [MODEM] [--step at|smsd|cfun|reset|usb|power]\n"
    "                               one step of the recovery by hand, and wait until the modem is back\n"
    "  test-alert [NAME]            send an alert to see whether it arrives, to all receivers or to one\n"
    "  modems                       what is plugged in, and why it was or was not taken\n"
    "  probe [PORT]                 ask a modem that nobody uses who it is\n"
    "  queue [--outgoing] [--checked] [--failed] [--quarantine] [--json]\n"
    "                               the messages that wait, and those that failed, with the reason\n"
    "  queue requeue --failed | NAME... [--force]\n"
    "                               send failed messages again, each at most 3 times\n"
    "  queue release NAME...        send a message again that was put aside\n"
    "  queue remove NAME...         throw a failed message, or one put aside, away\n"
    "  config [--diff]              the smsd.conf that would be written now\n"
    "  history [--since 24h] [-f] [--kind KIND,...] [--json]\n"
    "                               what happened: incidents, restarts, holds, alerts, SMS; -f follows\n"
    "  explain [ID]                 one incident: what happened, why, and what to do; the last one\n"
    "  migrate [--dry-run] [--undo] [--root DIR]\n"
    "                               switch the old gateway scripts off (or on again): crontab lines,\n"
    "                               timers, services; the scripts become wrappers of smswarden\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "Looking is for everybody, history and explain for root and group adm; stop, start, restart,\n"
    "reset-modem, test-alert and changing the queue are for root.\n";

void cli_print_help(void)
{
        (void)fputs(help, stdout);
}

static const struct command_entry *find_command(const char *name)
{
        for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
                if (text_equal(name, commands[i].name))
                        return &commands[i];
        return NULL;
}

static int take_duration(struct cli_options *options, const char *text)
{
        if (parse_duration(text, &options->duration) == 0 && options->duration > 0 &&
            options->duration != USEC_INFINITY)
                return 0;
        cli_complain("--for takes a length of time such as 45s, 30min or 1h30min");
        return -EINVAL;
}

static int take_topics(struct cli_options *options, const char *text)
{
        if (history_parse_topics(text, &options->topics) == 0)
                return 0;
        cli_complain("--kind takes one or more of " HISTORY_TOPICS);
        return -EINVAL;
}

/* What is left for us to say when getopt found something wrong. */
static int refuse_option(char *const *argv, int code)
{
        char shown[128];
        const char *word = argv[optind - 1];

        (void)text_escape(shown, sizeof(shown), word, strlen(word));
        cli_complain(code == ':' ? "%s needs a value; see smswarden --help"
                                 : "there is no option %s; see smswarden --help",
                     shown);
        return -EINVAL;
}

static int take_option(struct cli_options *options, unsigned *given, int code, char *const *argv)
{
        switch (code) {
        case OPTION_CONFIG:
                options->config = optarg;
                return 0;
        case OPTION_JSON:
                options->json = true;
                break;
        case OPTION_WATCH:
                options->watch = true;
                break;
        case OPTION_FORCE:
                options->force = true;
                break;
        case OPTION_DIFF:
                options->diff = true;
                break;
        case OPTION_DRY_RUN:
                options->dry_run = true;
                break;
        case OPTION_UNDO:
                options->undo = true;
                break;
        case OPTION_ROOT:
                options->root = optarg;
                break;
        case OPTION_SINCE:
                options->since = optarg;
                break;
        case OPTION_KIND:
                *given |= BIT(OPTION_KIND);
                return take_topics(options, optarg);
        case OPTION_FOLLOW:
        case 'f':
                options->follow = true;
                code = OPTION_FOLLOW;
                break;
        case OPTION_OUTGOING:
                options->outgoing = true;
                break;
        case OPTION_CHECKED:
                options->checked = true;
                break;
        case OPTION_FAILED:
                options->failed = true;
                break;
        case OPTION_QUARANTINE:
                options->quarantine = true;
                break;
        case OPTION_REASON:
                options->reason = optarg;
                break;
        case OPTION_STEP:
                options->step = optarg;
                break;
        case OPTION_FOR:
                *given |= BIT(OPTION_FOR);
                return take_duration(options, optarg);
        case 'h':
                options->help = true;
                return 0;
        case 'V':
                options->version = true;
                return 0;
        default:
                return refuse_option(argv, code);
        }
        *given |= BIT(code);
        return 0;
}

static int refuse_word(const char *what, const char *word)
{
        char shown[128];

        (void)text_escape(shown, sizeof(shown), word, strlen(word));
        cli_complain("%s%s; see smswarden --help", what, shown);
        return -EINVAL;
}

static int check_options(const struct command_entry *command, unsigned given)
{
        for (const struct option *option = long_options; option->name; option++)
                if (option->val < 32 && (given & ~command->options & BIT(option->val))) {
                        cli_complain("%s takes no --%s; see smswarden --help", command->name, option->name);
                        return -EINVAL;
                }
        return 0;
}

static int take_words(struct cli_options *options, cli_command_fn *ret_command, unsigned given, int n,
                      char **words)
{
        const struct command_entry *command = n > 0 ? find_command(words[0]) : NULL;

        if (n == 0) {
                cli_complain("what shall be done? see smswarden --help");
                return -EINVAL;
        }
        if (n == 1 && text_equal(words[0], "help")) {
                options->help = true;
                return 0;
        }
        if (!command)
                return refuse_word("there is no command ", words[0]);
        unsigned behind = (unsigned)n - 1;
        if (behind > command->words)
                return refuse_word("there is no place for ", words[1 + command->words]);
        options->command = command->name;
        options->argument = behind > 0 ? words[1] : NULL;
        options->words = words + 1;
        options->n_words = behind;
        *ret_command = command->function;
        return check_options(command, given);
}

int cli_options_parse(struct cli_options *ret_options, cli_command_fn *ret_command, int argc, char **argv)
{
        struct cli_options options = {.config = CONFIG_FILE_DEFAULT};
        unsigned given = 0;
        int code;

        *ret_command = NULL;
        opterr = 0;
        while ((code = getopt_long(argc, argv, ":fhV", long_options, NULL)) >= 0) {
                int r = take_option(&options, &given, code, argv);
                if (r < 0)
                        return r;
        }
        if (!options.help && !options.version) {
                int r = take_words(&options, ret_command, given, argc - optind, argv + optind);
                if (r < 0)
                        return r;
        }
        *ret_options = options;
        return 0;
}
