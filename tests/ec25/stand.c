/*
 * Plugging and unplugging. A plug is a plan (device now, tty k at its due time), carried out by
 * stand_advance; what the model wishes (leave and come back, switch off) and what the host writes to
 * `authorized` become plans in the same way.
 */
#include "ec25/stand_internal.h"

#include "base/log.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

/* Time for the last answer to be read: a hung-up tty loses what is unread. The kernel's tty may be that of a
 * slow virtual machine. */
#define LEAVE_DELAY        (100 * USEC_PER_MSEC)
#define LEAVE_DELAY_KERNEL (500 * USEC_PER_MSEC)

usec_t stand_now(void)
{
        struct timespec now;

        if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
                abort();
        return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

/* -- the nodes -- */

static int make_parents(const char *path)
{
        char part[PATH_MAX];
        int r = text_copy(part, sizeof(part), path);

        for (char *slash = strchr(part + 1, '/'); r == 0 && slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdir(part, 0755) < 0 && errno != EEXIST)
                        r = -errno;
                *slash = '/';
        }
        return r;
}

/* Replaces in one step: with the dummy serial the by-id links of two modems meet, and the last one wins. */
static int replace_link(const char *target, const char *path)
{
        char temporary[PATH_MAX];
        int r = make_parents(path);

        if (r == 0)
                r = text_format(temporary, sizeof(temporary), "%s.new", path);
        if (r < 0)
                return r;
        (void)unlink(temporary);
        return symlink(target, temporary) < 0 || rename(temporary, path) < 0 ? -errno : 0;
}

static struct usb_device device_of(const struct unit *unit, const struct stand *stand)
{
        return (struct usb_device){.composition = &unit->composition,
                                   .path = unit->usb,
                                   .devnum = unit->devnum,
                                   .nodes = stand->nodes};
}

static struct usb_tty tty_of(const struct line *line)
{
        return (struct usb_tty){.interface = line->interface, .name = line->name, .minor = line->number};
}

static int name_line(struct line *line)
{
        const struct stand *stand = line->stand;
        const struct usb_device device = device_of(line->unit, stand);
        char by_path[192], by_id[192];
        int r = text_format(line->name, sizeof(line->name), "%s%u", tty_prefix(line->interface->tty),
                            line->number);
        const struct usb_tty tty = tty_of(line);

        if (r == 0)
                r = usb_tty_links(&device, &tty, by_path, by_id);
        if (r == 0)
                r = text_format(line->node, sizeof(line->node), "%s/%s", stand->nodes, line->name);
        if (r == 0)
                r = text_format(line->by_path, sizeof(line->by_path), "%s/%s", stand->nodes, by_path);
        return r < 0 ? r : text_format(line->by_id, sizeof(line->by_id), "%s/%s", stand->nodes, by_id);
}

static int line_appear(struct line *line)
{
        struct stand *stand = line->stand;
        const struct usb_device device = device_of(line->unit, stand);
        const struct usb_tty tty = tty_of(line);
        int r = line_attach(line);

        if (r < 0)
                return r;
        line->state = LINE_PRESENT;
        transcript_note(line->unit, line->port, "attached", line->name);
        r = replace_link(line->pts, line->node);
        if (r == 0)
                r = replace_link(line->node, line->by_path);
        if (r == 0)
                r = replace_link(line->node, line->by_id);
        return r < 0 || !stand->tree ? r : tree_usb_add_tty(stand->tree, &device, &tty);
}

static void unlink_own(const char *path, const char *target)
{
        char text[PATH_MAX];
        ssize_t length = readlink(path, text, sizeof(text) - 1);

        if (length < 0)
                return;
        text[length] = '\0';
        if (text_equal(text, target))
                (void)unlink(path);
}

static int line_disappear(struct line *line)
{
        struct stand *stand = line->stand;
        const struct usb_device device = device_of(line->unit, stand);
        const struct usb_tty tty = tty_of(line);
        int r = 0;

        if (line->state == LINE_PRESENT) {
                line_hang_up(line);
                unlink_own(line->by_id, line->node);
                unlink_own(line->by_path, line->node);
                unlink_own(line->node, line->pts);
                if (stand->tree)
                        r = tree_usb_remove_tty(stand->tree, &device, &tty);
        }
        if (line->state != LINE_NONE)
                number_leave(stand, line->interface->tty, line->number, line->unit->index, &line->pty);
        line->state = LINE_NONE;
        return r;
}

