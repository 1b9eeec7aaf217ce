/*
 * The lossless edit of smsd.conf: one value is replaced, or one line is put in; every other byte stays. It
 * works on a copy, change by change, and trusts nothing that it did: at the end the new text is read back,
 * must give each wanted value, and must show smsd the same settings in the same order for everything else. A
 * value that could become a second line, or that smsd would read back as something else, is refused before
 * anything is written.
 */
#include "base/text.h"
#include "smsd_conf_lines.h"

#include <errno.h>
#include <string.h>

#define KEY_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

struct work {
        char *text;
        size_t length;
};

static void work_done(struct work *work)
{
        free(work->text);
}

static struct smsd_conf work_view(const struct work *work)
{
        return (struct smsd_conf){.text = work->text, .length = work->length};
}

/* --- what may be written --- */

/* smsd adds a CR to what it sends to the modem, so one character less fits than its buffers hold. Measured.
 */
static size_t value_limit(const char *key)
{
        static const struct {
                const char *key;
                size_t limit;
        } limits[] = {{"init", 98}, {"init2", 98}, {"start", 98}, {"stop", 98}, {"pin", 15}};

        for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
                if (conf_keys_equal(key, limits[i].key))
                        return limits[i].limit;
        return CONF_VALUE_MAX - 1;
}

/* smsd adds each further line of these to the list, so that "the value" is not one line. */
static bool is_list(const char *key)
{
        static const char *const lists[] = {"regular_run_cmd", "priviledged_numbers", "queues"};

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
                if (conf_keys_equal(key, lists[i]))
                        return true;
        return false;
}

