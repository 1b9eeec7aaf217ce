/*
 * The kinds of configuration values, see core/config_value.h. Each reader checks the whole text before it
 * touches the field, so that a refused value leaves the configuration as it was.
 */
#include "config_private.h"

#include "base/parse.h"
#include "base/text.h"
#include "core/profile.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define WORD_MAX 31

void *config_field(const struct config_key *key, void *object)
{
        return (char *)object + key->offset;
}

bool config_printable(const char *text)
{
        for (const unsigned char *p = (const unsigned char *)text; *p; p++)
                if (*p < 0x20 || *p == 0x7f)
                        return false;
        return true;
}

int config_keep_text(const struct config_key *key, const char *value, void *object)
{
        if (strlen(value) >= key->size)
                return -E2BIG;
        memset(config_field(key, object), 0, key->size);
        return text_copy(config_field(key, object), key->size, value);
}

/* --- words --- */

static int find_word(const char *const *words, const char *value)
{
        for (int i = 0; words[i]; i++)
                if (text_equal(words[i], value))
                        return i;
        return -EINVAL;
}

static int read_word(const struct config_key *key, const char *value, void *object)
{
        int index = find_word(key->words, value);
        if (index < 0)
                return index;
        unsigned number = (unsigned)index;
        memcpy(config_field(key, object), &number, sizeof(number));
        return 0;
}

static int read_word_text(const struct config_key *key, const char *value, void *object)
{
        int r = find_word(key->words, value);

        return r < 0 ? r : config_keep_text(key, value, object);
}

static void explain_word(const struct config_key *key, char *target, size_t size)
{
        (void)text_copy(target, size, "is not known; allowed:");
        for (size_t i = 0; key->words[i]; i++)
                (void)text_append(target, size, "%s %s", i > 0 ? "," : "", key->words[i]);
}

/* --- durations --- */

static int read_duration(const struct config_key *key, const char *value, void *object)
{
        usec_t duration;
        int r = parse_duration(value, &duration);

        if (key->words && text_equal(value, key->words[0])) {
                memset(config_field(key, object), 0, sizeof(duration));
                return 0;
        }
        if (r < 0)
                return r;
        if (duration < key->min || duration > key->max)
                return -ERANGE;
        memcpy(config_field(key, object), &duration, sizeof(duration));
        return 0;
}

static void explain_duration(const struct config_key *key, char *target, size_t size)
{
        char min[32], max[32];

        format_duration(min, sizeof(min), key->min);
        format_duration(max, sizeof(max), key->max);
        (void)text_format(target, size,
                          "is not a duration from %s to %s; write one like 90s, 30min or 1h30min", min, max);
        if (key->words)
                (void)text_append(target, size, ", or %s", key->words[0]);
}

/* --- paths and names --- */

bool config_has_dot_dot(const char *path)
{
        for (const char *p = path; (p = strstr(p, "/..")); p += 3)
                if (p[3] == '/' || p[3] == '\0')
                        return true;
        return false;
}

static int read_path(const struct config_key *key, const char *value, void *object)
{
        if (value[0] != '/' || !config_printable(value) || config_has_dot_dot(value))
                return -EINVAL;
        return config_keep_text(key, value, object);
}

static int read_path_none(const struct config_key *key, const char *value, void *object)
{
        if (value[0] == '\0' || text_equal(value, "none"))
                return config_keep_text(key, "", object);
        return read_path(key, value, object);
}

static void explain_path(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size, "is not an absolute path (no .., at most %zu bytes)", key->size - 1);
}

static void explain_path_none(const struct config_key *key, char *target, size_t size)
{
        explain_path(key, target, size);
        (void)text_append(target, size, "; write one, or none");
}

static int read_unit(const struct config_key *key, const char *value, void *object)
{
        static const char suffix[] = ".service";
        size_t length = strlen(value);

        if (length < sizeof(suffix) || !text_equal(value + length - strlen(suffix), suffix))
                return -EINVAL;
        if (strspn(value, ALPHANUMERIC ":-_.\\@") != length)
                return -EINVAL;
        return config_keep_text(key, value, object);
}

