/*
 * The probe against scripted modems in virtual time: a script is a table of request and replies over a
 * healthy EC25. Every answer takes the 55 ms of a real one, so the test also measures what the dialogue
 * costs.
 */
#include "core/at_dialogue.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ANSWER_TIME (55 * USEC_PER_MSEC)
#define SILENCE     ""
#define QUEUE_MAX   64

struct exchange {
        const char *command;
        const char *replies[4]; /* in turn; the last one is repeated */
};

/* What comes unasked, at a time or (at = 0) behind the reply to the `after`-th command. */
struct unasked {
        usec_t at;
        unsigned after;
        const char *text;
        bool resets; /* the modem forgets that echo is off */
};

struct script {
        const char *name;
        const struct exchange *exchanges; /* over the healthy ones */
        size_t n_exchanges;
        struct unasked unasked[2];
        usec_t boot; /* silent until then; commands before it are lost */
        bool hoards; /* ... or kept, and all answered at once */
        bool echo;
        size_t piece;       /* bytes handed over at once, 0 all */
        const char *always; /* the reply to everything */
        usec_t budget;      /* 0: 90 s */
        usec_t within;      /* ... and ready by then; 0: whenever */
};

static const struct exchange healthy[] = {
    {"AT", {"\r\nOK\r\n"}},
    {"ATE0", {"\r\nOK\r\n"}},
    {"AT+CMEE=1", {"\r\nOK\r\n"}},
    {"AT+CGSN", {"\r\n862061045678901\r\n\r\nOK\r\n"}},
    {"AT+CPIN?", {"\r\n+CPIN: READY\r\n\r\nOK\r\n"}},
    {"AT+QPINC?", {"\r\n+QPINC: \"SC\",3,10\r\n+QPINC: \"P2\",3,10\r\n\r\nOK\r\n"}},
    {"AT+QCCID", {"\r\n+QCCID: 89860025128306012474\r\n\r\nOK\r\n"}},
    {"AT+CIMI", {"\r\n246012345678901\r\n\r\nOK\r\n"}},
    {"AT+QINISTAT", {"\r\n+QINISTAT: 7\r\n\r\nOK\r\n"}},
    {"ATI", {"\r\nQuectel\r\nEC25\r\nRevision: EC25EFAR06A11M4G\r\n\r\nOK\r\n"}},
    {"AT+CREG?", {"\r\n+CREG: 0,1\r\n\r\nOK\r\n"}},
    {"AT+CEREG?", {"\r\n+CEREG: 0,1\r\n\r\nOK\r\n"}},
    {"AT+COPS?", {"\r\n+COPS: 0,0,\"Telia LT\",7\r\n\r\nOK\r\n"}},
    {"AT+CSQ", {"\r\n+CSQ: 28,99\r\n\r\nOK\r\n"}},
    {"AT+CPMS?", {"\r\n+CPMS: \"ME\",0,255,\"ME\",0,255,\"ME\",3,255\r\n\r\nOK\r\n"}},
    {"AT+QNWINFO", {"\r\n+QNWINFO: \"FDD LTE\",\"24603\",\"LTE BAND 3\",1650\r\n\r\nOK\r\n"}},
    {"AT+CFUN?", {"\r\n+CFUN: 1\r\n\r\nOK\r\n"}},
};

struct world {
        const struct script *script;
        struct at_dialogue dialogue;
        usec_t now;
        unsigned commands; /* that reached the modem */
        unsigned probes;   /* ATE0 sent, heard or not */
        unsigned escapes;
        unsigned asked[ARRAY_SIZE(healthy)];
        char partial[128];
        bool echo;
        unsigned n_queue;
        struct {
                usec_t due;
                char text[256];
                bool resets;
        } queue[QUEUE_MAX];
        bool fired[2];
};

static void enqueue(struct world *world, usec_t due, const char *text, bool resets)
{
        if (world->n_queue == QUEUE_MAX || *text == '\0')
                return;
        world->queue[world->n_queue].due = due;
        world->queue[world->n_queue].resets = resets;
        assert_int_equal(text_copy(world->queue[world->n_queue].text, sizeof(world->queue[0].text), text), 0);
        world->n_queue++;
}

static const char *pick(const struct exchange *exchange, unsigned turn)
{
        while (turn > 0 && (turn >= ARRAY_SIZE(exchange->replies) || !exchange->replies[turn]))
                turn--;
        return exchange->replies[turn];
}

