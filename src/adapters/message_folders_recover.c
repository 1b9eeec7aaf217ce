/*
 * The end of what was interrupted: see adapters/message_folders.h. What is in somebody's hands right now is
 * locked, and left alone.
 */
#include "message_folders_private.h"

#include "base/cleanup.h"
#include "base/folder.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

static DIR *open_stream(int folder)
{
        int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = own < 0 ? NULL : fdopendir(own);

        if (!stream)
                (void)close_fd(own);
        return stream;
}

/* "NAME" out of ".NAME.smswarden-move"; false: it is something else. */
static bool take_name(const char *hidden, const char *suffix, char name[MESSAGE_HIDDEN_MAX])
{
        size_t length = strlen(hidden), end = strlen(suffix);

        return hidden[0] == '.' && length > end + 1 && text_equal(hidden + length - end, suffix) &&
               text_copy_n(name, MESSAGE_HIDDEN_MAX, hidden + 1, length - end - 1) == 0 &&
               message_name_check(name) == 0;
}

/* Its owner has it locked while it moves it. */
static bool is_busy(int folder, const char *name)
{
        _cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* Whether the hidden file has a copy that never got its name. 1, 0 or a negative errno. */
static int has_copy(int to, const char *name)
{
        char copy[MESSAGE_HIDDEN_MAX];
        struct stat st;

        (void)text_format(copy, sizeof(copy), ".%s" MESSAGE_COPY, name); /* the name's length was checked */
        if (fstatat(to, copy, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return 1;
        return errno == ENOENT ? 0 : -errno;
}

/*
 * A file that was hidden: its copy never got its name, so it is put back (and the copy goes with those that
 * are nobody's); or it did, or the message was to be removed. Where that cannot be seen it stays hidden.
 */
static int recover_hidden(int from, int to, const char *hidden, const char *name)
{
        if (to < 0 || is_busy(from, hidden))
                return 0;
        int r = has_copy(to, name);
        if (r < 0)
                return r;
        if (r == 0)
                return unlinkat(from, hidden, 0) < 0 && errno != ENOENT ? -errno : 1;
        r = message_put_back(from, hidden, name);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return fsync(from) < 0 ? -errno : 1;
}

/* A copy that was begun, of a file that is not hidden: of no use to anybody. */
static int recover_copy(const int sources[2], int to, const char *copy, const char *name)
{
        char hidden[MESSAGE_HIDDEN_MAX];
        struct stat st;

        (void)text_format(hidden, sizeof(hidden), ".%s" MESSAGE_MOVE,
                          name); /* the name's length was checked */
        for (unsigned i = 0; i < 2; i++)
                if (sources[i] >= 0 &&
                    (is_busy(sources[i], name) || fstatat(sources[i], hidden, &st, AT_SYMLINK_NOFOLLOW) == 0))
                        return 0;
        return unlinkat(to, copy, 0) < 0 && errno != ENOENT ? -errno : 0;
}

struct recovery {
        int from[2]; /* where its messages come from; -1 none */
        int to;
        int n, failure;
};

static void count_recovered(struct recovery *recovery, int r)
{
        if (r < 0 && recovery->failure == 0)
                recovery->failure = r;
        recovery->n += r > 0;
}

static void recover_folder(struct recovery *recovery, int folder, const char *suffix)
{
        _cleanup_closedir_ DIR *stream = open_stream(folder);
        const struct dirent *found;
        char name[MESSAGE_HIDDEN_MAX];

        if (!stream)
                count_recovered(recovery, -errno);
        while (stream && (found = readdir(stream)))
                if (take_name(found->d_name, suffix, name))
                        count_recovered(recovery,
                                        folder == recovery->to
                                            ? recover_copy(recovery->from, folder, found->d_name, name)
                                            : recover_hidden(folder, recovery->to, found->d_name, name));
}

int message_folders_recover(struct message_folders *folders)
{
        const int *fds = folders->fds;
        struct recovery ways[] = {
            {.from = {fds[MESSAGES_FAILED], fds[MESSAGES_QUARANTINE]}, .to = fds[MESSAGES_OUTGOING]},
            {.from = {fds[MESSAGES_CHECKED], -1}, .to = fds[MESSAGES_QUARANTINE]},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
                for (unsigned j = 0; j < 2; j++)
                        if (ways[i].from[j] >= 0)
                                recover_folder(&ways[i], ways[i].from[j], MESSAGE_MOVE);
                if (ways[i].to >= 0)
                        recover_folder(&ways[i], ways[i].to, MESSAGE_COPY);
        }
        int failure = ways[0].failure < 0 ? ways[0].failure : ways[1].failure;
        return failure < 0 ? failure : ways[0].n + ways[1].n;
}
