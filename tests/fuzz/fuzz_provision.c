/*
 * Any bytes in any pieces at any time while a modem is set up: nothing goes out but the few commands that the
 * job asks for, no setting before both numbers were told, at most one reset and that only when it was
 * allowed; the dialogue ends. Input: a control byte (low nibble: length of the piece, 14: answer the command
 * in flight as the right modem would; high nibble: time that passes) before each piece.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "core/provision.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define IMEI "862061045678901"
#define IMSI "246012345678901"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stage {
        struct provision_dialogue dialogue;
        char command[PROVISION_OUTPUT_MAX + 1];
        bool told_imei, told_imsi; /* the right ones were sent to it */
        bool may_reset;
        unsigned resets;
        bool set[8]; /* of `settings` */
};

static void require(bool condition)
{
        if (!condition)
                abort();
}

static const char *const questions[] = {"ATE0",
                                        "AT+CMEE=1",
                                        "AT+CGSN",
                                        "AT+CIMI",
                                        "AT+CGDCONT?",
                                        "AT+CNMI?",
                                        "AT+CPMS?",
                                        "AT+QCFG=\"usbnet\"",
                                        "AT+QCFG=\"ims\"",
                                        "AT+QCFG=\"nwscanmode\""};
static const char *const orders[] = {"AT+CNMI=2,1,0,0,0", "AT+CPMS=\"ME\",\"ME\",\"ME\"",
                                     "AT+QCFG=\"usbnet\",1", "AT+QCFG=\"ims\",1",
                                     "AT+QCFG=\"nwscanmode\",3,1"};

static bool is_one_of(const char *const *words, size_t n, const char *word)
{
        for (size_t i = 0; i < n; i++)
                if (text_equal(words[i], word))
                        return true;
        return false;
}

/* The protocol type is the modem's own, as it told it. */
static bool is_context(const char *command)
{
        const char *end = strstr(command, ",\"banga\"");

        return text_starts_with(command, "AT+CGDCONT=1,\"IP") && end && text_equal(end, ",\"banga\"") &&
               end - command <= 24;
}

static void take_output(struct stage *stage)
{
        char output[PROVISION_OUTPUT_MAX];
        size_t n = provision_output(&stage->dialogue, output, sizeof(output));

        if (n == 0)
                return;
        require(n < sizeof(output) && output[n - 1] == '\r' && !memchr(output, '\r', n - 1));
        size_t skip = output[0] == '\x1b';
        (void)text_copy_n(stage->command, sizeof(stage->command), output + skip, n - skip - 1);
        if (text_equal(stage->command, "AT+CFUN=1,1")) {
                require(stage->may_reset && ++stage->resets == 1);
                return;
        }
        if (is_one_of(questions, ARRAY_SIZE(questions), stage->command))
                return;
        require(is_one_of(orders, ARRAY_SIZE(orders), stage->command) || is_context(stage->command));
        require(stage->told_imei && stage->told_imsi);
}

static void say(struct stage *stage, const char *data, size_t size, usec_t now)
{
        provision_receive(&stage->dialogue, data, size, now);
        take_output(stage);
}

/* The right modem's answers, before and after it was set. */
static const struct {
        const char *question, *order, *before, *after;
} settings[] = {
    {"AT+CGSN", NULL, "\r\n" IMEI "\r\n\r\nOK\r\n", NULL},
    {"AT+CIMI", NULL, "\r\n" IMSI "\r\n\r\nOK\r\n", NULL},
    {"AT+CGDCONT?", "AT+CGDCONT=", "\r\n+CGDCONT: 1,\"IP\",\"internet\",\"0.0.0.0\",0,0\r\n\r\nOK\r\n",
     "\r\n+CGDCONT: 1,\"IP\",\"banga\",\"0.0.0.0\",0,0\r\n\r\nOK\r\n"},
    {"AT+CNMI?", "AT+CNMI=", "\r\n+CNMI: 2,1,0,1,0\r\n\r\nOK\r\n", "\r\n+CNMI: 2,1,0,0,0\r\n\r\nOK\r\n"},
    {"AT+CPMS?", "AT+CPMS=", "\r\n+CPMS: \"SM\",0,10,\"SM\",0,10,\"SM\",0,10\r\n\r\nOK\r\n",
     "\r\n+CPMS: \"ME\",0,255,\"ME\",0,255,\"ME\",0,255\r\n\r\nOK\r\n"},
    {"AT+QCFG=\"usbnet\"", "AT+QCFG=\"usbnet\",", "\r\n+QCFG: \"usbnet\",0\r\n\r\nOK\r\n",
     "\r\n+QCFG: \"usbnet\",1\r\n\r\nOK\r\n"},
    {"AT+QCFG=\"ims\"", "AT+QCFG=\"ims\",", "\r\n+QCFG: \"ims\",2,0\r\n\r\nOK\r\n",
     "\r\n+QCFG: \"ims\",1,1\r\n\r\nOK\r\n"},
    {"AT+QCFG=\"nwscanmode\"", "AT+QCFG=\"nwscanmode\",", "\r\n+QCFG: \"nwscanmode\",0\r\n\r\nOK\r\n",
     "\r\n+QCFG: \"nwscanmode\",3\r\n\r\nOK\r\n"},
};

