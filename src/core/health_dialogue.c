/*
 * The read-only questions to a modem in use, as a table and the walk over it, see core/health_dialogue.h.
 * What the answers mean for the modem's health is health.c's business.
 *
 * Times: the EC2x's limits as the facts have them are 300 ms by default, 5 s for AT+CPIN?, 15 s for AT+CFUN
 * and 180 s for AT+COPS. That the last two hold for setting only, and that 2 s are room enough while a
 * message is sent on the other port, is inferred and not measured; so are the meanings of +QCFG: "ims" and
 * +QTEMP. Registration: 3GPP 27.007 7.2; errors: 9.2; storage: 27.005 3.2.2.
 */
#include "core/health_dialogue.h"

#include "base/text.h"
#include "core/at_answers.h"

#define PROBES_MAX     6
#define LIMIT          (2 * USEC_PER_SEC)
#define CLEANUP_LIMIT  (15 * USEC_PER_SEC) /* inferred: it deletes one after the other */
#define RESETS_MAX     2
#define UNANSWERED_MAX 2 /* in a row */

struct question {
        const char *command;
        usec_t limit;
        unsigned tries;
        bool (*take)(struct health_answers *answers, const char *text);
        bool (*wanted)(const struct health_answers *answers); /* NULL: always; else also when thorough */
};

static bool take_sim(struct health_answers *answers, const char *text)
{
        return at_answer_sim(&answers->facts, text);
}

static bool take_imei(struct health_answers *answers, const char *text)
{
        return at_answer_imei(&answers->facts, text);
}

static bool take_imsi(struct health_answers *answers, const char *text)
{
        return at_answer_imsi(&answers->facts, text);
}

/* The two domains apart, and both together in the facts. */
static bool take_registration(struct health_answers *answers, enum registration *domain, const char *text)
{
        struct modem_facts alone;

        modem_facts_init(&alone);
        if (!at_answer_registration(&alone, text))
                return false;
        *domain = alone.registration;
        return at_answer_registration(&answers->facts, text);
}

static bool take_creg(struct health_answers *answers, const char *text)
{
        return text_starts_with(text, "+CREG:") && take_registration(answers, &answers->circuit, text);
}

static bool take_cereg(struct health_answers *answers, const char *text)
{
        return text_starts_with(text, "+CEREG:") && take_registration(answers, &answers->packet, text);
}

static bool take_operator(struct health_answers *answers, const char *text)
{
        return at_answer_operator(&answers->facts, text);
}

static bool take_signal(struct health_answers *answers, const char *text)
{
        return at_answer_signal(&answers->facts, text);
}

static bool take_service(struct health_answers *answers, const char *text)
{
        return at_answer_no_service(text, &answers->no_service);
}

static bool take_storage(struct health_answers *answers, const char *text)
{
        answers->one_storage = at_answer_is_one_storage(text);
        return at_answer_storage(&answers->facts, text);
}

static bool take_init_status(struct health_answers *answers, const char *text)
{
        return at_answer_init_status(&answers->facts, text);
}

static bool take_functionality(struct health_answers *answers, const char *text)
{
        return at_answer_functionality(&answers->facts, text);
}

static bool take_ims(struct health_answers *answers, const char *text)
{
        int setting, active = -1;

        if (!at_answer_ims(text, &setting, &active))
                return false;
        answers->ims = (enum ims_setting)setting;
        answers->ims_active = active;
        return true;
}

static bool take_temperature(struct health_answers *answers, const char *text)
{
        if (!at_answer_temperature(text, &answers->temperature))
                return false;
        answers->temperature_known = true;
        return true;
}

static bool is_registered(enum registration value)
{
        return value == REGISTRATION_HOME || value == REGISTRATION_ROAMING;
}

static bool sim_not_ready(const struct health_answers *answers)
{
        return answers->facts.sim != SIM_READY;
}

static bool not_in_circuit(const struct health_answers *answers)
{
        return !is_registered(answers->circuit);
}

static bool no_signal(const struct health_answers *answers)
{
        return answers->said[HEALTH_ASK_SIGNAL].reply != HEALTH_UNASKED && answers->facts.signal_dbm == 0;
}

static bool radio_in_doubt(const struct health_answers *answers)
{
        return sim_not_ready(answers) || !is_registered(answers->facts.registration);
}

/* Only if what has been read is what fills it. */
static bool nearly_full(const struct health_answers *answers)
{
        const struct modem_facts *facts = &answers->facts;

        return answers->one_storage && facts->storage_total > 0 &&
               facts->storage_used * 100 >= facts->storage_total * HEALTH_NEARLY_FULL;
}

static bool was_cleaned(const struct health_answers *answers)
{
        return answers->said[HEALTH_ASK_CLEANUP].reply == HEALTH_ANSWERED;
}

static bool only_thorough(const struct health_answers *answers)
{
        (void)answers;
        return false;
}

