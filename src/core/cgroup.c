/* The unit in the text of /proc/PID/cgroup, see core/cgroup.h. Lines are <number>:<controllers>:<path>. */
#include "core/cgroup.h"

#include "base/text.h"

#include <string.h>

static bool is_unit(const char *name, size_t length)
{
        static const char *const suffixes[] = {".service", ".scope"};

        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                size_t n = strlen(suffixes[i]);
                if (length > n && strncmp(name + length - n, suffixes[i], n) == 0)
                        return true;
        }
        return false;
}

/* `path` ends at the end of the line. */
static void find_in_path(const char *path, char *ret_unit, size_t size)
{
        while (*path == '/') {
                size_t length = strcspn(++path, "/\n");
                if (is_unit(path, length))
                        text_sanitize(ret_unit, length < size ? size : 1, path, length);
                path += length;
        }
}

/* The path of a line that systemd writes units into, NULL for another controller's. */
static const char *path_of(const char *line)
{
        static const char named[] = ":name=systemd:", unified[] = "0::";
        const char *colon = line + strcspn(line, ":\n");

        if (text_starts_with(line, unified))
                return line + sizeof(unified) - 1;
        return text_starts_with(colon, named) ? colon + sizeof(named) - 1 : NULL;
}

void cgroup_unit(const char *text, char *ret_unit, size_t size)
{
        ret_unit[0] = '\0';
        while (*text != '\0' && ret_unit[0] == '\0') {
                const char *path = path_of(text);
                if (path)
                        find_in_path(path, ret_unit, size);
                text += strcspn(text, "\n");
                text += *text == '\n';
        }
}