static void answer(struct stage *stage, usec_t now)
{
        const char *text = "\r\nOK\r\n";

        for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
                if (text_equal(stage->command, settings[i].question))
                        text = stage->set[i] ? settings[i].after : settings[i].before;
                else if (settings[i].order && text_starts_with(stage->command, settings[i].order))
                        stage->set[i] = true;
        }
        say(stage, text, strlen(text), now);
}

/* Foreign bytes may hold the right numbers too. */
static void note_numbers(struct stage *stage)
{
        stage->told_imei |= text_starts_with(stage->dialogue.facts.imei, "86206104567890");
        stage->told_imsi |= text_equal(stage->dialogue.facts.imsi, IMSI);
}

static void decide_reset(struct stage *stage, bool yes, usec_t now)
{
        if (stage->dialogue.verdict != PROVISION_RESET_DUE)
                return;
        require(provision_deadline(&stage->dialogue) == USEC_INFINITY);
        stage->may_reset = yes;
        if (yes)
                provision_reset(&stage->dialogue, now);
        else
                provision_decline_reset(&stage->dialogue);
        take_output(stage);
}

static void start(struct stage *stage, uint8_t choice)
{
        struct provision_job job = {.scope = choice & 3,
                                    .imei = IMEI,
                                    .imsi = IMSI,
                                    .apn = "banga",
                                    .may_reset = choice & 4,
                                    .reset_owed = choice & 8};

        provision_config_init(&job.config);
        job.config.usbnet = job.config.ims = 1;
        job.config.nwscanmode = 3;
        job.config.apn_mode = PROVISION_APN_AUTO;
        (void)text_copy(job.config.cnmi, sizeof(job.config.cnmi), "2,1,0,0,0");
        require(provision_cpms_parse("ME", job.config.cpms) == 0);
        require(provision_start(&stage->dialogue, &job, 0, USEC_PER_MIN) == 0);
        take_output(stage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const usec_t steps[] = {0, 1, 55000, 500000, 1000000, 5000000, 100000, 0,
                                       0, 0, 0,     0,      0,       0,       0,      0};
        struct stage stage = {0};
        usec_t now = 0;

        if (size == 0)
                return 0;
        start(&stage, data[0]);
        for (data++, size--; size > 0;) {
                size_t piece = data[0] & 0xf;
                now += steps[data[0] >> 4];
                data++;
                size--;
                if (piece == 14) {
                        bool imei = text_equal(stage.command, "AT+CGSN");
                        stage.told_imei |= imei;
                        stage.told_imsi |= text_equal(stage.command, "AT+CIMI");
                        answer(&stage, now);
                } else {
                        piece = piece == 15 || piece > size ? size : piece;
                        for (size_t i = 0; i < piece;
                             i++) { /* so that the numbers are seen before what follows */
                                provision_receive(&stage.dialogue, (const char *)data + i, 1, now);
                                note_numbers(&stage);
                                take_output(&stage);
                        }
                        data += piece;
                        size -= piece;
                }
                note_numbers(&stage);
                decide_reset(&stage, piece % 2 == 0, now);
                provision_tick(&stage.dialogue, now);
                take_output(&stage);
        }
        for (unsigned turns = 0; stage.dialogue.verdict == PROVISION_RUNNING; turns++) {
                require(turns < 1000);
                usec_t next = provision_deadline(&stage.dialogue);
                now = next > now ? next : now;
                provision_tick(&stage.dialogue, now);
                take_output(&stage);
                decide_reset(&stage, true, now);
        }
        char text[PROVISION_SETTINGS * PROVISION_TEXT_MAX];
        (void)provision_to_text(&stage.dialogue, text, sizeof(text));
        for (const char *p = text; *p; p++)
                require(*p >= 0x20 && *p <= 0x7e);
        return 0;
}
