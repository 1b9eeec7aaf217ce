/*
 * Devices into modems, modems into slots, and what is remembered of a slot. Nothing here starts or stops
 * smsd.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <string.h>

#define OPENING_TIME (3 * USEC_PER_SEC) /* after smsd's start: its handlers have opened what is there */

static int find_modem(const struct gateway *gateway, const char *usb_path)
{
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (modem_present(&gateway->modems[i]) && !gateway->modems[i].fixed &&
                    text_equal(gateway->modems[i].device.path, usb_path))
                        return (int)i;
        return -1;
}

/* A place for a modem that just came: the one it had before, so that what is known of it can be compared,
 * else any empty one. */
static int place_for(struct gateway *gateway, const char *usb_path)
{
        int empty = -1;

        for (unsigned i = 0; i < gateway->n_modems; i++) {
                if (modem_present(&gateway->modems[i]))
                        continue;
                if (text_equal(gateway->modems[i].device.path, usb_path))
                        return (int)i;
                if (empty < 0)
                        empty = (int)i;
        }
        if (empty < 0 && gateway->n_modems < MODEMS_MAX)
                empty = (int)gateway->n_modems++;
        return empty;
}

/* Before anything is known of its SIM. */
static const struct modem_config *settings_for_usb(const struct gateway *gateway, const char *usb_path)
{
        const struct modem_config *best = NULL;

        for (unsigned i = 0; i < gateway->slots.n; i++)
                best = modem_config_prefer(best, &gateway->slots.items[i].config, usb_path);
        return best;
}

static const struct modem_config *settings_for_node(const struct gateway *gateway, const char *node)
{
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct modem_config *config = &gateway->slots.items[i].config;
                if (config->match == MATCH_DEVICE && text_equal(config->match_value, node))
                        return config;
        }
        return NULL;
}

static const struct profile *profile_of(const struct gateway *gateway, const struct modem_config *settings,
                                        const struct usb_device *device)
{
        return profile_choose(gateway->config.profiles, settings ? settings->profile : "auto", device);
}

/* A fixed node has no USB ids: only the configuration can tell what it is. */
static const struct profile *profile_of_node(const struct gateway *gateway,
                                             const struct modem_config *settings)
{
        return settings ? profile_by_name(gateway->config.profiles, settings->profile) : NULL;
}

void gateway_choose_profiles(struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->n_modems; i++) {
                struct modem *modem = &gateway->modems[i];
                if (modem->fixed)
                        modem->profile = profile_of_node(gateway, settings_for_node(gateway, modem->node));
                else
                        modem->profile = profile_of(gateway, settings_for_usb(gateway, modem->device.path),
                                                    &modem->device);
        }
}

static void tell_refusal(const struct modem *modem, struct action_list *actions)
{
        char model[2 * USB_STRING_MAX];

        (void)text_escape(model, sizeof(model), modem->device.model, strlen(modem->device.model));
        action_record(actions, RECORD_MODEM_REFUSED, SEVERITY_WARNING, NULL,
                      "the USB device %s (%04x:%04x %s) is not used: %s", modem->device.path,
                      modem->device.vendor, modem->device.product, model, modem->reason);
}

void gateway_device(struct gateway *gateway, const struct usb_device *device, struct action_list *actions)
{
        int i = find_modem(gateway, device->path);
        const struct modem_config *settings = settings_for_usb(gateway, device->path);
        const struct profile *profile = profile_of(gateway, settings, device);
        struct port_map map;

        port_map_device(device, profile, &map);
        if (map.result == PORT_MAP_NO_PROFILE)
                return; /* a keyboard, a disk, another serial adapter */
        if (i < 0)
                i = place_for(gateway, device->path);
        if (i < 0)
                return;
        struct modem *modem = &gateway->modems[i];
        bool before = modem_present(modem), refused_before = modem->state == MODEM_FAILED;
        gateway->reported[i] = true;
        modem_device(modem, (unsigned)i, device, profile, config_boot_timeout(settings, profile),
                     gateway->now, actions);
        /* What a device is can become clear with a later event: the tree is read while it changes. */
        if (modem->state == MODEM_FAILED && !refused_before)
                tell_refusal(modem, actions);
        modem->told = modem->told || modem->state == MODEM_FAILED;
        if (!before && gateway->enumerated && gateway->cause == CAUSE_BOOT)
                gateway->cause = CAUSE_PLUG;
        if (!before && gateway->enumerated && modem->state != MODEM_FAILED)
                action_record(actions, RECORD_MODEM_PLUGGED, SEVERITY_INFO, NULL,
                              "a modem was plugged in at USB %s (%04x:%04x)", device->path, device->vendor,
                              device->product);
}

