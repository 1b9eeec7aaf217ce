/*
 * The child that moves a switch: writes one character into one or two files of sysfs, or runs the user's
 * command. Between fork and exec (or exit) only what a signal handler could call. Its exit status is 0 or an
 * errno, which are small numbers on Linux.
 *
 * It closes all that it has of ours first: a copy of the modem's tty in a child that hangs in the kernel
 * would keep that tty's number taken, and the modem would come back under another one.
 */
#include "usb_power_private.h"

#include "base/child.h"
#include "base/text.h"
#include "core/usb_path.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define WORST_STATUS 255

static int write_value(const char *file, char value)
{
        if (file[0] == '\0')
                return 0;
        int fd = open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return errno;
        ssize_t written = write(fd, &value, 1);
        return written < 0 ? errno : 0;
}

/* Both, whatever becomes of the first: a port and its peer stay in step. */
static int write_values(const struct usb_power_task *task)
{
        int first = write_value(task->files[0], task->value);
        int second = write_value(task->files[1], task->value);

        return first ? first : second;
}

/* stdin is empty, stdout goes where stderr goes. */
static int place_descriptors(void)
{
        int null = open("/dev/null", O_RDONLY);

        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
                return errno;
        if (null > STDERR_FILENO)
                (void)close(null);
        return 0;
}

static int run_command(const struct usb_power_task *task)
{
        const char *const arguments[] = {task->command, task->on ? "on" : "off", task->path, NULL};
        const char *const environment[] = {
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};
        int error = place_descriptors();

        if (error == 0 && chdir("/") < 0)
                error = errno;
        if (error)
                return error;
        (void)execve(task->command, (char *const *)arguments, (char *const *)environment);
        return errno;
}

pid_t usb_power_child_start(const struct usb_power_task *task)
{
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid > 0) {
                /* By both, for nobody knows who is first; EACCES: the command runs already. */
                (void)setpgid(pid, pid);
                return pid;
        }
        (void)setpgid(0, 0);
        child_reset_signals();
        child_close_from(STDERR_FILENO + 1);
        int error = task->command ? run_command(task) : write_values(task);
        _exit(error > 0 && error <= WORST_STATUS ? error : error ? WORST_STATUS : 0);
}

int usb_power_child_result(bool command, bool exited, int status)
{
        if (exited && status == 0)
                return 0;
        return command || !exited ? -EREMOTEIO : -status;
}

int usb_power_check_command(const char *command, const char *path)
{
        struct stat st;

        if (!usb_path_is_valid(path, strlen(path)) || command[0] != '/')
                return -EINVAL;
        if (stat(command, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return -EPERM;
        return access(command, X_OK) < 0 ? -errno : 0;
}
