/*
 * The profiles on the disk, see adapters/profile_file.h. Run for every plug by udev's helper too: small
 * files, read once, in the order of their names.
 */
#include "adapters/profile_file.h"

#include "ini_text.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".ini"

struct loader {
        struct profile_table *table;
        struct profile_file_result *result;
        bool own;
};

static void refuse(struct loader *loader, const struct config_file_error *error)
{
        if (loader->result->refused++ == 0)
                loader->result->error = *error;
}

static int tell_unreadable(struct config_file_error *error, int code, const char *path)
{
        char what[160];

        if (code == -EFBIG)
                (void)text_format(what, sizeof(what), "is larger than %zu bytes", PROFILE_FILE_SIZE_MAX);
        else if (code == -EBADF || code == -EISDIR)
                (void)text_copy(what, sizeof(what), "is not a regular file");
        else
                (void)text_format(what, sizeof(what), "cannot be read: %s", strerror(-code));
        return ini_text_tell(error, code, path, 0, what);
}

/* --- one file --- */

static int take_section(void *userdata, const char *section, struct config_error *ret_error)
{
        return profile_set(userdata, section, NULL, NULL, ret_error);
}

static int take_key(void *userdata, const char *section, const char *key, const char *value,
                    struct config_error *ret_error)
{
        return profile_set(userdata, section, key, value, ret_error);
}

/* "NAME.ini" gives NAME. */
static int read_name(const char *path, const char *file, char name[PROFILE_NAME_MAX],
                     struct config_file_error *ret_error)
{
        size_t length = strlen(file) - strlen(SUFFIX);

        if (text_copy_n(name, PROFILE_NAME_MAX, file, length) == 0 && profile_name_check(name) == 0)
                return 0;
        return ini_text_tell(
            ret_error, -EINVAL, path, 0,
            "is no name for a profile: at most 31 letters, digits, '-' or '_', and not auto");
}

static int parse(const char *path, const char *text, size_t length, struct profile *profile,
                 struct config_file_error *ret_error)
{
        const struct ini_sink sink = {.section = take_section, .key = take_key, .userdata = profile};
        struct config_error error;
        int r = ini_text_parse(path, text, length, &sink, ret_error);

        if (r == -ENOMEM)
                return tell_unreadable(ret_error, r, path);
        if (r < 0)
                return r;
        r = profile_check(profile, &error);
        return r < 0 ? ini_text_tell(ret_error, r, path, 0, error.message) : 0;
}

static int read_profile(const char *path, const char *file, bool own, struct profile *ret_profile,
                        struct config_file_error *ret_error)
{
        _cleanup_free_ char *text = NULL;
        char name[PROFILE_NAME_MAX];
        size_t length = 0;
        int r = read_name(path, file, name, ret_error);

        if (r < 0)
                return r;
        r = file_read(path, 0, PROFILE_FILE_SIZE_MAX, &text, &length);
        if (r < 0)
                return tell_unreadable(ret_error, r, path);
        profile_init(ret_profile, name, own);
        return parse(path, text, length, ret_profile, ret_error);
}

static void load_file(struct loader *loader, const char *folder, const char *file)
{
        struct config_file_error error;
        struct profile profile;
        char path[PATH_MAX];
        int r = text_format(path, sizeof(path), "%s/%s", folder, file);

        if (r < 0)
                (void)tell_unreadable(&error, r, folder);
        else
                r = read_profile(path, file, loader->own, &profile, &error);
        if (r == 0) {
                r = profile_table_add(loader->table, &profile);
                if (r < 0)
                        (void)ini_text_tell(&error, r, path, 0, "is one profile too many, 32 are allowed");
        }
        if (r < 0)
                refuse(loader, &error);
        else if (loader->own)
                loader->result->own++;
        else
                loader->result->shipped++;
}

/* --- folders --- */

static int is_profile(const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > strlen(SUFFIX) &&
               text_equal(entry->d_name + length - strlen(SUFFIX), SUFFIX);
}

/* Not alphasort(): its order depends on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_folder(struct loader *loader, const char *folder)
{
        struct config_file_error error;
        struct dirent **entries = NULL;
        int n = scandir(folder, &entries, is_profile, by_name);

        if (n < 0 && errno == ENOMEM)
                return -ENOMEM;
        if (n < 0 && errno != ENOENT) {
                (void)tell_unreadable(&error, -errno, folder);
                refuse(loader, &error);
        }
        for (int i = 0; i < n; i++) {
                if (i < PROFILE_FILE_FILES_MAX)
                        load_file(loader, folder, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        if (n > PROFILE_FILE_FILES_MAX) {
                (void)ini_text_tell(&error, -E2BIG, folder, 0, "has more than 64 files");
                refuse(loader, &error);
        }
        return 0;
}

/* Two of the user's files that claim the same modem are both read, the first one wins: that is told. */
static void check_table(struct loader *loader, const char *folder)
{
        struct config_file_error file_error;
        struct config_error error;
        char path[PATH_MAX];
        const char *name;

        if (profile_table_check(loader->table, &name, &error) == 0)
                return;
        (void)text_format(path, sizeof(path), "%s/%s" SUFFIX, folder, name);
        (void)ini_text_tell(&file_error, -EINVAL, path, 0, error.message);
        refuse(loader, &file_error);
}

int profile_file_load(const char *shipped, const char *own, struct profile_table **ret_table,
                      struct profile_file_result *ret_result)
{
        const struct profile_table *builtin = profile_table_builtin();
        _cleanup_free_ struct profile_table *table = profile_table_new();
        struct loader loader = {.table = table, .result = ret_result};

        memset(ret_result, 0, sizeof(*ret_result));
        if (!table)
                return -ENOMEM;
        for (unsigned i = 0; i < builtin->n; i++)
                (void)profile_table_add(table, &builtin->items[i]); /* there is room for these */
        int r = load_folder(&loader, shipped);
        loader.own = true;
        if (r == 0)
                r = load_folder(&loader, own);
        if (r < 0)
                return r;
        check_table(&loader, own);
        *ret_table = table;
        table = NULL;
        return 0;
}

int profile_file_own_folder(const char *config_path, char *target, size_t size)
{
        const char *slash = strrchr(config_path, '/');

        return text_format(target, size, "%.*sprofiles.d", slash ? (int)(slash - config_path) + 1 : 0,
                           config_path);
}
