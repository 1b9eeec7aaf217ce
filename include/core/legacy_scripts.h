/*
 * The shell scripts that smswarden replaces (the old gateway's monitors, configurators and stop/start
 * scripts), by name: what runs instead, and how the lines of other files (crontab, sudoers, udev rules,
 * units) that call them are found and switched off, so that it can be undone. Pure text work; what files
 * there are is the caller's.
 */
#ifndef CORE_LEGACY_SCRIPTS_H
#define CORE_LEGACY_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>

struct legacy_script {
        const char *name;
        const char *
            command; /* arguments of smswarden in the wrapper at its place; NULL: the script stays as it is */
        bool needs_root; /* the command controls: the wrapper goes through sudo for others */
        const char *now; /* who does its work now, for a person */
};

/* By the last part of its path; NULL: none of them. */
const struct legacy_script *legacy_script_by_name(const char *name);

/* The i-th, NULL behind the last. */
const struct legacy_script *legacy_script_at(unsigned i);

/* The first of them that the line calls: as a word, with or without a path. NULL: none. */
const struct legacy_script *legacy_script_in_line(const char *line, size_t length);

/* The absolute path by which the line calls it. -ENOENT: by its bare name; -ENAMETOOLONG. */
int legacy_script_path(const char *line, size_t length, const struct legacy_script *script, char *target,
                       size_t size);

/* True when the line ends, starts or signals smsd around smswarden (pkill smsd, systemctl restart smstools,
 * ...). */
bool legacy_line_touches_smsd(const char *line, size_t length);

/* How a file's lines are judged. */
enum legacy_file {
        LEGACY_CRONTAB, /* a line that calls a script, or touches smsd */
        LEGACY_SUDOERS, /* a line that touches smsd; those that allow a script stay, its wrapper needs them */
        LEGACY_UDEV_RULES, /* a line that calls a script */
};

/* What is put before a line that is switched off; all three kinds of file take it for a comment. */
#define LEGACY_MARK "#smswarden-migrate# "

/* Told of each line that would be switched off: its number from 1, the line. `kept` says why it has to stay
 * although it should go (a continuation line), NULL: it goes. */
typedef void (*legacy_line_fn)(void *userdata, unsigned number, const char *line, size_t length,
                               const char *kept);

/*
 * Switches the lines off by LEGACY_MARK; all other bytes stay. Returns how many, with *ret_text (malloc, the
 * caller's) when there is one at least; -ENOMEM.
 */
int legacy_switch_off(enum legacy_file kind, const char *text, size_t length, legacy_line_fn told,
                      void *userdata, char **ret_text, size_t *ret_length);

/* Takes the marks off again, whatever else was edited since. Results as above. */
int legacy_switch_on(const char *text, size_t length, char **ret_text, size_t *ret_length);

/* True when the text of a unit file runs one of the scripts, or ends or starts smsd around smswarden. */
bool legacy_unit_concerns(const char *text, size_t length);

/*
 * The wrapper for a script: a few lines of sh. -EINVAL when it has none (command NULL), -ENAMETOOLONG.
 */
int legacy_wrapper(const struct legacy_script *script, const char *smswarden, char *target, size_t size);
bool legacy_is_wrapper(const char *text, size_t length);

/* The first line that seems to hold a password, token or key in plain text; 0: none. */
unsigned legacy_secret_line(const char *text, size_t length);

#endif
