/*
 * What a recovery does to a modem: AT+CFUN, its USB device switched off and on, and what the controller keeps
 * of that over its own end.
 */
#include "world.h"

#include "base/text.h"

#include <errno.h>

#define FAULT_PERCENT 8 /* of the switches do not work */

static int find_modem(const struct world *world, const char *path)
{
        for (unsigned m = 0; m < world->n_modems; m++)
                if (text_equal(world->modems[m].path, path))
                        return (int)m;
        return -1;
}

/* --- AT+CFUN */

void power_cfun(struct world *world, unsigned modem, const char *command)
{
        struct world_modem *m = &world->modems[modem];

        if (text_equal(command, "AT+CFUN=1,1")) {
                promises_reset(world, modem);
                world_plan(world, 500 * USEC_PER_MSEC, HAPPENS_LEAVE, modem, m->plug);
        } else if (text_equal(command, "AT+CFUN=1")) {
                m->unlocked = false;
                m->busy_until = usec_max(m->busy_until, world->now + 3 * USEC_PER_SEC);
        }
}

void power_leave(struct world *world, unsigned modem, unsigned plug)
{
        struct world_modem *m = &world->modems[modem];

        if (!m->plugged || m->plug != plug)
                return;
        modem_unplug(world, modem);
        world_plan(world, world_chance(world, 10 * USEC_PER_SEC, 30 * USEC_PER_SEC), HAPPENS_REPLUG, modem,
                   0);
}

/* --- switches */

void power_look(struct world *world, const char *path)
{
        struct event *event = controller_event(world, EVENT_RECOVERY_SEEN);
        int modem = find_modem(world, path);

        event->recovery_seen = (struct recovery_seen_event){.switchable = world->switchable};
        (void)text_copy(event->recovery_seen.path, sizeof(event->recovery_seen.path), path);
        if (modem >= 0) {
                event->recovery_seen.present = world->modems[modem].plugged || world->modems[modem].off;
                event->recovery_seen.default_route = world->route == modem && world->modems[modem].plugged;
        }
        controller_post(world, event, CHANNEL_RESULTS, world_chance(world, 200, 3000));
}

static bool is_on(enum usb_switch what)
{
        return what == USB_SWITCH_AUTHORIZE_ON || what == USB_SWITCH_PORT_ON || what == USB_SWITCH_COMMAND_ON;
}

static int switch_modem(struct world *world, int modem, enum usb_switch what)
{
        struct world_modem *m = modem >= 0 ? &world->modems[modem] : NULL;

        if (!m || (what == USB_SWITCH_AUTHORIZE_OFF && !m->plugged))
                return -ENODEV;
        if (world_percent(world, FAULT_PERCENT))
                return -EIO;
        if (is_on(what)) {
                m->off = false;
                if (m->inserted)
                        modem_plug(world, (unsigned)modem);
                return 0;
        }
        promises_reset(world, (unsigned)modem);
        bool inserted = m->plugged || m->inserted;
        modem_unplug(world, (unsigned)modem);
        m->off = true;
        m->off_since = world->now;
        m->inserted = inserted;
        return 0;
}

void power_switch(struct world *world, const struct action *action)
{
        struct event *event = controller_event(world, EVENT_USB_SWITCHED);

        event->switched.token = action->usb_switch.token;
        event->switched.result =
            switch_modem(world, find_modem(world, action->usb_switch.path), action->usb_switch.what);
        world_trace(world, "%s %s: %d", usb_switch_to_string(action->usb_switch.what),
                    action->usb_switch.path, event->switched.result);
        controller_post(world, event, CHANNEL_RESULTS,
                        world_chance(world, 20 * USEC_PER_MSEC, 2 * USEC_PER_SEC));
}

/* --- memory */

void power_save(struct world *world, const struct recovery_record *record)
{
        struct world_files *files = &world->files;

        if (world->now < files->disk_full_until) {
                world->promises.resets_forgotten = true;
                return;
        }
        for (unsigned i = 0; i < files->n_recoveries; i++)
                if (text_equal(files->recoveries[i].name, record->name)) {
                        files->recoveries[i] = *record;
                        return;
                }
        if (files->n_recoveries < WORLD_SLOTS)
                files->recoveries[files->n_recoveries++] = *record;
}

/* Another boot: what the kernel switched is on again, times mean nothing. */
void power_rebooted(struct world *world)
{
        struct world_files *files = &world->files;

        for (unsigned i = 0; i < files->n_recoveries; i++)
                files->recoveries[i].memory = (struct ladder_memory){0};
        for (unsigned m = 0; m < world->n_modems; m++) {
                world->modems[m].off = false;
                world->modems[m].n_resets = 0;
                if (world->modems[m].inserted)
                        modem_plug(world, m);
        }
}
