/*
 * One message's way from one folder into another, whole under one name that counts at every moment: see
 * adapters/message_folders.h. smsd moves files by copying over whatever has the name and removing the old
 * one; so a lock is looked for again after the file was hidden from smsd, when it cannot be opened any more.
 */
#include "message_folders_private.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define SIZE_MAX_MOVED ((off_t)1024 * 1024)

bool message_is_locked(int folder, const char *name)
{
        char lock[MESSAGE_HIDDEN_MAX];
        struct stat st;

        return text_format(lock, sizeof(lock), "%s.LOCK", name) < 0 ||
               fstatat(folder, lock, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* renameat that overwrites nothing: -EEXIST. */
static int rename_new(int from, const char *name, int to, const char *target)
{
        if (renameat2(from, name, to, target, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        /* A file system that cannot: two names for a moment, and never none. */
        if (linkat(from, name, to, target, 0) < 0)
                return -errno;
        return unlinkat(from, name, 0) < 0 ? -errno : 0;
}

int message_move_begin(struct message_move *move, int from, int to, const char *name)
{
        *move = (struct message_move){.from = from, .to = to, .name = name, .fd = -1};
        int r = message_name_check(name);

        if (r < 0)
                return r;
        (void)text_format(move->hidden, sizeof(move->hidden), ".%s" MESSAGE_MOVE, name); /* its length was */
        (void)text_format(move->copy, sizeof(move->copy), ".%s" MESSAGE_COPY, name);     /* checked */
        move->fd = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (move->fd < 0)
                return errno == ENOENT ? MESSAGE_GONE : errno == ELOOP || errno == ENXIO ? -EINVAL : -errno;
        if (fstat(move->fd, &move->st) < 0)
                return -errno;
        if (!S_ISREG(move->st.st_mode))
                return -EINVAL;
        if (flock(move->fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? MESSAGE_LOCKED : -errno;
        return MESSAGE_DONE;
}

void message_move_end(struct message_move *move)
{
        move->fd = close_fd(move->fd);
        free(move->text);
        move->text = NULL;
}

int message_move_read(struct message_move *move)
{
        _cleanup_free_ char *text = NULL;
        size_t size, length = 0;
        ssize_t n = 1;

        if (move->text)
                return 0;
        if (move->st.st_size > SIZE_MAX_MOVED)
                return -EFBIG;
        size = (size_t)move->st.st_size + 1; /* one more byte shows that it grows */
        text = malloc(size);
        if (!text)
                return -ENOMEM;
        while (length < size && n > 0) {
                n = pread(move->fd, text + length, size - length, (off_t)length);
                if (n < 0)
                        return -errno;
                length += (size_t)n;
        }
        if (length != (size_t)move->st.st_size)
                return MESSAGE_LOCKED;
        move->length = length;
        move->text = text;
        text = NULL;
        return 0;
}

int message_put_back(int folder, const char *hidden, const char *name)
{
        char other[MESSAGE_HIDDEN_MAX];
        int r = rename_new(folder, hidden, folder, name);

        for (unsigned i = 2; r == -EEXIST && i < 10; i++) {
                (void)text_format(other, sizeof(other), "%s.%u", name, i); /* the name's length was checked */
                r = rename_new(folder, hidden, folder, other);
        }
        return r;
}

static int unhide(const struct message_move *move, int result)
{
        int r = message_put_back(move->from, move->hidden, move->name);

        return r < 0 ? r : result; /* else it waits for message_folders_recover() */
}

static bool is_the_same(const struct message_move *move)
{
        struct stat st;

        return fstatat(move->from, move->hidden, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               st.st_dev == move->st.st_dev && st.st_ino == move->st.st_ino &&
               st.st_size == move->st.st_size && st.st_mtim.tv_sec == move->st.st_mtim.tv_sec &&
               st.st_mtim.tv_nsec == move->st.st_mtim.tv_nsec;
}

/* After this nobody but us changes it: smsd no longer finds it, and had not begun to write over it before. */
static int hide(const struct message_move *move)
{
        int r = rename_new(move->from, move->name, move->from, move->hidden);

        if (r == -ENOENT)
                return MESSAGE_GONE;
        if (r == -EEXIST)
                return MESSAGE_LOCKED; /* left behind by somebody who still has it locked, see recover */
        if (r < 0)
                return r;
        if (!is_the_same(move) || (!move->ignore_lock && message_is_locked(move->from, move->name)))
                return unhide(move, MESSAGE_LOCKED);
        return 0;
}

/*
 * Whoever had the file has the copy. Who is not root may only keep the group; then smsd, which is in it, must
 * be able to write, for it leaves alone what it cannot.
 */
static int keep_owner(const struct message_move *move, int fd)
{
        mode_t mode = move->st.st_mode & 0777;

        if (fchown(fd, move->st.st_uid, move->st.st_gid) < 0) {
                if (errno != EPERM || fchown(fd, (uid_t)-1, move->st.st_gid) < 0)
                        return -errno;
                mode |= S_IRGRP | S_IWGRP;
        }
        return fchmod(fd, mode) < 0 ? -errno : 0;
}

static int fill_copy(const struct message_move *move, int fd, struct message_place place, const char *line)
{
        int r = file_write_full(fd, move->text, place.begin);

        if (r == 0)
                r = file_write_full(fd, line, strlen(line));
        if (r == 0)
                r = file_write_full(fd, move->text + place.end, move->length - place.end);
        if (r == 0)
                r = keep_owner(move, fd);
        return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

static int write_copy(struct message_move *move, struct message_place place, const char *line)
{
        int r = message_move_read(move);

        if (r != 0)
                return r;
        _cleanup_close_ int fd =
            openat(move->to, move->copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return errno == EEXIST ? MESSAGE_LOCKED : -errno;
        r = fill_copy(move, fd, place, line);
        if (r == 0 && fsync(move->to) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(move->to, move->copy,
                               0); /* what stays is removed by message_folders_recover() */
        return r;
}

/* A copy beside a hidden file says that this one was not moved: it goes last, and only when that is back. */
static int undo_copy(const struct message_move *move, int result)
{
        struct stat st;

        if (fstatat(move->from, move->hidden, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                (void)unlinkat(move->to, move->copy, 0); /* what stays is for message_folders_recover() */
        return result;
}

int message_move_rewrite(struct message_move *move, struct message_place place, const char *line,
                         const char *target)
{
        int r = write_copy(move, place, line);

        if (r != 0)
                return r;
        r = hide(move);
        if (r != 0)
                return undo_copy(move, r);
        r = rename_new(move->to, move->copy, move->to, target);
        if (r < 0)
                return undo_copy(move, unhide(move, r == -EEXIST   ? MESSAGE_WAITING
                                                    : r == -ENOENT ? MESSAGE_LOCKED
                                                                   : r));
        return fsync(move->to) < 0 || unlinkat(move->from, move->hidden, 0) < 0 ? -errno : MESSAGE_DONE;
}

int message_move_rename(struct message_move *move, const char *target)
{
        int r = rename_new(move->from, move->name, move->to, target);

        if (r == -EXDEV)
                return message_move_rewrite(move, (struct message_place){0}, "", target);
        if (r == -ENOENT)
                return MESSAGE_GONE;
        if (r == -EEXIST)
                return MESSAGE_WAITING;
        if (r < 0)
                return r;
        /* A power cut may undo it as a whole, and then it is where it was. */
        (void)fsync(move->to);
        (void)fsync(move->from);
        return MESSAGE_DONE;
}

int message_move_remove(struct message_move *move)
{
        int r = hide(move);

        if (r != 0)
                return r;
        return unlinkat(move->from, move->hidden, 0) < 0 ? -errno : MESSAGE_DONE;
}
