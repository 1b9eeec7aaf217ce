/*
 * Making and ending a stand, and what it says about itself.
 */
#include "ec25/stand_internal.h"

#include "base/text.h"

#include <ftw.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define NODES        "/dev/shm/ec25."
#define RETURN_DELAY (300 * USEC_PER_MSEC)

static int make_units(struct stand *stand, unsigned modems)
{
        stand->units = calloc(modems, sizeof(*stand->units));
        if (!stand->units)
                return -ENOMEM;
        for (unsigned i = 0; i < modems; i++) {
                struct unit *unit = &stand->units[i];
                int r = ec25_new(i, &unit->model);
                if (r < 0)
                        return r;
                stand->count++;
                unit->index = i;
                unit->watch = -1;
                unit->stand = stand;
                unit->leave_at = unit->back_at = unit->attach_at = USEC_INFINITY;
                /* Seven ports on each hub, the hubs side by side: 1-1.1 .. 1-1.7, 1-2.1 ... */
                r = text_format(unit->usb, sizeof(unit->usb), "1-%u.%u", i / 7 + 1, i % 7 + 1);
                if (r < 0)
                        return r;
                unit->options = (struct plug_options){
                    .composition = "qmi", .usb = unit->usb, .back = RETURN_DELAY, .port = VHCI_ANY_PORT};
        }
        return 0;
}

static int remove_file(const char *path, const struct stat *stat, int type, struct FTW *where)
{
        (void)stat;
        (void)type;
        (void)where;
        return remove(path);
}

static void remove_nodes(const char *nodes)
{
        if (text_starts_with(nodes, NODES))
                (void)nftw(nodes, remove_file, 16,
                           FTW_DEPTH | FTW_PHYS); /* left-overs are not worth a failure */
}

/* What a killed run on the same directory left behind. */
static void remove_left_over(const struct stand *stand)
{
        char path[PATH_MAX], nodes[PATH_MAX];
        ssize_t length = -1;

        if (text_format(path, sizeof(path), "%s/dev", stand->directory) == 0)
                length = readlink(path, nodes, sizeof(nodes) - 1);
        if (length <= 0)
                return;
        nodes[length] = '\0';
        remove_nodes(nodes);
}

static int link_to(const struct stand *stand, const char *name, const char *target)
{
        char path[PATH_MAX];
        int r = text_format(path, sizeof(path), "%s/%s", stand->directory, name);

        if (r < 0)
                return r;
        (void)unlink(path); /* of an earlier run */
        return symlink(target, path) < 0 ? -errno : 0;
}

/* Below /dev/shm, for libudev takes no device node outside /dev, and other processes must find the same file
 * there. */
static int make_nodes(struct stand *stand)
{
        int r = text_copy(stand->nodes, sizeof(stand->nodes), NODES "XXXXXX");

        if (r < 0)
                return r;
        remove_left_over(stand);
        if (!mkdtemp(stand->nodes) || chmod(stand->nodes, 0755) < 0)
                return -errno;
        return link_to(stand, "dev", stand->nodes);
}

/* Beside the nodes: in memory a plug takes 10 ms, on a slow disk ten times that, and the sockets' paths stay
 * short. */
static int make_tree(struct stand *stand)
{
        char path[PATH_MAX];
        int r = text_format(path, sizeof(path), "%s/umockdev", stand->nodes);

        if (r == 0)
                r = tree_new(path, &stand->tree);
        return r < 0 ? r : link_to(stand, "umockdev", path);
}

/* Nothing to make: udev has the nodes. */
static int use_kernel(struct stand *stand, const char *vhci)
{
        struct vhci_port ports[VHCI_PORTS];
        int r = text_copy(stand->vhci, sizeof(stand->vhci), vhci);

        if (r == 0)
                r = vhci_read_status(vhci, ports);
        if (r == 0)
                r = text_copy(stand->nodes, sizeof(stand->nodes), "/dev");
        return r < 0 ? r : link_to(stand, "dev", stand->nodes);
}

