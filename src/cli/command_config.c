/*
 * `smswarden config [--diff]`: the smsd.conf that would be written now. The controller says which modem sits
 * in which slot, the edit is that of the core; nothing is written.
 */
#include "cli.h"
#include "collect.h"
#include "diff.h"
#include "plugged.h"

#include "adapters/conf_file.h"
#include "base/text.h"
#include "core/conf_plan.h"

#include <string.h>

/* What the plan is made from: the daemon's picture, as far as a snapshot holds it. */
struct picture {
        struct slots slots;
        struct modem modems[MODEMS_MAX > SMSD_MODEMS_MAX ? MODEMS_MAX : SMSD_MODEMS_MAX];
};

static bool is_usable(const struct snapshot_modem *modem)
{
        return modem->device[0] &&
               (text_equal(modem->state, "ready") || text_equal(modem->state, "degraded"));
}

static const struct profile *find_profile(const struct cli *cli, const struct slot *slot, const char *usb,
                                          const struct plugged *plugged)
{
        const struct plugged_device *device = plugged_find(plugged, usb);

        if (!text_equal(slot->config.profile, "auto"))
                return profile_by_name(cli->config.profiles, slot->config.profile);
        return device ? device->profile : NULL;
}

static void bind_slot(const struct cli *cli, struct picture *picture, unsigned i,
                      const struct snapshot_modem *from, const struct plugged *plugged)
{
        struct slot *slot = slots_find(&picture->slots, from->name);
        struct modem *modem = &picture->modems[i];

        modem_init(modem);
        if (!slot || !from->device[0])
                return;
        modem->state = is_usable(from) ? MODEM_READY : MODEM_SETTLING;
        (void)text_copy(modem->node, sizeof(modem->node), from->device);
        (void)sim_state_from_string(from->sim, &modem->facts.sim); /* else it stays unknown */
        modem->profile = find_profile(cli, slot, from->usb, plugged);
        slot->modem = (int)i;
}

static int make_picture(const struct cli *cli, const struct smsd_conf *conf, const struct snapshot *snapshot,
                        struct picture *picture)
{
        _cleanup_free_ struct plugged *plugged = calloc(1, sizeof(*plugged));
        char names[SMSD_MODEMS_MAX][SMSD_MODEM_NAME_MAX];
        int n = smsd_conf_modems(conf, names, SMSD_MODEMS_MAX);

        if (!plugged)
                return -ENOMEM;
        if (n < 0)
                return n;
        (void)plugged_look(&cli->config, plugged); /* only profiles come from it */
        int r = slots_configure(&picture->slots, &cli->config, names, (unsigned)n);
        if (r < 0)
                return r;
        conf_plan_learn(conf, &picture->slots);
        for (unsigned i = 0; i < snapshot->n_modems; i++)
                bind_slot(cli, picture, i, &snapshot->modems[i], plugged);
        return 0;
}

static int print_wanted(const struct cli *cli, const struct smsd_conf *conf, const char *text, size_t length)
{
        const struct diff_side old = {
            .name = cli->config.smsd_conf, .text = conf->text, .length = conf->length};
        const struct diff_side new = {
            .name = "the one that would be written", .text = text, .length = length};

        if (cli->options.diff)
                return diff_print(stdout, &old, &new) < 0 ? EXIT_FAILED : EXIT_DONE;
        (void)fwrite(text, 1, length, stdout); /* main looks whether it could be written */
        return EXIT_DONE;
}

static int plan_text(const struct cli *cli, const struct smsd_conf *conf, const struct snapshot *snapshot,
                     char **ret_text, size_t *ret_length, struct smsd_conf_error *ret_error)
{
        _cleanup_free_ struct picture *picture = calloc(1, sizeof(*picture));

        int r = picture ? smsd_conf_check(conf, ret_error) : -ENOMEM;
        if (r >= 0)
                r = make_picture(cli, conf, snapshot, picture);
        return r < 0
                   ? r
                   : conf_plan_edit(conf, &picture->slots, picture->modems, ret_text, ret_length, ret_error);
}

static int plan(const struct cli *cli, const struct smsd_conf *conf, const struct snapshot *snapshot)
{
        struct smsd_conf_error error = {.message = "out of memory"};
        size_t length = 0;
        char *text = NULL;

        int r = plan_text(cli, conf, snapshot, &text, &length, &error);
        if (r < 0) {
                cli_complain("config: %s would not be written: line %u: %s", cli->config.smsd_conf,
                             error.line, error.message);
                return EXIT_FAILED;
        }
        int code =
            r > 0 ? print_wanted(cli, conf, text, length) : print_wanted(cli, conf, conf->text, conf->length);
        free(text);
        return code;
}

static int ask(const struct cli *cli, struct snapshot *ret_snapshot)
{
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        int r = collect_connect(&client, &cli->config);

        return r < 0 ? r : control_client_snapshot(client, COLLECT_TIMEOUT, ret_snapshot);
}

static int read_and_plan(const struct cli *cli, const struct snapshot *snapshot)
{
        struct smsd_conf conf = {0};
        struct conf_file_id id;
        char *text;

        int r = conf_file_read(cli->config.smsd_conf, &text, &conf.length, &id);
        if (r < 0) {
                cli_complain("config: cannot read %s: %s", cli->config.smsd_conf, strerror(-r));
                return r == -EACCES ? EXIT_NO_PERMISSION : EXIT_FAILED;
        }
        conf.text = text;
        r = plan(cli, &conf, snapshot);
        free(text);
        return r;
}

int command_config(struct cli *cli)
{
        _cleanup_free_ struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

        int r = snapshot ? ask(cli, snapshot) : -ENOMEM;
        if (r >= 0)
                return read_and_plan(cli, snapshot);
        cli_complain("config: %s, and it is the one who knows the modems; %s", collect_error_to_string(r),
                     collect_start_hint());
        return EXIT_FAILED;
}
