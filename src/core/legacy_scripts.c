/*
 * The table of the replaced scripts and the judgement of lines, see core/legacy_scripts.h. A line is taken
 * when it names a script as a whole word (`/home/rom/smsd_monitor.sh >/dev/null`), never by a part of a word
 * (`my_smsd_monitor.sh.bak`).
 */
#include "core/legacy_scripts.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define SUPERVISED "smswardend supervises smsd and restarts it within a second"
#define WATCHED    "smswardend watches the modem and its port itself"

static const struct legacy_script scripts[] = {
    {"smsd_manual_stop.sh", "stop --reason smsd_manual_stop.sh", true,
     "a stop is a hold with an owner and an end"},
    {"smsd_manual_start.sh", "start --reason smsd_manual_start.sh", true,
     "the one path starts smsd and ends the hold"},
    {"smsd_monitor.sh", "status", false, SUPERVISED},
    {"restart_smsd.sh", "restart --reason restart_smsd.sh", true, "the one path restarts smsd"},
    {"ec25_port_monitor.sh", "modems", false, WATCHED},
    {"ec25_smart_configurator.sh", "config --diff", false,
     "smswardend writes smsd.conf when the modem's port moves"},
    {"configure_smsd_for_modem.sh", "config --diff", false,
     "smswardend writes smsd.conf when the modem's port moves"},
    {"check_ec25_status.sh", "status", false, "looking does not stop smsd any more"},
    {"modem_health_monitor.sh", "status", false, WATCHED},
    {"modem_crash_recovery.sh", "status", false, WATCHED},
    {"sms_timeout_monitor.sh", "status", false, WATCHED},
    {"sms_retry_failed.sh", "status", false,
     "it took files that smsd was working on: retry_failed = 3 in [queue] does it, smswarden queue shows "
     "them"},
    {"sms_cleanup.sh", "status", false, "it took files that smsd was sending, which doubled messages"},
    {"sms_watch.sh", "status --watch", false, "the status shows smsd and its traffic as it goes"},
    {"pi_send_message.sh", NULL, false, "it stays: other programs may send by it"},
};

const struct legacy_script *legacy_script_by_name(const char *name)
{
        for (unsigned i = 0; i < ARRAY_SIZE(scripts); i++)
                if (text_equal(scripts[i].name, name))
                        return &scripts[i];
        return NULL;
}

const struct legacy_script *legacy_script_at(unsigned i)
{
        return i < ARRAY_SIZE(scripts) ? &scripts[i] : NULL;
}

/* --- words in lines --- */

static bool is_name_character(char c)
{
        return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Where `word` stands in the line as a whole part of a path, or alone; NULL: nowhere. */
static const char *find_word(const char *line, size_t length, const char *word)
{
        size_t n = strlen(word);

        for (size_t i = 0; i + n <= length; i++) {
                if (memcmp(line + i, word, n) != 0)
                        continue;
                if ((i == 0 || !is_name_character(line[i - 1])) &&
                    (i + n == length || !is_name_character(line[i + n])))
                        return line + i;
        }
        return NULL;
}

static bool has_word(const char *line, size_t length, const char *word)
{
        return find_word(line, length, word) != NULL;
}

int legacy_script_path(const char *line, size_t length, const struct legacy_script *script, char *target,
                       size_t size)
{
        const char *word = find_word(line, length, script->name), *start = word;

        while (start && start > line && (is_name_character(start[-1]) || start[-1] == '/'))
                start--;
        if (!start || start[0] != '/')
                return -ENOENT;
        return text_copy_n(target, size, start, (size_t)(word - start) + strlen(script->name));
}

const struct legacy_script *legacy_script_in_line(const char *line, size_t length)
{
        for (unsigned i = 0; i < ARRAY_SIZE(scripts); i++)
                if (has_word(line, length, scripts[i].name))
                        return &scripts[i];
        return NULL;
}

static bool is_comment(const char *line, size_t length)
{
        size_t i = 0;

        while (i < length && (line[i] == ' ' || line[i] == '\t'))
                i++;
        return i == length || line[i] == '#';
}

bool legacy_line_touches_smsd(const char *line, size_t length)
{
        static const char *const killers[] = {"pkill", "killall", "kill"};
        bool unit = has_word(line, length, "smstools") || has_word(line, length, "smstools.service");

        if (unit && (has_word(line, length, "systemctl") || has_word(line, length, "service") ||
                     has_word(line, length, "init.d")))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(killers); i++)
                if (has_word(line, length, killers[i]) && has_word(line, length, "smsd"))
                        return true;
        return has_word(line, length, "smsd_manual_stop"); /* the flag */
}

static bool is_wanted(enum legacy_file kind, const char *line, size_t length)
{
        const struct legacy_script *script;

        if (is_comment(line, length))
                return false;
        script = legacy_script_in_line(line, length);
        switch (kind) {
        case LEGACY_CRONTAB:
                return (script && script->command) || legacy_line_touches_smsd(line, length);
        case LEGACY_SUDOERS:
                return !script && legacy_line_touches_smsd(line, length);
        case LEGACY_UDEV_RULES:
                return script && script->command;
        }
        return false;
}

/* --- switching off and on --- */

struct builder {
        char *text;
        size_t length;
};

