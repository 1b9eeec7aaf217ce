/*
 * The steps of the provisioning dialogue: what goes out, which setting is next, and what a final result means
 * for it. provision.c brings the lines, the time and the losses; what a setting is called and how it is
 * understood is provision_settings.c's business.
 *
 * How one command and its answer go over the port is core/at_exchange's. A write is judged by reading back
 * alone, some times before it is called failed, for the first answer may be an old one.
 */
#include "provision_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define ASK_AGAIN    USEC_PER_SEC
#define ANSWER_LIMIT (5 * USEC_PER_SEC)
#define RESET_LIMIT  (15 * USEC_PER_SEC)
#define VERIFY_MAX   3
#define IDENTITY_MAX 20 /* after a self-reset the SIM takes its time */

static const struct provision_rule *rule_of(const struct provision_dialogue *dialogue)
{
        return &provision_rules[dialogue->setting];
}

static bool reset_is_needed(const struct provision_dialogue *dialogue)
{
        for (unsigned i = 0; i < PROVISION_SETTINGS; i++) {
                const struct provision_item *item = &dialogue->items[i];
                if (!provision_rules[i].needs_reset)
                        continue;
                if (item->outcome == PROVISION_CHANGED)
                        return true;
                if (item->outcome == PROVISION_SAME && dialogue->job.reset_owed)
                        return true;
        }
        return false;
}

void provision_decide(struct provision_dialogue *dialogue, enum provision_verdict verdict)
{
        if (dialogue->reset == PROVISION_RESET_NONE && reset_is_needed(dialogue))
                dialogue->reset = PROVISION_RESET_OWED;
        dialogue->verdict = verdict;
        at_exchange_end(&dialogue->exchange);
}

void provision_fail(struct provision_item *item, const char *error)
{
        item->outcome = PROVISION_FAILED;
        if (item->error[0] == '\0') /* the modem's own word says more */
                (void)text_copy(item->error, sizeof(item->error), error);
}

void provision_fail_pending(struct provision_dialogue *dialogue, const char *error)
{
        for (unsigned i = 0; i < PROVISION_SETTINGS; i++)
                if (dialogue->items[i].outcome == PROVISION_PENDING)
                        provision_fail(&dialogue->items[i], error);
}

/* --- what goes out --- */

static int command_of(const struct provision_dialogue *dialogue, char *target, size_t size)
{
        const struct provision_rule *rule = rule_of(dialogue);

        switch ((enum provision_phase)dialogue->phase) {
        case PHASE_PROBE:
                return text_copy(target, size, AT_PROBE);
        case PHASE_ERRORS:
                return text_copy(target, size, "AT+CMEE=1");
        case PHASE_IMEI:
                return text_copy(target, size, "AT+CGSN");
        case PHASE_IMSI:
                return text_copy(target, size, "AT+CIMI");
        case PHASE_READ:
        case PHASE_VERIFY:
                return text_copy(target, size, rule->read);
        case PHASE_WRITE:
                return rule->write(dialogue, dialogue->items[dialogue->setting].to, target, size);
        case PHASE_RESET:
                return text_copy(target, size, "AT+CFUN=1,1");
        }
        return -EINVAL;
}

static usec_t limit_of(const struct provision_dialogue *dialogue)
{
        switch ((enum provision_phase)dialogue->phase) {
        case PHASE_PROBE:
                return AT_PROBE_INTERVAL;
        case PHASE_RESET:
                return RESET_LIMIT;
        case PHASE_ERRORS:
        case PHASE_IMEI:
        case PHASE_IMSI:
        case PHASE_READ:
        case PHASE_WRITE:
        case PHASE_VERIFY:
                break;
        }
        return ANSWER_LIMIT;
}

void provision_send(struct provision_dialogue *dialogue, usec_t now)
{
        char command[PROVISION_OUTPUT_MAX - 2] = ""; /* all fit: ESC and CR are put around it */

        (void)command_of(dialogue, command, sizeof(command));
        at_exchange_send(&dialogue->exchange, command, dialogue->phase == PHASE_PROBE, limit_of(dialogue),
                         now);
        if (dialogue->phase == PHASE_WRITE)
                provision_current(dialogue)->written = true;
        if (dialogue->phase == PHASE_READ || dialogue->phase == PHASE_VERIFY)
                dialogue->value[0] = '\0';
}

void provision_schedule(struct provision_dialogue *dialogue, enum provision_phase phase, usec_t when)
{
        at_exchange_turn(&dialogue->exchange, when);
        dialogue->phase = phase;
}

void provision_enter(struct provision_dialogue *dialogue, enum provision_phase phase, usec_t now)
{
        provision_schedule(dialogue, phase, now);
        provision_send(dialogue, now);
}

/* --- from setting to setting
 * -------------------------------------------------------------------------------- */

/* No setting is left. */
void provision_conclude(struct provision_dialogue *dialogue)
{
        bool due = reset_is_needed(dialogue) && dialogue->job.may_reset;

        provision_decide(dialogue, due ? PROVISION_RESET_DUE : PROVISION_DONE);
}

/* On with the first setting that is still open. */
void provision_advance(struct provision_dialogue *dialogue, usec_t now)
{
        for (unsigned i = 0; i < PROVISION_SETTINGS; i++)
                if (dialogue->items[i].outcome == PROVISION_PENDING) {
                        dialogue->setting = i;
                        provision_enter(dialogue, PHASE_READ, now);
                        return;
                }
        provision_conclude(dialogue);
}

static bool is_as_wanted(const struct provision_dialogue *dialogue)
{
        const struct provision_item *item = &dialogue->items[dialogue->setting];

        /* Access point names know no case, and the others have no letters but capitals. */
        return text_equal_nocase(dialogue->value, item->to);
}

