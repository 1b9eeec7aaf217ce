/*
 * USB power, see adapters/usb_power.h. Owned here: the jobs, each a child with its pidfd and its time limit.
 * What the children do, and where in sysfs the switches are, is in usb_power_child.c and usb_power_sysfs.c.
 *
 * A job that was given up stays in the list until its child has really ended: a write that hangs in the
 * kernel cannot be killed, and a second one behind it would come to its end out of order.
 */
#include "usb_power_private.h"

#include "base/child.h"
#include "base/text.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define ACCURACY (100 * USEC_PER_MSEC)

struct job {
        struct job *next;
        struct usb_power *power;
        char path[USB_PATH_MAX];
        unsigned token;
        bool command;
        bool told; /* given up; only to be reaped */
        pid_t pid;
        int fd; /* its pidfd */
        sd_event_source *end, *timer;
};

struct usb_power {
        sd_event *event;
        char sysfs_root[USB_POWER_ROOT_MAX];
        usec_t limit;
        usb_power_done_fn done;
        void *userdata;
        struct job *jobs;
};

/* --- jobs --- */

static struct job *job_free(struct job *job)
{
        if (!job)
                return NULL;
        (void)sd_event_source_disable_unref(job->end);
        (void)sd_event_source_disable_unref(job->timer);
        (void)close_fd(job->fd);
        free(job);
        return NULL;
}

static void job_cleanup(struct job **job)
{
        *job = job_free(*job);
}

static void unlink_job(struct job *job)
{
        struct job **at = &job->power->jobs;

        while (*at != job)
                at = &(*at)->next;
        *at = job->next;
}

static bool has_job(const struct usb_power *power, const char *path)
{
        for (const struct job *job = power->jobs; job; job = job->next)
                if (text_equal(job->path, path))
                        return true;
        return false;
}

/*
 * Whatever the command left in its group ends with it; while it is not reaped, its number cannot be another
 * group's.
 */
static int reap(const struct job *job)
{
        siginfo_t info = {0};

        (void)kill(-job->pid, SIGKILL); /* -ESRCH: it left nobody */
        if (waitid(P_PID, (id_t)job->pid, &info, WEXITED | WNOHANG) < 0)
                return -errno;
        return usb_power_child_result(job->command, info.si_code == CLD_EXITED, info.si_status);
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct job *job = userdata;
        struct usb_power *power = job->power;
        unsigned token = job->token;
        bool told = job->told;
        int result = reap(job);

        (void)source;
        (void)fd;
        (void)events;
        unlink_job(job);
        (void)job_free(job);
        if (!told)
                power->done(power->userdata, token, result);
        return 0;
}

static int on_limit(sd_event_source *source, uint64_t now, void *userdata)
{
        struct job *job = userdata;
        struct usb_power *power = job->power;

        (void)source;
        (void)now;
        job->told = true;
        (void)kill(-job->pid, SIGKILL); /* it is not reaped: the number is its own */
        power->done(power->userdata, job->token, -ETIMEDOUT);
        return 0;
}

static int watch(struct job *job)
{
        struct usb_power *power = job->power;

        job->fd = (int)syscall(SYS_pidfd_open, job->pid, 0);
        if (job->fd < 0)
                return -errno;
        int r = sd_event_add_io(power->event, &job->end, job->fd, EPOLLIN, on_end, job);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(power->event, &job->timer, CLOCK_BOOTTIME, power->limit, ACCURACY,
                                          on_limit, job);
}

/* Nobody could wait for it: it must not run on. */
static void kill_now(pid_t pid)
{
        (void)kill(-pid, SIGKILL);
        child_reap(pid);
}

static int begin(struct usb_power *power, const struct usb_power_task *task, const char *path, unsigned token)
{
        if (has_job(power, path))
                return -EBUSY;
        _cleanup_(job_cleanup) struct job *job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;
        *job = (struct job){.power = power, .token = token, .command = task->command, .fd = -1};
        (void)text_copy(job->path, sizeof(job->path), path); /* a valid path fits */
        job->pid = usb_power_child_start(task);
        if (job->pid < 0)
                return job->pid;
        int r = watch(job);
        if (r < 0) {
                kill_now(job->pid);
                return r;
        }
        job->next = power->jobs;
        power->jobs = job;
        job = NULL;
        return 0;
}

/* --- the interface --- */

int usb_power_new(struct usb_power **ret, sd_event *event, const struct usb_power_options *options,
                  usb_power_done_fn done, void *userdata)
{
        _cleanup_(usb_power_cleanup) struct usb_power *power = calloc(1, sizeof(*power));
        const char *root = options->sysfs_root ? options->sysfs_root : "/sys";

        if (!power)
                return -ENOMEM;
        if (text_copy(power->sysfs_root, sizeof(power->sysfs_root), root) < 0)
                return -ENAMETOOLONG;
        power->event = sd_event_ref(event);
        power->limit = options->limit ? options->limit : USB_POWER_LIMIT;
        power->done = done;
        power->userdata = userdata;
        *ret = power;
        power = NULL;
        return 0;
}

struct usb_power *usb_power_free(struct usb_power *power)
{
        if (!power)
                return NULL;
        while (power->jobs) {
                struct job *job = power->jobs;
                power->jobs = job->next;
                (void)job_free(job);
        }
        (void)sd_event_unref(power->event);
        free(power);
        return NULL;
}

bool usb_power_owns(const struct usb_power *power, pid_t pid)
{
        for (const struct job *job = power->jobs; job; job = job->next)
                if (job->pid == pid)
                        return true;
        return false;
}

int usb_power_authorize(struct usb_power *power, const char *path, bool on, unsigned token)
{
        struct usb_power_task task = {.on = on};
        int r = usb_power_find_device(power->sysfs_root, path, task.files[0]);

        if (r < 0)
                return r;
        task.value = on ? '1' : '0';
        return begin(power, &task, path, token);
}

int usb_power_port(struct usb_power *power, const char *path, bool on, unsigned token)
{
        struct usb_power_task task = {.on = on};
        int r = usb_power_find_port(power->sysfs_root, path, task.files);

        if (r < 0)
                return r;
        task.value = on ? '0' : '1'; /* of `disable` */
        return begin(power, &task, path, token);
}

int usb_power_command(struct usb_power *power, const char *command, const char *path, bool on, unsigned token)
{
        struct usb_power_task task = {.on = on, .command = command, .path = path};
        int r = usb_power_check_command(command, path);

        return r < 0 ? r : begin(power, &task, path, token);
}

int usb_power_switch(struct usb_power *power, enum usb_switch what, const char *path, const char *command,
                     unsigned token)
{
        switch (what) {
        case USB_SWITCH_AUTHORIZE_OFF:
        case USB_SWITCH_AUTHORIZE_ON:
                return usb_power_authorize(power, path, what == USB_SWITCH_AUTHORIZE_ON, token);
        case USB_SWITCH_PORT_OFF:
        case USB_SWITCH_PORT_ON:
                return usb_power_port(power, path, what == USB_SWITCH_PORT_ON, token);
        case USB_SWITCH_COMMAND_OFF:
        case USB_SWITCH_COMMAND_ON:
                return usb_power_command(power, command, path, what == USB_SWITCH_COMMAND_ON, token);
        case USB_SWITCH_MAX:
                break;
        }
        return -EINVAL;
}

bool usb_power_can_switch(const struct usb_power *power, const char *path)
{
        char files[USB_POWER_FILES_MAX][USB_POWER_FILE_MAX];

        return usb_power_find_port(power->sysfs_root, path, files) == 0;
}
