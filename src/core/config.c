/*
 * The configuration as a checked struct, see core/config.h. What keys there are is a table per section; what
 * their values may be is core/config_value. A message never holds a control character and never the value of
 * a secret key.
 */
#include "config_private.h"

#include "base/text.h"
#include "core/ladder.h"

#include <errno.h>
#include <string.h>

#define QUOTE_SIZE 64

/* Foreign text for a message: escaped, and cut with "..." when long. */
static const char *quote(char target[QUOTE_SIZE], const char *text)
{
        if (text_escape(target, QUOTE_SIZE - 3, text, strlen(text)) < 0)
                (void)text_append(target, QUOTE_SIZE, "...");
        return target;
}

/* How far a word is from a known one, for finding the nearest; SIZE_MAX: it is another word. A typo is at
 * most two edits, and at most a third of the word. */
static size_t typo_distance(const char *word, const char *known)
{
        size_t distance = config_word_distance(word, known);

        return distance <= 2 && distance * 3 <= strlen(known) + 2 ? distance : SIZE_MAX;
}

/* The section whose name is nearest to the first word of `section` ("notify-vps": notify), NULL: none is
 * near. */
static const struct config_section *guess_section(const char *section)
{
        const struct config_section *guess = NULL;
        size_t nearest = SIZE_MAX;
        char word[16];

        (void)text_copy_n(word, sizeof(word), section, strspn(section, LETTERS));
        for (const struct config_section *known = config_sections; known->name; known++) {
                size_t distance = typo_distance(word, known->name);
                if (distance < nearest)
                        guess = known;
                nearest = distance < nearest ? distance : nearest;
        }
        return guess;
}

static void fail_section(const char *section, struct config_error *ret_error)
{
        char quoted[QUOTE_SIZE];
        const struct config_section *guess = guess_section(section);

        (void)config_fail(ret_error, 0, "[%s]: no such section; ", quote(quoted, section));
        if (guess) {
                (void)text_append(ret_error->message, sizeof(ret_error->message), "did you mean [%s%s]?",
                                  guess->name, guess->name_size > 0 ? " NAME" : "");
                return;
        }
        for (const struct config_section *known = config_sections; known->name; known++)
                (void)text_append(ret_error->message, sizeof(ret_error->message), "%s [%s%s]",
                                  known == config_sections ? "allowed:" : ",", known->name,
                                  known->name_size > 0 ? " NAME" : "");
}

/* The section is known, what stands behind its name is wrong. */
static void explain_section(const struct config_section *kind, const char *section,
                            struct config_error *ret_error)
{
        char quoted[QUOTE_SIZE];

        (void)quote(quoted, section);
        if (kind->name_size == 0)
                (void)config_fail(ret_error, 0, "[%s]: write just [%s]", quoted, kind->name);
        else
                (void)config_fail(
                    ret_error, 0,
                    "[%s]: write [%s NAME], the name of at most %zu letters, digits, '_', '-', '.' or '+'",
                    quoted, kind->name, kind->name_size - 1);
}

/* Splits "modem GSM1" and checks both halves; *ret_name is "" for a section without a name. NULL: not
 * allowed. */
static const struct config_section *find_section(const char *section, const char **ret_name,
                                                 struct config_error *ret_error)
{
        size_t length = strcspn(section, " \t");
        const char *name = section + length + strspn(section + length, " \t");

        *ret_name = name;
        for (const struct config_section *kind = config_sections; kind->name; kind++) {
                if (strlen(kind->name) != length || strncmp(kind->name, section, length) != 0)
                        continue;
                if (kind->name_size == 0 ? name[0] == '\0' : config_name_check(name, kind->name_size) == 0)
                        return kind;
                explain_section(kind, section, ret_error);
                return NULL;
        }
        fail_section(section, ret_error);
        return NULL;
}

static const struct config_key *find_key(const struct config_section *kind, const char *key)
{
        for (const struct config_key *known = kind->keys; known->name; known++)
                if (text_equal(known->name, key))
                        return known;
        return NULL;
}