static void append(struct builder *builder, const char *data, size_t length)
{
        memcpy(builder->text + builder->length, data, length);
        builder->length += length;
}

/* Line length with its end, or what is left of the text. */
static size_t line_size(const char *text, size_t length)
{
        const char *end = memchr(text, '\n', length);

        return end ? (size_t)(end - text) + 1 : length;
}

static size_t without_end(const char *line, size_t size)
{
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
                size--;
        return size;
}

static size_t count_lines(const char *text, size_t length)
{
        size_t n = 1;

        for (size_t i = 0; i < length; i++)
                n += text[i] == '\n';
        return n;
}

static int finish(struct builder *builder, int changed, char **ret_text, size_t *ret_length)
{
        if (changed == 0) {
                free(builder->text);
                return 0;
        }
        builder->text[builder->length] = '\0';
        *ret_text = builder->text;
        *ret_length = builder->length;
        return changed;
}

int legacy_switch_off(enum legacy_file kind, const char *text, size_t length, legacy_line_fn told,
                      void *userdata, char **ret_text, size_t *ret_length)
{
        size_t size = length + count_lines(text, length) * strlen(LEGACY_MARK) + 1;
        struct builder builder = {.text = malloc(size)};
        bool continued = false; /* the line before ends in a backslash (crontabs have no such thing) */
        unsigned number = 0;
        int changed = 0;

        if (!builder.text)
                return -ENOMEM;
        for (size_t at = 0, n; at < length; at += n) {
                n = line_size(text + at, length - at);
                size_t bare = without_end(text + at, n);
                bool open = kind != LEGACY_CRONTAB && bare > 0 && text[at + bare - 1] == '\\';
                number++;
                if (is_wanted(kind, text + at, bare)) {
                        const char *kept =
                            continued || open ? "it is a part of a longer line: edit it by hand" : NULL;
                        told(userdata, number, text + at, bare, kept);
                        if (!kept) {
                                append(&builder, LEGACY_MARK, strlen(LEGACY_MARK));
                                changed++;
                        }
                }
                append(&builder, text + at, n);
                continued = open;
        }
        return finish(&builder, changed, ret_text, ret_length);
}

int legacy_switch_on(const char *text, size_t length, char **ret_text, size_t *ret_length)
{
        struct builder builder = {.text = malloc(length + 1)};
        size_t mark = strlen(LEGACY_MARK);
        int changed = 0;

        if (!builder.text)
                return -ENOMEM;
        for (size_t at = 0, n; at < length; at += n) {
                n = line_size(text + at, length - at);
                bool marked = n >= mark && memcmp(text + at, LEGACY_MARK, mark) == 0;
                append(&builder, text + at + (marked ? mark : 0), n - (marked ? mark : 0));
                changed += marked;
        }
        return finish(&builder, changed, ret_text, ret_length);
}

bool legacy_unit_concerns(const char *text, size_t length)
{
        for (size_t at = 0, n; at < length; at += n) {
                n = line_size(text + at, length - at);
                size_t bare = without_end(text + at, n);
                const struct legacy_script *script = legacy_script_in_line(text + at, bare);
                bool runs = bare > 4 && memcmp(text + at, "Exec", 4) == 0;
                if (runs && ((script && script->command) || legacy_line_touches_smsd(text + at, bare)))
                        return true;
        }
        return false;
}

/* --- wrappers --- */

#define WRAPPER_LINE "# smswarden migrate put this here."

int legacy_wrapper(const struct legacy_script *script, const char *smswarden, char *target, size_t size)
{
        if (!script->command)
                return -EINVAL;
        int r = text_format(target, size,
                            "#!/bin/sh\n" WRAPPER_LINE " %s is kept and comes back by\n"
                            "# `smswarden migrate --undo`. Now: %s.\n",
                            script->name, script->now);
        if (r == 0 && script->needs_root)
                r = text_append(target, size, "[ \"$(id -u)\" -eq 0 ] || exec sudo -- %s %s\n", smswarden,
                                script->command);
        return r < 0 ? r : text_append(target, size, "exec %s %s\n", smswarden, script->command);
}

bool legacy_is_wrapper(const char *text, size_t length)
{
        static const char head[] = "#!/bin/sh\n" WRAPPER_LINE;

        return length >= sizeof(head) - 1 && memcmp(text, head, sizeof(head) - 1) == 0;
}

/* --- secrets --- */

static bool holds(const char *line, size_t length, const char *word)
{
        size_t n = strlen(word);

        for (size_t i = 0; i + n <= length; i++) {
                size_t k = 0;
                while (k < n && tolower((unsigned char)line[i + k]) == word[k])
                        k++;
                if (k == n)
                        return true;
        }
        return false;
}

unsigned legacy_secret_line(const char *text, size_t length)
{
        static const char *const words[] = {"password=", "passwd=", "pass=",          "token=",  "api_key=",
                                            "apikey=",   "secret=", "authorization:", "sshpass "};
        unsigned number = 0;

        for (size_t at = 0, n; at < length; at += n) {
                n = line_size(text + at, length - at);
                number++;
                for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                        if (!is_comment(text + at, without_end(text + at, n)) &&
                            holds(text + at, n, words[i]))
                                return number;
        }
        return 0;
}
