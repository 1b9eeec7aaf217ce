/*
 * The kernel forgets nothing for us here: termios set once stays for the life of the pair, a master without
 * slaves reports POLLHUP until the next open (edge-triggered epoll tells it once, so an idle modem costs
 * nothing).
 */
#include "ec25/pty.h"

#include "base/parse.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

static int make_raw(int master)
{
        struct termios termios;
        _cleanup_close_ int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

        if (slave < 0 || tcgetattr(slave, &termios) < 0)
                return -errno;
        cfmakeraw(&termios);
        return tcsetattr(slave, TCSANOW, &termios) < 0 ? -errno : 0;
}

static int take_fd(int *fd)
{
        int taken = *fd;

        *fd = -1;
        return taken;
}

int pty_open(struct pty *ret_pty)
{
        int unlocked = 0;
        unsigned index;
        _cleanup_close_ int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

        if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0 || ioctl(master, TIOCGPTN, &index) < 0)
                return -errno;
        int r = make_raw(master);
        if (r < 0)
                return r;
        *ret_pty = (struct pty){.master = take_fd(&master), .keeper = -1, .index = index};
        return 0;
}

bool pty_is_open(const struct pty *pty)
{
        struct pollfd master = {.fd = pty->master};

        return poll(&master, 1, 0) >= 0 && !(master.revents & POLLHUP);
}

void pty_hang_up(struct pty *pty)
{
        if (pty->master < 0)
                return;
        pty->keeper = ioctl(pty->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        pty->master = close_fd(pty->master);
}

void pty_forget_session(const struct pty *pty)
{
        _cleanup_close_ int slave = ioctl(pty->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

        if (slave < 0)
                return; /* no harm done: the next one to open it reads an old answer */
        (void)tcflush(slave, TCIFLUSH);
        (void)ioctl(slave, TIOCNXCL);
}

void pty_close(struct pty *pty)
{
        pty->master = close_fd(pty->master);
        pty->keeper = close_fd(pty->keeper);
}

static void look_at(int pid, const char *name, int directory,
                    void (*found)(const struct pty_holder *, void *), void *userdata)
{
        static const char prefix[] = "/dev/pts/", suffix[] = " (deleted)";
        struct pty_holder holder = {.pid = pid};
        char target[64];
        ssize_t length = readlinkat(directory, name, target, sizeof(target) - 1);

        if (length <= 0)
                return;
        target[length] = '\0';
        char *end = strstr(target, suffix);
        if (end) {
                holder.deleted = true;
                *end = '\0';
        }
        if (!text_starts_with(target, prefix) ||
            parse_unsigned(target + sizeof(prefix) - 1, 0, 1u << 20, &holder.index) < 0 ||
            parse_int(name, 0, 1 << 20, &holder.fd) < 0)
                return;
        found(&holder, userdata);
}

static void look_into(int pid, void (*found)(const struct pty_holder *, void *), void *userdata)
{
        char path[32];
        struct dirent *entry;

        if (text_format(path, sizeof(path), "/proc/%d/fd", pid) < 0)
                return;
        DIR *directory = opendir(path);
        if (!directory)
                return; /* it ended meanwhile */
        while ((entry = readdir(directory)))
                look_at(pid, entry->d_name, dirfd(directory), found, userdata);
        (void)closedir(directory);
}

int pty_holders(void (*found)(const struct pty_holder *holder, void *userdata), void *userdata)
{
        DIR *directory = opendir("/proc");
        struct dirent *entry;
        int pid;

        if (!directory)
                return -errno;
        while ((entry = readdir(directory)))
                if (parse_int(entry->d_name, 1, 1 << 30, &pid) == 0 && pid != getpid())
                        look_into(pid, found, userdata);
        (void)closedir(directory);
        return 0;
}