static void leave(struct gateway *gateway, unsigned i, struct action_list *actions)
{
        struct slot *slot = slots_of_modem(&gateway->slots, i);
        const char *reason =
            slot && gateway_recovery_expects_absence(gateway, slot->config.name) ? ": it is being reset" : "";

        if (slot && gateway_slot_has_handler(gateway, slot))
                gateway_modem_crashed(gateway, slot, actions);
        if (slot)
                gateway_setup_left(gateway, slot, actions);
        modem_gone(&gateway->modems[i], i, actions);
        if (reason[0] == '\0' && slot && gateway->now < slot->away_until)
                reason = ": it restarts after it was set up";
        action_record(
            actions, RECORD_MODEM_LEFT, slot && reason[0] == '\0' ? SEVERITY_WARNING : SEVERITY_INFO,
            slot ? slot->config.name : NULL, "the modem at %s %s left%s",
            gateway->modems[i].fixed ? "node" : "USB",
            gateway->modems[i].fixed ? gateway->modems[i].node : gateway->modems[i].device.path, reason);
        /* Which handler sits on a dead tty now is what /proc says, not what we remember. */
        if (gateway->smsd.running)
                action_push(actions, ACTION_SCAN);
}

void gateway_device_gone(struct gateway *gateway, const char *usb_path, struct action_list *actions)
{
        int i = find_modem(gateway, usb_path);

        if (i >= 0)
                leave(gateway, (unsigned)i, actions);
}

void gateway_enumerated(struct gateway *gateway, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->n_modems; i++) {
                struct modem *modem = &gateway->modems[i];
                if (modem_present(modem) && !modem->fixed && !gateway->reported[i])
                        leave(gateway, i, actions);
                gateway->reported[i] = false;
        }
        gateway->enumerated = true;
}

static int find_node(const struct gateway *gateway, const char *path)
{
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (gateway->modems[i].fixed && text_equal(gateway->modems[i].node, path))
                        return (int)i;
        return -1;
}

void gateway_node(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        int i = find_node(gateway, event->node.path);
        const struct modem_config *settings = settings_for_node(gateway, event->node.path);

        if (!event->node.present) {
                if (i >= 0 && modem_present(&gateway->modems[i]))
                        leave(gateway, (unsigned)i, actions);
                return;
        }
        if (i < 0)
                i = place_for(gateway, "");
        if (i < 0)
                return;
        const struct profile *profile = profile_of_node(gateway, settings);
        modem_node(&gateway->modems[i], (unsigned)i, event->node.path, event->node.target,
                   config_boot_timeout(settings, profile), gateway->now, actions);
        gateway->modems[i].profile = profile;
}

/* --- probing and binding --- */

static bool handler_without_port(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++)
                if (gateway->smsd.handlers[i].last[0] == '\0')
                        return true;
        return false;
}

/* Does smsd.conf name this modem for the slot, by its stable name or its number? */
static bool is_named(const struct slot *slot, const struct modem *modem)
{
        const char *device = slot->conf_device;

        return device[0] && (text_equal(device, modem->node) || text_equal(device, modem->target));
}

/*
 * May smsd open this port any moment? A fresh handler opens at once what is there, and nobody else may touch
 * a port meanwhile; one whose device is missing tries again much later, but that device only.
 */
