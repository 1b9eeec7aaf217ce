/*
 * What a line of smsd's log means. Formats of smsd 3.1.21 at loglevel 5 and above; unknown lines are SMSD_LOG_OTHER.
 */
#ifndef CORE_SMSD_LOG_H
#define CORE_SMSD_LOG_H

#include "core/smsd_conf.h"

#include <stddef.h>
#include <sys/types.h>

enum smsd_log_kind {
        SMSD_LOG_OTHER,
        SMSD_LOG_MAIN_STARTED,       /* Smsd mainprocess started / "Smsd vX started." */
        SMSD_LOG_MAIN_TERMINATED,    /* clean end of the main process (TERM), the last line it writes */
        SMSD_LOG_HANDLER_STARTED,    /* Modem handler N (NAME) has started. PID: P. */
        SMSD_LOG_HANDLER_TERMINATED, /* Modem handler N (NAME) terminated while mainprocess is still running ... */
        SMSD_LOG_WRITE_ERROR,        /* write_to_modem: error 5: Input/output error */
        SMSD_LOG_CANNOT_OPEN,        /* Couldn't open / Cannot open serial port */
        SMSD_LOG_PIN_REFUSED,        /* Modem did not accept this PIN */
        SMSD_LOG_SIM_LOCKED,         /* Your SIM is locked. Unlock it manually */
        SMSD_LOG_SIM_ERROR,          /* PIN handling: expected READY or OK, modem answered +CME ERROR: N; detail = N */
        SMSD_LOG_NOT_REGISTERED,     /* MODEM IS NOT REGISTERED, WAITING ... */
        SMSD_LOG_REGISTRATION_DENIED,
        SMSD_LOG_REGISTERED,         /* Modem is registered to the network (or roaming) */
        SMSD_LOG_TIMEOUT,            /* Modem is not ready to answer commands (Timeouts: N); detail = N */
        SMSD_LOG_SENDING_BLOCKED,    /* Fatal error: sending failed 3 times. Blocking ... */
        SMSD_LOG_SENT,               /* SMS sent, Message_id: ..., To: ... */
        SMSD_LOG_SEND_FAILED,
        SMSD_LOG_RECEIVED,           /* SMS received, From: ... */
        SMSD_LOG_CONFIG_REFUSED,     /* the start failed on the configuration: unknown key, bad value, ... */
        SMSD_LOG_OTHER_SMSD_RUNNING, /* FATAL ERROR: Looks like another smsd (N) is running */
};

struct smsd_log_line {
        enum smsd_log_kind kind;
        int level;                        /* syslog level in the line, -1 unknown */
        char source[SMSD_MODEM_NAME_MAX]; /* "smsd" for the main process, else the modem's name; "" unknown */
        pid_t pid;                        /* HANDLER_STARTED: the handler's; OTHER_SMSD_RUNNING: the other's; else 0 */
        int detail;                       /* see the kinds; HANDLER_TERMINATED: exit status, or -signal; else 0 */
        char modem[SMSD_MODEM_NAME_MAX];  /* the modem that the line is about, "" none */
};

/* Classifies one line (without its end). Never fails: what is not understood is SMSD_LOG_OTHER. */
void smsd_log_parse(const char *line, size_t length, struct smsd_log_line *ret_line);

const char *smsd_log_kind_to_string(enum smsd_log_kind kind);

#endif
