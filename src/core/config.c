/*
 * The configuration as a checked struct, see core/config.h. What keys there are is a table per section; what
 * their values may be is core/config_value. A message never holds a control character and never the value of
 * a secret key.
 */
#include "core/config.h"

#include "base/text.h"
#include "core/config_value.h"

#include <errno.h>
#include <string.h>

#define QUOTE_SIZE 64

static const char *const mode_words[] = {"control", "observe", NULL};
static const char *const control_words[] = {"auto", "systemd", "direct", NULL};
static const char *const hotplug_words[] = {"auto", "udev", "sysfs", NULL};
static const char *const system_bus_words[] = {"auto", "off", NULL};
static const char *const manage_words[] = {"device", "profile", NULL};
static const char *const severity_words[] = {"info", "warning", "critical", NULL};
static const char *const type_words[] = {
    "webhook", "vps-message", "vps-status", "alertmanager", "ntfy", "smtp", "exec", "sms", NULL};

#define FIELD(type, field) .offset = offsetof(type, field), .size = sizeof(((type *)NULL)->field)

static const struct config_key gateway_keys[] = {
    {"mode", &config_kind_word, FIELD(struct config, mode), .words = mode_words},
    {"control", &config_kind_word, FIELD(struct config, control), .words = control_words},
    {"hotplug", &config_kind_word, FIELD(struct config, hotplug), .words = hotplug_words},
    {"system_bus", &config_kind_word, FIELD(struct config, system_bus), .words = system_bus_words},
    {"unit", &config_kind_unit, FIELD(struct config, unit)},
    {"smsd", &config_kind_path, FIELD(struct config, smsd)},
    {"smsd_conf", &config_kind_path, FIELD(struct config, smsd_conf)},
    {"smsd_user", &config_kind_account, FIELD(struct config, smsd_user)},
    {"smsd_group", &config_kind_account, FIELD(struct config, smsd_group)},
    {"runtime_dir", &config_kind_path, FIELD(struct config, runtime_dir)},
    {"state_dir", &config_kind_path, FIELD(struct config, state_dir)},
    {NULL},
};

/* A hold always ends: the longest here is a week, and infinity is refused. */
static const struct config_key hold_keys[] = {
    {"default", &config_kind_duration, FIELD(struct config, hold_default), .min = USEC_PER_SEC,
     .max = 7 * USEC_PER_DAY},
    {"maximum", &config_kind_duration, FIELD(struct config, hold_maximum), .min = USEC_PER_SEC,
     .max = 7 * USEC_PER_DAY},
    {"notify_after", &config_kind_duration, FIELD(struct config, hold_notify_after), .min = USEC_PER_SEC,
     .max = USEC_PER_DAY},
    {"legacy_flag", &config_kind_path_none, FIELD(struct config, legacy_flag)},
    {"legacy_owners", &config_kind_owners, FIELD(struct config, legacy_owners)},
    {NULL},
};

static const struct config_key restart_keys[] = {
    {"backoff_max", &config_kind_duration, FIELD(struct config, backoff_max), .min = USEC_PER_SEC,
     .max = USEC_PER_HOUR},
    {NULL},
};

static const struct config_key modem_keys[] = {
    {"match", &config_kind_match, FIELD(struct modem_config, match)},
    {"profile", &config_kind_profile, FIELD(struct modem_config, profile)},
    {"link", &config_kind_link, FIELD(struct modem_config, link)},
    {"manage", &config_kind_word, FIELD(struct modem_config, manage), .words = manage_words},
    {"boot_timeout", &config_kind_duration, FIELD(struct modem_config, boot_timeout), .min = USEC_PER_SEC,
     .max = USEC_PER_HOUR},
    {NULL},
};

static const struct config_key notify_keys[] = {
    {"type", &config_kind_word_text, FIELD(struct receiver_config, type), .words = type_words},
    {"url", &config_kind_url, FIELD(struct receiver_config, url)},
    {"min_severity", &config_kind_word, FIELD(struct receiver_config, min_severity), .words = severity_words},
    {NULL},
};

/* Where the keys of one section go; `count` is the counter to raise when the object is a new one. */
struct place {
        void *object;
        size_t size;
        unsigned *count;
};

static int place_plain(struct config *config, const char *name, struct place *ret_place)
{
        (void)name;
        *ret_place = (struct place){.object = config, .size = sizeof(*config)};
        return 0;
}

static int place_modem(struct config *config, const char *name, struct place *ret_place)
{
        unsigned i = 0;

        while (i < config->n_modems && !text_equal(config->modems[i].name, name))
                i++;
        if (i == SMSD_MODEMS_MAX)
                return -E2BIG;
        *ret_place = (struct place){.object = &config->modems[i], .size = sizeof(config->modems[i])};
        if (i == config->n_modems) {
                modem_config_init(&config->modems[i], name);
                ret_place->count = &config->n_modems;
        }
        return 0;
}

static int place_receiver(struct config *config, const char *name, struct place *ret_place)
{
        unsigned i = 0;

        while (i < config->n_receivers && !text_equal(config->receivers[i].name, name))
                i++;
        if (i == CONFIG_RECEIVERS_MAX)
                return -E2BIG;
        struct receiver_config *receiver = &config->receivers[i];
        *ret_place = (struct place){.object = receiver, .size = sizeof(*receiver)};
        if (i == config->n_receivers) {
                *receiver = (struct receiver_config){
                    .min_severity = SEVERITY_WARNING, .interface = "wg0", .budget = 5};
                (void)text_copy(receiver->name, sizeof(receiver->name), name); /* its length was checked */
                ret_place->count = &config->n_receivers;
        }
        return 0;
}

