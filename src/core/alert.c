/*
 * The words of an alert, see core/alert.h: names of kinds and states, and the three texts that people read -
 * a title, the whole, and what fits into one SMS. Every field was escaped when the alert was made; it is
 * cleaned once more here, for what is read back from the spool was written by an earlier version, perhaps.
 */
#include "core/alert.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <time.h>

static const char *const kind_names[ALERT_KIND_MAX] = {
    [ALERT_HOLD] = "hold",
    [ALERT_SMSD_DOWN] = "smsd-down",
    [ALERT_CRASH_LOOP] = "crash-loop",
    [ALERT_MODEM_LOST] = "modem-lost",
    [ALERT_MODEM_UNUSABLE] = "modem-unusable",
    [ALERT_MODEM_NETWORK] = "modem-network",
    [ALERT_MODEM_STUCK] = "modem-stuck",
    [ALERT_MODEM_CHANGED] = "modem-changed",
    [ALERT_MODEM_TIMEOUTS] = "modem-timeouts",
    [ALERT_MODEM_POWER] = "modem-power",
    [ALERT_MODEM_RESET] = "modem-reset",
    [ALERT_MODEM_STORAGE] = "modem-storage",
    [ALERT_PORT_HELD] = "port-held",
    [ALERT_CONFIG_REFUSED] = "config-refused",
    [ALERT_MESSAGE_FAILED] = "message-failed",
    [ALERT_MESSAGE_ASIDE] = "message-quarantined",
    [ALERT_INCOMING_UNREAD] = "incoming-unread",
    [ALERT_RESET_AHEAD] = "reset-ahead",
    [ALERT_RECOVERY_FAILED] = "recovery-failed",
    [ALERT_TEST] = "test",
    [ALERT_PROVISION_FAILED] = "provision-failed",
};

static const char *const state_names[] = {[ALERT_FIRING] = "firing", [ALERT_RESOLVED] = "resolved"};

const char *alert_kind_to_string(enum alert_kind kind)
{
        return (unsigned)kind < ALERT_KIND_MAX ? kind_names[kind] : "?";
}

int alert_kind_from_string(const char *text, enum alert_kind *ret_kind)
{
        for (unsigned i = 0; i < ALERT_KIND_MAX; i++)
                if (text_equal(text, kind_names[i])) {
                        *ret_kind = (enum alert_kind)i;
                        return 0;
                }
        return -EINVAL;
}

const char *alert_state_to_string(enum alert_state state)
{
        return (unsigned)state < ARRAY_SIZE(state_names) ? state_names[state] : "?";
}

int alert_state_from_string(const char *text, enum alert_state *ret_state)
{
        for (unsigned i = 0; i < ARRAY_SIZE(state_names); i++)
                if (text_equal(text, state_names[i])) {
                        *ret_state = (enum alert_state)i;
                        return 0;
                }
        return -EINVAL;
}

/* --- pieces --- */

/* `text`, fit for a line of its own, behind what `target` holds already. */
static void add_clean(char *target, size_t size, const char *text)
{
        char clean[ALERT_TEXT_MAX + 4];

        (void)text_clean(clean, sizeof(clean), text);
        (void)text_append(target, size, "%s", clean);
}

static void add_line(char *target, size_t size, const char *label, const char *text)
{
        if (text[0] == '\0')
                return;
        (void)text_append(target, size, "%s: ", label);
        add_clean(target, size, text);
        (void)text_append(target, size, "\n");
}

static const char *headline(const struct alert *alert)
{
        if (alert->kind == ALERT_TEST)
                return "TEST";
        if (alert->state == ALERT_RESOLVED)
                return "RESOLVED";
        switch (alert->severity) {
        case SEVERITY_INFO:
                return "INFO";
        case SEVERITY_WARNING:
                return "WARNING";
        case SEVERITY_CRITICAL:
                break;
        }
        return "CRITICAL";
}

