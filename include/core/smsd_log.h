/*
 * What a line of smsd's log means. Formats of smsd 3.1.21; unknown lines are SMSD_LOG_OTHER.
 * smsd hides what is above its `loglevel`: MAIN_READY, HANDLER_STARTED, PIN_MISSING, INITIALISED,
 * NOT_REGISTERED, SENT and RECEIVED need 5, REGISTERED needs 6; no line at all says that the first poll is
 * done (stats/status turning Idle does).
 */
#ifndef CORE_SMSD_LOG_H
#define CORE_SMSD_LOG_H

#include "core/smsd_conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum smsd_log_kind {
        SMSD_LOG_OTHER,
        SMSD_LOG_MAIN_STARTED,       /* "Smsd vX started.": before the configuration is judged */
        SMSD_LOG_MAIN_READY,         /* "Outgoing file checker has started": behind the pidfile */
        SMSD_LOG_MAIN_STOPPING,      /* it was told to end (TERM) and waits for its handlers */
        SMSD_LOG_MAIN_TERMINATED,    /* clean end (TERM), the last line of the main process */
        SMSD_LOG_MAIN_ABORTED,       /* it ended by itself: configuration, pidfile, another smsd */
        SMSD_LOG_HANDLER_STARTED,    /* Modem handler N has started. PID: P. */
        SMSD_LOG_HANDLER_TERMINATED, /* Modem handler N (NAME) terminated while mainprocess is ... */
        SMSD_LOG_WRITE_ERROR,        /* write_to_modem: error 5: Input/output error; detail = errno */
        SMSD_LOG_CANNOT_OPEN,        /* Couldn't open / Cannot open serial port */
        SMSD_LOG_PIN_MISSING,        /* Modem needs PIN, but it's not defined for this modem */
        SMSD_LOG_PIN_REFUSED,        /* Modem did not accept this PIN */
        SMSD_LOG_SIM_LOCKED,         /* Your SIM is locked. Unlock it manually */
        SMSD_LOG_SIM_ERROR,          /* PIN handling: ... +CME ERROR: N; detail = N, -1 none */
        SMSD_LOG_NOT_REGISTERED,     /* MODEM IS NOT REGISTERED, WAITING ... */
        SMSD_LOG_REGISTRATION_DENIED,
        SMSD_LOG_REGISTERED,         /* Modem is registered to the network (or roaming) */
        SMSD_LOG_IDENTIFIED,         /* "IMEI: ...", once a handler's life; digits: the IMEI */
        SMSD_LOG_INITIALISED,        /* "IMSI: ...", once a handler's life: registration is passed */
        SMSD_LOG_TIMEOUT,            /* Modem is not ready to answer commands (Timeouts: N); detail = N */
        SMSD_LOG_UNEXPECTED_ANSWER,  /* Error: Unexpected answer from Modem after ...: none at all, mostly */
        SMSD_LOG_SENDING_BLOCKED,    /* Fatal error: sending failed 3 times. Blocking N sec.; detail = N */
        SMSD_LOG_SENT,               /* SMS sent, Message_id: ..., To: ... */
        SMSD_LOG_SEND_FAILED,        /* Sending SMS to ... failed: one message was given up */
        SMSD_LOG_RECEIVED,           /* SMS received[ (part N/M)], From: ... */
        SMSD_LOG_REPORT_RECEIVED,    /* SMS received (report...), From: ...: a delivery report */
        SMSD_LOG_CONFIG_REFUSED,     /* "There was N error...", and each "- what is wrong" below it */
        SMSD_LOG_OTHER_SMSD_RUNNING, /* ... another smsd (N) is running; the writer quits */
};

struct smsd_log_line {
        enum smsd_log_kind kind;
        int level;                        /* syslog level in the line, -1 unknown */
        char source[SMSD_MODEM_NAME_MAX]; /* "smsd" for the main process, else the modem's name; "" unknown */
        pid_t pid;  /* HANDLER_STARTED: the handler's; MAIN_READY, MAIN_TERMINATED: the main process's;
                       OTHER_SMSD_RUNNING: the other's; else 0 */
        int detail; /* see the kinds; HANDLER_TERMINATED: exit status, or -signal; else 0 */
        char modem[SMSD_MODEM_NAME_MAX]; /* the modem that the line is about, "" none */
        char digits[16]; /* IDENTIFIED: 14 or 15 digits, INITIALISED: 6 to 15 or ""; else "" */
};

/* Classifies one line (without its end). Never fails: what is not understood is SMSD_LOG_OTHER. */
void smsd_log_parse(const char *line, size_t length, struct smsd_log_line *ret_line);

/* True for what tells that something does not work. */
bool smsd_log_kind_is_failure(enum smsd_log_kind kind);

#endif
