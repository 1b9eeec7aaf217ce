/*
 * Which sections and keys there are, and where each value goes: the tables behind core/config. What a value
 * may be is a kind of core/config_value; what must fit together is core/config_check.
 */
#include "config_private.h"

#include "base/text.h"
#include "core/ladder.h"

#include <errno.h>
#include <string.h>

static const char *const mode_words[] = {"control", "observe", NULL};
static const char *const control_words[] = {"auto", "systemd", "direct", NULL};
static const char *const hotplug_words[] = {"auto", "udev", "sysfs", NULL};
static const char *const system_bus_words[] = {"auto", "off", NULL};
static const char *const manage_words[] = {"device", "profile", NULL};
static const char *const severity_words[] = {"info", "warning", "critical", NULL};
static const char *const type_words[] = {
    "webhook", "vps-message", "vps-status", "alertmanager", "ntfy", "smtp", "exec", "sms", NULL};

static const char *const usbnet_words[] = {"none", "qmi", "ecm", "mbim", "rndis", NULL};
static const char *const ims_words[] = {"none", "operator", "on", "off", NULL};
static const char *const nwscanmode_words[] = {"none", "auto", "gsm", "wcdma",    "lte", "td-scdma",
                                               "umts", "cdma", "hdr", "cdma-hdr", NULL};
static const char *const boot_timeout_words[] = {"profile", NULL};
static const char *const method_words[] = {"post", "get", NULL};

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
     .max = USEC_PER_HOUR, .words = boot_timeout_words},
    {"pin_imei", &config_kind_imei, FIELD(struct modem_config, pin_imei)},
    {"health_port", &config_kind_health_port, FIELD(struct modem_config, health_port)},
    {"ganged_power", &config_kind_boolean, FIELD(struct modem_config, ganged_power)},
    {NULL},
};

static const struct config_key storage_keys[] = {
    {"cleanup", &config_kind_boolean, FIELD(struct config, storage_cleanup)},
    {NULL},
};

static const struct config_key notify_keys[] = {
    {"type", &config_kind_word_text, FIELD(struct receiver_config, type), .words = type_words},
    {"url", &config_kind_url, FIELD(struct receiver_config, url)},
    {"min_severity", &config_kind_word, FIELD(struct receiver_config, min_severity), .words = severity_words},
    {"match", &config_kind_patterns, FIELD(struct receiver_config, match)},
    {"plain_http", &config_kind_boolean, FIELD(struct receiver_config, plain_http)},
    {"ca_file", &config_kind_path_none, FIELD(struct receiver_config, ca_file)},
    {"url_file", &config_kind_secret_file, FIELD(struct receiver_config, url_file)},
    {"user", &config_kind_text, FIELD(struct receiver_config, user)},
    {"password_file", &config_kind_secret_file, FIELD(struct receiver_config, password_file)},
    {"token_file", &config_kind_secret_file, FIELD(struct receiver_config, token_file)},
    {"template", &config_kind_template, FIELD(struct receiver_config, template_text)},
    {"template_file", &config_kind_path_none, FIELD(struct receiver_config, template_file)},
    {"interface", &config_kind_interface, FIELD(struct receiver_config, interface)},
    {"from", &config_kind_mailbox, FIELD(struct receiver_config, from)},
    {"to", &config_kind_mailboxes, FIELD(struct receiver_config, to)},
    {"budget", &config_kind_number, FIELD(struct receiver_config, budget), .min = 1, .max = 1000},
    {NULL},
};

/* A spool must hold some alerts of full size, or a critical one could not wait beside another. */
static const struct config_key alerts_keys[] = {
    {"spool_files", &config_kind_number, FIELD(struct config, alerts.spool_files), .min = 16, .max = 100000},
    {"spool_size", &config_kind_size, FIELD(struct config, alerts.spool_bytes), .min = UINT64_C(256) << 10,
     .max = UINT64_C(1) << 30},
    {"incoming_unread", &config_kind_number, FIELD(struct config, alerts.incoming_unread), .max = 9999},
    {"modem_timeouts", &config_kind_number, FIELD(struct config, alerts.modem_timeouts), .max = 9999},
    {"sms_after", &config_kind_duration, FIELD(struct config, alerts.sms_after), .min = USEC_PER_SEC,
     .max = USEC_PER_DAY},
    {"state_dir", &config_kind_path, FIELD(struct config, alerts.state_dir)},
    {NULL},
};

static const struct config_key heartbeat_keys[] = {
    {"url", &config_kind_url, FIELD(struct config, heartbeat.url)},
    {"url_file", &config_kind_secret_file, FIELD(struct config, heartbeat.url_file)},
    {"every", &config_kind_duration, FIELD(struct config, heartbeat.every), .min = USEC_PER_SEC,
     .max = USEC_PER_DAY},
    {"method", &config_kind_boolean, FIELD(struct config, heartbeat.get), .words = method_words},
    {"plain_http", &config_kind_boolean, FIELD(struct config, heartbeat.plain_http)},
    {"ca_file", &config_kind_path_none, FIELD(struct config, heartbeat.ca_file)},
    {"token_file", &config_kind_secret_file, FIELD(struct config, heartbeat.token_file)},
    {NULL},
};

