/*
 * The meaning of a line of smsd's log, see core/smsd_log.h.
 *
 * A line is `TIME,LEVEL, SOURCE: TEXT`. TIME has a format of the user's choice, so the head is found by its
 * `,DIGIT, `. TEXT is compared from its first character only: what a modem or a sender put into the rest of a
 * line can never turn it into another kind. For the same reason a kind is believed only from the process that
 * writes it: the main process (which calls itself smsd) or a handler (which writes under its modem's name).
 */
#include "core/smsd_log.h"

#include "base/text.h"

#include <limits.h>
#include <string.h>

/* smsd cuts its own lines at 512 bytes; no fact stands behind that. */
#define LINE_MAX_LOOKED_AT 1024

enum speaker { SPEAKER_MAIN, SPEAKER_HANDLER, SPEAKER_ANY };

/* Where the number of interest stands: behind `mark`, into `pid`, `detail` or `digits`. */
enum number { NUMBER_NONE, NUMBER_PID, NUMBER_DETAIL, NUMBER_IMEI, NUMBER_IMSI };

struct pattern {
        enum speaker speaker;
        const char *prefix;
        const char *also; /* must stand somewhere behind the prefix, NULL nothing */
        enum smsd_log_kind kind;
        enum number number;
        const char *mark;
};

/* clang-format off */
static const struct pattern patterns[] = {
        {SPEAKER_MAIN, "Smsd v", " started.", SMSD_LOG_MAIN_STARTED, NUMBER_NONE, NULL},
        {SPEAKER_MAIN, "Outgoing file checker has started.", NULL, SMSD_LOG_MAIN_READY, NUMBER_PID, "PID: "},
        {SPEAKER_MAIN, "Smsd mainprocess is awaiting the termination", NULL, SMSD_LOG_MAIN_STOPPING, NUMBER_PID, "PID: "},
        {SPEAKER_MAIN, "Smsd mainprocess terminated. PID: ", NULL, SMSD_LOG_MAIN_TERMINATED, NUMBER_PID, ""},
        {SPEAKER_MAIN, "Smsd mainprocess terminated", NULL, SMSD_LOG_MAIN_ABORTED, NUMBER_NONE, NULL},
        {SPEAKER_MAIN, "There was ", " while reading the config file", SMSD_LOG_CONFIG_REFUSED, NUMBER_NONE, NULL},
        {SPEAKER_MAIN, "There was ", " major problem", SMSD_LOG_CONFIG_REFUSED, NUMBER_NONE, NULL},
        {SPEAKER_MAIN, "- ", NULL, SMSD_LOG_CONFIG_REFUSED, NUMBER_NONE, NULL},
        {SPEAKER_ANY, "FATAL ERROR: Looks like another smsd (", NULL, SMSD_LOG_OTHER_SMSD_RUNNING, NUMBER_PID, ""},
        {SPEAKER_HANDLER, "Modem handler ", " has started.", SMSD_LOG_HANDLER_STARTED, NUMBER_PID, "PID: "},
        {SPEAKER_HANDLER, "Error: Unexpected answer from Modem after ", NULL, SMSD_LOG_UNEXPECTED_ANSWER, NUMBER_NONE, NULL},
        {SPEAKER_ANY, "write_to_modem: error ", NULL, SMSD_LOG_WRITE_ERROR, NUMBER_DETAIL, ""},
        {SPEAKER_HANDLER, "Couldn't open serial port ", NULL, SMSD_LOG_CANNOT_OPEN, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Cannot open serial port ", NULL, SMSD_LOG_CANNOT_OPEN, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Couldn't connect socket ", NULL, SMSD_LOG_CANNOT_OPEN, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Cannot open socket ", NULL, SMSD_LOG_CANNOT_OPEN, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Cannot open device ", NULL, SMSD_LOG_CANNOT_OPEN, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Modem needs PIN, but", NULL, SMSD_LOG_PIN_MISSING, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Modem did not accept this PIN", NULL, SMSD_LOG_PIN_REFUSED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Your SIM is locked.", NULL, SMSD_LOG_SIM_LOCKED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "PIN handling: expected READY or OK", NULL, SMSD_LOG_SIM_ERROR, NUMBER_DETAIL, "ERROR: "},
        {SPEAKER_HANDLER, "MODEM IS NOT REGISTERED", NULL, SMSD_LOG_NOT_REGISTERED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Error: Modem is not registered to the network", NULL, SMSD_LOG_NOT_REGISTERED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Modem said: registration denied.", NULL, SMSD_LOG_REGISTRATION_DENIED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Error: registration is denied.", NULL, SMSD_LOG_REGISTRATION_DENIED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Modem is registered to ", NULL, SMSD_LOG_REGISTERED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "IMEI: ", NULL, SMSD_LOG_IDENTIFIED, NUMBER_IMEI, ""},
        {SPEAKER_HANDLER, "IMSI: ", NULL, SMSD_LOG_INITIALISED, NUMBER_IMSI, ""},
        {SPEAKER_HANDLER, "Modem is not ready to answer commands", NULL, SMSD_LOG_TIMEOUT, NUMBER_DETAIL, "(Timeouts: "},
        {SPEAKER_HANDLER, "Fatal error: sending failed ", NULL, SMSD_LOG_SENDING_BLOCKED, NUMBER_DETAIL, "Blocking "},
        {SPEAKER_HANDLER, "SMS sent", ", Message_id: ", SMSD_LOG_SENT, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "Sending SMS", " failed, trying time ", SMSD_LOG_SEND_FAILED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "SMS received (report", ", From: ", SMSD_LOG_REPORT_RECEIVED, NUMBER_NONE, NULL},
        {SPEAKER_HANDLER, "SMS received", ", From: ", SMSD_LOG_RECEIVED, NUMBER_NONE, NULL},
};
/* clang-format on */

/* The decimal number at `text`, at most 9 digits so that it always fits. False: none there. */
static bool read_number(const char *text, int *ret_number)
{
        size_t digits = strspn(text, "0123456789");
        int value = 0;

        if (digits == 0 || digits > 9)
                return false;
        for (size_t i = 0; i < digits; i++)
                value = value * 10 + (text[i] - '0');
        *ret_number = value;
        return true;
}

static bool number_after(const char *text, const char *mark, int *ret_number)
{
        const char *found = strstr(text, mark);

        return found && read_number(found + strlen(mark), ret_number);
}

/* A name of ours to show and to compare: `length` bytes, none of them a blank or a control character. */
static bool copy_name(char target[SMSD_MODEM_NAME_MAX], const char *name, size_t length)
{
        if (length == 0 || length >= SMSD_MODEM_NAME_MAX)
                return false;
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)name[i] <= 0x20 || name[i] == 0x7f)
                        return false;
        (void)text_copy_n(target, SMSD_MODEM_NAME_MAX, name, length);
        return true;
}

