/*
 * The probe as a table of commands and a small machine that walks it, see core/at_dialogue.h. The machine
 * knows three things only: a line came, time has passed, the current command is finished. What a line states
 * is at_answers.c's business, how one command and its answer go over the port at_exchange.c's.
 */
#include "core/at_dialogue.h"

#include "base/text.h"
#include "core/at_answers.h"

#define ASK_AGAIN      USEC_PER_SEC
#define UNANSWERED_MAX 2

enum need {
        NEED_PROOF,     /* repeated until anything final comes */
        NEED_SIM,       /* asked until the SIM says something */
        NEED_IMPORTANT, /* twice, then without it */
        NEED_OPTIONAL,
};

enum {
        STEP_PROBE,
        STEP_ERRORS,
        STEP_IMEI,
        STEP_SIM,
        STEP_SIM_FAILURE,
        STEP_PIN_ATTEMPTS,
        STEP_ICCID,
        STEP_ICCID_OTHER,
        STEP_IMSI,
        STEP_INIT_STATUS,
        STEP_IDENTITY,
        STEP_CREG,
        STEP_CEREG,
        STEP_OPERATOR,
        STEP_SIGNAL,
        STEP_STORAGE,
        STEP_NETWORK,
        STEP_FUNCTIONALITY,
        STEPS
};

struct step {
        const char *command;
        enum need need;
        unsigned patience;                                         /* how often to ask again until complete */
        usec_t limit;                                              /* for its final result */
        bool (*take)(struct modem_facts *facts, const char *text); /* NULL: no information is expected */
        bool (*wanted)(const struct modem_facts *facts);           /* NULL: always */
        bool (*complete)(const struct modem_facts *facts);         /* NULL: any final result will do */
};

static bool sim_failed(const struct modem_facts *facts)
{
        return facts->sim == SIM_FAILURE;
}

static bool pin_wanted(const struct modem_facts *facts)
{
        return facts->sim == SIM_PIN;
}

static bool sim_present(const struct modem_facts *facts)
{
        return facts->sim == SIM_READY || facts->sim == SIM_PIN || facts->sim == SIM_PUK;
}

static bool iccid_missing(const struct modem_facts *facts)
{
        return sim_present(facts) && facts->iccid[0] == '\0';
}

static bool imei_missing(const struct modem_facts *facts)
{
        return facts->imei[0] == '\0';
}

static bool imei_known(const struct modem_facts *facts)
{
        return facts->imei[0] != '\0';
}

static bool imsi_known(const struct modem_facts *facts)
{
        return facts->imsi[0] != '\0';
}

static bool sms_done(const struct modem_facts *facts)
{
        return facts->init_status & 2;
}

static bool not_registered(const struct modem_facts *facts)
{
        return facts->registration != REGISTRATION_HOME && facts->registration != REGISTRATION_ROAMING;
}

/* Unknown, or seen in a state that it may have left since. */
static bool functionality_open(const struct modem_facts *facts)
{
        return facts->functionality != 1;
}

static const struct step steps[STEPS] = {
    [STEP_PROBE] = {AT_PROBE, NEED_PROOF, 0, AT_PROBE_INTERVAL, NULL, NULL, NULL},
    [STEP_ERRORS] = {"AT+CMEE=1", NEED_IMPORTANT, 0, 2 * USEC_PER_SEC, NULL, NULL, NULL},
    [STEP_IMEI] = {"AT+CGSN", NEED_IMPORTANT, 2, 2 * USEC_PER_SEC, at_answer_imei, imei_missing, imei_known},
    [STEP_SIM] = {"AT+CPIN?", NEED_SIM, 0, 5 * USEC_PER_SEC, at_answer_sim, NULL, NULL},
    [STEP_SIM_FAILURE] = {"AT+CFUN?", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_functionality, sim_failed,
                          NULL},
    [STEP_PIN_ATTEMPTS] = {"AT+QPINC?", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_pin_attempts, pin_wanted,
                           NULL},
    [STEP_ICCID] = {"AT+QCCID", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_iccid, sim_present, NULL},
    [STEP_ICCID_OTHER] = {"AT+CICCID", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_iccid, iccid_missing, NULL},
    [STEP_IMSI] = {"AT+CIMI", NEED_IMPORTANT, 5, 2 * USEC_PER_SEC, at_answer_imsi, NULL, imsi_known},
    [STEP_INIT_STATUS] = {"AT+QINISTAT", NEED_OPTIONAL, 10, USEC_PER_SEC, at_answer_init_status, NULL,
                          sms_done},
    [STEP_IDENTITY] = {"ATI", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_identity, NULL, NULL},
    [STEP_CREG] = {"AT+CREG?", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_registration, NULL, NULL},
    [STEP_CEREG] = {"AT+CEREG?", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_registration, not_registered,
                    NULL},
    [STEP_OPERATOR] = {"AT+COPS?", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_operator, NULL, NULL},
    [STEP_SIGNAL] = {"AT+CSQ", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_signal, NULL, NULL},
    [STEP_STORAGE] = {"AT+CPMS?", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_storage, NULL, NULL},
    [STEP_NETWORK] = {"AT+QNWINFO", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_network, NULL, NULL},
    [STEP_FUNCTIONALITY] = {"AT+CFUN?", NEED_OPTIONAL, 0, USEC_PER_SEC, at_answer_functionality,
                            functionality_open, NULL},
};

