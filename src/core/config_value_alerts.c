/*
 * The kinds of values of [notify NAME], [alerts] and [heartbeat], see core/config_value.h. What a message
 * must not repeat - an address, the name of a secret's file, for which a secret is easily mistaken, a
 * template - is marked `secret`.
 */
#include "config_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define BLANKS " \t"

/* --- yes or no, numbers, sizes --- */

static int read_boolean(const struct config_key *key, const char *value, void *object)
{
        bool read = false;
        int r = 0;

        if (!key->words)
                r = parse_boolean(value, &read);
        else if (text_equal(value, key->words[1]))
                read = true;
        else
                r = text_equal(value, key->words[0]) ? 0 : -EINVAL;
        if (r < 0)
                return r;
        memcpy(config_field(key, object), &read, sizeof(read));
        return 0;
}

static void explain_boolean(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size, "is not known; allowed: %s, %s", key->words ? key->words[0] : "yes",
                          key->words ? key->words[1] : "no");
}

static int read_number(const struct config_key *key, const char *value, void *object)
{
        unsigned number;
        int r = parse_unsigned(value, (unsigned)key->min, (unsigned)key->max, &number);

        if (r < 0)
                return r;
        memcpy(config_field(key, object), &number, sizeof(number));
        return 0;
}

static void explain_number(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size, "is not a number from %u to %u", (unsigned)key->min,
                          (unsigned)key->max);
}

/* The power of two behind the number's digits; -EINVAL: another suffix. */
static int size_shift(const char *suffix)
{
        static const char letters[] = "KMG";

        if (suffix[0] == '\0')
                return 0;
        const char *letter = suffix[1] == '\0' ? strchr(letters, toupper((unsigned char)suffix[0])) : NULL;
        return letter ? 10 * (int)(letter - letters + 1) : -EINVAL;
}

static int read_size(const struct config_key *key, const char *value, void *object)
{
        char digits[24];
        size_t length = strspn(value, DIGITS);
        int shift = size_shift(value + length);
        uint64_t number;

        if (shift < 0)
                return shift;
        if (text_copy_n(digits, sizeof(digits), value, length) < 0)
                return -ERANGE;
        int r = parse_u64(digits, 0, UINT64_MAX >> shift, &number);
        if (r < 0)
                return r;
        number <<= shift;
        if (number < key->min || number > key->max)
                return -ERANGE;
        memcpy(config_field(key, object), &number, sizeof(number));
        return 0;
}

static void explain_size(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size, "is not a size from %lluK to %lluM; write one like 512K or 8M",
                          (unsigned long long)(key->min >> 10), (unsigned long long)(key->max >> 20));
}

/* --- text --- */

static int read_text(const struct config_key *key, const char *value, void *object)
{
        return config_printable(value) ? config_keep_text(key, value, object) : -EINVAL;
}

static void explain_text(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size, "is too long or holds a control character; at most %zu bytes fit",
                          key->size - 1);
}

/* Fills the field with the words of `value`, `between` each two, when `check` takes each of them. */
static int read_list(const struct config_key *key, const char *value, const char *separators, char between,
                     bool (*check)(const char *word, size_t length), void *object)
{
        char list[512] = "";
        size_t length;

        if (key->size > sizeof(list))
                return -E2BIG;
        for (const char *p = value + strspn(value, separators); *p; p += strspn(p, separators)) {
                length = strcspn(p, separators);
                if (!check(p, length))
                        return -EINVAL;
                if (text_append(list, key->size, "%.*s%.*s", list[0] != '\0', &between, (int)length, p) < 0)
                        return -E2BIG;
                p += length;
        }
        return config_keep_text(key, list, object);
}

static bool is_pattern(const char *word, size_t length)
{
        return strspn(word, ALPHANUMERIC "*?/_-.+") >= length;
}

/* `*` is all of them, as nothing is: kept as "". */
static int read_patterns(const struct config_key *key, const char *value, void *object)
{
        return read_list(key, text_equal(value, "*") ? "" : value, BLANKS ",", ' ', is_pattern, object);
}

static void explain_patterns(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size,
                          "is not a list of patterns separated by blanks (%zu bytes at most); write one like "
                          "smsd-down modem-*",
                          key->size - 1);
}

/* What a comment sign or a missing quote cut off is found here; the names in it: config_template_check(). */
static int read_template(const struct config_key *key, const char *value, void *object)
{
        if (value[0] != '\0' && !strchr("{[", value[0]))
                return -EINVAL;
        return config_template_is_whole(value) ? read_text(key, value, object) : -EINVAL;
}

