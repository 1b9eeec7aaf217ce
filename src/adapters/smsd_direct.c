/*
 * Runs smsd without systemd, see adapters/smsd_direct.h. It owns the SIGCHLD source; the processes it starts
 * it owns not.
 *
 * Reaping has one rule: who waits for a child gets its status. The process table waits by pidfd for what it
 * watches; everything else that becomes ours as the subreaper (an event handler whose smsd died) has nobody,
 * and is reaped here.
 */
#include "adapters/smsd_direct.h"

#include "base/child.h"
#include "base/text.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* smsd's own name in Debian, and the group its init script gives it (/etc/default/smstools). */
#define DEFAULT_USER  "smsd"
#define DEFAULT_GROUP "dialout"

#define ERROR_FD 3 /* in the child: tells the parent why exec failed */

struct smsd_direct {
        sd_event_source *child_source;
        smsd_direct_keep_fn keep;
        void *userdata;
};

/* Who smsd will be; empty names: nobody else than we are. */
struct account {
        char user[64];
        char group[64];
        uid_t uid; /* of the files we make for it */
        gid_t gid;
};

/* --- orphans --- */

/*
 * WNOWAIT shows one ended child without taking it. One that is kept hides the others behind it; they wait
 * for the next SIGCHLD, and its own wait follows at once anyway.
 */
