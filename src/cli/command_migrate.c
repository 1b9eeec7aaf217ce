/*
 * `smswarden migrate [--dry-run] [--undo]`: switches the old scripts off, or on again. Says what it found and
 * what becomes of it; changes nothing that it cannot take back.
 */
#include "cli.h"
#include "collect.h"
#include "migrate.h"

#include "adapters/systemd_manager.h"

#include <string.h>
#include <unistd.h>

static const char *plural(unsigned n)
{
        return n == 1 ? "" : "s";
}

static int conclude(const struct migration *migration)
{
        if (migration->changes == 0 && migration->problems == 0)
                (void)printf("Nothing of the old scripts is left to switch off.\n");
        else if (migration->dry_run)
                (void)printf("\n%u change%s would be made; nothing was.\n", migration->changes,
                             plural(migration->changes));
        else
                (void)printf("\n%u change%s made. All of it is taken back by: smswarden migrate --undo\n",
                             migration->changes, plural(migration->changes));
        if (migration->secrets > 0)
                (void)printf("Change the passwords that lay in the scripts: they were readable for long.\n");
        if (migration->problems > 0)
                cli_complain("%u thing%s could not be done, see above", migration->problems,
                             plural(migration->problems));
        return migration->problems > 0 ? EXIT_FAILED : EXIT_DONE;
}

/* With the old scripts off nobody restarts smsd but the controller: it had better be there. */
static void tell_of_controller(const struct cli *cli, const struct migration *migration)
{
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;

        if (migration->root[0] != '\0')
                return;
        if (collect_connect(&client, &cli->config) < 0)
                (void)printf("smswardend does not run, and nobody else watches smsd then: %s\n",
                             collect_start_hint());
        else if (cli->config.mode == MODE_OBSERVE)
                (void)printf("smswardend only looks (mode = observe in %s): set mode = control there, then "
                             "`systemctl reload smswardend`\n",
                             cli->options.config);
}

static int undo(struct migration *migration)
{
        if (migration->manifest[0] == '\0') {
                (void)printf("There is nothing to take back.\n");
                return EXIT_DONE;
        }
        int r = migrate_store_undo(migration);
        if (r < 0) {
                cli_complain("%s cannot be written: %s", migration->store, strerror(-r));
                return EXIT_FAILED;
        }
        (void)printf("%u file%s %s as before.\n", migration->changes, plural(migration->changes),
                     migration->changes == 1 ? "is" : "are");
        return migration->problems > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int migrate(const struct cli *cli, struct migration *migration)
{
        /* Those that start others first, so that nothing runs a script that is a wrapper already. */
        migrate_units(migration);
        migrate_line_files(migration);
        migrate_scripts(migration);
        tell_of_controller(cli, migration);
        return conclude(migration);
}

static void forget(struct migration *migration)
{
        migration->manager = systemd_manager_free(migration->manager);
        free(migration->manifest);
        free(migration->scripts);
}

int command_migrate(struct cli *cli)
{
        struct migration migration = {.root = cli->options.root ? cli->options.root : "",
                                      .dry_run = cli->options.dry_run};

        if (geteuid() != 0) {
                cli_complain("migrate reads and changes other people's files: run it as root");
                return EXIT_NO_PERMISSION;
        }
        int r = migrate_store_open(&migration, cli->config.state_dir);
        if (r < 0) {
                cli_complain("%s cannot be used: %s", migration.store, strerror(-r));
                forget(&migration);
                return EXIT_FAILED;
        }
        int code = cli->options.undo ? undo(&migration) : migrate(cli, &migration);
        forget(&migration);
        return code;
}
