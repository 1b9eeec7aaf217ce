/*
 * Processes end while we look: what cannot be read any more is left out.
 */
#include "ec25/proc_fds.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"

#include <dirent.h>
#include <string.h>

static void look_at(int pid, const char *name, int directory, void (*found)(const struct proc_fd *, void *),
                    void *userdata)
{
        static const char prefix[] = "/dev/", suffix[] = " (deleted)";
        char target[64];
        struct proc_fd fd = {.pid = pid, .target = target};
        ssize_t length = readlinkat(directory, name, target, sizeof(target) - 1);

        if (length <= 0)
                return;
        target[length] = '\0';
        char *end = strstr(target, suffix);
        if (end) {
                fd.deleted = true;
                *end = '\0';
        }
        if (text_starts_with(target, prefix) && parse_int(name, 0, 1 << 20, &fd.fd) == 0)
                found(&fd, userdata);
}

static void look_into(int pid, void (*found)(const struct proc_fd *, void *), void *userdata)
{
        char path[32];
        const struct dirent *entry;

        if (text_format(path, sizeof(path), "/proc/%d/fd", pid) < 0)
                return;
        DIR *directory = opendir(path);
        if (!directory)
                return; /* it ended meanwhile */
        while ((entry = readdir(directory)))
                look_at(pid, entry->d_name, dirfd(directory), found, userdata);
        (void)closedir(directory);
}

int proc_fds(void (*found)(const struct proc_fd *fd, void *userdata), void *userdata)
{
        DIR *directory = opendir("/proc");
        const struct dirent *entry;
        int pid;

        if (!directory)
                return -errno;
        while ((entry = readdir(directory)))
                if (parse_int(entry->d_name, 1, 1 << 30, &pid) == 0 && pid != getpid())
                        look_into(pid, found, userdata);
        (void)closedir(directory);
        return 0;
}
