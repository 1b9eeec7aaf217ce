/*
 * The CLI: one command per run. Commands take the parsed options and the configuration and return the exit
 * code; whatever goes wrong is told in one line on stderr.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/cleanup.h"
#include "base/usec.h"
#include "core/config.h"

#include <stdbool.h>

/* Beside those of `status`: 0 working, 1 degraded or recovering, 2 down, 3 held. */
enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 64, EXIT_NO_PERMISSION = 77 };

struct cli_options {
        const char *config;
        const char *command;
        bool json, watch, diff, force, dry_run, undo, follow, help, version;
        bool outgoing, checked, failed, quarantine; /* queue: which folders */
        usec_t duration;                            /* 0: not given */
        const char *reason;                         /* NULL: not given */
        const char *step;                           /* of reset-modem; NULL: not given */
        const char *argument; /* of reset-modem (MODEM), probe (PORT), explain (ID), test-alert (NAME); NULL:
                                 not given */
        char *const *words;   /* behind the command; `argument` is the first */
        unsigned n_words;
        const char *since; /* NULL: not given */
        unsigned topics;   /* of history; 0: all */
        const char *root;  /* NULL: this system */
};

struct cli {
        struct cli_options options;
        struct config config;
        struct profile_table *profiles; /* what config.profiles is */
        char config_problem[320];       /* why the file is not used, and what is instead; "" fine */
};

typedef int (*cli_command_fn)(struct cli *cli);

/* options.c: 0, or -EINVAL when the one line was printed. ret_command is NULL for --help and --version. */
int cli_options_parse(struct cli_options *ret_options, cli_command_fn *ret_command, int argc, char **argv);
void cli_print_help(void);

int command_status(struct cli *cli);
int command_stop(struct cli *cli);
int command_start(struct cli *cli);
int command_restart(struct cli *cli);
int command_reset_modem(struct cli *cli);
int command_test_alert(struct cli *cli);
int command_modems(struct cli *cli);
int command_probe(struct cli *cli);
int command_config(struct cli *cli);
int command_migrate(struct cli *cli);
int command_history(struct cli *cli);
int command_explain(struct cli *cli);

/* Says why the history cannot be read; returns the exit code. */
int history_failed(const struct cli *cli, int error);
int command_queue(struct cli *cli);

/* "smswarden: ..." as one line on stderr. */
void cli_complain(const char *format, ...) _printf_(1, 2);

#endif