static bool has_control(const char *value)
{
        for (const char *p = value; *p != '\0'; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        return true;
        return false;
}

/* Why smsd would not read `value` back as it is; NULL when it would. */
static const char *value_fault(const char *key, const char *value)
{
        size_t length = strlen(value);

        if (has_control(value))
                return "has a control character";
        if (length > value_limit(key))
                return "is too long for smsd";
        if (length > 0 && (value[0] == ' ' || value[length - 1] == ' '))
                return "begins or ends with a blank";
        return value[0] == '?' ? "begins with '?', a question to smsd" : NULL;
}

static int check_change(const struct smsd_conf_change *change, struct smsd_conf_error *ret_error)
{
        char shown[48];

        if (change->modem && !conf_name_valid(change->modem)) {
                (void)text_escape(shown, sizeof(shown), change->modem, strlen(change->modem));
                return conf_fail(ret_error, -EINVAL, 0, "not a name that smsd takes for a modem: %s", shown);
        }
        (void)text_escape(shown, sizeof(shown), change->key, strlen(change->key));
        if (!text_only(change->key, KEY_CHARACTERS, CONF_KEY_MAX - 1))
                return conf_fail(ret_error, -EINVAL, 0, "not a key of smsd.conf: %s", shown);
        if (is_list(change->key))
                return conf_fail(ret_error, -EINVAL, 0, "%s is a list over several lines, not edited", shown);
        const char *fault = value_fault(change->key, change->value);
        if (fault)
                return conf_fail(ret_error, -EINVAL, 0, "the value for %s %s", shown, fault);
        return 0;
}

/* --- how it is written --- */

/* Replaces `removed` bytes at `offset` by the `text`. */
static int splice(struct work *work, size_t offset, size_t removed, const char *text,
                  struct smsd_conf_error *ret_error)
{
        size_t added = strlen(text);
        size_t length = work->length - removed + added;

        if (length > SMSD_CONF_SIZE_MAX)
                return conf_fail(ret_error, -E2BIG, 0, "the file would be larger than %zu bytes",
                                 SMSD_CONF_SIZE_MAX);
        char *fresh = malloc(length + 1);
        if (!fresh)
                return conf_fail(ret_error, -ENOMEM, 0, "out of memory");
        memcpy(fresh, work->text, offset);
        memcpy(fresh + offset, text, added);
        memcpy(fresh + offset + added, work->text + offset + removed, work->length - offset - removed);
        fresh[length] = '\0';
        free(work->text);
        *work = (struct work){.text = fresh, .length = length};
        return 0;
}

/* The line end that the file uses: that of its first line. */
static const char *line_end(const struct work *work)
{
        const char *newline = work->length > 0 ? memchr(work->text, '\n', work->length) : NULL;

        return newline && newline > work->text && newline[-1] == '\r' ? "\r\n" : "\n";
}

/* Where the line after the one at `position` begins. */
static size_t next_line(const struct work *work, const char *position)
{
        size_t offset = (size_t)(position - work->text);
        const char *newline = memchr(position, '\n', work->length - offset);

        return newline ? (size_t)(newline - work->text) + 1 : work->length;
}

static int insert_line(struct work *work, size_t offset, const char *section,
                       const struct smsd_conf_change *change, struct smsd_conf_error *ret_error)
{
        char line[CONF_VALUE_MAX + CONF_KEY_MAX + SMSD_MODEM_NAME_MAX + 16];
        const char *end = line_end(work);
        bool unfinished = offset > 0 && work->text[offset - 1] != '\n';

        int r = text_format(line, sizeof(line), "%s%s%s = %s%s", unfinished ? end : "", section, change->key,
                            change->value, end);
        return r < 0 ? conf_fail(ret_error, -EINVAL, 0, "the line for %s is too long", change->key)
                     : splice(work, offset, 0, line, ret_error);
}

static int append_section(struct work *work, const struct smsd_conf_change *change,
                          struct smsd_conf_error *ret_error)
{
        char section[SMSD_MODEM_NAME_MAX + 8];
        const char *end = line_end(work);

        (void)text_format(section, sizeof(section), "%s[%s]%s", work->length > 0 ? end : "", change->modem,
                          end);
        return insert_line(work, work->length, section, change, ret_error);
}

static int rewrite(struct work *work, const struct conf_line *line, const char *value,
                   struct smsd_conf_error *ret_error)
{
        struct conf_span old = conf_trim(line->value);

        /* An empty value is trimmed from the left: the blanks behind '=' stay, the new value goes to their
         * end. */
        return splice(work, (size_t)(old.start - work->text), old.length, value, ret_error);
}

/* The places of a modem's own section (or of the global part) that an edit can use. */
struct place {
        bool has_header;
        struct conf_line header; /* a modem's own, first section */
        bool has_setting;
        struct conf_line setting; /* the last line in it that sets the key */
        bool has_last;
        struct conf_line last; /* the last setting in it */
        const char *end;       /* where the part ends */
};

static void find_place(const struct work *work, const char *modem, const char *key, struct place *ret_place)
{
        struct smsd_conf conf = work_view(work);
        int wanted = modem ? CONF_RANK_OWN : 0;
        struct conf_reader reader;
        struct conf_scope scope;
        struct conf_line line;

        *ret_place = (struct place){.end = conf.text + conf.length};
        conf_reader_init(&reader, &conf);
        conf_scope_init(&scope, modem);
        while (conf_reader_next(&reader, &line)) {
                bool ours = conf_scope_follow(&scope, &line) == wanted;
                if (!modem && !ours) {
                        ret_place->end = line.text.start;
                        return;
                }
                if (ours && line.kind == CONF_SECTION) {
                        ret_place->has_header = true;
                        ret_place->header = line;
                } else if (ours && line.kind == CONF_SETTING) {
                        ret_place->has_last = true;
                        ret_place->last = line;
                }
                if (ours && conf_line_sets(&line, key)) {
                        ret_place->has_setting = true;
                        ret_place->setting = line;
                }
        }
}

static bool is_wanted(const struct smsd_conf *conf, const struct smsd_conf_change *change)
{
        char value[CONF_VALUE_MAX];

        return smsd_conf_get(conf, change->modem, change->key, value, sizeof(value)) == 0 &&
               text_equal(value, change->value);
}

static int apply(struct work *work, const struct smsd_conf_change *change, struct smsd_conf_error *ret_error)
{
        struct smsd_conf conf = work_view(work);
        struct place place;

        if (is_wanted(&conf, change))
                return 0;
        find_place(work, change->modem, change->key, &place);
        if (place.has_setting)
                return rewrite(work, &place.setting, change->value, ret_error);
        if (place.has_header)
                return insert_line(work, next_line(work, place.header.text.start), "", change, ret_error);
        if (change->modem)
                return append_section(work, change, ret_error);
        /* Behind the last global setting, so that a comment above the first section stays with it. */
        size_t offset =
            place.has_last ? next_line(work, place.last.text.start) : (size_t)(place.end - work->text);
        return insert_line(work, offset, "", change, ret_error);
}

/* --- and that nothing else was --- */

struct edit {
        const struct smsd_conf_change *changes;
        unsigned n;
};

static bool same_modem(const char *a, const char *b)
{
        return a && b ? text_equal(a, b) : a == b;
}

static bool is_changed(const struct edit *edit, const char *modem, const struct conf_line *line)
{
        for (unsigned i = 0; i < edit->n; i++)
                if (same_modem(edit->changes[i].modem, modem) && conf_line_sets(line, edit->changes[i].key))
                        return true;
        return false;
}

struct walk {
        struct conf_reader reader;
        struct conf_scope scope;
};

/* The next line that smsd applies to the scope and that no change touches. */
static bool walk_next(struct walk *walk, const struct edit *edit, struct conf_line *ret_line, int *ret_rank)
{
        while (conf_reader_next(&walk->reader, ret_line)) {
                *ret_rank = conf_scope_follow(&walk->scope, ret_line);
                bool counts = ret_line->kind == CONF_SETTING || ret_line->kind == CONF_JUNK;
                if (*ret_rank >= 0 && counts && !is_changed(edit, walk->scope.modem, ret_line))
                        return true;
        }
        return false;
}

/* True when smsd takes the same other settings, in the same order, from both texts. */
static bool same_others(const struct smsd_conf *before, const struct smsd_conf *after, const char *modem,
                        const struct edit *edit)
{
        struct conf_line old_line, new_line;
        struct walk old_walk, new_walk;
        int old_rank = 0, new_rank = 0;

        conf_reader_init(&old_walk.reader, before);
        conf_reader_init(&new_walk.reader, after);
        conf_scope_init(&old_walk.scope, modem);
        conf_scope_init(&new_walk.scope, modem);
        for (;;) {
                bool old_more = walk_next(&old_walk, edit, &old_line, &old_rank);
                bool new_more = walk_next(&new_walk, edit, &new_line, &new_rank);
                if (!old_more || !new_more)
                        return old_more == new_more;
                if (old_rank != new_rank || !conf_span_equal(old_line.text, new_line.text))
                        return false;
        }
}

/* Every modem of `conf` that has the same other settings in both texts. An unreadable `devices` has no modems
 * for smsd either. */
static bool same_modems(const struct smsd_conf *conf, const struct smsd_conf *before,
                        const struct smsd_conf *after, const struct edit *edit)
{
        char names[SMSD_MODEMS_MAX][SMSD_MODEM_NAME_MAX];
        int count = smsd_conf_modems(conf, names, SMSD_MODEMS_MAX);

        for (int i = 0; i < count; i++)
                if (!same_others(before, after, names[i], edit))
                        return false;
        return true;
}

static int verify(const struct smsd_conf *before, const struct smsd_conf *after, const struct edit *edit,
                  struct smsd_conf_error *ret_error)
{
        int r = conf_check_bytes(after, ret_error);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < edit->n; i++)
                if (!is_wanted(after, &edit->changes[i]))
                        return conf_fail(
                            ret_error, -EINVAL, 0,
                            "smsd would not read %s as wanted: contradicting changes, or too long a line",
                            edit->changes[i].key);
        bool same = same_others(before, after, NULL, edit) && same_modems(before, before, after, edit) &&
                    same_modems(after, before, after, edit);
        for (unsigned i = 0; same && i < edit->n; i++)
                same = !edit->changes[i].modem || same_others(before, after, edit->changes[i].modem, edit);
        return same ? 0 : conf_fail(ret_error, -EINVAL, 0, "the edit would change another setting: not done");
}