static void explain_unit(const struct config_key *key, char *target, size_t size)
{
        (void)key;
        (void)text_copy(target, size, "is not a systemd service; write its full name, like smstools.service");
}

static bool is_account(const char *name, size_t length)
{
        return length > 0 && length <= WORD_MAX && name[0] != '-' &&
               strspn(name, ALPHANUMERIC "_-.$") >= length;
}

static int read_account(const struct config_key *key, const char *value, void *object)
{
        if (value[0] != '\0' && !is_account(value, strlen(value)))
                return -EINVAL;
        return config_keep_text(key, value, object);
}

static void explain_account(const struct config_key *key, char *target, size_t size)
{
        (void)key;
        (void)text_copy(target, size,
                        "is not an account name; write one, auto, or nothing for the daemon's own");
}

static int read_owners(const struct config_key *key, const char *value, void *object)
{
        size_t length;
        bool any = false;

        for (const char *p = value + strspn(value, " \t"); *p; p += length + strspn(p + length, " \t")) {
                length = strcspn(p, " \t");
                bool group = *p == '@';
                if (!is_account(p + group, length - group))
                        return -EINVAL;
                any = true;
        }
        return any ? config_keep_text(key, value, object) : -EINVAL;
}

static void explain_owners(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size,
                          "is not a list of users and @groups separated by blanks (%zu bytes at most); write "
                          "one like root @sudo",
                          key->size - 1);
}

/* --- what a modem is recognised by --- */

static int digits_between(const char *value, size_t min, size_t max)
{
        size_t length = strlen(value);

        return length >= min && text_only(value, DIGITS, max) ? 0 : -EINVAL;
}

static int check_imei(const char *value)
{
        return digits_between(value, 15, 15);
}

static int check_imsi(const char *value)
{
        return digits_between(value, 6, 15);
}

/* bus-port[.port...], as the kernel names it. */
static int check_usb(const char *value)
{
        const char *p = value + strspn(value, DIGITS);

        if (p == value || *p != '-' || strlen(value) >= USB_PATH_MAX)
                return -EINVAL;
        do {
                size_t digits = strspn(p + 1, DIGITS);
                if (digits == 0)
                        return -EINVAL;
                p += 1 + digits;
        } while (*p == '.');
        return *p == '\0' ? 0 : -EINVAL;
}

static int check_device(const char *value)
{
        return text_starts_with(value, "/dev/") && value[5] != '\0' && config_printable(value) &&
                       !strchr(value, ' ') && !config_has_dot_dot(value)
                   ? 0
                   : -EINVAL;
}

static const struct {
        const char *prefix;
        enum match_kind kind;
        int (*check)(const char *value);
} matches[] = {
    {"imei=", MATCH_IMEI, check_imei},
    {"imsi=", MATCH_IMSI, check_imsi},
    {"usb=", MATCH_USB, check_usb},
    {"device=", MATCH_DEVICE, check_device},
};

static int read_match(const struct config_key *key, const char *value, void *object)
{
        struct modem_config *modem = object;

        (void)key;
        if (text_equal(value, "auto")) {
                modem->match = MATCH_AUTO;
                memset(modem->match_value, 0, sizeof(modem->match_value));
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
                if (!text_starts_with(value, matches[i].prefix))
                        continue;
                const char *wanted = value + strlen(matches[i].prefix);
                if (strlen(wanted) >= sizeof(modem->match_value))
                        return -E2BIG;
                int r = matches[i].check(wanted);
                if (r < 0)
                        return r;
                modem->match = matches[i].kind;
                memset(modem->match_value, 0, sizeof(modem->match_value));
                return text_copy(modem->match_value, sizeof(modem->match_value), wanted);
        }
        return -EINVAL;
}

static void explain_match(const struct config_key *key, char *target, size_t size)
{
        (void)key;
        (void)text_copy(target, size,
                        "matches no modem; allowed: auto, imei=15 digits, imsi=6 to 15 digits, usb=1-1.2, "
                        "device=/dev/ttyAMA0");
}

static int read_profile(const struct config_key *key, const char *value, void *object)
{
        int r = text_equal(value, "auto") ? 0 : profile_name_check(value);

        return r < 0 ? r : config_keep_text(key, value, object);
}