/* What a person writes who remembers half of a key: `token` of token_file, `severity` of min_severity. */
static bool is_half_of(const char *part, const char *word)
{
        size_t length = strlen(part), whole = strlen(word);

        if (length == 0 || whole <= length)
                return false;
        return (text_starts_with(word, part) && text_equal(word + length, "_file")) ||
               (text_equal(word + whole - length, part) && word[whole - length - 1] == '_');
}

/* The key that was meant: mistyped, or half of it (token_file, min_severity). NULL: none is near. */
static const struct config_key *guess_key(const struct config_section *kind, const char *key)
{
        const struct config_key *guess = NULL;
        size_t nearest = SIZE_MAX;

        for (const struct config_key *known = kind->keys; known->name; known++) {
                size_t distance = is_half_of(key, known->name) ? 1 : typo_distance(key, known->name);
                if (distance < nearest)
                        guess = known;
                nearest = distance < nearest ? distance : nearest;
        }
        return guess;
}

/* Another section that has this key; NULL: none. */
static const struct config_section *home_of_key(const char *key)
{
        for (const struct config_section *kind = config_sections; kind->name; kind++)
                if (find_key(kind, key))
                        return kind;
        return NULL;
}

static int fail_key(const struct config_section *kind, const char *section, const char *key,
                    struct config_error *ret_error)
{
        char quoted_section[QUOTE_SIZE], quoted_key[QUOTE_SIZE], *message = ret_error->message;
        size_t size = sizeof(ret_error->message);
        const struct config_key *guess = guess_key(kind, key);
        const struct config_section *home = home_of_key(key);

        (void)config_fail(ret_error, 0, "[%s] %s: no such key; ", quote(quoted_section, section),
                          quote(quoted_key, key));
        if (guess && guess->kind == &config_kind_secret_file && text_starts_with(guess->name, key))
                (void)text_append(message, size, "a secret lies in a file of its own, named with %s",
                                  guess->name);
        else if (guess)
                (void)text_append(message, size, "did you mean %s?", guess->name);
        else if (home)
                (void)text_append(message, size, "it belongs to [%s%s]", home->name,
                                  home->name_size > 0 ? " NAME" : "");
        for (const struct config_key *known = kind->keys; !guess && !home && known->name; known++)
                (void)text_append(message, size, "%s %s", known == kind->keys ? "allowed:" : ",",
                                  known->name);
        return -EINVAL;
}

static int fail_value(const struct config_key *key, const char *section, const char *value, int code,
                      struct config_error *ret_error)
{
        char quoted_section[QUOTE_SIZE], quoted_value[QUOTE_SIZE], allowed[192];

        key->kind->explain(key, allowed, sizeof(allowed));
        if (key->kind->secret)
                return config_fail(ret_error, code, "[%s] %s: the value %s", quote(quoted_section, section),
                                   key->name, allowed);
        return config_fail(ret_error, code, "[%s] %s: \"%s\" %s", quote(quoted_section, section), key->name,
                           quote(quoted_value, value), allowed);
}

/* Common to opening a section and setting a key in it (key NULL: only open). */
static int apply(struct config *config, const char *section, const char *key, const char *value,
                 struct config_error *ret_error)
{
        const char *name;
        struct config_place place;
        const struct config_section *kind = find_section(section, &name, ret_error);
        const struct config_key *known = kind && key ? find_key(kind, key) : NULL;

        if (!kind)
                return -EINVAL;
        if (key && !known)
                return fail_key(kind, section, key, ret_error);
        int r = kind->place(config, name, &place);
        if (r < 0)
                return config_fail(ret_error, r, "[%s %s]: more than %u such sections", kind->name, name,
                                   kind->max);
        if (known)
                r = known->kind->read(known, value, place.object);
        if (r < 0 && place.count)
                memset(place.object, 0, place.size); /* a new object that nothing was put in is no object */
        if (r < 0)
                return fail_value(known, section, value, r == -E2BIG ? r : -EINVAL, ret_error);
        if (place.count)
                ++*place.count;
        return 0;
}

int config_open_section(struct config *config, const char *section, struct config_error *ret_error)
{
        return apply(config, section, NULL, NULL, ret_error);
}