static int lines_disappear(struct unit *unit)
{
        int result = 0;

        for (size_t i = 0; i < unit->count; i++) {
                int r = line_disappear(&unit->lines[i]);
                result = r < 0 ? r : result;
        }
        unit->count = 0;
        return result;
}

/* -- plug -- */

static int watch_authorized(struct stand *stand, struct unit *unit)
{
        char devpath[512], path[PATH_MAX];
        int r = usb_devpath(unit->usb, devpath, sizeof(devpath));

        if (r == 0)
                r = text_format(path, sizeof(path), "%s/sys%s/authorized", tree_root(stand->tree), devpath);
        if (r < 0)
                return r;
        unit->watch = inotify_add_watch(stand->inotify, path, IN_CLOSE_WRITE);
        return unit->watch < 0 ? -errno : 0;
}

static int plan_line(struct stand *stand, struct unit *unit, const struct usb_interface *interface)
{
        int number = number_take(stand, interface->tty, unit->options.first);

        if (number < 0)
                return number;
        struct line *line = &unit->lines[unit->count++];
        *line = (struct line){.stand = stand,
                              .unit = unit,
                              .interface = interface,
                              .state = LINE_COMING,
                              .port = interface->port,
                              .number = (unsigned)number,
                              .pty = PTY_NONE};
        return name_line(line);
}

/* Numbers are given in the order of the interfaces, as the kernel probes them; they show up in the order
 * asked for. */
static int plan_lines(struct stand *stand, struct unit *unit, usec_t now)
{
        int r = 0;

        numbers_sweep(stand);
        unit->count = 0;
        for (size_t i = 0; r == 0 && i < unit->composition.count; i++)
                if (unit->composition.interfaces[i].tty != TTY_NONE && unit->count < STAND_LINES)
                        r = plan_line(stand, unit, &unit->composition.interfaces[i]);
        for (size_t i = 0; i < unit->count; i++)
                unit->lines[i].due = now + i * unit->options.gap;
        for (size_t i = 0; i < unit->options.ordered; i++)
                if (unit->options.order[i] < unit->count)
                        unit->lines[unit->options.order[i]].due = now + i * unit->options.gap;
        return r;
}

static int keep_text(char *target, size_t size, const char **text)
{
        if (!*text || *text == target)
                return 0;
        int r = text_copy(target, size, *text);
        *text = target;
        return r;
}

static int keep_options(struct unit *unit, const struct plug_options *options)
{
        const struct composition *composition = composition_find(options->composition);
        int r;

        if (!composition || !usb_path_is_valid(options->usb))
                return -EINVAL;
        unit->options = *options;
        unit->options.composition = composition->name;
        r = keep_text(unit->usb, sizeof(unit->usb), &unit->options.usb);
        if (r == 0)
                r = keep_text(unit->product, sizeof(unit->product), &unit->options.product);
        if (r == 0)
                r = keep_text(unit->manufacturer, sizeof(unit->manufacturer), &unit->options.manufacturer);
        if (r == 0)
                r = keep_text(unit->serial, sizeof(unit->serial), &unit->options.serial);
        unit->composition = *composition;
        if (unit->options.product)
                unit->composition.description = unit->options.product;
        if (unit->options.manufacturer)
                unit->composition.manufacturer = unit->options.manufacturer;
        if (unit->options.serial)
                unit->composition.serial = unit->options.serial[0] ? unit->options.serial : NULL;
        return r;
}

static int may_plug(const struct stand *stand, const struct unit *unit, const struct plug_options *options)
{
        if (unit->plugged)
                return -EALREADY;
        if (stand_uses_kernel(stand))
                return unit_usb_may_plug(unit, options);
        for (unsigned i = 0; i < stand->count; i++)
                if (&stand->units[i] != unit && stand->units[i].plugged &&
                    text_equal(stand->units[i].usb, options->usb))
                        return -EBUSY;
        return 0;
}

