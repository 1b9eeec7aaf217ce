/*
 * The alerts' way out of the core: into the spool, and what smswarden-notify tells of them back into the
 * core. What every receiver has is removed from the spool. Without a spool (a disk that is gone) the core is
 * told so and asks again.
 */
#include "daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

#define NOTIFY_GROUP "smswarden-notify"

/* --- what waits --- */

/* Up to where every receiver has been given what lies in this spool. With nobody to be told nothing waits:
 * what is there now would be old news for a receiver of tomorrow. */
static uint64_t common_position(const struct daemon_alerts *alerts, const char *spool)
{
        const struct delivery *delivery = &alerts->delivery;
        uint64_t position = delivery->n > 0 ? UINT64_MAX : alerts->sequence;

        for (unsigned i = 0; i < delivery->n; i++) {
                const struct delivery_receiver *receiver = &delivery->receivers[i];
                uint64_t own = text_equal(receiver->spool, spool) ? receiver->position : 0;
                position = own < position ? own : position;
        }
        return position;
}

static void count_waiting(struct daemon *daemon)
{
        struct delivery *delivery = &daemon->alerts.delivery;
        uint64_t oldest;

        if (daemon->alerts.spool)
                delivery->waiting = alert_spool_count(daemon->alerts.spool, &oldest);
        daemon_enqueue(daemon, EVENT_DELIVERY)->delivery = delivery;
}

static void tell_waiting(struct daemon *daemon)
{
        struct alert_spool *spool = daemon->alerts.spool;

        if (spool)
                alert_spool_forget(spool, alert_spool_id(spool),
                                   common_position(&daemon->alerts, alert_spool_id(spool)));
        count_waiting(daemon);
}

/* --- the spool --- */

static void on_written(void *userdata, const char *key, unsigned generation, int result, uint64_t sequence,
                       const char *id _unused_)
{
        struct daemon *daemon = userdata;
        struct event *event = daemon_enqueue(daemon, EVENT_ALERT_SPOOLED);

        (void)text_copy(event->spooled.key, sizeof(event->spooled.key), key);
        event->spooled.generation = generation;
        event->spooled.result = result;
        event->spooled.sequence = sequence;
        if (result < 0)
                return;
        daemon->alerts.sequence = sequence;
        daemon_queue_told(daemon, key);
        tell_waiting(daemon);
}

static void on_saved(void *userdata, int result)
{
        daemon_enqueue(userdata, EVENT_ALERTS_SAVED)->result = result;
}

static void on_found(void *userdata, const struct alert *alert, bool told)
{
        struct alert *copy = malloc(sizeof(*copy));

        if (!copy)
                return; /* its condition raises it again */
        *copy = *alert;
        struct event *event = daemon_enqueue(userdata, EVENT_ALERT_FOUND);
        event->found.alert = copy; /* the event's own */
        event->found.told = told;
}

static void on_found_sms(void *userdata, const struct alert_sms *sms)
{
        struct alert_sms *copy = malloc(sizeof(*copy));

        if (!copy)
                return;
        *copy = *sms;
        daemon_enqueue(userdata, EVENT_SMS_FOUND)->sms_found = copy; /* the event's own */
}

static void on_forgotten(void *userdata)
{
        count_waiting(userdata);
}

static void on_told(void *userdata, const struct alert *alert)
{
        daemon_history_alert(userdata, alert);
}

/* Not before: a smswarden-notify that finds the old one ends, and nobody would start it for this one. */
static void on_beaten(void *userdata)
{
        daemon_deliver(userdata);
}