static const char *reply_to(struct world *world, const char *command)
{
        for (size_t i = 0; i < ARRAY_SIZE(healthy); i++) {
                if (!text_equal(healthy[i].command, command))
                        continue;
                unsigned turn = world->asked[i]++;
                if (world->script->always)
                        return world->script->always;
                for (size_t k = 0; k < world->script->n_exchanges; k++)
                        if (text_equal(world->script->exchanges[k].command, command))
                                return pick(&world->script->exchanges[k], turn);
                return pick(&healthy[i], turn);
        }
        return world->script->always ? world->script->always : "\r\nERROR\r\n";
}

static void modem_hears(struct world *world, const char *command)
{
        char text[256];

        if (text_starts_with(command, "\x1b")) {
                world->escapes++;
                command++;
        }
        world->probes += text_equal(command, "ATE0");
        if (world->now < world->script->boot && !world->script->hoards)
                return;
        usec_t due = world->now < world->script->boot ? world->script->boot : world->now + ANSWER_TIME;
        world->commands++;
        assert_int_equal(text_format(text, sizeof(text), "%s%s%s", world->echo ? command : "",
                                     world->echo ? "\r" : "", reply_to(world, command)),
                         0);
        if (text_equal(command, "ATE0"))
                world->echo = world->script->echo && world->script->always;
        enqueue(world, due, text, false);
        for (size_t i = 0; i < ARRAY_SIZE(world->script->unasked); i++)
                if (world->script->unasked[i].after == world->commands)
                        enqueue(world, due, world->script->unasked[i].text, world->script->unasked[i].resets);
}

static void take_output(struct world *world)
{
        char data[64];
        size_t n = at_dialogue_output(&world->dialogue, data, sizeof(data));

        for (size_t i = 0; i < n; i++) {
                if (data[i] == '\r') {
                        modem_hears(world, world->partial);
                        world->partial[0] = '\0';
                        continue;
                }
                assert_int_equal(text_append(world->partial, sizeof(world->partial), "%c", data[i]), 0);
        }
}

static void hand_over(struct world *world, const char *text)
{
        size_t size = strlen(text), piece = world->script->piece ? world->script->piece : size;

        for (size_t done = 0; done < size; done += piece) {
                at_dialogue_receive(&world->dialogue, text + done, size - done < piece ? size - done : piece,
                                    world->now);
                take_output(world);
        }
}

static usec_t next_event(const struct world *world)
{
        usec_t next = at_dialogue_deadline(&world->dialogue);

        for (unsigned i = 0; i < world->n_queue; i++)
                next = usec_min(next, world->queue[i].due);
        for (size_t i = 0; i < ARRAY_SIZE(world->script->unasked); i++)
                if (world->script->unasked[i].at != 0 && !world->fired[i])
                        next = usec_min(next, world->script->unasked[i].at);
        return next;
}

static void deliver(struct world *world)
{
        for (size_t i = 0; i < ARRAY_SIZE(world->script->unasked); i++)
                if (world->script->unasked[i].at != 0 && !world->fired[i] &&
                    world->script->unasked[i].at <= world->now) {
                        world->fired[i] = true;
                        world->echo =
                            world->echo || (world->script->unasked[i].resets && world->script->echo);
                        hand_over(world, world->script->unasked[i].text);
                }
        while (world->n_queue > 0 && world->queue[0].due <= world->now) {
                char text[256];
                assert_int_equal(text_copy(text, sizeof(text), world->queue[0].text), 0);
                world->echo = world->echo || (world->queue[0].resets && world->script->echo);
                world->n_queue--;
                memmove(&world->queue[0], &world->queue[1], world->n_queue * sizeof(world->queue[0]));
                hand_over(world, text);
        }
}

