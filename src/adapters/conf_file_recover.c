/*
 * What a replacement of a config file leaves beside it: the old file, for a writer that had it in hand when
 * we took it out, and after a crash perhaps our own unfinished one. Ours is removed, the old one is removed,
 * but what somebody has edited is put back in force, or kept to be seen when a newer edit is in force. Acts
 * only on names that conf_file_replace.c makes, and puts only files back that root, we or the file's owner
 * wrote.
 */
#include "base/cleanup.h"
#include "base/folder.h"
#include "base/text.h"
#include "conf_file_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int parse_hex64(const char *text, uint64_t *ret_value)
{
        static const char digits[] = "0123456789abcdef";
        uint64_t value = 0;

        for (size_t i = 0; i < 16; i++) {
                const char *found = text[i] ? strchr(digits, text[i]) : NULL;
                if (!found)
                        return -EINVAL;
                value = value << 4 | (uint64_t)(found - digits);
        }
        *ret_value = value;
        return 0;
}

/* True when `name` is one that we give for an exchange of this file. */
static bool parse_swap(const struct conf_target *target, const char *name, struct conf_swap *ret_swap)
{
        struct conf_swap swap = {0};
        uint64_t ours;
        size_t length = strlen(name);

        if (length < 51 || parse_hex64(name + length - 50, &ours) < 0 ||
            parse_hex64(name + length - 33, &swap.before) < 0 ||
            parse_hex64(name + length - 16, &swap.after) < 0)
                return false;
        swap.ours = (ino_t)ours;
        if (conf_swap_name(&swap, target) < 0 || !text_equal(swap.name, name))
                return false;
        *ret_swap = swap;
        return true;
}

static bool is_trusted(const struct stat *edit, const struct stat *file)
{
        return edit->st_uid == 0 || edit->st_uid == geteuid() || edit->st_uid == file->st_uid;
}

/* True when it is a regular file with this hash. */
static bool content_is(const struct conf_target *target, const char *name, uint64_t hash)
{
        struct conf_file_id id;
        _cleanup_close_ int fd = conf_open_regular(target->folder, name);

        return fd >= 0 && conf_read_fd(fd, NULL, NULL, &id) == 0 && id.hash == hash;
}

static bool is_ours(const struct conf_target *target, const char *name, const struct conf_swap *swap)
{
        struct stat status;

        return fstatat(target->folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
               status.st_ino == swap->ours && content_is(target, name, swap->after);
}

/* The edit at the swap name cannot be in force, because a newer one is. */
static int keep_edit(const struct conf_target *target, const struct conf_swap *swap)
{
        char saved[NAME_MAX + 1];

        if (text_format(saved, sizeof(saved), "%s.smswarden-saved", target->name) < 0)
                return -ENAMETOOLONG;
        if (renameat2(target->folder, swap->name, target->folder, saved, RENAME_NOREPLACE) < 0)
                return errno == EEXIST ? 0 : -errno;
        return 1;
}

int conf_put_back(const struct conf_target *target, const struct conf_swap *swap)
{
        /* The old file as it was is no edit; it stays, as somebody may be about to write into it. */
        if (!is_ours(target, target->name, swap))
                return content_is(target, swap->name, swap->before) ? 0 : keep_edit(target, swap);
        int r = conf_exchange(target->folder, swap->name, target->name);
        if (r < 0)
                return r;
        if (is_ours(target, swap->name, swap))
                return unlinkat(target->folder, swap->name, 0) < 0 ? -errno : 1;
        /* In this moment somebody has edited again, and we took that out: it is the newer one. */
        r = conf_exchange(target->folder, swap->name, target->name);
        return r < 0 ? r : keep_edit(target, swap);
}

/* 0: remove it; 1: an edit; -EBUSY: somebody is writing into it. */
static int judge(const struct conf_target *target, const struct conf_swap *swap, const struct stat *status)
{
        uint64_t untouched = status->st_ino == swap->ours ? swap->after : swap->before;
        struct conf_file_id id;
        _cleanup_close_ int fd = conf_open_regular(target->folder, swap->name);
        if (fd < 0)
                return 1;
        int r = conf_take_lease(fd);
        if (r >= 0)
                r = conf_read_fd(fd, NULL, NULL, &id);
        if (r == -EFBIG)
                return 1;
        return r < 0 ? r : id.hash != untouched;
}

static int sweep_swap(const struct conf_target *target, const struct conf_swap *swap)
{
        struct stat status, file;

        if (fstatat(target->folder, swap->name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            fstatat(target->folder, target->name, &file, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        int r = judge(target, swap, &status);
        if (r > 0)
                return is_trusted(&status, &file) ? conf_put_back(target, swap) : 0;
        if (r == 0 && unlinkat(target->folder, swap->name, 0) < 0)
                r = -errno;
        return r;
}

static int sweep_entry(const struct conf_target *target, const char *name)
{
        struct conf_swap swap;

        if (text_equal(name, target->temporary))
                return unlinkat(target->folder, name, 0) < 0 ? -errno : 0;
        return parse_swap(target, name, &swap) ? sweep_swap(target, &swap) : 0;
}

int conf_sweep(const struct conf_target *target)
{
        _cleanup_closedir_ DIR *folder = folder_stream(target->folder, ".");

        if (!folder)
                return -errno;
        int result = 0;
        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(folder);
                if (!entry)
                        return errno ? -errno : result;
                int r = sweep_entry(target, entry->d_name);
                if (r < 0)
                        return r;
                result = r > 0 ? r : result;
        }
}

int conf_file_recover(const char *path)
{
        _cleanup_(conf_target_done) struct conf_target target = {.folder = -1};
        int r = conf_target_open(&target, path);

        return r < 0 ? r : conf_sweep(&target);
}
