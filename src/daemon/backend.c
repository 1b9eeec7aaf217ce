/*
 * How smsd is started and stopped: by systemd, where it is PID 1, or by ourselves. Chosen once, at the start:
 * who is a child of ours, and who is systemd's, cannot change under a running smsd.
 *
 * With systemd this daemon is no subreaper and reaps nobody: smsd's processes are systemd's children. Its
 * adapter has one job at a time; what is wanted meanwhile waits here for its end, so that every action has
 * its answer.
 */
#include "daemon.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "core/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define HOLD_END_UNIT  "smswarden-hold-end.service"
#define HOLD_END_GRACE (10 * USEC_PER_SEC) /* alive, we end the hold ourselves, and first */
#define CGROUP_MAX     4096

/* --- by ourselves --- */

static const char *account(const char *configured)
{
        return text_equal(configured, "auto") ? NULL : configured;
}

static const char *path_or_null(const char *path)
{
        return path[0] ? path : NULL;
}

static int start_child(struct daemon *daemon, struct process_id *ret_id)
{
        const struct smsd_direct_options options = {
            .smsd = daemon->config.smsd,
            .smsd_conf = daemon->config.smsd_conf,
            .pidfile = path_or_null(daemon->files.pidfile),
            .infofile = path_or_null(daemon->files.infofile),
            .output = path_or_null(daemon->files.logfile),
            .user = account(daemon->config.smsd_user),
            .group = account(daemon->config.smsd_group),
        };
        int r = smsd_direct_start(daemon->direct, &options, ret_id);

        return r < 0 ? r : process_table_watch(daemon->processes, *ret_id);
}

/* --- by systemd --- */

static void answer_stop(struct daemon *daemon, int result, const char *problem)
{
        struct event *event = daemon_enqueue(daemon, EVENT_STOP_DONE);

        event->stopped.result = result;
        (void)text_copy(event->stopped.problem, sizeof(event->stopped.problem), problem);
}

static void answer_start(struct daemon *daemon, int result, struct process_id id, const char *problem)
{
        struct event *event = daemon_enqueue(daemon, EVENT_START_DONE);

        event->started.result = result;
        event->started.id = id;
        (void)text_copy(event->started.problem, sizeof(event->started.problem), problem);
}

static void answer_waiting(struct daemon *daemon, int result)
{
        enum unit_request waiting = daemon->unit_waiting;

        daemon->unit_waiting = UNIT_REQUEST_NONE;
        if (waiting == UNIT_REQUEST_STOP)
                answer_stop(daemon, result, "");
        else if (waiting == UNIT_REQUEST_START)
                answer_start(daemon, result, (struct process_id){0}, "");
}

/* Only one can wait: the core wants one thing at a time, and the later one counts. */
static void ask_systemd(struct daemon *daemon, enum unit_request wanted)
{
        int r = wanted == UNIT_REQUEST_STOP ? smsd_systemd_stop(daemon->systemd)
                                            : smsd_systemd_start(daemon->systemd);

        if (r >= 0)
                return;
        answer_waiting(daemon, -ECANCELED);
        daemon->unit_waiting = wanted;
        if (r != -EBUSY)
                answer_waiting(daemon, r);
}

static void ask_what_waits(struct daemon *daemon)
{
        enum unit_request waiting = daemon->unit_waiting;

        daemon->unit_waiting = UNIT_REQUEST_NONE;
        if (waiting != UNIT_REQUEST_NONE)
                ask_systemd(daemon, waiting);
}

static void on_stopped(void *userdata, int result, const char *problem)
{
        answer_stop(userdata, result, problem);
        ask_what_waits(userdata);
}

static void on_started(void *userdata, int result, struct process_id id, const char *problem)
{
        struct daemon *daemon = userdata;

        /* It may have ended already: then the core's own look finds nobody. */
        if (id.pid > 0)
                (void)process_table_watch(daemon->processes, id);
        answer_start(daemon, result, id, problem);
        ask_what_waits(daemon);
}