static void play(struct world *world, const struct script *script)
{
        *world = (struct world){.script = script, .echo = script->echo, .now = 1000 * USEC_PER_SEC};
        const usec_t start = world->now;
        struct script shifted = *script;

        shifted.boot += start;
        for (size_t i = 0; i < ARRAY_SIZE(shifted.unasked); i++)
                if (shifted.unasked[i].at != 0)
                        shifted.unasked[i].at += start;
        world->script = &shifted;
        at_dialogue_start(&world->dialogue, start,
                          start + (script->budget ? script->budget : 90 * USEC_PER_SEC));
        take_output(world);
        for (unsigned turns = 0; world->dialogue.verdict == AT_VERDICT_RUNNING; turns++) {
                assert_true(turns < 5000);
                usec_t next = next_event(world);
                assert_true(next != USEC_INFINITY);
                world->now = next > world->now ? next : world->now;
                deliver(world);
                at_dialogue_tick(&world->dialogue, world->now);
                take_output(world);
        }
        world->now -= start;
        world->script = script;
        assert_int_equal(at_dialogue_deadline(&world->dialogue), USEC_INFINITY);
}

#define OVER(...)                                                                                            \
        .exchanges = (const struct exchange[]){__VA_ARGS__},                                                 \
        .n_exchanges = sizeof((const struct exchange[]){__VA_ARGS__}) / sizeof(struct exchange)

static void assert_healthy_facts(const struct modem_facts *facts)
{
        assert_string_equal(facts->manufacturer, "Quectel");
        assert_string_equal(facts->model, "EC25");
        assert_string_equal(facts->firmware, "EC25EFAR06A11M4G");
        assert_string_equal(facts->imei, "862061045678901");
        assert_string_equal(facts->imsi, "246012345678901");
        assert_string_equal(facts->iccid, "89860025128306012474");
        assert_int_equal(facts->sim, SIM_READY);
        assert_int_equal(facts->registration, REGISTRATION_HOME);
        assert_string_equal(facts->operator_name, "Telia LT");
        assert_string_equal(facts->technology, "LTE");
        assert_string_equal(facts->band, "LTE BAND 3");
        assert_int_equal(facts->signal_dbm, -57);
        assert_int_equal(facts->storage_used, 3);
        assert_int_equal(facts->storage_total, 255);
        assert_int_equal(facts->functionality, 1);
        assert_int_equal(facts->init_status, 7);
        assert_int_equal(facts->pin_attempts, -1);
}

/* Scripts that must all end in the same place: READY with every fact of a healthy modem. */
static const struct script ready_scripts[] = {
    {.name = "plain"},
    {.name = "echo on", .echo = true},
    {.name = "byte by byte, echo on", .echo = true, .piece = 1},
    {.name = "in threes", .piece = 3},
    {.name = "50 s of silence, then RDY",
     .boot = 50 * USEC_PER_SEC,
     .unasked = {{.at = 50 * USEC_PER_SEC, .text = "\r\nRDY\r\n"},
                 {.at = 51 * USEC_PER_SEC, .text = "\r\n+CFUN: 1\r\n\r\n+QUSIM: 1\r\n"}}},
    {.name = "50 s of silence, no RDY", .boot = 50 * USEC_PER_SEC},
    {.name = "all probes of 10 s answered at once",
     .boot = 10 * USEC_PER_SEC,
     .hoards = true,
     .within = 10900 * USEC_PER_MSEC},
    {.name = "all probes of 10 s answered at once, with echo",
     .boot = 10 * USEC_PER_SEC,
     .hoards = true,
     .echo = true,
     .within = 10900 * USEC_PER_MSEC},
    {.name = "SIM busy, then ready",
     OVER({"AT+CPIN?",
           {"\r\n+CME ERROR: 14\r\n", "\r\n+CME ERROR: 14\r\n", "\r\n+CPIN: READY\r\n\r\nOK\r\n"}})},
    {.name = "SIM not ready, then ready",
     OVER({"AT+CPIN?", {"\r\n+CPIN: NOT READY\r\n\r\nOK\r\n", "\r\n+CPIN: READY\r\n\r\nOK\r\n"}})},
    {.name = "SIM failing, then ready",
     OVER({"AT+CPIN?", {"\r\n+CME ERROR: 13\r\n", "\r\n+CPIN: READY\r\n\r\nOK\r\n"}})},
    {.name = "SIM late", OVER({"AT+CPIN?", {SILENCE, "\r\n+CPIN: READY\r\n\r\nOK\r\n"}})},
    {.name = "IMSI not there yet",
     OVER({"AT+CIMI", {"\r\n+CME ERROR: 14\r\n", "\r\n246012345678901\r\n\r\nOK\r\n"}})},
    {.name = "IMEI once swallowed", OVER({"AT+CGSN", {SILENCE, "\r\n862061045678901\r\n\r\nOK\r\n"}})},
    {.name = "SMS not done yet",
     OVER({"AT+QINISTAT", {"\r\n+QINISTAT: 1\r\n\r\nOK\r\n", "\r\n+QINISTAT: 7\r\n\r\nOK\r\n"}})},
    {.name = "self-reset in mid-session",
     .echo = true,
     .unasked = {{.after = 6, .text = "\r\nRDY\r\n", .resets = true}}},
    {.name = "answers run together with URCs",
     OVER({"AT+CPIN?", {"\r\n+QIND: SMS DONE\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n\r\n+QIND: PB DONE\r\n"}},
          {"AT+CGSN", {"\r\n+CMTI: \"ME\",3\r\n\r\n862061045678901\r\n\r\nRING\r\n\r\nOK\r\n"}},
          {"ATI",
           {"\r\nQuectel\r\n\r\n+CREG: 1\r\n\r\nEC25\r\n\r\n+CMTI: \"ME\",4\r\nRevision: "
            "EC25EFAR06A11M4G\r\n\r\nOK\r\n"}})},
    {.name = "a call ends in between",
     .unasked = {{.at = 800 * USEC_PER_MSEC / 2, .text = "\r\nNO CARRIER\r\n"},
                 {.at = 600 * USEC_PER_MSEC, .text = "\r\nNO CARRIER\r\n"}}},
    {.name = "positions on the AT port", .unasked = {{.after = 3, .text = "$GPGGA,,,,,,0,,,,,,,,*66\r\n"}}},
    {.name = "SIM pulled and put back",
     .unasked = {{.after = 9, .text = "\r\n+QSIMSTAT : 1,0\r\n\r\n+CPIN: NOT READY\r\n"}}},
    {.name = "registered by LTE only", OVER({"AT+CREG?", {"\r\n+CREG: 0,2\r\n\r\nOK\r\n"}})},
};

