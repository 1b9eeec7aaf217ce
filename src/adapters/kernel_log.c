/*
 * The kernel's log, see adapters/kernel_log.h.
 *
 * /dev/kmsg: one read is one record. EPIPE says that the ring has overtaken us, and the next read goes on at
 * its oldest record; EINVAL that a record is larger than our buffer, which passes over it.
 *
 * The journal is read by a child. libsystemd maps its files: a page that a failing card does not give back is
 * a SIGBUS, and one that takes a minute a minute, in the middle of whatever we do. The child may die of it,
 * or of its alarm, and takes with it what memory the library has used. It leaves its findings in a page that
 * we share, so its end is all that wakes us. We have threads; what the child calls beyond what a signal
 * handler could is malloc, which the C library keeps usable over a fork, and libsystemd, which has no lock.
 */
#include "adapters/kernel_log.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "kernel_log_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#define RECORD_MAX   8192
#define RECORDS_MAX  512 /* in one look */
#define LOOK_SECONDS 10  /* for the child; it takes milliseconds */
#define WORST_STATUS 255

struct kernel_log {
        sd_event *event;
        kernel_log_fn *told;
        void *userdata;
        int kmsg; /* -1: it may not be read */

        char folders[KERNEL_FOLDERS][KERNEL_FOLDER_SIZE]; /* "" none */
        struct kernel_journal journal;
        struct kernel_journal *shared; /* the child's, NULL: no look is under way */
        pid_t child;                   /* 0 none */
        sd_event_source *end;
};

/* --- /dev/kmsg --- */

static void open_kmsg(struct kernel_log *log, const char *path)
{
        log->kmsg = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (log->kmsg >= 0 && lseek(log->kmsg, 0, SEEK_END) < 0)
                log->kmsg = close_fd(log->kmsg);
}

static int read_kmsg(int fd, struct kernel_lines *lines)
{
        char text[RECORD_MAX];
        struct kernel_line line;

        for (unsigned i = 0; i < RECORDS_MAX; i++) {
                ssize_t n = read(fd, text, sizeof(text));
                if (n > 0) {
                        kernel_line_parse(text, (size_t)n, &line);
                        kernel_lines_take(lines, &line);
                } else if (n == 0 || errno == EAGAIN) {
                        return 0;
                } else if (errno != EPIPE && errno != EINVAL && errno != EINTR) {
                        return -errno;
                }
        }
        return lseek(fd, 0, SEEK_END) < 0 ? -errno : 0;
}

/* --- the child --- */

static void run(const struct kernel_log *log, pid_t parent) __attribute__((noreturn));

/* It closes all that it has of ours first: a copy of the modem's tty in a child that hangs would keep that
 * tty's number taken. A disk's failure is no reason for a core file of ours. */
static void run(const struct kernel_log *log, pid_t parent)
{
        child_reset_signals();
        child_close_from(STDERR_FILENO + 1);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 || getppid() != parent)
                _exit(ECHILD);
        (void)alarm(LOOK_SECONDS);
        int r = kernel_journal_read((const char(*)[KERNEL_FOLDER_SIZE])log->folders, log->shared);
        _exit(r >= -WORST_STATUS ? -r : WORST_STATUS);
}

static int child_result(const siginfo_t *info)
{
        if (info->si_code == CLD_EXITED)
                return -info->si_status;
        return info->si_status == SIGALRM ? -ETIMEDOUT : -EIO;
}

static void forget_look(struct kernel_log *log)
{
        if (log->shared)
                (void)munmap(log->shared, sizeof(*log->shared));
        log->shared = NULL;
        log->child = 0;
        log->end = sd_event_source_disable_unref(log->end);
}

static int on_end(sd_event_source *source _unused_, const siginfo_t *info, void *userdata)
{
        struct kernel_log *log = userdata;
        struct kernel_lines lines = {0};
        int result = child_result(info);

        if (result == 0) {
                log->journal = *log->shared;
                lines = log->journal.lines;
                log->journal.lines = (struct kernel_lines){0};
        }
        forget_look(log); /* it is reaped when this returns */
        log->told(log->userdata, result, &lines);
        return 0;
}

static bool has_folder(const struct kernel_log *log)
{
        for (unsigned i = 0; i < KERNEL_FOLDERS; i++)
                if (log->folders[i][0] && access(log->folders[i], F_OK) == 0)
                        return true;
        return false;
}

static int start_child(struct kernel_log *log)
{
        pid_t parent = getpid();
        void *page =
            mmap(NULL, sizeof(*log->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (page == MAP_FAILED)
                return -errno;
        log->shared = page;
        *log->shared = log->journal;
        log->child = fork();
        if (log->child == 0)
                run(log, parent);
        if (log->child < 0)
                return -errno;
        int r = sd_event_add_child(log->event, &log->end, log->child, WEXITED, on_end, log);
        if (r < 0) { /* nobody could wait for it */
                (void)kill(log->child, SIGKILL);
                child_reap(log->child);
        }
        return r;
}

static int look_into_journal(struct kernel_log *log)
{
        if (log->child)
                return 0;
        if (!has_folder(log))
                return -ENOENT;
        int r = start_child(log);
        if (r < 0)
                forget_look(log);
        return r;
}

/* --- the interface --- */

static void find_folders(struct kernel_log *log, const char *journal)
{
        static const char *const parents[KERNEL_FOLDERS] = {"/run/log/journal", "/var/log/journal"};
        char name[SD_ID128_STRING_MAX];
        sd_id128_t machine;

        if (journal)
                (void)text_copy(log->folders[0], sizeof(log->folders[0]), journal);
        else if (sd_id128_get_machine(&machine) >= 0)
                for (unsigned i = 0; i < KERNEL_FOLDERS; i++)
                        (void)text_format(log->folders[i], sizeof(log->folders[i]), "%s/%s", parents[i],
                                          sd_id128_to_string(machine, name));
}

int kernel_log_new(struct kernel_log **ret_log, sd_event *event, const struct kernel_log_options *options,
                   kernel_log_fn *told, void *userdata)
{
        struct kernel_log *log = calloc(1, sizeof(*log));

        if (!log)
                return -ENOMEM;
        log->event = sd_event_ref(event);
        log->told = told;
        log->userdata = userdata;
        log->journal.since = clock_monotonic();
        open_kmsg(log, options->kmsg ? options->kmsg : "/dev/kmsg");
        find_folders(log, options->journal);
        *ret_log = log;
        return 0;
}

void kernel_log_look(struct kernel_log *log)
{
        struct kernel_lines lines = {0};
        int r;

        if (log->kmsg >= 0) {
                r = read_kmsg(log->kmsg, &lines);
                if (r < 0)
                        log->kmsg = close_fd(log->kmsg); /* the next one is the journal's */
                log->told(log->userdata, r, &lines);
                return;
        }
        r = look_into_journal(log);
        if (r < 0)
                log->told(log->userdata, r, &lines);
}

bool kernel_log_owns(const struct kernel_log *log, pid_t pid)
{
        return log && log->child > 0 && log->child == pid;
}

struct kernel_log *kernel_log_free(struct kernel_log *log)
{
        if (!log)
                return NULL;
        if (log->child > 0)
                (void)kill(log->child, SIGKILL); /* one that hangs on the disk is waited for by nobody */
        forget_look(log);
        (void)sd_event_unref(log->event);
        log->kmsg = close_fd(log->kmsg);
        free(log);
        return NULL;
}
