/*
 * The kernel's lines out of the journal, in a process of its own (kernel_log.c says why). Only files that can
 * have something new are opened: the one that is being written, and the one that was at the last look, which
 * has another name when the journal was rotated since. There may be a hundred others, on a slow disk.
 *
 * _TRANSPORT=kernel is journald's own word: nobody can write it into a line. It says that the line came from
 * /dev/kmsg, where others may write, too; but never with facility 0, which is the kernel's.
 *
 * A file is read from its end back to what is known, then forward. From a place in the middle, by time, some
 * versions of the library begin at the file's first line when there is no later one.
 */
#include "kernel_log_private.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <systemd/sd-journal.h>

#define ACTIVE      "system.journal"
#define ARCHIVED    "system@"
#define ENTRIES_MAX 4096 /* of a file in one look */
#define FIELD_MAX   1024 /* what is behind it is not even unpacked */
#define NAME_SIZE   (NAME_MAX + 1)

static void close_journal(sd_journal **journal)
{
        sd_journal_close(*journal);
}

static void close_folder(DIR **folder)
{
        if (*folder)
                (void)closedir(*folder);
}

/* --- one line --- */

/* False: the line has none. The value lies in the library's memory until the next call. */
static bool field(sd_journal *file, const char *name, const char **ret_value, size_t *ret_length)
{
        const void *data;
        size_t length, head = strlen(name) + 1; /* "NAME=" */

        if (sd_journal_get_data(file, name, &data, &length) < 0 || length < head)
                return false;
        *ret_value = (const char *)data + head;
        *ret_length = length - head;
        return true;
}

static bool is_kernels_own(sd_journal *file)
{
        const char *value;
        size_t length;

        return !field(file, "SYSLOG_FACILITY", &value, &length) || (length == 1 && *value == '0');
}

static void take(sd_journal *file, struct kernel_lines *lines)
{
        struct kernel_line line;
        const char *message;
        size_t length;

        if (!is_kernels_own(file) || !field(file, "MESSAGE", &message, &length))
                return;
        kernel_message_parse(message, length, &line);
        kernel_lines_take(lines, &line);
}

/* --- one file --- */

/* When journald took it; false: known already, or of an earlier boot. */
static bool is_new(sd_journal *file, usec_t since, usec_t *ret_at)
{
        uint64_t at;

        if (sd_journal_get_monotonic_usec(file, &at, NULL) < 0 || at < since)
                return false;
        *ret_at = at;
        return true;
}

/* To the line before the first new one. */
static int go_back(sd_journal *file, usec_t since)
{
        usec_t at;
        int r = sd_journal_seek_tail(file);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < ENTRIES_MAX; i++) {
                r = sd_journal_previous(file);
                if (r <= 0)
                        return r < 0 ? r : sd_journal_seek_head(file);
                if (!is_new(file, since, &at))
                        break;
        }
        return 0;
}

static int open_file(const char *path, sd_journal **ret_file)
{
        _cleanup_(close_journal) sd_journal *file = NULL;
        const char *paths[] = {path, NULL};
        int r = sd_journal_open_files(&file, paths, 0);

        if (r >= 0)
                r = sd_journal_set_data_threshold(file, FIELD_MAX);
        if (r >= 0)
                r = sd_journal_add_match(file, "_TRANSPORT=kernel", 0);
        if (r < 0)
                return r;
        *ret_file = file;
        file = NULL;
        return 0;
}

/* Returns in ret_last when its newest line was taken, if there is a new one. */
static int read_file(const char *path, usec_t since, struct kernel_lines *lines, usec_t *ret_last)
{
        _cleanup_(close_journal) sd_journal *file = NULL;
        int r = open_file(path, &file);

        if (r >= 0)
                r = go_back(file, since);
        for (unsigned i = 0; r >= 0 && i < ENTRIES_MAX; i++) {
                r = sd_journal_next(file);
                if (r <= 0 || !is_new(file, since, ret_last))
                        break;
                take(file, lines);
        }
        return r < 0 ? r : 0;
}

/* --- the folders --- */

struct names {
        char archived[NAME_SIZE]; /* the one that was being written, "" it still is */
        ino_t active;             /* of the one that is being written, 0 there is none */
};

static int find_names(const char *path, ino_t active, struct names *ret_names)
{
        _cleanup_(close_folder) DIR *folder = opendir(path);

        if (!folder)
                return -errno;
        for (struct dirent *entry; (entry = readdir(folder));) {
                if (text_equal(entry->d_name, ACTIVE))
                        ret_names->active = entry->d_ino;
                else if (entry->d_ino == active && text_starts_with(entry->d_name, ARCHIVED))
                        (void)text_copy(ret_names->archived, sizeof(ret_names->archived), entry->d_name);
        }
        return 0;
}

static int read_named(const char *folder, const char *name, usec_t since, struct kernel_lines *lines,
                      usec_t *ret_last)
{
        char path[KERNEL_FOLDER_SIZE + NAME_SIZE];
        int r = text_format(path, sizeof(path), "%s/%s", folder, name);

        return r < 0 ? r : read_file(path, since, lines, ret_last);
}

/* The older one first, whose failure is none: what is wrong now stands in the other. */
static int read_folder(const char *folder, ino_t *active, usec_t since, struct kernel_lines *lines,
                       usec_t *ret_last)
{
        struct names names = {0};
        int r = find_names(folder, *active, &names);

        if (r < 0)
                return r;
        if (names.archived[0])
                (void)read_named(folder, names.archived, since, lines, ret_last);
        *active = names.active;
        return names.active ? read_named(folder, ACTIVE, since, lines, ret_last) : -ENOENT;
}

int kernel_journal_read(const char folders[KERNEL_FOLDERS][KERNEL_FOLDER_SIZE],
                        struct kernel_journal *journal)
{
        usec_t newest = 0;
        int result = -ENOENT;

        for (unsigned i = 0; i < KERNEL_FOLDERS; i++) {
                usec_t last = 0;
                int r = folders[i][0] ? read_folder(folders[i], &journal->active[i], journal->since,
                                                    &journal->lines, &last)
                                      : -ENOENT;
                newest = usec_max(newest, last);
                /* A failure says more than that there is no file, and a file more than either. */
                if (r >= 0 || result == -ENOENT)
                        result = r;
        }
        if (newest)
                journal->since = newest + 1;
        return result;
}
