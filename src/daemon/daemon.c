/*
 * The daemon's life: folders and lock, adapters up, the loop, adapters down. smsd is never touched on the way
 * down.
 */
#include "daemon.h"

#include "adapters/config_file.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* --- folders and lock --- */

/* Makes the folder (its parent exists or is ours to make). */
static int make_folder(const char *path, mode_t mode)
{
        if (mkdir(path, mode) < 0 && errno != EEXIST) {
                int error = -errno;
                log_error("the folder %s cannot be made: %s", path, strerror(-error));
                return error;
        }
        return 0;
}

static int make_folders(const struct daemon *daemon)
{
        char modems[CONFIG_PATH_MAX + 16], quarantine[CONFIG_PATH_MAX + 16];
        int r = make_folder(daemon->config.runtime_dir, 0755);

        /* Everybody may pass to the alerts, which their own rights protect; everything else in it is closed.
         */
        if (r >= 0)
                r = make_folder(daemon->config.state_dir, 0711);
        if (r >= 0 && chmod(daemon->config.state_dir, 0711) < 0)
                log_warning("smswarden-notify may not pass %s: %s", daemon->config.state_dir,
                            strerror(errno));
        (void)text_format(modems, sizeof(modems), "%s/modems", daemon->config.state_dir);
        (void)text_format(quarantine, sizeof(quarantine), "%s/" QUARANTINE_FOLDER, daemon->config.state_dir);
        if (r >= 0)
                r = make_folder(modems, 0700);
        return r < 0 ? r : make_folder(quarantine, 0700);
}

/* One controller per RUNTIME_DIR. The lock dies with us, whatever way we die. */
static int take_lock(struct daemon *daemon)
{
        char path[CONFIG_PATH_MAX + 16];

        (void)text_format(path, sizeof(path), "%s/lock", daemon->config.runtime_dir);
        daemon->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (daemon->lock_fd < 0) {
                int error = -errno;
                log_error("%s cannot be opened: %s", path, strerror(-error));
                return error;
        }
        if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) < 0) {
                log_error("another smswardend controls this gateway already (it holds %s): stop it first",
                          path);
                return -EALREADY;
        }
        return 0;
}

/* --- signals --- */

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct daemon *daemon = userdata;

        (void)source;
        (void)info;
        log_notice("smswardend ends; smsd is left as it is");
        daemon_notify_stopping();
        return sd_event_exit(daemon->event, 0);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        (void)source;
        (void)info;
        (void)daemon_reload(userdata);
        return 0;
}

static int watch_signals(struct daemon *daemon)
{
        sigset_t blocked;

        (void)sigemptyset(&blocked);
        (void)sigaddset(&blocked, SIGTERM);
        (void)sigaddset(&blocked, SIGINT);
        (void)sigaddset(&blocked, SIGHUP);
        (void)sigaddset(&blocked, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
                return -errno;
        (void)signal(SIGPIPE, SIG_IGN);
        int r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_terminate, daemon);
        if (r >= 0)
                r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_terminate, daemon);
        return r < 0 ? r : sd_event_add_signal(daemon->event, NULL, SIGHUP, on_hangup, daemon);
}

/* --- adapters --- */

static int start_processes(struct daemon *daemon)
{
        const struct process_table_options options = {.smsd = daemon->config.smsd,
                                                      .smsd_conf = daemon->config.smsd_conf};
        int r =
            process_table_new(&daemon->processes, daemon->event, &options, &daemon_process_callbacks, daemon);

        if (r < 0)
                log_error("the process table cannot be watched: %s", strerror(-r));
        return r;
}

static int watch_nodes(struct daemon *daemon)
{
        for (unsigned i = 0; i < daemon->config.n_modems; i++) {
                const struct modem_config *modem = &daemon->config.modems[i];
                int r = modem->match == MATCH_DEVICE ? hotplug_watch_node(daemon->hotplug, modem->match_value)
                                                     : 0;
                if (r < 0 && r != -EEXIST) {
                        log_error("the device %s of modem %s cannot be watched: %s", modem->match_value,
                                  modem->name, strerror(-r));
                        return r;
                }
        }
        return 0;
}

