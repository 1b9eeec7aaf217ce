/*
 * `status` has a line per port (hub, port, state, speed, device, socket, bus id), `attach` takes
 * "PORT FD DEVID SPEED" from the process that owns the fd. The kernel takes a reference on the socket and
 * starts two threads on it; closing our end is the unplugging.
 */
#include "ec25/vhci.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define STATE_FREE 4 /* VDEV_ST_NULL */
#define SPEED_HIGH 3

static void parse_line(const char *line, struct vhci_port *ports)
{
        char hub[4], bus_id[VHCI_BUS_ID];
        unsigned port, state;

        if (sscanf(line, "%3s %u %u %*u %*x %*u %31s", hub, &port, &state, bus_id) != 4 ||
            !text_equal(hub, "hs") || port >= VHCI_PORTS)
                return;
        ports[port].state = state == STATE_FREE ? VHCI_FREE : VHCI_BUSY;
        if (!text_equal(bus_id, "0-0"))
                (void)text_copy(ports[port].bus_id, VHCI_BUS_ID, bus_id); /* same size */
}

void vhci_parse_status(const char *text, struct vhci_port ret_ports[static VHCI_PORTS])
{
        for (size_t i = 0; i < VHCI_PORTS; i++)
                ret_ports[i] = (struct vhci_port){.state = VHCI_BUSY};
        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                parse_line(line, ret_ports);
        }
}

static int open_file(const char *folder, const char *name, int flags)
{
        char path[PATH_MAX];
        int r = text_format(path, sizeof(path), "%s/%s", folder, name);

        if (r < 0)
                return r;
        int fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int vhci_read_status(const char *folder, struct vhci_port ret_ports[static VHCI_PORTS])
{
        char text[4096]; /* sysfs gives a page at most */
        _cleanup_close_ int fd = open_file(folder, "status", O_RDONLY);

        if (fd < 0)
                return fd;
        ssize_t length = read(fd, text, sizeof(text) - 1);
        if (length < 0)
                return -errno;
        text[length] = '\0';
        vhci_parse_status(text, ret_ports);
        return 0;
}

/* The plain folder of a test. */
static int connect_instead(const char *folder)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int r = text_format(address.sun_path, sizeof(address.sun_path), "%s/attach", folder);

        if (r < 0)
                return r;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                r = -errno;
                close_fd(fd);
                return r;
        }
        return fd;
}

static int write_attach(int file, unsigned port, int fd, unsigned devid)
{
        char line[64];
        int r = text_format(line, sizeof(line), "%u %d %u %d", port, fd, devid, SPEED_HIGH);

        if (r < 0)
                return r;
        return write(file, line, strlen(line)) < 0 ? -errno : 0;
}

int vhci_attach(const char *folder, unsigned port, unsigned devid)
{
        int pair[2];
        _cleanup_close_ int file = open_file(folder, "attach", O_WRONLY);

        if (file == -ENXIO) /* a socket */
                return connect_instead(folder);
        if (file < 0)
                return file;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        int r = write_attach(file, port, pair[1], devid);
        close_fd(pair[1]); /* the kernel has its own reference now, or none */
        if (r < 0) {
                close_fd(pair[0]);
                return r;
        }
        return pair[0];
}
