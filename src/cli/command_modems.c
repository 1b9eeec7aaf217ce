/*
 * `smswarden modems`: every modem (and everything that has a tty) that is plugged in, its ports with their
 * roles, who has them open, and what the controller made of it. Looks only.
 */
#include "cli.h"
#include "collect.h"
#include "plugged.h"
#include "screen.h"

#include "adapters/port_holder.h"
#include "base/text.h"

#include <string.h>

static const struct snapshot_modem *find_by_path(const struct snapshot *s, const char *usb_path)
{
        for (unsigned i = 0; i < s->n_modems; i++)
                if (text_equal(s->modems[i].usb, usb_path))
                        return &s->modems[i];
        for (unsigned i = 0; i < s->n_others; i++)
                if (text_equal(s->others[i].usb, usb_path))
                        return &s->others[i];
        return NULL;
}

/* What the controller made of it; without one, what the ports say. */
static void print_decision(struct screen *screen, const struct plugged_device *device,
                           const struct snapshot *s)
{
        const struct snapshot_modem *modem = find_by_path(s, device->usb.path);
        bool good = modem && text_equal(modem->state, "ready");

        if (modem && modem->name[0])
                screen_format(screen, "  taken", good ? SCREEN_GOOD : SCREEN_WARNING, "for %s: %s%s%s",
                              modem->name, modem->state, modem->reason[0] ? ", " : "", modem->reason);
        else if (device->map.result != PORT_MAP_OK)
                screen_value(screen, "  not taken", SCREEN_WARNING,
                             port_map_result_to_string(device->map.result));
        else if (modem)
                screen_format(screen, "  not taken", SCREEN_WARNING, "%s, %s", modem->state,
                              modem->reason[0] ? modem->reason : "no slot of smsd.conf is free for it");
        else
                screen_format(screen, "  known as", SCREEN_PLAIN, "%s",
                              device->profile ? device->profile->name : "?");
}

static void print_port(struct screen *screen, const struct plugged_device *device, unsigned i)
{
        const struct usb_interface *port = &device->usb.interfaces[i];
        const char *role = port_role_to_string(device->map.roles[i]);
        struct port_holder holder;
        char held[160] = "", label[32];

        if (port->node[0] == '\0' && device->map.at != (int)i)
                return;
        if (port->node[0] && port_holder_find(port->node, &holder) == 0)
                (void)text_format(held, sizeof(held), ", open by %s (pid %d%s%s)", holder.command,
                                  (int)holder.id.pid, holder.unit[0] ? ", " : "", holder.unit);
        (void)text_format(label, sizeof(label), "  port %u", port->number);
        screen_format(screen, label, SCREEN_PLAIN, "%-14s %s%s", port->node[0] ? port->node : "(no tty yet)",
                      role, held);
}

static void print_device(struct screen *screen, const struct plugged_device *device, const struct snapshot *s)
{
        char maker[USB_STRING_MAX], model[USB_STRING_MAX];

        text_sanitize(maker, sizeof(maker), device->usb.manufacturer, strlen(device->usb.manufacturer));
        text_sanitize(model, sizeof(model), device->usb.model, strlen(device->usb.model));
        screen_format(screen, device->usb.path, SCREEN_PLAIN, "%04x:%04x  %s%s%s", device->usb.vendor,
                      device->usb.product, maker, maker[0] ? " " : "", model);
        print_decision(screen, device, s);
        for (unsigned i = 0; i < device->usb.n_interfaces; i++)
                print_port(screen, device, i);
}

/* Slots whose modem is no USB device, or is not there. */
static void print_rest(struct screen *screen, const struct plugged *plugged, const struct snapshot *s)
{
        for (unsigned i = 0; i < s->n_modems; i++) {
                const struct snapshot_modem *modem = &s->modems[i];
                if (modem->usb[0] && plugged_find(plugged, modem->usb))
                        continue;
                screen_format(screen, modem->name,
                              text_equal(modem->state, "ready") ? SCREEN_GOOD : SCREEN_WARNING, "%s%s%s%s%s",
                              modem->state, modem->device[0] ? ", " : "", modem->device,
                              modem->reason[0] ? ", " : "", modem->reason);
        }
}

static void print_all(const struct plugged *plugged, const struct snapshot *s)
{
        struct screen screen = screen_of_stdout();

        if (!s->controller.running)
                screen_format(&screen, "note", SCREEN_WARNING,
                              "%s: what would be taken is not known, only what is there", s->reason);
        if (plugged->n == 0)
                screen_value(&screen, "usb", SCREEN_WARNING,
                             "no modem and no other device with a tty is plugged in");
        for (unsigned i = 0; i < plugged->n; i++)
                print_device(&screen, &plugged->devices[i], s);
        if (plugged->truncated)
                screen_value(&screen, "", SCREEN_WARNING, "... and more");
        print_rest(&screen, plugged, s);
}

int command_modems(struct cli *cli)
{
        _cleanup_free_ struct plugged *plugged = calloc(1, sizeof(*plugged));
        _cleanup_free_ struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        int r = plugged && snapshot ? plugged_look(&cli->config, plugged) : -ENOMEM;

        if (r < 0) {
                cli_complain("modems: cannot see what is plugged in: %s", strerror(-r));
                return EXIT_FAILED;
        }
        r = collect_connect(&client, &cli->config);
        if (r >= 0)
                r = control_client_snapshot(client, COLLECT_TIMEOUT, snapshot);
        if (r < 0) {
                snapshot_init(snapshot);
                (void)text_copy(snapshot->reason, sizeof(snapshot->reason), collect_error_to_string(r));
        }
        print_all(plugged, snapshot);
        return EXIT_DONE;
}