static void on_unit(void *userdata, const struct unit_state *state)
{
        daemon_enqueue(userdata, EVENT_UNIT)->unit = *state;
}

static void on_ran(void *userdata, unsigned token, int result, const char *problem)
{
        daemon_errand_ran(userdata, token, result, problem);
}

/* systemd ends its unit's processes only; whoever was started by hand lives elsewhere. */
static bool belongs_to_unit(const struct daemon *daemon, pid_t pid)
{
        char path[32], text[CGROUP_MAX], unit[CONFIG_PATH_MAX];
        size_t length = 0;

        (void)text_format(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
        if (file_read_into(path, O_NOFOLLOW, text, sizeof(text), &length) < 0)
                return false;
        cgroup_unit(text, unit, sizeof(unit));
        return text_equal(unit, daemon->config.unit);
}

/* --- both --- */

static bool wants_systemd(const struct config *config)
{
        bool booted = sd_booted() > 0;

        if (config->control == CONTROL_SYSTEMD && !booted)
                log_warning("[gateway] control = systemd, but systemd does not run this machine: smsd can be "
                            "neither started nor stopped; use control = auto");
        return config->control == CONTROL_SYSTEMD || (config->control == CONTROL_AUTO && booted);
}

int daemon_start_backend(struct daemon *daemon)
{
        static const struct smsd_systemd_callbacks callbacks = {
            .stopped = on_stopped, .started = on_started, .unit = on_unit, .ran = on_ran};
        const struct smsd_systemd_options options = {.unit = daemon->config.unit,
                                                     .hold_end_unit = HOLD_END_UNIT};
        int r = wants_systemd(&daemon->config)
                    ? smsd_systemd_new(&daemon->systemd, daemon->event, &options, &callbacks, daemon)
                    : smsd_direct_new(&daemon->direct, daemon->event, daemon_keeps_child, daemon);

        if (r < 0)
                log_error("smsd cannot be controlled: %s%.200s", strerror(-r),
                          r == -EINVAL ? "; see [gateway] unit" : "");
        return r;
}

void daemon_stop_backend(struct daemon *daemon)
{
        daemon->direct = smsd_direct_free(daemon->direct);
        daemon->systemd = smsd_systemd_free(daemon->systemd);
}

/* TERM to the main process lets its handlers finish, by whatever way it comes. */
void daemon_stop_smsd(struct daemon *daemon, struct process_id id)
{
        if (daemon->systemd && belongs_to_unit(daemon, id.pid)) {
                ask_systemd(daemon, UNIT_REQUEST_STOP);
                return;
        }
        int r = process_table_signal(daemon->processes, id, SIGTERM);
        answer_stop(daemon, r == -ESRCH ? 0 : r, "");
}

void daemon_start_smsd(struct daemon *daemon)
{
        struct process_id id = {0};

        if (daemon->systemd) {
                ask_systemd(daemon, UNIT_REQUEST_START);
                return;
        }
        int r = start_child(daemon, &id);
        answer_start(daemon, r < 0 ? r : 0, id, "");
}

void daemon_look_at_unit(struct daemon *daemon)
{
        if (!daemon->systemd || smsd_systemd_look(daemon->systemd) < 0)
                (void)daemon_enqueue(daemon, EVENT_UNIT); /* nothing is known of it */
}

void daemon_time_hold(struct daemon *daemon, const struct hold_record *hold)
{
        usec_t end = usec_add(hold->until, HOLD_END_GRACE);
        int r = daemon->systemd
                    ? smsd_systemd_set_hold_timer(daemon->systemd, usec_sub(end, clock_boottime()))
                    : 0;

        if (r < 0)
                log_warning("systemd is not asked to end the hold in our absence: %s", strerror(-r));
}

void daemon_forget_hold(struct daemon *daemon)
{
        int r = daemon->systemd ? smsd_systemd_clear_hold_timer(daemon->systemd) : 0;

        if (r < 0)
                log_warning("systemd's timer for the hold's end is not removed: %s", strerror(-r));
}
