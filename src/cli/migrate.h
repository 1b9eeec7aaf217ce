/*
 * `smswarden migrate`: from the old scripts to smswarden and back. What is done is written into
 * STATE_DIR/migrate/manifest before it is done, with a copy of each file beside it, so that --undo, also
 * after a crash in the middle, restores every byte.
 */
#ifndef CLI_MIGRATE_H
#define CLI_MIGRATE_H

#include "cli.h"

#include <limits.h>
#include <stdint.h>

#define MIGRATE_MANIFEST_MAX 262144
#define MIGRATE_COPIES_MAX   100000
#define MIGRATE_SCRIPTS_MAX  65536
#define MIGRATE_GONE         UINT64_C(0) /* hash of a file that was taken away */

struct systemd_manager;

struct migration {
        const char *root; /* "" or the folder of a mounted system */
        bool dry_run;
        char store[PATH_MAX];
        char *manifest; /* MIGRATE_MANIFEST_MAX bytes, a text */
        unsigned next;  /* number of the next copy */
        unsigned changes, problems, secrets;
        bool units_changed;
        bool manager_wanted; /* the connection was tried */
        struct systemd_manager *manager;
        char *scripts; /* MIGRATE_SCRIPTS_MAX bytes: the paths of scripts, a line each */
};

/* migrate_store.c: 0 or a negative errno, told on stderr. */
int migrate_store_open(struct migration *migration, const char *state_dir);
/* Keeps `path` and notes that it becomes a file with this content hash (or MIGRATE_GONE). */
int migrate_store_keep(struct migration *migration, const char *path, uint64_t hash);
int migrate_store_note_active(struct migration *migration, const char *unit);
/* Undoes all of it; what could not be restored stays noted. */
int migrate_store_undo(struct migration *migration);

/* migrate_files.c: crontabs, sudoers, udev rules, scripts */
void migrate_line_files(struct migration *migration);
void migrate_scripts(struct migration *migration);
/* Remembers the script that a line calls by its path, for migrate_scripts(). */
void migrate_note_script(struct migration *migration, const char *line, size_t length);

/* migrate_units.c: services and timers of the user's own */
void migrate_units(struct migration *migration);
/* systemd reads its files again, when there is one and we work on the running system. */
void migrate_reload_units(struct migration *migration);
void migrate_start_unit(struct migration *migration, const char *unit);

/* What was found and what becomes of it, two lines for a person; foreign text is escaped here. */
void migrate_say(const char *kind, const char *path, unsigned line, const char *text, size_t length,
                 const char *what_becomes);
void migrate_fail(struct migration *migration, const char *path, const char *what, int error);

/* Calls `each` for every path below root that a pattern (glob) names. */
void migrate_each(struct migration *migration, const char *pattern,
                  void (*each)(struct migration *migration, const char *path));

#endif
