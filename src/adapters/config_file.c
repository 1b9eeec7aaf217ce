/*
 * The configuration on the disk, see adapters/config_file.h. All files are read first and parsed afterwards,
 * so the same bytes can be checked and kept.
 */
#include "adapters/config_file.h"

#include "config_file_place.h"
#include "ini_text.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

#define GOOD_NAME "smswarden.conf.good"
#define TEXTS_MAX (1 + CONFIG_FILE_DROPINS_MAX)
#define BOM       "\xef\xbb\xbf"
/* The good copy holds all files and a comment for each. */
#define GOOD_SIZE_MAX (CONFIG_FILE_SIZE_MAX + TEXTS_MAX * (size_t)64)

struct text {
        char path[PATH_MAX];
        char *bytes;
        size_t length;
};

/* The files of one configuration in the order in which they count. */
struct texts {
        unsigned n;
        size_t total; /* bytes of all */
        struct text *items[TEXTS_MAX];
};

static void cleanup_texts(struct texts *texts)
{
        for (unsigned i = 0; i < texts->n; i++) {
                free(texts->items[i]->bytes);
                free(texts->items[i]);
        }
        texts->n = 0;
}

static int tell_unreadable(struct config_file_error *error, int code, const char *path)
{
        char what[160];

        switch (code) {
        case -EFBIG:
                (void)text_format(what, sizeof(what), "makes the configuration larger than %zu bytes",
                                  CONFIG_FILE_SIZE_MAX);
                break;
        case -EBADF:
        case -EISDIR:
                (void)text_copy(what, sizeof(what), "is not a regular file");
                break;
        default:
                (void)text_format(what, sizeof(what), "cannot be read: %s", strerror(-code));
                break;
        }
        return ini_text_tell(error, code, path, 0, what);
}

/* --- reading the files --- */

/* Editors on other systems put a byte order mark in front. */
static void drop_bom(struct text *text)
{
        if (text->length < strlen(BOM) || memcmp(text->bytes, BOM, strlen(BOM)) != 0)
                return;
        text->length -= strlen(BOM);
        memmove(text->bytes, text->bytes + strlen(BOM), text->length + 1);
}

/* Adds the file at `path`. -ENOENT without a message: it is not there. */
static int read_text(struct texts *texts, const char *path, size_t max, struct config_file_error *ret_error)
{
        if (texts->n == TEXTS_MAX)
                return ini_text_tell(ret_error, -E2BIG, path, 0, "is one drop-in too many, 64 are allowed");
        _cleanup_free_ struct text *text = calloc(1, sizeof(*text));
        if (!text)
                return tell_unreadable(ret_error, -ENOMEM, path);
        if (text_copy(text->path, sizeof(text->path), path) < 0)
                return tell_unreadable(ret_error, -ENAMETOOLONG, path);
        int r = file_read(path, 0, max - texts->total, &text->bytes, &text->length);
        if (r < 0)
                return r == -ENOENT ? r : tell_unreadable(ret_error, r, path);
        texts->total += text->length;
        drop_bom(text);
        texts->items[texts->n++] = text;
        text = NULL;
        return 0;
}

/* "/etc/x/smswarden.conf" -> "/etc/x/smswarden.conf.d" */
static int dropin_folder(const char *path, char *target, size_t size)
{
        size_t length = strlen(path);
        bool has_suffix = length >= 5 && text_equal(path + length - 5, ".conf");

        return text_format(target, size, "%s%s", path, has_suffix ? ".d" : ".conf.d");
}

static int is_dropin(const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 && text_equal(entry->d_name + length - 5, ".conf");
}

/* Not alphasort(): its order depends on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_dropin(struct texts *texts, const char *folder, const char *name,
                       struct config_file_error *ret_error)
{
        char path[PATH_MAX];

        if (text_format(path, sizeof(path), "%s/%s", folder, name) < 0)
                return tell_unreadable(ret_error, -ENAMETOOLONG, folder);
        int r = read_text(texts, path, CONFIG_FILE_SIZE_MAX, ret_error);
        /* Listed but not there: a dangling link, or removed this moment. Half a configuration must not be
         * taken for a whole one. */
        return r == -ENOENT ? tell_unreadable(ret_error, r, path) : r;
}

