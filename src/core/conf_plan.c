/*
 * The wanted smsd.conf, see core/conf_plan.h.
 */
#include "core/conf_plan.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

#define CHANGES_MAX  512
#define PARKED_SPACE (SMSD_MODEM_NAME_MAX + 32)

struct plan {
        unsigned n;
        struct smsd_conf_change changes[CHANGES_MAX];
        char parked[SMSD_MODEMS_MAX][PARKED_SPACE];
};

static void add_change(struct plan *plan, const char *modem, const char *key, const char *value)
{
        if (plan->n < CHANGES_MAX)
                plan->changes[plan->n++] =
                    (struct smsd_conf_change){.modem = modem, .key = key, .value = value};
}

static bool is_set(const struct smsd_conf *conf, const char *modem, const char *key)
{
        char value[16];
        int r = smsd_conf_get(conf, modem, key, value, sizeof(value));

        return r == 0 || r == -ENAMETOOLONG;
}

static void plan_profile(struct plan *plan, const struct smsd_conf *conf, const struct slot *slot,
                         const struct modem *modem)
{
        for (unsigned i = 0; modem->profile && i < modem->profile->n_settings; i++)
                add_change(plan, slot->config.name, modem->profile->settings[i].key,
                           modem->profile->settings[i].value);
        if (!is_set(conf, NULL, "logfile"))
                add_change(plan, NULL, "logfile", "/var/log/smstools/smsd.log");
        if (!is_set(conf, NULL, "loglevel"))
                add_change(plan, NULL, "loglevel", "5");
}

/* Does another slot get the device that smsd.conf names for this one, by whichever name? smsd refuses two
 * modems on one device. */
static bool collides(const struct slots *slots, const struct modem *modems, const struct slot *slot,
                     const char *device)
{
        for (unsigned i = 0; i < slots->n; i++) {
                const struct slot *other = &slots->items[i];
                if (other != slot && slot_startable(other, modems) &&
                    (text_equal(modems[other->modem].node, device) ||
                     text_equal(modems[other->modem].target, device)))
                        return true;
        }
        return false;
}

static void plan_slot(struct plan *plan, const struct smsd_conf *conf, const struct slots *slots,
                      const struct modem *modems, unsigned i)
{
        const struct slot *slot = &slots->items[i];
        char device[DEVICE_NODE_MAX] = "";

        if (slot_startable(slot, modems)) {
                add_change(plan, slot->config.name, "device", modems[slot->modem].node);
                if (slot->config.manage == MANAGE_PROFILE)
                        plan_profile(plan, conf, slot, &modems[slot->modem]);
                return;
        }
        bool known = smsd_conf_get(conf, slot->config.name, "device", device, sizeof(device)) == 0;
        bool guarded = slot_guard(slot, modems) != GUARD_NONE || slot->wary;
        if (!guarded && !(known && collides(slots, modems, slot, device)))
                return;
        (void)text_format(plan->parked[i], PARKED_SPACE, "/dev/smswarden/%s-parked", slot->config.name);
        add_change(plan, slot->config.name, "device", plan->parked[i]);
}

static bool is_named(const char names[][SMSD_MODEM_NAME_MAX], int n, const char *name)
{
        for (int i = 0; i < n; i++)
                if (text_equal(names[i], name))
                        return true;
        return false;
}

int conf_plan_edit(const struct smsd_conf *conf, const struct slots *slots, const struct modem *modems,
                   char **ret_text, size_t *ret_length, struct smsd_conf_error *ret_error)
{
        char names[SMSD_MODEMS_MAX][SMSD_MODEM_NAME_MAX];
        struct plan *plan = calloc(1, sizeof(*plan));
        int n_names = smsd_conf_modems(conf, names, SMSD_MODEMS_MAX);

        if (!plan)
                return -ENOMEM;
        for (unsigned i = 0; i < slots->n; i++)
                if (is_named(names, n_names, slots->items[i].config.name))
                        plan_slot(plan, conf, slots, modems, i);
        int r = plan->n ? smsd_conf_edit(conf, plan->changes, plan->n, ret_text, ret_length, ret_error) : 0;
        free(plan);
        return r;
}

/* How often smsd polls this modem for messages: every `delaytime` seconds (10 by default), when `incoming` is
 * on. */
static usec_t poll_interval(const struct smsd_conf *conf, const char *modem)
{
        char incoming[16] = "no", delay[16] = "";
        bool polls = true;
        unsigned seconds = 10;

        (void)smsd_conf_get(conf, modem, "incoming", incoming, sizeof(incoming));
        if (parse_boolean(incoming, &polls) == 0 && !polls)
                return 0;
        if (smsd_conf_get(conf, modem, "delaytime", delay, sizeof(delay)) < 0)
                (void)smsd_conf_get(conf, NULL, "delaytime", delay, sizeof(delay));
        (void)parse_unsigned(delay, 0, 24 * 60 * 60,
                             &seconds); /* what smsd refuses stays at its default here */
        return seconds * USEC_PER_SEC;
}

/* Tells one PIN from another; 0 stands for none. */
static uint64_t hash_pin(const char *pin)
{
        uint64_t hash = text_hash(pin, strlen(pin));

        return hash ? hash : 1;
}

/* check_memory_method 2 and up list all messages at once, which marks all of them as read. */
static bool lists_messages(const struct smsd_conf *conf, const char *modem)
{
        char method[16] = "1";

        (void)smsd_conf_get(conf, modem, "check_memory_method", method, sizeof(method));
        return !text_equal(method, "0") && !text_equal(method, "1");
}

void conf_plan_learn(const struct smsd_conf *conf, struct slots *slots)
{
        for (unsigned i = 0; i < slots->n; i++) {
                struct slot *slot = &slots->items[i];
                char pin[32] = "";
                if (smsd_conf_get(conf, slot->config.name, "device", slot->conf_device,
                                  sizeof(slot->conf_device)) < 0)
                        slot->conf_device[0] = '\0';
                slot->has_pin = smsd_conf_get(conf, slot->config.name, "pin", pin, sizeof(pin)) == 0 &&
                                pin[0] && !text_equal_nocase(pin, "ignore");
                slot->poll_interval = poll_interval(conf, slot->config.name);
                slot->lists_messages = lists_messages(conf, slot->config.name);
                slot->pin = slot->has_pin ? hash_pin(pin) : 0;
        }
}
