/*
 * What a replacement of a config file leaves when it is killed in the middle, and what becomes of it: our own
 * unfinished file is removed, the old file is removed, but an edit of somebody that was taken out in that
 * moment is put back in force. Acts only on names that conf_file_replace.c makes, and puts only files back
 * that root, we or the file's owner wrote.
 */
#include "base/parse.h"
#include "base/text.h"
#include "conf_file_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static void cleanup_closedir(DIR **folder)
{
        if (*folder)
                (void)closedir(*folder);
}

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

        if (length < 34 || parse_hex64(name + length - 33, &ours) < 0 ||
            parse_hex64(name + length - 16, &swap.expected) < 0)
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

/* An edit that we took out and could not give back. Returns 1 when it is in force again, or kept under a name
 * to be seen. */
static int put_back(const struct conf_target *target, const struct conf_swap *swap, const struct stat *edit)
{
        char saved[NAME_MAX + 1];
        struct stat file;

        if (fstatat(target->folder, target->name, &file, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!is_trusted(edit, &file))
                return 0;
        if (file.st_ino == swap->ours) {
                int r = conf_exchange(target->folder, swap->name, target->name);
                if (r == 0 && unlinkat(target->folder, swap->name, 0) < 0)
                        r = -errno;
                return r < 0 ? r : 1;
        }
        if (text_format(saved, sizeof(saved), "%s.smswarden-saved", target->name) < 0)
                return -ENAMETOOLONG;
        if (renameat2(target->folder, swap->name, target->folder, saved, RENAME_NOREPLACE) < 0)
                return errno == EEXIST ? 0 : -errno;
        return 1;
}

static int sweep_swap(const struct conf_target *target, const struct conf_swap *swap)
{
        struct conf_file_id id;
        struct stat status;

        if (fstatat(target->folder, swap->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        bool worthless = status.st_ino == swap->ours;
        if (!worthless && S_ISREG(status.st_mode)) {
                _cleanup_close_ int fd = conf_open_regular(target->folder, swap->name);
                worthless = fd >= 0 && conf_read_fd(fd, NULL, NULL, &id) == 0 && id.hash == swap->expected;
        }
        if (!worthless)
                return put_back(target, swap, &status);
        return unlinkat(target->folder, swap->name, 0) < 0 ? -errno : 0;
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
        int fd = openat(target->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        _cleanup_(cleanup_closedir) DIR *folder = fdopendir(fd);
        if (!folder) {
                int r = -errno;
                (void)close_fd(fd);
                return r;
        }
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
