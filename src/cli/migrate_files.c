/*
 * The lines of crontabs, sudoers and udev rules that run the old scripts or touch smsd, and the scripts
 * themselves.
 */
#include "migrate.h"

#include "adapters/saved_file.h"
#include "base/file.h"
#include "base/text.h"
#include "core/legacy_scripts.h"

#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SIZE_MAX 1048576
#define SMSWARDEN     "/usr/bin/smswarden"

void migrate_say(const char *kind, const char *path, unsigned line, const char *text, size_t length,
                 const char *what_becomes)
{
        char shown[512], number[24] = "";

        (void)text_escape(shown, sizeof(shown), text, length);
        if (line > 0)
                (void)text_format(number, sizeof(number), ":%u", line);
        (void)printf("%-8s %s%s%s%s\n%-8s -> %s\n", kind, path, number, shown[0] ? "  " : "", shown, "",
                     what_becomes);
}

void migrate_fail(struct migration *migration, const char *path, const char *what, int error)
{
        migration->problems++;
        cli_complain("%s %s: %s", path, what,
                     error == -ELOOP ? "a link on the way to it is not root's, and is not followed"
                                     : strerror(-error));
}

void migrate_each(struct migration *migration, const char *pattern,
                  void (*each)(struct migration *migration, const char *path))
{
        char full[PATH_MAX];
        glob_t found;

        if (text_format(full, sizeof(full), "%s%s", migration->root, pattern) < 0)
                return;
        if (glob(full, 0, NULL, &found) == 0)
                for (size_t i = 0; i < found.gl_pathc; i++)
                        each(migration, found.gl_pathv[i]);
        globfree(&found);
}

/* --- scripts --- */

static int put_wrapper(struct migration *migration, const char *path, const char *wrapper)
{
        size_t length = strlen(wrapper);
        int r = migrate_store_keep(migration, path, text_hash(wrapper, length));

        return r < 0 ? r : saved_file_rewrite(path, wrapper, length);
}

static void tell_secret(struct migration *migration, const char *path, const char *text, size_t length)
{
        unsigned line = legacy_secret_line(text, length);

        if (line == 0)
                return;
        migration->secrets++;
        migrate_say("secret", path, line, "", 0,
                    "seems to hold a password or token in plain text: change it where it is checked");
}

static void take_script(struct migration *migration, const char *path, const struct legacy_script *script)
{
        _cleanup_free_ char *text = NULL;
        char wrapper[1024], what[256];
        size_t length = 0;
        int r = file_read(path, O_NOFOLLOW, FILE_SIZE_MAX, &text, &length);

        if (r < 0) {
                if (r != -ENOENT && r != -ELOOP && r != -EISDIR)
                        migrate_fail(migration, path, "cannot be read", r);
                return;
        }
        if (legacy_is_wrapper(text, length))
                return;
        tell_secret(migration, path, text, length);
        r = legacy_wrapper(script, SMSWARDEN, wrapper, sizeof(wrapper));
        if (r < 0) {
                migrate_say("script", path, 0, "", 0, script->now);
                return;
        }
        (void)text_format(what, sizeof(what), "a wrapper that runs `smswarden %s`: %s", script->command,
                          script->now);
        migrate_say("script", path, 0, "", 0, what);
        migration->changes++;
        r = migration->dry_run ? 0 : put_wrapper(migration, path, wrapper);
        if (r < 0)
                migrate_fail(migration, path, "cannot be replaced", r);
}

/* Each once. A path that holds a line end is nobody's script. */
static void add_script(struct migration *migration, const char *path)
{
        char line[PATH_MAX + 2];

        if (strchr(path, '\n') || text_format(line, sizeof(line), "\n%s\n", path) < 0 ||
            strstr(migration->scripts, line))
                return;
        if (text_append(migration->scripts, MIGRATE_SCRIPTS_MAX, "%s\n", path) < 0)
                migrate_fail(migration, path, "is one script too many: run migrate again", -E2BIG);
}

