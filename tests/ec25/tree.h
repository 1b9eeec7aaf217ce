/*
 * A sysfs of plain files below ROOT/sys that libudev takes for the real one in a process started with
 * UMOCKDEV_DIR=ROOT and LD_PRELOAD=libumockdev-preload.so.0, and the uevents of its changes.
 *
 * Paths of devices are as in DEVPATH ("/devices/..."). udev's own database is not mocked by that preload, so
 * the udev properties (ID_*, DEVLINKS) stand in the `uevent` file beside the kernel's.
 */
#ifndef EC25_TREE_H
#define EC25_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct tree;

struct tree_device {
        const char *devpath, *subsystem;
        const char *devtype;    /* or NULL */
        const char *driver;     /* or NULL; `driver` becomes a link */
        const char *devnum;     /* "188:2", or NULL */
        const char *properties; /* "KEY=value\n...", without SUBSYSTEM, DEVTYPE, DRIVER, MAJOR, MINOR */
        bool quiet;             /* no uevent */
};

/* Makes ROOT. 0 or a negative errno. */
int tree_new(const char *root, struct tree **ret_tree);
/* Leaves the files. Takes NULL, returns NULL. */
struct tree *tree_free(struct tree *tree);
const char *tree_root(const struct tree *tree);

/* Adds a device and tells it (add). The attributes may follow: a listener that reads them at once would miss
 * some, so write them before with tree_attribute. */
int tree_add(struct tree *tree, const struct tree_device *device);
int tree_attribute(struct tree *tree, const char *devpath, const char *name, const void *value,
                   size_t length);
int tree_text(struct tree *tree, const char *devpath, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool tree_has(const struct tree *tree, const char *devpath);
/* Sends `action` (bind, unbind, change, move) with the properties that the device has. */
int tree_tell(struct tree *tree, const char *devpath, const char *action);
/* Takes the device away, then tells it (remove). Children go with it, untold: remove them before. */
int tree_remove(struct tree *tree, const char *devpath);
/* As uevent_retry. */
bool tree_retry(struct tree *tree);

#endif