static const struct question questions[HEALTH_QUESTIONS] = {
    [HEALTH_ASK_PROOF] = {AT_PROBE, AT_PROBE_INTERVAL, PROBES_MAX, NULL, NULL},
    [HEALTH_ASK_SIM] = {"AT+CPIN?", 5 * USEC_PER_SEC, 2, take_sim, NULL},
    [HEALTH_ASK_IMEI] = {"AT+CGSN", LIMIT, 2, take_imei, only_thorough},
    [HEALTH_ASK_IMSI] = {"AT+CIMI", LIMIT, 1, take_imsi, only_thorough},
    [HEALTH_ASK_CREG] = {"AT+CREG?", LIMIT, 2, take_creg, NULL},
    [HEALTH_ASK_CEREG] = {"AT+CEREG?", LIMIT, 1, take_cereg, not_in_circuit},
    [HEALTH_ASK_OPERATOR] = {"AT+COPS?", LIMIT, 1, take_operator, only_thorough},
    [HEALTH_ASK_SIGNAL] = {"AT+CSQ", LIMIT, 2, take_signal, NULL},
    [HEALTH_ASK_SERVICE] = {"AT+QCSQ", LIMIT, 1, take_service, no_signal},
    [HEALTH_ASK_STORAGE] = {"AT+CPMS?", LIMIT, 2, take_storage, NULL},
    [HEALTH_ASK_INIT_STATUS] = {"AT+QINISTAT", LIMIT, 1, take_init_status, sim_not_ready},
    [HEALTH_ASK_FUNCTIONALITY] = {"AT+CFUN?", LIMIT, 1, take_functionality, radio_in_doubt},
    [HEALTH_ASK_IMS] = {"AT+QCFG=\"ims\"", LIMIT, 1, take_ims, not_in_circuit},
    [HEALTH_ASK_TEMPERATURE] = {"AT+QTEMP", LIMIT, 1, take_temperature, only_thorough},
    [HEALTH_ASK_CLEANUP] = {"AT+CMGD=1,1", CLEANUP_LIMIT, 1, NULL, nearly_full},
    [HEALTH_ASK_STORAGE_LEFT] = {"AT+CPMS?", LIMIT, 1, take_storage, was_cleaned},
};

static void end(struct health_dialogue *dialogue, enum health_outcome outcome)
{
        dialogue->outcome = outcome;
        at_exchange_end(&dialogue->exchange);
}

static bool is_identity(unsigned question)
{
        return question == HEALTH_ASK_IMEI || question == HEALTH_ASK_IMSI;
}

static void note(struct health_dialogue *dialogue, enum health_reply reply, const char *text, size_t length)
{
        if (is_identity(dialogue->question)) /* personal: no words that somebody may show */
                length = 0;
        dialogue->answers.said[dialogue->question].reply = reply;
        text_sanitize(dialogue->answers.said[dialogue->question].text, HEALTH_SAID_MAX, text, length);
}

static void send_command(void *userdata, usec_t now)
{
        struct health_dialogue *dialogue = userdata;
        const struct question *question = &questions[dialogue->question];
        bool probe = dialogue->question == HEALTH_ASK_PROOF;

        at_exchange_send(&dialogue->exchange, question->command, probe, question->limit, now);
}

static bool is_wanted(const struct health_dialogue *dialogue, const struct question *question)
{
        if (question >= &questions[HEALTH_ASK_CLEANUP]) /* no questions: only where they are allowed */
                return dialogue->cleanup && question->wanted(&dialogue->answers);
        if (is_identity((unsigned)(question - questions)))
                return dialogue->identity;
        if (question == &questions[HEALTH_ASK_SIGNAL])
                return dialogue->thorough || !dialogue->signal_known || radio_in_doubt(&dialogue->answers);
        return dialogue->thorough || !question->wanted || question->wanted(&dialogue->answers);
}

static void advance(struct health_dialogue *dialogue, usec_t now)
{
        for (unsigned i = dialogue->question + 1; i < HEALTH_QUESTIONS; i++)
                if (is_wanted(dialogue, &questions[i])) {
                        at_exchange_turn(&dialogue->exchange, now);
                        dialogue->question = i;
                        send_command(dialogue, now);
                        return;
                }
        end(dialogue, HEALTH_COMPLETE);
}

static void finish(struct health_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        if (!at_exchange_finish(&dialogue->exchange, line, questions[dialogue->question].take != NULL))
                return;
        dialogue->unanswered = 0;
        /* Any final result proves an AT port. */
        bool done = dialogue->question == HEALTH_ASK_PROOF ||
                    (!questions[dialogue->question].take && line->kind == AT_LINE_OK);
        if (!dialogue->exchange.informed)
                note(dialogue, done ? HEALTH_ANSWERED : HEALTH_REFUSED, line->text, line->length);
        if (dialogue->question == HEALTH_ASK_SIM && line->kind != AT_LINE_OK)
                dialogue->answers.facts.sim = at_answer_sim_refusal(line);
        advance(dialogue, now);
}

static void time_out(void *userdata, usec_t now)
{
        struct health_dialogue *dialogue = userdata;

        if (dialogue->exchange.sent < questions[dialogue->question].tries) {
                send_command(dialogue, now);
                return;
        }
        note(dialogue, HEALTH_UNANSWERED, "", 0);
        if (!dialogue->exchange.proven)
                end(dialogue, HEALTH_SILENT);
        else if (++dialogue->unanswered >= UNANSWERED_MAX)
                end(dialogue, HEALTH_PARTIAL);
        else
                advance(dialogue, now);
}

