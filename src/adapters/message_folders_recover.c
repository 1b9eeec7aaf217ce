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

/* Where messages are moved to; what is moved out of failed may be on its way to either. */
struct targets {
        int fds[2]; /* -1: there is no such folder, and so no copy in it */
        int error;  /* one of them is there and cannot be looked into */
};

static struct targets targets_of(const struct message_folders *folders)
{
        struct targets targets = {
            .fds = {folders->fds[MESSAGES_OUTGOING], folders->fds[MESSAGES_QUARANTINE]}};
        const int errors[] = {folders->errors[MESSAGES_OUTGOING], folders->errors[MESSAGES_QUARANTINE]};

        for (unsigned i = 0; i < ARRAY_SIZE(errors); i++)
                if (errors[i] < 0 && errors[i] != -ENOENT)
                        targets.error = errors[i];
        return targets;
}

/* Whether the hidden file has a copy that never got its name. 1, 0 or a negative errno. */
static int has_copy(const struct targets *targets, const char *name)
{
        char copy[MESSAGE_HIDDEN_MAX];
        struct stat st;

        (void)text_format(copy, sizeof(copy), ".%s" MESSAGE_COPY, name); /* the name's length was checked */
        for (unsigned i = 0; i < ARRAY_SIZE(targets->fds); i++) {
                if (targets->fds[i] < 0)
                        continue;
                if (fstatat(targets->fds[i], copy, &st, AT_SYMLINK_NOFOLLOW) == 0)
                        return 1;
                if (errno != ENOENT)
                        return -errno;
        }
        return targets->error;
}

/*
 * A file that was hidden: its copy never got its name, so it is put back (and the copy goes with those that
 * are nobody's); or it did, or the message was to be removed. Where that cannot be seen it stays hidden.
 */
static int recover_hidden(int from, const struct targets *targets, const char *hidden, const char *name)
{
        if (is_busy(from, hidden))
                return 0;
        int r = has_copy(targets, name);
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
        struct targets targets;
        int n, failure;
};

static void count_recovered(struct recovery *recovery, int r)
{
        if (r < 0 && recovery->failure == 0)
                recovery->failure = r;
        recovery->n += r > 0;
}

static void recover_all_hidden(struct recovery *recovery, int folder)
{
        _cleanup_closedir_ DIR *stream = folder < 0 ? NULL : open_stream(folder);
        const struct dirent *found;
        char name[MESSAGE_HIDDEN_MAX];

        if (!stream && folder >= 0)
                count_recovered(recovery, -errno);
        while (stream && (found = readdir(stream)))
                if (take_name(found->d_name, MESSAGE_MOVE, name))
                        count_recovered(recovery,
                                        recover_hidden(folder, &recovery->targets, found->d_name, name));
}

/* `sources`: the folders that messages come from into this one. */
static void recover_all_copies(struct recovery *recovery, const int sources[2], int folder)
{
        _cleanup_closedir_ DIR *stream = folder < 0 ? NULL : open_stream(folder);
        const struct dirent *found;
        char name[MESSAGE_HIDDEN_MAX];

        if (!stream && folder >= 0)
                count_recovered(recovery, -errno);
        while (stream && (found = readdir(stream)))
                if (take_name(found->d_name, MESSAGE_COPY, name))
                        count_recovered(recovery, recover_copy(sources, folder, found->d_name, name));
}

/* First what is hidden: a copy beside it says that it was not moved. */
int message_folders_recover(struct message_folders *folders)
{
        struct recovery recovery = {.targets = targets_of(folders)};
        const int failed = folders->fds[MESSAGES_FAILED], quarantine = folders->fds[MESSAGES_QUARANTINE];
        const int checked = folders->fds[MESSAGES_CHECKED];

        recover_all_hidden(&recovery, checked);
        recover_all_hidden(&recovery, failed);
        recover_all_hidden(&recovery, quarantine);
        recover_all_copies(&recovery, (const int[]){failed, quarantine}, folders->fds[MESSAGES_OUTGOING]);
        recover_all_copies(&recovery, (const int[]){checked, failed}, quarantine);
        return recovery.failure < 0 ? recovery.failure : recovery.n;
}
