/*
 * Between the connections (control.c) and the words they may say (control_commands.c).
 */
#ifndef EC25_CONTROL_INTERNAL_H
#define EC25_CONTROL_INTERNAL_H

#include "base/cleanup.h"
#include "ec25/control.h"

#define CONTROL_WORDS 16

struct answer {
        char *data;
        size_t length, capacity;
};

/* What a connection waits for; `modem` counts. */
enum wait_kind { WAIT_NOTHING, WAIT_SENT, WAIT_COMMAND, WAIT_STORED, WAIT_PLUGGED, WAIT_NODE };

struct wait {
        enum wait_kind kind;
        unsigned modem;
        unsigned long target;
        char word[64]; /* a command's beginning, a port */
        usec_t deadline;
};

struct request {
        struct stand *stand;
        struct answer *answer;
        struct wait *wait; /* set by a command that waits; NULL where that is refused */
        unsigned modem;
        size_t count;
        const char *words[CONTROL_WORDS]; /* behind the modem's number, NULL past the last */
        const char *rest;                 /* the raw line behind the first word after the modem's number */
        bool quit;
};

void answer_format(struct answer *answer, const char *format, ...) _printf_(2, 3);

/* Carries `line` out (it is taken apart in place). Returns NULL or what is wrong. */
const char *control_command(struct request *request, char *line);

/* -- control_commands.c: reading a request -- */
const char *request_failure(int r);
/* The word at `index`, NULL past the last. */
const char *request_word(const struct request *request, size_t index);
bool request_number(const struct request *request, size_t index, unsigned maximum, unsigned *ret_value);
struct ec25 *request_modem(const struct request *request);
/* \n \r \t \e \0 \\ \xNN, and @N[kM] for N bytes of 'A'. malloc'ed, with room for a NUL behind; NULL when
 * malformed. */
char *request_unescape(const char *text, size_t *ret_length);

/* -- the words: each returns NULL or what is wrong -- */
const char *command_plug(struct request *request);
const char *command_unplug(struct request *request);
const char *command_eio(struct request *request);
const char *command_stale(struct request *request);
const char *command_unstale(struct request *request);
const char *command_list(struct request *request);
const char *command_node(struct request *request);
const char *command_holders(struct request *request);
const char *command_hang(struct request *request);
const char *command_mute(struct request *request);
const char *command_wake(struct request *request);
const char *command_reset(struct request *request);
const char *command_sim(struct request *request);
const char *command_pin(struct request *request);
const char *command_reg(struct request *request);
const char *command_signal(struct request *request);
const char *command_capacity(struct request *request);
const char *command_identity(struct request *request);
const char *command_receive(struct request *request);
const char *command_urc(struct request *request);
const char *command_fault(struct request *request);
const char *command_delay(struct request *request);
const char *command_answer(struct request *request);
const char *command_cmgs(struct request *request);
const char *command_poison(struct request *request);
const char *command_sent(struct request *request);
const char *command_stored(struct request *request);
const char *command_stats(struct request *request);
const char *command_transcript(struct request *request);

#endif
