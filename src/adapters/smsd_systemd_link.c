/*
 * The connection to systemd, see smsd_systemd_private.h: by the system bus, or by systemd's own socket when
 * that way fails. It owns the sd_bus and what is subscribed there; it knows nothing of jobs.
 *
 * A connection counts when Subscribe is answered: then systemd is there, and signals come. One that is lost
 * is replaced by the other way at once; when both fail there is a pause, longer each time. There is no way
 * back from one that works.
 *
 * On the bus everybody may send us a signal with any content: what does not come from systemd's unique name
 * is ignored. systemd's own socket belongs to root.
 */
#include "smsd_systemd_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

#define TRY_TIMEOUT    (5 * USEC_PER_SEC)
#define CALL_TIMEOUT   (10 * USEC_PER_SEC) /* systemd answers at once; on a slow box a reload takes seconds */
#define PAUSE_FIRST    (100 * USEC_PER_MSEC)
#define PAUSE_MAX      (30 * USEC_PER_SEC)
#define PAUSE_MAX_BUSY USEC_PER_SEC       /* while a job of ours waits for it */
#define CALM_AFTER     (5 * USEC_PER_SEC) /* a connection that lived so long was a good one */
#define UNREACHED_TOLD 6
#define BUS_DAEMON     "org.freedesktop.DBus"

#define MANAGER_RULE(member) "path='" SYSTEMD_PATH "',interface='" SYSTEMD_MANAGER "',member='" member "'"

static const char *way_name(enum link_way way)
{
        return way == LINK_BUS ? "the system bus" : SYSTEMD_PRIVATE;
}

const char *link_destination(const struct smsd_systemd *s)
{
        return s->link.way == LINK_BUS ? SYSTEMD_NAME : NULL;
}

/* --- signals --- */

static void on_job_new(struct smsd_systemd *s, sd_bus_message *message)
{
        const char *path, *unit;
        uint32_t id;

        if (sd_bus_message_read(message, "uos", &id, &path, &unit) <= 0)
                return;
        if (text_equal(unit, s->unit))
                systemd_on_job_new(s, id);
        else if (text_equal(unit, SYSTEMD_SHUTDOWN))
                inquiry_ask(s);
}

static void on_job_removed(struct smsd_systemd *s, sd_bus_message *message)
{
        const char *path, *unit, *result;
        uint32_t id;

        if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) <= 0)
                return;
        if (text_equal(unit, s->unit))
                systemd_on_job_removed(s, id, result);
        else if (text_equal(unit, SYSTEMD_SHUTDOWN))
                inquiry_ask(s);
        else if (text_equal(unit, s->hold.unit))
                hold_timer_job_removed(s, result);
        else
                errand_job_removed(s, unit, result);
}

/* Of what changed nothing is read here: the question asks for it, and for what must be known with it. */
static void on_properties(struct smsd_systemd *s, sd_bus_message *message)
{
        const char *interface;

        if (text_equal(sd_bus_message_get_path(message), s->unit_path) && !own_job_active(s) &&
            sd_bus_message_read(message, "s", &interface) > 0 && text_equal(interface, SYSTEMD_UNIT))
                inquiry_ask(s);
}

static void on_unit_removed(struct smsd_systemd *s, sd_bus_message *message)
{
        const char *unit;

        if (sd_bus_message_read(message, "s", &unit) > 0 && text_equal(unit, s->hold.unit))
                hold_timer_removed(s);
}

static int subscribe(struct smsd_systemd *s);

/* After daemon-reload jobs and units have been read anew, and a subscription may be lost. */
static void on_reloading(struct smsd_systemd *s, sd_bus_message *message)
{
        int begins;

        if (sd_bus_message_read(message, "b", &begins) > 0 && !begins && subscribe(s) < 0)
                link_lost(s);
}

static void lose(struct smsd_systemd *s, enum link_way next);