static void test_ready(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(ready_scripts); i++) {
                struct world world;
                print_message("   %s\n", ready_scripts[i].name);
                play(&world, &ready_scripts[i]);
                assert_int_equal(world.dialogue.verdict, AT_VERDICT_READY);
                assert_true(world.dialogue.exchange.proven);
                assert_healthy_facts(&world.dialogue.facts);
                if (ready_scripts[i].within)
                        assert_in_range(world.now, 0, ready_scripts[i].within);
        }
}

static void test_cost(void **state)
{
        const struct script plain = {.name = "plain"};
        struct world world;

        (void)state;
        play(&world, &plain);
        assert_int_equal(world.commands, 14);
        assert_int_equal(world.now, 14 * ANSWER_TIME);
}

static const struct {
        struct script script;
        enum at_verdict verdict;
        enum sim_state sim;
        int pin_attempts;
        int functionality;
        const char *imei;
        usec_t from, to; /* when it is decided */
} endings[] = {
    {{.name = "PIN", OVER({"AT+CPIN?", {"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"}})},
     AT_VERDICT_SIM,
     SIM_PIN,
     3,
     -1,
     "862061045678901",
     0,
     400 * USEC_PER_MSEC},
    {{.name = "PIN as an error", OVER({"AT+CPIN?", {"\r\n+CME ERROR: 11\r\n"}})},
     AT_VERDICT_SIM,
     SIM_PIN,
     3,
     -1,
     "862061045678901",
     0,
     400 * USEC_PER_MSEC},
    {{.name = "PIN, no QPINC",
      OVER({"AT+CPIN?", {"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"}}, {"AT+QPINC?", {"\r\nERROR\r\n"}})},
     AT_VERDICT_SIM,
     SIM_PIN,
     -1,
     -1,
     "862061045678901",
     0,
     400 * USEC_PER_MSEC},
    {{.name = "PUK", OVER({"AT+CPIN?", {"\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"}})},
     AT_VERDICT_SIM,
     SIM_PUK,
     -1,
     -1,
     "862061045678901",
     0,
     400 * USEC_PER_MSEC},
    {{.name = "absent", OVER({"AT+CPIN?", {"\r\n+CME ERROR: 10\r\n"}})},
     AT_VERDICT_SIM,
     SIM_ABSENT,
     -1,
     -1,
     "862061045678901",
     90 * USEC_PER_SEC,
     90 * USEC_PER_SEC},
    {{.name = "CFUN=0",
      OVER({"AT+CPIN?", {"\r\n+CME ERROR: 13\r\n"}}, {"AT+CFUN?", {"\r\n+CFUN: 0\r\n\r\nOK\r\n"}})},
     AT_VERDICT_SIM,
     SIM_FAILURE,
     -1,
     0,
     "862061045678901",
     90 * USEC_PER_SEC,
     90 * USEC_PER_SEC},
    {{.name = "SIM wrong", OVER({"AT+CPIN?", {"\r\n+CME ERROR: 15\r\n"}})},
     AT_VERDICT_SIM,
     SIM_FAILURE,
     -1,
     1,
     "862061045678901",
     90 * USEC_PER_SEC,
     90 * USEC_PER_SEC},
    {{.name = "ERROR to everything", .always = "\r\nERROR\r\n", .budget = 20 * USEC_PER_SEC},
     AT_VERDICT_SIM,
     SIM_UNKNOWN,
     -1,
     -1,
     "",
     20 * USEC_PER_SEC,
     20 * USEC_PER_SEC},
    {{.name = "OK to everything", .always = "\r\nOK\r\n", .budget = 20 * USEC_PER_SEC},
     AT_VERDICT_SIM,
     SIM_UNKNOWN,
     -1,
     -1,
     "",
     20 * USEC_PER_SEC,
     20 * USEC_PER_SEC},
    {{.name = "only its echo", .always = "\r\n", .echo = true, .budget = 20 * USEC_PER_SEC},
     AT_VERDICT_SILENT,
     SIM_UNKNOWN,
     -1,
     -1,
     "",
     20 * USEC_PER_SEC,
     20 * USEC_PER_SEC},
    {{.name = "silent", .boot = 1000 * USEC_PER_SEC},
     AT_VERDICT_SILENT,
     SIM_UNKNOWN,
     -1,
     -1,
     "",
     90 * USEC_PER_SEC,
     90 * USEC_PER_SEC},
    {{.name = "NMEA",
      .boot = 1000 * USEC_PER_SEC,
      .unasked = {{.at = USEC_PER_SEC, .text = "$GPGSV,1,1,00*79\r\n"}}},
     AT_VERDICT_NOT_AT,
     SIM_UNKNOWN,
     -1,
     -1,
     "",
     USEC_PER_SEC,
     USEC_PER_SEC},
    {{.name = "DIAG",
      .always = "\x13"
                "ATE0\r\x7e\x01\x02\x03\x04\x05\x06\x07\x08\x7e"},
     AT_VERDICT_NOT_AT,
     SIM_UNKNOWN,
     -1,
     -1,
     "",
     0,
     USEC_PER_SEC},
    {{.name = "optional: errors only",
      OVER({"AT+QCCID", {"\r\nERROR\r\n"}}, {"AT+QINISTAT", {"\r\nERROR\r\n"}}, {"ATI", {"\r\nERROR\r\n"}},
           {"AT+CREG?", {"\r\n+CME ERROR: 3\r\n"}}, {"AT+CEREG?", {"\r\nERROR\r\n"}},
           {"AT+COPS?", {"\r\n+CMS ERROR: 500\r\n"}}, {"AT+CSQ", {"\r\nERROR\r\n"}},
           {"AT+CPMS?", {"\r\n+CMS ERROR: 310\r\n"}}, {"AT+QNWINFO", {"\r\nERROR\r\n"}},
           {"AT+CFUN?", {"\r\nERROR\r\n"}})},
     AT_VERDICT_READY,
     SIM_READY,
     -1,
     -1,
     "862061045678901",
     16 * ANSWER_TIME,
     16 * ANSWER_TIME},
    {{.name = "optional: two unanswered, the rest dropped",
      OVER({"AT+CSQ", {SILENCE}}, {"AT+CPMS?", {SILENCE}})},
     AT_VERDICT_READY,
     SIM_READY,
     -1,
     -1,
     "862061045678901",
     10 * ANSWER_TIME + 2 * USEC_PER_SEC,
     10 * ANSWER_TIME + 2 * USEC_PER_SEC},
    {{.name = "SMS never done", OVER({"AT+QINISTAT", {"\r\n+QINISTAT: 1\r\n\r\nOK\r\n"}})},
     AT_VERDICT_READY,
     SIM_READY,
     -1,
     1,
     "862061045678901",
     10 * USEC_PER_SEC,
     12 * USEC_PER_SEC},
    {{.name = "no IMEI ever", OVER({"AT+CGSN", {SILENCE}})},
     AT_VERDICT_READY,
     SIM_READY,
     -1,
     1,
     "",
     4 * USEC_PER_SEC,
     6 * USEC_PER_SEC},
    {{.name = "escape sequence in the IMEI", OVER({"AT+CGSN", {"\r\n\x1b[31m2061045678901\r\n\r\nOK\r\n"}})},
     AT_VERDICT_READY,
     SIM_READY,
     -1,
     1,
     "",
     USEC_PER_SEC,
     4 * USEC_PER_SEC},
    {{.name = "line ends in the IMEI", OVER({"AT+CGSN", {"\r\n8620610\ndevice=x45678901\r\n\r\nOK\r\n"}})},
     AT_VERDICT_READY,
     SIM_READY,
     -1,
     1,
     "",
     USEC_PER_SEC,
     4 * USEC_PER_SEC},
};