static int make_folders(struct stand *stand, const struct stand_transport *transport)
{
        char path[PATH_MAX];
        int r = text_format(path, sizeof(path), "%s/transcript", stand->directory);

        if (r == 0 && mkdir(path, 0755) < 0 && errno != EEXIST)
                r = -errno;
        if (r < 0 || transport->vhci)
                return r < 0 ? r : use_kernel(stand, transport->vhci);
        r = make_nodes(stand);
        return r < 0 || !transport->tree ? r : make_tree(stand);
}

static int make_fds(struct stand *stand)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = stand};

        stand->epoll = epoll_create1(EPOLL_CLOEXEC);
        stand->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (stand->epoll < 0 || stand->inotify < 0 ||
            epoll_ctl(stand->epoll, EPOLL_CTL_ADD, stand->inotify, &event) < 0)
                return -errno;
        return 0;
}

int stand_new(const char *directory, unsigned modems, const struct stand_transport *transport,
              struct stand **ret_stand)
{
        struct stand *stand = calloc(1, sizeof(*stand));
        int r;

        if (!stand)
                return -ENOMEM;
        stand->epoll = stand->inotify = -1;
        stand->devnum = 2;
        for (size_t kind = 0; kind < 2; kind++)
                for (size_t i = 0; i < TTY_NUMBERS; i++)
                        stand->numbers[kind][i].dead = (struct pty)PTY_NONE;
        r = text_copy(stand->directory, sizeof(stand->directory), directory);
        if (r == 0)
                r = make_folders(stand, transport);
        if (r == 0)
                r = make_fds(stand);
        if (r == 0)
                r = make_units(stand, modems);
        if (r < 0) {
                stand_free(stand);
                return r;
        }
        *ret_stand = stand;
        return 0;
}

struct stand *stand_free(struct stand *stand)
{
        if (!stand)
                return NULL;
        for (unsigned i = 0; i < stand->count; i++) {
                (void)stand_unplug(stand, i); /* it may not be plugged */
                transcripts_close(&stand->units[i]);
                ec25_free(stand->units[i].model);
        }
        for (size_t kind = 0; kind < 2; kind++)
                for (size_t i = 0; i < TTY_NUMBERS; i++)
                        pty_close(&stand->numbers[kind][i].dead);
        remove_nodes(stand->nodes);
        tree_free(stand->tree);
        close_fd(stand->epoll);
        close_fd(stand->inotify);
        free(stand->units);
        free(stand);
        return NULL;
}

const char *stand_nodes(const struct stand *stand)
{
        return stand->nodes;
}

const char *stand_tree_root(const struct stand *stand)
{
        return stand->tree ? tree_root(stand->tree) : NULL;
}

unsigned stand_count(const struct stand *stand)
{
        return stand->count;
}

struct ec25 *stand_modem(struct stand *stand, unsigned modem)
{
        return stand->units[modem].model;
}

bool stand_plugged(const struct stand *stand, unsigned modem)
{
        return stand->units[modem].plugged;
}

const char *stand_usb_path(const struct stand *stand, unsigned modem)
{
        struct unit *unit = &stand->units[modem];

        if (!stand_uses_kernel(stand))
                return unit->usb;
        unit_usb_look(unit);
        return unit->bus_id[0] ? unit->bus_id : "-";
}

const char *stand_composition(const struct stand *stand, unsigned modem)
{
        return stand->units[modem].options.composition;
}

bool stand_line(const struct stand *stand, unsigned modem, size_t index, struct stand_line *ret_line)
{
        struct unit *unit = &stand->units[modem];

        if (stand_uses_kernel(stand) && index == 0)
                unit_usb_look(unit);
        if (index >= unit->count)
                return false;
        const struct line *line = &unit->lines[index];
        *ret_line = (struct stand_line){.port = ec25_port_to_string(line->port),
                                        .node = line->node,
                                        .by_path = line->by_path,
                                        .pts = line->pts,
                                        .read = line->read,
                                        .written = line->written,
                                        .present = line->state == LINE_PRESENT};
        return true;
}

void stand_defaults(const struct stand *stand, unsigned modem, struct plug_options *ret_options)
{
        *ret_options = stand->units[modem].options;
}
