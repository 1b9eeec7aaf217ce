/*
 * The heartbeat: a word outside that this box lives. The controller replaces one file in the spool, with a
 * rising number; what is new there is sent. An old heartbeat is worth nothing: the attempts of one end with
 * the next, or when its time is over.
 */
#include "engine.h"

#include "adapters/alert_files.h"
#include "adapters/delivery_folder.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "retry.h"
#include "secrets.h"
#include "transfer.h"

#include <errno.h>
#include <string.h>

struct beat {
        struct engine *engine;
        const struct heartbeat_config *config;
        struct delivery_receiver state; /* under the name DELIVERY_HEARTBEAT */
        struct secrets secrets;
        bool has_secrets;
        struct destination destination;
        struct heartbeat heartbeat; /* the one at hand */
        usec_t since;               /* its first attempt */
        unsigned attempts;
        uint64_t given_up;
        struct request request;
        struct transfer *transfer;
        struct retry retry;
};

static void save(struct beat *beat)
{
        int r = delivery_folder_write(beat->engine->state, &beat->state);

        if (r < 0)
                log_error("the heartbeat's state cannot be written to %s: %s", beat->engine->state,
                          strerror(-r));
}

static void note_arrived(struct beat *beat)
{
        if (beat->state.problem[0])
                log_notice("the heartbeat arrives again");
        beat->state.position = beat->heartbeat.number;
        beat->state.delivered++;
        beat->state.last_delivered = clock_realtime();
        beat->state.failing_since = 0;
        beat->state.problem[0] = '\0';
        save(beat);
}

static void note_failed(struct beat *beat, const struct outcome *outcome)
{
        struct delivery_receiver *state = &beat->state;
        bool news = !text_equal(state->problem, outcome->problem);

        if (state->failing_since == 0)
                state->failing_since = clock_realtime();
        (void)text_copy(state->problem, sizeof(state->problem), outcome->problem);
        if (news) {
                log_warning("the heartbeat does not arrive: %s", outcome->problem);
                save(beat);
        }
        beat->attempts++;
        if (outcome->verdict == DELIVERY_PARK)
                beat->given_up = beat->heartbeat.number;
        else
                retry_later(&beat->retry, beat->attempts, outcome->retry_after);
}

static void take_outcome(struct beat *beat, const struct outcome *outcome)
{
        if (outcome->verdict == DELIVERY_DONE)
                note_arrived(beat);
        else
                note_failed(beat, outcome);
        engine_wake(beat->engine);
}

static void on_done(void *userdata, const struct outcome *outcome)
{
        struct beat *beat = userdata;
        struct outcome copy = *outcome;

        beat->transfer = transfer_free(beat->transfer);
        request_free(&beat->request);
        take_outcome(beat, &copy);
}

/* Begins, or says at once what became of it. */
static bool begin(struct beat *beat, struct outcome *outcome)
{
        struct secret_files files = {beat->config->url_file, "", beat->config->token_file};

        *outcome = (struct outcome){.verdict = DELIVERY_RETRY};
        if (!beat->has_secrets && secrets_load(&files, &beat->secrets, "heartbeat", beat->config->plain_http,
                                               outcome->problem, sizeof(outcome->problem)) < 0)
                return false;
        beat->has_secrets = true;
        int r = heartbeat_format(beat->config, &beat->secrets, &beat->heartbeat, &beat->request);
        if (r == 0)
                r = transfer_new(&beat->transfer, beat->engine->wire, TRANSPORT_HTTP, &beat->destination,
                                 &beat->request, on_done, beat);
        if (r == 0)
                return true;
        request_free(&beat->request);
        outcome->verdict = r == -EINVAL ? DELIVERY_PARK : DELIVERY_RETRY;
        (void)text_format(outcome->problem, sizeof(outcome->problem), "nothing can be sent: %s",
                          strerror(-r));
        return false;
}

/* Reads the file: a newer one takes the place of what is at hand. */
static bool find(struct beat *beat)
{
        struct heartbeat heartbeat;

        if (alert_files_heartbeat(beat->engine->spool, &heartbeat) == 0 &&
            heartbeat.number != beat->heartbeat.number) {
                beat->heartbeat = heartbeat;
                beat->since = clock_boottime();
                beat->attempts = 0;
                retry_stop(&beat->retry);
        }
        if (clock_boottime() > usec_add(beat->since, beat->config->every))
                beat->given_up = beat->heartbeat.number;
        /* A lower number is of another spool: numbers begin anew there. */
        return beat->heartbeat.number != 0 && beat->heartbeat.number != beat->state.position &&
               beat->heartbeat.number != beat->given_up;
}

enum work beat_work(struct beat *beat)
{
        struct outcome outcome;

        if (beat->transfer)
                return WORK_RUNNING;
        if (beat->engine->reload)
                return WORK_WAITS;
        if (!find(beat))
                return WORK_NONE;
        if (retry_waits(&beat->retry))
                return WORK_WAITS;
        if (begin(beat, &outcome))
                return WORK_RUNNING;
        take_outcome(beat, &outcome);
        return WORK_WAITS;
}

bool beat_waits(struct beat *beat)
{
        return find(beat);
}

/* --- life --- */

int beat_new(struct beat **ret, struct engine *engine)
{
        const struct heartbeat_config *config = &engine->config->heartbeat;
        struct beat *beat = calloc(1, sizeof(*beat));

        if (!beat)
                return -ENOMEM;
        beat->engine = engine;
        beat->config = config;
        beat->destination = (struct destination){.ca_file = config->ca_file,
                                                 .plain_http = config->plain_http,
                                                 .user = "",
                                                 .from = "",
                                                 .to = "",
                                                 .secrets = &beat->secrets};
        int r = retry_init(&beat->retry, engine->event, engine_on_retry, engine);
        if (r < 0) {
                (void)beat_free(beat);
                return r;
        }
        if (delivery_folder_read(engine->state, DELIVERY_HEARTBEAT, &beat->state) < 0)
                beat->state = (struct delivery_receiver){.name = DELIVERY_HEARTBEAT};
        *ret = beat;
        return 0;
}

struct beat *beat_free(struct beat *beat)
{
        if (!beat)
                return NULL;
        (void)transfer_free(beat->transfer);
        retry_done(&beat->retry);
        request_free(&beat->request);
        secrets_wipe(&beat->secrets);
        free(beat);
        return NULL;
}
