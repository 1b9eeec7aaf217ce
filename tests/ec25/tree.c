/*
 * Files, folders and links only; what a modem's branch of the tree looks like is known in tree_usb.c.
 */
#include "ec25/tree.h"

#include "base/text.h"
#include "ec25/uevent.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

struct tree {
        char root[PATH_MAX / 2];
        struct uevent_sender *sender;
};

static int make_folders(const char *path)
{
        char part[PATH_MAX];

        if (text_copy(part, sizeof(part), path) < 0)
                return -ENAMETOOLONG;
        for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
                if (slash)
                        *slash = '\0';
                if (mkdir(part, 0755) < 0 && errno != EEXIST)
                        return -errno;
                if (!slash)
                        return 0;
                *slash = '/';
        }
}

int tree_new(const char *root, struct tree **ret_tree)
{
        struct tree *tree = calloc(1, sizeof(*tree));
        char path[PATH_MAX];
        int r;

        if (!tree)
                return -ENOMEM;
        r = text_copy(tree->root, sizeof(tree->root), root);
        if (r == 0)
                r = text_format(path, sizeof(path), "%s/sys/devices", root);
        if (r == 0)
                r = make_folders(path);
        if (r == 0)
                r = uevent_sender_new(root, &tree->sender);
        if (r < 0) {
                tree_free(tree);
                return r;
        }
        *ret_tree = tree;
        return 0;
}

struct tree *tree_free(struct tree *tree)
{
        if (!tree)
                return NULL;
        uevent_sender_free(tree->sender);
        free(tree);
        return NULL;
}

const char *tree_root(const struct tree *tree)
{
        return tree->root;
}

static int full_path(const struct tree *tree, char path[static PATH_MAX], const char *devpath,
                     const char *name)
{
        return text_format(path, PATH_MAX, "%s/sys%s/%s", tree->root, devpath, name);
}

/* The folder of `path` is made when it is missing: trying first saves most of the calls. */
static int make_folder_of(const char *path)
{
        char folder[PATH_MAX];
        int r = text_copy_n(folder, sizeof(folder), path, (size_t)(strrchr(path, '/') - path));

        return r < 0 ? r : make_folders(folder);
}

static int create(const char *path)
{
        const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
        int fd = open(path, flags, 0644);

        if (fd < 0 && errno == ENOENT) {
                int r = make_folder_of(path);
                if (r < 0)
                        return r;
                fd = open(path, flags, 0644);
        }
        return fd < 0 ? -errno : fd;
}

/* Replaces what is there. */
static int make_link(const char *target, const char *path)
{
        if (symlink(target, path) == 0)
                return 0;
        if (errno == ENOENT) {
                int r = make_folder_of(path);
                if (r < 0)
                        return r;
        } else if (errno != EEXIST || unlink(path) < 0)
                return -errno;
        return symlink(target, path) < 0 ? -errno : 0;
}

int tree_attribute(struct tree *tree, const char *devpath, const char *name, const void *value, size_t length)
{
        char path[PATH_MAX];
        int r = full_path(tree, path, devpath, name);

        if (r < 0)
                return r;
        /* In place, for somebody may watch the file (`authorized`). */
        _cleanup_close_ int fd = create(path);
        if (fd < 0)
                return fd;
        ssize_t written = write(fd, value, length);
        return written < 0 ? -errno : (size_t)written < length ? -EIO : 0;
}

int tree_text(struct tree *tree, const char *devpath, const char *name, const char *format, ...)
{
        char text[4096];
        va_list arguments;

        va_start(arguments, format);
        int length = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (length < 0 || (size_t)length >= sizeof(text))
                return -ENAMETOOLONG;
        return tree_attribute(tree, devpath, name, text, (size_t)length);
}

/* sysfs links are relative: `depth` steps up from the folder of the link to sys/, then `target`. */
static int link_up(const struct tree *tree, const char *where, const char *name, const char *target)
{
        char path[PATH_MAX], text[PATH_MAX] = "";
        int r = 0;

        for (const char *slash = where; r == 0 && (slash = strchr(slash, '/')); slash++)
                r = text_append(text, sizeof(text), "../");
        if (r == 0)
                r = text_append(text, sizeof(text), "%s", target + (target[0] == '/'));
        if (r == 0)
                r = full_path(tree, path, where, name);
        return r < 0 ? r : make_link(text, path);
}

static const char *base_name(const char *devpath)
{
        return strrchr(devpath, '/') + 1;
}

static bool is_bus(const char *subsystem)
{
        return text_starts_with(subsystem, "usb") || text_equal(subsystem, "pci");
}

/* The place of a subsystem in sys/, and of the links to its devices. */
static int subsystem_path(const char *subsystem, char path[static 128], char links[static 128])
{
        const char *kind = is_bus(subsystem) && !text_equal(subsystem, "usbmisc") ? "bus" : "class";
        int r = text_format(path, 128, "/%s/%s", kind, subsystem);

        return r < 0 ? r : text_format(links, 128, "%s%s", path, text_equal(kind, "bus") ? "/devices" : "");
}

static int add_links(struct tree *tree, const struct tree_device *device)
{
        char subsystem[128], links[128], drivers[160];
        int r = subsystem_path(device->subsystem, subsystem, links);

        if (r == 0)
                r = link_up(tree, links, base_name(device->devpath), device->devpath);
        if (r == 0)
                r = link_up(tree, device->devpath, "subsystem", subsystem);
        if (r == 0 && device->devnum)
                r = link_up(tree, "/dev/char", device->devnum, device->devpath);
        if (r < 0 || !device->driver)
                return r;
        r = text_format(drivers, sizeof(drivers), "%s/drivers/%s", subsystem, device->driver);
        if (r == 0)
                r = link_up(tree, drivers, base_name(device->devpath), device->devpath);
        return r < 0 ? r : link_up(tree, device->devpath, "driver", drivers);
}

