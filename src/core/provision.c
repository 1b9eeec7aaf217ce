/*
 * The provisioning dialogue from the outside, see core/provision.h: lines, time, self-resets and the end of
 * the port. The steps are provision_steps.c's.
 *
 * Everything is bounded whatever the modem says: an unanswered command goes out twice, a read-back three
 * times, the dialogue starts over RESTARTS_MAX times, and give_up ends it.
 */
#include "provision_private.h"

#include "base/text.h"
#include "core/at_answers.h"

#include <errno.h>
#include <string.h>

#define SENT_MAX       2
#define RESTARTS_MAX   3
#define UNANSWERED_MAX 2 /* settings; then the modem is taken for silent */

/* --- silence, self-resets, the end of the port
 * ---------------------------------------------------------------- */

static void silent(struct provision_dialogue *dialogue)
{
        provision_fail_pending(dialogue, "no answer");
        provision_decide(dialogue, PROVISION_SILENT);
}

/* A setting whose command nobody answered: the next may fare better, but a modem that hangs is left alone. */
static void setting_unanswered(struct provision_dialogue *dialogue, usec_t now)
{
        provision_fail(provision_current(dialogue), "no answer");
        if (++dialogue->unanswered >= UNANSWERED_MAX)
                silent(dialogue);
        else
                provision_advance(dialogue, now);
}

/* The command in flight was not answered in its time. */
static void time_out(void *userdata, usec_t now)
{
        struct provision_dialogue *dialogue = userdata;

        switch ((enum provision_phase)dialogue->phase) {
        case PHASE_PROBE:
                provision_send(dialogue, now);
                break;
        case PHASE_ERRORS:
                provision_enter(dialogue, PHASE_IMEI, now);
                break;
        case PHASE_IMEI:
        case PHASE_IMSI:
                if (dialogue->exchange.sent < SENT_MAX)
                        provision_send(dialogue, now);
                else
                        silent(dialogue);
                break;
        case PHASE_READ:
        case PHASE_VERIFY:
                if (dialogue->exchange.sent < SENT_MAX)
                        provision_send(dialogue, now);
                else
                        setting_unanswered(dialogue, now);
                break;
        case PHASE_WRITE: /* perhaps it was carried out: see */
                provision_enter(dialogue, PHASE_VERIFY, now);
                break;
        case PHASE_RESET: /* going down without a word is its way */
                dialogue->reset = PROVISION_RESET_SENT;
                provision_decide(dialogue, PROVISION_DONE);
                break;
        }
}

/* RDY: the modem has just booted; echo and CMEE are back, and the SIM may be another. */
static void start_over(struct provision_dialogue *dialogue, usec_t now)
{
        if (dialogue->phase == PHASE_RESET) {
                dialogue->reset = PROVISION_RESET_SENT;
                provision_decide(dialogue, PROVISION_DONE);
                return;
        }
        if (dialogue->phase == PHASE_PROBE && !dialogue->exchange.awaiting)
                return; /* about to begin anyway */
        if (dialogue->exchange.proven && ++dialogue->restarts > RESTARTS_MAX) {
                provision_fail_pending(dialogue, "the modem resets itself again and again");
                provision_decide(dialogue, PROVISION_LOST);
                return;
        }
        modem_facts_init(&dialogue->facts);
        provision_schedule(dialogue, PHASE_PROBE, usec_add(now, AT_SETTLE));
        dialogue->exchange.surplus = 0; /* it has forgotten what it was asked */
}

static void take_information(struct provision_dialogue *dialogue, const struct at_line *line)
{
        if (line->cut || !dialogue->exchange.awaiting)
                return;
        switch ((enum provision_phase)dialogue->phase) {
        case PHASE_IMEI:
                dialogue->exchange.informed |= at_answer_imei(&dialogue->facts, line->text);
                break;
        case PHASE_IMSI:
                dialogue->exchange.informed |= at_answer_imsi(&dialogue->facts, line->text);
                break;
        case PHASE_READ:
        case PHASE_VERIFY:
                dialogue->exchange.informed |= provision_rules[dialogue->setting].take(dialogue, line->text);
                break;
        case PHASE_PROBE:
        case PHASE_ERRORS:
        case PHASE_WRITE:
        case PHASE_RESET:
                break;
        }
}

/* What is no text is passed over: the probe has seen that this is an AT port. */
static void take_line(void *userdata, const struct at_line *line, usec_t now)
{
        struct provision_dialogue *dialogue = userdata;

        if (!line)
                return;
        if (at_line_is_final(line))
                provision_finish(dialogue, line, now);
        else if (line->kind == AT_LINE_TEXT)
                take_information(dialogue, line);
        else if (line->kind == AT_LINE_URC && text_equal(line->text, "RDY"))
                start_over(dialogue, now);
}

