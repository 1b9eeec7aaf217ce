/*
 * Who has a port open, see adapters/port_holder.h. The device number decides, not the name: a holder may have
 * opened it through a link that has changed since. Processes come and go while this looks, so whatever
 * vanishes is passed over; a file is only stat'ed when its link looks like a device, for stat on somebody's
 * file on a dead network mount would never return.
 */
#include "adapters/port_holder.h"

#include "base/cleanup.h"
#include "base/folder.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ANCESTORS_MAX 16

/* Unix98 pty slaves: every container counts its own from 0, so the number alone is not the device. */
static bool is_pty(dev_t device)
{
        return major(device) >= 136 && major(device) <= 143;
}

static bool same_device(const struct stat *a, const struct stat *b)
{
        if (!S_ISCHR(a->st_mode) || a->st_rdev != b->st_rdev)
                return false;
        return !is_pty(a->st_rdev) || (a->st_dev == b->st_dev && a->st_ino == b->st_ino);
}

/* The start of a small file of /proc as text. */
static int read_text_at(int parent, const char *name, char *ret_text, size_t size)
{
        _cleanup_close_ int fd = openat(parent, name, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, ret_text, size - 1);
        if (n < 0)
                return -errno;
        ret_text[n] = '\0';
        return 0;
}

static bool looks_like_device(int directory, const char *name)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(directory, name, target, sizeof(target) - 1);

        if (n <= 0)
                return false;
        target[n] = '\0';
        return target[0] == '/' &&
               (strstr(target, "/dev/") || strstr(target, "/tty") || strstr(target, "/pts/"));
}

/* Does the process whose /proc folder is `process` have the device open? */
static bool holds(int process, const struct stat *wanted)
{
        _cleanup_closedir_ DIR *directory = folder_stream(process, "fd");
        const struct dirent *entry;

        if (!directory)
                return false; /* gone, or not ours to look at */
        while ((entry = readdir(directory))) {
                struct stat status;
                if (entry->d_name[0] == '.' || !looks_like_device(dirfd(directory), entry->d_name))
                        continue;
                if (fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && same_device(&status, wanted))
                        return true;
        }
        return false;
}

static int read_stat(int process, struct process_stat *ret_stat)
{
        char text[1024];
        int r = read_text_at(process, "stat", text, sizeof(text));

        return r < 0 ? r : process_stat_parse(text, ret_stat);
}

/* Returns 0, or a negative errno when the process has vanished meanwhile. */
static int describe(int process, pid_t pid, struct port_holder *ret_holder)
{
        struct port_holder holder = {.id.pid = pid};
        char command[64], cgroup[4096];
        struct process_stat stat;
        int r = read_stat(process, &stat);

        if (r < 0)
                return r;
        holder.id.start_time = stat.start_time;
        r = read_text_at(process, "comm", command, sizeof(command));
        if (r < 0)
                return r;
        (void)text_escape(holder.command, sizeof(holder.command), command,
                          strcspn(command, "\n")); /* cut is fine */
        if (read_text_at(process, "cgroup", cgroup, sizeof(cgroup)) ==
            0) /* without, the holder is known all the same */
                cgroup_unit(cgroup, holder.unit, sizeof(holder.unit));
        *ret_holder = holder;
        return 0;
}

/* Who is passed over. */
struct acquaintance {
        bool (*is_known)(void *userdata, pid_t pid); /* NULL: nobody but us */
        void *userdata;
};

static int open_process(int proc, pid_t pid)
{
        char name[16];

        (void)text_format(name, sizeof(name), "%d", (int)pid);
        return openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Itself, or one that it descends from. Who vanishes meanwhile holds nothing. */
static bool is_acquainted(int proc, pid_t pid, const struct acquaintance *known)
{
        for (unsigned depth = 0; known->is_known && pid > 1 && depth < ANCESTORS_MAX; depth++) {
                struct process_stat stat;
                if (known->is_known(known->userdata, pid))
                        return true;
                _cleanup_close_ int process = open_process(proc, pid);
                if (process < 0 || read_stat(process, &stat) < 0)
                        return false;
                pid = stat.parent;
        }
        return false;
}

/* Returns true when the process called `name` in /proc is no acquaintance and holds the device. */
static bool examine(int proc, const char *name, const struct stat *wanted, const struct acquaintance *known,
                    struct port_holder *ret_holder)
{
        unsigned pid;

        if (parse_unsigned(name, 1, INT_MAX, &pid) < 0 || (pid_t)pid == getpid())
                return false;
        _cleanup_close_ int process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return process >= 0 && holds(process, wanted) && !is_acquainted(proc, (pid_t)pid, known) &&
               describe(process, (pid_t)pid, ret_holder) == 0;
}

static int find(const char *path, const struct acquaintance *known, struct port_holder *ret_holder)
{
        _cleanup_closedir_ DIR *proc = folder_stream(AT_FDCWD, "/proc");
        const struct dirent *entry;
        struct stat wanted;

        if (!proc)
                return -errno;
        if (stat(path, &wanted) < 0)
                return -errno;
        if (!S_ISCHR(wanted.st_mode))
                return -ENOTTY;
        for (errno = 0; (entry = readdir(proc)); errno = 0)
                if (examine(dirfd(proc), entry->d_name, &wanted, known, ret_holder))
                        return 0;
        return errno != 0 ? -errno : 1;
}

int port_holder_find(const char *path, struct port_holder *ret_holder)
{
        return find(path, &(struct acquaintance){0}, ret_holder);
}

int port_holder_find_stranger(const char *path, bool (*is_known)(void *userdata, pid_t pid), void *userdata,
                              struct port_holder *ret_holder)
{
        const struct acquaintance known = {.is_known = is_known, .userdata = userdata};

        return find(path, &known, ret_holder);
}
