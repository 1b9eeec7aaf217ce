/*
 * The flag of the old scripts, see adapters/legacy_flag.h.
 */
#include "adapters/legacy_flag.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#define GROUPS_MAX 256

static const char *const reasons[] = {
    [LEGACY_FLAG_OK] = "is believed",
    [LEGACY_FLAG_SYMLINK] = "is a symbolic link",
    [LEGACY_FLAG_DIRECTORY] = "is a folder",
    [LEGACY_FLAG_FIFO] = "is a fifo",
    [LEGACY_FLAG_NOT_REGULAR] = "is not a regular file",
    [LEGACY_FLAG_STRANGER] = "belongs to a stranger",
    [LEGACY_FLAG_HARD_LINK] = "has a second name elsewhere",
    [LEGACY_FLAG_TOO_LARGE] = "is too large for a flag",
};

const char *legacy_flag_reason_to_string(enum legacy_flag_reason reason)
{
        return reasons[reason];
}

/* True when `group` is the user's primary group or one that lists the user. */
static bool is_member(const struct passwd *user, const char *name)
{
        gid_t groups[GROUPS_MAX];
        int count = GROUPS_MAX;
        const struct group *group = getgrnam(name);

        if (!group)
                return false;
        gid_t wanted = group->gr_gid;
        /* Over 256 groups: what fits is looked at, the rest is not believed. */
        if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
                count = GROUPS_MAX;
        for (int i = 0; i < count; i++)
                if (groups[i] == wanted)
                        return true;
        return false;
}

/* `word` is a user's name or "@group". */
static bool is_owner(const struct passwd *user, const char *word)
{
        return word[0] == '@' ? is_member(user, word + 1) : text_equal(user->pw_name, word);
}

static bool is_believed(const struct passwd *user, const char *owners)
{
        char word[64];
        size_t length;

        for (const char *p = owners + strspn(owners, " \t"); *p; p += length + strspn(p + length, " \t")) {
                length = strcspn(p, " \t");
                if (text_copy_n(word, sizeof(word), p, length) == 0 && is_owner(user, word))
                        return true;
        }
        return false;
}

/* What its shape alone tells. */
static enum legacy_flag_reason judge_shape(const struct stat *st)
{
        switch (st->st_mode & S_IFMT) {
        case S_IFREG:
                break;
        case S_IFLNK:
                return LEGACY_FLAG_SYMLINK;
        case S_IFDIR:
                return LEGACY_FLAG_DIRECTORY;
        case S_IFIFO:
                return LEGACY_FLAG_FIFO;
        default:
                return LEGACY_FLAG_NOT_REGULAR;
        }
        if (st->st_nlink > 1)
                return LEGACY_FLAG_HARD_LINK;
        return st->st_size > LEGACY_FLAG_SIZE_MAX ? LEGACY_FLAG_TOO_LARGE : LEGACY_FLAG_OK;
}

static void judge_age(const struct stat *st, struct legacy_flag *flag)
{
        usec_t now = (usec_t)clock_realtime();
        bool has_time = st->st_mtim.tv_sec >= 0;
        usec_t modified =
            has_time ? (usec_t)st->st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st->st_mtim.tv_nsec / 1000 : 0;

        flag->age = usec_sub(now, modified);
        flag->plausible = has_time && modified <= now && flag->age <= clock_boottime();
}

static void judge_owner(const char *owners, struct legacy_flag *flag)
{
        const struct passwd *user = getpwuid(flag->uid);

        if (user)
                text_sanitize(flag->owner, sizeof(flag->owner), user->pw_name, strlen(user->pw_name));
        else
                (void)text_format(flag->owner, sizeof(flag->owner), "#%u", (unsigned)flag->uid);
        if (flag->reason == LEGACY_FLAG_OK && !(user && is_believed(user, owners)))
                flag->reason = LEGACY_FLAG_STRANGER;
}

int legacy_flag_look(const char *path, const char *owners, struct legacy_flag *ret_flag)
{
        _cleanup_close_ int fd = path[0] == '\0' ? -1 : open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 && path[0] != '\0' && errno != ENOENT && errno != ENOTDIR)
                return -errno;
        if (fd < 0) {
                *ret_flag = (struct legacy_flag){.present = false};
                return 0;
        }
        if (fstat(fd, &st) < 0)
                return -errno;
        struct legacy_flag flag = {
            .present = true,
            .reason = judge_shape(&st),
            .uid = st.st_uid,
            .device = st.st_dev,
            .inode = st.st_ino,
        };
        judge_age(&st, &flag);
        judge_owner(owners, &flag);
        *ret_flag = flag;
        return 0;
}

/* The folder of `path`, opened, and the name in it. */
static int open_folder(const char *path, const char **ret_name)
{
        char folder[PATH_MAX];
        const char *slash = strrchr(path, '/');

        if (!slash || slash[1] == '\0')
                return -EINVAL;
        size_t length = slash == path ? 1 : (size_t)(slash - path);
        if (text_copy_n(folder, sizeof(folder), path, length) < 0)
                return -ENAMETOOLONG;
        int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_name = slash + 1;
        return fd;
}

int legacy_flag_remove(const char *path, const struct legacy_flag *seen)
{
        const char *name = "";
        struct stat st;

        if (!seen->present)
                return 0;
        _cleanup_close_ int folder = open_folder(path, &name);
        if (folder < 0)
                return folder == -ENOENT ? 0 : folder;
        if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (st.st_dev != seen->device || st.st_ino != seen->inode)
                return -ESTALE;
        return unlinkat(folder, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}
