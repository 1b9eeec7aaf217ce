/*
 * The loop of smswarden-notify, see engine.h. Everything that happens - an alert comes, an attempt ends, a
 * time has come - ends in engine_wake(), and one function looks at all outboxes then. So there is one place
 * that begins attempts and one that sees that nothing is left.
 *
 * The end is not simple: the controller starts us for each alert, and systemd does nothing when we run
 * already. An alert that comes while we are about to end would lie there until the next one. So we say that
 * we are stopping, wait until systemd has heard it - from then on a start is queued behind our end - and look
 * a last time.
 */
#include "engine.h"

#include "base/log.h"
#include "base/usec.h"
#include "network.h"
#include "receiver.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <systemd/sd-daemon.h>

#define BARRIER_TIMEOUT (5 * USEC_PER_SEC)

void engine_wake(struct engine *engine)
{
        /* Only a wrong pointer makes this fail. */
        (void)sd_event_source_set_enabled(engine->work, SD_EVENT_ONESHOT);
}

void engine_on_retry(void *engine)
{
        engine_wake(engine);
}

/* --- the end --- */

static bool anything_waits(const struct engine *engine)
{
        bool waits = engine->beat && beat_waits(engine->beat);

        for (unsigned i = 0; i < engine->n_outboxes && !waits; i++)
                waits = outbox_waits(engine->outboxes[i]);
        return waits;
}

static int finish(struct engine *engine)
{
        int told = sd_notify(0, "STOPPING=1");

        if (told > 0)
                (void)sd_notify_barrier(0, BARRIER_TIMEOUT); /* a systemd that is so slow is not helped */
        if (!anything_waits(engine))
                return sd_event_exit(engine->event, ENGINE_DONE);
        if (told > 0)
                return sd_event_exit(engine->event, ENGINE_AGAIN); /* STOPPING cannot be taken back */
        engine_wake(engine);
        return 0;
}

/* --- the work --- */

static int work(struct engine *engine, bool *ret_idle, bool *ret_running)
{
        bool idle = true, running = false;

        for (unsigned i = 0; i < engine->n_outboxes; i++) {
                int r = outbox_work(engine->outboxes[i]);
                if (r < 0)
                        return r;
                idle = idle && r == WORK_NONE;
                running = running || r == WORK_RUNNING;
        }
        if (engine->beat) {
                enum work found = beat_work(engine->beat);
                idle = idle && found == WORK_NONE;
                running = running || found == WORK_RUNNING;
        }
        *ret_idle = idle;
        *ret_running = running;
        return 0;
}

static int on_work(sd_event_source *source, void *userdata)
{
        struct engine *engine = userdata;
        bool idle = false, running = false;

        (void)source;
        int r = work(engine, &idle, &running);
        if (r < 0)
                return sd_event_exit(engine->event, r);
        if (engine->reload)
                return running ? 0 : sd_event_exit(engine->event, ENGINE_RELOAD);
        return idle ? finish(engine) : 0;
}

static int on_spool(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
        (void)source;
        (void)event;
        engine_wake(userdata);
        return 0;
}

static int on_network(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct engine *engine = userdata;

        (void)source;
        (void)events;
        network_drain(fd);
        for (unsigned i = 0; i < engine->n_outboxes; i++)
                outbox_hasten(engine->outboxes[i]);
        return 0;
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct engine *engine = userdata;

        (void)source;
        (void)info;
        (void)sd_notify(0, "STOPPING=1");
        return sd_event_exit(engine->event, ENGINE_TERMINATED);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct engine *engine = userdata;

        (void)source;
        (void)info;
        engine->reload = true;
        engine_wake(engine);
        return 0;
}

/* --- the begin --- */

static int add_signals(struct engine *engine)
{
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGHUP);
        (void)sigaddset(&set, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        int r = sd_event_add_signal(engine->event, NULL, SIGTERM, on_terminate, engine);
        if (r >= 0)
                r = sd_event_add_signal(engine->event, NULL, SIGINT, on_terminate, engine);
        if (r >= 0)
                r = sd_event_add_signal(engine->event, NULL, SIGHUP, on_hangup, engine);
        return r;
}

/* Messages come by rename. Without the folder there is nothing to send: the look that follows says so. */
static int watch_spool(struct engine *engine)
{
        int r = sd_event_add_inotify(engine->event, &engine->spool_source, engine->spool,
                                     IN_MOVED_TO | IN_ONLYDIR, on_spool, engine);

        return r == -ENOENT ? 0 : r;
}

static int add_receivers(struct engine *engine)
{
        const struct config *config = engine->config;

        for (unsigned i = 0; i < config->n_receivers; i++) {
                const struct receiver_config *receiver = &config->receivers[i];
                const struct receiver_type *type = receiver_type_find(receiver->type);
                if (!type || type->transport == TRANSPORT_NONE)
                        continue;
                int r = outbox_new(&engine->outboxes[engine->n_outboxes], engine, receiver);
                if (r < 0)
                        return r;
                engine->n_outboxes++;
        }
        if (config->heartbeat.url[0] || config->heartbeat.url_file[0])
                return beat_new(&engine->beat, engine);
        return 0;
}

int engine_run(struct engine *engine)
{
        int r = sd_event_new(&engine->event);

        if (r >= 0)
                r = add_signals(engine);
        if (r >= 0)
                r = sd_event_add_defer(engine->event, &engine->work, on_work, engine);
        /* Behind what brings news, so that it is all seen in one look. */
        if (r >= 0)
                r = sd_event_source_set_priority(engine->work, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = wire_new(&engine->wire, engine->event);
        if (r >= 0)
                r = watch_spool(engine);
        if (r >= 0)
                r = add_receivers(engine);
        /* Without it the pauses are as long as they are. */
        if (r >= 0)
                (void)network_watch(&engine->network_source, engine->event, on_network, engine);
        if (r < 0)
                return r;
        (void)sd_notify(0, "READY=1"); /* who does not listen is not helped by a complaint */
        return sd_event_loop(engine->event);
}

void engine_done(struct engine *engine, bool at_once)
{
        for (unsigned i = 0; i < engine->n_outboxes; i++)
                outbox_end_program(engine->outboxes[i]);
        if (at_once)
                return;
        for (unsigned i = 0; i < engine->n_outboxes; i++)
                engine->outboxes[i] = outbox_free(engine->outboxes[i]);
        engine->n_outboxes = 0;
        engine->beat = beat_free(engine->beat);
        engine->wire = wire_free(engine->wire);
        engine->network_source = sd_event_source_disable_unref(engine->network_source);
        engine->spool_source = sd_event_source_disable_unref(engine->spool_source);
        engine->work = sd_event_source_disable_unref(engine->work);
        engine->event = sd_event_unref(engine->event);
}
