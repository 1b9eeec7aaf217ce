/*
 * Names of what a line of smsd's log means, for what a failed test says.
 */
#ifndef TESTS_LOG_KIND_H
#define TESTS_LOG_KIND_H

#include "core/smsd_log.h"

static inline const char *log_kind_name(enum smsd_log_kind kind)
{
        switch (kind) {
        case SMSD_LOG_OTHER:
                return "other";
        case SMSD_LOG_MAIN_STARTED:
                return "main-started";
        case SMSD_LOG_MAIN_READY:
                return "main-ready";
        case SMSD_LOG_MAIN_STOPPING:
                return "main-stopping";
        case SMSD_LOG_MAIN_TERMINATED:
                return "main-terminated";
        case SMSD_LOG_MAIN_ABORTED:
                return "main-aborted";
        case SMSD_LOG_HANDLER_STARTED:
                return "handler-started";
        case SMSD_LOG_HANDLER_TERMINATED:
                return "handler-terminated";
        case SMSD_LOG_WRITE_ERROR:
                return "write-error";
        case SMSD_LOG_UNEXPECTED_ANSWER:
                return "unexpected-answer";
        case SMSD_LOG_CANNOT_OPEN:
                return "cannot-open";
        case SMSD_LOG_PIN_MISSING:
                return "pin-missing";
        case SMSD_LOG_PIN_REFUSED:
                return "pin-refused";
        case SMSD_LOG_SIM_LOCKED:
                return "sim-locked";
        case SMSD_LOG_SIM_ERROR:
                return "sim-error";
        case SMSD_LOG_NOT_REGISTERED:
                return "not-registered";
        case SMSD_LOG_REGISTRATION_DENIED:
                return "registration-denied";
        case SMSD_LOG_REGISTERED:
                return "registered";
        case SMSD_LOG_IDENTIFIED:
                return "identified";
        case SMSD_LOG_INITIALISED:
                return "initialised";
        case SMSD_LOG_TIMEOUT:
                return "timeout";
        case SMSD_LOG_SENDING_BLOCKED:
                return "sending-blocked";
        case SMSD_LOG_SENT:
                return "sent";
        case SMSD_LOG_SEND_FAILED:
                return "send-failed";
        case SMSD_LOG_RECEIVED:
                return "received";
        case SMSD_LOG_REPORT_RECEIVED:
                return "report-received";
        case SMSD_LOG_CONFIG_REFUSED:
                return "config-refused";
        case SMSD_LOG_OTHER_SMSD_RUNNING:
                return "other-smsd-running";
        }
        return "invalid";
}

#endif