int smsd_conf_edit(const struct smsd_conf *conf, const struct smsd_conf_change *changes, unsigned n,
                   char **ret_text, size_t *ret_length, struct smsd_conf_error *ret_error)
{
        _cleanup_(work_done) struct work work = {0};
        struct edit edit = {.changes = changes, .n = n};
        int r = conf_check_bytes(conf, ret_error);

        for (unsigned i = 0; r == 0 && i < n; i++)
                r = check_change(&changes[i], ret_error);
        if (r < 0)
                return r;
        work.text = malloc(conf->length + 1);
        if (!work.text)
                return conf_fail(ret_error, -ENOMEM, 0, "out of memory");
        memcpy(work.text, conf->text, conf->length);
        work.text[conf->length] = '\0';
        work.length = conf->length;
        for (unsigned i = 0; r == 0 && i < n; i++)
                r = apply(&work, &changes[i], ret_error);
        struct smsd_conf after = work_view(&work);
        if (r == 0)
                r = verify(conf, &after, &edit, ret_error);
        if (r < 0)
                return r;
        if (work.length == conf->length && memcmp(work.text, conf->text, conf->length) == 0) {
                *ret_text = NULL;
                return 0;
        }
        *ret_text = work.text;
        *ret_length = work.length;
        work.text = NULL;
        return 1;
}
