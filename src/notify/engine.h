/*
 * What drives smswarden-notify: one loop, an outbox per receiver, the heartbeat, and the end when there is
 * nothing left to send.
 */
#ifndef NOTIFY_ENGINE_H
#define NOTIFY_ENGINE_H

#include "core/config.h"
#include "wire.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct outbox;
struct beat;

struct engine {
        const struct config *config;
        const char *spool; /* STATE_DIR/alerts */
        const char *state; /* our own folder */
        sd_event *event;
        struct wire *wire;
        sd_event_source *work, *spool_source, *network_source;
        unsigned n_outboxes;
        struct outbox *outboxes[CONFIG_RECEIVERS_MAX];
        struct beat *beat; /* NULL none */
        uint64_t damaged;  /* damaged files up to this sequence were told of, for whatever receiver */
        bool reload;       /* no new attempts: the configuration is to be read again */
};

enum engine_end {
        ENGINE_DONE,       /* nothing is left to send */
        ENGINE_TERMINATED, /* asked to end; attempts may be under way, the state on the disk is right */
        ENGINE_RELOAD,     /* asked to read the configuration again */
        ENGINE_AGAIN,      /* something came in the last moment: must be started again */
};

/* Runs until one of these, or a negative errno. */
int engine_run(struct engine *engine);

/* Ends and frees all that runs. `at_once`: ends programs, and leaves the rest to the end of the process,
 * because libcurl may have to wait for a name to be resolved before it can be freed. */
void engine_done(struct engine *engine, bool at_once);

/* Looks at everything again, soon and from the loop. */
void engine_wake(struct engine *engine);
/* The same, for a retry that has elapsed. */
void engine_on_retry(void *engine);

/* What a look at an outbox, or the heartbeat, may find. */
enum work {
        WORK_NONE,
        WORK_WAITS,   /* for its time */
        WORK_RUNNING, /* an attempt is under way */
};

/* --- outbox.c: what one receiver is to be given --- */

/* 0, or -ENOMEM. A state that cannot be read is begun anew. */
int outbox_new(struct outbox **ret, struct engine *engine, const struct receiver_config *config);
struct outbox *outbox_free(struct outbox *outbox);

/* Ends the program that is its receiver, when one runs. */
void outbox_end_program(struct outbox *outbox);

/* Begins the next attempt when there is one to begin. Negative: the spool cannot be read. */
int outbox_work(struct outbox *outbox);

/* The network has changed: what nobody has answered is tried again soon. */
void outbox_hasten(struct outbox *outbox);

/* True when there is something for it, without beginning. */
bool outbox_waits(struct outbox *outbox);

/* --- beat.c: the heartbeat --- */

int beat_new(struct beat **ret, struct engine *engine);
struct beat *beat_free(struct beat *beat);
enum work beat_work(struct beat *beat);
bool beat_waits(struct beat *beat);

#endif
