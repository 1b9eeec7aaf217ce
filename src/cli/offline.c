/*
 * The state of the gateway without a controller: what /proc, smsd.conf, stats/status and the hold file show.
 * The same rooms of the core judge processes and files here as in the daemon. What only a controller can know
 * (which modem is which, what the SIM says) stays null, and the verdict is never better than degraded: nobody
 * would restart smsd.
 */
#include "cli.h"
#include "collect.h"

#include "adapters/hold_store.h"
#include "adapters/process_table.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/smsd_state.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#define STATUS_SIZE_MAX 16384

struct sight {
        const struct config *config;
        const struct smsd_conf *conf; /* NULL: unreadable */
        const char *cause;
        struct smsd_state *smsd;
        usec_t now;              /* CLOCK_BOOTTIME */
        int64_t realtime_offset; /* wall clock - now */
        unsigned served;         /* modems of smsd.conf whose device a living handler has open */
};

/* --- looking --- */

static int scan_processes(struct sight *sight)
{
        _cleanup_(process_table_cleanup) struct process_table *table = NULL;
        char pidfile[CONFIG_PATH_MAX] = "/var/run/smstools/smsd.pid";
        static const struct process_table_callbacks no_callbacks;
        sd_event *event = NULL;

        if (sight->conf)
                conf_path(sight->conf, "pidfile", pidfile, pidfile, sizeof(pidfile));
        const struct process_table_options options = {.smsd = sight->config->smsd,
                                                      .smsd_conf = sight->config->smsd_conf,
                                                      .pidfile = pidfile,
                                                      .by_name = geteuid() != 0};
        int r = sd_event_new(&event);
        if (r >= 0)
                r = process_table_new(&table, event, &options, &no_callbacks, NULL);
        if (r >= 0)
                r = process_table_scan(table);
        if (r >= 0)
                (void)smsd_state_scan(sight->smsd, process_table_list(table), false, sight->now);
        event = sd_event_unref(event);
        return r;
}

static void read_status(struct sight *sight)
{
        char folder[CONFIG_PATH_MAX], path[CONFIG_PATH_MAX + 8], text[STATUS_SIZE_MAX];
        _cleanup_free_ struct smsd_status *status = calloc(1, sizeof(*status));
        size_t length;

        conf_path(sight->conf, "stats", "", folder, sizeof(folder));
        (void)text_format(path, sizeof(path), "%s/status", folder);
        if (!status || folder[0] == '\0' || file_read_into(path, O_NOFOLLOW, text, sizeof(text), &length) < 0)
                return;
        (void)smsd_status_parse(text, length, status);
        smsd_state_status(sight->smsd, status, sight->now);
}

/* --- the facts --- */

/* What a handler has open is the end of the links that smsd.conf may name. */
static bool same_node(const char *device, const char *tty)
{
        _cleanup_free_ char *target = realpath(device, NULL);

        return tty[0] && text_equal(target ? target : device, tty);
}

static const struct smsd_handler *find_handler(const struct smsd_state *smsd, const char *device)
{
        for (unsigned i = 0; i < smsd->n_handlers; i++)
                if (same_node(device, smsd->handlers[i].tty))
                        return &smsd->handlers[i];
        return NULL;
}

static void fill_handler(struct sight *sight, const char *name, const struct smsd_handler *handler,
                         struct snapshot *s)
{
        const struct smsd_status_modem *status =
            sight->smsd->status_known ? smsd_status_find(&sight->smsd->status, name) : NULL;
        struct snapshot_handler *to = &s->smsd.handlers[s->smsd.n_handlers++];

        (void)text_copy(to->modem, sizeof(to->modem), name);
        to->pid = handler->id.pid;
        (void)text_escape(to->device, sizeof(to->device), handler->tty, strlen(handler->tty));
        if (handler->tty_deleted)
                (void)text_append(to->device, sizeof(to->device), " (deleted)");
        if (status)
                (void)text_copy(to->state, sizeof(to->state), handler_state_to_string(status->state));
}

/* Its handler works: what it says of itself counts. */
static void fill_served(struct sight *sight, const char *name, struct snapshot_modem *to, struct snapshot *s)
{
        const struct smsd_status_modem *status =
            sight->smsd->status_known ? smsd_status_find(&sight->smsd->status, name) : NULL;
        bool blocked = status && (status->state == HANDLER_BLOCKED || status->state == HANDLER_TROUBLE);

        (void)text_copy(to->state, sizeof(to->state), "ready");
        to->signal_dbm = status ? status->signal_dbm : 0;
        sight->served++;
        s->can_receive = true;
        s->can_send |= !blocked;
}

static void fill_modem(struct sight *sight, const char *name, struct snapshot *s)
{
        struct snapshot_modem *to = &s->modems[s->n_modems++];
        char device[DEVICE_NODE_MAX] = "";

        (void)text_escape(to->name, sizeof(to->name), name, strlen(name));
        to->interface = to->storage_used = to->storage_total = -1;
        to->recovery.resets_left_hour = to->recovery.resets_left_day = -1;
        if (smsd_conf_get(sight->conf, name, "device", device, sizeof(device)) == 0)
                (void)text_escape(to->device, sizeof(to->device), device, strlen(device));
        if (device[0] == '/' && access(device, F_OK) < 0)
                (void)text_copy(to->state, sizeof(to->state), "absent");
        const struct smsd_handler *handler = find_handler(sight->smsd, device);
        if (!handler)
                return;
        fill_handler(sight, to->name, handler, s);
        if (!handler->tty_deleted)
                fill_served(sight, name, to, s);
}

