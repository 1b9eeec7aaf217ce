/*
 * The smsd processes of the box, see adapters/process_table.h. It owns a pidfd and an event source for each
 * process it watches; it does not own the processes.
 *
 * A pid alone is never trusted: a process is watched and signalled through a pidfd, and only after its start
 * time was compared with the pidfd already open, so that the pid cannot have changed hands in between.
 */
#include "adapters/process_table.h"

#include "base/text.h"
#include "process_table_private.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* glibc names these since 2.36 only (sys/pidfd.h); Ubuntu 22.04 has 2.35. The kernel has all since 5.4. */
#define ID_TYPE_PIDFD ((idtype_t)3)

static int open_pidfd(pid_t pid)
{
        return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int signal_pidfd(int fd, int number)
{
        return (int)syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
}

struct watch {
        struct process_table *table;
        struct process_id id; /* pid 0: the slot is free */
        int fd;
        sd_event_source *source;
        bool ours; /* the last scan says so, or none has been since */
        bool tty_deleted;
        char tty[DEVICE_NODE_MAX]; /* as last seen: an ending process shows it no more */
};

struct process_table {
        sd_event *event;
        struct process_table_callbacks callbacks;
        void *userdata;

        char *smsd, *pidfile;
        struct smsd_identity identity;
        int proc_fd;

        struct binary_watch binary;
        sd_event_source *binary_source;

        struct watch watches[SMSD_PROCESSES_MAX];
        struct process_list list;
};

/* --- watches --- */

static struct watch *find_watch(struct process_table *t, struct process_id id)
{
        for (size_t i = 0; i < ARRAY_SIZE(t->watches); i++)
                if (process_id_equal(t->watches[i].id, id))
                        return &t->watches[i];
        return NULL;
}

static void release_watch(struct watch *watch)
{
        watch->source = sd_event_source_disable_unref(watch->source);
        if (watch->id.pid != 0)
                watch->fd = close_fd(watch->fd);
        watch->id = (struct process_id){0};
}

/* Takes the exit status of our own child, and with it the zombie. Returns 1 when it has ended, 0 when it
 * still runs. */
static int take_status(int fd, bool *ret_known, int *ret_status)
{
        siginfo_t info = {0};

        if (waitid(ID_TYPE_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) < 0) {
                /* ECHILD: somebody else's child. Whatever it is, the pidfd says that the process is gone. */
                *ret_known = false;
                *ret_status = 0;
                return 1;
        }
        if (info.si_pid == 0)
                return 0;
        *ret_known = true;
        *ret_status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
        return 1;
}

static void tell_end(struct watch *watch)
{
        struct process_table *t = watch->table;
        struct process_id id = watch->id;
        bool known;
        int status;

        if (take_status(watch->fd, &known, &status) == 0)
                return;
        release_watch(watch);
        if (t->callbacks.exited)
                t->callbacks.exited(t->userdata, id, known, status);
}

static int on_process_ended(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        (void)source;
        (void)fd;
        (void)events;
        tell_end(userdata);
        return 0;
}

static bool ended(const struct watch *watch)
{
        struct pollfd end = {.fd = watch->fd, .events = POLLIN};

        return poll(&end, 1, 0) == 1;
}

static void drop(struct process_list *list, struct process_id id)
{
        unsigned kept = 0;

        for (unsigned i = 0; i < list->n; i++)
                if (!process_id_equal(list->processes[i].id, id))
                        list->processes[kept++] = list->processes[i];
        list->n = kept;
}

/*
 * Ends that the event loop has not come to yet: a list without a process must not be told before its end, nor
 * one with it after its end (it may have ended since the scan saw it): it would seem to run again.
 */
static void tell_ends(struct process_table *t)
{
        for (size_t i = 0; i < ARRAY_SIZE(t->watches); i++) {
                struct process_id id = t->watches[i].id;
                if (id.pid == 0 || !ended(&t->watches[i]))
                        continue;
                tell_end(&t->watches[i]);
                drop(&t->list, id);
        }
}

/* A pidfd that is certainly this process: the start time is read while the pidfd is held. */
static int open_process(const struct process_table *t, struct process_id id)
{
        _cleanup_close_ int fd = open_pidfd(id.pid);
        uint64_t start_time;

        if (fd < 0)
                return -errno;
        int r = proc_read_start_time(t->proc_fd, id.pid, &start_time);
        if (r < 0)
                return r;
        if (start_time != id.start_time)
                return -ESRCH;
        int result = fd;
        fd = -1;
        return result;
}

int process_table_watch(struct process_table *t, struct process_id id)
{
        if (find_watch(t, id))
                return 0;
        struct watch *watch = find_watch(t, (struct process_id){0});
        if (!watch)
                return -ENOBUFS;
        int fd = open_process(t, id);
        if (fd < 0)
                return fd;
        watch->table = t;
        int r = sd_event_add_io(t->event, &watch->source, fd, EPOLLIN, on_process_ended, watch);
        if (r < 0) {
                (void)close_fd(fd);
                return r;
        }
        (void)sd_event_source_set_description(watch->source, "smsd-process");
        watch->fd = fd;
        watch->id = id;
        watch->ours = true;
        watch->tty[0] = '\0';
        watch->tty_deleted = false;
        return 0;
}

static const struct watch *find_watch_of_pid(const struct process_table *t, pid_t pid)
{
        for (size_t i = 0; i < ARRAY_SIZE(t->watches); i++)
                if (pid > 0 && t->watches[i].id.pid == pid)
                        return &t->watches[i];
        return NULL;
}

bool process_table_watches(const struct process_table *t, pid_t pid)
{
        return find_watch_of_pid(t, pid) != NULL;
}

int process_table_signal(const struct process_table *t, struct process_id id, int signal)
{
        _cleanup_close_ int fd = id.pid > 1 ? open_process(t, id) : -ESRCH;

        if (fd < 0)
                return fd;
        return signal_pidfd(fd, signal) < 0 ? -errno : 0;
}

/* --- the binary --- */

static void stat_or_absent(const char *path, struct stat *ret_stat)
{
        if (stat(path, ret_stat) < 0)
                *ret_stat = (struct stat){0};
}

static void refresh_identity(struct process_table *t)
{
        char resolved[PATH_MAX];

        /* An absent binary keeps the path it had: its processes may still run. */
        if (realpath(t->smsd, resolved))
                (void)text_copy(t->identity.binary, sizeof(t->identity.binary), resolved);
        stat_or_absent(t->identity.binary, &t->identity.binary_stat);
        stat_or_absent(t->identity.conf, &t->identity.conf_stat);
        binary_watch_arm(&t->binary, t->identity.binary);
}

static int on_binary(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct process_table *t = userdata;
        bool opened = false, replaced = false;

        (void)source;
        (void)fd;
        (void)events;
        int r = binary_watch_read(&t->binary, t->identity.binary, &opened, &replaced);
        if (r < 0)
                return r;
        if (replaced)
                refresh_identity(t);
        /* Whoever opened a new binary before it was watched has not been seen: let the caller look. */
        if ((opened || replaced) && t->callbacks.binary_opened)
                t->callbacks.binary_opened(t->userdata);
        return 0;
}

/* --- scan --- */

struct scan {
        struct process_table *table;
        enum conf_verdict verdicts[SMSD_PROCESSES_MAX];
};

/*
 * /proc forgets what a process ran long before its end is told: in between it closes its port, which takes
 * seconds when the modem does not take what was written. Until then it is there, with the port.
 */
static bool read_leaving(struct process_table *t, pid_t pid, struct smsd_process *ret_process)
{
        const struct watch *watch = find_watch_of_pid(t, pid);
        struct process_stat stat;

        /* A child that was seen between fork and exec is something else by now. */
        if (!watch || !watch->ours || !proc_is_leaving(t->proc_fd, watch->id, &stat) || ended(watch))
                return false;
        *ret_process = (struct smsd_process){
            .id = watch->id, .parent = stat.parent, .group = stat.group, .tty_deleted = watch->tty_deleted};
        (void)text_copy(ret_process->tty, sizeof(ret_process->tty), watch->tty);
        return true;
}

static bool look_at_process(void *userdata, unsigned number)
{
        struct scan *scan = userdata;
        struct process_table *t = scan->table;
        struct smsd_process process = {0};
        enum conf_verdict verdict = CONF_OTHER;
        bool smsd = proc_read_smsd(t->proc_fd, (pid_t)number, &t->identity, &process, &verdict) == 1;

        /* Without a port: it may have begun to end meanwhile. */
        if ((!smsd || process.tty[0] == '\0') && read_leaving(t, (pid_t)number, &process)) {
                smsd = true;
                verdict = CONF_OURS;
        }
        if (!smsd)
                return true;
        if (t->list.n == SMSD_PROCESSES_MAX) {
                t->list.truncated = true;
                return false;
        }
        scan->verdicts[t->list.n] = verdict;
        t->list.processes[t->list.n++] = process;
        return true;
}

static struct smsd_process *find_process(struct process_table *t, pid_t pid)
{
        for (unsigned i = 0; i < t->list.n; i++)
                if (t->list.processes[i].id.pid == pid)
                        return &t->list.processes[i];
        return NULL;
}

static bool may_be_ours(enum conf_verdict verdict)
{
        return verdict == CONF_UNKNOWN_MAIN || verdict == CONF_UNKNOWN_HANDLER;
}

/*
 * Before the handlers, whose command line may say nothing, their main process must be judged. The pidfile is
 * read behind /proc: read before, it could not name an smsd that came in between.
 */
static void judge_by_itself(struct process_table *t, const struct scan *scan)
{
        pid_t named = t->pidfile ? read_pidfile(t->pidfile) : 0;

        for (unsigned i = 0; i < t->list.n; i++) {
                struct smsd_process *process = &t->list.processes[i];
                enum conf_verdict verdict = scan->verdicts[i];
                bool known = find_watch(t, process->id) != NULL;
                process->in_pidfile = process->id.pid == named && verdict != CONF_FOREIGN;
                process->ours =
                    verdict == CONF_OURS || process->in_pidfile || (known && may_be_ours(verdict));
        }
}

/* An orphaned handler that hides its command line counts as ours: overlooked it would send every message a
 * second time. */
static void judge_by_parent(struct process_table *t, const struct scan *scan)
{
        for (unsigned i = 0; i < t->list.n; i++) {
                struct smsd_process *process = &t->list.processes[i];
                const struct smsd_process *parent = find_process(t, process->parent);
                if (!process->ours && may_be_ours(scan->verdicts[i]))
                        process->ours = parent ? parent->ours : scan->verdicts[i] == CONF_UNKNOWN_HANDLER;
        }
}

static int watch_process(struct process_table *t, const struct smsd_process *process)
{
        int r = process_table_watch(t, process->id);
        struct watch *watch = find_watch(t, process->id);

        if (!watch)
                return r == -ESRCH ? 0 : r;
        watch->ours = true;
        (void)text_copy(watch->tty, sizeof(watch->tty), process->tty);
        watch->tty_deleted = process->tty_deleted;
        return 0;
}

static int watch_ours(struct process_table *t)
{
        int result = 0;

        for (size_t i = 0; i < ARRAY_SIZE(t->watches); i++)
                t->watches[i].ours = false;
        for (unsigned i = 0; i < t->list.n; i++) {
                int r = t->list.processes[i].ours ? watch_process(t, &t->list.processes[i]) : 0;
                if (r < 0)
                        result = r;
        }
        return result;
}

/* Without a descriptor to spare every file in /proc looks absent, and every smsd ended. */
static int check_spare_descriptor(const struct process_table *t)
{
        _cleanup_close_ int fd = openat(t->proc_fd, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : 0;
}

int process_table_scan(struct process_table *t)
{
        struct scan scan = {.table = t};
        int spare = check_spare_descriptor(t);

        if (spare < 0)
                return spare;
        refresh_identity(t);
        t->list.n = 0;
        t->list.truncated = false;
        int r = for_each_number(t->proc_fd, look_at_process, &scan);
        if (r < 0)
                return r;
        judge_by_itself(t, &scan);
        judge_by_parent(t, &scan);
        r = watch_ours(t);
        tell_ends(t);
        if (t->callbacks.changed)
                t->callbacks.changed(t->userdata, &t->list);
        return r;
}

const struct process_list *process_table_list(const struct process_table *t)
{
        return &t->list;
}

/* --- life --- */

static int copy_options(struct process_table *t, const struct process_table_options *options)
{
        t->smsd = strdup(options->smsd);
        if (!t->smsd)
                return -ENOMEM;
        t->identity.by_name = options->by_name;
        int r = text_copy(t->identity.binary, sizeof(t->identity.binary), options->smsd);
        if (r == 0)
                r = text_copy(t->identity.conf, sizeof(t->identity.conf), options->smsd_conf);
        return r == 0 ? process_table_set_pidfile(t, options->pidfile) : r;
}

static int open_sources(struct process_table *t)
{
        t->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (t->proc_fd < 0 || fstatat(t->proc_fd, "self/ns/pid", &t->identity.namespace, 0) < 0)
                return -errno;
        int r = binary_watch_open(&t->binary);
        if (r < 0)
                return r;
        r = sd_event_add_io(t->event, &t->binary_source, t->binary.fd, EPOLLIN, on_binary, t);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(t->binary_source, "smsd-binary");
        refresh_identity(t);
        return 0;
}

int process_table_new(struct process_table **ret, sd_event *event,
                      const struct process_table_options *options,
                      const struct process_table_callbacks *callbacks, void *userdata)
{
        _cleanup_(process_table_cleanup) struct process_table *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        t->proc_fd = t->binary.fd = -1;
        t->event = sd_event_ref(event);
        t->callbacks = *callbacks;
        t->userdata = userdata;
        int r = copy_options(t, options);
        if (r == 0)
                r = open_sources(t);
        if (r < 0)
                return r;
        *ret = t;
        t = NULL;
        return 0;
}

int process_table_set_pidfile(struct process_table *t, const char *pidfile)
{
        char *copy = pidfile ? strdup(pidfile) : NULL;

        if (pidfile && !copy)
                return -ENOMEM;
        free(t->pidfile);
        t->pidfile = copy;
        return 0;
}

struct process_table *process_table_free(struct process_table *t)
{
        if (!t)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(t->watches); i++)
                release_watch(&t->watches[i]);
        (void)sd_event_source_disable_unref(t->binary_source);
        (void)close_fd(t->binary.fd);
        (void)close_fd(t->proc_fd);
        (void)sd_event_unref(t->event);
        free(t->smsd);
        free(t->pidfile);
        free(t);
        return NULL;
}
