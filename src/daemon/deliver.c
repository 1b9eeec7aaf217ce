/*
 * smswarden-notify's starts. Under systemd it is a unit of its own, with a user and a sandbox of its own;
 * else a child of ours, as that user when there is such an account. It ends by itself when nothing waits; who
 * wants it asks the core, which asks again as long as something waits.
 */
#include "daemon.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#define NOTIFY_UNIT    "smswarden-notify.service"
#define NOTIFY_ACCOUNT "smswarden-notify"
#define NOTIFY_PROGRAM "smswarden-notify"

static void start_child(struct daemon *daemon);

/* Beside us, as in a build folder, or where it was installed. */
static int find_program(char *path, size_t size)
{
        ssize_t n = readlink("/proc/self/exe", path, size - 1);

        if (n > 0) {
                path[n] = '\0';
                char *slash = strrchr(path, '/');
                if (slash && text_format(slash + 1, size - (size_t)(slash + 1 - path), NOTIFY_PROGRAM) == 0 &&
                    access(path, X_OK) == 0)
                        return 0;
        }
        return text_format(path, size, "%s/" NOTIFY_PROGRAM, SMSWARDEN_LIBEXECDIR);
}

/* systemd's StateDirectory= of the unit. A folder that is there is as its administrator wants it. */
static int make_state_dir(const char *path, const struct passwd *account)
{
        if (mkdir(path, 0750) < 0)
                return errno == EEXIST ? 0 : -errno;
        return account && chown(path, account->pw_uid, account->pw_gid) < 0 ? -errno : 0;
}

static void on_child_ended(void *userdata, int status)
{
        struct daemon *daemon = userdata;
        bool again = daemon->delivery.again;

        daemon->delivery.child = helper_child_free(daemon->delivery.child);
        if (status != 0 && status != EX_TEMPFAIL)
                log_warning("smswarden-notify ended with %s %d; it is started again while something waits",
                            status < 0 ? "signal" : "exit code", status < 0 ? -status : status);
        if (again)
                start_child(daemon);
}

static int spawn(struct daemon *daemon)
{
        char program[CONFIG_PATH_MAX];
        const struct passwd *account = geteuid() == 0 ? getpwnam(NOTIFY_ACCOUNT) : NULL;
        int r = make_state_dir(daemon->config.alerts.state_dir, account);

        if (r >= 0)
                r = find_program(program, sizeof(program));
        if (r < 0)
                return r;
        const char *const arguments[] = {program, "--config", daemon->config_path, NULL};
        const struct helper_child_options options = {.arguments = arguments,
                                                     .account = account ? NOTIFY_ACCOUNT : NULL};
        return helper_child_new(&daemon->delivery.child, daemon->event, &options, on_child_ended, daemon);
}

static void start_child(struct daemon *daemon)
{
        daemon->delivery.again = false;
        int r = spawn(daemon);
        if (r < 0 && !daemon->delivery.complained)
                log_error("smswarden-notify cannot be started, no alert is delivered: %s", strerror(-r));
        daemon->delivery.complained = r < 0;
}

void daemon_deliver(struct daemon *daemon)
{
        if (daemon->systemd) {
                (void)smsd_systemd_start_helper(daemon->systemd, NOTIFY_UNIT); /* the name is one */
                return;
        }
        if (daemon->delivery.child)
                daemon->delivery.again = true;
        else
                start_child(daemon);
}

void daemon_reload_delivery(struct daemon *daemon)
{
        if (daemon->systemd)
                (void)smsd_systemd_reload_helper(daemon->systemd, NOTIFY_UNIT);
        else
                helper_child_signal(daemon->delivery.child, SIGHUP);
}

void daemon_stop_delivery(struct daemon *daemon)
{
        daemon->delivery.child = helper_child_free(daemon->delivery.child);
}
