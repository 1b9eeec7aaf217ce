/*
 * The control bus on the system bus: the connection and the name. Both come and go while the daemon works on:
 * at boot the bus may not be there yet, it may be restarted, somebody else may own the name.
 *
 * A connection that is being made watches for the bus' socket by inotify (sd-bus' watch-bind); every one has
 * a time limit until the bus has answered, which doubles up to BACK_OFF_MAX: so a bus that is there and does
 * not work, or refuses us the name, is tried again, seldom. Once the bus has answered no timer runs. A
 * connection ends in the timer's handler only, never while sd-bus dispatches something of it.
 */
#include "control_private.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <time.h>

#define DBUS_NAME     "org.freedesktop.DBus"
#define LOCAL_NAME    "org.freedesktop.DBus.Local"
#define SYSTEM_BUS    "unix:path=/run/dbus/system_bus_socket"
#define BACK_OFF      (USEC_PER_SEC / 4)
#define BACK_OFF_MAX  (512 * USEC_PER_SEC)
#define HEALTHY_AFTER (10 * USEC_PER_SEC)
#define UNREAD_MAX    128

/* What D-Bus' RequestName answers. */
enum request_name_reply {
        NAME_REPLY_OWNER = 1,
        NAME_REPLY_QUEUED = 2,
        NAME_REPLY_EXISTS = 3,
        NAME_REPLY_ALREADY = 4
};

bool control_system_is_up(const struct control_system *system)
{
        return system && system->up && !system->dead;
}

static usec_t now_monotonic(const struct control_system *system)
{
        uint64_t now = 0;

        return sd_event_now(system->line.control->event, CLOCK_MONOTONIC, &now) < 0 ? 0 : now;
}

/* Each state once, not at each try. */
static void tell(struct control_system *system, enum control_name_state state, const char *why)
{
        if (system->told == state)
                return;
        system->told = state;
        switch (state) {
        case NAME_OURS:
                log_info("the gateway is on the system bus as " CONTROL_NAME);
                break;
        case NAME_TAKEN:
                log_warning("another program owns " CONTROL_NAME
                            " on the system bus: waiting until it lets go; `smswarden` works all the same");
                break;
        case NAME_REFUSED:
                log_warning("the system bus refuses the name " CONTROL_NAME
                            " (%s): is its policy file installed? `smswarden` works all the same",
                            why);
                break;
        case NAME_AWAY:
                log_info("the system bus is away (%s): the gateway appears on it as soon as it is there",
                         why);
                break;
        case NAME_UNTOLD:
                break;
        }
}

/* --- the end of a connection --- */

static void try_again_in(struct control_system *system, usec_t delay)
{
        int r = sd_event_source_set_time_relative(system->retry, delay);

        if (r >= 0)
                r = sd_event_source_set_enabled(system->retry, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error("the system bus cannot be tried again: %s", strerror(-r));
}

/* Nothing is sent or taken any more; the rest is cleared away by the timer. */
static void drop(struct control_system *system)
{
        if (system->dead)
                return;
        if (system->up && usec_sub(now_monotonic(system), system->up_since) >= HEALTHY_AFTER)
                system->delay = BACK_OFF;
        system->dead = true;
        system->up = false;
        try_again_in(system, system->delay);
}

bool control_system_flows(struct control_system *system)
{
        uint64_t unread = 0;

        if (system->dead)
                return false;
        if (sd_bus_get_n_queued_write(system->bus, &unread) >= 0 && unread <= UNREAD_MAX)
                return true;
        drop(system);
        return false;
}

static void end_connection(struct control_system *system)
{
        control_polkit_forget(system);
        control_bus_forget(system->line.control, NULL);
        system->bus = sd_bus_close_unref(system->bus);
        system->dead = system->up = false;
}

/* --- the name --- */

static void is_up(struct control_system *system)
{
        system->up = true;
        system->up_since = now_monotonic(system);
        (void)sd_event_source_set_enabled(system->retry, SD_EVENT_OFF);
}

static int on_name_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        struct control_system *system = userdata;
        const sd_bus_error *refused = sd_bus_message_get_error(reply);
        uint32_t result = 0;

        /* The timer runs on: it takes this connection away and tries again. */
        if (refused) {
                char name[128];
                (void)text_clean(name, sizeof(name), refused->name ? refused->name : "");
                tell(system, NAME_REFUSED, name);
                return 0;
        }
        if (sd_bus_message_read(reply, "u", &result) < 0)
                return 0;
        if (result == NAME_REPLY_OWNER || result == NAME_REPLY_ALREADY)
                tell(system, NAME_OURS, "");
        else if (result == NAME_REPLY_QUEUED)
                tell(system, NAME_TAKEN, "");
        else
                return 0;
        is_up(system);
        return 0;
}