static int set_family(struct unit *unit)
{
        const struct composition *composition = &unit->composition;
        int r = 0;

        if (composition->modem_manufacturer)
                r = ec25_set_identity(unit->model, "manufacturer", composition->modem_manufacturer,
                                      strlen(composition->modem_manufacturer));
        if (r == 0 && composition->modem_model)
                r = ec25_set_identity(unit->model, "model", composition->modem_model,
                                      strlen(composition->modem_model));
        return r;
}

int stand_plug(struct stand *stand, unsigned modem, const struct plug_options *options)
{
        struct unit *unit = &stand->units[modem];
        int r = may_plug(stand, unit, options);

        if (r == 0)
                r = keep_options(unit, options);
        if (r == 0)
                r = set_family(unit);
        if (r < 0)
                return r;
        unit->devnum = ++stand->devnum;
        const struct usb_device device = device_of(unit, stand);
        if (stand->tree)
                r = tree_usb_plug(stand->tree, &device);
        if (r == 0 && stand->tree)
                r = watch_authorized(stand, unit);
        unit->plugged = unit->authorized = true;
        unit->leave_at = unit->back_at = USEC_INFINITY;
        if (stand_uses_kernel(stand))
                unit_usb_plug(unit, stand_now());
        else if (r == 0)
                r = plan_lines(stand, unit, stand_now());
        ec25_power_on(unit->model, unit->options.boot, stand_now());
        if (r == 0)
                stand_advance(stand);
        return r;
}

static int leave(struct stand *stand, struct unit *unit)
{
        const struct usb_device device = device_of(unit, stand);
        int r = 0;

        if (stand_uses_kernel(stand))
                unit_usb_leave(unit);
        else
                r = lines_disappear(unit);
        unit->plugged = unit->authorized = false;
        unit->leave_at = unit->back_at = USEC_INFINITY;
        ec25_power_off(unit->model);
        if (!stand->tree)
                return r;
        (void)inotify_rm_watch(stand->inotify, unit->watch); /* it ends with the file anyway */
        unit->watch = -1;
        int t = tree_usb_unplug(stand->tree, &device);
        return r < 0 ? r : t;
}

int stand_unplug(struct stand *stand, unsigned modem)
{
        struct unit *unit = &stand->units[modem];

        if (!unit->plugged) {
                bool coming = unit->back_at != USEC_INFINITY;
                unit->back_at = USEC_INFINITY;
                return coming ? 0 : -ENODEV;
        }
        return leave(stand, unit);
}

int stand_eio(struct stand *stand, unsigned modem)
{
        struct unit *unit = &stand->units[modem];

        if (!unit->plugged || (stand_uses_kernel(stand) && !unit->device))
                return -ENODEV;
        if (stand_uses_kernel(stand))
                usbip_device_break(unit->device);
        for (size_t i = 0; i < unit->count; i++)
                if (unit->lines[i].pty.master >= 0)
                        line_hang_up(&unit->lines[i]);
        return 0;
}

/* -- what time and the host bring -- */

static int authorize(struct stand *stand, struct unit *unit, bool authorized)
{
        const struct usb_device device = device_of(unit, stand);
        int r;

        if (unit->authorized == authorized)
                return 0;
        unit->authorized = authorized;
        if (!authorized) {
                r = lines_disappear(unit);
                return r < 0 ? r : tree_usb_deauthorize(stand->tree, &device);
        }
        if (!ec25_hangs(unit->model) || ec25_hang_cure(unit->model) == EC25_CURE_USB)
                ec25_wake(unit->model); /* a port alone as well */
        r = tree_usb_authorize(stand->tree, &device);
        return r < 0 ? r : plan_lines(stand, unit, stand_now());
}

static int read_authorized(struct stand *stand, struct unit *unit)
{
        char devpath[512], path[PATH_MAX];
        int r = usb_devpath(unit->usb, devpath, sizeof(devpath));

        if (r == 0)
                r = text_format(path, sizeof(path), "%s/sys%s/authorized", tree_root(stand->tree), devpath);
        if (r < 0)
                return r;
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        int value = file ? fgetc(file) : EOF;
        return value == '0' || value == '1' ? authorize(stand, unit, value == '1') : 0;
}

