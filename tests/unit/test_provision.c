/*
 * The provisioning dialogue against a small modem in virtual time: it keeps settings, answers after 55 ms,
 * and a case may put other replies in the place of its own. What counts is the transcript: every command, in
 * order.
 */
#include "core/provision.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define IMEI        "862061045678901"
#define IMSI        "246012345678901"
#define ANSWER_TIME (55 * USEC_PER_MSEC)
#define SILENCE     ""
#define OK          "\r\nOK\r\n"
#define OWN         NULL /* the modem's own reply */

struct exchange {
        const char *command;
        const char *replies[4]; /* in turn; the last one is repeated */
        bool ignores;           /* the write is answered, and not carried out */
};

struct script {
        const char *name;
        struct exchange exchanges[3];
        const char *transcript; /* behind ATE0 AT+CMEE=1 AT+CGSN AT+CIMI */
        const char *record;     /* provision_to_text */
        enum provision_verdict verdict;
        enum provision_reset reset;
        bool declines, unpermitted, owed;
};

struct modem {
        const struct script *script;
        unsigned asked[3];
        unsigned usbnet, ims, scan;
        char cnmi[20], cpms[3][3], apn[64];
};

struct world {
        struct modem modem;
        struct provision_dialogue dialogue;
        usec_t now;
        char transcript[4096];
        unsigned commands;
        usec_t due; /* of the reply on its way */
        char reply[256];
};

static void settings(char *target, size_t size, const struct modem *modem, const char *command)
{
        target[0] = '\0';
        if (text_equal(command, "AT+QCFG=\"usbnet\""))
                (void)text_format(target, size, "\r\n+QCFG: \"usbnet\",%u\r\n", modem->usbnet);
        else if (text_equal(command, "AT+QCFG=\"ims\""))
                (void)text_format(target, size, "\r\n+QCFG: \"ims\",%u,1\r\n", modem->ims);
        else if (text_equal(command, "AT+QCFG=\"nwscanmode\""))
                (void)text_format(target, size, "\r\n+QCFG: \"nwscanmode\",%u\r\n", modem->scan);
        else if (text_equal(command, "AT+CNMI?"))
                (void)text_format(target, size, "\r\n+CNMI: %s\r\n", modem->cnmi);
        else if (text_equal(command, "AT+CPMS?"))
                (void)text_format(target, size, "\r\n+CPMS: \"%s\",0,255,\"%s\",0,255,\"%s\",0,255\r\n",
                                  modem->cpms[0], modem->cpms[1], modem->cpms[2]);
        else if (text_equal(command, "AT+CGDCONT?") && modem->apn[0])
                (void)text_format(target, size,
                                  "\r\n+CGDCONT: 1,\"IP\",\"%s\",\"0.0.0.0\",0,0\r\n+CGDCONT: "
                                  "2,\"IPV4V6\",\"ims\",\"\",0,0\r\n",
                                  modem->apn);
}

static void carry_out(struct modem *modem, const char *command)
{
        unsigned *const numbers[] = {&modem->usbnet, &modem->ims, &modem->scan};
        static const char *const keys[] = {"AT+QCFG=\"usbnet\",", "AT+QCFG=\"ims\",",
                                           "AT+QCFG=\"nwscanmode\","};

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (text_starts_with(command, keys[i]))
                        *numbers[i] = (unsigned)(command[strlen(keys[i])] - '0');
        if (text_starts_with(command, "AT+CNMI="))
                (void)text_copy(modem->cnmi, sizeof(modem->cnmi), command + 8);
        if (text_starts_with(command, "AT+CPMS="))
                for (size_t i = 0; i < 3; i++)
                        memcpy(modem->cpms[i], command + 9 + 5 * i, 2);
        if (text_starts_with(command, "AT+CGDCONT=1,\"IP\",\""))
                (void)text_copy_n(modem->apn, sizeof(modem->apn), command + 19, strlen(command) - 20);
}

