/*
 * The kernel forgets nothing for us here: termios set once stays for the life of the pair, a master without
 * slaves reports POLLHUP until the next open (edge-triggered epoll tells it once, so an idle modem costs
 * nothing).
 */
#include "ec25/pty.h"

#include "base/parse.h"
#include "base/text.h"
#include "ec25/proc_fds.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
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

struct search {
        void (*found)(const struct pty_holder *, void *);
        void *userdata;
};

/* Containers have a /dev/pts of their own, with the same names in it. */
static bool is_ours(const struct proc_fd *fd)
{
        struct stat pts, held;
        char path[48];

        return text_format(path, sizeof(path), "/proc/%d/fd/%d", fd->pid, fd->fd) == 0 &&
               stat("/dev/pts", &pts) == 0 && stat(path, &held) == 0 && held.st_dev == pts.st_dev;
}

static void found_fd(const struct proc_fd *fd, void *userdata)
{
        static const char prefix[] = "/dev/pts/";
        const struct search *search = userdata;
        struct pty_holder holder = {.pid = fd->pid, .fd = fd->fd, .deleted = fd->deleted};

        if (text_starts_with(fd->target, prefix) &&
            parse_unsigned(fd->target + sizeof(prefix) - 1, 0, 1u << 20, &holder.index) == 0 && is_ours(fd))
                search->found(&holder, search->userdata);
}

int pty_holders(void (*found)(const struct pty_holder *holder, void *userdata), void *userdata)
{
        struct search search = {.found = found, .userdata = userdata};

        return proc_fds(found_fd, &search);
}