static void test_endings(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
                struct world world;
                print_message("   %s\n", endings[i].script.name);
                play(&world, &endings[i].script);
                assert_int_equal(world.dialogue.verdict, endings[i].verdict);
                assert_int_equal(world.dialogue.facts.sim, endings[i].sim);
                assert_int_equal(world.dialogue.facts.pin_attempts, endings[i].pin_attempts);
                assert_int_equal(world.dialogue.facts.functionality, endings[i].functionality);
                assert_string_equal(world.dialogue.facts.imei, endings[i].imei);
                assert_in_range(world.now, endings[i].from, endings[i].to);
        }
}

static void test_pin_names_the_sim(void **state)
{
        const struct script script = {.name = "PIN",
                                      OVER({"AT+CPIN?", {"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"}})};
        struct world world;

        (void)state;
        play(&world, &script);
        /* Whoever guards the attempts must know which SIM they belong to. */
        assert_string_equal(world.dialogue.facts.iccid, "89860025128306012474");
        assert_string_equal(world.dialogue.facts.imsi, "");
}

static void test_absent_is_asked_every_second(void **state)
{
        const struct script script = {
            .name = "absent", OVER({"AT+CPIN?", {"\r\n+CME ERROR: 10\r\n"}}), .budget = 20 * USEC_PER_SEC};
        struct world world;

        (void)state;
        play(&world, &script);
        assert_in_range(world.asked[4], 18, 20);
}

