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
enum wait_kind { WAIT_NOTHING, WAIT_SENT, WAIT_COMMAND, WAIT_STORED, WAIT_PLUGGED };

struct wait {
        enum wait_kind kind;
        unsigned modem;
        unsigned long target;
        char command[64];
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

#endif
