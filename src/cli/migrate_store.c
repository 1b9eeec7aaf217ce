/*
 * The memory of a migration: STATE_DIR/migrate/N, a copy per file, and `manifest`, a line per change:
 *
 *   file N HASH PATH     PATH was kept as N and has had a content of HASH since (0: it was taken away)
 *   active UNIT          the unit was running
 *
 * A line is written before its change is made: whatever dies in between, undo finds the old file still there.
 */
#include "migrate.h"

#include "adapters/saved_file.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/legacy_scripts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_MAX_SIZE (PATH_MAX + 64)
#define FILE_SIZE_MAX 1048576

/* --- writing --- */

static void manifest_path(const struct migration *migration, char path[PATH_MAX])
{
        (void)text_format(path, PATH_MAX, "%s/manifest", migration->store);
}

static int write_manifest(struct migration *migration)
{
        char path[PATH_MAX];

        manifest_path(migration, path);
        return file_replace(path, migration->manifest, strlen(migration->manifest), 0600);
}

/* The three fields behind "file ": the copy's number, the hash, the path (the rest of the line). */
struct file_line {
        unsigned number;
        uint64_t hash;
        char path[PATH_MAX];
};

static int read_file_line(const char *line, struct file_line *ret_line)
{
        size_t number = strcspn(line, " "), hash = line[number] ? strcspn(line + number + 1, " ") : 0;
        const char *path = line + number + 1 + hash;
        char text[16], *end;

        if (hash != 16 || *path != ' ' || text_copy_n(text, sizeof(text), line, number) < 0 ||
            parse_unsigned(text, 0, MIGRATE_COPIES_MAX, &ret_line->number) < 0)
                return -EBADMSG;
        ret_line->hash = strtoull(line + number + 1, &end, 16);
        if (end != path)
                return -EBADMSG;
        return text_copy_n(ret_line->path, sizeof(ret_line->path), path + 1, strcspn(path + 1, "\n"));
}

/* One more than the highest number in use: a partly undone migration has gaps. */
static unsigned next_copy(const char *manifest)
{
        struct file_line file;
        unsigned next = 0;

        for (const char *line = manifest; line && *line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (text_starts_with(line, "file ") && read_file_line(line + 5, &file) == 0 &&
                    file.number >= next)
                        next = file.number + 1;
        }
        return next;
}

