/*
 * Reading smsd.conf: the effective value of a key, and the modems that `devices` names. See core/smsd_conf.h
 * for the grammar. Answers what smsd would do with this very text, mistakes of the writer included; whether
 * the text is fit to build upon is smsd_conf_check.c, changing it is smsd_conf_edit.c. Owns nothing,
 * allocates nothing.
 */
#include "core/smsd_conf.h"

#include "base/parse.h"
#include "base/text.h"
#include "smsd_conf_lines.h"

#include <errno.h>
#include <string.h>

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

int smsd_conf_get(const struct smsd_conf *conf, const char *modem, const char *key, char *ret_value,
                  size_t size)
{
        struct conf_line line;
        char value[CONF_VALUE_MAX];

        if (!conf_find(conf, modem, key, &line))
                return -ENOENT;
        conf_line_value(&line, value);
        if (strlen(value) >= size)
                return -ENAMETOOLONG;
        (void)text_copy(ret_value, size, value);
        return 0;
}

bool conf_name_valid(const char *name)
{
        /* The second row is not refused by smsd, but it would read the section as queues or providers. */
        static const char *const reserved[] = {"default", "ALL",   "modemname", "communicate",
                                               "queues",  "queue", "providers", "provider"};

        for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
                if (text_equal(name, reserved[i]))
                        return false;
        return text_only(name, NAME_CHARACTERS, SMSD_MODEM_NAME_MAX - 1);
}

struct name_list {
        char (*names)[SMSD_MODEM_NAME_MAX];
        unsigned max;
        unsigned count;
};

static int add_name(struct name_list *list, const char *name)
{
        if (!conf_name_valid(name))
                return -EINVAL;
        if (list->count >= list->max || list->count >= SMSD_MODEMS_MAX)
                return -E2BIG;
        (void)text_copy(list->names[list->count++], SMSD_MODEM_NAME_MAX, name);
        return 0;
}

/* "1-3", blanks around either number allowed. smsd takes much more with atoi(); that is refused here. */
static int parse_range(char *text, unsigned *ret_first, unsigned *ret_last)
{
        char *dash = strchr(text, '-');
        char *first = text + strspn(text, " \t");

        if (!dash)
                return -EINVAL;
        *dash = '\0';
        first[strcspn(first, " \t")] = '\0';
        int r = parse_unsigned(first, 0, 999999999, ret_first);
        if (r < 0)
                return -EINVAL;
        r = parse_unsigned(dash + 1 + strspn(dash + 1, " \t"), 0, 999999999, ret_last);
        return r < 0 || *ret_first > *ret_last ? -EINVAL : 0;
}

/* "GSM* 1-3" is GSM1, GSM2, GSM3; numbers are not padded. */
static int add_piece(struct name_list *list, char *piece)
{
        char *star = strchr(piece, '*');
        unsigned first = 0, last = 0;

        if (!star)
                return add_name(list, piece);
        *star = '\0';
        int r = parse_range(star + 1, &first, &last);
        for (unsigned number = first; r == 0 && number <= last; number++) {
                char name[SMSD_MODEM_NAME_MAX];
                r = text_format(name, sizeof(name), "%s%u", piece, number) < 0 ? -EINVAL
                                                                               : add_name(list, name);
        }
        return r;
}

static int add_list(struct name_list *list, const char *value)
{
        while (*value != '\0') {
                char piece[SMSD_MODEM_NAME_MAX];
                size_t length = strcspn(value, ",");
                /* smsd counts the blanks too, and ends the list here without a word. */
                if (length >= sizeof(piece))
                        return -EINVAL;
                struct conf_span trimmed = conf_trim((struct conf_span){value, length});
                if (trimmed.length == 0)
                        return 0;
                (void)text_copy_n(piece, sizeof(piece), trimmed.start, trimmed.length);
                int r = add_piece(list, piece);
                if (r < 0)
                        return r;
                value += length + (value[length] == ',');
        }
        return 0;
}

int smsd_conf_modems(const struct smsd_conf *conf, char names[][SMSD_MODEM_NAME_MAX], unsigned max)
{
        struct name_list list = {.names = names, .max = max};
        char value[CONF_VALUE_MAX];
        int r = smsd_conf_get(conf, NULL, "devices", value, sizeof(value));

        if (r == -ENOENT)
                return 0;
        if (r == 0)
                r = add_list(&list, value);
        return r < 0 ? r : (int)list.count;
}