int config_set(struct config *config, const char *section, const char *key, const char *value,
               struct config_error *ret_error)
{
        char quoted[QUOTE_SIZE];

        if (section[0] == '\0')
                return config_fail(ret_error, -EINVAL, "%s: stands before the first [section]",
                                   quote(quoted, key));
        return apply(config, section, key, value, ret_error);
}

static void recovery_config_init(struct recovery_config *recovery)
{
        static const struct ladder_budget budget = LADDER_BUDGET_DEFAULT;

        *recovery = (struct recovery_config){
            .automatic = true,
            .silent_after = 90 * USEC_PER_SEC,
            .resets_per_hour = budget.per_hour,
            .resets_per_day = budget.per_day,
            .route_resets_per_hour = budget.route_per_hour,
            .route_resets_per_day = budget.route_per_day,
            .stops_per_hour = budget.stops_per_hour,
            .stops_per_day = budget.stops_per_day,
        };
}

void config_init(struct config *config)
{
        *config = (struct config){
            .mode = MODE_CONTROL,
            .control = CONTROL_AUTO,
            .unit = "smstools.service",
            .smsd = "/usr/sbin/smsd",
            .smsd_conf = "/etc/smsd.conf",
            .smsd_user = "auto",
            .smsd_group = "auto",
            .runtime_dir = "/run/smswarden",
            .state_dir = "/var/lib/smswarden",
            .hold_default = 30 * USEC_PER_MIN,
            .hold_maximum = 4 * USEC_PER_HOUR,
            .hold_notify_after = 10 * USEC_PER_MIN,
            .legacy_flag = "/tmp/smsd_manual_stop",
            .legacy_owners = "root @sudo @adm",
            .backoff_max = 60 * USEC_PER_SEC,
            .alerts = {.spool_files = 2000,
                       .spool_bytes = UINT64_C(8) * 1024 * 1024,
                       .incoming_unread = 10,
                       .modem_timeouts = 10,
                       .sms_after = 5 * USEC_PER_MIN,
                       .state_dir = "/var/lib/smswarden-notify"},
        };
        heartbeat_config_init(&config->heartbeat);
        provision_config_init(&config->provision.config);
        config->provision.reset = true;
        recovery_config_init(&config->recovery);
}

static void copy_bytes(struct config *target, const struct config *source, size_t from, size_t to)
{
        memcpy((char *)target + from, (const char *)source + from, to - from);
}

void config_copy(struct config *target, const struct config *source)
{
        const size_t modems = offsetof(struct config, modems), receivers = offsetof(struct config, receivers);

        copy_bytes(target, source, 0, modems + source->n_modems * sizeof(source->modems[0]));
        copy_bytes(target, source, modems + sizeof(source->modems),
                   receivers + source->n_receivers * sizeof(source->receivers[0]));
        copy_bytes(target, source, receivers + sizeof(source->receivers), sizeof(*source));
}

void heartbeat_config_init(struct heartbeat_config *heartbeat)
{
        *heartbeat = (struct heartbeat_config){.every = 5 * USEC_PER_MIN};
}

void modem_config_init(struct modem_config *modem, const char *name)
{
        *modem = (struct modem_config){
            .match = MATCH_AUTO,
            .profile = "auto",
            .manage = MANAGE_DEVICE,
            .health_port = "auto",
        };
        (void)text_copy(modem->name, sizeof(modem->name), name); /* smsd takes no longer name */
}

void receiver_config_init(struct receiver_config *receiver, const char *name)
{
        *receiver =
            (struct receiver_config){.min_severity = SEVERITY_WARNING, .interface = "wg0", .budget = 5};
        (void)text_copy(receiver->name, sizeof(receiver->name), name); /* its length was checked */
}

const struct modem_config *modem_config_prefer(const struct modem_config *best,
                                               const struct modem_config *candidate, const char *usb_path)
{
        if (candidate->match == MATCH_USB)
                return text_equal(candidate->match_value, usb_path) ? candidate : best;
        return candidate->match == MATCH_DEVICE || best ? best : candidate;
}
