/*
 * Fixed nodes, see hotplug_watch_node: a path that a person wrote in the configuration, followed link by
 * link. Every folder on the way is watched; where a folder is missing, the nearest one above it. What an
 * event says is not looked at: each one makes us walk the way again and compare what stands at its end.
 */
#include "hotplug_private.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define HOPS_MAX     8
#define TRIES_MAX    4
#define WAY_PATH_MAX 512
#define EVENTS                                                                                               \
        (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |   \
         IN_ONLYDIR)

/* The folders on the way to the node. */
struct way {
        unsigned n;
        char folders[HOPS_MAX][WAY_PATH_MAX];
};

/*
 * What stands at the end: another one under the same name is a change. One with the very same numbers again
 * is not: they are not given out a second time while anybody still holds the old one, so nobody was left
 * behind.
 */
struct end {
        bool present;
        dev_t device, number;
        ino_t inode;
};

struct hotplug_node {
        struct hotplug_node *next;
        struct hotplug *hotplug;
        char path[DEVICE_NODE_MAX];
        int inotify;
        sd_event_source *source;
        bool stale;     /* a watched folder itself left: another one may stand at its path already */
        struct way way; /* what is watched now */
        struct end end; /* what was told */
};

static int on_change(sd_event_source *source, int fd, uint32_t revents, void *userdata);

static void node_free(struct hotplug_node *node)
{
        if (!node)
                return;
        sd_event_source_disable_unref(node->source);
        (void)close_fd(node->inotify);
        free(node);
}

/* Cuts the last component off; "/" stays. */
static void to_parent(char *path)
{
        char *slash = strrchr(path, '/');

        if (!slash || slash == path)
                (void)text_copy(path, WAY_PATH_MAX, "/");
        else
                *slash = '\0';
}

/* The folder of `path`, or the nearest one above it that exists. */
static void existing_folder(const char *path, char target[WAY_PATH_MAX])
{
        struct stat st;

        (void)text_copy(target, WAY_PATH_MAX, path);
        do
                to_parent(target);
        while (!text_equal(target, "/") && (stat(target, &st) < 0 || !S_ISDIR(st.st_mode)));
}

/* Replaces `path`, a link, by what it names. False: it is no link, or not to be followed. */
static bool follow(char path[WAY_PATH_MAX])
{
        char named[WAY_PATH_MAX], folder[WAY_PATH_MAX];
        ssize_t length = readlink(path, named, sizeof(named) - 1);

        if (length <= 0)
                return false;
        named[length] = '\0';
        if (named[0] == '/')
                return text_copy(path, WAY_PATH_MAX, named) == 0;
        (void)text_copy(folder, sizeof(folder), path);
        to_parent(folder);
        return text_format(path, WAY_PATH_MAX, "%s/%s", folder, named) == 0;
}

static void find_way(const char *from, struct way *ret_way)
{
        char path[WAY_PATH_MAX];

        (void)text_copy(path, sizeof(path), from);
        ret_way->n = 0;
        do
                existing_folder(path, ret_way->folders[ret_way->n++]);
        while (ret_way->n < HOPS_MAX && follow(path));
}

static bool same_way(const struct way *a, const struct way *b)
{
        if (a->n != b->n)
                return false;
        for (unsigned i = 0; i < a->n; i++)
                if (!text_equal(a->folders[i], b->folders[i]))
                        return false;
        return true;
}

static struct end look(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode))
                return (struct end){.present = false};
        return (struct end){
            .present = true,
            .device = st.st_dev,
            .number = st.st_rdev,
            .inode = st.st_ino,
        };
}

static bool same_end(const struct end *a, const struct end *b)
{
        if (!a->present || !b->present)
                return a->present == b->present;
        return a->device == b->device && a->number == b->number && a->inode == b->inode;
}