/* daemon-reexec: another connection has the name, and knows nothing of our calls. */
static void on_owner_changed(struct smsd_systemd *s, sd_bus_message *message)
{
        const char *name, *before, *after;

        if (s->link.owner[0] && sd_bus_message_read(message, "sss", &name, &before, &after) > 0 &&
            text_equal(name, SYSTEMD_NAME))
                lose(s, after[0] ? LINK_BUS : LINK_PRIVATE);
}

static void on_disconnected(struct smsd_systemd *s, sd_bus_message *message _unused_)
{
        link_lost(s);
}

/*
 * What we listen to. The rules given to the bus daemon keep other units' jobs away from us; systemd's own
 * socket sends all of them, so each handler looks at the name again. sd-bus's own matches could not: it sees
 * no argument behind one that is no string.
 */
enum sender {
        FROM_SYSTEMD,
        FROM_BUS_DAEMON,
        FROM_LIBRARY,
};

static const struct signal {
        const char *interface;
        const char *member;
        enum sender from;
        void (*handle)(struct smsd_systemd *s, sd_bus_message *message);
} signals[] = {
    {SYSTEMD_MANAGER, "JobNew", FROM_SYSTEMD, on_job_new},
    {SYSTEMD_MANAGER, "JobRemoved", FROM_SYSTEMD, on_job_removed},
    {SYSTEMD_MANAGER, "UnitRemoved", FROM_SYSTEMD, on_unit_removed},
    {SYSTEMD_MANAGER, "Reloading", FROM_SYSTEMD, on_reloading},
    {"org.freedesktop.DBus.Properties", "PropertiesChanged", FROM_SYSTEMD, on_properties},
    {BUS_DAEMON, "NameOwnerChanged", FROM_BUS_DAEMON, on_owner_changed},
    {"org.freedesktop.DBus.Local", "Disconnected", FROM_LIBRARY, on_disconnected},
};

static bool is_from(struct smsd_systemd *s, sd_bus_message *message, enum sender from)
{
        const char *sender = sd_bus_message_get_sender(message);

        switch (from) {
        case FROM_SYSTEMD:
                return s->link.way == LINK_PRIVATE ||
                       (s->link.owner[0] && sender && text_equal(sender, s->link.owner));
        case FROM_BUS_DAEMON:
                return s->link.way == LINK_BUS && sender && text_equal(sender, BUS_DAEMON);
        case FROM_LIBRARY:
                return sender && text_equal(sender, "org.freedesktop.DBus.Local");
        }
        return false;
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;

        if (sd_bus_message_get_bus(message) != s->link.bus)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
                if (sd_bus_message_is_signal(message, signals[i].interface, signals[i].member) > 0 &&
                    is_from(s, message, signals[i].from)) {
                        signals[i].handle(s, message);
                        return 0;
                }
        return 0;
}

/* --- opening --- */

static int on_subscribed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(message);
        const char *sender = sd_bus_message_get_sender(message);

        if (sd_bus_message_get_bus(message) != s->link.bus)
                return 0;
        if (error && !sd_bus_error_has_name(error, SYSTEMD_ERROR "AlreadySubscribed")) {
                link_lost(s);
                return 0;
        }
        if (s->link.way == LINK_BUS &&
            (!sender || text_copy(s->link.owner, sizeof(s->link.owner), sender) < 0)) {
                link_lost(s);
                return 0;
        }
        systemd_disarm(s->link.timer);
        if (!s->link.ready)
                s->link.ready_since = clock_monotonic();
        s->link.ready = true;
        systemd_on_ready(s);
        return 0;
}

static int subscribe(struct smsd_systemd *s)
{
        return sd_bus_call_method_async(s->link.bus, NULL, link_destination(s), SYSTEMD_PATH, SYSTEMD_MANAGER,
                                        "Subscribe", on_subscribed, s, "");
}

static int on_match_added(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;

        if (sd_bus_message_get_bus(message) == s->link.bus && sd_bus_message_is_method_error(message, NULL))
                link_lost(s);
        return 0;
}

