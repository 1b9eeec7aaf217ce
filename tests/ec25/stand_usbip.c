/*
 * The other way to carry the bytes: each modem is a USB device at the end of a USB/IP connection, and the
 * kernel makes the ttys. So nothing here gives numbers or makes nodes; what the kernel made is looked up in
 * sysfs when somebody asks.
 *
 * A plug is a plan here, too: a vhci port is still taken for some milliseconds after a device has left it,
 * so an attach is tried until it goes through.
 */
#include "ec25/stand_internal.h"

#include "base/log.h"
#include "base/parse.h"
#include "base/text.h"
#include "ec25/proc_fds.h"

#include <dirent.h>
#include <string.h>
#include <sys/epoll.h>

#define ATTACH_RETRY    (5 * USEC_PER_MSEC)
#define ATTACH_PATIENCE (5 * USEC_PER_SEC)
#define FIRST_DEVID     65537 /* bus 1, device 1 of the exporting side, which is us */
#define USB_DEVICES     "/sys/bus/usb/devices"

/* -- what the kernel made of it -- */

/* The first entry of a folder that begins with `prefix`. */
static bool find_entry(const char *folder, const char *prefix, char *name, size_t size)
{
        DIR *directory = opendir(folder);
        const struct dirent *entry;
        bool found = false;

        if (!directory)
                return false;
        while (!found && (entry = readdir(directory)))
                found = text_starts_with(entry->d_name, prefix) && text_copy(name, size, entry->d_name) == 0;
        (void)closedir(directory);
        return found;
}

static int look_at_line(struct line *line, const char *bus_id)
{
        const struct usb_interface *interface = line->interface;
        bool acm = interface->tty == TTY_ACM;
        char folder[PATH_MAX / 4];
        int r = text_format(folder, sizeof(folder), USB_DEVICES "/%s:1.%u%s", bus_id, interface->number,
                            acm ? "/tty" : "");

        line->state = LINE_COMING;
        strcpy(line->node, "-");
        strcpy(line->by_path, "-");
        if (r < 0 || !bus_id[0] || !strchr(bus_id, '-') ||
            !find_entry(folder, tty_prefix(interface->tty), line->name, sizeof(line->name)))
                return r;
        r = text_format(line->node, sizeof(line->node), "/dev/%s", line->name);
        if (r == 0)
                r = text_format(line->by_path, sizeof(line->by_path),
                                "/dev/serial/by-path/platform-vhci_hcd.0-usb-0:%s:1.%u%s",
                                strchr(bus_id, '-') + 1, interface->number, acm ? "" : "-port0");
        if (r == 0 && access(line->node, F_OK) == 0)
                line->state = LINE_PRESENT;
        return r;
}

void unit_usb_look(struct unit *unit)
{
        struct stand *stand = unit->stand;
        struct vhci_port ports[VHCI_PORTS];

        unit->bus_id[0] = '\0';
        if (unit->device && vhci_read_status(stand->vhci, ports) == 0)
                memcpy(unit->bus_id, ports[unit->options.port].bus_id, sizeof(unit->bus_id));
        for (size_t i = 0; i < unit->count; i++) {
                struct line *line = &unit->lines[i];
                if (look_at_line(line, unit->bus_id) == 0 && line->state == LINE_PRESENT)
                        number_seen(stand, line->name, unit->index);
        }
}

struct search {
        struct unit *unit;
        void (*found)(const struct stand_holder *, void *);
        void *userdata;
};

static void search_holder(const struct proc_fd *fd, void *userdata)
{
        const struct search *search = userdata;
        struct unit *unit = search->unit;
        char name[sizeof(unit->lines[0].name)];
        bool mine = false;

        if (!text_starts_with(fd->target, "/dev/tty") ||
            text_copy(name, sizeof(name), fd->target + strlen("/dev/")) < 0)
                return;
        for (size_t i = 0; !fd->deleted && i < unit->count; i++)
                mine =
                    mine || (unit->lines[i].state == LINE_PRESENT && text_equal(unit->lines[i].name, name));
        if (mine || (fd->deleted && number_was_of(unit->stand, name, unit->index)))
                search->found(
                    &(struct stand_holder){.node = name, .pid = fd->pid, .fd = fd->fd, .dead = !mine},
                    search->userdata);
}

int unit_usb_holders(struct unit *unit, void (*found)(const struct stand_holder *, void *), void *userdata)
{
        struct search search = {.unit = unit, .found = found, .userdata = userdata};

        unit_usb_look(unit);
        return proc_fds(search_holder, &search);
}

/* -- what the host does -- */

/* Where the bytes pass: an ACM port has its bulk endpoints on the interface behind its own. */
static size_t data_interface(const struct line *line)
{
        size_t own = (size_t)(line->interface - line->unit->composition.interfaces);

        return line->interface->tty == TTY_ACM ? own + 1 : own;
}

static struct line *line_of(struct unit *unit, size_t interface)
{
        for (size_t i = 0; i < unit->count; i++)
                if (unit->lines[i].interface == &unit->composition.interfaces[interface] ||
                    data_interface(&unit->lines[i]) == interface)
                        return &unit->lines[i];
        return NULL; /* network, audio: nobody home */
}

static void received(void *userdata, size_t interface, const void *bytes, size_t length)
{
        struct unit *unit = userdata;
        struct line *line = line_of(unit, interface);

        if (!line)
                return;
        line->written += length;
        note_bytes(line, '<', bytes, length);
        if (line->port < EC25_PORTS)
                ec25_input(unit->model, line->port, bytes, length, stand_now());
}