static void settle(struct provision_dialogue *dialogue, enum provision_outcome outcome, usec_t now)
{
        provision_current(dialogue)->outcome = outcome;
        dialogue->unanswered = 0;
        provision_advance(dialogue, now);
}

static void settle_failed(struct provision_dialogue *dialogue, const char *error, usec_t now)
{
        provision_fail(provision_current(dialogue), error);
        provision_advance(dialogue, now);
}

/* --- final results
 * ------------------------------------------------------------------------------------------ */

static void stranger(struct provision_dialogue *dialogue, const char *error)
{
        provision_fail_pending(dialogue, error);
        provision_decide(dialogue, PROVISION_STRANGER);
}

/* Asks for the number again, or sees that it cannot be had. */
static void identity_missing(struct provision_dialogue *dialogue, usec_t now)
{
        if (dialogue->exchange.sent < IDENTITY_MAX)
                dialogue->exchange.next = usec_add(now, ASK_AGAIN);
        else
                stranger(dialogue, dialogue->phase == PHASE_IMEI ? "the modem does not tell its IMEI"
                                                                 : "the SIM does not tell its IMSI");
}

static void after_identity(struct provision_dialogue *dialogue, usec_t now)
{
        if (dialogue->phase == PHASE_IMEI && dialogue->job.imsi[0])
                provision_enter(dialogue, PHASE_IMSI, now);
        else
                provision_advance(dialogue, now);
}

/* The check digit of an IMEI is not always told: the first 14 digits are the modem. */
static void judge_identity(struct provision_dialogue *dialogue, usec_t now)
{
        const struct provision_job *job = &dialogue->job;
        bool imei = dialogue->phase == PHASE_IMEI;

        if (!dialogue->exchange.informed)
                identity_missing(dialogue, now);
        else if (imei && strncmp(dialogue->facts.imei, job->imei, 14) != 0)
                stranger(dialogue, "another modem is there now");
        else if (!imei && !text_equal(dialogue->facts.imsi, job->imsi))
                stranger(dialogue, "another SIM is there now");
        else
                after_identity(dialogue, now);
}

/* The modem's refusal in its own terms. */
static void word_of(const struct at_line *line, char *target, size_t size)
{
        text_sanitize(target, size, line->text, line->length);
}

static void judge_read(struct provision_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        struct provision_item *item = provision_current(dialogue);
        char error[64];

        if (line->kind != AT_LINE_OK) {
                word_of(line, error, sizeof(error));
                dialogue->unanswered = 0;
                settle_failed(dialogue, error, now);
        } else if (!dialogue->exchange.informed && !rule_of(dialogue)->may_be_absent) {
                settle_failed(dialogue, "the modem does not tell what it is", now);
        } else if (is_as_wanted(dialogue)) {
                settle(dialogue, item->written ? PROVISION_CHANGED : PROVISION_SAME, now);
        } else {
                if (!item->written) /* else a self-reset lost the write: `from` is what was there first */
                        (void)text_copy(item->from, sizeof(item->from), dialogue->value);
                provision_enter(dialogue, PHASE_WRITE, now);
        }
}

static void judge_write(struct provision_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        struct provision_item *item = provision_current(dialogue);

        item->error[0] = '\0';
        if (line->kind != AT_LINE_OK)
                word_of(line, item->error, sizeof(item->error));
        provision_enter(dialogue, PHASE_VERIFY, now);
}

static void judge_verify(struct provision_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        struct provision_item *item = provision_current(dialogue);
        char error[sizeof(item->error)];

        if (line->kind == AT_LINE_OK && is_as_wanted(dialogue) && dialogue->exchange.informed) {
                item->error[0] = '\0';
                settle(dialogue, PROVISION_CHANGED, now);
        } else if (item->error[0] == '\0' && dialogue->exchange.sent < VERIFY_MAX) {
                dialogue->exchange.next = usec_add(now, ASK_AGAIN);
        } else if (line->kind != AT_LINE_OK) {
                char word[64];
                word_of(line, word, sizeof(word));
                (void)text_format(error, sizeof(error), "it cannot be read back: %s", word); /* fits */
                settle_failed(dialogue, error, now);
        } else {
                (void)text_format(error, sizeof(error), "it reads back as \"%.60s\"",
                                  dialogue->value); /* fits */
                settle_failed(dialogue, error, now);
        }
}

void provision_finish(struct provision_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        bool asks = dialogue->phase == PHASE_IMEI || dialogue->phase == PHASE_IMSI ||
                    dialogue->phase == PHASE_READ || dialogue->phase == PHASE_VERIFY;

        if (!at_exchange_finish(&dialogue->exchange, line, asks))
                return;
        switch ((enum provision_phase)dialogue->phase) {
        case PHASE_PROBE:
                provision_enter(dialogue, PHASE_ERRORS, now);
                break;
        case PHASE_ERRORS:
                provision_enter(dialogue, PHASE_IMEI, now);
                break;
        case PHASE_IMEI:
        case PHASE_IMSI:
                judge_identity(dialogue, now);
                break;
        case PHASE_READ:
                judge_read(dialogue, line, now);
                break;
        case PHASE_WRITE:
                judge_write(dialogue, line, now);
                break;
        case PHASE_VERIFY:
                judge_verify(dialogue, line, now);
                break;
        case PHASE_RESET:
                dialogue->reset = line->kind == AT_LINE_OK ? PROVISION_RESET_SENT : PROVISION_RESET_REFUSED;
                provision_decide(dialogue, PROVISION_DONE);
                break;
        }
}