/* The time is up: what is done is done, and may still need its reset, which has its own
 * time behind the rest's. */
static void run_out(void *userdata)
{
        struct provision_dialogue *dialogue = userdata;

        if (!dialogue->exchange.proven) {
                silent(dialogue);
                return;
        }
        provision_fail_pending(dialogue, "the time was up");
        provision_conclude(dialogue);
}

static void send_command(void *dialogue, usec_t now)
{
        provision_send(dialogue, now);
}

static const struct at_exchange_ops ops = {
    .take = take_line, .send = send_command, .time_out = time_out, .run_out = run_out};

/* --- the outside
 * ------------------------------------------------------------------------------------------------ */

/* A name that is asked for as "auto" and was not found fails before anything is sent. */
static void plan(struct provision_dialogue *dialogue)
{
        const struct provision_job *job = &dialogue->job;

        for (unsigned i = 0; i < PROVISION_SETTINGS; i++) {
                struct provision_item *item = &dialogue->items[i];
                unsigned scope = provision_rules[i].scope;
                if (!(scope & job->scope) || ((scope & PROVISION_SCOPE_SIM) && job->imsi[0] == '\0'))
                        continue;
                provision_rules[i].want(job, item->to, sizeof(item->to));
                if (item->to[0])
                        item->outcome = PROVISION_PENDING;
                else if (i == PROVISION_APN && job->config.apn_mode == PROVISION_APN_AUTO)
                        provision_fail(item, job->apn_why[0] ? job->apn_why : "none is known for this SIM");
        }
}

static bool is_sound(const struct provision_job *job)
{
        const char *why;

        if (provision_config_check(&job->config, &why) < 0)
                return false;
        if (job->config.apn_mode == PROVISION_APN_AUTO && job->apn[0] && !provision_apn_is_valid(job->apn))
                return false;
        return strlen(job->imei) >= 14;
}

int provision_start(struct provision_dialogue *dialogue, const struct provision_job *job, usec_t now,
                    usec_t give_up)
{
        if (!is_sound(job))
                return -EINVAL;
        *dialogue = (struct provision_dialogue){.job = *job};
        at_exchange_init(&dialogue->exchange, give_up);
        modem_facts_init(&dialogue->facts);
        plan(dialogue);
        for (unsigned i = 0; i < PROVISION_SETTINGS; i++)
                if (dialogue->items[i].outcome == PROVISION_PENDING) {
                        provision_enter(dialogue, PHASE_PROBE, now);
                        return 0;
                }
        provision_decide(dialogue, PROVISION_DONE);
        return 0;
}

void provision_receive(struct provision_dialogue *dialogue, const char *data, size_t size, usec_t now)
{
        at_exchange_receive(&dialogue->exchange, &ops, dialogue, data, size, now);
}

void provision_tick(struct provision_dialogue *dialogue, usec_t now)
{
        at_exchange_tick(&dialogue->exchange, &ops, dialogue, now);
}

usec_t provision_deadline(const struct provision_dialogue *dialogue)
{
        return at_exchange_deadline(&dialogue->exchange);
}

size_t provision_output(struct provision_dialogue *dialogue, char *target, size_t size)
{
        return at_exchange_output(&dialogue->exchange, target, size);
}

void provision_reset(struct provision_dialogue *dialogue, usec_t now)
{
        if (dialogue->verdict != PROVISION_RESET_DUE)
                return;
        dialogue->verdict = PROVISION_RUNNING;
        provision_enter(dialogue, PHASE_RESET, now);
}

void provision_decline_reset(struct provision_dialogue *dialogue)
{
        if (dialogue->verdict == PROVISION_RESET_DUE)
                provision_decide(dialogue, PROVISION_DONE);
}

void provision_port_lost(struct provision_dialogue *dialogue)
{
        if (dialogue->verdict != PROVISION_RUNNING && dialogue->verdict != PROVISION_RESET_DUE)
                return;
        if (dialogue->verdict == PROVISION_RUNNING && dialogue->phase == PHASE_RESET) {
                dialogue->reset = PROVISION_RESET_SENT;
                provision_decide(dialogue, PROVISION_DONE);
                return;
        }
        provision_fail_pending(dialogue, "the port is gone");
        provision_decide(dialogue, PROVISION_LOST);
}

bool provision_is_complete(const struct provision_dialogue *dialogue)
{
        for (unsigned i = 0; i < PROVISION_SETTINGS; i++)
                if (dialogue->items[i].outcome == PROVISION_FAILED)
                        return false;
        return true;
}
