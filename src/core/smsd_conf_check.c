/*
 * What in an smsd.conf must stop us: bytes that smsd chokes on or reads otherwise than a person does, and a
 * set of modems it would refuse or silently shorten. The first error is told with its line and what to do;
 * foreign text is escaped. Not checked here: whether a key exists and its value is good (smsd itself tells,
 * at the start), and whether a device is set (we are the ones to set it).
 */
#include "base/text.h"
#include "smsd_conf_lines.h"

#include <errno.h>
#include <string.h>

#define SHOWN_MAX 72 /* how much of a foreign text a message quotes */

static unsigned line_at(const struct smsd_conf *conf, const char *position)
{
        unsigned number = 1;

        for (const char *p = conf->text; p < position; p++)
                number += *p == '\n';
        return number;
}

static int check_line_lengths(const struct smsd_conf *conf, struct smsd_conf_error *ret_error)
{
        const char *end = conf->text + conf->length;
        unsigned number = 1;

        for (const char *p = conf->text; p < end; number++) {
                const char *newline = memchr(p, '\n', (size_t)(end - p));
                const char *line_end = newline ? newline : end;
                if (line_end - p > SMSD_CONF_LINE_MAX)
                        return conf_fail(ret_error, -EINVAL, number,
                                         "the line is longer than %d characters, smsd splits it: shorten it",
                                         SMSD_CONF_LINE_MAX);
                p = newline ? newline + 1 : end;
        }
        return 0;
}

int conf_check_bytes(const struct smsd_conf *conf, struct smsd_conf_error *ret_error)
{
        if (conf->length > SMSD_CONF_SIZE_MAX)
                return conf_fail(ret_error, -EINVAL, 0,
                                 "the file is larger than %zu bytes: this is no smsd.conf",
                                 SMSD_CONF_SIZE_MAX);
        if (conf->length >= 3 && memcmp(conf->text, "\xef\xbb\xbf", 3) == 0)
                return conf_fail(
                    ret_error, -EINVAL, 1,
                    "the file begins with a byte order mark, smsd refuses it: save it without BOM");
        const char *nul = conf->length > 0 ? memchr(conf->text, '\0', conf->length) : NULL;
        if (nul)
                return conf_fail(ret_error, -EINVAL, line_at(conf, nul),
                                 "the line has a NUL byte, smsd does not see what follows it: remove it");
        return check_line_lengths(conf, ret_error);
}

static void show(char target[static SHOWN_MAX], struct conf_span span)
{
        (void)text_escape(target, SHOWN_MAX, span.start, span.length);
}

/* A line without a setting, in the part that smsd reads for `modem`. */
static int check_syntax(const struct smsd_conf *conf, const char *modem, struct smsd_conf_error *ret_error)
{
        struct conf_reader reader;
        struct conf_scope scope;
        struct conf_line line;

        conf_reader_init(&reader, conf);
        conf_scope_init(&scope, modem);
        while (conf_reader_next(&reader, &line)) {
                char shown[SHOWN_MAX];
                if (conf_scope_follow(&scope, &line) < 0 || line.kind != CONF_JUNK)
                        continue;
                show(shown, conf_trim(line.text));
                return conf_fail(ret_error, -EINVAL, line.number, "not a setting, smsd refuses it: %s",
                                 shown);
        }
        return 0;
}

/* Names in `devices` that smsd would silently leave out: it ends the list at an empty name. */
static int check_devices_complete(const struct conf_line *line, struct smsd_conf_error *ret_error)
{
        char value[CONF_VALUE_MAX];
        bool ended = false;

        conf_line_value(line, value);
        for (const char *p = value; *p != '\0';) {
                size_t length = strcspn(p, ",");
                bool empty = conf_trim((struct conf_span){p, length}).length == 0;
                if (ended && !empty)
                        return conf_fail(
                            ret_error, -EINVAL, line->number,
                            "devices has an empty name, smsd ignores what follows: remove the comma");
                ended = ended || empty;
                p += length + (p[length] == ',');
        }
        return 0;
}

/* The names in `devices`, or -EINVAL. */
static int check_devices(const struct smsd_conf *conf, char names[][SMSD_MODEM_NAME_MAX],
                         struct smsd_conf_error *ret_error)
{
        char shown[SHOWN_MAX];
        struct conf_line line;