static int start_hotplug(struct daemon *daemon)
{
        const struct hotplug_options options = {
            .force_udev = daemon->config.hotplug == HOTPLUG_UDEV,
            .force_sysfs = daemon->config.hotplug == HOTPLUG_SYSFS,
        };
        int r = hotplug_new(&daemon->hotplug, daemon->event, &options, &daemon_hotplug_callbacks, daemon);

        if (r < 0) {
                log_error("USB devices cannot be watched: %s", strerror(-r));
                return r;
        }
        r = watch_nodes(daemon);
        return r < 0 ? r : hotplug_enumerate(daemon->hotplug);
}

static int start_bus(struct daemon *daemon)
{
        char path[CONFIG_PATH_MAX + 16];

        (void)text_format(path, sizeof(path), "%s/bus", daemon->config.runtime_dir);
        int r = control_bus_new(&daemon->bus, daemon->event, path, &daemon_bus_callbacks, daemon);
        if (r < 0) {
                log_error("the control bus %s cannot be opened: %s", path, strerror(-r));
                return r;
        }
        r = daemon->config.system_bus == SYSTEM_BUS_OFF ? 0 : control_bus_join_system(daemon->bus, NULL);
        if (r < 0)
                log_warning("the gateway is not on the system bus: %s", strerror(-r));
        return 0;
}

/* Our own configuration was refused, "" accepted again. */
static void tell_config_problem(struct daemon *daemon, const char *problem)
{
        struct event *event = daemon_enqueue(daemon, EVENT_CONFIG_REFUSED);

        (void)text_copy(event->config_problem, sizeof(event->config_problem), problem);
}

static void set_host(struct daemon *daemon)
{
        char host[256] = "";

        if (gethostname(host, sizeof(host) - 1) == 0)
                gateway_set_host(daemon->gateway, host);
}

/* The first picture: what an earlier life left, smsd.conf, processes, flag, devices - in this order. */
static int begin(struct daemon *daemon)
{
        daemon->gateway = gateway_new(&daemon->config);
        if (!daemon->gateway)
                return -ENOMEM;
        set_host(daemon);
        if (daemon->config_problem[0])
                tell_config_problem(daemon, daemon->config_problem);
        daemon_restore(daemon);
        daemon_start_alerts(daemon);
        daemon_drain(daemon);
        gateway_begin(daemon->gateway, clock_boottime(), &daemon->actions);
        daemon_perform(daemon, &daemon->actions);
        return start_hotplug(daemon);
}

/* Tidies up behind a replacement: an edit that somebody made in the very moment is put back in force, or
 * kept. */
void daemon_recover_conf(struct daemon *daemon)
{
        int r = conf_file_recover(daemon->config.smsd_conf);

        if (r > 0)
                log_warning("somebody edited %s while it was replaced: the edit is in force at the next "
                            "restart, or kept as %s.smswarden-saved",
                            daemon->config.smsd_conf, daemon->config.smsd_conf);
        if (r < 0 && r != -ENOENT && r != -EBUSY)
                log_warning("what was left beside %s cannot be tidied up: %s", daemon->config.smsd_conf,
                            strerror(-r));
}

int daemon_start(struct daemon *daemon)
{
        int r = make_folders(daemon);

        if (r >= 0)
                r = take_lock(daemon);
        if (r >= 0)
                daemon_history_begin(daemon);
        if (r >= 0)
                r = sd_event_new(&daemon->event);
        if (r >= 0)
                r = watch_signals(daemon);
        if (r >= 0)
                r = daemon_queue_init(daemon);
        if (r >= 0)
                r = start_processes(daemon);
        if (r >= 0)
                r = daemon_start_backend(daemon);
        if (r >= 0)
                daemon_start_looks(daemon);
        if (r >= 0)
                r = start_bus(daemon);
        if (r >= 0)
                r = daemon_notify_init(daemon);
        if (r >= 0 && daemon->config.mode == MODE_CONTROL)
                daemon_recover_conf(daemon);
        return r < 0 ? r : begin(daemon);
}