static void fill_modems(struct sight *sight, struct snapshot *s)
{
        char names[SMSD_MODEMS_MAX][SMSD_MODEM_NAME_MAX];
        int n = smsd_conf_modems(sight->conf, names, SMSD_MODEMS_MAX);

        for (int i = 0; i < n; i++)
                fill_modem(sight, names[i], s);
}

/* Handlers that serve none of the modems' devices: on a dead tty, or waiting for one. */
static void fill_other_handlers(struct sight *sight, struct snapshot *s)
{
        for (unsigned i = 0; i < sight->smsd->n_handlers; i++) {
                bool known = false;
                for (unsigned k = 0; k < s->smsd.n_handlers; k++)
                        known |= s->smsd.handlers[k].pid == sight->smsd->handlers[i].id.pid;
                if (!known && s->smsd.n_handlers < SMSD_MODEMS_MAX)
                        fill_handler(sight, "", &sight->smsd->handlers[i], s);
        }
}

static void fill_smsd(struct sight *sight, struct snapshot *s)
{
        const struct smsd_state *smsd = sight->smsd;
        long ticks = sysconf(_SC_CLK_TCK);

        s->smsd.running = smsd->running;
        (void)text_copy(s->smsd.unit.name, sizeof(s->smsd.unit.name), sight->config->unit);
        if (!smsd->running)
                return;
        s->smsd.pid = smsd->main.pid;
        if (ticks > 0)
                s->smsd.since = (snapshot_time_t)(smsd->main.start_time * USEC_PER_SEC / (usec_t)ticks) +
                                sight->realtime_offset;
}

static void fill_hold(struct sight *sight, struct snapshot *s)
{
        struct hold_record record;

        if (hold_store_read(sight->config->runtime_dir, &record) != 0 || record.until <= sight->now)
                return;
        s->hold.active = true;
        (void)text_copy(s->hold.by, sizeof(s->hold.by), record.by);
        (void)text_copy(s->hold.reason, sizeof(s->hold.reason), record.reason);
        (void)text_copy(s->hold.source, sizeof(s->hold.source), hold_source_to_string(record.source));
        s->hold.since = (snapshot_time_t)record.since + sight->realtime_offset;
        s->hold.until = (snapshot_time_t)record.until + sight->realtime_offset;
}

/* --- the verdict --- */

static void advise(const struct sight *sight, const char *first, struct snapshot *s)
{
        (void)text_format(s->next_action, sizeof(s->next_action),
                          "%s%s; to get SMS flowing without it: `systemctl restart %.100s`", first,
                          collect_start_hint(), sight->config->unit);
}

static void judge_held(const struct sight *sight, struct snapshot *s)
{
        int64_t left = s->hold.until - (snapshot_time_t)sight->now - sight->realtime_offset;
        char text[32];

        format_duration(text, sizeof(text), left > 0 ? (usec_t)left : 0);
        s->verdict = VERDICT_HELD;
        (void)text_format(s->reason, sizeof(s->reason), "%s; %s holds smsd (%.100s) for another %s",
                          sight->cause, s->hold.by, s->hold.reason[0] ? s->hold.reason : "no reason given",
                          text);
        advise(sight, "", s);
}

static void judge_running(const struct sight *sight, struct snapshot *s)
{
        /* The ports of another account's processes are not shown to ordinary users. */
        bool blind = geteuid() != 0 || s->n_modems == 0;
        bool dead = !blind && sight->served == 0;
        const char *what = blind                          ? "; what it serves is shown to root only"
                           : sight->served == s->n_modems ? " and has its modem open"
                           : dead                         ? ", but has no modem open"
                                                          : ", but not every modem is served";

        s->verdict = dead ? VERDICT_DOWN : VERDICT_DEGRADED;
        (void)text_format(s->reason, sizeof(s->reason), "%s; smsd runs%s", sight->cause, what);
        if (dead)
                advise(sight, "check that the modem is plugged in; ", s);
        else
                (void)text_copy(s->next_action, sizeof(s->next_action), collect_start_hint());
}

static void judge(const struct sight *sight, struct snapshot *s)
{
        if (s->smsd.running) {
                judge_running(sight, s);
                return;
        }
        if (s->hold.active) {
                judge_held(sight, s);
                return;
        }
        s->verdict = VERDICT_DOWN;
        (void)text_format(s->reason, sizeof(s->reason), "%s, and smsd does not run", sight->cause);
        advise(sight, "", s);
}

void offline_snapshot(const struct config *config, const struct smsd_conf *conf, const char *cause,
                      struct snapshot *ret_snapshot)
{
        _cleanup_free_ struct smsd_state *smsd = calloc(1, sizeof(*smsd));
        struct sight sight = {.config = config, .conf = conf, .cause = cause, .smsd = smsd};

        snapshot_init(ret_snapshot);
        ret_snapshot->restarts.last.ms = ret_snapshot->alerts.waiting = ret_snapshot->alerts.delivered = -1;
        (void)text_copy(ret_snapshot->reason, sizeof(ret_snapshot->reason), cause);
        if (!smsd)
                return;
        smsd_state_init(smsd);
        sight.now = clock_boottime();
        sight.realtime_offset = clock_realtime() - (int64_t)sight.now;
        (void)scan_processes(&sight); /* what could not be seen does not run, as far as anybody can tell */
        if (conf && smsd->running)
                read_status(&sight);
        fill_smsd(&sight, ret_snapshot);
        fill_hold(&sight, ret_snapshot);
        if (conf)
                fill_modems(&sight, ret_snapshot);
        fill_other_handlers(&sight, ret_snapshot);
        judge(&sight, ret_snapshot);
}
