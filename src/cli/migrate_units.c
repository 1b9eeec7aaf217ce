/*
 * Services and timers of the user's own that run the old scripts: stopped, and their files and enablement
 * links taken away (into the store). The user's own smstools.service is no such: our drop-in tames it.
 */
#include "migrate.h"

#include "adapters/systemd_manager.h"
#include "base/file.h"
#include "base/text.h"
#include "core/legacy_scripts.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define UNIT_SIZE_MAX 65536

static const char *name_of(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* One connection for the whole migration, made when it is first needed; NULL: there is no systemd to talk to.
 */
static struct systemd_manager *manager_of(struct migration *migration)
{
        /* Another system's files are none of this system's systemd. */
        if (migration->root[0] == '\0' && !migration->manager_wanted &&
            systemd_manager_new(&migration->manager) < 0)
                migration->manager = NULL;
        migration->manager_wanted = true;
        return migration->manager;
}

void migrate_reload_units(struct migration *migration)
{
        struct systemd_manager *manager = migration->units_changed ? manager_of(migration) : NULL;
        char problem[256];

        if (!manager || systemd_manager_reload(manager, problem, sizeof(problem)) >= 0)
                return;
        migration->problems++;
        cli_complain("systemd does not read its units again (%s): run `systemctl daemon-reload`", problem);
}

void migrate_start_unit(struct migration *migration, const char *unit)
{
        struct systemd_manager *manager = manager_of(migration);
        char problem[256];

        if (!manager || systemd_manager_job(manager, "StartUnit", unit, problem, sizeof(problem)) >= 0)
                return;
        migration->problems++;
        cli_complain("%s cannot be started again: %s", unit, problem);
}

static int stop_unit(struct migration *migration, const char *unit)
{
        struct systemd_manager *manager = manager_of(migration);
        char problem[256];

        if (!manager || systemd_manager_is_active(manager, unit) <= 0)
                return 0;
        int r = migrate_store_note_active(migration, unit);
        if (r < 0)
                return r;
        r = systemd_manager_job(manager, "StopUnit", unit, problem, sizeof(problem));
        if (r < 0)
                cli_complain("%s cannot be stopped: %s", unit, problem);
        return r;
}

static void take_away(struct migration *migration, const char *path)
{
        int r = migrate_store_keep(migration, path, MIGRATE_GONE);

        if (r == 0)
                r = file_remove(path);
        if (r < 0)
                migrate_fail(migration, path, "cannot be taken away", r);
        else
                migration->units_changed = true;
}

/* multi-user.target.wants/NAME and the like. A requirement that leads nowhere would keep its target from
 * being reached. */
static void take_links_away(struct migration *migration, const char *unit)
{
        static const char *const kinds[] = {"wants", "requires", "upholds"};
        char pattern[PATH_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (text_format(pattern, sizeof(pattern), "/etc/systemd/system/*.%s/%s", kinds[i], unit) == 0)
                        migrate_each(migration, pattern, take_away);
}

static void take_unit(struct migration *migration, const char *path)
{
        const char *unit = name_of(path);

        migrate_say("unit", path, 0, "", 0, "stopped and taken away: smswardend does its work");
        migration->changes++;
        if (migration->dry_run)
                return;
        int r = stop_unit(migration, unit);
        if (r < 0) {
                migrate_fail(migration, path, "is left as it is", r);
                return;
        }
        take_links_away(migration, unit);
        take_away(migration, path);
}

/* A timer without its service would be a dead file: both go, the timer first, so that it starts nothing
 * meanwhile. */
static void take_timer_of(struct migration *migration, const char *service)
{
        char timer[PATH_MAX];
        size_t length = strlen(service) - strlen(".service");

        if (length + sizeof(".timer") > sizeof(timer))
                return;
        memcpy(timer, service, length);
        (void)text_copy(timer + length, sizeof(timer) - length, ".timer");
        if (access(timer, F_OK) == 0)
                take_unit(migration, timer);
}

static void note_scripts(struct migration *migration, const char *text, size_t length)
{
        const char *end = text + length;

        for (const char *line = text; line < end;) {
                const char *next = memchr(line, '\n', (size_t)(end - line));
                size_t n = (size_t)((next ? next : end) - line);
                migrate_note_script(migration, line, n);
                line += n + 1;
        }
}

static void service_found(struct migration *migration, const char *path)
{
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        int r = file_read(path, 0, UNIT_SIZE_MAX, &text, &length);

        if (r < 0) {
                if (r != -ENOENT &&
                    r != -EBADF) /* a link to nowhere; to /dev/null: masked, it runs nothing */
                        migrate_fail(migration, path, "cannot be read", r);
                return;
        }
        if (!legacy_unit_concerns(text, length))
                return;
        if (text_equal(name_of(path), "smstools.service") || text_starts_with(name_of(path), "smswarden")) {
                migrate_say("unit", path, 0, "", 0, "stays: the drop-in of smswarden tames it");
                return;
        }
        note_scripts(migration, text, length);
        take_timer_of(migration, path);
        take_unit(migration, path);
}

void migrate_units(struct migration *migration)
{
        migrate_each(migration, "/etc/systemd/system/*.service", service_found);
        migrate_each(migration, "/usr/local/lib/systemd/system/*.service", service_found);
        if (!migration->dry_run)
                migrate_reload_units(migration);
}
