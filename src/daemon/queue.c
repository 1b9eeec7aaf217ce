/*
 * The queue between adapters and core. Bounded: when a storm fills it, what is lost is made good by looking
 * at everything again, for the core acts on states.
 */
#include "daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int on_drain(sd_event_source *source, void *userdata)
{
        (void)source;
        daemon_drain(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        (void)daemon_enqueue(userdata, EVENT_TIMER);
        return 0;
}

/* What the world tells by itself, in any number, and what looking again makes good. The answers to our own
 * actions and a person's commands are awaited by somebody, and as many as were asked for. */
static bool may_storm(enum event_kind kind)
{
        return kind == EVENT_USB_DEVICE || kind == EVENT_USB_GONE || kind == EVENT_NODE ||
               kind == EVENT_PORT_DATA || kind == EVENT_SMSD_LOG || kind == EVENT_SMSD_OPENED;
}

/* Frees what the event owns. */
static void forget(struct event *event)
{
        if (event->kind == EVENT_CONF_READ) {
                free(event->conf.text);
                event->conf.text = NULL;
        }
        if (event->kind == EVENT_MESSAGES) {
                free((void *)event->messages.items);
                free(event->messages.memory);
                event->messages.items = NULL;
                event->messages.memory = NULL;
        }
        if (event->kind == EVENT_ALERT_FOUND) {
                free((void *)event->found.alert);
                event->found.alert = NULL;
        }
        if (event->kind == EVENT_SMS_FOUND) {
                free((void *)event->sms_found);
                event->sms_found = NULL;
        }
}

struct event *daemon_enqueue(struct daemon *daemon, enum event_kind kind)
{
        struct event_queue *queue = &daemon->queue;
        unsigned room = may_storm(kind) ? EVENT_QUEUE_SIZE - EVENT_QUEUE_RESERVE : EVENT_QUEUE_SIZE - 1;
        struct event *event = &queue->items[(queue->head + queue->n) % EVENT_QUEUE_SIZE];

        if (queue->n >= room)
                queue->overflown = true; /* the slot behind the last takes what is thrown away */
        else
                queue->n++;
        memset(event, 0, sizeof(*event));
        event->kind = kind;
        (void)sd_event_source_set_enabled(daemon->drain, SD_EVENT_ONESHOT);
        return event;
}

int daemon_queue_init(struct daemon *daemon)
{
        int r = sd_event_add_defer(daemon->event, &daemon->drain, on_drain, daemon);

        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(daemon->drain, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return sd_event_add_time(daemon->event, &daemon->timer, CLOCK_BOOTTIME, USEC_INFINITY, 1, on_timer,
                                 daemon);
}

void daemon_queue_free(struct daemon *daemon)
{
        struct event_queue *queue = &daemon->queue;

        for (; queue->n > 0; queue->n--, queue->head = (queue->head + 1) % EVENT_QUEUE_SIZE)
                forget(&queue->items[queue->head]);
}

static void arm_timer(struct daemon *daemon)
{
        usec_t deadline = gateway_next_deadline(daemon->gateway);
        int r = sd_event_source_set_time(daemon->timer, deadline);

        if (r >= 0)
                r = sd_event_source_set_enabled(daemon->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error("the timer cannot be armed: %s", strerror(-r));
}

/* A storm was larger than the queue: ask for the whole picture again. */
static void recover_from_overflow(struct daemon *daemon)
{
        daemon->queue.overflown = false;
        log_warning("events were lost in a storm: devices and processes are looked at again");
        int r = hotplug_enumerate(daemon->hotplug);
        if (r >= 0)
                r = process_table_scan(daemon->processes);
        if (r < 0)
                log_error("looking again failed: %s", strerror(-r));
}

/* What the core saw and wanted: a list of these replays an incident. */
static void trace(const struct event *event, const struct action_list *actions)
{
        char line[512];

        (void)text_format(line, sizeof(line), "event %s", event_kind_to_string(event->kind));
        for (unsigned i = 0; i < actions->n; i++)
                (void)text_append(line, sizeof(line), "%s %s", i ? "," : " ->",
                                  action_kind_to_string(actions->items[i].kind));
        log_info("%s", line);
}

void daemon_drain(struct daemon *daemon)
{
        struct event_queue *queue = &daemon->queue;

        while (queue->n > 0) {
                struct event *event = &queue->items[queue->head];
                gateway_step(daemon->gateway, event, clock_boottime(), &daemon->actions);
                if (daemon->verbose)
                        trace(event, &daemon->actions);
                forget(event);
                queue->head = (queue->head + 1) % EVENT_QUEUE_SIZE;
                queue->n--;
                daemon_perform(daemon, &daemon->actions);
        }
        queue->head = 0;
        if (queue->overflown)
                recover_from_overflow(daemon);
        arm_timer(daemon);
        control_bus_changed(daemon->bus);
}