static void decide(struct at_dialogue *dialogue, enum at_verdict verdict)
{
        dialogue->verdict = verdict;
        at_exchange_end(&dialogue->exchange);
}

static void send_command(void *userdata, usec_t now)
{
        struct at_dialogue *dialogue = userdata;
        const struct step *step = &steps[dialogue->step];

        at_exchange_send(&dialogue->exchange, step->command, step->need == NEED_PROOF, step->limit, now);
}

/* Makes `step` the current one; its command goes out at `when`, by at_dialogue_tick. */
static void schedule(struct at_dialogue *dialogue, unsigned step, usec_t when)
{
        at_exchange_turn(&dialogue->exchange, when);
        dialogue->step = step;
        dialogue->asked_again = 0;
}

static void enter(struct at_dialogue *dialogue, unsigned step, usec_t now)
{
        schedule(dialogue, step, now);
        send_command(dialogue, now);
}

static bool is_wanted(const struct at_dialogue *dialogue, const struct step *step)
{
        if (step->need == NEED_OPTIONAL && dialogue->unanswered >= UNANSWERED_MAX)
                return false;
        return !step->wanted || step->wanted(&dialogue->facts);
}

/* The SIM is not ready: a person is needed, or time. */
static void settle_sim(struct at_dialogue *dialogue, usec_t now)
{
        switch (dialogue->facts.sim) {
        case SIM_PIN:
        case SIM_PUK:
                decide(dialogue, AT_VERDICT_SIM);
                break;
        case SIM_UNKNOWN: /* a plain ERROR: perhaps the modem reset itself and forgot AT+CMEE=1 */
                schedule(dialogue, STEP_PROBE, usec_add(now, ASK_AGAIN));
                break;
        case SIM_ABSENT:
        case SIM_BUSY:
        case SIM_FAILURE:
        case SIM_READY:
                schedule(dialogue, STEP_SIM, usec_add(now, ASK_AGAIN));
                break;
        }
}

static void advance(struct at_dialogue *dialogue, usec_t now)
{
        for (unsigned step = dialogue->step + 1; step < STEPS; step++) {
                if (step == STEP_IMSI && dialogue->facts.sim != SIM_READY) {
                        settle_sim(dialogue, now);
                        return;
                }
                if (is_wanted(dialogue, &steps[step])) {
                        enter(dialogue, step, now);
                        return;
                }
        }
        decide(dialogue, AT_VERDICT_READY);
}

/* The answer was "not yet", and there is patience left. */
static bool ask_again(struct at_dialogue *dialogue, const struct step *step, bool ok, usec_t now)
{
        if (!step->complete || step->complete(&dialogue->facts) || dialogue->asked_again >= step->patience)
                return false;
        if (step->need == NEED_OPTIONAL && !ok)
                return false;
        dialogue->asked_again++;
        dialogue->exchange.next = usec_add(now, ASK_AGAIN);
        return true;
}

/* A final result. */
static void finish(struct at_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        const struct step *step = &steps[dialogue->step];
        bool ok = line->kind == AT_LINE_OK;

        if (!at_exchange_finish(&dialogue->exchange, line, step->take != NULL))
                return;
        if (step->need == NEED_SIM && !ok)
                dialogue->facts.sim = at_answer_sim_error(line->kind == AT_LINE_CME_ERROR ? line->code : -1);
        if (!ask_again(dialogue, step, ok, now))
                advance(dialogue, now);
}

/* The command in flight was not answered in its time. */
static void time_out(void *userdata, usec_t now)
{
        struct at_dialogue *dialogue = userdata;
        const struct step *step = &steps[dialogue->step];

        switch (step->need) {
        case NEED_SIM: /* perhaps it is booting: back to probes, which notice its return at once */
                enter(dialogue, STEP_PROBE, now);
                break;
        case NEED_PROOF:
                send_command(dialogue, now);
                break;
        case NEED_IMPORTANT:
                if (dialogue->exchange.sent > dialogue->asked_again + 1)
                        advance(dialogue, now);
                else
                        send_command(dialogue, now);
                break;
        case NEED_OPTIONAL:
                dialogue->unanswered++;
                advance(dialogue, now);
                break;
        }
}