static void test_probes_and_escapes(void **state)
{
        const struct script script = {
            .name = "silent", .boot = 1000 * USEC_PER_SEC, .budget = 10 * USEC_PER_SEC};
        struct world world;

        (void)state;
        play(&world, &script);
        assert_int_equal(world.probes, 20);
        assert_int_equal(world.escapes, 5);
}

static void test_self_reset_counts_and_forgets(void **state)
{
        struct at_dialogue dialogue;
        char data[64];

        (void)state;
        at_dialogue_start(&dialogue, 0, 90 * USEC_PER_SEC);
        at_dialogue_receive(&dialogue, "\r\nRDY\r\n", 7, 1); /* before any answer: a boot, not a reset */
        assert_int_equal(dialogue.restarts, 0);
        at_dialogue_tick(&dialogue, USEC_PER_SEC);
        at_dialogue_receive(&dialogue, "OK\rOK\r862061045678901\rOK\r", 26, USEC_PER_SEC);
        assert_string_equal(dialogue.facts.imei, "862061045678901");
        at_dialogue_receive(&dialogue, "\r\nRDY\r\n", 7, 2 * USEC_PER_SEC);
        assert_int_equal(dialogue.restarts, 1);
        assert_string_equal(dialogue.facts.imei, "");
        (void)at_dialogue_output(&dialogue, data, sizeof(data));
        at_dialogue_tick(&dialogue, at_dialogue_deadline(&dialogue));
        assert_int_equal(at_dialogue_output(&dialogue, data, sizeof(data)), 5);
        assert_memory_equal(data, "ATE0\r", 5);
        assert_int_equal(at_dialogue_output(&dialogue, data, sizeof(data)), 0);
}

