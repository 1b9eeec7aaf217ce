/*
 * `smswarden probe [PORT]`: asks a modem who it is, with the dialogue of the daemon. A port that anybody has
 * open is not touched, and its holder is named; who holds a port can be seen by root only, so only root may
 * probe.
 */
#include "cli.h"
#include "plugged.h"
#include "screen.h"

#include "adapters/port_holder.h"
#include "adapters/serial_port.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/at_dialogue.h"

#include <string.h>
#include <time.h>

#define PROBE_LENGTH (30 * USEC_PER_SEC)

struct probe {
        sd_event *event;
        struct serial_port *port;
        sd_event_source *timer;
        struct at_dialogue dialogue;
        int error; /* the port failed */
};

/* --- the dialogue --- */

/* Writes what the dialogue has to say, and goes on or ends. */
static void drive(struct probe *probe)
{
        char bytes[64];
        size_t n = at_dialogue_output(&probe->dialogue, bytes, sizeof(bytes));
        usec_t deadline = at_dialogue_deadline(&probe->dialogue);

        if (n > 0)
                (void)serial_port_write(probe->port, bytes, n); /* unanswered, it is sent again */
        if (probe->dialogue.verdict != AT_VERDICT_RUNNING || probe->error < 0 ||
            sd_event_source_set_time(probe->timer, deadline) < 0 ||
            sd_event_source_set_enabled(probe->timer, SD_EVENT_ONESHOT) < 0)
                (void)sd_event_exit(probe->event, 0);
}

static void on_data(void *userdata, const char *bytes, size_t n)
{
        struct probe *probe = userdata;

        at_dialogue_receive(&probe->dialogue, bytes, n, clock_boottime());
        drive(probe);
}

static void on_closed(void *userdata, int error)
{
        struct probe *probe = userdata;

        probe->error = error;
        (void)sd_event_exit(probe->event, 0);
}

static int on_time(sd_event_source *source _unused_, uint64_t at _unused_, void *userdata)
{
        struct probe *probe = userdata;

        at_dialogue_tick(&probe->dialogue, clock_boottime());
        drive(probe);
        return 0;
}

static int run_dialogue(struct probe *probe)
{
        usec_t now = clock_boottime();

        at_dialogue_start(&probe->dialogue, now, now + PROBE_LENGTH);
        int r = sd_event_add_time(probe->event, &probe->timer, CLOCK_BOOTTIME, now, 0, on_time, probe);
        if (r < 0)
                return r;
        r = sd_event_loop(probe->event);
        probe->timer = sd_event_source_disable_unref(probe->timer);
        return r < 0 ? r : probe->error;
}

/* --- the answer --- */

static void print_fact(struct screen *screen, const char *label, const char *value)
{
        if (value[0] && !text_equal(value, "unknown"))
                screen_value(screen, label, SCREEN_PLAIN, value);
}

static void print_facts(struct screen *screen, const struct modem_facts *facts)
{
        char number[48];

        print_fact(screen, "maker", facts->manufacturer);
        print_fact(screen, "model", facts->model);
        print_fact(screen, "firmware", facts->firmware);
        print_fact(screen, "IMEI", facts->imei);
        print_fact(screen, "SIM", sim_state_to_string(facts->sim));
        print_fact(screen, "ICCID", facts->iccid);
        print_fact(screen, "IMSI", facts->imsi);
        if (facts->pin_attempts >= 0)
                screen_format(screen, "PIN", SCREEN_PLAIN, "%d attempts left", facts->pin_attempts);
        print_fact(screen, "registered", registration_to_string(facts->registration));
        print_fact(screen, "operator", facts->operator_name);
        print_fact(screen, "technology", facts->technology);
        print_fact(screen, "band", facts->band);
        (void)text_format(number, sizeof(number), "%d dBm", facts->signal_dbm);
        print_fact(screen, "signal", facts->signal_dbm ? number : "");
        if (facts->storage_used >= 0 && facts->storage_total >= 0)
                screen_format(screen, "storage", SCREEN_PLAIN, "%d of %d", facts->storage_used,
                              facts->storage_total);
}

static int print_result(const char *path, const struct probe *probe)
{
        struct screen screen = screen_of_stdout();
        bool good = probe->dialogue.verdict == AT_VERDICT_READY;

        screen_format(&screen, "port", good ? SCREEN_GOOD : SCREEN_WARNING, "%s: %s", path,
                      at_verdict_to_sentence(probe->dialogue.verdict));
        print_facts(&screen, &probe->dialogue.facts);
        return good ? EXIT_DONE : EXIT_FAILED;
}

/* --- the port --- */

/* 0: it is free; else it was told why not. */
static int check_free(const char *path)
{
        struct port_holder holder = {0};
        char shown[DEVICE_NODE_MAX];
        int r = port_holder_find(path, &holder);

        if (r == 1)
                return 0;
        (void)text_escape(shown, sizeof(shown), path, strlen(path));
        if (r == 0)
                cli_complain("probe: %s is open by %s (pid %d%s%s): not touched", shown, holder.command,
                             (int)holder.id.pid, holder.unit[0] ? ", " : "", holder.unit);
        else if (r == -ENOTTY)
                cli_complain("probe: %s is no serial port", shown);
        else
                cli_complain("probe: %s: %s", shown, strerror(-r));
        return r == 0 ? -EBUSY : r;
}

static int probe_open_port(struct probe *probe, const char *path)
{
        static const struct serial_port_callbacks callbacks = {.data = on_data, .closed = on_closed};
        int r = serial_port_open(&probe->port, probe->event, path, &callbacks, probe);

        if (r >= 0 && check_free(path) < 0) /* somebody was as quick as we were: the port is theirs */
                return -EBUSY;
        if (r >= 0)
                r = run_dialogue(probe);
        if (r < 0)
                cli_complain("probe: %s: %s", path, strerror(-r));
        return r;
}

static int probe_port(const char *path)
{
        struct probe probe = {0};

        if (check_free(path) < 0)
                return EXIT_FAILED;
        int r = sd_event_new(&probe.event);
        if (r >= 0)
                r = probe_open_port(&probe, path);
        probe.port = serial_port_free(probe.port);
        probe.event = sd_event_unref(probe.event);
        return r < 0 ? EXIT_FAILED : print_result(path, &probe);
}

/* Every modem's AT port; one that is in use is named and passed over. */
static int probe_all(const struct cli *cli)
{
        _cleanup_free_ struct plugged *plugged = calloc(1, sizeof(*plugged));
        int r = plugged ? plugged_look(&cli->config, plugged) : -ENOMEM;
        unsigned n = 0;
        int code = EXIT_DONE;

        if (r < 0) {
                cli_complain("probe: cannot see what is plugged in: %s", strerror(-r));
                return EXIT_FAILED;
        }
        for (unsigned i = 0; i < plugged->n; i++) {
                const struct plugged_device *device = &plugged->devices[i];
                if (device->map.at < 0 || device->usb.interfaces[device->map.at].node[0] == '\0')
                        continue;
                n++;
                if (probe_port(device->usb.interfaces[device->map.at].node) != EXIT_DONE)
                        code = EXIT_FAILED;
        }
        if (n == 0) {
                cli_complain(
                    "probe: no modem with an AT port is plugged in; name a port, or see smswarden modems");
                return EXIT_FAILED;
        }
        return code;
}

int command_probe(struct cli *cli)
{
        if (geteuid() != 0) {
                cli_complain("probe: only root can see whether a port is in use");
                return EXIT_NO_PERMISSION;
        }
        return cli->options.argument ? probe_port(cli->options.argument) : probe_all(cli);
}
