/*
 * What one receiver is to be given: the alerts of the spool in the order of their sequences, one at a time,
 * each until it is delivered or refused for good. The position is on the disk before the next one is sent, so
 * an alert is told twice only when we die between its answer and that; then with the same id.
 *
 * A position counts in one spool. When none of the messages there are of it, it means nothing, and the spool
 * is begun at its first.
 */
#include "engine.h"

#include "adapters/alert_files.h"
#include "adapters/alert_json.h"
#include "adapters/delivery_folder.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "retry.h"
#include "secrets.h"
#include "transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

struct outbox {
        struct engine *engine;
        const struct receiver_config *config;
        const struct receiver_type *type;
        struct delivery_receiver state;
        bool unsaved; /* the state on the disk is older */
        bool save_failed;
        bool has_secrets;
        bool at_hand;   /* `message` is the next one */
        bool unreached; /* the last attempt was answered by nobody */
        struct secrets secrets;
        struct destination destination;
        struct alert_message message;
        struct request request;
        struct transfer *transfer;
        struct exec *exec;
        struct retry retry;
};

/* --- the state on the disk --- */

/* Deliveries go on while it cannot be written: to tell people of the full disk is worth a repeat. */
static void save(struct outbox *outbox)
{
        int r = delivery_folder_write(outbox->engine->state, &outbox->state);

        outbox->unsaved = r < 0;
        if (r < 0 && !outbox->save_failed)
                log_error("%s: its state cannot be written to %s: %s", outbox->config->name,
                          outbox->engine->state, strerror(-r));
        outbox->save_failed = r < 0;
}

static void load(struct outbox *outbox)
{
        const char *name = outbox->config->name;
        int r = delivery_folder_read(outbox->engine->state, name, &outbox->state);

        if (r == 0)
                return;
        outbox->state = (struct delivery_receiver){0};
        (void)text_copy(outbox->state.name, sizeof(outbox->state.name), name);
        if (r != -ENOENT)
                log_warning("%s: its state in %s cannot be used (%s): all alerts of the spool are sent", name,
                            outbox->engine->state, strerror(-r));
}

/* --- the next alert --- */

/* Whether there is a message of the spool that the position counts in: 1, 0 or negative. Most times the first
 * one is. */
static int is_known_spool(const struct outbox *outbox)
{
        struct alert_message message = {0};
        uint64_t after = 0;
        int r;

        while ((r = alert_files_next(outbox->engine->spool, after, &message, NULL)) > 0) {
                if (text_equal(message.spool, outbox->state.spool))
                        return 1;
                after = message.sequence;
        }
        return r;
}

/* Each file once: by the state also when another life meets it. */
static void tell_damage(struct outbox *outbox, const struct alert_damage *damage)
{
        struct engine *engine = outbox->engine;
        struct delivery_receiver *state = &outbox->state;

        if (damage->last <= state->damaged)
                return;
        if (damage->last > engine->damaged)
                log_error("%s: damaged alerts are passed over: %u, the last one is number %" PRIu64,
                          engine->spool, damage->n, damage->last);
        engine->damaged = state->damaged = damage->last;
        outbox->unsaved = true;
}

/* The first message behind the position: 1, 0 or negative. */
static int next_message(struct outbox *outbox)
{
        const char *spool = outbox->engine->spool;
        struct delivery_receiver *state = &outbox->state;
        struct alert_damage damage = {0};
        int r = alert_files_next(spool, state->position, &outbox->message, &damage);

        tell_damage(outbox, &damage);
        if (r < 0 || state->position == 0)
                return r;
        if (r == 1 && text_equal(outbox->message.spool, state->spool))
                return 1;
        /* The end, or another spool's. */
        int known = is_known_spool(outbox);
        if (known != 0)
                return known < 0 ? known : r;
        int begin = alert_files_next(spool, 0, &outbox->message, NULL);
        if (begin == 1)
                state->position = 0;
        return begin;
}

static void move_behind(struct outbox *outbox)
{
        outbox->state.position = outbox->message.sequence;
        if (!text_equal(outbox->state.spool, outbox->message.spool))
                outbox->state.damaged = 0; /* of another spool */
        (void)text_copy(outbox->state.spool, sizeof(outbox->state.spool), outbox->message.spool);
        outbox->at_hand = false;
        outbox->unsaved = true;
}