static void format_time(char *target, size_t size, int64_t realtime)
{
        time_t seconds = (time_t)(realtime / (int64_t)USEC_PER_SEC);
        struct tm tm;

        target[0] = '\0';
        if (realtime <= 0 || !gmtime_r(&seconds, &tm) ||
            strftime(target, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                (void)text_copy(target, size, "unknown");
}

/* From `from` to `to`, "" when one is unknown or the wall clock was set back between them. */
static void format_lasted(char *target, size_t size, int64_t from, int64_t to)
{
        target[0] = '\0';
        if (from > 0 && to > from)
                format_duration(target, size, (usec_t)(to - from));
}

static void add_time(char *target, size_t size, const char *label, int64_t realtime, const char *lasted,
                     const char *word)
{
        char time[32];

        format_time(time, sizeof(time), realtime);
        (void)text_append(target, size, "%s: %s", label, time);
        if (lasted[0])
                (void)text_append(target, size, " (%s %s)", word, lasted);
        (void)text_append(target, size, "\n");
}

static void add_times(const struct alert_message *message, char *target, size_t size)
{
        const struct alert *alert = &message->alert;
        char lasted[32];

        format_lasted(lasted, sizeof(lasted), alert->since_realtime, message->at);
        add_time(target, size, "Since", alert->since_realtime, alert->state == ALERT_FIRING ? lasted : "",
                 "for");
        if (alert->until_realtime > 0) {
                format_lasted(lasted, sizeof(lasted), message->at, alert->until_realtime);
                add_time(target, size, "Until", alert->until_realtime,
                         alert->state == ALERT_FIRING ? lasted : "", "in");
        }
        if (alert->state == ALERT_RESOLVED) {
                format_lasted(lasted, sizeof(lasted), alert->since_realtime, alert->ended_realtime);
                add_time(target, size, "Ended", alert->ended_realtime, lasted, "after");
        }
}

/* --- the texts --- */

void alert_title(const struct alert_message *message, char *target, size_t size)
{
        const struct alert *alert = &message->alert;
        char title[ALERT_TEXT_MAX + 128] = "";

        (void)text_append(title, sizeof(title), "%s", headline(alert));
        if (message->host[0])
                (void)text_append(title, sizeof(title), " ");
        add_clean(title, sizeof(title), message->host);
        (void)text_append(title, sizeof(title), ": ");
        add_clean(title, sizeof(title), alert->summary[0] ? alert->summary : alert->key);
        if (alert->count > 1)
                (void)text_append(title, sizeof(title), " (%u times)", alert->count);
        (void)text_clean(target, size, title);
}

void alert_text(const struct alert_message *message, char *target, size_t size)
{
        const struct alert *alert = &message->alert;

        alert_title(message, target, size);
        (void)text_append(target, size, "\n\n");
        add_line(target, size, "Host", message->host);
        add_line(target, size, "Modem", alert->modem);
        add_line(target, size, "Cause", alert->cause);
        add_line(target, size, "Evidence", alert->evidence);
        add_times(message, target, size);
        if (alert->told > 0 && alert->state == ALERT_FIRING)
                (void)text_append(target, size, "Told before: %u times\n", alert->told);
        add_line(target, size, "What to do", alert->next_action);
        (void)text_append(target, size, "\n");
        add_line(target, size, "Alert", alert->key);
        add_line(target, size, "Id", message->id);
}

/* The GSM alphabet has no backtick at all; brackets cost two characters there. */
static char gsm_character(char c)
{
        switch (c) {
        case '`':
                return '\'';
        case '[':
        case '{':
                return '(';
        case ']':
        case '}':
                return ')';
        case '\\':
        case '^':
        case '~':
        case '|':
                return '?';
        default:
                break;
        }
        if (c < 0x20 || c >= 0x7f)
                return '?';
        return c;
}

/* A character of several bytes becomes one '?'. */
static void to_gsm(char *text)
{
        char *to = text;

        for (const char *from = text; *from; from++)
                if (((unsigned char)*from & 0xc0) != 0x80)
                        *to++ = gsm_character(*from);
        *to = '\0';
}

void alert_short_text(const struct alert_message *message, char *target, size_t size)
{
        char text[2 * ALERT_TEXT_MAX + 256], limited[151];

        alert_title(message, text, sizeof(text));
        if (message->alert.next_action[0] && message->alert.state == ALERT_FIRING) {
                (void)text_append(text, sizeof(text), ". ");
                add_clean(text, sizeof(text), message->alert.next_action);
        }
        to_gsm(text);
        (void)text_copy(limited, sizeof(limited), text);
        (void)text_copy(target, size, limited);
}