static bool handler_may_open(const struct gateway *gateway, const struct modem *modem)
{
        if (!gateway->smsd.running || !handler_without_port(gateway))
                return false;
        if (gateway->now < usec_add(gateway->smsd.since, OPENING_TIME))
                return true;
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                if (is_named(&gateway->slots.items[i], modem))
                        return true;
        }
        return false;
}

bool gateway_may_probe(const struct gateway *gateway, const struct modem *modem)
{
        if (!gateway->conf_known || !gateway->smsd.scanned || !gateway->enumerated || gateway->hold.active)
                return false;
        if (gateway->unit.stopping || gateway_waits_for_unit(gateway))
                return false;
        if (restart_busy(&gateway->restart) || gateway->smsd.n_strays > 0 ||
            gateway_recovery_owns(gateway, (unsigned)(modem - gateway->modems)))
                return false;
        bool just_adopted = gateway->settling && gateway->smsd.running;
        return !just_adopted && !handler_may_open(gateway, modem);
}

/* An smsd that we did not start had the port before we could ask: who the modem is, its handler has said. */
static void learn_from_handler(struct slots *slots, struct slot *slot, struct modem *modem)
{
        if (slot->serving[0] == '\0')
                slots_set_serving(slots, slot, modem->target);
        if (slot->heard_imei[0] && modem->facts.imei[0] == '\0')
                (void)text_copy(modem->facts.imei, sizeof(modem->facts.imei), slot->heard_imei);
        if (slot->heard_imsi[0] && modem->facts.imei[0] && modem->facts.imsi[0] == '\0')
                (void)text_copy(modem->facts.imsi, sizeof(modem->facts.imsi), slot->heard_imsi);
        slot->heard_imei[0] = slot->heard_imsi[0] = '\0';
}

/* A running smsd tells who sits where: its handler for a section holds the device that smsd.conf names there.
 */
static void learn_from_smsd(struct gateway *gateway)
{
        for (unsigned s = 0; s < gateway->slots.n; s++) {
                struct slot *slot = &gateway->slots.items[s];
                for (unsigned i = 0; i < gateway->n_modems; i++) {
                        struct modem *modem = &gateway->modems[i];
                        if (modem_present(modem) && is_named(slot, modem) &&
                            smsd_state_handler_on(&gateway->smsd, modem->target)) {
                                learn_from_handler(&gateway->slots, slot, modem);
                                break;
                        }
                }
        }
}

static void tell_readiness(struct gateway *gateway, unsigned i, struct action_list *actions)
{
        struct modem *modem = &gateway->modems[i];
        const struct slot *slot = slots_of_modem(&gateway->slots, i);

        if (modem->told || !(modem_usable(modem) || modem->state == MODEM_FAILED))
                return;
        modem->told = true;
        bool ready = modem->state == MODEM_READY;
        action_record(actions, ready ? RECORD_MODEM_READY : RECORD_MODEM_UNUSABLE,
                      ready ? SEVERITY_INFO : SEVERITY_WARNING, slot ? slot->config.name : NULL,
                      "the modem on %s (%s) is %s%s%s", modem->node,
                      modem->facts.model[0] ? modem->facts.model : "model not asked",
                      modem_state_to_string(modem->state), modem->reason[0] ? ": " : "", modem->reason);
}

void gateway_drive_modems(struct gateway *gateway, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->n_modems; i++) {
                struct modem *modem = &gateway->modems[i];
                if (!modem_present(modem) || !gateway->smsd.scanned)
                        continue;
                modem_drive(modem, i, gateway_may_probe(gateway, modem),
                            smsd_state_holds(&gateway->smsd, modem->target), gateway->now, actions);
        }
        learn_from_smsd(gateway);
        (void)slots_bind(&gateway->slots, gateway->modems, gateway->n_modems);
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (modem_present(&gateway->modems[i]))
                        tell_readiness(gateway, i, actions);
}