static bool is_about_our_name(sd_bus_message *message, const char *member)
{
        const char *name = NULL;

        if (sd_bus_message_is_signal(message, DBUS_NAME, member) <= 0)
                return false;
        bool ours = sd_bus_message_read(message, "s", &name) > 0 && text_equal(name, CONTROL_NAME);
        (void)sd_bus_message_rewind(message, 1);
        return ours;
}

/* 1: the message goes no further. Signals that are not from the bus daemon, or sd-bus, are anybody's. */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        struct control_system *system = userdata;
        const char *sender = sd_bus_message_get_sender(message);

        if (system->dead)
                return 1;
        if (sender && text_equal(sender, LOCAL_NAME) &&
            sd_bus_message_is_signal(message, LOCAL_NAME, "Disconnected") > 0) {
                drop(system);
                return 1;
        }
        if (!control_system_flows(system))
                return 1;
        if (sender && text_equal(sender, DBUS_NAME)) {
                if (is_about_our_name(message, "NameAcquired"))
                        tell(system, NAME_OURS, "");
                else if (is_about_our_name(message, "NameLost"))
                        tell(system, NAME_TAKEN, "");
        }
        return 0;
}

/* --- the connection --- */

static int set_up(struct control_system *system, sd_bus *bus)
{
        const char *variable = getenv("DBUS_SYSTEM_BUS_ADDRESS");
        const char *address = system->address ? system->address : variable ? variable : SYSTEM_BUS;
        int r = sd_bus_set_address(bus, address);

        if (r >= 0)
                r = sd_bus_set_bus_client(bus, 1);
        if (r >= 0)
                r = sd_bus_set_watch_bind(bus, 1);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, 0); /* nobody shall fill our table of descriptors */
        if (r >= 0)
                r = sd_bus_set_close_on_exit(bus, 0); /* flushing would wait */
        if (r >= 0)
                r = sd_bus_add_filter(bus, NULL, on_message, system);
        if (r >= 0)
                r = control_object_add(bus, &system->line);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, system->line.control->event, CONTROL_BUS_PRIORITY);
        if (r >= 0)
                r = sd_bus_request_name_async(bus, NULL, CONTROL_NAME, SD_BUS_NAME_QUEUE, on_name_reply,
                                              system);
        return r;
}

static void begin_connection(struct control_system *system)
{
        int r = sd_bus_new(&system->bus);

        if (r >= 0)
                r = set_up(system, system->bus);
        if (r < 0) {
                system->bus = sd_bus_close_unref(system->bus);
                tell(system, NAME_AWAY, strerror(-r));
        }
        try_again_in(system, system->delay);
        system->delay = system->delay < BACK_OFF_MAX ? 2 * system->delay : BACK_OFF_MAX;
}

static int on_retry(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        struct control_system *system = userdata;

        if (!system->dead && system->bus && sd_bus_is_ready(system->bus) <= 0)
                tell(system, NAME_AWAY, "it does not answer");
        else if (system->dead)
                tell(system, NAME_AWAY, "the connection ended");
        end_connection(system);
        begin_connection(system);
        return 0;
}

static void cleanup_system(struct control_system **system)
{
        *system = control_system_free(*system);
}

/*
 * The bus lets messages of 32 MB through, and anybody can send us one. It is freed when it was refused; but
 * malloc learns from the first to keep that much for the next. With a fixed threshold it goes back to the
 * kernel at once.
 */
static void keep_no_large_memory(void)
{
        (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024); /* refused by another libc: no harm */
}

int control_bus_join_system(struct control_bus *bus, const char *address)
{
        if (bus->system)
                return -EALREADY;
        keep_no_large_memory();
        _cleanup_(cleanup_system) struct control_system *system = calloc(1, sizeof(*system));
        if (!system)
                return -ENOMEM;
        system->line = (struct control_line){.control = bus};
        system->delay = BACK_OFF;
        system->address = address ? strdup(address) : NULL;
        if (address && !system->address)
                return -ENOMEM;
        int r = sd_event_add_time_relative(bus->event, &system->retry, CLOCK_MONOTONIC, BACK_OFF, 0, on_retry,
                                           system);
        if (r >= 0)
                r = sd_event_source_set_priority(system->retry, CONTROL_BUS_PRIORITY);
        if (r < 0)
                return r;
        begin_connection(system);
        bus->system = system;
        system = NULL;
        return 0;
}

struct control_system *control_system_free(struct control_system *system)
{
        if (!system)
                return NULL;
        end_connection(system);
        system->retry = control_end_source(system->retry);
        free(system->address);
        free(system);
        return NULL;
}