static const struct config_key queue_keys[] = {
    {"retry_failed", &config_kind_number, FIELD(struct config, retry_failed), .max = 10},
    {NULL},
};

static const struct config_key provision_keys[] = {
    {"apn", &config_kind_apn, FIELD(struct config, provision.config.apn)},
    {"usbnet", &config_kind_choice, FIELD(struct config, provision.config.usbnet), .words = usbnet_words},
    {"ims", &config_kind_choice, FIELD(struct config, provision.config.ims), .words = ims_words},
    {"nwscanmode", &config_kind_choice, FIELD(struct config, provision.config.nwscanmode),
     .words = nwscanmode_words},
    {"cnmi", &config_kind_cnmi, FIELD(struct config, provision.config.cnmi)},
    {"cpms", &config_kind_cpms, FIELD(struct config, provision.config.cpms)},
    {"reset", &config_kind_boolean, FIELD(struct config, provision.reset)},
    {NULL},
};

static const struct config_key recovery_keys[] = {
    {"automatic", &config_kind_boolean, FIELD(struct config, recovery.automatic)},
    {"silent_after", &config_kind_duration, FIELD(struct config, recovery.silent_after),
     .min = 5 * USEC_PER_SEC, .max = USEC_PER_HOUR},
    {"resets_per_hour", &config_kind_number, FIELD(struct config, recovery.resets_per_hour),
     .max = LADDER_BUDGET_MAX},
    {"resets_per_day", &config_kind_number, FIELD(struct config, recovery.resets_per_day),
     .max = LADDER_BUDGET_MAX},
    {"route_resets_per_hour", &config_kind_number, FIELD(struct config, recovery.route_resets_per_hour),
     .max = LADDER_BUDGET_MAX},
    {"route_resets_per_day", &config_kind_number, FIELD(struct config, recovery.route_resets_per_day),
     .max = LADDER_BUDGET_MAX},
    {"smsd_stops_per_hour", &config_kind_number, FIELD(struct config, recovery.stops_per_hour),
     .max = LADDER_BUDGET_MAX},
    {"smsd_stops_per_day", &config_kind_number, FIELD(struct config, recovery.stops_per_day),
     .max = LADDER_BUDGET_MAX},
    {"power_command", &config_kind_path_none, FIELD(struct config, recovery.power_command)},
    {NULL},
};

static int place_plain(struct config *config, const char *name, struct config_place *ret_place)
{
        (void)name;
        *ret_place = (struct config_place){.object = config, .size = sizeof(*config)};
        return 0;
}

static int place_modem(struct config *config, const char *name, struct config_place *ret_place)
{
        unsigned i = 0;

        while (i < config->n_modems && !text_equal(config->modems[i].name, name))
                i++;
        if (i == SMSD_MODEMS_MAX)
                return -E2BIG;
        *ret_place = (struct config_place){.object = &config->modems[i], .size = sizeof(config->modems[i])};
        if (i == config->n_modems) {
                modem_config_init(&config->modems[i], name);
                ret_place->count = &config->n_modems;
        }
        return 0;
}

static int place_receiver(struct config *config, const char *name, struct config_place *ret_place)
{
        unsigned i = 0;

        while (i < config->n_receivers && !text_equal(config->receivers[i].name, name))
                i++;
        if (i == CONFIG_RECEIVERS_MAX)
                return -E2BIG;
        struct receiver_config *receiver = &config->receivers[i];
        *ret_place = (struct config_place){.object = receiver, .size = sizeof(*receiver)};
        if (i == config->n_receivers) {
                receiver_config_init(receiver, name);
                ret_place->count = &config->n_receivers;
        }
        return 0;
}

const struct config_section config_sections[] = {
    {"gateway", 0, 1, place_plain, gateway_keys},
    {"hold", 0, 1, place_plain, hold_keys},
    {"restart", 0, 1, place_plain, restart_keys},
    {"modem", SMSD_MODEM_NAME_MAX, SMSD_MODEMS_MAX, place_modem, modem_keys},
    {"storage", 0, 1, place_plain, storage_keys},
    {"notify", sizeof(((struct receiver_config *)NULL)->name), CONFIG_RECEIVERS_MAX, place_receiver,
     notify_keys},
    {"alerts", 0, 1, place_plain, alerts_keys},
    {"heartbeat", 0, 1, place_plain, heartbeat_keys},
    {"queue", 0, 1, place_plain, queue_keys},
    {"provision", 0, 1, place_plain, provision_keys},
    {"recovery", 0, 1, place_plain, recovery_keys},
    {NULL},
};

const char *gateway_mode_to_string(enum gateway_mode mode)
{
        return mode_words[mode];
}

const char *severity_to_string(enum severity severity)
{
        return severity_words[severity];
}

int severity_from_string(const char *word, size_t length, enum severity *ret_severity)
{
        for (enum severity severity = SEVERITY_INFO; severity <= SEVERITY_CRITICAL; severity++) {
                const char *name = severity_to_string(severity);
                if (strlen(name) == length && memcmp(name, word, length) == 0) {
                        *ret_severity = severity;
                        return 0;
                }
        }
        return -EINVAL;
}

bool receiver_is_sms(const struct receiver_config *receiver)
{
        return text_equal(receiver->type, "sms");
}