void migrate_note_script(struct migration *migration, const char *line, size_t length)
{
        const struct legacy_script *script = legacy_script_in_line(line, length);
        char path[PATH_MAX], full[PATH_MAX];

        if (script && legacy_script_path(line, length, script, path, sizeof(path)) == 0 &&
            text_format(full, sizeof(full), "%s%s", migration->root, path) == 0)
                add_script(migration, full);
}

static void take_scripts(struct migration *migration)
{
        char path[PATH_MAX];

        for (const char *line = migration->scripts + 1; *line;
             line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
                if (text_copy_n(path, sizeof(path), line, strcspn(line, "\n")) < 0)
                        continue; /* the last one did not fit: that was told */
                const char *slash = strrchr(path, '/');
                const struct legacy_script *script = legacy_script_by_name(slash ? slash + 1 : path);
                if (script)
                        take_script(migration, path, script);
        }
}

void migrate_scripts(struct migration *migration)
{
        static const char *const folders[] = {
            "/usr/local/bin", "/usr/local/sbin", "/usr/bin",         "/usr/sbin",
            "/root",          "/root/*",         "/home/*",          "/home/*/*",
            "/opt",           "/opt/*",          "/etc/cron.hourly", "/etc/cron.daily"};
        const struct legacy_script *script;
        char pattern[PATH_MAX];

        for (unsigned i = 0; (script = legacy_script_at(i)); i++)
                for (size_t f = 0; f < ARRAY_SIZE(folders); f++)
                        if (text_format(pattern, sizeof(pattern), "%s/%s", folders[f], script->name) == 0)
                                migrate_each(migration, pattern, add_script);
        take_scripts(migration);
}

/* --- files of lines --- */

struct line_file {
        struct migration *migration;
        const char *kind;
        const char *path;
};

static void line_told(void *userdata, unsigned number, const char *line, size_t length, const char *kept)
{
        const struct line_file *file = userdata;
        const struct legacy_script *script = legacy_script_in_line(line, length);
        char what[256];

        (void)text_format(what, sizeof(what), "switched off: %s",
                          script ? script->now : "smsd is started and stopped by smswarden only");
        migrate_say(file->kind, file->path, number, line, length, kept ? kept : what);
        migrate_note_script(file->migration, line, length);
        if (kept)
                file->migration->problems++;
        else
                file->migration->changes++;
}

static int rewrite(struct migration *migration, const char *path, const char *text, size_t length)
{
        int r = migrate_store_keep(migration, path, text_hash(text, length));

        return r < 0 ? r : saved_file_rewrite(path, text, length);
}

static void take_lines(struct migration *migration, const char *path, enum legacy_file kind, const char *name)
{
        struct line_file file = {.migration = migration, .kind = name, .path = path};
        char *text = NULL, *new_text = NULL;
        size_t length = 0, new_length = 0;
        int r = file_read(path, O_NOFOLLOW, FILE_SIZE_MAX, &text, &length);

        if (r >= 0)
                r = legacy_switch_off(kind, text, length, line_told, &file, &new_text, &new_length);
        if (r > 0 && !migration->dry_run)
                r = rewrite(migration, path, new_text, new_length);
        if (r < 0 && r != -EISDIR && r != -ELOOP && r != -ENOENT)
                migrate_fail(migration, path, "cannot be switched off", r);
        free(text);
        free(new_text);
}

static void crontab_found(struct migration *migration, const char *path)
{
        take_lines(migration, path, LEGACY_CRONTAB, "crontab");
}

static void sudoers_found(struct migration *migration, const char *path)
{
        take_lines(migration, path, LEGACY_SUDOERS, "sudoers");
}

static void udev_rules_found(struct migration *migration, const char *path)
{
        take_lines(migration, path, LEGACY_UDEV_RULES, "udev");
}

void migrate_line_files(struct migration *migration)
{
        migrate_each(migration, "/etc/crontab", crontab_found);
        migrate_each(migration, "/etc/cron.d/*", crontab_found);
        migrate_each(migration, "/var/spool/cron/crontabs/*", crontab_found);
        migrate_each(migration, "/etc/udev/rules.d/*.rules", udev_rules_found);
        migrate_each(migration, "/etc/sudoers", sudoers_found);
        migrate_each(migration, "/etc/sudoers.d/*", sudoers_found);
}
