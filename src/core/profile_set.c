/*
 * What a profile's file may say, see core/profile.h: each value is checked whole before the profile is
 * touched, and a message says what is allowed. smsd's settings are core/smsd_setting's to judge.
 */
#include "core/profile.h"

#include "config_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define BLANKS         " \t"
#define PREFERENCE_MAX 1000
#define PROBLEM_MAX    256

static const char *const rule_words[] = {"quectel", "interface-2", "acm", "any-serial", NULL};
static const char *const class_words[] = {"none", "cdc-acm", NULL};
static const char *const step_words[] = {"at", "usb", "power", NULL};

/* --- values: 0, or -EINVAL and `problem` goes on `"VALUE" ...` --- */

static int refuse_words(const char *const *words, const char *what, char *problem, size_t size)
{
        (void)text_format(problem, size, "%s; allowed:", what);
        for (size_t i = 0; words[i]; i++)
                (void)text_append(problem, size, "%s %s", i > 0 ? "," : "", words[i]);
        return -EINVAL;
}

static int find_word(const char *const *words, const char *value, size_t length)
{
        for (int i = 0; words[i]; i++)
                if (strlen(words[i]) == length && memcmp(words[i], value, length) == 0)
                        return i;
        return -EINVAL;
}

static int set_name(struct profile *profile, const char *value, char *problem, size_t size)
{
        if (text_equal(value, profile->name))
                return 0;
        (void)text_format(problem, size, "is not the name of the file, %s", profile->name);
        return -EINVAL;
}

static int set_description(struct profile *profile, const char *value, char *problem, size_t size)
{
        if (strlen(value) < sizeof(profile->description) && config_printable(value))
                return text_copy(profile->description, sizeof(profile->description), value);
        (void)text_format(problem, size, "is longer than %zu bytes, or has a control character",
                          sizeof(profile->description) - 1);
        return -EINVAL;
}

static int read_id(const char *word, size_t length, struct profile_usb_id *ret_id)
{
        struct profile_usb_id id = {0};
        char vendor[5], product[5];

        if (length < 6 || word[4] != ':' || text_copy_n(vendor, sizeof(vendor), word, 4) < 0 ||
            parse_hex16(vendor, &id.vendor) < 0)
                return -EINVAL;
        id.any_product = length == 6 && word[5] == '*';
        if (!id.any_product && (length != 9 || text_copy_n(product, sizeof(product), word + 5, 4) < 0 ||
                                parse_hex16(product, &id.product) < 0))
                return -EINVAL;
        *ret_id = id;
        return 0;
}

static int set_usb(struct profile *profile, const char *value, char *problem, size_t size)
{
        struct profile_usb_id ids[PROFILE_IDS_MAX];
        unsigned n = 0;
        size_t length;

        for (const char *p = value + strspn(value, BLANKS); *p; p += length + strspn(p + length, BLANKS)) {
                length = strcspn(p, BLANKS);
                if (profile->n_ids + n == PROFILE_IDS_MAX) {
                        (void)text_format(problem, size, "makes more than %d ids", PROFILE_IDS_MAX);
                        return -EINVAL;
                }
                if (read_id(p, length, &ids[n++]) == 0)
                        continue;
                (void)text_copy(problem, size,
                                "is not a list of USB ids; write four hexadecimal digits, a colon and four "
                                "more or *, as in 2c7c:0125 2c7c:*");
                return -EINVAL;
        }
        memcpy(&profile->ids[profile->n_ids], ids, n * sizeof(ids[0]));
        profile->n_ids += n;
        return 0;
}

static int set_needs_class(struct profile *profile, const char *value, char *problem, size_t size)
{
        int word = find_word(class_words, value, strlen(value));

        if (word < 0)
                return refuse_words(class_words, "is not known", problem, size);
        profile->needs_class = (enum profile_class)word;
        return 0;
}

static int set_port_rule(struct profile *profile, const char *value, char *problem, size_t size)
{
        int word = find_word(rule_words, value, strlen(value));

        if (word < 0)
                return refuse_words(rule_words, "is not known", problem, size);
        profile->rule = (enum port_rule)word;
        return 0;
}

static int set_preference(struct profile *profile, const char *value, char *problem, size_t size)
{
        if (parse_unsigned(value, 1, PREFERENCE_MAX, &profile->preference) == 0)
                return 0;
        (void)text_format(problem, size, "is not a number from 1 to %d", PREFERENCE_MAX);
        return -EINVAL;
}

static int set_boot_timeout(struct profile *profile, const char *value, char *problem, size_t size)
{
        usec_t timeout;

        if (parse_duration(value, &timeout) == 0 && timeout >= USEC_PER_SEC && timeout <= USEC_PER_HOUR) {
                profile->boot_timeout = timeout;
                return 0;
        }
        (void)text_copy(problem, size, "is not a duration from 1s to 1h; write one like 90s or 2min");
        return -EINVAL;
}

static int set_health_port(struct profile *profile, const char *value, char *problem, size_t size)
{
        if (parse_boolean(value, &profile->health_port) == 0)
                return 0;
        (void)text_copy(problem, size, "is not known; allowed: yes, no");
        return -EINVAL;
}