static const char *scripted(struct modem *modem, const char *command, bool *ret_ignores)
{
        for (size_t i = 0; i < ARRAY_SIZE(modem->script->exchanges); i++) {
                const struct exchange *exchange = &modem->script->exchanges[i];
                if (!exchange->command || !text_equal(exchange->command, command))
                        continue;
                unsigned turn = modem->asked[i]++;
                *ret_ignores = exchange->ignores;
                while (turn >= ARRAY_SIZE(exchange->replies) || (turn > 0 && !exchange->replies[turn]))
                        turn--;
                return exchange->replies[turn];
        }
        return OWN;
}

static void modem_hears(struct world *world, const char *command)
{
        bool ignores = false;
        const char *reply = scripted(&world->modem, command, &ignores);
        char information[200];

        world->commands++;
        if (world->commands > 4) /* the preamble is checked once, below */
                assert_int_equal(text_append(world->transcript, sizeof(world->transcript), "%s%s",
                                             world->transcript[0] ? "|" : "", command),
                                 0);
        settings(information, sizeof(information), &world->modem, command);
        if (text_equal(command, "AT+CGSN"))
                (void)text_copy(information, sizeof(information), "\r\n" IMEI "\r\n");
        if (text_equal(command, "AT+CIMI"))
                (void)text_copy(information, sizeof(information), "\r\n" IMSI "\r\n");
        if (!ignores)
                carry_out(&world->modem, command);
        world->due = world->now + ANSWER_TIME;
        if (reply == OWN)
                (void)text_format(world->reply, sizeof(world->reply), "%s%s", information, OK);
        else
                (void)text_copy(world->reply, sizeof(world->reply), reply);
}

static void take_output(struct world *world)
{
        char data[PROVISION_OUTPUT_MAX + 1];
        size_t n = provision_output(&world->dialogue, data, sizeof(data) - 1);

        if (n == 0)
                return;
        assert_int_equal(data[n - 1], '\r');
        data[n - 1] = '\0';
        modem_hears(world, data[0] == '\x1b' ? data + 1 : data);
}

static void run(struct world *world)
{
        take_output(world);
        for (unsigned turns = 0; world->dialogue.verdict == PROVISION_RUNNING; turns++) {
                assert_true(turns < 1000);
                usec_t next = provision_deadline(&world->dialogue);
                if (world->reply[0])
                        next = usec_min(next, world->due);
                assert_true(next != USEC_INFINITY);
                world->now = next > world->now ? next : world->now;
                if (world->reply[0] && world->due <= world->now) {
                        char reply[sizeof(world->reply)];
                        memcpy(reply, world->reply, sizeof(reply));
                        world->reply[0] = '\0';
                        provision_receive(&world->dialogue, reply, strlen(reply), world->now);
                } else {
                        provision_tick(&world->dialogue, world->now);
                }
                take_output(world);
        }
}

static const struct script no_script;

static void set_up(struct world *world, const struct script *script)
{
        *world = (struct world){.now = 1000 * USEC_PER_SEC};
        world->modem = (struct modem){.script = script ? script : &no_script, .cnmi = "2,1,0,0,0"};
        (void)text_copy(world->modem.apn, sizeof(world->modem.apn), "internet");
        for (size_t i = 0; i < 3; i++)
                memcpy(world->modem.cpms[i], "ME", 3);
}

static struct provision_job job_for(void)
{
        struct provision_job job = {.scope = PROVISION_SCOPE_MODEM | PROVISION_SCOPE_SIM,
                                    .imei = IMEI,
                                    .imsi = IMSI,
                                    .may_reset = true};

        provision_config_init(&job.config);
        return job;
}

static void start(struct world *world, const struct provision_job *job)
{
        assert_int_equal(provision_start(&world->dialogue, job, world->now, world->now + 120 * USEC_PER_SEC),
                         0);
}