static int add_match(struct smsd_systemd *s, const char *sender, const char *rest, const char *name)
{
        char rule[1024];
        int r = text_format(rule, sizeof(rule), "type='signal',sender='%s',%s%s'", sender, rest, name);

        return r < 0 ? r
                     : sd_bus_call_method_async(s->link.bus, NULL, BUS_DAEMON, "/org/freedesktop/DBus",
                                                BUS_DAEMON, "AddMatch", on_match_added, s, "s", rule);
}

static int job_rule(char *rule, size_t size, const char *unit)
{
        return text_format(rule, size,
                           "type='signal',sender='" SYSTEMD_NAME "'," MANAGER_RULE("JobRemoved") ",arg2='%s'",
                           unit);
}

int link_watch_job(struct smsd_systemd *s, const char *unit)
{
        return s->link.way == LINK_BUS
                   ? add_match(s, SYSTEMD_NAME, MANAGER_RULE("JobRemoved") ",arg2='", unit)
                   : 0;
}

void link_unwatch_job(struct smsd_systemd *s, const char *unit)
{
        char rule[1024];

        if (s->link.way != LINK_BUS || !s->link.bus || job_rule(rule, sizeof(rule), unit) < 0)
                return;
        /* What is still sent finds nobody. */
        (void)sd_bus_call_method_async(s->link.bus, NULL, BUS_DAEMON, "/org/freedesktop/DBus", BUS_DAEMON,
                                       "RemoveMatch", NULL, NULL, "s", rule);
}

/* systemd's own socket sends everything unasked. */
static int add_matches(struct smsd_systemd *s)
{
        const struct {
                const char *sender, *rest, *name;
        } rules[] = {
            {SYSTEMD_NAME, MANAGER_RULE("JobNew") ",arg2='", s->unit},
            {SYSTEMD_NAME, MANAGER_RULE("JobRemoved") ",arg2='", s->unit},
            {SYSTEMD_NAME, MANAGER_RULE("JobNew") ",arg2='", SYSTEMD_SHUTDOWN},
            {SYSTEMD_NAME, MANAGER_RULE("JobRemoved") ",arg2='", SYSTEMD_SHUTDOWN},
            {SYSTEMD_NAME, MANAGER_RULE("JobRemoved") ",arg2='", s->hold.unit},
            {SYSTEMD_NAME, MANAGER_RULE("UnitRemoved") ",arg0='", s->hold.unit},
            {SYSTEMD_NAME, "path='" SYSTEMD_PATH "',interface='" SYSTEMD_MANAGER "',member='", "Reloading"},
            {SYSTEMD_NAME,
             "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" SYSTEMD_UNIT
             "',path='",
             s->unit_path},
            {BUS_DAEMON, "interface='" BUS_DAEMON "',member='NameOwnerChanged',arg0='", SYSTEMD_NAME},
        };

        for (size_t i = 0; s->link.way == LINK_BUS && i < ARRAY_SIZE(rules); i++) {
                int r = add_match(s, rules[i].sender, rules[i].rest, rules[i].name);
                if (r < 0)
                        return r;
        }
        return sd_bus_add_filter(s->link.bus, NULL, on_message, s);
}

static int open_bus(struct smsd_systemd *s, sd_bus **ret)
{
        const char *address = s->link.way == LINK_PRIVATE ? s->private_address : s->bus_address;

        if (!address)
                return sd_bus_open_system(ret);
        sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, s->link.way == LINK_BUS);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                (void)sd_bus_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t now, void *userdata);