static void explain_profile(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size,
                          "is no name of a profile (%zu letters, digits, '-' or '_' at most); write one, or "
                          "auto",
                          key->size - 1);
}

/* --- a name below /dev --- */

/*
 * No name that the kernel or the system gives, now or later: a link that stands where the kernel wants to
 * make a node keeps the node away. Theirs end in a number (ttyUSB0, sda1) or have small letters only (null,
 * vga_arbiter).
 */
static bool is_own_name(const char *name)
{
        size_t length = strlen(name);

        return length > 0 && isalpha((unsigned char)name[0]) && !isdigit((unsigned char)name[length - 1]) &&
               strspn(name, ALPHANUMERIC "._-") == length && strpbrk(name, CAPITALS);
}

static int read_link(const struct config_key *key, const char *value, void *object)
{
        if (value[0] == '\0' || text_equal(value, "none"))
                return config_keep_text(key, "", object);
        return is_own_name(value) ? config_keep_text(key, value, object) : -EINVAL;
}

static void explain_link(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(
            target, size,
            "is no name for a link in /dev; write one like ttyUSB_AT (%zu letters, digits or ._- at "
            "most, a capital one, no digit at the end), or none",
            key->size - 1);
}

static int read_health_port(const struct config_key *key, const char *value, void *object)
{
        if (text_equal(value, "auto") || text_equal(value, "none"))
                return config_keep_text(key, value, object);
        return check_device(value) < 0 ? -EINVAL : config_keep_text(key, value, object);
}

static void explain_health_port(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(
            target, size,
            "is no port; allowed: auto, none, or a device like /dev/ttyUSB3 (%zu bytes at most)",
            key->size - 1);
}

const struct config_kind config_kind_word = {.read = read_word, .explain = explain_word};
const struct config_kind config_kind_word_text = {.read = read_word_text, .explain = explain_word};
const struct config_kind config_kind_duration = {.read = read_duration, .explain = explain_duration};
const struct config_kind config_kind_path = {.read = read_path, .explain = explain_path};
const struct config_kind config_kind_path_none = {.read = read_path_none, .explain = explain_path_none};
const struct config_kind config_kind_unit = {.read = read_unit, .explain = explain_unit};
const struct config_kind config_kind_account = {.read = read_account, .explain = explain_account};
const struct config_kind config_kind_owners = {.read = read_owners, .explain = explain_owners};
const struct config_kind config_kind_match = {.read = read_match, .explain = explain_match};
const struct config_kind config_kind_health_port = {.read = read_health_port, .explain = explain_health_port};
const struct config_kind config_kind_link = {.read = read_link, .explain = explain_link};
const struct config_kind config_kind_profile = {.read = read_profile, .explain = explain_profile};

int config_fail(struct config_error *error, int code, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
        return code;
}

int config_name_check(const char *name, size_t size)
{
        size_t length = strlen(name);

        if (length >= size)
                return -E2BIG;
        return length > 0 && name[0] != '.' && name[0] != '-' && strspn(name, ALPHANUMERIC "_-.+") == length
                   ? 0
                   : -EINVAL;
}

static unsigned least(unsigned a, unsigned b)
{
        return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
        return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned config_word_distance(const char *a, const char *b)
{
        size_t a_length = strnlen(a, WORD_MAX), b_length = strnlen(b, WORD_MAX);
        unsigned cost[WORD_MAX + 1][WORD_MAX + 1];

        for (unsigned i = 0; i <= a_length; i++)
                cost[i][0] = i;
        for (unsigned j = 0; j <= b_length; j++)
                cost[0][j] = j;
        for (size_t i = 1; i <= a_length; i++)
                for (size_t j = 1; j <= b_length; j++) {
                        unsigned replaced = cost[i - 1][j - 1] + !same_letter(a[i - 1], b[j - 1]);
                        cost[i][j] = least(replaced, least(cost[i - 1][j], cost[i][j - 1]) + 1);
                        if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                            same_letter(a[i - 2], b[j - 1]))
                                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
                }
        return cost[a_length][b_length];
}