/* A hostile modem can make us write only at a bounded rate. */
static void test_flood_of_rdy(void **state)
{
        struct at_dialogue dialogue;
        usec_t now = 0;
        size_t written = 0;

        (void)state;
        at_dialogue_start(&dialogue, 0, 20 * USEC_PER_SEC);
        for (; now < 10 * USEC_PER_SEC; now += USEC_PER_MSEC) {
                char data[64];
                at_dialogue_receive(&dialogue, "OK\rRDY\r", 7, now);
                at_dialogue_tick(&dialogue, now);
                written += at_dialogue_output(&dialogue, data, sizeof(data));
        }
        assert_true(written < 64 * 200);
        at_dialogue_tick(&dialogue, 20 * USEC_PER_SEC);
        assert_int_equal(dialogue.verdict, AT_VERDICT_SIM);
}

static void test_ten_megabytes_without_a_line_end(void **state)
{
        static char flood[64 * 1024];
        struct at_dialogue dialogue;

        (void)state;
        memset(flood, 'x', sizeof(flood));
        at_dialogue_start(&dialogue, 0, 5 * USEC_PER_SEC);
        for (unsigned i = 0; i < 160; i++)
                at_dialogue_receive(&dialogue, flood, sizeof(flood), i * 10 * USEC_PER_MSEC);
        assert_int_equal(dialogue.verdict, AT_VERDICT_RUNNING);
        /* It may still turn out to be a modem. */
        at_dialogue_receive(&dialogue, "\r\nOK\r\n", 6, 2 * USEC_PER_SEC);
        assert_true(dialogue.exchange.proven);
        at_dialogue_tick(&dialogue, 5 * USEC_PER_SEC);
        assert_int_equal(dialogue.verdict, AT_VERDICT_SIM);
}

static void test_ten_megabytes_of_nul(void **state)
{
        static char flood[64 * 1024];
        struct at_dialogue dialogue;

        (void)state;
        at_dialogue_start(&dialogue, 0, 5 * USEC_PER_SEC);
        for (unsigned i = 0; i < 160; i++)
                at_dialogue_receive(&dialogue, flood, sizeof(flood), 0);
        assert_int_equal(dialogue.verdict, AT_VERDICT_NOT_AT);
        assert_int_equal(at_dialogue_deadline(&dialogue), USEC_INFINITY);
}

/* Facts end in status lines and in a file that smsd reads: printable ASCII, nothing else. */
static void test_hostile_text_stays_clean(void **state)
{
        static const char reply[] = "\r\nQuec\x1b]0;evil\x07tel\"; rm -rf /\r\n\x01\x02"
                                    "EC25\xe2\x80\xae\xff\r\nRevision: A\0B\x1b[2J\r\n\r\nOK\r\n";
        struct at_dialogue dialogue;
        const char *texts[4];

        (void)state;
        at_dialogue_start(&dialogue, 0, 5 * USEC_PER_SEC);
        const char *healthy_until_ati =
            "OK\rOK\r862061045678901\rOK\r+CPIN: READY\rOK\r+QCCID: 89860025128306012474\rOK\r"
            "246012345678901\rOK\r+QINISTAT: 7\rOK\r";
        at_dialogue_receive(&dialogue, healthy_until_ati, strlen(healthy_until_ati), 1);
        at_dialogue_receive(&dialogue, reply, sizeof(reply) - 1, 2);
        texts[0] = dialogue.facts.manufacturer;
        texts[1] = dialogue.facts.model;
        texts[2] = dialogue.facts.firmware;
        texts[3] = dialogue.facts.imei;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                assert_true(texts[i][0] != '\0');
                for (const char *p = texts[i]; *p; p++)
                        assert_true(*p >= 0x20 && *p <= 0x7e);
        }
}

/* Twenty probes were lost: an answer that brings nothing is then just that, and no time is lost on waiting
 * for a better one. */
static void test_lost_probes_are_forgotten(void **state)
{
        const struct script script = {.name = "lost probes",
                                      OVER({"AT+CSQ", {"\r\nOK\r\n"}}, {"AT+CPMS?", {"\r\nOK\r\n"}}),
                                      .boot = 10 * USEC_PER_SEC};
        struct world world;

        (void)state;
        play(&world, &script);
        assert_int_equal(world.dialogue.verdict, AT_VERDICT_READY);
        assert_in_range(world.now, 10 * USEC_PER_SEC, 11400 * USEC_PER_MSEC);
}