/* RDY: the modem has just booted and knows nothing of us. */
static void start_over(struct at_dialogue *dialogue, usec_t now)
{
        if (dialogue->step == STEP_PROBE && !dialogue->exchange.awaiting)
                return; /* about to begin anyway */
        if (dialogue->exchange.proven) {
                dialogue->restarts++;
                modem_facts_init(&dialogue->facts);
                dialogue->unanswered = 0;
        }
        schedule(dialogue, STEP_PROBE, usec_add(now, AT_SETTLE));
}

/* +CPIN: NOT READY out of the blue: what was learnt about the SIM is void. */
static void lose_sim(struct at_dialogue *dialogue, usec_t now)
{
        dialogue->facts.sim = SIM_BUSY;
        dialogue->facts.imsi[0] = '\0';
        dialogue->facts.iccid[0] = '\0';
        schedule(dialogue, STEP_SIM, usec_add(now, ASK_AGAIN));
}

static void take_information(struct at_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        const struct step *step = &steps[dialogue->step];

        if (line->cut)
                return;
        if (dialogue->exchange.awaiting) {
                if (step->take && step->take(&dialogue->facts, line->text))
                        dialogue->exchange.informed = true;
        } else if (dialogue->step == STEP_SIM && text_starts_with(line->text, "+CPIN:")) {
                /* The SIM woke up: do not wait out the second. */
                dialogue->exchange.next = usec_min(dialogue->exchange.next, usec_add(now, AT_SETTLE));
        }
}

static void take_unsolicited(struct at_dialogue *dialogue, const struct at_line *line, usec_t now)
{
        if (text_equal(line->text, "RDY"))
                start_over(dialogue, now);
        else if (text_starts_with(line->text, "+CPIN:") && dialogue->step > STEP_SIM)
                lose_sim(dialogue, now);
        else if (dialogue->exchange.awaiting && dialogue->step == STEP_SIM)
                take_information(dialogue, line, now);
}

static void take_line(void *userdata, const struct at_line *line, usec_t now)
{
        struct at_dialogue *dialogue = userdata;

        /* One that has answered may be set to send positions to its AT port. */
        if (!line || (line->kind == AT_LINE_NMEA && !dialogue->exchange.proven))
                decide(dialogue, AT_VERDICT_NOT_AT);
        else if (at_line_is_final(line))
                finish(dialogue, line, now);
        else if (line->kind == AT_LINE_URC)
                take_unsolicited(dialogue, line, now);
        else if (line->kind == AT_LINE_TEXT)
                take_information(dialogue, line, now);
}

/* The time is up: what is known counts. */
static void conclude(void *userdata)
{
        struct at_dialogue *dialogue = userdata;

        if (!dialogue->exchange.proven)
                decide(dialogue, AT_VERDICT_SILENT);
        else
                decide(dialogue, dialogue->facts.sim == SIM_READY ? AT_VERDICT_READY : AT_VERDICT_SIM);
}

static const struct at_exchange_ops ops = {
    .take = take_line, .send = send_command, .time_out = time_out, .run_out = conclude};

void at_dialogue_start(struct at_dialogue *dialogue, usec_t now, usec_t give_up)
{
        *dialogue = (struct at_dialogue){0};
        at_exchange_init(&dialogue->exchange, give_up);
        modem_facts_init(&dialogue->facts);
        enter(dialogue, STEP_PROBE, now);
}

void at_dialogue_receive(struct at_dialogue *dialogue, const char *data, size_t size, usec_t now)
{
        at_exchange_receive(&dialogue->exchange, &ops, dialogue, data, size, now);
}

void at_dialogue_tick(struct at_dialogue *dialogue, usec_t now)
{
        at_exchange_tick(&dialogue->exchange, &ops, dialogue, now);
}

usec_t at_dialogue_deadline(const struct at_dialogue *dialogue)
{
        return at_exchange_deadline(&dialogue->exchange);
}

size_t at_dialogue_output(struct at_dialogue *dialogue, char *target, size_t size)
{
        return at_exchange_output(&dialogue->exchange, target, size);
}

static const char *const sentences[] = {
    [AT_VERDICT_RUNNING] = "The modem is being asked.",
    [AT_VERDICT_READY] = "The modem answers and its SIM is ready.",
    [AT_VERDICT_SIM] = "The modem answers, but its SIM cannot be used: see its state.",
    [AT_VERDICT_SILENT] =
        "No AT answer came: the modem is still booting, hangs, or this is another of its ports.",
    [AT_VERDICT_NOT_AT] = "This port speaks GNSS or diagnostics, not AT: it is another of the modem's ports.",
};

const char *at_verdict_to_sentence(enum at_verdict verdict)
{
        return (size_t)verdict < ARRAY_SIZE(sentences) ? sentences[verdict] : "";
}