int tree_add(struct tree *tree, const struct tree_device *device)
{
        const char *colon = device->devnum ? strchr(device->devnum, ':') : NULL;
        char properties[4096] = "";
        int r = 0;

        if (device->devtype)
                r = text_append(properties, sizeof(properties), "DEVTYPE=%s\n", device->devtype);
        if (r == 0 && device->driver)
                r = text_append(properties, sizeof(properties), "DRIVER=%s\n", device->driver);
        if (r == 0 && colon)
                r = text_append(properties, sizeof(properties), "MAJOR=%.*s\nMINOR=%s\n",
                                (int)(colon - device->devnum), device->devnum, colon + 1);
        if (r == 0)
                r = text_append(properties, sizeof(properties), "%s", device->properties);
        if (r == 0)
                r = add_links(tree, device);
        if (r == 0 && device->devnum)
                r = tree_text(tree, device->devpath, "dev", "%s\n", device->devnum);
        if (r == 0) /* last: with this file libudev believes in the device */
                r = tree_text(tree, device->devpath, "uevent", "%s", properties);
        if (r < 0 || device->quiet)
                return r;
        return uevent_send(tree->sender, "add", device->devpath, device->subsystem, device->devtype,
                           properties);
}

bool tree_has(const struct tree *tree, const char *devpath)
{
        char path[PATH_MAX];

        return full_path(tree, path, devpath, "uevent") == 0 && access(path, F_OK) == 0;
}

struct facts {
        char properties[4096], subsystem[64], devtype[32], driver[64], devnum[16];
};

/* The last part of a link's target, or "". */
static void link_name(const struct tree *tree, const char *devpath, const char *name, char *target,
                      size_t size)
{
        char path[PATH_MAX], text[PATH_MAX];
        ssize_t length = -1;

        target[0] = '\0';
        if (full_path(tree, path, devpath, name) == 0)
                length = readlink(path, text, sizeof(text) - 1);
        if (length <= 0)
                return;
        text[length] = '\0';
        (void)text_copy(target, size, base_name(text)); /* names of ours fit */
}

static void property(const char *properties, const char *key, char *value, size_t size)
{
        const char *found = strstr(properties, key);

        value[0] = '\0';
        if (found && (found == properties || found[-1] == '\n'))
                (void)text_copy_n(value, size, found + strlen(key), strcspn(found + strlen(key), "\n"));
}

static int read_facts(const struct tree *tree, const char *devpath, struct facts *ret_facts)
{
        char path[PATH_MAX];
        int r = full_path(tree, path, devpath, "uevent");

        if (r < 0)
                return r;
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        if (!file)
                return -errno;
        size_t length = fread(ret_facts->properties, 1, sizeof(ret_facts->properties) - 1, file);
        ret_facts->properties[length] = '\0';
        link_name(tree, devpath, "subsystem", ret_facts->subsystem, sizeof(ret_facts->subsystem));
        link_name(tree, devpath, "driver", ret_facts->driver, sizeof(ret_facts->driver));
        property(ret_facts->properties, "DEVTYPE=", ret_facts->devtype, sizeof(ret_facts->devtype));
        char major[8], minor[8];
        property(ret_facts->properties, "MAJOR=", major, sizeof(major));
        property(ret_facts->properties, "MINOR=", minor, sizeof(minor));
        return text_format(ret_facts->devnum, sizeof(ret_facts->devnum), "%s:%s", major, minor);
}

int tree_tell(struct tree *tree, const char *devpath, const char *action)
{
        struct facts facts = {0};
        int r = read_facts(tree, devpath, &facts);

        if (r < 0)
                return r;
        return uevent_send(tree->sender, action, devpath, facts.subsystem,
                           facts.devtype[0] ? facts.devtype : NULL, facts.properties);
}

static int remove_file(const char *path, const struct stat *stat, int type, struct FTW *where)
{
        (void)stat;
        (void)type;
        (void)where;
        return remove(path);
}

static void unlink_in(const struct tree *tree, const char *where, const char *name)
{
        char path[PATH_MAX];

        if (name[0] && full_path(tree, path, where, name) == 0)
                (void)unlink(path); /* a link that is not there is as good as removed */
}

int tree_remove(struct tree *tree, const char *devpath)
{
        char path[PATH_MAX], subsystem[128], links[128], drivers[200];
        struct facts facts = {0};
        int r = read_facts(tree, devpath, &facts);

        if (r == 0)
                r = subsystem_path(facts.subsystem, subsystem, links);
        if (r == 0)
                r = text_format(drivers, sizeof(drivers), "%s/drivers/%s", subsystem, facts.driver);
        if (r == 0)
                r = full_path(tree, path, devpath, "");
        if (r < 0)
                return r;
        unlink_in(tree, links, base_name(devpath));
        unlink_in(tree, "/dev/char", facts.devnum);
        if (facts.driver[0])
                unlink_in(tree, drivers, base_name(devpath));
        if (nftw(path, remove_file, 16, FTW_DEPTH | FTW_PHYS) != 0)
                return -EIO;
        return uevent_send(tree->sender, "remove", devpath, facts.subsystem,
                           facts.devtype[0] ? facts.devtype : NULL, facts.properties);
}

bool tree_retry(struct tree *tree)
{
        return uevent_retry(tree->sender);
}