static int on_child(sd_event_source *source, const struct signalfd_siginfo *signal_info, void *userdata)
{
        struct smsd_direct *d = userdata;

        (void)source;
        (void)signal_info;
        for (;;) {
                siginfo_t info = {0};
                if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
                        return 0;
                if (d->keep && d->keep(d->userdata, info.si_pid))
                        return 0;
                (void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
        }
}

int smsd_direct_new(struct smsd_direct **ret, sd_event *event, smsd_direct_keep_fn keep, void *userdata)
{
        _cleanup_(smsd_direct_cleanup) struct smsd_direct *d = calloc(1, sizeof(*d));
        sigset_t child;

        if (!d)
                return -ENOMEM;
        d->keep = keep;
        d->userdata = userdata;
        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &child, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                return -errno;
        int r = sd_event_add_signal(event, &d->child_source, SIGCHLD, on_child, d);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(d->child_source, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                return r;
        *ret = d;
        d = NULL;
        return 0;
}

struct smsd_direct *smsd_direct_free(struct smsd_direct *d)
{
        if (!d)
                return NULL;
        (void)sd_event_source_disable_unref(d->child_source);
        free(d);
        return NULL;
}

/* --- account and files --- */

static int choose_group(const struct smsd_direct_options *options, struct account *account)
{
        const char *name = options->group ? options->group : DEFAULT_GROUP;

        if (account->user[0] == '\0' || name[0] == '\0')
                return 0;
        if (!getgrnam(name))
                return options->group ? -ESRCH : 0;
        return text_copy(account->group, sizeof(account->group), name);
}

static int choose_account(const struct smsd_direct_options *options, struct account *ret_account)
{
        struct account account = {.uid = geteuid(), .gid = getegid()};
        const char *name = options->user ? options->user : geteuid() == 0 ? DEFAULT_USER : "";
        const struct passwd *entry = name[0] ? getpwnam(name) : NULL;

        if (name[0] && !entry && options->user)
                return -ESRCH;
        if (entry) {
                int r = text_copy(account.user, sizeof(account.user), name);
                if (r < 0)
                        return r;
                account.uid = entry->pw_uid;
                account.gid = entry->pw_gid;
        }
        int r = choose_group(options, &account);
        if (r < 0)
                return r;
        *ret_account = account;
        return 0;
}

/* The folder of `path` in `folder`, when it is one that a reboot takes away: directly below /run or /var/run.
 */
static bool runtime_folder(const char *path, char *folder, size_t size)
{
        static const char *const roots[] = {"/run/", "/var/run/"};

        for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
                size_t root = strlen(roots[i]);
                const char *slash = text_starts_with(path, roots[i]) ? strchr(path + root, '/') : NULL;
                if (!slash || slash == path + root || strchr(slash + 1, '/') || path[root] == '.')
                        continue;
                return text_copy_n(folder, size, path, (size_t)(slash - path)) == 0;
        }
        return false;
}

/* An existing folder is left as it is: its owner and mode are the administrator's choice. */
static int make_runtime_folder(const char *path, const struct account *account)
{
        char folder[256];

        if (!path || !runtime_folder(path, folder, sizeof(folder)))
                return 0;
        if (mkdir(folder, 0755) < 0)
                return errno == EEXIST ? 0 : -errno;
        _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* The mode after the owner: chown clears set-group-id. */
        if (fd < 0 || fchown(fd, account->uid, account->gid) < 0 || fchmod(fd, 02755) < 0)
                return -errno;
        return 0;
}

/*
 * The log folder belongs to smsd's account, and we may be root: no link is followed, nothing but a regular
 * file with one name is appended to. A new file is smsd's, or it could not open its own log.
 */
static int open_output(const char *path, const struct account *account)
{
        const int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        struct stat file;

        _cleanup_close_ int fd = open(path, flags | O_CREAT | O_EXCL, 0640);
        if (fd >= 0 && fchown(fd, account->uid, account->gid) < 0)
                return -errno;
        if (fd < 0 && errno == EEXIST)
                fd = open(path, flags);
        if (fd < 0 || fstat(fd, &file) < 0)
                return -errno;
        if (!text_equal(path, "/dev/null") && (!S_ISREG(file.st_mode) || file.st_nlink > 1))
                return -EPERM;
        int result = fd;
        fd = -1;
        return result;
}

/* --- the child --- */

/* Nothing of how the daemon runs may be inherited but the environment, and of that not what systemd said
 * to the daemon alone. */
static void reset_process(void)
{
        child_reset_signals();
        child_reset_environment();
        (void)umask(022);
        /* Raising our own score to normal is always allowed; without /proc there is nothing to reset. */
        _cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        ssize_t written _unused_ = fd >= 0 ? write(fd, "0", 1) : 0;
}

/* Puts the descriptors in place. dup2 onto itself would keep close-on-exec, and a wanted number may be in
 * use: first all go out of the way. */
static int place_descriptors(int output, int error)
{
        int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int high_input = fcntl(input, F_DUPFD_CLOEXEC, ERROR_FD + 1);
        int high_output = fcntl(output, F_DUPFD_CLOEXEC, ERROR_FD + 1);
        int high_error = fcntl(error, F_DUPFD_CLOEXEC, ERROR_FD + 1);

        if (high_input < 0 || high_output < 0 || high_error < 0)
                return -errno;
        if (dup2(high_input, STDIN_FILENO) < 0 || dup2(high_output, STDOUT_FILENO) < 0 ||
            dup2(high_output, STDERR_FILENO) < 0 || dup3(high_error, ERROR_FD, O_CLOEXEC) < 0)
                return -errno;
        child_close_from(ERROR_FD + 1);
        return 0;
}

struct command {
        const char *const *arguments;
        int output;
};

static int run_child(const void *what, int *error)
{
        const struct command *command = what;
        int r = place_descriptors(command->output, *error);

        if (r < 0)
                return r;
        *error = ERROR_FD;
        reset_process();
        if (setsid() < 0 || chdir("/") < 0)
                return -errno;
        (void)execv(command->arguments[0], (char *const *)command->arguments);
        return -errno;
}

/* --- start --- */

static int read_identity(pid_t pid, struct process_id *ret_id)
{
        char path[32], text[1024];
        struct process_stat stat;

        (void)text_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';
        int r = process_stat_parse(text, &stat);
        if (r < 0)
                return r;
        *ret_id = (struct process_id){.pid = pid, .start_time = stat.start_time};
        return 0;
}

static int spawn(const char *const *arguments, int output, struct process_id *ret_id)
{
        const struct command command = {.arguments = arguments, .output = output};
        pid_t pid;
        int r = child_start(run_child, &command, &pid);

        /* Even if it has ended since: nobody else reaps it, so its pid and /proc entry stay. */
        return r < 0 ? r : read_identity(pid, ret_id);
}

/* argv of smsd; room for the binary, -t, five options with a value, and the end. */
struct arguments {
        const char *list[13];
        size_t n;
};

static void add_option(struct arguments *arguments, const char *option, const char *value)
{
        if (!value || value[0] == '\0')
                return;
        arguments->list[arguments->n++] = option;
        arguments->list[arguments->n++] = value;
}

static int prepare_folders(const struct smsd_direct_options *options, const struct account *account)
{
        int r = make_runtime_folder(options->pidfile, account);

        return r < 0 ? r : make_runtime_folder(options->infofile, account);
}

int smsd_direct_start(struct smsd_direct *d, const struct smsd_direct_options *options,
                      struct process_id *ret_id)
{
        struct arguments arguments = {.list = {options->smsd, "-t"}, .n = 2};
        struct account account;

        /* Without it nobody would be the subreaper. */
        if (!d)
                return -EINVAL;
        int r = choose_account(options, &account);
        if (r == 0)
                r = prepare_folders(options, &account);
        if (r < 0)
                return r;
        _cleanup_close_ int output = open_output(options->output ? options->output : "/dev/null", &account);
        if (output < 0)
                return output;
        add_option(&arguments, "-c", options->smsd_conf);
        add_option(&arguments, "-p", options->pidfile);
        add_option(&arguments, "-i", options->infofile);
        add_option(&arguments, "-u", account.user);
        add_option(&arguments, "-g", account.group);
        return spawn(arguments.list, output, ret_id);
}