/* Nothing is powered by this: an unconfigured modem goes on with what it was doing. */
static void configured(void *userdata, bool on)
{
        struct unit *unit = userdata;

        for (size_t i = 0; i < unit->count; i++)
                transcript_note(unit, unit->lines[i].port, on ? "attached" : "hung up", "by configuration");
        if (on && ec25_hangs(unit->model) && ec25_hang_cure(unit->model) == EC25_CURE_USB)
                ec25_wake(unit->model);
}

static void line_state(void *userdata, size_t interface, unsigned state)
{
        struct unit *unit = userdata;
        struct line *line = line_of(unit, interface);

        if (!line)
                return;
        transcript_note(unit, line->port, "dtr", state & 1 ? "on" : "off");
        unit_usb_look(unit); /* somebody opens or closes it: the moment to learn its name */
}

static void closed(void *userdata, size_t interface)
{
        struct unit *unit = userdata;
        struct line *line = line_of(unit, interface);

        if (line && line->port < EC25_PORTS)
                ec25_discard(unit->model, line->port);
}

/* -- attach and detach -- */

static const struct usbip_events events = {
    .received = received, .configured = configured, .line_state = line_state, .closed = closed};

static int choose_port(const struct unit *unit, const struct vhci_port *ports)
{
        unsigned wanted = unit->options.port;

        if (wanted != VHCI_ANY_PORT)
                return ports[wanted].state == VHCI_FREE ? (int)wanted : -EBUSY;
        if (unit->index < VHCI_PORTS && ports[unit->index].state == VHCI_FREE)
                return (int)unit->index; /* so that modems keep apart without being told */
        for (int i = 0; i < VHCI_PORTS; i++)
                if (ports[i].state == VHCI_FREE)
                        return i;
        return -EBUSY;
}

static int watch_device(struct unit *unit)
{
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = unit};

        return epoll_ctl(unit->stand->epoll, EPOLL_CTL_ADD, usbip_device_fd(unit->device), &event) < 0
                   ? -errno
                   : 0;
}

static int attach(struct unit *unit)
{
        const struct stand *stand = unit->stand;
        struct vhci_port ports[VHCI_PORTS];
        int r = vhci_read_status(stand->vhci, ports);

        if (r == 0)
                r = choose_port(unit, ports);
        if (r < 0)
                return r;
        unsigned port = (unsigned)r;
        int fd = vhci_attach(stand->vhci, port, FIRST_DEVID + unit->index);
        if (fd < 0)
                return fd;
        r = usbip_device_new(fd, &unit->composition, &events, unit, &unit->device);
        if (r == 0)
                r = watch_device(unit);
        unit->options.port = port;
        if (r < 0)
                unit->device = usbip_device_free(unit->device);
        return r;
}

int unit_usb_may_plug(const struct unit *unit, const struct plug_options *options)
{
        const struct stand *stand = unit->stand;

        if (options->ordered || options->first || options->gap || !text_equal(options->usb, unit->usb))
                return -EOPNOTSUPP; /* the kernel decides */
        for (unsigned i = 0; i < stand->count; i++)
                if (&stand->units[i] != unit && stand->units[i].plugged && options->port != VHCI_ANY_PORT &&
                    stand->units[i].options.port == options->port)
                        return -EBUSY;
        return 0;
}

void unit_usb_plug(struct unit *unit, usec_t now)
{
        unit->count = 0;
        for (size_t i = 0; i < unit->composition.count && unit->count < STAND_LINES; i++)
                if (unit->composition.interfaces[i].tty != TTY_NONE)
                        unit->lines[unit->count++] =
                            (struct line){.stand = unit->stand,
                                          .unit = unit,
                                          .interface = &unit->composition.interfaces[i],
                                          .state = LINE_COMING,
                                          .port = unit->composition.interfaces[i].port,
                                          .due = USEC_INFINITY,
                                          .pts = "-",
                                          .pty = PTY_NONE};
        unit->attach_at = now;
        unit->attach_until = usec_add(now, ATTACH_PATIENCE);
}

int unit_usb_advance(struct unit *unit, usec_t now)
{
        if (unit->attach_at > now)
                return 0;
        int r = attach(unit);
        if (r == -EBUSY && now < unit->attach_until) {
                unit->attach_at = usec_add(now, ATTACH_RETRY);
                return 0;
        }
        unit->attach_at = USEC_INFINITY;
        return r;
}

void unit_usb_leave(struct unit *unit)
{
        if (unit->device)
                for (size_t i = 0; i < unit->count; i++)
                        transcript_note(unit, unit->lines[i].port, "hung up", "by leaving");
        unit->device = usbip_device_free(unit->device);
        unit->attach_at = USEC_INFINITY;
        unit->bus_id[0] = '\0';
        unit->count = 0;
}

/* -- bytes -- */

int unit_usb_event(struct unit *unit)
{
        return unit->device ? usbip_device_dispatch(unit->device) : 0;
}

static void pump_line(struct line *line, usec_t now)
{
        struct unit *unit = line->unit;
        size_t interface = data_interface(line), length, taken;
        const void *bytes;

        if (!usbip_device_is_open(unit->device, interface)) {
                ec25_discard(unit->model, line->port);
                return;
        }
        while ((length = ec25_output(unit->model, line->port, now, &bytes)) &&
               (taken = usbip_device_send(unit->device, interface, bytes, length))) {
                line->read += taken;
                note_bytes(line, '>', bytes, taken);
                ec25_consume(unit->model, line->port, taken);
        }
}

void unit_usb_pump(struct unit *unit, usec_t now)
{
        for (enum ec25_port port = 0; !unit->device && port < EC25_PORTS; port++)
                ec25_discard(unit->model, port);
        for (size_t i = 0; unit->device && i < unit->count; i++)
                if (unit->lines[i].port < EC25_PORTS)
                        pump_line(&unit->lines[i], now);
}