static const struct section {
        const char *name;
        size_t name_size; /* of the NAME behind it, 0: none */
        unsigned max;     /* how many of them */
        int (*place)(struct config *config, const char *name, struct place *ret_place);
        const struct config_key *keys;
} sections[] = {
    {"gateway", 0, 1, place_plain, gateway_keys},
    {"hold", 0, 1, place_plain, hold_keys},
    {"restart", 0, 1, place_plain, restart_keys},
    {"modem", SMSD_MODEM_NAME_MAX, SMSD_MODEMS_MAX, place_modem, modem_keys},
    {"notify", sizeof(((struct receiver_config *)NULL)->name), CONFIG_RECEIVERS_MAX, place_receiver,
     notify_keys},
};

/* Foreign text for a message: escaped, and cut with "..." when long. */
static const char *quote(char target[QUOTE_SIZE], const char *text)
{
        if (text_escape(target, QUOTE_SIZE - 3, text, strlen(text)) < 0)
                (void)text_append(target, QUOTE_SIZE, "...");
        return target;
}

/* A typo is at most two edits, and at most a third of the word. */
static bool is_typo(const char *word, const char *known)
{
        size_t distance = config_word_distance(word, known);

        return distance <= 2 && distance * 3 <= strlen(known) + 2;
}

static void fail_section(const char *section, struct config_error *ret_error)
{
        char quoted[QUOTE_SIZE], word[16];

        (void)quote(quoted, section);
        (void)text_copy_n(word, sizeof(word), section, strcspn(section, " \t"));
        for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
                if (is_typo(word, sections[i].name)) {
                        (void)config_fail(ret_error, 0, "[%s]: no such section; did you mean [%s%s]?", quoted,
                                          sections[i].name, sections[i].name_size > 0 ? " NAME" : "");
                        return;
                }
        (void)config_fail(
            ret_error, 0,
            "[%s]: no such section; allowed: [gateway], [hold], [restart], [modem NAME], [notify NAME]",
            quoted);
}

/* The section is known, what stands behind its name is wrong. */
static void explain_section(const struct section *kind, const char *section, struct config_error *ret_error)
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
static const struct section *find_section(const char *section, const char **ret_name,
                                          struct config_error *ret_error)
{
        size_t length = strcspn(section, " \t");
        const char *name = section + length + strspn(section + length, " \t");

        *ret_name = name;
        for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
                const struct section *kind = &sections[i];
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

static int fail_key(const struct section *kind, const char *section, const char *key,
                    struct config_error *ret_error)
{
        char quoted_section[QUOTE_SIZE], quoted_key[QUOTE_SIZE];

        (void)config_fail(ret_error, 0, "[%s] %s: no such key; ", quote(quoted_section, section),
                          quote(quoted_key, key));
        for (const struct config_key *known = kind->keys; known->name; known++)
                if (is_typo(key, known->name)) {
                        (void)text_append(ret_error->message, sizeof(ret_error->message), "did you mean %s?",
                                          known->name);
                        return -EINVAL;
                }
        for (const struct config_key *known = kind->keys; known->name; known++)
                (void)text_append(ret_error->message, sizeof(ret_error->message), "%s %s",
                                  known == kind->keys ? "allowed:" : ",", known->name);
        return -EINVAL;
}

static int fail_value(const struct config_key *key, const char *section, const char *value, int code,
                      struct config_error *ret_error)
{
        char quoted_section[QUOTE_SIZE], quoted_value[QUOTE_SIZE], allowed[160];
        bool secret = key->kind == &config_kind_url;

        key->kind->explain(key, allowed, sizeof(allowed));
        if (secret)
                return config_fail(ret_error, code, "[%s] %s: the value %s", quote(quoted_section, section),
                                   key->name, allowed);
        return config_fail(ret_error, code, "[%s] %s: \"%s\" %s", quote(quoted_section, section), key->name,
                           quote(quoted_value, value), allowed);
}

static const struct config_key *find_key(const struct section *kind, const char *key)
{
        for (const struct config_key *known = kind->keys; known->name; known++)
                if (text_equal(known->name, key))
                        return known;
        return NULL;
}

/* Common to opening a section and setting a key in it (key NULL: only open). */
static int apply(struct config *config, const char *section, const char *key, const char *value,
                 struct config_error *ret_error)
{
        const char *name;
        struct place place;
        const struct section *kind = find_section(section, &name, ret_error);
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
            .heartbeat = {.every = 5 * USEC_PER_MIN},
        };
}

void modem_config_init(struct modem_config *modem, const char *name)
{
        *modem = (struct modem_config){
            .match = MATCH_AUTO,
            .profile = "auto",
            .manage = MANAGE_DEVICE,
            .boot_timeout = 90 * USEC_PER_SEC,
        };
        (void)text_copy(modem->name, sizeof(modem->name), name); /* smsd takes no longer name */
}

const struct modem_config *modem_config_prefer(const struct modem_config *best,
                                               const struct modem_config *candidate, const char *usb_path)
{
        if (candidate->match == MATCH_USB)
                return text_equal(candidate->match_value, usb_path) ? candidate : best;
        return candidate->match == MATCH_DEVICE || best ? best : candidate;
}

const char *gateway_mode_to_string(enum gateway_mode mode)
{
        return mode_words[mode];
}

const char *severity_to_string(enum severity severity)
{
        return severity_words[severity];
}
