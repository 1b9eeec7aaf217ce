/*
 * Network interfaces of a USB device and the default route, see adapters/usb_network.h. Names come from the
 * kernel, but root can give an interface any name, so they are checked like everything foreign; the tables
 * may be long (a full BGP table), so they are read line by line and never kept.
 */
#include "adapters/usb_network.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "core/usb_path.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define LINE_MAX_LENGTH 512
#define LINES_MAX       1000000
#define ROUTE_UP        0x0001u
#define ROUTE_REJECT    0x0200u

static void cleanup_dir(DIR **dir)
{
        if (*dir)
                (void)closedir(*dir);
}

/* --- interfaces --- */

static bool is_name(const char *name)
{
        size_t length = strlen(name);

        if (length == 0 || length >= USB_NETWORK_NAME_MAX || text_equal(name, ".") || text_equal(name, ".."))
                return false;
        for (const char *c = name; *c; c++)
                if (*c == '/' || isspace((unsigned char)*c))
                        return false;
        return true;
}

static bool has_name(const struct usb_networks *networks, const char *name)
{
        for (unsigned i = 0; i < networks->n; i++)
                if (text_equal(networks->names[i], name))
                        return true;
        return false;
}

static void add_name(struct usb_networks *networks, const char *name)
{
        if (networks->n < USB_NETWORKS_MAX && is_name(name) && !has_name(networks, name))
                (void)text_copy(networks->names[networks->n++], USB_NETWORK_NAME_MAX, name); /* it fits */
}

/* Entries of the folder that begin with `prefix`, without it. */
static void add_entries(struct usb_networks *networks, const char *folder, const char *prefix)
{
        _cleanup_(cleanup_dir) DIR *dir = opendir(folder);

        for (struct dirent *entry; dir && (entry = readdir(dir));)
                if (text_starts_with(entry->d_name, prefix))
                        add_name(networks, entry->d_name + strlen(prefix));
}

/* Interfaces on top of these, and on top of those: the list grows while it is walked. */
static void add_uppers(struct usb_networks *networks, const char *root)
{
        char folder[PATH_MAX];

        for (unsigned i = 0; i < networks->n; i++)
                if (text_format(folder, sizeof(folder), "%s/class/net/%s", root, networks->names[i]) == 0)
                        add_entries(networks, folder, "upper_");
}

int usb_network_find(const char *sysfs_root, const char *usb_path, struct usb_networks *ret_networks)
{
        const char *root = sysfs_root ? sysfs_root : "/sys";
        char folder[PATH_MAX], net[PATH_MAX];
        struct usb_networks networks = {0};

        if (!usb_path_is_valid(usb_path, strlen(usb_path)))
                return -EINVAL;
        if (text_format(folder, sizeof(folder), "%s/bus/usb/devices/%s", root, usb_path) < 0)
                return -ENAMETOOLONG;
        _cleanup_(cleanup_dir) DIR *dir = opendir(folder);
        if (!dir)
                return errno == ENOENT ? -ENODEV : -errno;
        for (struct dirent *entry; (entry = readdir(dir));)
                if (text_starts_with(entry->d_name, usb_path) && entry->d_name[strlen(usb_path)] == ':' &&
                    text_format(net, sizeof(net), "%s/%s/net", folder, entry->d_name) == 0)
                        add_entries(&networks, net, "");
        add_uppers(&networks, root);
        *ret_networks = networks;
        return 0;
}

/* --- routes --- */

struct route {
        char name[USB_NETWORK_NAME_MAX];
        uint32_t metric;
};

/* One column of digits, nothing else in it. */
static int take_number(const char *text, int base, uint64_t max, uint64_t *ret_value)
{
        if (!text_only(text, base == 16 ? "0123456789abcdefABCDEF" : "0123456789", 16))
                return -EINVAL;
        errno = 0;
        unsigned long long value = strtoull(text, NULL, base);
        if (errno != 0 || value > max)
                return -EINVAL;
        *ret_value = value;
        return 0;
}

/* The line's columns, in place. Returns their number, at most `max`. */
static unsigned split(char *line, char *columns[], unsigned max)
{
        unsigned n = 0;

        for (char *rest = NULL, *column = strtok_r(line, " \t\n", &rest); column && n < max;
             column = strtok_r(NULL, " \t\n", &rest))
                columns[n++] = column;
        return n;
}

static bool is_usable(uint64_t flags)
{
        return (flags & ROUTE_UP) && !(flags & ROUTE_REJECT);
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask ... */
static bool parse_ipv4(char *line, struct route *ret_route)
{
        char *columns[8];
        uint64_t destination, mask, flags, metric;

        if (split(line, columns, 8) < 8 || take_number(columns[1], 16, UINT32_MAX, &destination) < 0 ||
            take_number(columns[3], 16, UINT32_MAX, &flags) < 0 ||
            take_number(columns[6], 10, UINT32_MAX, &metric) < 0 ||
            take_number(columns[7], 16, UINT32_MAX, &mask) < 0)
                return false;
        ret_route->metric = (uint32_t)metric;
        return destination == 0 && mask == 0 && is_usable(flags) &&
               text_copy(ret_route->name, sizeof(ret_route->name), columns[0]) == 0;
}

/* destination length source length gateway metric references uses flags name */
static bool parse_ipv6(char *line, struct route *ret_route)
{
        static const char any[] = "00000000000000000000000000000000";
        char *columns[10];
        uint64_t length, flags, metric;

        if (split(line, columns, 10) < 10 || !text_equal(columns[0], any) ||
            take_number(columns[1], 16, 128, &length) < 0 ||
            take_number(columns[5], 16, UINT32_MAX, &metric) < 0 ||
            take_number(columns[8], 16, UINT32_MAX, &flags) < 0)
                return false;
        ret_route->metric = (uint32_t)metric;
        return length == 0 && is_usable(flags) &&
               text_copy(ret_route->name, sizeof(ret_route->name), columns[9]) == 0;
}

/* A whole line, or the head of one that is too long for a route: that is then thrown away. */
static bool read_line(FILE *file, char *line, size_t size)
{
        if (!fgets(line, (int)size, file))
                return false;
        if (strchr(line, '\n'))
                return true;
        line[0] = '\0';
        for (int c = getc(file); c != EOF && c != '\n'; c = getc(file))
                ;
        return true;
}

typedef bool (*parse_fn)(char *line, struct route *ret_route);

static int best_is_on(const char *root, const char *table, parse_fn parse,
                      const struct usb_networks *networks)
{
        char path[PATH_MAX], line[LINE_MAX_LENGTH];
        uint64_t best = UINT64_MAX;
        bool ours = false;

        if (text_format(path, sizeof(path), "%s/net/%s", root, table) < 0)
                return -ENAMETOOLONG;
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        if (!file)
                return -errno;
        for (unsigned i = 0; i < LINES_MAX && read_line(file, line, sizeof(line)); i++) {
                struct route route;
                if (!parse(line, &route) || route.metric > best)
                        continue;
                ours = has_name(networks, route.name) || (ours && route.metric == best);
                best = route.metric;
        }
        return ours;
}

int usb_network_has_default_route(const char *proc_root, const struct usb_networks *networks)
{
        const char *root = proc_root ? proc_root : "/proc";
        int ipv4 = best_is_on(root, "route", parse_ipv4, networks);
        int ipv6 = best_is_on(root, "ipv6_route", parse_ipv6, networks);

        if (ipv4 < 0 && ipv6 < 0)
                return ipv4;
        return ipv4 > 0 || ipv6 > 0;
}
