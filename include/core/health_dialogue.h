/*
 * The look at a modem that is in use: a read-only AT dialogue on its *modem* port, while smsd has the AT
 * port. No I/O, as at_dialogue. It stores nothing and searches nothing: never AT+COPS=?, CMGF, CPMS=, CNMI,
 * CFUN=; ATE0 is for the session only. Only where the user asks for it (health_dialogue_allow_cleanup) and
 * the storage is nearly full, AT+CMGD=1,1 deletes what has been read. Errors are understood as numbers and as
 * words, so AT+CMEE is left alone too.
 *
 *   ATE0                          repeated every 500 ms, 6 times: any final result proves an AT port
 *   AT+CPIN?                      5 s
 *   AT+CGSN, AT+CIMI              when nobody has asked yet who it is (health_dialogue_ask_identity)
 *   AT+CREG?, AT+CSQ, AT+CPMS?    what decides, once more when unanswered
 *   AT+CEREG?, AT+COPS?, AT+CFUN?, AT+QCSQ, AT+QINISTAT, AT+QCFG="ims", AT+QTEMP
 *                                 asked when `thorough`, or when an answer above is not what it should be
 *
 * Five commands when all is well, four when smsd tells the signal: every command wakes us once, and health
 * may cost two wakeups a minute. One that is unanswered is passed over; two in a row, or the deadline, end
 * the dialogue as PARTIAL. Unsolicited lines are drained and noted. RDY starts over, twice at most.
 */
#ifndef CORE_HEALTH_DIALOGUE_H
#define CORE_HEALTH_DIALOGUE_H

#include "base/usec.h"
#include "core/at_exchange.h"
#include "core/modem_facts.h"

#include <stdbool.h>
#include <stddef.h>

#define HEALTH_DIALOGUE_LENGTH (30 * USEC_PER_SEC) /* a good deadline */
#define HEALTH_SAID_MAX        72
#define HEALTH_NEARLY_FULL     90 /* per cent */

enum health_outcome {
        HEALTH_RUNNING,
        HEALTH_COMPLETE,
        HEALTH_PARTIAL, /* it answered, and then no more */
        HEALTH_SILENT,  /* no final result at all */
        HEALTH_NOT_AT,  /* binary or NMEA: this is another port */
};

enum health_question {
        HEALTH_ASK_PROOF,
        HEALTH_ASK_SIM,
        HEALTH_ASK_IMEI, /* only where that is wanted; their answers are not said */
        HEALTH_ASK_IMSI,
        HEALTH_ASK_CREG,
        HEALTH_ASK_CEREG,
        HEALTH_ASK_OPERATOR,
        HEALTH_ASK_SIGNAL,
        HEALTH_ASK_SERVICE,
        HEALTH_ASK_STORAGE,
        HEALTH_ASK_INIT_STATUS,
        HEALTH_ASK_FUNCTIONALITY,
        HEALTH_ASK_IMS,
        HEALTH_ASK_TEMPERATURE,
        HEALTH_ASK_CLEANUP, /* AT+CMGD=1,1: no question, and only when it is allowed */
        HEALTH_ASK_STORAGE_LEFT,
        HEALTH_QUESTIONS
};

enum health_reply {
        HEALTH_UNASKED,
        HEALTH_ANSWERED, /* said: the information line */
        HEALTH_REFUSED,  /* said: the final result */
        HEALTH_UNANSWERED,
};

enum ims_setting { IMS_BY_CARRIER, IMS_ON, IMS_OFF, IMS_UNKNOWN };

struct health_answers {
        struct modem_facts facts;  /* sim, registration of either domain, operator, signal, storage,
                                      functionality, init_status, imei, imsi; the rest is not asked */
        enum registration circuit; /* +CREG */
        enum registration packet;  /* +CEREG */
        bool no_service;           /* +QCSQ: "NOSERVICE" */
        enum ims_setting ims;      /* +QCFG: "ims",<setting>,<active> */
        int ims_active;            /* 0, 1; -1 unknown */
        bool temperature_known;
        int temperature;   /* degrees Celsius, of the hottest sensor */
        bool storage_full; /* +QIND: "smsfull" came */
        bool one_storage;  /* +CPMS: what comes in lies where AT+CMGD deletes */
        bool sim_lost;     /* +CPIN: NOT READY came unasked, or the SIM was pulled */
        bool echoed; /* echo was on when the look began: its default, and an earlier look had switched it off
                      */
        bool booted; /* RDY came before the first answer: since an earlier look, or stale */
        unsigned resets; /* RDY after it: it restarted by itself */
        struct {
                enum health_reply reply;
                char text[HEALTH_SAID_MAX]; /* the modem's words, printable ASCII; "" none */
        } said[HEALTH_QUESTIONS];
};

struct health_dialogue {
        struct at_exchange exchange;
        struct health_answers answers;
        enum health_outcome outcome;
        unsigned question;   /* enum health_question */
        unsigned unanswered; /* in a row */
        bool thorough;
        bool cleanup;  /* allowed */
        bool identity; /* wanted */
        bool signal_known;
};

/* Begins at `now`, gives up at `give_up` (absolute). The first command is in the output at once. */
void health_dialogue_start(struct health_dialogue *dialogue, bool thorough, usec_t now, usec_t give_up);

/* Right after the start: the signal is known from elsewhere (smsd asks for it all the time); it is asked for
 * only when the modem is not registered. A wakeup less. */
void health_dialogue_skip_signal(struct health_dialogue *dialogue);

/* Right after the start: who it is, and whose SIM it has, is to be asked too. */
void health_dialogue_ask_identity(struct health_dialogue *dialogue);

/* Right after the start: read messages may be deleted when the storage is nearly full. */
void health_dialogue_allow_cleanup(struct health_dialogue *dialogue);

/* Bytes from the port, any bytes in any pieces. Once it has ended they are ignored. */
void health_dialogue_receive(struct health_dialogue *dialogue, const char *data, size_t size, usec_t now);

/* Time has passed. */
void health_dialogue_tick(struct health_dialogue *dialogue, usec_t now);

/* When health_dialogue_tick is wanted next; USEC_INFINITY once it has ended. */
usec_t health_dialogue_deadline(const struct health_dialogue *dialogue);

/* Moves what has to be written now into `target` (at least AT_OUTPUT_MAX bytes): the number of bytes. */
size_t health_dialogue_output(struct health_dialogue *dialogue, char *target, size_t size);

/* Nothing is known. */
void health_answers_init(struct health_answers *answers);

#endif