/* The next one that it wants: 1, 0 or negative. Those that it does not want are behind it then. */
static int find_next(struct outbox *outbox)
{
        int r = 1;

        while (!outbox->at_hand && (r = next_message(outbox)) == 1) {
                outbox->at_hand = delivery_wants(outbox->config, &outbox->message.alert);
                if (!outbox->at_hand)
                        move_behind(outbox);
        }
        return r == -ENOENT ? 0 : r; /* no folder: the controller has never had anything to tell */
}

/* --- what became of it --- */

static void note_test(struct outbox *outbox, bool delivered)
{
        if (outbox->message.alert.kind != ALERT_TEST)
                return;
        (void)text_copy(outbox->state.test, sizeof(outbox->state.test), outbox->message.id);
        outbox->state.test_delivered = delivered;
}

static void settle(struct outbox *outbox)
{
        outbox->state.attempts = 0;
        outbox->state.failing_since = 0;
        move_behind(outbox);
        save(outbox);
}

static void note_delivered(struct outbox *outbox)
{
        struct delivery_receiver *state = &outbox->state;

        if (state->attempts > 0)
                log_notice("%s: delivers again, after %u failed attempts", state->name, state->attempts);
        log_info("%s: delivered %s (%s, %s)", state->name, outbox->message.id,
                 alert_kind_to_string(outbox->message.alert.kind),
                 alert_state_to_string(outbox->message.alert.state));
        state->delivered++;
        state->last_delivered = clock_realtime();
        state->problem[0] = '\0';
        note_test(outbox, true);
        settle(outbox);
}

static int park(const struct outbox *outbox, const char *reason)
{
        _cleanup_free_ char *json = NULL;
        size_t length = 0;
        int r = alert_json_encode(&outbox->message, &json, &length);

        return r < 0 ? r
                     : delivery_folder_park(outbox->engine->state, outbox->state.name,
                                            outbox->message.sequence, json, length, reason);
}

static void note_parked(struct outbox *outbox, const char *problem)
{
        struct delivery_receiver *state = &outbox->state;
        int r = park(outbox, problem);

        log_error("%s: %s is given up: %s", state->name, outbox->message.id, problem);
        if (r < 0)
                log_error("%s: %s cannot be kept in %s/parked: %s", state->name, outbox->message.id,
                          outbox->engine->state, strerror(-r));
        state->parked++;
        state->parked_last = outbox->message.sequence;
        (void)text_copy(state->problem, sizeof(state->problem), problem);
        note_test(outbox, false);
        settle(outbox);
}

/* Writes less and less often: the same failure again is no news, and a card has only so many writes. */
static void note_failed(struct outbox *outbox, const struct outcome *outcome)
{
        struct delivery_receiver *state = &outbox->state;
        bool news = !text_equal(state->problem, outcome->problem) || state->attempts == 0;

        if (news)
                log_warning("%s: %s waits: %s", state->name, outbox->message.id, outcome->problem);
        if (state->attempts == 0)
                state->failing_since = clock_realtime();
        if (state->attempts < UINT_MAX)
                state->attempts++;
        (void)text_copy(state->problem, sizeof(state->problem), outcome->problem);
        if (news || (state->attempts & (state->attempts - 1)) == 0)
                save(outbox);
        else
                outbox->unsaved = true;
        outbox->unreached = outcome->unreached;
        retry_later(&outbox->retry, state->attempts, outcome->retry_after);
}

static void take_outcome(struct outbox *outbox, const struct outcome *outcome)
{
        switch (outcome->verdict) {
        case DELIVERY_DONE:
                note_delivered(outbox);
                break;
        case DELIVERY_PARK:
                note_parked(outbox, outcome->problem);
                break;
        case DELIVERY_RETRY:
                note_failed(outbox, outcome);
                break;
        }
        engine_wake(outbox->engine);
}

static void on_done(void *userdata, const struct outcome *outcome)
{
        struct outbox *outbox = userdata;
        struct outcome copy = *outcome;

        outbox->transfer = transfer_free(outbox->transfer);
        outbox->exec = exec_free(outbox->exec);
        request_free(&outbox->request);
        take_outcome(outbox, &copy);
}

/* --- an attempt --- */