static int set_ladder(struct profile *profile, const char *value, char *problem, size_t size)
{
        unsigned steps = 0;
        size_t length;

        if (text_equal(value, "none")) {
                profile->ladder = 0;
                return 0;
        }
        for (const char *p = value + strspn(value, BLANKS); *p; p += length + strspn(p + length, BLANKS)) {
                length = strcspn(p, BLANKS);
                int word = find_word(step_words, p, length);
                if (word < 0)
                        return refuse_words(step_words, "has an unknown step", problem, size);
                steps |= 1U << word;
        }
        if (steps == 0)
                return refuse_words(step_words, "names no step; write none, or some of them", problem, size);
        profile->ladder = steps;
        return 0;
}

/* smsd does not mind the case of a key. The last of two equal ones counts, as in smsd.conf. */
static int set_smsd(struct profile *profile, const char *key, const char *value, char *problem, size_t size)
{
        unsigned i = 0;
        int r = smsd_setting_check(key, value, problem, size);

        if (r < 0)
                return r;
        while (i < profile->n_settings && !text_equal(profile->settings[i].key, key))
                i++;
        if (i == PROFILE_SETTINGS_MAX) {
                (void)text_format(problem, size, "makes more than %d settings", PROFILE_SETTINGS_MAX);
                return -EINVAL;
        }
        profile->n_settings += i == profile->n_settings;
        (void)text_copy(profile->settings[i].key, sizeof(profile->settings[i].key), key);
        return text_copy(profile->settings[i].value, sizeof(profile->settings[i].value), value);
}

/* --- keys and sections --- */

static const struct profile_key {
        const char *name;
        int (*set)(struct profile *profile, const char *value, char *problem, size_t size);
} profile_keys[] = {
    {"name", set_name},
    {"description", set_description},
    {"usb", set_usb},
    {"needs_class", set_needs_class},
    {"port_rule", set_port_rule},
    {"preference", set_preference},
    {"boot_timeout", set_boot_timeout},
    {"health_port", set_health_port},
    {"ladder", set_ladder},
};

static int fail_key(const char *key, struct config_error *ret_error)
{
        char quoted[64];

        (void)text_escape(quoted, sizeof(quoted), key, strlen(key));
        (void)config_fail(ret_error, 0, "[profile] %s: no such key; allowed:", quoted);
        for (size_t i = 0; i < ARRAY_SIZE(profile_keys); i++)
                (void)text_append(ret_error->message, sizeof(ret_error->message), "%s %s", i > 0 ? "," : "",
                                  profile_keys[i].name);
        return -EINVAL;
}

static int fail_value(const char *section, const char *key, const char *value, const char *problem,
                      struct config_error *ret_error)
{
        char quoted_key[64], quoted[64];

        (void)text_escape(quoted_key, sizeof(quoted_key), key, strlen(key));
        if (text_escape(quoted, sizeof(quoted) - 3, value, strlen(value)) < 0)
                (void)text_append(quoted, sizeof(quoted), "...");
        return config_fail(ret_error, -EINVAL, "[%s] %s: \"%s\" %s", section, quoted_key, quoted, problem);
}

static int set_key(struct profile *profile, const char *key, const char *value,
                   struct config_error *ret_error)
{
        char problem[PROBLEM_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(profile_keys); i++) {
                if (!text_equal(profile_keys[i].name, key))
                        continue;
                int r = profile_keys[i].set(profile, value, problem, sizeof(problem));
                return r < 0 ? fail_value("profile", key, value, problem, ret_error) : 0;
        }
        return fail_key(key, ret_error);
}

int profile_set(struct profile *profile, const char *section, const char *key, const char *value,
                struct config_error *ret_error)
{
        char problem[PROBLEM_MAX], quoted[64];

        if (text_equal(section, "profile"))
                return key ? set_key(profile, key, value, ret_error) : 0;
        if (text_equal(section, "smsd.conf")) {
                int r = key ? set_smsd(profile, key, value, problem, sizeof(problem)) : 0;
                return r < 0 ? fail_value(section, key, value, problem, ret_error) : 0;
        }
        if (section[0] == '\0')
                return config_fail(ret_error, -EINVAL,
                                   "a key stands before the first section; write "
                                   "[profile] above it");
        (void)text_escape(quoted, sizeof(quoted), section, strlen(section));
        return config_fail(ret_error, -EINVAL, "[%s]: no such section; allowed: [profile], [smsd.conf]",
                           quoted);
}

int profile_check(const struct profile *profile, struct config_error *ret_error)
{
        if (profile->preference > 0)
                return 0;
        return config_fail(ret_error, -EINVAL,
                           "[profile] preference: is not set; write a number from 1 to %d, the smallest is "
                           "chosen first",
                           PREFERENCE_MAX);
}

int profile_name_check(const char *name)
{
        size_t length = strlen(name);

        if (length >= PROFILE_NAME_MAX)
                return -E2BIG;
        return length > 0 && name[0] != '-' && strspn(name, ALPHANUMERIC "-_") == length &&
                       !text_equal(name, "auto")
                   ? 0
                   : -EINVAL;
}

void profile_init(struct profile *profile, const char *name, bool own)
{
        *profile = (struct profile){.own = own,
                                    .rule = PORT_RULE_ANY_SERIAL,
                                    .ladder = PROFILE_STEP_AT | PROFILE_STEP_USB | PROFILE_STEP_POWER};
        (void)text_copy(profile->name, sizeof(profile->name), name); /* its length was checked */
}
