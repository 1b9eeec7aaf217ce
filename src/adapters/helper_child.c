/*
 * A program of ours as a child, see adapters/helper_child.h. It owns the child's pid and its event source.
 *
 * We have threads: between fork and exec nothing is called that could wait for a lock that another thread
 * held in the moment of the fork. So the account is looked up before.
 */
#include "adapters/helper_child.h"

#include "base/child.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define GROUPS_MAX 32

struct helper_child {
        pid_t pid; /* 0: it has ended, and its number may be another's */
        sd_event_source *source;
        void (*ended)(void *userdata, int status);
        void *userdata;
};

struct rights {
        bool change;
        uid_t uid;
        gid_t gid;
        gid_t groups[GROUPS_MAX];
        int n;
};

static int look_up(const char *account, struct rights *ret_rights)
{
        struct rights rights = {.change = account != NULL, .n = GROUPS_MAX};

        if (account) {
                const struct passwd *entry = getpwnam(account);
                if (!entry)
                        return -ESRCH;
                rights.uid = entry->pw_uid;
                rights.gid = entry->pw_gid;
                if (getgrouplist(account, entry->pw_gid, rights.groups, &rights.n) < 0)
                        return -E2BIG;
        }
        *ret_rights = rights;
        return 0;
}

/* --- in the child --- */

static int take_rights(const struct rights *rights)
{
        if (!rights->change)
                return 0;
        if (setgroups((size_t)rights->n, rights->groups) < 0 ||
            setresgid(rights->gid, rights->gid, rights->gid) < 0 ||
            setresuid(rights->uid, rights->uid, rights->uid) < 0)
                return -errno;
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int reset(pid_t parent)
{
        child_reset_signals();
        child_reset_environment();
        (void)umask(022);
        /* Behind the change of rights, which forgets it. */
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
                return -errno;
        if (getppid() != parent)
                return -ECHILD;
        int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return setsid() < 0 || chdir("/") < 0 || input < 0 || dup2(input, STDIN_FILENO) < 0 ? -errno : 0;
}

struct command {
        const struct helper_child_options *options;
        struct rights rights;
        pid_t parent;
};

/* Everything else we have open is closed by the exec. */
static int run(const void *what, int *error _unused_)
{
        const struct command *command = what;
        int r = take_rights(&command->rights);

        if (r == 0)
                r = reset(command->parent);
        if (r < 0)
                return r;
        (void)execv(command->options->arguments[0], (char *const *)command->options->arguments);
        return -errno;
}

/* --- in us --- */

static int spawn(const struct helper_child_options *options, pid_t *ret_pid)
{
        struct command command = {.options = options, .parent = getpid()};
        int r = look_up(options->account, &command.rights);

        return r < 0 ? r : child_start(run, &command, ret_pid);
}

static int on_end(sd_event_source *source _unused_, const siginfo_t *info, void *userdata)
{
        struct helper_child *child = userdata;

        child->pid = 0; /* reaped when this returns */
        child->ended(child->userdata, info->si_code == CLD_EXITED ? info->si_status : -info->si_status);
        return 0;
}

int helper_child_new(struct helper_child **ret, sd_event *event, const struct helper_child_options *options,
                     void (*ended)(void *userdata, int status), void *userdata)
{
        _cleanup_(helper_child_cleanup) struct helper_child *child = calloc(1, sizeof(*child));

        if (!child)
                return -ENOMEM;
        child->ended = ended;
        child->userdata = userdata;
        int r = spawn(options, &child->pid);
        if (r >= 0)
                r = sd_event_add_child(event, &child->source, child->pid, WEXITED, on_end, child);
        if (r < 0)
                return r;
        *ret = child;
        child = NULL;
        return 0;
}

struct helper_child *helper_child_free(struct helper_child *child)
{
        if (!child)
                return NULL;
        helper_child_signal(child, SIGTERM);
        child->source = sd_event_source_disable_unref(child->source);
        free(child);
        return NULL;
}

pid_t helper_child_pid(const struct helper_child *child)
{
        return child ? child->pid : 0;
}

void helper_child_signal(const struct helper_child *child, int number)
{
        if (child && child->pid > 0)
                (void)kill(child->pid, number);
}