static int load_secrets(struct outbox *outbox, char *problem, size_t size)
{
        const struct receiver_config *config = outbox->config;
        struct secret_files files = {config->url_file, config->password_file, config->token_file};

        if (outbox->has_secrets)
                return 0;
        int r = secrets_load(&files, &outbox->secrets, config->type, config->plain_http, problem, size);
        outbox->has_secrets = r == 0;
        return r;
}

static int start(struct outbox *outbox)
{
        struct engine *engine = outbox->engine;

        if (outbox->type->transport == TRANSPORT_EXEC)
                return exec_new(&outbox->exec, engine->event, &outbox->request, on_done, outbox);
        return transfer_new(&outbox->transfer, engine->wire, outbox->type->transport, &outbox->destination,
                            &outbox->request, on_done, outbox);
}

/* Begins, or says at once what became of it. */
static bool begin(struct outbox *outbox, struct outcome *outcome)
{
        char *problem = outcome->problem;

        *outcome = (struct outcome){.verdict = DELIVERY_RETRY};
        if (load_secrets(outbox, problem, sizeof(outcome->problem)) < 0)
                return false;
        int r = outbox->type->format(outbox->config, &outbox->secrets, &outbox->message, &outbox->request,
                                     problem, sizeof(outcome->problem));
        outcome->unreached = r == -EAGAIN;
        if (r == 1 || r == -EINVAL)
                outcome->verdict = r == 1 ? DELIVERY_DONE : DELIVERY_PARK;
        if (r != 0 && problem[0] == '\0')
                (void)text_format(problem, sizeof(outcome->problem), "it cannot be put into a request: %s",
                                  r < 0 ? strerror(-r) : "");
        if (r != 0)
                return false;
        r = start(outbox);
        if (r == 0)
                return true;
        request_free(&outbox->request);
        (void)text_format(problem, sizeof(outcome->problem), "%s: %s",
                          outbox->type->transport == TRANSPORT_EXEC ? "the program cannot be started"
                                                                    : "nothing can be sent",
                          strerror(-r));
        return false;
}

int outbox_work(struct outbox *outbox)
{
        struct outcome outcome;

        if (outbox->transfer || outbox->exec)
                return WORK_RUNNING;
        if (outbox->engine->reload || retry_waits(&outbox->retry))
                return WORK_WAITS;
        int r = find_next(outbox);
        if (r < 0)
                return r;
        if (r == 0) {
                if (outbox->unsaved)
                        save(outbox);
                if (outbox->unsaved)
                        retry_later(&outbox->retry, 1, 0);
                return outbox->unsaved ? WORK_WAITS : WORK_NONE;
        }
        if (begin(outbox, &outcome))
                return WORK_RUNNING;
        take_outcome(outbox, &outcome);
        return WORK_WAITS;
}

void outbox_hasten(struct outbox *outbox)
{
        if (outbox->unreached)
                retry_hasten(&outbox->retry);
}

bool outbox_waits(struct outbox *outbox)
{
        return find_next(outbox) != 0;
}

/* --- life --- */

int outbox_new(struct outbox **ret, struct engine *engine, const struct receiver_config *config)
{
        struct outbox *outbox = calloc(1, sizeof(*outbox));

        if (!outbox)
                return -ENOMEM;
        outbox->engine = engine;
        outbox->config = config;
        outbox->type = receiver_type_find(config->type);
        outbox->destination = (struct destination){.ca_file = config->ca_file,
                                                   .plain_http = config->plain_http,
                                                   .user = config->user,
                                                   .from = config->from,
                                                   .to = config->to,
                                                   .secrets = &outbox->secrets};
        int r = retry_init(&outbox->retry, engine->event, engine_on_retry, engine);
        if (r < 0) {
                outbox_free(outbox);
                return r;
        }
        load(outbox);
        *ret = outbox;
        return 0;
}

void outbox_end_program(struct outbox *outbox)
{
        outbox->exec = exec_free(outbox->exec);
}

struct outbox *outbox_free(struct outbox *outbox)
{
        if (!outbox)
                return NULL;
        (void)transfer_free(outbox->transfer);
        (void)exec_free(outbox->exec);
        retry_done(&outbox->retry);
        request_free(&outbox->request);
        secrets_wipe(&outbox->secrets);
        free(outbox);
        return NULL;
}