/* Finds `,LEVEL, SOURCE: ` and fills level and source. Returns the text behind it, NULL when the line is not
 * of that form. */
static const char *parse_head(const char *line, struct smsd_log_line *result)
{
        const char *p = line;

        while ((p = strchr(p, ',')) && !(p[1] >= '0' && p[1] <= '7' && p[2] == ',' && p[3] == ' '))
                p++;
        if (!p)
                return NULL;
        const char *source = p + 4, *end = strstr(source, ": ");
        if (!end || !copy_name(result->source, source, (size_t)(end - source)))
                return NULL;
        result->level = p[1] - '0';
        return end + 2;
}

static bool matches(const struct pattern *pattern, bool from_main, const char *text)
{
        if (pattern->speaker != SPEAKER_ANY && (pattern->speaker == SPEAKER_MAIN) != from_main)
                return false;
        if (!text_starts_with(text, pattern->prefix))
                return false;
        return !pattern->also || strstr(text + strlen(pattern->prefix), pattern->also);
}

/* What is no IMEI, however it begins, is a line like any other. */
static void take_imei(const char *text, struct smsd_log_line *result)
{
        size_t digits = strspn(text, "0123456789");

        if (text[digits] != '\0' || digits < 14 || digits > 15) {
                result->kind = SMSD_LOG_OTHER;
                return;
        }
        (void)text_copy(result->digits, sizeof(result->digits), text);
}