static void link_start(struct smsd_systemd *s)
{
        int r = open_bus(s, &s->link.bus);

        if (r >= 0)
                r = sd_bus_set_method_call_timeout(s->link.bus, CALL_TIMEOUT);
        if (r >= 0)
                r = sd_bus_attach_event(s->link.bus, s->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = add_matches(s);
        if (r >= 0)
                r = subscribe(s);
        if (r >= 0)
                r = systemd_arm(s, &s->link.timer, TRY_TIMEOUT, on_timer);
        if (r < 0)
                link_lost(s);
}

static int on_bury(sd_event_source *source _unused_, void *userdata)
{
        struct smsd_systemd *s = userdata;

        s->link.dead = sd_bus_close_unref(s->link.dead);
        return 0;
}

/* Not here: this may be the middle of its dispatch, and sd-bus aborts when it finds itself closed. */
static void give_up_bus(struct smsd_systemd *s)
{
        struct link *link = &s->link;

        link->ready = false;
        link->owner[0] = '\0';
        if (!link->bus)
                return;
        (void)sd_bus_close_unref(link->dead);
        link->dead = link->bus;
        link->bus = NULL;
        (void)sd_event_source_set_enabled(link->bury, SD_EVENT_ONESHOT);
}

/* Before the next try, so that there is never more than one to be buried. */
int link_init(struct smsd_systemd *s)
{
        int r = sd_event_add_defer(s->event, &s->link.bury, on_bury, s);

        if (r >= 0)
                r = sd_event_source_set_priority(s->link.bury, SD_EVENT_PRIORITY_NORMAL - 1);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->link.bury, SD_EVENT_OFF);
        if (r >= 0)
                link_start(s);
        return r < 0 ? r : 0;
}

void link_end(struct smsd_systemd *s)
{
        s->link.bury = sd_event_source_disable_unref(s->link.bury);
        s->link.dead = sd_bus_close_unref(s->link.dead);
        s->link.bus = sd_bus_close_unref(s->link.bus);
        s->link.timer = sd_event_source_disable_unref(s->link.timer);
}

/* --- losing it --- */

static usec_t pause_after(const struct smsd_systemd *s)
{
        unsigned pairs = s->link.failures / 2;

        if (s->link.failures % 2 == 1)
                return 0;
        usec_t pause = pairs > 10 ? PAUSE_MAX : PAUSE_FIRST << (pairs - 1);
        return usec_min(pause, own_job_active(s) ? PAUSE_MAX_BUSY : PAUSE_MAX);
}

static void try_after(struct smsd_systemd *s, usec_t pause)
{
        s->link.next_try = usec_add(clock_monotonic(), pause);
        if (systemd_arm(s, &s->link.timer, pause, on_timer) < 0)
                log_error("out of memory: systemd is not connected to again");
}

/* daemon-reexec is a failure or two; the words come when it is more than that. */
static void say_lost(const struct link *link, bool was_ready)
{
        if (was_ready)
                log_info("the connection to systemd is lost, trying %s", way_name(link->way));
        else if (link->unreached == UNREACHED_TOLD)
                log_warning("systemd cannot be reached, neither by the system bus nor by " SYSTEMD_PRIVATE
                            "; trying again");
}

static void lose(struct smsd_systemd *s, enum link_way next)
{
        struct link *link = &s->link;
        bool was_ready = link->ready;

        if (was_ready && usec_sub(clock_monotonic(), link->ready_since) >= CALM_AFTER)
                link->failures = 0;
        give_up_bus(s);
        link->failures++;
        link->unreached = was_ready ? 0 : link->unreached + 1;
        link->way = next;
        say_lost(link, was_ready);
        try_after(s, pause_after(s));
        systemd_on_lost(s, link->unreached > 0 && link->unreached % 2 == 0);
}

void link_lost(struct smsd_systemd *s)
{
        lose(s, s->link.way == LINK_BUS ? LINK_PRIVATE : LINK_BUS);
}

static int on_timer(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        struct smsd_systemd *s = userdata;

        if (s->link.bus)
                link_lost(s);
        else
                link_start(s);
        return 0;
}

void link_hurry(struct smsd_systemd *s)
{
        if (!s->link.bus && s->link.next_try > usec_add(clock_monotonic(), PAUSE_FIRST))
                try_after(s, PAUSE_FIRST);
}
