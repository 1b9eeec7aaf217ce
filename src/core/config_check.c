/*
 * What only the whole configuration can show, see config_check in core/config.h.
 */
#include "config_private.h"

#include "base/parse.h"
#include "base/text.h"
#include "core/profile.h"

#include <errno.h>

static int check_hold(const struct config *config, struct config_error *ret_error)
{
        char standard[32], maximum[32];

        if (config->hold_default <= config->hold_maximum)
                return 0;
        format_duration(standard, sizeof(standard), config->hold_default);
        format_duration(maximum, sizeof(maximum), config->hold_maximum);
        return config_fail(
            ret_error, -EINVAL,
            "[hold] default: %s is longer than [hold] maximum, %s; lower one or raise the other", standard,
            maximum);
}

static int check_paths(const struct config *config, struct config_error *ret_error)
{
        const struct {
                const char *key, *path;
        } paths[] = {{"smsd", config->smsd},
                     {"smsd_conf", config->smsd_conf},
                     {"runtime_dir", config->runtime_dir},
                     {"state_dir", config->state_dir}};

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (paths[i].path[0] != '/')
                        return config_fail(ret_error, -EINVAL, "[gateway] %s: must be an absolute path",
                                           paths[i].key);
        if (config->legacy_flag[0] != '\0' && config->legacy_flag[0] != '/')
                return config_fail(ret_error, -EINVAL,
                                   "[hold] legacy_flag: must be an absolute path or none");
        if (text_equal(config->runtime_dir, config->state_dir))
                return config_fail(ret_error, -EINVAL,
                                   "[gateway] runtime_dir: must not be state_dir: one is emptied at boot, "
                                   "the other is kept");
        return 0;
}

static bool same_match(const struct modem_config *a, const struct modem_config *b)
{
        return a->match != MATCH_AUTO && a->match == b->match && text_equal(a->match_value, b->match_value);
}

/* Which of them a device is cannot be seen from outside. */
static bool names_no_place(const struct modem_config *modem)
{
        return modem->match != MATCH_USB && modem->match != MATCH_DEVICE;
}

static const struct modem_config *other_without_place(const struct config *config,
                                                      const struct modem_config *modem)
{
        for (unsigned i = 0; i < config->n_modems; i++)
                if (&config->modems[i] != modem && names_no_place(&config->modems[i]))
                        return &config->modems[i];
        return NULL;
}

/* udev makes the link when the port comes: long before the modem can be asked who it is. */
static int check_link(const struct config *config, const struct modem_config *modem,
                      struct config_error *ret_error)
{
        const struct modem_config *other = other_without_place(config, modem);

        if (modem->link[0] == '\0' || modem->match == MATCH_USB)
                return 0;
        if (modem->match == MATCH_DEVICE)
                return config_fail(ret_error, -EINVAL,
                                   "[modem %s] link: a device= has its name already; remove one of the two",
                                   modem->name);
        if (modem->match != MATCH_AUTO)
                return config_fail(ret_error, -EINVAL,
                                   "[modem %s] link: an IMEI or IMSI is not known when the link is made; "
                                   "write match = usb=... instead, or auto for the only modem",
                                   modem->name);
        if (other)
                return config_fail(
                    ret_error, -EINVAL,
                    "[modem %s] link: it could be the modem of [modem %s] as well; write match "
                    "= usb=... to both",
                    modem->name, other->name);
        return 0;
}

static int check_links(const struct config *config, struct config_error *ret_error)
{
        for (unsigned i = 0; i < config->n_modems; i++) {
                const struct modem_config *modem = &config->modems[i];
                int r = check_link(config, modem, ret_error);
                if (r < 0)
                        return r;
                for (unsigned j = 0; j < i; j++)
                        if (modem->link[0] && text_equal(modem->link, config->modems[j].link))
                                return config_fail(ret_error, -EINVAL,
                                                   "[modem %s] link: is the same as that of [modem %s]",
                                                   modem->name, config->modems[j].name);
        }
        return 0;
}

static int check_modems(const struct config *config, struct config_error *ret_error)
{
        for (unsigned i = 0; i < config->n_modems; i++)
                for (unsigned j = 0; j < i; j++)
                        if (same_match(&config->modems[i], &config->modems[j]))
                                return config_fail(ret_error, -EINVAL,
                                                   "[modem %s] match: is the same as that of [modem %s]; one "
                                                   "modem feeds one section",
                                                   config->modems[i].name, config->modems[j].name);
        return 0;
}

static void tell_profiles(const struct profile_table *table, struct config_error *error)
{
        const struct profile *profile;

        for (size_t i = 0; (profile = profile_at(table, i)); i++)
                if (text_append(error->message, sizeof(error->message), ", %s", profile->name) < 0)
                        return;
}

int config_check_profiles(const struct config *config, struct config_error *ret_error)
{
        for (unsigned i = 0; i < config->n_modems; i++) {
                const struct modem_config *modem = &config->modems[i];
                if (text_equal(modem->profile, "auto") || profile_by_name(config->profiles, modem->profile))
                        continue;
                (void)config_fail(ret_error, 0, "[modem %s] profile: \"%s\" is not known; allowed: auto",
                                  modem->name, modem->profile);
                tell_profiles(config->profiles, ret_error);
                return -EINVAL;
        }
        return 0;
}

usec_t config_boot_timeout(const struct modem_config *modem, const struct profile *profile)
{
        if (modem && modem->boot_timeout > 0)
                return modem->boot_timeout;
        return profile && profile->boot_timeout > 0 ? profile->boot_timeout : 90 * USEC_PER_SEC;
}

int config_check(const struct config *config, struct config_error *ret_error)
{
        static int (*const checks[])(const struct config *, struct config_error *) = {check_hold,
                                                                                      check_paths,
                                                                                      check_modems,
                                                                                      check_links,
                                                                                      config_check_receivers,
                                                                                      config_check_alerts,
                                                                                      config_check_heartbeat,
                                                                                      config_check_identity};

        for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
                int r = checks[i](config, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}