static int make_folder(const char *path)
{
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int migrate_store_open(struct migration *migration, const char *state_dir)
{
        char path[PATH_MAX];
        size_t length = 0;
        int r = text_format(migration->store, sizeof(migration->store), "%s%s", migration->root, state_dir);

        if (r == 0 && !migration->dry_run)
                r = make_folder(migration->store);
        if (r == 0)
                r = text_append(migration->store, sizeof(migration->store), "/migrate");
        if (r == 0 && !migration->dry_run)
                r = make_folder(migration->store);
        if (r < 0)
                return r;
        migration->manifest = calloc(1, MIGRATE_MANIFEST_MAX);
        migration->scripts = calloc(1, MIGRATE_SCRIPTS_MAX);
        if (!migration->manifest || !migration->scripts)
                return -ENOMEM;
        migration->scripts[0] = '\n';
        manifest_path(migration, path);
        r = file_read_into(path, O_NOFOLLOW, migration->manifest, MIGRATE_MANIFEST_MAX, &length);
        if (r == -ENOENT)
                r = 0;
        migration->next = next_copy(migration->manifest);
        return r;
}

static int note(struct migration *migration, const char *line)
{
        int r = text_append(migration->manifest, MIGRATE_MANIFEST_MAX, "%s\n", line);

        return r < 0 ? r : write_manifest(migration);
}

int migrate_store_keep(struct migration *migration, const char *path, uint64_t hash)
{
        char copy[PATH_MAX], line[LINE_MAX_SIZE], shown[PATH_MAX];

        /* A path that needs escaping (a line end in it) is nobody's script: it is left alone. */
        if (text_escape(shown, sizeof(shown), path, strlen(path)) < 0 || !text_equal(shown, path))
                return -EINVAL;
        if (text_format(copy, sizeof(copy), "%s/%u", migration->store, migration->next) < 0 ||
            text_format(line, sizeof(line), "file %u %016" PRIx64 " %s", migration->next, hash, path) < 0)
                return -ENAMETOOLONG;
        int r = saved_file_keep(path, copy);
        if (r == 0)
                r = note(migration, line);
        if (r == 0)
                migration->next++;
        return r;
}

int migrate_store_note_active(struct migration *migration, const char *unit)
{
        char line[LINE_MAX_SIZE];

        if (text_format(line, sizeof(line), "active %s", unit) < 0)
                return -ENAMETOOLONG;
        return note(migration, line);
}

/* --- undoing --- */

static bool is_same_link(const char *path, const char *copy)
{
        char a[PATH_MAX], b[PATH_MAX];
        ssize_t n = readlink(path, a, sizeof(a)), m = readlink(copy, b, sizeof(b));

        return n > 0 && n == m && memcmp(a, b, (size_t)n) == 0;
}

static bool is_same(const char *text, size_t length, const char *copy)
{
        _cleanup_free_ char *kept = NULL;
        size_t n = 0;

        return file_read(copy, O_NOFOLLOW, FILE_SIZE_MAX, &kept, &n) == 0 && n == length &&
               memcmp(kept, text, n) == 0;
}

/* Somebody edited it since: only our marks are taken off, what they wrote stays. 1: there were marks. */
static int take_marks_off(const char *path, const char *text, size_t length)
{
        _cleanup_free_ char *new_text = NULL;
        size_t new_length = 0;
        int r = legacy_switch_on(text, length, &new_text, &new_length);

        if (r <= 0)
                return r;
        r = saved_file_rewrite(path, new_text, new_length);
        return r < 0 ? r : 1;
}

static int undo_edited(struct migration *migration, const char *path, const char *copy, const char *text,
                       size_t length)
{
        int r = take_marks_off(path, text, length);

        if (r > 0) {
                (void)printf("  %s: was edited since: the lines are switched on again, the edits stay\n",
                             path);
                return 0;
        }
        if (r < 0)
                return r;
        migration->problems++;
        (void)printf("  %s: was replaced by somebody since and stays as it is; the old file is %s\n", path,
                     copy);
        return 1;
}

/* 0: it is as it was; 1: it cannot be; negative errno. */
static int undo_file(struct migration *migration, const char *path, const char *copy, uint64_t hash)
{
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        int r = file_read(path, O_NOFOLLOW, FILE_SIZE_MAX, &text, &length);

        if (r < 0 && r != -ENOENT && r != -ELOOP)
                return r;
        bool untouched = r == -ENOENT || (r == 0 && hash != MIGRATE_GONE && text_hash(text, length) == hash);
        if (is_same_link(path, copy) || (r == 0 && is_same(text, length, copy)))
                return 0;
        if (!untouched)
                return undo_edited(migration, path, copy, text ? text : "", length);
        (void)printf("  %s: restored\n", path);
        return saved_file_restore(copy, path);
}

static void undo_file_line(struct migration *migration, const char *line, char *kept, size_t kept_size)
{
        struct file_line file = {0};
        char copy[PATH_MAX];

        if (read_file_line(line, &file) < 0 ||
            text_format(copy, sizeof(copy), "%s/%u", migration->store, file.number) < 0) {
                migration->problems++;
                cli_complain("a line of %s/manifest is no note of ours: it is passed over", migration->store);
                return;
        }
        int r = undo_file(migration, file.path, copy, file.hash);
        if (r < 0)
                migrate_fail(migration, file.path, "cannot be restored", r);
        if (r != 0)
                (void)text_append(kept, kept_size, "file %s\n", line);
        else
                migration->units_changed |= strstr(file.path, "/systemd/system/") != NULL;
        migration->changes += r == 0;
}

/* From the last line to the first; the copies of what stays noted stay too. */
static void undo_lines(struct migration *migration, const char *kind,
                       void (*undo)(struct migration *migration, const char *line, char *kept, size_t size),
                       char *kept, size_t size)
{
        size_t length = strlen(migration->manifest), n = strlen(kind);

        while (length > 0) {
                size_t start = length - 1;
                char line[LINE_MAX_SIZE];
                while (start > 0 && migration->manifest[start - 1] != '\n')
                        start--;
                if (length - start > n && memcmp(migration->manifest + start, kind, n) == 0) {
                        (void)text_copy_n(line, sizeof(line), migration->manifest + start + n,
                                          length - start - n - 1);
                        undo(migration, line, kept, size);
                }
                length = start;
        }
}

static void undo_active(struct migration *migration, const char *unit, char *kept, size_t size)
{
        (void)kept;
        (void)size;
        migrate_start_unit(migration, unit);
}

static void remove_copies(const struct migration *migration)
{
        char path[PATH_MAX];

        for (unsigned i = 0; i < migration->next; i++)
                if (text_format(path, sizeof(path), "%s/%u", migration->store, i) == 0)
                        (void)file_remove(path); /* a copy that nothing names harms nobody */
        manifest_path(migration, path);
        (void)file_remove(path);
        (void)rmdir(migration->store);
}

int migrate_store_undo(struct migration *migration)
{
        _cleanup_free_ char *kept = calloc(1, MIGRATE_MANIFEST_MAX);

        if (!kept)
                return -ENOMEM;
        undo_lines(migration, "file ", undo_file_line, kept, MIGRATE_MANIFEST_MAX);
        migrate_reload_units(migration);
        undo_lines(migration, "active ", undo_active, NULL, 0);
        if (kept[0] == '\0') {
                remove_copies(migration);
                return 0;
        }
        (void)text_copy(migration->manifest, MIGRATE_MANIFEST_MAX, kept);
        return write_manifest(migration);
}
