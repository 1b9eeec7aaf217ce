/*
 * A folder among other people's, see base/folder.h: the path is walked name by name, each opened for what it
 * is, so that nothing can become a link between the look and the step.
 */
#include "base/folder.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 16

struct walk {
        int at;              /* the folder that was come to */
        char rest[PATH_MAX]; /* of the way */
        unsigned links;
};

static int begin_at(struct walk *walk, const char *path)
{
        int fd = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        (void)close_fd(walk->at); /* -1 at first */
        walk->at = fd;
        return 0;
}

/* Cuts the next name off the way. False: there is none. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1], int *ret_result)
{
        size_t begin = strspn(walk->rest, "/"), length = strcspn(walk->rest + begin, "/");

        *ret_result = length > NAME_MAX ? -ENAMETOOLONG : 0;
        if (length == 0 || length > NAME_MAX)
                return false;
        memcpy(name, walk->rest + begin, length);
        name[length] = '\0';
        memmove(walk->rest, walk->rest + begin + length, strlen(walk->rest + begin + length) + 1);
        return true;
}

/* The link's own words go in front of the rest. */
static int follow(struct walk *walk, int link, uid_t owner)
{
        char way[PATH_MAX], target[PATH_MAX];

        if ((owner != 0 && owner != geteuid()) || walk->links++ == LINKS_MAX)
                return -ELOOP;
        ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';
        if (text_format(way, sizeof(way), "%s/%s", target, walk->rest) < 0)
                return -ENAMETOOLONG;
        (void)text_copy(walk->rest, sizeof(walk->rest), way);
        return target[0] == '/' ? begin_at(walk, target) : 0;
}

static int step(struct walk *walk, const char *name)
{
        _cleanup_close_ int next = openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (next < 0 || fstat(next, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return follow(walk, next, st.st_uid);
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;
        (void)close_fd(walk->at);
        walk->at = next;
        next = -1;
        return 0;
}

static int walk_to_the_end(struct walk *walk, const char *path)
{
        char name[NAME_MAX + 1];
        int r = text_copy(walk->rest, sizeof(walk->rest), path) < 0 ? -ENAMETOOLONG : begin_at(walk, path);

        while (r == 0 && next_name(walk, name, &r))
                r = step(walk, name);
        return r;
}

int folder_open(const char *path)
{
        struct walk walk = {.at = -1};
        int r = path[0] ? walk_to_the_end(&walk, path) : -ENOENT;
        _cleanup_close_ int at = walk.at;

        if (r < 0)
                return r;
        int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

DIR *folder_stream(int parent, const char *name)
{
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = fd < 0 ? NULL : fdopendir(fd);

        if (!stream)
                (void)close_fd(fd);
        return stream;
}