static int inotify_read(struct stand *stand)
{
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t length = read(stand->inotify, buffer, sizeof(buffer));
        int result = 0;

        for (char *at = buffer; length > 0 && at < buffer + length;) {
                const struct inotify_event *event = (const void *)at;
                at += sizeof(*event) + event->len;
                for (unsigned i = 0; i < stand->count; i++)
                        if (stand->units[i].plugged && stand->units[i].watch == event->wd) {
                                int r = read_authorized(stand, &stand->units[i]);
                                result = r < 0 ? r : result;
                        }
        }
        return result;
}

static void take_wish(struct unit *unit, usec_t now)
{
        enum ec25_wish wish = ec25_take_wish(unit->model);

        if (wish == EC25_WISH_NONE || unit->leave_at != USEC_INFINITY)
                return;
        unit->leave_at = usec_add(now, stand_uses_kernel(unit->stand) ? LEAVE_DELAY_KERNEL : LEAVE_DELAY);
        unit->stay_away = wish == EC25_WISH_OFF;
}

/* The one of the coming ttys that is due first. */
static struct line *next_line(struct unit *unit)
{
        struct line *next = NULL;

        for (size_t i = 0; i < unit->count; i++)
                if (unit->lines[i].state == LINE_COMING && (!next || unit->lines[i].due < next->due))
                        next = &unit->lines[i];
        return next;
}

/* The connection to the kernel: could not be made, or has ended. */
static void usb_result(struct stand *stand, struct unit *unit, int r)
{
        if (r == 0)
                return;
        if (r != -ECONNRESET) /* that is the kernel's own `detach` */
                log_error("modem %u has no host: %s", unit->index, strerror(-r));
        (void)leave(stand, unit); /* without a tree it cannot fail */
}

static void advance_unit(struct stand *stand, struct unit *unit, usec_t now)
{
        ec25_advance(unit->model, now);
        take_wish(unit, now);
        usb_result(stand, unit, unit_usb_advance(unit, now));
        for (struct line *line; (line = next_line(unit)) && line->due <= now;) {
                int r = line_appear(line);
                if (r < 0) {
                        log_error("%s does not appear: %s", line->name, strerror(-r));
                        (void)line_disappear(line); /* what could be made of it */
                }
        }
        unit_pump(stand, unit, now);
        if (unit->leave_at <= now) {
                int r = leave(stand, unit);
                if (r < 0)
                        log_error("modem %u does not leave: %s", unit->index, strerror(-r));
                if (!unit->stay_away)
                        unit->back_at = usec_add(now, unit->options.back);
        }
        if (unit->back_at <= now) {
                const struct plug_options options = unit->options;
                unit->back_at = USEC_INFINITY;
                int r = stand_plug(stand, unit->index, &options);
                if (r < 0)
                        log_error("modem %u does not come back: %s", unit->index, strerror(-r));
        }
}

void stand_advance(struct stand *stand)
{
        usec_t now = stand_now();

        for (unsigned i = 0; i < stand->count; i++)
                advance_unit(stand, &stand->units[i], now);
        stand->retry = stand->tree && tree_retry(stand->tree);
}

usec_t stand_next_deadline(const struct stand *stand)
{
        usec_t now = stand_now(), next = stand->retry ? now + 5 * USEC_PER_MSEC : USEC_INFINITY;

        for (unsigned i = 0; i < stand->count; i++) {
                const struct unit *unit = &stand->units[i];
                next = usec_min(next, ec25_next_deadline(unit->model, now));
                next = usec_min(next, usec_min(unit->leave_at, usec_min(unit->back_at, unit->attach_at)));
                for (size_t k = 0; k < unit->count; k++)
                        if (unit->lines[k].state == LINE_COMING)
                                next = usec_min(next, unit->lines[k].due);
        }
        return next;
}

int stand_fd(const struct stand *stand)
{
        return stand->epoll;
}

int stand_dispatch(struct stand *stand)
{
        struct epoll_event events[64];
        int count = epoll_wait(stand->epoll, events, ARRAY_SIZE(events), 0), r = 0;

        for (int i = 0; i < count; i++)
                if (events[i].data.ptr == stand)
                        r = inotify_read(stand);
                else if (stand_uses_kernel(stand))
                        usb_result(stand, events[i].data.ptr, unit_usb_event(events[i].data.ptr));
                else
                        line_event(events[i].data.ptr, events[i].events);
        stand_advance(stand);
        return count < 0 && errno != EINTR ? -errno : r;
}
