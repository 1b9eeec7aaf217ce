/*
 * A serial port on the event loop, see adapters/serial_port.h. libserialport opens what it knows; it knows
 * only nodes that sysfs lists by that very name, so links are resolved first and everything else (a pty, a
 * node in a container) is opened here. From there on there is no difference: the line is set in one go, where
 * libserialport's setters would cost a USB control transfer or three each.
 *
 * Owns the descriptor and its event source. Must not decide what bytes mean, nor whether the port may be
 * opened.
 */
#include "adapters/serial_port.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <linux/serial.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

/* Behind timers, signals and the bus: a modem that floods us must not keep the control waiting. */
#define READ_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

struct serial_port {
        const struct serial_port_callbacks *callbacks;
        void *userdata;
        sd_event_source *source;
        struct sp_port *handle; /* owns fd when set */
        int fd;
        bool dispatching; /* a callback is on the stack */
        bool doomed;      /* freed from within it */
        size_t n_buffer;
        char buffer[SERIAL_PORT_BUFFER_MAX];
};

/* Opening can have effects of its own (a watchdog starts to run), so look before. */
static int check_node(const char *path, struct stat *ret_status)
{
        char link[64], target[PATH_MAX];
        struct stat status;

        if (stat(path, &status) < 0)
                return -errno;
        if (!S_ISCHR(status.st_mode))
                return -ENOTTY;
        int r = text_format(link, sizeof(link), "/sys/dev/char/%u:%u", major(status.st_rdev),
                            minor(status.st_rdev));
        if (r < 0)
                return r;
        /* A pty is not in sysfs: what is not there is looked at once it is open. */
        ssize_t n = readlink(link, target, sizeof(target) - 1);
        if (n >= 0) {
                target[n] = '\0';
                if (!strstr(target, "/tty/"))
                        return -ENOTTY;
        }
        *ret_status = status;
        return 0;
}

/* What libserialport returned, as a negative errno. */
static int sp_errno(enum sp_return result)
{
        switch (result) {
        case SP_OK:
                return 0;
        case SP_ERR_ARG:
                return -EINVAL;
        case SP_ERR_MEM:
                return -ENOMEM;
        case SP_ERR_SUPP:
                return -EOPNOTSUPP;
        case SP_ERR_FAIL:
        default: {
                int code = sp_last_error_code();
                return code > 0 ? -code : -EIO;
        }
        }
}

/* Returns 0 with the handle open, 1 when libserialport does not know the node. */
static int open_known(struct serial_port *port, const char *path)
{
        if (sp_get_port_by_name(path, &port->handle) != SP_OK) {
                port->handle = NULL;
                return 1;
        }
        int r = sp_errno(sp_open(port->handle, SP_MODE_READ_WRITE));
        if (r < 0) {
                sp_free_port(port->handle);
                port->handle = NULL;
                return r;
        }
        return sp_errno(sp_get_port_handle(port->handle, &port->fd));
}

static int open_unknown(struct serial_port *port, const char *path)
{
        port->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        return port->fd < 0 ? -errno : 0;
}

/* Raw at 115200 8N1 whatever it was; VMIN 1 makes "nothing there" EAGAIN and leaves 0 to a port that has
 * gone. */
static int set_line(int fd)
{
        struct termios termios;

        if (tcgetattr(fd, &termios) < 0)
                return -errno;
        cfmakeraw(&termios);
        termios.c_iflag = 0;
        termios.c_cflag &= (tcflag_t) ~(CSTOPB | CRTSCTS | HUPCL);
        termios.c_cflag |= CLOCAL | CREAD;
        termios.c_cc[VMIN] = 1;
        termios.c_cc[VTIME] = 0;
        if (cfsetspeed(&termios, B115200) < 0 || tcsetattr(fd, TCSANOW, &termios) < 0)
                return -errno;
        return 0;
}

/* What both ways of opening need. `before` is what check_node saw. */
static int prepare(int fd, const struct stat *before)
{
        const int lines = TIOCM_DTR | TIOCM_RTS;
        struct stat status;

        /* libserialport 0.1.1 opens without O_CLOEXEC; there is no thread here that could fork in between. */
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
                return -errno;
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISCHR(status.st_mode) || status.st_rdev != before->st_rdev || !isatty(fd))
                return -ENOTTY;
        /* 0.1.1 does not ask for exclusive mode, its successors may: smsd must find the port free. */
        if (ioctl(fd, TIOCNXCL) < 0)
                return -errno;
        int r = set_line(fd);
        if (r < 0)
                return r;
        r = ioctl(fd, TIOCMBIS, &lines);
        return r < 0 && errno != ENOTTY && errno != EINVAL ? -errno : 0; /* a pty has no modem lines */
}

/*
 * At close the kernel waits up to 30 s for a modem to take what was written, and the whole daemon with it. So
 * unsent bytes are dropped; those that the USB driver has in flight cannot be, and then the port is told not
 * to wait. That setting stays with the port until it is unplugged (and needs CAP_SYS_ADMIN; without, so be
 * it): hence only for a modem that is stuck.
 */