/* A new inotify with a watch on each folder of the way. */
static int watch_way(struct hotplug_node *node)
{
        node->source = sd_event_source_disable_unref(node->source);
        (void)close_fd(node->inotify);
        node->stale = false;
        node->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (node->inotify < 0)
                return -errno;
        for (unsigned i = 0; i < node->way.n; i++)
                /* It may be gone again already: the walk that follows sees that. */
                if (inotify_add_watch(node->inotify, node->way.folders[i], EVENTS) < 0 && errno != ENOENT &&
                    errno != ENOTDIR)
                        return -errno;
        return sd_event_add_io(node->hotplug->event, &node->source, node->inotify, EPOLLIN, on_change, node);
}

static bool must_watch(const struct hotplug_node *node, const struct way *way)
{
        return !node->source || node->stale || !same_way(way, &node->way);
}

/* Watches first and looks afterwards, until the way was the same before and after: nothing can slip through
 * in between. */
static int update(struct hotplug_node *node)
{
        struct way way;

        find_way(node->path, &way);
        for (unsigned tries = 0; tries < TRIES_MAX && must_watch(node, &way); tries++) {
                node->way = way;
                int r = watch_way(node);
                if (r < 0)
                        return r;
                find_way(node->path, &way);
        }
        return 0;
}

/* Tells what changed since it was told last. */
static void tell(struct hotplug_node *node)
{
        const struct hotplug *hotplug = node->hotplug;
        struct end end = look(node->path), told = node->end;

        if (same_end(&end, &told))
                return;
        node->end = end;
        if (told.present)
                hotplug->callbacks.node(hotplug->userdata, node->path, false);
        if (end.present)
                hotplug->callbacks.node(hotplug->userdata, node->path, true);
}

/* Empties the queue; whether a folder left is all that is of interest. */
static void read_events(struct hotplug_node *node)
{
        _Alignas(struct inotify_event) char buffer[4096];
        ssize_t length;

        while ((length = read(node->inotify, buffer, sizeof(buffer))) > 0)
                for (const char *p = buffer; p < buffer + length;) {
                        const struct inotify_event *event = (const struct inotify_event *)(const void *)p;
                        if (event->mask &
                            (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW | IN_UNMOUNT))
                                node->stale = true;
                        p += sizeof(*event) + event->len;
                }
}

static int on_change(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct hotplug_node *node = userdata;
        char path[DEVICE_NODE_MAX * 4];

        (void)source;
        (void)fd;
        (void)revents;
        read_events(node);
        int r = update(node);
        if (r < 0) {
                (void)text_escape(path, sizeof(path), node->path, strlen(node->path));
                log_error("hotplug: cannot watch %s any more: %s", path, strerror(-r));
        }
        tell(node);
        return 0;
}

static struct hotplug_node **find_node(struct hotplug *hotplug, const char *path)
{
        struct hotplug_node **link = &hotplug->nodes;

        while (*link && !text_equal((*link)->path, path))
                link = &(*link)->next;
        return link;
}

int hotplug_watch_node(struct hotplug *hotplug, const char *path)
{
        struct hotplug_node **link = find_node(hotplug, path);

        if (*link)
                return -EEXIST;
        if (path[0] != '/')
                return -EINVAL;
        struct hotplug_node *node = calloc(1, sizeof(*node));
        if (!node)
                return -ENOMEM;
        node->hotplug = hotplug;
        node->inotify = -1;
        int r = text_copy(node->path, sizeof(node->path), path);
        if (r == 0)
                r = update(node);
        if (r < 0) {
                node_free(node);
                return r;
        }
        *link = node;
        node->end = look(path);
        hotplug->callbacks.node(hotplug->userdata, node->path, node->end.present);
        return 0;
}

void hotplug_nodes_free(struct hotplug *hotplug)
{
        while (hotplug->nodes) {
                struct hotplug_node *next = hotplug->nodes->next;
                node_free(hotplug->nodes);
                hotplug->nodes = next;
        }
}