void daemon_stop(struct daemon *daemon)
{
        for (unsigned i = 0; i < MODEM_PORTS; i++)
                daemon->ports[i].port = serial_port_free(daemon->ports[i].port);
        daemon->bus = control_bus_free(daemon->bus);
        daemon->hotplug = hotplug_free(daemon->hotplug);
        daemon->log = file_follow_free(daemon->log);
        daemon_stop_queues(daemon);
        daemon_stop_looks(daemon);
        daemon_stop_alerts(daemon);
        daemon_stop_delivery(daemon);
        daemon_stop_backend(daemon);
        daemon->processes = process_table_free(daemon->processes);
        daemon->gateway = gateway_free(daemon->gateway);
        daemon_history_end(daemon);
        daemon->timer = sd_event_source_unref(daemon->timer);
        daemon->drain = sd_event_source_unref(daemon->drain);
        daemon->event = sd_event_unref(daemon->event);
        daemon_queue_free(daemon);
        daemon->lock_fd = close_fd(daemon->lock_fd);
        free(daemon->profiles);
        daemon->profiles = NULL;
}

/* --- reload --- */

/* What cannot change while we run stays as it was, and is said. */
static void keep_fixed_parts(const struct daemon *daemon, struct config *config)
{
        if (config->control != daemon->config.control || !text_equal(config->unit, daemon->config.unit))
                log_warning("another control or unit takes effect at the next start of smswardend");
        config->control = daemon->config.control;
        (void)text_copy(config->unit, sizeof(config->unit), daemon->config.unit);
        if (!text_equal(config->runtime_dir, daemon->config.runtime_dir) ||
            !text_equal(config->state_dir, daemon->config.state_dir) ||
            !text_equal(config->smsd, daemon->config.smsd) ||
            !text_equal(config->smsd_conf, daemon->config.smsd_conf))
                log_warning("another smsd, smsd_conf, runtime_dir or state_dir takes effect at the next "
                            "start of smswardend");
        (void)text_copy(config->runtime_dir, sizeof(config->runtime_dir), daemon->config.runtime_dir);
        (void)text_copy(config->state_dir, sizeof(config->state_dir), daemon->config.state_dir);
        (void)text_copy(config->smsd, sizeof(config->smsd), daemon->config.smsd);
        (void)text_copy(config->smsd_conf, sizeof(config->smsd_conf), daemon->config.smsd_conf);
}

/* The spool and the watch on the deliveries are made for these. */
static void keep_fixed_alerts(const struct alerts_config *old, struct alerts_config *new)
{
        if (new->spool_files != old->spool_files || new->spool_bytes != old->spool_bytes ||
            !text_equal(new->state_dir, old->state_dir))
                log_warning("another [alerts] spool_files, spool_size or state_dir takes effect at the next "
                            "start of smswardend");
        new->spool_files = old->spool_files;
        new->spool_bytes = old->spool_bytes;
        (void)text_copy(new->state_dir, sizeof(new->state_dir), old->state_dir);
}

static int reload(struct daemon *daemon)
{
        _cleanup_free_ struct config *config = malloc(sizeof(*config));
        struct config_file_error error;

        if (!config)
                return -ENOMEM;
        _cleanup_free_ struct profile_table *profiles = NULL;
        int r = daemon_read_profiles(daemon->config_path, &profiles, &error);
        if (r >= 0)
                r = config_file_load_with(daemon->config_path, profiles, config, &error);
        if (r < 0) {
                log_error("%s; the running configuration stays in force", error.message);
                tell_config_problem(daemon, error.message);
                return r;
        }
        keep_fixed_parts(daemon, config);
        keep_fixed_alerts(&daemon->config.alerts, &config->alerts);
        bool other_profiles = !profile_table_equal(profiles, daemon->profiles);
        config_copy(&daemon->config, config);
        free(daemon->profiles); /* the gateway has its own copy */
        daemon->profiles = profiles;
        profiles = NULL;
        daemon->config_last_good = false;
        tell_config_problem(daemon, "");
        if (daemon->config.mode == MODE_CONTROL)
                daemon_recover_messages(daemon); /* it was observe, perhaps */
        r = watch_nodes(daemon);
        daemon_enqueue(daemon, EVENT_RELOAD)->config = &daemon->config;
        if (r >= 0 && other_profiles)
                r = hotplug_enumerate(daemon->hotplug); /* what was a stranger may be a modem now */
        daemon_reload_alerts(daemon);
        r = config_file_save_good(daemon->config.state_dir, daemon->config_path) < 0 ? -EIO : r;
        log_notice("the configuration was read again");
        return r;
}

int daemon_reload(struct daemon *daemon)
{
        daemon_notify_reloading(daemon);
        int r = reload(daemon);
        daemon_notify_reloaded(daemon);
        return r;
}