static int open_spool(struct daemon *daemon)
{
        static const struct alert_spool_callbacks callbacks = {.written = on_written,
                                                               .saved = on_saved,
                                                               .found_sms = on_found_sms,
                                                               .forgotten = on_forgotten,
                                                               .told = on_told,
                                                               .beaten = on_beaten};
        struct daemon_alerts *alerts = &daemon->alerts;
        char folder[CONFIG_PATH_MAX + 16];
        const struct alert_spool_options options = {.folder = folder,
                                                    .group = NOTIFY_GROUP,
                                                    .max_files = daemon->config.alerts.spool_files,
                                                    .max_bytes = (size_t)daemon->config.alerts.spool_bytes};

        if (alerts->spool)
                return 0;
        (void)text_format(folder, sizeof(folder), "%s/alerts", daemon->config.state_dir);
        int r = alert_spool_new(&alerts->spool, daemon->event, &options, &callbacks, daemon, on_found);
        if (r < 0 && !alerts->complained)
                log_error("the alert spool %s cannot be used: %s; alerts are in this log only, until it can",
                          folder, strerror(-r));
        alerts->complained = r < 0;
        return r;
}

void daemon_spool_alert(struct daemon *daemon, const struct alert *alert, unsigned generation)
{
        int r = open_spool(daemon);

        if (r >= 0)
                r = alert_spool_write(daemon->alerts.spool, alert, generation);
        if (r < 0)
                on_written(daemon, alert->key, generation, r, 0, "");
}

void daemon_save_alerts(struct daemon *daemon, const struct alert_book *book)
{
        int r = open_spool(daemon);

        if (r >= 0)
                r = alert_spool_save(daemon->alerts.spool, book);
        if (r < 0)
                on_saved(daemon, r);
}

/* --- what became of them --- */

static void read_receiver(const struct daemon *daemon, const char *name,
                          struct delivery_receiver *ret_receiver)
{
        int r = delivery_folder_read(daemon->config.alerts.state_dir, name, ret_receiver);

        if (r == 0)
                return;
        memset(ret_receiver, 0, sizeof(*ret_receiver));
        (void)text_copy(ret_receiver->name, sizeof(ret_receiver->name), name);
        if (r != -ENOENT)
                (void)text_format(ret_receiver->problem, sizeof(ret_receiver->problem),
                                  "its state cannot be read: %s", strerror(-r));
}

static void look_at_delivery(struct daemon *daemon)
{
        struct delivery *delivery = &daemon->alerts.delivery;

        memset(delivery, 0, sizeof(*delivery));
        for (unsigned i = 0; i < daemon->config.n_receivers; i++)
                if (!receiver_is_sms(&daemon->config.receivers[i]))
                        read_receiver(daemon, daemon->config.receivers[i].name,
                                      &delivery->receivers[delivery->n++]);
        tell_waiting(daemon);
}

static void on_delivery(void *userdata)
{
        look_at_delivery(userdata);
}

static void watch_delivery(struct daemon *daemon)
{
        daemon->alerts.watch = delivery_watch_free(daemon->alerts.watch);
        int r = delivery_watch_new(&daemon->alerts.watch, daemon->event, daemon->config.alerts.state_dir,
                                   on_delivery, daemon);
        if (r < 0)
                log_warning("smswarden-notify's folder %s cannot be watched: %s",
                            daemon->config.alerts.state_dir, strerror(-r));
}

/* --- the heartbeat --- */

void daemon_heartbeat(struct daemon *daemon)
{
        static struct snapshot snapshot;
        int r = open_spool(daemon);

        if (r >= 0) {
                gateway_snapshot_verdict(daemon->gateway, clock_boottime(), clock_realtime_offset(),
                                         &snapshot);
                r = alert_spool_heartbeat(daemon->alerts.spool, verdict_to_string(snapshot.verdict),
                                          snapshot.reason);
        }
        if (r < 0)
                log_warning("the heartbeat cannot be written: %s", strerror(-r));
}

/* --- life --- */

void daemon_start_alerts(struct daemon *daemon)
{
        (void)open_spool(daemon); /* tried again with each alert */
        watch_delivery(daemon);
        look_at_delivery(daemon);
}

void daemon_stop_alerts(struct daemon *daemon)
{
        daemon->alerts.watch = delivery_watch_free(daemon->alerts.watch);
        daemon->alerts.spool = alert_spool_free(daemon->alerts.spool);
}

void daemon_reload_alerts(struct daemon *daemon)
{
        watch_delivery(daemon);
        look_at_delivery(daemon);
        daemon_reload_delivery(daemon);
}