static void test_pulled_sim_is_forgotten(void **state)
{
        const struct script script = {
            .name = "SIM pulled for good",
            OVER({"AT+CPIN?", {"\r\n+CPIN: READY\r\n\r\nOK\r\n", "\r\n+CME ERROR: 10\r\n"}}),
            .unasked = {{.after = 9, .text = "\r\n+CPIN: NOT READY\r\n"}}};
        struct world world;

        (void)state;
        play(&world, &script);
        assert_int_equal(world.dialogue.verdict, AT_VERDICT_SIM);
        assert_int_equal(world.dialogue.facts.sim, SIM_ABSENT);
        assert_string_equal(world.dialogue.facts.iccid, "");
        assert_string_equal(world.dialogue.facts.imsi, "");
        assert_string_equal(world.dialogue.facts.imei, "862061045678901");
}

/* A plain ERROR to AT+CPIN? means that the modem forgot AT+CMEE=1: it reset itself where nobody saw its RDY.
 */
static void test_plain_error_begins_again(void **state)
{
        const struct script script = {
            .name = "unseen reset",
            OVER(
                {"AT+CPIN?", {"\r\nERROR\r\n", "\r\n+CME ERROR: 14\r\n", "\r\n+CPIN: READY\r\n\r\nOK\r\n"}})};
        struct world world;

        (void)state;
        play(&world, &script);
        assert_int_equal(world.dialogue.verdict, AT_VERDICT_READY);
        assert_int_equal(world.asked[2], 2);
}

/* +CPIN: READY out of the blue is worth asking at once. */
static void test_sim_that_wakes_up_is_asked_at_once(void **state)
{
        const struct script script = {
            .name = "wakes up",
            OVER({"AT+CPIN?", {"\r\n+CME ERROR: 14\r\n", "\r\n+CPIN: READY\r\n\r\nOK\r\n"}}),
            .unasked = {{.at = 300 * USEC_PER_MSEC, .text = "\r\n+CPIN: READY\r\n"}}};
        struct world world;

        (void)state;
        play(&world, &script);
        assert_int_equal(world.dialogue.verdict, AT_VERDICT_READY);
        assert_in_range(world.now, 0, 1100 * USEC_PER_MSEC);
}

static void test_cut_line_is_no_fact(void **state)
{
        struct at_dialogue dialogue;
        char endless[AT_LINE_MAX + 100];
        const char *until_ati =
            "OK\rOK\r862061045678901\rOK\r+CPIN: READY\rOK\r+QCCID: 89860025128306012474\rOK\r"
            "246012345678901\rOK\r+QINISTAT: 7\rOK\r";

        (void)state;
        memset(endless, 'x', sizeof(endless));
        endless[sizeof(endless) - 1] = '\r';
        at_dialogue_start(&dialogue, 0, 5 * USEC_PER_SEC);
        at_dialogue_receive(&dialogue, until_ati, strlen(until_ati), 1);
        at_dialogue_receive(&dialogue, endless, sizeof(endless), 2);
        at_dialogue_receive(&dialogue, "Quectel\r", 8, 3);
        assert_string_equal(dialogue.facts.manufacturer, "Quectel");
}

static void test_verdict_words(void **state)
{
        (void)state;
        for (int i = AT_VERDICT_RUNNING; i <= AT_VERDICT_NOT_AT; i++)
                assert_true(strlen(at_verdict_to_sentence((enum at_verdict)i)) > 10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_ready),
            cmocka_unit_test(test_cost),
            cmocka_unit_test(test_endings),
            cmocka_unit_test(test_pin_names_the_sim),
            cmocka_unit_test(test_absent_is_asked_every_second),
            cmocka_unit_test(test_probes_and_escapes),
            cmocka_unit_test(test_self_reset_counts_and_forgets),
            cmocka_unit_test(test_flood_of_rdy),
            cmocka_unit_test(test_ten_megabytes_without_a_line_end),
            cmocka_unit_test(test_ten_megabytes_of_nul),
            cmocka_unit_test(test_hostile_text_stays_clean),
            cmocka_unit_test(test_lost_probes_are_forgotten),
            cmocka_unit_test(test_pulled_sim_is_forgotten),
            cmocka_unit_test(test_plain_error_begins_again),
            cmocka_unit_test(test_sim_that_wakes_up_is_asked_at_once),
            cmocka_unit_test(test_cut_line_is_no_fact),
            cmocka_unit_test(test_verdict_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
