/*
 * SMS out of smsd's log, see history.h. What a sender calls himself and what a modem answers stands in these
 * lines: everything is bounded and escaped, and numbers are masked where the reader has no business with
 * them.
 */
#include "history.h"

#include "base/text.h"
#include "collect.h"
#include "core/message_file.h"
#include "core/smsd_log.h"

#include <string.h>

#define PEER_MAX 64

/* --- the end of the log --- */

/* Puts the last part of the file behind what is there, from its first whole line on. */
static int append_tail(struct smsd_log_tail *tail, const char *path)
{
        char *target = tail->text + tail->length;
        size_t length = 0;
        bool whole = false;
        int r = traffic_read_tail(path, target, SMSD_LOG_TAIL_MAX, &length, &whole);

        if (r < 0)
                return r;
        const char *begin = whole ? target : memchr(target, '\n', length);
        size_t cut = whole ? 0 : begin ? (size_t)(begin - target) + 1 : length;
        memmove(target, target + cut, length - cut);
        tail->length += length - cut;
        return 0;
}

void smsd_log_tail_read(struct smsd_log_tail *ret_tail, const struct smsd_conf *conf)
{
        char path[CONFIG_PATH_MAX], old[CONFIG_PATH_MAX + 4];

        *ret_tail = (struct smsd_log_tail){0};
        conf_path(conf, "logfile", "", path, sizeof(path));
        if (path[0] == '\0') {
                ret_tail->error = -ENOENT;
                return;
        }
        ret_tail->text = malloc(2 * SMSD_LOG_TAIL_MAX);
        if (!ret_tail->text) {
                ret_tail->error = -ENOMEM;
                return;
        }
        (void)text_format(old, sizeof(old), "%s.1", path);
        (void)append_tail(ret_tail, old); /* there need not be one */
        ret_tail->error = append_tail(ret_tail, path);
}

void smsd_log_tail_done(struct smsd_log_tail *tail)
{
        free(tail->text);
        *tail = (struct smsd_log_tail){0};
}

bool smsd_log_tail_next(struct smsd_log_tail *tail, const char **ret_line, size_t *ret_length)
{
        if (tail->position == tail->length)
                return false;
        const char *line = tail->text + tail->position;
        const char *end = memchr(line, '\n', tail->length - tail->position);
        if (!end)
                return false; /* what has no end yet is being written */
        *ret_line = line;
        *ret_length = (size_t)(end - line);
        tail->position += *ret_length + 1;
        return true;
}

/* --- one line --- */

/* Who it was to or from: behind `mark`, up to `stop` or the end of the line. */
static void take_peer(const char *text, const char *mark, const char *stop, bool masked, char *target)
{
        const char *begin = strstr(text, mark);

        (void)text_copy(target, PEER_MAX, "?");
        if (!begin)
                return;
        begin += strlen(mark);
        const char *end = stop ? strstr(begin, stop) : NULL;
        size_t length = end ? (size_t)(end - begin) : strlen(begin);
        if (masked)
                message_recipient_mask(target, PEER_MAX, begin, length);
        else
                (void)text_escape(target, PEER_MAX, begin, length);
}

/* ", part 1/2" of "SMS sent (part 1/2), ..." */
static void take_part(const char *text, char *target, size_t size)
{
        const char *begin = strstr(text, "(part ");
        size_t length = begin ? strspn(begin + 6, "0123456789/") : 0;

        target[0] = '\0';
        if (length > 0 && length < 12 && begin[6 + length] == ')')
                (void)text_format(target, size, ", part %.*s", (int)length, begin + 6);
}

static void put_sent(const char *text, bool masked, struct history_entry *entry)
{
        char peer[PEER_MAX], part[32];
        const char *took = strstr(text, ", sending time ");
        size_t digits = took ? strspn(took + 15, "0123456789") : 0;

        take_peer(text, ", To: ", ",", masked, peer);
        take_part(text, part, sizeof(part));
        (void)text_copy(entry->event, sizeof(entry->event), HISTORY_SMS_SENT);
        (void)text_format(entry->message, sizeof(entry->message), "sent to %s%s", peer, part);
        if (digits > 0 && digits < 6)
                (void)text_append(entry->message, sizeof(entry->message), " in %.*ss", (int)digits,
                                  took + 15);
}

static void put_received(const char *text, bool report, bool masked, struct history_entry *entry)
{
        char peer[PEER_MAX], part[32];

        take_peer(text, ", From: ", NULL, masked, peer);
        take_part(text, part, sizeof(part));
        (void)text_copy(entry->event, sizeof(entry->event),
                        report ? HISTORY_SMS_REPORT : HISTORY_SMS_RECEIVED);
        (void)text_format(entry->message, sizeof(entry->message),
                          report ? "delivery report from %s%s" : "received from %s%s", peer, part);
}

static void put_failed(const char *text, bool masked, struct history_entry *entry)
{
        char peer[PEER_MAX];

        take_peer(text, " to ", " failed", masked, peer);
        entry->severity = SEVERITY_WARNING;
        (void)text_copy(entry->event, sizeof(entry->event), HISTORY_SMS_FAILED);
        (void)text_format(entry->message, sizeof(entry->message), "sending to %s failed: smsd gave it up",
                          peer);
}

bool smsd_log_to_entry(const char *line, size_t length, bool masked, struct history_entry *ret_entry)
{
        struct history_entry entry = {.at = traffic_line_time(line, length)};
        struct smsd_log_line parsed;
        char text[1024];

        smsd_log_parse(line, length, &parsed);
        (void)text_copy_n(text, sizeof(text), line, length);
        if (parsed.kind == SMSD_LOG_SENT)
                put_sent(text, masked, &entry);
        else if (parsed.kind == SMSD_LOG_RECEIVED || parsed.kind == SMSD_LOG_REPORT_RECEIVED)
                put_received(text, parsed.kind == SMSD_LOG_REPORT_RECEIVED, masked, &entry);
        else if (parsed.kind == SMSD_LOG_SEND_FAILED)
                put_failed(text, masked, &entry);
        else
                return false;
        if (entry.at <= 0)
                return false;
        (void)text_escape(entry.modem, sizeof(entry.modem), parsed.modem, strlen(parsed.modem));
        *ret_entry = entry;
        return true;
}