static void forgo_closing_wait(int fd)
{
        struct serial_struct serial;
        int pending = 0;

        (void)tcflush(fd, TCOFLUSH); /* best effort, all of it: the port may be gone */
        if (ioctl(fd, TIOCOUTQ, &pending) < 0 || pending == 0)
                return;
        if (ioctl(fd, TIOCGSERIAL, &serial) < 0 || serial.closing_wait == ASYNC_CLOSING_WAIT_NONE)
                return;
        serial.closing_wait = ASYNC_CLOSING_WAIT_NONE;
        (void)ioctl(fd, TIOCSSERIAL, &serial);
}

static void close_port(struct serial_port *port)
{
        port->source = sd_event_source_disable_unref(port->source);
        if (port->fd >= 0)
                forgo_closing_wait(port->fd);
        if (port->handle) {
                (void)sp_close(
                    port->handle); /* the device may be gone: there is nothing left to do about it */
                sp_free_port(port->handle);
                port->handle = NULL;
                port->fd = -1;
        }
        port->fd = close_fd(port->fd);
        port->n_buffer = 0;
}

/* Writes what the port takes. Returns the number of bytes, 0 when it takes none now, or a negative errno. */
static ssize_t write_some(int fd, const char *bytes, size_t n)
{
        ssize_t written = write(fd, bytes, n);

        if (written >= 0)
                return written;
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static int watch(struct serial_port *port)
{
        return sd_event_source_set_io_events(port->source, port->n_buffer > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int flush(struct serial_port *port)
{
        ssize_t written = write_some(port->fd, port->buffer, port->n_buffer);

        if (written < 0)
                return (int)written;
        port->n_buffer -= (size_t)written;
        memmove(port->buffer, port->buffer + written, port->n_buffer);
        return watch(port);
}

static void fail(struct serial_port *port, int error)
{
        close_port(port);
        port->callbacks->closed(port->userdata, error);
}

/* One bounded piece; the event loop comes back for more. */
static void receive(struct serial_port *port, bool hung_up)
{
        char bytes[SERIAL_PORT_READ_MAX];
        ssize_t n = read(port->fd, bytes, sizeof(bytes));

        bool nothing = n < 0 && (errno == EAGAIN || errno == EINTR);
        int error = n < 0 && !nothing ? -errno : -EIO;

        if (n > 0)
                port->callbacks->data(port->userdata, bytes, (size_t)n);
        else if (!nothing || hung_up)
                fail(port, error);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct serial_port *port = userdata;
        int r = 0;

        (void)source; /* the port's own */
        (void)fd;
        port->dispatching = true;
        if (events & EPOLLOUT && port->n_buffer > 0)
                r = flush(port);
        if (r < 0)
                fail(port, r);
        else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(port, events & (EPOLLHUP | EPOLLERR));
        port->dispatching = false;
        if (port->doomed)
                free(port);
        return 0;
}

static int attach(struct serial_port *port, sd_event *event)
{
        int r = sd_event_add_io(event, &port->source, port->fd, EPOLLIN, on_io, port);

        return r < 0 ? r : sd_event_source_set_priority(port->source, READ_PRIORITY);
}

static int open_node(struct serial_port *port, const char *path)
{
        _cleanup_free_ char *node = realpath(path, NULL);
        struct stat status = {0};

        if (!node)
                return -errno;
        int r = check_node(node, &status);
        if (r < 0)
                return r;
        r = open_known(port, node);
        if (r > 0)
                r = open_unknown(port, node);
        return r < 0 ? r : prepare(port->fd, &status);
}

int serial_port_open(struct serial_port **ret_port, sd_event *event, const char *path,
                     const struct serial_port_callbacks *callbacks, void *userdata)
{
        struct serial_port *port = calloc(1, sizeof(*port));

        if (!port)
                return -ENOMEM;
        port->fd = -1;
        port->callbacks = callbacks;
        port->userdata = userdata;
        int r = open_node(port, path);
        if (r == 0)
                r = attach(port, event);
        if (r < 0) {
                (void)serial_port_free(port);
                return r;
        }
        *ret_port = port;
        return 0;
}

int serial_port_write(struct serial_port *port, const char *bytes, size_t n)
{
        ssize_t written = 0;

        if (port->fd < 0)
                return -ENOTCONN;
        if (n > sizeof(port->buffer) - port->n_buffer)
                return -ENOBUFS;
        if (port->n_buffer == 0)
                written = write_some(port->fd, bytes, n);
        if (written < 0)
                return (int)written;
        memcpy(port->buffer + port->n_buffer, bytes + written, n - (size_t)written);
        port->n_buffer += n - (size_t)written;
        return watch(port);
}

struct serial_port *serial_port_free(struct serial_port *port)
{
        if (!port)
                return NULL;
        close_port(port);
        if (port->dispatching)
                port->doomed = true;
        else
                free(port);
        return NULL;
}