static int read_dropins(struct texts *texts, const char *path, struct config_file_error *ret_error)
{
        char folder[PATH_MAX];
        struct dirent **entries = NULL;
        int r = dropin_folder(path, folder, sizeof(folder));

        if (r < 0)
                return tell_unreadable(ret_error, r, path);
        int n = scandir(folder, &entries, is_dropin, by_name);
        if (n < 0)
                return errno == ENOENT ? 0 : tell_unreadable(ret_error, -errno, folder);
        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = read_dropin(texts, folder, entries[i]->d_name, ret_error);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int read_texts(struct texts *texts, const char *path, struct config_file_error *ret_error)
{
        int r = read_text(texts, path, CONFIG_FILE_SIZE_MAX, ret_error);

        if (r < 0 && r != -ENOENT)
                return r;
        return read_dropins(texts, path, ret_error);
}

/* --- parsing one file --- */

static int take_section(void *userdata, const char *section, struct config_error *ret_error)
{
        return config_open_section(userdata, section, ret_error);
}

static int take_key(void *userdata, const char *section, const char *key, const char *value,
                    struct config_error *ret_error)
{
        return config_set(userdata, section, key, value, ret_error);
}

static int parse_text(const struct text *text, struct config *config, struct config_file_error *ret_error)
{
        static const char *const file_keys[] = {"template", "url", NULL};
        const struct ini_sink sink = {
            .section = take_section, .key = take_key, .userdata = config, .file_keys = file_keys};
        int r = ini_text_parse(text->path, text->bytes, text->length, &sink, ret_error);

        return r == -ENOMEM ? tell_unreadable(ret_error, r, text->path) : r;
}

/* What is wrong with the whole is told where its key is set last, else where its section begins last. */
static int tell_place(const struct texts *texts, const char *path, const char *problem, int code,
                      struct config_file_error *ret_error)
{
        const char *file = path;
        unsigned line = 0;
        bool by_key = false;

        for (unsigned i = 0; i < texts->n; i++) {
                const struct text *text = texts->items[i];
                struct config_place_lines found = config_file_find_place(text->bytes, text->length, problem);
                if (found.key == 0 && (found.header == 0 || by_key))
                        continue;
                by_key = found.key > 0;
                line = by_key ? found.key : found.header;
                file = text->path;
        }
        return ini_text_tell(ret_error, code, file, line, problem);
}

/* ret_config NULL: only checks. `profiles` NULL: their names are not looked at. */
static int parse_texts(const struct texts *texts, const char *path, const struct profile_table *profiles,
                       struct config *ret_config, struct config_file_error *ret_error)
{
        struct config_error error;
        _cleanup_free_ struct config *config = malloc(sizeof(*config));

        if (!config)
                return tell_unreadable(ret_error, -ENOMEM, path);
        config_init(config);
        for (unsigned i = 0; i < texts->n; i++) {
                int r = parse_text(texts->items[i], config, ret_error);
                if (r < 0)
                        return r;
        }
        config->profiles = profiles;
        int r = config_check(config, &error);
        if (r == 0 && profiles)
                r = config_check_profiles(config, &error);
        if (r < 0)
                return tell_place(texts, path, error.message, r, ret_error);
        if (ret_config)
                config_copy(ret_config, config);
        return 0;
}

int config_file_load_with(const char *path, const struct profile_table *profiles, struct config *ret_config,
                          struct config_file_error *ret_error)
{
        _cleanup_(cleanup_texts) struct texts texts = {0};
        int r = read_texts(&texts, path, ret_error);

        return r < 0 ? r : parse_texts(&texts, path, profiles, ret_config, ret_error);
}

int config_file_load(const char *path, struct config *ret_config, struct config_file_error *ret_error)
{
        return config_file_load_with(path, NULL, ret_config, ret_error);
}

/* --- the last good copy --- */

static int good_path(const char *state_dir, char *target, size_t size)
{
        return text_format(target, size, "%s/%s", state_dir, GOOD_NAME);
}

#define PART_HEAD_MAX 80

/* One text of all; each begins with a comment that names its file, and ends with a newline. */
static int join_texts(const struct texts *texts, char **ret_joined, size_t *ret_length)
{
        size_t size = 1, length = 0;

        for (unsigned i = 0; i < texts->n; i++)
                size += PART_HEAD_MAX + texts->items[i]->length + 1;
        char *joined = malloc(size);
        if (!joined)
                return -ENOMEM;
        for (unsigned i = 0; i < texts->n; i++) {
                const struct text *text = texts->items[i];
                (void)text_format(joined + length, PART_HEAD_MAX,
                                  "; the next lines are those of file %u of %u\n", i + 1, texts->n);
                length += strlen(joined + length);
                memcpy(joined + length, text->bytes, text->length);
                length += text->length;
                joined[length++] = '\n';
        }
        *ret_joined = joined;
        *ret_length = length;
        return 0;
}

int config_file_save_good(const char *state_dir, const char *path)
{
        _cleanup_(cleanup_texts) struct texts texts = {0};
        _cleanup_free_ char *joined = NULL;
        struct config_file_error error;
        char target[PATH_MAX];
        size_t length = 0;

        int r = good_path(state_dir, target, sizeof(target));
        if (r == 0)
                r = read_texts(&texts, path, &error);
        if (r == 0)
                r = parse_texts(&texts, path, NULL, NULL, &error);
        if (r == 0)
                r = join_texts(&texts, &joined, &length);
        return r < 0 ? r : file_keep(target, joined, length, 0600);
}

/* "state_dir = /x ; why" of the section [gateway]: takes the value as far as it is one. */
static void take_state_dir(const char *line, struct config *config)
{
        struct config_error ignored;
        char value[CONFIG_PATH_MAX];
        const char *key = "state_dir";

        if (!text_starts_with(line, key))
                return;
        line += strlen(key);
        line += strspn(line, " \t");
        if (*line != '=' && *line != ':')
                return;
        line++;
        line += strspn(line, " \t");
        const char *comment = strstr(line, " ;");
        size_t length = comment ? (size_t)(comment - line) : strlen(line);
        while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
                length--;
        if (text_copy_n(value, sizeof(value), line, length) == 0)
                (void)config_set(config, "gateway", key, value, &ignored); /* a bad one is not taken */
}

static void find_in_text(const struct text *text, struct config *config)
{
        const char *next = text->bytes, *end = text->bytes + text->length, *bytes;
        bool in_gateway = false;
        char line[2 * CONFIG_PATH_MAX];
        size_t length;

        while (next < end) {
                ini_text_line(&next, end, &bytes, &length);
                if (text_copy_n(line, sizeof(line), bytes, length) < 0)
                        continue;
                if (line[0] == '[')
                        in_gateway = text_starts_with(line, "[gateway]");
                else if (in_gateway)
                        take_state_dir(line, config);
        }
}

int config_file_find_state_dir(const char *path, char *target, size_t size)
{
        _cleanup_(cleanup_texts) struct texts texts = {0};
        _cleanup_free_ struct config *config = malloc(sizeof(*config));
        struct config_file_error ignored;

        if (!config)
                return -ENOMEM;
        config_init(config);
        config->state_dir[0] = '\0';
        (void)read_texts(&texts, path, &ignored); /* what could be read counts */
        for (unsigned i = 0; i < texts.n; i++)
                find_in_text(texts.items[i], config);
        return config->state_dir[0] ? text_copy(target, size, config->state_dir) : -ENOENT;
}

int config_file_load_good(const char *state_dir, struct config *ret_config,
                          struct config_file_error *ret_error)
{
        _cleanup_(cleanup_texts) struct texts texts = {0};
        char path[PATH_MAX];
        int r = good_path(state_dir, path, sizeof(path));

        if (r < 0)
                return tell_unreadable(ret_error, r, state_dir);
        r = read_text(&texts, path, GOOD_SIZE_MAX, ret_error);
        if (r == -ENOENT)
                return tell_unreadable(ret_error, r, path);
        return r < 0 ? r : parse_texts(&texts, path, NULL, ret_config, ret_error);
}

enum config_file_taken config_file_load_usable(const char *path, struct config *ret_config)
{
        struct config_file_error error;
        char folder[CONFIG_PATH_MAX];

        if (config_file_load(path, ret_config, &error) >= 0)
                return CONFIG_FILE_ITSELF;
        config_init(ret_config);
        if (config_file_find_state_dir(path, folder, sizeof(folder)) < 0)
                (void)text_copy(folder, sizeof(folder), ret_config->state_dir);
        if (config_file_load_good(folder, ret_config, &error) >= 0)
                return CONFIG_FILE_GOOD_COPY;
        config_init(ret_config);
        return CONFIG_FILE_DEFAULTS;
}