static void assert_record(const struct world *world, const char *wanted)
{
        char record[PROVISION_SETTINGS * PROVISION_TEXT_MAX];

        assert_int_equal(provision_to_text(&world->dialogue, record, sizeof(record)), 0);
        assert_string_equal(record, wanted);
}

/* All of these ask for usbnet 1 on a modem that has 0. */
static const struct script usbnet_scripts[] = {
    {.name = "written, read back, reset once",
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+CFUN=1,1",
     .record = "usbnet changed from 0 to 1; the modem was reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_SENT},
    {.name = "the reset is not given",
     .declines = true,
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"",
     .record = "usbnet changed from 0 to 1; takes effect at the modem's next reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_OWED},
    {.name = "the reset is spent",
     .unpermitted = true,
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"",
     .record = "usbnet changed from 0 to 1; takes effect at the modem's next reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_OWED},
    {.name = "the reset is refused",
     .exchanges = {{"AT+CFUN=1,1", {"\r\n+CME ERROR: 3\r\n"}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+CFUN=1,1",
     .record = "usbnet changed from 0 to 1; the modem refused to reset itself",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_REFUSED},
    {.name = "the reset takes it without a word",
     .exchanges = {{"AT+CFUN=1,1", {SILENCE}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+CFUN=1,1",
     .record = "usbnet changed from 0 to 1; the modem was reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_SENT},
    {.name = "it is so already",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {"\r\n+QCFG: \"usbnet\",1\r\n" OK}, false}},
     .transcript = "AT+QCFG=\"usbnet\"",
     .record = "usbnet is 1 as asked for",
     .verdict = PROVISION_DONE},
    {.name = "it is so already, an earlier attempt did not come to its reset",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {"\r\n+QCFG: \"usbnet\",1\r\n" OK}, false}},
     .owed = true,
     .transcript = "AT+QCFG=\"usbnet\"|AT+CFUN=1,1",
     .record = "usbnet is 1 as asked for; the modem was reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_SENT},
    {.name = "the modem does not know it: not written",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {"\r\n+CME ERROR: 58\r\n"}, false}},
     .transcript = "AT+QCFG=\"usbnet\"",
     .record = "usbnet was not set to 1: +CME ERROR: 58",
     .verdict = PROVISION_DONE},
    {.name = "the answer to the read makes no sense: not written",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {"\r\n+QCFG: \"usbnet\",one\r\n" OK}, false}},
     .transcript = "AT+QCFG=\"usbnet\"",
     .record = "usbnet was not set to 1: the modem does not tell what it is",
     .verdict = PROVISION_DONE},
    {.name = "an OK and nothing else: not written",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {OK}, false}},
     .transcript = "AT+QCFG=\"usbnet\"",
     .record = "usbnet was not set to 1: the modem does not tell what it is",
     .verdict = PROVISION_DONE},
    {.name = "the write is refused",
     .exchanges = {{"AT+QCFG=\"usbnet\",1", {"\r\n+CME ERROR: 50\r\n"}, true}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"",
     .record = "usbnet could not be set to 1: +CME ERROR: 50 (it was 0)",
     .verdict = PROVISION_DONE},
    {.name = "refused, and done all the same",
     .exchanges = {{"AT+QCFG=\"usbnet\",1", {"\r\nERROR\r\n"}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+CFUN=1,1",
     .record = "usbnet changed from 0 to 1; the modem was reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_SENT},
    {.name = "OK, and not done",
     .exchanges = {{"AT+QCFG=\"usbnet\",1", {OK}, true}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\"|AT+QCFG="
                   "\"usbnet\"",
     .record = "usbnet could not be set to 1: it reads back as \"0\" (it was 0)",
     .verdict = PROVISION_DONE},
    {.name = "it cannot be read back",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {"\r\n+QCFG: \"usbnet\",0\r\n" OK, "\r\nERROR\r\n"}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\"|AT+QCFG="
                   "\"usbnet\"",
     .record = "usbnet could not be set to 1: it cannot be read back: ERROR (it was 0)",
     .verdict = PROVISION_DONE},
    {.name = "an old value comes late",
     .exchanges = {{"AT+QCFG=\"usbnet\"",
                    {"\r\n+QCFG: \"usbnet\",0\r\n" OK, "\r\n+QCFG: \"usbnet\",0\r\n" OK,
                     "\r\n+QCFG: \"usbnet\",1\r\n" OK},
                    false}},
     .transcript =
         "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\"|AT+CFUN=1,1",
     .record = "usbnet changed from 0 to 1; the modem was reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_SENT},
    {.name = "the read is once not answered",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {SILENCE, "\r\n+QCFG: \"usbnet\",1\r\n" OK}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\"",
     .record = "usbnet is 1 as asked for",
     .verdict = PROVISION_DONE},
    {.name = "the end of a lost answer comes before the answer",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {SILENCE, OK "\r\n+QCFG: \"usbnet\",1\r\n" OK}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\"",
     .record = "usbnet is 1 as asked for",
     .verdict = PROVISION_DONE},
    {.name = "the write is answered twice",
     .exchanges = {{"AT+QCFG=\"usbnet\",1", {OK OK}, false}},
     .transcript =
         "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\"|AT+CFUN=1,1",
     .record = "usbnet changed from 0 to 1; the modem was reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_SENT},
    {.name = "the write is not answered, and was carried out",
     .exchanges = {{"AT+QCFG=\"usbnet\",1", {SILENCE}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+CFUN=1,1",
     .record = "usbnet changed from 0 to 1; the modem was reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_SENT},
    {.name = "never answered",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {SILENCE}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\"",
     .record = "usbnet was not set to 1: no answer",
     .verdict = PROVISION_DONE},
    {.name = "calls, URCs and positions in between",
     .exchanges = {{"AT+QCFG=\"usbnet\"",
                    {"\r\nRING\r\n\r\nNO CARRIER\r\n$GPGGA,,,,*66\r\n\r\n+CMTI: \"ME\",3\r\n+QCFG: "
                     "\"ims\",1\r\n+QCFG: \"usbnet\",1\r\n" OK},
                    false}},
     .transcript = "AT+QCFG=\"usbnet\"",
     .record = "usbnet is 1 as asked for",
     .verdict = PROVISION_DONE},
    {.name = "a self-reset before the write: all from the start",
     .exchanges = {{"AT+QCFG=\"usbnet\"", {"\r\nRDY\r\n", "\r\n+CME ERROR: 3\r\n"}, false}},
     .transcript = "AT+QCFG=\"usbnet\"|ATE0|AT+CMEE=1|AT+CGSN|AT+CIMI|AT+QCFG=\"usbnet\"",
     .record = "usbnet was not set to 1: +CME ERROR: 3",
     .verdict = PROVISION_DONE},
    {.name = "a self-reset instead of the OK to the write",
     .exchanges = {{"AT+QCFG=\"usbnet\",1", {"\r\nRDY\r\n"}, false}},
     .transcript =
         "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|ATE0|AT+CMEE=1|AT+CGSN|AT+CIMI|AT+QCFG=\"usbnet\"|"
         "AT+CFUN=1,1",
     .record = "usbnet changed from 0 to 1; the modem was reset",
     .verdict = PROVISION_DONE,
     .reset = PROVISION_RESET_SENT},
    {.name = "another modem",
     .exchanges = {{"AT+CGSN", {"\r\n862061045678000\r\n" OK}, false}},
     .transcript = "",
     .record = "usbnet was not set to 1: another modem is there now",
     .verdict = PROVISION_STRANGER},
    {.name = "another SIM",
     .exchanges = {{"AT+CIMI", {"\r\n246012345678902\r\n" OK}, false}},
     .transcript = "",
     .record = "usbnet was not set to 1: another SIM is there now",
     .verdict = PROVISION_STRANGER},
    {.name = "the SIM wakes up late",
     .exchanges = {{"AT+CIMI", {"\r\n+CME ERROR: 14\r\n", "\r\n" IMSI "\r\n" OK}, false},
                   {"AT+QCFG=\"usbnet\"", {"\r\n+QCFG: \"usbnet\",1\r\n" OK}, false}},
     .transcript = "AT+CIMI|AT+QCFG=\"usbnet\"",
     .record = "usbnet is 1 as asked for",
     .verdict = PROVISION_DONE},
};

/* The rows whose name says that a self-reset comes first are given a modem that has 0 and refuses later
 * reads. */
static void test_one_setting(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(usbnet_scripts); i++) {
                const struct script *script = &usbnet_scripts[i];
                struct provision_job job = job_for();
                struct world world;

                print_message("   %s\n", script->name);
                job.config.usbnet = 1;
                job.may_reset = !script->unpermitted;
                job.reset_owed = script->owed;
                set_up(&world, script);
                start(&world, &job);
                run(&world);
                if (world.dialogue.verdict == PROVISION_RESET_DUE) {
                        assert_int_equal(provision_deadline(&world.dialogue), USEC_INFINITY);
                        assert_int_equal(world.dialogue.reset, PROVISION_RESET_OWED);
                        if (script->declines)
                                provision_decline_reset(&world.dialogue);
                        else
                                provision_reset(&world.dialogue, world.now);
                        run(&world);
                }
                assert_string_equal(world.transcript, script->transcript);
                assert_record(&world, script->record);
                assert_int_equal(world.dialogue.verdict, script->verdict);
                assert_int_equal(world.dialogue.reset, script->reset);
                /* Nothing more comes, whatever is called. */
                provision_reset(&world.dialogue, world.now);
                provision_tick(&world.dialogue, world.now + USEC_PER_DAY);
                provision_port_lost(&world.dialogue);
                assert_int_equal(world.dialogue.exchange.output_length, 0);
                assert_int_equal(world.dialogue.verdict, script->verdict);
        }
}

static struct provision_job full_job(void)
{
        struct provision_job job = job_for();

        job.config.usbnet = 1;
        job.config.ims = 1;
        job.config.nwscanmode = 3;
        job.config.apn_mode = PROVISION_APN_AUTO;
        (void)text_copy(job.apn, sizeof(job.apn), "banga");
        (void)text_copy(job.config.cnmi, sizeof(job.config.cnmi), "1,1,0,2,0");
        assert_int_equal(provision_cpms_parse("SM,SM,MT", job.config.cpms), 0);
        return job;
}

static void test_everything(void **state)
{
        struct provision_job job = full_job();
        struct world world;

        (void)state;
        set_up(&world, NULL);
        start(&world, &job);
        run(&world);
        assert_int_equal(world.dialogue.verdict, PROVISION_RESET_DUE);
        provision_reset(&world.dialogue, world.now);
        run(&world);
        assert_string_equal(world.transcript,
                            "AT+CNMI?|AT+CNMI=1,1,0,2,0|AT+CNMI?|"
                            "AT+CPMS?|AT+CPMS=\"SM\",\"SM\",\"MT\"|AT+CPMS?|"
                            "AT+CGDCONT?|AT+CGDCONT=1,\"IP\",\"banga\"|AT+CGDCONT?|"
                            "AT+QCFG=\"nwscanmode\"|AT+QCFG=\"nwscanmode\",3,1|AT+QCFG=\"nwscanmode\"|"
                            "AT+QCFG=\"ims\"|AT+QCFG=\"ims\",1|AT+QCFG=\"ims\"|"
                            "AT+QCFG=\"usbnet\"|AT+QCFG=\"usbnet\",1|AT+QCFG=\"usbnet\"|AT+CFUN=1,1");
        assert_record(&world,
                      "CNMI changed from 2,1,0,0,0 to 1,1,0,2,0; CPMS changed from ME,ME,ME to SM,SM,MT; "
                      "APN changed from \"internet\" to \"banga\"; nwscanmode changed from 0 to 3; ims "
                      "changed from 0 to 1; usbnet changed from 0 to 1; the modem was reset");
        assert_true(provision_is_complete(&world.dialogue));

        /* Once more on what is there now: read only, no reset. */
        world.transcript[0] = '\0';
        world.commands = 0;
        start(&world, &job);
        run(&world);
        assert_int_equal(world.dialogue.verdict, PROVISION_DONE);
        assert_int_equal(world.dialogue.reset, PROVISION_RESET_NONE);
        assert_string_equal(world.transcript, "AT+CNMI?|AT+CPMS?|AT+CGDCONT?|AT+QCFG=\"nwscanmode\"|"
                                              "AT+QCFG=\"ims\"|AT+QCFG=\"usbnet\"");
}

static void test_nothing_to_do(void **state)
{
        struct provision_job job = full_job();
        struct world world;

        (void)state;
        set_up(&world, NULL);
        job.scope = 0; /* the same modem and SIM */
        start(&world, &job);
        assert_int_equal(world.dialogue.verdict, PROVISION_DONE);
        assert_int_equal(world.dialogue.exchange.output_length, 0);
        job = job_for(); /* nothing asked for */
        start(&world, &job);
        assert_int_equal(world.dialogue.verdict, PROVISION_DONE);
        assert_int_equal(world.dialogue.exchange.output_length, 0);
}

static void test_scope(void **state)
{
        struct provision_job job = full_job();
        struct world world;

        (void)state;
        set_up(&world, NULL);
        job.scope = PROVISION_SCOPE_SIM; /* what is the modem's alone stays */
        start(&world, &job);
        run(&world);
        assert_int_equal(world.modem.usbnet, 0);
        assert_string_equal(world.modem.cnmi, "2,1,0,0,0");
        assert_string_equal(world.modem.apn, "banga");
        assert_int_equal(world.modem.ims, 1);
        set_up(&world, NULL);
        job.scope = PROVISION_SCOPE_SIM | PROVISION_SCOPE_MODEM;
        job.imsi[0] = '\0'; /* and the SIM's waits until there is one */
        start(&world, &job);
        run(&world);
        assert_int_equal(world.modem.usbnet, 1);
        assert_int_equal(world.modem.ims, 0);
        assert_string_equal(world.modem.apn, "internet");
        assert_null(strstr(world.transcript, "CIMI"));
}

static void test_apn(void **state)
{
        struct provision_job job = job_for();
        struct world world;

        (void)state;
        job.config.apn_mode = PROVISION_APN_AUTO;
        (void)text_copy(job.apn_why, sizeof(job.apn_why), "no operator 24699 is known");
        set_up(&world, NULL);
        start(&world, &job);
        assert_int_equal(world.dialogue.verdict, PROVISION_DONE);
        assert_int_equal(world.dialogue.exchange.output_length, 0);
        assert_record(&world, "APN could not be chosen: no operator 24699 is known");
        assert_false(provision_is_complete(&world.dialogue));

        /* Case is no difference; no reset for a name. */
        (void)text_copy(job.apn, sizeof(job.apn), "InterNet");
        start(&world, &job);
        run(&world);
        assert_record(&world, "APN is \"InterNet\" as asked for");

        /* No context at all: it is made. */
        const struct script none = {
            .exchanges = {
                {"AT+CGDCONT?", {OK, "\r\n+CGDCONT: 1,\"IPV4V6\",\"a-b.c\",\"\",0,0\r\n" OK}, false}}};
        set_up(&world, &none);
        (void)text_copy(job.apn, sizeof(job.apn), "a-b.c");
        start(&world, &job);
        run(&world);
        assert_int_equal(world.dialogue.verdict, PROVISION_DONE);
        assert_string_equal(world.transcript, "AT+CGDCONT?|AT+CGDCONT=1,\"IPV4V6\",\"a-b.c\"|AT+CGDCONT?");
        assert_record(&world, "APN changed from not set to \"a-b.c\"");
}

/* Every text from the modem comes out printable and bounded. */
static void test_hostile_answers(void **state)
{
        static char endless[3000], wild[3000];
        struct provision_job job = full_job();
        static const char head[] = "\r\n+CGDCONT: 1,\"IP\",\"";

        (void)state;
        memset(endless, 'A', sizeof(endless) - 1);
        memcpy(wild, head, sizeof(head) - 1);
        for (size_t i = sizeof(head) - 1; i < 400; i++)
                wild[i] = (char)(1 + (i * 7) % 255);
        memcpy(wild + 400, "\"\r\nOK\r\n", 8);
        const char *const answers[] = {endless,
                                       wild,
                                       "\r\n+CPMS: \"\",\"\"\r\nOK\r\n",
                                       "\r\nERROR\r\n",
                                       "\r\nRDY\r\n",
                                       "OK\rOK\rOK\rOK\rOK\rOK\r",
                                       "\r\n+CNMI: ,,,,,,,\r\nOK\r\n"};
        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                struct world world;
                char record[PROVISION_SETTINGS * PROVISION_TEXT_MAX];

                set_up(&world, NULL);
                start(&world, &job);
                unsigned outputs = 0;
                while (world.dialogue.verdict == PROVISION_RUNNING) {
                        char data[PROVISION_OUTPUT_MAX];
                        outputs += provision_output(&world.dialogue, data, sizeof(data)) > 0;
                        if (outputs == 3) /* let it in: the numbers are right */
                                provision_receive(&world.dialogue, "\r\n" IMEI "\r\nOK\r\n", 23, world.now);
                        else if (outputs == 4)
                                provision_receive(&world.dialogue, "\r\n" IMSI "\r\nOK\r\n", 23, world.now);
                        else
                                provision_receive(&world.dialogue, answers[i], strlen(answers[i]), world.now);
                        provision_tick(&world.dialogue, world.now);
                        world.now += 100 * USEC_PER_MSEC;
                        assert_true(outputs < 400 && world.now < 1200 * USEC_PER_SEC);
                }
                assert_int_equal(provision_to_text(&world.dialogue, record, sizeof(record)), 0);
                for (const char *p = record; *p; p++)
                        assert_in_range(*p, 0x20, 0x7e);
        }
}

static void test_silence(void **state)
{
        struct provision_job job = full_job();
        struct world world;

        (void)state;
        const struct script dead = {.exchanges = {{"ATE0", {SILENCE}, false}}};
        set_up(&world, &dead);
        usec_t begun = world.now;
        start(&world, &job);
        run(&world);
        assert_int_equal(world.dialogue.verdict, PROVISION_SILENT);
        assert_int_equal(world.now - begun, 120 * USEC_PER_SEC);
        assert_false(provision_is_complete(&world.dialogue));

        /* Two settings in a row without an answer: the modem hangs, and is left alone. */
        const struct script hangs = {
            .exchanges = {{"AT+CPMS?", {SILENCE}, false}, {"AT+CGDCONT?", {SILENCE}, false}}};
        set_up(&world, &hangs);
        start(&world, &job);
        run(&world);
        assert_int_equal(world.dialogue.verdict, PROVISION_SILENT);
        assert_null(strstr(world.transcript, "QCFG"));
        assert_int_equal(world.dialogue.items[PROVISION_CNMI].outcome, PROVISION_CHANGED);
        assert_string_equal(world.dialogue.items[PROVISION_USBNET].error, "no answer");
}

static void test_resets_itself(void **state)
{
        const struct script script = {.exchanges = {{"AT+CNMI?", {"\r\nRDY\r\n"}, false}}};
        struct provision_job job = full_job();
        struct world world;

        (void)state;
        set_up(&world, &script);
        start(&world, &job);
        run(&world);
        assert_int_equal(world.dialogue.verdict, PROVISION_LOST);
        assert_int_equal(world.modem.asked[0], 4);
        assert_string_equal(world.dialogue.items[PROVISION_APN].error,
                            "the modem resets itself again and again");
}

static void test_port_lost(void **state)
{
        struct provision_job job = job_for();
        struct world world;

        (void)state;
        job.config.usbnet = 1;
        set_up(&world, NULL);
        start(&world, &job);
        provision_port_lost(&world.dialogue);
        assert_int_equal(world.dialogue.verdict, PROVISION_LOST);
        assert_int_equal(world.dialogue.reset, PROVISION_RESET_NONE);
        assert_record(&world, "usbnet was not set to 1: the port is gone");

        set_up(&world, NULL);
        start(&world, &job);
        run(&world);
        provision_port_lost(&world.dialogue); /* while the reset is due */
        assert_int_equal(world.dialogue.verdict, PROVISION_LOST);
        assert_int_equal(world.dialogue.reset, PROVISION_RESET_OWED);

        set_up(&world, NULL);
        start(&world, &job);
        run(&world);
        provision_reset(&world.dialogue, world.now);
        provision_port_lost(&world.dialogue); /* that is how a reset looks */
        assert_int_equal(world.dialogue.verdict, PROVISION_DONE);
        assert_int_equal(world.dialogue.reset, PROVISION_RESET_SENT);
}

/* The time runs out in the middle: what was changed keeps its reset. */
static void test_time_is_up(void **state)
{
        const struct script slow = {.exchanges = {{"AT+CNMI?", {SILENCE}, false}}};
        struct provision_job job = full_job();
        struct world world;

        (void)state;
        set_up(&world, &slow);
        assert_int_equal(provision_start(&world.dialogue, &job, world.now, world.now + 3 * USEC_PER_SEC), 0);
        run(&world);
        assert_int_equal(world.dialogue.verdict, PROVISION_DONE);
        assert_string_equal(world.dialogue.items[PROVISION_USBNET].error, "the time was up");
        assert_false(provision_is_complete(&world.dialogue));
}

/* A job with a value that nobody checked sends nothing. */
static void test_unchecked_job(void **state)
{
        static struct provision_dialogue dialogue;

        (void)state;
        for (unsigned i = 0; i < 9; i++) {
                struct provision_job job = full_job();
                const char *why = NULL;
                switch (i) {
                case 0:
                        job.config.usbnet = 4;
                        break;
                case 1:
                        job.config.ims = 3;
                        break;
                case 2:
                        job.config.nwscanmode = 9;
                        break;
                case 3:
                        (void)text_copy(job.config.cnmi, sizeof(job.config.cnmi), "2,2,0,0,0");
                        break;
                case 4:
                        memcpy(job.config.cpms[1], "\"\r", 3);
                        break;
                case 5:
                        job.config.apn_mode = PROVISION_APN_TEXT;
                        (void)text_copy(job.config.apn, sizeof(job.config.apn), "a\";+CFUN=0");
                        break;
                case 6:
                        (void)text_copy(job.apn, sizeof(job.apn), "a\rAT+CFUN=0");
                        break;
                case 7:
                        job.imei[0] = '\0';
                        break;
                default:
                        job.config.usbnet = -2;
                        break;
                }
                dialogue.exchange.output_length = 77;
                assert_int_equal(provision_start(&dialogue, &job, 0, USEC_PER_MIN), -EINVAL);
                assert_int_equal(dialogue.exchange.output_length, 77);
                assert_int_equal(provision_config_check(&job.config, &why) < 0, i < 6 || i > 7);
                assert_int_equal(why != NULL, i < 6 || i > 7);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_one_setting),   cmocka_unit_test(test_everything),
            cmocka_unit_test(test_nothing_to_do), cmocka_unit_test(test_scope),
            cmocka_unit_test(test_apn),           cmocka_unit_test(test_hostile_answers),
            cmocka_unit_test(test_silence),       cmocka_unit_test(test_resets_itself),
            cmocka_unit_test(test_port_lost),     cmocka_unit_test(test_time_is_up),
            cmocka_unit_test(test_unchecked_job),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