/* Empty when it could not be asked: no answer of the modem's then. */
static void take_imsi(const char *text, struct smsd_log_line *result)
{
        size_t digits = strspn(text, "0123456789");

        if (!text[0])
                result->kind = SMSD_LOG_OTHER;
        else if (text[digits] == '\0' && digits >= 6 && digits <= 15)
                (void)text_copy(result->digits, sizeof(result->digits), text);
}

static void apply(const struct pattern *pattern, const char *text, struct smsd_log_line *result)
{
        int number;

        result->kind = pattern->kind;
        if (pattern->number == NUMBER_NONE)
                return;
        if (pattern->number == NUMBER_IMEI) {
                take_imei(text + strlen(pattern->prefix), result);
                return;
        }
        if (pattern->number == NUMBER_IMSI) {
                take_imsi(text + strlen(pattern->prefix), result);
                return;
        }
        bool found = number_after(text + strlen(pattern->prefix), pattern->mark, &number);
        if (pattern->number == NUMBER_PID)
                result->pid = found ? number : 0;
        else
                result->detail = found ? number : -1;
}

/* `Modem handler N (NAME) terminated while mainprocess is still running.` and how it ended. */
static bool parse_handler_terminated(const char *text, struct smsd_log_line *result)
{
        static const char head[] = "Modem handler ",
                          middle[] = ") terminated while mainprocess is still running.";
        const char *name = text_starts_with(text, head) ? strstr(text, " (") : NULL;
        const char *end = name ? strstr(name, middle) : NULL;

        if (!end || !copy_name(result->modem, name + 2, (size_t)(end - name - 2)))
                return false;
        result->kind = SMSD_LOG_HANDLER_TERMINATED;
        int number;
        if (number_after(end, "Exited, status ", &number))
                result->detail = number;
        else if (number_after(end, "Killed by signal ", &number))
                result->detail = -number;
        return true;
}

void smsd_log_parse(const char *line, size_t length, struct smsd_log_line *ret_line)
{
        struct smsd_log_line result = {.kind = SMSD_LOG_OTHER, .level = -1};
        char copy[LINE_MAX_LOOKED_AT];

        (void)text_copy_n(copy, sizeof(copy), line, length);
        const char *text = parse_head(copy, &result);
        if (text) {
                bool from_main = text_equal(result.source, "smsd");
                if (!from_main)
                        (void)text_copy(result.modem, sizeof(result.modem), result.source);
                if (!from_main || !parse_handler_terminated(text, &result))
                        for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
                                if (matches(&patterns[i], from_main, text)) {
                                        apply(&patterns[i], text, &result);
                                        break;
                                }
        }
        *ret_line = result;
}

bool smsd_log_kind_is_failure(enum smsd_log_kind kind)
{
        switch (kind) {
        case SMSD_LOG_HANDLER_TERMINATED:
        case SMSD_LOG_WRITE_ERROR:
        case SMSD_LOG_CANNOT_OPEN:
        case SMSD_LOG_MAIN_ABORTED:
        case SMSD_LOG_PIN_MISSING:
        case SMSD_LOG_PIN_REFUSED:
        case SMSD_LOG_SIM_LOCKED:
        case SMSD_LOG_SIM_ERROR:
        case SMSD_LOG_NOT_REGISTERED:
        case SMSD_LOG_REGISTRATION_DENIED:
        case SMSD_LOG_TIMEOUT:
        case SMSD_LOG_UNEXPECTED_ANSWER:
        case SMSD_LOG_SENDING_BLOCKED:
        case SMSD_LOG_SEND_FAILED:
        case SMSD_LOG_CONFIG_REFUSED:
        case SMSD_LOG_OTHER_SMSD_RUNNING:
                return true;
        case SMSD_LOG_OTHER:
        case SMSD_LOG_MAIN_STARTED:
        case SMSD_LOG_MAIN_READY:
        case SMSD_LOG_MAIN_STOPPING:
        case SMSD_LOG_MAIN_TERMINATED:
        case SMSD_LOG_HANDLER_STARTED:
        case SMSD_LOG_IDENTIFIED:
        case SMSD_LOG_INITIALISED:
        case SMSD_LOG_REPORT_RECEIVED:
        case SMSD_LOG_REGISTERED:
        case SMSD_LOG_SENT:
        case SMSD_LOG_RECEIVED:
                return false;
        }
        return false;
}