static void explain_template(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size,
                          "is not whole JSON of at most %zu bytes (a ; behind a blank begins a comment); a "
                          "long one goes into a file: template_file",
                          key->size - 1);
}

/* --- names: files of secrets, interfaces, mailboxes --- */

/* A path, or a systemd credential's name. */
static int read_secret_file(const struct config_key *key, const char *value, void *object)
{
        if (value[0] == '\0' || text_equal(value, "none"))
                return config_keep_text(key, "", object);
        if (value[0] == '/')
                return config_printable(value) && !config_has_dot_dot(value)
                           ? config_keep_text(key, value, object)
                           : -EINVAL;
        return value[0] != '.' && strspn(value, ALPHANUMERIC "_-.") == strlen(value)
                   ? config_keep_text(key, value, object)
                   : -EINVAL;
}

static void explain_secret_file(const struct config_key *key, char *target, size_t size)
{
        (void)key;
        (void)text_copy(target, size,
                        "is neither an absolute path nor the name of a systemd credential; the secret itself "
                        "goes into that file");
}

static int read_interface(const struct config_key *key, const char *value, void *object)
{
        if (value[0] == '\0' || value[0] == '.' || strspn(value, ALPHANUMERIC "_-.@+") != strlen(value))
                return -EINVAL;
        return config_keep_text(key, value, object);
}

static void explain_interface(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size, "is not a network interface; write one like wg0 (%zu bytes at most)",
                          key->size - 1);
}

/* "a.b-c": words of `set` between dots, none empty. */
static bool is_dotted(const char *text, size_t length, const char *set)
{
        if (length == 0 || text[0] == '.' || text[length - 1] == '.')
                return false;
        for (size_t i = 0; i < length; i++)
                if (!strchr(set, text[i]) && (text[i] != '.' || text[i - 1] == '.'))
                        return false;
        return true;
}

/* RFC 5321's Mailbox without quoted names and address literals: it is put into mail headers as it is. */
static bool is_mailbox(const char *word, size_t length)
{
        const char *at = memchr(word, '@', length);
        size_t local = at ? (size_t)(at - word) : 0;

        return at && local <= 64 && is_dotted(word, local, ALPHANUMERIC "!#$%&'*+/=?^_`{|}~-") &&
               at[1] != '-' && is_dotted(at + 1, length - local - 1, ALPHANUMERIC "-");
}

static int read_mailbox(const struct config_key *key, const char *value, void *object)
{
        if (value[0] != '\0' && !is_mailbox(value, strlen(value)))
                return -EINVAL;
        return config_keep_text(key, value, object);
}

static void explain_mailbox(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size,
                          "is not a mail address; write just one, like sms@example.org (%zu bytes at most)",
                          key->size - 1);
}

static int read_mailboxes(const struct config_key *key, const char *value, void *object)
{
        return read_list(key, value, BLANKS ",", ',', is_mailbox, object);
}

static void explain_mailboxes(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size,
                          "is not a list of mail addresses (%zu bytes at most); write one like a@example.org "
                          "b@example.org",
                          key->size - 1);
}

/* --- addresses --- */

/* No backslash: programs disagree on where the host ends then. */
static int read_url(const struct config_key *key, const char *value, void *object)
{
        if (value[0] == '\0' || !config_printable(value) || strpbrk(value, " \"<>\\"))
                return -EINVAL;
        return config_keep_text(key, value, object);
}

static void explain_url(const struct config_key *key, char *target, size_t size)
{
        (void)text_format(target, size,
                          "is not an address; write one without blanks and quotes, at most %zu bytes",
                          key->size - 1);
}

const struct config_kind config_kind_boolean = {.read = read_boolean, .explain = explain_boolean};
const struct config_kind config_kind_number = {.read = read_number, .explain = explain_number};
const struct config_kind config_kind_size = {.read = read_size, .explain = explain_size};
const struct config_kind config_kind_text = {.read = read_text, .explain = explain_text};
const struct config_kind config_kind_patterns = {.read = read_patterns, .explain = explain_patterns};
const struct config_kind config_kind_template = {
    .read = read_template, .explain = explain_template, .secret = true};
const struct config_kind config_kind_secret_file = {
    .read = read_secret_file, .explain = explain_secret_file, .secret = true};
const struct config_kind config_kind_interface = {.read = read_interface, .explain = explain_interface};
const struct config_kind config_kind_mailbox = {.read = read_mailbox, .explain = explain_mailbox};
const struct config_kind config_kind_mailboxes = {.read = read_mailboxes, .explain = explain_mailboxes};
const struct config_kind config_kind_url = {.read = read_url, .explain = explain_url, .secret = true};