/* RDY: echo is on again, and what was learnt is from before. */
static void start_over(struct health_dialogue *dialogue, usec_t now)
{
        bool reset = dialogue->exchange.proven;
        unsigned resets = dialogue->answers.resets + reset;

        if (!reset) {
                dialogue->answers.booted = true;
        } else if (resets > RESETS_MAX) {
                end(dialogue, HEALTH_PARTIAL);
                return;
        } else if (dialogue->question > HEALTH_ASK_PROOF || dialogue->exchange.awaiting) {
                bool booted = dialogue->answers.booted, echoed = dialogue->answers.echoed;
                health_answers_init(&dialogue->answers);
                dialogue->answers.booted = booted;
                dialogue->answers.echoed = echoed;
                dialogue->answers.resets = resets;
        }
        at_exchange_turn(&dialogue->exchange, usec_add(now, AT_SETTLE));
        dialogue->question = HEALTH_ASK_PROOF;
        dialogue->unanswered = 0;
}

static void take_information(struct health_dialogue *dialogue, const struct at_line *line)
{
        const struct question *question = &questions[dialogue->question];

        if (line->cut)
                return;
        if (dialogue->exchange.awaiting && question->take && question->take(&dialogue->answers, line->text)) {
                dialogue->exchange.informed = true;
                note(dialogue, HEALTH_ANSWERED, line->text, line->length);
        } else if (text_starts_with(line->text, "+CPIN: NOT INSERTED")) {
                dialogue->answers.sim_lost = true;
        }
}

static void take_unsolicited(struct health_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        const char *text = line->text;
        bool asked = dialogue->exchange.awaiting && dialogue->question == HEALTH_ASK_SIM;

        if (text_equal(text, "RDY")) {
                start_over(dialogue, now);
        } else if (text_starts_with(text, "+QIND: \"smsfull\"")) {
                dialogue->answers.storage_full = true;
        } else if (text_starts_with(text, "+CPIN:") && asked) {
                take_information(dialogue, line); /* "NOT READY" is an answer as well */
        } else if (text_starts_with(text, "+CPIN:") || text_starts_with(text, "+QSIMSTAT : 1,0") ||
                   text_starts_with(text, "+QSIMSTAT: 1,0")) {
                dialogue->answers.sim_lost = true;
        }
}

static void take_line(void *userdata, const struct at_line *line, usec_t now)
{
        struct health_dialogue *dialogue = userdata;

        if (!line || (line->kind == AT_LINE_NMEA && !dialogue->exchange.proven))
                end(dialogue, HEALTH_NOT_AT);
        else if (at_line_is_final(line))
                finish(dialogue, line, now);
        else if (line->kind == AT_LINE_URC)
                take_unsolicited(dialogue, line, now);
        else if (line->kind == AT_LINE_TEXT)
                take_information(dialogue, line);
        else if (line->kind == AT_LINE_ECHO && dialogue->question == HEALTH_ASK_PROOF)
                dialogue->answers.echoed = true;
}

static void run_out(void *userdata)
{
        struct health_dialogue *dialogue = userdata;

        end(dialogue, dialogue->exchange.proven ? HEALTH_PARTIAL : HEALTH_SILENT);
}

static const struct at_exchange_ops ops = {
    .take = take_line, .send = send_command, .time_out = time_out, .run_out = run_out};

void health_answers_init(struct health_answers *answers)
{
        *answers = (struct health_answers){.ims = IMS_UNKNOWN, .ims_active = -1};
        modem_facts_init(&answers->facts);
}

void health_dialogue_start(struct health_dialogue *dialogue, bool thorough, usec_t now, usec_t give_up)
{
        *dialogue = (struct health_dialogue){.thorough = thorough};
        at_exchange_init(&dialogue->exchange, give_up);
        health_answers_init(&dialogue->answers);
        send_command(dialogue, now);
}

void health_dialogue_skip_signal(struct health_dialogue *dialogue)
{
        dialogue->signal_known = true;
}

void health_dialogue_ask_identity(struct health_dialogue *dialogue)
{
        dialogue->identity = true;
}

void health_dialogue_allow_cleanup(struct health_dialogue *dialogue)
{
        dialogue->cleanup = true;
}

void health_dialogue_receive(struct health_dialogue *dialogue, const char *data, size_t size, usec_t now)
{
        at_exchange_receive(&dialogue->exchange, &ops, dialogue, data, size, now);
}

void health_dialogue_tick(struct health_dialogue *dialogue, usec_t now)
{
        at_exchange_tick(&dialogue->exchange, &ops, dialogue, now);
}

usec_t health_dialogue_deadline(const struct health_dialogue *dialogue)
{
        return at_exchange_deadline(&dialogue->exchange);
}

size_t health_dialogue_output(struct health_dialogue *dialogue, char *target, size_t size)
{
        return at_exchange_output(&dialogue->exchange, target, size);
}
