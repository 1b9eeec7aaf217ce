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
static int recover_copy(const int *sources, int to, const char *copy, const char *name)
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

/* All of a folder that ends in `suffix`. `sources`: the folders that messages come from into this one, whose
 * copies are looked for; NULL: what is hidden is. */
static void recover_all(struct recovery *recovery, int folder, const char *suffix, const int *sources)
{
        _cleanup_closedir_ DIR *stream = folder < 0 ? NULL : folder_stream(folder, ".");
        const struct dirent *found;
        char name[MESSAGE_HIDDEN_MAX];

        if (!stream && folder >= 0)
                count_recovered(recovery, -errno);
        while (stream && (found = readdir(stream))) {
                const char *file = found->d_name;
                if (take_name(file, suffix, name))
                        count_recovered(recovery,
                                        sources ? recover_copy(sources, folder, file, name)
                                                : recover_hidden(folder, &recovery->targets, file, name));
        }
}

/* First what is hidden: a copy beside it says that it was not moved. */
int message_folders_recover(struct message_folders *folders)
{
        struct recovery recovery = {.targets = targets_of(folders)};
        const int failed = folders->fds[MESSAGES_FAILED], quarantine = folders->fds[MESSAGES_QUARANTINE];
        const int checked = folders->fds[MESSAGES_CHECKED];

        recover_all(&recovery, checked, MESSAGE_MOVE, NULL);
        recover_all(&recovery, failed, MESSAGE_MOVE, NULL);
        recover_all(&recovery, quarantine, MESSAGE_MOVE, NULL);
        recover_all(&recovery, folders->fds[MESSAGES_OUTGOING], MESSAGE_COPY,
                    (const int[]){failed, quarantine});
        recover_all(&recovery, quarantine, MESSAGE_COPY, (const int[]){checked, failed});
        return recovery.failure < 0 ? recovery.failure : recovery.n;
}