        if (!conf_find(conf, NULL, "devices", &line))
                return conf_fail(ret_error, -EINVAL, 0,
                                 "devices is not set before the first section: name the modem there");
        int r = smsd_conf_modems(conf, names, SMSD_MODEMS_MAX);
        show(shown, conf_trim(line.value));
        if (r == -E2BIG)
                return conf_fail(ret_error, -EINVAL, line.number, "devices names more than %d modems",
                                 SMSD_MODEMS_MAX);
        if (r < 0)
                return conf_fail(ret_error, -EINVAL, line.number,
                                 "devices has a bad name (1..%d letters, digits, _ - . , not reserved): %s",
                                 SMSD_MODEM_NAME_MAX - 1, shown);
        int complete = check_devices_complete(&line, ret_error);
        if (complete < 0)
                return complete;
        if (r == 0)
                return conf_fail(ret_error, -EINVAL, line.number, "devices is empty: name the modem");
        return r;
}

static int check_names_differ(char names[][SMSD_MODEM_NAME_MAX], int count, struct smsd_conf_error *ret_error)
{
        for (int i = 0; i < count; i++)
                for (int j = 0; j < i; j++)
                        if (text_equal(names[i], names[j]))
                                return conf_fail(ret_error, -EINVAL, 0, "devices names %s twice", names[i]);
        return 0;
}

/* Which of smsd's sections for the modem exist, and the line of one that is only meant to be its own, like "[
 * GSM1 ]". */
static void look_for_sections(const struct smsd_conf *conf, const char *modem, struct conf_scope *ret_scope,
                              unsigned *ret_mistaken)
{
        struct conf_reader reader;
        struct conf_line line;

        conf_reader_init(&reader, conf);
        conf_scope_init(ret_scope, modem);
        *ret_mistaken = 0;
        while (conf_reader_next(&reader, &line)) {
                (void)conf_scope_follow(ret_scope, &line);
                bool meant = line.kind == CONF_SECTION && line.name.start &&
                             !conf_span_is(line.name, modem) && conf_span_is(conf_trim(line.name), modem);
                if (meant && *ret_mistaken == 0)
                        *ret_mistaken = line.number;
        }
}

static int check_section(const struct smsd_conf *conf, const char *modem, struct smsd_conf_error *ret_error)
{
        struct conf_scope scope;
        unsigned mistaken;

        look_for_sections(conf, modem, &scope, &mistaken);
        if (scope.seen[CONF_RANK_OWN])
                return 0;
        if (mistaken > 0)
                return conf_fail(ret_error, -EINVAL, mistaken,
                                 "the section has blanks in its brackets, smsd does not find it: write [%s]",
                                 modem);
        if (!scope.seen[0] && !scope.seen[1])
                return conf_fail(ret_error, -EINVAL, 0, "devices names %s, but there is no section [%s]",
                                 modem, modem);
        return 0;
}

/* The device of each modem, kept as lines: 64 copied values would be 256 kB. */
static int check_devices_differ(const struct smsd_conf *conf, char names[][SMSD_MODEM_NAME_MAX], int count,
                                struct smsd_conf_error *ret_error)
{
        struct conf_line lines[SMSD_MODEMS_MAX] = {0};

        for (int i = 0; i < count; i++) {
                char mine[CONF_VALUE_MAX], other[CONF_VALUE_MAX], shown[SHOWN_MAX];
                if (!conf_find(conf, names[i], "device", &lines[i]))
                        continue;
                conf_line_value(&lines[i], mine);
                if (mine[0] == '\0' || mine[0] == '@') /* TCP: smsd allows the same address twice */
                        continue;
                for (int j = 0; j < i; j++) {
                        if (lines[j].number == 0)
                                continue;
                        conf_line_value(&lines[j], other);
                        if (!text_equal(mine, other))
                                continue;
                        show(shown, (struct conf_span){mine, strlen(mine)});
                        return conf_fail(ret_error, -EINVAL, lines[i].number,
                                         "%s and %s have the same device %s", names[j], names[i], shown);
                }
        }
        return 0;
}

int smsd_conf_check(const struct smsd_conf *conf, struct smsd_conf_error *ret_error)
{
        char names[SMSD_MODEMS_MAX][SMSD_MODEM_NAME_MAX];
        int r = conf_check_bytes(conf, ret_error);

        if (r == 0)
                r = check_syntax(conf, NULL, ret_error);
        if (r < 0)
                return r;
        int count = check_devices(conf, names, ret_error);
        if (count < 0)
                return count;
        r = check_names_differ(names, count, ret_error);
        for (int i = 0; r == 0 && i < count; i++) {
                r = check_section(conf, names[i], ret_error);
                if (r == 0)
                        r = check_syntax(conf, names[i], ret_error);
        }
        return r < 0 ? r : check_devices_differ(conf, names, count, ret_error);
}
